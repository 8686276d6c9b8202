"""One sending of a stream: the start, the pieces, the end, and whatever comes in between."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Mapping
from itertools import islice
from types import AsyncGeneratorType
from typing import Any, Final, TypeAlias, TypeVar, cast

from portico import _stopping, _tasks
from portico._race import CLEANUP_S, Race, race
from portico.asgi import Message, Receive, Scope, Send
from portico.connection.disconnect import hear_disconnect
from portico.errors import ClientDisconnect, Misuse
from portico.http.headers import RawHeaders

__all__ = (
    "BODY",
    "TURNS",
    "Items",
    "Sending",
    "Source",
    "StreamContent",
    "encode_piece",
    "from_memory",
    "iterate_in_thread",
)

_T = TypeVar("_T")

Items: TypeAlias = AsyncIterable[Any] | Iterable[Any]
"""An asynchronous or a plain iterable."""

StreamContent: TypeAlias = Items | Callable[[], Items]
"""What a stream is made of: an iterable, or a function that gives one for each sending."""

TURNS: Final = 128
"""So many pieces follow each other before other tasks get a turn, if nothing ever waits."""

BODY: Final = "http.response.body"

_log: Final = logging.getLogger("portico.stream")


class Source:
    """What a stream is made of; shared by the copies of a response. Raises ``TypeError``."""

    def __init__(self, content: StreamContent) -> None:
        kind: type = type(content)
        is_whole = issubclass(kind, str | bytes | bytearray | memoryview | Mapping)
        if is_whole or not (_is_iterable(content) or callable(content)):
            raise TypeError(f"a stream is made of an iterable, not of {kind.__name__}")
        self._content: StreamContent = content
        self._is_iterator: bool = _is_iterator(content)
        self._is_taken: bool = False

    def take(self) -> Items:
        """Give what to send; raises ``Misuse`` for an iterator the second time."""
        content = self._content
        if self._is_iterator:
            if self._is_taken:
                raise Misuse(
                    "this stream was sent already: an iterator is gone through once; hand over a"
                    " function that makes one"
                )
            self._is_taken = True
        elif not _is_iterable(content):
            content = cast("Callable[[], Items]", content)()
            if not _is_iterable(content):
                raise TypeError(f"the function gave {type(content).__name__}, not an iterable")
        return cast("Items", content)

    async def drop(self) -> None:
        """Close what was not taken, because it is not to be sent."""
        if self._is_iterator and not self._is_taken:
            await _close(self.take())


class Sending:
    """Sends a stream to one client; ``encode`` makes bytes of an item, or fails."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, encode: Callable[[Any], bytes]
    ) -> None:
        self._scope: Scope = scope
        self._receive: Receive = receive
        self._send: Send = send
        self._encode: Callable[[Any], bytes] = encode
        self._is_ending: bool = False

    async def run(
        self, start: Message, items: Items, trailers: Callable[[], RawHeaders] | None = None
    ) -> None:
        """Send all of it, or until the client leaves; raises what making it raises."""
        await race(self._work(start, items, trailers), self._listen)

    # The one who sends, in the request's task

    async def _work(
        self, start: Message, items: Items, trailers: Callable[[], RawHeaders] | None
    ) -> None:
        iterator: AsyncIterable[Any] | None = None
        is_closed = False
        try:
            if not await self._deliver(start):
                return
            iterator = _iterate(items)
            if not await self._send_items(iterator):
                return
            is_closed = isinstance(iterator, AsyncGeneratorType)
            fields = None if trailers is None else trailers()
            await self._end(fields)
        except ClientDisconnect:
            return  # raised by what the items are made of: the request's body
        except GeneratorExit:
            is_closed = True  # this coroutine is closed: it may not wait for anything
            raise
        finally:
            if not is_closed:
                if iterator is not None:
                    await _close(iterator)
                if iterator is not items:  # which was not begun, perhaps
                    await _close(items)

    async def _send_items(self, iterator: AsyncIterable[Any]) -> bool:
        """Send each item; false if the client has left."""
        turns = TURNS
        async for item in iterator:
            turns -= 1
            if not turns:
                turns = TURNS
                await _tasks.checkpoint()
                if self._send is _send_to_nobody:  # a bare checkpoint of trio's is not cancelled
                    return False
            body = item if type(item) is bytes else self._encode(item)
            if not body:
                continue
            send = self._send  # a plain look-up: Python 3.11 is slow to find what it is to call
            try:
                await send({"type": BODY, "body": body, "more_body": True})
            except (OSError, ClientDisconnect):  # ASGI HTTP 2.4
                return False
        return True

    async def _end(self, trailers: RawHeaders | None) -> None:
        self._is_ending = True
        if await self._deliver({"type": BODY, "body": b"", "more_body": False}) and trailers:
            await self._deliver(
                {"type": "http.response.trailers", "headers": trailers, "more_trailers": False}
            )

    async def _deliver(self, message: Message) -> bool:
        """Send a message; false if the client has left."""
        try:
            await self._send(message)
        except (OSError, ClientDisconnect):
            return False
        return True

    # The one who listens, in a task of its own

    async def _listen(self, race: Race) -> None:
        clock = _tasks.clock()

        def bound(seconds: float) -> None:
            scope.deadline = clock() + seconds

        with _tasks.open_scope() as scope, _stopping.told(bound):
            if not await hear_disconnect(self._scope, self._receive):
                await _tasks.make_event().wait()
        if scope.cancelled_caught:
            _log.warning("a stream was cut off, because the application stops")
        self._leave(race)

    def _leave(self, race: Race) -> None:
        if not self._is_ending:
            self._send = _send_to_nobody  # if the items do not end when they are cancelled
            race.interrupt()


