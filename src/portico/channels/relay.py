"""From a subscription to a websocket, for as long as both last."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Protocol, TypeAlias

from portico import _tasks
from portico.channels.subscription import Subscription
from portico.errors import SlowSubscriber, WebSocketDisconnect, WebSocketStateError

__all__ = ("OnMessage", "Socket", "SocketState", "relay")

OnMessage: TypeAlias = Callable[[str | bytes], Awaitable[object]]
"""Takes what the peer sent."""

_CLOSE_TIMEOUT_S: Final = 5.0
"""A peer that stalls does not take the close either; the server ends the connection then."""


class SocketState(Protocol):
    """How far a websocket is."""

    @property
    def value(self) -> str:
        """``"connecting"`` before it is accepted, ``"connected"`` from then until it is over."""
        ...


class Socket(Protocol):
    """What is used of a ``WebSocket``."""

    @property
    def state(self) -> SocketState:
        """How far it is."""
        ...

    async def receive_data(self) -> str | bytes:
        """Wait for a message of either kind; raises ``WebSocketDisconnect`` when the peer left."""
        ...

    def send_text(self, text: str) -> Awaitable[None]:
        """Send a text message."""
        ...

    def send_bytes(self, data: bytes) -> Awaitable[None]:
        """Send a binary message."""
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it; does nothing if it is closed."""
        ...


async def relay(
    websocket: Socket, subscription: Subscription, on_message: OnMessage | None = None
) -> None:
    """Send the messages of an entered subscription to a websocket, until either side ends.

    What ``Hub.websocket`` does after it has subscribed; see there.
    """
    if websocket.state.value == "connecting":
        raise WebSocketStateError("the handshake is not answered yet, accept() it first")
    async with _tasks.open_group() as group:
        subscription.on_end(group.cancel_scope.cancel)
        group.start_soon(_read, websocket, on_message, group.cancel_scope)
        # The peer left, or ``on_message`` closed the socket, or the peer did not keep up.
        with suppress(WebSocketDisconnect, WebSocketStateError, SlowSubscriber):
            async for message in subscription:
                if isinstance(message.data, str):
                    await websocket.send_text(message.data)
                else:
                    await websocket.send_bytes(message.data)
        group.cancel_scope.cancel()
    if subscription.is_ended and websocket.state.value == "connected":
        code, reason = (1013, "too slow") if subscription.is_slow else (1001, "going away")
        with _tasks.open_scope(timeout_s=_CLOSE_TIMEOUT_S):
            await websocket.close(code, reason)


async def _read(websocket: Socket, on_message: OnMessage | None, scope: _tasks.CancelScope) -> None:
    with suppress(WebSocketDisconnect, WebSocketStateError):
        while True:
            message = await websocket.receive_data()
            if on_message is not None:
                await on_message(message)
    scope.cancel()
