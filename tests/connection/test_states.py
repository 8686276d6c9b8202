"""Every call in every state, as the table in docs/connection/raw_websocket.md has it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from operator import methodcaller
from pathlib import Path
from typing import Any, Final, TypeAlias

import anyio
import pytest

from portico import PlainTextResponse, WebSocket
from portico.asgi import Message
from portico.connection.raw_websocket import WebSocketState
from portico.errors import WebSocketDisconnect, WebSocketStateError
from tests.drive import websocket_scope

pytestmark = pytest.mark.anyio

Socket: TypeAlias = WebSocket[dict[str, Any]]
Call: TypeAlias = Callable[[Socket], Awaitable[object]]

PAGE: Final = Path(__file__).parents[2] / "docs" / "connection" / "raw_websocket.md"

CONNECT: Message = {"type": "websocket.connect"}
LEFT: Message = {"type": "websocket.disconnect", "code": 1001, "reason": "bye"}
TEXT: Message = {"type": "websocket.receive", "text": '""'}
DATA: Message = {"type": "websocket.receive", "bytes": b"\xa0"}

ACCEPT: Message = {"type": "websocket.accept"}
CLOSE: Message = {"type": "websocket.close", "code": 1000}
SEND: Message = {"type": "websocket.send", "text": "a"}
START: Message = {"type": "websocket.http.response.start", "status": 403, "headers": []}
BODY: Message = {"type": "websocket.http.response.body", "body": b"no", "more_body": True}


def rows() -> dict[str, dict[WebSocketState, str]]:
    """Read the table: what each cell says, without the marks of footnotes."""
    _, _, section = PAGE.read_text().partition("## Every call in every state\n")
    lines = [
        [re.sub(r"[`¹²]", "", cell).strip() for cell in line.strip("|").split("|")]
        for line in section.partition("\n## ")[0].split("\n")
        if line.startswith("|")
    ]
    (_, *names), _, _, *calls = lines  # the head, the line below it, what the states mean
    states = [WebSocketState[name] for name in names]
    return {call: dict(zip(states, cells, strict=True)) for call, *cells in calls}


class Wire:
    """A socket and its peer, whose messages come when the test says so."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self._to_give, self._incoming = anyio.create_memory_object_stream[Message](100)
        scope = websocket_scope(extensions={"websocket.http.response": {}})
        self.socket: Socket = WebSocket(scope, self._incoming.receive, self.send)

    def give(self, *messages: Message) -> None:
        for message in messages:
            self._to_give.send_nowait(message)

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    def close(self) -> None:
        self._to_give.close()
        self._incoming.close()


async def brought_to(state: WebSocketState) -> Wire:
    wire = Wire()
    wire.give(CONNECT)
    if state is WebSocketState.DENYING:
        await wire.socket.send(START)
    elif state is not WebSocketState.CONNECTING:
        await wire.socket.accept()
    if state is WebSocketState.CLOSED:
        await wire.socket.close()
    elif state is WebSocketState.DISCONNECTED:
        wire.give(LEFT)
        await wire.socket.receive()
    assert wire.socket.state is state
    wire.sent.clear()
    return wire


async def enter(socket: Socket) -> None:
    await socket.__aenter__()


async def look_out(socket: Socket) -> None:
    async with socket.until_disconnected():
        pass


async def beat(socket: Socket) -> None:
    async with socket.heartbeat("x"):
        pass


async def first_of(iterate: Callable[[Socket], AsyncIterator[object]], socket: Socket) -> object:
    async for message in iterate(socket):
        return message
    return None


KINDS: Final = {"text": TEXT, "bytes": DATA, "json": TEXT, "msgpack": DATA}
"""What each call of a row with "and the like" takes."""

