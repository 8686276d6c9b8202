"""Startup and shutdown as one context manager.

ASGI lifespan 2.0. ``Lifespan`` is an ASGI app for the ``lifespan`` scope, and the same thing as a
plain ``async with lifespan.run(app):`` where no server is. Entered first and left last is the
context manager; then come the mounted apps, then the hooks.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from inspect import Parameter, isasyncgenfunction, signature
from traceback import format_exception
from typing import Any, Final, Literal, TypeAlias, TypeVar, final

from portico import _tasks
from portico._background import BackgroundTasks
from portico._stopping import News
from portico.asgi import ASGIApp, Message, Receive, Scope, Send
from portico.errors import Misuse

__all__ = ("Lifespan", "LifespanContext")

LifespanContext: TypeAlias = Callable[
    [Any], AbstractAsyncContextManager[Mapping[str, object] | None]
]
"""A function of the app that gives a context manager; what that yields becomes the state."""

Hook = TypeVar("Hook", bound=Callable[..., object])

_Hook: TypeAlias = Callable[[object], Awaitable[None]]
_Exit: TypeAlias = Callable[[BaseException | None], Awaitable[object]]

_DRAIN_TIMEOUT_S: Final = 30.0
"""As long as servers commonly wait for an application to end."""

_log: Final = logging.getLogger("portico.lifespan")


@final
class Lifespan:
    """Runs what an app needs before its first request and after its last.

    ``context`` is called with the app and gives an async context manager; the mapping that it
    yields, if any, is the state. ``children`` gives the mounted ASGI apps whose lifespans run
    inside this one and share its state. ``drain_timeout_s`` is how long streams and websockets and
    then background work may take to end at shutdown, in seconds.

    Order: the context manager is entered, the children start, the startup hooks run as they were
    registered. Shutdown takes the same way back, after streams and background work have ended;
    every step of it is taken even if one fails. One object may run in several event loops at once;
    a second run in the same loop (of an app that is mounted twice) joins the first.

    Raises ``TypeError`` if ``context`` is an async function or generator that nobody decorated
    with ``contextlib.asynccontextmanager``, ``ValueError`` for a negative time.
    """

    def __init__(
        self,
        context: LifespanContext | None = None,
        *,
        children: Callable[[], Iterable[ASGIApp]] | None = None,
        drain_timeout_s: float = _DRAIN_TIMEOUT_S,
    ) -> None:
        if isasyncgenfunction(context) or _tasks.is_async_callable(context):
            raise TypeError("the lifespan function needs @contextlib.asynccontextmanager above it")
        if drain_timeout_s < 0:
            raise ValueError("drain_timeout_s must not be negative")
        self._context: LifespanContext | None = context
        self._children: Callable[[], Iterable[ASGIApp]] = children or tuple
        self._on_startup: list[_Hook] = []
        self._on_shutdown: list[_Hook] = []
        self._drain_timeout_s: float = drain_timeout_s
        self._runs: _tasks.PerLoop[_Run] = _tasks.PerLoop()
        self._ever_ran: bool = False
        self.background: BackgroundTasks = BackgroundTasks()

    def on_startup(self, func: Hook) -> Hook:
        """Call ``func`` at startup; usable as a decorator.

        It may be sync or async and takes nothing or the app. A sync one runs in the event loop.
        If it raises, startup fails: what was entered is left, and no shutdown hook runs.

        Raises ``TypeError`` if ``func`` needs more than one argument.
        """
        self._on_startup.append(_hook(func))
        return func

    def on_shutdown(self, func: Hook) -> Hook:
        """Call ``func`` at shutdown, the last registered first; else as ``on_startup``.

        It runs only if startup was complete. What must be undone whatever happens belongs into
        the context manager.
        """
        self._on_shutdown.append(_hook(func))
        return func

    @property
    def state(self) -> dict[str, object]:
        """The state of this event loop's run: hooks may add to it until startup is complete.

        Raises ``Misuse`` if the lifespan does not run.
        """
        run = self._running()
        if run is None:
            raise Misuse("there is no state: the lifespan is not running in this event loop")
        return run.state

    @property
    def fallback_state(self) -> Mapping[str, object] | None:
        """The state, for a scope without ``"state"``; ``None`` if no lifespan runs here.

        A server that offers no state still lets requests have it: copy this into their scope.
        """
        # Without the first test, a request outside of any lifespan would import anyio.
        run = self._running() if self._ever_ran else None
        return None if run is None else run.state

    @asynccontextmanager
    async def run(
        self, app: object, state: dict[str, object] | None = None
    ) -> AsyncGenerator[dict[str, object], None]:
        """Start up on entry, shut down on exit, both in the task of the ``async with``.

        ``app`` is what the context manager and the hooks get. ``state`` is filled and yielded
        (default: a new dict).

        Raises what startup raised, after leaving what was entered. A single error of shutdown is
        raised as itself, several (or one beside an error of the block) as an ``ExceptionGroup``.
        """
        values: dict[str, object] = {} if state is None else state
        joined = self._running()
        if joined is not None:
            values.update(joined.state)
            yield values
            return
        is_started = False
        async with _tasks.open_group() as group:
            run = _Run(app, values, group)
            self._runs.set(run)
            self._ever_ran = True
            error: BaseException | None = None
            news = News(self._drain_timeout_s)
            try:
                news.open(group)
                await self._start(run)
                is_started = True
                yield values
            except BaseException as raised:  # noqa: BLE001  # `leave` raises it
                error = raised
            try:
                run.exits += [self._drain, news.finish]
                await run.leave(error)
            finally:
                self._runs.set(None)
                news.close()
                del error  # it holds this frame: a cycle would keep both alive
        if not is_started:
            raise Misuse("the lifespan's context manager swallowed what stopped the startup")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ``lifespan`` scope; ``scope["app"]`` is the app (default: this object).

        A failure is told to the server, with the traceback, and raised. Raises ``Misuse`` for
        another scope or a message out of turn.
        """
        if scope["type"] != "lifespan":
            raise Misuse(f"a Lifespan serves the lifespan scope, not {scope['type']!r}")
        await _expect(receive, "lifespan.startup")
        phase: Literal["startup", "serving", "shutdown"] = "startup"
        try:
            async with self.run(scope.get("app", self), scope.get("state")):
                await send({"type": "lifespan.startup.complete"})
                phase = "serving"
                await _expect(receive, "lifespan.shutdown")
                phase = "shutdown"
        except BaseException as error:
            if phase != "serving":
                text = "".join(format_exception(error))
                await send({"type": f"lifespan.{phase}.failed", "message": text})
            elif isinstance(error, Exception):
                # The protocol has no message for it, and servers may drop it (uvicorn does).
                _log.error("the lifespan ended while the app was serving", exc_info=error)
            raise
        await send({"type": "lifespan.shutdown.complete"})

    def _running(self) -> _Run | None:
        try:
            return self._runs.get()
        except RuntimeError:  # no event loop in this thread
            return None

    async def _drain(self, error: BaseException | None) -> None:
        await self.background.close(self._drain_timeout_s if error is None else 0)

    async def _start(self, run: _Run) -> None:
        await self.background.open(run.group)
        if self._context is not None:
            await run.enter(self._context(run.app))
        for child in {id(app): app for app in self._children()}.values():
            served = _Child(child, run.state)
            await served.start(run.group)
            run.exits.append(served.stop)
        for hook in self._on_startup:
            await hook(run.app)
        run.exits.extend(partial(_call_hook, hook, run.app) for hook in self._on_shutdown)


