"""A websocket at the level of ASGI's own messages: www spec 2.0 to 2.5, RFC 6455.

``RawWebSocket`` knows what may come next: ``receive`` and ``send`` are its state machine,
``accept``, ``deny`` and ``close`` stand on them. What messages hold is read and written in
``websocket``; frames, pings and compression are the server's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from enum import Enum
from typing import Any, Final

from portico.asgi import ASGIApp, Message, Receive, Scope, Send
from portico.connection._closing import checked_code, closing, cut_reason
from portico.connection._origin import is_allowed
from portico.connection._turns import Turns
from portico.connection.base import HTTPConnection, StateT, no_receive, no_send
from portico.connection.body import INHERIT, Inherit
from portico.errors import (
    ClientDisconnect,
    HTTPException,
    Misuse,
    WebSocketDisconnect,
    WebSocketStateError,
)
from portico.http.grammar import is_token
from portico.http.headers import encode_headers
from portico.http.origin import parse_origins
from portico.response.base import Response
from portico.response.denial import DENIAL, DenialExchange, handshake_scope
from portico.response.writer import check_fields

__all__ = ("ORIGINS", "RawWebSocket", "WebSocketState")

ORIGINS: Final = "portico.allowed_origins"
"""The scope's key for the origins that the app, router or route allows, as parsed."""

_VERSION: Final = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})")


class WebSocketState(Enum):
    """How far a websocket is. Only forwards: no state comes twice."""

    CONNECTING = "connecting"
    """The handshake is not answered: ``accept``, ``deny`` or ``close`` it."""

    CONNECTED = "connected"
    """Accepted and open: messages go both ways."""

    DENYING = "denying"
    """The handshake was refused with a response that is still being sent."""

    CLOSED = "closed"
    """Closed or denied here."""

    DISCONNECTED = "disconnected"
    """The peer left, or the connection broke."""


_CONNECTING: Final = WebSocketState.CONNECTING
_CONNECTED: Final = WebSocketState.CONNECTED
_DENYING: Final = WebSocketState.DENYING
_CLOSED: Final = WebSocketState.CLOSED
_DISCONNECTED: Final = WebSocketState.DISCONNECTED

_NEXT: Final[Mapping[WebSocketState, Mapping[str, WebSocketState]]] = {
    _CONNECTING: {
        "websocket.accept": _CONNECTED,
        "websocket.close": _CLOSED,
        "websocket.http.response.start": _DENYING,
    },
    _CONNECTED: {"websocket.send": _CONNECTED, "websocket.close": _CLOSED},
    _DENYING: {"websocket.http.response.body": _DENYING},
    _CLOSED: {},
    _DISCONNECTED: {},
}
"""What may be sent in each state, and the state that follows."""

_WHY: Final = {
    _CONNECTING: "the handshake is not answered yet, accept() it first",
    _CONNECTED: "the websocket is accepted already",
    _DENYING: "the handshake is being refused with a response",
    _CLOSED: "the websocket was closed here",
}


