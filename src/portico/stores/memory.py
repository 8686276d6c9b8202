"""A store in this process's memory: bounded, and gone when the process ends."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Final, NamedTuple, Self, final

from portico.stores._entries import (
    MAX_NUMBER,
    MIN_NUMBER,
    NUMBER,
    check_key,
    check_lifetime,
    check_value,
)

__all__ = ("MemoryStore",)

_MAX_ENTRIES: Final = 100_000
_MAX_BYTES: Final = 64 * 2**20


class _Entry(NamedTuple):
    value: bytes
    deadline: float | None


@final
class MemoryStore:
    """A ``Store`` in memory, for the tasks of one event loop.

    At most ``max_entries`` entries, and at most ``max_bytes`` bytes of keys and values together:
    beyond that, the entry that was unused for longest goes. ``clock`` gives seconds that never go
    back (default: ``time.monotonic``).

    An expired entry is never given, and goes when it is asked for, or at the latest after as many
    writes as there are entries: what a call costs does not grow with their number.

    ``async with`` does nothing here; what was set stays as long as the object.

    Raises ``ValueError`` for a limit below 1; ``set`` for a value that is over ``max_bytes``.
    """

    def __init__(
        self,
        *,
        max_entries: int = _MAX_ENTRIES,
        max_bytes: int = _MAX_BYTES,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        if max_entries < 1 or max_bytes < 1:
            raise ValueError("max_entries and max_bytes must be at least 1")
        self._max_entries: int = max_entries
        self._max_bytes: int = max_bytes
        self._clock: Callable[[], float] = clock
        self._entries: dict[bytes, _Entry] = {}  # the one that was unused for longest comes first
        self._size: int = 0
        self._writes: int = 0

    def __len__(self) -> int:
        """How many entries are held, those included that expired unnoticed."""
        return len(self._entries)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    async def get(self, key: str) -> bytes | None:
        """Give the value; ``None`` if there is none or it expired."""
        entry = self._find(check_key(key))
        return None if entry is None else entry.value

    async def set(self, key: str, value: bytes, lifetime_s: float | None = None) -> None:
        """Set the value and its lifetime, whatever was there."""
        self._put(check_key(key), value, self._deadline(lifetime_s))

    async def compare_and_set(
        self, key: str, expected: bytes | None, value: bytes, lifetime_s: float | None = None
    ) -> bool:
        """Set the value if the present one equals ``expected``; tell whether it did."""
        encoded, deadline = check_key(key), self._deadline(lifetime_s)
        check_value(value)
        entry = self._find(encoded)
        if (None if entry is None else entry.value) != expected:
            return False
        self._put(encoded, value, deadline)
        return True

    async def increment(self, key: str, amount: int = 1, lifetime_s: float | None = None) -> int:
        """Add to a whole number, which begins at 0; give what it is then."""
        encoded, deadline = check_key(key), self._deadline(lifetime_s)
        entry = self._find(encoded) or _Entry(b"0", deadline)
        if not NUMBER.fullmatch(entry.value):
            raise ValueError("the value is no whole number")
        number = int(entry.value) + amount
        if not MIN_NUMBER <= number <= MAX_NUMBER:
            raise ValueError("the number does not fit into 64 bits")
        self._put(encoded, b"%d" % number, entry.deadline)
        return number

    async def touch(self, key: str, lifetime_s: float | None) -> bool:
        """Give the entry a new lifetime from now; tell whether there is one."""
        encoded, deadline = check_key(key), self._deadline(lifetime_s)
        entry = self._find(encoded)
        if entry is None:
            return False
        self._entries[encoded] = entry._replace(deadline=deadline)
        return True

    async def expires_in(self, key: str) -> float | None:
        """Give the seconds left; ``None`` if there is no such entry or it does not expire."""
        entry = self._find(check_key(key))
        if entry is None or entry.deadline is None:
            return None
        return entry.deadline - self._clock()

    async def delete(self, key: str) -> bool:
        """Remove the entry; tell whether there was one."""
        encoded = check_key(key)
        if self._find(encoded) is None:
            return False
        self._drop(encoded)
        return True

    async def clear(self, prefix: str = "") -> None:
        """Remove all entries whose keys begin with ``prefix``."""
        start = prefix.encode()
        for key in [key for key in self._entries if key.startswith(start)]:
            self._drop(key)

    def _deadline(self, lifetime_s: float | None) -> float | None:
        milliseconds = check_lifetime(lifetime_s)
        return None if milliseconds is None else self._clock() + milliseconds / 1000

    def _find(self, key: bytes) -> _Entry | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._is_over(entry):
            self._drop(key)
            return None
        self._entries[key] = self._entries.pop(key)  # used just now
        return entry

    def _put(self, key: bytes, value: bytes, deadline: float | None) -> None:
        check_value(value)
        if len(key) + len(value) > self._max_bytes:
            raise ValueError(f"the entry is over max_bytes, {self._max_bytes}")
        if key in self._entries:
            self._drop(key)
        self._entries[key] = _Entry(value, deadline)
        self._size += len(key) + len(value)
        self._writes += 1
        if self._writes > len(self._entries):
            self._writes = 0
            for old in [old for old, entry in self._entries.items() if self._is_over(entry)]:
                self._drop(old)
        while len(self._entries) > self._max_entries or self._size > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: bytes) -> None:
        self._size -= len(key) + len(self._entries.pop(key).value)

    def _is_over(self, entry: _Entry) -> bool:
        return entry.deadline is not None and entry.deadline <= self._clock()
