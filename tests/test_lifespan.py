"""Startup and shutdown: the protocol, the order, the failures, the children."""

from __future__ import annotations

import gc
import logging
import threading
import weakref
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from portico.asgi import ASGIApp, Message, Receive, Scope, Send
from portico.errors import Misuse
from portico.lifespan import Lifespan, LifespanContext

Records = pytest.LogCaptureFixture
Log = list[str]
STARTUP: Message = {"type": "lifespan.startup"}
SHUTDOWN: Message = {"type": "lifespan.shutdown"}


def noting(log: Log, name: str, state: Mapping[str, object] | None = None) -> LifespanContext:
    """Make a context manager function that notes when it is entered and left."""

    @asynccontextmanager
    async def context(app: object) -> AsyncGenerator[Mapping[str, object] | None, None]:
        log.append(f"+{name}")
        try:
            yield state
        finally:
            log.append(f"-{name}")

    return context


def failing(error: Exception, *, at: str = "exit") -> LifespanContext:
    @asynccontextmanager
    async def context(app: object) -> AsyncGenerator[None, None]:
        if at == "enter":
            raise error
        yield
        raise error

    return context


async def serve(
    served: ASGIApp, *, state: dict[str, object] | None = None, **more: object
) -> list[Message]:
    """Play a server that starts and stops ``served``; give back what it sent, even if it raised."""
    incoming, sent = [STARTUP, SHUTDOWN], list[Message]()
    scope: Scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, **more}
    if state is not None:
        scope["state"] = state

    async def receive() -> Message:
        await anyio.lowlevel.checkpoint()
        return incoming.pop(0)

    async def send(message: Message) -> None:
        await anyio.lowlevel.checkpoint()
        sent.append(message)

    with anyio.fail_after(5):
        try:
            await served(scope, receive, send)
        except Exception as error:  # noqa: BLE001
            sent.append({"type": "raised", "error": error})
    return sent


def kinds(sent: list[Message]) -> list[str]:
    return [message["type"] for message in sent]


DONE = ["lifespan.startup.complete", "lifespan.shutdown.complete"]


# The protocol


@pytest.mark.anyio
async def test_an_empty_lifespan_starts_and_stops() -> None:
    assert kinds(await serve(Lifespan())) == DONE


@pytest.mark.anyio
async def test_what_is_yielded_fills_the_servers_state() -> None:
    state: dict[str, object] = {"server": 1}
    lifespan = Lifespan(noting([], "a", {"db": 2}))
    assert kinds(await serve(lifespan, state=state)) == DONE
    assert state == {"server": 1, "db": 2}


@pytest.mark.anyio
async def test_a_server_without_state() -> None:
    seen: list[Mapping[str, object] | None] = []
    lifespan = Lifespan(noting([], "a", {"db": 2}))
    lifespan.on_startup(lambda: seen.append(lifespan.fallback_state))
    assert lifespan.fallback_state is None
    assert kinds(await serve(lifespan)) == DONE
    assert seen == [{"db": 2}]
    assert lifespan.fallback_state is None


