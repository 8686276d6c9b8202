"""A response in your own hands: start, write, end.

For those who want the state machine; whoever returns a response does not need it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from portico.asgi import Message, Scope, Send
from portico.errors import (
    ClientDisconnect,
    Misuse,
    ResponseAlreadyEnded,
    ResponseAlreadyStarted,
    ResponseNotStarted,
)
from portico.http.fields import check_name, check_value
from portico.http.headers import encode_headers
from portico.response.base import (
    Content,
    HeadersInput,
    content_type_field,
    has_no_content,
    length_field,
)

__all__ = ("ResponseWriter", "check_fields")

_BODY: Final = "http.response.body"
_FILES: Final = ("http.response.pathsend", "http.response.zerocopysend")
"""What may stand in a body's place: ASGI's extensions for files."""


_LEFT: Final = "the client left while the response was sent"


class ResponseWriter:
    """Sends one response piece by piece, and only in the order that HTTP knows.

    ``request.response`` is one. Every method waits until the server has room, so a slow client
    slows the writer and no piece waits in memory. Pieces are ``str`` (sent as UTF-8) or bytes-like.

    To HEAD, and with status 204, 205 or 304, pieces are taken and not sent. If you give a
    ``content-length``, the pieces must add up to it: the one that goes beyond raises ``Misuse``,
    and so does an end before it; then the server breaks the connection, and the client does not
    take a part for the whole.
    """

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send_message: Send = send
        self._has_left: bool = False
        self._is_head: bool = scope.get("method") == "HEAD"
        self._without_content: bool = False
        self._left: int | None = None
        self.is_started: bool = False
        self.is_finished: bool = False

    def writes_to(self, send: Send) -> bool:
        """Tell whether this is the ``send`` that the writer was made with."""
        return self._send_message == send

    def abandon(self) -> None:
        """Take the client for gone: whatever is still to be sent raises ``ClientDisconnect``."""
        self._has_left = True

    async def start(
        self,
        status_code: int = 200,
        headers: HeadersInput | None = None,
        media_type: str | None = None,
    ) -> None:
        """Send the status line and the headers.

        ``media_type`` sets ``content-type`` unless ``headers`` has one. Give a ``content-length``
        if you know it; without one the server frames the body itself.

        Raises ``ResponseAlreadyStarted`` the second time, ``ValueError`` for a status outside 200
        to 599 or a bad header (nothing is sent then), ``ClientDisconnect`` if the client left.
        """
        if not 200 <= status_code <= 599:
            raise ValueError(f"a response's status is 200 to 599, not {status_code}")
        raw = encode_headers(headers)
        if media_type is not None and all(name != b"content-type" for name, _ in raw):
            raw.insert(0, content_type_field(media_type))
        if has_no_content(status_code):
            raw = [pair for pair in raw if pair[0] not in (b"content-length", b"content-type")]
            if status_code == 205:
                raw.append(length_field(0))  # RFC 9110 15.3.6
        await self.send({"type": "http.response.start", "status": int(status_code), "headers": raw})

    async def write(self, data: Content) -> None:
        """Send a piece of the body; an empty piece is not sent.

        Raises ``ResponseNotStarted`` before ``start``, ``ResponseAlreadyEnded`` after ``end``,
        ``ClientDisconnect`` if the client left.
        """
        body = _encode(data)
        if body or not self.is_started or self.is_finished:
            await self.send({"type": _BODY, "body": body, "more_body": True})

    async def end(self, data: Content = b"") -> None:
        """Send the last piece. Once it is sent, calling it again without ``data`` does nothing.

        Raises ``ResponseNotStarted`` before ``start``, ``ResponseAlreadyEnded`` if there is
        ``data`` after the end, ``ClientDisconnect`` if the client left.
        """
        body = _encode(data)
        if body or not self.is_finished:
            await self.send({"type": _BODY, "body": body, "more_body": False})

    async def send(self, message: Message) -> None:
        """Send a raw message in its order; a response that is an ASGI app may be given this."""
        if self._has_left:
            raise ClientDisconnect(_LEFT)
        kind = message["type"]
        if kind == "http.response.start":
            message = self._check_start(message)
        elif kind == _BODY or kind in _FILES:
            self._check_body(message)
            if self._without_content:  # RFC 9110 9.3.2, 15.3.5, 15.3.6, 15.4.5
                if not self.is_finished:
                    return
                message = {"type": _BODY, "body": b"", "more_body": False}
        try:
            await self._send_message(message)
        except OSError as error:
            self._has_left = True
            raise ClientDisconnect(_LEFT) from error

    def _check_start(self, message: Message) -> Message:
        if self.is_started:
            raise ResponseAlreadyStarted("the response has started; its status has left")
        headers = list(message.get("headers", ()))  # ASGI allows any iterable
        check_fields(headers)
        left = _declared_length(headers)
        self._without_content = self._is_head or has_no_content(message["status"])
        self._left = None if self._without_content else left
        self.is_started = True
        return {**message, "headers": headers}

    def _check_body(self, message: Message) -> None:
        if self.is_finished:
            raise ResponseAlreadyEnded("the response has ended; nothing can follow")
        if not self.is_started:
            raise ResponseNotStarted("call start() before the body")
        more: bool = message.get("more_body", False)
        if message["type"] in _FILES:
            self._left = None  # how much that is, the server knows
        elif self._left is not None:
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise Misuse(f"{-self._left} bytes more than the content-length says")
            if self._left and not more:
                raise Misuse(f"{self._left} bytes fewer than the content-length says")
        self.is_finished = not more


def check_fields(raw: Iterable[tuple[bytes, bytes]]) -> None:
    """Refuse header fields that may not be sent, of a message that somebody made by hand.

    Raises ``ValueError`` as ``encode_headers`` does, and for a name that is not in lower case.
    """
    for name, value in raw:
        text = name.decode("latin-1")
        if check_name(text) != name:
            raise ValueError(f"header name {text[:64]!r} is not in lower case, as ASGI wants it")
        check_value(text, value.decode("latin-1"))


def _encode(data: Content) -> bytes:
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, bytes | bytearray | memoryview):  # pyright: ignore[reportUnnecessaryIsInstance]
        return bytes(data)
    raise TypeError(f"a piece of a body is str or bytes, not {type(data).__name__}")


def _declared_length(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    values = [value for name, value in headers if name == b"content-length"]
    if not values:
        return None
    if len(values) > 1 or not values[0].isdigit():
        raise ValueError("a content-length is one number of bytes")
    return int(values[0])
