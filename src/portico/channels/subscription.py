"""One subscriber of a hub: a queue with a limit, which whoever publishes never waits for."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias, final, get_args

from portico import _tasks
from portico.channels.message import ChannelMessage
from portico.errors import Misuse, SlowSubscriber

__all__ = ("Subscription", "WhenFull")

WhenFull: TypeAlias = Literal["drop_oldest", "drop_newest", "disconnect"]
"""What happens to a message for which a subscriber's queue has no room."""

_POLICIES: Final = get_args(WhenFull)


@final
class Subscription:
    """What ``Hub.subscribe`` gives: listens from the entry of ``async with`` to its exit.

    Iterate over it for the messages, in one task. The iteration ends when the hub is left, after
    what had arrived; it raises ``SlowSubscriber`` if the queue was full and the policy is
    ``"disconnect"``.

    Raises ``ValueError`` for a ``queue_size`` below 1 or another policy, ``Misuse`` if it is
    iterated over before it is entered, or entered twice.
    """

    def __init__(
        self,
        channels: tuple[str, ...],
        queue_size: int,
        when_full: WhenFull,
        *,
        join: Callable[[Subscription], Awaitable[None]],
        leave: Callable[[Subscription], None],
    ) -> None:
        if queue_size < 1:
            raise ValueError("queue_size must be at least 1")
        if when_full not in _POLICIES:
            raise ValueError(f"when_full is one of {', '.join(_POLICIES)}")
        self._channels: tuple[str, ...] = channels
        self._queue_size: int = queue_size
        self._when_full: WhenFull = when_full
        self._join: Callable[[Subscription], Awaitable[None]] = join
        self._leave: Callable[[Subscription], None] = leave
        self._messages: deque[ChannelMessage] = deque()
        self._arrival: _tasks.Event | None = None  # somebody waits for it
        self._on_end: Callable[[], object] | None = None
        self._was_entered: bool = False
        self._is_ended: bool = False
        self._is_slow: bool = False
        self._dropped: int = 0

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that it listens to."""
        return self._channels

    @property
    def queue_size(self) -> int:
        """How many messages may wait."""
        return self._queue_size

    @property
    def dropped(self) -> int:
        """How many messages found no room."""
        return self._dropped

    @property
    def is_ended(self) -> bool:
        """Whether nothing more will arrive: it was left, the hub was, or it ``is_slow``."""
        return self._is_ended

    @property
    def is_slow(self) -> bool:
        """Whether it was let go because it did not keep up."""
        return self._is_slow

    async def __aenter__(self) -> Self:
        if self._was_entered:
            raise Misuse("a subscription is entered once: subscribe again")
        self._was_entered = True
        try:
            await self._join(self)
        except BaseException:
            self._leave(self)
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave(self)
        self.end()
        self._messages.clear()

    def __aiter__(self) -> AsyncIterator[ChannelMessage]:
        if not self._was_entered:
            raise Misuse("a subscription listens inside `async with`")
        return self

    async def __anext__(self) -> ChannelMessage:
        while not self._messages:
            if self._is_slow:
                raise SlowSubscriber(f"over {self._queue_size} messages behind")
            if self._is_ended:
                raise StopAsyncIteration
            self._arrival = _tasks.make_event()
            try:
                await self._arrival.wait()
            finally:
                self._arrival = None
        return self._messages.popleft()

    def on_end(self, callback: Callable[[], object]) -> None:
        """Call ``callback`` when it ends, at once if it has: to leave what waits for a peer."""
        self._on_end = callback
        if self._is_ended:
            callback()

    def put(self, message: ChannelMessage) -> None:
        """Add a message, or do what is due when there is no room; never waits. For the hub."""
        if self._is_ended:
            return
        if len(self._messages) >= self._queue_size:
            self._dropped += 1
            if self._when_full == "drop_newest":
                return
            if self._when_full == "disconnect":
                self._is_slow = True
                self._messages.clear()
                self.end()
                return
            self._messages.popleft()
        self._messages.append(message)
        if self._arrival is not None:
            self._arrival.set()

    def end(self) -> None:
        """Take no more; what is there can still be read. For the hub."""
        if not self._is_ended:
            self._is_ended = True
            if self._arrival is not None:
                self._arrival.set()
            if self._on_end is not None:
                self._on_end()
