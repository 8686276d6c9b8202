"""Exceptions become responses: who is found, what a handler may do, what is left over."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

import pytest

from portico import (
    App,
    ClientDisconnect,
    HTTPException,
    PlainTextResponse,
    RedirectResponse,
    Request,
)
from portico.asgi import Message
from portico.errors import (
    BadInput,
    ContentTooLarge,
    InvalidData,
    PorticoError,
    ResponseAlreadyStarted,
)
from portico.routing.endpoint import CallNext, request_response
from portico.routing.errors import ErrorHandlers, answer, answer_handled, is_due_to
from tests.drive import call, drive, http_scope


class Base(Exception):
    pass


class Derived(Base):
    pass


class Other(ValueError):
    pass


def raising(error: Exception, **options: Any) -> App:
    app = App(**options)

    @app.route("/", methods=["GET", "POST"])
    async def handler(request: Request) -> None:
        raise error

    return app


# Who is found


def say(text: str) -> Any:
    async def handler(request: Request, error: Exception) -> object:
        return 418, text

    return handler


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(Base(), "base", id="its class"),
        pytest.param(Derived(), "base", id="the nearest class above"),
        pytest.param(Other(), "value", id="a built-in above"),
        pytest.param(KeyError(), "any", id="Exception, if nothing is nearer"),
        pytest.param(HTTPException(404), "404", id="a status"),
        pytest.param(HTTPException(409), None, id="HTTPException has one from the start"),
        pytest.param(BadInput("query", "is bad"), None, id="so have those below it"),
        pytest.param(InvalidData("$", "is bad"), "data", id="unless one of their own is nearer"),
        pytest.param(ContentTooLarge("body", 1), "413", id="a status beats a class"),
    ],
)
def test_find(error: Exception, expected: str | None) -> None:
    handlers = ErrorHandlers()
    table = {
        name: say(name) for name in ("base", "value", "any", "404", "413", "data", "input", "large")
    }
    keys: list[tuple[int | type[Exception], str]] = [
        (Exception, "any"),
        (PorticoError, "any"),
        (Base, "base"),
        (ValueError, "value"),
        (404, "404"),
        (413, "413"),
        (ContentTooLarge, "large"),
        (InvalidData, "data"),
    ]
    for key, name in keys:
        handlers.add(key, table[name])
    assert handlers.find(error) is (None if expected is None else table[expected])


def test_a_handler_for_httpexception_gets_all_of_them() -> None:
    handlers, handler = ErrorHandlers(), say("x")
    empty = [handlers.is_empty]
    handlers.add(HTTPException, handler)
    assert [*empty, handlers.is_empty] == [True, False]
    assert handlers.find(BadInput("query", "is bad")) is handler
    assert handlers.find(KeyError()) is None


@pytest.mark.parametrize(
    ("key", "error"),
    [
        pytest.param(399, ValueError, id="no error"),
        pytest.param(600, ValueError, id="no status"),
        pytest.param(True, ValueError, id="a bool"),
        pytest.param("404", TypeError, id="text"),
        pytest.param(KeyboardInterrupt, TypeError, id="not an Exception"),
        pytest.param(KeyError(), TypeError, id="an object"),
    ],
)
def test_a_key_is_a_status_or_a_class(key: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="an exception handler"):
        ErrorHandlers().add(key, say("x"))
    with pytest.raises(error, match="an exception handler"):
        App(exception_handlers={key: say("x")})


# What a handler may return and do


@pytest.mark.anyio
@pytest.mark.parametrize("has_view", [False, True], ids=["alone", "below a view"])
@pytest.mark.parametrize(
    ("value", "status", "text"),
    [
        pytest.param("plain", 200, "plain", id="text"),
        pytest.param((409, {"a": 1}), 409, '{"a":1}', id="a status and JSON"),
        pytest.param(PlainTextResponse("x", 503), 503, "x", id="a response"),
        pytest.param(HTTPException(410), 410, None, id="it refuses"),
        pytest.param(RedirectResponse("/", 303), 303, "", id="it redirects"),
    ],
)
async def test_a_handler_answers(
    value: object, status: int, text: str | None, has_view: bool
) -> None:
    async def handler(request: Request, error: Base) -> object:
        if isinstance(value, Exception):
            raise value
        return value

    async def view(request: Request, call_next: CallNext) -> object:
        response = await call_next(request)
        assert "x-view" not in response.headers, "a response is the request's own"
        response.headers["x-view"] = "1"
        return response

    app = raising(Derived(), exception_handlers={Base: handler}, middleware=[view] * has_view)
    for _ in range(2):
        reply = await call(app)
        assert reply.status == status
        assert text is None or reply.text == text
        assert reply.headers.get("x-view") == ("1" if has_view else None)


@pytest.mark.anyio
async def test_a_handler_may_be_sync_and_gets_request_and_error() -> None:
    async def asynchronous(text: str) -> str:
        return text

    def handler(request: Request, error: Base) -> object:
        return f"{request.path} {error}"

    def odd(request: Request, error: Other) -> object:
        return asynchronous("awaited")

    handlers: dict[int | type[Exception], Any] = {Base: handler, Other: odd}
    assert (await call(raising(Base("b"), exception_handlers=handlers))).text == "/ b"
    assert (await call(raising(Other("b"), exception_handlers=handlers))).text == "awaited"


@pytest.mark.anyio
async def test_handlers_may_be_added_at_any_time_with_a_decorator() -> None:
    app = raising(Base())

    @app.exception_handler(404)
    async def missing(request: Request, error: HTTPException) -> tuple[int, str]:
        return 404, f"no {request.path}"

    assert (await call(app, path="/x")).text == "no /x"

    @app.exception_handler(404)
    async def again(request: Request, error: HTTPException) -> tuple[int, str]:
        return 404, "again"

    assert (await call(app, path="/x")).text == "again"
    assert callable(missing)


@pytest.mark.anyio
async def test_one_redirect_for_many_requests_stays_small() -> None:
    """Python chains the tracebacks of an object that is raised again."""
    gone = RedirectResponse("/x", 303)
    app = raising(gone)
    for _ in range(5):
        assert (await call(app)).headers["location"] == "/x"
        assert gone.__traceback__ is None


# What nobody handles


@pytest.mark.anyio
@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("has_view", [False, True], ids=["alone", "below a view"])
async def test_an_unhandled_error_is_logged_once_answered_and_raised(
    debug: bool, has_view: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def view(request: Request, call_next: CallNext) -> object:
        return await call_next(request)

    app = raising(Base("secret"), debug=debug, middleware=[view] * has_view)
    sent: list[Message] = []
    with pytest.raises(Base):
        await drive(app, http_scope(), sent=sent)
    assert sent[0]["status"] == 500
    assert (b"secret" in sent[1]["body"]) is debug
    records = [record for record in caplog.records if record.name == "portico"]
    assert [record.getMessage() for record in records] == ["unhandled error in 'GET' '/'"]
    assert records[0].levelno == logging.ERROR
    assert records[0].exc_info is not None


@pytest.mark.anyio
async def test_the_handler_for_500_makes_the_answer_and_the_rest_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = raising(Base("secret"), exception_handlers={500: say("sorry")})
    sent: list[Message] = []
    with pytest.raises(Base):
        await drive(app, http_scope(), sent=sent)
    assert (sent[0]["status"], sent[1]["body"]) == (418, b"sorry")
    assert len(caplog.records) == 1


@pytest.mark.anyio
async def test_an_httpexception_of_500_is_expected(caplog: pytest.LogCaptureFixture) -> None:
    app = raising(HTTPException(500), exception_handlers={500: say("sorry")})
    assert (await call(app)).text == "sorry"
    assert caplog.records == []


@pytest.mark.anyio
@pytest.mark.parametrize("key", [Base, 500], ids=str)
async def test_a_handler_that_fails(key: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def failing(request: Request, error: Exception) -> object:
        raise KeyError("of the handler")

    sent: list[Message] = []
    with pytest.raises(KeyError, match="of the handler") as caught:
        await drive(raising(Base(), exception_handlers={key: failing}), http_scope(), sent=sent)
    assert isinstance(caught.value.__context__, Base)
    assert sent[0]["status"] == 500
    assert b"handler" not in sent[1]["body"]
    assert len(caplog.records) == 1


@pytest.mark.anyio
async def test_a_handler_that_returns_nonsense() -> None:
    async def nonsense(request: Request, error: Exception) -> object:
        return object()

    sent: list[Message] = []
    with pytest.raises(TypeError, match="returned object"):
        await drive(raising(Base(), exception_handlers={Base: nonsense}), http_scope(), sent=sent)
    assert sent[0]["status"] == 500


@pytest.mark.anyio
async def test_without_an_app_a_handler_answers_alike() -> None:
    @request_response
    async def handler(request: Request) -> None:
        raise Base("secret")

    sent: list[Message] = []
    with pytest.raises(Base):
        await drive(handler, http_scope(), sent=sent)
    assert sent[0]["status"] == 500


# The client has left, or has an answer already


@pytest.mark.anyio
@pytest.mark.parametrize("has_view", [False, True], ids=["alone", "below a view"])
async def test_nobody_handles_that_the_client_left(
    has_view: bool, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Exception] = []

    async def view(request: Request, call_next: CallNext) -> object:
        try:
            return await call_next(request)
        except ClientDisconnect as error:
            seen.append(error)
            raise

    app = App(
        exception_handlers={Exception: say("x"), PorticoError: say("y"), 500: say("z")},
        middleware=[view] * has_view,
    )

    @app.post("/")
    async def post(request: Request) -> bytes:
        return await request.body()

    assert await drive(app, http_scope("POST"), {"type": "http.disconnect"}) == []
    assert caplog.records == []
    assert len(seen) == has_view


@pytest.mark.anyio
@pytest.mark.parametrize("has_view", [False, True], ids=["alone", "below a view"])
async def test_an_error_after_the_start_has_no_answer(has_view: bool) -> None:
    async def view(request: Request, call_next: CallNext) -> object:
        return await call_next(request)

    app = App(exception_handlers={Base: say("x")}, middleware=[view] * has_view)

    @app.get("/")
    async def half(request: Request) -> None:
        await request.response.start(200)
        raise Base("late")

    sent: list[Message] = []
    with pytest.raises(Base, match="late"):
        await drive(app, http_scope(), sent=sent)
    assert len(sent) == 1


@pytest.mark.anyio
async def test_a_second_response_is_a_named_error() -> None:
    app = App()

    @app.get("/")
    async def twice(request: Request) -> str:
        await request.respond("one")
        return "two"

    sent: list[Message] = []
    with pytest.raises(ResponseAlreadyStarted, match="return None instead"):
        await drive(app, http_scope(), sent=sent)
    assert sent[1]["body"] == b"one"


@pytest.mark.anyio
async def test_answer_stands_alone() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await answer(Request(scope, receive, send), HTTPException(404))

    assert (await call(app)).status == 404


@pytest.mark.anyio
async def test_answer_handled_raises_what_nobody_expects() -> None:
    error = Base()
    with pytest.raises(Base) as caught:
        await answer_handled(Request(http_scope()), error)
    assert caught.value is error


# The limit of a body is not lifted by who overlooks it


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param(200, 413, id="a handler says all is well"),
        pytest.param(409, 409, id="a handler refuses in its own way"),
    ],
)
@pytest.mark.parametrize("has_view", [False, True], ids=["alone", "below a view"])
async def test_a_handler_that_swallows_the_limit(
    status: int, expected: int, has_view: bool
) -> None:
    async def view(request: Request, call_next: CallNext) -> object:
        return await call_next(request)

    app = App(max_body_bytes=3, middleware=[view] * has_view)

    @app.post("/")
    async def careless(request: Request) -> object:
        with suppress(Exception):  # what careless handlers do
            await request.body()
        return status, "done"

    assert (await call(app, "POST", body=b"1234")).status == expected
    assert (await call(app, "POST", body=b"123")).status == status


# Where errors come from


def chained(origin: Exception, *, is_cause: bool) -> Exception:
    error = KeyError("later")
    if is_cause:
        error.__cause__ = origin
    else:  # as ``raise ... from None`` in an ``except`` leaves it
        error.__context__ = origin
        error.__suppress_context__ = True
    return error


def test_is_due_to() -> None:
    origin, other = OSError("gone"), OSError("other")
    assert is_due_to(origin, origin)
    assert not is_due_to(other, origin)
    assert not is_due_to(None, origin)
    assert is_due_to(chained(origin, is_cause=True), origin)
    assert is_due_to(chained(chained(origin, is_cause=False), is_cause=True), origin)
    assert is_due_to(ExceptionGroup("g", [origin, chained(origin, is_cause=True)]), origin)
    assert not is_due_to(ExceptionGroup("g", [origin, other]), origin)


def test_responses_that_are_copied_keep_their_kind() -> None:
    gone = RedirectResponse("/x", 303)
    again = gone.copy()
    again.headers["x"] = "1"
    assert "x" not in gone.headers
    assert isinstance(again, RedirectResponse)
