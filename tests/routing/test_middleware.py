"""Views and ASGI middleware: around handlers, mounts and apps of somebody else."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncGenerator, Callable, Generator
from contextvars import ContextVar
from functools import partial
from typing import Any, cast

import anyio
import anyio.lowlevel
import pytest

from portico import (
    App,
    ClientDisconnect,
    HTTPException,
    Middleware,
    Misuse,
    Mount,
    PlainTextResponse,
    RedirectResponse,
    Request,
    Response,
    Route,
    Router,
    middleware,
)
from portico.asgi import ASGIApp, Message, Receive, Scope, Send
from portico.errors import BodyConsumed
from portico.routing.endpoint import CallNext
from portico.routing.middleware import split_views, view_of
from tests.drive import call, drive, http_scope, websocket_scope

COLOUR: ContextVar[str] = ContextVar("colour", default="none")
GONE: Message = {"type": "http.disconnect"}


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def piece(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def foreign(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI app of somebody else, which sends its body in two pieces."""
    await send(start(200, (b"content-type", b"text/plain"), (b"x-path", scope["path"].encode())))
    await send(piece(b"for", more=True))
    await send(piece(b"eign"))


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await send(start())
    await send(piece(body))


async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    """Never answers."""


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    raise KeyError("broken")


async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
    raise HTTPException(409, "busy")


async def tag(request: Request, call_next: CallNext) -> object:
    response = await call_next(request)
    response.headers["x-tag"] = "1"
    return response


def adding(letter: str) -> Callable[[Request, CallNext], Any]:
    async def view(request: Request, call_next: CallNext) -> object:
        response = await call_next(request)
        response.headers["x-order"] = letter + response.headers.get("x-order", "")
        return response

    return view


class Adding:
    """ASGI middleware that writes the same field as ``adding``."""

    def __init__(self, app: ASGIApp, letter: str) -> None:
        self.app = app
        self.letter = letter.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                fields = dict(message["headers"])
                fields[b"x-order"] = self.letter + fields.get(b"x-order", b"")
                message = {**message, "headers": list(fields.items())}
            await send(message)

        await self.app(scope, receive, sending)


# The two shapes


def test_repr_names_what_is_inside() -> None:
    assert repr(Middleware(Adding, "a")) == "Middleware(Adding)"
    assert repr(middleware(tag)) == "middleware(tag)"


def test_views_are_told_from_asgi_middleware() -> None:
    class Called:
        async def __call__(self, request: Request, call_next: CallNext) -> object:
            raise NotImplementedError  # pragma: no cover - not called

    called, part = Called(), partial(tag)
    assert view_of(tag) is tag
    assert view_of(middleware(tag)) is tag
    assert view_of(called) is called
    assert view_of(part) is part
    assert view_of(Middleware(Adding, "a")) is None
    assert view_of(Adding) is None  # type: ignore[arg-type]


def test_views_at_the_inner_end_are_split_off() -> None:
    one, two, asgi = adding("1"), adding("2"), Middleware(Adding, "a")
    assert split_views([one, asgi, middleware(two), one]) == ([one, asgi], [two, one])
    assert split_views([asgi]) == ([asgi], [])
    assert split_views([]) == ([], [])


def test_a_view_is_async() -> None:
    def sync(request: Request, call_next: CallNext) -> Response:
        raise NotImplementedError  # pragma: no cover - not called

    with pytest.raises(TypeError, match=r"sync is no view.*add_middleware"):
        middleware(cast("Any", sync))
    with pytest.raises(TypeError, match="sync is no view"):
        App().middleware(cast("Any", sync))


def test_asgi_middleware_is_not_a_view() -> None:
    with pytest.raises(TypeError, match="tag is a view, not ASGI middleware"):
        App().add_middleware(cast("Any", tag))


# One view around an app: the same in all the places where it may stand


def plain(view: Any, app: ASGIApp) -> ASGIApp:
    return middleware(view)(app)


def around_a_route(view: Any, app: ASGIApp) -> ASGIApp:
    return App([Route("/", app, middleware=[view])])


