"""``portico.connection.forms``, by way of ``Request.form``."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterable
from contextlib import suppress
from io import BytesIO
from typing import Any
from unittest.mock import patch

import anyio
import msgspec
import pytest

from portico import (
    App,
    BackgroundTask,
    BadInput,
    ClientDisconnect,
    ContentTooLarge,
    FormLimits,
    InvalidData,
    Misuse,
    PlainTextResponse,
    Request,
    Router,
    UnsupportedMediaType,
    UploadFile,
    request_response,
)
from portico.asgi import ASGIApp, Message, Receive, Scope, Send
from portico.connection.forms import FormData
from portico.errors import BodyConsumed
from portico.routing.endpoint import CallNext
from tests.drive import body_messages, call, drive, http_scope

pytestmark = pytest.mark.anyio

MULTIPART = ("content-type", "multipart/form-data; boundary=X")
URLENCODED = ("content-type", "application/x-www-form-urlencoded")
MIB = 1024 * 1024


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    header = f'--X\r\nContent-Disposition: form-data; name="{name}"'
    header += "" if filename is None else f'; filename="{filename}"'
    return header.encode() + b"\r\n\r\n" + content + b"\r\n"


def whole(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--X--\r\n"


def cut(data: bytes, size: int = 65536) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def made(
    body: bytes | Iterable[bytes], kind: tuple[str, str] = MULTIPART, *fields: tuple[str, str]
) -> Request[Any]:
    """Make a request with that body."""
    waiting = list(body_messages(body))

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    return Request(http_scope("POST", headers=[kind, *fields]), receive)


async def shown(form: FormData) -> list[object]:
    return [
        (name, value)
        if isinstance(value, str)
        else (name, value.filename, value.size, await value.read(), value.is_in_memory)
        for name, value in form.items()
    ]


async def test_an_urlencoded_form() -> None:
    form = await made(b"tag=a&tag=b&q=caf%C3%A9+noir", URLENCODED).form()
    assert form.getall("tag") == ["a", "b"]
    assert form["q"] == "café noir"


@pytest.mark.parametrize("size", [1, 7, 65536, 10**9])
async def test_a_multipart_form(size: int) -> None:
    data = whole(part("a", b"1"), part("f", b"22", "f.txt"), part("a", b""), part("g", b"", ""))
    form = await made(cut(data, size)).form()
    assert form.getall("a") == ["1", ""]
    assert await shown(form) == [
        ("a", "1"),
        ("f", "f.txt", 2, b"22", True),
        ("a", ""),
        ("g", "", 0, b"", True),
    ]
    await made(cut(data, size)).close()


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "multipart/mixed; boundary=X"])
async def test_another_content_type_is_415(kind: str) -> None:
    with pytest.raises(UnsupportedMediaType) as caught:
        await made(b"", ("content-type", kind)).form()
    assert caught.value.accepted == ("application/x-www-form-urlencoded", "multipart/form-data")


async def test_no_content_type_is_415() -> None:
    with pytest.raises(UnsupportedMediaType):
        await made(b"", ("x-nothing", "1")).form()


async def test_data_reads_forms() -> None:
    assert (await made(b"a=1", URLENCODED).data())["a"] == "1"
    assert (await made(whole(part("a", b"1"))).data())["a"] == "1"


# Where files go


@pytest.mark.parametrize("size", [1000, 65536, 10**9], ids=["small", "usual", "in one"])
async def test_files_over_the_limit_go_to_disk(size: int) -> None:
    sizes = {"a": 10_000, "b": 10_001, "c": 1_300_000}
    parts = [part(name, name.encode() * length, name) for name, length in sizes.items()]
    form = await made(cut(whole(*parts), size)).form(FormLimits(spool_bytes=10_000))
    for name, length in sizes.items():
        file = form[name]
        assert isinstance(file, UploadFile)
        assert (file.size, file.is_in_memory) == (length, length <= 10_000)
        assert await file.read() == name.encode() * length
        await file.close()


@pytest.mark.parametrize("size", [100, 10**9])
async def test_all_files_in_memory_together_have_a_limit_too(size: int) -> None:
    parts = [part(name, bytes(600), name) for name in "abc"]
    limits = FormLimits(form_bytes=1300)
    async with made(cut(whole(*parts), size)).form(limits) as form:
        files = [file for file in form.values() if isinstance(file, UploadFile)]
        assert [file.is_in_memory for file in files] == [True, True, False]
        assert [await file.read() for file in files] == [bytes(600)] * 3


async def test_text_never_goes_to_disk() -> None:
    data = whole(part("a", b"x" * 5000), part("b", b"y", "b"))
    form = await made(cut(data, 100)).form(FormLimits(spool_bytes=10))
    assert form["a"] == "x" * 5000


async def test_limits_of_another_type_are_told_at_once() -> None:
    with pytest.raises(TypeError, match="limits are a FormLimits, not dict"):
        await made(whole()).form({"files": 3})  # type: ignore[call-overload]


# How long files live


def held(files: list[UploadFile], form: FormData) -> None:
    files += [value for value in form.values() if isinstance(value, UploadFile)]


FILES = whole(part("small", b"1", "s"), part("large", bytes(2 * MIB), "l"))


def apps(handler: Any) -> dict[str, ASGIApp]:
    app, router = App(), Router()
    app.post("/")(handler)
    router.post("/")(handler)
    outer = App()
    outer.mount("/", router)

    async def view(request: Request[Any], call_next: CallNext) -> object:
        return await call_next(request)

    viewed = App(middleware=[view])
    viewed.post("/")(handler)

    async def bare(scope: Scope, receive: Receive, send: Send) -> None:
        request: Request[Any] = Request(scope, receive, send)
        await request.respond(await handler(request))

    around = App(middleware=[view])
    around.mount("/", bare)
    guarded = App()
    guarded.mount("/", bare)
    return {
        "App": app,
        "Router": router,
        "a mounted router": outer,
        "with a view": viewed,
        "request_response": request_response(handler),
        "a bare app below a view": around,
        "a bare app in a mount": guarded,
    }


SERVED = pytest.mark.parametrize("served", list(apps(repr)))


@SERVED
async def test_files_live_until_background_work_is_done(served: str) -> None:
    files: list[UploadFile] = []
    seen: list[object] = []

    async def work() -> None:
        seen.extend([len(await file.read()) for file in files])

    async def handler(request: Request[Any]) -> object:
        held(files, await request.form())
        return PlainTextResponse("ok", background=BackgroundTask(work))

    reply = await call(apps(handler)[served], "POST", headers=[MULTIPART], body=cut(FILES))
    assert reply.status == 200
    assert seen == [1, 2 * MIB]
    assert [file.is_closed for file in files] == [True, True]


@SERVED
@pytest.mark.parametrize("error", [ValueError, BadInput])
async def test_files_are_closed_when_the_handler_fails(served: str, error: type[Exception]) -> None:
    files: list[UploadFile] = []

    async def handler(request: Request[Any]) -> object:
        held(files, await request.form())
        raise BadInput("a", "b") if error is BadInput else ValueError

    with suppress(ValueError):
        await call(apps(handler)[served], "POST", headers=[MULTIPART], body=cut(FILES))
    assert [file.is_closed for file in files] == [True, True]


@SERVED
@pytest.mark.parametrize("is_sending", [False, True])
async def test_files_are_closed_when_the_request_is_cancelled(
    served: str, *, is_sending: bool
) -> None:
    files: list[UploadFile] = []
    started = anyio.Event()

    async def handler(request: Request[Any]) -> object:
        held(files, await request.form())
        started.set()
        if not is_sending:
            await anyio.sleep_forever()
        return "ok"

    async def run() -> None:
        scope = http_scope("POST", headers=[MULTIPART])
        await drive(apps(handler)[served], scope, *body_messages(cut(FILES)), block_send_after=0)

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await started.wait()
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
    assert [file.is_closed for file in files] == [True, True]


async def test_a_handler_that_is_thrown_away_lets_go_of_its_files() -> None:
    files: list[UploadFile] = []

    async def handler(request: Request[Any]) -> object:
        held(files, await request.form())
        await anyio.sleep_forever()
        return None

    app = App()
    app.post("/")(handler)
    waiting = body_messages(whole(part("small", b"1", "s")))

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        """Send nothing."""

    coroutine = app(http_scope("POST", headers=[MULTIPART]), receive, send)
    with suppress(StopIteration):
        for _ in range(10):
            coroutine.send(None)
            if files:
                break
    coroutine.close()
    assert len(files) == 1


async def test_a_form_that_is_thrown_away_lets_go_of_what_has_come() -> None:
    kept = list[BytesIO]()

    def keep(content: bytes) -> BytesIO:
        kept.append(BytesIO(content))
        return kept[-1]

    data = whole(part("a", b"1"), part("b", b"2", "b"), part("c", b"3" * 100, "c"))
    waiting = [*body_messages(cut(data[:-40], 30))[:-1]]

    class Forever:
        def __await__(self) -> Generator[None]:
            yield

    async def receive() -> Message:
        if not waiting:
            await Forever()
        return waiting.pop(0)

    request = Request[Any](http_scope("POST", headers=[MULTIPART]), receive)
    reading = request.form().__await__()
    with patch("portico.connection.forms.BytesIO", keep):
        assert next(reading) is None
        reading.close()
    assert [file.closed for file in kept] == [True]


async def test_a_block_closes_its_files() -> None:
    request = made(cut(FILES))
    async with request.form() as form:
        files = [file for file in form.values() if isinstance(file, UploadFile)]
        assert not any(file.is_closed for file in files)
    assert all(file.is_closed for file in files)
    with pytest.raises(ValueError, match="closed"):
        await files[0].read()


async def test_close_closes_files() -> None:
    request = made(cut(FILES))
    files: list[UploadFile] = []
    held(files, await request.form())
    await request.close()
    await request.close()
    assert all(file.is_closed for file in files)


async def test_a_detached_file_stays_open() -> None:
    files: list[UploadFile] = []

    async def handler(request: Request[Any]) -> object:
        form = await request.form()
        held(files, form)
        large = form["large"]
        assert isinstance(large, UploadFile)
        assert large.detach() is large
        return "ok"

    await call(apps(handler)["App"], "POST", headers=[MULTIPART], body=cut(FILES))
    assert [file.is_closed for file in files] == [True, False]
    assert len(await files[1].read()) == 2 * MIB
    await files[1].close()
    assert files[1].is_closed


# Who reads


async def test_a_form_is_read_once_for_all_who_ask() -> None:
    async def view(request: Request[Any], call_next: CallNext) -> object:
        seen.append(await request.form())
        return await call_next(request)

    seen: list[object] = []
    app = App(middleware=[view])

    @app.post("/")
    async def handler(request: Request[Any]) -> str:
        seen.append(await request.form())
        seen.append(await Request(request.scope, request.receive).form())
        return "ok"

    assert (await call(app, "POST", headers=[MULTIPART], body=FILES)).status == 200
    assert len(seen) == 3
    assert seen[0] is seen[1]
    assert seen[0] is seen[2]


async def test_tasks_that_ask_at_once_get_the_same_form() -> None:
    request, forms = made(cut(FILES)), list[object]()

    async def read() -> None:
        forms.append(await request.form())

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(read)
    assert len(forms) == 3
    assert forms[0] is forms[1] is forms[2]
    await request.close()


@pytest.mark.parametrize("kind", [MULTIPART, URLENCODED])
async def test_a_form_after_the_body(kind: tuple[str, str]) -> None:
    data = whole(part("a", b"1")) if kind is MULTIPART else b"a=1"
    request = made(data, kind)
    assert await request.body() == data
    assert (await request.form())["a"] == "1"
    assert await request.body() == data


async def test_the_body_after_an_urlencoded_form() -> None:
    request = made([b"a=", b"1"], URLENCODED)
    assert (await request.form())["a"] == "1"
    assert await request.body() == b"a=1"
    assert not request.is_consumed


async def test_a_multipart_form_consumes_the_body() -> None:
    request = made(whole(part("a", b"1")))
    await request.form()
    assert request.is_consumed
    with pytest.raises(BodyConsumed):
        await request.body()


async def test_no_form_after_the_stream() -> None:
    request = made(whole(part("a", b"1")))
    async for _ in request.stream():
        pass
    with pytest.raises(BodyConsumed):
        await request.form()


async def test_what_was_wrong_is_raised_to_each_who_asks() -> None:
    request = made(b"garbage")
    for _ in range(2):
        with pytest.raises(BadInput) as caught:
            await request.form()
        assert caught.value.status_code == 400


async def test_one_that_is_cancelled_leaves_a_clear_error() -> None:
    request, first = made(cut(FILES)), anyio.Event()

    async def receive() -> Message:
        first.set()
        await anyio.sleep_forever()
        raise AssertionError

    request = Request(http_scope("POST", headers=[MULTIPART]), receive)
    async with anyio.create_task_group() as group:

        async def read() -> None:
            await request.form()

        group.start_soon(read)
        await first.wait()
        group.cancel_scope.cancel()
    with pytest.raises(Misuse):
        await request.form()


# Types


class Note(msgspec.Struct):
    title: str
    stars: int = 0
    tags: list[str] = []
    file: UploadFile | None = None


@dataclasses.dataclass
class Plain:
    n: float
    both: tuple[int, int] | None = None


async def test_a_form_of_a_type() -> None:
    data = whole(
        part("title", b"tea"), part("stars", b"4"), part("tags", b"a"), part("file", b"1", "f")
    )
    request = made(data)
    note = await request.form(type=Note)
    assert (note.title, note.stars, note.tags) == ("tea", 4, ["a"])
    assert note.file is not None
    assert note.file.filename == "f"
    async with request.form(type=Note) as again:
        assert again.file is note.file
    assert note.file.is_closed
    assert await made(b"n=1.5&both=1&both=2", URLENCODED).form(type=Plain) == Plain(1.5, (1, 2))
    assert await made(b"n=7", URLENCODED).form(type=dict[str, int]) == {"n": 7}


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"title=a&stars=x", "$.stars"),
        (b"stars=1", "$.title"),
        (b"title=a&title=b", "$.title"),
        (b"title=a&title=b&title=c", "$.title"),
        (b"title=a&file=b", "$.file"),
    ],
)
async def test_what_does_not_fit_is_422_and_named(data: bytes, field: str) -> None:
    with pytest.raises(InvalidData) as caught:
        await made(data, URLENCODED).form(type=Note)
    assert (caught.value.status_code, caught.value.field) == (422, field)


# Limits


@pytest.mark.parametrize(
    ("limit", "fits", "over"),
    [
        ("fields", b"a&b&&c", b"a&b&c&d"),
        ("field_bytes", b"a=1234567&b=%31%32%33%34%35%36%37", b"a=12345678"),
        ("field_bytes", b"a=%C3%A9%C3%A9%C3%A9a", b"a=%C3%A9%C3%A9%C3%A9%C3%A9"),
        ("field_bytes", b"1234567=1", b"12345678=1"),
        ("form_bytes", b"a=12345&" + b"&" * 32, b"a=12345&" + b"&" * 33),
    ],
)
async def test_urlencoded_forms_have_the_same_limits_cve_2026_54283(
    limit: str, fits: bytes, over: bytes
) -> None:
    limits = FormLimits(fields=3, field_bytes=7, form_bytes=40)
    for size in (10**9, 1, 3):
        await made(cut(fits, size), URLENCODED).form(limits)
        with pytest.raises(ContentTooLarge) as caught:
            await made(cut(over, size), URLENCODED).form(limits)
        assert (caught.value.field, caught.value.limit) == (limit, getattr(limits, limit))


@pytest.mark.parametrize("kind", [MULTIPART, URLENCODED])
async def test_settings_of_app_router_and_route(kind: tuple[str, str]) -> None:
    data = b"a=1&b=2&c=3"
    if kind is MULTIPART:
        data = whole(*(part(name, b"1") for name in "abc"))

    async def read(request: Request[Any]) -> object:
        return len(await request.form())

    async def read_by_call(request: Request[Any]) -> object:
        return len(await request.form(FormLimits(fields=3), max_bytes=None))

    app = App(form_limits=FormLimits(fields=2))
    inner = Router(form_limits=FormLimits(fields=3))
    app.post("/app")(read)
    app.post("/call")(read_by_call)
    app.post("/route", form_limits=FormLimits())(read)
    app.post("/small", form_limits=FormLimits(), max_body_bytes=len(data) - 1)(read)
    app.post("/exact", form_limits=FormLimits(), max_body_bytes=len(data))(read)
    inner.post("/x")(read)
    app.mount("/router", inner)
    for path, status in [
        ("/app", 413),
        ("/call", 200),
        ("/route", 200),
        ("/small", 413),
        ("/exact", 200),
        ("/router/x", 200),
    ]:
        reply = await call(app, "POST", path, headers=[kind], body=cut(data, 3))
        assert (path, reply.status) == (path, status)


async def test_a_limit_that_a_handler_overlooks_stands() -> None:
    app = App(form_limits=FormLimits(files=0))

    @app.post("/")
    async def handler(request: Request[Any]) -> str:
        with suppress(ContentTooLarge):
            await request.form()
        return "all fine"

    reply = await call(app, "POST", headers=[MULTIPART], body=whole(part("a", b"", "f")))
    assert reply.status == 413
    assert reply.json()["field"] == "files"
    assert reply.json()["limit"] == 0


async def test_forms_with_files_may_be_larger_than_other_bodies() -> None:
    data = whole(part("f", bytes(11 * MIB), "f"))
    async with made(cut(data)).form() as form:
        assert len(form) == 1
    with pytest.raises(ContentTooLarge) as caught:
        await made([b"&" * MIB] * 12, URLENCODED).form(FormLimits(form_bytes=100 * MIB))
    assert caught.value.limit == 10 * MIB
    with pytest.raises(ContentTooLarge) as caught:
        await made(cut(data), MULTIPART, ("content-length", str(64 * MIB + 1))).form()
    assert caught.value.limit == 64 * MIB


async def test_a_client_that_leaves() -> None:
    for length in (0, 5, 100, MIB, len(FILES) - 3):
        request = made([])
        messages: list[Message] = [
            {"type": "http.request", "body": chunk, "more_body": True}
            for chunk in cut(FILES[:length])
        ]

        async def receive(messages: list[Message] = messages) -> Message:
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        request = Request(http_scope("POST", headers=[MULTIPART]), receive)
        with pytest.raises(ClientDisconnect):
            await request.form()
