"""Anything at all, through one app that touches everything: A126.

Nothing is expected but the invariants: I1 to I3 by ``tests.drive``, I4 to I7 by ``invariants``.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico import (
    App,
    Hosts,
    HTTPException,
    HTTPView,
    Mount,
    PlainTextResponse,
    RedirectResponse,
    Request,
    Response,
    Router,
    WebSocket,
    safe_redirect,
)
from portico.asgi import ASGIApp, Message, Receive, Scope, Send
from portico.http.disposition import content_disposition, parse_disposition
from portico.routing.endpoint import CallNext
from tests.drive import drive, http_scope, websocket_scope
from tests.security.invariants import attack, invariants

pytestmark = pytest.mark.anyio


def facts(request: Request[Any]) -> dict[str, object]:
    """Read all that can be read of a scope."""
    found: dict[str, object] = {
        "url": str(request.url),
        "parts": [request.url.host, request.url.port, request.url.path, request.url.query_string],
        "base": str(request.base_url),
        "self": str(request.url_for("echo", a="x")),
        "path": [request.path, request.raw_path, request.root_path, request.query_string],
        "cookies": list(request.cookies.items()),
        "query": list(request.query_params.items()),
        "accept": [str(media_type) for media_type in request.accepted_types],
        "wanted": request.accept.best_match(["text/html", "application/json"]),
        "language": request.accept_language.lookup(["de", "en"]),
        "encoding": list(request.accept_encoding),
        "charset": [list(request.accept_charset), request.charset],
        "length": request.content_length,
        "type": str(request.content_type),
        "date": request.date,
        "ends": [request.client, request.server, request.scheme, request.http_version],
        "params": request.path_params,
        "repr": repr(request) + repr(request.headers),
    }
    if request.referrer is not None:
        found["referrer"] = str(request.referrer)
    return found


def text_only(value: object) -> str:
    """Write a value so that it can leave: a peer's text may hold lone surrogates."""
    return repr(value).encode("utf-8", "backslashreplace").decode()


async def echo(request: Request[Any], a: str) -> object:
    """Read, and send some of what was read in every place that can take it."""
    found = facts(request)
    data = await request.data()
    response = PlainTextResponse(text_only(found) + text_only(data))
    with suppress(ValueError):
        response.headers["x-echo"] = a
    with suppress(ValueError):
        response.set_cookie("echo", a)
    with suppress(ValueError):
        response.set_cookie(a, "echo", path="/" + a)
    response.headers["content-disposition"] = content_disposition(a)
    return response


async def back(request: Request[Any]) -> object:
    query = request.query_params.get("next")
    return RedirectResponse(safe_redirect(query if query is not None else request.path))


async def upload(request: Request[Any]) -> None:
    disposition = parse_disposition(request.headers.get("content-disposition", "inline"))
    size = 0
    async with request.response_writer(media_type="text/plain") as write:
        async for chunk in request.stream(max_bytes=100):
            size += len(chunk)
            await write(chunk)
        await write(text_only(disposition))


async def refuse(request: Request[Any]) -> object:
    if await request.is_disconnected():
        return "gone"
    raise HTTPException(403, request.path, extensions={"path": request.path[:20]})


class Everything(HTTPView):
    async def get(self, request: Request[Any]) -> object:
        return 203, request.query_params.get("a"), {"x-a": "b"}

    async def put(self, request: Request[Any]) -> object:
        return Response(await request.body(), 201)


async def foreign(scope: Scope, receive: Receive, send: Send) -> None:
    message = await receive()
    if message["type"] == "http.request":
        head: list[tuple[bytes, bytes]] = [(b"x-foreign", b"1")]
        await send({"type": "http.response.start", "status": 202, "headers": head})
        await send({"type": "http.response.body", "body": b""})


async def view(request: Request[Any], call_next: CallNext) -> object:
    response = await call_next(request)
    response.headers["x-view"] = "1"
    response.headers.add_vary("x-view")
    return response


async def talk(websocket: WebSocket[Any]) -> None:
    async with websocket:
        async for value in websocket.iter_json():
            await websocket.send_json([value])


