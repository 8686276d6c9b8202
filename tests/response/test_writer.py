"""The response in your own hands: its order, its limits, and a client that leaves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.asgi import Message, Receive, Scope, Send
from portico.connection.request import Request
from portico.errors import (
    ClientDisconnect,
    Misuse,
    ResponseAlreadyEnded,
    ResponseAlreadyStarted,
    ResponseNotStarted,
)
from portico.response.base import Response
from portico.response.text import PlainTextResponse
from portico.response.writer import ResponseWriter
from tests.drive import drive, http_scope

Script = Callable[[ResponseWriter], Awaitable[None]]


async def play(
    script: Script,
    method: str = "GET",
    fail_send_at: int | None = None,
    sent: list[Message] | None = None,
    **scope: Any,
) -> list[Message]:
    """Run a script with the writer of one request; give back what it sent."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await script(ResponseWriter(scope, send))

    return await drive(app, http_scope(method, **scope), fail_send_at=fail_send_at, sent=sent)


def start(*headers: tuple[bytes, bytes], status: int = 200) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(data: bytes, more: bool) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


@pytest.mark.anyio
async def test_start_write_end() -> None:
    states: list[tuple[bool, bool]] = []

    async def script(response: ResponseWriter) -> None:
        def note() -> None:
            states.append((response.is_started, response.is_finished))

        note()
        await response.start(201, {"X-A": "1"}, "text/plain")
        note()
        await response.write("caf\u00e9")
        await response.write("")
        await response.write(b"")
        await response.write(bytearray(b"a"))
        note()
        await response.end(memoryview(b"b"))
        note()
        await response.end()
        await response.end("")

    assert await play(script) == [
        start((b"content-type", b"text/plain; charset=utf-8"), (b"x-a", b"1"), status=201),
        body(b"caf\xc3\xa9", more=True),
        body(b"a", more=True),
        body(b"b", more=False),
    ]
    assert states == [(False, False), (True, False), (True, False), (True, True)]


@pytest.mark.anyio
async def test_start_without_anything() -> None:
    async def script(response: ResponseWriter) -> None:
        await response.start()
        await response.end()

    assert await play(script) == [start(), body(b"", more=False)]


@pytest.mark.anyio
async def test_the_headers_content_type_wins() -> None:
    async def script(response: ResponseWriter) -> None:
        await response.start(headers=[("Content-Type", "a/b")], media_type="c/d")
        await response.end()

    assert (await play(script))[0] == start((b"content-type", b"a/b"))


@pytest.mark.parametrize(
    ("before", "call", "error"),
    [
        pytest.param("", "write", ResponseNotStarted, id="write before start"),
        pytest.param("", "nothing", ResponseNotStarted, id="an empty piece before start"),
        pytest.param("", "end", ResponseNotStarted, id="end before start"),
        pytest.param("start", "start", ResponseAlreadyStarted, id="start twice"),
        pytest.param("start end", "start", ResponseAlreadyStarted, id="start after the end"),
        pytest.param("start end", "write", ResponseAlreadyEnded, id="write after the end"),
        pytest.param("start end", "nothing", ResponseAlreadyEnded, id="nothing after the end"),
        pytest.param("start end", "last", ResponseAlreadyEnded, id="end with data, twice"),
    ],
)
@pytest.mark.anyio
async def test_what_is_out_of_order(before: str, call: str, error: type[Misuse]) -> None:
    async def script(response: ResponseWriter) -> None:
        calls: dict[str, Callable[[], Awaitable[None]]] = {
            "start": response.start,
            "write": lambda: response.write(b"a"),
            "nothing": lambda: response.write(b""),
            "end": response.end,
            "last": lambda: response.end(b"a"),
        }
        for name in before.split():
            await calls[name]()
        state = response.is_started, response.is_finished
        with pytest.raises(error):
            await calls[call]()
        assert (response.is_started, response.is_finished) == state
        if not response.is_started:
            await response.start()
        await response.end()

    await play(script)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        pytest.param((99,), ValueError, id="status too small"),
        pytest.param((101,), ValueError, id="no answer (RFC 9110 15.2)"),
        pytest.param((600,), ValueError, id="status too large"),
        pytest.param((200, {"x-a": "a\r\nb: c"}), ValueError, id="line end"),
        pytest.param((200, {"x a": "b"}), ValueError, id="no token"),
        pytest.param((200, {"transfer-encoding": "chunked"}), ValueError, id="the server's"),
        pytest.param((200, {"x-a": 1}), TypeError, id="no text"),
        pytest.param((200, None, "a/b\n"), ValueError, id="media type"),
        pytest.param((200, {"content-length": "-1"}), ValueError, id="negative length"),
        pytest.param((200, {"content-length": "1, 1"}), ValueError, id="length, twice in one"),
        pytest.param((200, {"content-length": ""}), ValueError, id="empty length"),
        pytest.param((200, {"content-length": "\u00b2"}), ValueError, id="a digit, not of ours"),
        pytest.param(
            (200, [("content-length", "1"), ("Content-Length", "1")]), ValueError, id="two lengths"
        ),
    ],
)
@pytest.mark.anyio
async def test_a_start_that_is_refused(arguments: tuple[Any, ...], error: type[Exception]) -> None:
    """Nothing has left, so another answer is possible."""

    async def script(response: ResponseWriter) -> None:
        with pytest.raises(error):
            await response.start(*arguments)
        assert not response.is_started
        await response.start(500)
        await response.end()

    assert await play(script) == [start(status=500), body(b"", more=False)]


