"""The state machine of a websocket: every call in every state, and every spec version."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from operator import methodcaller
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.asgi import ASGIApp, Message, Receive, Scope, Send
from portico.connection.raw_websocket import (
    RawWebSocket,
    WebSocketState,
)
from portico.errors import (
    BadInput,
    ClientDisconnect,
    ContentTooLarge,
    HTTPException,
    InvalidData,
    Misuse,
    UnexpectedMessage,
    UnsupportedMediaType,
    WebSocketDisconnect,
    WebSocketStateError,
)
from tests.drive import Peer, drive, websocket_scope

CONNECTING, CONNECTED = WebSocketState.CONNECTING, WebSocketState.CONNECTED
DENYING, CLOSED = WebSocketState.DENYING, WebSocketState.CLOSED
DISCONNECTED = WebSocketState.DISCONNECTED

CONNECT: Message = {"type": "websocket.connect"}
HELLO: Message = {"type": "websocket.receive", "text": "hello"}
LEFT: Message = {"type": "websocket.disconnect", "code": 1001, "reason": "bye"}
ACCEPT: Message = {"type": "websocket.accept"}
CLOSE: Message = {"type": "websocket.close", "code": 1000}
START: Message = {"type": "websocket.http.response.start", "status": 403, "headers": []}
BODY: Message = {"type": "websocket.http.response.body", "body": b"no", "more_body": False}
MORE: Message = {"type": "websocket.http.response.body", "body": b"n", "more_body": True}
SEND: Message = {"type": "websocket.send", "text": "hi"}

OFFER: dict[str, object] = {"websocket.http.response": {}}
VERSIONS = ("2.0", "2.1", "2.2", "2.3", "2.4", "2.5")

Socket = RawWebSocket[dict[str, Any]]


def opened(
    *incoming: Message,
    tail: Literal["block", "disconnect"] = "disconnect",
    **scope: Any,
) -> tuple[Socket, list[Message], Peer]:
    """Make a socket, the list of what it sends, and its peer."""
    scope = {"extensions": OFFER, **scope}
    asked = websocket_scope(**scope)
    peer = Peer(asked, incoming, tail, [])
    return RawWebSocket(asked, peer.receive, peer.send), peer.sent, peer


async def brought_to(state: WebSocketState, *incoming: Message) -> tuple[Socket, list[Message]]:
    """Make a socket that is in ``state``; then the server gives ``incoming``."""
    before = [LEFT] if state is DISCONNECTED else []
    socket, sent, _ = opened(CONNECT, *before, *incoming)
    if state is CONNECTED:
        await socket.send(ACCEPT)
    elif state is DENYING:
        await socket.send(START)
    elif state is CLOSED:
        await socket.close()
    elif state is DISCONNECTED:
        await socket.receive()
        await socket.receive()
    assert socket.state is state
    sent.clear()
    return socket, sent


async def forbidden(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 403, "headers": [(b"x-a", b"b")]})
    await send({"type": "http.response.body", "body": b"no"})


FORBIDDEN: list[Message] = [{**START, "headers": [(b"x-a", b"b")]}, BODY]


# Every call in every state. An outcome is the state after it and what was sent, or the error.

Call = Callable[[Socket], Awaitable[object]]
Outcome = tuple[WebSocketState, list[Message]] | type[Exception]

CALLS: dict[str, tuple[Call, dict[WebSocketState, Outcome]]] = {
    "accept()": (
        lambda socket: socket.accept(),
        {
            CONNECTING: (CONNECTED, [ACCEPT]),
            CONNECTED: WebSocketStateError,
            DENYING: WebSocketStateError,
            CLOSED: WebSocketStateError,
            DISCONNECTED: WebSocketDisconnect,
        },
    ),
    "deny()": (
        lambda socket: socket.deny(forbidden),
        {
            CONNECTING: (CLOSED, FORBIDDEN),
            CONNECTED: WebSocketStateError,
            DENYING: WebSocketStateError,
            CLOSED: WebSocketStateError,
            DISCONNECTED: (DISCONNECTED, []),
        },
    ),
    "close()": (
        lambda socket: socket.close(),
        {
            CONNECTING: (CLOSED, [CLOSE]),
            CONNECTED: (CLOSED, [CLOSE]),
            DENYING: (DENYING, []),
            CLOSED: (CLOSED, []),
            DISCONNECTED: (DISCONNECTED, []),
        },
    ),
    "close_for()": (
        lambda socket: socket.close_for(None),
        {
            CONNECTING: (CLOSED, [CLOSE]),
            CONNECTED: (CLOSED, [CLOSE]),
            DENYING: (DENYING, []),
            CLOSED: (CLOSED, []),
            DISCONNECTED: (DISCONNECTED, []),
        },
    ),
    "send(accept)": (
        lambda socket: socket.send(ACCEPT),
        {
            CONNECTING: (CONNECTED, [ACCEPT]),
            CONNECTED: WebSocketStateError,
            DENYING: WebSocketStateError,
            CLOSED: WebSocketStateError,
            DISCONNECTED: WebSocketDisconnect,
        },
    ),
    "send(send)": (
        lambda socket: socket.send(SEND),
        {
            CONNECTING: WebSocketStateError,
            CONNECTED: (CONNECTED, [SEND]),
            DENYING: WebSocketStateError,
            CLOSED: WebSocketStateError,
            DISCONNECTED: WebSocketDisconnect,
        },
    ),
    "send(close)": (
        lambda socket: socket.send(CLOSE),
        {
            CONNECTING: (CLOSED, [CLOSE]),
            CONNECTED: (CLOSED, [CLOSE]),
            DENYING: (DENYING, []),
            CLOSED: (CLOSED, []),
            DISCONNECTED: (DISCONNECTED, []),
        },
    ),
    "send(response.start)": (
        lambda socket: socket.send(START),
        {
            CONNECTING: (DENYING, [START]),
            CONNECTED: WebSocketStateError,
            DENYING: WebSocketStateError,
            CLOSED: WebSocketStateError,
            DISCONNECTED: WebSocketDisconnect,
        },
    ),
    "send(response.body)": (
        lambda socket: socket.send(BODY),
        {
            CONNECTING: WebSocketStateError,
            CONNECTED: WebSocketStateError,
            DENYING: (CLOSED, [BODY]),
            CLOSED: WebSocketStateError,
            DISCONNECTED: WebSocketDisconnect,
        },
    ),
    "send(response.body, more)": (
        lambda socket: socket.send(MORE),
        {
            CONNECTING: WebSocketStateError,
            CONNECTED: WebSocketStateError,
            DENYING: (DENYING, [MORE]),
            CLOSED: WebSocketStateError,
            DISCONNECTED: WebSocketDisconnect,
        },
    ),
    "send(http.response.start)": (
        lambda socket: socket.send({**START, "type": "http.response.start"}),
        {
            CONNECTING: WebSocketStateError,
            CONNECTED: WebSocketStateError,
            DENYING: WebSocketStateError,
            CLOSED: WebSocketStateError,
            DISCONNECTED: WebSocketDisconnect,
        },
    ),
}


@pytest.mark.anyio
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("call", "state", "outcome"),
    [
        pytest.param(call, state, outcome, id=f"{name} when {state.value}")
        for name, (call, outcomes) in CALLS.items()
        for state, outcome in outcomes.items()
    ],
)
async def test_every_call_in_every_state(
    call: Call, state: WebSocketState, outcome: Outcome, version: str
) -> None:
    socket, sent = await brought_to(state)
    socket.scope["asgi"]["spec_version"] = version
    if isinstance(outcome, tuple):
        await call(socket)
        assert (socket.state, sent) == outcome
    else:
        with pytest.raises(outcome):
            await call(socket)
        assert (socket.state, sent) == (state, [])


def test_the_table_is_whole() -> None:
    assert all(set(outcomes) == set(WebSocketState) for _, outcomes in CALLS.values())


@pytest.mark.anyio
@pytest.mark.parametrize("incoming", [CONNECT, HELLO, LEFT])
@pytest.mark.parametrize("state", WebSocketState)
async def test_receive_in_every_state(state: WebSocketState, incoming: Message) -> None:
    # In CONNECTING the first message must be the connect, or the news that nobody waits for it.
    if state is CONNECTING:
        socket, sent, _ = opened(incoming)
        expected = {"websocket.connect": CONNECTING, "websocket.disconnect": DISCONNECTED}
    else:
        socket, sent = await brought_to(state, incoming)
        expected = {"websocket.receive": state, "websocket.disconnect": DISCONNECTED}
    if state is DISCONNECTED:
        with pytest.raises(WebSocketDisconnect) as left:
            await socket.receive()
        assert (left.value.code, left.value.reason) == (1001, "bye")
    elif incoming["type"] not in expected:
        with pytest.raises(WebSocketStateError, match="out of order"):
            await socket.receive()
        assert socket.state is state
    else:
        assert await socket.receive() is incoming
        assert socket.state is expected[incoming["type"]]
    assert not sent


@pytest.mark.anyio
async def test_receive_refuses_what_is_no_websocket_message() -> None:
    socket, _, _ = opened({"type": "http.request"})
    with pytest.raises(WebSocketStateError, match=r"http\.request"):
        await socket.receive()


# How the peer leaves


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [
        pytest.param({}, 1005, "", id="neither code nor reason (spec before 2.5)"),
        pytest.param({"code": None, "reason": None}, 1005, "", id="both None"),
        pytest.param({"code": 1001}, 1001, "", id="code alone"),
        pytest.param({"code": 4000, "reason": "so"}, 4000, "so", id="both"),
    ],
)
async def test_code_and_reason_of_a_disconnect(message: Message, code: int, reason: str) -> None:
    socket, _, _ = opened(CONNECT, {"type": "websocket.disconnect", **message})
    await socket.accept()
    assert (socket.close_code, socket.close_reason) == (None, "")
    await socket.receive()
    assert (socket.close_code, socket.close_reason) == (code, reason)
    for _ in range(2):
        with pytest.raises(WebSocketDisconnect) as left:
            await socket.send(SEND)
        assert (left.value.code, left.value.reason) == (code, reason)


@pytest.mark.anyio
async def test_oserror_of_the_server_means_the_peer_left() -> None:
    socket, sent, peer = opened(CONNECT, LEFT)
    await socket.accept()
    peer.fail_send_at = 1
    with pytest.raises(WebSocketDisconnect) as left:
        await socket.send(SEND)
    assert (left.value.code, left.value.reason) == (1006, "")
    assert isinstance(left.value.__cause__, OSError)
    assert socket.state is DISCONNECTED
    with pytest.raises(WebSocketDisconnect):
        await socket.receive()
    await socket.close()
    assert sent == [ACCEPT]


@pytest.mark.anyio
async def test_close_is_content_if_the_peer_left() -> None:
    socket, _, peer = opened(CONNECT)
    await socket.accept()
    peer.fail_send_at = 1
    await socket.close()
    assert socket.state is DISCONNECTED


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("call", "error"),
    [
        pytest.param(methodcaller("accept"), WebSocketDisconnect, id="accept"),
        pytest.param(methodcaller("send", START), WebSocketDisconnect, id="send"),
        pytest.param(methodcaller("close"), None, id="close"),
        pytest.param(methodcaller("deny", forbidden), None, id="deny"),
    ],
)
async def test_peer_left_before_the_handshake_was_looked_at(
    call: Call, error: type[Exception] | None
) -> None:
    socket, sent, _ = opened(LEFT)
    if error is None:
        await call(socket)
    else:
        with pytest.raises(error):
            await call(socket)
    assert (socket.state, sent) == (DISCONNECTED, [])


@pytest.mark.anyio
async def test_peer_that_leaves_while_a_send_waits_stays_gone() -> None:
    incoming = iter([CONNECT, LEFT])

    async def receive() -> Message:
        return next(incoming)

    async def send(message: Message) -> None:
        if message["type"] == "websocket.accept":  # as if another task received meanwhile
            await socket.receive()

    socket: Socket = RawWebSocket(websocket_scope(), receive, send)
    await socket.accept()
    assert (socket.state, socket.close_code) == (DISCONNECTED, 1001)


@pytest.mark.anyio
async def test_first_news_of_leaving_counts() -> None:
    incoming = iter([CONNECT, LEFT])

    async def receive() -> Message:
        return next(incoming)

    async def send(message: Message) -> None:
        if message["type"] == "websocket.send":
            await socket.receive()
            raise OSError

    socket: Socket = RawWebSocket(websocket_scope(), receive, send)
    await socket.accept()
    with pytest.raises(WebSocketDisconnect) as left:
        await socket.send(SEND)
    assert left.value.code == 1001


@pytest.mark.anyio
async def test_close_by_two_tasks_sends_once() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return CONNECT

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "websocket.close":  # as if another task closed meanwhile
            await socket.close(1001)

    socket: Socket = RawWebSocket(websocket_scope(), receive, send)
    await socket.accept()
    await socket.close()
    assert sent == [ACCEPT, CLOSE]


@pytest.mark.anyio
async def test_server_that_fails_to_accept_leaves_the_handshake_open() -> None:
    async def receive() -> Message:
        return CONNECT

    async def send(message: Message) -> None:
        raise ValueError("not like this")

    socket: Socket = RawWebSocket(websocket_scope(), receive, send)
    with pytest.raises(ValueError, match="not like this"):
        await socket.accept()
    assert socket.state is CONNECTING


@pytest.mark.anyio
async def test_one_upon_another_learns_the_same() -> None:
    outer, sent, peer = opened(CONNECT, HELLO, LEFT)
    inner: Socket = RawWebSocket(outer.scope, outer.receive, outer.send)
    await inner.accept()
    assert (inner.state, outer.state, sent) == (CONNECTED, CONNECTED, [ACCEPT])
    assert await inner.receive() == HELLO
    peer.fail_send_at = 1
    with pytest.raises(WebSocketDisconnect):
        await inner.send(SEND)
    assert (inner.state, inner.close_code) == (outer.state, outer.close_code)
    assert (inner.state, inner.close_code) == (DISCONNECTED, 1006)
    await inner.close()


# accept


@pytest.mark.anyio
async def test_accept_does_not_wait_for_connect_twice() -> None:
    socket, sent, _ = opened(CONNECT, HELLO)
    assert await socket.receive() == CONNECT
    await socket.accept()
    assert await socket.receive() == HELLO
    assert sent == [ACCEPT]


@pytest.mark.anyio
async def test_accept_sends_subprotocol_and_headers() -> None:
    socket, sent, _ = opened(CONNECT, subprotocols=["a", "b"])
    await socket.accept("b", {"X-One": "1"})
    assert sent == [{**ACCEPT, "subprotocol": "b", "headers": [(b"x-one", b"1")]}]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        pytest.param({"subprotocol": "c"}, ValueError, "'c'", id="subprotocol not offered"),
        pytest.param({"subprotocol": ""}, ValueError, "''", id="subprotocol of no letter"),
        pytest.param(
            {"headers": {"Sec-WebSocket-Protocol": "a"}}, ValueError, "subprotocol=", id="header"
        ),
        pytest.param({"headers": {"x": "a\r\nb: c"}}, ValueError, "line break", id="injection"),
        pytest.param({"headers": {"x": 1}}, TypeError, "is a str", id="not text"),
    ],
)
async def test_accept_refuses(
    arguments: dict[str, Any], error: type[Exception], words: str
) -> None:
    socket, sent, _ = opened(CONNECT, subprotocols=["a", "b"])
    with pytest.raises(error, match=words):
        await socket.accept(**arguments)
    assert (socket.state, sent) == (CONNECTING, [])
    await socket.accept("a")


@pytest.mark.anyio
@pytest.mark.parametrize("version", [*VERSIONS, None, "3.0", "10.0", "two"])
async def test_headers_need_spec_2_1(version: str | None) -> None:
    socket, sent, _ = opened(CONNECT, spec_version=version)
    if version is None:  # then it is 2.0
        del socket.scope["asgi"]["spec_version"]
    if version in {None, "2.0", "two"}:
        with pytest.raises(Misuse, match=r"2\.1"):
            await socket.accept(headers=[("x", "y")])
        await socket.accept(headers=())
        assert sent == [ACCEPT]
    else:
        await socket.accept(headers=[("x", "y")])
        assert sent == [{**ACCEPT, "headers": [(b"x", b"y")]}]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        pytest.param({}, (), id="none offered"),
        pytest.param({"subprotocols": ["a", "b"]}, ("a", "b"), id="list"),
        pytest.param({"subprotocols": ["a, b ,\tc"]}, ("a", "b", "c"), id="the field as it came"),
        pytest.param({"subprotocols": ["\x80\xff", "", "a b", "c"]}, ("c",), id="no tokens"),
        pytest.param({"subprotocols": []}, (), id="empty list"),
        pytest.param(
            {
                "subprotocols": None,
                "headers": [
                    (b"host", b"a"),
                    (b"sec-websocket-protocol", b"a,,b"),
                    (b"sec-websocket-protocol", b"\x80\xff, c"),
                ],
            },
            ("a", "b", "c"),
            id="read from the fields where the server does not",
        ),
    ],
)
def test_subprotocols(scope: dict[str, Any], expected: tuple[str, ...]) -> None:
    base: Scope = {"type": "websocket", "headers": [], "path": "/"}
    assert RawWebSocket({**base, **scope}).subprotocols == expected


# close


@pytest.mark.anyio
@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1010, 1014, 3000, 3999, 4000, 4999])
async def test_close_codes(code: int) -> None:
    socket, sent, _ = opened(CONNECT)
    await socket.accept()
    await socket.close(code)
    assert sent == [ACCEPT, {**CLOSE, "code": code}]


@pytest.mark.anyio
@pytest.mark.parametrize("state", WebSocketState)
async def test_an_open_socket_is_abandoned(state: WebSocketState) -> None:
    socket, sent = await brought_to(state)
    sent.clear()
    with pytest.raises(ValueError, match="no close code"):
        await socket.abandon(1005)
    assert socket.state is state
    await socket.abandon()
    await socket.abandon(1001)
    if state is CONNECTED:
        assert (socket.state, sent) == (DISCONNECTED, [{**CLOSE, "code": 1012}])
        for call in (socket.receive, lambda: socket.send(SEND)):
            with pytest.raises(WebSocketDisconnect) as left:
                await call()
            assert left.value.code == 1012
    else:
        assert (socket.state, sent) == (state, [])


@pytest.mark.anyio
async def test_a_server_may_say_that_the_abandoned_one_has_left() -> None:
    async def receive() -> Message:
        return CONNECT

    async def send(message: Message) -> None:
        if message["type"] == "websocket.close":
            raise RuntimeError("there was a close already")

    socket: Socket = RawWebSocket(websocket_scope(), receive, send)
    await socket.accept()
    await socket.abandon()
    assert socket.close_code == 1012


@pytest.mark.anyio
@pytest.mark.parametrize(
    "code", [-1, 0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 2**40, True]
)
@pytest.mark.parametrize("state", WebSocketState)
async def test_close_refuses_other_codes_in_every_state(code: int, state: WebSocketState) -> None:
    socket, sent = await brought_to(state)
    with pytest.raises(ValueError, match="no close code"):
        await socket.close(code)
    assert (socket.state, sent) == (state, [])


@pytest.mark.anyio
@pytest.mark.parametrize("arguments", [("1000",), (None,), (1e3,), (1000, None), (1000, b"no")])
async def test_close_refuses_other_types(arguments: Any) -> None:
    socket, sent, _ = opened(CONNECT)
    with pytest.raises(TypeError, match="is a"):
        await socket.close(*arguments)
    assert (socket.state, sent) == (CONNECTING, [])


@pytest.mark.anyio
@pytest.mark.parametrize("version", VERSIONS)
async def test_reason_needs_spec_2_3(version: str) -> None:
    socket, sent, _ = opened(CONNECT, spec_version=version)
    await socket.close(4000, "so")
    reason = {"reason": "so"} if version >= "2.3" else {}
    assert sent == [{**CLOSE, "code": 4000, **reason}]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        pytest.param("a" * 123, "a" * 123, id="123 bytes"),
        pytest.param("a" * 124, "a" * 123, id="124 bytes"),
        pytest.param("é" * 62, "é" * 61, id="cut before a character of two bytes"),
        pytest.param("a" + "\U0001f600" * 31, "a" + "\U0001f600" * 30, id="four bytes"),
        pytest.param("\udc80", "?", id="lone surrogate"),
    ],
)
async def test_reason_is_cut_at_a_character(reason: str, expected: str) -> None:
    socket, sent, _ = opened(CONNECT)
    await socket.close(1000, reason)
    assert sent == [{**CLOSE, "reason": expected}]


@given(st.text(max_size=200))
def test_reason_always_fits(reason: str) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return CONNECT

    async def send(message: Message) -> None:
        sent.append(message)

    socket: Socket = RawWebSocket(websocket_scope(), receive, send)
    with pytest.raises(StopIteration):  # nothing waits, so no event loop is needed
        socket.close(1000, reason).send(None)
    cut = sent[0].get("reason", "")
    assert len(cut.encode()) <= 123
    assert reason.encode("utf-8", "replace").decode().startswith(cut)
    assert len(cut.encode()) > 119 or cut == reason.encode("utf-8", "replace").decode()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        pytest.param(None, 1000, "", id="none"),
        pytest.param(UnexpectedMessage("text"), 1003, "message: must be text", id="wrong kind"),
        pytest.param(ContentTooLarge("message", 9), 1009, "message: over 9 bytes", id="too large"),
        pytest.param(BadInput("message", "bad"), 1007, "message: bad", id="malformed"),
        pytest.param(InvalidData("$.a", "bad"), 1007, "$.a: bad", id="of another type"),
        pytest.param(HTTPException(403, "go"), 1008, "go", id="forbidden"),
        pytest.param(HTTPException(503, "db-1 is down"), 1011, "", id="our fault"),
        pytest.param(RuntimeError("secret"), 1011, "", id="any other"),
    ],
)
async def test_close_for(error: Exception | None, code: int, reason: str) -> None:
    socket, sent, _ = opened(CONNECT)
    await socket.accept()
    await socket.close_for(error)
    assert sent[1:] == [{**CLOSE, "code": code} | ({"reason": reason} if reason else {})]


@pytest.mark.anyio
async def test_close_for_a_cancellation_sends_nothing() -> None:
    socket, sent, _ = opened(CONNECT)
    await socket.accept()
    await socket.close_for(KeyboardInterrupt())
    assert (socket.state, sent) == (CONNECTED, [ACCEPT])


def test_the_two_states_of_a_socket() -> None:
    socket, _, _ = opened(state={"db": 1})
    assert socket.state is CONNECTING
    assert socket.lifespan_state == {"db": 1}


# deny


@pytest.mark.anyio
@pytest.mark.parametrize("version", VERSIONS)
async def test_deny_by_a_response_where_offered(version: str) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await RawWebSocket(scope, receive, send).deny(forbidden)

    scope = websocket_scope(extensions=OFFER, spec_version=version)
    assert await drive(app, scope, CONNECT) == FORBIDDEN


@pytest.mark.anyio
@pytest.mark.parametrize("extensions", [None, {}, {"tls": {}}])
async def test_deny_by_a_close_where_not_offered(extensions: dict[str, object] | None) -> None:
    called: list[Scope] = []

    async def response(scope: Scope, receive: Receive, send: Send) -> None:
        called.append(scope)

    socket, sent, _ = opened(CONNECT)
    socket.scope["extensions"] = extensions
    with pytest.raises(WebSocketStateError, match="does not offer"):
        await socket.send(START)
    await socket.deny(response)
    assert sent == [{**CLOSE, "code": 1008}]
    assert (socket.state, called) == (CLOSED, [])


@pytest.mark.anyio
@pytest.mark.parametrize(("scheme", "expected"), [("ws", "http"), ("wss", "https")])
async def test_a_denial_is_an_exchange_of_http(scheme: str, expected: str) -> None:
    seen: list[Scope | Message] = []

    async def response(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend((scope, await receive(), await receive(), await receive()))
        raise ClientDisconnect

    socket, sent, _ = opened(
        CONNECT, HELLO, LEFT, scheme=scheme, path="/a", subprotocols=["x"], portico=1
    )
    before = dict(socket.scope)
    await socket.deny(response)
    scope, *messages = seen
    assert messages == [
        {"type": "http.request", "body": b"", "more_body": False},
        {"type": "http.disconnect"},
        {"type": "http.disconnect"},
    ]
    assert scope["type"] == "http"
    assert scope["method"] == "GET"
    assert scope["scheme"] == expected
    assert scope["extensions"] == {}
    assert (scope["path"], scope["portico"]) == ("/a", 1)
    assert "subprotocols" not in scope
    assert socket.scope == before
    assert sent == []


@pytest.mark.anyio
async def test_a_denial_may_stream() -> None:
    async def response(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 404, "trailers": False})
        await send({"type": "http.response.body", "body": b"n", "more_body": True})
        await send({"type": "http.response.body"})

    socket, sent, _ = opened(CONNECT)
    await socket.deny(response)
    assert sent == [{**START, "status": 404}, MORE, {**BODY, "body": b""}]
    assert socket.state is CLOSED


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("messages", "state"),
    [
        pytest.param([], CONNECTING, id="nothing sent"),
        pytest.param([START], DENYING, id="no body"),
        pytest.param([START, MORE], DENYING, id="no end"),
    ],
)
async def test_a_denial_must_be_complete(messages: list[Message], state: WebSocketState) -> None:
    async def response(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send({**message, "type": message["type"].removeprefix("websocket.")})

    socket, sent, _ = opened(CONNECT)
    with pytest.raises(WebSocketStateError, match="not complete"):
        await socket.deny(response)
    assert (socket.state, sent) == (state, messages)


@pytest.mark.anyio
async def test_a_denial_has_no_other_messages() -> None:
    async def response(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.push", "path": "/"})

    socket, sent, _ = opened(CONNECT)
    with pytest.raises(Misuse, match=r"http\.response\.push"):
        await socket.deny(response)
    await socket.deny(forbidden)
    assert sent == FORBIDDEN


@pytest.mark.anyio
@pytest.mark.parametrize("error", [OSError, ClientDisconnect, RuntimeError])
async def test_an_error_of_the_response_goes_on(error: type[Exception]) -> None:
    async def response(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    socket, sent, _ = opened(CONNECT, tail="block")
    with pytest.raises(error):
        await socket.deny(response)
    assert (socket.state, sent) == (CONNECTING, [])


@pytest.mark.anyio
@pytest.mark.parametrize("catches", [False, True])
async def test_a_peer_that_leaves_during_a_denial(catches: bool) -> None:
    async def stubborn(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await forbidden(scope, receive, send)
        except OSError:
            if not catches:
                raise

    socket, sent, peer = opened(CONNECT)
    peer.fail_send_at = 1
    await socket.deny(stubborn)
    assert (socket.state, len(sent)) == (DISCONNECTED, 1)


# Around an app


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        pytest.param(lambda: None, CONNECTING, id="returns at once"),
        pytest.param(lambda: ACCEPT, CONNECTED, id="accepts"),
        pytest.param(lambda: CLOSE, CLOSED, id="closes"),
    ],
)
async def test_an_app_can_run_on_its_receive_and_send(
    ends: Callable[[], Message | None], expected: WebSocketState
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert await receive() == CONNECT
        if answer := ends():
            await send(answer)

    socket, _, _ = opened(CONNECT)
    inner: ASGIApp = app
    await inner(socket.scope, socket.receive, socket.send)
    assert socket.state is expected


def test_an_unexpected_message_is_the_peers_mistake() -> None:
    error = UnexpectedMessage("binary")
    assert (error.status_code, error.field, error.reason) == (400, "message", "must be binary")
    assert not isinstance(error, UnsupportedMediaType)


@pytest.mark.anyio
async def test_an_accept_made_by_hand_is_checked() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    websocket: RawWebSocket[dict[str, Any]] = RawWebSocket(websocket_scope(), receive, send)
    with pytest.raises(ValueError, match="line break"):
        await websocket.send({"type": "websocket.accept", "headers": [(b"x-a", b"a\nb")]})
    assert (sent, websocket.state) == ([], WebSocketState.CONNECTING)
