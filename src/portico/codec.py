"""JSON (RFC 8259) and MessagePack: one ``encode`` and one ``decode`` for each, over msgspec.

``decode_form`` makes typed values of the fields of a form.

What a peer sent wrongly is ``BadInput`` (400) if it is malformed and ``InvalidData`` (422) if
it is well formed but not of the type that was asked for; what a caller cannot encode is a
``TypeError``. Nesting is bounded by the interpreter's recursion limit and answered with 400.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final, TypeVar, overload

import msgspec
import msgspec.inspect

from portico.errors import BadInput, InvalidData

__all__ = ("decode_form", "decode_json", "decode_msgpack", "encode_json", "encode_msgpack")

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


def decode_form(fields: Iterable[tuple[str, object]], type: object) -> Any:
    """Decode the fields of a form into ``type``: a Struct, dataclass, TypedDict or ``dict``.

    Text becomes numbers, booleans (``true``, ``false``, ``1``, ``0``), dates and so on, as the type
    says. A field of ``type`` that is a list, a set or a tuple takes every value of its name, any
    other exactly one. Values that are no text (files) are taken as they are.

    Raises ``InvalidData`` (422) with the path of the field that does not fit.

    >>> decode_form([("id", "7"), ("tag", "a"), ("tag", "b")], dict[str, int | list[str]])
    {'id': 7, 'tag': ['a', 'b']}
    """
    several = _several(type)
    values: dict[str, Any] = {}
    for name, value in fields:
        if name in several:
            values.setdefault(name, []).append(value)
        elif name not in values:
            values[name] = value
        elif isinstance(values[name], list):
            values[name].append(value)
        else:
            values[name] = [values[name], value]
    try:
        return msgspec.convert(values, type, strict=False)
    except msgspec.ValidationError as error:
        raise _missing(str(error)) or _invalid(str(error)) from None


# Decoders are made once for each type: that costs more than decoding with one.
@lru_cache(maxsize=512)
def _json_decoder(type: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type)


@lru_cache(maxsize=512)
def _msgpack_decoder(type: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(type)


_COLLECTIONS: Final = (
    msgspec.inspect.ListType,
    msgspec.inspect.SetType,
    msgspec.inspect.FrozenSetType,
    msgspec.inspect.TupleType,
    msgspec.inspect.VarTupleType,
)


@lru_cache(maxsize=512)
def _several(type: Any) -> frozenset[str]:
    """Name the fields of ``type`` that take several values."""
    fields = getattr(msgspec.inspect.type_info(type), "fields", ())
    return frozenset(field.encode_name for field in fields if _is_collection(field.type))


def _is_collection(info: msgspec.inspect.Type) -> bool:
    if isinstance(info, msgspec.inspect.UnionType):  # as in ``list[int] | None``
        return any(_is_collection(member) for member in info.types)
    return isinstance(info, _COLLECTIONS)


def _missing(message: str) -> InvalidData | None:
    """Name the field itself that is missing, not what it is missing in."""
    before, found, name = message.partition("Object missing required field `")
    if before or not found:
        return None
    return InvalidData(f"$.{name.partition('`')[0]}", "Required, but not there")


# A text that was handed over may hold half a surrogate pair, which is no UTF-8 either.
_FAILURES: Final = (msgspec.DecodeError, UnicodeError, RecursionError)


def _explained(error: Exception, data: bytes | str, type: object, name: str) -> BadInput:
    """Say what is wrong with ``data`` without showing it."""
    if isinstance(error, msgspec.ValidationError):
        if type is Any:  # a number that no Python type here can hold
            return BadInput("body", "a number is out of range")
        return _invalid(str(error))
    if isinstance(error, UnicodeError):
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
