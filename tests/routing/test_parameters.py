"""Handlers and their paths: what does not fit is told when the route is added."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from portico import App, HTTPView, Mount, Request, Route, Router, WebSocket, WebSocketRoute
from portico.routing._parameters import misfits
from tests.drive import call


async def wrong_name(request: Request, user_id: int) -> None: ...


async def swapped(user_id: int, request: Request) -> None: ...


async def socket(user_id: int, websocket: WebSocket) -> None: ...


async def keyword(request: Request, *, user_id: int) -> None: ...


class View(HTTPView):
    async def get(self, request: Request, item_id: int) -> None: ...

    async def put(self, request: Request, user_id: int) -> None: ...


@pytest.mark.parametrize(
    ("path", "handler", "message"),
    [
        pytest.param(
            "/{id}",
            wrong_name,
            r"wrong_name\(\) needs 'user_id', but '/{id}' has 'id'; name one that is there",
            id="another name",
        ),
        pytest.param("/{id}/{b}", keyword, "has 'id', 'b'; name one", id="keyword only"),
        pytest.param(
            "/{user_id}",
            swapped,
            r"swapped\(\) needs 'request'.* the request or websocket is the first parameter",
            id="the request is not the first",
        ),
        pytest.param("/x", swapped, "has no parameters; the request", id="two that are not there"),
        pytest.param("/{item_id}", View, r"View.put\(\) needs 'user_id'", id="a view's method"),
    ],
)
def test_what_cannot_fit_is_told_at_once(
    path: str, handler: Callable[..., Any], message: str
) -> None:
    app = App()
    with pytest.raises(TypeError, match=message):
        app.route(path)(handler)
    assert app.routes == []
    with pytest.raises(TypeError, match=message):
        App([Route(path, handler)])


def test_so_it_is_for_websockets() -> None:
    with pytest.raises(TypeError, match=r"socket\(\) needs 'websocket'"):
        App().websocket("/{user_id}")(socket)


def test_each_path_has_to_fit() -> None:
    with pytest.raises(TypeError, match=r"but '/b/{id}' has 'id'"):
        App().get("/a/{user_id}", "/b/{id}")(wrong_name)


def all_of_them(request: Request, **params: object) -> None: ...


def with_default(request: Request, other: int = 1) -> None: ...


def positional(request: Request, *rest: object) -> None: ...


def alone(request: Request) -> None: ...


def nothing() -> None: ...


def one(a: str) -> None: ...


def some(request: Request, b: str) -> None: ...


@pytest.mark.parametrize(
    ("path", "handler"),
    [
        pytest.param("/{id}", all_of_them, id="all of them"),
        pytest.param("/{id}", with_default, id="a default"),
        pytest.param("/{id}", positional, id="positional ones"),
        pytest.param("/{id}", alone, id="none"),
        pytest.param("/{id}", nothing, id="nothing at all"),
        pytest.param("/{a}", one, id="no request"),
        pytest.param("/{id}", partial(wrong_name, user_id=1), id="bound already"),
        pytest.param("/{a}/{b}", some, id="some"),
        pytest.param("/{id}", Router(), id="an ASGI app"),
    ],
)
def test_what_fits(path: str, handler: Any) -> None:
    route = Route(path, handler)
    assert App([route]).routes == [route]
    assert list(misfits(route, ["id", "a", "b"])) == []


def test_what_a_mount_may_bring_is_waited_for() -> None:
    """A router does not know yet, an app unless a name of its path is left over."""
    Router([Route("/{id}", wrong_name)])
    App([Route("/x", wrong_name)])
    with pytest.raises(TypeError, match="'request'"):
        Router([Route("/{user_id}", swapped)])
    with pytest.raises(TypeError, match="'websocket'"):
        Router([WebSocketRoute("/{user_id}", socket)])


@pytest.mark.anyio
async def test_handlers_name_what_mounts_have() -> None:
    async def both(request: Request, team: str, user: str) -> list[str]:
        return [team, user]

    async def one(request: Request, team: str) -> str:
        return team

    router = Router([Route("/{user}", both), Route("/only/{user}", one)])
    app = App([Mount("/{team}", router)])
    assert (await call(app, path="/red/ann")).json() == ["red", "ann"]
    assert (await call(app, path="/red/only/ann")).text == "red"
