"""The response: what it is made of, and what is sent of it."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from portico.asgi import ASGIApp, Message, Receive, Scope, Send
from portico.connection.request import Request
from portico.errors import HTTPException, Misuse
from portico.http.headers import MutableHeaders
from portico.response.base import Response, content_type_field, has_no_content, length_field
from portico.response.data import JSONResponse, MsgPackResponse, ProblemResponse
from portico.response.error import error_response
from portico.response.redirect import RedirectResponse
from portico.response.text import HTMLResponse, PlainTextResponse
from tests.drive import call, drive, http_scope, websocket_scope

DENIAL: dict[str, object] = {"websocket.http.response": {}}
CONNECT: Message = {"type": "websocket.connect"}


# --- what it is made of


@pytest.mark.parametrize(
    ("content", "body"),
    [
        pytest.param(None, b"", id="none"),
        pytest.param("", b"", id="empty text"),
        pytest.param("caf\u00e9", b"caf\xc3\xa9", id="text in UTF-8"),
        pytest.param(b"\xff\x00", b"\xff\x00", id="bytes"),
        pytest.param(bytearray(b"ab"), b"ab", id="bytearray"),
        pytest.param(memoryview(b"abcdef")[::2], b"ace", id="memoryview, not contiguous"),
    ],
)
def test_content(content: object, body: bytes) -> None:
    made = Response(content).body
    assert made == body
    assert type(made) is bytes


@pytest.mark.parametrize("content", [0, True, 1.5, ["a"], {"a": 1}, object(), Response])
def test_content_of_another_type(content: object) -> None:
    with pytest.raises(TypeError, match=r"takes str or bytes.*JSONResponse"):
        Response(content)


def test_text_with_a_lone_surrogate() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        Response("\ud800")


@pytest.mark.parametrize("status", [-1, 0, True, 100, 101, 103, 199, 600, 999])
def test_a_status_that_no_answer_has(status: int) -> None:
    with pytest.raises(ValueError, match="status is 200 to 599"):
        Response(None, status)


@pytest.mark.parametrize("status", [200.5, "200", None])
def test_a_status_of_another_type(status: Any) -> None:
    with pytest.raises(TypeError, match="status"):
        Response(None, status)


@pytest.mark.anyio
async def test_a_status_is_sent_as_int() -> None:
    """Servers and message encoders know ``int``, not its subclasses."""
    response = Response(None, HTTPStatus.CREATED)
    assert type((await call(response)).status) is int
    response.status_code = HTTPStatus.NOT_FOUND
    assert type((await call(response)).status) is int


@pytest.mark.parametrize(
    ("media_type", "value"),
    [
        pytest.param("text/html", b"text/html; charset=utf-8", id="text"),
        pytest.param("text/x; charset=latin-1", b"text/x; charset=latin-1", id="its own"),
        pytest.param("text/x; Charset=latin-1", b"text/x; Charset=latin-1", id="in any case"),
        pytest.param("image/png", b"image/png", id="no text"),
        pytest.param("application/json", b"application/json", id="JSON has none (RFC 8259 11)"),
        pytest.param(
            "Text/HTML",
            b"Text/HTML; charset=utf-8",
            id="a type's case is nothing (RFC 9110 8.3.1)",
        ),
    ],
)
def test_content_type_field(media_type: str, value: bytes) -> None:
    assert content_type_field(media_type) == (b"content-type", value)
    assert Response(b"", media_type=media_type)._raw_headers == [(b"content-type", value)]


@pytest.mark.parametrize("media_type", ["a/b\r\nx: y", "a/b\0", " a/b", "a/\u20ac"])
def test_a_media_type_that_cannot_be_sent(media_type: str) -> None:
    with pytest.raises(ValueError, match="content-type"):
        Response(b"", media_type=media_type)


@pytest.mark.parametrize("media_type", ["", "text", "a b/c", "/", "text/"])
def test_a_media_type_that_is_none(media_type: str) -> None:
    with pytest.raises(ValueError, match="media type"):
        Response(b"", media_type=media_type)


def test_the_headers_content_type_wins() -> None:
    pairs = [("X-A", "1"), ("Content-Type", "image/png")]
    assert PlainTextResponse("", headers=pairs)._raw_headers == [
        (b"x-a", b"1"),
        (b"content-type", b"image/png"),
    ]
    response = Response("", headers={"content-type": "a/b"}, media_type="c/d")
    assert response._raw_headers == [(b"content-type", b"a/b")]


def test_headers_are_taken_from_anything() -> None:
    pairs = [("a", "1"), ("a", "2")]
    expected = [(b"a", b"1"), (b"a", b"2")]
    assert Response(headers=pairs)._raw_headers == expected
    assert Response(headers=iter(pairs))._raw_headers == expected
    assert Response(headers=Response(headers=pairs).headers)._raw_headers == expected
    assert Response(headers={"a": "1"})._raw_headers == expected[:1]


def test_the_media_type_of_a_class() -> None:
    class CSVResponse(Response):
        media_type = "text/csv"

    class Rows(CSVResponse):
        def render(self, content: object) -> bytes:
            return b"rows"

    class Bare(Response):
        media_type = None

    class Shouting(CSVResponse):
        def render(self, content: object) -> bytes:
            return super().render(content).upper()

    assert Shouting("a").body == b"A"
    assert CSVResponse("a").headers["content-type"] == "text/csv; charset=utf-8"
    assert Rows(object()).body == b"rows"
    assert Rows(object()).headers["content-type"] == "text/csv; charset=utf-8"
    assert "content-type" not in Bare("").headers


def test_repr() -> None:
    assert repr(PlainTextResponse("abc", 404)) == "<PlainTextResponse 404, 3 bytes>"


def test_small_parts() -> None:
    assert length_field(7) == (b"content-length", b"7")
    assert [status for status in range(200, 600) if has_no_content(status)] == [204, 205, 304]


# --- what leaves is checked when it is set

VALUES = [
    *(pytest.param(f"a{chr(code)}b", id=f"U+{code:04X}") for code in range(0x20) if code != 9),
    pytest.param("a\x7fb", id="DEL"),
    pytest.param(" a", id="blank before"),
    pytest.param("a ", id="blank after"),
    pytest.param("a\t", id="tab after"),
    pytest.param("a\r\nset-cookie: a=b", id="another field"),
    pytest.param("\u20ac", id="outside latin-1"),
]
NAMES = [
    "",
    "a b",
    "a:b",
    "a\r\nb",
    "a\0",
    "\u00e9",
    "transfer-encoding",
    "Transfer-Encoding",
    ":a",
]


def _refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="header"):
        Response(headers={name: value})
    with pytest.raises(ValueError, match="header"):
        Response(headers=[("x-ok", "1"), (name, value)])
    response = Response(headers={"x-ok": "1"})
    headers = response.headers
    for change in (
        lambda: headers.__setitem__(name, value),
        lambda: headers.add(name, value),
        lambda: headers.setdefault(name, value),
        lambda: headers.update({name: value}),
        lambda: headers.extend([("x-b", "2"), (name, value)]),
    ):
        with pytest.raises(ValueError, match="header"):
            change()
    assert response._raw_headers == [(b"x-ok", b"1")]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_that_may_not_leave(value: str) -> None:
    _refused("x-a", value)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_may_not_leave(name: str) -> None:
    _refused(name, "a")


@pytest.mark.anyio
async def test_what_may_leave() -> None:
    reply = await call(Response(headers={"X-Tab": "a\tb", "x-latin": "\u00e9", "x-empty": ""}))
    assert reply.raw_headers == [
        (b"x-tab", b"a\tb"),
        (b"x-latin", b"\xe9"),
        (b"x-empty", b""),
        (b"content-length", b"0"),
    ]


@pytest.mark.parametrize("pair", [(b"a", "b"), ("a", b"b"), ("a", 1), (None, "b")])
def test_headers_are_text(pair: Any) -> None:
    with pytest.raises(TypeError, match="header"):
        Response(headers=[pair])


# --- cookies (the whole table is in tests/http/test_cookies.py)


def test_cookies() -> None:
    response = PlainTextResponse("")
    response.set_cookie("a", "1", max_age=60, secure=True, httponly=True, samesite="strict")
    assert response.headers["content-type"]  # the view of the same list
    response.set_cookie("a", "2", path="/p", domain="example.org", samesite=None)
    response.set_cookie("__Host-b", "3", secure=True, partitioned=True)
    response.set_cookie("d", "4", expires=datetime(2030, 1, 2, tzinfo=UTC))
    response.delete_cookie("e", path="/p", domain="a")
    assert response.headers.getall("set-cookie") == [
        "a=1; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Strict",
        "a=2; Path=/p; Domain=example.org",
        "__Host-b=3; Path=/; Secure; SameSite=Lax; Partitioned",
        "d=4; Expires=Wed, 02 Jan 2030 00:00:00 GMT; Path=/; SameSite=Lax",
        "e=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/p; Domain=a; SameSite=Lax",
    ]


def test_deleting_a_cookie_with_a_prefix() -> None:
    response = Response()
    response.delete_cookie(
        "__Host-a", secure=True, httponly=True, samesite="none", partitioned=True
    )
    assert response.headers["set-cookie"] == (
        "__Host-a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; Secure; HttpOnly;"
        " SameSite=None; Partitioned"
    )


@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param("", {}, id="no name"),
        pytest.param("a;b", {}, id="semicolon in the name"),
        pytest.param("a=b", {}, id="equals in the name"),
        pytest.param("legit\r\nX: y", {}, id="line end in the name"),
        pytest.param("a", {"value": "a\r\nX: y"}, id="line end in the value"),
        pytest.param("a", {"value": "\0"}, id="NUL"),
        pytest.param("a", {"path": "/;Secure"}, id="semicolon in the path"),
        pytest.param("a", {"domain": ".x y"}, id="blank in the domain"),
        pytest.param("a", {"samesite": "lax; x"}, id="semicolon in samesite"),
        pytest.param("a", {"max_age": float("nan")}, id="no number"),
        pytest.param("a", {"expires": datetime(2030, 1, 2)}, id="naive"),  # noqa: DTZ001
        pytest.param("__Host-a", {}, id="prefix without secure"),
    ],
)
def test_a_cookie_that_may_not_leave(name: str, options: dict[str, Any]) -> None:
    response = Response()
    with pytest.raises(ValueError, match=r"cookie|max_age|samesite|aware|time"):
        response.set_cookie(name, **options)
    assert response._raw_headers == []


@pytest.mark.parametrize("value", ["a;b", "a,b", 'a"b', "\u20ac", "a b", "\\"])
def test_a_cookie_that_is_quoted(value: str) -> None:
    response = Response()
    response.set_cookie("a", value)
    cookie = response.headers["set-cookie"].split("; Path")[0]
    scope = http_scope(headers=[("host", "a"), ("cookie", cookie)])
    assert Request(scope).cookies["a"] == value


# --- what is sent, for every response, method and status (``drive`` checks them)

STATUSES = [200, 201, 202, 204, 205, 206, 299, 300, 304, 400, 404, 416, 500, 599]
RESPONSES: dict[str, Response] = {
    "empty": Response(),
    "bytes": Response(b"\0\xff"),
    "typed": Response(b"ab", media_type="image/png"),
    "text": PlainTextResponse("caf\u00e9"),
    "empty text": PlainTextResponse(""),
    "html": HTMLResponse("<p>"),
    "json": JSONResponse(None),
    "msgpack": MsgPackResponse({"a": 1}),
    "problem": ProblemResponse(409, detail="no"),
    "redirect": RedirectResponse("/a"),
    "redirect elsewhere": RedirectResponse(URL("https://example.org/")),
    "short length": Response(b"abc", headers={"content-length": "1", "x-a": "b"}),
    "long length": Response(b"abc", headers=[("x-a", "b"), ("content-length", "999")]),
    "length of nothing": Response(b"", headers={"content-length": "7", "x-a": "b"}),
}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "BREW"])
@pytest.mark.parametrize("kind", RESPONSES)
@pytest.mark.anyio
async def test_every_response_method_and_status(kind: str, method: str) -> None:
    for status in STATUSES:
        response = RESPONSES[kind].copy()
        response.status_code = status
        sent = await drive(response, http_scope(method))
        assert [message["type"] for message in sent] == [
            "http.response.start",
            "http.response.body",
        ]
        names = [name for name, _ in sent[0]["headers"]]
        if status in (204, 304):
            assert not {b"content-length", b"content-type"} & set(names)
        else:
            assert names.count(b"content-length") == 1


@pytest.mark.anyio
async def test_a_reset_is_sent_without_content() -> None:
    reply = await call(PlainTextResponse("abc", 205))
    assert reply.body == b""
    assert reply.headers["content-length"] == "0"


@pytest.mark.parametrize(
    ("method", "status", "headers", "body"),
    [
        pytest.param("GET", 200, [(b"content-length", b"3")], b"abc", id="GET"),
        pytest.param("HEAD", 200, [(b"content-length", b"3")], b"", id="HEAD (9.3.2)"),
        pytest.param("GET", 204, [], b"", id="204 (15.3.5)"),
        pytest.param("HEAD", 204, [], b"", id="HEAD, 204"),
        pytest.param("GET", 304, [], b"", id="304 (15.4.5)"),
        pytest.param("head", 200, [(b"content-length", b"3")], b"abc", id="methods have a case"),
    ],
)
@pytest.mark.anyio
async def test_framing(
    method: str, status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    assert await drive(Response("abc", status), http_scope(method)) == [
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body},
    ]


@pytest.mark.parametrize("content", [None, "", b""])
@pytest.mark.anyio
async def test_an_empty_body_has_a_length(content: object) -> None:
    reply = await call(PlainTextResponse(content))
    assert reply.headers["content-length"] == "0"


@pytest.mark.anyio
async def test_fields_that_tell_of_a_304_stay() -> None:
    fields = {"etag": '"a"', "vary": "accept", "cache-control": "no-cache", "content-type": "a/b"}
    reply = await call(Response("abc", 304, fields))
    assert list(reply.headers) == ["etag", "vary", "cache-control"]


@pytest.mark.parametrize(
    ("method", "content", "given", "sent"),
    [
        pytest.param("GET", "abc", "3", "3", id="right"),
        pytest.param("GET", "abc", "4", "3", id="too long"),
        pytest.param("GET", "abc", "x", "3", id="no number"),
        pytest.param("GET", "", "7", "0", id="of nothing"),
        pytest.param("HEAD", "abc", "7", "3", id="HEAD of a body"),
        pytest.param("HEAD", "", "7", "7", id="HEAD of what GET would send (8.6)"),
        pytest.param(
            "HEAD",
            "",
            "x",
            "0",
            id="HEAD, no number",
        ),
    ],
)
@pytest.mark.parametrize(
    "others",
    [
        pytest.param({"x-a": "b"}, id="beside others"),
        pytest.param({}, id="alone"),
    ],
)
@pytest.mark.anyio
async def test_a_length_set_by_hand(
    method: str, content: str, given: str, sent: str, others: dict[str, str]
) -> None:
    response = Response(content, headers={**others, "content-length": given})
    start = (await drive(response, http_scope(method)))[0]
    lengths = [value for name, value in start["headers"] if name == b"content-length"]
    assert lengths == [sent.encode()]
    assert response.headers["content-length"] == given


@given(
    st.binary(max_size=40),
    st.sampled_from(["GET", "HEAD"]),
    st.sampled_from([200, 204, 304, 404]),
    st.lists(st.sampled_from(["x-a", "etag", "content-type", "content-length"]), unique=True),
)
def test_any_response_keeps_to_the_protocol(
    content: bytes, method: str, status: int, names: list[str]
) -> None:
    response = Response(content, status, dict.fromkeys(["x-first", *names], "1"))

    async def twice() -> None:
        first = copy.deepcopy(await drive(response, http_scope(method)))
        assert await drive(response, http_scope(method)) == first

    anyio.run(twice)


# --- sending changes nothing


def meddling(app: ASGIApp) -> ASGIApp:
    """A middleware that writes into what passes."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def meddle(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"x-added", b"1"))
                message["headers"][0] = (b"x-first", b"1")
                message["status"] = 299
            await send(message)

        await app(scope, receive, meddle)

    return wrapped


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "response",
    [
        pytest.param(PlainTextResponse("abc", headers={"x-a": "1"}), id="text"),
        pytest.param(Response(headers={"x-a": "1", "content-length": "5"}), id="with a length"),
        pytest.param(Response("a", 204, {"x-a": "1"}), id="204"),
        pytest.param(RedirectResponse("/a"), id="redirect"),
        pytest.param(error_response(HTTPException(404), http_scope()), id="error"),
    ],
)
@pytest.mark.anyio
async def test_sending_changes_nothing(response: Response, method: str) -> None:
    _ = response.headers
    before = {name: copy.copy(value) for name, value in vars(response).items()}
    first = await drive(response, http_scope(method))
    reply = await call(meddling(response), method)
    assert (reply.status, reply.headers["x-added"]) == (299, "1")
    assert await drive(response, http_scope(method)) == first
    after = vars(response)
    assert {name: after[name] for name in before} == before


