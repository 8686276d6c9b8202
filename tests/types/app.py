"""What type checkers see of an application: decorators give back what they decorate."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import assert_type

from portico import App, HTTPException, JSONResponse, Request, Response, WebSocket
from portico.asgi import ASGIApp, Receive, Scope, Send


@asynccontextmanager
async def lifespan(app: object) -> AsyncGenerator[Mapping[str, object]]:
    yield {"database": "open"}


app = App(lifespan=lifespan)
as_asgi: ASGIApp = app
response_as_asgi: ASGIApp = JSONResponse({})


@app.get("/", "/index", name="home")
async def home(request: Request) -> str:
    return "Hello"


@app.post("/notes/{number:int}", name="note", middleware=[], max_body_bytes=None)
def note(request: Request, number: int) -> tuple[int, dict[str, int]]:
    return 201, {"number": number}


@app.websocket("/echo")
async def echo(websocket: WebSocket) -> None:
    async with websocket:
        async for text in websocket.iter_text():
            assert_type(text, str)


@app.exception_handler(404)
async def missing(request: Request, error: HTTPException) -> str:
    return error.detail


@app.middleware
async def timing(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    assert_type(response, Response)
    response.headers["x-a"] = "b"
    return response


@app.on_startup
async def opened() -> None: ...


class Outer:
    def __init__(self, app: ASGIApp, *, number: int) -> None:
        self.app: ASGIApp = app
        self.number: int = number

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


app.add_middleware(Outer, number=1)
assert_type(note(Request({}), 1), tuple[int, dict[str, int]])
assert_type(app.url_path_for("home"), str)
