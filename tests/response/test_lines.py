"""JSON, one value a line."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import pytest

from portico import JSONLinesResponse
from tests.drive import call, drive, http_scope

pytestmark = pytest.mark.anyio


class Point(msgspec.Struct):
    x: int


@pytest.mark.parametrize("is_async", [False, True])
async def test_lines(is_async: bool) -> None:
    items: list[Any] = [{"a": "\n"}, [1, 2.5], None, "text", Point(1), b'{"ready":1}\n']

    async def generator() -> AsyncGenerator[Any]:
        for item in items:
            yield item

    reply = await call(JSONLinesResponse(generator() if is_async else items))
    assert reply.headers == {"content-type": "application/x-ndjson"}
    assert reply.body == b'{"a":"\\n"}\n[1,2.5]\nnull\n"text"\n{"x":1}\n{"ready":1}\n'


async def test_nothing() -> None:
    assert (await call(JSONLinesResponse([]))).body == b""


async def test_a_media_type_of_your_own() -> None:
    reply = await call(JSONLinesResponse([], media_type="application/jsonl"))
    assert reply.headers["content-type"] == "application/jsonl"


async def test_what_json_has_not() -> None:
    with pytest.raises(TypeError):
        await drive(JSONLinesResponse([object()]), http_scope())
