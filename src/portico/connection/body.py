"""The body of a request: once, in pieces or whole, with a limit, and the news that the peer left.

One ``Body`` is shared by all who look at the same scope, so a middleware and a handler can both
read it. Whoever waits for the peer to leave reads ahead, and what it reads is kept for the reader.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable
from enum import Enum
from typing import Final, Protocol, TypeAlias, final

from portico import _tasks
from portico.asgi import Message, Receive, Scope
from portico.errors import BadInput, BodyConsumed, ClientDisconnect, ContentTooLarge, Misuse

__all__ = (
    "BODY",
    "INHERIT",
    "LIMIT",
    "MAX_BODY_BYTES",
    "Body",
    "Inherit",
    "KeptWithBody",
    "Limit",
    "MakeWatch",
    "Pieces",
    "Times",
    "Watch",
    "close_body",
)

BODY: Final = "portico.body"
"""The scope's key for the shared ``Body``."""

LIMIT: Final = "portico.max_body_bytes"
"""The scope's key for the limit of the app, router or route."""

MAX_BODY_BYTES: Final = 10 * 1024 * 1024
"""The most that a body read whole may have, unless app, router, route or call say otherwise."""

_READ_AHEAD_BYTES: Final = 64 * 1024
"""What ``poll`` may hold for a reader that has not come yet."""


_CONSUMED: Final = "the body was streamed or closed; call body() before stream() to read it twice"


class Inherit(Enum):
    """The type of ``INHERIT``."""

    INHERIT = "inherit"


INHERIT: Final = Inherit.INHERIT
"""No limit was given here: the one above counts. ``None`` is no limit at all."""

Limit: TypeAlias = int | Inherit | None
"""A limit as callers give it: a number, ``INHERIT``, or ``None`` for none."""


Watch: TypeAlias = Callable[[bytes | bytearray], None]
"""Looks at what has come of a body, and raises if that must not go on."""

MakeWatch: TypeAlias = Callable[[], Watch]

Times: TypeAlias = tuple[float | None, float | None]
"""Seconds that a piece of a body may take, and all of it; ``None`` for ever."""


class KeptWithBody(Protocol):
    """What was made of a body and is to be closed when its request is over."""

    async def close(self) -> None:
        """Let go of it; may be repeated."""
        ...


