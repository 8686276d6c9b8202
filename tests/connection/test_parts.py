"""``portico.connection.parts``, by way of ``Request.multipart``."""

# these files are small, and nobody else runs

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest

from portico import (
    App,
    BadInput,
    ClientDisconnect,
    ContentTooLarge,
    FormLimits,
    Misuse,
    Request,
    UnsupportedMediaType,
)
from portico.asgi import Message
from portico.connection.parts import Part
from portico.errors import BodyConsumed
from tests.connection.test_forms import MULTIPART, URLENCODED, cut, made, part, whole
from tests.drive import call, http_scope

pytestmark = pytest.mark.anyio

FORM = whole(part("a", b"1"), part("f", bytes(100_000), "f.txt"), part("b", "é".encode()))


@pytest.mark.parametrize("size", [100, 7777, 65536, 10**9])
async def test_parts_come_one_after_the_other(size: int) -> None:
    found: list[object] = []
    async for each in made(cut(FORM, size)).multipart():
        content = b"".join([chunk async for chunk in each])
        assert each.is_ended
        assert [chunk async for chunk in each] == []
        found.append((each.name, each.filename, content))
    assert found == [("a", None, b"1"), ("f", "f.txt", bytes(100_000)), ("b", None, "é".encode())]


@pytest.mark.parametrize("size", [100, 65536, 10**9])
async def test_what_is_not_read_is_skipped(size: int) -> None:
    names: list[str] = []
    parts = list[Part]()
    async for each in made(cut(FORM, size)).multipart():
        names.append(each.name)
        parts.append(each)
        if each.name == "f":
            async for _ in each:
                break
    assert names == ["a", "f", "b"]
    for each in parts[:2]:
        with pytest.raises(Misuse):
            await each.read()


@pytest.mark.parametrize("size", [1, 10**9])
async def test_a_part_that_was_skipped_or_left_has_no_content(size: int) -> None:
    data = whole(part("a", b"12"), part("b", b"34"), part("c", b"56"), part("d", b"78"))
    parts = made(cut(data, size)).multipart()
    read = await anext(parts)
    assert await read.read() == b"12"
    skipped = await anext(parts)
    await skipped.skip()
    left = await anext(parts)
    assert (read.is_ended, skipped.is_ended, left.is_ended) == (True, True, False)
    last = await anext(parts)
    assert left.is_ended
    assert [each async for each in parts] == []
    assert await read.read() == b""
    for each in (skipped, left, last):
        with pytest.raises(Misuse, match="was skipped"):
            await each.read()


async def test_a_part_tells_its_header() -> None:
    data = whole(part("a", b"1")).replace(b"\r\n\r\n", b"\r\nContent-Type: text/plain\r\n\r\n", 1)
    async for each in made(data).multipart():
        assert each.content_type == "text/plain"
        assert each.headers["content-type"] == "text/plain"
        assert repr(each) == "<Part 'a'>"


async def test_a_part_read_as_a_whole() -> None:
    found: list[object] = [
        await each.text() if each.filename is None else len(await each.read(100_000))
        async for each in made(cut(FORM)).multipart()
    ]
    assert found == ["1", 100_000, "é"]


@pytest.mark.parametrize("size", [1000, 10**9])
async def test_a_part_read_as_a_whole_has_a_limit(size: int) -> None:
    async for each in made(cut(FORM, size)).multipart(FormLimits(field_bytes=99_999)):
        if each.filename:
            with pytest.raises(ContentTooLarge) as caught:
                await each.read()
            assert caught.value.limit == 99_999


async def test_nothing_is_read_before_it_is_asked_for() -> None:
    taken: list[int] = []
    chunks = cut(FORM, 1000)

    async def receive() -> Message:
        taken.append(1)
        return {"type": "http.request", "body": chunks[len(taken) - 1], "more_body": True}

    request = Request(http_scope("POST", headers=[MULTIPART]), receive)
    parts = request.multipart()
    assert len(taken) == 0
    first = await anext(parts)
    assert len(taken) == 1
    assert await anext(first) == b"1"
    second = await anext(parts)
    assert len(taken) == 1
    await anext(second)
    await anext(second)
    assert len(taken) == 2


