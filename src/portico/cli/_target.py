"""From ``module:app`` on the command line to an ASGI application, or to a line that helps.

Four forms: ``module:app``, ``module:create_app()``, ``module`` (its ``app``), and a path,
``path/to/file.py:app``. Modules are looked for in the current directory first.
"""

from __future__ import annotations

import inspect
import json
import os
import pkgutil
import re
import sys
import traceback
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Final, NamedTuple, cast

from portico.asgi import ASGIApp
from portico.cli._routes import apps_in

__all__ = ("Target", "TargetError", "create_app", "hand_over", "load", "parse_target")

TARGET_VARIABLE: Final = "PORTICO_TARGET"
"""The environment variable that tells a server's worker processes what to load."""

_SHAPE: Final = re.compile(r"(?P<module>[^:]+)(?::(?P<attribute>[\w.]+)(?P<call>\(\))?)?")


class TargetError(Exception):
    """The target cannot be served.

    ``str(error)`` is one line, ``hint`` another that says what to do, ``details`` the
    traceback of the target's own error; the latter two may be ``""``.
    """

    def __init__(self, message: str, *, hint: str = "", details: str = "") -> None:
        super().__init__(message)
        self.hint: str = hint
        self.details: str = details


class Target(NamedTuple):
    """Where an application is found.

    ``folder`` is the absolute directory put first on ``sys.path``; ``attribute`` may be dotted;
    ``is_factory`` says that it is called, without arguments, to get the application. ``debug``
    switches the debug page on in every ``App`` of it.
    """

    folder: str
    module: str
    attribute: str = "app"
    is_factory: bool = False
    debug: bool = False

    def __str__(self) -> str:
        return f"{self.module}:{self.attribute}{'()' if self.is_factory else ''}"


def parse_target(text: str, *, factory: bool = False, debug: bool = False) -> Target:
    """Read a target as it is typed; nothing is imported.

    Raises ``TargetError`` if it has none of the four forms, or names a file that is not there.

    >>> str(parse_target("shop.web:create_app()"))
    'shop.web:create_app()'
    >>> parse_target("shop").attribute
    'app'
    """
    place, attribute, call = _split(text)
    if not (place.endswith(".py") or "/" in place or os.sep in place):
        return Target(str(Path.cwd()), place, attribute, factory or call, debug)
    folder, module = _module_of_file(Path(place))
    return Target(folder, module, attribute, factory or call, debug)


def load(target: Target) -> ASGIApp:
    """Import the target, call it if it is a factory, and make sure that it is an ASGI application.

    Raises ``TargetError`` for a module or attribute that is not there, for an error in the
    module or the factory, and for an object that is no ASGI application.
    """
    if target.folder not in sys.path:
        sys.path.insert(0, target.folder)
    module = _import(target)
    app = _attribute(module, target)
    if target.is_factory:
        app = _call(app, target)
    fault, hint = _fault(app)
    if fault:
        raise TargetError(f"{target} is no ASGI application: it {fault}", hint=hint)
    if target.debug:
        for each in apps_in(app):
            each.debug = True
    return cast("ASGIApp", app)  # _fault has looked at it


def hand_over(target: Target) -> None:
    """Leave the target to the processes that a server will start: they call ``create_app``."""
    os.environ[TARGET_VARIABLE] = json.dumps(target)


def create_app() -> ASGIApp:
    """Load what ``hand_over`` left: the one factory that every server is given."""
    return load(Target(*json.loads(os.environ[TARGET_VARIABLE])))


def _split(text: str) -> tuple[str, str, bool]:
    if text.endswith(".py"):  # a path alone; on Windows it may hold a colon
        return text, "app", False
    drive, rest = (text[:2], text[2:]) if re.match(r"[A-Za-z]:[\\/]", text) else ("", text)
    match = _SHAPE.fullmatch(rest)
    if match is None:
        raise TargetError(
            f"cannot read the target {text!r}",
            hint="write module:app, module:create_app(), module, or path/to/file.py:app",
        )
    return drive + match["module"], match["attribute"] or "app", match["call"] is not None


