"""Streams: what is sent, when pieces are asked for, and what is closed: A079, A088."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import aclosing, asynccontextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any, Literal

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from portico import (
    App,
    HTTPException,
    Misuse,
    Request,
    Response,
    StreamingResponse,
    WebSocket,
    WebSocketDisconnect,
    _stopping,
)
from portico.asgi import Message, Receive, Scope, Send
from portico.lifespan import Lifespan
from portico.response import _streaming
from portico.routing.endpoint import CallNext
from tests.drive import body_messages, call, drive, http_scope, websocket_scope
from tests.security.invariants import invariants

pytestmark = pytest.mark.anyio

COLOUR: ContextVar[str] = ContextVar("COLOUR", default="none")
TRAILERS: dict[str, object] = {"http.response.trailers": {}}


def start(*headers: tuple[bytes, bytes], status: int = 200) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(data: bytes, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


END = body(b"", more=False)


class Notes:
    """Generators that note what happens to them."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    async def numbers(self, count: int = 3) -> AsyncGenerator[str]:
        """Waits after each number."""
        try:
            for number in range(count):
                self.steps.append(f"made {number}")
                yield str(number)
                await anyio.lowlevel.checkpoint()
        finally:
            await anyio.sleep(0.001)
            self.steps.append("closed")

    async def quick(self, count: int = 3) -> AsyncGenerator[bytes]:
        """Never waits."""
        try:
            for number in range(count):
                self.steps.append(f"made {number}")
                yield b"%d" % number
        finally:
            self.steps.append("closed")

    async def idle(self) -> AsyncGenerator[str]:
        """Waits for ever after its first piece."""
        try:
            yield "first"
            await anyio.sleep_forever()
        finally:
            await anyio.sleep(0.001)
            self.steps.append("closed")

    def plain(self, count: int = 3) -> Generator[str]:
        """Is not asynchronous."""
        try:
            for number in range(count):
                self.steps.append(f"made {number}")
                yield str(number)
        finally:
            self.steps.append("closed")


@pytest.fixture
def notes() -> Notes:
    return Notes()


@asynccontextmanager
async def quiet() -> AsyncGenerator[None]:
    """Hold the invariants, with threads that are there already and wait for something to do."""
    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(anyio.to_thread.run_sync, time.sleep, 0.001)
    async with invariants():
        yield


async def append(done: list[str]) -> None:
    done.append("x")


class Custom:
    """An asynchronous iterable that is no generator, and can be gone through many times."""

    def __init__(self) -> None:
        self.closed: int = 0

    def __aiter__(self) -> AsyncIterator[str]:
        outer = self

        class Pieces:
            def __init__(self) -> None:
                self.left: int = 2

            def __aiter__(self) -> AsyncIterator[str]:
                return self

            async def __anext__(self) -> str:
                if not self.left:
                    raise StopAsyncIteration
                self.left -= 1
                return "x"

            async def aclose(self) -> None:
                outer.closed += 1

        return Pieces()


class Again:
    """A plain iterable that can be gone through many times."""

    def __iter__(self) -> Iterator[str]:
        return iter(["a", "b"])


# What is sent


@pytest.mark.parametrize("kind", ["numbers", "quick", "plain"])
async def test_a_generator(kind: str, notes: Notes) -> None:
    response = StreamingResponse(getattr(notes, kind)(), 201, {"x-a": "1"}, "text/plain")
    async with quiet():
        sent = await drive(response, http_scope())
    assert sent == [
        start((b"content-type", b"text/plain; charset=utf-8"), (b"x-a", b"1"), status=201),
        *(body(piece) for piece in (b"0", b"1", b"2")),
        END,
    ]
    assert notes.steps == ["made 0", "made 1", "made 2", "closed"]


@pytest.mark.parametrize(
    ("content", "pieces"),
    [
        pytest.param(["a", b"b", bytearray(b"c"), memoryview(b"d")], [b"a", b"b", b"c", b"d"]),
        pytest.param(("caf\u00e9",), [b"caf\xc3\xa9"], id="text is UTF-8"),
        pytest.param(["", b"", "a"], [b"a"], id="empty pieces are not sent"),
        pytest.param([], [], id="nothing"),
        pytest.param({"a"}, [b"a"], id="a set"),
        pytest.param(Again(), [b"a", b"b"], id="a plain iterable"),
        pytest.param(Custom(), [b"x", b"x"], id="an asynchronous iterable"),
        pytest.param(lambda: ["a"], [b"a"], id="a function"),
        pytest.param(lambda: iter(["a"]), [b"a"], id="a function that gives an iterator"),
    ],
)
async def test_contents_that_can_be_sent_again(content: Any, pieces: list[bytes]) -> None:
    response = StreamingResponse(content)
    for _ in range(2):
        assert await drive(response, http_scope()) == [start(), *map(body, pieces), END]


