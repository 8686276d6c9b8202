"""What every ``Store`` does: the same for memory, for Redis, and for a namespace in one."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import anyio
import pytest

from portico._tasks import open_group
from portico.stores.backend import Store
from portico.stores.memory import MemoryStore
from portico.stores.namespace import NamespacedStore
from portico.stores.redis import RedisStore
from tests.redis_server import RedisServer

Open = Callable[[], AbstractAsyncContextManager[Store]]

PREFIXES = (f"store[{number}]*:" for number in itertools.count())
ODD = "kä*se?[a]\\ \x00\n:"

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory", "redis", "namespace", "namespace in redis"])
def open_store(request: pytest.FixtureRequest) -> Open:
    kind: str = request.param

    def make() -> Store:
        if "redis" in kind:
            server: RedisServer = request.getfixturevalue("redis_server")
            return RedisStore(server.url, prefix=next(PREFIXES))
        return MemoryStore()

    if "redis" in kind:
        request.getfixturevalue("redis_server")

    @asynccontextmanager
    async def open_store() -> AsyncGenerator[Store]:
        store = make()
        async with store:
            if "namespace" in kind:
                namespaced = NamespacedStore(store, "rate")
                async with namespaced:
                    yield namespaced
            else:
                yield store

    return open_store


async def test_a_value_is_kept_under_its_key(open_store: Open) -> None:
    async with open_store() as store:
        assert await store.get("a") is None
        await store.set("a", b"1")
        await store.set(ODD, b"")
        assert (await store.get("a"), await store.get(ODD)) == (b"1", b"")
        assert await store.get("A") is None
        await store.set("a", bytes(range(256)))
        assert await store.get("a") == bytes(range(256))


async def test_delete_tells_whether_there_was_one(open_store: Open) -> None:
    async with open_store() as store:
        await store.set("a", b"")
        assert [await store.delete("a"), await store.delete("a")] == [True, False]
        assert await store.get("a") is None


async def test_an_entry_goes_when_its_lifetime_is_over(open_store: Open) -> None:
    async with open_store() as store:
        await store.set("short", b"1", 0.05)
        await store.set("long", b"1", 60)
        await store.set("endless", b"1")
        assert await store.get("short") == b"1"
        await anyio.sleep(0.06)
        assert await store.get("short") is None
        assert await store.delete("short") is False
        assert await store.touch("short", 1) is False
        assert (await store.get("long"), await store.get("endless")) == (b"1", b"1")


async def test_the_seconds_left(open_store: Open) -> None:
    async with open_store() as store:
        await store.set("a", b"1", 60)
        assert 59 < (await store.expires_in("a") or 0) <= 60
        await store.set("a", b"1")
        assert await store.expires_in("a") is None
        assert await store.expires_in("missing") is None


async def test_touch_gives_a_new_lifetime(open_store: Open) -> None:
    async with open_store() as store:
        await store.set("a", b"1", 60)
        assert await store.touch("a", 600)
        assert 599 < (await store.expires_in("a") or 0) <= 600
        assert await store.touch("a", None)
        assert await store.expires_in("a") is None
        assert await store.touch("a", None)
        assert await store.touch("missing", None) is False
        assert await store.get("a") == b"1"


async def test_compare_and_set(open_store: Open) -> None:
    async with open_store() as store:
        assert await store.compare_and_set("a", b"0", b"1") is False
        assert await store.compare_and_set("a", b"", b"1") is False, "empty is not missing"
        assert await store.compare_and_set("a", None, b"")
        assert await store.compare_and_set("a", None, b"1") is False
        assert await store.compare_and_set("a", b"", b"2", 60)
        assert await store.get("a") == b"2"
        assert 59 < (await store.expires_in("a") or 0) <= 60
        assert await store.compare_and_set("a", b"2", b"3")
        assert await store.expires_in("a") is None


async def test_of_many_writers_one_succeeds(open_store: Open) -> None:
    async with open_store() as store:
        done: list[bool] = []

        async def write(value: bytes) -> None:
            done.append(await store.compare_and_set("a", None, value))

        async with open_group() as group:
            for number in range(20):
                group.start_soon(write, b"%d" % number)
        assert sum(done) == 1


async def test_increments_are_not_lost(open_store: Open) -> None:
    async with open_store() as store:
        seen: list[int] = []

        async def count() -> None:
            seen.append(await store.increment("hits", 2))

        async with open_group() as group:
            for _ in range(20):
                group.start_soon(count)
        assert sorted(seen) == list(range(2, 42, 2))
        assert await store.get("hits") == b"40"
        assert await store.increment("hits", -50) == -10


async def test_a_counter_keeps_the_lifetime_that_it_began_with(open_store: Open) -> None:
    async with open_store() as store:
        assert await store.increment("a", lifetime_s=60) == 1
        assert await store.increment("a", lifetime_s=600) == 2
        assert 59 < (await store.expires_in("a") or 0) <= 60
        assert await store.increment("b") == 1
        assert await store.increment("b", lifetime_s=60) == 2
        assert await store.expires_in("b") is None


@pytest.mark.parametrize(
    "value", [b"", b"x", b"1.5", b" 1", b"01", b"-0", b"9" * 19, b"1" * 5000, b"\xd9\xa1"]
)
async def test_what_is_no_number_is_not_incremented(value: bytes, open_store: Open) -> None:
    async with open_store() as store:
        await store.set("a", value)
        with pytest.raises(ValueError, match=r"64 bits|whole number"):
            await store.increment("a")
        assert await store.get("a") == value


async def test_numbers_have_64_bits(open_store: Open) -> None:
    async with open_store() as store:
        assert await store.increment("a", 2**63 - 1) == 2**63 - 1
        with pytest.raises(ValueError, match="64 bits"):
            await store.increment("a")
        with pytest.raises(ValueError, match="64 bits"):
            await store.increment("b", 2**63)
        assert await store.increment("c", -(2**63)) == -(2**63)


async def test_clear_takes_a_prefix_as_it_is(open_store: Open) -> None:
    async with open_store() as store:
        keys = ["a*:1", "a*:2", "ab:1", "a", "[a]", "a\\b", "a?"]
        for key in keys:
            await store.set(key, b"")
        for prefix, gone in {"a*": 2, "[a]": 1, "a\\": 1, "a?": 1}.items():
            await store.clear(prefix)
            left = [key for key in keys if await store.get(key) is not None]
            assert len(left) == len(keys) - gone
            keys = left
        await store.clear()
        assert [key for key in keys if await store.get(key) is not None] == []


@pytest.mark.parametrize("key", ["", "x" * 1025, "ä" * 513, "\ud800"])
async def test_keys_that_are_none(key: str, open_store: Open) -> None:
    async with open_store() as store:
        for call in (store.get, store.delete, store.expires_in, store.increment):
            with pytest.raises(ValueError, match=r"key|surrogates"):
                await call(key)
        with pytest.raises(ValueError, match=r"key|surrogates"):
            await store.set(key, b"")


async def test_the_longest_key(open_store: Open) -> None:
    async with open_store() as store:
        key = "x" * 1000
        await store.set(key, b"1")
        assert await store.get(key) == b"1"


@pytest.mark.parametrize("lifetime_s", [0, -1, float("nan"), float("inf"), 10e9 + 1])
async def test_lifetimes_that_are_none(lifetime_s: float, open_store: Open) -> None:
    async with open_store() as store:
        with pytest.raises(ValueError, match="lifetime"):
            await store.set("a", b"", lifetime_s)
        with pytest.raises(ValueError, match="lifetime"):
            await store.touch("a", lifetime_s)
        with pytest.raises(ValueError, match="lifetime"):
            await store.increment("a", lifetime_s=lifetime_s)
        assert await store.get("a") is None


async def test_the_shortest_and_the_longest_lifetime(open_store: Open) -> None:
    async with open_store() as store:
        await store.set("a", b"", 10e9)
        await store.set("b", b"", 1e-9)
        assert await store.get("a") == b""
        await anyio.sleep(0.002)
        assert await store.get("b") is None


@pytest.mark.parametrize("value", ["text", 1, None, bytearray(b"x")])
async def test_values_are_bytes(value: object, open_store: Open) -> None:
    async with open_store() as store:
        with pytest.raises(TypeError, match="bytes"):
            await store.set("a", value)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        with pytest.raises(TypeError, match="bytes"):
            await store.compare_and_set("a", None, value)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        assert await store.get("a") is None


async def test_an_error_in_the_block_comes_out_as_itself(open_store: Open) -> None:
    with pytest.raises(KeyError, match="x"):
        async with open_store():
            raise KeyError("x")
