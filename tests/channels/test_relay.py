"""From a subscription to a websocket: raw messages in, raw messages out."""

from __future__ import annotations

import pytest

from portico import Hub, WebSocket, _tasks
from portico.asgi import Message
from portico.channels.relay import OnMessage, Socket
from portico.connection.websocket import MESSAGE_LIMIT
from portico.errors import BadInput, ContentTooLarge, WebSocketStateError
from tests.drive import websocket_scope

pytestmark = pytest.mark.anyio


class Peer:
    """The other end of a socket: what it got, what it sends, and whether it stalls."""

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.to_send: list[Message] = [{"type": "websocket.connect"}]
        self.arrival: _tasks.Event = _tasks.make_event()
        self.is_stalled: bool = False
        self.is_broken: bool = False
        self.websocket: WebSocket = WebSocket(websocket_scope(), self.receive, self.send)

    async def receive(self) -> Message:
        while not self.to_send:
            self.arrival = _tasks.make_event()
            await self.arrival.wait()
        return self.to_send.pop(0)

    async def send(self, message: Message) -> None:
        if self.is_broken:
            raise OSError
        if self.is_stalled:
            await _tasks.make_event().wait()
        self.got.append(message)

    def says(self, *messages: Message) -> None:
        self.to_send.extend(messages)
        self.arrival.set()

    def leaves(self) -> None:
        self.says({"type": "websocket.disconnect", "code": 1001})

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.got if message.get("text") is not None]


async def refuse(_: str | bytes) -> None:
    raise BadInput("message", "is odd")


class Room:
    """A relay that runs as a task."""

    def __init__(self, hub: Hub, peer: Peer) -> None:
        self.hub: Hub = hub
        self.peer: Peer = peer
        self.is_over: bool = False

    async def run(self, on_message: OnMessage | None = None) -> None:
        await self.peer.websocket.accept()
        await self.hub.websocket(self.peer.websocket, "a", on_message=on_message)
        self.is_over = True

    async def entered(self) -> None:
        while not await self.hub.presence("a"):
            await _tasks.checkpoint()

    async def over(self) -> None:
        with _tasks.open_scope(timeout_s=5):
            while not self.is_over:
                await _tasks.checkpoint()
        assert self.is_over
        assert not await self.hub.presence("a")


def test_a_websocket_is_a_socket() -> None:
    socket: Socket = WebSocket(websocket_scope())
    assert socket.state.value == "connecting"


async def test_messages_go_to_the_peer_until_it_leaves() -> None:
    hub, peer = Hub(), Peer()
    room = Room(hub, peer)
    async with _tasks.open_group() as group:
        group.start_soon(room.run)
        await room.entered()
        for message in ("text", b"\x00", {"id": 7}, ""):
            await hub.publish("a", message)
        peer.says({"type": "websocket.receive", "text": "unheard"})
        while len(peer.got) < 5:
            await _tasks.checkpoint()
        peer.leaves()
        await room.over()
    assert peer.got == [
        {"type": "websocket.accept"},
        {"type": "websocket.send", "text": "text"},
        {"type": "websocket.send", "bytes": b"\x00"},
        {"type": "websocket.send", "text": '{"id":7}'},
        {"type": "websocket.send", "text": ""},
    ]
    assert peer.websocket.close_code == 1001


async def test_what_the_peer_sends_goes_to_on_message() -> None:
    hub, peer, heard = Hub(), Peer(), list[str | bytes]()
    room = Room(hub, peer)

    async def hear(message: str | bytes) -> None:
        heard.append(message)
        await hub.publish("a", message)

    async with _tasks.open_group() as group:
        group.start_soon(room.run, hear)
        await room.entered()
        peer.says(
            {"type": "websocket.receive", "text": ""},
            {"type": "websocket.receive", "bytes": b"", "text": None},
            {"type": "websocket.receive", "text": "hi", "bytes": None},
        )
        while len(peer.got) < 4:
            await _tasks.checkpoint()
        peer.leaves()
        await room.over()
    assert heard == ["", b"", "hi"]
    assert peer.texts == ["", "hi"]


