"""One after the other: tasks that want the same thing get it in the order in which they came."""

from __future__ import annotations

from collections import deque
from typing import final

from portico import _tasks

__all__ = ("Turns",)


@final
class Turns:
    """A line of tasks. Nothing is made, and nobody waits, while they do not meet.

    ``is_taken`` is set by who takes the first turn; each turn ends with ``end``. They are apart,
    because a lock with ``async with`` would cost more than what it guards.
    """

    is_taken: bool = False

    def __init__(self) -> None:
        self.waiting: deque[_tasks.Event] = deque()

    async def wait(self) -> None:
        """Wait until all who came before have ended theirs; the turn is taken then."""
        turn = _tasks.make_event()
        self.waiting.append(turn)
        try:
            await turn.wait()
        except BaseException:
            if turn.is_set():
                self.end()
            else:
                self.waiting.remove(turn)
            raise

    def end(self) -> None:
        """End a turn; the next in line has the next one, before anybody who comes later."""
        if self.waiting:
            self.waiting.popleft().set()
        else:
            self.is_taken = False
