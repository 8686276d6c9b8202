"""Broadcast: what is published on a channel reaches all who listen to it.

``Hub`` gives each subscriber a queue of its own with a limit, so that whoever publishes never
waits for a slow one. How messages travel between processes is the ``Backend``'s affair.
"""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Final, Self, final

from portico import _tasks
from portico.channels.backend import Backend, Entry
from portico.channels.memory import MemoryBackend
from portico.channels.message import ChannelMessage, decode_payload, encode_payload
from portico.channels.relay import OnMessage, Socket, relay
from portico.channels.subscription import Subscription, WhenFull
from portico.errors import BadInput, Misuse, ServiceUnavailable, SlowSubscriber

__all__ = ("Hub",)

_QUEUE_SIZE: Final = 100
_MAX_CHANNELS: Final = 10_000
_MAX_NAME_BYTES: Final = 255

_NOT_TEXT: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, and halves of characters, which have no UTF-8."""

_log: Final = logging.getLogger("portico.channels")


class _Member:
    """A subscriber's place in one channel."""

    def __init__(self, subscription: Subscription) -> None:
        self.subscription: Subscription = subscription
        self.held: deque[tuple[int, ChannelMessage]] | None = None  # while the history is fetched
        self.position: int = 0  # up to here the history had it

    def take(self, position: int, message: ChannelMessage) -> None:
        if self.held is not None:
            self.held.append((position, message))
        elif position > self.position or not position:
            self.subscription.put(message)


class _Channel:
    """A channel with subscribers here."""

    def __init__(self, name: str) -> None:
        self.name: str = name
        self.members: dict[Subscription, _Member] = {}

    def deliver(self, entry: Entry) -> None:
        """Decode once, hand to everyone."""
        message = self.read(entry)
        if message is not None:
            for member in tuple(self.members.values()):
                member.take(entry.position, message)

    def read(self, entry: Entry) -> ChannelMessage | None:
        try:
            return ChannelMessage(self.name, decode_payload(entry.payload))
        except ValueError:  # somebody else publishes there
            _log.warning("a message that no hub published was ignored")
            return None