class Body:
    """Reads ``http.request`` messages from ``receive``.

    ``expected_bytes`` is the request's Content-Length, if it has one: a body that ends before it
    is not taken as whole (RFC 9112 8), and one that says to be over a limit is refused unread.

    Any number of tasks may read and wait at once; each piece is taken once and kept for its reader.
    Once the limit of all was passed, every reader fails with ``overrun``.
    """

    # How most bodies begin; class attributes, because setting them would cost on each.
    _held: bytes | bytearray = b""
    _whole: bytes | None = None
    _seen_bytes: int = 0
    _receiving: bool = False
    _arrival: _tasks.Event | None = None
    _is_given: bool = False
    _is_dropped: bool = False
    is_complete: bool = False
    is_consumed: bool = False
    is_disconnected: bool = False
    overrun: BadInput | None = None
    decoded: Body | None = None
    is_decoded: bool = False
    form: KeptWithBody | None = None
    times: Times = (None, None)
    _served: Receive | None = None

    def __init__(self, receive: Receive, expected_bytes: int | None = None) -> None:
        self._receive: Receive = receive
        self.expected_bytes: int = expected_bytes or 0

    def serves(self, receive: Receive) -> bool:
        """Tell whether this is the body of who was given ``receive``.

        It is not if middleware has put a ``receive`` of its own in place (to count or to inflate)
        and nothing was taken yet from the one that this body was made with.
        """
        return (
            receive in (self._receive, self.receive, self._served)
            or self._receiving
            or self._seen_bytes > 0
            or self.is_complete
            or self.is_disconnected
        )

    async def read(
        self,
        max_bytes: int | None,
        make_watch: MakeWatch | None = None,
        *,
        is_readers_own: bool = False,
    ) -> bytes:
        """Read the whole body; kept, so a second call costs nothing.

        A limit that ``is_readers_own`` refuses this reader alone, another may take more.
        ``make_watch`` makes who may refuse a body of several messages: called with all that is
        held, each time that more has come. What it raises is raised here.

        Raises ``ContentTooLarge`` over ``max_bytes``, ``ClientDisconnect`` if the peer left before
        the end, ``BadInput`` if it ended early, ``BodyConsumed`` after ``stream``.
        """
        watch: Watch | None = None
        while (whole := self._whole) is None:
            # What ``_refuse`` looks at, here: a call less for nearly every body.
            if self.overrun is not None or (
                max_bytes is not None and not self.expected_bytes <= max_bytes >= self._seen_bytes
            ):
                self._refuse(max_bytes, self.expected_bytes, is_readers_own=is_readers_own)
            if make_watch is not None and self._held and not self.is_complete:
                watch = watch or make_watch()
                watch(self._held)
            if self.is_consumed:
                raise BodyConsumed(_CONSUMED)
            if self.is_complete and self._seen_bytes >= self.expected_bytes:
                self._whole, self._held = bytes(self._held), b""
            elif self.is_complete or self.is_disconnected:
                raise self._cut_short()
            elif self._receiving:
                await self._wait_arrival()
            else:  # as _fetch does; a coroutine less for nearly every body
                self._receiving = True
                try:
                    self._take(await self._receive())
                finally:
                    self._receiving = False
                    if self._arrival is not None:
                        self._tell_arrival()
        if self.overrun is not None or (max_bytes is not None and len(whole) > max_bytes):
            self._refuse(max_bytes, len(whole), is_readers_own=is_readers_own)
        return whole

    def pieces(self, max_bytes: int | None = None) -> Pieces:
        """Begin to read the body in pieces; nothing is kept. Raises what ``read`` does."""
        if self._whole is not None:
            self._refuse(max_bytes, len(self._whole))
        else:
            self._refuse(max_bytes, self.expected_bytes, is_readers_own=True)
            if self.is_consumed:
                raise BodyConsumed(_CONSUMED)
            self.is_consumed = True
        return Pieces(self, self._whole, max_bytes)

    async def stream(self, max_bytes: int | None = None) -> AsyncGenerator[bytes, None]:
        """Read the body as it comes, in pieces of the server's size; nothing is kept.

        A body that was read whole before comes as one piece. Raises what ``read`` does.
        """
        pieces = self.pieces(max_bytes)
        while piece := await pieces.next():
            yield piece

    async def next_piece(self, max_bytes: int | None) -> bytes:
        """Take what has come, or wait for more; ``b""`` at the end."""
        while not self._is_dropped:
            if max_bytes is not None or self.overrun is not None:
                self._refuse(max_bytes, self._seen_bytes)
            if self._held:
                piece, self._held = self._held, b""
                return bytes(piece)
            if self.is_complete and self._seen_bytes >= self.expected_bytes:
                self._is_given = True
                return b""
            if self.is_complete or self.is_disconnected:
                raise self._cut_short()
            if self._receiving:
                await self._wait_arrival()
                continue
            self._receiving = True
            try:
                self._take(await self._receive())
            finally:
                self._receiving = False
                if self._arrival is not None:
                    self._tell_arrival()
        raise BodyConsumed(_CONSUMED)

    async def receive(self) -> Message:
        """Receive as an ASGI application would; what was read already comes once more."""
        while not self._is_given:
            if self.overrun is not None:
                raise self.overrun
            if self._held or self.is_complete:
                return self._give()
            if self.is_disconnected:
                break
            await self._fetch()
        while not self.is_disconnected:
            await self._fetch()
        return {"type": "http.disconnect"}

    async def poll(self) -> bool:
        """Tell whether the peer has left, without waiting and without losing a piece.

        Reads up to 64 KiB ahead; behind more than that nobody can see whether the peer is there.
        """
        while not (self.is_disconnected or self._receiving or len(self._held) > _READ_AHEAD_BYTES):
            self._receiving = True
            try:
                message = await _tasks.poll(self._receive_and_take)
            finally:
                self._tell_arrival()
            if message is None:
                break
        return self.is_disconnected

    async def wait_disconnected(self, max_bytes: int | None) -> None:
        """Wait until the peer has left; reads the body ahead, up to ``max_bytes`` of it.

        Raises ``ContentTooLarge`` over that; what was read stays for the reader.
        """
        while not self.is_disconnected:
            if max_bytes is not None and len(self._held) > max_bytes:
                raise ContentTooLarge("body", max_bytes)
            await self._fetch()

    async def hear_disconnect(self, max_bytes: int | None) -> None:
        """Wait until the peer has left, beside whoever reads.

        Reads ahead up to ``max_bytes``; 64 KiB, once somebody streams. Over that it waits for a
        reader, because nobody can see behind what is unread.
        """
        while not self.is_disconnected:
            limit = _READ_AHEAD_BYTES if self.is_consumed else max_bytes
            if limit is None or len(self._held) <= limit:
                await self._fetch()
            else:
                await self._wait_arrival()

    def limit_time(self, times: Times, make_timed: Callable[[Receive], Receive]) -> None:
        """Read under a limit of time, by what ``make_timed`` makes of the ``receive`` it has."""
        if not self.is_complete:  # what comes behind a body may take its time
            self._served = self._served or self._receive
            self._receive, self.times = make_timed(self._served), times

    async def close(self) -> None:
        """Close what was made of the body: the files of its form."""
        if self.overrun is not None:
            self.overrun.__traceback__ = None  # it holds what holds this
        # A coroutine that is being closed may wait for nothing; the files close by themselves.
        if self.form is not None and not isinstance(sys.exception(), GeneratorExit):
            await self.form.close()

    def drop(self) -> None:
        """Forget what is held; the body cannot be read any more."""
        if self.decoded is not None:
            self.decoded.drop()
        self._held, self._whole = b"", None
        self.is_consumed = self._is_dropped = self._is_given = True

    def check_answer(self, status_code: int) -> None:
        """Raise ``overrun`` where an answer says that all went well: overlooked limits stand."""
        overrun = self.overrun if self.decoded is None else self.overrun or self.decoded.overrun
        if overrun is not None and status_code < 400:
            raise overrun

    def _refuse(self, max_bytes: int | None, size: int, *, is_readers_own: bool = False) -> None:
        """Raise if a limit was passed, or is passed by what was seen or by ``size``."""
        if self.overrun is None:
            if max_bytes is None or max(size, self._seen_bytes) <= max_bytes:
                return
            error = ContentTooLarge("body", max_bytes)
            if is_readers_own:
                raise error
            self._held, self.overrun = b"", error
        raise self.overrun

    def _cut_short(self) -> BadInput | ClientDisconnect:
        """Say what is wrong with a body that has ended and is not whole."""
        if self.is_complete:
            return BadInput("body", "is shorter than content-length says")
        return ClientDisconnect("the client left before the end of the body")

    async def _fetch(self) -> None:
        """Take one more message, or wait for the one that another task is about to take."""
        if self._receiving:
            await self._wait_arrival()
            return
        self._receiving = True
        try:
            self._take(await self._receive())
        finally:
            self._tell_arrival()

    async def _wait_arrival(self) -> None:
        if self._arrival is None:
            self._arrival = _tasks.make_event()
        await self._arrival.wait()

    def _tell_arrival(self) -> None:
        self._receiving = False
        if self._arrival is not None:
            self._arrival.set()
            self._arrival = None

    async def _receive_and_take(self) -> Message:
        message = await self._receive()
        self._take(message)  # here, so that a cancelled poll loses nothing
        return message

    def _take(self, message: Message) -> None:
        if message["type"] != "http.request":
            self._take_other(message["type"])
            return
        chunk = message.get("body", b"")
        if chunk and not self._is_dropped:
            self._seen_bytes += len(chunk)
            self._held = chunk if not self._held else self._joined(chunk)
        if not message.get("more_body", False):
            self.is_complete = True

    def _take_other(self, kind: str) -> None:
        if kind != "http.disconnect":
            raise Misuse(f"the server sent {kind!r} where http.request was due")
        self.is_disconnected = True

    def _joined(self, chunk: bytes) -> bytearray:
        held = self._held if isinstance(self._held, bytearray) else bytearray(self._held)
        held += chunk
        return held

    def _give(self) -> Message:
        body = self._whole
        if body is None:
            body, self._held, self.is_consumed = bytes(self._held), b"", True
        self._is_given = self.is_complete
        return {"type": "http.request", "body": body, "more_body": not self.is_complete}


async def close_body(scope: Scope) -> None:
    """Close what was made of the body of ``scope``, if anybody has looked at it."""
    body: Body | None = scope.get(BODY)
    if body is not None:
        await body.close()


@final
class Pieces:
    """A body in pieces of the server's size; what ``Body.pieces`` gives."""

    def __init__(self, body: Body, whole: bytes | None, max_bytes: int | None) -> None:
        self.body: Body = body
        self._whole: bytes | None = whole
        self._max_bytes: int | None = max_bytes

    async def next(self) -> bytes:
        """Give the next piece, ``b""`` at the end. Raises what ``Body.read`` does."""
        if self._whole is not None:
            piece, self._whole = self._whole, b""
            return piece
        return await self.body.next_piece(self._max_bytes)
