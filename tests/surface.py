"""Lists every public name of the package, read from its source: ``make surface``.

``tests/public.txt`` holds the list, so a change of the surface is a line in a diff. Source, not
objects, so that the list is the same on every Python.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

__all__ = ("PUBLIC_TXT", "ROOT", "defined", "exported", "is_public", "modules", "surface")

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"
PUBLIC_TXT = Path(__file__).with_name("public.txt")
_TYPE_VARIABLES = {"ParamSpec", "TypeVar", "TypeVarTuple"}


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name; packages by that of their ``__init__``."""
    found: dict[str, Path] = {}
    for path in sorted((SOURCE / "portico").rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def is_public(name: str) -> bool:
    """A module is public unless it or its package starts with ``_``."""
    return not any(part.startswith("_") for part in name.split("."))


def exported(tree: ast.Module) -> tuple[str, ...] | None:
    """What ``__all__`` says; ``None`` if there is none, or if it is no tuple."""
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.Tuple(elts=names)):
                return tuple(ast.literal_eval(name) for name in names)
            case _:
                pass
    return None


def defined(tree: ast.Module) -> set[str]:
    """The public names that a module defines, not those that it imports.

    A type variable counts only if the module exports it.
    """
    names: set[str] = set()
    listed = exported(tree) or ()
    for statement in tree.body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(statement.name)
            case ast.Assign(
                targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id=maker))
            ) if maker in _TYPE_VARIABLES:
                names |= {name} & set(listed)
            case ast.Assign():
                names |= {target.id for target in statement.targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case _:
                pass
    return {name for name in names if not name.startswith("_")}


def surface() -> list[str]:
    """One line for each public name, with its signature or its type."""
    lines: list[str] = []
    for name, path in modules().items():
        tree = ast.parse(path.read_text())
        names = exported(tree)
        if is_public(name) and names:
            lines += [f"{name}.{line}" for line in _lines(tree.body, set(names))]
    return sorted(set(lines))


def _lines(body: list[ast.stmt], names: set[str] | None = None) -> Iterator[str]:
    for statement in body:
        for name, line in _line(statement):
            if name in names if names is not None else not name.startswith("_"):
                yield line
                if isinstance(statement, ast.ClassDef):
                    yield from (f"{name}.{inner}" for inner in _members(statement))


def _line(statement: ast.stmt) -> Iterator[tuple[str, str]]:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            marks = {ast.unparse(mark) for mark in statement.decorator_list}
            if f"{statement.name}.setter" in marks:
                yield statement.name, f"{statement.name}: can be set"
            elif marks & {"property", "cached_property"}:
                yield statement.name, f"{statement.name}: {_annotation(statement.returns)}"
            else:
                yield statement.name, _signature(statement)
        case ast.ClassDef(name=name, bases=bases):
            yield name, f"{name}({', '.join(map(ast.unparse, bases))})"
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
            yield name, f"{name}: {ast.unparse(annotation)}"
        case ast.Assign(targets=[ast.Name(id=name)]):
            yield name, name
        case _:
            pass


def _members(statement: ast.ClassDef) -> Iterator[str]:
    yield from _lines(statement.body)
    for method in statement.body:
        if isinstance(method, ast.FunctionDef) and method.name == "__init__":
            yield _signature(method)
            for inner in ast.walk(method):
                match inner:
                    case ast.AnnAssign(
                        target=ast.Attribute(value=ast.Name(id="self"), attr=name),
                        annotation=annotation,
                    ) if not name.startswith("_"):
                        yield f"{name}: {ast.unparse(annotation)}"
                    case _:
                        pass


def _signature(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    start = "async " if isinstance(function, ast.AsyncFunctionDef) else ""
    arguments = ast.unparse(function.args)
    return f"{function.name}({arguments}) -> {start}{_annotation(function.returns)}"


def _annotation(node: ast.expr | None) -> str:
    return "?" if node is None else ast.unparse(node)


if __name__ == "__main__":  # pragma: no cover - the command behind `make surface`
    PUBLIC_TXT.write_text("\n".join(surface()) + "\n")
    public = [name for name, path in modules().items() if is_public(name) and path.stat().st_size]
    REFERENCE = ROOT / "docs" / "reference.md"
    REFERENCE.write_text(
        "# Reference\n\nEvery public name, from its docstring. `make surface` writes this list.\n\n"
        + "\n\n".join(f"::: {name}" for name in public)
        + "\n"
    )