@final
class Hub:
    """Channels with subscribers, in this process or, by a ``backend``, in many.

    >>> hub = Hub()
    >>> async def main() -> None:
    ...     async with hub.subscribe("news") as subscription:
    ...         await hub.publish("news", {"id": 7})
    ...         async for message in subscription:
    ...             print(message.data)
    ...             break
    >>> import anyio
    >>> anyio.run(main)
    {"id":7}

    A hub runs in one event loop at a time: ``App(lifespan=hub.lifespan)``, or ``async with hub:``.
    Leaving it ends all subscriptions. In memory (the default) it works without that, too.

    ``queue_size`` is how many messages may wait for a subscriber, and ``when_full`` what happens
    then: ``"drop_oldest"``, ``"drop_newest"``, or ``"disconnect"``, which ends the subscription.
    ``history`` is how many messages of a channel are kept for those who come later. At most
    ``max_channels`` channels have subscribers here; another raises ``ServiceUnavailable``.

    The name of a channel is text of 1 to 255 bytes without control characters. Any other raises
    ``BadInput``, since names are often made of what a peer sent.

    Raises ``ValueError`` for a size below 1, a ``history`` below 0 or another policy.
    """

    def __init__(
        self,
        backend: Backend | None = None,
        *,
        queue_size: int = _QUEUE_SIZE,
        when_full: WhenFull = "drop_oldest",
        history: int = 0,
        max_channels: int = _MAX_CHANNELS,
    ) -> None:
        if history < 0 or max_channels < 1:
            raise ValueError("history must be at least 0, max_channels at least 1")
        self._backend: Backend = MemoryBackend() if backend is None else backend
        self._queue_size: int = queue_size
        self._when_full: WhenFull = when_full
        self._history: int = history
        self._max_channels: int = max_channels
        self._channels: dict[str, _Channel] = {}
        self._is_running: bool = False
        self.subscribe("any")  # wrong settings are told at once

    async def __aenter__(self) -> Self:
        if self._is_running:
            raise Misuse("the hub is running already")
        self._is_running = True
        try:
            await self._backend.__aenter__()
        except BaseException:
            self._is_running = False
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for channel in self._channels.values():
            for subscription in channel.members:
                subscription.end()
        self._channels.clear()
        try:
            await self._backend.__aexit__(exc_type, error, traceback)
        finally:
            self._is_running = False

    @asynccontextmanager
    async def lifespan(self, app: object) -> AsyncGenerator[None, None]:
        """Run the hub as long as the app: ``App(lifespan=hub.lifespan)``."""
        async with self:
            yield

    async def publish(self, channel: str, message: object) -> None:
        """Send a message to all who listen to the channel, in whatever process.

        ``str`` is sent as text, ``bytes`` as they are, anything else as JSON; encoded once.
        Returns when the backend has it: no subscriber is waited for. Each gets it at most once,
        and all get the messages of a channel in one order.

        Raises ``TypeError`` for a value that ``encode_json`` does not take, ``ServiceUnavailable``
        if the backend does not answer.
        """
        _check_name(channel)
        await self._backend.publish(channel, encode_payload(message), self._history)

    def subscribe(
        self,
        *channels: str,
        history: int = 0,
        queue_size: int | None = None,
        when_full: WhenFull | None = None,
    ) -> Subscription:
        """Listen to one or more channels: ``async with hub.subscribe("news") as subscription:``.

        ``history`` is how many earlier messages of each channel come first, none twice and none
        missing between them and what follows; they count for ``queue_size`` too. The defaults of
        the others are the hub's.

        Entering raises ``ServiceUnavailable`` if there are too many channels or the backend does
        not answer. Raises ``ValueError`` for no channel, for more ``history`` than the hub keeps
        and for what ``Hub`` does not take.
        """
        if not channels:
            raise ValueError("name a channel to subscribe to")
        names = tuple(dict.fromkeys(map(_check_name, channels)))
        if not 0 <= history <= self._history:
            raise ValueError(f"the hub keeps {self._history} messages of a channel, see `history`")
        size = self._queue_size if queue_size is None else queue_size
        if len(names) * history > size:
            raise ValueError("the queue has no room for so much history")

        async def join(subscription: Subscription) -> None:
            if len(names) == 1:
                await self._join(names[0], subscription, history)
                return
            async with _tasks.open_group() as group:  # the backend is asked for all at once
                for name in names:
                    group.start_soon(self._join, name, subscription, history)

        def leave(subscription: Subscription) -> None:
            for name in names:
                self._leave(name, subscription)

        policy = self._when_full if when_full is None else when_full
        return Subscription(names, size, policy, join=join, leave=leave)

    async def presence(self, channel: str) -> int:
        """Count who listens to the channel now, in all processes.

        Raises ``ServiceUnavailable`` if the backend does not answer.
        """
        _check_name(channel)
        return await self._backend.presence(channel)

    def events(
        self,
        *channels: str,
        history: int = 0,
        queue_size: int | None = None,
        when_full: WhenFull | None = None,
    ) -> AsyncGenerator[str, None]:
        """Listen as ``subscribe`` does; gives the text of each message, for an event stream.

        Ends, too, when the subscriber was let go for being slow: a browser then connects again.
        Raises ``Misuse`` for a message of bytes, which an event cannot carry.
        """
        return _texts(
            self.subscribe(*channels, history=history, queue_size=queue_size, when_full=when_full)
        )

    async def websocket(
        self,
        websocket: Socket,
        *channels: str,
        on_message: OnMessage | None = None,
        history: int = 0,
        queue_size: int | None = None,
        when_full: WhenFull | None = None,
    ) -> None:
        """Send the channels' messages to an accepted websocket until either side ends.

        Text is sent as text, bytes as bytes. What the peer sends goes to ``on_message``, one
        message after the other; without that it is read and dropped. Returns when the peer left or
        the socket was closed. If the hub is left, the socket is closed with 1001, and with 1013
        if its queue was full and the policy is ``"disconnect"``, even if a message is being sent.

        A message has the size that the route allows (``max_message_bytes``): over it the socket is
        closed with 1009, and ``ContentTooLarge`` raised.

        Raises what ``on_message`` raises, ``WebSocketStateError`` unless the socket is accepted,
        and what ``subscribe`` does.
        """
        async with self.subscribe(
            *channels, history=history, queue_size=queue_size, when_full=when_full
        ) as subscription:
            await relay(websocket, subscription, on_message)

    async def _join(self, name: str, subscription: Subscription, history: int) -> None:
        channel = self._channels.get(name)
        if channel is None:
            if len(self._channels) >= self._max_channels:
                raise ServiceUnavailable("too many channels")
            channel = self._channels[name] = _Channel(name)
        channel.members[subscription] = member = _Member(subscription)
        if history:
            member.held = deque(maxlen=subscription.queue_size)
        self._backend.set_presence(name, len(channel.members))
        await self._backend.subscribe(name, channel.deliver)
        if member.held is None:
            return
        past = await self._backend.history(name, history)
        held, member.held = member.held, None
        for entry in past:
            member.position = entry.position
            message = channel.read(entry)
            if message is not None:
                subscription.put(message)
        for position, message in held:
            member.take(position, message)

    def _leave(self, name: str, subscription: Subscription) -> None:
        channel = self._channels.get(name)
        if channel is None or channel.members.pop(subscription, None) is None:
            return
        if not channel.members:
            del self._channels[name]
            self._backend.unsubscribe(name)
        self._backend.set_presence(name, len(channel.members))


async def _texts(subscription: Subscription) -> AsyncGenerator[str, None]:
    async with subscription:
        try:
            async for message in subscription:
                if isinstance(message.data, bytes):
                    raise Misuse("an event carries text: publish text or JSON on this channel")
                yield message.data
        except SlowSubscriber:
            return


def _check_name(channel: str) -> str:
    """Give the name of a channel, if it is one."""
    if not isinstance(channel, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"the name of a channel is a str, not {type(channel).__name__}")
    size = len(channel.encode("utf-8", "replace"))
    if not 0 < size <= _MAX_NAME_BYTES or _NOT_TEXT.search(channel):
        reason = f"must be 1 to {_MAX_NAME_BYTES} bytes of text without control characters"
        raise BadInput("channel", reason)
    return channel
