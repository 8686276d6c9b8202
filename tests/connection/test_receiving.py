"""``portico.connection.receiving``: bodies that are slow, and bodies in a content coding."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from portico import App, ClientDisconnect, ContentTooLarge, Middleware, Request, StreamingResponse
from portico.asgi import ASGIApp, Message, Receive, Scope, Send
from portico.connection.receiving import TimedReceive
from portico.errors import BodyTimeout, UnsupportedContentEncoding
from tests.connection.test_forms import MULTIPART, cut, part, whole
from tests.drive import body_messages, call, http_scope

pytestmark = pytest.mark.anyio

SHORT_S = 0.01
LONG_S = 30.0


def never_ending(*chunks: bytes) -> Any:
    waiting = list(chunks)

    async def receive() -> Message:
        if not waiting:
            await anyio.sleep_forever()
        return {"type": "http.request", "body": waiting.pop(0), "more_body": True}

    return receive


def dripping() -> Any:
    async def receive() -> Message:
        await anyio.sleep(SHORT_S / 20)
        return {"type": "http.request", "body": b"x", "more_body": True}

    return receive


@pytest.mark.parametrize(
    ("idle_s", "timeout_s", "limit_s"),
    [
        pytest.param(SHORT_S, None, SHORT_S, id="idle"),
        pytest.param(None, SHORT_S, SHORT_S, id="all"),
        pytest.param(SHORT_S, LONG_S, SHORT_S, id="idle first"),
        pytest.param(LONG_S, SHORT_S, SHORT_S, id="all first"),
    ],
)
async def test_a_body_that_does_not_come(
    idle_s: float | None, timeout_s: float | None, limit_s: float
) -> None:
    receive = TimedReceive(never_ending(b"a"), idle_s, timeout_s)
    assert (await receive())["body"] == b"a"
    for _ in range(2):
        with pytest.raises(BodyTimeout) as caught:
            await receive()
        assert (caught.value.status_code, caught.value.limit_s) == (408, limit_s)
        assert caught.value.extensions["unit"] == "seconds"


async def test_a_body_that_drips() -> None:
    """Each piece comes in time, all of it never does."""
    receive = TimedReceive(dripping(), LONG_S, SHORT_S)

    async def read() -> None:
        while True:
            await receive()

    with pytest.raises(BodyTimeout):
        await read()


async def test_what_follows_the_body_may_take_its_time() -> None:
    messages: list[Message] = [{"type": "http.request", "body": b"a"}]

    async def receive() -> Message:
        if not messages:
            await anyio.sleep(3 * SHORT_S)
            return {"type": "http.disconnect"}
        return messages.pop()

    timed = TimedReceive(receive, SHORT_S, SHORT_S)
    await timed()
    assert (await timed())["type"] == "http.disconnect"


@pytest.mark.parametrize("option", ["body_idle_timeout", "body_timeout"])
@pytest.mark.parametrize("reader", ["body", "form", "multipart", "stream", "swallow"])
async def test_every_reader_answers_408(option: str, reader: str) -> None:
    async def handler(request: Request[Any]) -> object:
        if reader == "multipart":
            return [each.name async for each in request.multipart()]
        if reader == "stream":
            return [len(chunk) async for chunk in request.stream()]
        if reader == "swallow":
            with suppress(BodyTimeout):
                await request.body()
        return str(await (request.form() if reader == "form" else request.body()))

    app = App(**{option: LONG_S})  # type: ignore[arg-type]
    app.post("/", **{option: SHORT_S})(handler)  # type: ignore[arg-type]
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await app(http_scope("POST", headers=[MULTIPART]), never_ending(b"--X\r\n"), send)
    assert sent[0]["status"] == 408


async def test_a_request_with_a_limit_of_time_has_one_body() -> None:
    app = App(body_timeout=LONG_S)

    @app.post("/")
    async def handler(request: Request[Any]) -> object:
        assert not await request.is_disconnected()
        assert not request.is_consumed
        return [(await request.body()).decode(), (await Request(request.scope).body()).decode()]

    reply = await call(app, "POST", body=[b"a", b"b"])
    assert reply.json() == ["ab", "ab"]


class Look:
    """Middleware that looks at the body before anybody knows the route."""

    def __init__(self, app: ASGIApp) -> None:
        self.app: ASGIApp = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert not await Request(scope, receive, send).is_disconnected()
        await self.app(scope, receive, send)


@pytest.mark.parametrize("option", ["body_idle_timeout", "body_timeout"])
@pytest.mark.parametrize("above_s", [None, LONG_S])
async def test_a_body_that_was_looked_at_before_has_the_limits_of_its_route(
    option: str, above_s: float | None
) -> None:
    app = App(middleware=[Middleware(Look)], **{option: above_s})  # type: ignore[arg-type]

    @app.post("/", **{option: SHORT_S})  # type: ignore[arg-type]
    async def handler(request: Request[Any]) -> object:
        return (await request.body()).decode()

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    with anyio.fail_after(5):
        await Look(app)(http_scope("POST"), never_ending(b"a"), send)
    assert sent[0]["status"] == 408
    assert (await call(Look(app), "POST", body=[b"a", b"b"])).body == b"ab"


@pytest.mark.parametrize("option", ["body_idle_timeout", "body_timeout"])
async def test_who_listens_for_the_end_first_leaves_the_limits_of_time(option: str) -> None:
    """A listener reads ahead, and the reader is held to the route's limits all the same."""
    app = App()

    @app.post("/", cancel_on_disconnect=True, **{option: SHORT_S})  # type: ignore[arg-type]
    async def handler(request: Request[Any]) -> int:
        await anyio.lowlevel.checkpoint()  # so that the listener comes first
        return len(await request.body())

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    with anyio.fail_after(5):
        await app(http_scope("POST"), never_ending(b"a"), send)
    assert sent[0]["status"] == 408