CALLS: Final[dict[str, list[tuple[str, Call, Message]]]] = {
    "accept()": [("accept", methodcaller("accept"), TEXT)],
    "entering async with": [("async with", enter, TEXT)],
    "deny(response)": [("deny", methodcaller("deny", PlainTextResponse("no", 403)), TEXT)],
    "close(), close_for(error)": [
        ("close", methodcaller("close"), TEXT),
        ("close_for", methodcaller("close_for", None), TEXT),
    ],
    "receive_text() and the like": [
        (name, methodcaller(name), message)
        for name, message in ((f"receive_{kind}", message) for kind, message in KINDS.items())
    ],
    "iter_text() and the like": [
        (name, partial(first_of, methodcaller(name)), message)
        for name, message in ((f"iter_{kind}", message) for kind, message in KINDS.items())
    ],
    "until_disconnected()": [("until_disconnected", look_out, TEXT)],
    "wait_disconnected()": [("wait_disconnected", methodcaller("wait_disconnected"), TEXT)],
    "heartbeat(message)": [("heartbeat", beat, TEXT)],
    "send_text() and the like": [
        ("send_text", methodcaller("send_text", "a"), TEXT),
        ("send_bytes", methodcaller("send_bytes", b"a"), TEXT),
        ("send_json", methodcaller("send_json", 1), TEXT),
        ("send_msgpack", methodcaller("send_msgpack", 1), TEXT),
    ],
    "receive()": [("receive", methodcaller("receive"), TEXT)],
}

SENT: Final = {
    "accept": ACCEPT,
    "send": SEND,
    "close": CLOSE,
    "response start": START,
    "response body": BODY,
}
"""The messages that ``send`` may take."""

ERRORS: Final = {"state error": WebSocketStateError, "disconnect": WebSocketDisconnect}

QUIET: Final = {"nothing", "returns", "ends", "a message", "messages", "runs its block"}
"""Cells of calls that come back without having sent anything."""


def test_the_page_has_every_call() -> None:
    assert set(rows()) == {*CALLS, "send(message)"}
    assert all(set(cells) == set(WebSocketState) for cells in rows().values())


@pytest.mark.parametrize(
    ("call", "incoming", "state", "cell"),
    [
        pytest.param(call, incoming, state, cell, id=f"{name} when {state.value}: {cell}")
        for row, calls in CALLS.items()
        for name, call, incoming in calls
        for state, cell in rows()[row].items()
    ],
)
async def test_a_call_does_what_the_page_says(
    call: Call, incoming: Message, state: WebSocketState, cell: str
) -> None:
    wire = await brought_to(state)
    if cell == "waits":
        await waits(wire, call)
    elif cell in ERRORS:
        with pytest.raises(ERRORS[cell]):
            await call(wire.socket)
        assert (wire.socket.state, wire.sent) == (state, [])
    else:
        if state is not WebSocketState.CONNECTING:
            wire.give(incoming)
        found = await call(wire.socket)
        arrow, _, then = cell.partition("→ ")
        expected = WebSocketState[then.split(" ")[0]] if then else state
        assert wire.socket.state is expected, arrow
        assert bool(wire.sent) is (cell not in QUIET)
        assert (found is None) is not (cell in {"a message", "messages"})
    wire.close()


async def waits(wire: Wire, call: Call) -> None:
    """Hold that the call waits, whatever the peer says, until it leaves."""
    ended = anyio.Event()

    async def wait() -> None:
        await call(wire.socket)
        ended.set()

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        if wire.socket.state is not WebSocketState.CONNECTING:
            wire.give(TEXT, DATA)
            await anyio.wait_all_tasks_blocked()
        assert not ended.is_set()
        wire.give(LEFT)
    assert wire.socket.state is WebSocketState.DISCONNECTED
    assert wire.sent == []


@pytest.mark.parametrize("name", SENT)
@pytest.mark.parametrize("state", WebSocketState)
async def test_send_takes_what_the_page_says(state: WebSocketState, name: str) -> None:
    cell = rows()["send(message)"][state]
    wire = await brought_to(state)
    if name in cell.split(", "):
        await wire.socket.send(SENT[name])
        assert wire.sent == [SENT[name]]
    elif name == "close":  # which may be repeated
        await wire.socket.send(SENT[name])
        assert (wire.socket.state, wire.sent) == (state, [])
    else:
        is_gone = state is WebSocketState.DISCONNECTED
        with pytest.raises(WebSocketDisconnect if is_gone else WebSocketStateError):
            await wire.socket.send(SENT[name])
        assert (wire.socket.state, wire.sent) == (state, [])
    wire.close()
