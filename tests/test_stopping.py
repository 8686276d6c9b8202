"""The news that the application stops: who hears of it, and signals that are handed on."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

import anyio
import pytest

from portico import App, _stopping, _tasks
from portico._stopping import News, hear_signals, told

SIGNALS = [signal.SIGTERM, signal.SIGINT]


@contextmanager
def handled(number: signal.Signals, handler: object) -> Generator[None]:
    before = signal.signal(number, handler)  # type: ignore[arg-type]
    try:
        yield
    finally:
        signal.signal(number, before)


async def opened(*several: News) -> None:
    async with anyio.create_task_group() as group:
        for news in several:
            news.open(group)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()


@pytest.mark.anyio
async def test_everybody_is_told_once() -> None:
    heard: list[str] = []
    news = News(1)
    with told(lambda _: heard.append("nobody opened the news")):
        pass
    assert not _stopping.is_stopping()
    await opened(news)
    try:
        with told(lambda _: heard.append("gone before")):
            pass
        with told(lambda _: heard.append("there")):
            assert not _stopping.is_stopping()
            news.stop()
            assert _stopping.is_stopping()
            with told(lambda _: heard.append("late")):
                pass
    finally:
        news.close()
    assert heard == ["there", "late"]
    assert not _stopping.is_stopping()


@pytest.mark.anyio
async def test_the_second_news_of_a_loop_is_the_first_ones() -> None:
    heard: list[str] = []
    first, second = News(1), News(1)
    await opened(first, second)
    try:
        with told(lambda _: heard.append("x")):
            second.stop()
            assert heard == []
            second.close()
            first.stop()
    finally:
        first.close()
    assert heard == ["x"]


@pytest.mark.anyio
async def test_what_listeners_have_to_do_is_done_by_the_application() -> None:
    done = anyio.Event()

    async def work() -> None:
        done.set()

    _stopping.start_soon(work)  # nobody has told anything
    news = News(1)
    async with anyio.create_task_group() as group:
        news.open(group)
        try:
            with told(lambda _: _stopping.start_soon(work)):
                news.stop()
                assert not done.is_set()
                await done.wait()
        finally:
            news.close()


@pytest.mark.anyio
async def test_it_waits_for_who_was_told() -> None:
    news, left = News(5), anyio.Event()
    await opened(news)
    steps: list[str] = []

    async def listen() -> None:
        with told(lambda _: left.set()):
            await left.wait()
            steps.append("told")

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(listen)
            await anyio.wait_all_tasks_blocked()
            await news.finish(None)
            assert steps == ["told"]
    finally:
        news.close()


@pytest.mark.anyio
@pytest.mark.parametrize("error", [None, ValueError()])
async def test_it_waits_no_longer_than_it_may(error: Exception | None) -> None:
    news = News(0.01)
    await opened(news)
    try:
        with told(lambda _: None), anyio.fail_after(5):
            await news.finish(error)
    finally:
        news.close()


@pytest.mark.anyio
@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_is_heard_and_handed_on(number: signal.Signals) -> None:
    handed: list[int] = []
    heard = anyio.Event()

    def server(signum: int, frame: FrameType | None) -> None:
        handed.append(signum)

    with handled(number, server):
        app = App()
        async with app.lifespan.run(app):
            assert signal.getsignal(number) is not server
            with told(lambda _: heard.set()), anyio.fail_after(5):
                os.kill(os.getpid(), number)
                await heard.wait()
        assert signal.getsignal(number) is server
    assert handed == [number]


@pytest.mark.parametrize("handler", [signal.SIG_DFL, signal.SIG_IGN, signal.default_int_handler])
def test_what_nobody_handles_is_left_alone(handler: object) -> None:
    with handled(signal.SIGINT, handler), hear_signals(lambda: None):
        assert signal.getsignal(signal.SIGINT) is handler


def test_a_handler_that_was_put_over_it_stays() -> None:
    def server(signum: int, frame: FrameType | None) -> None:
        raise NotImplementedError

    def later(signum: int, frame: FrameType | None) -> None:
        raise NotImplementedError

    with handled(signal.SIGTERM, server):
        with hear_signals(lambda: None):
            signal.signal(signal.SIGTERM, later)
        assert signal.getsignal(signal.SIGTERM) is later


def test_other_threads_hear_no_signals() -> None:
    seen: list[object] = []

    def look() -> None:
        with hear_signals(lambda: None):
            seen.append(signal.getsignal(signal.SIGTERM))

    def server(signum: int, frame: FrameType | None) -> None:
        raise NotImplementedError

    with handled(signal.SIGTERM, server):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert seen == [server]


def test_a_signal_after_the_loop_has_ended_is_handed_on_alone() -> None:
    heard: list[str] = []
    callers: list[Callable[[], None]] = []

    async def main() -> None:
        callers.append(_tasks.caller(lambda: heard.append("x")))

    for backend in ("asyncio", "trio"):
        anyio.run(main, backend=backend)
    for call in callers:
        call()
    assert heard == []
