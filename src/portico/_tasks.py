"""The event loop: threads, groups of tasks, timeouts, events. Nothing else of ours touches it.

Works alike under asyncio and trio, by way of anyio. anyio is imported inside the functions, here
and nowhere else: it brings asyncio with it, which costs more than the rest of the package, and
who imports Portico or builds an app has no event loop yet.
"""

# ruff: noqa: PLC0415  # the reason stands above

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from functools import partial
from inspect import isawaitable, iscoroutinefunction
from itertools import count
from typing import Any, Final, Generic, Protocol, TypeGuard, TypeVar, TypeVarTuple, cast, final

from portico.asgi import Message, Receive

__all__ = (
    "FILE_THREADS",
    "HANDLER_THREADS",
    "CancelScope",
    "Event",
    "Group",
    "PerLoop",
    "ThreadLimiter",
    "call",
    "call_in_loop",
    "caller",
    "checkpoint",
    "clock",
    "is_async_callable",
    "make_event",
    "now",
    "open_group",
    "open_scope",
    "poll",
    "run_in_thread",
    "sleep",
    "unwrap",
)

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_POLL_STEPS: Final = 3
"""How often ``receive`` may step aside before it counts as waiting: anyio's streams do it once."""

_names: Final = count()


class Event(Protocol):
    """Something that happens once, and that tasks wait for."""

    def set(self) -> object:
        """Let it have happened; wakes all who wait."""
        ...

    def is_set(self) -> bool:
        """Tell whether it has happened."""
        ...

    async def wait(self) -> object:
        """Wait until it has happened."""
        ...


class CancelScope(Protocol):
    """A block of code that can be left early."""

    @property
    def shield(self) -> bool:
        """Whether cancellation from outside is kept away."""
        ...

    @shield.setter
    def shield(self, value: bool, /) -> None: ...

    @property
    def deadline(self) -> float:
        """When it ends by itself, by ``clock``."""
        ...

    @deadline.setter
    def deadline(self, value: float, /) -> None: ...

    @property
    def cancelled_caught(self) -> bool:
        """Whether it was left early."""
        ...

    @property
    def cancel_called(self) -> bool:
        """Whether it was told to end, by ``cancel`` or by its time limit."""
        ...

    def cancel(self) -> object:
        """End what runs inside, at its next ``await``."""
        ...


class Group(Protocol):
    """Tasks that end before the block that holds them does."""

    @property
    def cancel_scope(self) -> CancelScope:
        """The scope of all its tasks and of the block."""
        ...

    def start_soon(self, func: Callable[[*Ts], Coroutine[Any, Any, object]], *args: *Ts) -> object:
        """Run ``func(*args)`` as a task, in a copy of the present context."""
        ...


@final
class PerLoop(Generic[T]):
    """One value for each event loop; it goes when the loop goes. ``None`` until set."""

    def __init__(self) -> None:
        self._variable: _Variable[T | None] | None = None

    def get(self) -> T | None:
        """Give the running loop's value. Raises ``RuntimeError`` where no loop runs."""
        return None if self._variable is None else self._variable.get()

    def set(self, value: T | None) -> None:
        """Set the running loop's value. Raises ``RuntimeError`` where no loop runs."""
        from anyio.lowlevel import RunVar

        if self._variable is None:
            # Up to anyio 4.10 two variables of one name are one variable.
            self._variable = RunVar[T | None](f"portico.{next(_names)}", None)
        self._variable.set(value)


