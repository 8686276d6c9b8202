"""The client of Redis: URLs, passwords, what fails."""

from __future__ import annotations

import sys

import pytest

from portico._redis import check_url, open_client
from portico.errors import ServiceUnavailable
from tests.redis_server import RedisServer


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://user:p%40ss@[::1]:6380/3",
        "rediss://redis.example?ssl_cert_reqs=required",
        "unix:///run/redis.sock",
        "unix://:secret@/run/redis.sock?db=1",
    ],
)
def test_urls(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url", ["", "localhost:6379", "http://:secret@localhost", "redis:secret", "unix://"]
)
def test_urls_that_are_none(url: str) -> None:
    with pytest.raises(ValueError, match="redis://host") as caught:
        check_url(url)
    assert "secret" not in str(caught.value)


@pytest.mark.anyio
async def test_passwords(caplog: pytest.LogCaptureFixture) -> None:
    with RedisServer() as server:
        server.kill()
        server.start("--requirepass", "p@ss word")
        url = server.unix_url.replace("unix://", "unix://:p%40ss%20word@")
        async with open_client(url, 5) as client:
            assert await client.ping()
        for wrong in (server.unix_url, server.unix_url.replace("unix://", "unix://:hidden@")):
            with pytest.raises(ServiceUnavailable) as caught:
                async with open_client(wrong, 5):
                    raise AssertionError
            assert caught.value.__cause__ is not None
    told = [record.message for record in caplog.records if record.name == "portico.redis"]
    assert [message.split(":")[0] for message in told] == ["Redis failed"] * 2
    assert "hidden" not in caplog.text


@pytest.mark.anyio
async def test_a_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "coredis", None)
    with pytest.raises(ImportError, match=r"pip install 'portico\[redis\]'"):
        async with open_client("redis://localhost", 5):
            raise AssertionError
