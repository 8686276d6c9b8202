"""Threads, groups, polling: the same under asyncio and trio."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Generator
from contextlib import aclosing
from contextvars import ContextVar
from functools import partial

import anyio
import anyio.lowlevel
import pytest

from portico import _tasks
from portico.asgi import Message
from portico.response._streaming import iterate_in_thread

COLOUR: ContextVar[str] = ContextVar("COLOUR", default="none")


class Callme:
    async def __call__(self) -> None: ...


async def nothing() -> None: ...


def raise_(error: BaseException) -> None:
    raise error


def test_nothing_here_imports_an_event_loop() -> None:
    code = (
        "import sys, portico._tasks as t; t.ThreadLimiter(3); t.PerLoop();"
        "sys.exit(any(m in sys.modules for m in ('anyio', 'asyncio', 'trio')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603


# Threads


@pytest.mark.anyio
async def test_a_call_runs_in_another_thread_and_gives_its_result() -> None:
    assert await _tasks.run_in_thread(threading.get_ident) != threading.get_ident()
    assert await _tasks.run_in_thread(divmod, 7, 2, limiter=_tasks.FILE_THREADS) == (3, 1)


@pytest.mark.anyio
async def test_whatever_is_called_its_result_comes_back() -> None:
    async def here(number: int) -> tuple[int, int]:
        return number, threading.get_ident()

    def given(number: int) -> Coroutine[object, object, tuple[int, int]]:
        return here(number)

    own = threading.get_ident()
    assert await _tasks.call(here, 1) == (1, own)
    assert await _tasks.call(given, 2) == (2, own)
    assert await _tasks.call(threading.get_ident) != own


@pytest.mark.anyio
async def test_a_thread_sees_a_copy_of_the_callers_context() -> None:
    COLOUR.set("red")

    def look_and_set() -> str:
        seen = COLOUR.get()
        COLOUR.set("blue")
        return seen

    assert await _tasks.run_in_thread(look_and_set) == "red"
    assert COLOUR.get() == "red"


@pytest.mark.anyio
async def test_an_exception_comes_out_as_itself() -> None:
    error = KeyError("x")
    with pytest.raises(KeyError) as caught:
        await _tasks.run_in_thread(raise_, error)
    assert caught.value is error


@pytest.mark.anyio
async def test_stop_iteration_is_an_error_and_ends_nothing() -> None:
    with pytest.raises(RuntimeError, match="StopIteration") as caught:
        await _tasks.run_in_thread(next, iter(()))
    assert isinstance(caught.value.__cause__, StopIteration)


@pytest.mark.anyio
@pytest.mark.parametrize("number", [1, 2, 5])
async def test_no_more_threads_than_the_limit(number: int) -> None:
    limiter = _tasks.ThreadLimiter(40)
    await _tasks.run_in_thread(nothing_sync, limiter=limiter)
    limiter.max_threads = number  # heeded by the next call, in a loop that has used it already
    lock, now, most = threading.Lock(), 0, 0

    def work() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1

    async def run() -> None:
        await _tasks.run_in_thread(work, limiter=limiter)

    async with _tasks.open_group() as group:
        for _ in range(number * 2):
            group.start_soon(run)
    assert most == number


def nothing_sync() -> None: ...


@pytest.mark.anyio
async def test_handlers_do_not_keep_files_waiting() -> None:
    release = threading.Event()
    handlers, files = _tasks.ThreadLimiter(1), _tasks.ThreadLimiter(1)

    async def wait() -> None:
        await _tasks.run_in_thread(release.wait, 5, limiter=handlers)

    async with _tasks.open_group() as group:
        group.start_soon(wait)
        group.start_soon(wait)
        await _tasks.sleep(0.01)
        assert await _tasks.run_in_thread(divmod, 1, 1, limiter=files) == (1, 0)
        release.set()


def test_defaults_of_the_limiters() -> None:
    assert _tasks.HANDLER_THREADS.max_threads == _tasks.FILE_THREADS.max_threads == 40
    assert _tasks.HANDLER_THREADS is not _tasks.FILE_THREADS


@pytest.mark.parametrize("number", [0, -1])
def test_a_limit_below_one_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="max_threads must be at least 1"):
        _tasks.ThreadLimiter(number)


@pytest.mark.anyio
@pytest.mark.parametrize("abandon", [True, False])
async def test_a_cancelled_caller_waits_unless_it_abandons(abandon: bool) -> None:
    release, ended = threading.Event(), threading.Event()

    def work() -> None:
        release.wait(0.1)
        ended.set()

    with _tasks.open_scope(timeout_s=0.02) as scope:
        await _tasks.run_in_thread(work, abandon=abandon)
    assert scope.cancel_called
    assert ended.is_set() is not abandon
    release.set()
    assert await _tasks.run_in_thread(ended.wait, 2)


def test_a_limiter_serves_several_loops() -> None:
    async def use() -> int:
        return await _tasks.run_in_thread(abs, -1)

    assert [anyio.run(use, backend=name) for name in ("asyncio", "trio", "asyncio")] == [1, 1, 1]


# Iterating in threads


@pytest.mark.anyio
@pytest.mark.parametrize("items", [[], [None], [1, 2, 3]])
async def test_iterating_gives_every_item(items: list[int | None]) -> None:
    assert [item async for item in iterate_in_thread(items)] == items


@pytest.mark.anyio
async def test_a_generator_is_closed_in_a_thread() -> None:
    seen: list[int] = []

    def numbers() -> Generator[int, None, None]:
        try:
            yield 1
            yield 2
        finally:
            seen.append(threading.get_ident())

    async with aclosing(iterate_in_thread(numbers())) as steps:
        async for number in steps:
            assert number == 1
            break
    assert seen
    assert seen[0] != threading.get_ident()


@pytest.mark.anyio
async def test_an_error_while_iterating_comes_out_after_what_was_before_it() -> None:
    def numbers() -> Generator[int, None, None]:
        yield 1
        raise KeyError("x")

    async with aclosing(iterate_in_thread(numbers())) as steps:
        assert await anext(steps) == 1
        with pytest.raises(KeyError):
            await anext(steps)


# Polling


class Mailbox:
    """A server's queue; it yields to the loop ``steps`` times before it looks."""

    def __init__(self, steps: int) -> None:
        self.messages: deque[Message] = deque()
        self.arrival: anyio.Event = anyio.Event()
        self.steps: int = steps

    def put(self, name: str) -> None:
        self.messages.append({"type": name})
        self.arrival.set()

    async def receive(self) -> Message:
        for _ in range(self.steps):
            await anyio.lowlevel.checkpoint()
        while not self.messages:
            self.arrival = anyio.Event()
            await self.arrival.wait()
        return self.messages.popleft()