@final
class ThreadLimiter:
    """So many threads at once, in each event loop.

    ``max_threads`` is at least 1 and may be changed at any time; the next call heeds it.

    >>> ThreadLimiter(8).max_threads
    8
    """

    def __init__(self, max_threads: int) -> None:
        self.max_threads = max_threads
        self._limiters: PerLoop[object] = PerLoop()

    @property
    def max_threads(self) -> int:
        return self._max_threads

    @max_threads.setter
    def max_threads(self, number: int) -> None:
        if number < 1:
            raise ValueError(f"max_threads must be at least 1, not {number}")
        self._max_threads: int = number

    async def run(self, func: Callable[[*Ts], T], *args: *Ts, abandon: bool) -> T:
        """Do what ``run_in_thread`` says."""
        from anyio import CapacityLimiter
        from anyio.to_thread import run_sync

        limiter = self._limiters.get()
        if not isinstance(limiter, CapacityLimiter):
            limiter = CapacityLimiter(self._max_threads)
            self._limiters.set(limiter)
        elif limiter.total_tokens != self._max_threads:
            limiter.total_tokens = self._max_threads
        return await run_sync(func, *args, abandon_on_cancel=abandon, limiter=limiter)


HANDLER_THREADS: Final = ThreadLimiter(40)
"""For synchronous handlers, hooks and background work."""

FILE_THREADS: Final = ThreadLimiter(40)
"""For reading and writing files: a slow handler never keeps a download waiting."""


async def run_in_thread(
    func: Callable[[*Ts], T],
    *args: *Ts,
    limiter: ThreadLimiter = HANDLER_THREADS,
    abandon: bool = False,
) -> T:
    """Call ``func(*args)`` in a worker thread and give back what it returns or raises.

    Waits for a place if ``limiter.max_threads`` calls are under way. ``func`` sees a copy of the
    caller's context variables; what it sets there stays there.

    A thread cannot be stopped: a caller that is cancelled waits for it all the same, unless
    ``abandon`` is true; then the thread goes on and its result is dropped.

    ``StopIteration`` cannot leave a coroutine (PEP 479) and comes out as ``RuntimeError``; to
    step through an iterator take steps that catch it.
    """
    return await limiter.run(func, *args, abandon=abandon)


async def call(func: Callable[[*Ts], object], *args: *Ts, abandon: bool = False) -> object:
    """Call ``func(*args)``, ``async`` or not, and give what it returns or raises.

    What is not ``async`` runs in a worker thread (``abandon`` as for ``run_in_thread``); an
    awaitable that it returns is awaited here.
    """
    if is_async_callable(func):
        return await cast("Awaitable[object]", func(*args))
    # In a list: trio takes a coroutine that comes out of a thread for a mistake.
    (value,) = await run_in_thread(lambda: [func(*args)], abandon=abandon)
    return await value if isawaitable(value) else value


async def poll(receive: Receive) -> Message | None:
    """Take a message if one is there already; ``None`` if it would have to be waited for.

    ``receive`` gets a few turns of the event loop and is then cancelled where it waits, so a
    message that comes later is still there for the next ``receive``. Raises what it raises.
    """
    taken: list[Message] = []

    async def take() -> None:
        taken.append(await receive())

    # The shield keeps a time limit around this call from dropping what was just taken.
    with open_scope(shield=True):
        async with open_group() as group:
            group.start_soon(take)
            for _ in range(_POLL_STEPS):
                await checkpoint()
                if taken:
                    break
            group.cancel_scope.cancel()
    return taken[0] if taken else None


def make_event() -> Event:
    """Make an event, for the tasks of one event loop."""
    from anyio import Event as AnyEvent

    return AnyEvent()


def now() -> float:
    """Give the event loop's time, in seconds from some moment on."""
    from anyio import current_time

    return current_time()


async def sleep(seconds: float) -> None:
    """Wait so many seconds."""
    from anyio import sleep as any_sleep

    await any_sleep(seconds)


async def checkpoint() -> None:
    """Let other tasks run, and be cancelled here if that is due."""
    from anyio.lowlevel import checkpoint as any_checkpoint

    await any_checkpoint()


def clock() -> Callable[[], float]:
    """Give the event loop's clock: a function that tells the time in seconds."""
    from anyio import current_time

    return current_time


