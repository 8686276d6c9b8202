"""Websocket handlers: their arguments, their errors, their end."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel
import pytest

from portico import (
    App,
    HTTPException,
    Mount,
    PlainTextResponse,
    RedirectResponse,
    Request,
    Router,
    WebSocket,
    WebSocketRoute,
    websocket_session,
)
from portico.asgi import Message, Receive, Scope, Send
from portico.errors import BadInput, ContentTooLarge, WebSocketDisconnect
from portico.lifespan import Lifespan
from tests.drive import drive, websocket_scope
from tests.security.invariants import invariants

CONNECT: Message = {"type": "websocket.connect"}
GONE: Message = {"type": "websocket.disconnect", "code": 1001, "reason": ""}
ACCEPT: Message = {"type": "websocket.accept"}
DENIAL: dict[str, object] = {"websocket.http.response": {}}


def text(data: str) -> Message:
    return {"type": "websocket.receive", "text": data}


def close(code: int, reason: str = "") -> Message:
    return {"type": "websocket.close", "code": code} | ({"reason": reason} if reason else {})


@websocket_session
async def echo(websocket: WebSocket) -> None:
    async with websocket:
        async for message in websocket.iter_text():
            await websocket.send_text(message)


@pytest.mark.anyio
async def test_an_echo() -> None:
    sent = await drive(echo, websocket_scope(), CONNECT, text("a"), text("b"), GONE)
    assert sent == [
        ACCEPT,
        {"type": "websocket.send", "text": "a"},
        {"type": "websocket.send", "text": "b"},
    ]


def ending(error: Exception | None, *, accepts: bool) -> Any:
    @websocket_session
    async def app(websocket: WebSocket) -> None:
        if accepts:
            await websocket.accept()
        if error is not None:
            raise error

    return app


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "accepted", "status", "is_raised"),
    [
        pytest.param(None, close(1000), 403, False, id="a return"),
        pytest.param(HTTPException(401, "who?"), close(1008, "who?"), 401, False, id="a refusal"),
        pytest.param(
            BadInput("message", "odd"), close(1007, "message: odd"), 400, False, id="bad input"
        ),
        pytest.param(
            ContentTooLarge("message", 9),
            close(1009, "message: over 9 bytes"),
            413,
            False,
            id="big",
        ),
        pytest.param(KeyError("secret"), close(1011), 500, True, id="an error"),
        pytest.param(RedirectResponse("/x"), close(1011), 307, False, id="a redirect"),
    ],
)
@pytest.mark.parametrize("way", ["accepted", "closed", "denied"])
async def test_how_a_handler_ends(
    way: str, error: Exception | None, accepted: Message, status: int, is_raised: bool
) -> None:
    is_raised = is_raised or (way == "accepted" and isinstance(error, RedirectResponse))
    sent: list[Message] = []
    scope = websocket_scope(extensions=DENIAL if way == "denied" else {})
    app = ending(error, accepts=way == "accepted")
    if is_raised:
        with pytest.raises((KeyError, RedirectResponse)):
            await drive(app, scope, CONNECT, sent=sent)
    else:
        await drive(app, scope, CONNECT, sent=sent)
    if way == "accepted":
        assert sent == [ACCEPT, accepted]
    elif way == "denied" and error is not None:
        assert sent[0]["status"] == status
        assert b"secret" not in sent[1]["body"]
    else:  # a close before accept is a 403 for the client
        code = 1011 if status == 500 else 1008
        assert sent == [close(1000 if error is None else code)]


@pytest.mark.anyio
@pytest.mark.parametrize("incoming", [(GONE,), (CONNECT, GONE)], ids=["at once", "while waiting"])
async def test_a_peer_that_leaves_is_no_error(
    incoming: tuple[Message, ...], caplog: pytest.LogCaptureFixture
) -> None:
    app = App()

    @app.websocket("/")
    async def handler(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.receive_text()

    sent = await drive(app, websocket_scope(), *incoming)
    assert sent == [ACCEPT] * (len(incoming) - 1)
    assert caplog.records == []


@pytest.mark.anyio
async def test_sending_to_a_peer_that_left_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    app = App()

    @app.websocket("/")
    async def handler(websocket: WebSocket) -> None:
        await websocket.accept()
        with pytest.raises(WebSocketDisconnect):
            await websocket.send_text("x")
        await websocket.send_text("y")

    assert await drive(app, websocket_scope(), CONNECT, fail_send_at=1) == [ACCEPT]
    assert caplog.records == []


@pytest.mark.anyio
async def test_path_parameters_are_arguments() -> None:
    app = App()

    @app.websocket("/{room}/{number:int}")
    async def handler(websocket: WebSocket, number: int, room: str) -> None:
        async with websocket:
            await websocket.send_text(f"{room} {number + 1}")

    sent = await drive(app, websocket_scope("/tea/7"), CONNECT)
    assert sent[1]["text"] == "tea 8"


# Exception handlers are for the handshake


@pytest.mark.anyio
async def test_exception_handlers_answer_the_handshake() -> None:
    seen: list[Request] = []

    async def handler(request: Request, error: KeyError) -> object:
        seen.append(request)
        return PlainTextResponse("closed", 503, {"retry-after": "9"})

    app = App(exception_handlers={KeyError: handler})
    app.websocket("/")(fail)
    sent = await drive(app, websocket_scope(extensions=DENIAL), CONNECT)
    assert sent[0]["status"] == 503
    assert (b"retry-after", b"9") in sent[0]["headers"]
    assert (seen[0].method, seen[0].path) == ("GET", "/")


async def fail(websocket: WebSocket) -> None:
    raise KeyError


@pytest.mark.anyio
@pytest.mark.parametrize("extensions", [{}, DENIAL], ids=["plain", "with denial"])
async def test_one_that_fails_is_answered_in_its_place(extensions: dict[str, object]) -> None:
    async def failing(request: Request, error: KeyError) -> object:
        raise ValueError("of the handler")

    app = App(exception_handlers={KeyError: failing})
    app.websocket("/")(fail)
    sent: list[Message] = []
    with pytest.raises(ValueError, match="of the handler"):
        await drive(app, websocket_scope(extensions=extensions), CONNECT, sent=sent)
    assert sent[0].get("status", sent[0].get("code")) == (500 if extensions else 1011)


@pytest.mark.anyio
async def test_an_unhandled_error_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    inner = App()
    inner.websocket("/x")(fail)
    with pytest.raises(KeyError):
        await drive(App([Mount("/in", inner)]), websocket_scope("/in/x"), CONNECT)
    assert [record.getMessage() for record in caplog.records] == [
        "unhandled error in 'WEBSOCKET' '/in/x'"
    ]


# No route


@pytest.mark.anyio
@pytest.mark.parametrize("extensions", [{}, DENIAL], ids=["plain", "with denial"])
@pytest.mark.parametrize("app", [App(), Router(), App([Mount("/in", Router())])], ids=repr)
async def test_a_websocket_without_a_route(extensions: dict[str, object], app: Any) -> None:
    """Never messages of http."""
    for path in ("/", "/in/x"):
        scope: Scope = websocket_scope(path, extensions=extensions)
        sent = await drive(app, scope, CONNECT)
        if extensions:
            assert [message["type"] for message in sent] == [
                "websocket.http.response.start",
                "websocket.http.response.body",
            ]
            assert sent[0]["status"] == 404
        else:
            assert sent == [close(1008)]


@pytest.mark.anyio
async def test_a_websocket_at_the_path_of_a_request_is_not_found() -> None:
    app = App()

    @app.get("/x")
    async def get(request: Request) -> str:
        raise NotImplementedError  # pragma: no cover - not called

    assert await drive(app, websocket_scope("/x"), CONNECT) == [close(1008)]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        pytest.param("https://app.example", [ACCEPT, close(1000)], id="of the list"),
        pytest.param("https://evil.example", [close(1008)], id="another"),
    ],
)
async def test_an_asgi_app_is_kept_from_other_pages(origin: str, expected: list[Message]) -> None:
    async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await send(close(1000))

    app = App([WebSocketRoute("/", asgi, allowed_origins=["https://app.example"])])
    scope = websocket_scope(headers=[("host", "testserver"), ("origin", origin)])
    assert await drive(app, scope, CONNECT) == expected


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("errors", "code", "is_raised"),
    [
        pytest.param([WebSocketDisconnect(1001, "")], None, False, id="the peer left"),
        pytest.param([WebSocketDisconnect(1001, "")] * 2, None, False, id="two heard of it"),
        pytest.param(
            [ExceptionGroup("", [WebSocketDisconnect(1001, "")])], None, False, id="nested"
        ),
        pytest.param([BadInput("message", "odd")], 1007, False, id="bad input"),
        pytest.param([KeyError(), WebSocketDisconnect(1001, "")], 1011, True, id="an error too"),
    ],
)
async def test_what_task_groups_raise(
    errors: list[Exception], code: int | None, is_raised: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app, sent = App(), list[Message]()

    @app.websocket("/")
    async def handler(websocket: WebSocket) -> None:
        async with websocket:
            if code is None:
                await websocket.wait_disconnected()
            raise ExceptionGroup("", errors)

    incoming = [CONNECT] if code else [CONNECT, GONE]
    if is_raised:
        with pytest.raises(ExceptionGroup):
            await drive(app, websocket_scope(), *incoming, sent=sent)
    else:
        await drive(app, websocket_scope(), *incoming, sent=sent)
    assert [message.get("code") for message in sent] == [None, code][: 2 if code else 1]
    assert len(caplog.records) == int(is_raised)


# Shutdown


class Socket:
    """A connected peer that answers a close, and the messages that it got."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.incoming: list[Message] = [CONNECT]
        self.closed: anyio.Event = anyio.Event()

    async def receive(self) -> Message:
        if self.incoming:
            return self.incoming.pop()
        await self.closed.wait()
        return {"type": "websocket.disconnect", "code": 1012, "reason": ""}

    async def send(self, message: Message) -> None:
        await anyio.lowlevel.checkpoint()
        self.sent.append(message)
        if message["type"] == "websocket.close":
            self.closed.set()


