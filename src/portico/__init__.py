"""Portico: a toolkit for ASGI. The everyday names, each loaded when it is first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from portico.app import App as App
    from portico.channels.hub import Hub as Hub
    from portico.connection.base import HTTPConnection as HTTPConnection
    from portico.connection.request import Request as Request
    from portico.connection.uploads import UploadFile as UploadFile
    from portico.connection.websocket import WebSocket as WebSocket
    from portico.errors import BadInput as BadInput
    from portico.errors import ClientDisconnect as ClientDisconnect
    from portico.errors import ContentTooLarge as ContentTooLarge
    from portico.errors import FileChanged as FileChanged
    from portico.errors import HTTPException as HTTPException
    from portico.errors import InvalidData as InvalidData
    from portico.errors import Misuse as Misuse
    from portico.errors import PorticoError as PorticoError
    from portico.errors import RouteNotFound as RouteNotFound
    from portico.errors import UnsupportedMediaType as UnsupportedMediaType
    from portico.errors import WebSocketDisconnect as WebSocketDisconnect
    from portico.http.multipart import FormLimits as FormLimits
    from portico.http.sse import ServerSentEvent as ServerSentEvent
    from portico.http.urls import safe_redirect as safe_redirect
    from portico.response.background import BackgroundTask as BackgroundTask
    from portico.response.base import Response as Response
    from portico.response.data import JSONResponse as JSONResponse
    from portico.response.data import MsgPackResponse as MsgPackResponse
    from portico.response.data import ProblemResponse as ProblemResponse
    from portico.response.file import FileResponse as FileResponse
    from portico.response.lines import JSONLinesResponse as JSONLinesResponse
    from portico.response.redirect import RedirectResponse as RedirectResponse
    from portico.response.sse import EventSourceResponse as EventSourceResponse
    from portico.response.stream import StreamingResponse as StreamingResponse
    from portico.response.text import HTMLResponse as HTMLResponse
    from portico.response.text import PlainTextResponse as PlainTextResponse
    from portico.routing.converters import Converter as Converter
    from portico.routing.endpoint import request_response as request_response
    from portico.routing.hosts import Hosts as Hosts
    from portico.routing.middleware import Middleware as Middleware
    from portico.routing.middleware import middleware as middleware
    from portico.routing.router import Router as Router
    from portico.routing.router import Subpaths as Subpaths
    from portico.routing.routes import Mount as Mount
    from portico.routing.routes import Route as Route
    from portico.routing.routes import WebSocketRoute as WebSocketRoute
    from portico.routing.socket import websocket_session as websocket_session
    from portico.routing.views import HTTPView as HTTPView
    from portico.static.files import Files as Files
    from portico.static.pages import Pages as Pages

__all__ = (
    "App",
    "BackgroundTask",
    "BadInput",
    "ClientDisconnect",
    "ContentTooLarge",
    "Converter",
    "EventSourceResponse",
    "FileChanged",
    "FileResponse",
    "Files",
    "FormLimits",
    "HTMLResponse",
    "HTTPConnection",
    "HTTPException",
    "HTTPView",
    "Hosts",
    "Hub",
    "InvalidData",
    "JSONLinesResponse",
    "JSONResponse",
    "Middleware",
    "Misuse",
    "Mount",
    "MsgPackResponse",
    "Pages",
    "PlainTextResponse",
    "PorticoError",
    "ProblemResponse",
    "RedirectResponse",
    "Request",
    "Response",
    "Route",
    "RouteNotFound",
    "Router",
    "ServerSentEvent",
    "StreamingResponse",
    "Subpaths",
    "UnsupportedMediaType",
    "UploadFile",
    "WebSocket",
    "WebSocketDisconnect",
    "WebSocketRoute",
    "middleware",
    "request_response",
    "safe_redirect",
    "websocket_session",
)

_HOME: Final = {
    "App": "app",
    "BackgroundTask": "response.background",
    "BadInput": "errors",
    "ClientDisconnect": "errors",
    "ContentTooLarge": "errors",
    "Converter": "routing.converters",
    "EventSourceResponse": "response.sse",
    "FileChanged": "errors",
    "FileResponse": "response.file",
    "Files": "static.files",
    "FormLimits": "http.multipart",
    "HTMLResponse": "response.text",
    "HTTPConnection": "connection.base",
    "HTTPException": "errors",
    "HTTPView": "routing.views",
    "Hosts": "routing.hosts",
    "Hub": "channels.hub",
    "InvalidData": "errors",
    "JSONLinesResponse": "response.lines",
    "JSONResponse": "response.data",
    "Middleware": "routing.middleware",
    "Misuse": "errors",
    "Mount": "routing.routes",
    "MsgPackResponse": "response.data",
    "Pages": "static.pages",
    "PlainTextResponse": "response.text",
    "PorticoError": "errors",
    "ProblemResponse": "response.data",
    "RedirectResponse": "response.redirect",
    "Request": "connection.request",
    "Response": "response.base",
    "Route": "routing.routes",
    "RouteNotFound": "errors",
    "Router": "routing.router",
    "ServerSentEvent": "http.sse",
    "StreamingResponse": "response.stream",
    "Subpaths": "routing.router",
    "UnsupportedMediaType": "errors",
    "UploadFile": "connection.uploads",
    "WebSocket": "connection.websocket",
    "WebSocketDisconnect": "errors",
    "WebSocketRoute": "routing.routes",
    "middleware": "routing.middleware",
    "request_response": "routing.endpoint",
    "safe_redirect": "http.urls",
    "websocket_session": "routing.socket",
}
"""The module, below this package, of each name in ``__all__``."""


if not TYPE_CHECKING:  # pragma: no branch - a type checker skips it, a program never does

    def __getattr__(name: str) -> object:
        home = _HOME.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{home}"), name)
        globals()[name] = value  # so that the next look-up does not come here
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
