"""The hub in memory; what it does over any backend is in ``tests/conformance``."""

from __future__ import annotations

import time
import weakref
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import anyio
import pytest

from portico import App, Hub, Misuse, _tasks
from portico.channels.backend import Deliver, Entry
from portico.channels.subscription import Subscription, WhenFull
from portico.errors import BadInput, ServiceUnavailable
from tests.security.invariants import uncollected

MANY = 200


@pytest.mark.anyio
async def test_a_stalled_subscriber_harms_nobody() -> None:
    hub, counts = Hub(queue_size=5), list[int]()

    async def read(subscription: Subscription) -> None:
        async with subscription:
            joined.append(subscription)
            seen = 0
            async for message in subscription:
                seen += 1
                if message.data == "last":
                    break
            counts.append(seen)

    joined: list[Subscription] = []
    async with hub.subscribe("a") as stalled, _tasks.open_group() as group:
        for _ in range(MANY):
            group.start_soon(read, hub.subscribe("a"))
        while len(joined) < MANY:
            await _tasks.checkpoint()
        for number in range(20):
            await hub.publish("a", number)
        await hub.publish("a", "last")
    assert counts == [21] * MANY, "every one that reads got all of them"
    assert stalled.dropped == 16


@pytest.mark.anyio
async def test_a_message_is_encoded_and_decoded_once() -> None:
    hub = Hub()
    async with hub.subscribe("a") as one, hub.subscribe("a") as other:
        await hub.publish("a", {"some": "thing"})
        assert await anext(one) is await anext(other)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("a\nb", id="a line end"),
        pytest.param("\x00", id="NUL"),
        pytest.param("\x7f", id="DEL"),
        pytest.param("\x9b", id="a C1 control"),
        pytest.param("\ud800", id="half a character"),
        pytest.param("x" * 256, id="256 bytes"),
        pytest.param("ä" * 128, id="256 bytes of UTF-8"),
    ],
)
@pytest.mark.anyio
async def test_names_that_are_none(name: str) -> None:
    hub = Hub()
    with pytest.raises(BadInput, match="channel: must be 1 to 255 bytes"):
        hub.subscribe("fine", name)
    with pytest.raises(BadInput):
        await hub.publish(name, 1)
    with pytest.raises(BadInput):
        await hub.presence(name)
    with pytest.raises(BadInput):
        hub.events(name)


@pytest.mark.anyio
async def test_a_name_that_is_no_text_is_told_as_such() -> None:
    hub: Any = Hub()
    with pytest.raises(TypeError, match="name of a channel is a str, not dict"):
        await hub.publish({"id": 7}, "news")
    with pytest.raises(TypeError, match="not int"):
        hub.subscribe(7)


