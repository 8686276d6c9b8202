"""What holds for every request, whatever the peer sent.

    reply = await attack(app, "POST", "/items", body=b"...")

- I1: one start, then bodies, one of them the last; for websockets what their state allows.
- I2: names of headers are tokens in lower case, values hold no CR, LF, NUL or other control.
- I3: a content-length that is sent is true.
- I4: nothing that a client sends is answered with a 5xx.
- I5: no task, thread or open file is left over.
- I6: at most one log record above INFO, none for a client's fault; no raw CR, LF or ESC in any.
- I7: no step keeps the event loop from others for longer than 50 ms.
- I8: memory grows with the limit, not with the body.
- I9: all of that under asyncio in debug mode and trio, with warnings as errors, ``python -OO``.

I1 to I3 are checked by ``tests.drive`` on each message, I4 to I7 here, I8 where bodies are read,
I9 by how the suite is run. The garbage collector is off meanwhile, because a reference cycle keeps
what it holds for as long as the server is busy.

A and three digits in this directory number the attacks; a number stays with its case for good.
"""

from __future__ import annotations

import gc
import logging
import re
import threading
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import anyio
import anyio.lowlevel

from portico.asgi import ASGIApp
from tests.drive import Reply, call

__all__ = ("MAX_LAG_S", "attack", "census", "invariants", "nothing_new", "uncollected")

MAX_LAG_S: Final = 0.05
"""Processor time that one step may keep the event loop from all others."""

_RAW_CONTROL: Final = re.compile(r"[\r\n\x1b]")


async def attack(app: ASGIApp, method: str = "GET", path: str = "/", **arguments: Any) -> Reply:
    """Make one request as ``tests.drive.call`` does; fail if an invariant does."""
    async with invariants():
        reply = await call(app, method, path, **arguments)
    assert reply.status < 500, "I4: nothing that a client sends is a fault of the server"
    return reply


@asynccontextmanager
async def invariants(*, errors: int = 0) -> AsyncGenerator[None, None]:
    """Hold what runs inside against I5 to I7; ``errors`` log records above INFO are expected."""
    records, ticker = _Records(), _Ticker()
    failure: Exception | None = None
    # Under anyio's test runner trio is a guest, which waits in a thread: let that begin first.
    await anyio.sleep(0.001)
    with uncollected(), records.kept():
        before = census()
        async with anyio.create_task_group() as group:
            group.start_soon(ticker.run)
            await anyio.lowlevel.checkpoint()
            ticker.note()
            try:
                yield
            except Exception as error:  # noqa: BLE001  raised below, and not in a group
                failure = error
            ticker.note()
            group.cancel_scope.cancel()
        assert nothing_new(before), "I5: a task, a thread or a file is left over"
    loud = [record for record in records.listed if record.levelno > logging.INFO]
    assert len(loud) == errors, f"I6: {[record.getMessage() for record in loud]}"
    for record in records.listed:
        assert not _RAW_CONTROL.search(record.getMessage()), "I6: a log line can be forged"
    assert ticker.longest_s <= MAX_LAG_S, "I7: the event loop stood still"
    if failure is not None:
        raise failure


@contextmanager
def uncollected() -> Generator[None]:
    """Switch the garbage collector off for a while."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        (gc.enable if was_enabled else gc.disable)()


def census() -> tuple[int, int, int]:
    """Count tasks, threads and open files (where the system tells)."""
    files = len(list(Path("/proc/self/fd").glob("*")))
    return len(anyio.get_running_tasks()), threading.active_count(), files


def nothing_new(before: tuple[int, int, int]) -> bool:
    """Tell whether there are no more than ``before``; idle threads may have ended."""
    return all(now <= then for now, then in zip(census(), before, strict=True))


class _Ticker:
    """Measures how long the loop's thread computes without a break; waiting does not count."""

    def __init__(self) -> None:
        self.longest_s: float = 0.0
        self._last: float = time.thread_time()

    def note(self) -> None:
        now = time.thread_time()
        self.longest_s, self._last = max(self.longest_s, now - self._last), now

    async def run(self) -> None:
        self._last = time.thread_time()
        while True:
            await anyio.sleep(0.001)
            self.note()


class _Records(logging.Handler):
    """Keeps log records, but for asyncio's news of slow steps, which are I7's to judge."""

    def __init__(self) -> None:
        super().__init__()
        self.listed: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        slow = record.name == "asyncio" and record.getMessage().startswith("Executing ")
        self.listed += [] if slow else [record]

    @contextmanager
    def kept(self) -> Generator[None]:
        root = logging.getLogger()
        level = root.level
        root.addHandler(self)
        root.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            root.setLevel(level)
            root.removeHandler(self)
