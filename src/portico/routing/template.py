"""Path templates: ``/items/{id:int}`` to segments.

Pure. A template is written decoded and compared with decoded segments; its literal text is never
a regular expression. Which of several templates wins is decided in ``tree``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from portico.routing.converters import CONVERTERS, Converter, ConverterFactory, RegexConverter

__all__ = ("Literal", "Mixed", "Parameter", "Rest", "Segment", "Template", "parse_template")

_TOKEN: Final = re.compile(r"[^{}/]+|\{\{|\}\}|[{}/]")
_QUOTED: Final = r'"[^"]*"|' + r"'[^']*'"
_CALL: Final = re.compile(rf"([A-Za-z_][A-Za-z0-9_]*)(?:\(((?:[^()\"']|{_QUOTED})*)\))?")
_ARGUMENT: Final = re.compile(
    rf"[ ]*(?:([A-Za-z_][A-Za-z0-9_]*)[ ]*=)?[ ]*({_QUOTED}|[^,\"'=]*[^,\"'= ])[ ]*(?:,|$)"
)


@dataclass(frozen=True, slots=True)
class Literal:
    """A segment that is compared as it stands."""

    text: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A segment, or a part of one, that a converter reads."""

    name: str
    converter: Converter[Any]


@dataclass(frozen=True, slots=True)
class Rest:
    """A parameter that takes one or more whole segments; ``None`` if nobody reads it."""

    name: str
    converter: Converter[Any]
    is_read: bool = True


@dataclass(frozen=True, slots=True)
class Mixed:
    """A segment of literal text and parameters, as in ``{name}.{ext}``.

    ``literals`` has one more element than ``parameters``: the text before, between and after
    them. The first and the last may be empty.
    """

    literals: tuple[str, ...]
    parameters: tuple[Parameter, ...]

    def split(self, text: str) -> list[str] | None:
        """Cut a segment into the parameters' texts, none of them empty; None if it does not fit.

        Literals are looked for from the right, so the first parameter takes the most. One pass,
        whatever the text.

        >>> parse_template("/{name}.{ext}").segments[0].split("archive.tar.gz")
        ['archive.tar', 'gz']
        """
        first, *between, last = self.literals
        if not (text.startswith(first) and text.endswith(last)):
            return None
        start, end = len(first), len(text) - len(last)
        pieces: list[str] = []
        for literal in reversed(between):
            at = text.rfind(literal, start + 1, max(end - 1, 0))
            if at < 0:
                return None
            pieces.append(text[at + len(literal) : end])
            end = at
        if end <= start:
            return None
        pieces.append(text[start:end])
        pieces.reverse()
        return pieces

    def parse(self, text: str) -> list[object] | None:
        """Read a segment into the parameters' values; None if it does not fit.

        Raises ``ValueError`` if a converter refuses its part.
        """
        pieces = self.split(text)
        if pieces is None:
            return None
        return [p.converter.parse(piece) for p, piece in zip(self.parameters, pieces, strict=True)]


Segment: TypeAlias = Literal | Parameter | Mixed | Rest
"""What stands between two slashes of a template."""


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template: ``text`` as written, ``segments``, and the parameters' ``names``."""

    text: str
    segments: tuple[Segment, ...]
    names: tuple[str, ...]

    def __str__(self) -> str:
        return self.text

    def literals(self) -> list[str]:
        """Give the text of each segment that is nothing but text."""
        return [segment.text for segment in self.segments if isinstance(segment, Literal)]


def parse_template(text: str, converters: Mapping[str, ConverterFactory] | None = None) -> Template:
    """Parse a path template.

    ``{name}`` is a parameter, ``{name:int}`` and ``{name:int(min=1)}`` one with a converter,
    ``{name:[0-9a-f]{4}}`` one with a regular expression; ``{{`` and ``}}`` are literal braces.
    Several parameters may share a segment if text stands between them. ``converters`` are known by
    name in addition to ``CONVERTERS``, and before them.

    Raises ``ValueError`` with the template, the position (counted from 0) and what to do.

    >>> parse_template("/items/{id:int}.{ext}").names
    ('id', 'ext')
    >>> parse_template("/items/{id:int(max=x)}")
    Traceback (most recent call last):
    ValueError: template '/items/{id:int(max=x)}', position 7: needs int, not str
    """
    if text and not text.startswith("/"):
        raise _error(text, 0, "must begin with '/' (or be empty)")
    if text.startswith("//"):
        raise _error(text, 1, "must not begin with '//': a link to it would name another host")
    known = {**CONVERTERS, **(converters or {})}
    segments: list[Segment] = []
    names: list[str] = []
    for start, parts in _split(text, known):
        segments.append(_segment(text, start, parts))
        for part in parts:
            if isinstance(part, Parameter):
                if part.name in names:
                    raise _error(text, start, f"the name {part.name!r} is taken; choose another")
                names.append(part.name)
    return Template(text, tuple(segments), tuple(names))


