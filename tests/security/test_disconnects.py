"""Clients that leave and tasks that are cancelled: A079 (plain), A082 and A085."""

from __future__ import annotations

import gc
import logging
import tracemalloc
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any, TypeAlias

import anyio
import anyio.lowlevel
import pytest

from portico import (
    App,
    ClientDisconnect,
    EventSourceResponse,
    HTTPException,
    Mount,
    PlainTextResponse,
    Request,
    Response,
    StreamingResponse,
    WebSocket,
)
from portico.asgi import ASGIApp, Message, Receive, Scope, Send
from portico.routing.endpoint import CallNext
from tests.drive import body_messages, drive, http_scope, websocket_scope
from tests.security.invariants import census, invariants, nothing_new, uncollected

pytestmark = pytest.mark.anyio

GONE: Message = {"type": "http.disconnect"}
SOCKET_GONE: Message = {"type": "websocket.disconnect", "code": 1001, "reason": ""}
PIECE: Message = {"type": "http.request", "body": b'{"a":', "more_body": True}
JSON = [("content-type", "application/json")]


def everything(done: list[str]) -> App:  # noqa: C901  one app of many small handlers
    """An app with a view around a handler, a mount, a writer and a websocket."""
    app = App()

    @app.middleware
    async def view(request: Request[Any], call_next: CallNext) -> object:
        response = await call_next(request)
        response.headers["x-view"] = "1"
        return response

    @app.post("/json")
    async def json(request: Request[Any]) -> object:
        return await request.json()

    @app.post("/stream")
    async def stream(request: Request[Any]) -> object:
        return sum([len(chunk) async for chunk in request.stream()])

    @app.post("/wait")
    async def wait(request: Request[Any]) -> object:
        await request.wait_disconnected()
        return await request.is_disconnected()

    @app.post("/plain")
    async def plain(request: Request[Any]) -> Response:
        return PlainTextResponse("x", background=work)

    @app.post("/writer")
    async def writer(request: Request[Any]) -> None:
        async with request.response_writer() as write:
            for _ in range(3):
                await write(b"x" * 100)

    @app.post("/pieces")
    async def pieces(request: Request[Any]) -> Response:
        return StreamingResponse(some(), background=work)

    @app.post("/events")
    async def events(request: Request[Any]) -> Response:
        return EventSourceResponse(some(), background=work)

    async def some() -> AsyncGenerator[str]:
        try:
            for _ in range(3):
                yield "x"
                await anyio.lowlevel.checkpoint()
        finally:
            await anyio.lowlevel.checkpoint()

    @app.websocket("/socket")
    async def socket(websocket: WebSocket[Any]) -> None:
        async with websocket:
            async for text in websocket.iter_text():
                await websocket.send_text(text)

    async def work() -> None:
        await anyio.lowlevel.checkpoint()
        done.append("background")

    app.add(Mount("/foreign", foreign))
    return app


