"""JSON (RFC 8259) and MessagePack: one ``encode`` and one ``decode`` for each, over msgspec.

What a peer sent wrongly is ``BadInput`` (400) if it is malformed and ``InvalidData`` (422) if
it is well formed but not of the type that was asked for; what a caller cannot encode is a
``TypeError``. Nesting is bounded by the interpreter's recursion limit and answered with 400.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, TypeVar, overload

import msgspec

from portico.errors import BadInput, InvalidData

__all__ = ("decode_json", "decode_msgpack", "encode_json", "encode_msgpack")

T = TypeVar("T")

encode_json: Final[Callable[[object], bytes]] = msgspec.json.Encoder().encode
"""Encode a value as compact JSON in UTF-8; ``nan`` and infinities become ``null``.

Takes what msgspec takes: the builtin types, Structs, dataclasses, attrs classes, TypedDicts,
enums, dates, UUIDs, Decimals. Raises ``TypeError`` for anything else, ``UnicodeEncodeError``
(a ``ValueError``) for text with lone surrogates.

>>> encode_json({"café": [1, 2.5, None, True]}).decode()
'{"café":[1,2.5,null,true]}'
"""

encode_msgpack: Final[Callable[[object], bytes]] = msgspec.msgpack.Encoder().encode
"""Encode a value as MessagePack; takes and raises what ``encode_json`` does."""

_decode_any_json: Final[Callable[[bytes | str], Any]] = msgspec.json.Decoder().decode
_decode_any_msgpack: Final[Callable[[bytes], Any]] = msgspec.msgpack.Decoder().decode


@overload
def decode_json(data: bytes | str) -> Any: ...
@overload
def decode_json(data: bytes | str, type: type[T]) -> T: ...
@overload
def decode_json(data: bytes | str, type: object) -> Any: ...
def decode_json(data: bytes | str, type: object = Any) -> Any:
    """Decode JSON, into ``type`` if one is given (any type that msgspec knows).

    Raises ``BadInput`` (400) if ``data`` is empty, not JSON, not UTF-8 or nested too deep, and
    ``InvalidData`` (422) with the path of the value if it does not fit ``type``. Of members with
    the same name the last one counts (RFC 8259 4 leaves it open).

    >>> decode_json(b'{"id": 7}')
    {'id': 7}
    >>> decode_json(b'{"id": "x"}', dict[str, int])
    Traceback (most recent call last):
    portico.errors.InvalidData: 422 $[...]: Expected `int`, got `str`
    """
    decode = _decode_any_json if type is Any else _json_decoder(type).decode
    try:
        return decode(data)
    except _FAILURES as error:
        raise _explained(error, data, type, "JSON") from None


@overload
def decode_msgpack(data: bytes) -> Any: ...
@overload
def decode_msgpack(data: bytes, type: type[T]) -> T: ...
@overload
def decode_msgpack(data: bytes, type: object) -> Any: ...
def decode_msgpack(data: bytes, type: object = Any) -> Any:
    r"""Decode MessagePack, into ``type`` if one is given; raises what ``decode_json`` does.

    >>> decode_msgpack(b"\x93\x01\x02\x03", list[int])
    [1, 2, 3]
    """
    decode = _decode_any_msgpack if type is Any else _msgpack_decoder(type).decode
    try:
        return decode(data)
    except _FAILURES as error:
        raise _explained(error, data, type, "MessagePack") from None


# Decoders are made once for each type: that costs more than decoding with one.
@lru_cache(maxsize=512)
def _json_decoder(type: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type)


@lru_cache(maxsize=512)
def _msgpack_decoder(type: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(type)


_FAILURES: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def _explained(error: Exception, data: bytes | str, type: object, name: str) -> BadInput:
    """Say what is wrong with ``data`` without showing it."""
    if isinstance(error, msgspec.ValidationError):
        if type is Any:  # a number that no Python type here can hold
            return BadInput("body", "a number is out of range")
        return _invalid(str(error))
    if isinstance(error, UnicodeDecodeError):
        return BadInput("body", "has text that is not UTF-8")
    if isinstance(error, RecursionError):
        return BadInput("body", "is nested too deep")
    return BadInput("body", f"is not valid {name}" if data else f"is empty, {name} was expected")


# What msgspec's messages begin with where they go on with a piece of the body.
_TELLING: Final = {
    "Invalid enum value": "Not one of the allowed values",
    "Invalid value": "Not one of the allowed values",
    "Object contains unknown field": "Object contains an unknown field",
}


def _invalid(message: str) -> InvalidData:
    reason, found, place = message.removesuffix("`").rpartition(" - at `")
    if not found:
        reason, place = message, "$"
    for start, harmless in _TELLING.items():
        if message.startswith(start):
            reason = harmless
    if place.startswith("key` in `"):
        reason, place = f"A key: {reason}", place.removeprefix("key` in `")
    return InvalidData(place, reason)
