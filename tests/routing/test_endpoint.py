"""A function becomes an ASGI app: arguments, return values, what it did by hand."""

from __future__ import annotations

import contextvars
import functools
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from portico import App, PlainTextResponse, Request, Response, Route, request_response
from portico.asgi import Message
from portico.errors import ContentTooLarge, HTTPException
from portico.routing.endpoint import CallNext
from tests.drive import call, drive, http_scope


async def passing(request: Request, call_next: CallNext) -> object:
    return await call_next(request)


views = pytest.mark.parametrize("views", [[], [passing]], ids=["alone", "below a view"])


def app_of(handler: Callable[..., Any], *views: Any, path: str = "/{a}/{b:int}") -> App:
    return App([Route(path, handler, middleware=views, methods=["GET", "POST"])])


# Arguments


async def request_only(request: Request) -> object:
    return [request.path_params["a"], request.path_params["b"]]


async def both(request: Request, b: int, a: str) -> object:
    return [a, b]


async def without_request(a: str, b: int) -> object:
    return [a, b]


async def one(request: Request, b: int) -> object:
    return [request.path_params["a"], b]


async def keywords(request: Request, *, a: str, b: int) -> object:
    return [a, b]


async def everything(request: Request, **params: Any) -> object:
    return [params["a"], params["b"]]


async def only_everything(**params: Any) -> object:
    return [params["a"], params["b"]]


async def defaults(request: Request, a: str, b: int, c: str = "c") -> object:
    return [a, b] if c == "c" else None


def sync(request: Request, a: str, b: int) -> object:
    return [a, b]


short: Callable[[str, int], object] = lambda a, b: [a, b]  # noqa: E731 - as users write it


class Called:
    async def __call__(self, request: Request, b: int) -> object:
        return [request.path_params["a"], b]


