"""The backend in memory: what its conformance suite does not say."""

from __future__ import annotations

import pytest

from portico import Hub
from portico.channels.memory import MemoryBackend

pytestmark = pytest.mark.anyio


async def test_histories_are_bounded_by_their_number() -> None:
    backend = MemoryBackend(max_histories=2)
    for channel in ("a", "b", "a", "c"):
        await backend.publish(channel, channel.encode(), 5)
    kept = {channel: len(await backend.history(channel, 5)) for channel in "abc"}
    assert kept == {"a": 2, "b": 0, "c": 1}


async def test_it_works_without_being_entered() -> None:
    hub = Hub(history=1)
    await hub.publish("a", 1)
    async with hub.subscribe("a", history=1) as subscription:
        assert (await anext(subscription)).data == "1"
        assert await hub.presence("a") == 1
    assert await hub.presence("a") == 0


def test_settings_that_are_none() -> None:
    with pytest.raises(ValueError, match="max_histories"):
        MemoryBackend(max_histories=0)