@pytest.mark.anyio
@pytest.mark.parametrize("steps", [0, 1])
async def test_poll_takes_what_is_there_and_waits_for_nothing(steps: int) -> None:
    box = Mailbox(steps)
    assert await _tasks.poll(box.receive) is None
    box.put("a")
    box.put("b")
    assert await _tasks.poll(box.receive) == {"type": "a"}
    assert await _tasks.poll(box.receive) == {"type": "b"}
    assert await _tasks.poll(box.receive) is None
    box.put("c")
    assert await box.receive() == {"type": "c"}


@pytest.mark.anyio
async def test_poll_works_on_anyio_streams() -> None:
    send, receive = anyio.create_memory_object_stream[Message](3)
    with send, receive:
        assert await _tasks.poll(receive.receive) is None
        send.send_nowait({"type": "a"})
        assert await _tasks.poll(receive.receive) == {"type": "a"}
        assert await _tasks.poll(receive.receive) is None


@pytest.mark.anyio
async def test_poll_loses_nothing_that_comes_meanwhile() -> None:
    box, names = Mailbox(0), [str(number) for number in range(200)]
    got: list[str] = []

    async def put() -> None:
        for at, name in enumerate(names):
            box.put(name)
            for _ in range(at % 4):
                await anyio.lowlevel.checkpoint()

    async with _tasks.open_group() as group:
        group.start_soon(put)
        while len(got) < len(names):
            message = await _tasks.poll(box.receive)
            if message is not None:
                got.append(message["type"])
    assert got == names


@pytest.mark.anyio
async def test_poll_under_a_cancelled_scope_loses_nothing() -> None:
    box, got = Mailbox(0), list[Message | None]()
    box.put("a")
    with anyio.CancelScope() as scope:
        scope.cancel()
        got.append(await _tasks.poll(box.receive))
    assert got == [{"type": "a"}]


@pytest.mark.anyio
async def test_poll_raises_what_receive_raises() -> None:
    async def broken() -> Message:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await _tasks.poll(broken)


# Groups, scopes, values per loop