def open_scope(
    *, timeout_s: float | None = None, shield: bool = False
) -> AbstractContextManager[CancelScope]:
    """Open a block that can be cancelled, and that ends by itself after ``timeout_s`` seconds.

    ``shield`` keeps cancellation from outside away, so give a time limit with it unless what runs
    inside is known to end.
    """
    from anyio import move_on_after

    return move_on_after(timeout_s, shield=shield)


@asynccontextmanager
async def open_group() -> AsyncGenerator[Group, None]:
    """Open a group of tasks; the block is left when all have ended.

    The first that fails cancels the rest. One failure is raised as itself, several as an
    ``ExceptionGroup``.
    """
    from anyio import create_task_group

    try:
        async with create_task_group() as group:
            yield _Group(group)
    except BaseExceptionGroup as failures:
        failure = unwrap(failures)
        context = failure.__context__
        try:
            raise failure
        finally:
            failure.__context__ = context  # its own, not the group that it came in
            del failure  # it holds this frame: a cycle would keep both alive


def unwrap(error: BaseException) -> BaseException:
    """Give the one exception inside groups of one; any other as it is.

    >>> unwrap(ExceptionGroup("outer", [ExceptionGroup("inner", [ValueError("no")])]))
    ValueError('no')
    """
    while _is_group(error) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def call_in_loop(func: Callable[[*Ts], T], *args: *Ts) -> T:
    """Call ``func(*args)`` in the event loop's thread: here if this is it, else by a hop.

    Raises ``RuntimeError`` in a thread that is neither the loop's nor of ``run_in_thread``.
    """
    from anyio.from_thread import run_sync
    from anyio.lowlevel import current_token

    try:
        current_token()
    except RuntimeError:
        return run_sync(func, *args)
    return func(*args)


def caller(func: Callable[[], object]) -> Callable[[], None]:
    """Make a function that has ``func`` called in this event loop, soon; for signal handlers.

    It may be called from anywhere, also after the loop has ended: then it does nothing.
    """
    from anyio.lowlevel import current_token

    token: object = current_token()
    native: Any = getattr(token, "native_token", token)  # before anyio 4.11 it is that itself
    # asyncio's loops and trio's tokens have their own words for it, and anyio has none.
    soon: Callable[[Callable[[], object]], object] = (
        native.run_sync_soon if hasattr(native, "run_sync_soon") else native.call_soon_threadsafe
    )

    def call() -> None:
        with suppress(RuntimeError):  # the loop has ended; trio's RunFinishedError is one too
            soon(func)

    return call


def is_async_callable(func: object) -> bool:
    """Tell whether calling ``func`` gives a coroutine: partials and callable objects too.

    >>> is_async_callable(sleep), is_async_callable(partial(sleep, 1)), is_async_callable(len)
    (True, True, False)
    """
    while isinstance(func, partial):
        func = func.func
    # Of the type: a class is not what its objects are.
    call: object = getattr(type(func), "__call__", None)  # noqa: B004  # not whether, but how
    return iscoroutinefunction(func) or iscoroutinefunction(call)


@final
class _Group:
    def __init__(self, group: Group) -> None:
        self.cancel_scope: CancelScope = group.cancel_scope
        self._group: Group = group

    def start_soon(self, func: Callable[[*Ts], Coroutine[Any, Any, object]], *args: *Ts) -> object:
        return self._group.start_soon(_run_until_cancelled, func, args)


async def _run_until_cancelled(
    func: Callable[[*Ts], Coroutine[Any, Any, object]], args: tuple[*Ts]
) -> None:
    """Run a task of a group; its cancellation ends here, because anyio keeps it in a cycle."""
    from anyio import get_cancelled_exc_class

    with suppress(get_cancelled_exc_class()):
        await func(*args)


def _is_group(error: BaseException) -> TypeGuard[BaseExceptionGroup[BaseException]]:
    return isinstance(error, BaseExceptionGroup)


class _Variable(Protocol[T]):
    def get(self) -> T: ...

    def set(self, value: T) -> object: ...
