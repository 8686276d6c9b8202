"""Background work: independent of requests, drained at the end."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial

import anyio
import anyio.lowlevel
import pytest

from portico import _tasks
from portico._background import BackgroundTasks
from portico.errors import Misuse

COLOUR: ContextVar[str] = ContextVar("COLOUR", default="none")

Records = pytest.LogCaptureFixture


@asynccontextmanager
async def opened(timeout_s: float = 5) -> AsyncGenerator[BackgroundTasks, None]:
    background = BackgroundTasks()
    async with _tasks.open_group() as group:
        await background.open(group)
        yield background
        await background.close(timeout_s)


@pytest.mark.anyio
async def test_close_waits_for_what_is_under_way() -> None:
    seen: list[object] = []

    async def work(first: int, *, second: int) -> None:
        await anyio.sleep(0.01)
        seen.append((first, second))

    def sync_work(word: str) -> None:
        seen.append((word, threading.get_ident() != here))

    here = threading.get_ident()
    async with opened() as background:
        background.start(work, 1, second=2)
        background.start(sync_work, "thread")
        assert seen == []
    assert sorted(seen, key=str) == [("thread", True), (1, 2)]


@pytest.mark.anyio
async def test_a_sync_function_that_gives_a_coroutine_is_awaited() -> None:
    seen: list[int] = []

    async def work() -> None:
        seen.append(1)

    def make() -> Coroutine[object, object, None]:
        return work()

    async with opened() as background:
        background.start(make)
    assert seen == [1]


@pytest.mark.anyio
async def test_the_context_is_the_callers_at_the_call() -> None:
    seen: list[str] = []

    async def look() -> None:
        await anyio.lowlevel.checkpoint()
        seen.append(COLOUR.get())
        COLOUR.set("of the task")

    async with opened() as background:
        COLOUR.set("red")
        background.start(look)
        background.start(lambda: seen.append(COLOUR.get()))
        COLOUR.set("green")
    assert seen == ["red", "red"]
    assert COLOUR.get() == "green"


@pytest.mark.anyio
async def test_a_handler_in_a_thread_can_start_work() -> None:
    seen: list[str] = []

    async def look() -> None:
        seen.append(COLOUR.get())

    async with opened() as background:
        COLOUR.set("blue")
        await _tasks.run_in_thread(background.start, look)
    assert seen == ["blue"]


@pytest.mark.anyio
async def test_a_failure_is_logged_once_and_disturbs_nothing(caplog: Records) -> None:
    seen: list[int] = []

    async def fail(secret: str) -> None:
        raise KeyError("lost")

    async def work() -> None:
        await anyio.sleep(0.01)
        seen.append(1)

    async with opened() as background:
        background.start(work)
        background.start(fail, "hush")
        background.start(partial(fail, "hush"))
    assert seen == [1]
    assert [(r.name, r.levelno) for r in caplog.records] == [
        ("portico.background", logging.ERROR)
    ] * 2
    assert "fail" in caplog.records[0].getMessage()
    assert caplog.records[0].exc_info
    assert "hush" not in "".join(record.getMessage() for record in caplog.records)


@pytest.mark.anyio
async def test_the_end_of_a_request_does_not_end_its_work() -> None:
    seen: list[int] = []

    async def work() -> None:
        await anyio.sleep(0.02)
        seen.append(1)

    async with opened() as background:
        with anyio.CancelScope() as request:
            background.start(work)
            request.cancel()
            await anyio.sleep(1)
    assert seen == [1]


@pytest.mark.anyio
async def test_what_takes_too_long_is_cancelled_with_a_warning(caplog: Records) -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("cancelled")

    async with opened(0.01) as background:
        for _ in range(3):
            background.start(work)
        await anyio.lowlevel.checkpoint()
    assert ended == ["cancelled"] * 3
    assert [(r.name, r.levelno) for r in caplog.records] == [
        ("portico.background", logging.WARNING)
    ]
    assert "cancelled 3 background tasks" in caplog.records[0].getMessage()
    assert "0.01 s" in caplog.records[0].getMessage()


@pytest.mark.anyio
async def test_closing_at_once_without_work_warns_of_nothing(caplog: Records) -> None:
    async with opened(0):
        pass
    assert not caplog.records


@pytest.mark.anyio
async def test_a_thread_is_left_alone() -> None:
    release, ended = threading.Event(), threading.Event()

    def work() -> None:
        release.wait(5)
        ended.set()

    async with opened(0.01) as background:
        background.start(work)
        await anyio.sleep(0.01)
    assert not ended.is_set()
    release.set()
    assert await _tasks.run_in_thread(ended.wait, 5)


@pytest.mark.anyio
async def test_work_may_start_work_while_it_is_waited_for() -> None:
    seen: list[int] = []

    async def work(background: BackgroundTasks, left: int) -> None:
        await anyio.sleep(0.001)
        seen.append(left)
        if left:
            background.start(work, background, left - 1)

    async with opened() as background:
        background.start(work, background, 3)
    assert seen == [3, 2, 1, 0]


@pytest.mark.anyio
async def test_start_needs_an_open_registry() -> None:
    background = BackgroundTasks()
    with pytest.raises(Misuse, match="the server must support it"):
        background.start(anyio.sleep, 0)
    with pytest.raises(Misuse, match="the server must support it"):
        await _tasks.run_in_thread(lambda: background.start(anyio.sleep, 0))
    async with _tasks.open_group() as group:
        await background.open(group)
        await background.close(1)
        with pytest.raises(Misuse):
            background.start(anyio.sleep, 0)
        await background.close(1)  # nothing is open: nothing to do


@pytest.mark.anyio
async def test_start_after_the_group_was_cancelled_is_refused() -> None:
    background = BackgroundTasks()
    async with _tasks.open_group() as group:
        await background.open(group)
        group.cancel_scope.cancel()
    with pytest.raises(Misuse):
        background.start(anyio.sleep, 0)


def test_start_without_an_event_loop() -> None:
    with pytest.raises(Misuse, match="in an event loop"):
        BackgroundTasks().start(print)


def test_each_loop_has_its_own() -> None:
    background, seen = BackgroundTasks(), list[str]()

    async def work(name: str) -> None:
        seen.append(name)

    async def main(name: str) -> None:
        async with _tasks.open_group() as group:
            await background.open(group)
            background.start(work, name)
            await background.close(5)

    threads = [threading.Thread(target=partial(anyio.run, main, str(n))) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == ["0", "1", "2"]
