"""Files: which file a path means, and what is sent with it."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Awaitable
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import anyio
import pytest

from portico import (
    App,
    FileChanged,
    Files,
    HTTPException,
    Misuse,
    Mount,
    PlainTextResponse,
    Request,
    Router,
)
from portico.asgi import Message, Receive, Scope, Send
from portico.http.caching import CacheControl
from portico.response import _open_file
from portico.static.files import HASHED_NAME
from tests.drive import Reply, call, drive, http_scope, websocket_scope

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    (folder / "css").mkdir(parents=True)
    (folder / ".well-known").mkdir()
    (folder / "a.txt").write_text("text")
    (folder / "css" / "site.css").write_text("body {}")
    (folder / "app.3f2a9c1b.js").write_text("1;")
    (folder / ".hidden").write_text("hidden")
    (folder / ".well-known" / "x").write_text("known")
    return folder


async def get(files: Files, path: str, method: str = "GET", **headers: str) -> Reply:
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return await call(files, method, path, headers=fields)


@pytest.mark.parametrize(
    ("path", "content", "media_type"),
    [
        ("/a.txt", b"text", "text/plain; charset=utf-8"),
        ("/css/site.css", b"body {}", "text/css; charset=utf-8"),
        ("/app.3f2a9c1b.js", b"1;", "text/javascript; charset=utf-8"),
        ("/.well-known/x", b"known", "application/octet-stream"),
    ],
)
async def test_what_is_there(folder: Path, path: str, content: bytes, media_type: str) -> None:
    reply = await get(Files(folder), path)
    assert (reply.status, reply.body) == (200, content)
    assert reply.headers["content-type"] == media_type
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert {"etag", "last-modified", "accept-ranges"} <= set(reply.headers)


@pytest.mark.parametrize("path", ["/", "/none", "/css", "/css/", "/a.txt/", "/a.txt/x", "/.hidden"])
async def test_what_is_not(folder: Path, path: str) -> None:
    reply = await get(Files(folder), path)
    assert (reply.status, reply.json()["status"]) == (404, 404)


async def test_ranges_and_conditions(folder: Path) -> None:
    files = Files(folder)
    whole = await get(files, "/a.txt")
    part = await get(files, "/a.txt", range="bytes=1-2")
    assert (part.status, part.body) == (206, b"ex")
    for name in ("etag", "last-modified", "cache-control", "x-content-type-options"):
        assert part.headers[name] == whole.headers[name]
    same = await get(files, "/a.txt", if_none_match=whole.headers["etag"])
    assert (same.status, same.headers["cache-control"]) == (304, "no-cache")
    assert (await get(files, "/a.txt", range="bytes=9-")).status == 416
    assert (await get(files, "/a.txt", if_match='"x"')).status == 412


async def test_methods(folder: Path) -> None:
    files = Files(folder)
    assert (await get(files, "/a.txt", "HEAD")).headers["content-length"] == "4"
    for method in ("POST", "DELETE", "get"):
        reply = await get(files, "/a.txt", method)
        assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    reply = await get(files, "/a.txt", "OPTIONS")
    assert (reply.status, reply.headers["allow"]) == (204, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (CacheControl(public=True, max_age=600), "public, max-age=600"),
        ("private", "private"),
        (CacheControl(), None),
        (None, None),
    ],
)
async def test_cache_policy(
    folder: Path, policy: CacheControl | str | None, expected: str | None
) -> None:
    files = Files(folder, cache_control=policy)
    assert (await get(files, "/a.txt")).headers.get("cache-control") == expected


def is_script(path: str) -> bool:
    return path.endswith(".js")


@pytest.mark.parametrize(
    "immutable",
    [
        pytest.param(HASHED_NAME, id="names with a hash"),
        pytest.param(re.compile(r"app.*"), id="a pattern"),
        pytest.param(is_script, id="a function"),
    ],
)
async def test_immutable(folder: Path, immutable: Any) -> None:
    files = Files(folder, immutable=immutable)
    reply = await get(files, "/app.3f2a9c1b.js")
    assert reply.headers["cache-control"] == "public, immutable, max-age=31536000"
    assert (await get(files, "/a.txt")).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("path", "has"),
    [
        ("app.3f2a9c1b.js", True),
        ("assets/app-3f2a9c1b4d5e.css", True),
        ("app.3f2a9c1b.js.map", True),
        ("report-20240506.pdf", False),
        ("defaced-deadbeef.txt", False),
        ("app.js", False),
        ("3f2a9c1b/app.js", False),
        ("app.3f2a9c1b", False),
        ("app-3f2a9c1.js", False),
    ],
)
def test_names_with_a_hash(path: str, has: bool) -> None:
    assert (HASHED_NAME.fullmatch(path) is not None) is has


async def test_media_types_of_your_own(folder: Path) -> None:
    (folder / "chair.GLB").write_bytes(b"x")
    files = Files(folder, media_types={".glb": "model/gltf-binary", ".TXT": "text/x-own"})
    assert (await get(files, "/chair.GLB")).headers["content-type"] == "model/gltf-binary"
    assert (await get(files, "/a.txt")).headers["content-type"] == "text/x-own; charset=utf-8"


async def test_headers_of_your_own(folder: Path) -> None:
    files = Files(folder, headers={"x-own": "1", "Cache-Control": "max-age=1"})
    reply = await get(files, "/a.txt")
    assert (reply.headers["x-own"], reply.getall("cache-control")) == ("1", ["max-age=1"])


async def test_several_directories(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "a.txt").mkdir(parents=True)
    (other / "b.txt").write_text("b")
    files = Files([other, folder])
    assert (await get(files, "/a.txt")).body == b"text"
    assert (await get(files, "/b.txt")).body == b"b"


async def test_a_package() -> None:
    reply = await get(Files("static", package="portico"), "/names.py")
    assert (
        reply.body == Path(__file__).parents[2].joinpath("src/portico/static/names.py").read_bytes()
    )


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"directory": "/nonsense"}, id="no directory"),
        pytest.param({"directory": []}, id="none at all"),
        pytest.param({"directory": "x", "package": "nonsense"}, id="no package"),
        pytest.param({"directory": "/", "media_types": {"x": "a/b"}}, id="no ending"),
        pytest.param({"directory": "/", "media_types": {".x": "nonsense"}}, id="no media type"),
        pytest.param({"directory": "/", "headers": {"a b": "c"}}, id="no header"),
        pytest.param({"directory": "/", "cache_control": "a\nb"}, id="no policy"),
    ],
)
def test_mistakes_of_the_caller(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Files(**arguments)


async def test_links(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    assert (await get(Files(folder), "/link")).status == 404
    assert (await get(Files(folder, follow_symlinks=True), "/link")).body == b"secret"


async def test_special_files_are_not_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(folder / "pipe")
    monkeypatch.setattr("os.open", None)
    assert (await get(Files(folder), "/pipe")).status == 404


@pytest.mark.parametrize(("number", "status"), [(errno.EACCES, 403), (errno.EMFILE, 503)])
async def test_errors_of_the_system(
    folder: Path, number: int, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Files(folder)

    def refuse(*arguments: Any, **named: Any) -> Any:
        raise OSError(number, "refused")

    with monkeypatch.context() as patch:
        patch.setattr("os.lstat", refuse)
        assert (await get(files, "/a.txt")).status == status
    with monkeypatch.context() as patch:
        patch.setattr("os.open", refuse)
        assert (await get(files, "/a.txt")).status == status


async def test_a_fault_of_the_disk_is_raised(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = Files(folder, hash_content=True)

    def refuse(*arguments: Any, **named: Any) -> Any:
        raise OSError(errno.EIO, "broken")

    for name in ("os.lstat", "os.open"):
        with monkeypatch.context() as patch:
            patch.setattr(name, refuse)
            with pytest.raises(OSError, match="broken"):
                await get(files, "/a.txt")


@pytest.mark.parametrize("path", ["/a.txt", "/css/site.css"])
async def test_servers_get_paths(folder: Path, path: str) -> None:
    scope = http_scope(path=path, extensions={"http.response.pathsend": {}})
    sent = await drive(Files(folder), scope)
    assert sent[1] == {"type": "http.response.pathsend", "path": f"{folder}{path}"}


# --- files in a coding


@pytest.fixture
def coded(folder: Path) -> Files:
    (folder / "a.txt.br").write_text("brotli")
    (folder / "a.txt.gz").write_text("gzip")
    (folder / "b.txt").write_text("b")
    (folder / "b.txt.gz").symlink_to("a.txt.gz")
    (folder / "c.txt").write_text("c")
    (folder / "c.txt.gz").mkdir()
    return Files(folder, precompressed=True)


@pytest.mark.parametrize(
    ("path", "accept", "coding"),
    [
        pytest.param("/a.txt", "gzip, deflate, br, zstd", "br", id="the preferred of ours"),
        pytest.param("/a.txt", "gzip", "gzip", id="the one that is taken"),
        pytest.param("/a.txt", "br;q=0.5, gzip", "gzip", id="the one that is liked better"),
        pytest.param("/a.txt", "zstd", None, id="one that is not there"),
        pytest.param("/a.txt", "br;q=0, gzip;q=0", None, id="none"),
        pytest.param("/a.txt", "identity, br;q=0.5", None, id="plain is liked better"),
        pytest.param("/a.txt", "*", "br", id="any"),
        pytest.param("/a.txt", None, None, id="nothing was asked for"),
        pytest.param("/b.txt", "gzip", None, id="no links"),
        pytest.param("/c.txt", "gzip", None, id="no directories"),
        pytest.param("/css/site.css", "gzip", None, id="no such file"),
    ],
)
async def test_precompressed(
    coded: Files, path: str, accept: str | None, coding: str | None
) -> None:
    reply = await get(coded, path, **({} if accept is None else {"accept_encoding": accept}))
    assert reply.headers.get("content-encoding") == coding
    assert reply.headers["vary"] == "accept-encoding"
    assert reply.headers["content-type"].startswith("text/")
    if coding is not None:
        assert reply.body == {"br": b"brotli", "gzip": b"gzip"}[coding]


async def test_each_coding_has_its_own_tag(coded: Files) -> None:
    fields = ["br", "gzip", "identity"]
    tags = {(await get(coded, "/a.txt", accept_encoding=f)).headers["etag"] for f in fields}
    assert len(tags) == 3
    part = await get(coded, "/a.txt", accept_encoding="br", range="bytes=0-1")
    assert (part.body, part.headers["content-encoding"]) == (b"br", "br")
    assert part.headers["vary"] == "accept-encoding"


# --- hashes


async def test_hashes_of_the_content(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "a.txt").write_text("text")
    one, other = Files(folder, hash_content=True), Files(copy, hash_content=True)
    tag = (await get(one, "/a.txt")).headers["etag"]
    assert (await get(other, "/a.txt")).headers["etag"] == tag
    assert (await get(one, "/a.txt", if_none_match=tag)).status == 304
    (folder / "a.txt").write_text("TEXT")
    assert (await get(one, "/a.txt")).headers["etag"] != tag


async def test_a_version_in_the_query(folder: Path) -> None:
    app = App()
    app.files("/static", folder, hash_content=True, precompressed=True)
    (folder / "a.txt.gz").write_text("gzip")
    path = app.url_path_for("static", path="a.txt")
    assert re.fullmatch(r"/static/a\.txt\?v=[0-9a-f]{32}", path)
    query = path.partition("?")[2].encode()
    for fields in ([], [("accept-encoding", "gzip")]):
        reply = await call(app, "GET", "/static/a.txt", query=query, headers=fields)
        assert reply.headers["cache-control"].startswith("public, immutable")
        reply = await call(app, "GET", "/static/a.txt", query=b"v=0", headers=fields)
        assert reply.headers["cache-control"] == "no-cache"
    (folder / "a.txt").write_text("changed")
    assert app.url_path_for("static", path="a.txt") != path
    for none in ("none.txt", "../x", ".hidden", ""):
        if ".." not in none:
            assert "?" not in app.url_path_for("static", path=none)


async def test_a_version_in_an_absolute_url(folder: Path) -> None:
    app = App()
    app.files("/static", folder, hash_content=True)

    @app.get("/")
    async def home(request: Request) -> str:
        return str(request.url_for("static", path="a.txt"))

    text = (await call(app)).text
    assert re.fullmatch(r"http://testserver/static/a\.txt\?v=[0-9a-f]{32}", text)


async def test_a_file_that_cannot_be_hashed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = Files(folder, hash_content=True)

    def refuse(*arguments: Any, **named: Any) -> Any:
        raise OSError(errno.EACCES, "refused")

    monkeypatch.setattr("os.open", refuse)
    assert files.version_of("a.txt") is None
    assert (await get(files, "/a.txt")).status == 403
    assert Files(folder).version_of("a.txt") is None


async def test_it_changes_between_hash_and_open(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Files(folder, hash_content=True)
    hashed = (await get(files, "/a.txt")).headers["etag"]
    really_open = os.open

    def change(*arguments: Any, **named: Any) -> int:
        (folder / "a.txt").write_bytes(b"TEXT")
        return really_open(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr("os.open", change)
        reply = await get(files, "/a.txt")
    assert reply.body == b"TEXT"
    assert reply.headers["etag"] != hashed


# --- where it stands


def test_servers_see_that_it_is_an_asgi_app(folder: Path) -> None:
    """They look whether the call is a coroutine function, to tell ASGI 2 from 3."""
    assert iscoroutinefunction(Files(folder).__call__)


async def test_below_a_router(folder: Path) -> None:
    app = App()
    app.files("/static", folder)
    app.files("/more", [folder], name="more", cache_control=None)
    assert (await call(app, "GET", "/static/css/site.css")).body == b"body {}"
    assert (await call(app, "GET", "/more/a.txt")).body == b"text"
    assert app.url_path_for("static", path="css/site.css") == "/static/css/site.css"
    assert app.url_path_for("more", path="a b") == "/more/a%20b"

    @app.exception_handler(404)
    async def missing(request: Request, error: HTTPException) -> PlainTextResponse:
        return PlainTextResponse("ours", 404)

    for path in ("/static/none", "/static/..%2Fa.txt", "/static", "/static/"):
        reply = await call(app, "GET", path)
        assert (reply.status, reply.text) == (404, "ours")
    assert (await call(app, "PUT", "/static/a.txt")).headers["allow"] == "GET, HEAD, OPTIONS"


async def test_mounted_in_a_router_alone(folder: Path) -> None:
    router = Router([Mount("/deep/static", Files(folder))])
    for root_path in ("", "/api"):
        reply = await call(router, "GET", f"{root_path}/deep/static/a.txt", root_path=root_path)
        assert reply.body == b"text"
    assert (await call(router, "GET", "/deep/static/none")).status == 404


async def test_a_subclass_may_send_what_it_likes(folder: Path) -> None:
    class Own(Files):
        def serve(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            if scope["path"].endswith("own"):
                return self.own(scope, receive, send)
            return super().serve(scope, receive, send)

        async def own(self, scope: Scope, receive: Receive, send: Send) -> None:
            await PlainTextResponse("begun")(scope, receive, send)
            raise ZeroDivisionError

    app = App()
    app.mount("/static", Own(folder))
    assert (await call(app, "GET", "/static/a.txt")).body == b"text"
    assert (await call(app, "GET", "/static/none")).status == 404
    sent: list[Message] = []
    with pytest.raises(ZeroDivisionError):
        await drive(app, http_scope(path="/static/own"), sent=sent)
    assert sent[0]["status"] == 200


async def test_errors_below_a_router_are_answered(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = App()
    app.files("/static", folder)

    def refuse(*arguments: Any, **named: Any) -> Any:
        raise OSError(errno.EIO, "broken")

    sent: list[Message] = []
    with monkeypatch.context() as patch:
        patch.setattr("os.open", refuse)
        with pytest.raises(OSError, match="broken"):
            await drive(app, http_scope(path="/static/a.txt"), sent=sent)
    assert sent[0]["status"] == 500
    (folder / "large").write_bytes(b"x" * 1_000_000)
    really = _open_file.OpenFile.read

    async def shorten(self: _open_file.OpenFile, start: int, length: int) -> bytes:
        (folder / "large").write_bytes(b"")
        return await really(self, start, length)

    with monkeypatch.context() as patch:
        patch.setattr(_open_file.OpenFile, "read", shorten)
        sent.clear()
        with pytest.raises(FileChanged):
            await drive(app, http_scope(path="/static/large"), sent=sent)
    assert sent[0]["status"] == 200


async def test_files_can_be_the_default(folder: Path) -> None:
    app = App(default=Files(folder))
    assert (await call(app, "GET", "/a.txt")).body == b"text"
    assert (await call(app, "GET", "/none")).json()["status"] == 404


async def test_an_app_of_your_own_for_what_is_missing(folder: Path) -> None:
    async def missing(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(f"no {scope['path']}", 404)(scope, receive, send)

    files = Files(folder, handle_404=missing)
    assert (await get(files, "/none")).text == "no /none"
    assert (await get(files, "/a.txt")).text == "text"
    assert (await get(files, "/a.txt", "POST")).status == 405
    app = App()
    app.mount("/static", files)
    assert (await call(app, "GET", "/static/none")).text == "no /static/none"
    assert (await call(app, "POST", "/static/a.txt")).status == 405


async def test_websockets_and_lifespans(folder: Path) -> None:
    files = Files(folder)
    sent = await drive(files, websocket_scope("/a.txt"), {"type": "websocket.connect"})
    assert [message["type"] for message in sent] == ["websocket.close"]
    app = App()
    app.mount("/static", files)
    sent = await drive(app, websocket_scope("/static/a"), {"type": "websocket.connect"})
    assert [message["type"] for message in sent] == ["websocket.close"]
    with pytest.raises(Misuse, match="lifespan"):
        await drive(files, {"type": "lifespan"})
    async with app.lifespan.run(app):
        assert (await call(app, "GET", "/static/a.txt")).status == 200


async def test_a_client_that_leaves(folder: Path) -> None:
    for at in range(2):
        assert len(await drive(Files(folder), http_scope(path="/a.txt"), fail_send_at=at)) == at
        etag = (await get(Files(folder), "/a.txt")).headers["etag"]
        scope = http_scope(path="/a.txt", headers=[("if-none-match", etag)])
        assert len(await drive(Files(folder), scope, fail_send_at=at)) == at


async def test_the_plain_file_goes_while_its_coded_one_is_chosen(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.txt.gz").write_bytes(b"coded")
    files = Files(folder, hash_content=True, precompressed=True)
    really = Files._variant

    def choose(self: Files, *arguments: Any) -> Any:
        chosen = really(self, *arguments)
        (folder / "a.txt").unlink()
        return chosen

    monkeypatch.setattr(Files, "_variant", choose)
    assert (await get(files, "/a.txt", accept_encoding="gzip")).status == 404


async def test_many_at_once(folder: Path) -> None:
    files, seen = Files(folder, hash_content=True), list[bytes]()

    async def one() -> None:
        seen.append((await get(files, "/a.txt")).body)

    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(one)
    assert seen == [b"text"] * 50