@pytest.mark.parametrize("name", ["x" * 255, "ä" * 127, "a b/c:d*", "\U0001f600"])
@pytest.mark.anyio
async def test_names(name: str) -> None:
    hub = Hub()
    async with hub.subscribe(name) as subscription:
        await hub.publish(name, "1")
        assert await anext(subscription) == (name, "1")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"queue_size": 0}, "queue_size"),
        ({"when_full": "wait"}, "when_full"),
        ({"history": -1}, "history"),
        ({"max_channels": 0}, "max_channels"),
    ],
)
def test_settings_that_are_none(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Hub(**settings)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_subscriptions_that_are_none() -> None:
    hub = Hub(history=5, queue_size=8)
    with pytest.raises(ValueError, match="name a channel"):
        hub.subscribe()
    with pytest.raises(ValueError, match="keeps 5 messages"):
        hub.subscribe("a", history=6)
    with pytest.raises(ValueError, match="keeps 5 messages"):
        hub.subscribe("a", history=-1)
    hub.subscribe("a", "b", history=4)
    with pytest.raises(ValueError, match="no room"):
        hub.subscribe("a", "b", history=5)
    with pytest.raises(ValueError, match="queue_size"):
        hub.subscribe("a", queue_size=0)
    with pytest.raises(ValueError, match="when_full"):
        hub.subscribe("a", when_full="wait")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.anyio
async def test_channels_are_bounded() -> None:
    hub = Hub(max_channels=2)
    async with hub.subscribe("a"), hub.subscribe("b"), hub.subscribe("a"):
        with pytest.raises(ServiceUnavailable, match="too many channels"):
            await hub.subscribe("c").__aenter__()
        with pytest.raises(ServiceUnavailable, match="too many channels"):
            await hub.subscribe("a", "c").__aenter__()
        assert await hub.presence("a") == 2, "who did not get in left nothing behind"
    async with hub.subscribe("c"):
        assert await hub.presence("c") == 1


@pytest.mark.anyio
async def test_a_subscription_has_its_own_settings() -> None:
    hub = Hub(queue_size=1, when_full="disconnect")
    async with hub.subscribe("a", queue_size=2, when_full="drop_newest") as subscription:
        for number in range(3):
            await hub.publish("a", number)
        assert [(await anext(subscription)).data for _ in range(2)] == ["0", "1"]
        assert subscription.dropped == 1


@pytest.mark.anyio
async def test_after_the_hub_ended_what_had_arrived_is_still_read() -> None:
    hub = Hub()
    async with hub:
        subscription = hub.subscribe("a")
        await subscription.__aenter__()
        await hub.publish("a", 1)
    assert [message.data async for message in subscription] == ["1"]
    await subscription.__aexit__(None, None, None)


@pytest.mark.anyio
async def test_events_give_text() -> None:
    hub = Hub(history=2)
    await hub.publish("a", "earlier")
    async with aclosing(hub.events("a", "b", history=1)) as events:
        assert await anext(events) == "earlier"
        await hub.publish("b", {"id": 1})
        assert await anext(events) == '{"id":1}'
        assert await hub.presence("b") == 1
    assert await hub.presence("b") == 0


@pytest.mark.anyio
async def test_events_end_with_the_hub() -> None:
    hub, got = Hub(), list[str]()

    async def read() -> None:
        got.extend([text async for text in hub.events("a")])

    async with _tasks.open_group() as group, hub:
        group.start_soon(read)
        while not await hub.presence("a"):
            await _tasks.checkpoint()
        await hub.publish("a", "1")
    assert got == ["1"]


@pytest.mark.anyio
async def test_events_end_for_who_is_too_slow() -> None:
    hub = Hub(history=1)
    await hub.publish("a", "0")
    async with aclosing(hub.events("a", history=1, queue_size=1, when_full="disconnect")) as events:
        assert await anext(events) == "0"
        await hub.publish("a", "1")
        await hub.publish("a", "2")
        assert [text async for text in events] == []


@pytest.mark.anyio
async def test_an_event_carries_no_bytes() -> None:
    hub = Hub(history=1)
    await hub.publish("a", b"\xff")
    async with aclosing(hub.events("a", history=1)) as events:
        with pytest.raises(Misuse, match="text"):
            await anext(events)


@pytest.mark.anyio
async def test_it_runs_with_an_app() -> None:
    hub = Hub()
    app = App(lifespan=hub.lifespan)
    async with app.lifespan.run(app):
        subscription = hub.subscribe("a")
        await subscription.__aenter__()
    assert subscription.is_ended


class Scripted:
    """A backend whose every step the test decides."""

    def __init__(self) -> None:
        self.fails: bool = False
        self.deliver: Deliver | None = None
        self.kept: list[Entry] = []
        self.meanwhile: list[Entry] = []
        self.left: list[str] = []

    async def __aenter__(self) -> None:
        if self.fails:
            raise ServiceUnavailable

    async def __aexit__(self, *_: object) -> None:
        if self.fails:
            raise ServiceUnavailable

    async def publish(self, channel: str, payload: bytes, keep: int) -> None: ...

    async def subscribe(self, channel: str, deliver: Deliver) -> None:
        self.deliver = deliver

    def unsubscribe(self, channel: str) -> None:
        self.left.append(channel)

    async def history(self, channel: str, limit: int) -> Sequence[Entry]:
        self.push(*self.meanwhile)
        return self.kept

    def set_presence(self, channel: str, count: int) -> None: ...

    async def presence(self, channel: str) -> int:
        return 0

    def push(self, *entries: Entry) -> None:
        assert self.deliver is not None
        for entry in entries:
            self.deliver(entry)


def entries(*positions: int) -> list[Entry]:
    return [Entry(position, b"t%d" % position) for position in positions]


@pytest.mark.parametrize(
    ("kept", "meanwhile", "later", "expected"),
    [
        pytest.param([1, 2], [3], [4], "1234", id="all new"),
        pytest.param([1, 2], [1, 2, 3], [4], "1234", id="what came live was in the history"),
        pytest.param([2, 3], [1, 2], [3, 4], "234", id="what comes later was, too"),
        pytest.param([3], [1, 2], [3, 4], "34", id="older than a short history"),
        pytest.param([], [1], [2], "12", id="no history yet"),
        pytest.param([1], [0], [0, 2], "1002", id="without a place in the history"),
    ],
)
@pytest.mark.anyio
async def test_history_and_what_follows_meet(
    kept: list[int], meanwhile: list[int], later: list[int], expected: str
) -> None:
    backend = Scripted()
    backend.kept, backend.meanwhile = entries(*kept), entries(*meanwhile)
    async with Hub(backend, history=9).subscribe("a", history=9) as subscription:
        backend.push(*entries(*later))
        subscription.end()
        assert "".join([str(message.data) async for message in subscription]) == expected


@pytest.mark.anyio
async def test_the_last_who_leaves_ends_the_backends_subscription() -> None:
    backend = Scripted()
    hub = Hub(backend)
    async with hub.subscribe("a", "b"):
        async with hub.subscribe("a"):
            pass
        assert backend.left == []
    assert sorted(backend.left) == ["a", "b"]


@pytest.mark.anyio
async def test_what_no_hub_published_is_ignored(caplog: pytest.LogCaptureFixture) -> None:
    backend = Scripted()
    backend.kept = [Entry(1, b"\x00secret"), Entry(2, b"tfine")]
    async with Hub(backend, history=9).subscribe("a", history=9) as subscription:
        backend.push(Entry(3, b"secret"), *entries(4))
        subscription.end()
        assert [message.data async for message in subscription] == ["fine", "4"]
    told = [record.message for record in caplog.records if record.name == "portico.channels"]
    assert told == ["a message that no hub published was ignored"] * 2


@pytest.mark.anyio
async def test_a_backend_that_does_not_start_or_stop() -> None:
    backend = Scripted()
    hub = Hub(backend)
    for _ in range(2):
        backend.fails = True
        with pytest.raises(ServiceUnavailable):
            await hub.__aenter__()
        backend.fails = False
        await hub.__aenter__()
        backend.fails = True
        with pytest.raises(ServiceUnavailable):
            await hub.__aexit__(None, None, None)


@pytest.mark.anyio
async def test_publishing_lets_others_run() -> None:
    hub, seen = Hub(queue_size=2, when_full="disconnect"), list[str | bytes]()

    async def read() -> None:
        async with hub.subscribe("a") as subscription:
            seen.extend([message.data async for message in subscription])

    async with _tasks.open_group() as group:
        group.start_soon(read)
        while not await hub.presence("a"):
            await _tasks.checkpoint()
        for number in range(20):
            await hub.publish("a", number)
        await hub.__aexit__(None, None, None)
    assert len(seen) == 20


@pytest.mark.parametrize("when_full", ["drop_oldest", "drop_newest", "disconnect"])
def test_publishing_is_linear_in_subscribers_and_joining_too(when_full: WhenFull) -> None:
    def seconds(number: int) -> float:
        hub = Hub(queue_size=4, when_full=when_full)

        async def run() -> float:
            subscriptions = [hub.subscribe("a") for _ in range(number)]
            started = time.thread_time()
            for subscription in subscriptions:
                await subscription.__aenter__()
            for message in range(6):
                await hub.publish("a", message)
            for subscription in subscriptions:
                await subscription.__aexit__(None, None, None)
            return time.thread_time() - started

        return anyio.run(run)

    with uncollected():
        ratios: list[float] = []
        while len(ratios) < 5 and min(ratios, default=99) > 6:
            ratios.append(seconds(4000) / seconds(1000))
    assert min(ratios) <= 6


@pytest.mark.anyio
async def test_nothing_is_left_of_those_who_were() -> None:
    hub = Hub(history=1)
    with uncollected():
        async with hub.subscribe("a", "b") as subscription:
            await hub.publish("a", "1")
        gone = weakref.ref(subscription)
        del subscription
        assert gone() is None
    assert vars(hub)["_channels"] == {}
