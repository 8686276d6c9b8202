"""A response where a websocket was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from portico.asgi import Message, Receive, Scope, Send
from portico.errors import Misuse
from portico.response.denial import DENIAL, denial_message, handshake_scope, refuse
from portico.response.text import PlainTextResponse
from tests.drive import Peer, drive, websocket_scope

CONNECT: Message = {"type": "websocket.connect"}


async def refused(
    scope: Scope, *incoming: Message, fail_send_at: int | None = None
) -> tuple[bool, list[Message]]:
    peer = Peer(scope, incoming, "block", [])
    peer.fail_send_at = fail_send_at
    answered = await refuse(scope, peer.receive, peer.send, PlainTextResponse("no", 403))
    return answered, peer.sent


@pytest.mark.anyio
async def test_a_response_is_sent_where_the_server_can() -> None:
    answered, sent = await refused(websocket_scope(extensions={DENIAL: {}}), CONNECT)
    assert answered
    assert sent == [
        {
            "type": "websocket.http.response.start",
            "status": 403,
            "headers": [
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", b"2"),
            ],
        },
        {"type": "websocket.http.response.body", "body": b"no", "more_body": False},
    ]


@pytest.mark.parametrize("extensions", [{}, {"tls": {}}, None, "missing"])
@pytest.mark.anyio
async def test_elsewhere_the_socket_is_closed(extensions: Any) -> None:
    scope = websocket_scope()
    scope["extensions"] = extensions
    if extensions == "missing":
        del scope["extensions"]
    assert await refused(scope, CONNECT) == (False, [{"type": "websocket.close", "code": 1008}])


@pytest.mark.parametrize("extensions", [{}, {DENIAL: {}}])
@pytest.mark.anyio
async def test_a_client_that_left_before(extensions: dict[str, object]) -> None:
    gone: Message = {"type": "websocket.disconnect", "code": 1006}
    assert await refused(websocket_scope(extensions=extensions), gone) == (False, [])


@pytest.mark.parametrize("fail_send_at", [0, 1])
@pytest.mark.parametrize("extensions", [{}, {DENIAL: {}}])
@pytest.mark.anyio
async def test_a_client_that_leaves_meanwhile(
    extensions: dict[str, object], fail_send_at: int
) -> None:
    scope = websocket_scope(extensions=extensions)
    answered, sent = await refused(scope, CONNECT, fail_send_at=fail_send_at)
    assert answered is bool(extensions)
    assert len(sent) == fail_send_at


@pytest.mark.anyio
async def test_any_app_may_refuse() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert (scope["type"], scope["method"]) == ("http", "GET")
        await send({"type": "http.response.start", "status": 401, "trailers": False})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body"})

    async def site(scope: Scope, receive: Receive, send: Send) -> None:
        await refuse(scope, receive, send, app)

    assert await drive(site, websocket_scope(extensions={DENIAL: {}}), CONNECT) == [
        {"type": "websocket.http.response.start", "status": 401, "headers": []},
        {"type": "websocket.http.response.body", "body": b"a", "more_body": True},
        {"type": "websocket.http.response.body", "body": b"", "more_body": False},
    ]


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [("ws", "http"), ("wss", "https"), (None, "http")],
)
def test_the_scope_of_a_handshake(scheme: str | None, expected: str) -> None:
    """It is a GET without a body (RFC 6455 4.1); the server's own scope stays as it is."""
    extensions: dict[str, object] = {DENIAL: {}, "http.response.pathsend": {}}
    scope = websocket_scope("/a", subprotocols=["x"], extensions=extensions, state={"a": 1})
    if scheme is None:
        del scope["scheme"]
    else:
        scope["scheme"] = scheme
    before = dict(scope)
    made = handshake_scope(scope)
    assert (made["type"], made["method"], made["scheme"]) == ("http", "GET", expected)
    assert (made["path"], made["headers"], made["state"]) == ("/a", scope["headers"], {"a": 1})
    assert made["extensions"] == {}
    assert "subprotocols" not in made
    assert scope == before


@pytest.mark.parametrize(
    "kind",
    [
        "http.response.pathsend",
        "http.response.zerocopysend",
        "http.response.trailers",
        "http.response.early_hint",
        "http.response.push",
        "websocket.accept",
    ],
)
def test_messages_that_refuse_nobody(kind: str) -> None:
    with pytest.raises(Misuse, match=kind):
        denial_message({"type": kind})
