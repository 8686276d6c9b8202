"""The queue of one subscriber: its limit and its policies."""

from __future__ import annotations

import pytest

from portico import _tasks
from portico.channels.message import ChannelMessage
from portico.channels.subscription import Subscription, WhenFull
from portico.errors import Misuse, SlowSubscriber

pytestmark = pytest.mark.anyio


def make(queue_size: int = 3, when_full: WhenFull = "drop_oldest") -> Subscription:
    async def join(_: Subscription) -> None: ...

    def leave(_: Subscription) -> None: ...

    return Subscription(("a",), queue_size, when_full, join=join, leave=leave)


def put(subscription: Subscription, *texts: str) -> None:
    for text in texts:
        subscription.put(ChannelMessage("a", text))


async def rest(subscription: Subscription) -> list[str | bytes]:
    subscription.end()
    return [message.data async for message in subscription]


@pytest.mark.parametrize(
    ("when_full", "expected"),
    [
        pytest.param("drop_oldest", ["2", "3", "4"], id="the oldest go"),
        pytest.param("drop_newest", ["1", "2", "3"], id="the newest goes"),
    ],
)
async def test_a_full_queue_drops(when_full: WhenFull, expected: list[str]) -> None:
    async with make(3, when_full) as subscription:
        put(subscription, "1", "2", "3")
        assert subscription.dropped == 0
        put(subscription, "4")
        assert subscription.dropped == 1
        assert await rest(subscription) == expected


async def test_a_full_queue_disconnects() -> None:
    async with make(3, "disconnect") as subscription:
        put(subscription, "1", "2", "3")
        assert not subscription.is_ended
        put(subscription, "4", "5")
        assert (subscription.is_ended, subscription.is_slow) == (True, True)
        assert subscription.dropped == 1
        for _ in range(2):
            with pytest.raises(SlowSubscriber, match="over 3 messages behind"):
                await anext(subscription)


async def test_who_waits_is_woken() -> None:
    taken: list[str | bytes] = []

    async def read() -> None:
        taken.extend([message.data async for message in subscription])

    async with make() as subscription, _tasks.open_group() as group:
        group.start_soon(read)
        for text in ("1", "2"):
            await _tasks.checkpoint()
            await _tasks.checkpoint()
            put(subscription, text)
        await _tasks.checkpoint()
        await _tasks.checkpoint()
        subscription.end()
        put(subscription, "too late")
    assert taken == ["1", "2"]


async def test_who_waits_is_told_that_it_was_too_slow() -> None:
    async with make(1, "disconnect") as subscription:

        async def read() -> None:
            with pytest.raises(SlowSubscriber):
                await anext(subscription)
            done.append(True)

        done: list[bool] = []
        async with _tasks.open_group() as group:
            group.start_soon(read)
            for _ in range(3):
                await _tasks.checkpoint()
            put(subscription, "1", "2")
        assert done


async def test_a_cancelled_reader_loses_nothing() -> None:
    async with make() as subscription:
        with _tasks.open_scope(timeout_s=0.001):
            await anext(subscription)
        put(subscription, "1")
        assert (await anext(subscription)).data == "1"


async def test_the_end_is_told_once() -> None:
    told: list[str] = []
    async with make() as subscription:
        subscription.on_end(lambda: told.append("end"))
        assert told == []
        subscription.end()
        subscription.end()
        assert told == ["end"]
        subscription.on_end(lambda: told.append("late"))
        assert told == ["end", "late"]


async def test_what_is_left_holds_nothing() -> None:
    async with make() as subscription:
        put(subscription, "1")
    assert subscription.is_ended
    assert [message async for message in subscription] == []


async def test_a_subscription_is_entered_before_and_once() -> None:
    subscription = make()
    with pytest.raises(Misuse, match="inside"):
        aiter(subscription)
    async with subscription:
        pass
    with pytest.raises(Misuse, match="once"):
        await subscription.__aenter__()


def test_settings_that_are_none() -> None:
    assert make(1).queue_size == 1
    with pytest.raises(ValueError, match="queue_size"):
        make(0)
    with pytest.raises(ValueError, match="drop_oldest, drop_newest, disconnect"):
        make(1, "wait")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
