from __future__ import annotations

from functools import partial

import pytest

from portico import (
    App,
    Hosts,
    HTTPView,
    Middleware,
    Mount,
    PlainTextResponse,
    Request,
    Route,
    Router,
    WebSocket,
    WebSocketRoute,
    middleware,
)
from portico.asgi import ASGIApp, Receive, Scope, Send
from portico.cli._routes import Row, apps_in, middleware_of, rows
from portico.routing.endpoint import CallNext

HERE = __name__


async def show(request: Request, **params: object) -> None: ...


async def listen(websocket: WebSocket) -> None: ...


async def timing(request: Request, call_next: CallNext) -> None: ...


async def foreign(scope: Scope, receive: Receive, send: Send) -> None: ...


class View(HTTPView):
    async def get(self, request: Request) -> None: ...

    async def delete(self, request: Request) -> None: ...


class Around:
    def __init__(self, app: ASGIApp) -> None:
        self.app: ASGIApp = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


def named(*names: str) -> tuple[str, ...]:
    return tuple(f"{HERE}:{name}" for name in names)


TEXT = PlainTextResponse("hi")
APP = "portico.app:App"
ROUTER = "portico.routing.router:Router"


@pytest.mark.parametrize(
    ("app", "expected"),
    [
        pytest.param(App(), [], id="nothing"),
        pytest.param(foreign, [], id="a foreign app"),
        pytest.param(
            App([Route(("/a", "/b/{id:int}"), show, methods=["PUT", "GET"], name="it")]),
            [
                Row(0, "http", ("GET", "PUT"), "/a", "it", f"{HERE}:show", ()),
                Row(0, "http", ("GET", "PUT"), "/b/{id:int}", "it", f"{HERE}:show", ()),
            ],
            id="a route of two paths",
        ),
        pytest.param(
            Router([WebSocketRoute("/ws", listen, middleware=[Around])]),
            [Row(0, "websocket", (), "/ws", "listen", f"{HERE}:listen", named("Around"))],
            id="a websocket",
        ),
        pytest.param(
            Router([Route("/v", View), Route("/t", TEXT, name="text"), Route("/p", partial(show))]),
            [
                Row(0, "http", ("DELETE", "GET"), "/v", "View", f"{HERE}:View", ()),
                Row(0, "http", (), "/t", "text", "portico.response.text:PlainTextResponse", ()),
                Row(0, "http", ("GET",), "/p", "show", f"{HERE}:show", ()),
            ],
            id="a view, an app, a partial",
        ),
        pytest.param(
            Router([Route("/", show, middleware=[timing, Middleware(Around), middleware(timing)])]),
            [
                Row(
                    0,
                    "http",
                    ("GET",),
                    "/",
                    "show",
                    f"{HERE}:show",
                    named("timing", "Around", "timing"),
                )
            ],
            id="middleware of a route",
        ),
        pytest.param(
            App(
                [
                    Mount(
                        "/a",
                        Router([Route("/x", show)], middleware=[timing]),
                        name="in",
                        middleware=[Around],
                    ),
                    Mount("/b", Around(Router([Route("/y", show)]))),
                    Mount("", foreign),
                ]
            ),
            [
                Row(0, "mount", (), "/a", "in", ROUTER, named("Around", "timing")),
                Row(1, "http", ("GET",), "/a/x", "in:show", f"{HERE}:show", ()),
                Row(0, "mount", (), "/b", "", f"{HERE}:Around", named("Around")),
                Row(1, "http", ("GET",), "/b/y", "show", f"{HERE}:show", ()),
                Row(0, "mount", (), "/", "", f"{HERE}:foreign", ()),
            ],
            id="mounts, named and not",
        ),
        pytest.param(
            Router([Mount("/a", Router(default=foreign))]),
            [
                Row(0, "mount", (), "/a", "", ROUTER, ()),
                Row(1, "default", (), "/a/*", "", f"{HERE}:foreign", ()),
            ],
            id="a default",
        ),
        pytest.param(
            Hosts(("API.example", App([Route("/", show)])), default=App(middleware=[timing])),
            [
                Row(0, "host", (), "API.example", "", APP, ()),
                Row(1, "http", ("GET",), "/", "show", f"{HERE}:show", ()),
                Row(0, "host", (), "any other host", "", APP, named("timing")),
            ],
            id="hosts",
        ),
        pytest.param(
            Hosts(("*", foreign)),
            [Row(0, "host", (), "*", "", f"{HERE}:foreign", ())],
            id="hosts without a default",
        ),
    ],
)
def test_rows(app: object, expected: list[Row]) -> None:
    assert rows(app) == expected


@pytest.mark.parametrize(
    ("app", "expected"),
    [
        pytest.param(App(), (), id="none"),
        pytest.param(foreign, (), id="a foreign app"),
        pytest.param(Hosts(), (), id="hosts"),
        pytest.param(App(middleware=[Around, timing]), named("Around", "timing"), id="of an app"),
        pytest.param(
            Around(Around(App(middleware=[timing]))),
            named("Around", "Around", "timing"),
            id="around",
        ),
    ],
)
def test_middleware_of(app: object, expected: tuple[str, ...]) -> None:
    assert middleware_of(app) == expected


def test_apps_in() -> None:
    innermost, second, fallback = App(), App(), App()
    router = Router([Mount("/b", Around(innermost))], default=fallback)
    first = App([Mount("/a", router), Route("/", show)])
    found = list(apps_in(Hosts(("a.example", first), ("b.example", foreign), default=second)))
    assert len(found) == 4
    assert all(
        each is app for each, app in zip(found, (first, innermost, fallback, second), strict=True)
    )
