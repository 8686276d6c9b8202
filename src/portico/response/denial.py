"""A response where a websocket was asked for: ASGI's extension ``websocket.http.response``."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final, final

from portico.asgi import ASGIApp, Message, Receive, Scope, Send
from portico.errors import Misuse, WebSocketDisconnect

__all__ = ("DENIAL", "DenialExchange", "denial_message", "handshake_scope", "refuse")

DENIAL: Final = "websocket.http.response"
"""The extension's name, and the beginning of its messages' types."""


def handshake_scope(scope: Scope) -> Scope:
    """Give the http scope of a handshake: a GET without a body (RFC 6455 4.1)."""
    request = dict(scope)
    request.pop("subprotocols", None)
    scheme = "https" if scope.get("scheme") == "wss" else "http"
    # Bodies are all that a denial may have: no pathsend, no push, no trailers.
    request.update(type="http", method="GET", scheme=scheme, extensions={})
    return request


def denial_message(message: Message) -> Message:
    """Turn a message of an http response into that of a denial.

    Raises ``Misuse`` for one that a denial has not.
    """
    kind = message["type"]
    sent: dict[str, Any]
    if kind == "http.response.start":
        sent = {"status": message["status"], "headers": message.get("headers", [])}
    elif kind == "http.response.body":
        sent = {"body": message.get("body", b""), "more_body": message.get("more_body", False)}
    else:
        raise Misuse(f"{kind} cannot refuse a handshake")
    return {"type": f"websocket.{kind}", **sent}


@final
class DenialExchange:
    """The http exchange that a refused handshake is: ``receive`` and ``send`` for its response.

    Made of those of a websocket that raise ``WebSocketDisconnect`` once the peer has left.
    """

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive: Receive = receive
        self._send: Send = send
        self._is_read: bool = False

    async def receive(self) -> Message:
        """Give the empty body of the request, then wait until the peer has left."""
        if not self._is_read:
            self._is_read = True
            return {"type": "http.request", "body": b"", "more_body": False}
        try:
            while True:
                await self._receive()
        except WebSocketDisconnect:
            return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Send a message of the response; raises ``OSError`` if the peer has left."""
        try:
            await self._send(denial_message(message))
        except WebSocketDisconnect:
            raise OSError("the client left") from None  # what responses know from servers


async def refuse(scope: Scope, receive: Receive, send: Send, response: ASGIApp) -> bool:
    """Refuse a websocket that nobody has looked at with ``response``; false if that was not sent.

    Where the server does not offer the extension the socket is closed, which clients see as 403.
    Nothing is sent to a client that left before its handshake was looked at.
    """
    message = await receive()
    if message["type"] != "websocket.connect":
        return False

    async def send_denial(message: Message) -> None:
        await send(denial_message(message))

    async def receive_end() -> Message:
        await receive()  # a socket that was not accepted has nothing else to say
        return {"type": "http.disconnect"}

    if DENIAL in (scope.get("extensions") or {}):
        await response(handshake_scope(scope), receive_end, send_denial)
        return True
    with suppress(OSError):  # the client left meanwhile
        await send({"type": "websocket.close", "code": 1008})
    return False
