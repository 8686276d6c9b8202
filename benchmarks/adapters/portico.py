"""Portico, as its documentation tells to use it."""

from __future__ import annotations

from scenarios import (
    CHUNK,
    EVENT_TEXT,
    EVENTS,
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

from portico import (
    App,
    EventSourceResponse,
    PlainTextResponse,
    Request,
    ServerSentEvent,
    StreamingResponse,
)
from portico.http.headers import MutableHeaders

IMPORT = """
from portico import App, Request
app = App()
@app.get("/")
async def home(request: Request) -> str:
    return "Hello, world!"
"""


async def plaintext(request: Request) -> str:
    return HELLO


async def json_small(request: Request) -> object:
    return SMALL


async def json_large(request: Request) -> object:
    return LARGE


async def member(request: Request, id: int, user: str) -> str:
    return f"{user} {id + 1}"


async def zen(request: Request) -> str:
    return ZEN


async def ok(request: Request) -> str:
    return "ok"


async def reads(request: Request) -> object:
    query, cookies = request.query_params, request.cookies
    return {
        "agent": request.headers["user-agent"],
        "q": query["q"],
        "page": int(query["page"]),
        "sort": query["sort"],
        "session": cookies["session"],
        "theme": cookies["theme"],
    }


async def set_cookie_headers(request: Request) -> PlainTextResponse:
    response = PlainTextResponse("ok", headers=FIELDS)
    response.set_cookie("session", SESSION, max_age=3600, httponly=True, secure=True)
    response.set_cookie("theme", "dark")
    return response


async def post_json(request: Request) -> str:
    return (await request.json())["name"]


async def stream(request: Request) -> StreamingResponse:
    async def chunks():
        for _ in range(100):
            yield CHUNK

    return StreamingResponse(chunks(), media_type="text/plain")


async def events(request: Request) -> EventSourceResponse:
    async def ticks():
        for number in range(EVENTS):
            yield ServerSentEvent(EVENT_TEXT.format(number), event="tick", id=number)

    return EventSourceResponse(ticks())


async def post_form(request: Request) -> str:
    return (await request.form())["name"]


async def multipart_small(request: Request) -> str:
    form = await request.form()
    file = form["file"]
    return f"{form['title']} {file.filename} {len(await file.read())}"


POSTS = {"post_json": "/json", "post_form": "/form", "multipart_small": "/upload"}


class AddField:
    """An ASGI middleware."""

    def __init__(self, app, n: int) -> None:
        self.app = app
        self.n = n

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_field(message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(message["headers"])[f"x-middleware-{self.n}"] = str(self.n)
            await send(message)

        await self.app(scope, receive, send_with_field)


def add_view(app: App, n: int) -> None:
    @app.middleware
    async def add_field(request, call_next):
        response = await call_next(request)
        response.headers[f"x-middleware-{n}"] = str(n)
        return response


PATHS = {
    "plaintext": "/",
    "json_small": "/json",
    "json_large": "/json",
    "reads": "/reads",
    "set_cookie_headers": "/cookies",
    "stream": "/stream",
    "events": "/events",
}


def make(scenario: str) -> App | None:
    app = App()
    if scenario in {"route_param", "route_static_last", "not_found"}:
        special = {PARAM_ROUTE: member, LAST_ROUTE: zen}
        for path in ROUTES:
            app.get(path)(special.get(path, ok))
    elif scenario.startswith("middleware5"):
        app.get("/")(ok)
        for n in range(1, 6):
            if scenario == "middleware5":
                add_view(app, n)
            else:
                app.add_middleware(AddField, n=n)
    elif scenario == "mount3":
        app.get("/hello")(ok)
        for prefix in ("/c", "/b", "/a"):
            outer = App()
            outer.mount(prefix, app)
            app = outer
    elif scenario in POSTS:
        app.post(POSTS[scenario])(globals()[scenario])
    elif scenario in PATHS:
        app.get(PATHS[scenario])(globals()[scenario])
    else:
        return None
    return app