@pytest.mark.anyio
async def test_what_is_changed_in_between_is_sent() -> None:
    response = PlainTextResponse("abc")
    assert (await call(response)).status == 200
    response.status_code, response.body = 404, b"abcde"
    response.headers["x-a"] = "1"
    reply = await call(response)
    assert (reply.status, reply.body, reply.headers["x-a"]) == (404, b"abcde", "1")
    assert reply.headers["content-length"] == "5"


def test_a_copy_is_another() -> None:
    first = PlainTextResponse("abc", headers={"x-a": "1"}, background=print)
    first.headers["x-b"] = "1"
    second = first.copy()
    second.headers["x-b"] = "2"
    second.set_cookie("a")
    second.status_code = 404
    assert type(second) is PlainTextResponse
    assert isinstance(second.headers, MutableHeaders)
    assert (first.headers["x-b"], first.status_code) == ("1", 200)
    assert "set-cookie" not in first.headers
    assert (second.body, second.background) == (b"abc", print)


# --- who leaves, and what is done after the last byte


class Work:
    def __init__(self) -> None:
        self.done: list[str] = []

    async def __call__(self) -> None:
        self.done.append("done")


@pytest.mark.parametrize("fail_send_at", [None, 0, 1])
@pytest.mark.parametrize("tail", ["block", "disconnect"])
@pytest.mark.anyio
async def test_background_work_is_done_whoever_leaves(fail_send_at: int | None, tail: Any) -> None:
    work = Work()
    response = PlainTextResponse("abc", background=work)
    sent = await drive(response, http_scope(), tail=tail, fail_send_at=fail_send_at)
    assert len(sent) == (2 if fail_send_at is None else fail_send_at)
    assert work.done == ["done"]


