"""The body of a request: pieces, limits, who left when, and several who read at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio
import anyio.abc
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico import App, Request, Response, Route
from portico.asgi import Message
from portico.connection.body import Body
from portico.errors import BadInput, BodyConsumed, ClientDisconnect, ContentTooLarge, Misuse
from portico.routing.endpoint import CallNext
from tests.drive import body_messages, call

LEFT: Message = {"type": "http.disconnect"}

Reader = Callable[[Body], Awaitable[bytes]]


def piece(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


class Server:
    """Gives ``messages``, then waits; counts how often it was asked."""

    def __init__(self, *messages: Message) -> None:
        self.waiting: deque[Message] = deque(messages)
        self.calls: int = 0
        self._more: anyio.Event = anyio.Event()

    def feed(self, *messages: Message) -> None:
        self.waiting.extend(messages)
        self._more.set()
        self._more = anyio.Event()

    async def receive(self) -> Message:
        self.calls += 1
        await anyio.lowlevel.checkpoint()
        with anyio.fail_after(3):  # nobody waits that long for what does not come
            while not self.waiting:
                await self._more.wait()
        return self.waiting.popleft()


async def read(body: Body) -> bytes:
    return await body.read(None)


async def stream(body: Body) -> bytes:
    return b"".join([chunk async for chunk in body.stream()])


async def receive(body: Body) -> bytes:
    """Read as an ASGI application does."""
    chunks = list[bytes]()
    while True:
        message = await body.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message["body"])
        if not message["more_body"]:
            return b"".join(chunks)


READERS = [
    pytest.param(read, id="read"),
    pytest.param(stream, id="stream"),
    pytest.param(receive, id="receive"),
]
OWN_READERS = READERS[:2]


# --- pieces


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param([piece(b"tea", more=False)], b"tea", id="one piece"),
        pytest.param([piece(b"t"), piece(b"e"), piece(b"a", more=False)], b"tea", id="three"),
        pytest.param([piece(b"tea"), piece(b"", more=False)], b"tea", id="an empty last one"),
        pytest.param([piece(b""), piece(b"tea", more=False)], b"tea", id="an empty first one"),
        pytest.param([piece(b"", more=False)], b"", id="empty"),
        pytest.param([{"type": "http.request"}], b"", id="no body, no more_body (ASGI defaults)"),
        pytest.param([{"type": "http.request", "body": b"tea"}], b"tea", id="no more_body"),
        pytest.param(
            [{"type": "http.request", "more_body": True}, piece(b"tea", more=False)],
            b"tea",
            id="no body",
        ),
        pytest.param([piece(b"tea", more=False), LEFT], b"tea", id="left after the end"),
    ],
)
@pytest.mark.anyio
async def test_pieces(reader: Reader, messages: list[Message], expected: bytes) -> None:
    assert await reader(Body(Server(*messages).receive)) == expected


@given(st.lists(st.binary(max_size=5), max_size=8), st.integers(0, 9), st.sampled_from("rsg"))
def test_splits_do_not_matter(chunks: list[bytes], polls: int, how: str) -> None:
    """Also if somebody polls between them."""

    async def go() -> bytes:
        waiting = deque(body_messages(chunks))

        async def receive_next() -> Message:
            if not waiting:
                await anyio.sleep_forever()
            return waiting.popleft()

        body = Body(receive_next)
        for _ in range(polls):
            assert not await body.poll()
        return await {"r": read, "s": stream, "g": receive}[how](body)

    assert anyio.run(go) == b"".join(chunks)


@pytest.mark.anyio
async def test_a_stream_has_the_pieces_of_the_server() -> None:
    body = Body(Server(piece(b"a"), piece(b""), piece(b"b", more=False)).receive)
    assert [chunk async for chunk in body.stream()] == [b"a", b"b"]


@pytest.mark.anyio
async def test_bytes_come_out_whatever_goes_in() -> None:
    pieces = [{**piece(b""), "body": kind(b"a")} for kind in (memoryview, bytearray)]
    body = Body(Server(*pieces, piece(b"", more=False)).receive)
    assert [type(chunk) async for chunk in body.stream()] == [bytes, bytes]


@pytest.mark.anyio
async def test_a_message_of_another_kind() -> None:
    body = Body(Server({"type": "websocket.receive"}).receive)
    with pytest.raises(Misuse, match=r"websocket\.receive"):
        await body.read(None)


# --- once, and again


@pytest.mark.anyio
async def test_what_was_read_is_kept() -> None:
    server = Server(*body_messages([b"te", b"a"]))
    body = Body(server.receive)
    assert [await body.read(None), await body.read(None), await stream(body)] == [b"tea"] * 3
    assert (server.calls, body.is_consumed, body.is_complete) == (2, False, True)
    assert await receive(body) == b"tea"


@pytest.mark.anyio
async def test_an_empty_body_that_was_read_has_no_pieces() -> None:
    body = Body(Server(*body_messages()).receive)
    await body.read(None)
    assert [chunk async for chunk in body.stream()] == []


@pytest.mark.parametrize("first", READERS[1:])
@pytest.mark.parametrize("reader", OWN_READERS)
@pytest.mark.anyio
async def test_what_was_streamed_is_gone(first: Reader, reader: Reader) -> None:
    body = Body(Server(*body_messages(b"tea")).receive)
    await first(body)
    assert body.is_consumed
    with pytest.raises(BodyConsumed, match=r"before stream\(\)"):
        await reader(body)


@pytest.mark.parametrize("reader", OWN_READERS)
@pytest.mark.anyio
async def test_what_was_dropped_is_gone(reader: Reader) -> None:
    body = Body(Server(*body_messages(b"tea")).receive)
    await body.read(None)
    body.drop()
    with pytest.raises(BodyConsumed):
        await reader(body)


@pytest.mark.anyio
async def test_a_stream_that_was_dropped_does_not_end_as_if_it_were_whole() -> None:
    body = Body(Server(*body_messages([b"a", b"b", b"c"])).receive)
    chunks = body.stream()
    assert await anext(chunks) == b"a"
    body.drop()
    with pytest.raises(BodyConsumed):
        await anext(chunks)


@pytest.mark.anyio
async def test_after_a_drop_the_news_still_come() -> None:
    body = Body(Server(*body_messages([b"a" * 100] * 5), LEFT).receive)
    body.drop()
    await body.wait_disconnected(10)
    assert body.is_disconnected


@pytest.mark.anyio
async def test_a_stream_that_was_left_goes_on_for_an_application() -> None:
    body = Body(Server(*body_messages([b"a", b"b"])).receive)
    chunks = body.stream()
    assert await anext(chunks) == b"a"
    await chunks.aclose()
    assert await receive(body) == b"b"


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.anyio
async def test_an_application_that_asks_on_waits_for_the_peer_to_leave(reader: Reader) -> None:
    """As with a server; streaming responses do so."""
    server = Server(*body_messages([b"a", b"b"]), LEFT)
    body = Body(server.receive)
    await reader(body)
    if reader is read:
        await receive(body)
    assert [await body.receive(), await body.receive()] == [LEFT, LEFT]
    assert body.is_disconnected
    assert server.calls == 3, "nobody asks a peer that has left"


# --- limits


@pytest.mark.parametrize("reader", ["read", "stream"])
@pytest.mark.parametrize("chunks", [[b"12345678"], [b"1234567", b"8"], [b""] + [b"1"] * 8])
@pytest.mark.parametrize("ahead", [False, True], ids=["not polled", "polled before"])
@pytest.mark.anyio
async def test_the_limit(reader: str, chunks: list[bytes], ahead: bool) -> None:
    async def run(max_bytes: int | None) -> bytes:
        body = Body(Server(*body_messages(chunks)).receive)
        if ahead:
            await body.poll()
        if reader == "read":
            return await body.read(max_bytes)
        return b"".join([chunk async for chunk in body.stream(max_bytes)])

    assert await run(8) == await run(None) == b"".join(chunks)
    with pytest.raises(ContentTooLarge) as caught:
        await run(7)
    assert (caught.value.limit, caught.value.field) == (7, "body")


@pytest.mark.parametrize("reader", ["read", "stream"])
@pytest.mark.anyio
async def test_a_declared_length_over_the_limit_is_refused_unread(reader: str) -> None:
    server = Server(*body_messages(b"12345678"))
    body = Body(server.receive, 8)
    with pytest.raises(ContentTooLarge):
        await (body.read(7) if reader == "read" else anext(body.stream(7)))
    assert server.calls == 0


@pytest.mark.anyio
async def test_a_limit_is_reached_before_the_end() -> None:
    """No more is received than the limit and one piece."""
    server = Server(*body_messages([b"x" * 10] * 100))
    with pytest.raises(ContentTooLarge):
        await Body(server.receive, 5).read(45)
    assert server.calls == 5


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.anyio
async def test_a_limit_that_was_passed_is_not_forgotten(reader: Reader) -> None:
    """Or a handler that overlooks it would take the rest for the whole."""
    body = Body(Server(*body_messages([b"12345", b"678", b"9"])).receive)
    with pytest.raises(ContentTooLarge):
        await body.read(6)
    with pytest.raises(ContentTooLarge) as caught:
        await reader(body)
    assert caught.value is body.overrun


@pytest.mark.parametrize("reader", ["read", "stream"])
@pytest.mark.anyio
async def test_what_is_kept_has_to_fit_too(reader: str) -> None:
    body = Body(Server(*body_messages(b"12345678")).receive)
    assert await body.read(8) == b"12345678"
    chunks = body.stream(7)
    with pytest.raises(ContentTooLarge):
        await (body.read(7) if reader == "read" else anext(chunks))
    await chunks.aclose()


# --- the peer leaves


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("before", [[], [b"ab"], [b"ab", b"c"]], ids=["at once", "one", "two"])
@pytest.mark.parametrize("ahead", [False, True], ids=["not polled", "polled before"])
@pytest.mark.anyio
async def test_a_body_cut_short_is_never_whole(
    reader: Reader, before: list[bytes], ahead: bool
) -> None:
    """Whoever takes half a body for all of it acts on what nobody sent."""
    body = Body(Server(*map(piece, before), LEFT).receive, 30)
    if ahead:
        assert await body.poll()
    with pytest.raises(ClientDisconnect):
        await reader(body)
    for again in (read, stream):
        with pytest.raises((ClientDisconnect, BodyConsumed)):
            await again(body)
    assert body.is_disconnected
    assert not body.is_complete


@pytest.mark.parametrize("reader", OWN_READERS)
@pytest.mark.parametrize("ahead", [False, True], ids=["not polled", "polled before"])
@pytest.mark.anyio
async def test_a_body_that_ends_before_its_length_is_never_whole(
    reader: Reader, ahead: bool
) -> None:
    """RFC 9112 8; also for who tries again."""
    body = Body(Server(*body_messages([b"ab", b"cdef"])).receive, 7)
    if ahead:
        assert not await body.poll()
    with pytest.raises(BadInput, match="shorter than content-length"):
        await reader(body)
    for again in (read, stream):
        with pytest.raises((BadInput, BodyConsumed)):
            await again(body)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.anyio
async def test_a_body_of_its_length_is_whole(reader: Reader) -> None:
    assert await reader(Body(Server(*body_messages([b"ab", b"cdef"])).receive, 6)) == b"abcdef"


@pytest.mark.anyio
async def test_what_came_before_the_peer_left_is_streamed() -> None:
    body = Body(Server(piece(b"a"), piece(b"b"), LEFT).receive)
    got = list[bytes]()
    with suppress(ClientDisconnect):
        async for chunk in body.stream():
            got.append(chunk)
    assert got == [b"a", b"b"]


@pytest.mark.anyio
async def test_an_error_of_the_server_is_raised_and_the_body_goes_on() -> None:
    server = Server(piece(b"b", more=False))

    async def fails_once() -> Message:
        if not body.is_disconnected and server.calls == 0:
            server.calls += 1
            raise ConnectionError
        return await server.receive()

    body = Body(fails_once)
    with pytest.raises(ConnectionError):
        await body.read(None)
    assert await body.read(None) == b"b"


# --- news that the peer left


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.anyio
async def test_a_poll_takes_nothing_from_the_reader(reader: Reader) -> None:
    server = Server(piece(b"a"))
    body = Body(server.receive)
    assert not await body.poll()
    assert not await body.poll()
    server.feed(piece(b"b"), piece(b"c", more=False))
    assert not await body.poll()
    assert await reader(body) == b"abc"
    server.feed(LEFT)
    assert await body.poll()
    calls = server.calls
    assert await body.poll()
    assert server.calls == calls, "nobody asks a peer that has left"


@pytest.mark.anyio
async def test_a_poll_reads_ahead_so_far_and_no_farther() -> None:
    server = Server(*map(piece, [b"x" * 30_000] * 5), LEFT)
    body = Body(server.receive)
    assert not await body.poll()
    assert len(server.waiting) == 3
    assert not await body.poll()
    assert len(server.waiting) == 3


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.anyio
async def test_waiting_takes_nothing_from_the_reader(reader: Reader) -> None:
    body = Body(Server(*body_messages([b"a", b"b"]), LEFT).receive)
    await body.wait_disconnected(None)
    await body.wait_disconnected(None)
    assert await reader(body) == b"ab"


@pytest.mark.anyio
async def test_waiting_after_a_body_that_was_cut_short() -> None:
    body = Body(Server(piece(b"a"), LEFT).receive, 9)
    await body.wait_disconnected(None)
    assert body.is_disconnected


@pytest.mark.anyio
async def test_waiting_holds_no_more_than_the_limit() -> None:
    server = Server(*body_messages([b"1234"] * 5), LEFT)
    body = Body(server.receive)
    with pytest.raises(ContentTooLarge) as caught:
        await body.wait_disconnected(8)
    assert caught.value.limit == 8
    assert server.calls == 3
    assert await stream(body) == b"1234" * 5, "and nothing is lost"


@pytest.mark.anyio
async def test_waiting_holds_what_the_limit_allows() -> None:
    body = Body(Server(*body_messages([b"1234"] * 2), LEFT).receive)
    await body.wait_disconnected(8)
    assert await body.read(8) == b"12341234"


@pytest.mark.anyio
async def test_what_was_read_does_not_count_against_waiting() -> None:
    body = Body(Server(*body_messages(b"123456789"), LEFT).receive)
    await body.read(None)
    await body.wait_disconnected(8)
    assert body.is_disconnected


@pytest.mark.anyio
async def test_what_was_streamed_does_not_count_against_waiting() -> None:
    server = Server(piece(b"12345"))
    body = Body(server.receive)
    chunks = body.stream()
    assert await anext(chunks) == b"12345"
    server.feed(piece(b"67890", more=False), LEFT)
    await body.wait_disconnected(8)
    assert [chunk async for chunk in chunks] == [b"67890"]


# --- several at once


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.anyio
async def test_a_reader_beside_one_who_waits(reader: Reader) -> None:
    server = Server()
    body = Body(server.receive)
    got = list[bytes]()

    async def run() -> None:
        got.append(await reader(body))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(body.wait_disconnected, None)
            group.start_soon(run)
            for message in body_messages([b"a", b"b", b"c"]):
                await anyio.wait_all_tasks_blocked()
                server.feed(message)
            await anyio.wait_all_tasks_blocked()
            server.feed(LEFT)
    assert got == [b"abc"]
    assert server.calls == 4


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.anyio
async def test_who_waits_is_cancelled_at_any_point(reader: Reader) -> None:
    for point in range(8):
        server = Server()
        body = Body(server.receive)
        got = list[bytes]()

        async def run(body: Body = body, got: list[bytes] = got) -> None:
            got.append(await reader(body))

        with anyio.fail_after(5):
            async with anyio.create_task_group() as outer, anyio.create_task_group() as inner:
                inner.start_soon(body.wait_disconnected, None)
                outer.start_soon(run)
                for at, message in enumerate(body_messages([b"a", b"b", b"c"])):
                    if point == 2 * at:
                        inner.cancel_scope.cancel()
                    server.feed(message)
                    if point == 2 * at + 1:
                        inner.cancel_scope.cancel()
                    with anyio.CancelScope(shield=True):
                        await anyio.wait_all_tasks_blocked()
                inner.cancel_scope.cancel()
        assert got == [b"abc"], point


@pytest.mark.anyio
async def test_a_reader_is_cancelled_and_the_next_goes_on() -> None:
    server = Server(piece(b"a"))
    body = Body(server.receive)
    async with anyio.create_task_group() as group:
        group.start_soon(body.read, None)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    server.feed(piece(b"b", more=False))
    assert await body.read(None) == b"ab"


@pytest.mark.anyio
async def test_two_who_read_at_once_get_the_same() -> None:
    server = Server()
    body = Body(server.receive)
    got = list[bytes]()

    async def run() -> None:
        got.append(await body.read(None))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(run)
            await anyio.wait_all_tasks_blocked()
            server.feed(piece(b"a"))
            await anyio.wait_all_tasks_blocked()
            server.feed(piece(b"b", more=False))
    assert got == [b"ab"] * 3
    assert await body.read(None) == b"ab"


@pytest.mark.anyio
async def test_who_reads_does_not_take_for_whole_what_another_streamed_away() -> None:
    server = Server(piece(b"a"))
    body = Body(server.receive)
    ends = list[str]()

    async def run() -> None:
        try:
            await body.read(None)
        except BodyConsumed:
            ends.append("consumed")

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(run)
            await anyio.wait_all_tasks_blocked()
            chunks = body.stream()
            assert await anext(chunks) == b"a"
            server.feed(piece(b"b", more=False))
            assert [chunk async for chunk in chunks] == [b"b"]
    assert ends == ["consumed"]


@pytest.mark.anyio
async def test_one_receives_at_a_time() -> None:
    """Servers do not say what two calls of ``receive`` at once give."""
    inside = 0
    server = Server()

    async def alone() -> Message:
        nonlocal inside
        inside += 1
        assert inside == 1
        try:
            return await server.receive()
        finally:
            inside -= 1

    body = Body(alone)
    got = list[bytes]()

    async def run() -> None:
        got.append(await body.read(None))

    async def poll_on() -> None:
        while not await body.poll():
            await anyio.lowlevel.checkpoint()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(poll_on)
            group.start_soon(run)
            group.start_soon(body.wait_disconnected, None)
            for message in [*body_messages([b"a", b"b"]), LEFT]:
                for _ in range(20):
                    await anyio.lowlevel.checkpoint()
                server.feed(message)
    assert got == [b"ab"]


@pytest.mark.anyio
async def test_a_poll_is_cancelled_at_any_point() -> None:
    for point in range(12):
        server = Server(piece(b"a"))
        body = Body(server.receive)
        with suppress(TimeoutError):
            async with anyio.create_task_group() as group:

                async def cancel(group: anyio.abc.TaskGroup = group, point: int = point) -> None:
                    for _ in range(point):
                        await anyio.lowlevel.checkpoint()
                    group.cancel_scope.cancel()

                group.start_soon(cancel)
                await body.poll()
        server.feed(piece(b"b", more=False))
        assert await body.read(None) == b"ab", point


@pytest.mark.anyio
async def test_many_small_pieces() -> None:
    count = 50_000
    waiting = deque(body_messages([b"x"] * count))

    async def receive_next() -> Message:
        return waiting.popleft()

    body = Body(receive_next)
    assert len(await body.read(None)) == count


@pytest.mark.anyio
@pytest.mark.parametrize("length", [None, "20"])
async def test_a_limit_of_one_reader_is_not_anothers(length: str | None) -> None:
    async def small(request: Request, call_next: CallNext) -> Response:
        with pytest.raises(ContentTooLarge):
            await request.body(max_bytes=5)
        with pytest.raises(ContentTooLarge):
            _ = [chunk async for chunk in request.stream(max_bytes=5)]
        return await call_next(request)

    async def whole(request: Request) -> bytes:
        return await request.body()

    async def deaf(request: Request) -> str:
        with suppress(ContentTooLarge):
            await request.body()
        return "not heard"

    app = App(
        [Route("/", whole, methods=["POST"]), Route("/deaf", deaf, methods=["POST"])],
        middleware=[small],
        max_body_bytes=30,
    )
    headers = [] if length is None else [("content-length", length)]
    reply = await call(app, "POST", "/", body=[b"0123456789"] * 2, headers=headers)
    assert (reply.status, reply.text) == (200, "0123456789" * 2)
    headers = [] if length is None else [("content-length", "40")]
    for path in ("/", "/deaf"):
        reply = await call(app, "POST", path, body=[b"0123456789"] * 4, headers=headers)
        assert reply.status == 413, "the limit of the app holds for all"
