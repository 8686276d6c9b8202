"""Attacks by the body: A059 (limits), A061 (truncation) and A063 (JSON)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeAlias

import pytest

from portico import App, ClientDisconnect, ContentTooLarge, Request, Response
from portico.asgi import ASGIApp, Message, Receive, Scope, Send
from portico.routing.endpoint import CallNext
from tests.drive import body_messages, drive, http_scope
from tests.security.invariants import attack, invariants

pytestmark = pytest.mark.anyio

Read: TypeAlias = Callable[[Request[Any]], Awaitable[object]]

LIMIT = 1024 * 1024
CHUNK = 64 * 1024
FLOOD = [bytes(CHUNK)] * (2 * LIMIT // CHUNK)
MOST_RECEIVES = LIMIT // CHUNK + 2


class Counted:
    """Counts what an app receives."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted() -> Message:
            self.count += 1
            return await receive()

        await self.app(scope, counted, send)


def counted_app(read: Read, **options: Any) -> Counted:
    app = App(max_body_bytes=LIMIT, **options)
    app.post("/")(read)
    return Counted(app)


async def whole(request: Request[Any]) -> object:
    return len(await request.body())


async def as_text(request: Request[Any]) -> object:
    return len(await request.text())


async def as_json(request: Request[Any]) -> object:
    return await request.json()


async def as_msgpack(request: Request[Any]) -> object:
    return await request.msgpack()


async def as_data(request: Request[Any]) -> object:
    return str(await request.data())


async def streamed(request: Request[Any]) -> object:
    return sum([len(chunk) async for chunk in request.stream(max_bytes=LIMIT)])


async def waited(request: Request[Any]) -> object:
    await request.wait_disconnected()
    return None


async def swallowed(request: Request[Any]) -> object:
    with suppress(Exception):
        await request.body()
    return "all fine"


async def tried_again(request: Request[Any]) -> object:
    for read in (request.body, request.text, request.body):
        with suppress(Exception):
            await read()
    return "all fine"


async def made_response(request: Request[Any]) -> object:
    await swallowed(request)
    return Response("all fine", 201)


READERS: list[Read] = [
    whole,
    as_text,
    as_data,
    streamed,
    waited,
    swallowed,
    tried_again,
    made_response,
]
TEXT = ("content-type", "text/plain")


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("length", [None, "5", str(2 * LIMIT), "0"])
async def test_a_flood_is_413_whatever_it_says_cve_2026_33034_cve_2026_44456_cve_2025_59139(
    length: str | None, read: Read
) -> None:
    app = counted_app(read)
    fields = [TEXT] if length is None else [TEXT, ("content-length", length)]
    reply = await attack(app, "POST", headers=fields, body=FLOOD)
    assert reply.status == 413
    assert reply.json()["limit"] == LIMIT
    assert app.count <= MOST_RECEIVES


@pytest.mark.parametrize("read", [as_json, as_msgpack])
async def test_typed_readers_have_the_same_limit_cve_2025_59139(read: Read) -> None:
    kind = "application/json" if read is as_json else "application/msgpack"
    app = counted_app(read)
    reply = await attack(app, "POST", headers=[("content-type", kind)], body=FLOOD)
    assert reply.status == 413
    assert app.count <= MOST_RECEIVES


async def test_a_handler_that_reads_nothing_receives_nothing_cve_2024_52581() -> None:
    async def ignore(request: Request[Any]) -> object:
        return "not looked at"

    app = counted_app(ignore)
    reply = await attack(app, "POST", body=FLOOD)
    assert (reply.status, app.count) == (200, 0)


async def test_a_handler_that_reads_a_piece_receives_a_piece_cve_2024_52581() -> None:
    async def first(request: Request[Any]) -> object:
        stream = request.stream()
        piece = await anext(stream)
        await stream.aclose()
        return len(piece)

    app = counted_app(first)
    reply = await attack(app, "POST", body=FLOOD)
    assert (reply.status, reply.json(), app.count) == (200, CHUNK, 1)


async def test_a_limit_after_the_start_breaks_off_and_is_not_called_our_error() -> None:
    async def answer_first(request: Request[Any]) -> None:
        async with request.response_writer() as write:
            async for chunk in request.stream(max_bytes=LIMIT):
                await write(chunk)

    app = counted_app(answer_first)
    sent: list[Message] = []
    async with invariants():
        with pytest.raises(ContentTooLarge):  # the server breaks the connection
            await drive(app, http_scope("POST"), *body_messages(FLOOD), sent=sent)
    assert sent[0]["status"] == 200
    assert all(message["more_body"] for message in sent[1:])
    assert app.count <= MOST_RECEIVES + 1  # who listens for the end may be one piece ahead