@pytest.mark.parametrize("data", [None, 5, ["a"], [1, 2]])
@pytest.mark.anyio
async def test_a_piece_of_another_type(data: Any) -> None:
    async def script(response: ResponseWriter) -> None:
        await response.start()
        with pytest.raises(TypeError, match="str or bytes"):
            await response.write(data)
        with pytest.raises(TypeError, match="str or bytes"):
            await response.end(data)
        await response.end()

    assert await play(script) == [start(), body(b"", more=False)]


# --- no content


@pytest.mark.parametrize(
    ("method", "status", "length", "sent"),
    [
        pytest.param("HEAD", 200, "3", [(b"content-length", b"3")], id="HEAD, the length of GET"),
        pytest.param("HEAD", 200, "9", [(b"content-length", b"9")], id="HEAD, not counted"),
        pytest.param("HEAD", 200, None, [], id="HEAD, no length"),
        pytest.param("GET", 204, "3", [], id="204 (15.3.5)"),
        pytest.param("GET", 304, "3", [], id="304 (15.4.5)"),
        pytest.param(
            "GET",
            205,
            "3",
            [(b"content-length", b"0")],
            id="205 (15.3.6)",
        ),
    ],
)
@pytest.mark.anyio
async def test_no_content(
    method: str, status: int, length: str | None, sent: list[tuple[bytes, bytes]]
) -> None:
    async def script(response: ResponseWriter) -> None:
        headers = {} if length is None else {"content-length": length, "content-type": "a/b"}
        await response.start(status, headers)
        await response.write("ab")
        assert not response.is_finished
        await response.end("c")
        assert response.is_finished

    messages = await play(script, method)
    if method == "HEAD" and length:
        sent = [*sent, (b"content-type", b"a/b")]
    assert messages == [start(*sent, status=status), body(b"", more=False)]


# --- a length that was given


@pytest.mark.parametrize("pieces", [["abc"], ["a", "bc"], ["", "abc", ""]])
@pytest.mark.anyio
async def test_a_length_that_is_kept(pieces: list[str]) -> None:
    async def script(response: ResponseWriter) -> None:
        await response.start(headers={"content-length": "3"})
        for piece in pieces:
            await response.write(piece)
        await response.end()

    await play(script)


@pytest.mark.anyio
async def test_more_than_the_length() -> None:
    sent: list[Message] = []

    async def script(response: ResponseWriter) -> None:
        await response.start(headers={"content-length": "3"})
        await response.write("ab")
        await response.write("cde")

    with pytest.raises(Misuse, match="2 bytes more than the content-length"):
        await play(script, sent=sent)
    assert sent == [start((b"content-length", b"3")), body(b"ab", more=True)]


@pytest.mark.anyio
async def test_less_than_the_length() -> None:
    """The end is not sent, so that the client does not take the part for the whole."""
    sent: list[Message] = []

    async def script(response: ResponseWriter) -> None:
        await response.start(headers={"content-length": "3"})
        await response.end("ab")

    with pytest.raises(Misuse, match="1 bytes fewer than the content-length"):
        await play(script, sent=sent)
    assert sent == [start((b"content-length", b"3"))]


@given(st.lists(st.binary(max_size=4)), st.integers(0, 12))
def test_any_pieces_and_any_length(pieces: list[bytes], length: int) -> None:
    sent: list[Message] = []

    async def script(response: ResponseWriter) -> None:
        await response.start(headers={"content-length": str(length)})
        for piece in pieces:
            await response.write(piece)
        await response.end()

    async def go() -> None:
        await play(script, sent=sent)

    whole = b"".join(pieces)
    if len(whole) == length:
        anyio.run(go)
        assert b"".join(message["body"] for message in sent[1:]) == whole
    else:
        with pytest.raises(Misuse, match="than the content-length says"):
            anyio.run(go)
        assert all(message["more_body"] for message in sent[1:])


# --- raw messages


@pytest.mark.anyio
async def test_a_response_is_given_send() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = ResponseWriter(scope, send)
        await PlainTextResponse("abc")(scope, receive, response.send)
        assert response.is_finished
        with pytest.raises(ResponseAlreadyStarted):
            await PlainTextResponse("abc")(scope, receive, response.send)

    sent = await drive(app, http_scope())
    assert sent == await drive(PlainTextResponse("abc"), http_scope())


