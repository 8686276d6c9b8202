"""Static files and ranges: traversal, links, floods of ranges, clients that leave."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico import App, FileResponse, Files, Pages
from portico._tasks import FILE_THREADS, run_in_thread
from portico.asgi import ASGIApp, Message
from portico.response import _open_file
from tests.drive import call, drive, http_scope
from tests.security.invariants import attack, census, invariants, nothing_new, uncollected

pytestmark = pytest.mark.anyio

SIZE = 1 << 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("files")
    folder = top / "root"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("inside")
    (folder / "sub" / "a.txt").write_text("inside")
    (folder / ".env").write_text("SECRET")
    (folder / "digits").write_text("0123456789")
    (folder / "large").write_bytes(os.urandom(SIZE))
    for name in ("x", "secret.txt", "root-private", "index.html"):
        (top / name).write_text("SECRET")
    (folder / "out").symlink_to(top)
    (folder / "sub" / "secret.txt").symlink_to(top / "secret.txt")
    return folder


TRAVERSALS = [
    *("../x", "..%2fx", "%2e%2e/x", "%2e%2e%2fx", "..%252fx", "....//x", "..\\x", "..%5cx"),
    *(
        "/etc/passwd",
        "%2fetc/passwd",
        "C:/Windows/win.ini",
        "C:x",
        "\\\\host\\share",
        "/host/share",
    ),
    *("\\\\?\\C:\\", "sub/../../x", "sub/./../a.txt/../../x", ".%00./x", "~/x"),
    *("file:///etc/passwd", "..%c0%af", "..%c0%afx", "%c0%ae%c0%ae/x", "../root-private"),
    *("sub/%2e%2e/%2e%2e/x", "sub//../../x", "./x", "%2e/a.txt", "a.txt/..", "sub/..", ".."),
    *("a.txt%00", "a.txt%00.css", "a%0a.txt", "out/x", "out/secret.txt", "sub/secret.txt"),
    *(".env", "sub/../.env", "con", "CON.txt", "sub/con", "CON%20", "aux.js", "a.txt.", "a.txt%20"),
    *("a.txt::$DATA", "a.txt:x", "%ef%bf%bd", "%ff", "..%u2216x", "\u2025/x", "\uff0e\uff0e/x"),
    *("%5c%5cattacker%5cshare", "a" * 5000, "/".join(["sub"] * 3000), "..;/x", "sub/..;/x"),
]


@pytest.fixture
def touched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that the file system is asked for."""
    asked: list[str] = []

    def watch(name: str) -> None:
        really = getattr(os, name)

        def watched(path: str | os.PathLike[str], *arguments: Any, **named: Any) -> Any:
            where = named.get("dir_fd")
            before = "" if where is None else f"{os.readlink(f'/proc/self/fd/{where}')}/"  # noqa: PTH115 - watched itself
            asked_for = os.fspath(path)
            if not asked_for.endswith(".py"):  # asyncio's debug mode shows source
                asked.append(before + asked_for)
            return really(path, *arguments, **named)

        monkeypatch.setattr(os, name, watched)

    for name in ("open", "stat", "lstat", "scandir"):
        watch(name)
    return asked


@pytest.mark.parametrize("raw", TRAVERSALS)
@pytest.mark.parametrize("kind", ["files", "pages", "mounted", "links"])
async def test_nothing_outside_is_touched_a016(
    folder: Path, kind: str, raw: str, touched: list[str]
) -> None:
    app: ASGIApp
    prefix = ""
    if kind == "files":
        app = Files(folder)
    elif kind == "pages":
        app = Pages(folder, listing=True, fallback="a.txt")
    elif kind == "links":
        app = Files(folder, follow_symlinks=True)
    else:
        app, prefix = App(), "/static"
        app.files("/static", folder)
    decoded = unquote(f"{prefix}/{raw}", errors="replace")
    for raw_path in (f"{prefix}/{raw}".encode(), None, decoded.encode()):
        touched.clear()
        reply = await call(app, "GET", decoded, raw_path=raw_path)
        allowed = kind == "links" and raw in {"out/x", "out/secret.txt", "sub/secret.txt"}
        if not allowed:
            assert reply.status in {308, 404}
            assert b"SECRET" not in reply.body
        if reply.status == 308:
            assert not reply.headers["location"].startswith("//")
        for path in touched:
            assert os.path.normpath(path) == path
            assert path == str(folder) or path.startswith(f"{folder}/")


@given(st.lists(st.sampled_from(["..", ".", "", "sub", "a.txt", "out", "%2e%2e", "\\", "x", "\0"])))
def test_any_path_stays_inside(folder: Path, segments: list[str]) -> None:
    files = Files(folder)

    async def ask() -> None:
        reply = await call(files, "GET", "/" + "/".join(segments))
        assert b"SECRET" not in reply.body
        assert reply.status in {200, 404}

    anyio.run(ask)


# --- A029: single ranges on ten digits