def make_app() -> ASGIApp:
    inner = Router(trailing_slash="redirect", max_body_bytes=50)
    inner.route("/{a}", methods=["GET", "POST"], name="echo")(echo)
    inner.get("/{year:int}/{day:date}/", "/{a}-{b}")(refuse)
    app = App(middleware=[view], trailing_slash="match")
    app.route("/{a}", methods=["GET", "POST", "PUT"], name="echo")(echo)
    app.get("/back", "/{a:path}/back")(back)
    app.route("/up/{b:path}", methods=["POST", "PUT"])(upload)
    app.route("/view/{c:uuid}", "/view")(Everything)
    app.websocket("/{a:path}")(talk)
    app.add(Mount("/in", inner))
    app.add(Mount("/foreign", foreign))
    return Hosts(("*.example.com", app), ("{name}.test", inner), default=app)


APP: Final = make_app()

WORDS = st.sampled_from(
    [
        *(
            "/",
            "//",
            "/in/",
            "/in",
            "/foreign/",
            "/up/",
            "/view",
            "/back",
            "/in/2024/2024-02-30/",
            "a",
        ),
        *(
            "..",
            "%2F",
            "%00",
            "\\",
            "?",
            "#",
            ";",
            ":",
            "@",
            "-",
            "é",
            "\x00",
            "\r\n",
            "\ufffd",
            "%ff",
        ),
    ]
)
TEXTS = st.lists(WORDS | st.text(max_size=8), max_size=5).map("".join)
ROUTES = st.sampled_from(
    [
        *(
            "/x",
            "/back",
            "/a/b/back",
            "/up/b",
            "/view",
            "/view/00000000-0000-0000-0000-000000000000",
        ),
        *(
            "/in/x",
            "/in/x/",
            "/in/2024/2024-02-29/",
            "/in/a-b",
            "/in/",
            "/foreign/x",
            "/foreign",
            "/x/",
        ),
    ]
)
PATHS = st.one_of(ROUTES, ROUTES, st.builds("/{}".format, TEXTS), TEXTS)
RAW = st.binary(max_size=30)
VALUES = st.one_of(
    RAW,
    st.sampled_from(
        [
            *(b"application/json", b"text/plain; charset=utf-16", b"application/msgpack"),
            *(b"application/x-www-form-urlencoded", b"text/html", b"*/*;q=0", b"", b"5", b"-1"),
            *(b"a.example.com:80", b"x.test", b"[::1]", b"a=b; c", b'a="\\073', b"chunked"),
            *(b"Sun, 06 Nov 1994 08:49:37 GMT", b"attachment; filename*=utf-8''%ff", b"http://[a"),
        ]
    ),
)
NAMES = st.sampled_from(
    [
        *(b"host", b"cookie", b"accept", b"content-type", b"content-length", b"accept-language"),
        *(b"accept-encoding", b"accept-charset", b"date", b"referer", b"content-disposition"),
        *(b"transfer-encoding", b"x-forwarded-host", b"X-Mixed", b"", b"\xff"),
    ]
)
GOOD_HOSTS = st.sampled_from([b"a.example.com", b"x.test", b"localhost:8000", b"[::1]"])
HOSTS = st.one_of(GOOD_HOSTS, GOOD_HOSTS, VALUES).map(lambda host: [(b"host", host)])
GOOD_FIELDS = st.sampled_from(
    [
        *((b"cookie", value) for value in (b"a=b; c", b'a="\\073"; a=2', b"__Host-a=\xff")),
        *((b"accept", value) for value in (b"text/html", b"*/*;q=0", b"a/b;c=d, */*;q=.1")),
        (b"content-type", b"application/json"),
        (b"content-type", b"text/plain; charset=utf-16"),
        (b"content-type", b"application/msgpack"),
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"accept-language", b"de-AT, *;q=0"),
        (b"date", b"Sunday, 06-Nov-94 08:49:37 GMT"),
        (b"referer", b"http://a/\xff?%"),
        (b"content-disposition", b"attachment; filename*=utf-8''%e2%82%ac; x=\"\\\""),
        (b"x-forwarded-host", b"evil.example"),
    ]
)
ODD_FIELDS = st.tuples(NAMES.filter(lambda name: name != b"host"), VALUES)
FIELDS = st.lists(st.one_of(GOOD_FIELDS, GOOD_FIELDS, GOOD_FIELDS, ODD_FIELDS), max_size=6)
HEADERS = st.builds(list[tuple[bytes, bytes]].__add__, HOSTS, FIELDS)
METHODS = st.sampled_from(
    ["GET", "POST", "PUT", "GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "get", "", "A B"]
)
BODIES = st.lists(RAW | st.sampled_from([b"{", b"}", b'{"a":1}', b"[" * 2000, b"a=b&"]), max_size=5)
POINT = st.none() | st.integers(0, 3)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/x", 200),
        ("GET", "/a/back", 307),
        ("PUT", "/up/b", 200),
        ("GET", "/view", 203),
        ("PUT", "/view/00000000-0000-0000-0000-000000000000", 201),
        ("GET", "/in/2024/2024-02-29", 308),
        ("GET", "/in/a-b", 403),
        ("GET", "/foreign/x", 202),
        ("GET", "/none/a/b", 404),
    ],
)
async def test_the_app_touches_what_it_should(method: str, path: str, status: int) -> None:
    fields = [("host", "a.example.com"), ("referer", "http://a/")]
    reply = await attack(APP, method, path, headers=fields, body=b"x")
    assert reply.status == status


