"""Messages in and out of a websocket: text, bytes, JSON, MessagePack; iteration; ``async with``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from operator import methodcaller
from typing import Any, assert_type

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.asgi import Message, Receive, Scope, Send
from portico.codec import encode_msgpack
from portico.connection.raw_websocket import WebSocketState
from portico.connection.websocket import WebSocket
from portico.errors import (
    BadInput,
    HTTPException,
    InvalidData,
    UnexpectedMessage,
    WebSocketDisconnect,
    WebSocketStateError,
)
from tests.drive import Peer, drive, websocket_scope

CONNECT: Message = {"type": "websocket.connect"}
LEFT: Message = {"type": "websocket.disconnect", "code": 1001, "reason": "bye"}
ACCEPT: Message = {"type": "websocket.accept"}
CLOSE: Message = {"type": "websocket.close", "code": 1000}

Socket = WebSocket[dict[str, Any]]
Call = Callable[[Socket], Awaitable[object]]


class Point(msgspec.Struct):
    x: int


def text(value: str | None, **more: object) -> Message:
    return {"type": "websocket.receive", "text": value, **more}


def data(value: bytes | None, **more: object) -> Message:
    return {"type": "websocket.receive", "bytes": value, **more}


async def accepted(*incoming: Message) -> tuple[Socket, list[Message]]:
    """Make an open socket that will receive ``incoming``, and the list of what it sends."""
    scope = websocket_scope()
    peer = Peer(scope, [CONNECT, *incoming], "disconnect", [])
    socket: Socket = WebSocket(scope, peer.receive, peer.send)
    await socket.accept()
    peer.sent.clear()
    return socket, peer.sent


def test_any_part_alone() -> None:
    assert WebSocket(websocket_scope("/a")).path == "/a"


# Receiving


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("call", "message", "expected"),
    [
        pytest.param(methodcaller("receive_text"), text("a"), "a", id="text"),
        pytest.param(methodcaller("receive_text"), text(""), "", id="empty text"),
        pytest.param(
            methodcaller("receive_text"), text("a", bytes=None), "a", id="text, both keys"
        ),
        pytest.param(methodcaller("receive_bytes"), data(b"a"), b"a", id="bytes"),
        pytest.param(methodcaller("receive_bytes"), data(b""), b"", id="empty bytes"),
        pytest.param(methodcaller("receive_bytes"), data(b"a", text=None), b"a", id="both keys"),
        pytest.param(methodcaller("receive_data"), text("a", bytes=None), "a", id="either: text"),
        pytest.param(methodcaller("receive_data"), data(b"", text=None), b"", id="either: bytes"),
        pytest.param(methodcaller("receive_json"), text('{"x": 1}'), {"x": 1}, id="JSON as text"),
        pytest.param(methodcaller("receive_json"), data(b"null"), None, id="JSON as bytes"),
        pytest.param(
            methodcaller("receive_json", Point), text('{"x":1}'), Point(1), id="typed JSON"
        ),
        pytest.param(methodcaller("receive_json", type=list[int]), data(b"[1]"), [1], id="by name"),
        pytest.param(methodcaller("receive_msgpack"), data(b"\x91\x01"), [1], id="MessagePack"),
        pytest.param(
            methodcaller("receive_msgpack", Point), data(b"\x81\xa1x\x01"), Point(1), id="typed"
        ),
    ],
)
async def test_receive(call: Call, message: Message, expected: object) -> None:
    socket, _ = await accepted(message)
    assert await call(socket) == expected
    with pytest.raises(WebSocketDisconnect):
        await call(socket)


NEITHER: Message = {"type": "websocket.receive"}
DEEP = "[" * 100_000


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("call", "message", "error", "words"),
    [
        pytest.param(
            methodcaller("receive_text"), data(b"a"), UnexpectedMessage, "must be text", id="text"
        ),
        pytest.param(
            methodcaller("receive_bytes"),
            text("a"),
            UnexpectedMessage,
            "must be binary",
            id="bytes",
        ),
        pytest.param(
            methodcaller("receive_bytes"), text(""), UnexpectedMessage, "must be binary", id="empty"
        ),
        pytest.param(
            methodcaller("receive_msgpack"),
            text("a"),
            UnexpectedMessage,
            "binary",
            id="MessagePack",
        ),
        pytest.param(
            methodcaller("receive_text"), NEITHER, UnexpectedMessage, "text", id="neither"
        ),
        pytest.param(
            methodcaller("receive_json"), NEITHER, UnexpectedMessage, "text", id="no JSON"
        ),
        pytest.param(
            methodcaller("receive_json"),
            text("{"),
            BadInput,
            "message: is not valid JSON",
            id="bad",
        ),
        pytest.param(
            methodcaller("receive_json"), text(""), BadInput, "message: is empty", id="empty JSON"
        ),
        pytest.param(
            methodcaller("receive_json"), data(b"\xff"), BadInput, "message: ", id="UTF-8"
        ),
        pytest.param(methodcaller("receive_json"), text(DEEP), BadInput, "message: ", id="deep"),
        pytest.param(
            methodcaller("receive_json", Point),
            text('{"x": "1"}'),
            InvalidData,
            r"\$\.x",
            id="type",
        ),
        pytest.param(
            methodcaller("receive_msgpack"),
            data(b"\xc1"),
            BadInput,
            "message: is not",
            id="no pack",
        ),
    ],
)
async def test_what_the_peer_sends_wrongly(
    call: Call, message: Message, error: type[Exception], words: str
) -> None:
    socket, _ = await accepted(message, text("next"))
    with pytest.raises(error, match=words):
        await call(socket)
    assert socket.state is WebSocketState.CONNECTED
    assert await socket.receive_text() == "next"


@pytest.mark.anyio
async def test_receiving_ends_with_a_disconnect_each_time() -> None:
    socket, _ = await accepted(LEFT)
    for _ in range(2):
        with pytest.raises(WebSocketDisconnect) as left:
            await socket.receive_text()
        assert (left.value.code, left.value.reason) == (1001, "bye")


RECEIVE: dict[str, Call] = {
    "receive_text": methodcaller("receive_text"),
    "receive_bytes": methodcaller("receive_bytes"),
    "receive_json": methodcaller("receive_json"),
    "receive_msgpack": methodcaller("receive_msgpack"),
}
SEND: dict[str, Call] = {
    "send_text": methodcaller("send_text", "a"),
    "send_bytes": methodcaller("send_bytes", b"a"),
    "send_json": methodcaller("send_json", 1),
    "send_msgpack": methodcaller("send_msgpack", 1),
}
ITERATE: dict[str, Callable[[Socket], AsyncIterator[object]]] = {
    "iter_text": methodcaller("iter_text"),
    "iter_bytes": methodcaller("iter_bytes"),
    "iter_json": methodcaller("iter_json"),
    "iter_msgpack": methodcaller("iter_msgpack"),
}


async def in_state(state: WebSocketState) -> tuple[Socket, list[Message]]:
    scope = websocket_scope(extensions={"websocket.http.response": {}})
    more = [LEFT] if state is WebSocketState.DISCONNECTED else []
    peer = Peer(scope, [CONNECT, *more], "block", [])
    socket: Socket = WebSocket(scope, peer.receive, peer.send)
    if state is WebSocketState.DENYING:
        await socket.send({"type": "websocket.http.response.start", "status": 403, "headers": []})
    elif state is not WebSocketState.CONNECTING:
        await socket.accept()
    if state is WebSocketState.CLOSED:
        await socket.close()
    elif state is WebSocketState.DISCONNECTED:
        await socket.receive()
    peer.sent.clear()
    return socket, peer.sent


UNFIT = {
    WebSocketState.CONNECTING: WebSocketStateError,
    WebSocketState.DENYING: WebSocketStateError,
    WebSocketState.CLOSED: WebSocketStateError,
    WebSocketState.DISCONNECTED: WebSocketDisconnect,
}


@pytest.mark.anyio
@pytest.mark.parametrize("call", [*RECEIVE, *SEND])
@pytest.mark.parametrize(("state", "error"), UNFIT.items())
async def test_calls_in_the_states_that_are_not_open(
    call: str, state: WebSocketState, error: type[Exception]
) -> None:
    socket, sent = await in_state(state)
    with pytest.raises(error):
        await (RECEIVE | SEND)[call](socket)
    assert (socket.state, sent) == (state, [])


@pytest.mark.anyio
@pytest.mark.parametrize("call", ITERATE)
@pytest.mark.parametrize("state", [*UNFIT])
async def test_iteration_in_the_states_that_are_not_open(call: str, state: WebSocketState) -> None:
    socket, sent = await in_state(state)
    if state in {WebSocketState.CLOSED, WebSocketState.DISCONNECTED}:
        assert [message async for message in ITERATE[call](socket)] == []
    else:
        with pytest.raises(WebSocketStateError):
            await anext(ITERATE[call](socket))
    assert (socket.state, sent) == (state, [])


@pytest.mark.anyio
async def test_types_of_what_is_received() -> None:
    point, packed = text('{"x":1}'), data(b"\x81\xa1x\x01")
    socket, _ = await accepted(point, packed, point, packed)
    assert_type(await socket.receive_json(Point), Point)
    assert_type(await socket.receive_msgpack(Point), Point)
    async for one in socket.iter_json(Point):
        assert_type(one, Point)
        break
    async for other in socket.iter_msgpack(Point):
        assert_type(other, Point)


# Iterating


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("call", "incoming", "expected"),
    [
        pytest.param(methodcaller("iter_text"), [text("a"), text("")], ["a", ""], id="text"),
        pytest.param(methodcaller("iter_bytes"), [data(b"a"), data(b"")], [b"a", b""], id="bytes"),
        pytest.param(methodcaller("iter_json"), [text("1"), data(b"[2]")], [1, [2]], id="JSON"),
        pytest.param(
            methodcaller("iter_json", Point), [text('{"x":1}')], [Point(1)], id="typed JSON"
        ),
        pytest.param(methodcaller("iter_msgpack"), [data(b"\x01")], [1], id="MessagePack"),
        pytest.param(
            methodcaller("iter_msgpack", type=list[int]), [data(b"\x91\x01")], [[1]], id="typed"
        ),
    ],
)
async def test_iteration_ends_when_the_peer_leaves(
    call: Callable[[Socket], AsyncIterator[object]], incoming: list[Message], expected: list[object]
) -> None:
    socket, _ = await accepted(*incoming, LEFT)
    assert [message async for message in call(socket)] == expected
    assert (socket.close_code, socket.close_reason) == (1001, "bye")


@pytest.mark.anyio
async def test_iteration_ends_when_we_close() -> None:
    socket, sent = await accepted(text("a"), text("b"))
    seen: list[str] = []
    async for message in socket.iter_text():
        seen.append(message)
        await socket.close()
    assert (seen, sent) == (["a"], [CLOSE])


@pytest.mark.anyio
async def test_iteration_can_be_left_and_taken_up_again() -> None:
    socket, _ = await accepted(text("a"), data(b"b"), text("c"), text("d"))
    async for message in socket.iter_text():
        assert message == "a"
        break
    with pytest.raises(UnexpectedMessage):
        await anext(socket.iter_text())
    assert [message async for message in socket.iter_text()] == ["c", "d"]


@pytest.mark.anyio
async def test_a_peer_that_leaves_while_we_send_goes_through_the_loop() -> None:
    scope = websocket_scope()
    peer = Peer(scope, [CONNECT, text("a")], "disconnect", [])
    peer.fail_send_at = 1
    socket: Socket = WebSocket(scope, peer.receive, peer.send)

    async def echo() -> None:
        async with socket:
            async for message in socket.iter_text():
                await socket.send_text(message)

    with pytest.raises(WebSocketDisconnect) as left:
        await echo()
    assert left.value.code == 1006
    assert peer.sent == [ACCEPT]


# Sending


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("call", "expected"),
    [
        pytest.param(methodcaller("send_text", ""), {"text": ""}, id="empty text"),
        pytest.param(methodcaller("send_text", "é"), {"text": "é"}, id="text"),
        pytest.param(methodcaller("send_bytes", b""), {"bytes": b""}, id="empty bytes"),
        pytest.param(methodcaller("send_bytes", bytearray(b"a")), {"bytes": b"a"}, id="bytearray"),
        pytest.param(
            methodcaller("send_bytes", memoryview(b"a")), {"bytes": b"a"}, id="memoryview"
        ),
        pytest.param(methodcaller("send_json", {"é": 1}), {"text": '{"é":1}'}, id="JSON"),
        pytest.param(methodcaller("send_json", Point(1)), {"text": '{"x":1}'}, id="Struct"),
        pytest.param(
            methodcaller("send_json", [], mode="binary"), {"bytes": b"[]"}, id="JSON, binary"
        ),
        pytest.param(methodcaller("send_msgpack", [1]), {"bytes": b"\x91\x01"}, id="MessagePack"),
    ],
)
async def test_send(call: Call, expected: Message) -> None:
    socket, sent = await accepted()
    await call(socket)
    assert sent == [{"type": "websocket.send", **expected}]
    assert all(type(value) in {str, bytes} for value in sent[0].values())


def wrong(value: Any) -> Any:
    """Hide a value's type from the type checkers."""
    return value


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("call", "error"),
    [
        pytest.param(methodcaller("send_text", wrong(b"a")), TypeError, id="bytes as text"),
        pytest.param(methodcaller("send_text", wrong(None)), TypeError, id="None as text"),
        pytest.param(methodcaller("send_bytes", wrong("a")), TypeError, id="text as bytes"),
        pytest.param(methodcaller("send_bytes", wrong(4)), TypeError, id="a number as bytes"),
        pytest.param(methodcaller("send_json", object()), TypeError, id="no JSON"),
        pytest.param(methodcaller("send_json", 1, mode=wrong("hex")), ValueError, id="mode"),
        pytest.param(methodcaller("send_msgpack", object()), TypeError, id="no MessagePack"),
    ],
)
async def test_send_refuses(call: Call, error: type[Exception]) -> None:
    socket, sent = await accepted()
    with pytest.raises(error):
        await call(socket)
    assert sent == []


