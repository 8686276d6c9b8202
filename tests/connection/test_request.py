"""The request: its body by content type, shared by all who look at one scope; its client."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import anyio
import msgspec
import pytest

from portico import App, Request, Router
from portico.asgi import Message, Receive, Scope, Send
from portico.codec import encode_msgpack
from portico.connection.base import URLS
from portico.connection.body import INHERIT, LIMIT, MAX_BODY_BYTES, Inherit
from portico.errors import (
    BadInput,
    BodyConsumed,
    ClientDisconnect,
    ContentTooLarge,
    InvalidData,
    Misuse,
    ResponseAlreadyStarted,
    UnsupportedMediaType,
)
from tests.drive import Peer, body_messages, call, drive, http_scope, websocket_scope

LEFT: Message = {"type": "http.disconnect"}


@dataclass
class Note:
    title: str
    stars: int = 0


def receiver(*messages: Message) -> Receive:
    """Give ``messages``, then wait."""
    waiting = deque(messages)

    async def receive() -> Message:
        if not waiting:
            with anyio.fail_after(3):
                await anyio.sleep_forever()
        return waiting.popleft()

    return receive


def post(
    body: bytes | list[bytes] = b"",
    content_type: str | None = None,
    limit: int | Inherit | None = INHERIT,
) -> Request:
    headers = [("host", "testserver")]
    if content_type is not None:
        headers.append(("content-type", content_type))
    scope = http_scope("POST", headers=headers)
    if not isinstance(limit, Inherit):
        scope[LIMIT] = limit  # as routers do
    return Request(scope, receiver(*body_messages(body)))


# --- making one


@pytest.mark.parametrize("scope", [websocket_scope(), {"type": "lifespan"}])
def test_a_request_is_made_of_http(scope: Scope) -> None:
    with pytest.raises(Misuse, match=scope["type"]):
        Request(scope)


@pytest.mark.anyio
async def test_the_channels_are_the_callers() -> None:
    peer = Peer(http_scope(), [], "block", [])
    receive, send = peer.receive, peer.send
    request = Request(http_scope("PATCH"), receive, send)
    assert (request.method, request.raw_send) == ("PATCH", send)
    with pytest.raises(Misuse, match="without receive"):
        await Request(http_scope()).body()
    with pytest.raises(Misuse, match="without send"):
        await Request(http_scope()).respond("tea")


def test_state_is_for_the_lifespan_and_for_you() -> None:
    scope = http_scope(state={"database": "db"})
    assert Request(scope).state["database"] == "db"
    bare = http_scope()
    Request(bare).state["user"] = "ann"
    assert Request(bare).state == {"user": "ann"}
    assert Request(dict(bare)).state == {"user": "ann"}, "middleware copies the scope"


def test_making_one_reads_nothing() -> None:
    Request({"type": "http"})


# --- what the client takes


def test_preferences() -> None:
    request = Request(
        http_scope(
            headers=[
                ("accept", "text/html;q=0.5, application/json, image/png;q=0"),
                ("accept-language", "de, en;q=0.5"),
                ("accept-encoding", "br"),
                ("accept-charset", "utf-8"),
            ]
        )
    )
    assert [str(kind) for kind in request.accepted_types][:1] == ["application/json"]
    assert [kind.essence for kind in request.accepted_types] == ["application/json", "text/html"]
    assert request.accepts("text/html")
    assert not request.accepts("image/png")
    assert request.accept.best_match(["text/html", "application/json"]) == "application/json"
    assert request.accept_language.best_match(["en", "de"]) == "de"
    assert request.accept_encoding.accepts("br")
    assert request.accept_charset.accepts("utf-8")


def test_no_preferences() -> None:
    assert Request(http_scope()).accepts("anything/goes")


@pytest.mark.parametrize("name", ["accept", "accept-language", "accept-encoding", "accept-charset"])
def test_repeated_preferences_are_joined(name: str) -> None:
    """RFC 9110 5.3."""
    offers = {"accept": ["a/a", "b/b"]}.get(name, ["aa", "bb"])
    request = Request(http_scope(headers=[(name, offer) for offer in offers]))
    preferences = getattr(request, name.replace("-", "_"))
    assert [preferences.accepts(offer) for offer in offers] == [True, True]


# --- readers


@pytest.mark.anyio
async def test_bytes_and_text() -> None:
    request = post("café".encode("latin-1"), "text/plain; charset=ISO-8859-1")
    assert await request.body() == b"caf\xe9"
    assert await request.text() == "café"
    assert await post("café".encode()).text() == "café"


@pytest.mark.parametrize(
    ("body", "content_type", "error"),
    [
        pytest.param(b"", "text/plain; charset=zip", UnsupportedMediaType, id="no charset"),
        pytest.param(b"\xff", "text/plain", BadInput, id="no UTF-8"),
        pytest.param(b"", "text", BadInput, id="no media type"),
    ],
)
@pytest.mark.anyio
async def test_no_text(body: bytes, content_type: str, error: type[BadInput]) -> None:
    with pytest.raises(error) as caught:
        await post(body, content_type).text()
    assert caught.value.status_code == error.default_status


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/problem+json",
        "text/json",
    ],
)
@pytest.mark.anyio
async def test_json(content_type: str) -> None:
    request = post(b'{"title": "tea"}', content_type)
    assert await request.json() == {"title": "tea"}
    assert await request.json(Note) == Note("tea")
    assert await request.json(type=dict[str, str]) == {"title": "tea"}
    assert await request.data() == {"title": "tea"}


@pytest.mark.parametrize(
    "content_type", ["application/msgpack", "application/vnd.msgpack", "application/x-msgpack"]
)
@pytest.mark.anyio
async def test_msgpack(content_type: str) -> None:
    request = post(encode_msgpack({"title": "tea"}), content_type)
    assert await request.msgpack() == {"title": "tea"}
    assert await request.msgpack(Note) == Note("tea")
    assert await request.data() == {"title": "tea"}


@pytest.mark.parametrize("reader", ["json", "msgpack"])
@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/xml", "application/jsonx"]
)
@pytest.mark.anyio
async def test_another_type_is_415_unread(reader: str, content_type: str | None) -> None:
    async def never() -> Message:
        raise NotImplementedError

    headers = [] if content_type is None else [("content-type", content_type)]
    with pytest.raises(UnsupportedMediaType) as caught:
        await getattr(Request(http_scope(headers=headers), never), reader)()
    assert (caught.value.status_code, [name for name, _ in caught.value.headers]) == (
        415,
        ["accept"],
    )


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"\xef\xbb\xbf{}", b"[" * 100_000, b"{} x"])
@pytest.mark.anyio
async def test_malformed_json_is_400(body: bytes) -> None:
    """Empty, cut, no text, with a byte order mark, nested too deep, two values."""
    with pytest.raises(BadInput) as caught:
        await post(body, "application/json").json()
    assert caught.value.status_code == 400
    with pytest.raises(BadInput) as caught:
        await post(body, "application/json").json(Note)
    assert caught.value.status_code in {400, 422}


@pytest.mark.anyio
async def test_another_shape_is_422() -> None:
    with pytest.raises(InvalidData) as caught:
        await post(b'[{"title": 1}]', "application/json").json(list[Note])
    assert (caught.value.status_code, caught.value.field) == (422, "$[0].title")


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        pytest.param(b"\xff", None, b"\xff", id="no type"),
        pytest.param(b"\xff", "image/png", b"\xff", id="another type"),
        pytest.param(b"tea", "text/csv", "tea", id="text"),
        pytest.param(b"a=1&a=2", "application/x-www-form-urlencoded", ["1", "2"], id="form"),
    ],
)
@pytest.mark.anyio
async def test_data(body: bytes, content_type: str | None, expected: object) -> None:
    data = await post(body, content_type).data()
    assert (data.getall("a") if isinstance(expected, list) else data) == expected


# --- limits


@pytest.mark.parametrize("reader", ["body", "text", "json", "data"])
@pytest.mark.anyio
async def test_limits(reader: str) -> None:
    """Of the call, of those above, of the house; at the limit and one over."""
    text = b'"' + b"x" * 8 + b'"'
    bodies = [text[:4], text[4:]]

    async def run(**more: Any) -> object:
        request = post(bodies, "application/json", more.pop("above", INHERIT))
        return await getattr(request, reader)(**more)

    for good in (
        {"max_bytes": 10},
        {"above": 10},
        {"max_bytes": None, "above": 1},
        {"above": None},
    ):
        assert await run(**good)
    for bad in ({"max_bytes": 9}, {"above": 9}, {"max_bytes": 9, "above": None}):
        with pytest.raises(ContentTooLarge) as caught:
            await run(**bad)
        assert (caught.value.status_code, caught.value.limit) == (413, 9)


@pytest.mark.parametrize(("size", "is_good"), [(MAX_BODY_BYTES, True), (MAX_BODY_BYTES + 1, False)])
@pytest.mark.anyio
async def test_the_limit_of_the_house(size: int, is_good: bool) -> None:
    request = post([b"x" * (1 << 20)] * 10 + [b"x" * (size - MAX_BODY_BYTES)])
    if is_good:
        assert len(await request.body()) == size
        return
    with pytest.raises(ContentTooLarge):
        await request.body()


@pytest.mark.anyio
async def test_a_stream_has_the_limit_that_you_give() -> None:
    chunks = [b"x" * 1000] * 3
    request = post(chunks, limit=10)
    before = request.is_consumed
    assert [chunk async for chunk in request.stream()] == chunks
    assert (before, request.is_consumed) == (False, True)
    with pytest.raises(ContentTooLarge):
        _ = [chunk async for chunk in post(chunks).stream(max_bytes=2999)]
    assert len([chunk async for chunk in post(chunks).stream(max_bytes=3000)]) == 3


@pytest.mark.anyio
async def test_a_declared_length_that_is_none_is_400() -> None:
    request = Request(http_scope(headers=[("content-length", "5x")]), receiver(*body_messages()))
    with pytest.raises(BadInput) as caught:
        await request.body()
    assert caught.value.status_code == 400
    await request.close()
    assert not await request.is_disconnected()


# --- shared by all who look


@pytest.mark.anyio
async def test_two_requests_over_one_scope() -> None:
    scope, receive = http_scope("POST"), receiver(*body_messages([b"te", b"a"]))
    assert await Request(scope, receive).body() == b"tea"
    assert await Request(scope, receive).body() == b"tea"
    assert [chunk async for chunk in Request(scope, receive).stream()] == [b"tea"]


@pytest.mark.anyio
async def test_a_copy_of_the_scope_made_after_reading_has_the_body() -> None:
    scope, receive = http_scope("POST"), receiver(*body_messages(b"tea"))
    await Request(scope, receive).body()
    assert await Request(dict(scope), receive).body() == b"tea"


@pytest.mark.anyio
async def test_a_copy_made_before_reading_may_read() -> None:
    scope, receive = http_scope("POST"), receiver(*body_messages(b"tea"))
    Request(scope, receive)
    assert await Request(dict(scope), receive).body() == b"tea"


@pytest.mark.anyio
async def test_streamed_by_one_is_consumed_for_all() -> None:
    scope, receive = http_scope("POST"), receiver(*body_messages(b"tea"))
    assert [chunk async for chunk in Request(scope, receive).stream()] == [b"tea"]
    assert Request(scope, receive).is_consumed
    for reader in ("body", "text", "data"):
        with pytest.raises(BodyConsumed):
            await getattr(Request(scope, receive), reader)()


@pytest.mark.anyio
async def test_an_application_gets_what_was_read() -> None:
    request = post([b"te", b"a"])
    assert await request.body() == b"tea"
    message = await request.receive()
    assert message == {"type": "http.request", "body": b"tea", "more_body": False}


@pytest.mark.anyio
async def test_a_receive_that_others_put_in_place_is_not_passed_by() -> None:
    """A limit or an inflater below a middleware that only looked whether the client is there."""
    scope = http_scope("POST")
    outer = Request(scope, receiver())
    assert not await outer.is_disconnected()
    inner = Request(scope, receiver(*body_messages(b"inflated")))
    assert await inner.body() == b"inflated"
    assert await outer.body() == b"inflated"


@pytest.mark.anyio
async def test_closed() -> None:
    request = post(b"tea")
    await request.close()
    await request.close()
    with pytest.raises(BodyConsumed):
        await request.body()
    await Request(http_scope()).close()


@pytest.mark.parametrize("mounted", [False, True], ids=["a route", "a mount"])
@pytest.mark.anyio
async def test_a_view_and_a_handler_read_the_same(mounted: bool) -> None:
    """The body that a view has read is there for the handler."""
    seen = list[bytes]()
    inner, app = Router(), App()

    @(inner if mounted else app).post("/note")
    async def note(request: Request) -> bytes:
        return await request.body()

    @app.middleware
    async def look(request: Request, call_next: Any) -> object:
        seen.append(await request.body())
        return await call_next(request)

    if mounted:
        app.mount("/m", inner)
    reply = await call(app, "POST", "/m/note" if mounted else "/note", body=b"tea")
    assert (reply.status, reply.body, seen) == (200, b"tea", [b"tea"])


@pytest.mark.anyio
async def test_a_view_that_reads_too_late_is_told_so() -> None:
    """And does not wait for ever."""
    inner, app = Router(), App()
    errors = list[str]()

    @inner.post("/note")
    async def note(request: Request) -> bytes:
        return await request.body()

    @app.middleware
    async def look(request: Request, call_next: Any) -> object:
        response = await call_next(request)
        try:
            await request.body()
        except BodyConsumed as error:
            errors.append(str(error))
        return response

    app.mount("/m", inner)
    reply = await call(app, "POST", "/m/note", body=b"tea")
    assert (reply.status, reply.body, len(errors)) == (200, b"tea", 1)


# --- the client


@pytest.mark.anyio
async def test_looking_takes_nothing() -> None:
    """Looking for the client receives a message; it is kept for who reads."""
    request = post([b"te", b"a"])
    assert not await request.is_disconnected()
    assert await request.body() == b"tea"
    assert not await request.is_disconnected()
    gone = Request(http_scope(), receiver(LEFT))
    assert await gone.is_disconnected()
    assert await gone.is_disconnected()


@pytest.mark.parametrize("reader", ["body", "text", "json", "msgpack", "data", "stream"])
@pytest.mark.parametrize("before", [[], [b"[1]"]], ids=["at once", "in the middle"])
@pytest.mark.anyio
async def test_a_client_that_left(reader: str, before: list[bytes]) -> None:
    """What came is never taken as whole."""
    kind = "application/msgpack" if reader == "msgpack" else "application/json"
    fields = [("content-type", kind), ("content-length", "30")]
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in before]
    request = Request(http_scope("POST", headers=fields), receiver(*messages, LEFT))

    async def stream() -> list[bytes]:
        return [chunk async for chunk in request.stream()]

    with pytest.raises(ClientDisconnect):
        await (stream() if reader == "stream" else getattr(request, reader)())


@pytest.mark.anyio
async def test_waiting_keeps_what_comes_before() -> None:
    request = Request(http_scope("POST"), receiver(*body_messages([b"te", b"a"]), LEFT))
    await request.wait_disconnected()
    assert await request.body() == b"tea"


@pytest.mark.anyio
async def test_waiting_keeps_to_the_limit() -> None:
    request = post([b"te", b"a"], limit=2)
    with pytest.raises(ContentTooLarge):
        await request.wait_disconnected()


# --- answering


class Point(msgspec.Struct):
    x: int


@pytest.mark.parametrize(
    ("value", "status", "body"),
    [("tea", 200, b"tea"), ({"a": 1}, 200, b'{"a":1}'), ((201, Point(7)), 201, b'{"x":7}')],
)
@pytest.mark.anyio
async def test_respond(value: object, status: int, body: bytes) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive, send).respond(value)

    reply = await call(app, "GET", "/")
    assert (reply.status, reply.body) == (status, body)


@pytest.mark.anyio
async def test_respond_twice() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        assert not request.response.is_started
        await request.respond("tea")
        with pytest.raises(ResponseAlreadyStarted):
            await Request(scope, receive, send).respond("more")

    assert (await call(app, "GET", "/")).body == b"tea"


@pytest.mark.anyio
async def test_response_writer() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        async with request.response_writer(201, {"x-a": "b"}, media_type="text/csv") as write:
            await write("a,")
            await write(b"b")
        assert request.response.is_finished

    reply = await call(app, "GET", "/")
    assert (reply.status, reply.body, reply.headers["x-a"]) == (201, b"a,b", "b")
    assert reply.headers["content-type"].startswith("text/csv")


@pytest.mark.anyio
async def test_a_response_that_failed_is_not_ended() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async with Request(scope, receive, send).response_writer() as write:
            await write(b"a")
            raise LookupError

    sent = list[Message]()
    with pytest.raises(LookupError):
        await drive(app, http_scope(), sent=sent)
    assert [message.get("more_body") for message in sent] == [None, True]


@pytest.mark.anyio
async def test_what_a_router_adds_is_put_together_when_asked() -> None:
    scope = {**http_scope("POST", path_params={"a": 1}), URLS: "outermost"}
    request = Request(scope, routing=({"app": 1, URLS: "inner"}, {"b": 2}))
    used = [request.was_used]
    assert request.path_params == {"b": 2}
    assert (request.app, request[URLS], request.path) == (1, "outermost", "/")
    assert request.scope is request.scope
    assert "app" not in scope, "the server's own is not touched"
    used.append(request.was_used)
    await request.close()
    assert [*used, request.was_used] == [False, False, True]
    bare = Request(http_scope(), routing=({}, {"b": 2}))
    assert (bare.method, bare.scope["path_params"], URLS in bare) == ("GET", {"b": 2}, False)


@pytest.mark.anyio
async def test_a_response_that_was_begun_was_used() -> None:
    request = Request(http_scope())
    before = request.was_used
    assert not request.response.is_started
    assert (before, request.was_used) == (False, True)


# Streams, and what comes before the answer


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], None),
        ([("last-event-id", "")], None),
        ([("Last-Event-ID", "7")], "7"),
        ([("last-event-id", "\u00e4".encode())], "\u00e4"),
        ([("last-event-id", b"\xff")], "\ufffd"),
    ],
)
def test_last_event_id(headers: list[tuple[str, str | bytes]], expected: str | None) -> None:
    assert Request(http_scope(headers=headers)).last_event_id == expected


EXTENSIONS = ["http.response.early_hint", "http.response.push", "http.response.debug"]


async def send_all(request: Request[Any]) -> list[bool]:
    return [
        await request.send_early_hints("</a.css>; rel=preload", "</b.js>; rel=preload"),
        await request.send_push_promise("/\u00e4", {"Accept": "text/css"}),
        await request.send_debug({"template": "a.html"}),
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("offered", [EXTENSIONS, []])
async def test_extensions(offered: list[str]) -> None:
    could: list[bool] = []
    app = App()

    @app.get("/")
    async def handler(request: Request) -> str:
        could.extend(await send_all(request))
        return "x"

    sent = await drive(app, http_scope(extensions={key: {} for key in offered}))
    assert could == [bool(offered)] * 3
    hints = {
        "type": "http.response.early_hint",
        "links": [b"</a.css>; rel=preload", b"</b.js>; rel=preload"],
    }
    push = {
        "type": "http.response.push",
        "path": "/\u00e4",
        "headers": [(b"accept", b"text/css")],
    }
    debug = {"type": "http.response.debug", "info": {"template": "a.html"}}
    assert sent[:-2] == ([hints, push, debug] if offered else [])


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["", "a", "//a", "/a\r\nb", "/a\0"])
async def test_a_path_that_cannot_be_promised(path: str) -> None:
    with pytest.raises(ValueError, match="a promised path"):
        await Request(http_scope()).send_push_promise(path)


@pytest.mark.anyio
async def test_hints_that_are_no_fields() -> None:
    with pytest.raises(ValueError, match="line break"):
        await Request(http_scope()).send_early_hints("</a>\r\nset-cookie: a=b")


@pytest.mark.anyio
@pytest.mark.parametrize("number", range(3))
async def test_they_come_before_the_start(number: int) -> None:
    app = App()

    @app.get("/")
    async def handler(request: Request) -> None:
        await request.response.start()
        calls: list[Any] = [
            request.send_early_hints,
            lambda: request.send_push_promise("/"),
            lambda: request.send_debug({}),
        ]
        with pytest.raises(ResponseAlreadyStarted):
            await calls[number]()

    await drive(app, http_scope(extensions={key: {} for key in EXTENSIONS}))
