"""The application: the log, the state, errors in and around mounts."""

from __future__ import annotations

import contextvars
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import pytest

from portico import (
    App,
    Hosts,
    HTTPException,
    Middleware,
    Mount,
    PlainTextResponse,
    Request,
    Route,
    Router,
    WebSocket,
    WebSocketRoute,
)
from portico.asgi import ASGIApp, Message, Receive, Scope, Send
from portico.routing.endpoint import CallNext
from tests.drive import call, drive, http_scope, websocket_scope


async def fail(request: Request) -> None:
    raise KeyError("secret")


async def passing(request: Request, call_next: CallNext) -> object:
    return await call_next(request)


def asgi(app: ASGIApp) -> ASGIApp:
    async def passed(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return passed


def refusing(error: Exception) -> Any:
    def middleware(app: ASGIApp) -> ASGIApp:
        async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
            raise error

        return refuse

    return middleware


# The log


INNER = App([Route("/x", fail)])


@pytest.mark.anyio
@pytest.mark.parametrize(
    "app",
    [
        pytest.param(App([Mount("/in", INNER)]), id="mounted"),
        pytest.param(App([Mount("/in", INNER, middleware=[passing])]), id="below a mount's view"),
        pytest.param(App([Mount("/in", INNER)], middleware=[passing]), id="below a view"),
        pytest.param(App([Mount("/in", INNER)], middleware=[asgi]), id="below ASGI middleware"),
        pytest.param(App([Mount("/in", Router([Mount("", INNER)]))]), id="below a router"),
        pytest.param(App([Mount("/in", Hosts(("*", INNER)))]), id="below hosts"),
        pytest.param(Hosts(("*", App([Mount("/in", INNER)]))), id="hosts outside"),
        pytest.param(App([Route("/in/x", App([Route("/in/x", fail)]))]), id="as an endpoint"),
        pytest.param(App(default=App([Route("/in/x", fail)])), id="as the default"),
        pytest.param(App([Route("/in/x", fail)]), id="alone"),
    ],
)
async def test_an_error_is_logged_once(app: ASGIApp, caplog: pytest.LogCaptureFixture) -> None:
    sent: list[Message] = []
    with pytest.raises(KeyError):
        await drive(app, http_scope(path="/in/x"), sent=sent)
    assert sent[0]["status"] == 500
    assert b"secret" not in sent[1]["body"]
    assert len(caplog.records) == 1
    assert caplog.records[0].name == "portico"


@pytest.mark.anyio
@pytest.mark.parametrize("status", [400, 404, 503])
async def test_refusals_are_not_logged(status: int, caplog: pytest.LogCaptureFixture) -> None:
    app = App()

    @app.get("/")
    async def refuse(request: Request) -> None:
        raise HTTPException(status)

    assert (await call(app)).status == status
    assert caplog.records == []


@pytest.mark.anyio
async def test_a_refusal_when_the_response_has_begun_breaks_it_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It may be the client's fault: a body over its limit, read while the answer is written."""
    app = App(max_body_bytes=3)

    @app.post("/")
    async def late(request: Request) -> None:
        await request.response.start(200)
        await request.body()

    sent: list[Message] = []
    big: Message = {"type": "http.request", "body": b"1234", "more_body": False}
    with caplog.at_level("INFO"), pytest.raises(HTTPException):
        await drive(app, http_scope("POST"), big, sent=sent)
    assert len(sent) == 1
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "broke off 'POST' '/': 413")
    ]


@pytest.mark.anyio
async def test_no_line_of_the_log_can_be_forged(caplog: pytest.LogCaptureFixture) -> None:
    """No CR, LF or ESC of a peer reaches the log as it is."""
    app = App([Route("/{name}", fail)])
    with pytest.raises(KeyError):
        await drive(app, http_scope(path="/\r\nERROR \x1b[0m"))
    assert caplog.records[0].getMessage() == "unhandled error in 'GET' '/\\r\\nERROR \\x1b[0m'"


# Errors around mounts


@pytest.mark.anyio
async def test_the_handlers_of_the_nearest_app_count() -> None:
    async def outer(request: Request, error: Exception) -> object:
        return 418, "outer"

    async def inner(request: Request, error: Exception) -> object:
        return 418, "inner"

    handlers: dict[int | type[Exception], Any] = {KeyError: outer, 404: outer}
    app = App(
        [
            Mount("/app", App([Route("/x", fail)], exception_handlers={404: inner})),
            Mount("/router", Router([Route("/x", fail)])),
        ],
        exception_handlers=handlers,
    )
    assert (await call(app, path="/router/x")).text == "outer"
    assert (await call(app, path="/router/y")).text == "outer"
    assert (await call(app, path="/y")).text == "outer"
    assert (await call(app, path="/app/y")).text == "inner"
    with pytest.raises(KeyError):
        await drive(app, http_scope(path="/app/x"))


@pytest.mark.anyio
async def test_refusals_of_middleware_are_the_apps_to_handle() -> None:
    async def handler(request: Request, error: Exception) -> object:
        return 418, request.path

    for error in (HTTPException(403), KeyError()):
        app = App(
            exception_handlers={403: handler, KeyError: handler},
            middleware=[Middleware(refusing(error))],
        )
        assert (await call(app, path="/x")).text == "/x"


