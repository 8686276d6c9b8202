"""Attacks by forms: A038 to A051 (multipart), A054 (urlencoded), A064 (codings)."""

from __future__ import annotations

import gc
import gzip
import logging
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any, TypeAlias
from unittest.mock import patch

import anyio
import pytest

from portico import App, ClientDisconnect, FormLimits, Request, UploadFile
from portico.asgi import Message
from tests.connection.test_forms import MULTIPART, URLENCODED, cut, part, whole
from tests.drive import body_messages, call, drive, http_scope
from tests.security.invariants import attack, invariants, uncollected
from tests.security.test_bodies import Counted

pytestmark = pytest.mark.anyio

Read: TypeAlias = Callable[[Request[Any]], Awaitable[object]]

KIB, MIB = 1024, 1024 * 1024


async def as_form(request: Request[Any]) -> object:
    return len(await request.form())


async def as_parts(request: Request[Any]) -> object:
    sizes = list[int]()
    async for each in request.multipart():
        sizes.append(sum([len(chunk) async for chunk in each]))
    return sizes


READERS = pytest.mark.parametrize("read", [as_form, as_parts])


def counted(read: Read, **options: Any) -> Counted:
    app = App(**options)
    app.post("/")(read)
    return Counted(app)


async def start_thread() -> None:
    """Start the thread that files are written in, so that none is new afterwards."""
    await anyio.to_thread.run_sync(int)


@READERS
@pytest.mark.parametrize(("filename", "limit"), [(None, 1000), ("f", 100)])
@pytest.mark.parametrize("length", [None, "5", "right"])
async def test_parts_have_a_limit_a038_cve_2023_30798_cve_2023_25577_cve_2026_31958(
    read: Read, filename: str | None, limit: int, length: str | None
) -> None:
    one = part("a", b"1", filename)
    for number, status in [(limit, 200), (10_000, 413)]:
        data = whole(one * number)
        fields: list[tuple[str, str]] = [MULTIPART]
        if length is not None:
            fields.append(("content-length", str(len(data)) if length == "right" else length))
        app = counted(read)
        reply = await attack(app, "POST", headers=fields, body=cut(data, 4 * KIB))
        assert reply.status == status
        if status == 413:
            assert reply.json()["limit"] == limit
            assert app.count <= len(one) * (limit + 1) // (4 * KIB) + 2


@READERS
async def test_one_field_has_a_limit_a039_cve_2024_47874_cve_2026_34517(read: Read) -> None:
    chunks = [part("a", b"")[:-2], *[bytes(64 * KIB)] * 1600]
    app = counted(read)
    reply = await attack(app, "POST", headers=[MULTIPART], body=chunks)
    assert (reply.status, reply.json()["field"]) == (413, "field_bytes")
    assert app.count <= 18


@READERS
async def test_every_cut_is_400_a044(read: Read) -> None:
    data = whole(part("a", b"1"), part("f", b"\r\n", "f"))
    app = counted(read)
    for length in range(len(data) - 2):
        reply = await call(app, "POST", headers=[MULTIPART], body=data[:length])
        assert reply.status == 400


@pytest.mark.parametrize("length", [0, 1, 40, 3000, 2 * MIB, 2 * MIB + 200, -6, -3])
@READERS
async def test_a_client_that_leaves_mid_upload_a050(read: Read, length: int) -> None:
    data = whole(part("f", bytes(2 * MIB), "f"), part("a", b"1"))
    chunks = cut(data[: length or None] if length else b"")
    incoming: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
    ]
    raised: list[type[BaseException]] = []

    async def handler(request: Request[Any]) -> object:
        try:
            return await read(request)
        except BaseException as error:
            raised.append(type(error))
            raise

    gone: Message = {"type": "http.disconnect"}
    await start_thread()
    async with invariants():
        scope = http_scope("POST", headers=[MULTIPART])
        assert await drive(counted(handler), scope, *incoming, gone) == []
    assert raised == [ClientDisconnect]


LARGE = part("f", bytes(2 * MIB), "f")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(LARGE + b"--X\r\nnonsense\r\n\r\n", id="a malformed part follows"),
        pytest.param(LARGE + LARGE + part("a", b"1") * 1001, id="a limit follows"),
        pytest.param(LARGE, id="the end is missing"),
    ],
)
async def test_files_go_when_what_follows_is_refused_a051_cve_2026_3304(data: bytes) -> None:
    await start_thread()
    reply = await attack(counted(as_form), "POST", headers=[MULTIPART], body=cut(data))
    assert reply.status in (400, 413)


async def test_a_full_disk_is_said_once_and_leaves_nothing_a051() -> None:
    def full(*args: object) -> int:
        raise OSError(28, "No space left on device")

    app, sent = counted(as_form), list[Message]()
    scope = http_scope("POST", headers=[MULTIPART])
    await start_thread()
    async with invariants(errors=1):
        with patch("portico.connection.uploads._write_pieces", full):  # noqa: SIM117  two things
            with pytest.raises(OSError, match="space"):
                await drive(app, scope, *body_messages(cut(LARGE)), sent=sent)
    assert [message.get("status") for message in sent] == [500, None]