@pytest.mark.parametrize("size", [3000, 10**9])
async def test_save_to(tmp_path: Path, size: int) -> None:
    content = bytes(range(256)) * 5000
    data = whole(part("f", content, "../../x"), part("a", b"1"))
    async for each in made(cut(data, size)).multipart():
        path = tmp_path / each.name
        assert await each.save_to(path) == path.stat().st_size
    assert (tmp_path / "f").read_bytes() == content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "f"]


@pytest.mark.parametrize("data", [FORM, FORM[:50_000]], ids=["too large", "cut short"])
async def test_save_to_leaves_nothing_behind_if_it_fails(tmp_path: Path, data: bytes) -> None:
    async def save() -> None:
        async for each in made(cut(data, 1000)).multipart():
            await each.save_to(tmp_path / "x", max_bytes=99_999)

    with pytest.raises(BadInput):
        await save()
    assert list(tmp_path.iterdir()) in ([], [tmp_path / "x"])
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"1"]


async def test_save_to_leaves_nothing_behind_if_it_is_cancelled(tmp_path: Path) -> None:
    messages = [bytes(1000), FORM[:1000]]
    waits = anyio.Event()

    async def receive() -> Message:
        if not messages:
            waits.set()
            await anyio.sleep_forever()
        return {"type": "http.request", "body": messages.pop(), "more_body": True}

    request = Request(http_scope("POST", headers=[MULTIPART]), receive)
    parts = request.multipart()
    await anext(parts)
    second = await anext(parts)

    async def save() -> None:
        await second.save_to(tmp_path / "x")

    async with anyio.create_task_group() as group:
        group.start_soon(save)
        await waits.wait()
        group.cancel_scope.cancel()
    assert list(tmp_path.iterdir()) == []
    coroutine = second.save_to(tmp_path / "x")
    with suppress(StopIteration):
        coroutine.send(None)
    coroutine.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "chunks", [[FORM[:-4]], cut(FORM[:-4], 100), [FORM[:50]], [b"garbage"], []]
)
async def test_a_form_cut_short_is_400(chunks: Sequence[bytes]) -> None:
    async def read() -> None:
        async for each in made(chunks).multipart():
            async for _ in each:
                pass

    with pytest.raises(BadInput):
        await read()


async def test_a_client_that_leaves() -> None:
    messages = [{"type": "http.request", "body": FORM[:1000], "more_body": True}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    request = Request(http_scope("POST", headers=[MULTIPART]), receive)
    with pytest.raises(ClientDisconnect):
        async for _ in request.multipart():
            pass


async def test_what_is_no_multipart_is_415() -> None:
    with pytest.raises(UnsupportedMediaType) as caught:
        made(b"a=1", URLENCODED).multipart()
    assert caught.value.accepted == ("multipart/form-data",)
    with pytest.raises(UnsupportedMediaType):
        made(b"a=1", ("x-nothing", "1")).multipart()


async def test_parts_after_the_body_and_no_body_after_parts() -> None:
    request = made(FORM)
    await request.body()
    assert [each.name async for each in request.multipart()] == ["a", "f", "b"]
    assert [each.name async for each in request.multipart()] == ["a", "f", "b"]
    request = made(FORM)
    async for _ in request.multipart():
        pass
    for read in (request.body, request.form):
        with pytest.raises(BodyConsumed):
            await read()
    with pytest.raises(BodyConsumed):
        request.multipart()


async def test_limits_of_the_call_and_of_the_route() -> None:
    async def read(request: Request[Any]) -> object:
        return [each.name async for each in request.multipart()]

    async def swallow(request: Request[Any]) -> object:
        with suppress(ContentTooLarge):
            await read(request)
        return "all fine"

    app = App(form_limits=FormLimits(fields=1))
    app.post("/app")(read)
    app.post("/swallow")(swallow)
    app.post("/route", form_limits=FormLimits(fields=2))(read)
    for path, status in [("/app", 413), ("/swallow", 413), ("/route", 200)]:
        assert (await call(app, "POST", path, headers=[MULTIPART], body=FORM)).status == status
    with pytest.raises(ContentTooLarge):
        async for _ in made(cut(FORM)).multipart(max_bytes=len(FORM) - 1):
            pass
    async for _ in made(cut(FORM)).multipart(max_bytes=len(FORM)):
        pass