async def foreign(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI app of somebody else: reads a body and sends it back in two pieces."""
    message = await receive()
    body = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    if message["type"] == "http.disconnect":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


# A079: both signals, the same policy


PATHS = ["/json", "/stream", "/plain", "/foreign", "/writer"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("spec_version", ["2.0", "2.3", "2.4", "2.5"])
async def test_send_raises_oserror_and_nobody_calls_it_an_error(
    spec_version: str, at: int, path: str
) -> None:
    done: list[str] = []
    sent: list[Message] = []
    scope = http_scope("POST", path, headers=JSON, spec_version=spec_version)
    app = everything(done)
    async with invariants():
        await drive(app, scope, *body_messages(b"{}"), fail_send_at=at, sent=sent)
    assert len(sent) <= at
    assert done == (["background"] if path == "/plain" else [])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("spec_version", ["2.0", "2.3", "2.4", "2.5"])
async def test_receive_says_so_and_sends_are_swallowed(spec_version: str, path: str) -> None:
    done: list[str] = []
    scope = http_scope("POST", path, headers=JSON, spec_version=spec_version)
    app = everything(done)
    async with invariants():
        await drive(app, scope, *body_messages(b"{}"), tail="disconnect")
    assert done == (["background"] if path == "/plain" else [])


@pytest.mark.parametrize("path", ["/json", "/stream", "/wait", "/plain", "/writer"])
async def test_nothing_is_sent_to_a_client_that_left_before_its_body_ended(path: str) -> None:
    done: list[str] = []
    async with invariants():
        sent = await drive(everything(done), http_scope("POST", path, headers=JSON), PIECE, GONE)
    if path != "/writer":  # it hears of it when it waits, which may be before the start
        assert bool(sent) is (path not in {"/json", "/stream"})


async def test_a_handler_that_asks_again_hears_it_again() -> None:
    heard: list[type[Exception]] = []
    app = App()

    @app.post("/")
    async def handler(request: Request[Any]) -> None:
        for read in (request.body, request.text, request.body):
            with pytest.raises(ClientDisconnect) as caught:
                await read()
            heard.append(caught.type)

    async with invariants():
        await drive(app, http_scope("POST"), PIECE, GONE)
    assert heard == [ClientDisconnect] * 3


# A082: ten thousand times


class Point:
    """Where a client leaves: what it sends before, and how many messages it takes."""

    def __init__(self, path: str, *incoming: Message, takes: int = 9) -> None:
        self.path = path
        self.incoming = incoming
        self.takes = takes

    async def __call__(self, app: ASGIApp) -> None:
        is_socket = self.path == "/socket"
        scope = (
            websocket_scope(self.path) if is_socket else http_scope("POST", self.path, headers=JSON)
        )
        waiting: Iterator[Message] = iter(self.incoming)
        left, taken = (SOCKET_GONE if is_socket else GONE), 0

        async def receive() -> Message:
            return next(waiting, left)

        async def send(message: Message) -> None:
            nonlocal taken
            taken += 1
            if taken > self.takes:
                raise ConnectionResetError

        await app(scope, receive, send)


WHOLE: Message = {"type": "http.request", "body": b"{}", "more_body": False}
POINTS = {
    "before the body": Point("/json"),
    "in the body": Point("/json", PIECE),
    "in a stream of the body": Point("/stream", PIECE, PIECE),
    "while it is waited for": Point("/wait", PIECE),
    "before the start": Point("/json", WHOLE, takes=0),
    "after the start": Point("/json", WHOLE, takes=1),
    "after the end": Point("/json", WHOLE),
    "in the writer": Point("/writer", WHOLE, takes=2),
    "before the start of a stream": Point("/pieces", WHOLE, takes=0),
    "in a stream": Point("/pieces", WHOLE, takes=2),
    "in a stream that hears of it": Point("/pieces", WHOLE),
    "in an event stream": Point("/events", WHOLE, takes=2),
    "in an event stream that hears of it": Point("/events", WHOLE),
    "in a foreign app": Point("/foreign", WHOLE, takes=2),
    "before the body of a foreign app": Point("/foreign", PIECE),
    "before a websocket's handshake": Point("/socket"),
    "in a websocket": Point("/socket", {"type": "websocket.connect"}, takes=1),
    "in a websocket's message": Point(
        "/socket",
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "a"},
        takes=1,
    ),
    "on a path that is none": Point("/none", takes=0),
    "after a malformed body": Point("/json", {"type": "http.request", "body": b"{"}, takes=1),
}

MOST_BYTES = 200
TIMES = {"asyncio": 10_000, "trio": 1000}  # nothing in it waits: the loop makes no difference
TRACED = 500


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
async def test_ten_thousand_clients_that_leave_leave_nothing(
    point: Point, anyio_backend_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = everything([])
    with uncollected(), caplog.at_level(logging.DEBUG, "portico"):
        for _ in range(100):
            await point(app)
        before = census()
        for _ in range(TIMES[anyio_backend_name] - TRACED):
            await point(app)
        tracemalloc.start()
        try:
            for _ in range(10):
                await point(app)
            warm, _ = tracemalloc.get_traced_memory()
            for _ in range(TRACED):
                await point(app)
            grown = tracemalloc.get_traced_memory()[0] - warm
        finally:
            tracemalloc.stop()
        assert nothing_new(before)
    assert grown < MOST_BYTES * TRACED, "reference cycles, or a list that grows"
    # In debug mode asyncio tells of slow steps: a busy machine has some.
    assert not [record for record in caplog.records if "Executing" not in record.message]
    gc.collect()


class Held:
    """Something that a handler holds when it fails."""


async def fail_plain(request: Request[Any]) -> None:
    raise ValueError(Held())


async def fail_deep(request: Request[Any]) -> None:
    try:
        await fail_plain(request)
    except ValueError as error:
        raise KeyError(Held()) from error


async def fail_started(request: Request[Any]) -> None:
    await request.response.start()
    raise ValueError(Held())


async def fail_refused(request: Request[Any]) -> None:
    raise HTTPException(403, extensions={"held": str(Held())})


async def pass_on(request: Request[Any], call_next: CallNext) -> object:
    return await call_next(request)


async def fail_foreign(scope: Scope, receive: Receive, send: Send) -> None:
    raise ValueError(Held())


async def fail_foreign_started(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise ValueError(Held())


def failing_apps() -> Iterator[App]:
    for views in ([], [pass_on], [pass_on, pass_on]):
        for handler in (fail_plain, fail_deep, fail_started, fail_refused):
            app = App(middleware=views)
            app.get("/")(handler)
            yield app
        for foreign_app in (fail_foreign, fail_foreign_started):
            yield App([Mount("/", foreign_app)], middleware=views)

    broken = App()
    broken.get("/")(fail_plain)

    @broken.exception_handler(ValueError)
    async def handle(request: Request[Any], error: ValueError) -> None:
        raise KeyError(Held())

    yield broken


async def test_an_exception_is_no_reference_cycle_that_keeps_what_a_handler_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logging.getLogger("portico"), "disabled", True)  # a log may keep it
    for number, app in enumerate(failing_apps()):
        gc.collect()
        with uncollected():
            with suppress(ValueError, KeyError):
                await drive(app, http_scope())
            await anyio.lowlevel.checkpoint()
            left = [held for held in gc.get_objects() if isinstance(held, Held)]
        assert not left, f"app {number}"


@pytest.mark.parametrize("is_accepted", [False, True])
async def test_nor_is_one_of_a_websocket(
    is_accepted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("portico"), "disabled", True)
    app = App()

    @app.websocket("/")
    async def handler(websocket: WebSocket[Any]) -> None:
        if is_accepted:
            await websocket.accept()
        raise ValueError(Held())

    gc.collect()
    with uncollected():
        with suppress(ValueError):
            await drive(app, websocket_scope(), {"type": "websocket.connect"})
        await anyio.lowlevel.checkpoint()
        assert not [held for held in gc.get_objects() if isinstance(held, Held)]


# A085: cancelled at every checkpoint


Step: TypeAlias = Callable[[], Awaitable[None]]


class Cancelling:
    """Counts checkpoints, and cancels at one of them."""

    def __init__(self, at: int, scope: anyio.CancelScope) -> None:
        self._at = at
        self._scope = scope
        self.count = 0

    async def step(self) -> None:
        self.count += 1
        if self.count == self._at:
            self._scope.cancel()
        await anyio.lowlevel.checkpoint()


def cancelling_app(step: Step, log: list[str]) -> App:  # noqa: C901, PLR0915  as above
    """The same shapes with a checkpoint at each of their awaits."""
    app = App()

    @app.middleware
    async def view(request: Request[Any], call_next: CallNext) -> object:
        await step()
        try:
            response = await call_next(request)
            await step()
        finally:
            log.append("view")
        return response

    @app.post("/json")
    async def json(request: Request[Any]) -> object:
        await step()
        value = await request.json()
        await step()
        return value

    @app.post("/background")
    async def background(request: Request[Any]) -> Response:
        await step()
        return PlainTextResponse("x", background=[step, step])

    @app.post("/writer")
    async def writer(request: Request[Any]) -> None:
        async with request.response_writer() as write:
            await step()
            await write(b"x")
            await step()
            await write("y")

    @app.post("/block")
    async def block(request: Request[Any]) -> str:
        async with request.cancel_on_disconnect():
            log.append("opened")
            try:
                await step()
                await request.body()
                await step()
            finally:
                log.append("closed")
        await step()
        return "x"

    @app.post("/cancelled", cancel_on_disconnect=True)
    async def cancelled(request: Request[Any]) -> str:
        await step()
        await request.body()
        await step()
        return "x"

    async def pieces() -> AsyncGenerator[str]:
        log.append("opened")
        try:
            for _ in range(2):
                yield "x"
                await step()
        finally:
            log.append("closed")

    @app.post("/pieces")
    async def stream(request: Request[Any]) -> Response:
        return StreamingResponse(pieces())

    @app.post("/events")
    async def events(request: Request[Any]) -> Response:
        return EventSourceResponse(pieces())

    @app.post("/polled")
    async def polled(request: Request[Any]) -> bool:
        gone = await request.is_disconnected()
        await step()
        await request.body()
        return gone

    @app.post("/thread")
    def thread(request: Request[Any]) -> str:
        return "x"

    @app.websocket("/socket")
    async def socket(websocket: WebSocket[Any]) -> None:
        async with websocket:
            async for text in websocket.iter_text():
                await step()
                await websocket.send_text(text)

    async def stepping(scope: Scope, receive: Receive, send: Send) -> None:
        await step()
        await foreign(scope, receive, send)
        await step()

    app.add(Mount("/foreign", stepping))
    return app


async def run_cancelled(path: str, at: int) -> bool:
    """Cancel at checkpoint ``at``; tells whether the request came to its end before."""
    log: list[str] = []
    cancelled = anyio.get_cancelled_exc_class()
    raised: list[BaseException] = []
    cancel_scope = anyio.CancelScope()
    counter = Cancelling(at, cancel_scope)
    app = cancelling_app(counter.step, log)
    with cancel_scope:

        async def stepping(scope: Scope, receive: Receive, send: Send) -> None:
            async def stepping_receive() -> Message:
                await counter.step()
                return await receive()  # and no step after it: what was taken would be lost

            async def stepping_send(message: Message) -> None:
                await counter.step()
                await send(message)
                await counter.step()

            try:
                await app(scope, stepping_receive, stepping_send)
            except cancelled as error:
                raised.append(error)
                raise

        if path == "/socket":
            incoming: list[Message] = [
                {"type": "websocket.connect"},
                {"type": "websocket.receive", "text": "a"},
                SOCKET_GONE,
            ]
            await drive(stepping, websocket_scope(path), *incoming)
        else:
            scope = http_scope("POST", path, headers=JSON)
            await drive(stepping, scope, *body_messages([b"{", b"}"]))
    assert log.count("opened") == log.count("closed"), "a generator was left open"
    was_cancelled = counter.count >= at
    assert cancel_scope.cancelled_caught is was_cancelled, "the cancellation was swallowed"
    assert len(raised) == was_cancelled
    return not was_cancelled


@pytest.mark.parametrize(
    "path",
    [
        "/json",
        "/background",
        "/writer",
        "/block",
        "/cancelled",
        "/pieces",
        "/events",
        "/foreign",
        "/polled",
        "/socket",
        "/none",
    ],
)
async def test_cancelling_at_any_checkpoint_ends_the_request(path: str) -> None:
    at, is_over = 0, False
    with uncollected():
        await run_cancelled(path, 10_000)
        before = census()
        while not is_over:
            at += 1
            is_over = await run_cancelled(path, at)
            assert nothing_new(before), f"something is left over after checkpoint {at}"
    assert at > 2


async def test_cancelling_a_request_waits_for_its_thread() -> None:
    for at in range(1, 4):
        await run_cancelled("/thread", at)