def _module_of_file(path: Path) -> tuple[str, str]:
    path = path.absolute()
    if not path.is_file():
        names = [entry.name for entry in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise TargetError(f"there is no file {path}", hint=_nearest(path.name, names))
    names, folder = [path.stem], path.parent
    while (folder / "__init__.py").is_file():  # a module of a package knows its siblings by it
        names.insert(0, folder.name)
        folder = folder.parent
    if names[-1] == "__init__" and len(names) > 1:
        names.pop()
    return str(folder), ".".join(names)


def _import(target: Target) -> ModuleType:
    try:
        return import_module(target.module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{target.module}.".startswith(f"{error.name}."):
            raise _no_module(target, error.name) from None
        raise _own_error(target, error) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is the module's, and is shown
        raise _own_error(target, error) from None


def _no_module(target: Target, missing: str) -> TargetError:
    parent, _, name = missing.rpartition(".")
    places: Iterable[str] = [target.folder]
    if parent:
        spec = find_spec(parent)
        places = spec.submodule_search_locations or () if spec else ()
    beside = [f"{parent}.{info.name}".lstrip(".") for info in pkgutil.iter_modules(list(places))]
    where = f"the package {parent}" if parent else target.folder
    hint = _nearest(missing, beside) or f"modules are looked for in {target.folder} first"
    return TargetError(f"there is no module {name!r} in {where}", hint=hint)


def _attribute(module: ModuleType, target: Target) -> object:
    found: object = module
    for name in target.attribute.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            apps = [key for key, value in vars(module).items() if _is_named_app(key, value)]
            near = _nearest(target.attribute, [key for key in vars(module) if key[0] != "_"])
            known = f"applications in it: {', '.join(apps)}" if apps else near
            message = f"the module {target.module} has no attribute {target.attribute!r}"
            raise TargetError(message, hint=known or "it holds no ASGI application") from None
    return found


def _call(factory: object, target: Target) -> object:
    if not callable(factory):
        raise TargetError(
            f"{target.module}:{target.attribute} is no factory: it cannot be called",
            hint="leave out --factory and ()",
        )
    try:
        return factory()
    except Exception as error:  # noqa: BLE001 - it is the factory's, and is shown
        raise _own_error(target, error) from None


def _own_error(target: Target, error: BaseException) -> TargetError:
    report = traceback.TracebackException.from_exception(error)
    report.stack = traceback.StackSummary.from_list(
        frame
        for frame in report.stack
        if frame.filename != __file__ and "importlib" not in frame.filename
    )
    message = f"{target} raised {type(error).__name__} while it was loaded"
    return TargetError(message, details="".join(report.format()))


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, sorted(known), n=1)
    return f"did you mean {near[0]}?" if near else ""


def _is_named_app(name: str, value: object) -> bool:
    if name.startswith("_") or not callable(value) or _fault(value)[0]:
        return False
    return next(iter(_parameters(value) or ()), "") == "scope"


def _fault(app: object) -> tuple[str, str]:
    """Say why this is no ASGI 3 application, and what to do; ``("", "")`` if it is one."""
    kind = type(app).__name__
    if inspect.ismodule(app):
        return "is a module", f"name the application in it: {app.__name__}:app"
    if inspect.iscoroutine(app):
        app.close()
        return "is a coroutine", "a factory must be a plain function, not async"
    if isinstance(app, type) and not hasattr(app, "__await__"):
        return f"is the class {app.__name__}", "make an instance of it, and name that"
    if not callable(app):
        return f"is of type {kind}, which cannot be called", ""
    names = _parameters(app)
    if names is None or len(names) == 3:
        return "", ""
    hint = {
        0: "if it makes the application, add () or --factory",
        1: "if it is a handler, add it to an App and name the App",
        2: "it may be a WSGI application, which needs a WSGI server or an adapter",
    }.get(len(names), "")
    count = {0: "no arguments", 1: "1 argument"}.get(len(names), f"{len(names)} arguments")
    return f"takes {count}, where scope, receive and send are passed", hint


def _parameters(app: Callable[..., object]) -> list[str] | None:
    """Name what a call must or may pass by position; ``None`` if that cannot be said."""
    try:
        parameters = inspect.signature(app).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    by_position = [p for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    required = [p.name for p in by_position if p.default is p.empty]
    return [p.name for p in by_position[:3]] if len(required) <= 3 <= len(by_position) else required
