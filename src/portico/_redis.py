"""Redis, by way of coredis: a client that works under asyncio and trio alike.

Commands are tried once, so that none is done twice; whoever calls decides about trying again.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from portico._optional import import_extra
from portico.errors import ServiceUnavailable

__all__ = ("check_url", "failures", "open_client")

_SCHEMES: Final = ("redis", "rediss", "unix")

_log: Final = logging.getLogger("portico.redis")


def check_url(url: str) -> str:
    """Give the URL. Raises ``ValueError``, without showing it, unless it can be one of Redis."""
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not (parts.path if parts.scheme == "unix" else parts.netloc):
        raise ValueError("a Redis URL is redis://host:port/db, rediss://... or unix:///path")
    return url


@asynccontextmanager
async def open_client(url: str, timeout_s: float) -> AsyncGenerator[Any, None]:
    """Connect, and give the ``coredis.Redis``; each answer may take ``timeout_s`` seconds.

    Raises ``ServiceUnavailable`` if Redis does not answer, ``ImportError`` with the line to type
    if coredis is not installed.
    """
    coredis = import_extra("coredis", "redis")
    client = coredis.Redis.from_url(
        url,
        decode_components=True,
        connect_timeout=timeout_s,
        stream_timeout=timeout_s,
        pool_timeout=timeout_s,
        retry_policy=import_extra("coredis.retry", "redis").NoRetryPolicy(),
    )
    error: BaseException | None = None
    async with client:
        # What the block raises goes around the client, which would put it into a group.
        try:
            with failures():
                await client.ping()
            yield client
        except BaseException as raised:  # noqa: BLE001  # raised below
            error = raised
    try:
        if error is not None:
            raise error
    finally:
        del error  # it holds this frame: a cycle would keep both alive


@contextmanager
def failures() -> Generator[None]:
    """Log what the client raises and raise ``ServiceUnavailable`` instead."""
    errors = import_extra("coredis.exceptions", "redis")
    try:
        yield
    except (errors.RedisError, TimeoutError, OSError) as error:
        _log.error("Redis failed: %s: %s", type(error).__name__, error)
        raise ServiceUnavailable from error
