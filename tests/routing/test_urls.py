"""Names to URLs, across mounts (``Hosts`` has its own tests)."""

from __future__ import annotations

from typing import Any

import pytest

from portico import App, Mount, PlainTextResponse, Request, Route, Router
from portico.errors import RouteNotFound
from portico.routing.urls import named, not_found
from tests.drive import call

FOREIGN = PlainTextResponse("x")


def route(path: str | list[str], name: str) -> Route:
    return Route(path, lambda: "x", name=name)


def tree() -> App:
    inner = Router([route("/", "home"), route("/{item:int}", "item"), Mount("/raw", FOREIGN)])
    return App(
        [
            route("/", "home"),
            route(["/u/{user}", "/u/{user}/{tab}"], "user"),
            Mount("/api", inner, name="api"),
            Mount("/{team}", Router([route("/board", "board")]), name="team"),
            Mount("/open", Router([route("/page", "page"), route("/home", "home")])),
            Mount("/static", FOREIGN, name="static"),
            Mount("/s/{theme}", FOREIGN, name="themed"),
        ]
    )


@pytest.mark.parametrize(
    ("name", "params", "path"),
    [
        pytest.param("home", {}, "/", id="the router's own comes first"),
        pytest.param("user", {"user": "a b/c"}, "/u/a%20b%2Fc", id="the path that fits"),
        pytest.param("user", {"user": "a", "tab": "b"}, "/u/a/b", id="the other path"),
        pytest.param("api:home", {}, "/api/", id="below a name"),
        pytest.param("api:item", {"item": 7}, "/api/7", id="converted"),
        pytest.param("team:board", {"team": "tea"}, "/tea/board", id="a mount's parameter"),
        pytest.param("page", {}, "/open/page", id="below a mount without a name"),
        pytest.param("static", {}, "/static/", id="a mount itself"),
        pytest.param("static", {"path": "a b/c.css"}, "/static/a%20b/c.css", id="a path below it"),
        pytest.param("static", {"path": "/c.css"}, "/static/c.css", id="with its slash"),
        pytest.param("static", {"path": "//evil"}, "/static/evil", id="never another host"),
        pytest.param("themed", {"theme": "d", "path": "c"}, "/s/d/c", id="both"),
        pytest.param("api", {"path": "x"}, "/api/x", id="a mounted router itself"),
    ],
)
def test_url_path_for(name: str, params: dict[str, object], path: str) -> None:
    assert tree().url_path_for(name, **params) == path
    assert tree().url_parts_for(name, **params) == (None, path)


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        pytest.param(
            "users", {}, r"no route is named 'users'; there are: user, ", id="similar first"
        ),
        pytest.param("api:nothing", {}, r"there are: .*api:home", id="below a mount"),
        pytest.param("user", {}, "missing: user", id="a parameter is missing"),
        pytest.param("home", {"x": 1}, "not in the template: x", id="one is too much"),
        pytest.param("api:item", {"item": "x"}, "item", id="it does not convert"),
        pytest.param("team:board", {}, "missing: team", id="the mount's is missing"),
        pytest.param("static", {"file": "x"}, "takes 'path', not file", id="a mount's own"),
        pytest.param("static", {"path": "../x"}, "taken out", id="dots leave a mount"),
        pytest.param("static", {"path": "a/./x"}, "taken out", id="one dot"),
        pytest.param("themed", {}, "missing: theme", id="a mount's prefix"),
    ],
)
def test_url_path_for_a_name_that_gives_none(
    name: str, params: dict[str, object], message: str
) -> None:
    with pytest.raises(RouteNotFound, match=message):
        tree().url_path_for(name, **params)


def test_names() -> None:
    names = ["api", "api:home", "api:item", "home", "page", "static", "team", "team:board"]
    assert tree().url_names() == [*names, "themed", "user"]


def test_the_error_shows_only_so_many() -> None:
    message = str(not_found("n5", [f"n{number}" for number in range(30)]))
    assert "'n5'; there are: n5, " in message
    assert message.endswith("and 10 more")
    assert str(not_found("x", [])) == "no route is named 'x'; there are: none"


def test_what_has_names() -> None:
    router = Router()
    assert named(router) is router
    assert named(FOREIGN) is None
    assert named(None) is None


@pytest.mark.anyio
@pytest.mark.parametrize("is_prefixed", [True, False], ids=["in path", "not in path"])
@pytest.mark.parametrize("root_path", ["", "/root"])
async def test_url_for_is_the_same_from_everywhere(root_path: str, is_prefixed: bool) -> None:
    async def urls(request: Request) -> list[str]:
        names: list[tuple[str, dict[str, Any]]] = [("a:b:x", {"id": "1"}), ("top", {})]
        return [str(request.url_for(name, **params)) for name, params in names]

    deep = App([Route("/x", urls, name="x")])
    middle = Router([Mount("/{id}/b", deep, name="b"), Route("/y", urls, name="y")])
    app = App([Mount("/a", middle, name="a"), Route("/top", urls, name="top")])
    for path in ("/top", "/a/y", "/a/1/b/x", "/a/%2F/b/x"):
        raw = ((root_path if is_prefixed else "") + path).encode()
        reply = await call(
            app, path=raw.decode().replace("%2F", "/"), raw_path=raw, root_path=root_path
        )
        assert reply.json() == [
            f"http://testserver{root_path}/a/1/b/x",
            f"http://testserver{root_path}/top",
        ], path