def around_a_mount(view: Any, app: ASGIApp) -> ASGIApp:
    return App([Mount("", app, middleware=[view])])


def around_an_app(view: Any, app: ASGIApp) -> ASGIApp:
    return App([Mount("", app)], middleware=[view])


def around_the_default(view: Any, app: ASGIApp) -> ASGIApp:
    return App(default=app, middleware=[view])


def below_asgi_middleware(view: Any, app: ASGIApp) -> ASGIApp:
    return App([Route("/", app, middleware=[Middleware(Adding, "a"), view])])


def around_asgi_middleware(view: Any, app: ASGIApp) -> ASGIApp:
    def passing(app: ASGIApp) -> ASGIApp:
        async def passed(scope: Scope, receive: Receive, send: Send) -> None:
            await app(scope, receive, send)

        return passed

    return plain(view, passing(app))


def below_another_view(view: Any, app: ASGIApp) -> ASGIApp:
    async def outer(request: Request, call_next: CallNext) -> object:
        return await call_next(request)

    return middleware(outer)(middleware(view)(app))


PLACES = [
    plain,
    around_a_route,
    around_a_mount,
    around_an_app,
    below_asgi_middleware,
    around_the_default,
    around_asgi_middleware,
    below_another_view,
]
everywhere = pytest.mark.parametrize("place", PLACES)


@pytest.mark.anyio
@everywhere
async def test_headers_and_status_may_be_changed_and_the_body_stays_a_stream(place: Any) -> None:
    async def view(request: Request, call_next: CallNext) -> object:
        response = await call_next(request)
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/plain"
        response.status_code = 201
        response.headers["x-tag"] = "1"
        response.set_cookie("a", "b")
        del response.headers["x-path"]
        return response

    sent = await drive(place(view, foreign), http_scope())
    assert [message["type"] for message in sent] == [
        "http.response.start",
        "http.response.body",
        "http.response.body",
    ]
    assert [message["body"] for message in sent[1:]] == [b"for", b"eign"]
    assert sent[0]["status"] == 201
    names = [name for name, _ in sent[0]["headers"]]
    assert names[:3] == [b"content-type", b"x-tag", b"set-cookie"]
    assert b"x-path" not in names


@pytest.mark.anyio
@everywhere
async def test_an_answer_without_call_next(place: Any) -> None:
    async def view(request: Request, call_next: CallNext) -> object:
        return 202, {"queued": True}

    reply = await call(place(view, broken))
    assert (reply.status, reply.json()) == (202, {"queued": True})


@pytest.mark.anyio
@everywhere
async def test_a_refusal_without_call_next(place: Any) -> None:
    async def view(request: Request, call_next: CallNext) -> object:
        raise HTTPException(403)

    assert (await call(place(view, broken))).status == 403


@pytest.mark.anyio
@everywhere
async def test_a_redirect_that_is_raised(place: Any) -> None:
    async def view(request: Request, call_next: CallNext) -> object:
        raise RedirectResponse("/login", 303)

    reply = await call(place(view, broken))
    assert (reply.status, reply.headers["location"]) == (303, "/login")


@pytest.mark.anyio
@everywhere
async def test_a_response_may_be_replaced(place: Any) -> None:
    async def view(request: Request, call_next: CallNext) -> object:
        await call_next(request)
        return PlainTextResponse("mine", 404)

    reply = await call(place(view, foreign))
    assert (reply.status, reply.text) == (404, "mine")


@pytest.mark.anyio
@everywhere
async def test_a_304_drops_the_body_that_passes(place: Any) -> None:
    async def view(request: Request, call_next: CallNext) -> object:
        response = await call_next(request)
        response.headers["etag"] = '"1"'
        response.status_code = 304
        return response

    sent = await drive(place(view, foreign), http_scope())
    assert [message.get("body", b"") for message in sent] == [b"", b""]
    assert sent[0]["status"] == 304
    assert (b"etag", b'"1"') in sent[0]["headers"]


