"""Attacks by the path: A006 (one path for all) and A010 (cost of routing)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeAlias
from urllib.parse import unquote_to_bytes

import pytest

from portico import App, HTTPException, Mount, PlainTextResponse, Request, Router, Subpaths
from portico.asgi import ASGIApp, Receive, Scope, Send
from portico.routing.endpoint import CallNext
from portico.routing.router import TrailingSlash
from portico.routing.template import parse_template
from portico.routing.tree import Tree
from tests.drive import call
from tests.security.invariants import attack, uncollected

WRITTEN = [
    "/admin/secret.txt",
    "//admin/secret.txt",
    "/admin//secret.txt",
    "/./admin/secret.txt",
    "/x/../admin/secret.txt",
    "/admin%2Fsecret.txt",
    "/admin%5Csecret.txt",
    "/admin\\secret.txt",
    "/ADMIN/secret.txt",
    "/admin;a/secret.txt",
    "/admin/secret.txt/",
    "/admin/secret.txt%00",
    "/%61dmin/secret.txt",
    # more of the kind
    "/admin/%73ecret.txt",
    "/%2561dmin/secret.txt",
    "/%2fadmin/secret.txt",
    "/admin%2f/secret.txt",
    "/admin/./secret.txt",
    "/admin/../admin/secret.txt",
    "/%2e/admin/secret.txt",
    "/x/%2e%2e/admin/secret.txt",
    "/admin%20/secret.txt",
    "/admin%00/secret.txt",
    "/\uff0fadmin/secret.txt",
    "/%ef%bc%8fadmin/secret.txt",
    "/%c0%afadmin/secret.txt",
    "/admin?/secret.txt",
    "/admin/secret.txt?x=%2F..%2F",
    "/admin#/secret.txt",
    "/x/../../admin/secret.txt",
    "http://testserver/admin/secret.txt",
]


async def leak(request: Request[Any]) -> str:
    return f"secret of {request.path}"


async def guarded(request: Request[Any], call_next: CallNext) -> object:
    """Refuse what is below /admin, by the one path that everything reads."""
    if request.path == "/admin" or request.path.startswith("/admin/"):
        raise HTTPException(403)
    return await call_next(request)


class ScopeGuard:
    """The same as ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request: Request[Any] = Request(scope, receive, send)
        if request.path == "/admin" or request.path.startswith("/admin/"):
            raise HTTPException(403)
        await self.app(scope, receive, send)


def plain(trailing_slash: TrailingSlash) -> ASGIApp:
    app = App(trailing_slash=trailing_slash, middleware=[guarded])
    app.get("/admin/secret.txt")(leak)
    return app


def mounted(trailing_slash: TrailingSlash) -> ASGIApp:
    admin = Router(trailing_slash=trailing_slash)
    admin.get("/secret.txt")(leak)
    admin.get("/{rest:path}")(leak)
    return App([Mount("/admin", admin)], middleware=[ScopeGuard], trailing_slash=trailing_slash)


def foreign(trailing_slash: TrailingSlash) -> ASGIApp:
    """An ASGI app below that serves whatever it is called for."""
    below = Subpaths(("/admin", PlainTextResponse("secret")))
    return App([Mount("/", below)], middleware=[ScopeGuard], trailing_slash=trailing_slash)


MakeApp: TypeAlias = Callable[[TrailingSlash], ASGIApp]
APPS: list[MakeApp] = [plain, mounted, foreign]


def sent_paths(written: str) -> dict[str, Any]:
    """Split a request target as a server does: ``path`` decoded, ``raw_path`` as it came."""
    raw, _, query = written.encode().partition(b"?")
    return {
        "path": unquote_to_bytes(raw).decode("utf-8", "replace"),
        "raw_path": raw,
        "query": query,
    }


@pytest.mark.anyio
@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize("slash", ["strict", "redirect", "match"])
@pytest.mark.parametrize("written", WRITTEN)
async def test_a_guard_and_the_route_see_one_path_cve_2026_6414_cve_2026_29045_cve_2026_39407(
    written: str, slash: TrailingSlash, app: MakeApp
) -> None:
    reply = await attack(app(slash), **sent_paths(written))
    assert reply.status in {403, 404}
    assert "secret" not in reply.text


