"""Channels over a real Redis: breaks, restarts, many processes. The rest is conformance."""

from __future__ import annotations

import itertools
import logging
import subprocess
import sys
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import pytest

from portico import Hub, Misuse, _tasks
from portico._redis import open_client
from portico.channels.backend import Entry
from portico.channels.redis import RedisBackend
from portico.channels.subscription import Subscription
from portico.errors import ServiceUnavailable
from tests.redis_server import RedisServer

PREFIXES = (f"redis{number}:" for number in itertools.count())

LISTENER = """
import sys, {backend}
from portico import Hub
from portico.channels.redis import RedisBackend

async def main(url, prefix, number):
    async with Hub(RedisBackend(url, prefix=prefix), queue_size=10_000) as hub:
        async with hub.subscribe("a") as subscription:
            print("ready", flush=True)
            async for message in subscription:
                await hub.publish("b", message.data)
                if message.data == "last":
                    break

{backend}.run({call})
"""


@pytest.fixture
def own_server() -> Generator[RedisServer]:
    with RedisServer() as server:
        yield server


async def until_heard(hub: Hub, subscription: Subscription, channel: str) -> None:
    """Publish until something comes back."""
    heard = _tasks.make_event()

    async def listen() -> None:
        await anext(subscription)
        heard.set()

    async with _tasks.open_group() as group:
        group.start_soon(listen)
        while not heard.is_set():
            with suppress(ServiceUnavailable):
                await hub.publish(channel, "are you there?")
            await _tasks.sleep(0.02)