async def test_a_stream_of_what_comes_keeps_the_limits_of_time() -> None:
    app = App(body_idle_timeout=SHORT_S)

    @app.post("/")
    async def handler(request: Request[Any]) -> StreamingResponse:
        async def echo() -> AsyncGenerator[bytes]:
            async for chunk in request.stream():
                yield chunk

        return StreamingResponse(echo)

    async def send(message: Message) -> None:
        await anyio.lowlevel.checkpoint()

    with anyio.fail_after(5), pytest.raises(BodyTimeout):
        await app(http_scope("POST"), never_ending(b"a"), send)


# Content codings


def request_of(chunks: list[bytes], *fields: tuple[str, str], **scope: Any) -> Request[Any]:
    waiting = list(body_messages(chunks))

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    options = {"portico.content_encodings": frozenset({"gzip", "deflate"}), **scope}
    return Request({**http_scope("POST", headers=fields), **options}, receive)


GZIP = ("content-encoding", "gzip")
TEXT = ("content-type", "text/plain")


@pytest.mark.parametrize("size", [1, 100, 10**9])
async def test_a_body_is_decoded_where_that_is_wanted(size: int) -> None:
    content = b"".join(b"%d," % number for number in range(500))
    chunks = cut(gzip.compress(content), size)
    request = request_of(chunks, GZIP, TEXT)
    assert await request.body() == content
    assert await request.text() == content.decode()
    assert not request.is_consumed
    assert b"".join([chunk async for chunk in request_of(chunks, GZIP).stream()]) == content
    length = ("content-length", str(sum(map(len, chunks))))
    assert await request_of(chunks, GZIP, length).body() == content


