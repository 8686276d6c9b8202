"""Server-sent events as a response."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Sequence
from typing import Any, ClassVar, Final

import msgspec

from portico import _stopping, _tasks
from portico._race import Race
from portico.asgi import Message, Receive, Scope, Send
from portico.codec import encode_json
from portico.connection.disconnect import hear_disconnect
from portico.errors import ClientDisconnect
from portico.http.headers import RawHeaders
from portico.http.sse import ServerSentEvent, format_data, format_event
from portico.response._streaming import BODY, TURNS, Items, Sending, StreamContent, from_memory
from portico.response.background import Background
from portico.response.base import HeadersInput
from portico.response.stream import StreamingResponse

__all__ = ("EventSourceResponse", "encode_event")

_PING_INTERVAL_S: Final = 15.0  # proxies wait a minute or so for the next byte
_PING: Final = b": ping\n\n"


def encode_event(item: object) -> bytes:
    r"""Make an event of an item: text is data, a ``ServerSentEvent`` itself, other values are JSON.

    ``bytes`` are events that were written already. Raises ``TypeError`` for a value that JSON has
    not, ``ValueError`` for text with lone surrogates.

    >>> encode_event({"price": 7})
    b'data: {"price":7}\n\n'
    """
    if isinstance(item, ServerSentEvent):
        data = item.data
        if data is not None and not isinstance(data, str):
            item = msgspec.structs.replace(item, data=encode_json(data).decode())
        return format_event(item)
    if isinstance(item, str):
        return format_data(item)
    if isinstance(item, bytes):
        return item
    return format_data(encode_json(item).decode())


class EventSourceResponse(StreamingResponse):
    """A stream of server-sent events (WHATWG HTML 9.2), for ``EventSource`` in browsers and others.

    ``content`` is as for ``StreamingResponse``, of items that ``encode_event`` takes: ``str``,
    ``ServerSentEvent``, or values that are sent as JSON. After each ``ping_interval`` seconds of
    silence a comment is sent, so that no proxy takes the connection for dead (``None``: never).
    ``error_event`` makes the last item of the exception that the content has raised, which is
    raised to the server all the same.

    The headers say ``cache-control: no-store`` and ``x-accel-buffering: no`` unless they are given.
    Raises ``ValueError`` for an interval that is not positive, and what ``StreamingResponse`` does.

    >>> response = EventSourceResponse(["ready"])
    >>> response.headers["content-type"]
    'text/event-stream; charset=utf-8'
    """

    media_type: ClassVar[str | None] = "text/event-stream"

    def __init__(
        self,
        content: StreamContent,
        status_code: int = 200,
        headers: HeadersInput | None = None,
        *,
        ping_interval: float | None = _PING_INTERVAL_S,
        error_event: Callable[[Exception], object] | None = None,
        background: Background | Sequence[Background] | None = None,
    ) -> None:
        super().__init__(content, status_code, headers, background=background)
        self.headers.setdefault("cache-control", "no-store")
        self.headers.setdefault("x-accel-buffering", "no")
        if ping_interval is not None and not ping_interval > 0:
            raise ValueError("ping_interval is a number of seconds, or None for no pings")
        self.ping_interval: float | None = ping_interval
        self.error_event: Callable[[Exception], object] | None = error_event

    def _sending(self, scope: Scope, receive: Receive, send: Send) -> Sending:
        return _EventSending(scope, receive, send, self.ping_interval, self.error_event)


class _EventSending(Sending):
    """Sends events, and pings in between from the task that listens."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        ping_interval: float | None,
        error_event: Callable[[Exception], object] | None,
    ) -> None:
        super().__init__(scope, receive, send, encode_event)
        self._ping_interval: float | None = ping_interval
        self._error_event: Callable[[Exception], object] | None = error_event
        self._pinged: _tasks.Event | None = None
        self._clock: Callable[[], float] | None = None
        self._sent_at: float = 0.0
        self._is_sending: bool = True
        self._is_stopped: bool = False

    async def run(
        self, start: Message, items: Items, trailers: Callable[[], RawHeaders] | None = None
    ) -> None:
        await super().run(start, items, trailers)
        if self._is_stopped:
            await self._end(None)  # the client comes back by itself, to another process

    async def _send_items(self, iterator: AsyncIterable[Any]) -> bool:
        self._is_sending = False
        try:
            return await self._send_events(iterator)
        except Exception as error:
            if self._error_event is not None and not isinstance(error, ClientDisconnect):
                await self._send_events(from_memory([self._error_event(error)]))
            raise

    async def _send_events(self, iterator: AsyncIterable[Any]) -> bool:
        turns = TURNS
        async for item in iterator:
            turns -= 1
            if not turns:
                turns = TURNS
                await _tasks.checkpoint()
            event = encode_event(item)
            self._is_sending = True
            if self._pinged is not None:
                await self._pinged.wait()
            send = self._send
            try:
                await send({"type": BODY, "body": event, "more_body": True})
            except (OSError, ClientDisconnect):
                return False
            self._is_sending = False
            if self._clock is not None:
                self._sent_at = self._clock()
        return True

    async def _end(self, trailers: RawHeaders | None) -> None:
        self._is_sending = True
        if self._pinged is not None:
            await self._pinged.wait()
        await super()._end(trailers)

    async def _listen(self, race: Race) -> None:
        with _stopping.told(lambda _: self._stop(race)):
            interval = self._ping_interval
            if interval is None:
                if await hear_disconnect(self._scope, self._receive):
                    self._leave(race)
            elif await self._listen_and_ping(interval):
                self._leave(race)

    def _stop(self, race: Race) -> None:
        if not self._is_ending:
            self._is_stopped = True
            race.interrupt()

    async def _listen_and_ping(self, interval: float) -> bool:
        """Wait until the client has left; false if that cannot be heard, and all is said."""
        clock = self._clock = _tasks.clock()
        self._sent_at = clock()
        can_hear = True
        while not self._is_ending:
            with _tasks.open_scope(timeout_s=self._sent_at + interval - clock()):
                if can_hear and await hear_disconnect(self._scope, self._receive):
                    return True
                can_hear = False
                await _tasks.make_event().wait()
            if self._is_sending:
                self._sent_at = clock()  # a slow client is no silence
            elif clock() - self._sent_at >= interval:
                if not await self._send_ping():
                    return True
                self._sent_at = clock()
        return False

    async def _send_ping(self) -> bool:
        self._pinged = pinged = _tasks.make_event()
        try:
            return await self._deliver({"type": BODY, "body": _PING, "more_body": True})
        finally:
            self._pinged = None
            pinged.set()
