"""Middleware in both shapes: around a request and its response, and around an ASGI application.

portico run examples.middleware:app

curl -i http://127.0.0.1:8000/                 # x-served-by of one, server-timing of the other
curl -i http://127.0.0.1:8000/admin            # 403 by a middleware of this route alone
curl -i http://127.0.0.1:8000/admin -H 'x-key: sesame'
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hmac import compare_digest
from time import perf_counter

from portico import App, HTTPException, Request, Response
from portico.asgi import ASGIApp, Message, Receive, Scope, Send

CallNext = Callable[[Request], Awaitable[Response]]


class ServedBy:
    """An ASGI middleware: an application around an application; knows nothing of Portico."""

    def __init__(self, app: ASGIApp, *, name: str) -> None:
        self.app = app
        self.header = (b"x-served-by", name.encode("ascii"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], self.header]}
            await send(message)

        await self.app(scope, receive, named)


app = App()
app.add_middleware(ServedBy, name="example")


@app.middleware
async def timing(request: Request, call_next: CallNext) -> Response:
    started = perf_counter()
    response = await call_next(request)
    response.headers["server-timing"] = f"app;dur={(perf_counter() - started) * 1000:.1f}"
    return response


async def with_key(request: Request, call_next: CallNext) -> Response:
    if not compare_digest(request.headers.get("x-key", "").encode(), b"sesame"):
        raise HTTPException.forbidden("the key is missing or wrong")
    return await call_next(request)


@app.get("/")
async def home(request: Request) -> str:
    return "open to all\n"


@app.get("/admin", middleware=[with_key])
async def admin(request: Request) -> str:
    return "you have the key\n"
