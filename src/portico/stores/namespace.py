"""A part of a store under a name of its own, so that several users of one store do not meet."""

from __future__ import annotations

from types import TracebackType
from typing import Self, final

from portico.stores._entries import check_key
from portico.stores.backend import Store

__all__ = ("NamespacedStore",)


@final
class NamespacedStore:
    """The entries of ``store`` whose keys begin with ``namespace`` and a colon, as a ``Store``.

    ``async with`` does nothing: whoever made the store opens it.

    Raises ``ValueError`` if the namespace is empty or has a colon: two namespaces never share a
    key.
    """

    def __init__(self, store: Store, namespace: str) -> None:
        if not namespace or ":" in namespace:
            raise ValueError("a namespace is text without a colon")
        check_key(namespace)
        self._store: Store = store
        self._prefix: str = f"{namespace}:"

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
        return await self._store.get(self._name(key))

    async def set(self, key: str, value: bytes, lifetime_s: float | None = None) -> None:
        """Set the value and its lifetime, whatever was there."""
        await self._store.set(self._name(key), value, lifetime_s)

    async def compare_and_set(
        self, key: str, expected: bytes | None, value: bytes, lifetime_s: float | None = None
    ) -> bool:
        """Set the value if the present one equals ``expected``; tell whether it did."""
        return await self._store.compare_and_set(self._name(key), expected, value, lifetime_s)

    async def increment(self, key: str, amount: int = 1, lifetime_s: float | None = None) -> int:
        """Add to a whole number, which begins at 0; give what it is then."""
        return await self._store.increment(self._name(key), amount, lifetime_s)

    async def touch(self, key: str, lifetime_s: float | None) -> bool:
        """Give the entry a new lifetime from now; tell whether there is one."""
        return await self._store.touch(self._name(key), lifetime_s)

    async def expires_in(self, key: str) -> float | None:
        """Give the seconds left; ``None`` if there is no such entry or it does not expire."""
        return await self._store.expires_in(self._name(key))

    async def delete(self, key: str) -> bool:
        """Remove the entry; tell whether there was one."""
        return await self._store.delete(self._name(key))

    async def clear(self, prefix: str = "") -> None:
        """Remove all entries of the namespace whose keys begin with ``prefix``."""
        await self._store.clear(self._prefix + prefix)

    def _name(self, key: str) -> str:
        check_key(key)
        return self._prefix + key