async def receives(websocket: WebSocket) -> None:
    async with websocket:
        await websocket.receive_text()


async def iterates(websocket: WebSocket) -> None:
    async with websocket:
        async for _ in websocket.iter_text():
            pass


async def only_sends(websocket: WebSocket) -> None:
    async with websocket:
        while True:
            await websocket.send_text("a")


async def looks_out(websocket: WebSocket) -> None:
    async with websocket, websocket.until_disconnected():
        await anyio.sleep_forever()


async def beats(websocket: WebSocket) -> None:
    async with websocket, websocket.heartbeat("a", 0.001):
        await anyio.sleep_forever()


@pytest.mark.anyio
@pytest.mark.parametrize("handler", [receives, iterates, only_sends, looks_out, beats])
async def test_when_the_application_stops_the_peer_is_told_and_the_handler_ends(
    handler: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app, socket = App(), Socket()
    app.websocket("/")(handler)
    async with invariants(), anyio.create_task_group() as group:
        with anyio.fail_after(5):
            async with app.lifespan.run(app):
                group.start_soon(app, websocket_scope(), socket.receive, socket.send)
                while not socket.sent:
                    await anyio.lowlevel.checkpoint()
    assert [each for each in socket.sent if each["type"] != "websocket.send"] == [
        ACCEPT,
        close(1012),
    ]
    assert not caplog.records


@pytest.mark.anyio
@pytest.mark.parametrize("accepts", [True, False])
async def test_a_handler_that_goes_on_is_cut_off_when_its_time_is_over(
    accepts: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app, socket, lifespan = App(), Socket(), Lifespan(drain_timeout_s=0.02)
    started, ended = anyio.Event(), anyio.Event()

    @app.websocket("/")
    async def handler(websocket: WebSocket) -> None:
        if accepts:
            await websocket.accept()
        started.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    async with anyio.create_task_group() as group:
        with anyio.fail_after(5):
            async with lifespan.run(app):
                group.start_soon(app, websocket_scope(), socket.receive, socket.send)
                await started.wait()
            await ended.wait()
    assert socket.sent == ([ACCEPT, close(1012)] if accepts else [close(1000)])
    assert [record.name for record in caplog.records] == ["portico.websocket"]
