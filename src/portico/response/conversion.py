"""What a handler may return, and the response that is made of it. The only place that does."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Coroutine, Generator, Mapping
from dataclasses import is_dataclass
from types import NoneType
from typing import Final, cast

import msgspec

from portico.response.base import HeadersInput, Response
from portico.response.data import JSONResponse
from portico.response.text import PlainTextResponse

__all__ = ("MAKERS", "to_response")

MAKERS: Final[dict[type, Callable[..., Response]]] = {
    str: PlainTextResponse,
    bytes: PlainTextResponse,
    dict: JSONResponse,
    list: JSONResponse,
    int: JSONResponse,
    float: JSONResponse,
    bool: JSONResponse,
    NoneType: JSONResponse,
}
"""The response of a value whose very type is one of these; what the most handlers return."""


def to_response(value: object) -> Response:
    """Make a response of what a handler returned.

    ================================================== ============================
    a ``Response``                                     itself
    ``str``, ``bytes``                                 ``text/plain``
    ``dict list int float bool None``, Structs,        JSON
    dataclasses
    ``(status, value)``, ``(status, value, headers)``  the value with that status
    ================================================== ============================

    ``None`` with 204, 205 or 304 is an empty body. Raises ``TypeError`` for anything else, and what
    ``JSONResponse`` does for a value that JSON cannot hold.

    >>> to_response((201, {"id": 7}, {"location": "/notes/7"})).headers["location"]
    '/notes/7'
    """
    maker = MAKERS.get(type(value))
    if maker is not None:
        return maker(value)
    if isinstance(value, Response):
        return value
    if type(value) is tuple:  # a NamedTuple is no such pair
        return _from_tuple(cast("tuple[object, ...]", value))
    return _maker(value)(value)


def _maker(value: object) -> Callable[..., Response]:
    maker = MAKERS.get(type(value))
    if maker is not None:
        return maker
    if isinstance(value, (str, bytes)):
        return PlainTextResponse
    if isinstance(value, (dict, list, int, float, msgspec.Struct)) or (
        is_dataclass(value) and not isinstance(value, type)
    ):
        return JSONResponse
    if isinstance(value, Coroutine):
        value.close()  # what nobody awaits would warn
        raise TypeError("a handler returned a coroutine: await it and return what it gives")
    kind = type(value).__name__
    if isinstance(value, AsyncIterable | Generator):
        raise TypeError(
            f"a handler returned {kind}: a body that comes in pieces is sent by a StreamingResponse"
        )
    raise TypeError(
        f"a handler returned {kind}, of which no response can be made; return a "
        "Response, str, bytes, a JSON value, or (status, value) or (status, value, headers)"
    )


def _from_tuple(value: tuple[object, ...]) -> Response:
    if len(value) not in (2, 3) or not isinstance(value[0], int) or isinstance(value[0], bool):
        raise TypeError("a handler's tuple is (status, value) or (status, value, headers)")
    status, content, *rest = value
    headers = rest[0] if rest else None
    if headers is not None and not isinstance(headers, (Mapping, list)):
        raise TypeError("the third of (status, value, headers) is a mapping or a list of pairs")
    if isinstance(content, Response):
        raise TypeError("a Response has its own status; return it alone")
    if content is None and status in (204, 205, 304):
        return Response(None, status, cast("HeadersInput | None", headers))
    return _maker(content)(content, status, headers)
