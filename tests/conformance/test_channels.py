"""What every ``Backend`` of channels does, alone and below a ``Hub``: memory and Redis."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from portico import Hub, _tasks
from portico.channels.backend import Backend, Entry
from portico.channels.memory import MemoryBackend
from portico.channels.message import ChannelMessage
from portico.channels.redis import RedisBackend
from portico.channels.subscription import Subscription
from portico.errors import Misuse
from tests.redis_server import RedisServer

Make = Callable[[], Backend]

PREFIXES = (f"channels{number}:" for number in itertools.count())
ODD = "kä*se?[a]\\ :{x}"

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory", "redis"])
def make(request: pytest.FixtureRequest) -> Make:
    if request.param == "memory":
        return MemoryBackend
    server: RedisServer = request.getfixturevalue("redis_server")
    prefix = next(PREFIXES)
    return lambda: RedisBackend(server.url, prefix=prefix)


class Inbox:
    """Keeps what is delivered, and waits for it."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.arrival: _tasks.Event = _tasks.make_event()

    def deliver(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.arrival.set()

    @property
    def payloads(self) -> list[bytes]:
        return [entry.payload for entry in self.entries]

    async def wait(self, number: int) -> list[bytes]:
        with _tasks.open_scope(timeout_s=5):
            while len(self.entries) < number:
                self.arrival = _tasks.make_event()
                await self.arrival.wait()
        return self.payloads


async def take(subscription: Subscription, number: int) -> list[str | bytes]:
    """Wait for so many messages."""
    taken: list[str | bytes] = []
    with _tasks.open_scope(timeout_s=5):
        async for message in subscription:
            taken.append(message.data)
            if len(taken) == number:
                break
    return taken


# The backend alone


async def test_what_is_published_is_delivered_in_order(make: Make) -> None:
    payloads = [b"%d" % number for number in range(300)] + [b"", b"\n", bytes(range(256))]
    async with make() as backend:
        assert backend is not None
    backend, inbox = make(), Inbox()
    async with backend:
        await backend.subscribe("a", inbox.deliver)
        for payload in payloads:
            await backend.publish("a", payload, 0)
        assert await inbox.wait(len(payloads)) == payloads
        assert {entry.position for entry in inbox.entries} == {0}


async def test_channels_are_apart(make: Make) -> None:
    backend, one, other = make(), Inbox(), Inbox()
    async with backend:
        await backend.subscribe(ODD, one.deliver)
        await backend.subscribe("kase", other.deliver)
        await backend.publish("nobody", b"0", 0)
        await backend.publish(ODD, b"1", 0)
        await backend.publish("kase", b"2", 0)
        assert (await one.wait(1), await other.wait(1)) == ([b"1"], [b"2"])


async def test_nothing_is_delivered_after_unsubscribing(make: Make) -> None:
    backend, left, kept = make(), Inbox(), Inbox()
    async with backend:
        await backend.subscribe("a", left.deliver)
        await backend.subscribe("b", kept.deliver)
        backend.unsubscribe("a")
        backend.unsubscribe("never")
        await backend.publish("a", b"1", 0)
        await backend.publish("b", b"2", 0)
        assert await kept.wait(1) == [b"2"]
        await backend.subscribe("a", kept.deliver)
        await backend.publish("a", b"3", 0)
        assert await kept.wait(2) == [b"2", b"3"]
        assert left.entries == []


async def test_a_second_subscribe_changes_nothing(make: Make) -> None:
    backend, inbox = make(), Inbox()
    async with backend:
        async with _tasks.open_group() as group:
            for _ in range(3):
                group.start_soon(backend.subscribe, "a", inbox.deliver)
        await backend.publish("a", b"1", 0)
        await backend.publish("a", b"2", 0)
        assert await inbox.wait(2) == [b"1", b"2"]


async def test_the_history_holds_the_newest(make: Make) -> None:
    backend, inbox = make(), Inbox()
    async with backend:
        assert list(await backend.history("a", 5)) == []
        await backend.subscribe("a", inbox.deliver)
        for number in range(5):
            await backend.publish("a", b"%d" % number, 3)
        await backend.publish("a", b"not kept", 0)
        await inbox.wait(6)
        kept = await backend.history("a", 10)
        assert [entry.payload for entry in kept] == [b"2", b"3", b"4"]
        assert list(kept) == inbox.entries[2:5], "the same positions"
        positions = [entry.position for entry in inbox.entries[:5]]
        assert positions == sorted(set(positions))
        assert [entry.payload for entry in await backend.history("a", 2)] == [b"3", b"4"]
        await backend.publish("a", b"5", 1)
        assert [entry.payload for entry in await backend.history("a", 10)] == [b"5"]
        await backend.publish("a", b"6", 2)
        assert [entry.payload for entry in await backend.history("a", 10)] == [b"5", b"6"]
        assert list(await backend.history("b", 5)) == []


async def test_a_backend_can_be_entered_again(make: Make) -> None:
    backend = make()
    for _ in range(2):
        inbox = Inbox()
        async with backend:
            await backend.subscribe("a", inbox.deliver)
            await backend.publish("a", b"1", 0)
            assert await inbox.wait(1) == [b"1"]


async def test_an_error_in_the_block_comes_out_as_itself(make: Make) -> None:
    with pytest.raises(KeyError, match="x"):
        async with Hub(make()):
            raise KeyError("x")


# Below a hub


async def test_every_subscriber_gets_every_message(make: Make) -> None:
    hub = Hub(make())
    async with hub, hub.subscribe("a") as one, hub.subscribe("b", "a", "b") as two:
        await hub.publish("a", {"id": 7})
        await hub.publish("b", "text")
        await hub.publish("a", b"\xff")
        await hub.publish("c", "for nobody")
        assert await take(one, 2) == ['{"id":7}', b"\xff"]
        assert await take(two, 3) == ['{"id":7}', "text", b"\xff"]
        assert (one.channels, two.channels) == (("a",), ("b", "a"))


async def test_a_channel_that_was_left_can_be_joined_again(make: Make) -> None:
    async with Hub(make()) as hub:
        for number in range(5):
            async with hub.subscribe("a") as subscription:
                await hub.publish("a", number)
                assert await take(subscription, 1) == [str(number)]


async def test_history_comes_first_and_then_what_follows(make: Make) -> None:
    async with Hub(make(), history=3) as hub:
        for number in range(5):
            await hub.publish("a", number)
        async with hub.subscribe("a", history=2) as some, hub.subscribe("a", history=3) as all_:
            await hub.publish("a", 5)
            assert await take(some, 3) == ["3", "4", "5"]
            assert await take(all_, 4) == ["2", "3", "4", "5"]
        async with hub.subscribe("a") as none:
            await hub.publish("a", 6)
            assert await take(none, 1) == ["6"]


async def test_who_joins_while_others_publish_misses_nothing_and_gets_nothing_twice(
    make: Make,
) -> None:
    async with Hub(make(), history=200, queue_size=300) as hub:

        async def join() -> None:
            async with hub.subscribe("a", history=200) as subscription:
                assert await take(subscription, 200) == [str(number) for number in range(200)]

        async with _tasks.open_group() as group:
            for number in range(200):
                if number % 10 == 0:
                    group.start_soon(join)
                await hub.publish("a", number)


async def test_presence(make: Make) -> None:
    async with Hub(make()) as hub:

        async def becomes(channel: str, count: int) -> bool:
            with _tasks.open_scope(timeout_s=5):
                while await hub.presence(channel) != count:
                    await _tasks.sleep(0.005)
            return await hub.presence(channel) == count

        assert await hub.presence("a") == 0
        async with hub.subscribe("a"):
            async with hub.subscribe("a", ODD):
                assert await becomes("a", 2)
                assert await becomes(ODD, 1)
            assert await becomes("a", 1)
            assert await becomes(ODD, 0)
        assert await becomes("a", 0)


async def test_leaving_the_hub_ends_its_subscriptions(make: Make) -> None:
    got: list[ChannelMessage] = []
    ended: list[bool] = []

    async def listen() -> None:
        async with hub.subscribe("a") as subscription:
            joined.set()
            got.extend([message async for message in subscription])
            ended.append(subscription.is_ended)

    async with _tasks.open_group() as group:
        joined = _tasks.make_event()
        async with Hub(make()) as hub:
            group.start_soon(listen)
            await joined.wait()
    assert (got, ended) == ([], [True])


async def test_a_hub_runs_once_at_a_time(make: Make) -> None:
    hub = Hub(make())
    async with hub:
        with pytest.raises(Misuse, match="already"):
            async with hub:
                pass
        async with hub.subscribe("a") as subscription:
            await hub.publish("a", 1)
            assert await take(subscription, 1) == ["1"]
    async with hub, hub.subscribe("a") as subscription:
        await hub.publish("a", 2)
        assert await take(subscription, 1) == ["2"]


async def test_a_cancelled_joiner_leaves_nothing_behind(make: Make) -> None:
    async with Hub(make(), max_channels=1, history=1) as hub:
        with _tasks.open_scope() as scope:
            scope.cancel()
            async with hub.subscribe("a", history=1):
                await _tasks.checkpoint()
        async with hub.subscribe("b") as subscription:
            await hub.publish("b", 1)
            assert await take(subscription, 1) == ["1"]
