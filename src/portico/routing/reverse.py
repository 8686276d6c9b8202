"""From a template and parameters back to a path that ``tree`` reads the same.

Pure. Which template a name stands for, and the host in front, are the router's.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from portico.errors import RouteNotFound
from portico.http.paths import SEGMENT_SAFE
from portico.routing.template import Literal, Parameter, Rest, Segment, Template

__all__ = ("build_path",)


def build_path(template: Template, params: Mapping[str, object]) -> str:
    """Write the path of ``template`` with ``params``, percent-encoded (RFC 3986 3.3).

    A slash in a parameter becomes ``%2F``; in a ``path`` it stays, and ``%2F`` there stays too.

    Raises ``RouteNotFound`` if parameters are missing or left over, if a converter cannot write
    a value, and if the path would not be read back as these values: a segment ``.`` or ``..``
    (clients take them out), a path that begins with ``//`` (it names a host), text that the
    template cuts elsewhere. No message holds a value.

    >>> from portico.routing.template import parse_template
    >>> build_path(parse_template("/users/{name}/{file:path}"), {"name": "a/b", "file": "x y/z"})
    '/users/a%2Fb/x%20y/z'
    """
    missing = [name for name in template.names if name not in params]
    unexpected = [name for name in params if name not in template.names]
    if missing or unexpected:
        raise _error(template, "; ".join(_complaints(missing, unexpected)))
    path = "".join(f"/{_write(template, segment, params)}" for segment in template.segments)
    if path.startswith("//"):
        raise _error(template, "the path would begin with '//', which names a host")
    if any(segment in {".", ".."} for segment in path.split("/")):
        raise _error(template, "a segment would be '.' or '..', which clients take out")
    return path


def _complaints(missing: list[str], unexpected: list[str]) -> list[str]:
    complaints: list[str] = []
    if missing:
        complaints.append(f"missing: {', '.join(missing)}")
    if unexpected:
        complaints.append(f"not in the template: {', '.join(unexpected)}")
    return complaints


def _write(template: Template, segment: Segment, params: Mapping[str, object]) -> str:
    match segment:
        case Literal(text):
            return _quoted(template, text)
        case Rest():
            text = _formatted(template, segment, params)
            # The tree writes a slash inside a segment as %2F; here it is turned back into one.
            parts = [part.replace("%2F", "/") for part in text.split("/")]
            return "/".join(_quoted(template, part) for part in parts)
        case Parameter():
            return _quoted(template, _formatted(template, segment, params))
        case _:
            pieces = [_formatted(template, p, params) for p in segment.parameters]
            text = segment.literals[0] + "".join(
                piece + literal for piece, literal in zip(pieces, segment.literals[1:], strict=True)
            )
            if segment.split(text) != pieces:
                names = ", ".join(p.name for p in segment.parameters)
                raise _error(template, f"the values would be cut elsewhere when read: {names}")
            return _quoted(template, text)


def _formatted(
    template: Template, parameter: Parameter | Rest, params: Mapping[str, object]
) -> str:
    try:
        text = parameter.converter.format(params[parameter.name])
    except (TypeError, ValueError) as error:
        raise _error(template, f"parameter {parameter.name!r}: {error}") from error
    if not text and isinstance(parameter, Parameter):
        raise _error(template, f"parameter {parameter.name!r}: must not be empty")
    return text


def _quoted(template: Template, text: str) -> str:
    try:
        return quote(text, safe=SEGMENT_SAFE, errors="strict")
    except UnicodeEncodeError:
        raise _error(template, "the path would hold half a surrogate pair") from None


def _error(template: Template, reason: str) -> RouteNotFound:
    return RouteNotFound(f"no path for {template.text!r}: {reason}")