def decorated(func: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(func)
    async def wrapper(*args: Any, **kwargs: Any) -> object:
        return await func(*args, **kwargs)

    return wrapper


def undecorated(func: Callable[..., Any]) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> object:
        return await func(*args, **kwargs)

    return wrapper


@pytest.mark.anyio
@views
@pytest.mark.parametrize(
    "handler",
    [
        request_only,
        both,
        without_request,
        one,
        keywords,
        everything,
        only_everything,
        defaults,
        sync,
        pytest.param(short, id="lambda"),
        pytest.param(functools.partial(both, b=7), id="partial"),
        pytest.param(Called(), id="object"),
        pytest.param(decorated(both), id="decorated with wraps"),
        pytest.param(
            undecorated(both),
            id="decorated without wraps",
        ),
    ],
)
async def test_arguments(handler: Any, views: list[Any]) -> None:
    assert (await call(app_of(handler, *views), path="/x/7")).json() == ["x", 7]


@pytest.mark.anyio
async def test_without_arguments() -> None:
    async def nothing() -> str:
        return "x"

    for handler in (nothing, lambda: "x", request_response(nothing)):
        assert (await call(app_of(handler), path="/x/7")).text == "x"


@pytest.mark.anyio
async def test_parameters_of_mounts_come_along() -> None:
    inner = App([Route("/{b}", both)])
    outer = App()
    outer.mount("/{a:int}", inner)
    assert (await call(outer, path="/7/8")).json() == [7, "8"]


# Threads


@pytest.mark.anyio
@views
async def test_sync_handlers_run_in_a_thread_with_the_context(views: list[Any]) -> None:
    variable = contextvars.ContextVar("variable", default="unset")
    here = threading.get_ident()

    def handler(request: Request) -> object:
        return [threading.get_ident() != here, variable.get()]

    variable.set("set")
    assert (await call(app_of(handler, *views), path="/x/7")).json() == [True, "set"]


@pytest.mark.anyio
async def test_a_sync_function_may_give_back_a_coroutine() -> None:
    """Decorators that are not async themselves do."""

    def handler(request: Request, a: str) -> object:
        return inner(a)

    async def inner(a: str) -> str:
        return a

    assert (await call(app_of(handler), path="/x/7")).text == "x"


@pytest.mark.anyio
async def test_errors_of_sync_handlers_are_answered() -> None:
    def handler(request: Request) -> None:
        raise HTTPException(409)

    assert (await call(app_of(handler), path="/x/7")).status == 409


# Return values (``to_response`` has its own tests)


class Point(msgspec.Struct):
    x: int


@dataclass
class Pair:
    y: int


@pytest.mark.anyio
@views
@pytest.mark.parametrize(
    ("value", "status", "kind", "body"),
    [
        pytest.param("x", 200, "text/plain; charset=utf-8", b"x", id="str"),
        pytest.param(b"x", 200, "text/plain; charset=utf-8", b"x", id="bytes"),
        pytest.param({"a": 1}, 200, "application/json", b'{"a":1}', id="dict"),
        pytest.param([1], 200, "application/json", b"[1]", id="list"),
        pytest.param(7, 200, "application/json", b"7", id="int"),
        pytest.param(True, 200, "application/json", b"true", id="bool"),
        pytest.param(None, 200, "application/json", b"null", id="None"),
        pytest.param(Point(1), 200, "application/json", b'{"x":1}', id="Struct"),
        pytest.param(Pair(1), 200, "application/json", b'{"y":1}', id="dataclass"),
        pytest.param((201, "x"), 201, "text/plain; charset=utf-8", b"x", id="status"),
        pytest.param((204, None), 204, None, b"", id="no content"),
        pytest.param(
            (201, {"a": 1}, {"content-type": "application/x"}),
            201,
            "application/x",
            b'{"a":1}',
            id="status and headers",
        ),
        pytest.param(Response(b"x", 202), 202, None, b"x", id="response"),
    ],
)
async def test_return_values(
    value: object, status: int, kind: str | None, body: bytes, views: list[Any]
) -> None:
    async def handler(request: Request) -> object:
        return value

    for _ in range(2):
        reply = await call(app_of(handler, *views), path="/x/7")
        assert (reply.status, reply.headers.get("content-type"), reply.body) == (status, kind, body)


@pytest.mark.anyio
@views
async def test_nonsense_is_a_named_error(views: list[Any]) -> None:
    async def handler(request: Request) -> object:
        return object()

    sent: list[Message] = []
    with pytest.raises(TypeError, match="a handler returned object"):
        await drive(app_of(handler, *views), http_scope(path="/x/7"), sent=sent)
    assert sent[0]["status"] == 500


@pytest.mark.anyio
async def test_a_view_that_returns_nothing_is_a_named_error() -> None:
    async def view(request: Request, call_next: CallNext) -> object:
        await call_next(request)
        return None

    sent: list[Message] = []
    with pytest.raises(TypeError, match=r"the middleware .*view returned None"):
        await drive(app_of(both, view), http_scope(path="/x/7"), sent=sent)


@pytest.mark.anyio
async def test_one_response_for_many_requests_is_not_written_on_by_views() -> None:
    shared = PlainTextResponse("x")

    async def handler(request: Request) -> Response:
        return shared

    async def view(request: Request, call_next: CallNext) -> object:
        response = await call_next(request)
        response.headers.add("x-view", "1")
        response.status_code = 202
        return response

    for _ in range(3):
        reply = await call(app_of(handler, view), path="/x/7")
        assert (reply.status, reply.headers["x-view"]) == (202, "1")
    assert shared.status_code == 200


@pytest.mark.anyio
async def test_around_a_handler_call_next_is_an_ordinary_await() -> None:
    """It may be called again, and a view that catches an error gives another answer."""
    calls: list[int] = []

    async def handler(request: Request) -> str:
        calls.append(len(calls))
        if len(calls) < 3:
            raise KeyError
        return "third time"

    async def again(request: Request, call_next: CallNext) -> object:
        while True:
            try:
                return await call_next(request)
            except KeyError:
                continue

    assert (await call(app_of(handler, again), path="/x/7")).text == "third time"
    assert calls == [0, 1, 2]


# What a handler did by hand


@pytest.mark.anyio
@views
async def test_a_handler_may_write_the_response_itself(views: list[Any]) -> None:
    async def responding(request: Request) -> None:
        await request.respond((201, "by hand"))

    async def writing(request: Request) -> None:
        await request.response.start(201)
        await request.response.write("by hand")

    async def ending(request: Request) -> None:
        async with request.response_writer(201) as write:
            await write("by hand")

    for handler in (responding, writing, ending):
        reply = await call(app_of(handler, *views), path="/x/7")
        assert (reply.status, reply.text) == (201, "by hand")


@pytest.mark.anyio
@views
async def test_looking_at_the_writer_or_the_body_changes_nothing(views: list[Any]) -> None:
    async def handler(request: Request) -> str:
        assert not request.response.is_started
        return (await request.body()).decode()

    reply = await call(app_of(handler, *views), "POST", "/x/7", body=b"body")
    assert reply.text == "body"


@pytest.mark.anyio
async def test_request_response_makes_an_app_of_a_function() -> None:
    @request_response
    async def hello(request: Request) -> object:
        return 202, request.path

    reply = await call(hello, path="/x")
    assert (reply.status, reply.text) == (202, "/x")


@pytest.mark.anyio
async def test_an_answer_by_raw_asgi_is_the_answer() -> None:
    async def handler(request: Request) -> None:
        await PlainTextResponse("raw")(request.scope, request.receive, request.send)

    assert (await call(App([Route("/", handler)]))).text == "raw"


@pytest.mark.anyio
@pytest.mark.parametrize("how", ["respond", "response_writer"])
async def test_a_limit_that_was_passed_is_not_answered_with_success(how: str) -> None:
    async def handler(request: Request) -> None:
        with suppress(ContentTooLarge):
            await request.body()
        if how == "respond":
            await request.respond("fine")
        else:
            async with request.response_writer() as write:
                await write("fine")

    app = App([Route("/", handler, methods=["POST"], max_body_bytes=10)])
    assert (await call(app, "POST", body=b"x" * 11)).status == 413
    assert (await call(app, "POST", body=b"x" * 10)).text == "fine"


@pytest.mark.anyio
async def test_an_app_that_answers_for_a_handler_survives_a_client_that_left() -> None:
    done: list[str] = []

    async def inner(request: Request) -> Response:
        return Response("x", background=lambda: done.append("background"))

    below = App([Route("/", inner)])

    async def handler(request: Request) -> None:
        await below(request.scope, request.receive, request.send)

    assert await drive(App([Route("/", handler)]), http_scope(), fail_send_at=0) == []
    assert done == ["background"]
