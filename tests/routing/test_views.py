"""Classes whose methods answer the methods of HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from portico import App, HTTPView, Request, Route
from portico.asgi import Message
from tests.drive import call, drive, http_scope


class Note(HTTPView):
    def __init__(self) -> None:
        self.calls = 0

    async def get(self, request: Request, number: int) -> dict[str, int]:
        self.calls += 1
        return {"number": number, "calls": self.calls}

    def put(self, request: Request, number: int, **params: object) -> str:
        return f"{request.method} {number} {params}"

    async def delete(self) -> None:
        return None


class Sub(Note):
    async def options(self, request: Request) -> str:
        return "mine"

    async def head(self, request: Request) -> tuple[int, str]:
        return 202, "x"


def make(view: type[HTTPView], **options: Any) -> App:
    return App([Route("/{number:int}", view, **options)])


def test_methods() -> None:
    assert Note.methods() == {"GET", "PUT", "DELETE"}
    assert Sub.methods() == {"GET", "PUT", "DELETE", "HEAD", "OPTIONS"}
    assert HTTPView.methods() == frozenset()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "status", "text"),
    [
        pytest.param("GET", 200, '{"number":7,"calls":1}', id="async"),
        pytest.param("PUT", 200, "PUT 7 {}", id="sync, in a thread"),
        pytest.param("DELETE", 200, "null", id="without arguments"),
        pytest.param("HEAD", 200, "", id="HEAD is GET without content (9.3.2)"),
    ],
)
async def test_the_method_answers(method: str, status: int, text: str) -> None:
    reply = await call(make(Note), method, "/7")
    assert (reply.status, reply.text) == (status, text)


@pytest.mark.anyio
async def test_each_request_has_an_object_of_its_own() -> None:
    app = make(Note)
    for _ in range(3):
        assert (await call(app, path="/7")).json()["calls"] == 1


@pytest.mark.anyio
async def test_others_are_405() -> None:
    reply = await call(make(Note), "POST", "/7")
    assert (reply.status, reply.headers["allow"]) == (405, "DELETE, GET, HEAD, OPTIONS, PUT")
    reply = await call(make(Note), "OPTIONS", "/7")
    assert (reply.status, reply.headers["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PUT")


@pytest.mark.anyio
async def test_head_and_options_may_be_its_own() -> None:
    app = make(Sub)
    assert (await call(app, "HEAD", "/7")).status == 202
    assert (await call(app, "OPTIONS", "/7")).text == "mine"


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["METHODS", "__INIT__", "CALLS", "__class__"])
async def test_a_made_up_method_never_reaches_an_attribute(method: str) -> None:
    assert (await call(make(Note), method, "/7")).status == 405


@pytest.mark.anyio
async def test_methods_that_the_route_has_and_the_view_has_not() -> None:
    class Half(HTTPView):
        async def post(self, request: Request) -> str:
            return request.method

    assert (await call(make(Half), "POST", "/7")).text == "POST"
    reply = await call(make(Half, methods=["POST", "PATCH"]), "PATCH", "/7")
    assert (reply.status, reply.headers["allow"]) == (405, "POST")


@pytest.mark.anyio
async def test_an_error_of_a_view() -> None:
    class Bad(HTTPView):
        def get(self, request: Request) -> None:
            raise KeyError

    sent: list[Message] = []
    with pytest.raises(KeyError):
        await drive(make(Bad), http_scope(path="/7"), sent=sent)
    assert sent[0]["status"] == 500


@pytest.mark.anyio
async def test_decorators_take_views() -> None:
    app = App()

    @app.route("/v")
    class View(HTTPView):
        async def get(self) -> str:
            return "view"

    assert (await call(app, path="/v")).text == "view"
    assert app.url_path_for("View") == "/v"
    assert View.methods() == {"GET"}
