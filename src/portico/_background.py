"""Work that goes on after the answer: it belongs to the app, not to a request."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Final, ParamSpec, final

from portico import _tasks
from portico.errors import Misuse

__all__ = ("BackgroundTasks",)

P = ParamSpec("P")

_log: Final = logging.getLogger("portico.background")


@final
class BackgroundTasks:
    """Tasks of an app, between ``open`` and ``close``, in each event loop by itself.

    ``Lifespan`` opens and closes one: take it from there.
    """

    def __init__(self) -> None:
        self._per_loop: _tasks.PerLoop[_Tasks] = _tasks.PerLoop()

    def start(self, func: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Run ``func(*args, **kwargs)`` as a task of the app; returns at once.

        A sync ``func`` runs in a worker thread. It sees the caller's context variables as they are
        now. What it raises is logged once, to ``portico.background``, and disturbs nothing else. A
        disconnect or a cancelled request does not end it; shutdown waits for it a while and then
        cancels it (a thread is left alone).

        May be called in the event loop, and from sync handlers in their threads.

        Raises ``Misuse`` if no lifespan runs in this event loop.
        """
        try:
            _tasks.call_in_loop(self._start, partial(func, *args, **kwargs))
        except RuntimeError as error:
            if isinstance(error, Misuse):
                raise
            raise Misuse("background work can only be started in an event loop") from error

    async def open(self, group: _tasks.Group) -> None:
        """Let work be started in this event loop. ``group`` must not be left before ``close``."""
        tasks = _Tasks()
        await tasks.open(group)
        self._per_loop.set(tasks)

    async def close(self, timeout_s: float) -> None:
        """Wait up to ``timeout_s`` seconds for what is under way, then cancel it with a warning.

        What is under way may start more until then.
        """
        tasks = self._per_loop.get()
        if tasks is not None:
            try:
                await tasks.close(timeout_s)
            finally:
                self._per_loop.set(None)

    def _start(self, call: partial[object]) -> None:
        tasks = self._per_loop.get()
        if tasks is None or not tasks.start(call):
            raise Misuse(
                "background work needs the lifespan, which is not running: the server must"
                " support it (uvicorn: --lifespan on), a test must start it"
            )


class _Tasks:
    """The work in one event loop: a group of tasks, held by a task of its own.

    Of its own, because a group must be left after what was entered after it; this one ends first.
    """

    def __init__(self) -> None:
        self._count: int = 0
        self._group: _tasks.Group | None = None
        self._opened: _tasks.Event = _tasks.make_event()
        self._closing: _tasks.Event = _tasks.make_event()
        self._closed: _tasks.Event = _tasks.make_event()

    async def open(self, group: _tasks.Group) -> None:
        group.start_soon(self._hold)
        await self._opened.wait()

    def start(self, call: partial[object]) -> bool:
        """Run ``call`` as a task; false if it is too late for that."""
        if self._group is None:
            return False
        self._count += 1
        self._group.start_soon(self._run, call)
        return True

    async def close(self, timeout_s: float) -> None:
        self._closing.set()
        with _tasks.open_scope(timeout_s=timeout_s):
            await self._closed.wait()
        if self._group is not None:
            if self._count:
                _log.warning(
                    "cancelled %d background tasks that had not ended within %g s",
                    self._count,
                    timeout_s,
                )
            self._group.cancel_scope.cancel()
            await self._closed.wait()

    async def _hold(self) -> None:
        try:
            async with _tasks.open_group() as self._group:
                self._opened.set()
                await self._closing.wait()
        finally:
            self._group = None
            self._closed.set()

    async def _run(self, call: partial[object]) -> None:
        try:
            await _tasks.call(call, abandon=True)
        except Exception as error:  # noqa: BLE001  # one task must not end the others
            name: object = getattr(call.func, "__qualname__", type(call.func).__qualname__)
            _log.error("background task %s failed", name, exc_info=error)
        finally:
            self._count -= 1
