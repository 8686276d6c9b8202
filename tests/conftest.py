"""Fixtures and settings of the whole suite."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from tests.redis_server import RedisServer

# Times vary on shared machines: a slow example is not a fault, an endless one meets the time-out.
settings.register_profile(
    "suite", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("fuzz", settings.get_profile("suite"), max_examples=20_000)
settings.load_profile("suite")


@pytest.fixture(
    params=[
        pytest.param(("asyncio", {"debug": True}), id="asyncio"),
        "trio",
    ]
)
def anyio_backend(request: pytest.FixtureRequest) -> str | tuple[str, dict[str, object]]:
    """Every test marked ``anyio`` runs under asyncio, in debug mode, and under trio."""
    backend: str | tuple[str, dict[str, object]] = request.param
    return backend


@pytest.fixture(scope="session")
def redis_server() -> Generator[RedisServer]:
    """A Redis for all tests that do not stop it; each uses a prefix of its own."""
    with RedisServer() as server:
        yield server