@pytest.mark.anyio
async def test_a_start_of_few_words() -> None:
    """``headers`` may be missing, or any iterable; ``body`` and ``more_body`` may be missing."""

    async def script(response: ResponseWriter) -> None:
        await response.send({"type": "http.response.start", "status": 200})
        await response.send({"type": "http.response.body"})

    assert (await play(script))[0] == start()

    async def iterable(response: ResponseWriter) -> None:
        headers = iter([(b"content-length", b"1")])
        message: Message = {"type": "http.response.start", "status": 200, "headers": headers}
        await response.send(message)
        assert message["headers"] is headers
        await response.end("a")

    assert (await play(iterable))[0] == start((b"content-length", b"1"))


@pytest.mark.anyio
async def test_files_end_a_response() -> None:
    extensions: dict[str, object] = {"http.response.pathsend": {}, "http.response.zerocopysend": {}}

    async def path(response: ResponseWriter) -> None:
        await response.start(headers={"content-length": "7"})
        await response.send({"type": "http.response.pathsend", "path": "/a"})
        assert response.is_finished
        await response.end()
        with pytest.raises(ResponseAlreadyEnded):
            await response.write("a")

    sent = await play(path, extensions=extensions)
    assert [message["type"] for message in sent[1:]] == ["http.response.pathsend"]

    async def head(response: ResponseWriter) -> None:
        await response.start(headers={"content-length": "7"})
        await response.send({"type": "http.response.pathsend", "path": "/a"})

    sent = await play(head, "HEAD", extensions=extensions)
    assert sent[1:] == [body(b"", more=False)]

    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    response = ResponseWriter(http_scope(), keep)
    await response.start(headers={"content-length": "7"})
    await response.send({"type": "http.response.zerocopysend", "file": 3, "more_body": True})
    assert not response.is_finished
    await response.end("x")
    assert [message["type"].rpartition(".")[2] for message in messages] == [
        "start",
        "zerocopysend",
        "body",
    ]


@pytest.mark.anyio
async def test_other_messages_pass() -> None:
    hint: Message = {"type": "http.response.early_hint", "links": [b"</a>; rel=preload"]}

    async def script(response: ResponseWriter) -> None:
        await response.send(hint)
        assert not response.is_started
        await response.start()
        await response.end()

    sent = await play(script, extensions={"http.response.early_hint": {}})
    assert sent == [hint, start(), body(b"", more=False)]


# --- a client that leaves


@pytest.mark.parametrize("fail_send_at", [0, 1, 2])
@pytest.mark.anyio
async def test_a_client_that_leaves(fail_send_at: int) -> None:
    async def script(response: ResponseWriter) -> None:
        await response.start()
        await response.write("a")
        await response.end("b")

    sent: list[Message] = []
    with pytest.raises(ClientDisconnect) as caught:
        await play(script, fail_send_at=fail_send_at, sent=sent)
    assert isinstance(caught.value.__cause__, OSError)
    assert len(sent) == fail_send_at


@pytest.mark.anyio
async def test_the_writer_of_a_request() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        async with request.response_writer(201, {"x-a": "1"}, "text/csv") as write:
            await write("a,b\n")
        assert request.response.is_finished

    assert await drive(app, http_scope()) == [
        start((b"content-type", b"text/csv; charset=utf-8"), (b"x-a", b"1"), status=201),
        body(b"a,b\n", more=True),
        body(b"", more=False),
    ]


@pytest.mark.anyio
async def test_a_block_that_fails_does_not_end_the_response() -> None:
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async with Request(scope, receive, send).response_writer() as write:
            await write("a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await drive(app, http_scope(), sent=sent)
    assert sent == [start(), body(b"a", more=True)]


@pytest.mark.anyio
async def test_respond_knows_what_has_started() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        await request.respond((201, {"id": 7}))
        for value in ("again", Response()):
            with pytest.raises(ResponseAlreadyStarted):
                await request.respond(value)

    sent = await drive(app, http_scope())
    assert (sent[0]["status"], sent[1]["body"]) == (201, b'{"id":7}')


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        pytest.param((b"X-Tag", b"v"), "lower case", id="upper case (ASGI)"),
        pytest.param((b"a b", b"v"), "not a token", id="no token"),
        pytest.param((b"transfer-encoding", b"chunked"), "the server's", id="framing"),
        pytest.param((b"x-tag", b"a\r\nset-cookie: b=1"), "line break", id="line break"),
    ],
)
async def test_a_start_made_by_hand_is_checked(pair: tuple[bytes, bytes], reason: str) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    writer = ResponseWriter(http_scope(), send)
    with pytest.raises(ValueError, match=reason):
        await writer.send({"type": "http.response.start", "status": 200, "headers": [pair]})
    assert (sent, writer.is_started) == ([], False)
