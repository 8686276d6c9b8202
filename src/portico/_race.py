"""A coroutine against the news that nobody waits for it any more.

The coroutine runs in the caller's own task and context, so what it opens it can close. Only when it
first waits for something is there a second task, which listens. Under asyncio that task is made
directly: a group of anyio's costs more than a whole short stream.
"""

# ruff: noqa: PLC0415  # as in `_tasks`: who imports Portico has no event loop yet

from __future__ import annotations

import math
import types
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeAlias

from portico import _tasks

__all__ = ("CLEANUP_S", "Listen", "Race", "interruptible", "race")

CLEANUP_S: Final = 10.0
"""How long what was interrupted may take to clean up, where that can be bounded."""


class Race(Protocol):
    """Something that runs and can be interrupted."""

    @property
    def is_interrupted(self) -> bool:
        """Whether it was interrupted."""
        ...

    def interrupt(self) -> None:
        """Cancel it where it waits. Does nothing the second time, or after the end.

        To be called in the event loop, by another task than the one that runs it.
        """
        ...


Listen: TypeAlias = Callable[[Race], Coroutine[Any, Any, None]]
"""Waits for the news, and calls ``interrupt`` when it comes. Should raise nothing."""


async def race(work: Coroutine[Any, Any, None], listen: Listen) -> bool:
    """Run ``work`` to its end, or until it is interrupted; tell whether it was.

    ``listen`` runs in a task of its own from when ``work`` first waits; when this returns it was
    cancelled and has ended. What ``work`` awaits after it was interrupted, to clean up, is not
    cancelled again. Raises what ``work`` raises.
    """
    async with _contest(listen) as contest:
        await contest.steps(work)
    return contest.is_interrupted


@asynccontextmanager
async def interruptible(listen: Listen) -> AsyncGenerator[Race, None]:
    """Open a block that can be interrupted; it is left then, and nothing is raised.

    ``listen`` runs meanwhile in a task of its own, as for ``race``. Under trio what the block
    awaits to clean up needs a shield of its own.
    """
    async with _contest(listen) as contest:
        contest.start()
        yield contest


def _contest(
    listen: Listen,
) -> AbstractAsyncContextManager[_AnyContest] | AbstractAsyncContextManager[_AsyncioContest]:
    from asyncio import current_task

    try:
        task = current_task()
    except RuntimeError:
        task = None
    # There may be a loop without a task: where trio is a guest of asyncio.
    return _any_contest(listen) if task is None else _AsyncioContest(listen, task)


class _AsyncioContest:
    def __init__(self, listen: Listen, task: Any) -> None:
        self._listen: Listen = listen
        self._task: Any = task
        self._listener: Any = None
        self._requests: int = 0
        self._is_over: bool = False
        self.is_interrupted: bool = False

    def interrupt(self) -> None:
        if not (self._is_over or self.is_interrupted):
            self.is_interrupted = True
            self._task.cancel()

    def start(self) -> None:
        self._requests = self._task.cancelling()
        self._listener = self._task.get_loop().create_task(self._listen(self))

    @types.coroutine
    def steps(self, work: Coroutine[Any, Any, None]) -> Generator[Any, Any, None]:
        try:
            waits_for = work.send(None)
            self.start()
            while True:
                try:
                    yield waits_for
                    break
                except BaseException as error:  # noqa: BLE001  a cancellation is its to see
                    waits_for = work.throw(error)
        except StopIteration:
            return
        yield from work

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        self._is_over = True
        if self._listener is None:
            return False
        from asyncio import CancelledError

        if self.is_interrupted:
            self._task.uncancel()
        failure: BaseException | None = None
        try:
            while not self._listener.done():
                self._listener.cancel()
                try:
                    await self._listener
                except CancelledError as cancelled:
                    if self._is_cancelled():  # from outside; else it is the listener's own
                        failure = cancelled
            if failure is None and not self._listener.cancelled():
                failure = self._listener.exception()
            if failure is not None and (error is None or isinstance(failure, CancelledError)):
                raise failure
        finally:
            del failure  # it holds this frame
        is_ours = self.is_interrupted and not self._is_cancelled()
        return is_ours and isinstance(error, CancelledError)

    def _is_cancelled(self) -> bool:
        is_cancelled: bool = self._task.cancelling() > self._requests
        return is_cancelled


@asynccontextmanager
async def _any_contest(listen: Listen) -> AsyncGenerator[_AnyContest, None]:
    async with _tasks.open_group() as group:
        with _tasks.open_scope() as guard:
            contest = _AnyContest(listen, group, guard)
            yield contest
        contest.end()


class _AnyContest:
    def __init__(self, listen: Listen, group: _tasks.Group, guard: _tasks.CancelScope) -> None:
        self._listen: Listen = listen
        self._group: _tasks.Group = group
        self._guard: _tasks.CancelScope = guard
        self._is_started: bool = False
        self._is_told: bool = False
        self._is_over: bool = False
        self.is_interrupted: bool = False

    def interrupt(self) -> None:
        if not (self._is_over or self.is_interrupted):
            self.is_interrupted = True
            self._group.cancel_scope.cancel()

    def start(self) -> None:
        self._is_started = True
        self._group.start_soon(self._listen, self)

    def end(self) -> None:
        self._is_over = True
        self._group.cancel_scope.cancel()

    @types.coroutine
    def steps(self, work: Coroutine[Any, Any, None]) -> Generator[Any, Any, None]:
        step: Callable[[Any], Any] = work.send
        value: Any = None
        try:
            while True:
                waits_for = step(value)
                if not self._is_started:
                    self.start()
                if self.is_interrupted and not self._is_told and hasattr(waits_for, "abort_func"):
                    self._guard.shield = False
                try:
                    step, value = work.send, (yield waits_for)
                except BaseException as error:  # noqa: BLE001  it is the work's to see
                    step, value = work.throw, error
                if self.is_interrupted:
                    self._shield(value)
        except StopIteration:
            return
        finally:
            del step, value  # an exception's traceback holds this frame

    def _shield(self, result: Any) -> None:
        """Let the work run as if it were not cancelled, but for the one time when it is told.

        trio repeats a cancellation at each ``await``. So it is let through where the work waits,
        which trio shows by a trap with an ``abort_func``, and only until it has come once. It comes
        in an ``Outcome``.
        """
        from anyio import current_effective_deadline, get_cancelled_exc_class

        if not self._guard.shield:
            self._guard.shield = True
            self._guard.deadline = min(self._guard.deadline, _tasks.clock()() + CLEANUP_S)
            # Where a scope of the work's own ends too, it takes the cancellation for its own.
            self._is_told = (
                isinstance(getattr(result, "error", result), get_cancelled_exc_class())
                and current_effective_deadline() > -math.inf
            )
