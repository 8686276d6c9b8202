"""What may stand between a body and its server: limits of time, and a decoder.

Both are a ``receive`` around another one, put there only where they are asked for.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from typing import final

from portico import _tasks
from portico.asgi import Message, Receive
from portico.connection.body import Body, Pieces
from portico.errors import BodyTimeout, ContentTooLarge
from portico.http.encodings import Decoder, content_coding, make_decoder

__all__ = ("InflatingReceive", "TimedReceive", "decoded_body", "limit_time")


def limit_time(body: Body, idle_timeout_s: float | None, timeout_s: float | None) -> None:
    """Put limits of time on a body, as ``TimedReceive`` says; ``None`` twice leaves it as it is."""
    times = idle_timeout_s, timeout_s
    if times not in (body.times, (None, None)):
        body.limit_time(times, lambda receive: TimedReceive(receive, idle_timeout_s, timeout_s))


def decoded_body(body: Body, fields: Sequence[bytes], accepted: Collection[str]) -> Body:
    """Give the body to read where the request has Content-Encoding ``fields``.

    That is ``body`` itself if no coding was applied, else one that decodes it. Raises
    ``UnsupportedContentEncoding`` for a coding that is not among ``accepted``.
    """
    coding = content_coding(b",".join(fields).decode("latin-1"), accepted)
    if coding is None:
        return body
    if body.decoded is None:
        body.decoded = Body(InflatingReceive(body, coding))
        body.decoded.is_decoded = True
    return body.decoded


@final
class TimedReceive:
    """Gives up on a body that comes too slowly, with ``BodyTimeout`` (408).

    ``idle_timeout_s`` is for the wait for one message, ``timeout_s`` for all of the body, from the
    first wait on. What comes behind the body, the news that the client left, may take its time.
    """

    def __init__(
        self, receive: Receive, idle_timeout_s: float | None, timeout_s: float | None
    ) -> None:
        self._receive: Receive = receive
        self._idle_timeout_s: float | None = idle_timeout_s
        self._timeout_s: float | None = timeout_s
        self._deadline: float | None = None
        self._is_complete: bool = False
        self._passed_s: float | None = None  # the limit that was passed

    async def __call__(self) -> Message:
        """Receive a message."""
        if self._is_complete:
            return await self._receive()
        limit_s, left_s = self._next_limit()
        if self._passed_s is None:
            taken: list[Message] = []
            with _tasks.open_scope(timeout_s=left_s):
                taken.append(await self._receive())
            for message in taken:
                self._is_complete = not message.get("more_body", False)
                return message
            self._passed_s = limit_s
        # What came at the last moment is lost: nobody may read on.
        raise BodyTimeout(self._passed_s)

    def _next_limit(self) -> tuple[float, float]:
        """Give the limit that will be passed first, and what is left of it."""
        idle_s = math.inf if self._idle_timeout_s is None else self._idle_timeout_s
        if self._timeout_s is None:
            return idle_s, idle_s
        now = _tasks.now()
        if self._deadline is None:
            self._deadline = now + self._timeout_s
        left_s = max(self._deadline - now, 0)
        return (idle_s, idle_s) if idle_s < left_s else (self._timeout_s, left_s)


@final
class InflatingReceive:
    """Gives the decoded content of a body that came in a content coding."""

    def __init__(self, body: Body, coding: str) -> None:
        self._body: Body = body
        self._decoder: Decoder = make_decoder(coding)
        self._pieces: Pieces | None = None
        self._decoded: Iterator[bytes] = iter(())
        self._is_complete: bool = False

    async def __call__(self) -> Message:
        """Receive a message: content in pieces of up to 64 KiB."""
        if self._is_complete:
            return await self._body.receive()
        if self._pieces is None:
            self._pieces = self._body.pieces()
        try:
            while True:
                for piece in self._decoded:
                    return {"type": "http.request", "body": piece, "more_body": True}
                data = await self._pieces.next()
                if not data:
                    self._decoder.close()
                    self._is_complete = True
                    return {"type": "http.request", "body": b"", "more_body": False}
                self._decoded = self._decoder.feed(data)
        except ContentTooLarge as error:
            self._body.overrun = self._body.overrun or error
            raise
