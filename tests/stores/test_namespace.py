"""Namespaces in one store. The rest is conformance."""

from __future__ import annotations

import pytest

from portico.stores.backend import Store
from portico.stores.memory import MemoryStore
from portico.stores.namespace import NamespacedStore


@pytest.mark.anyio
async def test_namespaces_do_not_meet() -> None:
    store = MemoryStore()
    one, other = NamespacedStore(store, "a"), NamespacedStore(store, "ab")
    inner = NamespacedStore(one, "b")
    stores: list[Store] = [store, one, other, inner]
    for number, each in enumerate(stores):
        await each.set("b:c", b"%d" % number)
        await each.set("c", b"%d" % number)
    assert [await each.get("c") for each in stores] == [b"0", b"1", b"2", b"3"]
    assert await one.get("b:c") == b"3"
    await one.clear()
    assert [await each.get("c") for each in stores] == [b"0", None, b"2", None]


@pytest.mark.parametrize("namespace", ["", "a:b", ":", "\ud800"])
def test_namespaces_that_are_none(namespace: str) -> None:
    with pytest.raises(ValueError, match=r"namespace|surrogates"):
        NamespacedStore(MemoryStore(), namespace)