def _split(
    text: str, known: Mapping[str, ConverterFactory]
) -> Iterator[tuple[int, list[str | Parameter]]]:
    """Give each segment's start and parts: literal text (braces unescaped) and parameters."""
    at, start, parts = 1, 1, list[str | Parameter]()
    while at < len(text):
        token = _TOKEN.match(text, at)
        found = token[0] if token else ""
        if found == "/":
            yield start, parts
            start, parts = at + 1, []
        elif found == "{":
            end = _closing(text, at)
            parts.append(_parameter(text, at, text[at + 1 : end], known))
            found = text[at : end + 1]
        elif found == "}":
            raise _error(text, at, "this brace was not opened; write '}}' for a literal one")
        else:
            literal = found[0] if found in {"{{", "}}"} else found
            if parts and isinstance(parts[-1], str):
                literal = f"{parts.pop()}{literal}"
            parts.append(literal)
        at += len(found)
    if text:
        yield start, parts


def _closing(text: str, at: int) -> int:
    """Find the brace that closes the one at ``at``; those of a regular expression balance."""
    depth, here = 0, at
    while here < len(text):
        match text[here]:
            case "\\":
                here += 1
            case "{":
                depth += 1
            case "}":
                depth -= 1
            case _:
                pass
        if depth == 0:
            return here
        here += 1
    raise _error(text, at, "this brace is never closed; write '{{' for a literal one")


def _parameter(text: str, at: int, inside: str, known: Mapping[str, ConverterFactory]) -> Parameter:
    name, colon, spec = inside.partition(":")
    if not name.isidentifier():
        raise _error(text, at, f"a parameter's name is an identifier, not {name!r}")
    if colon and not spec:
        raise _error(text, at, f"a converter must follow the colon; write '{{{name}}}' for text")
    call = _CALL.fullmatch(spec or "str")
    word, listed = call.groups() if call else ("", spec)
    if call and word not in known:
        others = ", ".join(sorted(known))
        hint = f"a regular expression needs brackets: '{{{name}:({spec})}}'"
        raise _error(text, at, f"no converter {word!r}; known are {others} ({hint})")
    try:
        if call is None:
            return Parameter(name, RegexConverter(spec))
        positional, named = _arguments(listed or "")
        return Parameter(name, known[word](*positional, **named))
    except (TypeError, ValueError) as error:
        raise _error(text, at, str(error)) from error


def _arguments(listed: str) -> tuple[list[str], dict[str, int | float | str]]:
    """Read ``red, "light green", min=1``: numbers only where there is a name to them."""
    positional: list[str] = []
    named: dict[str, int | float | str] = {}
    at = 0
    while at < len(listed):
        found = _ARGUMENT.match(listed, at)
        if found is None:
            raise ValueError("arguments are 'word', '\"quoted text\"' or 'name=value', with commas")
        name, value = found.groups()
        if name is None:
            positional.append(value[1:-1] if value[0] in "\"'" else value)
        elif name in named:
            raise ValueError(f"the argument {name!r} is given twice")
        else:
            named[name] = _value(value)
        at = found.end()
    return positional, named


def _value(text: str) -> int | float | str:
    if text[0] in "\"'":
        return text[1:-1]
    if re.fullmatch(r"-?[0-9]{1,100}", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?[0-9]{1,100}\.[0-9]{1,100}", text) else text


def _segment(text: str, start: int, parts: list[str | Parameter]) -> Segment:
    literals, parameters = [""], list[Parameter]()
    for part in parts:
        if isinstance(part, str):
            literals[-1] = part
            continue
        if parameters and not literals[-1]:
            raise _error(text, start, f"put text between {parameters[-1].name!r} and {part.name!r}")
        if part.converter.multi_segment and len(parts) > 1:
            raise _error(text, start, f"{part.name!r} takes whole segments: let it stand alone")
        parameters.append(part)
        literals.append("")
    match parameters:
        case []:
            return Literal(literals[0])
        case [Parameter(name, converter)] if len(parts) == 1:
            return Rest(name, converter) if converter.multi_segment else parameters[0]
        case _:
            return Mixed(tuple(literals), tuple(parameters))


def _error(text: str, at: int, reason: str) -> ValueError:
    return ValueError(f"template {text!r}, position {at}: {reason}")
