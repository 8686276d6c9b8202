"""A coroutine and the news that ends it: who is cancelled, when, and what is left."""

from __future__ import annotations

import asyncio
import types
from collections.abc import AsyncGenerator, Generator
from contextvars import ContextVar

import anyio
import anyio.lowlevel
import pytest

from portico import _race
from portico._race import Race, interruptible, race
from tests.security.invariants import census, nothing_new

pytestmark = pytest.mark.anyio

COLOUR: ContextVar[str] = ContextVar("COLOUR", default="none")


class Listener:
    """Interrupts when it is told to; notes what happens to it."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.news: anyio.Event = anyio.Event()

    async def __call__(self, race: Race) -> None:
        self.events.append("started")
        try:
            await self.news.wait()
            race.interrupt()
            race.interrupt()
        finally:
            self.events.append("ended")


@pytest.fixture
def listener() -> Listener:
    return Listener()


async def test_what_never_waits_has_no_second_task(listener: Listener) -> None:
    done: list[str] = []

    async def work() -> None:
        done.append("work")

    assert await race(work(), listener) is False
    assert (done, listener.events) == (["work"], [])


async def test_the_listener_has_ended_before_the_race_has(listener: Listener) -> None:
    before = census()

    async def work() -> None:
        await anyio.wait_all_tasks_blocked()

    assert await race(work(), listener) is False
    assert listener.events == ["started", "ended"]
    assert nothing_new(before)


async def test_the_work_runs_in_the_callers_task_and_context(listener: Listener) -> None:
    own = anyio.get_current_task().id
    seen: list[int] = []

    async def work() -> None:
        await anyio.lowlevel.checkpoint()
        COLOUR.set("red")
        seen.append(anyio.get_current_task().id)

    await race(work(), listener)
    assert (seen, COLOUR.get()) == ([own], "red")


async def test_an_interruption_cancels_what_is_awaited_and_is_not_raised(
    listener: Listener,
) -> None:
    steps: list[str] = []

    async def work() -> None:
        try:
            listener.news.set()
            await anyio.sleep_forever()
        finally:
            await anyio.lowlevel.checkpoint()
            await anyio.sleep(0.001)  # what cleans up may wait
            steps.append("cleaned")

    assert await race(work(), listener) is True
    assert steps == ["cleaned"]
    await anyio.lowlevel.checkpoint()  # nothing of the cancellation is left in this task
    task = asyncio.current_task() if asyncio._get_running_loop() else None
    assert task is None or task.cancelling() == 0


async def test_work_that_does_not_mind_the_interruption_goes_on(listener: Listener) -> None:
    steps: list[str] = []

    async def work() -> None:
        listener.news.set()
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            steps.append("cancelled")
        await anyio.lowlevel.checkpoint()
        steps.append("done")

    assert await race(work(), listener) is True
    assert steps == ["cancelled", "done"]


async def test_an_error_of_the_work_is_raised_as_itself(listener: Listener) -> None:
    async def work() -> None:
        await anyio.lowlevel.checkpoint()
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await race(work(), listener)
    assert listener.events in (["started", "ended"], [])


async def test_an_error_before_it_waits(listener: Listener) -> None:
    async def work() -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await race(work(), listener)


async def test_an_error_while_it_cleans_up(listener: Listener) -> None:
    async def work() -> None:
        try:
            listener.news.set()
            await anyio.sleep_forever()
        finally:
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await race(work(), listener)


async def test_cancellation_from_outside_comes_out(listener: Listener) -> None:
    steps: list[str] = []

    async def work() -> None:
        try:
            scope.cancel()
            await anyio.sleep_forever()
        finally:
            steps.append("cleaned")

    with anyio.CancelScope() as scope:
        await race(work(), listener)
        steps.append("went on")
    assert scope.cancelled_caught
    assert steps == ["cleaned"]
    assert listener.events[-1:] in (["ended"], [])


async def test_cancellation_from_outside_while_the_listener_ends() -> None:
    async def listen(race: Race) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            scope.cancel()
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.001)

    async def work() -> None:
        await anyio.wait_all_tasks_blocked()

    steps: list[str] = []
    with anyio.CancelScope() as scope:
        await race(work(), listen)
        await anyio.lowlevel.checkpoint()
        steps.append("went on")
    assert scope.cancelled_caught
    assert steps == []


async def test_cancellation_from_outside_beside_an_interruption(listener: Listener) -> None:
    steps: list[str] = []

    async def work() -> None:
        try:
            listener.news.set()
            await anyio.sleep_forever()
        finally:
            scope.cancel()

    with anyio.CancelScope() as scope:
        await race(work(), listener)
        await anyio.lowlevel.checkpoint()
        steps.append("went on")
    assert steps == []


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_asyncios_own_cancellation_beside_an_interruption(listener: Listener) -> None:
    async def work() -> None:
        try:
            listener.news.set()
            await anyio.sleep_forever()
        finally:
            task.cancel()

    async def run() -> None:
        await race(work(), listener)

    task = asyncio.create_task(run())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_asyncios_own_cancellation_of_the_work(listener: Listener) -> None:
    async def run() -> None:
        await race(anyio.sleep_forever(), listener)

    task = asyncio.create_task(run())
    await anyio.wait_all_tasks_blocked()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert listener.events == ["started", "ended"]


async def test_an_interruption_after_the_end_does_nothing() -> None:
    races: list[Race] = []

    async def listen(race: Race) -> None:
        races.append(race)

    async def work() -> None:
        await anyio.wait_all_tasks_blocked()

    assert await race(work(), listen) is False
    races[0].interrupt()
    await anyio.lowlevel.checkpoint()
    assert not races[0].is_interrupted


async def test_an_error_of_the_listener_is_not_lost() -> None:
    async def listen(race: Race) -> None:
        raise LookupError("the listener's")

    async def work() -> None:
        await anyio.lowlevel.checkpoint()

    with pytest.raises(LookupError, match="the listener's"):
        await race(work(), listen)


async def test_scopes_and_groups_that_stay_open_over_a_yield(listener: Listener) -> None:
    steps: list[int] = []

    async def numbers() -> AsyncGenerator[int]:
        with anyio.CancelScope():
            async with anyio.create_task_group() as group:
                group.start_soon(anyio.sleep, 0)
                for number in range(3):
                    await anyio.lowlevel.checkpoint()
                    yield number

    async def work() -> None:
        generator = numbers()
        steps.extend([number async for number in generator])
        await generator.aclose()

    await race(work(), listener)
    assert steps == [0, 1, 2]


async def test_a_block(listener: Listener) -> None:
    steps: list[str] = []
    async with interruptible(listener) as contest:
        await anyio.wait_all_tasks_blocked()
    assert not contest.is_interrupted
    assert listener.events == ["started", "ended"]
    async with interruptible(listener) as contest:
        listener.news.set()
        await anyio.sleep_forever()
        steps.append("went on")
    assert contest.is_interrupted
    assert steps == []


async def test_a_block_that_fails(listener: Listener) -> None:
    async def fail() -> None:
        async with interruptible(listener):
            await anyio.lowlevel.checkpoint()
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await fail()


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_what_cleans_up_for_too_long_is_cut_off(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_race, "CLEANUP_S", 0.01)
    steps: list[str] = []

    async def work() -> None:
        try:
            listener.news.set()
            await anyio.sleep_forever()
        finally:
            steps.append("cleaning")
            await anyio.lowlevel.checkpoint()
            await anyio.sleep_forever()

    assert await race(work(), listener) is True
    assert steps == ["cleaning"]


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_what_trio_throws_is_for_the_work(listener: Listener) -> None:
    """It sends whatever else it has to say."""
    steps: list[str] = []

    @types.coroutine
    def foreign() -> Generator[str]:
        yield "what another event loop waits for"

    async def work() -> None:
        try:
            await foreign()
        finally:
            steps.append("told")

    with pytest.raises(TypeError, match="trio"):
        await race(work(), listener)
    assert steps == ["told"]


def test_a_coroutine_that_is_closed_closes_the_work() -> None:
    steps: list[str] = []

    async def main() -> None:
        async def listen(race: Race) -> None:
            await anyio.sleep_forever()

        async def work() -> None:
            try:
                await anyio.sleep_forever()
            finally:
                steps.append("closed")

        running = race(work(), listen)
        running.send(None)  # as a loop that then goes away
        with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
            running.close()  # the listener, made here, cannot be waited for

    asyncio.run(main())
    assert steps == ["closed"]