@pytest.mark.anyio
async def test_background_work_comes_after_the_last_byte() -> None:
    sent: list[Message] = []
    seen: list[int] = []
    background = [lambda: seen.append(len(sent)), lambda: seen.append(-1)]
    await drive(PlainTextResponse("abc", background=background), http_scope(), sent=sent)
    assert seen == [2, -1]


@pytest.mark.parametrize("fail_send_at", [0, 1])
@pytest.mark.anyio
async def test_background_work_of_what_is_responded(fail_send_at: int) -> None:
    work = Work()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive, send).respond(PlainTextResponse("abc", background=work))

    await drive(app, http_scope(), fail_send_at=fail_send_at)
    assert work.done == ["done"]


@pytest.mark.anyio
async def test_an_error_of_the_server_is_not_hidden() -> None:
    work = Work()

    async def send(message: Message) -> None:
        raise RuntimeError("broken")

    async def receive() -> Message:
        raise RuntimeError("nobody asks")

    with pytest.raises(RuntimeError, match="broken"):
        await Response("abc", background=work)(http_scope(), receive, send)
    assert work.done == []
    with pytest.raises(RuntimeError, match="nobody asks"):
        await receive()


# --- scopes that are no request's


@pytest.mark.parametrize(
    "response", [pytest.param(value, id=key) for key, value in RESPONSES.items()]
)
@pytest.mark.anyio
async def test_a_websocket_is_refused_with_any_response(response: Response) -> None:
    sent = await drive(response, websocket_scope(extensions=DENIAL), CONNECT)
    assert [message["type"] for message in sent] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]
    assert sent[0]["status"] == response.status_code
    assert b"".join(message["body"] for message in sent[1:]) == response.body