@pytest.mark.anyio
async def test_names_of_fields_are_lower_case_whatever_the_app_sends() -> None:
    async def shouting(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(200, (b"X-Tag", b"0"), (b"X-Other", b"1")))
        await send(piece(b""))

    sent = await drive(middleware(tag)(shouting), http_scope())
    assert sent[0]["headers"] == [(b"x-tag", b"1"), (b"x-other", b"1")]


@pytest.mark.anyio
async def test_a_204_of_the_app_stays_one() -> None:
    sent = await drive(middleware(tag)(Response(None, 204)), http_scope())
    assert (sent[0]["status"], sent[0]["headers"]) == (204, [(b"x-tag", b"1")])


@pytest.mark.anyio
@everywhere
async def test_an_exception_of_the_app_comes_out_of_call_next(place: Any) -> None:
    async def view(request: Request, call_next: CallNext) -> object:
        try:
            return await call_next(request)
        except KeyError:
            return 503, "later"

    reply = await call(place(view, broken))
    assert (reply.status, reply.text) == (503, "later")


@pytest.mark.anyio
@everywhere
async def test_what_nobody_expects_is_a_500_and_goes_to_the_server(place: Any) -> None:
    sent: list[Message] = []
    with pytest.raises(KeyError, match="broken"):
        await drive(place(tag, broken), http_scope(), sent=sent)
    assert sent[0]["status"] == 500
    assert b"broken" not in sent[1]["body"]


@pytest.mark.anyio
@everywhere
async def test_a_refusal_of_the_app_is_a_response_for_the_view(place: Any) -> None:
    reply = await call(place(tag, refusing))
    assert (reply.status, reply.headers["x-tag"]) == (409, "1")
    assert reply.json()["detail"] == "busy"


