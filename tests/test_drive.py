"""The driver itself: a check that never fails would hide every fault."""

from __future__ import annotations

import pytest

from portico.asgi import Message, Receive, Scope, Send
from tests.drive import Violation, call, drive, http_scope, websocket_scope

pytestmark = pytest.mark.anyio

START: Message = {"type": "http.response.start", "status": 200, "headers": []}
BODY: Message = {"type": "http.response.body", "body": b"hello"}
MORE: Message = {"type": "http.response.body", "body": b"hello", "more_body": True}
ACCEPT: Message = {"type": "websocket.accept"}
TEXT: Message = {"type": "websocket.send", "text": "hello"}
CLOSE: Message = {"type": "websocket.close", "code": 1000}
HINT: Message = {"type": "http.response.early_hint", "links": [b"</a>"]}
DENIAL: Message = {"type": "websocket.http.response.start", "status": 403, "headers": []}


class Script:
    """An application that sends what it is told to."""

    def __init__(self, *messages: Message) -> None:
        self.messages: tuple[Message, ...] = messages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for message in self.messages:
            await send(message)


TRAILERS: Message = {"type": "http.response.trailers", "headers": [(b"etag", b'"a"')]}
ANNOUNCED: Message = {**START, "trailers": True}


def start(status: int = 200, *headers: tuple[object, object], **more: object) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers, **more}


@pytest.mark.parametrize(
    ("method", "messages"),
    [
        pytest.param("GET", [BODY], id="no start"),
        pytest.param("GET", [START], id="no end"),
        pytest.param("GET", [START, START], id="two starts"),
        pytest.param("GET", [START, BODY, BODY], id="a body after the end"),
        pytest.param("GET", [START, MORE], id="the last body announces more"),
        pytest.param("GET", [start(100), BODY], id="an interim status"),
        pytest.param("GET", [start(state=1), BODY], id="an unknown key"),
        pytest.param("GET", [START, {**BODY, "body": "hello"}], id="a body of text"),
        pytest.param("GET", [START, {**BODY, "more_body": None}], id="more_body is no bool"),
        pytest.param("GET", [start(200, ("a", b"b")), BODY], id="a name of text"),
        pytest.param("GET", [start(200, (b"A", b"b")), BODY], id="an upper-case name"),
        pytest.param("GET", [start(200, (b"a b", b"b")), BODY], id="a name with a blank"),
        pytest.param("GET", [start(200, (b"a", b"b\r\nc: d")), BODY], id="a line end in a value"),
        pytest.param("GET", [start(200, (b"a", b" b")), BODY], id="a blank before a value"),
        pytest.param("GET", [start(200, (b"a", b"b\t")), BODY], id="a tab after a value"),
        pytest.param(
            "GET", [start(200, (b"transfer-encoding", b"chunked")), BODY], id="transfer-encoding"
        ),
        pytest.param("GET", [start(200, (b"etag", b"a"), (b"etag", b"a")), BODY], id="two etags"),
        pytest.param("GET", [start(200, (b"content-length", b"+5")), BODY], id="no length"),
        pytest.param("GET", [start(200, (b"content-length", b"6")), BODY], id="too few bytes"),
        pytest.param("GET", [start(200, (b"content-length", b"4")), MORE], id="too many bytes"),
        pytest.param("HEAD", [START, BODY], id="content in an answer to HEAD"),
        pytest.param("GET", [start(204), BODY], id="content in a 204"),
        pytest.param("GET", [start(304), BODY], id="content in a 304"),
        pytest.param("GET", [start(204, (b"content-length", b"0"))], id="a length in a 204"),
        pytest.param("GET", [ACCEPT], id="a websocket's message"),
        pytest.param("GET", [{"type": "http.response.pathsend"}], id="an extension not offered"),
        pytest.param("GET", [], id="nothing"),
        pytest.param("GET", [START, TRAILERS], id="trailers that were not announced"),
        pytest.param("GET", [ANNOUNCED, BODY], id="trailers that do not come"),
        pytest.param("GET", [ANNOUNCED, MORE, TRAILERS], id="trailers in the body"),
        pytest.param("GET", [ANNOUNCED, BODY, BODY, TRAILERS], id="a body after the last"),
        pytest.param("GET", [ANNOUNCED, BODY, TRAILERS, TRAILERS], id="trailers after the last"),
        pytest.param(
            "GET",
            [ANNOUNCED, BODY, {**TRAILERS, "headers": [(b"a b", b"")]}],
            id="a trailer's name with a blank",
        ),
    ],
)
async def test_faults_of_a_response(method: str, messages: list[Message]) -> None:
    offered: dict[str, object] = {"http.response.trailers": None}
    with pytest.raises(Violation):
        await drive(Script(*messages), http_scope(method, extensions=offered))


