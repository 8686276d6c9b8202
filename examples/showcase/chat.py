"""A chat room over websockets: who says what, what was said before, and how many are here.

One ``Hub`` carries it all. With REDIS_URL any number of server processes share the room.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from html import escape
from typing import Annotated, Literal

import msgspec

from examples.showcase.accounts import user_of
from examples.showcase.forms import has_own_origin
from examples.showcase.pages import page, path_to
from portico import HTTPException, Hub, Request, Response, Router, WebSocket
from portico.channels.redis import RedisBackend
from portico.codec import decode_json
from portico.errors import ContentTooLarge, PorticoError

__all__ = ("hub", "router")

REDIS_URL = os.environ.get("REDIS_URL")
ROOM = "lobby"
HISTORY = 30
MAX_SOCKETS = 200
MAX_MESSAGE_BYTES = 4096
BURST = 10
PER_S = 2.0

hub = Hub(RedisBackend(REDIS_URL, prefix="showcase:") if REDIS_URL else None, history=HISTORY)
router = Router()


class Join(msgspec.Struct, tag="join", forbid_unknown_fields=True):
    """The first that a page sends: the name of its user."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=30)]


class Say(msgspec.Struct, tag="say", forbid_unknown_fields=True):
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Count(msgspec.Struct, tag="count", forbid_unknown_fields=True):
    """Asks how many are here; the answer goes to this page alone."""


class Line(msgspec.Struct):
    """What everybody in the room gets."""

    kind: Literal["joined", "said", "left"]
    who: str
    text: str
    at: datetime


class _Visitor:
    """One socket in the room."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket: WebSocket = websocket
        self._user: str | None = user_of(websocket)
        self._who: str = ""
        self._allowance: float = BURST
        self._at: float = time.monotonic()

    async def take(self, message: str | bytes) -> None:
        """Do what a message asks for; what is none of ours closes the socket with 1007."""
        self._spend()
        if len(message) > MAX_MESSAGE_BYTES:
            raise ContentTooLarge("message", MAX_MESSAGE_BYTES)
        asked = decode_json(message, Join | Say | Count)
        if isinstance(asked, Count):
            await self._websocket.send_json({"kind": "here", "here": await hub.presence(ROOM)})
        elif isinstance(asked, Join):
            if not self._who:
                # Nobody gets the name of one who has signed in.
                self._who = self._user or f"{' '.join(asked.name.split())} (guest)"
                await self._tell("joined")
        elif self._who:
            await self._tell("said", asked.text)

    async def leave(self) -> None:
        if self._who:
            with suppress(PorticoError):  # the room may be gone as well
                await self._tell("left")

    async def _tell(self, kind: Literal["joined", "said", "left"], text: str = "") -> None:
        await hub.publish(ROOM, Line(kind, self._who, text, datetime.now(UTC)))

    def _spend(self) -> None:
        """Allow ``PER_S`` messages a second, and ``BURST`` at once."""
        now = time.monotonic()
        self._allowance = min(self._allowance + (now - self._at) * PER_S, BURST) - 1
        self._at = now
        if self._allowance < 0:
            raise HTTPException.too_many_requests("Not so fast.")


@router.get("/chat", name="chat")
async def chat(request: Request) -> Response:
    user: str | None = request.scope.get("user")
    if user is None:
        who = (
            '<label for="name">Your name</label>'
            '<input id="name" name="name" maxlength="30" required autocomplete="nickname">'
        )
    else:
        who = f'<p>You are <b id="name">{escape(user)}</b>.</p>'
    body = f"""<h1>Chat</h1>
<p>A room for everybody who has this page open; open it in a second window.
<span id="here"></span></p>
<p class="status" role="status" id="state">Not connected</p>
<ol class="talk panel" id="talk" role="log" aria-label="What is said" tabindex="0"
data-socket="{escape(path_to(request, "chat_socket"))}"></ol>
<form class="panel" id="door"><div class="field">{who}</div>
<button class="strong">Join</button></form>
<form class="panel" id="say" hidden><div class="field"><label for="text">Message</label>
<input id="text" name="text" maxlength="500" required autocomplete="off"></div>
<button class="strong">Say it</button></form>
<noscript><p class="alert">A chat needs a script.</p></noscript>"""
    return page(request, "Chat", body, script="chat.js")


@router.websocket("/chat/socket", name="chat_socket", max_message_bytes=MAX_MESSAGE_BYTES)
async def join(websocket: WebSocket) -> None:
    if not has_own_origin(websocket):  # for guests too, who have no cookie
        raise HTTPException.forbidden("This page is of another site.")
    if await hub.presence(ROOM) >= MAX_SOCKETS:
        raise HTTPException.service_unavailable("The room is full.")
    visitor = _Visitor(websocket)
    async with websocket:
        try:
            await hub.websocket(
                websocket,
                ROOM,
                on_message=visitor.take,
                history=HISTORY,
                when_full="disconnect",
            )
        finally:
            await visitor.leave()