class _Run:
    """What one event loop has of a lifespan."""

    def __init__(self, app: object, state: dict[str, object], group: _tasks.Group) -> None:
        self.app: object = app
        self.state: dict[str, object] = state
        self.group: _tasks.Group = group
        self.exits: list[_Exit] = []

    async def enter(
        self, manager: AbstractAsyncContextManager[Mapping[str, object] | None]
    ) -> None:
        """Enter the context manager and take over what it yields."""
        if not _is(manager, AbstractAsyncContextManager):
            kind = type(manager).__name__
            raise TypeError(f"the lifespan must be an async context manager, not {kind}")
        yielded = await manager.__aenter__()

        async def leave(error: BaseException | None) -> object:
            trace = None if error is None else error.__traceback__
            return await manager.__aexit__(type(error) if error else None, error, trace)

        self.exits.append(leave)
        if yielded is not None:
            if not _is(yielded, Mapping):
                kind = type(yielded).__name__
                raise TypeError(f"the lifespan must yield a mapping or nothing, not {kind}")
            self.state.update(yielded)

    async def leave(self, error: BaseException | None) -> None:
        """Take every step back, the last first; then raise what went wrong, all of it.

        ``error`` is what ended the block. As with nested ``async with``, a step may end it (a
        cancelled scope does) or put another in the place of a cancellation.
        """
        failures: list[Exception] = []
        for step in reversed(self.exits):
            try:
                if await step(error):
                    error = None
            except Exception as raised:  # noqa: BLE001  # raised below
                if error is None or isinstance(error, Exception):
                    failures.extend([raised] if raised is not error else [])
                else:
                    error = raised
            except BaseException as raised:  # noqa: BLE001  # raised below
                if isinstance(error, Exception):
                    failures.append(error)
                error = raised
        try:
            _raise(error, failures)
        finally:
            del error, failures  # they hold this frame: a cycle would keep all alive


