"""Peers of websockets that vanish, at each point and by each signal, leave nothing: A082."""

from __future__ import annotations

import gc
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from types import AsyncGeneratorType, CoroutineType, FrameType
from typing import Any, Final, TypeAlias

import anyio
import anyio.lowlevel
import pytest

from portico import App, Hub, PlainTextResponse, WebSocket, _tasks
from portico.asgi import Message
from tests.drive import websocket_scope
from tests.security.invariants import census, nothing_new, uncollected

pytestmark = pytest.mark.anyio

TIMES: Final = 100
WARM: Final = 10

Handler: TypeAlias = Callable[[WebSocket[Any]], Awaitable[object]]

hub = Hub(history=3)


async def echo(websocket: WebSocket[Any]) -> None:
    async with websocket:
        async for text in websocket.iter_text():
            await websocket.send_text(text)


async def only_send(websocket: WebSocket[Any]) -> None:
    async with websocket, websocket.until_disconnected():
        while True:
            await websocket.send_text("tick")


async def keep_some(websocket: WebSocket[Any]) -> None:
    async with websocket, websocket.until_disconnected(max_messages=2):
        async for text in websocket.iter_text():
            await websocket.send_text(text)


async def look_out_alone(websocket: WebSocket[Any]) -> None:
    await websocket.accept()
    await websocket.wait_disconnected()


async def beat(websocket: WebSocket[Any]) -> None:
    async with websocket, websocket.heartbeat("beat", 0):
        async for text in websocket.iter_text(timeout_s=60):
            await websocket.send_text(text)


async def beat_alone(websocket: WebSocket[Any]) -> None:
    async with websocket, websocket.until_disconnected(), websocket.heartbeat("beat", 0):
        await anyio.sleep_forever()


async def many_senders(websocket: WebSocket[Any]) -> None:
    async def send() -> None:
        for _ in range(3):
            await anyio.lowlevel.checkpoint()
            await websocket.send_text("x")

    async with websocket, websocket.until_disconnected(), _tasks.open_group() as group:
        for _ in range(3):
            group.start_soon(send)


async def broadcast(websocket: WebSocket[Any]) -> None:
    async with websocket:
        await hub.publish("room", "earlier")
        await hub.websocket(websocket, "room", "other", on_message=say, history=1)


async def say(message: str | bytes) -> None:
    await hub.publish("room", message)


async def let_go(websocket: WebSocket[Any]) -> None:
    async def flood(message: str | bytes) -> None:
        for _ in range(3):
            await hub.publish("narrow", message)

    async with websocket:
        await hub.websocket(
            websocket, "narrow", on_message=flood, queue_size=1, when_full="disconnect"
        )


async def refuse(websocket: WebSocket[Any]) -> None:
    await websocket.deny(PlainTextResponse("no", 403))


async def decode(websocket: WebSocket[Any]) -> None:
    async with websocket:
        await websocket.receive_json(int)


HANDLERS: Final[list[Handler]] = [
    echo,
    only_send,
    keep_some,
    look_out_alone,
    beat,
    beat_alone,
    many_senders,
    broadcast,
    let_go,
    refuse,
    decode,
]


class Peer:
    """Says a little, then vanishes: ``receive`` tells, or ``send`` fails or never comes back."""

    def __init__(self, incoming: Iterable[Message], *, takes: int, stalls: bool) -> None:
        self._incoming: list[Message] = list(incoming)
        self._takes: int = takes
        self._stalls: bool = stalls

    async def receive(self) -> Message:
        await anyio.lowlevel.checkpoint()
        if self._incoming:
            return self._incoming.pop(0)
        return {"type": "websocket.disconnect", "code": 1006, "reason": ""}

    async def send(self, message: Message) -> None:
        await anyio.lowlevel.checkpoint()
        self._takes -= 1
        if self._takes < 0:
            if self._stalls:
                await anyio.sleep_forever()
            raise ConnectionResetError


CONNECT: Final[Message] = {"type": "websocket.connect"}
TEXT: Final[Message] = {"type": "websocket.receive", "text": "x"}

WAYS: Final[dict[str, dict[str, Any]]] = {
    "before the handshake": {"incoming": [], "takes": 100},
    "in the handshake": {"incoming": [CONNECT], "takes": 0},
    "at once": {"incoming": [CONNECT], "takes": 100},
    "after messages": {"incoming": [CONNECT, *[TEXT] * 5], "takes": 100},
    "while we send": {"incoming": [CONNECT, *[TEXT] * 5], "takes": 2},
}
STALLS: Final = {"without reading": {"incoming": [CONNECT, *[TEXT] * 2], "takes": 1}}


def ours() -> Counter[str]:
    """Count objects of this package, and what runs or could go on running."""
    running = (CoroutineType, AsyncGeneratorType, FrameType)
    kinds: list[type[object]] = [type(one) for one in gc.get_objects()]
    return Counter(
        kind.__qualname__
        for kind in kinds
        if kind in running or str(kind.__module__).partition(".")[0] == "portico"
    )


async def leave(app: App, handler: Handler, times: int, way: dict[str, Any]) -> None:
    scope = websocket_scope(
        f"/{handler.__name__}", extensions={"websocket.http.response": {}}, state={}
    )
    for _ in range(times):
        peer = Peer(way["incoming"], takes=way["takes"], stalls=way in STALLS.values())
        with anyio.fail_after(10):
            await app({**scope}, peer.receive, peer.send)


@pytest.mark.parametrize(
    ("handler", "way"),
    [
        *(
            pytest.param(handler, way, id=f"{handler.__name__}, {name}")
            for handler in HANDLERS
            for name, way in WAYS.items()
        ),
        # Who waits for a peer that does not read is told by the server in ``receive``.
        *(
            pytest.param(handler, way, id=f"{handler.__name__}, {name}")
            for handler in (only_send, beat_alone, many_senders, broadcast)
            for name, way in STALLS.items()
        ),
    ],
)
async def test_peers_that_vanish_leave_nothing(
    handler: Handler, way: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    app = App()
    app.websocket(f"/{handler.__name__}")(handler)
    with uncollected(), caplog.at_level(logging.INFO, "portico"):
        await leave(app, handler, WARM, way)
        before, objects = census(), ours()
        await leave(app, handler, TIMES, way)
        grown = ours() - objects
        assert not grown, "objects that only the garbage collector would find"
        assert nothing_new(before)
    assert not [record for record in caplog.records if record.name.startswith("portico")]
    assert await hub.presence("room") == 0