@pytest.mark.parametrize("at", [0, 1, 5, 20, 32])
async def test_a_cancelled_upload_leaves_nothing_a051_a085(at: int) -> None:
    messages = body_messages(cut(LARGE))
    waits = anyio.Event()

    async def receive() -> Message:
        if len(messages) <= 33 - at:
            waits.set()
            await anyio.sleep_forever()
        return messages.pop(0)

    async def send(message: Message) -> None:
        raise AssertionError

    await start_thread()
    async with invariants(), anyio.create_task_group() as group:
        group.start_soon(counted(as_form), http_scope("POST", headers=[MULTIPART]), receive, send)
        await waits.wait()
        group.cancel_scope.cancel()


async def test_cut_off_uploads_leave_nothing_a082() -> None:
    """Each at another byte; with the garbage collector off."""
    data = whole(part("a", b"1"), part("f", bytes(3000), "f"), part("g", b"22", "g"))

    async def handler(request: Request[Any]) -> object:
        form = await request.form()
        assert isinstance(form["f"], UploadFile)
        return "never"

    app = App(form_limits=FormLimits(spool_bytes=1000))
    app.post("/")(handler)
    gone: Message = {"type": "http.disconnect"}
    await start_thread()
    async with invariants():
        for length in range(0, len(data), 11):
            messages: list[Message] = [
                {"type": "http.request", "body": chunk, "more_body": True}
                for chunk in cut(data[:length], 700)
            ]
            assert await drive(app, http_scope("POST", headers=[MULTIPART]), *messages, gone) == []


KEEPERS = (bytearray, BytesIO)
CYCLES = [
    pytest.param(URLENCODED, b"a=1&b=2", id="urlencoded"),
    pytest.param(URLENCODED, b"&".join([b"a=1"] * 9), id="too many fields"),
    pytest.param(MULTIPART, whole(part("a", b"1"), part("f", b"2", "f")), id="in memory"),
    pytest.param(MULTIPART, whole(part("a", b"1"), part("f", bytes(3000), "f")), id="on disk"),
    pytest.param(MULTIPART, whole(part("f", bytes(3000), "f"), b"--X\r\n\r\n"), id="malformed"),
    pytest.param(MULTIPART, whole(part("a", b"1"))[:-9], id="cut short"),
    pytest.param(MULTIPART, whole(*[part("f", bytes(3000), "f")] * 9), id="too many files"),
    pytest.param(("content-type", "text/plain"), b"1", id="no form"),
]


@READERS
@pytest.mark.parametrize("leaves", [False, True])
@pytest.mark.parametrize(("kind", "data"), CYCLES)
async def test_forms_leave_no_reference_cycles(
    read: Read, kind: tuple[str, str], data: bytes, *, leaves: bool
) -> None:
    """A cycle keeps what it holds, files too, until the garbage collector comes."""
    app = App(form_limits=FormLimits(fields=5, files=5, spool_bytes=1000))
    app.post("/")(read)
    messages = body_messages(cut(data, 500))
    if leaves:
        messages[-1] = {"type": "http.disconnect"}

    async def once() -> None:
        await drive(app, http_scope("POST", headers=[kind]), *messages)

    await start_thread()
    await once()
    with uncollected():
        gc.collect()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            await once()
            gc.collect()
            ours = [each for each in gc.garbage if type(each).__module__.startswith("portico")]
            bodies = [each for each in gc.garbage if type(each) in KEEPERS]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
    assert (ours, bodies) == ([], [])


@pytest.mark.parametrize(
    ("data", "most"),
    [
        pytest.param(b"a&" * 500_000, 3, id="fields"),
        pytest.param(b"f0=v&" * 1_000_000, 3, id="fields with values"),
        pytest.param(b"a=" + b"x" * 5 * MIB, 18, id="one field"),
        pytest.param(b"x" * 5 * MIB, 18, id="one name"),
        pytest.param(b"&" * 5 * MIB, 66, id="nothing at all"),
    ],
)
async def test_urlencoded_forms_have_limits_a054_cve_2026_54283(data: bytes, most: int) -> None:
    app = counted(as_form)
    reply = await attack(app, "POST", headers=[URLENCODED], body=cut(data))
    assert reply.status == 413
    assert app.count <= most
    assert (await attack(counted(as_form), "POST", headers=[URLENCODED], body=data)).status == 413


CODED = ("content-encoding", "gzip")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(gzip.compress(bytes(300 * MIB), 9), id="zeros"),
        pytest.param(gzip.compress(gzip.compress(bytes(300 * MIB), 9), 9), id="twice"),
        pytest.param(gzip.compress(b"") * 1000, id="members"),
        pytest.param(gzip.compress(b"abc")[:10], id="a header alone"),
        pytest.param(gzip.compress(b"abc") + b"garbage", id="garbage behind"),
    ],
)
async def test_bodies_in_a_coding_a064_cve_2025_69223(data: bytes) -> None:
    async def handler(request: Request[Any]) -> object:
        return len(await request.body())

    for chunks in ([data], cut(data, 1000)):
        app = counted(handler, content_encodings=["gzip"])
        reply = await call(app, "POST", headers=[CODED], body=chunks)
        assert reply.status in (200, 400, 413)
        assert reply.status != 200 or reply.json() < MIB


async def test_nothing_of_a_form_is_logged_a050(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await attack(counted(as_form), "POST", headers=[MULTIPART], body=b"secret")
    assert "secret" not in caplog.text
