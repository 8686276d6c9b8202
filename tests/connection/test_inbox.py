"""Beside the messages of a websocket: limits, time, tasks, looking out for the end, heartbeats."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from operator import methodcaller
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from portico import App, WebSocket, websocket_session
from portico.asgi import Message
from portico.connection._inbox import size_of
from portico.connection.raw_websocket import WebSocketState
from portico.errors import (
    ContentTooLarge,
    HTTPException,
    Misuse,
    WebSocketDisconnect,
    WebSocketStateError,
)
from tests.drive import drive, websocket_scope
from tests.security.invariants import invariants

pytestmark = pytest.mark.anyio

CONNECT: Message = {"type": "websocket.connect"}
LEFT: Message = {"type": "websocket.disconnect", "code": 1001, "reason": "bye"}
Socket = WebSocket[dict[str, Any]]


def text(value: str) -> Message:
    return {"type": "websocket.receive", "text": value}


class Wire:
    """A peer whose messages come when the test says so."""

    def __init__(self, **scope: Any) -> None:
        self.sent: list[Message] = []
        self.taken: int = 0
        self._send, self._receive = anyio.create_memory_object_stream[Message](1000)
        self.socket: Socket = WebSocket(websocket_scope(**scope), self.receive, self.send)

    def give(self, *messages: Message) -> None:
        for message in messages:
            self._send.send_nowait(message)

    async def receive(self) -> Message:
        message = await self._receive.receive()
        self.taken += 1
        return message

    async def send(self, message: Message) -> None:
        await anyio.lowlevel.checkpoint()
        self.sent.append(message)

    def close(self) -> None:
        self._send.close()
        self._receive.close()


async def opened(*incoming: Message, **scope: Any) -> Wire:
    wire = Wire(**scope)
    wire.give(CONNECT, *incoming)
    await wire.socket.accept()
    wire.sent.clear()
    return wire


@pytest.mark.parametrize(("data", "size"), [("", 0), ("a", 1), ("é€", 5), (b"\xff", 1)])
async def test_sizes(data: str | bytes, size: int) -> None:
    assert size_of(data) == size


# The size of messages

RECEIVE: list[Callable[[Socket], Awaitable[object]]] = [
    methodcaller("receive_text", max_bytes=8),
    methodcaller("receive_json", max_bytes=8),
    lambda socket: anext(socket.iter_text(max_bytes=8)),
    lambda socket: anext(socket.iter_json(max_bytes=8)),
]


@pytest.mark.parametrize("call", RECEIVE)
@pytest.mark.parametrize(
    ("value", "fits"),
    [
        pytest.param('"123456"', True, id="at the limit"),
        pytest.param('"1234567"', False, id="one over"),
        pytest.param('"ééé"', True, id="at the limit, two bytes each"),
        pytest.param('"éééé"', False, id="over, two bytes each"),
    ],
)
async def test_a_message_over_the_limit_closes(
    call: Callable[[Socket], Awaitable[object]], value: str, fits: bool
) -> None:
    wire = await opened(text(value))
    if fits:
        assert str(await call(wire.socket)).strip('"') == value.strip('"')
    else:
        with pytest.raises(ContentTooLarge) as caught:
            await call(wire.socket)
        assert caught.value.limit == 8
        assert (wire.socket.state, wire.sent[0]["code"]) == (WebSocketState.CLOSED, 1009)
    wire.close()


@pytest.mark.parametrize(
    ("app", "route", "size", "fits"),
    [
        pytest.param({}, {}, 1024 * 1024, True, id="1 MiB"),
        pytest.param({}, {}, 1024 * 1024 + 1, False, id="over 1 MiB"),
        pytest.param({"max_message_bytes": 4}, {}, 5, False, id="the app"),
        pytest.param({"max_message_bytes": 4}, {"max_message_bytes": 5}, 5, True, id="the route"),
        pytest.param({}, {"max_message_bytes": None}, 2_000_000, True, id="none"),
    ],
)
async def test_where_the_limit_is_set(
    app: dict[str, Any], route: dict[str, Any], size: int, fits: bool
) -> None:
    served = App(**app)

    @served.websocket("/", **route)
    async def handler(websocket: Socket) -> None:
        async with websocket:
            assert len(await websocket.receive_bytes()) == size

    async with invariants():
        data: Message = {"type": "websocket.receive", "bytes": bytes(size)}
        sent = await drive(served, websocket_scope(), CONNECT, data)
    assert sent[-1]["code"] == (1000 if fits else 1009)


# Time


async def test_a_message_that_does_not_come_in_time() -> None:
    wire = await opened()
    with pytest.raises(HTTPException, match="408"):
        await wire.socket.receive_text(timeout_s=0.01)
    assert wire.socket.state is WebSocketState.CONNECTED
    wire.give(text("late"))
    assert [await anext(wire.socket.iter_text(timeout_s=5))] == ["late"]
    wire.close()


async def test_a_silent_peer_is_closed() -> None:
    @websocket_session
    async def handler(websocket: Socket) -> None:
        async with websocket:
            async for _ in websocket.iter_text(timeout_s=0.01):
                pass

    async with invariants():
        sent = await drive(handler, websocket_scope(), CONNECT, text("a"))
    assert (sent[-1]["code"], sent[-1]["reason"]) == (1008, "no message for 0.01 seconds")


# Tasks


@pytest.mark.parametrize("call", ["receive", "receive_text", "wait_disconnected"])
async def test_one_task_receives(call: str) -> None:
    wire = await opened()
    async with anyio.create_task_group() as group:
        group.start_soon(wire.socket.receive_text)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(Misuse, match="another task"):
            await getattr(wire.socket, call)()
        with pytest.raises(Misuse, match="another task"):
            await anext(wire.socket.iter_text())
        with pytest.raises(Misuse, match="another task"):
            async with wire.socket.until_disconnected():
                raise RuntimeError("not reached")  # pragma: no cover
        wire.give(text("x"))
    wire.close()


async def test_messages_of_many_tasks_keep_their_order() -> None:
    wire = await opened()
    async with anyio.create_task_group() as group:
        for number in range(50):
            group.start_soon(wire.socket.send_text, str(number))
            await anyio.lowlevel.checkpoint()
    assert [message["text"] for message in wire.sent] == [str(number) for number in range(50)]
    wire.close()


async def test_closing_waits_for_no_sender() -> None:
    wire = await opened()
    stuck = anyio.Event()

    async def send(message: Message) -> None:
        if message["type"] == "websocket.send":
            await stuck.wait()
        wire.sent.append(message)

    wire.socket._send = send
    refused: list[Exception] = []

    async def second() -> None:
        try:
            await wire.socket.send_text("b")
        except WebSocketStateError as error:
            refused.append(error)

    async with anyio.create_task_group() as group:
        group.start_soon(wire.socket.send_text, "a")
        await anyio.wait_all_tasks_blocked()
        group.start_soon(second)
        await anyio.wait_all_tasks_blocked()
        await wire.socket.close()
        assert [message["type"] for message in wire.sent] == ["websocket.close"]
        stuck.set()
    assert len(refused) == 1
    wire.close()


# Looking out for the end


async def test_one_that_only_sends_ends_when_the_peer_leaves() -> None:
    @websocket_session
    async def ticks(websocket: Socket) -> None:
        async with websocket, websocket.until_disconnected():
            await anyio.sleep_forever()

    async with invariants():
        sent = await drive(ticks, websocket_scope(), CONNECT, *[text("x")] * 500, LEFT)
    assert [message["type"] for message in sent] == ["websocket.accept"]


async def test_the_end_is_told_with_code_and_reason() -> None:
    wire = await opened()
    wire.give(text("dropped"), LEFT)
    with pytest.raises(WebSocketDisconnect) as caught:
        async with wire.socket.until_disconnected():
            await anyio.sleep_forever()
    assert (caught.value.code, caught.value.reason) == (1001, "bye")
    with pytest.raises(WebSocketDisconnect):
        await wire.socket.send_text("x")
    wire.close()


async def test_receiving_where_messages_are_dropped() -> None:
    wire = await opened()
    async with wire.socket.until_disconnected():
        with pytest.raises(Misuse, match="another task"):
            await wire.socket.receive_text()
    wire.give(text("after"))
    assert await wire.socket.receive_text() == "after"
    wire.close()


async def test_messages_that_are_kept_are_bounded() -> None:
    wire = await opened(*[text(str(number)) for number in range(10)])
    async with wire.socket.until_disconnected(max_messages=3):
        await anyio.wait_all_tasks_blocked()
        assert wire.taken == 1 + 3
        assert await wire.socket.receive_text() == "0"
        await anyio.wait_all_tasks_blocked()
        assert wire.taken == 1 + 4
        with pytest.raises(Misuse):
            async with wire.socket.until_disconnected(max_messages=1):
                raise RuntimeError("not reached")  # pragma: no cover
    assert [await wire.socket.receive_text() for _ in range(9)] == [*"123456789"]
    wire.close()


async def test_messages_that_are_kept_are_bounded_in_bytes() -> None:
    wire = await opened(*[text("x" * 10)] * 10)
    async with wire.socket.until_disconnected(max_messages=100, max_bytes=25):
        await anyio.wait_all_tasks_blocked()
        assert wire.taken == 1 + 3
    wire.close()


async def test_a_receiver_goes_on_when_the_block_has_ended() -> None:
    wire = await opened()
    got: list[str] = []

    async def receive() -> None:
        got.append(await wire.socket.receive_text())
        got.append(await wire.socket.receive_text())

    async with anyio.create_task_group() as group:
        async with wire.socket.until_disconnected(max_messages=1):
            group.start_soon(receive)
            await anyio.wait_all_tasks_blocked()
            wire.give(text("inside"))
            await anyio.wait_all_tasks_blocked()
            assert got == ["inside"]
        wire.give(text("outside"))
    assert got == ["inside", "outside"]
    wire.close()


async def test_an_error_of_the_block_is_its_own() -> None:
    wire = await opened()
    with pytest.raises(KeyError):
        async with wire.socket.until_disconnected():
            raise KeyError
    wire.close()


async def test_a_peer_that_is_silent_for_too_long() -> None:
    wire = await opened()
    with pytest.raises(HTTPException, match="408"):
        async with wire.socket.until_disconnected(timeout_s=0.01):
            await anyio.sleep_forever()
    wire.close()


async def test_a_receiver_that_gave_up_is_not_in_the_way_of_the_next() -> None:
    wire = await opened()
    async with wire.socket.until_disconnected(max_messages=1):
        with pytest.raises(HTTPException, match="408"):
            await wire.socket.receive_text(timeout_s=0)
        async with anyio.create_task_group() as group:
            group.start_soon(wire.socket.receive_text)
            await anyio.wait_all_tasks_blocked()
            wire.give(text("x"))
    wire.close()


# Heartbeats


@pytest.mark.parametrize("beat", ["ping", b"\x00"])
async def test_a_heartbeat(beat: str | bytes) -> None:
    wire = await opened()
    third = anyio.Event()

    async def send(message: Message) -> None:
        wire.sent.append(message)
        if len(wire.sent) == 3:
            third.set()

    wire.socket._send = send
    async with wire.socket.heartbeat(beat, 0.001):
        await third.wait()
    key = "text" if isinstance(beat, str) else "bytes"
    assert wire.sent[0] == {"type": "websocket.send", key: beat}
    wire.close()


async def test_a_heartbeat_finds_that_the_peer_has_left() -> None:
    wire = await opened()

    async def send(message: Message) -> None:
        raise OSError

    wire.socket._send = send
    with pytest.raises(WebSocketDisconnect) as caught:
        async with wire.socket.heartbeat("ping", 0.001):
            await anyio.sleep_forever()
    assert caught.value.code == 1006
    wire.close()


async def test_a_heartbeat_ends_with_the_socket() -> None:
    wire = await opened()
    async with wire.socket.heartbeat("ping", 0.001):
        await wire.socket.close()
        await anyio.sleep(0.005)
    assert wire.sent == [{"type": "websocket.close", "code": 1000}]
    wire.close()


async def test_a_peer_that_leaves_is_one_exception_while_the_heart_beats() -> None:
    """The block and the heartbeat hear of it at once."""
    wire = await opened()
    stuck = anyio.Event()

    async def send(message: Message) -> None:
        await stuck.wait()
        raise ConnectionResetError

    wire.socket._send = send

    async def let_go() -> None:
        await anyio.wait_all_tasks_blocked()
        stuck.set()

    async def send_beside() -> None:
        async with wire.socket.heartbeat("x", 0):
            await wire.socket.send_text("x")

    async with anyio.create_task_group() as group:
        group.start_soon(let_go)
        with pytest.raises(WebSocketDisconnect):
            await send_beside()
    wire.close()
