"""Pages that show a developer an exception nobody handled: HTML for browsers, text for terminals.

For development alone: source lines and variables are in the HTML page. It runs nothing, loads
nothing and has no script. What looks secret by its name is masked, everything is escaped, and what
cannot be shown never hides the exception itself.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Collection, Iterable, Iterator
from html import escape
from itertools import islice
from traceback import walk_tb
from types import FrameType
from typing import Any, Final, NamedTuple, TypeGuard, cast

from portico.connection.base import HTTPConnection
from portico.http._controls import visible
from portico.http.accept import Accept
from portico.http.headers import Headers
from portico.response.base import Response

__all__ = ("exception_html", "exception_response", "exception_text")

_MASK: Final = "********"

# Limits: a page is read by a person, and a deep recursion over large values must not fill memory.
_MAX_ERRORS: Final = 10
_MAX_FRAMES: Final = 60
_MAX_FRAMES_OF_ONE: Final = 30
_MAX_VARIABLES: Final = 30
_MAX_ITEMS: Final = 12
_MAX_VALUE: Final = 400
_MAX_INNER_VALUE: Final = 60
_MAX_INNER_ITEMS: Final = 6
_MAX_DEPTH: Final = 3
_MAX_LINE: Final = 200
_MAX_MESSAGE: Final = 4000
_MAX_FACTS: Final = 200
_LINES_AROUND: Final = 5

_WORDS: Final = (
    "passw|passphrase|pwd|secret|token|authoriz|auth(?!or)|cookie|session|credential|signature|csrf"
    "|private"
)
_SECRET_NAME: Final = re.compile(f"{_WORDS}|key", re.IGNORECASE)
# The same in running text, where "key" alone would hit too much ("KeyError: ...").
_SECRET_IN_TEXT: Final = re.compile(
    rf"""
    ( (?: {_WORDS} | [_-]key | \b(?:api)?key\b | [?&](?:code|sig)\b ) [\w.-]{{0,40}}
      (?: \\{{0,3}}["']?\s{{0,9}}[:=]\s{{0,9}} | ["']\s{{0,9}},\s{{0,9}}(?=b?["']) )
    )
    (?: (?:bearer|basic|digest)\s{{1,9}}[^\s,;"']+
      | b?\\{{0,3}} (?: "(?:[^"\\]|\\.)*"? | '(?:[^'\\]|\\.)*'? )
      | [^\s,;&)}}\]>"']+ )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_USERINFO: Final = re.compile(r"(?<=://)[^\s/@'\"]+@")

_BRACKETS: Final = {dict: "{}", list: "[]", tuple: "()", set: "{}", frozenset: "{}"}

_LIBRARIES: Final = (
    linecache.__file__.removesuffix("linecache.py"),
    __file__.removesuffix("debug.py"),
    "<frozen ",
)


class _Section(NamedTuple):
    """One exception: how it is related to the one before, its frames (the last call first)."""

    relation: str
    error: BaseException
    frames: list[tuple[FrameType, int]]
    left_out: int


def exception_text(error: BaseException, *, method: str, path: str) -> str:
    """Show ``error`` as plain text: types, messages, places and the lines there.

    The last call is first. Causes, contexts and the members of groups follow. Control
    characters are written as escapes, so a terminal obeys none of them.

    >>> print(exception_text(ValueError("no"), method="GET", path="/"))
    500 Internal Server Error: GET /
    <BLANKLINE>
    ValueError: no
    <BLANKLINE>
    """
    try:
        text = "\n".join(_text_lines(error, method, path))
    except Exception as failure:  # noqa: BLE001  # never hide the first
        text = _fallback(error, failure)
    return _encodable(text)


def exception_html(error: BaseException, *, request_lines: Iterable[tuple[str, str]]) -> str:
    """Show ``error`` as an HTML page: what ``exception_text`` has, more source, and variables.

    ``request_lines`` are names and values that describe the request; both are masked and escaped
    here. Frames of your own code are open, those of libraries folded. The page is a few hundred
    kilobytes at most, for any recursion and any value.

    >>> "<h1>no &lt;b&gt;</h1>" in exception_html(ValueError("no <b>"), request_lines=[])
    True
    """
    try:
        page = _page(error, request_lines)
    except Exception as failure:  # noqa: BLE001  # never hide the first
        page = f"<!doctype html><title>Error</title><pre>{escape(_fallback(error, failure))}</pre>"
    return _encodable(page)


def exception_response(error: BaseException, request: HTTPConnection[Any]) -> Response:
    """Answer 500 with ``exception_html`` if the client prefers HTML, else with ``exception_text``.

    The response is not stored by caches, and a browser that keeps to its Content-Security-Policy
    loads and runs nothing for it.
    """
    headers = {
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
        "vary": "accept",
        "x-content-type-options": "nosniff",
    }
    accept = Accept.parse(", ".join(Headers(request.scope["headers"]).getall("accept", ["*/*"])))
    if accept.best_match(("text/plain", "text/html")) == "text/html":
        page = exception_html(error, request_lines=_request_lines(request))
        return Response(page, 500, headers, "text/html; charset=utf-8")
    scope = request.scope
    text = exception_text(error, method=scope.get("method", ""), path=scope.get("path", ""))
    return Response(text, 500, headers, "text/plain; charset=utf-8")


# The exception


def _sections(error: BaseException) -> Iterator[_Section]:
    """Give ``error`` and what it is related to, each once."""
    room, seen = _MAX_FRAMES, set[int]()
    waiting = [("", error)]
    while waiting and len(seen) < _MAX_ERRORS:
        relation, current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        frames = list(walk_tb(current.__traceback__))[::-1]
        fit = min(_MAX_FRAMES_OF_ONE, room)
        left_out = max(0, len(frames) - fit)
        # Both ends of a recursion tell more than its middle: two thirds of the last calls.
        kept = (
            frames if not left_out else frames[: fit - fit // 3] + frames[len(frames) - fit // 3 :]
        )
        room -= len(kept)
        yield _Section(relation, current, kept, left_out)
        if current.__cause__ is not None:
            waiting.append(("It was caused by", current.__cause__))
        elif current.__context__ is not None and not current.__suppress_context__:
            waiting.append(("It was raised while handling", current.__context__))
        if _is_group(current):
            several = current.exceptions
            waiting.extend(
                (f"Number {at} of {len(several)} in the group", several[at - 1])
                for at in range(min(len(several), _MAX_ERRORS), 0, -1)
            )


def _is_group(error: BaseException) -> TypeGuard[BaseExceptionGroup[BaseException]]:
    return isinstance(error, BaseExceptionGroup)


def _message(error: BaseException) -> str:
    try:
        text = str(error)
        notes: list[object] = getattr(error, "__notes__", [])
        text = "\n".join([text, *map(str, notes)])
    except Exception as failure:  # noqa: BLE001  # of their own making
        text = f"(its text cannot be shown: {type(failure).__name__})"
    return _hide(_cut(text, _MAX_MESSAGE))


def _source(frame: FrameType, line: int, around: int) -> list[tuple[int, str]]:
    """Give the numbered lines around ``line``, as far as there are any."""
    filename = frame.f_code.co_filename
    try:
        linecache.checkcache(filename)
        lines = linecache.getlines(filename, frame.f_globals)
    except Exception:  # noqa: BLE001  # a loader of their own making
        return []
    first = max(line - around, 1)
    return [
        (number, _cut(text.rstrip("\r\n"), _MAX_LINE))
        for number, text in enumerate(lines[first - 1 : line + around], first)
    ]


def _is_library(filename: str) -> bool:
    return (
        filename.startswith(_LIBRARIES)
        or "site-packages" in filename
        or "dist-packages" in filename
    )


# Values


def _variables(frame: FrameType) -> Iterator[tuple[str, str]]:
    found = frame.f_locals
    names = [name for name in found if not name.startswith("__")]
    for name in names[:_MAX_VARIABLES]:
        yield name, _MASK if _is_secret(name) else _value(found[name])
    if len(names) > _MAX_VARIABLES:
        yield "", f"and {len(names) - _MAX_VARIABLES} more"


def _value(value: object) -> str:
    return _hide(_cut(_show(value, _MAX_DEPTH), _MAX_VALUE))


def _show(value: object, depth: int) -> str:
    """Write a value as ``repr`` does, but never at length, and with what is secret masked."""
    kind: type = type(value)
    try:
        if isinstance(value, str | bytes | bytearray):
            most = _MAX_VALUE if depth == _MAX_DEPTH else _MAX_INNER_VALUE
            return repr(value[:most]) + ("..." if len(value) > most else "")
        if kind not in _BRACKETS:
            return repr(value)
        return _show_several(value, _BRACKETS[kind], depth) if depth else "..."
    except Exception as failure:  # noqa: BLE001  # of the value's own making
        return f"<{kind.__name__}: its repr failed with {type(failure).__name__}>"


def _show_several(value: object, brackets: str, depth: int) -> str:
    most = _MAX_ITEMS if depth == _MAX_DEPTH else _MAX_INNER_ITEMS
    several = cast("Collection[object]", value)
    first = list(islice(several, most))
    if isinstance(value, dict):
        pairs = cast("dict[object, object]", value)
        items = [f"{_show(k, depth - 1)}: {_show_field(k, pairs[k], depth)}" for k in first]
    else:
        items = [_show(item, depth - 1) for item in first]
        if type(value) is tuple and len(items) == 2:  # a header field, or an item of a mapping
            items[1] = _show_field(first[0], first[1], depth)
    if len(several) > most:
        items.append(f"and {len(several) - most} more")
    return brackets[0] + ", ".join(items) + brackets[1]


def _show_field(name: object, value: object, depth: int) -> str:
    text = name.decode("latin-1") if isinstance(name, bytes) else name
    return repr(_MASK) if isinstance(text, str) and _is_secret(text) else _show(value, depth - 1)


def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _hide(text: str) -> str:
    """Mask what a text itself calls a secret, and the user part of URLs."""
    return _USERINFO.sub(f"{_MASK}@", _SECRET_IN_TEXT.sub(rf"\1{_MASK}", text))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}... ({len(text) - most} characters more)"


def _encodable(text: str) -> str:
    """Write lone surrogates and control characters as escapes."""
    return visible(text).encode("utf-8", "backslashreplace").decode()


# The request


def _request_lines(request: HTTPConnection[Any]) -> Iterator[tuple[str, str]]:
    """Name what a scope holds, without parsing it: the error may be in the request itself."""
    scope = request.scope
    for key in ("method", "path", "query_string", "http_version", "scheme", "client", "server"):
        value = scope.get(key)
        if value is not None:
            fact = _fact(value)
            if key == "query_string":  # as behind a path: there "code" is a secret too
                fact = _hide(f"?{fact}")[1:]
            yield key.replace("_", " "), fact
    for name, value in scope.get("headers", ()):
        yield _fact(name), _fact(value)


def _fact(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


# The pages


def _fallback(error: BaseException, failure: Exception) -> str:
    return f"{type(error).__name__} (this page could not be made: {type(failure).__name__})"


def _text_lines(error: BaseException, method: str, path: str) -> Iterator[str]:
    yield f"500 Internal Server Error: {_cut(method, _MAX_LINE)} {_cut(path, _MAX_LINE)}"
    for section in _sections(error):
        yield ""
        if section.relation:
            yield f"{section.relation}:\n"
        yield f"{type(section.error).__name__}: {_message(section.error)}"
        for frame, line in section.frames:
            yield f"  {frame.f_code.co_filename}:{line} in {frame.f_code.co_qualname}"
            for _, text in _source(frame, line, 0):
                yield f"    {text.strip()}"
        if section.left_out:
            yield f"  ... {section.left_out} calls left out"
    yield ""


def _page(error: BaseException, request_lines: Iterable[tuple[str, str]]) -> str:
    sections = "".join(map(_section, _sections(error)))
    facts = _table(
        (name, _MASK if _is_secret(name) else _hide(_cut(value, _MAX_VALUE)))
        for name, value in islice(request_lines, _MAX_FACTS)
    )
    title = escape(type(error).__name__)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head>\n<body><main>{sections}"
        f"<section><h2>Request</h2>{facts}</section></main>\n"
        "<footer>You see this page because the app runs with <code>debug=True</code>."
        " Never do that where others can reach it.</footer></body></html>\n"
    )


def _section(section: _Section) -> str:
    own = [not _is_library(frame.f_code.co_filename) for frame, _ in section.frames]
    if own and not any(own):
        own[0] = True  # where it happened is worth seeing, whosoever code it is
    frames = "".join(
        _frame(frame, line, is_open=is_open)
        for (frame, line), is_open in zip(section.frames, own, strict=True)
    )
    heading = "h2" if section.relation else "h1"
    relation = f'<p class="relation">{escape(section.relation)}</p>' if section.relation else ""
    left_out = f"<p>... {section.left_out} calls left out</p>" if section.left_out else ""
    return (
        f'<section>{relation}<p class="kind">{escape(type(section.error).__name__)}</p>'
        f"<{heading}>{escape(_message(section.error))}</{heading}>"
        f"{'<p>The last call first.</p>' if frames else ''}{frames}{left_out}</section>\n"
    )


def _frame(frame: FrameType, line: int, *, is_open: bool) -> str:
    code = frame.f_code
    lines = "".join(
        f"<{tag}><i>{number}</i> {escape(text)}</{tag}>"
        for number, text in _source(frame, line, _LINES_AROUND)
        for tag in ("mark" if number == line else "span",)
    )
    return (
        f"<details{' open' if is_open else ''}><summary><b>{escape(code.co_qualname)}</b>"
        f" <span>{escape(code.co_filename)}:{line}</span></summary>"
        f"{f'<pre>{lines}</pre>' if lines else ''}{_table(_variables(frame))}</details>"
    )


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f"<table>{cells}</table>" if cells else ""


_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --mark: #ffc40055; --loud: #b3261e }
@media (prefers-color-scheme: dark) { :root { --loud: #ff8a80 } }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem; font: 1rem/1.5 system-ui, sans-serif }
h1, h2 { margin: 0 0 1rem; font-size: 1.5rem; white-space: pre-wrap; overflow-wrap: anywhere }
.kind { margin: 0; color: var(--loud); font-weight: 600 }
.relation { border-top: 1px solid var(--line); padding-top: 1rem }
details { margin: .5rem 0; border: 1px solid var(--line); border-radius: .4rem; overflow: hidden }
summary { padding: .4rem .8rem; background: var(--soft); cursor: pointer; overflow-wrap: anywhere }
section { margin-bottom: 2.5rem } summary span, footer { opacity: .75 }
pre, code, table, summary { font: .85rem/1.5 ui-monospace, monospace }
pre { margin: 0; padding: .6rem 0; overflow-x: auto; tab-size: 4 }
pre > * { display: block; padding: 0 .8rem; color: inherit; background: none; width: max-content;
  min-width: calc(100% - 1.6rem) }
pre > mark { background: var(--mark) }
pre i { display: inline-block; min-width: 3em; opacity: .6; font-style: normal; user-select: none }
table { width: 100%; border-collapse: collapse; table-layout: fixed }
th, td { border-top: 1px solid var(--line); padding: .2rem .8rem; text-align: left;
  vertical-align: top; overflow-wrap: anywhere; white-space: pre-wrap }
th { width: min(14rem, 35%); font-weight: 600 }
"""
