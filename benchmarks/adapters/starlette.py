"""Starlette, as its documentation tells to use it."""

from __future__ import annotations

from scenarios import (
    CHUNK,
    FIELDS,
    HELLO,
    LARGE,
    LAST_ROUTE,
    PARAM_ROUTE,
    ROUTES,
    SESSION,
    SMALL,
    ZEN,
)
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route

IMPORT = """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
async def home(request):
    return PlainTextResponse("Hello, world!")
app = Starlette(routes=[Route("/", home)])
"""


async def plaintext(request):
    return PlainTextResponse(HELLO)


async def json_small(request):
    return JSONResponse(SMALL)


async def json_large(request):
    return JSONResponse(LARGE)


async def member(request):
    return PlainTextResponse(f"{request.path_params['user']} {request.path_params['id'] + 1}")


async def zen(request):
    return PlainTextResponse(ZEN)


async def ok(request):
    return PlainTextResponse("ok")


async def reads(request):
    query, cookies = request.query_params, request.cookies
    return JSONResponse(
        {
            "agent": request.headers["user-agent"],
            "q": query["q"],
            "page": int(query["page"]),
            "sort": query["sort"],
            "session": cookies["session"],
            "theme": cookies["theme"],
        }
    )


async def set_cookie_headers(request):
    response = PlainTextResponse("ok", headers=FIELDS)
    response.set_cookie("session", SESSION, max_age=3600, httponly=True, secure=True)
    response.set_cookie("theme", "dark")
    return response


async def post_json(request):
    return PlainTextResponse((await request.json())["name"])


async def post_form(request):
    return PlainTextResponse((await request.form())["name"])


async def multipart_small(request):
    form = await request.form()
    file = form["file"]
    text = f"{form['title']} {file.filename} {len(await file.read())}"
    return PlainTextResponse(text)


POSTS = {"post_json": "/json", "post_form": "/form", "multipart_small": "/upload"}


class View(BaseHTTPMiddleware):
    def __init__(self, app, n):
        super().__init__(app)
        self.n = n

    async def dispatch(self, request, call_next):
        response = await call_next(request)
        response.headers[f"x-middleware-{self.n}"] = str(self.n)
        return response


class AddField:
    def __init__(self, app, n):
        self.app, self.n = app, n

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_field(message):
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[f"x-middleware-{self.n}"] = str(self.n)
            await send(message)

        await self.app(scope, receive, send_with_field)


PATHS = {
    "plaintext": "/",
    "json_small": "/json",
    "json_large": "/json",
    "reads": "/reads",
    "set_cookie_headers": "/cookies",
    "stream": "/stream",
}


async def stream(request):
    async def chunks():
        for _ in range(100):
            yield CHUNK

    return StreamingResponse(chunks(), media_type="text/plain")


def make(scenario):
    if scenario in {"route_param", "route_static_last", "not_found"}:
        special = {PARAM_ROUTE: member, LAST_ROUTE: zen}
        return Starlette(routes=[Route(path, special.get(path, ok)) for path in ROUTES])
    if scenario.startswith("middleware5"):
        kind = View if scenario == "middleware5" else AddField
        return Starlette(
            routes=[Route("/", ok)], middleware=[Middleware(kind, n=n) for n in range(1, 6)]
        )
    if scenario == "mount3":
        routes = [Route("/hello", ok)]
        for prefix in ("/c", "/b", "/a"):
            routes = [Mount(prefix, Starlette(routes=routes))]
        return Starlette(routes=routes)
    if scenario in POSTS:
        path, handler = POSTS[scenario], globals()[scenario]
        return Starlette(routes=[Route(path, handler, methods=["POST"])])
    if scenario not in PATHS:
        return None  # it has no event streams
    return Starlette(routes=[Route(PATHS[scenario], globals()[scenario])])