@pytest.mark.anyio
async def test_the_app_is_the_scopes_or_the_lifespan() -> None:
    seen: list[object] = []

    @asynccontextmanager
    async def context(app: object) -> AsyncGenerator[None, None]:
        seen.append(app)
        yield

    lifespan = Lifespan(context)
    await serve(lifespan, app="the app")
    await serve(lifespan)
    assert seen == ["the app", lifespan]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("phase", "at"), [("startup", "enter"), ("shutdown", "exit")], ids=["startup", "shutdown"]
)
async def test_a_failure_is_told_with_its_traceback_and_raised(phase: str, at: str) -> None:
    error = KeyError("broken pipe dream")
    sent = await serve(Lifespan(failing(error, at=at)))
    assert kinds(sent)[-2:] == [f"lifespan.{phase}.failed", "raised"]
    assert "Traceback (most recent call last)" in sent[-2]["message"]
    assert "broken pipe dream" in sent[-2]["message"]
    assert sent[-1]["error"] is error


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["http", "websocket", "other"])
async def test_another_scope_is_refused(kind: str) -> None:
    async def unused(*_: object) -> Any: ...

    with pytest.raises(Misuse, match=kind):
        await Lifespan()({"type": kind}, unused, unused)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("incoming", "fault"),
    [
        pytest.param([SHUTDOWN], "'lifespan.shutdown' where lifespan.startup was due", id="first"),
        pytest.param([STARTUP, STARTUP], "where lifespan.shutdown was due", id="second"),
    ],
)
async def test_a_message_out_of_turn(incoming: list[Message], fault: str) -> None:
    waiting, log = list(incoming), Log()

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None: ...

    with pytest.raises(Misuse, match=fault):
        await Lifespan(noting(log, "a"))({"type": "lifespan"}, receive, send)
    assert log in ([], ["+a", "-a"])


@pytest.mark.anyio
async def test_a_failure_while_serving_is_logged_and_raised(caplog: Records) -> None:
    @asynccontextmanager
    async def context(app: object) -> AsyncGenerator[None, None]:
        async def fail() -> None:
            await anyio.sleep(0.01)
            raise KeyError("x")

        async with anyio.create_task_group() as group:
            group.start_soon(fail)
            yield

    sent, log = list[Message](), Log()

    async def receive() -> Message:
        if not sent:
            return STARTUP
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    lifespan = Lifespan(context, children=lambda: [Lifespan(noting(log, "child"))])
    with pytest.raises(KeyError):
        await lifespan({"type": "lifespan"}, receive, send)
    assert kinds(sent) == DONE[:1]
    assert [(r.name, r.levelno) for r in caplog.records] == [("portico.lifespan", logging.ERROR)]
    assert log == ["+child", "-child"]


@pytest.mark.anyio
async def test_a_cancelled_server_is_no_error(caplog: Records) -> None:
    log: Log = []
    sent: list[Message] = []

    async def receive() -> Message:
        if not sent:
            return STARTUP
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    lifespan = Lifespan(noting(log, "a"), children=lambda: [Lifespan(noting(log, "b"))])
    with anyio.move_on_after(0.02) as scope:
        await lifespan({"type": "lifespan"}, receive, send)
    assert scope.cancelled_caught
    assert sorted(log) == ["+a", "+b", "-a", "-b"]
    assert kinds(sent) == DONE[:1]
    assert not caplog.records


# Order


@pytest.mark.anyio
async def test_the_order_of_everything() -> None:
    log: Log = []
    lifespan = Lifespan(
        noting(log, "context"),
        children=lambda: [Lifespan(noting(log, "one")), Lifespan(noting(log, "two"))],
    )

    async def work() -> None:
        await anyio.sleep(0.01)
        log.append("work")

    for name in "ab":
        lifespan.on_startup(partial(log.append, f"+{name}"))
        lifespan.on_shutdown(partial(log.append, f"-{name}"))
    async with lifespan.run(None):
        log.append("serving")
        lifespan.background.start(work)
    assert log == [
        *("+context", "+one", "+two", "+a", "+b"),
        "serving",
        *("work", "-b", "-a", "-two", "-one", "-context"),
    ]


@pytest.mark.anyio
async def test_hooks_are_sync_or_async_and_take_nothing_or_the_app() -> None:
    seen: list[object] = []
    lifespan = Lifespan()

    @lifespan.on_startup
    def nothing() -> None:
        seen.append("nothing")

    @lifespan.on_startup
    def the_app(app: object) -> None:
        seen.append(app)

    @lifespan.on_startup
    async def async_nothing(default: int = 3, *args: int, **kwargs: int) -> None:
        await anyio.lowlevel.checkpoint()
        seen.append((default, args, kwargs))

    @lifespan.on_shutdown
    async def async_app(app: object, *args: int) -> None:
        await anyio.lowlevel.checkpoint()
        seen.append((app, args))

    assert (nothing.__name__, async_app.__name__) == ("nothing", "async_app")
    async with lifespan.run("app"):
        pass
    assert seen == ["nothing", "app", (3, (), {}), ("app", ())]