async def test_a_custom_iterator_is_closed() -> None:
    content = Custom()
    await drive(StreamingResponse(content), http_scope())
    assert content.closed == 1


async def test_an_async_generator_function_is_a_factory(notes: Notes) -> None:
    response = StreamingResponse(notes.numbers)
    assert await drive(response, http_scope()) == await drive(response, http_scope())


@pytest.mark.parametrize("kind", ["numbers", "plain"])
async def test_a_generator_is_sent_once(kind: str, notes: Notes) -> None:
    response = StreamingResponse(getattr(notes, kind)())
    await drive(response, http_scope())
    with pytest.raises(Misuse, match="function that makes one"):
        await drive(response, http_scope())
    with pytest.raises(Misuse, match="function that makes one"):
        await drive(response.copy(), http_scope())


@pytest.mark.parametrize("content", ["text", b"bytes", {"a": 1}, 7, None])
async def test_what_is_no_stream(content: Any) -> None:
    with pytest.raises(TypeError, match="a stream is made of an iterable"):
        StreamingResponse(content)


async def test_a_function_that_gives_no_iterable() -> None:
    sent: list[Message] = []
    with pytest.raises(TypeError, match="gave int"):
        await drive(StreamingResponse(lambda: 7), http_scope(), sent=sent)  # type: ignore[arg-type, return-value]
    assert sent == []


async def test_a_piece_of_another_type() -> None:
    async def mixed() -> AsyncGenerator[Any]:
        yield "a"
        yield 7

    with pytest.raises(TypeError, match="str or bytes, not int"):
        await drive(StreamingResponse(mixed()), http_scope())


async def test_it_is_no_two_messages(notes: Notes) -> None:
    with pytest.raises(Misuse, match="more than two messages"):
        StreamingResponse(notes.numbers).messages()
    assert repr(StreamingResponse(notes.numbers, 206)) == "<StreamingResponse 206>"


@pytest.mark.parametrize(
    ("method", "status"),
    [("HEAD", 200), ("GET", 204), ("GET", 205), ("GET", 304), ("HEAD", 304)],
)
@pytest.mark.parametrize("kind", ["numbers", "quick", "plain", "function"])
async def test_without_content_nothing_is_asked_for(
    method: str, status: int, kind: str, notes: Notes
) -> None:
    content: Any = notes.numbers if kind == "function" else getattr(notes, kind)()
    response = StreamingResponse(content, status, media_type="text/plain")
    async with quiet():
        first, last = await drive(response, http_scope(method))
    assert first["status"] == status
    assert (last.get("body"), last.get("more_body", False)) == (b"", False)
    assert notes.steps == []
    if kind != "function":  # it was closed
        assert [piece async for piece in _streaming._iterate(content)] == []


async def test_head_has_the_headers_of_get(notes: Notes) -> None:
    response = StreamingResponse(notes.numbers, headers={"content-length": "3", "x-a": "1"})
    head, _ = await drive(response, http_scope("HEAD"))
    get, *_ = await drive(response, http_scope())
    assert head == get


async def test_a_client_that_left_before_the_answer_to_head(notes: Notes) -> None:
    response = StreamingResponse(notes.numbers())
    assert await drive(response, http_scope("HEAD"), fail_send_at=0) == []


@pytest.mark.parametrize(("length", "fault"), [("2", "1 bytes more"), ("4", "1 bytes fewer")])
async def test_a_content_length_is_kept(length: str, fault: str, notes: Notes) -> None:
    response = StreamingResponse(notes.numbers(), headers={"content-length": length})
    with pytest.raises(Misuse, match=fault):
        await drive(response, http_scope())
    assert notes.steps[-1] == "closed"


# Trailers


async def digest() -> AsyncGenerator[str]:
    yield "a"


