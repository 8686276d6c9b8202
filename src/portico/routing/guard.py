"""Around what is not ours: an exception before the response becomes one, later it is raised."""

from __future__ import annotations

from typing import Any

from portico.asgi import ASGIApp, Message, Receive, Scope, Send
from portico.connection.body import close_body
from portico.connection.request import Request
from portico.connection.websocket import WebSocket
from portico.errors import ClientDisconnect, FileChanged, WebSocketDisconnect
from portico.routing.errors import answer, is_due_to
from portico.routing.socket import answer_websocket
from portico.static.files import Files

__all__ = ("closing_body", "guard")


def guard(app: ASGIApp) -> ASGIApp:
    """Answer for an ASGI app, or for ASGI middleware, that raises before it has answered.

    Middleware so refuses a request with ``raise HTTPException(403)``. What an app raises because
    ``send`` told it that the client has left (``OSError``) is nobody's fault and ends here.
    """

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await _guard_request(app, scope, receive, send)
        elif scope["type"] == "websocket":
            await _guard_websocket(app, scope, receive, send)
        else:
            await app(scope, receive, send)

    if isinstance(app, Files) and app.raises_before_start:
        return _guard_files(app, guarded)
    return guarded


def _guard_files(files: Files, others: ASGIApp) -> ASGIApp:
    """Answer for files without looking at what they send: the fewer steps, the faster a 304."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await others(scope, receive, send)
            return
        try:
            await files.enter(scope, receive, send)
        except FileChanged:
            raise
        except Exception as error:  # noqa: BLE001  whatever an app raises is answered
            request: Request[Any] = Request(scope, receive, send)
            await answer(request, error)

    return guarded


def closing_body(app: ASGIApp) -> ASGIApp:
    """Close the files of a form that an ASGI app has read, where a view answers for the app."""

    async def closed(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        finally:
            await close_body(scope)

    return closed


async def _guard_request(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    is_started = False
    lost: OSError | None = None

    async def watched(message: Message) -> None:
        nonlocal is_started, lost
        if message["type"] == "http.response.start":
            is_started = True
        try:
            await send(message)
        except OSError as error:
            lost = error
            raise

    try:
        await app(scope, receive, watched)
    except Exception as error:
        if isinstance(error, ClientDisconnect) or (lost is not None and is_due_to(error, lost)):
            return
        if is_started:
            raise
        request: Request[Any] = Request(scope, receive, send)
        await answer(request, error)
    finally:
        lost = None  # its traceback holds what holds it
        await close_body(scope)


async def _guard_websocket(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    websocket: WebSocket[Any] = WebSocket(scope, receive, send)
    lost: OSError | None = None

    async def watched(message: Message) -> None:
        nonlocal lost
        try:
            await websocket.send(message)
        except WebSocketDisconnect:
            # What apps know from servers (ASGI WebSocket 2.4).
            lost = OSError("the client left")
            raise lost from None

    try:
        await app(scope, websocket.receive, watched)
    except WebSocketDisconnect:
        return
    except Exception as error:  # noqa: BLE001  whatever an app raises ends the socket
        if lost is None or not is_due_to(error, lost):
            await answer_websocket(websocket, error)
    finally:
        lost = None