def two(a: object, b: object) -> None: ...


def keyword(*, a: object) -> None: ...


@pytest.mark.parametrize("func", [two, keyword])
def test_a_hook_with_other_arguments_is_refused(func: Callable[..., None]) -> None:
    with pytest.raises(TypeError, match="must take nothing or the app"):
        Lifespan().on_startup(func)


@pytest.mark.anyio
async def test_enters_and_exits_in_the_same_task() -> None:
    seen: list[object] = []

    @asynccontextmanager
    async def context(app: object) -> AsyncGenerator[None, None]:
        seen.append(anyio.get_current_task().id)
        yield
        seen.append(anyio.get_current_task().id)

    async with Lifespan(context, children=lambda: [Lifespan(context)]).run(None):
        pass
    here = anyio.get_current_task().id
    assert (seen[0], seen[3]) == (here, here)
    assert seen[1] == seen[2] != here


# Failures


@pytest.mark.anyio
async def test_a_failed_start_leaves_what_was_entered() -> None:
    log: Log = []
    error = KeyError("third")
    apps = [
        Lifespan(noting(log, "one")),
        Lifespan(noting(log, "two")),
        Lifespan(failing(error, at="enter")),
    ]
    lifespan = Lifespan(noting(log, "context"), children=lambda: apps)
    lifespan.on_startup(partial(log.append, "never"))
    lifespan.on_shutdown(partial(log.append, "never"))
    with pytest.raises(KeyError) as caught:
        async with lifespan.run(None):
            log.append("never")
    assert caught.value is error
    assert log == ["+context", "+one", "+two", "-two", "-one", "-context"]
    assert lifespan.fallback_state is None


@pytest.mark.anyio
async def test_a_failed_hook_ends_background_work_at_once() -> None:
    log: Log = []
    lifespan = Lifespan(noting(log, "context"))

    async def work() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            log.append("work ended")

    @lifespan.on_startup
    async def start() -> None:
        lifespan.background.start(work)
        await anyio.lowlevel.checkpoint()
        raise KeyError("x")

    with anyio.fail_after(2):
        with pytest.raises(KeyError):
            await lifespan.run(None).__aenter__()
    assert log == ["+context", "work ended", "-context"]


@pytest.mark.anyio
async def test_every_cleanup_runs_and_every_error_is_told() -> None:
    log: Log = []
    lifespan = Lifespan(failing(KeyError("context")))

    def fail(name: str) -> None:
        log.append(name)
        raise ValueError(name)

    lifespan.on_shutdown(partial(fail, "a"))
    lifespan.on_shutdown(partial(log.append, "b"))
    lifespan.on_shutdown(partial(fail, "c"))
    sent = await serve(lifespan)
    assert log == ["c", "b", "a"]
    assert kinds(sent) == ["lifespan.startup.complete", "lifespan.shutdown.failed", "raised"]
    error: ExceptionGroup[Exception] = sent[-1]["error"]
    assert [str(inner) for inner in error.exceptions] == ["c", "a", "'context'"]
    assert "ValueError: c" in sent[1]["message"]
    assert "KeyError: 'context'" in sent[1]["message"]


@pytest.mark.anyio
async def test_an_error_of_the_block_comes_out_as_itself() -> None:
    seen: list[BaseException] = []

    @asynccontextmanager
    async def context(app: object) -> AsyncGenerator[None, None]:
        try:
            yield
        except LookupError as error:
            seen.append(error)
            raise

    lifespan = Lifespan(context)
    lifespan.on_shutdown(partial(seen.append, KeyError("hook ran")))
    error = LookupError("block")
    with pytest.raises(LookupError) as caught:
        async with lifespan.run(None):
            raise error
    assert caught.value is error
    assert [str(one) for one in seen] == ["'hook ran'", "block"]


