"""The decorators."""

from __future__ import annotations

from typing import Any

import pytest

from portico import App, HTTPException, PlainTextResponse, Request, Router, WebSocket
from portico.routing.endpoint import CallNext
from tests.drive import call, drive, websocket_scope


@pytest.mark.anyio
@pytest.mark.parametrize("make", [App, Router])
@pytest.mark.parametrize("verb", ["get", "head", "post", "put", "patch", "delete", "options"])
async def test_each_method_has_its_decorator(verb: str, make: type[Router]) -> None:
    router = make()

    async def handler(request: Request) -> tuple[int, str]:
        return 202, request.method

    assert getattr(router, verb)("/a", "/b", name="n")(handler) is handler
    for path in ("/a", "/b"):
        reply = await call(router, verb.upper(), path)
        assert (reply.status, reply.text) == (202, "" if verb == "head" else verb.upper())
        assert (await call(router, "TRACE", path)).status == 405
    assert router.url_path_for("n") == "/a"


@pytest.mark.anyio
async def test_route_takes_what_a_route_takes() -> None:
    router = Router(max_body_bytes=1)

    async def view(request: Request, call_next: CallNext) -> object:
        response = await call_next(request)
        response.headers["x-view"] = "1"
        return response

    @router.route("/a", methods=["PUT"], name="n", middleware=[view], max_body_bytes=3)
    async def read(request: Request) -> bytes:
        return await request.body()

    @router.route("/b", methods=["PUT"])
    async def strict(request: Request) -> bytes:
        return await request.body()

    reply = await call(router, "PUT", "/a", body=b"123")
    assert (reply.body, reply.headers["x-view"]) == (b"123", "1")
    assert (await call(router, "PUT", "/a", body=b"1234")).status == 413
    assert (await call(router, "PUT", "/b", body=b"12")).status == 413
    assert router.url_path_for("n") == "/a"
    assert callable(strict)
    assert callable(read)


@pytest.mark.anyio
async def test_websocket_and_mount() -> None:
    router = Router()

    @router.websocket("/ws", "/ws2", name="ws")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()

    def refusing(app: object) -> Any:
        async def refuse(*_: object) -> None:
            raise HTTPException(403)

        return refuse

    router.websocket("/no", middleware=[refusing])(socket)
    router.mount("/in", PlainTextResponse("in"), name="in", middleware=[])
    router.mount("/no-in", PlainTextResponse("in"), middleware=[refusing])
    for path in ("/ws", "/ws2"):
        sent = await drive(router, websocket_scope(path), {"type": "websocket.connect"})
        assert sent[0] == {"type": "websocket.accept"}
    sent = await drive(router, websocket_scope("/no"), {"type": "websocket.connect"})
    assert sent[0] == {"type": "websocket.close", "code": 1008}
    assert (await call(router, path="/in/x")).text == "in"
    assert (await call(router, path="/no-in/x")).status == 403
    assert router.url_path_for("in", path="x") == "/in/x"
    assert router.url_path_for("ws") == "/ws"


@pytest.mark.parametrize("path", ["x", "/{", "//x"])
def test_a_malformed_path_is_told_at_once(path: str) -> None:
    with pytest.raises(ValueError, match="template"):
        App().get(path)(lambda: "x")


def test_a_path_that_is_taken_is_told_at_once() -> None:
    app = App()
    app.get("/{a}")(lambda: "a")
    with pytest.raises(ValueError, match=r"belong to '/\{a\}'"):
        app.get("/{b}")(lambda: "b")
    with pytest.raises(ValueError, match="needs a path"):
        app.get()(lambda: "x")
    app.post("/{b}")(lambda: "b")


@pytest.mark.anyio
async def test_middleware_gives_the_view_back() -> None:
    app = App()

    @app.middleware
    async def view(request: Request, call_next: CallNext) -> object:
        return 202, "view"

    assert (await call(app)).status == 202
    assert view.__name__ == "view"


@pytest.mark.parametrize("register", ["get", "post", "route", "websocket"])
def test_a_decorator_without_its_path_is_told_at_once(register: str) -> None:
    decorate = getattr(App(), register)

    async def hello(request: Request) -> str:
        raise NotImplementedError

    with pytest.raises(TypeError, match="not hello"):
        decorate(hello)
    with pytest.raises(TypeError, match="not list"):
        decorate(["/a", "/b"])
    with pytest.raises(ValueError, match="needs a path"):
        decorate()