@pytest.mark.parametrize(
    ("method", "messages"),
    [
        pytest.param("GET", [START, MORE, BODY], id="two pieces"),
        pytest.param("GET", [start(200, (b"content-length", b"5")), BODY], id="a length"),
        pytest.param(
            "HEAD",
            [start(200, (b"content-length", b"5")), {"type": "http.response.body"}],
            id="HEAD keeps the length",
        ),
        pytest.param("GET", [start(304), {"type": "http.response.body"}], id="304"),
        pytest.param("GET", [start(200, (b"a", b""), (b"b", b"\xe4 \t\xe4")), BODY], id="values"),
        pytest.param(
            "GET",
            [{"type": "http.response.early_hint", "links": [b"</a>"]}, START, BODY],
            id="a hint",
        ),
        pytest.param("GET", [START, {"type": "http.response.pathsend", "path": "/a"}], id="a path"),
        pytest.param("GET", [ANNOUNCED, MORE, BODY, TRAILERS], id="trailers"),
        pytest.param(
            "GET",
            [ANNOUNCED, {"type": "http.response.pathsend", "path": "/a"}, TRAILERS],
            id="trailers behind a path",
        ),
        pytest.param(
            "GET",
            [ANNOUNCED, BODY, {**TRAILERS, "more_trailers": True}, TRAILERS],
            id="trailers in two pieces",
        ),
    ],
)
async def test_good_responses(method: str, messages: list[Message]) -> None:
    names = ("early_hint", "pathsend", "trailers")
    offered: dict[str, object] = {f"http.response.{name}": None for name in names}
    scope = http_scope(method, extensions=offered)
    assert await drive(Script(*messages), scope) == messages


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([TEXT], id="a message before the handshake"),
        pytest.param([ACCEPT, ACCEPT], id="accepted twice"),
        pytest.param([ACCEPT, CLOSE, TEXT], id="a message after the close"),
        pytest.param([{**ACCEPT, "subprotocol": b"a"}], id="a subprotocol of bytes"),
        pytest.param([ACCEPT, {**TEXT, "bytes": b""}], id="bytes and text"),
        pytest.param([ACCEPT, {"type": "websocket.send"}], id="neither bytes nor text"),
        pytest.param([ACCEPT, {**TEXT, "text": b"a"}], id="a text of bytes"),
        pytest.param([{**CLOSE, "code": "1000"}], id="a code of text"),
        pytest.param([{**CLOSE, "reason": "ä" * 62}], id="a reason over 123 bytes"),
        pytest.param([ACCEPT, DENIAL], id="a response after the handshake"),
        pytest.param([START, BODY], id="a request's messages"),
    ],
)
async def test_faults_on_a_websocket(messages: list[Message]) -> None:
    scope = websocket_scope(extensions={"websocket.http.response": {}})
    with pytest.raises(Violation):
        await drive(Script(*messages), scope)


async def test_a_denial_needs_its_extension() -> None:
    with pytest.raises(Violation, match="offered no"):
        await drive(Script(DENIAL), websocket_scope())


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([ACCEPT, TEXT, {"type": "websocket.send", "bytes": b""}, CLOSE], id="open"),
        pytest.param([CLOSE], id="closed at once"),
        pytest.param([DENIAL, {**BODY, "type": "websocket.http.response.body"}], id="denied"),
    ],
)
async def test_good_websockets(messages: list[Message]) -> None:
    scope = websocket_scope(extensions={"websocket.http.response": {}})
    assert await drive(Script(*messages), scope) == messages


async def test_a_lifespan_has_its_own_messages() -> None:
    with pytest.raises(Violation):
        await drive(Script(START), {"type": "lifespan"})
    complete: Message = {"type": "lifespan.startup.complete"}
    assert await drive(Script(complete), {"type": "lifespan"}) == [complete]


async def test_receive_waits_for_the_end_of_the_response() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert await receive() == {"type": "http.request", "body": b"a", "more_body": True}
        assert await receive() == {"type": "http.request", "body": b"b", "more_body": False}
        await send(START)
        await send(BODY)
        assert await receive() == {"type": "http.disconnect"}

    reply = await call(app, body=[b"a", b"b"])
    assert (reply.status, reply.text, reply.headers) == (200, "hello", {})


async def test_a_client_that_leaves() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != f"{scope['type']}.disconnect":
            pass

    assert await drive(app, http_scope(), tail="disconnect") == []
    assert (
        await drive(app, websocket_scope(), {"type": "websocket.connect"}, tail="disconnect") == []
    )
    sent: list[Message] = []
    with pytest.raises(OSError, match="gone"):
        await drive(Script(START, BODY), http_scope(), fail_send_at=1, sent=sent)
    assert sent == [START]


async def test_a_client_that_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.drive.TIMEOUT_S", 0.05)
    sent: list[Message] = []
    with pytest.raises(TimeoutError):
        await drive(Script(START, BODY), http_scope(), block_send_after=1, sent=sent)
    assert sent == [START]


async def test_reply() -> None:
    head = start(201, (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"))
    script = Script(HINT, head, {**BODY, "body": b"[1]"})
    offered = {"http.response.early_hint": None}
    reply = await call(script, headers=[("host", "a")], extensions=offered)
    assert (reply.status, reply.json(), reply.getall("set-cookie")) == (201, [1], ["a=1", "b=2"])
    assert reply.headers == {"set-cookie": "a=1, b=2"}


async def test_call_without_an_answer() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["headers"] == [(b"host", b"testserver")]
        assert (scope["path"], scope["raw_path"]) == ("/ü", b"/%C3%BC")
        assert (await receive())["type"] == "http.request"
        assert (await receive())["type"] == "http.disconnect"

    with pytest.raises(Violation, match="no response"):
        await call(app, path="/ü", body=[], tail="disconnect")
