"""What a path leads to; ``test_router`` has the behaviour of mounts as a whole."""

from __future__ import annotations

import pytest

from portico import (
    App,
    HTTPException,
    Mount,
    PlainTextResponse,
    Request,
    Route,
    Router,
    Subpaths,
)
from portico.asgi import ASGIApp, Receive, Scope, Send
from portico.routing.endpoint import CallNext
from tests.drive import call


async def where(request: Request) -> list[str]:
    return [request.root_path, request.path, request.raw_path.decode()]


@pytest.mark.anyio
@pytest.mark.parametrize("is_prefixed", [True, False], ids=["in path", "not in path"])
async def test_a_mount_moves_whole_segments(is_prefixed: bool) -> None:
    app = App([Mount("/{a}", Router([Mount("/b", Router([Route("/{c}", where)]))]))])
    raw = b"/root" * is_prefixed + b"/x%2Fy/b/c%20d"
    path = "/root" * is_prefixed + "/x/y/b/c d"
    reply = await call(app, path=path, raw_path=raw, root_path="/root")
    root_path, *_ = reply.json()
    assert root_path == "/root/x/y/b"


async def foreign(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(scope["path"])(scope, receive, send)


async def guard(request: Request, call_next: CallNext) -> object:
    if request.path == "/admin" or request.path.startswith("/admin/"):
        raise HTTPException(403)
    return await call_next(request)


APPS: list[tuple[str, App]] = [
    ("mount", App([Mount("", foreign)], middleware=[guard])),
    ("default", App(default=foreign, middleware=[guard])),
    (
        "subpaths",
        App([Mount("", Subpaths(("/other", foreign), ("", foreign)))], middleware=[guard]),
    ),
]


@pytest.mark.anyio
@pytest.mark.parametrize("app", [pytest.param(app, id=name) for name, app in APPS])
@pytest.mark.parametrize(
    ("path", "raw_path", "status", "told"),
    [
        pytest.param("/admin/x", b"/admin/x", 403, None, id="plain"),
        pytest.param("/%61dmin/x", b"/%2561dmin/x", 200, "/%61dmin/x", id="encoded twice"),
        pytest.param("/admin/x", b"/%61dmin/x", 403, None, id="letters encoded"),
        pytest.param("/admin/x", b"/admin%2Fx", 200, "/admin%2Fx", id="the slash encoded"),
        pytest.param("/free/a/b", b"/free/a%2Fb", 200, "/free/a%2Fb", id="elsewhere"),
    ],
)
async def test_an_app_below_is_told_no_other_border_than_the_guard_saw(
    path: str, raw_path: bytes, status: int, told: str | None, app: App
) -> None:
    reply = await call(app, path=path, raw_path=raw_path)
    assert reply.status == status
    if told is not None:
        assert reply.text == told


class Counting(Router):
    """A router with a call of its own."""

    calls = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        type(self).calls += 1
        await super().__call__(scope, receive, send)


@pytest.mark.anyio
async def test_a_call_of_its_own_is_made_below_a_mount() -> None:
    Counting.calls = 0
    app = App([Mount("/in", Counting([Route("/x", where), Route("/{y}/z", where)]))])
    for path in ("/in/x", "/in/a/z"):
        assert (await call(app, path=path)).status == 200
    assert Counting.calls == 2


@pytest.mark.anyio
async def test_routes_of_a_mounted_router_are_made_once() -> None:
    made: list[ASGIApp] = []

    def count(app: ASGIApp) -> ASGIApp:
        made.append(app)
        return app

    inner = Router([Route("/x", where, middleware=[count])])
    outer = App([Mount("/in", inner)])
    assert (await call(inner, path="/x")).status == 200
    for _ in range(2):
        outer.get(f"/{len(outer.routes)}")(where)
        assert (await call(outer, path="/in/x")).status == 200
    assert len(made) == 1
