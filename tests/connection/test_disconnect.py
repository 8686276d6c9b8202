"""The client leaves while something is under way for it."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel
import pytest

from portico import App, ClientDisconnect, HTTPView, PlainTextResponse, Request, Response
from portico.asgi import Message, Receive, Scope, Send
from portico.connection.body import BODY, LIMIT, Body
from portico.connection.disconnect import hear_disconnect, shared_body
from tests.drive import body_messages, drive, http_scope
from tests.security.invariants import invariants

pytestmark = pytest.mark.anyio

GONE: Message = {"type": "http.disconnect"}


def piece(data: bytes, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": data, "more_body": more}


class Inbox:
    """Gives messages, then waits until ``leave`` is set."""

    def __init__(self, *messages: Message) -> None:
        self.messages = list(messages)
        self.leave: anyio.Event = anyio.Event()

    async def receive(self) -> Message:
        await anyio.lowlevel.checkpoint()
        if not self.messages:
            await self.leave.wait()
            return GONE
        return self.messages.pop(0)


async def test_the_news_comes_behind_the_body_of_which_nothing_is_lost() -> None:
    inbox, scope = Inbox(piece(b"a"), piece(b"b", more=False)), http_scope("POST")
    inbox.leave.set()
    assert await hear_disconnect(scope, inbox.receive) is True
    assert await Request(scope, inbox.receive).body() == b"ab"


async def test_over_the_limit_it_waits_for_a_reader() -> None:
    inbox, scope = Inbox(piece(b"a" * 9), piece(b"b" * 9, more=False)), http_scope("POST")
    inbox.leave.set()
    scope[LIMIT] = 8
    heard: list[bool] = []

    async def hear() -> None:
        heard.append(await hear_disconnect(scope, inbox.receive))

    async with anyio.create_task_group() as group:
        group.start_soon(hear)
        await anyio.wait_all_tasks_blocked()
        assert heard == []
        chunks = [chunk async for chunk in Request(scope, inbox.receive).stream()]
        assert chunks == [b"a" * 9, b"b" * 9]
    assert heard == [True]


async def test_somebody_streams_and_64_kib_are_read_ahead_for_him() -> None:
    sizes = [60_000] * 5
    inbox = Inbox(*(piece(b"x" * size) for size in sizes), piece(b"", more=False))
    scope = http_scope("POST")
    stream = Request(scope, inbox.receive).stream()
    await anext(stream)
    with anyio.move_on_after(0.02):
        await hear_disconnect(scope, inbox.receive)
    assert len(inbox.messages) == 3  # one was taken, two are held
    assert sum([len(chunk) async for chunk in stream]) == 4 * 60_000


async def test_a_middleware_that_puts_its_own_receive_in_front() -> None:
    inbox = Inbox()
    scope = http_scope()
    first = shared_body(scope, inbox.receive)
    assert shared_body(scope, inbox.receive) is first
    assert shared_body(scope, first.receive) is first
    other = Inbox()
    assert shared_body(scope, other.receive) is not first
    assert isinstance(scope[BODY], Body)


@pytest.mark.parametrize(("error", "heard"), [(BrokenPipeError(), True), (LookupError(), False)])
async def test_receive_fails(error: Exception, heard: bool) -> None:
    async def receive() -> Message:
        raise error

    assert await hear_disconnect(http_scope(), receive) is heard


# cancel_on_disconnect


async def test_a_block_is_cancelled() -> None:
    inbox, steps = Inbox(piece(b"", more=False)), list[str]()
    request: Request[Any] = Request(http_scope(), inbox.receive)

    async def handle() -> None:
        async with request.cancel_on_disconnect():
            inbox.leave.set()
            try:
                await anyio.sleep_forever()
            finally:
                steps.append("cancelled")

    async with invariants():
        with pytest.raises(ClientDisconnect):
            await handle()
    assert steps == ["cancelled"]


async def test_a_block_that_ends_first() -> None:
    inbox = Inbox(piece(b"a", more=False))
    request: Request[Any] = Request(http_scope(), inbox.receive)
    async with invariants(), request.cancel_on_disconnect():
        await anyio.wait_all_tasks_blocked()
    assert await request.body() == b"a"


async def test_the_end_of_the_response_is_no_disconnect() -> None:
    steps: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request: Request[Any] = Request(scope, receive, send)
        async with request.cancel_on_disconnect():
            await request.respond("done")
            await anyio.wait_all_tasks_blocked()
            steps.append("worked on")

    await drive(app, http_scope())
    assert steps == ["worked on"]


class Slow(HTTPView):
    async def get(self) -> str:
        await anyio.sleep_forever()
        return ""


@pytest.mark.parametrize("path", ["/handler", "/view"])
async def test_a_route_is_cancelled(path: str) -> None:
    app = App()

    @app.get("/handler", cancel_on_disconnect=True)
    async def handler(request: Request) -> None:
        await anyio.sleep_forever()

    app.route("/view", cancel_on_disconnect=True)(Slow)
    async with invariants():
        sent = await drive(app, http_scope(path=path), *body_messages(), tail="disconnect")
    assert sent == []


async def test_a_route_that_answers() -> None:
    app = App()

    @app.get("/", cancel_on_disconnect=True)
    async def handler(request: Request) -> str:
        await anyio.wait_all_tasks_blocked()
        return "x"

    assert (await drive(app, http_scope()))[1]["body"] == b"x"


async def test_a_handler_runs_to_its_end_unless_told_otherwise() -> None:
    app, steps = App(), list[str]()

    @app.get("/")
    async def handler(request: Request) -> Response:
        await request.wait_disconnected()
        await anyio.wait_all_tasks_blocked()
        steps.append("done")
        return PlainTextResponse("x")

    await drive(app, http_scope(), *body_messages(), tail="disconnect")
    assert steps == ["done"]


async def test_an_asgi_app_is_not_cancelled_by_a_route() -> None:
    with pytest.raises(TypeError, match="hears by itself"):
        App().route("/", cancel_on_disconnect=True)(PlainTextResponse("x"))


# The writer


@pytest.mark.parametrize("where", ["asleep", "writing"])
async def test_the_block_of_a_writer_ends(where: str) -> None:
    app, steps = App(), list[str]()

    @app.get("/")
    async def handler(request: Request) -> None:
        try:
            async with request.response_writer() as write:
                while where == "writing":
                    await write("x")
                await write("x")
                await anyio.sleep_forever()
        except ClientDisconnect:
            steps.append("left")
            raise

    inbox, sent = Inbox(piece(b"", more=False)), list[Message]()

    async def send(message: Message) -> None:
        await anyio.lowlevel.checkpoint()
        sent.append(message)
        if len(sent) == 2:
            inbox.leave.set()

    async with invariants():
        with anyio.fail_after(5):
            await app(http_scope(), inbox.receive, send)
    assert steps == ["left"]
    assert not any(message.get("more_body") is False for message in sent)
