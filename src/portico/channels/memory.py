"""Channels within one process: publishing calls the hub at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice
from types import TracebackType
from typing import Final, Self, final

from portico import _tasks
from portico.channels.backend import Deliver, Entry

__all__ = ("MemoryBackend",)

_MAX_HISTORIES: Final = 1000


@final
class MemoryBackend:
    """A ``Backend`` for one process and one event loop; it works without being entered, too.

    At most ``max_histories`` channels have a history: beyond that, the one that nobody published
    to for longest is forgotten. Raises ``ValueError`` if it is below 1.
    """

    def __init__(self, *, max_histories: int = _MAX_HISTORIES) -> None:
        if max_histories < 1:
            raise ValueError("max_histories must be at least 1")
        self._max_histories: int = max_histories
        self._listeners: dict[str, Deliver] = {}
        self._histories: dict[str, deque[Entry]] = {}
        self._counts: dict[str, int] = {}
        self._position: int = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listeners.clear()
        self._counts.clear()

    async def publish(self, channel: str, payload: bytes, keep: int) -> None:
        """Deliver ``payload``, after other tasks had their turn; keep it if ``keep`` is above 0."""
        await _tasks.checkpoint()
        position = 0
        if keep > 0:
            self._position = position = self._position + 1
            self._keep(channel, Entry(position, payload), keep)
        deliver = self._listeners.get(channel)
        if deliver is not None:
            deliver(Entry(position, payload))

    async def subscribe(self, channel: str, deliver: Deliver) -> None:
        """Call ``deliver`` with each entry from now on."""
        self._listeners.setdefault(channel, deliver)

    def unsubscribe(self, channel: str) -> None:
        """End what ``subscribe`` began, if it did."""
        self._listeners.pop(channel, None)

    async def history(self, channel: str, limit: int) -> Sequence[Entry]:
        """Give the newest ``limit`` entries that are kept, the oldest first."""
        kept = self._histories.get(channel, ())
        return list(islice(kept, max(len(kept) - limit, 0), None))

    def set_presence(self, channel: str, count: int) -> None:
        """Note how many subscribers the hub has."""
        if count:
            self._counts[channel] = count
        else:
            self._counts.pop(channel, None)

    async def presence(self, channel: str) -> int:
        """Give how many subscribers the hub has."""
        return self._counts.get(channel, 0)

    def _keep(self, channel: str, entry: Entry, keep: int) -> None:
        history = self._histories.pop(channel, None)
        if history is None or history.maxlen != keep:
            history = deque(history or (), keep)
        history.append(entry)
        self._histories[channel] = history  # the last one published to comes last
        if len(self._histories) > self._max_histories:
            del self._histories[next(iter(self._histories))]
