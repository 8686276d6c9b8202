"""The news that the application is about to stop, for what would go on for ever.

A lifespan hears it from the server. Servers tell only when the connections have ended, so signals
are heard too: SIGTERM and SIGINT, if the server has handlers for them, which are called as before.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any, Final, TypeAlias

from portico import _tasks

__all__ = ("News", "hear_signals", "is_stopping", "start_soon", "told")

_Listener: TypeAlias = Callable[[float], None]
"""Takes the seconds that are left."""


class News:
    """Whether one event loop's application is about to stop, and who is to be told.

    ``timeout_s`` is how long they may take, and how long ``finish`` waits.
    """

    group: _tasks.Group  # of the one that was opened

    def __init__(self, timeout_s: float) -> None:
        self.is_stopping: bool = False
        self._timeout_s: float = timeout_s
        self._listeners: set[_Listener] = set()
        self._nobody_left: _tasks.Event | None = None
        self._signals: ExitStack = ExitStack()
        self._heard: _tasks.Event = _tasks.make_event()
        self._is_open: bool = False

    def open(self, group: _tasks.Group) -> None:
        """Be the news of this event loop, unless there is one, and hear signals.

        A task of ``group`` tells everybody: where signals come in there is none.
        """
        if _current.get() is None:
            _current.set(self)
            self._is_open = True
            self.group = group
            self._signals.enter_context(hear_signals(_tasks.caller(self._heard.set)))
            group.start_soon(self._wait)

    def close(self) -> None:
        """Undo ``open``."""
        self._heard.set()
        if self._is_open:
            self._signals.close()
            _current.set(None)

    def add(self, listener: _Listener) -> None:
        self._listeners.add(listener)
        if self.is_stopping:
            listener(self._timeout_s)

    def remove(self, listener: _Listener) -> None:
        self._listeners.discard(listener)
        if self._nobody_left is not None and not self._listeners:
            self._nobody_left.set()

    async def _wait(self) -> None:
        await self._heard.wait()
        self.stop()

    def stop(self) -> None:
        """Tell everybody."""
        self.is_stopping = True
        for listener in list(self._listeners):
            listener(self._timeout_s)

    async def finish(self, error: BaseException | None) -> None:
        """Tell everybody, and wait for them to end, but not after an ``error``."""
        self.stop()
        if self._listeners and error is None:
            self._nobody_left = _tasks.make_event()
            with _tasks.open_scope(timeout_s=self._timeout_s):
                await self._nobody_left.wait()


_current: Final[_tasks.PerLoop[News]] = _tasks.PerLoop()


@contextmanager
def told(listener: _Listener) -> Generator[None]:
    """Have ``listener`` called, in the event loop, when it is about to stop; at once if it is.

    Where no lifespan runs it is never called.
    """
    news = _current.get()
    if news is None:
        yield
        return
    news.add(listener)
    try:
        yield
    finally:
        news.remove(listener)


def start_soon(func: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Have a listener's work done, in a task of the application; it should raise nothing."""
    news = _current.get()
    if news is not None:
        news.group.start_soon(func)


def is_stopping() -> bool:
    """Tell whether the application of this event loop is about to stop."""
    news = _current.get()
    return news is not None and news.is_stopping


@contextmanager
def hear_signals(callback: Callable[[], None]) -> Generator[None]:
    """Call ``callback``, in the main thread, at SIGTERM and SIGINT that somebody handles.

    What handled them is called after it. Does nothing in other threads, which get no signals.
    """
    with ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                stack.enter_context(_heard(number, callback))
        yield


@contextmanager
def _heard(number: signal.Signals, callback: Callable[[], None]) -> Generator[None]:
    handler = signal.getsignal(number)
    # Nobody's, or Python's own: KeyboardInterrupt.
    if not callable(handler) or handler is signal.default_int_handler:
        yield
        return

    def heard(signum: int, frame: FrameType | None) -> None:
        callback()
        handler(signum, frame)

    signal.signal(number, heard)
    try:
        yield
    finally:
        if signal.getsignal(number) is heard:
            signal.signal(number, handler)
