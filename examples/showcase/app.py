"""The showcase joined: its parts, who is there, and how it fails."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from html import escape

from examples.showcase import accounts, chat, dashboard, failures, mirror, notes, shelf, uploads
from examples.showcase.forms import is_same_origin
from examples.showcase.pages import assets, page, path_to
from examples.showcase.storage import open_shelf
from portico import App, HTTPException, Request, Response
from portico.response.error import error_response

__all__ = ("app",)

READING = frozenset({"GET", "HEAD", "OPTIONS"})

CARDS = (
    ("notes", "Notes", "One resource as HTML and as JSON: forms, validation, negotiation."),
    ("uploads", "Uploads", "A file of any size with its progress, in the memory of a small one."),
    ("shelf", "Shelf", "Files to download, to resume, to watch: ranges, conditions, limits."),
    ("dashboard", "Dashboard", "Live numbers by server-sent events, also over a restart."),
    ("chat", "Chat", "A room over websockets, in one process or, with Redis, in many."),
    ("sign_in", "Sign in", "A token that the server keeps, in a cookie that scripts cannot read."),
    ("mirror", "Your request", "Headers, cookies, negotiation: what the server knows of you."),
    ("failures", "Errors", "404, 405, 418 and a crash, for people and for programs."),
)


@asynccontextmanager
async def lifespan(app: App) -> AsyncGenerator[dict[str, object]]:
    """Open what the parts need as long as the server runs; ``request.state`` has it."""
    with open_shelf() as files:
        async with chat.hub, dashboard.sampling():
            yield {"shelf": files}


app = App(lifespan=lifespan)
app.add_middleware(dashboard.RequestCount)

for name, asset in assets.items():
    app.get(f"/{name}", name=name)(asset)
for part in (accounts, notes, uploads, shelf, dashboard, chat, mirror, failures):
    for route in part.router.routes:
        app.add(route)


@app.middleware
async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Say who is there, and refuse writes that a page of another site has sent."""
    request.scope["user"] = accounts.user_of(request)
    if request.method not in READING and not is_same_origin(request):
        raise HTTPException.forbidden("This form was sent from another site.")
    return await call_next(request)


@app.get("/", name="home")
async def home(request: Request) -> Response:
    cards = "".join(
        f'<li><a href="{escape(path_to(request, name))}">'
        f"<h2>{escape(title)}</h2><p>{escape(text)}</p></a></li>"
        for name, title, text in CARDS
    )
    body = f"""<section class="hero">
<h1>Portico showcase</h1>
<p>A small application made of Portico's parts, served by a real server. Its source is a few short
files in <code>examples/showcase</code>.</p>
</section>
<ul class="cards">{cards}</ul>"""
    return page(request, "Start", body)


@app.exception_handler(HTTPException)
async def refused(request: Request, error: HTTPException) -> Response:
    """Show errors in our style to whoever prefers HTML; the rest get what Portico sends."""
    plain = error_response(error, request.scope)
    if plain.headers["content-type"].partition(";")[0] != "text/html":
        return plain
    response = failures.error_page(request, error.status_code, error.detail)
    for field_name, value in error.headers:
        response.headers.add(field_name, value)
    return response


@app.exception_handler(500)
async def broken(request: Request, error: Exception) -> Response:
    """Tell a browser that we failed, and nothing of how."""
    return await refused(request, HTTPException.internal_server_error())