@pytest.mark.anyio
async def test_an_error_of_the_block_beside_one_of_shutdown() -> None:
    lifespan = Lifespan()

    @lifespan.on_shutdown
    def fail() -> None:
        raise ValueError("hook")

    with pytest.raises(ExceptionGroup) as caught:
        async with lifespan.run(None):
            raise LookupError("block")
    assert [str(inner) for inner in caught.value.exceptions] == ["block", "hook"]


@pytest.mark.anyio
async def test_a_context_manager_may_swallow_the_blocks_error() -> None:
    @asynccontextmanager
    async def context(app: object) -> AsyncGenerator[None, None]:
        with suppress(LookupError):
            yield

    async with Lifespan(context).run(None):
        raise LookupError


@pytest.mark.anyio
async def test_a_context_manager_may_not_swallow_a_failed_start() -> None:
    @asynccontextmanager
    async def context(app: object) -> AsyncGenerator[None, None]:
        with suppress(LookupError):
            yield

    lifespan = Lifespan(context)

    @lifespan.on_startup
    def fail() -> None:
        raise LookupError

    with pytest.raises(Misuse, match="swallowed"):
        async with lifespan.run(None):
            raise AssertionError


@pytest.mark.anyio
async def test_an_exit_during_shutdown_goes_before_errors(caplog: Records) -> None:
    lifespan = Lifespan(failing(KeyError("context")))

    @lifespan.on_shutdown
    def leave() -> None:
        raise SystemExit(3)

    @lifespan.on_shutdown
    def fail() -> None:
        raise ValueError("hook")

    with pytest.raises((SystemExit, KeyError)):
        async with lifespan.run(None):
            pass
    with pytest.raises((SystemExit, KeyError)):
        async with lifespan.run(None):
            raise LookupError("block")


@pytest.mark.anyio
async def test_a_cancellation_leaves_alone(caplog: Records) -> None:
    lifespan = Lifespan()
    log: Log = []

    @lifespan.on_shutdown
    def last() -> None:
        log.append("last")

    @lifespan.on_shutdown
    async def cancelled() -> None:
        scope.cancel()
        await anyio.sleep(1)

    @lifespan.on_shutdown
    def fail() -> None:
        raise ValueError("hook")

    with anyio.CancelScope() as scope:
        async with lifespan.run(None):
            raise LookupError("block")
    assert scope.cancelled_caught
    assert log == ["last"]
    assert [str(record.exc_info and record.exc_info[1]) for record in caplog.records] == [
        "hook",
        "block",
    ]


@asynccontextmanager
async def yields_a_number(app: object) -> AsyncGenerator[Any, None]:
    yield 5


@contextmanager
def synchronous(app: object) -> Any:
    yield


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("context", "fault"),
    [
        pytest.param(yields_a_number, "must yield a mapping or nothing, not int", id="a number"),
        pytest.param(
            synchronous,
            "must be an async context manager, not _GeneratorContextManager",
            id="synchronous",
        ),
    ],
)
async def test_a_wrong_context_manager(context: Any, fault: str) -> None:
    with pytest.raises(TypeError, match=fault):
        async with Lifespan(context).run(None):
            raise AssertionError


async def generator(app: object) -> AsyncGenerator[None, None]:
    yield


async def coroutine(app: object) -> None: ...


@pytest.mark.parametrize("context", [generator, coroutine])
def test_a_function_without_its_decorator_is_refused(context: Any) -> None:
    with pytest.raises(TypeError, match="asynccontextmanager"):
        Lifespan(context)


def test_a_negative_time_is_refused() -> None:
    with pytest.raises(ValueError, match="drain_timeout_s"):
        Lifespan(drain_timeout_s=-1)


# State