@pytest.mark.anyio
async def test_a_websocket_is_closed_where_there_is_no_denial() -> None:
    sent = await drive(Response("abc", 403), websocket_scope(), CONNECT)
    assert sent == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize(
    ("extensions", "first"),
    [
        pytest.param(DENIAL, CONNECT, id="denied"),
        pytest.param({}, CONNECT, id="closed"),
        pytest.param(
            DENIAL,
            {"type": "websocket.disconnect", "code": 1006},
            id="gone",
        ),
    ],
)
@pytest.mark.anyio
async def test_background_work_of_a_refusal(extensions: dict[str, object], first: Message) -> None:
    work = Work()
    response = Response(None, 403, background=work)
    await drive(response, websocket_scope(extensions=extensions), first)
    assert work.done == ["done"]


@pytest.mark.parametrize("kind", ["lifespan", "webtransport"])
@pytest.mark.anyio
async def test_another_scope(kind: str) -> None:
    """A server must hear that there is no lifespan here."""
    with pytest.raises(Misuse, match=f"not '{kind}'"):
        await drive(Response(), {"type": kind, "asgi": {"version": "3.0"}})


# What is there once (RFC 9110 5.3)


@pytest.mark.parametrize("name", ["Content-Type", "content-length", "Location", "ETag"])
def test_a_field_that_is_there_once(name: str) -> None:
    with pytest.raises(ValueError, match=f"'{name.lower()}' is given twice"):
        Response(b"", headers=[(name, "1"), ("x-a", "b"), (name.upper(), "2")])
    response = Response(b"", headers=[(name, "1"), ("x-a", "b"), ("x-a", "c")])
    before = response.headers.raw
    with pytest.raises(ValueError, match=f"'{name.lower()}' is given twice"):
        response.headers.add(name, "2")
    with pytest.raises(ValueError, match=f"'{name.lower()}' is given twice"):
        response.headers.extend({"x-b": "1", name: "2"})
    assert response.headers.raw == before
    response.headers[name] = "2"
    assert response.headers.getall(name) == ["2"]


def test_the_list_that_is_given_out_is_a_copy() -> None:
    response = Response(b"")
    response.headers.raw.append((b"x", b"a\r\nb: c"))
    assert response.headers.raw == []


@pytest.mark.parametrize(
    ("status", "error"),
    [(99, ValueError), (600, ValueError), ("404", TypeError), (None, TypeError)],
)
def test_a_status_that_was_set_later(status: Any, error: type[Exception]) -> None:
    response = Response(b"")
    response.status_code = status
    with pytest.raises(error, match="a response's status is"):
        response.messages()


@pytest.mark.parametrize(
    "headers",
    ["a: b", b"a: b", 1, [("a", "b", "c")], [("a",)], ["a: b"], ["ab", ("a", 1)], [1]],
)
def test_headers_that_are_no_pairs(headers: Any) -> None:
    with pytest.raises(TypeError, match="header"):
        Response(b"", headers=headers)


async def work() -> None: ...


def test_background_work_is_a_function() -> None:
    for mistaken in (work(), [work()], 3, "work", [print, None]):
        wrong: Any = mistaken
        with pytest.raises(TypeError, match="background work is a function, not"):
            Response(b"", background=wrong)
    assert Response(b"", background=[print, work]).background == [print, work]