@pytest.mark.anyio
@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize("root_path", ["/app", "/app/", "/admin"])
@pytest.mark.parametrize("is_prefixed", [True, False], ids=["in path", "not in path"])
async def test_so_they_do_below_a_root_path_cve_2026_54286_cve_2026_47676(
    root_path: str, is_prefixed: bool, app: MakeApp
) -> None:
    target = app("strict")
    for written in WRITTEN:
        prefix = root_path.rstrip("/") if is_prefixed and written.startswith("/") else ""
        reply = await attack(target, root_path=root_path, **sent_paths(prefix + written))
        assert "secret" not in reply.text, written


@pytest.mark.anyio
@pytest.mark.parametrize("app", APPS)
async def test_so_they_do_if_the_server_sends_no_raw_path_cve_2026_54286(app: MakeApp) -> None:
    target = app("strict")

    async def poorer(scope: Scope, receive: Receive, send: Send) -> None:
        del scope["raw_path"]
        await target(scope, receive, send)

    for written in WRITTEN:
        reply = await attack(poorer, **sent_paths(written))
        assert reply.status in {403, 404}, written
        assert "secret" not in reply.text, written


@pytest.mark.anyio
@pytest.mark.parametrize("query", [b"x=%2F..%2F", b"x=1", b"x=%41?/admin"])
async def test_a_query_that_the_server_leaves_in_raw_path_is_none_of_the_path(query: bytes) -> None:
    app = App()
    app.get("/a b/{rest}")(leak)
    reply = await attack(app, path="/a b/c/d", raw_path=b"/a%20b/c%2Fd?" + query, query=query)
    assert reply.text == "secret of /a b/c%2Fd"


@pytest.mark.anyio
@pytest.mark.parametrize("app", APPS)
async def test_the_guard_refuses_what_it_should(app: MakeApp) -> None:
    assert (await call(app("strict"), path="/admin/secret.txt")).status == 403


@pytest.mark.anyio
async def test_a_view_sees_the_path_that_was_routed_cve_2026_6414() -> None:
    app = App([Mount("/admin", PlainTextResponse("secret"))], middleware=[guarded])
    assert (await call(app, path="/admin/secret.txt")).status == 403


@pytest.mark.anyio
async def test_a_view_is_around_the_default_app_cve_2026_6414() -> None:
    app = App(default=PlainTextResponse("secret"), middleware=[guarded])
    assert (await call(app, path="/admin/secret.txt")).status == 403


HARD = ["/{a}-{b}-{c}-{d}!", "/{a}/{b}/{c:path}/x", "/{p:path}/{q:path}/end"]
MORE = ["/{a}.{b:int}.{c}!", "/{a:path}/{b:path}/{c:path}/!", "/{a:[a-z-]+}.{b:[a-z-]+}!"]
LONG = ["/" + "-" * 4000, "/a" * 2000, "/" * 4000, "/-a!" * 1000, "/1.a" * 1000, "/" + "1" * 4000]


@pytest.mark.anyio
@pytest.mark.parametrize("path", LONG, ids=lambda path: path[:5])
@pytest.mark.parametrize("templates", [HARD, MORE])
async def test_hard_templates_are_matched_in_no_time_cve_2024_45296_cve_2026_4867(
    path: str, templates: list[str]
) -> None:
    app = App()
    for template in templates:
        app.get(template)(leak)
    await call(app, path="/warm/up")
    with uncollected():
        started = time.thread_time()
        reply = await call(app, path=path)
        took_s = time.thread_time() - started
    assert reply.status == 404
    assert took_s <= 0.25  # 10 ms; measuring coverage and a busy machine cost much more


@pytest.mark.parametrize("place", ["literal", "parameter"])
def test_ten_thousand_routes_are_no_slower_than_ten(place: str) -> None:
    tree: Tree[int] = Tree()
    for number in range(10_000):
        path = f"/r{number}" if place == "literal" else f"/r{number}/{{id:int}}"
        tree.add(parse_template(path), number, frozenset({"GET"}))
    segments = ["r9999"] if place == "literal" else ["r9999", "7"]
    started = time.thread_time()
    matches = [tree.find(segments, "GET") for _ in range(100)]
    took_s = (time.thread_time() - started) / 100
    assert {match and match[0] for match in matches} == {9999}
    assert took_s <= 0.001