class _NotLifespan(Exception):
    """Ends a child that does what no lifespan does."""


class _Child:
    """One mounted app: the server's side of its lifespan, with a task for the app's."""

    def __init__(self, app: ASGIApp, state: dict[str, object]) -> None:
        self._app: ASGIApp = app
        self._state: dict[str, object] = state
        self._phase: Literal["new", "starting", "serving", "stopping", "failed", "over"] = "new"
        self._failure: Exception | None = None
        self._answered: _tasks.Event = _tasks.make_event()
        self._stopping: _tasks.Event = _tasks.make_event()
        self._ended: _tasks.Event = _tasks.make_event()

    async def start(self, group: _tasks.Group) -> None:
        """Start the app; raises what it failed with. One without lifespan just does not run."""
        group.start_soon(self._serve)
        await self._answered.wait()
        if self._phase == "failed" and self._failure is not None:
            raise self._failure

    async def stop(self, _: BaseException | None) -> None:
        """Stop the app; raises what it failed with, now or while it was serving."""
        self._stopping.set()
        await self._ended.wait()
        if self._failure is not None:
            raise self._failure

    async def _serve(self) -> None:
        asgi = {"version": "3.0", "spec_version": "2.0"}
        try:
            await self._app(
                {"type": "lifespan", "asgi": asgi, "state": self._state}, self._receive, self._send
            )
        except _NotLifespan:
            pass
        except Exception as error:  # noqa: BLE001  # `start` or `stop` raises it
            self._take(error)
        finally:
            self._answered.set()
            self._ended.set()

    def _take(self, error: Exception) -> None:
        """Judge an error by when it came: before any answer it means "no lifespan here"."""
        if self._phase == "new":
            _log.debug("%s has no lifespan", _name(self._app))
        elif self._phase == "starting":
            _log.warning(
                "%s raised at lifespan.startup and is taken to have no lifespan",
                _name(self._app),
                exc_info=error,
            )
        else:
            if self._phase == "serving":
                _log.error("the lifespan of %s ended early", _name(self._app), exc_info=error)
            self._failure = error

    async def _receive(self) -> Message:
        if self._phase == "new":
            self._phase = "starting"
            return {"type": "lifespan.startup"}
        if self._phase != "serving":
            raise _NotLifespan
        await self._stopping.wait()
        self._phase = "stopping"
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if self._phase == "starting" and kind == "lifespan.startup.complete":
            self._phase = "serving"
            self._answered.set()
        elif self._phase == "stopping" and kind == "lifespan.shutdown.complete":
            self._phase = "over"
        elif (self._phase, kind) in {
            ("starting", "lifespan.startup.failed"),
            ("stopping", "lifespan.shutdown.failed"),
        }:
            self._phase = "failed"
            text = message.get("message", "")
            self._failure = RuntimeError(f"{_name(self._app)} answered {kind}: {text}")
        else:
            raise _NotLifespan


async def _expect(receive: Receive, kind: str) -> None:
    message = await receive()
    if message["type"] != kind:
        raise Misuse(f"the server sent {message['type']!r} where {kind} was due")


def _raise(error: BaseException | None, failures: list[Exception]) -> None:
    """Raise ``error`` and ``failures`` as one, if there are any."""
    if error is not None and not isinstance(error, Exception):
        for failure in failures:  # a cancellation must leave alone
            _log.error("shutdown failed", exc_info=failure)
        raise error
    everything = failures if error is None else [error, *failures]
    if len(everything) == 1:
        raise everything[0]
    if everything:
        raise ExceptionGroup("the lifespan failed", everything)


def _hook(func: Callable[..., object]) -> _Hook:
    """Make a sync or async function of nothing or of the app into an async one of the app."""
    variadic = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    needed = [
        parameter.kind
        for parameter in signature(func).parameters.values()
        if parameter.default is Parameter.empty and parameter.kind not in variadic
    ]
    if len(needed) > 1 or Parameter.KEYWORD_ONLY in needed:
        raise TypeError(f"{_name(func)} must take nothing or the app")

    async def call(app: object) -> None:
        result = func(app) if needed else func()
        if isinstance(result, Awaitable):
            await result

    return call


async def _call_hook(hook: _Hook, app: object, _: BaseException | None) -> None:
    await hook(app)


def _name(func: object) -> str:
    return str(getattr(func, "__qualname__", type(func).__qualname__))


def _is(value: object, kind: type) -> bool:
    return isinstance(value, kind)  # a test that type checkers take for settled, and callers do not
