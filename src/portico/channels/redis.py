"""Channels over Redis (or Valkey): pub/sub, with streams for history. Needs the extra ``redis``."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from random import uniform
from secrets import token_hex
from types import TracebackType
from typing import Any, Final, Self, final

from portico import _tasks
from portico._optional import import_extra
from portico._redis import check_url, failures, open_client
from portico.channels.backend import Deliver, Entry
from portico.errors import Misuse, ServiceUnavailable

__all__ = ("RedisBackend",)

_FIRST_DELAY_S: Final = 0.05
_LAST_DELAY_S: Final = 5.0
"""How long to wait before connecting again: twice as long each time, up to this."""

_BATCH: Final = 500
"""So many channels are subscribed, or their presence told, in one command."""

# Each script is one step for Redis: the history and the subscribers see the same order.
_PUBLISH: Final = """
local id = redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[1], '*', 'p', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PUBLISH', ARGV[4], id .. ' ' .. ARGV[2])
"""
_NOW: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""
# A channel's presence is a hash: the hub's name to "count until", in ms. It goes with the last.
_SET_PRESENCE: Final = f"""{_NOW}
for number, key in ipairs(KEYS) do
    local count = ARGV[number + 2]
    if count == '0' then redis.call('HDEL', key, ARGV[1])
    else
        redis.call('HSET', key, ARGV[1], count .. ' ' .. string.format('%d', now + ARGV[2]))
        if redis.call('PTTL', key) < tonumber(ARGV[2]) then redis.call('PEXPIRE', key, ARGV[2]) end
    end
end
"""
_PRESENCE: Final = f"""{_NOW}
local sum, all = 0, redis.call('HGETALL', KEYS[1])
for number = 1, #all, 2 do
    local count, till = string.match(all[number + 1], '(%d+) (%d+)')
    if tonumber(till) > now then sum = sum + count else redis.call('HDEL', KEYS[1], all[number]) end