@pytest.mark.anyio
async def test_many_small_messages_are_one_each() -> None:
    socket, sent = await accepted(*[text(str(n)) for n in range(1000)])
    async for message in socket.iter_text():
        await socket.send_text(message)
    assert [message["text"] for message in sent] == [str(n) for n in range(1000)]


# async with


@pytest.mark.anyio
async def test_async_with_accepts_and_closes() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async with WebSocket(scope, receive, send) as websocket:
            async for message in websocket.iter_text():
                await websocket.send_text(message)
                break

    answer = {"type": "websocket.send", "text": "a"}
    assert await drive(app, websocket_scope(), CONNECT, text("a")) == [ACCEPT, answer, CLOSE]


@pytest.mark.anyio
async def test_async_with_keeps_to_what_was_done() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        websocket: Socket = WebSocket(scope, receive, send)
        await websocket.accept("b")
        async with websocket as same:
            assert same is websocket
            await websocket.close(4000)

    assert await drive(app, websocket_scope(subprotocols=["a", "b"]), CONNECT) == [
        {**ACCEPT, "subprotocol": "b"},
        {**CLOSE, "code": 4000},
    ]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "closed"),
    [
        pytest.param(RuntimeError("secret"), [{**CLOSE, "code": 1011}], id="exception"),
        pytest.param(
            HTTPException(403, "no"), [{**CLOSE, "code": 1008, "reason": "no"}], id="refusal"
        ),
        pytest.param(
            UnexpectedMessage("text"),
            [{**CLOSE, "code": 1003, "reason": "message: must be text"}],
            id="wrong kind",
        ),
        pytest.param(KeyboardInterrupt(), [], id="cancellation: the server ends the connection"),
    ],
)
async def test_async_with_after_an_exception(error: BaseException, closed: list[Message]) -> None:
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async with WebSocket(scope, receive, send):
            raise error

    with pytest.raises(type(error)) as raised:
        await drive(app, websocket_scope(), CONNECT, sent=sent)
    assert raised.value is error
    assert sent == [ACCEPT, *closed]


