"""Who may open a websocket from a browser: A096."""

from __future__ import annotations

from typing import Any

import pytest

from portico import App, Mount, Router, WebSocket, WebSocketRoute, websocket_session
from portico.asgi import Message, Receive, Scope, Send
from portico.connection.body import INHERIT
from portico.connection.raw_websocket import RawWebSocket
from portico.errors import HTTPException
from tests.drive import drive, websocket_scope
from tests.security.invariants import invariants

CONNECT: Message = {"type": "websocket.connect"}
DENIAL: dict[str, object] = {"websocket.http.response": {}}
LISTED = ["https://app.example"]
COOKIE = ("cookie", "session=1")


async def handler(websocket: WebSocket[Any]) -> None:
    await websocket.accept()


def scope(*headers: tuple[str, str], **more: Any) -> Scope:
    pairs: list[tuple[str | bytes, str | bytes]] = [("host", "app.example"), *headers]
    return websocket_scope(headers=pairs, scheme="wss", **more)


def came(origin: str) -> tuple[str, str]:
    return ("origin", origin)


TABLE = [
    pytest.param([came("https://app.example")], True, id="the same"),
    pytest.param([came("https://APP.example")], True, id="case"),
    pytest.param([came("https://app.example:443")], True, id="default port"),
    pytest.param([came("https://app.example.evil.com")], False, id="longer host"),
    pytest.param([came("https://evilapp.example")], False, id="longer to the left"),
    pytest.param([came("http://app.example")], False, id="scheme"),
    pytest.param([came("https://app.example:8443")], False, id="port"),
    pytest.param([came("null")], False, id="null"),
    pytest.param([came("https://app.example"), came("https://evil.example")], False, id="two"),
    pytest.param([came("https://app.example"), came("https://app.example")], False, id="twice"),
    pytest.param([came("")], False, id="empty"),
    pytest.param([], True, id="none: no browser (RFC 6455 10.2)"),
]


@pytest.mark.anyio
@pytest.mark.parametrize("extensions", [{}, DENIAL], ids=["closed", "denied"])
@pytest.mark.parametrize(("headers", "is_allowed"), TABLE)
@pytest.mark.parametrize("allowed", [LISTED, None], ids=["listed", "same host"])
async def test_who_may_connect(
    allowed: list[str] | None,
    headers: list[tuple[str, str]],
    is_allowed: bool,
    extensions: dict[str, object],
) -> None:
    app = App(allowed_origins=INHERIT if allowed is None else allowed)
    called: list[object] = []

    @app.websocket("/")
    async def noted(websocket: WebSocket[Any]) -> None:
        called.append(websocket)
        await websocket.accept()

    async with invariants():
        sent = await drive(app, scope(COOKIE, *headers, extensions=extensions), CONNECT)
    assert bool(called) is is_allowed
    if is_allowed:
        assert sent[0]["type"] == "websocket.accept"
    elif extensions:
        assert sent[0]["status"] == 403
        assert b"evil" not in sent[1]["body"]
    else:
        assert sent == [{"type": "websocket.close", "code": 1008}]


EVIL = came("https://evil.example")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("headers", "more", "is_allowed"),
    [
        pytest.param([], {}, True, id="nothing a browser adds"),
        pytest.param([COOKIE], {}, False, id="cookies"),
        pytest.param([("authorization", "Basic eDp5")], {}, False, id="credentials"),
        pytest.param([], {"session": {}}, False, id="a session"),
        pytest.param(
            [],
            {"extensions": {"tls": {"client_cert_name": "CN=ann"}}},
            False,
            id="a certificate of the client",
        ),
        pytest.param([], {"extensions": {"tls": {}}}, True, id="TLS, no certificate"),
    ],
)
async def test_without_a_list_it_is_about_what_browsers_add(
    headers: list[tuple[str, str]], more: dict[str, object], is_allowed: bool
) -> None:
    sent = await drive(websocket_session(handler), scope(EVIL, *headers, **more), CONNECT)
    assert (sent[0]["type"] == "websocket.accept") is is_allowed


@pytest.mark.anyio
async def test_two_hosts_are_none() -> None:
    asked = scope(("host", "app.example"), COOKIE, came("https://app.example"))
    assert (await drive(websocket_session(handler), asked, CONNECT))[0]["type"] == "websocket.close"


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("app", "is_allowed"),
    [
        pytest.param(App([WebSocketRoute("/", asgi)]), False, id="an ASGI app"),
        pytest.param(
            App([WebSocketRoute("/", handler)], allowed_origins="*"), True, id="any, by the app"
        ),
        pytest.param(
            App([WebSocketRoute("/", handler, allowed_origins=["https://evil.example"])]),
            True,
            id="by the route",
        ),
        pytest.param(
            App([WebSocketRoute("/", handler, allowed_origins=LISTED)], allowed_origins="*"),
            False,
            id="the route before the app",
        ),
        pytest.param(
            App([Mount("", Router([WebSocketRoute("/", handler)]))], allowed_origins="*"),
            True,
            id="the app for a mounted router",
        ),
        pytest.param(
            App(
                [Mount("", Router([WebSocketRoute("/", handler)], allowed_origins=LISTED))],
                allowed_origins="*",
            ),
            False,
            id="the router before the app",
        ),
    ],
)
async def test_the_nearest_that_says_counts(app: App, is_allowed: bool) -> None:
    sent = await drive(app, scope(EVIL, COOKIE), CONNECT)
    assert (sent[0]["type"] == "websocket.accept") is is_allowed


def test_a_list_is_checked_when_it_is_given() -> None:
    with pytest.raises(ValueError, match="no origin"):
        App(allowed_origins=["null"])
    with pytest.raises(ValueError, match="no origin"):
        App().websocket("/", allowed_origins=["app.example"])(handler)


def test_by_hand() -> None:
    socket: RawWebSocket[Any] = RawWebSocket(scope(EVIL))
    socket.check_origin()
    socket.check_origin("*")
    with pytest.raises(HTTPException, match="403"):
        socket.check_origin(LISTED)
