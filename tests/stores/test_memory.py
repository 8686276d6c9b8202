"""The store in memory: its limits, its clock, its cost. The rest is conformance."""

from __future__ import annotations

import time

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.stores.memory import MemoryStore
from tests.security.invariants import uncollected


class Clock:
    def __init__(self) -> None:
        self.now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.anyio
async def test_an_entry_lives_until_its_lifetime_is_over() -> None:
    clock = Clock()
    store = MemoryStore(clock=clock)
    await store.set("a", b"1", 10)
    clock.now_s += 9.999
    assert await store.get("a") == b"1"
    assert await store.expires_in("a") == pytest.approx(0.001)
    clock.now_s = 1010
    assert await store.get("a") is None
    assert len(store) == 0


@pytest.mark.anyio
async def test_the_entry_that_was_unused_for_longest_goes() -> None:
    store = MemoryStore(max_entries=3)
    for key in "abc":
        await store.set(key, b"")
    assert len(store) == 3
    await store.get("a")
    await store.increment("n")
    assert [key for key in "abcn" if await store.get(key) is not None] == ["a", "c", "n"]


@pytest.mark.anyio
async def test_bytes_are_bounded() -> None:
    store = MemoryStore(max_bytes=10)
    await store.set("a", b"1234")
    await store.set("b", b"1234")
    assert len(store) == 2
    await store.set("c", b"")
    assert [key for key in "abc" if await store.get(key) is not None] == ["b", "c"]
    await store.set("d", b"123456789")
    assert len(store) == 1
    with pytest.raises(ValueError, match="over max_bytes, 10"):
        await store.set("d", b"1234567890")
    assert await store.get("d") == b"123456789"
    await store.clear()
    assert vars(store)["_size"] == 0


@pytest.mark.anyio
async def test_what_expired_unnoticed_goes_with_later_writes() -> None:
    clock = Clock()
    store = MemoryStore(clock=clock)
    for number in range(100):
        await store.set(f"old {number}", b"", 1)
    clock.now_s += 2
    assert len(store) == 100
    for _ in range(101):
        await store.set("new", b"")
    assert len(store) == 1


def test_settings_that_are_none() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        MemoryStore(max_entries=0)
    with pytest.raises(ValueError, match="at least 1"):
        MemoryStore(max_bytes=0)


KEYS = st.sampled_from("abcd")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), KEYS, st.sampled_from([None, 1.0, 3.0])),
        st.tuples(st.sampled_from(["get", "delete", "increment"]), KEYS, st.none()),
        st.tuples(st.just("wait"), st.just(""), st.sampled_from([0.5, 2.0])),
    ),
    max_size=40,
)


@given(STEPS)
def test_it_does_what_a_plain_dict_with_times_does(
    steps: list[tuple[str, str, float | None]],
) -> None:
    clock = Clock()
    store, model = MemoryStore(clock=clock), dict[str, tuple[bytes, float]]()

    async def run() -> None:
        for step, key, number in steps:
            present = model.get(key, (b"0", 0))
            if present[1] <= clock():
                model.pop(key, None)
                present = (b"0", float("inf"))
            if step == "set":
                await store.set(key, b"5", number)
                model[key] = b"5", float("inf") if number is None else clock() + number
            elif step == "get":
                assert await store.get(key) == model.get(key, (None, 0))[0]
            elif step == "delete":
                assert await store.delete(key) == (model.pop(key, None) is not None)
            elif step == "increment":
                raised = int(present[0]) + 1
                assert await store.increment(key) == raised
                model[key] = b"%d" % raised, present[1]
            else:
                clock.now_s += number or 0

    try:
        run().send(None)
    except StopIteration:
        return
    raise AssertionError  # pragma: no cover - it never waits


def test_cost_does_not_grow_with_the_number_of_entries() -> None:
    def seconds(number: int) -> float:
        async def run() -> float:
            store = MemoryStore(max_entries=number // 2)
            started = time.thread_time()
            for each in range(number):
                await store.set(str(each), b"", 0.001 if each % 2 else None)
                await store.get(str(each // 2))
                await store.increment("n")
            return time.thread_time() - started

        return anyio.run(run)

    with uncollected():
        ratios: list[float] = []
        while len(ratios) < 5 and min(ratios, default=99) > 6:
            ratios.append(seconds(8000) / seconds(2000))
    assert min(ratios) <= 6