async def _send_to_nobody(message: Message) -> None:
    raise ClientDisconnect("the client has left")


def _is_iterable(content: object) -> bool:
    return hasattr(content, "__aiter__") or hasattr(content, "__iter__")


def _is_iterator(content: object) -> bool:
    return hasattr(content, "__anext__") or hasattr(content, "__next__")


def _iterate(items: Items) -> AsyncIterable[Any]:
    if hasattr(items, "__aiter__"):
        return cast("AsyncIterable[Any]", items).__aiter__()
    if isinstance(items, (list, tuple)):
        return from_memory(cast("Iterable[Any]", items))
    plain: Any = items
    return iterate_in_thread(plain)


async def from_memory(items: Iterable[Any]) -> AsyncGenerator[Any, None]:
    """Iterate over what is there already."""
    for item in items:
        yield item


async def iterate_in_thread(
    iterable: Iterable[_T], *, limiter: _tasks.ThreadLimiter = _tasks.HANDLER_THREADS
) -> AsyncGenerator[_T, None]:
    """Go through ``iterable`` with each step in a worker thread.

    A generator is closed, in a thread too, when this one is: hold it with ``aclosing``.
    """
    iterator = await _tasks.run_in_thread(iter, iterable, limiter=limiter)
    close: object = getattr(iterator, "close", None)

    def step() -> list[_T]:
        return list(islice(iterator, 1))

    try:
        while item := await _tasks.run_in_thread(step, limiter=limiter):
            yield item[0]
    finally:
        if callable(close):
            with _tasks.open_scope(shield=True):
                await _tasks.run_in_thread(close, limiter=limiter)


async def _close(iterator: object) -> None:
    """Close an iterator, also while this is cancelled; one that takes too long is cut off."""
    if not _is_iterator(iterator):
        return
    with _tasks.open_scope(timeout_s=CLEANUP_S, shield=True) as scope:
        aclose: Callable[[], Awaitable[object]] | None = getattr(iterator, "aclose", None)
        close: Callable[[], object] | None = getattr(iterator, "close", None)
        if aclose is not None:
            await aclose()
        elif close is not None:
            await _tasks.run_in_thread(close)
    if scope.cancelled_caught:
        _log.warning("the items of a stream did not close within %g s", CLEANUP_S)


def encode_piece(piece: object) -> bytes:
    """Encode text as UTF-8; raises ``TypeError`` for what is neither text nor bytes."""
    if isinstance(piece, str):
        return piece.encode()
    if isinstance(piece, bytes | bytearray | memoryview):
        return bytes(cast("bytes | bytearray | memoryview", piece))
    raise TypeError(f"a piece of a stream is str or bytes, not {type(piece).__name__}")
