"""Pages: index files, clean URLs, redirects, what is not there."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from portico import App, Pages
from tests.drive import Reply, call

pytestmark = pytest.mark.anyio

NAVIGATION = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    (folder / "guide").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "index.html").write_text("home")
    (folder / "about.html").write_text("about")
    (folder / "guide" / "index.html").write_text("guide")
    (folder / "guide" / "first.html").write_text("first")
    (folder / "guide.html").write_text("never")
    (folder / "data.json").write_text("{}")
    (folder / "snow \u2603").mkdir()
    (folder / "snow \u2603" / "index.html").write_text("snow")
    return folder


async def get(pages: Any, path: str, method: str = "GET", **headers: str) -> Reply:
    return await call(pages, method, path, headers=list(headers.items()))


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/", b"home"),
        ("/index.html", b"home"),
        ("/about", b"about"),
        ("/about.html", b"about"),
        ("/guide/", b"guide"),
        ("/guide/first", b"first"),
        ("/data.json", b"{}"),
    ],
)
async def test_pages(folder: Path, path: str, content: bytes) -> None:
    reply = await get(Pages(folder), path)
    assert (reply.status, reply.body) == (200, content)
    reply = await get(Pages(folder), path, "HEAD")
    assert (reply.status, reply.body) == (200, b"")


@pytest.mark.parametrize(
    "path", ["/none", "/about/", "/empty", "/empty/", "/data", "/../x", "//", "/guide//", "/.x/"]
)
async def test_what_is_not_there(folder: Path, path: str) -> None:
    assert (await get(Pages(folder), path)).json()["status"] == 404


@pytest.mark.parametrize(
    ("path", "query", "root_path", "target"),
    [
        pytest.param("/guide", b"", "", "/guide/", id="a directory"),
        pytest.param("/guide", b"a=b&c=%20", "", "/guide/?a=b&c=%20", id="with its query"),
        pytest.param("/guide", b'a=\xe9 "', "", "/guide/?a=%E9%20%22", id="raw bytes in it"),
        pytest.param("/app/guide", b"", "/app", "/app/guide/", id="below a prefix"),
        pytest.param("/snow \u2603", b"", "", "/snow%20%E2%98%83/", id="not in ASCII"),
    ],
)
async def test_redirects(
    folder: Path, path: str, query: bytes, root_path: str, target: str
) -> None:
    reply = await call(Pages(folder), "GET", path, query=query, root_path=root_path)
    assert (reply.status, reply.headers["location"]) == (308, target)


@pytest.mark.parametrize(
    ("path", "raw_path"),
    [
        ("//evil.example/..", None),
        ("//evil.example/%2e%2e", None),
        ("//evil.example/../", b"//evil.example/..%2f"),
        ("///guide", None),
        ("/\\evil.example", None),
    ],
)
async def test_no_redirect_leaves(folder: Path, path: str, raw_path: bytes | None) -> None:
    reply = await call(Pages(folder), "GET", path, raw_path=raw_path)
    assert reply.status == 404
    (folder / "evil.example").mkdir()
    (folder / "evil.example" / "index.html").touch()
    reply = await call(Pages(folder), "GET", "/evil.example", root_path="/")
    assert reply.headers["location"] == "/evil.example/"


async def test_a_page_for_what_is_missing(folder: Path) -> None:
    (folder / "404.html").write_text("missing")
    pages = Pages(folder)
    reply = await get(pages, "/none", range="bytes=0-1")
    assert (reply.status, reply.body) == (404, b"missing")
    assert "etag" not in reply.headers
    assert reply.headers["cache-control"] == "no-cache"
    assert (await get(pages, "/404")).status == 200
    app = App()
    app.mount("/site", pages)
    assert (await get(app, "/site/none")).body == b"missing"


async def test_methods(folder: Path) -> None:
    pages = Pages(folder, fallback="index.html")
    for path in ("/", "/none"):
        assert (await get(pages, path, "POST")).status == 405
    assert (await get(pages, "/", "OPTIONS")).status == 204


@pytest.mark.parametrize(
    ("accept", "is_page"),
    [
        pytest.param(NAVIGATION["accept"], True, id="a browser that goes there"),
        pytest.param("text/html;q=0.1", True, id="HTML, if it must be"),
        pytest.param("TEXT/HTML", True, id="in capitals"),
        pytest.param("*/*", False, id="a script"),
        pytest.param("image/avif,image/*,*/*;q=0.8", False, id="a picture"),
        pytest.param("text/html;q=0, */*", False, id="anything but HTML"),
        pytest.param("text/*", False, id="some text"),
        pytest.param("application/json", False, id="data"),
        pytest.param("", False, id="nothing"),
    ],
)
async def test_the_fallback_is_for_navigation(folder: Path, accept: str, is_page: bool) -> None:
    pages = Pages(folder, fallback="index.html")
    reply = await get(pages, "/some/where", accept=accept)
    assert reply.status == (200 if is_page else 404)
    if is_page:
        assert (reply.body, reply.headers["vary"]) == (b"home", "accept")
    assert (await get(pages, "/about", **NAVIGATION)).body == b"about"


async def test_without_an_accept_there_is_no_fallback(folder: Path) -> None:
    assert (await get(Pages(folder, fallback="index.html"), "/some/where")).status == 404


async def test_the_fallback_goes_before_the_404_page(folder: Path) -> None:
    (folder / "404.html").write_text("missing")
    pages = Pages(folder, fallback="index.html")
    assert (await get(pages, "/none", **NAVIGATION)).body == b"home"
    missing = await get(pages, "/none.js", accept="*/*")
    assert (missing.body, missing.headers["vary"]) == (b"missing", "accept")  # RFC 9110 12.5.5
    assert "vary" not in (await get(Pages(folder), "/none.js", accept="*/*")).headers
    (folder / "index.html").unlink()
    assert (await get(pages, "/none", **NAVIGATION)).body == b"missing"


@pytest.mark.parametrize("fallback", ["none.html", "../x", "guide"])
def test_a_fallback_that_is_not_there(folder: Path, fallback: str) -> None:
    with pytest.raises(ValueError, match="no file"):
        Pages(folder, fallback=fallback)


async def test_listings(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "empty").mkdir(parents=True)
    (other / "empty" / "<i>").write_text("xyz")
    (folder / "empty" / "b").write_text("b")
    (folder / "index.html").unlink()
    (folder / "only").mkdir()
    (folder / "only" / "x").touch()
    pages = Pages([other, folder], listing=True)
    reply = await get(pages, "/empty/")
    assert "&lt;i&gt;" in reply.text
    assert "./b" in reply.text
    assert "../" in reply.text
    assert reply.headers["content-security-policy"] == "default-src 'none'"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "./x" in (await get(pages, "/only/")).text
    top = await get(pages, "/")
    assert "./guide/" in top.text
    assert "../" not in top.text
    assert (await get(pages, "/guide/")).body == b"guide"
    assert (await get(pages, "/empty")).headers["location"] == "/empty/"
    assert (await get(pages, "/none/")).status == 404
    assert (await get(pages, "/data.json/")).status == 404
    app = App()
    app.mount("/files", pages)
    assert "<title>/files/empty/</title>" in (await get(app, "/files/empty/")).text


@pytest.mark.parametrize(("number", "status"), [(errno.EACCES, 403), (errno.EIO, None)])
async def test_a_directory_that_cannot_be_listed(
    folder: Path, number: int, status: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any) -> Any:
        raise OSError(number, "refused")

    pages = Pages(folder, listing=True)
    monkeypatch.setattr("os.scandir", refuse)
    if status is None:
        with pytest.raises(OSError, match="refused"):
            await get(pages, "/empty/")
    else:
        assert (await get(pages, "/empty/")).status == status
