"""A function becomes the ASGI app of a websocket: its arguments, its errors, its end."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any, Final, cast

from portico import _stopping, _tasks
from portico.asgi import ASGIApp, Receive, Scope, Send
from portico.connection.body import INHERIT, Inherit, Limit
from portico.connection.raw_websocket import ORIGINS, RawWebSocket, WebSocketState
from portico.connection.request import Request
from portico.connection.websocket import MESSAGE_LIMIT, WebSocket
from portico.errors import HTTPException, WebSocketDisconnect
from portico.http.origin import parse_origins
from portico.response.base import Response
from portico.response.denial import handshake_scope
from portico.response.error import error_response
from portico.routing.endpoint import Handler, Invoke, bind
from portico.routing.errors import handlers_of

__all__ = (
    "answer_websocket",
    "from_allowed_origins",
    "socket_app",
    "socket_marks",
    "websocket_session",
)

_log: Final = logging.getLogger("portico.websocket")


def socket_marks(
    max_message_bytes: Limit, allowed_origins: Iterable[str] | Inherit
) -> dict[str, Any]:
    """Give what an app, a router or a route puts into the scope of its websockets.

    Raises ``ValueError`` for what is no origin.
    """
    marks: dict[str, Any] = {}
    if max_message_bytes is not INHERIT:
        marks[MESSAGE_LIMIT] = max_message_bytes
    if not isinstance(allowed_origins, Inherit):
        marks[ORIGINS] = parse_origins(allowed_origins)
    return marks


def socket_app(invoke: Invoke) -> ASGIApp:
    """Make the ASGI app of a bound websocket handler.

    It is called for pages that may connect alone, see ``RawWebSocket.check_origin``.
    A handler that returns leaves the socket closed with 1000, or refused with 403 if it never
    accepted. An exception before ``accept`` refuses the handshake with its response; after it, the
    socket is closed with the code that fits. That the peer left is not an error.

    When the application stops, an open socket is closed with 1012, and the handler sees that as if
    the peer had left. One that takes longer than the lifespan's ``drain_timeout_s`` is cancelled.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        websocket: WebSocket[Any] = WebSocket(scope, receive, send)
        try:
            websocket.check_origin()
            with _told_to_end(websocket):
                await invoke(websocket)
            await websocket.close()
        except WebSocketDisconnect:
            return
        except Exception as error:  # noqa: BLE001  whatever a handler raises ends the socket
            await answer_websocket(websocket, error)

    return app


@contextmanager
def _told_to_end(websocket: WebSocket[Any]) -> Generator[None]:
    clock = _tasks.clock()

    def end(seconds: float) -> None:
        scope.deadline = clock() + seconds
        _stopping.start_soon(websocket.abandon)

    with _tasks.open_scope() as scope, _stopping.told(end):
        yield
    if scope.cancelled_caught:
        _log.warning("a websocket's handler was cut off, because the application stops")


def from_allowed_origins(app: ASGIApp) -> ASGIApp:
    """Keep pages that may not connect away from an ASGI app for websockets."""

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        RawWebSocket[Any](scope).check_origin()
        await app(scope, receive, send)

    return checked


def websocket_session(handler: Handler) -> ASGIApp:
    """Turn a websocket handler into an ASGI app; usable as a decorator.

    >>> @websocket_session
    ... async def echo(websocket):
    ...     async with websocket:
    ...         async for text in websocket.iter_text():
    ...             await websocket.send_text(text)
    """
    return socket_app(bind(handler))


async def answer_websocket(websocket: WebSocket[Any], error: Exception) -> None:
    """End the socket after ``error``, and raise it again if nobody expects it."""
    failure: Exception | None = error
    try:
        failure = await _end(websocket, error)
        if failure is not None:
            raise failure
    finally:
        del error, failure  # they hold this frame: a cycle would keep both alive


async def _end(websocket: WebSocket[Any], error: Exception) -> Exception | None:
    """End the socket after ``error``, and give the exception that nobody expects."""
    if _is_leaving(error):
        return None
    if websocket.state is not WebSocketState.CONNECTING:
        await websocket.close_for(error)
        return None if isinstance(_tasks.unwrap(error), HTTPException) else error
    # An exception handler is written for requests, and the handshake is one.
    request: Request[Any] = Request(handshake_scope(websocket.scope))
    response: Response | None = None
    try:
        response = await handlers_of(websocket.scope).handled(request, error)
    except Exception as failure:  # noqa: BLE001  the handler's own error takes its place
        error = failure
    try:
        await websocket.deny(response or error_response(HTTPException(500), request.scope))
        return error if response is None else None
    finally:
        del error


def _is_leaving(error: BaseException) -> bool:
    """Tell whether several tasks of a handler heard that the peer left, and nothing else."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return all(_is_leaving(member) for member in group.exceptions)
    return isinstance(error, WebSocketDisconnect)