async def test_forms_are_decoded_too() -> None:
    numbers = b"".join(b"%d," % number for number in range(200_000))
    content = whole(part("a", b"1"), part("f", numbers, "f"))
    compressed = cut(zlib.compress(content), 1000)
    request = request_of(compressed, ("content-encoding", "deflate"), MULTIPART)
    form = await request.form()
    assert form["a"] == "1"
    assert await request.form() is form
    file = form["f"]
    await request.close()
    assert file.is_closed  # type: ignore[union-attr]
    names = [
        each.name
        async for each in request_of(
            compressed, ("content-encoding", "deflate"), MULTIPART
        ).multipart()
    ]
    assert names == ["a", "f"]


async def test_a_form_in_a_coding_is_closed_with_the_request() -> None:
    app = App(content_encodings=["gzip"])
    files: list[Any] = []

    @app.post("/")
    async def handler(request: Request[Any]) -> str:
        files.append((await request.form())["f"])
        return "ok"

    body = gzip.compress(whole(part("f", b"1", "f")))
    assert (await call(app, "POST", headers=[GZIP, MULTIPART], body=body)).status == 200
    assert files[0].is_closed


@pytest.mark.parametrize("coding", ["gzip", "br", "gzip, gzip", "nonsense"])
@pytest.mark.parametrize("wanted", [(), ("deflate",)])
async def test_other_codings_are_415(coding: str, wanted: tuple[str, ...]) -> None:
    request = request_of(
        [b""], ("content-encoding", coding), TEXT, **{"portico.content_encodings": wanted}
    )
    for read in (request.body, request.text, request.data):
        with pytest.raises(UnsupportedContentEncoding):
            await read()
    with pytest.raises(UnsupportedContentEncoding):
        request.stream()
    reply = await call(App(content_encodings=wanted), "POST", headers=[GZIP], body=b"")
    assert reply.status == 404


async def test_identity_is_no_coding() -> None:
    assert await request_of([b"a"], ("content-encoding", "identity")).body() == b"a"
    assert await request_of([b"a"], ("content-encoding", "")).body() == b"a"


async def test_the_limit_is_for_what_comes_out() -> None:
    content = b"".join(b"%d," % number for number in range(50_000))
    compressed = gzip.compress(content)
    assert await request_of([compressed], GZIP).body(max_bytes=len(content)) == content
    for max_bytes in (len(compressed), len(content) - 1):
        with pytest.raises(ContentTooLarge) as caught:
            await request_of([compressed], GZIP).body(max_bytes=max_bytes)
        assert caught.value.limit == max_bytes


async def test_a_bomb_that_a_handler_overlooks_is_413() -> None:
    app = App(content_encodings=["gzip"])

    @app.post("/")
    async def handler(request: Request[Any]) -> str:
        with suppress(ContentTooLarge):
            async for _ in request.stream():
                pass
        return "all fine"

    @app.post("/small", max_body_bytes=5)
    async def small(request: Request[Any]) -> str:
        with suppress(ContentTooLarge):
            await request.body()
        return "all fine"

    bomb = gzip.compress(bytes(50 * 1024 * 1024))
    assert (await call(app, "POST", headers=[GZIP], body=bomb)).status == 413
    assert (await call(app, "POST", "/small", headers=[GZIP], body=bomb)).status == 413


async def test_a_client_that_leaves() -> None:
    request = request_of([], GZIP)
    waiting = [{"type": "http.request", "body": gzip.compress(b"a" * 100)[:20], "more_body": True}]

    async def receive() -> Message:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    request = Request({**request.scope}, receive)
    with pytest.raises(ClientDisconnect):
        await request.body()


async def test_who_waits_behind_a_decoded_body() -> None:
    request = request_of([gzip.compress(b"a")], GZIP)
    assert await request.body() == b"a"
    await request.wait_disconnected()
    assert await request.is_disconnected()
    assert (await request.receive())["type"] == "http.disconnect"
    body = request.known_body
    assert body is not None
    assert body.decoded is not None
    assert (await body.decoded.receive())["body"] == b"a"
    assert (await body.decoded.receive())["type"] == "http.disconnect"