@pytest.mark.anyio
@pytest.mark.parametrize(("state", "error"), UNFIT.items())
async def test_async_with_in_the_states_that_are_not_open(
    state: WebSocketState, error: type[Exception]
) -> None:
    socket, sent = await in_state(state)
    if state is WebSocketState.CONNECTING:
        async with socket:
            pass
        assert sent == [ACCEPT, CLOSE]
    else:
        with pytest.raises(error):
            await socket.__aenter__()
        assert (socket.state, sent) == (state, [])


# Whatever a peer sends

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def run_at_once(call: Awaitable[object]) -> object:
    """Run what never waits; no event loop is needed."""
    steps = call.__await__()
    try:
        next(steps)
    except StopIteration as result:
        return result.value
    raise AssertionError("it waited")


def talking(*incoming: Message) -> tuple[Socket, list[Message]]:
    waiting, sent = [CONNECT, *incoming], list[Message]()

    async def receive() -> Message:
        return waiting.pop(0) if waiting else LEFT

    async def send(message: Message) -> None:
        sent.append(message)

    socket: Socket = WebSocket(websocket_scope(), receive, send)
    run_at_once(socket.accept())
    return socket, sent


@given(JSON)
def test_json_and_msgpack_come_back(value: object) -> None:
    socket, sent = talking()
    run_at_once(socket.send_json(value))
    run_at_once(socket.send_json(value, mode="binary"))
    run_at_once(socket.send_msgpack(value))
    echo, _ = talking(*({**message, "type": "websocket.receive"} for message in sent[1:]))
    assert run_at_once(echo.receive_json()) == value
    assert run_at_once(echo.receive_json()) == value
    assert run_at_once(echo.receive_msgpack()) == value


def assert_is_the_peers(error: BadInput) -> None:
    assert 400 <= error.status_code < 500


@given(st.text() | st.binary() | JSON.map(encode_msgpack))
def test_no_message_is_worse_than_bad_input(content: str | bytes) -> None:
    message = text(content) if isinstance(content, str) else data(content)
    for call in RECEIVE.values():
        socket, _ = talking(message)
        try:
            run_at_once(call(socket))
        except BadInput as error:
            assert_is_the_peers(error)
        assert socket.state is WebSocketState.CONNECTED