@pytest.mark.parametrize("on_message", [None, refuse])
async def test_the_limit_of_a_message_holds(on_message: OnMessage | None) -> None:
    peer = Peer()
    peer.websocket.scope[MESSAGE_LIMIT] = 8
    peer.says({"type": "websocket.receive", "bytes": bytes(9)})
    with pytest.raises(ContentTooLarge, match="over 8 bytes"):
        await Room(Hub(), peer).run(on_message)
    assert [message.get("code") for message in peer.got] == [None, 1009]


async def test_a_connection_that_breaks_ends_it() -> None:
    hub, peer = Hub(), Peer()
    room = Room(hub, peer)
    async with _tasks.open_group() as group:
        group.start_soon(room.run)
        await room.entered()
        peer.is_broken = True
        await hub.publish("a", "1")
        await room.over()
    assert peer.websocket.close_code == 1006


async def test_on_message_may_close() -> None:
    hub, peer = Hub(), Peer()
    room = Room(hub, peer)

    async def close(_: str | bytes) -> None:
        await peer.websocket.close(4000, "enough")
        await hub.publish("a", "nobody can be told")

    async with _tasks.open_group() as group:
        group.start_soon(room.run, close)
        await room.entered()
        peer.says({"type": "websocket.receive", "text": "hi"})
        await room.over()
    assert peer.got[1:] == [{"type": "websocket.close", "code": 4000, "reason": "enough"}]


async def test_what_on_message_raises_comes_out() -> None:
    hub, peer = Hub(), Peer()
    peer.says({"type": "websocket.receive", "text": "hi"})
    with pytest.raises(BadInput, match="is odd"):
        await Room(hub, peer).run(refuse)
    assert not await hub.presence("a")


async def test_the_end_of_the_hub_closes_the_socket() -> None:
    hub, peer = Hub(), Peer()
    room = Room(hub, peer)
    async with _tasks.open_group() as group:
        async with hub:
            group.start_soon(room.run)
            await room.entered()
        await room.over()
    assert peer.got[-1] == {"type": "websocket.close", "code": 1001, "reason": "going away"}


async def test_a_stalled_peer_is_let_go_even_while_a_message_is_being_sent() -> None:
    hub, peer = Hub(queue_size=2, when_full="disconnect"), Peer()
    room = Room(hub, peer)
    async with _tasks.open_group() as group:
        group.start_soon(room.run)
        await room.entered()
        peer.is_stalled = True
        await hub.publish("a", "0")
        for _ in range(5):
            await _tasks.checkpoint()
        peer.is_stalled = False  # it takes the close, not what was being sent
        for number in range(3):
            await hub.publish("a", number)
            if number < 2:
                assert not room.is_over
        await room.over()
    assert peer.got[1:] == [{"type": "websocket.close", "code": 1013, "reason": "too slow"}]


async def test_a_peer_that_takes_nothing_at_all_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("portico.channels.relay._CLOSE_TIMEOUT_S", 0.01)
    hub, peer = Hub(queue_size=1, when_full="disconnect"), Peer()
    room = Room(hub, peer)
    async with _tasks.open_group() as group:
        group.start_soon(room.run)
        await room.entered()
        peer.is_stalled = True
        while not room.is_over:
            await hub.publish("a", "1")
        await room.over()
    assert peer.texts == []


async def test_a_socket_that_is_not_accepted() -> None:
    hub, peer = Hub(), Peer()
    with pytest.raises(WebSocketStateError, match="accept"):
        await hub.websocket(peer.websocket, "a")


async def test_a_peer_that_has_left_before() -> None:
    hub, peer = Hub(), Peer()
    peer.leaves()
    await Room(hub, peer).run()
    await Room(hub, peer).hub.websocket(peer.websocket, "a")
    assert not await hub.presence("a")


async def test_a_cancelled_relay_leaves_the_channel() -> None:
    hub, peer = Hub(), Peer()
    room = Room(hub, peer)
    async with _tasks.open_group() as group:
        group.start_soon(room.run)
        await room.entered()
        group.cancel_scope.cancel()
    assert not room.is_over
    assert not await hub.presence("a")
    assert peer.got == [{"type": "websocket.accept"}]
