"""What a router holds: endpoints of every kind, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from portico import App, HTTPView, Mount, PlainTextResponse, Request, Route, WebSocket
from portico.asgi import Message, Receive, Scope, Send
from portico.routing.routes import WebSocketRoute
from tests.drive import call, drive, websocket_scope


async def handler(request: Request) -> str:
    return request.path


def sync(request: Request) -> str:
    return request.path


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(scope["path"])(scope, receive, send)


async def prefixed(prefix: str, scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(prefix + scope["path"])(scope, receive, send)


short: Callable[[Request], str] = lambda request: request.path  # noqa: E731 - as users write it


class Handlers:
    async def method(self, request: Request) -> str:
        return request.path

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asgi(scope, receive, send)

    @staticmethod
    def static() -> str:
        return "/x"


class CallableHandler:
    async def __call__(self, request: Request) -> str:
        return request.path


class SyncCallableHandler:
    def __call__(self) -> str:
        return "/x"


class CallableApp:
    async def __call__(self, s: Scope, r: Receive, d: Send, /, option: str = "") -> None:
        await asgi(s, r, d)


class AnyArguments:
    async def __call__(self, *args: Any) -> None:
        await asgi(*args)


class Awaited:
    """A class that is an ASGI app: its objects are awaited."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.work = asgi(scope, receive, send)

    def __await__(self) -> Any:
        return self.work.__await__()


class View(HTTPView):
    async def get(self, request: Request) -> str:
        return request.path


HANDLERS = [
    pytest.param(handler, "handler", id="async function"),
    pytest.param(sync, "sync", id="function"),
    pytest.param(short, "<lambda>", id="lambda"),
    pytest.param(partial(partial(handler)), "handler", id="partial"),
    pytest.param(Handlers().method, "method", id="method"),
    pytest.param(Handlers.static, "static", id="static method"),
    pytest.param(CallableHandler(), "CallableHandler", id="object"),
    pytest.param(SyncCallableHandler(), "SyncCallableHandler", id="object, not async"),
    pytest.param(View, "View", id="view"),
]
APPS = [
    pytest.param(asgi, "asgi", id="function"),
    pytest.param(partial(prefixed, ""), "prefixed", id="partial"),
    pytest.param(Handlers().asgi, "asgi", id="method"),
    pytest.param(CallableApp(), "CallableApp", id="object"),
    pytest.param(partial(CallableApp(), option="x"), "CallableApp", id="partial of an object"),
    pytest.param(AnyArguments(), "AnyArguments", id="object that takes anything"),
    pytest.param(PlainTextResponse("/x"), "PlainTextResponse", id="response"),
    pytest.param(App([Route("/x", handler)]), "App", id="app"),
    pytest.param(Awaited, "Awaited", id="class"),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("endpoint", "name"), HANDLERS)
async def test_handlers(endpoint: Callable[..., Any], name: str) -> None:
    route = Route("/x", endpoint)
    assert (route.name, route.methods) == (name, frozenset({"GET"}))
    assert (await call(App([route]), path="/x")).text == "/x"
    assert (await call(App([route]), "POST", "/x")).status == 405


@pytest.mark.anyio
@pytest.mark.parametrize(("endpoint", "name"), APPS)
async def test_asgi_apps(endpoint: Callable[..., Any], name: str) -> None:
    route = Route("/x", endpoint)
    assert (route.name, route.methods) == (name, None)
    assert (await call(App([route]), path="/x")).text == "/x"
    if name != "App":
        assert (await call(App([route]), "QUERY", "/x")).text == "/x"


def test_a_builtin_without_a_signature_is_taken_for_an_app() -> None:
    assert Route("/x", type).methods is None


@pytest.mark.anyio
async def test_several_paths() -> None:
    async def named(request: Request, name: str = "none") -> str:
        return name

    route = Route(["/a", "/b/{name}"], named)
    assert (route.path, route.paths) == ("/a", ("/a", "/b/{name}"))
    assert (await call(App([route]), path="/a")).text == "none"
    assert (await call(App([route]), path="/b/x")).text == "x"


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        pytest.param(["get", "PUT"], {"GET", "PUT"}, id="any case"),
        pytest.param("POST", {"POST"}, id="a text is one method"),
        pytest.param({"M-SEARCH"}, {"M-SEARCH"}, id="any token (9110 9.1)"),
    ],
)
def test_methods(methods: Any, expected: set[str]) -> None:
    assert Route("/", handler, methods=methods).methods == frozenset(expected)


def test_repr() -> None:
    assert repr(Route(["/a", "/b"], handler)) == "Route('/a, /b', handler)"
    assert repr(WebSocketRoute("/a", handler)) == "WebSocketRoute('/a', handler)"
    assert repr(Mount("/a/", asgi)) == "Mount('/a', asgi)"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        pytest.param(lambda: Route("/", "x"), TypeError, "not 'x'", id="not callable"),
        pytest.param(lambda: Route("/", View()), TypeError, "an endpoint is", id="a view's object"),
        pytest.param(lambda: WebSocketRoute("/", None), TypeError, "not None", id="nothing"),
        pytest.param(lambda: Mount("/", "x"), TypeError, "takes an ASGI app", id="mount"),  # type: ignore[arg-type]
        pytest.param(lambda: Route([], handler), ValueError, "needs a path", id="no path"),
        pytest.param(
            lambda: Route("/", handler, methods=[]), ValueError, "is empty", id="no method"
        ),
        pytest.param(
            lambda: Route("/", handler, methods=["A B"]), ValueError, "'A B'", id="no token"
        ),
        pytest.param(lambda: App([Route("x", handler)]), ValueError, "'x'", id="no slash"),
        pytest.param(lambda: App([Mount("x", asgi)]), ValueError, "'x'", id="mount, no slash"),
        pytest.param(
            lambda: App([Mount("/{p:path}", asgi)]),
            ValueError,
            "path parameter",
            id="mount, a path",
        ),
        pytest.param(
            lambda: App([Route("/{p:odd}", handler)]), ValueError, "'odd'", id="no such converter"
        ),
    ],
)
def test_mistakes(make: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


@pytest.mark.anyio
async def test_websocket_endpoints() -> None:
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()

    async def raw(scope: Scope, receive: Receive, send: Send) -> None:
        await WebSocket(scope, receive, send).accept()

    for endpoint in (socket, raw):
        app = App([WebSocketRoute("/", endpoint)])
        connect: Message = {"type": "websocket.connect"}
        sent = await drive(app, websocket_scope(), connect)
        assert sent[0] == {"type": "websocket.accept"}