end
return sum
"""
_DELIVERED: Final = re.compile(rb"([0-9]{1,20})-([0-9]{1,20}) (.*)", re.DOTALL)

_log: Final = logging.getLogger("portico.channels")


class _Channel:
    """A channel that the hub listens to."""

    def __init__(self, deliver: Deliver) -> None:
        self.deliver: Deliver = deliver
        self.is_ready: _tasks.Event = _tasks.make_event()


@final
class RedisBackend:
    """A ``Backend`` over Redis 6 or later, for any number of processes.

    ``url`` is ``redis://user:password@host:port/db``, ``rediss://...`` (TLS) or ``unix:///path``.
    Hubs hear each other if they have the same ``prefix`` on the same server. An answer may take
    ``timeout_s`` seconds. A history is forgotten ``history_lifetime_s`` after its channel's last
    message; the subscribers of a process that died are counted for at most
    ``presence_lifetime_s``, and numbers are told anew three times within that.

    Entering raises ``ServiceUnavailable`` if Redis does not answer. When the connection breaks
    later on, it is made again, after 0.05 s and then after twice as long each time up to 5 s, and
    all channels are subscribed again; what is published meanwhile is lost, and whoever publishes
    or subscribes gets ``ServiceUnavailable``, subscribers after ``timeout_s``. Each break is a
    warning in the log ``portico.channels``.

    Raises ``ValueError`` for another URL or a time that is not above 0, ``Misuse`` if it is used
    before it is entered.
    """

    def __init__(
        self,
        url: str = "redis://localhost:6379/0",
        *,
        prefix: str = "portico-hub:",  # none of a store's, whose keys and clear() may be anything
        timeout_s: float = 5.0,
        history_lifetime_s: float = 86_400.0,
        presence_lifetime_s: float = 30.0,
    ) -> None:
        if min(timeout_s, history_lifetime_s, presence_lifetime_s) <= 0:
            raise ValueError("times must be above 0")
        self._url: str = check_url(url)
        self._prefix: str = prefix
        self._timeout_s: float = timeout_s
        self._history_lifetime_ms: int = max(round(history_lifetime_s * 1000), 1)
        self._presence_lifetime_s: float = presence_lifetime_s
        self._hub_name: str = ""
        self._client: Any = None
        self._exits: AsyncExitStack = AsyncExitStack()
        self._channels: dict[str, _Channel] = {}
        self._counts: dict[str, int] = {}
        # What Redis is to be told: names whose state here may differ from the one there.
        self._to_subscribe: dict[str, None] = {}
        self._to_announce: dict[str, None] = {}
        self._subscriber: _tasks.Event | None = None
        self._announcer: _tasks.Event | None = None

    async def __aenter__(self) -> Self:
        if self._client is not None:
            raise Misuse("the backend is open already")
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(open_client(self._url, self._timeout_s))
            self._client, self._hub_name = client, token_hex(8)
            stack.push_async_callback(self._farewell)
            group = await stack.enter_async_context(_tasks.open_group())
            stack.callback(group.cancel_scope.cancel)
            group.start_soon(self._listen)
            group.start_soon(self._announce)
            self._exits = stack.pop_all()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self._exits.__aexit__(exc_type, error, traceback)
        finally:
            self._client = None
            self._channels.clear()
            self._counts.clear()
            self._to_subscribe.clear()
            self._to_announce.clear()

    async def publish(self, channel: str, payload: bytes, keep: int) -> None:
        """Hand ``payload`` to Redis, and into the channel's stream if ``keep`` is above 0."""
        client, topic = self._open(), self._name("c", channel)
        with failures():
            if keep > 0:
                args = [keep, payload, self._history_lifetime_ms, topic]
                await client.eval(_PUBLISH, [self._name("h", channel)], args)
            else:
                await client.publish(topic, b"0-0 " + payload)

    async def subscribe(self, channel: str, deliver: Deliver) -> None:
        """Call ``deliver`` with each entry that is published from when this returns."""
        self._open()
        listened = self._channels.get(channel)
        if listened is None:
            listened = self._channels[channel] = _Channel(deliver)
            self._change(channel)
        with _tasks.open_scope(timeout_s=self._timeout_s) as scope:
            await listened.is_ready.wait()
        if scope.cancel_called and not listened.is_ready.is_set():
            raise ServiceUnavailable

    def unsubscribe(self, channel: str) -> None:
        """End what ``subscribe`` began, if it did: nothing is delivered after this."""
        if self._channels.pop(channel, None) is not None:
            self._change(channel)

    async def history(self, channel: str, limit: int) -> Sequence[Entry]:
        """Give the newest ``limit`` entries that are kept, the oldest first."""
        client = self._open()
        with failures():
            found = await client.xrevrange(self._name("h", channel), count=limit)
        return [
            Entry(_position(*entry.identifier.split(b"-")), entry.field_values[b"p"])
            for entry in reversed(found)
        ]

    def set_presence(self, channel: str, count: int) -> None:
        """Note how many subscribers the hub has; Redis is told by a task of the backend."""
        if count:
            self._counts[channel] = count
        else:
            self._counts.pop(channel, None)
        if self._client is not None:
            self._tell_soon(channel)

    async def presence(self, channel: str) -> int:
        """Give how many subscribers all hubs have together."""
        client = self._open()
        with failures():
            count: int = await client.eval(_PRESENCE, [self._name("p", channel)], [])
        return count

    def _open(self) -> Any:
        if self._client is None:
            raise Misuse("the hub is not running: App(lifespan=hub.lifespan) or `async with hub:`")
        return self._client

    def _name(self, kind: str, channel: str) -> bytes:
        return f"{self._prefix}{kind}:{channel}".encode()

    def _change(self, channel: str) -> None:
        self._to_subscribe[channel] = None
        if self._subscriber is not None:
            self._subscriber.set()

    def _tell_soon(self, *channels: str) -> None:
        self._to_announce.update(dict.fromkeys(channels))
        if self._announcer is not None:
            self._announcer.set()

    # Listening

    async def _listen(self) -> None:
        delay_s = _FIRST_DELAY_S
        while True:
            try:
                pubsub = self._client.pubsub(
                    ignore_subscribe_messages=True,
                    retry_policy=import_extra("coredis.retry", "redis").NoRetryPolicy(),
                    subscription_timeout=self._timeout_s,
                    max_idle_seconds=self._timeout_s,
                )
                async with pubsub, _tasks.open_group() as group:
                    delay_s = _FIRST_DELAY_S
                    self._tell_soon(*self._counts)  # a server that was started anew knows nothing
                    group.start_soon(self._keep_subscribed, pubsub)
                    while True:
                        self._take(await pubsub.get_message())
            except* Exception as lost:  # noqa: BLE001  # whatever it was: logged, and tried anew
                cause: BaseException = lost
                while isinstance(cause, BaseExceptionGroup):
                    cause = cause.exceptions[0]
                _log.warning("lost the connection to Redis: %s: %s", type(cause).__name__, cause)
            for channel in self._channels.values():
                if channel.is_ready.is_set():
                    channel.is_ready = _tasks.make_event()
            await _tasks.sleep(delay_s * uniform(0.5, 1))  # noqa: S311  # not all at once
            delay_s = min(delay_s * 2, _LAST_DELAY_S)

    def _take(self, message: Any) -> None:
        if message is None:
            return
        name = message["channel"].decode()[len(self._prefix) + 2 :]
        channel, found = self._channels.get(name), _DELIVERED.fullmatch(message["data"])
        if channel is not None and found is not None:
            channel.deliver(Entry(_position(found[1], found[2]), found[3]))

    async def _keep_subscribed(self, pubsub: Any) -> None:
        """Bring Redis to what the hub listens to, now and whenever that changes."""
        subscribed: set[str] = set()
        self._to_subscribe = dict.fromkeys(self._channels)
        while True:
            self._subscriber = _tasks.make_event()
            changed = list(self._to_subscribe)
            self._to_subscribe.clear()
            wanted = [name for name in changed if name in self._channels]
            unwanted = [name for name in changed if name not in self._channels]
            for names in _batches([name for name in wanted if name not in subscribed]):
                await pubsub.subscribe(*[self._name("c", name) for name in names])
                subscribed.update(names)
            for name in wanted:
                if name in self._channels:
                    self._channels[name].is_ready.set()
            for names in _batches([name for name in unwanted if name in subscribed]):
                subscribed.difference_update(names)
                await pubsub.unsubscribe(*[self._name("c", name) for name in names])
            if not changed:
                await self._subscriber.wait()

    # Presence

    async def _announce(self) -> None:
        """Tell Redis the numbers that changed; all of them, three times in their lifetime."""
        while True:
            self._announcer = _tasks.make_event()
            with suppress(ServiceUnavailable):
                await self._tell(list(self._to_announce))
            with _tasks.open_scope(timeout_s=self._presence_lifetime_s / 3) as scope:
                await self._announcer.wait()
            if scope.cancel_called:
                self._tell_soon(*self._counts)

    async def _tell(self, channels: list[str]) -> None:
        for names in _batches(channels):
            for name in names:
                self._to_announce.pop(name, None)
            counts = [self._counts.get(name, 0) for name in names]
            keys = [self._name("p", name) for name in names]
            lifetime_ms = max(round(self._presence_lifetime_s * 1000), 1)
            args = [self._hub_name, lifetime_ms, *counts]
            try:
                with failures():
                    await self._client.eval(_SET_PRESENCE, keys, args)
            except BaseException:
                self._to_announce.update(dict.fromkeys(names))
                raise

    async def _farewell(self) -> None:
        """Take this hub's numbers back, if Redis answers at once."""
        channels = list(self._counts | self._to_announce)
        self._counts.clear()
        with _tasks.open_scope(timeout_s=1, shield=True), suppress(ServiceUnavailable):
            await self._tell(channels)


def _position(milliseconds: bytes, number: bytes) -> int:
    return (int(milliseconds) << 64) + int(number)


def _batches(names: list[str]) -> list[list[str]]:
    return [names[start : start + _BATCH] for start in range(0, len(names), _BATCH)]