@pytest.mark.anyio
async def test_one_failure_of_a_group_is_raised_as_itself() -> None:
    cause, context, error = ValueError("cause"), ValueError("context"), KeyError("x")
    error.__cause__, error.__context__ = cause, context

    async def fail() -> None:
        await _tasks.checkpoint()
        raise error

    with pytest.raises(KeyError) as caught:  # noqa: PT012
        async with _tasks.open_group() as group:
            group.start_soon(fail)
            await anyio.sleep_forever()
    assert caught.value is error
    assert error.__cause__ is cause
    assert error.__context__ is context


@pytest.mark.anyio
async def test_several_failures_stay_a_group() -> None:
    async def fail() -> None:
        raise KeyError("x")

    with pytest.raises(ExceptionGroup) as caught:  # noqa: PT012
        async with _tasks.open_group() as group:
            group.start_soon(fail)
            group.start_soon(fail)
    assert [type(error) for error in caught.value.exceptions] == [KeyError, KeyError]


@pytest.mark.anyio
async def test_a_failure_of_the_block_is_raised_as_itself() -> None:
    async def block() -> None:
        async with _tasks.open_group() as group:
            group.start_soon(anyio.sleep_forever)
            raise LookupError("x")

    with pytest.raises(LookupError):
        await block()


@pytest.mark.anyio
async def test_a_group_waits_for_its_tasks_and_can_be_cancelled() -> None:
    event = _tasks.make_event()

    async def wait() -> None:
        await event.wait()

    async with _tasks.open_group() as group:
        group.start_soon(wait)
        assert not event.is_set()
        event.set()
    assert event.is_set()
    async with _tasks.open_group() as group:
        group.start_soon(anyio.sleep_forever)
        group.cancel_scope.cancel()


def test_unwrap_leaves_groups_of_several() -> None:
    several = ExceptionGroup("two", [KeyError("a"), KeyError("b")])
    assert _tasks.unwrap(ExceptionGroup("outer", [several])) is several


@pytest.mark.anyio
async def test_a_value_per_loop_is_none_until_set() -> None:
    first, second = _tasks.PerLoop[str](), _tasks.PerLoop[str]()
    assert first.get() is None
    first.set("a")
    second.set("b")
    assert (first.get(), second.get()) == ("a", "b")
    first.set(None)
    assert (first.get(), second.get()) == (None, "b")


def test_a_value_per_loop_is_not_seen_in_another_loop() -> None:
    value = _tasks.PerLoop[str]()

    async def look() -> str | None:
        before = value.get()
        value.set("mine")
        return before

    assert [anyio.run(look), anyio.run(look)] == [None, None]
    with pytest.raises(RuntimeError):
        value.get()


@pytest.mark.anyio
async def test_call_in_loop_from_the_loop_and_from_a_worker() -> None:
    here = threading.get_ident()
    assert _tasks.call_in_loop(threading.get_ident) == here
    assert await _tasks.run_in_thread(_tasks.call_in_loop, threading.get_ident) == here


def test_call_in_loop_without_a_loop() -> None:
    with pytest.raises(RuntimeError):
        _tasks.call_in_loop(threading.get_ident)


async def generate() -> AsyncGenerator[int, None]:
    yield 1


@pytest.mark.parametrize(
    ("func", "expected"),
    [
        pytest.param(nothing, True, id="function"),
        pytest.param(partial(partial(nothing)), True, id="partial of a partial"),
        pytest.param(Callme(), True, id="object"),
        pytest.param(partial(Callme()), True, id="partial of an object"),
        pytest.param(Callme().__call__, True, id="method"),
        pytest.param(Callme, False, id="class"),
        pytest.param(nothing_sync, False, id="sync function"),
        pytest.param(generate, False, id="async generator"),
        pytest.param(len, False, id="builtin"),
        pytest.param(None, False, id="not callable"),
    ],
)
def test_is_async_callable(func: object, expected: bool) -> None:
    assert _tasks.is_async_callable(func) is expected


class Held:
    """Something that a task holds when it is cancelled."""


@pytest.mark.anyio
async def test_a_cancelled_task_of_a_group_is_no_reference_cycle() -> None:
    async def wait(held: Held) -> None:
        await anyio.sleep_forever()

    held = Held()
    alive = weakref.ref(held)
    gc.disable()
    try:
        async with _tasks.open_group() as group:
            group.start_soon(wait, held)
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        del held, group
        await anyio.lowlevel.checkpoint()
        assert alive() is None
    finally:
        gc.enable()