@pytest.mark.anyio
async def test_it_connects_again_when_the_server_comes_back(
    own_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    backend = RedisBackend(own_server.url, timeout_s=0.3)
    async with Hub(backend, history=2) as hub, hub.subscribe("a", "b") as subscription:
        for _ in range(2):
            await hub.publish("a", "before")
            assert (await anext(subscription)).data == "before"
            own_server.kill()
            with pytest.raises(ServiceUnavailable):
                await hub.publish("a", "lost")
            with pytest.raises(ServiceUnavailable):
                await hub.presence("a")
            with pytest.raises(ServiceUnavailable):
                await hub.subscribe("c", history=1).__aenter__()
            own_server.start()
            with _tasks.open_scope(timeout_s=15) as scope:
                await until_heard(hub, subscription, "b")
                await until_heard(hub, subscription, "a")
            assert not scope.cancel_called
            while await hub.presence("a") != 1:  # told anew
                await _tasks.sleep(0.01)
            async with hub.subscribe("c", history=1) as later:
                await hub.publish("c", "1")
                assert (await anext(later)).data == "1"
            await _drain(subscription)
    assert any("lost the connection to Redis" in message for message in caplog.messages)
    assert {record.levelname for record in caplog.records} <= {"WARNING", "ERROR"}


async def _drain(subscription: Subscription) -> None:
    with _tasks.open_scope(timeout_s=0.05):
        while True:
            await anext(subscription)


@pytest.mark.anyio
async def test_a_server_that_is_not_there(own_server: RedisServer) -> None:
    own_server.kill()
    hub = Hub(RedisBackend(own_server.url))
    for _ in range(2):
        with pytest.raises(ServiceUnavailable):
            await hub.__aenter__()
    own_server.start()
    async with hub:
        await hub.publish("a", 1)


@pytest.mark.anyio
async def test_a_server_that_goes_while_the_hub_stops(own_server: RedisServer) -> None:
    async with Hub(RedisBackend(own_server.url)) as hub, hub.subscribe("a"):
        own_server.kill()


@pytest.mark.parametrize(
    ("backend", "call"),
    [("asyncio", "main(*sys.argv[1:])"), ("trio", "main, *sys.argv[1:]")],
)
@pytest.mark.anyio
async def test_nothing_is_lost_between_two_processes(
    backend: str, call: str, redis_server: RedisServer
) -> None:
    prefix, number = next(PREFIXES), 1000
    code = LISTENER.format(backend=backend, call=call)
    listener = subprocess.Popen(  # noqa: ASYNC220, S603 - our own words
        [sys.executable, "-c", code, redis_server.url, prefix, str(number)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert listener.stdout is not None
        assert listener.stdout.readline() == b"ready\n"
        hub = Hub(RedisBackend(redis_server.url, prefix=prefix), queue_size=number)
        texts = [*map(str, range(number - 1)), "last"]
        async with hub, hub.subscribe("b") as echoes:
            while await hub.presence("a") != 1:
                await _tasks.sleep(0.01)
            for text in texts:
                await hub.publish("a", text)
            with _tasks.open_scope(timeout_s=15):
                assert [(await anext(echoes)).data for _ in texts] == texts
        assert listener.wait(10) == 0
    finally:
        listener.kill()
        listener.wait()
        assert listener.stdout is not None
        listener.stdout.close()


@pytest.mark.anyio
async def test_presence_is_counted_over_hubs_and_forgotten_with_the_dead(
    redis_server: RedisServer,
) -> None:
    prefix = next(PREFIXES)

    def make(lifetime_s: float) -> Hub:
        backend = RedisBackend(redis_server.url, prefix=prefix, presence_lifetime_s=lifetime_s)
        return Hub(backend)

    async def becomes(count: int) -> None:
        with _tasks.open_scope(timeout_s=5):
            while await one.presence("a") != count:
                await _tasks.sleep(0.01)
        assert await one.presence("a") == count

    async with make(0.2) as one, one.subscribe("a"):
        async with make(30) as other, other.subscribe("a"), other.subscribe("a"):
            await becomes(3)
            assert await other.presence("a") == 3
        await becomes(1)  # a hub that stops takes its numbers with it, at once
        await _tasks.sleep(0.5)
        await becomes(1)  # who stays is told anew
        async with open_client(redis_server.url, 5) as client:
            key = f"{prefix}p:a"
            now_ms = int((await client.time()).timestamp() * 1000)
            await client.hset(key, {"dead": f"7 {now_ms - 1}", "dying": f"5 {now_ms + 60_000}"})
            assert await one.presence("a") == 6
            assert set(await client.hgetall(key)) > {b"dying"}
            assert b"dead" not in await client.hgetall(key)


@pytest.mark.anyio
async def test_what_somebody_else_publishes_is_ignored(redis_server: RedisServer) -> None:
    prefix, entries = next(PREFIXES), list[Entry]()
    backend, arrival = RedisBackend(redis_server.url, prefix=prefix), _tasks.make_event()

    def deliver(entry: Entry) -> None:
        entries.append(entry)
        arrival.set()

    async with backend, open_client(redis_server.url, 5) as client:
        await backend.subscribe("a", deliver)
        for data in ("", "x", "1-1", "1- x", "\xb2-1 x", "9" * 21 + "-1 x"):
            await client.publish(f"{prefix}c:a", data.encode())
        await backend.publish("a", b" \n", 0)
        await arrival.wait()
    assert entries == [Entry(0, b" \n")]


@pytest.mark.anyio
async def test_many_channels_in_few_steps(redis_server: RedisServer) -> None:
    hub = Hub(RedisBackend(redis_server.url, prefix=next(PREFIXES)))
    names = [f"room {number}" for number in range(1200)]
    async with hub, hub.subscribe(names[0]) as one:
        async with hub.subscribe(*names, queue_size=2000) as subscription:
            for name in names:
                await hub.publish(name, name)
            assert [(await anext(subscription)).data for _ in names] == names
            assert (await anext(one)).data == names[0]
        await hub.publish(names[0], "still")
        assert (await anext(one)).data == "still"


@pytest.mark.parametrize("steps", range(1, 12, 2))
@pytest.mark.anyio
async def test_a_channel_that_is_left_before_it_is_joined(
    steps: int, redis_server: RedisServer
) -> None:
    backend = RedisBackend(redis_server.url, prefix=next(PREFIXES), timeout_s=0.2)
    entries: list[Entry] = []

    async def subscribe() -> None:
        try:
            await backend.subscribe("a", entries.append)
        except ServiceUnavailable:
            refused.append(True)

    refused: list[bool] = []
    async with backend:
        async with _tasks.open_group() as group:
            group.start_soon(subscribe)
            for _ in range(steps):
                await _tasks.checkpoint()
            backend.unsubscribe("a")
        backend.unsubscribe("a")  # the other task may have begun after that
        await backend.publish("a", b"1", 0)
        later: list[Entry] = []
        await backend.subscribe("a", later.append)
        await backend.publish("a", b"2", 0)
        with _tasks.open_scope(timeout_s=5):
            while not later:
                await _tasks.sleep(0.001)
    assert [entry.payload for entry in later] == [b"2"]
    assert entries == []


@pytest.mark.anyio
async def test_the_history_is_forgotten_after_a_while(redis_server: RedisServer) -> None:
    prefix = next(PREFIXES)
    backend = RedisBackend(redis_server.url, prefix=prefix, history_lifetime_s=60)
    async with Hub(backend, history=5) as hub, open_client(redis_server.url, 5) as client:
        await hub.publish("a", 1)
        assert 50_000 < await client.pttl(f"{prefix}h:a") <= 60_000


@pytest.mark.anyio
async def test_it_is_used_inside_its_block(redis_server: RedisServer) -> None:
    hub = Hub(RedisBackend(redis_server.url))
    with pytest.raises(Misuse, match=r"App\(lifespan=hub.lifespan\)"):
        await hub.publish("a", 1)
    with pytest.raises(Misuse, match="not running"):
        await hub.subscribe("a").__aenter__()
    backend = RedisBackend(redis_server.url)
    async with backend:
        with pytest.raises(Misuse, match="already"):
            await backend.__aenter__()


@pytest.mark.parametrize("setting", ["timeout_s", "history_lifetime_s", "presence_lifetime_s"])
def test_settings_that_are_none(setting: str) -> None:
    with pytest.raises(ValueError, match="above 0"):
        RedisBackend(**{setting: 0})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="redis://"):
        RedisBackend("http://localhost")
