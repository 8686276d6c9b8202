"""One message of a channel: text or bytes, and how it travels as a backend's payload."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeVar, overload

from portico.codec import decode_json, encode_json

__all__ = ("ChannelMessage", "decode_payload", "encode_payload")

_T = TypeVar("_T")

_TEXT: Final = b"t"
_BINARY: Final = b"b"


class ChannelMessage(NamedTuple):
    """What was published on a channel; one object for all subscribers of a process."""

    channel: str

    data: str | bytes
    """Text as it was published, or the JSON of a value; bytes as they were published."""

    @overload
    def json(self) -> Any: ...
    @overload
    def json(self, type: type[_T]) -> _T: ...
    @overload
    def json(self, type: object) -> Any: ...
    def json(self, type: object = Any) -> Any:
        """Decode ``data`` as JSON, into ``type`` if one is given; a new value for each call.

        Raises ``BadInput`` if it is not JSON, ``InvalidData`` if it does not fit ``type``.

        >>> ChannelMessage("news", '{"id":7}').json()
        {'id': 7}
        """
        return decode_json(self.data, type)


def encode_payload(message: object) -> bytes:
    """Encode ``str`` as text, ``bytes`` as they are, anything else as the text of its JSON.

    Raises ``TypeError`` for a value that ``encode_json`` does not take, ``ValueError`` for text
    with lone surrogates.

    >>> encode_payload({"id": 7}), encode_payload("hi"), encode_payload(b"hi")
    (b't{"id":7}', b'thi', b'bhi')
    """
    if isinstance(message, str):
        return _TEXT + message.encode()
    if isinstance(message, bytes | bytearray | memoryview):
        return _BINARY + message
    return _TEXT + encode_json(message)


def decode_payload(payload: bytes) -> str | bytes:
    """Give what ``encode_payload`` encoded. Raises ``ValueError`` for what it did not."""
    kind, data = payload[:1], payload[1:]
    if kind == _TEXT:
        return data.decode()
    if kind == _BINARY:
        return data
    raise ValueError("no payload of a hub")