@pytest.mark.anyio
@everywhere
async def test_an_exception_of_the_view_after_the_start_is_not_the_apps(place: Any) -> None:
    seen: list[str] = []

    async def view(request: Request, call_next: CallNext) -> object:
        await call_next(request)
        raise HTTPException(418)

    assert (await call(place(view, foreign))).status == 418

    async def one_piece(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("x")(scope, receive, send)
        seen.append("returned")

    assert (await call(place(view, one_piece))).status == 418
    assert seen == ["returned"]


@pytest.mark.anyio
@everywhere
async def test_an_error_of_the_view_after_the_start(place: Any) -> None:
    async def view(request: Request, call_next: CallNext) -> object:
        await call_next(request)
        raise KeyError("view")

    sent: list[Message] = []
    with pytest.raises(KeyError, match="view"):
        await drive(place(view, foreign), http_scope(), sent=sent)
    assert sent[0]["status"] == 500
    assert len(sent) == 2


@pytest.mark.anyio
@everywhere
async def test_call_next_twice_is_a_named_error(place: Any) -> None:
    async def view(request: Request, call_next: CallNext) -> object:
        await call_next(request)
        return await call_next(request)

    sent: list[Message] = []
    with pytest.raises(Misuse, match=r"the middleware .*view called call_next twice"):
        await drive(place(view, foreign), http_scope(), sent=sent)
    assert sent[0]["status"] == 500


@pytest.mark.anyio
@everywhere
async def test_a_view_that_returns_nothing_is_a_named_error(place: Any) -> None:
    async def view(request: Request, call_next: CallNext) -> object:
        await call_next(request)
        return None

    sent: list[Message] = []
    with pytest.raises(TypeError, match=r"the middleware .*view returned None"):
        await drive(place(view, foreign), http_scope(), sent=sent)
    assert sent[0]["status"] == 500


@pytest.mark.anyio
@everywhere
async def test_an_app_without_an_answer_is_a_named_error(place: Any) -> None:
    sent: list[Message] = []
    with pytest.raises(Misuse, match="without a response"):
        await drive(place(tag, silent), http_scope(), sent=sent)
    assert sent[0]["status"] == 500


@pytest.mark.anyio
@everywhere
async def test_an_app_that_does_not_answer_a_client_that_left(
    place: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody to answer, nothing to log."""
    assert await drive(place(tag, echo), http_scope("POST"), GONE) == []
    assert caplog.records == []


@pytest.mark.anyio
async def test_so_if_the_view_has_looked_at_the_body() -> None:
    async def view(request: Request, call_next: CallNext) -> object:
        assert await request.is_disconnected()
        return await call_next(request)

    async def below(scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive, send).body()

    inner = App()

    @inner.post("/")
    async def post(request: Request) -> object:
        return await request.body()

    for app in (below, inner):
        scope = http_scope("POST")
        assert await drive(middleware(view)(app), scope, GONE) == []


# Streams, errors and ends


@pytest.mark.anyio
async def test_nothing_is_collected() -> None:
    """Each piece leaves before the app makes the next one."""
    order: list[str] = []

    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        for number in range(3):
            order.append(f"made {number}")
            await send(piece(b"x", more=True))
        await send(piece(b""))

    async def server(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            order.append(f"sent {message['type'].rpartition('.')[2]}")
            await send(message)

        await middleware(tag)(stream)(scope, receive, sending)

    await drive(server, http_scope())
    assert order == [
        "sent start",
        *(word for number in range(3) for word in (f"made {number}", "sent body")),
        "sent body",
    ]


@pytest.mark.anyio
@everywhere
async def test_an_error_in_the_middle_breaks_the_response_off(place: Any) -> None:
    async def half(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(piece(b"half", more=True))
        raise KeyError("half")

    sent: list[Message] = []
    with pytest.raises(KeyError, match="half"):
        await drive(place(tag, half), http_scope(), sent=sent)
    assert sent[1:] == [piece(b"half", more=True)]


@pytest.mark.anyio
@everywhere
async def test_an_endless_stream_ends_when_it_is_replaced(place: Any) -> None:
    ended: list[str] = []

    async def numbers() -> AsyncGenerator[bytes]:
        try:
            while True:
                yield b"1"
        finally:
            ended.append("closed")

    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        generator = numbers()
        try:
            async for number in generator:  # pragma: no branch - it never ends
                await send(piece(number, more=True))
        except OSError as error:
            raise ClientDisconnect from error
        finally:
            await generator.aclose()

    async def view(request: Request, call_next: CallNext) -> object:
        await call_next(request)
        return "enough"

    reply = await call(place(view, stream))
    assert (reply.text, ended) == ("enough", ["closed"])


@pytest.mark.anyio
async def test_an_app_whose_response_is_replaced_hears_that_the_client_left() -> None:
    heard: list[str] = []

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        heard.append((await receive())["type"])
        await send(piece(b"dropped"))

    async def view(request: Request, call_next: CallNext) -> object:
        await call_next(request)
        return "enough"

    assert (await call(middleware(view)(waiting))).text == "enough"
    assert heard == ["http.disconnect"]


@pytest.mark.anyio
async def test_an_error_of_its_own_of_an_app_that_was_replaced_is_raised() -> None:
    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        raise KeyError("own")

    async def view(request: Request, call_next: CallNext) -> object:
        await call_next(request)
        return "enough"

    sent: list[Message] = []
    with pytest.raises(KeyError, match="own"):
        await drive(middleware(view)(failing), http_scope(), sent=sent)
    assert sent[1]["body"] == b"enough"


@pytest.mark.anyio
async def test_early_messages_pass_before_the_view_goes_on() -> None:
    hint: Message = {"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload"]}

    async def hinting(scope: Scope, receive: Receive, send: Send) -> None:
        await send(hint)
        await foreign(scope, receive, send)

    scope = http_scope(extensions={"http.response.early_hint": {}})
    sent = await drive(middleware(tag)(hinting), scope)
    assert sent[0] == hint
    assert sent[1]["status"] == 200


@pytest.mark.anyio
async def test_trailers_pass_and_the_start_keeps_its_other_keys() -> None:
    trailers: Message = {"type": "http.response.trailers", "headers": [(b"x", b"1")]}

    async def trailing(scope: Scope, receive: Receive, send: Send) -> None:
        await send({**start(), "trailers": True})
        await send(piece(b"x"))
        await send(trailers)

    async def receive() -> Message:
        raise NotImplementedError  # pragma: no cover - not called

    async def send(message: Message) -> None:
        sent.append(message)

    sent: list[Message] = []
    await middleware(tag)(trailing)(http_scope(), receive, send)
    assert sent[0]["trailers"] is True
    assert sent[2] == trailers


@pytest.mark.anyio
async def test_background_work_that_a_view_adds_runs_after_the_last_byte() -> None:
    order: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await foreign(scope, receive, send)
        order.append("sent")

    def tagged(status: int) -> Any:
        async def view(request: Request, call_next: CallNext) -> object:
            response = await call_next(request)
            response.status_code = status
            response.background = lambda: order.append("work")
            return response

        return view

    await call(middleware(tagged(200))(app))
    assert order == ["sent", "work"]
    order.clear()
    await call(middleware(tagged(304))(foreign))
    assert order == ["work"]


@pytest.mark.anyio
async def test_the_start_of_an_app_is_not_sent_as_a_response() -> None:
    async def view(request: Request, call_next: CallNext) -> object:
        return (await call_next(request)).copy()

    with pytest.raises(Misuse, match="only be returned by its middleware"):
        await drive(middleware(view)(foreign), http_scope())


@pytest.mark.anyio
async def test_other_scopes_pass_by() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    await drive(middleware(tag)(app), websocket_scope())
    await middleware(tag)(app)({"type": "lifespan"}, cast("Any", None), cast("Any", None))
    assert seen == ["websocket", "lifespan"]


@pytest.mark.anyio
async def test_a_view_may_pass_another_request_on() -> None:
    async def view(request: Request, call_next: CallNext) -> object:
        scope = {**request.scope, "path": "/other", "raw_path": b"/other"}
        return await call_next(Request(scope, request.receive, request.send))

    reply = await call(middleware(view)(foreign))
    assert reply.headers["x-path"] == "/other"


# The body


@pytest.mark.anyio
@everywhere
@pytest.mark.parametrize("body", [b"", b"whole", [b"in ", b"pieces"]], ids=repr)
async def test_a_body_that_the_view_has_read_is_there_for_the_app(place: Any, body: Any) -> None:
    """Reading takes nothing away from what is below."""
    read: list[bytes] = []

    async def view(request: Request, call_next: CallNext) -> object:
        read.append(await request.body())
        return await call_next(request)

    methods = {"POST": place(view, echo)}
    reply = await call(methods["POST"], "POST", body=body)
    assert [reply.body] == read == [b"".join([body] if isinstance(body, bytes) else body)]


@pytest.mark.anyio
@everywhere
async def test_the_view_may_look_for_the_client_and_no_piece_is_lost(place: Any) -> None:
    """Looking receives a message; it is kept for who reads."""

    async def view(request: Request, call_next: CallNext) -> object:
        assert not await request.is_disconnected()
        return await call_next(request)

    reply = await call(place(view, echo), "POST", body=[b"a", b"b", b"c"])
    assert reply.body == b"abc"


@pytest.mark.anyio
async def test_reading_the_body_after_the_app_did_is_a_named_error_not_a_hang() -> None:
    async def view(request: Request, call_next: CallNext) -> object:
        response = await call_next(request)
        with pytest.raises(BodyConsumed):
            await request.body()
        return response

    assert (await call(middleware(view)(echo), "POST", body=b"x")).body == b"x"


# The request's own task and context


@pytest.mark.anyio
@everywhere
async def test_context_variables_go_both_ways(place: Any) -> None:
    """View and app run in one task and one context."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert COLOUR.get() == "view"
        COLOUR.set("app")
        await foreign(scope, receive, send)
        assert COLOUR.get() == "view again"

    async def view(request: Request, call_next: CallNext) -> object:
        token = COLOUR.set("view")
        response = await call_next(request)
        assert COLOUR.get() == "app"
        COLOUR.reset(token)
        COLOUR.set("view again")
        return response

    assert (await call(place(view, app))).status == 200


@pytest.mark.anyio
async def test_it_is_one_task() -> None:
    tasks: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        tasks.append(anyio.get_current_task().id)
        await foreign(scope, receive, send)

    async def view(request: Request, call_next: CallNext) -> object:
        tasks.append(anyio.get_current_task().id)
        response = await call_next(request)
        tasks.append(anyio.get_current_task().id)
        return response

    await call(middleware(view)(app))
    assert len(set(tasks)) == 1
    assert len(tasks) == 3


@pytest.mark.anyio
async def test_a_start_from_another_task_passes_too() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(foreign, scope, receive, send)

    reply = await call(middleware(tag)(app))
    assert (reply.text, reply.headers["x-tag"]) == ("foreign", "1")


@pytest.mark.anyio
async def test_views_wait_for_what_they_like() -> None:
    event = anyio.Event()

    async def view(request: Request, call_next: CallNext) -> object:
        await anyio.lowlevel.checkpoint()
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep, 0)
        response = await call_next(request)
        with anyio.move_on_after(0.01):
            await event.wait()
        with pytest.raises(TimeoutError):
            with anyio.fail_after(0.01):
                await event.wait()
        return response

    assert (await call(middleware(view)(foreign))).text == "foreign"


@pytest.mark.anyio
async def test_call_next_in_another_task_is_an_error_not_a_hang() -> None:
    """Of the event loop's own making, with words of ours in it."""

    async def view(request: Request, call_next: CallNext) -> object:
        async def ask() -> None:
            await call_next(request)

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
        raise NotImplementedError  # pragma: no cover - not reached

    sent: list[Message] = []
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - asyncio's and trio's differ
        await drive(middleware(view)(foreign), http_scope(), sent=sent)
    error: BaseException = caught.value
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    assert "await it in the middleware itself" in str(error)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@everywhere
async def test_asyncio_timeout_works_around_call_next(place: Any) -> None:
    timeout = getattr(asyncio, "timeout")  # noqa: B009 - Python 3.11 has it, and no type checker minds

    async def view(request: Request, call_next: CallNext) -> object:
        try:
            async with timeout(0.01):
                return await call_next(request)
        except TimeoutError:
            return 504, "too slow"

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await anyio.sleep_forever()

    reply = await call(place(view, slow))
    assert (reply.status, reply.text) == (504, "too slow")


@pytest.mark.anyio
async def test_a_cancel_scope_around_call_next_works_for_an_app_without_one_open() -> None:
    async def view(request: Request, call_next: CallNext) -> object:
        with anyio.move_on_after(0.01):
            return await call_next(request)
        return 504, "too slow"

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await anyio.sleep_forever()

    assert (await call(middleware(view)(slow))).status == 504
    assert (await call(middleware(view)(foreign))).status == 200


@pytest.mark.anyio
@everywhere
@pytest.mark.parametrize("at", ["view before", "app", "view after", "stream"])
async def test_a_cancelled_request_stays_cancelled_and_all_is_left(place: Any, at: str) -> None:
    left: list[str] = []

    async def pause(where: str) -> None:
        if where == at:
            reached.set()
            await anyio.sleep_forever()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await pause("app")
            await send(start())
            await pause("stream")
            raise NotImplementedError  # pragma: no cover - not reached
        finally:
            left.append("app")

    async def view(request: Request, call_next: CallNext) -> object:
        try:
            await pause("view before")
            response = await call_next(request)
            await pause("view after")
            return response
        finally:
            left.append("view")

    reached = anyio.Event()
    scope = http_scope()
    sent: list[Message] = []

    async def run() -> None:
        await drive(place(view, app), scope, sent=sent)
        raise NotImplementedError  # pragma: no cover - not reached

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await reached.wait()
        group.cancel_scope.cancel()
    assert sorted(left) == (["view"] if at == "view before" else ["app", "view"])
    assert len(sent) == (at == "stream")


@pytest.mark.anyio
async def test_a_request_that_is_thrown_away_closes_the_view() -> None:
    left: list[str] = []

    async def view(request: Request, call_next: CallNext) -> object:
        try:
            return await call_next(request)
        except GeneratorExit:
            left.append("view")
            return "nothing may be sent any more"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Pause()

    class Pause:
        def __await__(self) -> Generator[str]:
            yield "waiting"

    async def receive() -> Message:
        raise NotImplementedError  # pragma: no cover - not called

    async def send(message: Message) -> None:
        raise NotImplementedError  # pragma: no cover - not called

    running = cast("Any", middleware(view)(app)(http_scope(), receive, send))
    assert running.send(None) == "waiting"
    running.close()
    assert left == ["view"]


@pytest.mark.anyio
@everywhere
async def test_an_error_is_held_by_nobody_afterwards(place: Any) -> None:
    """A cycle would keep the request, and all that its frames hold, until the collector comes."""

    class Marked(Exception):
        pass

    marks: list[weakref.ref[BaseException]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        error = Marked("x")
        marks.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error

    async def view(request: Request, call_next: CallNext) -> object:
        try:
            return await call_next(request)
        except Marked:
            return "caught"

    gc.disable()
    try:
        assert (await call(place(view, app))).text == "caught"
        assert marks[0]() is None
    finally:
        gc.enable()


# Order


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("kinds", "is_foreign"),
    [
        pytest.param(kinds, is_foreign, id=f"{kinds} {'foreign' if is_foreign else 'handler'}")
        for kinds in ("vvv", "aaa", "vav", "ava", "avv", "vva", "vaa", "aav")
        for is_foreign in (False, True)
    ],
)
async def test_the_first_of_a_list_is_the_outermost(kinds: str, is_foreign: bool) -> None:
    async def handler(request: Request) -> str:
        return "x"

    def entries(letters: str) -> list[Any]:
        return [
            adding(letter) if kind == "v" else Middleware(Adding, letter)
            for kind, letter in zip(kinds, letters, strict=True)
        ]

    endpoint: Any = foreign if is_foreign else handler
    router = Router([Route("/x", endpoint, middleware=entries("ghi"))], middleware=entries("def"))
    mount = Mount("", router, middleware=entries("abc"))
    reply = await call(App([mount], middleware=entries("123")), path="/x")
    assert reply.headers["x-order"] == "123abcdefghi"


@pytest.mark.anyio
async def test_the_last_that_is_added_is_the_outermost() -> None:
    app = App(middleware=[adding("d"), Middleware(Adding, "e")])

    @app.get("/")
    async def home(request: Request) -> str:
        return "x"

    app.middleware(adding("c"))
    app.add_middleware(Adding, "b")
    app.middleware(adding("a"))
    assert (await call(app)).headers["x-order"] == "abcde"


@pytest.mark.anyio
async def test_middleware_that_is_added_after_a_request_counts_from_the_next() -> None:
    inner = Router()
    app = App([Mount("/in", inner)])

    @inner.get("/x")
    async def home(request: Request) -> str:
        return "x"

    assert "x-order" not in (await call(app, path="/in/x")).headers
    inner.middleware(adding("b"))
    app.middleware(adding("a"))
    assert (await call(app, path="/in/x")).headers["x-order"] == "ab"


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/missing", "/x", "/in/missing"])
async def test_views_are_around_404_405_and_all_else_that_a_router_says(path: str) -> None:
    """Headers that a view adds are on every answer."""
    inner = App()
    app = App([Mount("/in", inner)], middleware=[tag])

    @app.post("/x")
    async def post(request: Request) -> str:
        raise NotImplementedError  # pragma: no cover - not called

    for method in ("GET", "OPTIONS"):
        reply = await call(app, method, path)
        assert reply.headers["x-tag"] == "1", method
        assert reply.status == {"/x": {"GET": 405, "OPTIONS": 204}[method]}.get(path, 404)


@pytest.mark.anyio
async def test_a_passing_body_is_not_taken_for_an_empty_one() -> None:
    seen: list[str] = []

    async def look(request: Request, call_next: CallNext) -> object:
        response = await call_next(request)
        seen.append(repr(response))
        for touch in (lambda: response.body, lambda: setattr(response, "body", b"x")):
            with pytest.raises(Misuse, match="passes by"):
                touch()
        return response

    app = App([Mount("/in", Router([Route("/x", PlainTextResponse("whole"))]))], middleware=[look])
    assert (await call(app, path="/in/x")).text == "whole"
    assert seen == ["<the response of a mounted app, 200>"]
