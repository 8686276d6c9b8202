"""How files are sent: chunks, paths, descriptors; files that change; clients that leave."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico import FileChanged, FileResponse
from portico._tasks import FILE_THREADS, run_in_thread
from portico.asgi import Message
from portico.response import _open_file, transfer
from tests.drive import call, drive, http_scope
from tests.security.invariants import invariants

pytestmark = pytest.mark.anyio

CONTENT = os.urandom(1000)
CHUNK = 100

PATHSEND, ZEROCOPY = "http.response.pathsend", "http.response.zerocopysend"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "data.bin"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture(params=["at once", "in a thread"])
def _reads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "in a thread":
        monkeypatch.setattr(_open_file, "_NO_WAIT", None)


@asynccontextmanager
async def clean() -> AsyncGenerator[None]:
    """Hold the invariants, with a thread there already: it stays idle when all is done."""
    await run_in_thread(int, limiter=FILE_THREADS)
    async with invariants():
        yield


def scope(extension: str | None = None, **headers: str) -> Any:
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    extensions: dict[str, object] = {} if extension is None else {extension: {}}
    return http_scope(headers=fields, extensions=extensions)


def content(sent: list[Message]) -> bytes:
    """Put together what a server would send; checks the order of what it is told."""
    body = b""
    for place, message in enumerate(sent[1:], 2):
        if message["type"] == PATHSEND:
            body += Path(message["path"]).read_bytes()
        elif message["type"] == ZEROCOPY:
            body += os.pread(message["file"], message["count"], message["offset"])
        else:
            body += message["body"]
        assert message.get("more_body", False) is (place < len(sent))
    return body


@pytest.mark.usefixtures("_reads")
async def test_in_chunks(path: Path) -> None:
    sent = await drive(FileResponse(path, chunk_size=CHUNK), scope())
    assert [len(message["body"]) for message in sent[1:]] == [CHUNK] * 10
    assert content(sent) == CONTENT


@pytest.mark.usefixtures("_reads")
@pytest.mark.parametrize("chunk_size", [1, 7, 999, 1000, 1001])
async def test_chunks_do_not_matter(path: Path, chunk_size: int) -> None:
    for field in ("bytes=0-", "bytes=3-777", "bytes=0-9,500-700,-1"):
        response = FileResponse(path, chunk_size=chunk_size)
        whole, small = FileResponse(path), scope(range=field)
        sizes = {len(content(await drive(each, small))) for each in (response, whole)}
        assert len(sizes) == 1
    assert content(await drive(FileResponse(path, chunk_size=chunk_size), scope())) == CONTENT


@given(st.integers(1, 400), st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999))))
def test_the_same_bytes_by_each_way(
    tmp_path_factory: pytest.TempPathFactory, chunk_size: int, ranges: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "same.bin"
    if not path.exists():
        path.write_bytes(CONTENT)
    field = "bytes=" + ",".join(f"{min(pair)}-{max(pair)}" for pair in ranges)

    async def ways() -> None:
        answers: set[bytes] = set()
        for extension in (None, ZEROCOPY, PATHSEND):
            sent: list[Message] = []

            async def send(message: Message, sent: list[Message] = sent) -> None:
                if message["type"] == ZEROCOPY:  # the descriptor is open only now
                    body = os.pread(message["file"], message["count"], message["offset"])
                    message = {"type": "http.response.body", "body": body} | {
                        "more_body": message["more_body"]
                    }
                sent.append(message)

            async def receive() -> Message:
                await anyio.sleep_forever()
                raise AssertionError

            response = FileResponse(path, chunk_size=chunk_size)
            await response(scope(extension, range=field), receive, send)
            kind = dict(sent[0]["headers"])[b"content-type"]
            body = content(sent)
            assert dict(sent[0]["headers"])[b"content-length"] == b"%d" % len(body)
            if b"boundary=" in kind:
                body = body.replace(kind.partition(b"boundary=")[2], b"")
            answers.add(body)
        assert len(answers) == 1

    asyncio.run(ways())


async def test_a_path(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    sent = await drive(FileResponse("data.bin"), scope(PATHSEND))
    assert sent[1:] == [{"type": PATHSEND, "path": str(path)}]
    assert dict(sent[0]["headers"])[b"content-length"] == b"1000"


async def test_a_path_for_another_status(path: Path) -> None:
    sent = await drive(FileResponse(path, 404), scope(PATHSEND))
    assert (sent[0]["status"], sent[1]["type"]) == (404, PATHSEND)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"range": "bytes=0-9"}, id="a range"),
        pytest.param({"range": "bytes=0-"}, id="a range that is all"),
        pytest.param({"range": "bytes=0-9,90-"}, id="several"),
        pytest.param({"if_none_match": "*"}, id="nothing"),
    ],
)
async def test_paths_are_for_whole_files(path: Path, fields: dict[str, str]) -> None:
    sent = await drive(FileResponse(path), scope(PATHSEND, **fields))
    assert {message["type"] for message in sent[1:]} == {"http.response.body"}


@pytest.mark.parametrize("becomes", ["another", "none"])
async def test_no_path_if_another_file_is_there(
    path: Path, becomes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_open = os.open

    def open_and_replace(*arguments: Any) -> int:
        descriptor = really_open(*arguments)
        if becomes == "none":
            path.unlink()
        else:
            other = path.with_suffix(".new")
            other.write_bytes(b"other")
            other.replace(path)
        return descriptor

    monkeypatch.setattr("os.open", open_and_replace)
    sent = await drive(FileResponse(path), scope(PATHSEND))
    assert content(sent) == CONTENT


async def test_a_descriptor(path: Path) -> None:
    spans: list[tuple[int, int, bool]] = []

    async def send(message: Message) -> None:
        if message["type"] == ZEROCOPY:
            os.fstat(message["file"])
            spans.append((message["offset"], message["count"], message["more_body"]))

    async def receive() -> Message:
        raise AssertionError

    await FileResponse(path)(scope(ZEROCOPY), receive, send)
    await FileResponse(path)(scope(ZEROCOPY, range="bytes=0-9,-1"), receive, send)
    assert spans == [(0, 1000, False), (0, 10, True), (999, 1, True)]


# --- files that change


def after_open(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Change the file when its state has been looked at for the last time."""
    really = _open_file.is_same_state

    def compare(one: os.stat_result, other: os.stat_result) -> bool:
        same = really(one, other)
        change()
        return same

    monkeypatch.setattr(transfer, "is_same_state", compare)


