"""A body that is made while it is sent: from a generator, any iterable, or what makes one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from portico.asgi import Message, Receive, Scope, Send
from portico.errors import ClientDisconnect, Misuse
from portico.http.headers import RawHeaders, encode_headers
from portico.response._streaming import Sending, Source, StreamContent, encode_piece
from portico.response.background import Background, run_background
from portico.response.base import HeadersInput, Response, has_no_content, without_content
from portico.response.writer import ResponseWriter

__all__ = ("StreamingResponse", "Trailers")

Trailers: TypeAlias = HeadersInput | Callable[[], HeadersInput]
"""Fields to follow the body, or a function that gives them when the body has been made."""

_TRAILERS: Final = "http.response.trailers"

# RFC 9110 6.5.1: framing, routing, authentication, response control and content.
_NO_TRAILERS: Final = frozenset(
    b"cache-control connection content-disposition content-encoding content-length content-range "
    b"content-type host keep-alive location retry-after set-cookie te trailer upgrade vary "
    b"www-authenticate".split()
)


class StreamingResponse(Response):
    """A response whose body is sent piece by piece, no faster than the client takes it.

    ``content`` is an asynchronous or a plain iterable of ``str`` (sent as UTF-8) or bytes-like
    pieces, or a function without arguments that gives one. Plain iterables are gone through in a
    worker thread, but for lists and tuples. An iterator can be sent once: doing it again raises
    ``Misuse``. Whatever else is for ``Response`` holds here.

    The start is sent at once. A piece is asked for when the server has taken the one before, in the
    request's task and context. Whatever ends the response, an iterator is closed before this
    returns, also one that was never begun: to HEAD, and with statuses that have no content. If the
    client leaves, an asynchronous iterator is cancelled where it waits. What it raises goes to the
    server, which breaks the connection, so that the client does not take a part for the whole.

    ``trailers`` are fields to follow the body (RFC 9110 6.5), or a function that gives them when
    the last piece has been made. Where the server has no ``http.response.trailers`` they are left
    out.

    Raises ``TypeError`` for a content that is none of these, ``ValueError`` for trailers that say
    how the message is framed, what its content is or who may have it (RFC 9110 6.5.1).

    >>> async def count():
    ...     for number in range(3):
    ...         yield f"{number} "
    >>> StreamingResponse(count, media_type="text/plain")
    <StreamingResponse 200>
    """

    def __init__(
        self,
        content: StreamContent,
        status_code: int = 200,
        headers: HeadersInput | None = None,
        media_type: str | None = None,
        *,
        background: Background | Sequence[Background] | None = None,
        trailers: Trailers | None = None,
    ) -> None:
        self._source: Source = Source(content)
        super().__init__(None, status_code, headers, media_type, background=background)
        self._trailers: Callable[[], RawHeaders] | None = _encoder(trailers)

    def messages(self, method: str = "GET") -> tuple[Message, Message]:
        """Refuse: a stream is more than two messages; call the response."""
        raise Misuse("a stream is more than two messages: await response(scope, receive, send)")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response; that the client has left is not an error."""
        if scope["type"] != "http":
            try:
                await self._refuse(scope, receive, send)
            finally:
                await self._source.drop()
            return
        raw, status = self._raw_headers, int(self.status_code)
        if scope["method"] == "HEAD" or has_no_content(status):
            await self._send_head(send, status)
        else:
            trailers = self._trailers
            start: Message = {"type": "http.response.start", "status": status, "headers": [*raw]}
            if trailers is not None:
                if _TRAILERS in (scope.get("extensions") or {}):
                    start["trailers"] = True
                else:
                    trailers = None
            for name, _ in raw:
                if name == b"content-length":
                    send = ResponseWriter(scope, send).send  # counts
            items = self._source.take()
            await self._sending(scope, receive, send).run(start, items, trailers)
        if self.background is not None:
            await run_background(self.background)

    def _sending(self, scope: Scope, receive: Receive, send: Send) -> Sending:
        return Sending(scope, receive, send, encode_piece)

    async def _send_head(self, send: Send, status: int) -> None:
        await self._source.drop()
        raw = self._raw_headers
        raw = without_content(raw, status) if has_no_content(status) else [*raw]
        try:
            await send({"type": "http.response.start", "status": status, "headers": raw})
            await send({"type": "http.response.body", "body": b""})
        except (OSError, ClientDisconnect):
            pass

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status_code}>"


def _encoder(trailers: Trailers | None) -> Callable[[], RawHeaders] | None:
    if trailers is None:
        return None
    if callable(trailers):
        return lambda: _encoded(trailers())
    fields = _encoded(trailers)
    return lambda: [*fields]


def _encoded(trailers: HeadersInput) -> RawHeaders:
    fields = encode_headers(trailers)
    for name, _ in fields:
        if name in _NO_TRAILERS:
            raise ValueError(f"{name.decode()} counts before the content, it is no trailer")
    return fields
