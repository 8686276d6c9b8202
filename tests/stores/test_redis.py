"""The store in a real Redis: breaks and prefixes. The rest is conformance."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from portico import App, Hub, Misuse
from portico._redis import open_client
from portico.channels.redis import RedisBackend
from portico.errors import ServiceUnavailable
from portico.stores.redis import RedisStore
from tests.redis_server import RedisServer


@pytest.mark.anyio
async def test_it_fails_while_redis_is_away_and_then_works_again() -> None:
    with RedisServer() as server:
        async with RedisStore(server.url, timeout_s=1) as store:
            await store.set("a", b"1")
            server.kill()
            calls: list[Callable[[], Awaitable[object]]] = [
                lambda: store.get("a"),
                lambda: store.set("a", b"1"),
                lambda: store.compare_and_set("a", None, b""),
                lambda: store.increment("a"),
                lambda: store.touch("a", 1),
                lambda: store.expires_in("a"),
                lambda: store.delete("a"),
                store.clear,
            ]
            for call in calls:
                with pytest.raises(ServiceUnavailable):
                    await call()
            server.start()
            assert await store.get("a") is None
            await store.set("a", b"2")
            assert await store.get("a") == b"2"


@pytest.mark.anyio
async def test_a_hub_in_the_same_redis_is_apart(redis_server: RedisServer) -> None:
    """Whatever the keys are, which may be a peer's, and whatever is cleared."""
    hub = Hub(RedisBackend(redis_server.url), history=5)
    async with hub, RedisStore(redis_server.url) as store:
        async with hub.subscribe("news"):
            await hub.publish("news", "1")
            for kind in ("h", "p", "c"):
                assert await store.get(f"{kind}:news") is None
                await store.set(f"{kind}:news", b"mine")
            await hub.publish("news", "2")
            await store.clear()
        async with hub.subscribe("news", history=2) as subscription:
            assert [(await anext(subscription)).data for _ in range(2)] == ["1", "2"]


@pytest.mark.anyio
async def test_prefixes_are_apart(redis_server: RedisServer) -> None:
    one = RedisStore(redis_server.url, prefix="prefix[1]:")
    async with one, RedisStore(redis_server.url, prefix="prefix1:") as other:
        await one.set("a", b"1")
        await other.set("a", b"2")
        assert await one.get("a") == b"1"
        await one.clear()
        assert (await one.get("a"), await other.get("a")) == (None, b"2")


@pytest.mark.anyio
async def test_clear_goes_through_many_keys(redis_server: RedisServer) -> None:
    store = RedisStore(redis_server.url, prefix="many:")
    async with store, open_client(redis_server.url, 5) as client:
        await client.mset({f"many:{number}": b"" for number in range(2000)})
        await store.clear()
        assert not await client.keys("many:*")
        await store.clear()


@pytest.mark.anyio
async def test_another_type_of_value_is_an_error_of_redis(redis_server: RedisServer) -> None:
    async with RedisStore(redis_server.url, prefix="typed:") as store:
        async with open_client(redis_server.url, 5) as client:
            await client.lpush("typed:list", [b"x"])
        with pytest.raises(ServiceUnavailable):
            await store.increment("list")
        with pytest.raises(ServiceUnavailable):
            await store.get("list")


@pytest.mark.anyio
async def test_it_is_used_inside_its_block(redis_server: RedisServer) -> None:
    store = RedisStore(redis_server.url)
    with pytest.raises(Misuse, match="not open"):
        await store.get("a")
    for _ in range(2):
        async with store:
            with pytest.raises(Misuse, match="already"):
                await store.__aenter__()
            await store.get("a")


@pytest.mark.anyio
async def test_it_runs_with_an_app(redis_server: RedisServer) -> None:
    store = RedisStore(redis_server.url)

    @asynccontextmanager
    async def lifespan(app: App) -> AsyncGenerator[dict[str, object]]:
        async with store:
            yield {"store": store}

    app = App(lifespan=lifespan)
    async with app.lifespan.run(app):
        await store.get("a")


def test_urls_are_checked() -> None:
    with pytest.raises(ValueError, match="redis://"):
        RedisStore("localhost")