@pytest.mark.usefixtures("_reads")
@pytest.mark.parametrize("field", ["bytes=0-", "bytes=0-899", "bytes=0-400,500-899"])
async def test_it_becomes_shorter_a024(
    path: Path, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_open(monkeypatch, lambda: os.truncate(path, 10))
    sent: list[Message] = []
    with pytest.raises(FileChanged):
        await drive(FileResponse(path, chunk_size=CHUNK), scope(range=field), sent=sent)
    assert len(sent) <= 20
    assert all(message["more_body"] for message in sent[1:])


@pytest.mark.usefixtures("_reads")
async def test_a_small_one_becomes_shorter_a024(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_open(monkeypatch, lambda: os.truncate(path, 10))
    reply = await call(FileResponse(path))
    assert (reply.body, reply.headers["content-length"]) == (CONTENT[:10], "10")


async def test_it_becomes_empty_a024(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    after_open(monkeypatch, lambda: os.truncate(path, 0))
    reply = await call(FileResponse(path))
    assert (reply.status, reply.headers["content-length"]) == (200, "0")


async def test_a_range_of_what_became_shorter_a024(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_open(monkeypatch, lambda: os.truncate(path, 10))
    reply = await call(FileResponse(path), headers=[("range", "bytes=500-")])
    assert (reply.status, reply.headers["content-range"]) == (416, "bytes */10")


async def test_it_never_stops_becoming_shorter(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = iter(range(900, 0, -100))
    after_open(monkeypatch, lambda: os.truncate(path, next(sizes)))
    assert (await call(FileResponse(path))).status == 503


@pytest.mark.parametrize("chunk_size", [CHUNK, 10_000])
async def test_it_becomes_longer_a024(
    path: Path, chunk_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def grow() -> None:
        with path.open("ab") as file:
            file.write(b"more")

    after_open(monkeypatch, grow)
    reply = await call(FileResponse(path, chunk_size=chunk_size))
    assert (reply.body, reply.headers["content-length"]) == (CONTENT, "1000")


async def test_it_becomes_a_directory(path: Path) -> None:
    found = path.stat()
    path.unlink()
    path.mkdir()
    assert (await call(FileResponse(path, stat_result=found))).status == 404


async def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with anyio.fail_after(5):
        assert (await call(FileResponse(pipe))).status == 404
        looked = FileResponse(pipe, stat_result=Path(__file__).stat())
        assert (await call(looked)).status == 404


@pytest.mark.parametrize(
    ("number", "status"),
    [
        pytest.param(errno.EACCES, 403, id="may not be read"),
        pytest.param(errno.EMFILE, 503, id="no descriptors left"),
        pytest.param(errno.ENAMETOOLONG, 404, id="a name too long"),
    ],
)
async def test_errors_of_the_system(
    path: Path, number: int, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any) -> int:
        raise OSError(number, "refused")

    monkeypatch.setattr("os.open", refuse)
    assert (await call(FileResponse(path))).status == status


async def test_a_fault_of_the_disk_is_raised(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> int:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(OSError, match="broken"):
        await call(FileResponse(path))
    monkeypatch.undo()
    monkeypatch.setattr(_open_file, "_NO_WAIT", None)
    monkeypatch.setattr(_open_file, "_pread", refuse)
    with pytest.raises(OSError, match="broken"):
        await call(FileResponse(path))
    with pytest.raises(FileChanged):  # it has begun
        await call(FileResponse(path, chunk_size=CHUNK))


async def test_a_time_that_no_date_has(path: Path) -> None:
    seconds = 10**12
    found = os.stat_result(
        (0o100644, 1, 1, 1, 0, 0, 1000, 0, seconds, 0), {"st_mtime_ns": seconds * 10**9}
    )
    reply = await call(FileResponse(path, stat_result=found), "HEAD")
    assert (reply.status, "last-modified" in reply.headers) == (200, False)


# --- clients that leave


@pytest.mark.usefixtures("_reads")
@pytest.mark.parametrize("at", range(5))
async def test_send_tells_that_the_client_left(path: Path, at: int) -> None:
    async with clean():
        response = FileResponse(path, chunk_size=CHUNK)
        sent = await drive(response, scope(), fail_send_at=at)
    assert len(sent) == at


@pytest.mark.usefixtures("_reads")
async def test_receive_tells_that_the_client_left(path: Path) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)  # servers before ASGI HTTP 2.4 swallow what nobody gets
        await anyio.lowlevel.checkpoint()

    waiting: list[Message] = [
        {"type": "http.request", "body": b"x", "more_body": True},
        {"type": "http.request"},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        await anyio.lowlevel.checkpoint()
        return waiting.pop(0)

    async with clean():
        await FileResponse(path, chunk_size=1)(scope(), receive, send)
    assert 0 < len(sent) < 100


async def test_a_receive_that_never_waits_is_left_alone(path: Path) -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await FileResponse(path, chunk_size=CHUNK)(scope(), receive, send)
    assert content(sent) == CONTENT


@pytest.mark.usefixtures("_reads")
@pytest.mark.parametrize("after", range(4))
async def test_a_client_that_reads_nothing_a088(path: Path, after: int) -> None:
    """No more is read than is sent: one chunk is in memory."""
    read: list[int] = []
    really = _open_file.OpenFile.read

    async def count(self: _open_file.OpenFile, start: int, length: int) -> bytes:
        read.append(start)
        return await really(self, start, length)

    async with clean():
        with anyio.move_on_after(0.05), pytest.MonkeyPatch.context() as patch:
            patch.setattr(_open_file.OpenFile, "read", count)
            response = FileResponse(path, chunk_size=CHUNK)
            await drive(response, scope(), block_send_after=after)
    assert len(read) == after


@pytest.mark.usefixtures("_reads")
async def test_cancelled_at_every_step_a085(path: Path) -> None:
    for field in ("bytes=0-", "bytes=0-400,500-"):
        for steps in range(200):
            async with clean():
                was_whole = await cancelled_at(path, field, steps)
            if was_whole:
                break
        else:  # pragma: no cover - only when a test fails
            raise AssertionError


async def cancelled_at(path: Path, field: str, steps: int) -> bool:
    left = [steps]

    async def step() -> None:
        left[0] -= 1
        if left[0] < 0:
            group.cancel_scope.cancel()
        await anyio.lowlevel.checkpoint()

    async def send(message: Message) -> None:
        await step()

    async def receive() -> Message:
        await step()
        await anyio.sleep_forever()
        raise AssertionError

    async with anyio.create_task_group() as group:
        await FileResponse(path, chunk_size=CHUNK)(scope(range=field), receive, send)
        return left[0] >= 0
    return False


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_asyncio_s_own_cancellation_waits_for_the_thread(
    path: Path, monkeypatch: pytest.MonkeyPatch, anyio_backend: str
) -> None:
    """It does not wait by itself, and the descriptor must not be closed under a thread."""
    loop, started, closed = asyncio.get_running_loop(), asyncio.Event(), list[int]()
    really_read, really_close = os.pread, os.close
    go_on = threading.Event()

    def slow(descriptor: int, length: int, start: int) -> bytes:
        loop.call_soon_threadsafe(started.set)
        go_on.wait(5)
        assert descriptor not in closed
        return really_read(descriptor, length, start)

    def close(descriptor: int) -> None:
        closed.append(descriptor)
        really_close(descriptor)

    monkeypatch.setattr(_open_file, "_NO_WAIT", None)
    monkeypatch.setattr(_open_file, "_pread", slow)
    monkeypatch.setattr("os.close", close)
    task = asyncio.create_task(call(FileResponse(path)))
    await started.wait()
    task.cancel()
    loop.call_later(0.02, go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(closed) == 1