async def test_a_view_that_swallows_the_limit_does_not_lift_it_cve_2026_44456() -> None:
    async def view(request: Request[Any], call_next: CallNext) -> object:
        await swallowed(request)
        return await call_next(request)

    app = counted_app(swallowed, middleware=[view])
    reply = await attack(app, "POST", body=FLOOD)
    assert reply.status == 413
    assert app.count <= MOST_RECEIVES


@pytest.mark.parametrize("excess", [0, 1])
@pytest.mark.parametrize("size", [4096, 65_537, LIMIT])
async def test_the_limit_is_exact(size: int, excess: int) -> None:
    body = bytes(LIMIT + excess)
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    reply = await attack(counted_app(whole), "POST", body=chunks)
    assert reply.status == (413 if excess else 200)


# Truncation


GONE: Message = {"type": "http.disconnect"}


@pytest.mark.parametrize("read", [whole, as_text, as_data, streamed, waited])
@pytest.mark.parametrize("length", [None, "30", "6"])
@pytest.mark.parametrize("chunks", [[b"abcdef"], [b"abc", b"def"], [b""], []])
async def test_a_body_cut_short_is_never_data(
    chunks: list[bytes], length: str | None, read: Read
) -> None:
    seen: list[object] = []

    async def handler(request: Request[Any]) -> object:
        try:
            seen.append(await read(request))
        except ClientDisconnect:
            seen.append("gone")
            raise
        return "read"

    app = App()
    app.post("/")(handler)
    fields = [TEXT] if length is None else [TEXT, ("content-length", length)]
    incoming = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    async with invariants():
        sent = await drive(app, http_scope("POST", headers=fields), *incoming, GONE)
    if read is waited:  # that is what it waited for
        assert seen == [None]
    else:
        assert (seen, sent) == (["gone"], [])


@pytest.mark.parametrize("read", [whole, as_text, as_data, streamed])
async def test_an_end_before_content_length_is_400(read: Read) -> None:
    app = counted_app(read)
    reply = await attack(app, "POST", headers=[TEXT, ("content-length", "30")], body=b"abcdef")
    assert reply.status == 400
    assert reply.json()["field"] == "body"


@pytest.mark.parametrize(
    "kind", ["application/json", "application/msgpack", "application/x-www-form-urlencoded"]
)
async def test_a_typed_body_cut_short_is_never_data(kind: str) -> None:
    seen: list[object] = []
    app = App()

    @app.post("/")
    async def handler(request: Request[Any]) -> None:
        seen.append(await request.data())

    fields = [("content-type", kind)]
    cut: Message = {"type": "http.request", "body": b"7", "more_body": True}  # whole in each format
    async with invariants():
        sent = await drive(app, http_scope("POST", headers=fields), cut, GONE)
    assert (seen, sent) == ([], [])


@pytest.mark.parametrize(
    "length", ["-1", "+5", "5_0", "0x5", "5, 6", "five", "", "\xb2", "9" * 400, "5.0", " 5"]
)
async def test_a_content_length_that_is_none_is_400(length: str) -> None:
    reply = await attack(
        counted_app(whole), "POST", headers=[("content-length", length)], body=b"abcde"
    )
    assert reply.status == 400


async def test_two_content_lengths_are_400() -> None:
    fields = [("content-length", "5"), ("content-length", "6")]
    assert (await attack(counted_app(whole), "POST", headers=fields, body=b"abcde")).status == 400


# JSON


