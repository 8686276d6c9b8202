"""What a store is: bytes by key, each for as long as its lifetime says.

Sessions, rate limits and caches stand on it. ``memory`` and ``redis`` implement it;
``tests/conformance/test_stores.py`` says what any other must do.
"""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

__all__ = ("Store",)


class Store(Protocol):
    """Keeps bytes by key.

    A store is used inside ``async with store:``, which may open connections. Each call is atomic,
    also between processes where the store is shared by them. A store may drop an entry early, for
    want of room; what must not be lost belongs into a database.

    Keys are non-empty text. A lifetime is in seconds, above 0; ``None`` means that the entry does
    not expire. Calls raise ``ValueError`` for other keys and lifetimes, ``TypeError`` for a value
    that is not bytes, and ``ServiceUnavailable`` if the store cannot be reached.
    """

    async def __aenter__(self) -> object:
        """Open what the store needs."""
        ...

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> object:
        """Close it."""
        ...

    async def get(self, key: str) -> bytes | None:
        """Give the value; ``None`` if there is none or it expired."""
        ...

    async def set(self, key: str, value: bytes, lifetime_s: float | None = None) -> None:
        """Set the value and its lifetime, whatever was there."""
        ...

    async def compare_and_set(
        self, key: str, expected: bytes | None, value: bytes, lifetime_s: float | None = None
    ) -> bool:
        """Set the value if the present one equals ``expected``; tell whether it did.

        ``None`` expects that there is none: of many who try, one succeeds.
        """
        ...

    async def increment(self, key: str, amount: int = 1, lifetime_s: float | None = None) -> int:
        """Add to a whole number, which begins at 0; give what it is then.

        The lifetime is set when the number begins and does not change: a counter of a window.
        ``get`` shows the number in decimal digits. Raises ``ValueError`` if the value is no number
        or would not fit into 64 bits.
        """
        ...

    async def touch(self, key: str, lifetime_s: float | None) -> bool:
        """Give the entry a new lifetime from now; tell whether there is one."""
        ...

    async def expires_in(self, key: str) -> float | None:
        """Give the seconds left; ``None`` if there is no such entry or it does not expire."""
        ...

    async def delete(self, key: str) -> bool:
        """Remove the entry; tell whether there was one."""
        ...

    async def clear(self, prefix: str = "") -> None:
        """Remove all entries whose keys begin with ``prefix``; entries set meanwhile may stay."""
        ...
