"""Parts without the App: a request, a response and a router are at home in any ASGI application.

portico run examples.parts:app           what they say of a request
portico run examples.parts:teapot        a response is an application by itself

curl -i 'http://127.0.0.1:8000/anything?tag=a&tag=b'
"""

from __future__ import annotations

from portico import JSONResponse, PlainTextResponse, Request
from portico.asgi import Receive, Scope, Send

teapot = PlainTextResponse("short and stout\n", 418)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])  # servers take it that there is no lifespan
    request = Request(scope, receive, send)
    response = JSONResponse(
        {
            "method": request.method,
            "path": request.path,
            "tags": request.query_params.getall("tag", []),
            "client": request.client,
            "body": await request.text(),
        }
    )
    await response(scope, receive, send)