class RawWebSocket(HTTPConnection[StateT]):
    """A websocket whose messages are ASGI's: everything of ``HTTPConnection``, and a state.

    A peer that leaves raises ``WebSocketDisconnect`` from whatever sends or receives, each time;
    ``close`` and ``deny``, which end the exchange anyway, just return. A call that is not possible
    in the present ``state`` raises ``WebSocketStateError``.

    An ASGI app can be called with the ``receive`` and ``send`` of one: ``state`` then tells what
    became of the socket. One task may receive while others send: their messages go out one after
    the other, in the order of the calls. A second that receives meanwhile gets a ``Misuse``.
    """

    _code: int | None = None
    _reason: str = ""
    _is_asked: bool = False
    _is_receiving: bool = False

    def __init__(self, scope: Scope, receive: Receive = no_receive, send: Send = no_send) -> None:
        super().__init__(scope, receive, send)
        self._state: WebSocketState = _CONNECTING
        self._next: Mapping[str, WebSocketState] = _NEXT[_CONNECTING]
        self._turns: Turns = Turns()

    @property
    def state(self) -> WebSocketState:
        """How far the websocket is; ``lifespan_state`` is what a request calls ``state``."""
        return self._state

    @property
    def lifespan_state(self) -> StateT:
        """What the lifespan yielded, in a copy for this connection; put your own beside it."""
        return self._lifespan_state

    @property
    def close_code(self) -> int | None:
        """How the peer left: the code of its ``WebSocketDisconnect``; ``None`` until it did."""
        return self._code

    @property
    def close_reason(self) -> str:
        """The reason that the peer gave when it left; ``""`` if none."""
        return self._reason

    @property
    def subprotocols(self) -> tuple[str, ...]:
        """The subprotocols that the client offers, the preferred first (RFC 6455 4.1).

        >>> RawWebSocket({"type": "websocket", "subprotocols": ["chat.v2", "chat"]}).subprotocols
        ('chat.v2', 'chat')
        """
        offered: Iterable[str] | None = self.scope.get("subprotocols")
        if offered is None:
            offered = self.headers.getall("sec-websocket-protocol", [])
        # Some servers hand the field's whole text over as one; no name has a comma in it.
        names = [name.strip(" \t") for text in offered for name in text.split(",")]
        return tuple(name for name in names if is_token(name))

    # The state machine

    async def receive(self) -> Message:
        """Wait for the server's next message, as it is, and take note of what it means.

        Raises ``WebSocketDisconnect`` after ``websocket.disconnect`` was received, and
        ``WebSocketStateError`` if the server sends a message out of order, ``Misuse`` while another
        task receives.
        """
        if self._state is _DISCONNECTED or self._is_receiving:
            raise self._no_message("receive()")
        self._is_receiving = True
        try:
            message = await self._receive()
        finally:
            self._is_receiving = False
        if message["type"] != "websocket.receive" or not self._is_asked:
            self._note(message)
        return message

    async def send(self, message: Message) -> None:
        """Send one ASGI message as it is, if its type is possible in the present ``state``.

        The message that answers the handshake waits for ``websocket.connect`` first, if nobody
        received it. A further ``websocket.close`` does nothing.

        Raises ``WebSocketStateError`` for a message out of order and ``WebSocketDisconnect`` if the
        peer has left; that is also what an ``OSError`` of the server means (code 1006).
        """
        kind: str = message["type"]
        if kind == "websocket.send":
            await self._put(message)
            return
        before, then = self._state, self._next.get(kind)
        if then is None:
            if kind == "websocket.close":
                return
            raise self._refusal(kind)
        if then is not before:
            await self._prepare(message, then)
        try:
            await self._send(message)
        except (OSError, WebSocketDisconnect) as error:
            raise self._lost(kind, error) from error
        if then is before is _DENYING and not message.get("more_body", False):
            then = _CLOSED
        # While the server took its time, the peer may have left.
        if then is not before and self._state is before:
            self._enter(then)

    async def _prepare(self, message: Message, then: WebSocketState) -> None:
        """Do what goes before a message that changes the state; raises what ``send`` does."""
        check_fields(message.get("headers") or ())
        if then is _DENYING and not self._can_deny:
            raise WebSocketStateError(f"the server does not offer {DENIAL}, close() instead")
        if self._state is _CONNECTING:
            await self._wait_connect(message["type"])
        if then is _CLOSED:
            self._enter(then)  # before it leaves, so that nobody else closes meanwhile

    async def _put(self, message: Message) -> None:
        """Send a message of the open socket when it is its turn; raises what ``send`` does."""
        if self._state is not _CONNECTED:
            raise self._refusal("websocket.send")
        turns = self._turns
        if turns.is_taken:
            await self._wait_turn()
        turns.is_taken = True
        try:
            await self._send(message)
        except (OSError, WebSocketDisconnect) as error:
            raise self._lost("websocket.send", error) from error
        finally:
            if turns.waiting:
                turns.end()
            else:  # as it does; a call less for nearly every message
                turns.is_taken = False

    async def _wait_turn(self) -> None:
        await self._turns.wait()
        if self._state is not _CONNECTED:  # it was closed meanwhile
            self._turns.end()
            raise self._refusal("websocket.send")

    @property
    def _can_deny(self) -> bool:
        return DENIAL in (self.scope.get("extensions") or {})

    async def _wait_connect(self, call: str) -> None:
        """Take the message that opens every websocket, unless it was taken."""
        if not self._is_asked:
            await self.receive()
        if self._state is not _CONNECTING:
            raise self._refusal(call)

    def _note(self, message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.disconnect":
            # The code is 1005 if the peer gave none; the reason came with spec 2.5.
            code = message.get("code")
            self._leave(1005 if code is None else code, message.get("reason") or "")
        elif kind == "websocket.connect" and not self._is_asked:
            self._is_asked = True
        else:
            raise WebSocketStateError(f"the server sent {kind} out of order")

    def _enter(self, state: WebSocketState) -> None:
        self._state, self._next = state, _NEXT[state]

    def _leave(self, code: int, reason: str) -> None:
        if self._code is None:
            self._enter(_DISCONNECTED)
            self._code, self._reason = code, reason

    def _lost(self, call: str, error: Exception) -> WebSocketDisconnect | WebSocketStateError:
        if isinstance(error, WebSocketDisconnect):  # ``_send`` is that of another ``RawWebSocket``
            self._leave(error.code, error.reason)
        self._leave(1006, "")
        return self._refusal(call)

    def _no_message(self, call: str) -> WebSocketDisconnect | Misuse:
        if self._is_receiving and self._code is None:
            return Misuse(f"{call} is not possible: another task is receiving from this websocket")
        return self._refusal(call)

    def _refusal(self, call: str) -> WebSocketDisconnect | WebSocketStateError:
        if self._code is not None:
            return WebSocketDisconnect(self._code, self._reason)
        return WebSocketStateError(f"{call} is not possible: {_WHY[self._state]}")

    # The handshake

    def check_origin(self, allowed_origins: Iterable[str] | Inherit = INHERIT) -> None:
        """Refuse a page that may not connect (RFC 6455 10.2); routes do so before the handler.

        ``allowed_origins`` are as in ``["https://app.example"]``, or ``"*"`` for any; default: what
        the route, router or app says. If none says, a request with cookies, credentials or a
        session must come from a page of the same host. What is no browser sends no Origin: it may.

        Raises ``HTTPException`` (403), and ``ValueError`` for what ``parse_origins`` does not take.
        """
        origins: Any = self.scope.get(ORIGINS, INHERIT)
        if not isinstance(allowed_origins, Inherit):
            origins = parse_origins(allowed_origins)
        if not is_allowed(self, origins):
            raise HTTPException(403, "pages of this origin may not connect")

    async def accept(
        self,
        subprotocol: str | None = None,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
    ) -> None:
        """Accept the handshake; waits for it itself.

        ``subprotocol`` is one of ``subprotocols`` (default: none); ``headers`` are added to the
        server's answer, for example a ``set-cookie``.

        Raises ``ValueError`` for a subprotocol that was not offered, for a header that may not be
        sent (as ``encode_headers`` says) and for ``sec-websocket-protocol`` among them; ``Misuse``
        for headers on a server that cannot send them (before spec 2.1). Nothing was sent then.
        """
        fields = encode_headers(headers)
        if any(name == b"sec-websocket-protocol" for name, _ in fields):
            raise ValueError("sec-websocket-protocol is sent for you: pass subprotocol=")
        if subprotocol is not None and subprotocol not in self.subprotocols:
            raise ValueError(f"the client did not offer the subprotocol {subprotocol!r}")
        message: Message = {"type": "websocket.accept"}
        if subprotocol is not None:
            message["subprotocol"] = subprotocol
        if fields:
            if self._spec_version < (2, 1):
                raise Misuse("the server cannot send headers with accept(): ASGI www spec < 2.1")
            message["headers"] = fields
        await self.send(message)

    async def deny(self, response: ASGIApp) -> None:
        """Refuse the handshake with ``response``: any ``Response`` or other ASGI app for HTTP.

        It is called as for the GET request that a handshake is, without extensions. Where the
        server does not offer ``websocket.http.response``, it is not called and the socket is
        closed, which clients see as a bare 403.

        Raises ``WebSocketStateError`` unless ``state`` is ``CONNECTING`` (it may be
        ``DISCONNECTED``: nothing happens then), and if ``response`` returns before it is complete.
        """
        if self._state is _DISCONNECTED:
            return
        if self._state is not _CONNECTING:
            raise self._refusal("deny()")
        if not self._can_deny:
            is_ours = isinstance(response, Response) and response.status_code >= 500
            await self.close(1011 if is_ours else 1008)
            return
        try:
            await self._wait_connect("deny()")
            exchange = DenialExchange(self.receive, self.send)
            await response(handshake_scope(self.scope), exchange.receive, exchange.send)
        except (ClientDisconnect, WebSocketDisconnect, OSError):
            if self._code is None:
                raise
        if self._code is None and self._next:  # something is still to be sent
            raise WebSocketStateError("the response that refuses the handshake is not complete")

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the websocket; before ``accept``, refuse it. May be repeated: that does nothing.

        ``code`` is 1000 to 1003, 1007 to 1014 or 3000 to 4999 (RFC 6455 7.4). ``reason`` is for
        the peer's log; it is cut to 123 bytes of UTF-8 at a character's border, and left out on
        servers before spec 2.3. Raises ``ValueError`` for another code, ``TypeError`` if they are
        no number and no text.
        """
        message = {"type": "websocket.close", "code": checked_code(code)}
        cut = cut_reason(reason)
        if cut and self._spec_version >= (2, 3):
            message["reason"] = cut
        if "websocket.close" in self._next:
            try:
                await self.send(message)
            except WebSocketDisconnect:
                return

    async def abandon(self, code: int = 1012) -> None:
        """Close an open websocket that other tasks use: they see it as if the peer had left.

        Whoever sends or receives gets a ``WebSocketDisconnect`` with ``code``; 1012 tells of a
        restart (IANA's registry, RFC 6455 11.7). What the server says to that is dropped. Raises
        ``ValueError`` as ``close`` does.
        """
        message: Message = {"type": "websocket.close", "code": checked_code(code)}
        if self._state is _CONNECTED:
            self._leave(code, "")
            with suppress(Exception):
                await self._send(message)

    async def close_for(self, error: BaseException | None) -> None:
        """Close as fits the way that a handler ended: ``error`` is what it raised, if anything.

        Without one, 1000. For the peer's mistakes: 1003 for ``UnexpectedMessage``, 1009 for
        ``ContentTooLarge``, 1007 for other ``BadInput``, 1008 for other ``HTTPException`` below
        500, with its detail as the reason. For any other exception, 1011 without a word.

        For what is not an ``Exception`` (a cancellation) nothing is sent: there is no time to wait
        for the peer, and the server ends the connection itself.
        """
        if error is None or isinstance(error, Exception):
            await self.close(*closing(error))

    @property
    def _spec_version(self) -> tuple[int, int]:
        asgi: Mapping[str, str] = self.scope.get("asgi") or {}
        match = _VERSION.fullmatch(asgi.get("spec_version", "2.0"))
        return (int(match[1]), int(match[2])) if match else (2, 0)
