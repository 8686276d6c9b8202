"""Work after the last byte: run in order, logged if it fails."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from portico.response.background import Background, BackgroundTask, run_background
from portico.response.text import PlainTextResponse
from tests.drive import call

USER: ContextVar[str] = ContextVar("USER", default="nobody")

SECRET = "s3cr3t"


class Sender:
    def __init__(self, seen: list[str]) -> None:
        self.seen: list[str] = seen

    async def __call__(self) -> None:
        self.seen.append("object")


@pytest.mark.anyio
async def test_what_may_be_run() -> None:
    seen: list[str] = []

    async def work(name: str = "async", *, times: int = 1) -> None:
        await anyio.lowlevel.checkpoint()
        seen.append(name * times)

    def gives_a_coroutine() -> Coroutine[object, object, None]:
        return work("given")

    await run_background(work)
    await run_background(BackgroundTask(work, "ab", times=2))
    await run_background([partial(work, "partial"), BackgroundTask(seen.append, "sync")])
    await run_background((Sender(seen), gives_a_coroutine, lambda: work("lambda")))
    await run_background([])
    await BackgroundTask(gives_a_coroutine)()
    assert seen == ["async", "abab", "partial", "sync", "object", "given", "lambda", "given"]


@pytest.mark.anyio
async def test_a_sync_function_runs_in_a_thread_and_sees_the_context() -> None:
    seen: list[tuple[bool, str]] = []
    here = threading.get_ident()

    def work() -> None:
        seen.append((threading.get_ident() == here, USER.get()))

    async def async_work() -> None:
        seen.append((threading.get_ident() == here, USER.get()))

    USER.set("ann")
    await run_background([work, async_work])
    assert seen == [(False, "ann"), (True, "ann")]


@pytest.mark.anyio
async def test_what_fails_is_logged_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[int] = []

    async def fails(*args: object) -> None:
        raise ZeroDivisionError

    def fails_in_a_thread() -> None:
        raise OSError

    background: list[Background] = [
        fails,
        fails_in_a_thread,
        BackgroundTask(fails, SECRET),
        lambda: seen.append(1),
    ]
    with caplog.at_level(logging.INFO):
        reply = await call(PlainTextResponse("ok", background=background))
    assert (reply.text, seen) == ("ok", [1])
    assert [(record.name, record.levelname) for record in caplog.records] == [
        ("portico.background", "ERROR")
    ] * 3
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [
        ZeroDivisionError,
        OSError,
        ZeroDivisionError,
    ]
    assert "fails_in_a_thread" in caplog.records[1].getMessage()


@pytest.mark.parametrize(
    ("task", "shown"),
    [
        pytest.param(BackgroundTask(print, SECRET), "BackgroundTask(print)", id="function"),
        pytest.param(
            BackgroundTask(partial(partial(print, SECRET), end=SECRET)),
            "BackgroundTask(print)",
            id="partial",
        ),
        pytest.param(BackgroundTask(Sender([SECRET])), "BackgroundTask(Sender)", id="object"),
    ],
)
def test_the_log_names_the_function_not_its_arguments(task: BackgroundTask, shown: str) -> None:
    assert repr(task) == shown


@pytest.mark.parametrize("value", [None, 5, "text", {"a": 1}])
@pytest.mark.anyio
async def test_what_is_no_function(value: Any) -> None:
    seen: list[int] = []
    with pytest.raises(TypeError, match="background work is a function, not"):
        BackgroundTask(value)
    with pytest.raises(TypeError, match="background work is a function, not"):
        await run_background(value)
    with pytest.raises(TypeError, match="background work is a function, not"):
        await run_background([lambda: seen.append(1), value])
    assert seen == []


@pytest.mark.anyio
async def test_a_coroutine_is_no_function() -> None:
    coroutine: Any = anyio.lowlevel.checkpoint()
    with pytest.raises(TypeError, match="not a coroutine"):
        await run_background(coroutine)
    coroutine.close()


@pytest.mark.anyio
async def test_cancelling_ends_it() -> None:
    seen: list[str] = []

    async def endless() -> None:
        seen.append("begun")
        await anyio.sleep_forever()

    late: Callable[[], object] = partial(seen.append, "late")
    with anyio.move_on_after(0.01) as scope:
        await run_background([endless, late])
    assert scope.cancelled_caught
    assert seen == ["begun"]