@pytest.mark.parametrize(
    ("field", "status", "content", "content_range"),
    [
        ("bytes=0-0", 206, b"0", "bytes 0-0/10"),
        ("bytes=-5", 206, b"56789", "bytes 5-9/10"),
        ("bytes=-999999", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=9-", 206, b"9", "bytes 9-9/10"),
        ("bytes=0-9999999999999999999999", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=-9999999999999999999999", 206, b"0123456789", "bytes 0-9/10"),
        ("BYTES=0-1", 206, b"01", "bytes 0-1/10"),
        ("bytes=-0", 416, None, "bytes */10"),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=10-20", 416, None, "bytes */10"),
        *[
            (field, 200, b"0123456789", None)
            for field in (
                *("bytes= 1 - 3 ", "bytes=3-2", "bytes=5-3", "bytes=--1", "bytes=1-2-3"),
                *("bytes=abc", "bytes=", "bytes=,", "bytes=0-1;q=1", "bytes=-", "items=0-1", ""),
            )
        ],
    ],
)
@pytest.mark.parametrize("kind", ["file", "files"])
async def test_single_ranges_a029(  # noqa: PLR0917 - a table's
    folder: Path,
    kind: str,
    field: str,
    status: int,
    content: bytes | None,
    content_range: str | None,
) -> None:
    app: ASGIApp = Files(folder) if kind == "files" else FileResponse(folder / "digits")
    whole = await attack(app, "GET", "/digits")
    reply = await attack(app, "GET", "/digits", headers=[("range", field)])
    assert (reply.status, reply.headers.get("content-range")) == (status, content_range)
    if content is not None:
        assert reply.body == content
        repeated = {"etag", "last-modified", "cache-control", "vary"}
        for name in repeated & set(whole.headers):
            assert reply.headers[name] == whole.headers[name]


# --- A031: many ranges

FLOODS = {
    "disjoint": ",".join(f"{2 * n}-{2 * n}" for n in range(10_000)),
    "all, again and again": ",".join(["0-"] * 10_000),
    "the first byte": ",".join(["0-0"] * 10_000),
    "the last byte": ",".join(["-1"] * 10_000),
    "overlapping": ",".join(f"{n}-" for n in range(1_000)),
    "nested": ",".join(f"{n}-{SIZE - n}" for n in range(1_000)),
    "commas": "," * 100_000,
    "spaces": " " * 100_000,
    "commas and spaces": ", " * 50_000 + "0-0",
    "digits": "9" * 100_000 + "-",
    "zeros": "0" * 100_000 + "-" + "0" * 1000,
    "hyphens": "-" * 100_000,
    "as many as are sent": ",".join(f"{2 * n}-{2 * n}" for n in range(16)),
    "one more": ",".join(f"{2 * n}-{2 * n}" for n in range(17)),
    "as many as are read": ",".join(f"{n}-{n}" for n in range(256)),
    "one more than that": ",".join(f"{n}-{n}" for n in range(257)),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
async def test_many_ranges_a031(folder: Path, flood: str) -> None:
    response = FileResponse(folder / "large")
    scope = http_scope(headers=[("range", f"bytes={flood}")])
    await run_in_thread(int, limiter=FILE_THREADS)
    async with invariants():
        sent = await drive(response, scope)
    spent: list[float] = []
    for _ in range(3):
        started = time.thread_time()
        sent = await drive(response, scope)
        spent.append(time.thread_time() - started)
    assert min(spent) <= 0.02
    assert len(sent) <= 16 + 2
    size = sum(len(message.get("body", b"")) for message in sent)
    assert size <= SIZE + 200 * 16
    if sent[0]["status"] == 200:
        assert size == SIZE


async def test_a_flood_of_entity_tags(folder: Path) -> None:
    for field in ("if-none-match", "if-match", "if-range"):
        for text in ('"a",' * 25_000, '"' * 100_000, "," * 100_000, "W/" * 50_000):
            started = time.thread_time()
            reply = await call(Files(folder), "GET", "/a.txt", headers=[(field, text)])
            assert time.thread_time() - started <= 0.05
            assert reply.status in {200, 412}


# --- A082: clients that leave, again and again


@pytest.mark.parametrize("reads", ["at once", "in a thread"])
@pytest.mark.parametrize("at", [0, 1, 2])
async def test_clients_that_leave_cost_nothing_a082(
    folder: Path, at: int, reads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reads == "in a thread":
        monkeypatch.setattr(_open_file, "_NO_WAIT", None)
    app = App()
    app.files("/static", folder)

    async def leave() -> None:
        scope = http_scope(path="/static/large")
        assert len(await drive(app, scope, fail_send_at=at)) == at

    await leave()
    with uncollected():
        before = census()
        for _ in range(50):
            await leave()
        assert nothing_new(before)


async def test_many_slow_downloads_keep_little(folder: Path) -> None:
    """Each holds a chunk; nobody reads ahead of a client that does not read."""
    import tracemalloc  # noqa: PLC0415 - for this test alone

    async def stuck(message: Message) -> None:
        if message.get("body"):
            await anyio.sleep_forever()

    async def receive() -> Message:
        await anyio.sleep_forever()
        raise AssertionError

    count = 20
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        with anyio.move_on_after(0.5):
            async with anyio.create_task_group() as group:
                for _ in range(count):
                    response = FileResponse(folder / "large")
                    group.start_soon(response, http_scope(), receive, stuck)
        used = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert used <= count * SIZE