async def test_a_client_that_left_is_known() -> None:
    async with invariants():
        sent = await drive(APP, http_scope("GET", "/in/a-b"), {"type": "http.disconnect"})
        assert await drive(APP, http_scope("GET", "/foreign"), {"type": "http.disconnect"}) == []
    assert sent[0]["status"] == 200


async def test_the_app_talks() -> None:
    incoming: list[Message] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "1"},
        {"type": "websocket.disconnect", "code": 1000},
    ]
    async with invariants():
        sent = await drive(APP, websocket_scope("/x"), *incoming)
    assert sent[-1]["text"] == "[1]"


@given(
    method=METHODS,
    path=PATHS,
    raw_path=st.none() | st.none() | st.binary(max_size=40).map(b"/".__add__) | RAW,
    query=RAW | st.sampled_from([b"a=b", b"next=//evil", b"next=%2Fa", b"&" * 1500, b"a&" * 1500]),
    headers=HEADERS,
    chunks=BODIES,
    root_path=st.sampled_from(["", "", "/in", "/in/", "/x y", "é"]),
    is_cut=st.booleans(),
    fail_send_at=POINT,
    dropped=st.sets(
        st.sampled_from(
            ["raw_path", "root_path", "query_string", "client", "server", "extensions", "scheme"]
        ),
        max_size=2,
    ),
    server=st.sampled_from([None, ("testserver", 80), ("::1", 8000), ("/run/app.sock", None)]),
)
async def test_any_request_keeps_the_invariants_a126(
    *,
    method: str,
    path: str,
    raw_path: bytes | None,
    query: bytes,
    headers: list[tuple[bytes, bytes]],
    chunks: list[bytes],
    root_path: str,
    is_cut: bool,
    fail_send_at: int | None,
    dropped: set[str],
    server: tuple[str, int | None] | None,
) -> None:
    scope = http_scope(method, path, query_string=query, headers=headers, root_path=root_path)
    scope.update(raw_path=raw_path, server=server)
    for key in dropped:
        del scope[key]
    incoming: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
    ]
    incoming.append({"type": "http.disconnect"} if is_cut else {"type": "http.request"})
    sent: list[Message] = []
    async with invariants():
        # A mistake of the peer's in what is read after the start can only break the response off.
        with suppress(HTTPException):
            await drive(APP, scope, *incoming, fail_send_at=fail_send_at, sent=sent)
    for message in sent:
        assert message.get("status", 200) < 500, "I4"


@given(
    path=PATHS,
    raw_path=st.none() | RAW,
    headers=HEADERS,
    extensions=st.sampled_from([{}, {"websocket.http.response": {}}]),
    frames=st.lists(TEXTS | RAW | st.sampled_from(["{}", "[", b"1", "NaN", ""]), max_size=5),
    is_asked=st.booleans(),
    is_left=st.booleans(),
    fail_send_at=POINT,
    spec_version=st.sampled_from(["2.0", "2.3", "2.5", "x"]),
)
async def test_any_websocket_keeps_the_invariants_a126(
    *,
    path: str,
    raw_path: bytes | None,
    headers: list[tuple[bytes, bytes]],
    extensions: dict[str, object],
    frames: list[str | bytes],
    is_asked: bool,
    is_left: bool,
    fail_send_at: int | None,
    spec_version: str,
) -> None:
    scope = websocket_scope(path, headers=headers, extensions=extensions, spec_version=spec_version)
    scope["raw_path"] = raw_path
    incoming: list[Message] = [{"type": "websocket.connect"}] if is_asked else []
    incoming += [
        {"type": "websocket.receive", "text" if isinstance(frame, str) else "bytes": frame}
        for frame in frames
        if is_asked
    ]
    incoming += [{"type": "websocket.disconnect", "code": 1001}] if is_left else []
    async with invariants():
        await drive(APP, scope, *incoming, tail="disconnect", fail_send_at=fail_send_at)