@pytest.mark.parametrize(
    "trailers", [{"X-Sum": "1"}, [("x-sum", "1")], lambda: {"x-sum": "1"}, lambda: [("x-sum", "1")]]
)
async def test_trailers(trailers: Any) -> None:
    response = StreamingResponse(digest, headers={"trailer": "x-sum"}, trailers=trailers)
    first = start((b"trailer", b"x-sum"))
    last: Message = {
        "type": "http.response.trailers",
        "headers": [(b"x-sum", b"1")],
        "more_trailers": False,
    }
    sent = await drive(response, http_scope(extensions=TRAILERS))
    assert sent == [{**first, "trailers": True}, body(b"a"), END, last]
    assert await drive(response, http_scope()) == [first, body(b"a"), END]
    assert await drive(response, http_scope("HEAD", extensions=TRAILERS)) == [
        first,
        {"type": "http.response.body", "body": b""},
    ]


async def test_bad_trailers_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="line break"):
        StreamingResponse(digest, trailers={"x": "a\r\nb"})


@pytest.mark.parametrize(
    "name", ["Content-Length", "content-type", "set-cookie", "host", "trailer"]
)
async def test_fields_that_are_no_trailers_are_refused(name: str) -> None:
    """RFC 9110 6.5.1."""
    with pytest.raises(ValueError, match="is no trailer"):
        StreamingResponse(digest, trailers={name: "5"})
    late = StreamingResponse(digest, trailers=lambda: {name: "5"})
    with pytest.raises(ValueError, match="is no trailer"):
        await drive(late, http_scope(extensions=TRAILERS))


async def test_trailers_that_fail_leave_the_body_without_its_end() -> None:
    sent: list[Message] = []
    response = StreamingResponse(digest, trailers=lambda: {"x": "a\nb"})
    with pytest.raises(ValueError, match="line break"):
        await drive(response, http_scope(extensions=TRAILERS), sent=sent)
    assert sent[-1] == body(b"a")


async def test_trailers_to_a_client_that_left() -> None:
    response = StreamingResponse(digest, trailers={"x": "a"})
    sent = await drive(response, http_scope(extensions=TRAILERS), fail_send_at=2)
    assert len(sent) == 2


# Failures


async def test_an_error_leaves_the_body_without_its_end(notes: Notes) -> None:
    async def failing() -> AsyncGenerator[str]:
        async for number in notes.numbers():
            yield number
        raise ZeroDivisionError

    sent: list[Message] = []
    with pytest.raises(ZeroDivisionError):
        await drive(StreamingResponse(failing()), http_scope(), sent=sent)
    assert sent == [start(), body(b"0"), body(b"1"), body(b"2")]


async def test_an_oserror_of_the_generator_is_not_taken_for_a_disconnect() -> None:
    async def failing() -> AsyncGenerator[str]:
        yield "a"
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        await drive(StreamingResponse(failing()), http_scope())