DEEP = 100_000
BAD_JSON = [
    pytest.param(b"", id="empty"),
    pytest.param(b"{", id="open"),
    pytest.param(b"[" * DEEP, id="deep arrays cut short"),
    pytest.param(b"[" * DEEP + b"]" * DEEP, id="deep arrays"),
    pytest.param(b'{"a":' * DEEP, id="deep objects cut short"),
    pytest.param(b'{"a":' * DEEP + b"1" + b"}" * DEEP, id="deep objects"),
    pytest.param(b'"\xff"', id="no UTF-8"),
    pytest.param('{"a":1}'.encode("utf-16"), id="UTF-16"),
    pytest.param('{"a":1}'.encode("utf-32"), id="UTF-32"),
    pytest.param(b'\xef\xbb\xbf{"a":1}', id="byte order mark (RFC 8259 8.1)"),
    pytest.param(b"NaN", id="NaN"),
    pytest.param(b"[Infinity]", id="Infinity"),
    pytest.param(b"-Infinity", id="minus Infinity"),
    pytest.param(rb'"\ud800"', id="lone surrogate"),
    pytest.param(b"-", id="minus"),
    pytest.param(b'{"a":1} x', id="trailing bytes"),
    pytest.param(b"1e999999999", id="number out of range"),
    pytest.param(b"01", id="leading zero"),
    pytest.param(b"'a'", id="single quotes"),
    pytest.param(b"[1,]", id="trailing comma"),
    pytest.param(b'"\x00"', id="NUL in a string"),
    pytest.param(b"\x00", id="NUL"),
    pytest.param(b"// c\n1", id="comment"),
    pytest.param(rb'"\x41"', id="escape that JSON has not"),
    pytest.param(rb'"\u00"', id="escape cut short"),
    pytest.param("\uff11".encode(), id="digit of another script"),
    pytest.param(b"\xc2\xa01", id="no-break space"),
]
JSON = ("content-type", "application/json")


@pytest.mark.parametrize("body", BAD_JSON)
@pytest.mark.parametrize("type_", [Any, dict[str, int], list[list[int]], int, str])
async def test_malformed_json_is_400_cve_2024_27454_cve_2021_32677(body: bytes, type_: Any) -> None:
    app = App()

    @app.post("/")
    async def handler(request: Request[Any]) -> object:
        return await request.json(type_)

    reply = await attack(app, "POST", headers=[JSON], body=body)
    assert reply.status in ({400} if type_ is Any else {400, 422})
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        pytest.param(b'{"a":1,"a":2}', {"a": 2}, id="the last of two members (RFC 8259 4)"),
        pytest.param(b"1" * 400 + b".0", None, id="a number larger than a float holds"),
        pytest.param(b" \r\n\t[1]\n", [1], id="blanks"),
        pytest.param(rb'["\ud83d\ude00"]', ["\U0001f600"], id="surrogates in a pair"),
        pytest.param(b"-0.0", -0.0, id="minus zero"),
    ],
)
async def test_odd_json_is_read_or_400(body: bytes, value: object) -> None:
    reply = await attack(counted_app(as_json), "POST", headers=[JSON], body=body)
    if reply.status == 200:
        assert reply.json() == value
    else:
        assert reply.status == 400


async def test_a_number_of_100_000_digits_is_not_slow_cve_2021_32677() -> None:
    reply = await attack(counted_app(as_json), "POST", headers=[JSON], body=b"1" * 100_000)
    assert reply.status == 400


async def test_ten_megabytes_of_escapes_are_read_whole() -> None:
    app = App()

    @app.post("/")
    async def handler(request: Request[Any]) -> int:
        return len(await request.json(str))

    body = b'"' + rb"\u0041" * 400_000 + b'"'
    assert (await attack(app, "POST", headers=[JSON], body=body)).json() == 400_000


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=json",
        "application/jsonp",
        "application/json-seq",
        "application/x.json",
    ],
)
async def test_what_is_not_said_to_be_json_is_415_cve_2021_32677(kind: str | None) -> None:
    fields = [] if kind is None else [("content-type", kind)]
    reply = await attack(counted_app(as_json), "POST", headers=fields, body=b'{"a":1}')
    assert reply.status == 415


@pytest.mark.parametrize(
    "kind", ["", "application", "text/plain; application/json", "a/b; c", "a/b;c=\x01", "\xff/\xff"]
)
async def test_a_malformed_content_type_is_400(kind: str) -> None:
    reply = await attack(counted_app(as_json), "POST", headers=[("content-type", kind)], body=b"{}")
    assert reply.status == 400


@pytest.mark.parametrize(
    "charset",
    ["zip", "idna", "unicode_escape", "rot13", "undefined", "\xff", "utf-8\x00", "utf-7", "x" * 99],
)
async def test_no_charset_reaches_the_codec_registry(charset: str) -> None:
    fields = [("content-type", f'text/plain; charset="{charset}"')]
    reply = await attack(counted_app(as_text), "POST", headers=fields, body=b"+AGE-")
    assert reply.status in {400, 415}


async def test_no_part_of_a_body_is_in_the_answer() -> None:
    secret = b'{"password": "hunter2", '
    reply = await attack(counted_app(as_json), "POST", headers=[JSON], body=secret)
    assert "hunter2" not in reply.text
