"""A store in Redis (or Valkey), shared by all processes that use it. Needs the extra ``redis``."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Final, Self, final

from portico._optional import import_extra
from portico._redis import check_url, failures, open_client
from portico.errors import Misuse
from portico.stores._entries import (
    MAX_NUMBER,
    MIN_NUMBER,
    check_key,
    check_lifetime,
    check_value,
)

__all__ = ("RedisStore",)

# Each script is one step for Redis: nothing comes between its commands.
_COMPARE_AND_SET: Final = """
local present = redis.call('GET', KEYS[1])
if (ARGV[1] == '1') ~= (present ~= false) or present and present ~= ARGV[2] then return 0 end
if ARGV[4] == '' then redis.call('SET', KEYS[1], ARGV[3])
else redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4]) end
return 1
"""
_INCREMENT: Final = """
local is_new = redis.call('EXISTS', KEYS[1]) == 0
redis.call('INCRBY', KEYS[1], ARGV[1])
if is_new and ARGV[2] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return redis.call('GET', KEYS[1])
"""
_TOUCH: Final = """
if ARGV[1] ~= '' then return redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
redis.call('PERSIST', KEYS[1])
return redis.call('EXISTS', KEYS[1])
"""

_BATCH: Final = 500
"""So many keys at once are listed and removed by ``clear``."""


@final
class RedisStore:
    """A ``Store`` in Redis 6 or later.

    ``url`` is ``redis://user:password@host:port/db``, ``rediss://...`` (TLS) or ``unix:///path``.
    Every key begins with ``prefix`` there. An answer may take ``timeout_s`` seconds.

    Use it inside ``async with store:``, once at a time. Entering raises ``ServiceUnavailable`` if
    Redis does not answer; it reconnects by itself later on, and calls raise that meanwhile.
    Raises ``ValueError`` for another URL, ``ImportError`` on entry with the line to type if the
    extra is not installed, ``Misuse`` if it is used before.
    """

    def __init__(
        self,
        url: str = "redis://localhost:6379/0",
        *,
        prefix: str = "portico:",
        timeout_s: float = 5.0,
    ) -> None:
        self._url: str = check_url(url)
        self._prefix: bytes = prefix.encode()
        self._timeout_s: float = timeout_s
        self._exits: AsyncExitStack = AsyncExitStack()
        self._client: Any = None

    async def __aenter__(self) -> Self:
        if self._client is not None:
            raise Misuse("the store is open already")
        client = open_client(self._url, self._timeout_s)
        self._client = await self._exits.enter_async_context(client)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client = None
        await self._exits.__aexit__(exc_type, error, traceback)

    async def get(self, key: str) -> bytes | None:
        """Give the value; ``None`` if there is none or it expired."""
        name, client = self._name(key), self._open()
        with failures():
            value: bytes | None = await client.get(name)
        return value

    async def set(self, key: str, value: bytes, lifetime_s: float | None = None) -> None:
        """Set the value and its lifetime, whatever was there."""
        check_value(value)
        name, client, lifetime_ms = self._name(key), self._open(), check_lifetime(lifetime_s)
        with failures():
            await client.set(name, value, px=lifetime_ms)

    async def compare_and_set(
        self, key: str, expected: bytes | None, value: bytes, lifetime_s: float | None = None
    ) -> bool:
        """Set the value if the present one equals ``expected``; tell whether it did."""
        check_value(value)
        name, client, lifetime_ms = self._name(key), self._open(), check_lifetime(lifetime_s)
        args = [b"0" if expected is None else b"1", expected or b"", value, lifetime_ms or b""]
        with failures():
            is_set: int = await client.eval(_COMPARE_AND_SET, [name], args)
        return is_set == 1

    async def increment(self, key: str, amount: int = 1, lifetime_s: float | None = None) -> int:
        """Add to a whole number, which begins at 0; give what it is then."""
        name, client, lifetime_ms = self._name(key), self._open(), check_lifetime(lifetime_s)
        if not MIN_NUMBER <= amount <= MAX_NUMBER:
            raise ValueError("the number does not fit into 64 bits")
        errors = import_extra("coredis.exceptions", "redis")
        with failures():
            try:
                # As text: a number of Lua holds no more than 53 bits.
                number: bytes = await client.eval(_INCREMENT, [name], [amount, lifetime_ms or b""])
            except errors.ResponseError as error:
                if "integer" in str(error) or "overflow" in str(error):
                    raise ValueError("no whole number, or beyond 64 bits") from None
                raise
        return int(number)

    async def touch(self, key: str, lifetime_s: float | None) -> bool:
        """Give the entry a new lifetime from now; tell whether there is one."""
        name, client, lifetime_ms = self._name(key), self._open(), check_lifetime(lifetime_s)
        with failures():
            return bool(await client.eval(_TOUCH, [name], [lifetime_ms or b""]))

    async def expires_in(self, key: str) -> float | None:
        """Give the seconds left; ``None`` if there is no such entry or it does not expire."""
        name, client = self._name(key), self._open()
        with failures():
            left_ms: int = await client.pttl(name)
        return None if left_ms < 0 else left_ms / 1000  # -1: it does not expire, -2: no such key

    async def delete(self, key: str) -> bool:
        """Remove the entry; tell whether there was one."""
        name, client = self._name(key), self._open()
        with failures():
            return bool(await client.delete([name]))

    async def clear(self, prefix: str = "") -> None:
        """Remove all entries whose keys begin with ``prefix``; entries set meanwhile may stay."""
        client, cursor = self._open(), 0
        pattern = re.sub(rb"([*?\[\]\\])", rb"\\\1", self._prefix + prefix.encode()) + b"*"
        with failures():
            while True:
                cursor, keys = await client.scan(cursor, match=pattern, count=_BATCH)
                if keys:
                    await client.unlink(keys)
                if not cursor:
                    return

    def _name(self, key: str) -> bytes:
        return self._prefix + check_key(key)

    def _open(self) -> Any:
        if self._client is None:
            raise Misuse("the store is not open: `async with store:`, or in the app's lifespan")
        return self._client