@pytest.mark.anyio
async def test_debug_shows_errors_and_may_be_switched() -> None:
    app = App([Route("/", fail)], debug=True)
    for debug in (True, False):
        app.debug = debug
        assert app.debug is debug
        sent: list[Message] = []
        with pytest.raises(KeyError):
            await drive(app, http_scope(), sent=sent)
        assert (b"KeyError" in sent[1]["body"]) is debug


# State


@pytest.mark.anyio
async def test_requests_do_not_share_what_they_put_into_the_state() -> None:
    """Each has a copy of the lifespan's; also on a server without ``state``."""

    @asynccontextmanager
    async def lifespan(app: App) -> AsyncGenerator[dict[str, object]]:
        yield {"database": "db"}

    app = App(lifespan=lifespan)

    @app.get("/")
    async def look(request: Request) -> list[str]:
        names = sorted(request.state)
        request.state["mine"] = 1
        return names

    @app.websocket("/")
    async def socket(websocket: WebSocket) -> None:
        async with websocket:
            await websocket.send_text(str(websocket.lifespan_state["database"]))

    async with app.lifespan.run(app):
        for _ in range(2):
            assert (await call(app)).json() == ["database"]
        sent = await drive(app, websocket_scope(), {"type": "websocket.connect"})
        assert sent[1]["text"] == "db"


@pytest.mark.anyio
async def test_requests_do_not_share_their_context() -> None:
    variable = contextvars.ContextVar("variable", default="unset")
    app = App()

    @app.middleware
    async def view(request: Request, call_next: CallNext) -> object:
        variable.set(request.path)
        await anyio.sleep(0.001)
        return await call_next(request)

    @app.get("/{name}")
    async def look(request: Request) -> list[str]:
        await anyio.sleep(0.001)
        return [variable.get(), request.path]

    async def ask(path: str) -> None:
        reply = await call(app, path=path)
        assert reply.json() == [path, path]

    async with anyio.create_task_group() as group:
        for number in range(10):
            group.start_soon(ask, f"/{number}")


# Start, end, and work of its own


@pytest.mark.anyio
async def test_hooks_and_background_work() -> None:
    order: list[str] = []
    app = App()

    @app.on_startup
    async def up() -> None:
        order.append("up")

    @app.on_shutdown
    def down() -> None:
        order.append("down")

    async def work(name: str) -> None:
        await anyio.sleep(0.001)
        order.append(name)

    @app.get("/")
    async def start(request: Request) -> str:
        app.add_background_task(work, "work")
        return "started"

    async with app.lifespan.run(app):
        assert (await call(app)).text == "started"
        assert order == ["up"]
    assert order == ["up", "work", "down"]


@pytest.mark.anyio
async def test_a_failing_startup_is_told_to_the_server_and_not_logged_twice(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = App()

    @app.on_startup
    async def up() -> None:
        raise KeyError("no database")

    sent: list[Message] = []
    messages: list[Message] = [{"type": "lifespan.startup"}]

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    with suppress(KeyError):
        await app({"type": "lifespan", "state": {}}, receive, send)
    assert sent[0]["type"] == "lifespan.startup.failed"
    assert [record.name for record in caplog.records if record.name == "portico"] == []


@pytest.mark.anyio
async def test_an_app_takes_what_a_router_takes() -> None:
    app = App(
        [Route("/a/", lambda: "x")],
        middleware=[passing],
        default=PlainTextResponse("default"),
        trailing_slash="match",
    )
    assert (await call(app, path="/a")).text == "x"
    assert (await call(app, path="/b")).text == "default"


@pytest.mark.anyio
async def test_the_lifespan_passes_through_middleware() -> None:
    seen: list[str] = []

    def watching(app: ASGIApp) -> ASGIApp:
        async def watch(scope: Scope, receive: Receive, send: Send) -> None:
            seen.append(scope["type"])
            await app(scope, receive, send)

        return watch

    app = App(middleware=[watching])
    app.on_startup(lambda: seen.append("startup"))
    app.on_shutdown(lambda: seen.append("shutdown"))
    scope: Scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        seen.append(message["type"])

    await app(scope, receive, send)
    assert seen == [
        "lifespan",
        "startup",
        "lifespan.startup.complete",
        "shutdown",
        "lifespan.shutdown.complete",
    ]


# What a caller may get wrong


@pytest.mark.parametrize("routes", [{"/": 1}, True, "/", [1], [print]])
def test_routes_are_a_list_of_routes(routes: Any) -> None:
    with pytest.raises(TypeError, match=r"Route, (a )?WebSocketRoute (and|or a) Mount, not"):
        App(routes)


def test_middleware_is_called() -> None:
    number: Any = 3
    with pytest.raises(TypeError, match="ASGI middleware is a class, or a function"):
        App().add_middleware(number)


@pytest.mark.parametrize("kind", [Route, WebSocketRoute])
def test_an_endpoint_is_called(kind: Any) -> None:
    with pytest.raises(TypeError, match="an endpoint is a function"):
        kind("/", "text")