@pytest.mark.parametrize("error", [ValueError("bad"), HTTPException(404)])
async def test_an_error_in_an_app_is_raised_to_the_server(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    app = App()

    @app.get("/")
    async def handler(request: Request) -> Response:
        async def failing() -> AsyncGenerator[str]:
            yield "a"
            raise error

        return StreamingResponse(failing())

    sent: list[Message] = []
    with pytest.raises(type(error)):
        await drive(app, http_scope(), sent=sent)
    assert sent == [start(), body(b"a")]
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == isinstance(error, ValueError)


# The client leaves


@pytest.mark.parametrize("kind", ["numbers", "quick", "plain", "idle"])
@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize("spec_version", ["2.0", "2.4"])
async def test_send_raises_oserror(spec_version: str, at: int, kind: str, notes: Notes) -> None:
    if kind == "idle" and at > 1:
        return
    done: list[str] = []
    response = StreamingResponse(getattr(notes, kind)(), background=partial(append, done))
    async with quiet():
        sent = await drive(response, http_scope(spec_version=spec_version), fail_send_at=at)
    assert len(sent) == at
    assert notes.steps[-1:] == (["closed"] if at else [])
    assert done == ["x"]


@pytest.mark.parametrize("kind", ["numbers", "plain", "idle"])
@pytest.mark.parametrize("left_at", range(4))
@pytest.mark.parametrize("spec_version", ["2.0", "2.4"])
async def test_receive_says_so_and_sends_are_swallowed(
    spec_version: str, left_at: int, kind: str, notes: Notes
) -> None:
    done: list[str] = []
    make: dict[str, Callable[[], Any]] = {
        "numbers": lambda: notes.numbers(10**9),
        "plain": lambda: notes.plain(10**9),
        "idle": notes.idle,
    }
    response = StreamingResponse(make[kind](), background=partial(append, done))
    server = Server(left_at=min(left_at, 2) if kind == "idle" else left_at)
    async with quiet():
        with anyio.fail_after(5):
            await response(http_scope(spec_version=spec_version), server.receive, server.send)
    assert notes.steps[-1:] in (["closed"], [])
    assert notes.steps or left_at < 2
    assert done == ["x"]


class Server:
    """Takes messages; from message ``left_at`` on, ``receive`` tells that the client has left."""

    def __init__(self, left_at: int) -> None:
        self.left_at = left_at
        self.sent: list[Message] = []
        self.left: anyio.Event = anyio.Event()
        self.receiving: int = 0
        if not left_at:
            self.left.set()

    async def receive(self) -> Message:
        self.receiving += 1
        try:
            await self.left.wait()
        finally:
            self.receiving -= 1
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        if len(self.sent) >= self.left_at:
            self.left.set()


async def test_a_generator_that_never_waits_and_a_server_that_never_does() -> None:
    async def endless() -> AsyncGenerator[bytes]:
        while True:
            yield b"x"

    server = Server(left_at=500)
    with anyio.fail_after(5):
        await StreamingResponse(endless())(http_scope(), server.receive, server.send)
    assert len(server.sent) < 1000


async def test_empty_pieces_for_ever() -> None:
    async def endless() -> AsyncGenerator[bytes]:
        while True:
            yield b""

    server = Server(left_at=1)
    with anyio.fail_after(5) as scope:
        await StreamingResponse(endless())(http_scope(), server.receive, server.send)
    assert len(server.sent) == 1
    assert not scope.cancel_called


async def test_a_generator_that_does_not_mind_cancellation(notes: Notes) -> None:
    async def stubborn() -> AsyncGenerator[str]:
        try:
            while True:
                yield "a"
                try:
                    await anyio.sleep_forever()
                except anyio.get_cancelled_exc_class():
                    notes.steps.append("cancelled")
        finally:
            notes.steps.append("closed")

    server = Server(left_at=2)
    with anyio.fail_after(5):
        await StreamingResponse(stubborn())(http_scope(), server.receive, server.send)
    assert notes.steps == ["cancelled", "closed"]
    assert len(server.sent) == 2


async def test_send_that_never_returns_to_a_client_that_left(notes: Notes) -> None:
    server = Server(left_at=2)

    async def send(message: Message) -> None:
        await server.send(message)
        if len(server.sent) == 2:
            await anyio.sleep_forever()

    with anyio.fail_after(5):
        await StreamingResponse(notes.numbers())(http_scope(), server.receive, send)
    assert notes.steps == ["made 0", "closed"]


async def test_the_end_of_the_response_is_no_disconnect(notes: Notes) -> None:
    """Servers give ``http.disconnect`` when the response is complete."""
    server = Server(left_at=5)

    async def send(message: Message) -> None:
        await server.send(message)
        await anyio.wait_all_tasks_blocked()

    await StreamingResponse(notes.numbers())(http_scope(), server.receive, send)
    assert server.sent[-1] == END
    assert server.receiving == 0


@pytest.mark.parametrize(
    ("error", "is_left"), [(ConnectionResetError(), True), (RuntimeError("closed"), False)]
)
async def test_receive_that_fails(error: Exception, is_left: bool, notes: Notes) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        raise error

    async def send(message: Message) -> None:
        sent.append(message)

    await StreamingResponse(notes.numbers(100))(http_scope(), receive, send)
    assert (sent[-1] == END) is not is_left
    assert notes.steps[-1] == "closed"


@pytest.mark.parametrize("at", range(4))
async def test_a_file_is_closed(at: int, tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_text("a\nb\n")
    with path.open() as file:
        async with quiet():
            await drive(StreamingResponse(file), http_scope(), fail_send_at=at)
        assert file.closed


# Cancellation, back-pressure, context


@pytest.mark.parametrize("kind", ["numbers", "plain", "idle"])
@pytest.mark.parametrize("point", ["in send", "in the generator"])
async def test_cancelled_from_outside(kind: str, point: str, notes: Notes) -> None:
    if point == "in the generator" and kind != "idle":
        return
    response = StreamingResponse(getattr(notes, kind)())
    block = 1 if point == "in send" else None
    async with quiet():
        with anyio.move_on_after(0.05) as scope:
            await drive(response, http_scope(), block_send_after=block)
        assert scope.cancelled_caught
    if point == "in send":
        # The generator was not running: what it awaits to clean up is kept from cancellation.
        assert notes.steps[-1] == "closed"


@pytest.mark.parametrize("kind", ["numbers", "quick", "plain"])
@pytest.mark.parametrize("taken", [1, 2, 3])
async def test_a_client_that_stops_reading_stops_the_generator(
    taken: int, kind: str, notes: Notes
) -> None:
    sent: list[Message] = []
    with anyio.move_on_after(0.05):
        await drive(
            StreamingResponse(getattr(notes, kind)(10**9)),
            http_scope(),
            block_send_after=taken,
            sent=sent,
        )
    assert len(sent) == taken
    assert notes.steps == [*(f"made {number}" for number in range(taken)), "closed"]


async def test_the_generator_runs_in_the_requests_task_and_context() -> None:
    own = anyio.get_current_task().id
    seen: list[int] = []

    async def generator() -> AsyncGenerator[str]:
        token = COLOUR.set("red")
        seen.append(anyio.get_current_task().id)
        try:
            yield "a"
            await anyio.sleep(0.001)
            seen.append(anyio.get_current_task().id)
            yield "b"
        finally:
            seen.append(anyio.get_current_task().id)
            COLOUR.reset(token)

    await drive(StreamingResponse(generator()), http_scope())
    await drive(StreamingResponse(generator()), http_scope(), fail_send_at=2)
    assert set(seen) == {own}
    assert len(seen) == 6
    assert COLOUR.get() == "none"


async def test_plain_generators_run_in_a_thread() -> None:
    threads: set[int] = set()

    def generator() -> Generator[str]:
        threads.add(threading.get_ident())
        yield "a"

    await drive(StreamingResponse(generator()), http_scope())
    assert threads.isdisjoint({threading.get_ident()})


async def test_what_closes_for_too_long_is_cut_off_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_streaming, "CLEANUP_S", 0.01)

    async def generator() -> AsyncGenerator[str]:
        try:
            yield "a"
            yield "b"
        finally:
            await anyio.sleep_forever()

    await drive(StreamingResponse(generator()), http_scope(), fail_send_at=2)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_shutdown_cuts_a_stream_off_when_its_time_is_over(
    caplog: pytest.LogCaptureFixture, notes: Notes
) -> None:
    server = Server(left_at=99)
    lifespan = Lifespan(drain_timeout_s=0.02)
    app = App()
    told: list[bool] = []

    async with anyio.create_task_group() as group, lifespan.run(app):
        group.start_soon(StreamingResponse(notes.idle()), http_scope(), server.receive, server.send)
        await anyio.wait_all_tasks_blocked()
        told.append(app.is_stopping)
        _stopping._current.get().stop()  # type: ignore[union-attr]
        told.append(app.is_stopping)
        await anyio.wait_all_tasks_blocked()
        assert notes.steps == []  # it may go on for a while
    assert told == [False, True]
    assert notes.steps == ["closed"]
    assert server.sent == [start(), body(b"first")]
    assert [record.levelname for record in caplog.records] == ["WARNING"]


# In an app


@pytest.mark.parametrize("path", ["/handler", "/mounted", "/view", "/around", "/respond"])
@pytest.mark.parametrize("tail", ["block", "disconnect"])
async def test_everywhere_in_an_app(
    tail: Literal["block", "disconnect"], path: str, notes: Notes
) -> None:
    app = App()

    async def stream(request: Request) -> Response:
        return StreamingResponse(notes.numbers())

    async def view(request: Request[Any], call_next: CallNext) -> Response:
        response = await call_next(request)
        response.headers["x-view"] = "1"
        return response

    async def instead(request: Request[Any], call_next: CallNext) -> Response:
        await call_next(request)
        return StreamingResponse(notes.numbers())

    async def foreign(scope: Scope, receive: Receive, send: Send) -> None:
        await Response("foreign")(scope, receive, send)

    async def respond(request: Request) -> None:
        await request.respond(StreamingResponse(notes.numbers()))

    app.get("/handler")(stream)
    app.get("/respond")(respond)
    inner = App()
    inner.get("/")(stream)
    app.mount("/mounted", inner, middleware=[view])
    app.route("/view", middleware=[view])(stream)
    app.mount("/around", foreign, middleware=[instead])
    async with quiet():
        sent = await drive(app, http_scope(path=path), *body_messages(), tail=tail)
    if tail == "block":
        assert [message.get("body") for message in sent] == [None, b"0", b"1", b"2", b""]
        assert ((b"x-view", b"1") in sent[0]["headers"]) is (path in {"/mounted", "/view"})
    assert notes.steps[-1:] in (["closed"], [])


async def test_the_body_is_read_while_the_answer_is_written() -> None:
    app = App()

    @app.post("/")
    async def echo(request: Request) -> Response:
        async def pieces() -> AsyncGenerator[bytes]:
            await anyio.sleep(0.001)  # meanwhile there is one who listens, and reads ahead
            async for chunk in request.stream():
                await anyio.lowlevel.checkpoint()
                yield chunk.upper()

        return StreamingResponse(pieces())

    reply = await call(app, "POST", body=[b"a", b"b" * 100_000, b"c"])
    assert reply.body == b"A" + b"B" * 100_000 + b"C"


async def test_a_client_that_leaves_while_its_body_is_read() -> None:
    app = App()
    steps: list[str] = []

    @app.post("/")
    async def echo(request: Request) -> Response:
        async def pieces() -> AsyncGenerator[bytes]:
            try:
                async with aclosing(request.stream()) as chunks:
                    async for chunk in chunks:
                        yield chunk
            finally:
                steps.append("closed")

        return StreamingResponse(pieces())

    server = Server(left_at=2)
    incoming: list[Message] = [{"type": "http.request", "body": b"a", "more_body": True}]

    async def receive() -> Message:
        return incoming.pop() if incoming else await server.receive()

    async with quiet():
        await app(http_scope("POST"), receive, server.send)
    assert server.sent == [start(), body(b"a")]
    assert steps == ["closed"]


# Websockets that are refused


async def refuse(
    notes: Notes, extensions: dict[str, object], *incoming: Message
) -> tuple[list[Message], list[str]]:
    done: list[str] = []
    response = StreamingResponse(
        notes.numbers(), 403, media_type="text/plain", background=partial(append, done)
    )
    async with quiet():
        sent = await drive(response, websocket_scope(extensions=extensions), *incoming)
    return sent, done


async def test_a_stream_refuses_a_websocket(notes: Notes) -> None:
    connect: Message = {"type": "websocket.connect"}
    sent, done = await refuse(notes, {"websocket.http.response": {}}, connect)
    assert sent[0]["status"] == 403
    assert [message.get("body") for message in sent[1:]] == [b"0", b"1", b"2", b""]
    assert done == ["x"]


async def test_a_stream_that_cannot_refuse_is_closed(notes: Notes) -> None:
    sent, done = await refuse(notes, {}, {"type": "websocket.connect"})
    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert (notes.steps, done) == ([], ["x"])


async def test_a_websocket_that_leaves_while_it_is_refused(notes: Notes) -> None:
    gone: Message = {"type": "websocket.disconnect", "code": 1006}
    sent, _ = await refuse(
        notes, {"websocket.http.response": {}}, {"type": "websocket.connect"}, gone
    )
    assert len(sent) < 5
    assert notes.steps[-1:] in (["closed"], [])


async def test_a_refusal_in_an_app_is_a_stream_too(notes: Notes) -> None:
    app = App()

    @app.websocket("/")
    async def socket(websocket: WebSocket) -> None:
        await websocket.deny(StreamingResponse(notes.numbers(), 403))

    extensions: dict[str, object] = {"websocket.http.response": {}}
    connect: Message = {"type": "websocket.connect"}
    try:
        sent = await drive(app, websocket_scope(extensions=extensions), connect)
    except WebSocketDisconnect:  # pragma: no cover - only when this is wrong
        sent = []
    assert [message.get("body") for message in sent[1:]] == [b"0", b"1", b"2", b""]