@pytest.mark.anyio
async def test_hooks_may_add_to_the_state() -> None:
    lifespan = Lifespan(noting([], "a", {"a": 1}))

    @lifespan.on_startup
    def add() -> None:
        lifespan.state["b"] = 2

    async with lifespan.run(None) as state:
        assert state == {"a": 1, "b": 2}
        assert lifespan.state is state
    with pytest.raises(Misuse, match="not running"):
        _ = lifespan.state


@pytest.mark.anyio
async def test_a_thread_has_no_state() -> None:
    lifespan = Lifespan()
    async with lifespan.run(None):
        seen: list[object] = []
        thread = threading.Thread(target=lambda: seen.append(lifespan.fallback_state))
        thread.start()
        thread.join()
        assert seen == [None]


def test_two_loops_at_once_have_a_run_each() -> None:
    log: Log = []
    lifespan = Lifespan(noting(log, "a", {"x": 1}))
    barrier, seen = threading.Barrier(2), list[int]()

    async def main() -> None:
        async with lifespan.run(None) as state:
            barrier.wait(5)
            seen.append(id(state))
            assert lifespan.state is state
            barrier.wait(5)

    threads = [
        threading.Thread(target=partial(anyio.run, main, backend=name))
        for name in ("asyncio", "trio")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == 2
    assert log == ["+a", "+a", "-a", "-a"]


@pytest.mark.anyio
async def test_a_lifespan_can_run_again() -> None:
    log: Log = []
    lifespan = Lifespan(noting(log, "a"))
    for _ in range(2):
        async with lifespan.run(None):
            pass
    assert log == ["+a", "-a"] * 2


# Background


@pytest.mark.anyio
async def test_background_work_has_the_time_that_was_given(caplog: Records) -> None:
    lifespan = Lifespan(drain_timeout_s=0.01)
    async with lifespan.run(None):
        lifespan.background.start(anyio.sleep, 60)
    assert "cancelled 1 background tasks" in caplog.text


def test_background_work_without_a_lifespan() -> None:
    with pytest.raises(Misuse):
        Lifespan().background.start(print)


# Children


def parent(*children: ASGIApp) -> Lifespan:
    return Lifespan(children=lambda: children)


@pytest.mark.anyio
async def test_children_share_the_state_of_their_parent() -> None:
    seen: list[object] = []

    async def foreign(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["asgi"] == {"version": "3.0", "spec_version": "2.0"}
        assert (await receive())["type"] == "lifespan.startup"
        seen.append(dict(scope["state"]))
        scope["state"]["foreign"] = 3
        await send({"type": "lifespan.startup.complete"})
        assert (await receive())["type"] == "lifespan.shutdown"
        await send({"type": "lifespan.shutdown.complete"})

    ours = Lifespan(noting([], "ours", {"ours": 2}))
    lifespan = Lifespan(noting([], "parent", {"parent": 1}), children=lambda: [ours, foreign])
    async with lifespan.run(None) as state:
        assert seen == [{"parent": 1, "ours": 2}]
        assert state == {"parent": 1, "ours": 2, "foreign": 3}


async def raises_at_once(scope: Scope, receive: Receive, send: Send) -> None:
    raise NotImplementedError(scope["type"])


async def returns_at_once(scope: Scope, receive: Receive, send: Send) -> None: ...


async def responds(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200})


async def reads_on(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@pytest.mark.anyio
@pytest.mark.parametrize("child", [raises_at_once, returns_at_once, responds, reads_on])
async def test_a_child_without_lifespan_is_passed_over(child: ASGIApp, caplog: Records) -> None:
    log: Log = []
    with anyio.fail_after(2):
        async with parent(child, Lifespan(noting(log, "next"))).run(None):
            assert log == ["+next"]
    assert log == ["+next", "-next"]
    assert not [record for record in caplog.records if record.levelno > logging.DEBUG]


@pytest.mark.anyio
async def test_a_child_that_raises_unanswered_is_passed_over_with_a_warning(
    caplog: Records,
) -> None:
    async def child(scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        raise KeyError(message["body"])

    async with parent(child).run(None):
        pass
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "child raised at lifespan.startup" in caplog.text


def failing_child(kind: str, then: Exception | None) -> ASGIApp:
    async def child(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if kind == "shutdown":
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": f"lifespan.{kind}.failed", "message": "no database"})
        if then is not None:
            raise then

    return child


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["startup", "shutdown"])
@pytest.mark.parametrize("then", [None, KeyError("itself")], ids=["returns", "raises"])
async def test_a_child_that_fails_fails_its_parent(kind: str, then: Exception | None) -> None:
    sent = await serve(parent(failing_child(kind, then)))
    assert kinds(sent)[-2:] == [f"lifespan.{kind}.failed", "raised"]
    error = sent[-1]["error"]
    if then is None:
        assert isinstance(error, RuntimeError)
        assert "no database" in str(error)
        assert "child" in str(error)
    else:
        assert error is then


@pytest.mark.anyio
@pytest.mark.parametrize("reads_again", [True, False])
async def test_a_failed_start_without_a_message(reads_again: bool) -> None:
    async def child(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed"})
        if reads_again:
            await receive()

    with pytest.raises(RuntimeError, match=r"answered lifespan\.startup\.failed"):
        async with parent(child).run(None):
            raise AssertionError


@pytest.mark.anyio
async def test_a_child_that_fails_while_serving_disturbs_nothing(caplog: Records) -> None:
    error = KeyError("x")
    log: Log = []

    async def child(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await anyio.lowlevel.checkpoint()
        raise error

    with pytest.raises(KeyError) as caught:  # noqa: PT012
        async with parent(child, Lifespan(noting(log, "other"))).run(None):
            await anyio.sleep(0.01)
            log.append("serving")
    assert caught.value is error
    assert log == ["+other", "serving", "-other"]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


@pytest.mark.anyio
async def test_a_child_that_leaves_early_in_peace() -> None:
    async def child(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})

    assert kinds(await serve(parent(child))) == DONE


@pytest.mark.anyio
async def test_a_child_that_reads_on_after_the_end() -> None:
    async def child(scope: Scope, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})

    assert kinds(await serve(parent(child))) == DONE


@pytest.mark.anyio
async def test_an_app_mounted_twice_runs_once() -> None:
    log: Log = []
    shared = Lifespan(noting(log, "shared", {"x": 1}))
    lifespan = parent(shared, shared, parent(shared))
    async with lifespan.run(None) as state:
        assert state == {"x": 1}
        assert log == ["+shared"]
    assert log == ["+shared", "-shared"]


@pytest.mark.anyio
async def test_an_app_mounted_in_itself_runs_once() -> None:
    log: Log = []
    apps: list[ASGIApp] = []
    lifespan = Lifespan(noting(log, "a"), children=lambda: apps)
    apps.append(lifespan)
    async with lifespan.run(None):
        pass
    assert log == ["+a", "-a"]


@pytest.mark.anyio
async def test_an_error_keeps_nothing_alive() -> None:
    class Heavy: ...

    def run_into_an_error() -> tuple[Lifespan, weakref.ref[Heavy]]:
        heavy = Heavy()

        @asynccontextmanager
        async def context(app: object) -> AsyncGenerator[Mapping[str, object], None]:
            yield {"heavy": heavy}

        return Lifespan(context), weakref.ref(heavy)

    gc.collect()
    gc.disable()
    try:
        lifespan, heavy = run_into_an_error()
        with suppress(LookupError):
            async with lifespan.run(None):
                raise LookupError
        del lifespan
        assert heavy() is None
    finally:
        gc.enable()


@pytest.mark.anyio
async def test_a_run_is_a_context_manager() -> None:
    run = Lifespan().run(None)
    assert isinstance(run, AbstractAsyncContextManager)
    async with run as state:
        assert state == {}
