"""The shapes of ASGI 3: what a server hands to an application, and what comes back.

Types only, no behaviour: https://asgi.readthedocs.io/en/latest/specs/main.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

__all__ = ("ASGIApp", "Message", "Receive", "Scope", "Send")

Scope: TypeAlias = MutableMapping[str, Any]
"""What the server knows of a connection when it begins."""

Message: TypeAlias = MutableMapping[str, Any]
"""One event, in or out; its ``"type"`` says which."""

Receive: TypeAlias = Callable[[], Awaitable[Message]]
"""Waits for the next event from the server."""

Send: TypeAlias = Callable[[Message], Awaitable[None]]
"""Hands one event to the server; returns when the server has room for the next."""

ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An application, a middleware around one, a router, a response: all have this shape."""
