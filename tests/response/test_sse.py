"""Event streams: items, pings, errors, and how they end."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import anyio
import anyio.lowlevel
import msgspec
import pytest

from portico import App, EventSourceResponse, Misuse, Request, Response, ServerSentEvent
from portico.asgi import Message
from portico.response.sse import encode_event
from tests.drive import body_messages, call, drive, http_scope
from tests.response.test_stream import END, Server, body
from tests.security.invariants import invariants

pytestmark = pytest.mark.anyio

PING = body(b": ping\n\n")


class Price(msgspec.Struct):
    item: str
    price: int


@pytest.mark.parametrize(
    ("item", "written"),
    [
        pytest.param("a\nb", b"data: a\ndata: b\n\n", id="text"),
        pytest.param({"a": "\n"}, b'data: {"a":"\\n"}\n\n', id="a dict is JSON"),
        pytest.param([1, None], b"data: [1,null]\n\n", id="a list is JSON"),
        pytest.param(7, b"data: 7\n\n", id="a number is JSON"),
        pytest.param(Price("tea", 3), b'data: {"item":"tea","price":3}\n\n', id="a Struct is JSON"),
        pytest.param(ServerSentEvent("a", id="1"), b"id: 1\ndata: a\n\n", id="an event"),
        pytest.param(
            ServerSentEvent(Price("tea", 3), event="price"),
            b'event: price\ndata: {"item":"tea","price":3}\n\n',
            id="an event with JSON",
        ),
        pytest.param(ServerSentEvent(comment="a"), b": a\n\n", id="a comment"),
        pytest.param(b"data: a\n\n", b"data: a\n\n", id="bytes are written already"),
    ],
)
async def test_items(item: object, written: bytes) -> None:
    assert encode_event(item) == written
    sent = await drive(EventSourceResponse([item]), http_scope())
    assert sent[1:] == [body(written), END]


async def test_an_item_that_cannot_be_sent() -> None:
    with pytest.raises(TypeError):
        await drive(EventSourceResponse([object()]), http_scope())


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_headers_and_methods(method: str) -> None:
    app = App()

    @app.route("/", methods=[method])
    async def events(request: Request) -> Response:
        return EventSourceResponse(["a"], headers={"X-A": "1"})

    reply = await call(app, method)
    assert reply.headers == {
        "content-type": "text/event-stream; charset=utf-8",
        "x-a": "1",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
    }


async def test_headers_of_your_own_win() -> None:
    response = EventSourceResponse([], headers={"Cache-Control": "no-cache"})
    assert response.headers.getall("cache-control") == ["no-cache"]


@pytest.mark.parametrize("interval", [0, -1.0, float("nan")])
async def test_a_bad_interval(interval: float) -> None:
    with pytest.raises(ValueError, match="ping_interval"):
        EventSourceResponse([], ping_interval=interval)


async def idle(*items: str) -> AsyncGenerator[str]:
    for item in items:
        yield item
    await anyio.sleep_forever()


async def test_pings_in_silence_until_the_client_leaves() -> None:
    server = Server(left_at=5)
    async with invariants():
        with anyio.fail_after(5):
            await EventSourceResponse(idle("a"), ping_interval=0.01)(
                http_scope(), server.receive, server.send
            )
    assert server.sent[1:] == [body(b"data: a\n\n"), PING, PING, PING]


async def test_no_pings_until_the_client_leaves() -> None:
    server = Server(left_at=2)
    async with invariants():
        with anyio.fail_after(5):
            await EventSourceResponse(idle("a"), ping_interval=None)(
                http_scope(), server.receive, server.send
            )
    assert server.sent[1:] == [body(b"data: a\n\n")]


async def test_no_pings() -> None:
    server = Server(left_at=9)
    with anyio.move_on_after(0.05):
        await EventSourceResponse(idle("a"), ping_interval=None)(
            http_scope(), server.receive, server.send
        )
    assert len(server.sent) == 2


async def test_an_event_puts_the_ping_off() -> None:
    async def events() -> AsyncGenerator[str]:
        for _ in range(10):
            await anyio.sleep(0.02)
            yield "a"

    sent = await drive(EventSourceResponse(events(), ping_interval=0.1), http_scope())
    assert PING not in sent


async def test_no_ping_while_something_is_sent() -> None:
    """A client that takes nothing gets no ping between what it has not taken."""
    server = Server(left_at=99)
    busy = 0

    async def send(message: Message) -> None:
        nonlocal busy
        busy += 1
        assert busy == 1
        await anyio.sleep(0.03)
        await server.send(message)
        busy -= 1

    await EventSourceResponse(["a", "b"], ping_interval=0.01)(http_scope(), server.receive, send)
    assert server.sent[1:] == [body(b"data: a\n\n"), body(b"data: b\n\n"), END]


@pytest.mark.parametrize("items", [["a"], []])
async def test_an_event_waits_for_the_ping_before_it(items: list[str]) -> None:
    server = Server(left_at=99)
    pinging = anyio.Event()
    busy = 0

    async def send(message: Message) -> None:
        nonlocal busy
        busy += 1
        assert busy == 1
        if message == PING:
            pinging.set()
            await anyio.wait_all_tasks_blocked()
        await server.send(message)
        busy -= 1

    async def events() -> AsyncGenerator[str]:
        await pinging.wait()
        for item in items:
            yield item

    response = EventSourceResponse(events(), ping_interval=0.02)
    with anyio.fail_after(5):
        await response(http_scope(), server.receive, send)
    assert server.sent[1:] == [PING, *(body(b"data: a\n\n") for _ in items), END]


async def test_a_ping_hears_that_the_client_has_left() -> None:
    """Where ``receive`` says nothing."""

    async def receive() -> Message:
        raise RuntimeError("nothing to be heard")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        if message == PING and sent[-1] == PING:
            raise BrokenPipeError
        sent.append(message)

    response = EventSourceResponse(idle("a"), ping_interval=0.01)
    async with invariants():
        with anyio.fail_after(5):
            await response(http_scope(), receive, send)
    assert sent[1:] == [body(b"data: a\n\n"), PING]


async def test_many_events_that_never_wait() -> None:
    async def endless() -> AsyncGenerator[str]:
        while True:
            yield "a"

    server = Server(left_at=300)
    with anyio.fail_after(5):
        await EventSourceResponse(endless())(http_scope(), server.receive, server.send)
    assert len(server.sent) < 600


@pytest.mark.parametrize("at", range(4))
async def test_send_that_raises(at: int) -> None:
    closed: list[str] = []

    async def events() -> AsyncGenerator[str]:
        try:
            for _ in range(9):
                yield "a"
                await anyio.lowlevel.checkpoint()
        finally:
            await anyio.lowlevel.checkpoint()
            closed.append("x")

    async with invariants():
        await drive(EventSourceResponse(events()), http_scope(), fail_send_at=at)
    assert closed == (["x"] if at else [])


async def test_the_generator_fails() -> None:
    async def events() -> AsyncGenerator[str]:
        yield "a"
        raise LookupError("no more")

    sent: list[Message] = []
    with pytest.raises(LookupError):
        await drive(EventSourceResponse(events()), http_scope(), sent=sent)
    assert sent[1:] == [body(b"data: a\n\n")]


async def test_the_generator_fails_and_says_so() -> None:
    async def events() -> AsyncGenerator[str]:
        yield "a"
        raise LookupError("no more")

    def tell(error: Exception) -> ServerSentEvent:
        return ServerSentEvent({"error": str(error)}, event="error")

    sent: list[Message] = []
    response = EventSourceResponse(events(), error_event=tell)
    with pytest.raises(LookupError):
        await drive(response, http_scope(), sent=sent)
    last = b'event: error\ndata: {"error":"no more"}\n\n'
    assert sent[1:] == [body(b"data: a\n\n"), body(last)]


async def test_the_client_of_the_generators_body_leaves() -> None:
    app = App()
    told: list[Exception] = []

    @app.post("/")
    async def handler(request: Request[Any]) -> Response:
        async def events() -> AsyncGenerator[str]:
            async with aclosing(request.stream()) as chunks:
                async for chunk in chunks:
                    yield chunk.decode()

        return EventSourceResponse(events(), error_event=told.append)

    piece: Message = {"type": "http.request", "body": b"a", "more_body": True}
    async with invariants():
        await drive(app, http_scope("POST"), piece, tail="disconnect")
    assert told == []


async def test_an_event_stream_ends_at_shutdown() -> None:
    app = App()
    server = Server(left_at=99)
    ended: list[str] = []

    @app.get("/")
    async def handler(request: Request) -> Response:
        async def events() -> AsyncGenerator[str]:
            try:
                yield "a"
                await anyio.sleep_forever()
            finally:
                await anyio.lowlevel.checkpoint()
                ended.append("generator")

        return EventSourceResponse(events())

    async with invariants(), anyio.create_task_group() as group:
        async with app.lifespan.run(app):
            group.start_soon(app, http_scope(), server.receive, server.send)
            await anyio.wait_all_tasks_blocked()
            assert server.sent[-1] == body(b"data: a\n\n")
        assert ended == ["generator"]
    assert server.sent[-1] == END


async def test_an_end_that_a_slow_client_has_not_taken_is_not_sent_twice() -> None:
    app = App()
    server = Server(left_at=99)
    ending = anyio.Event()

    async def send(message: Message) -> None:
        if message == END:
            ending.set()
            await anyio.wait_all_tasks_blocked()
        await server.send(message)

    async def events() -> AsyncGenerator[str]:
        await anyio.wait_all_tasks_blocked()
        yield "a"

    async with anyio.create_task_group() as group, app.lifespan.run(app):
        group.start_soon(EventSourceResponse(events()), http_scope(), server.receive, send)
        await ending.wait()
    assert server.sent[1:] == [body(b"data: a\n\n"), END]


async def test_an_event_stream_that_begins_at_shutdown_ends_at_once() -> None:
    app = App()
    server = Server(left_at=99)

    async def hold(app: App) -> None:
        await app(http_scope(path="/"), server.receive, server.send)

    @app.get("/")
    async def handler(request: Request) -> Response:
        return EventSourceResponse(idle("a"))

    @app.on_shutdown
    async def late() -> None:
        await hold(app)

    with anyio.fail_after(5):
        async with app.lifespan.run(app):
            pass
    assert server.sent[-1] == END


async def test_a_stream_that_ended_is_not_stopped() -> None:
    app = App()
    async with app.lifespan.run(app):

        async def events() -> AsyncGenerator[str]:
            await anyio.lowlevel.checkpoint()
            yield "a"

        app.get("/")(lambda: EventSourceResponse(events()))
        await drive(app, http_scope(), *body_messages())


async def test_a_generator_is_sent_once() -> None:
    response = EventSourceResponse(idle())
    await drive(response, http_scope("HEAD"))
    with pytest.raises(Misuse):
        await drive(response, http_scope())
