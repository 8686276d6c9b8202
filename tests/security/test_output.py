"""Attacks by what an application is made to send: A068, A069, A073, A075."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.message import Message as MailMessage
from typing import Any, TypeAlias

import pytest
from yarl import URL

from portico import (
    App,
    HTMLResponse,
    HTTPException,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Request,
    Response,
    WebSocket,
    safe_redirect,
)
from portico.asgi import Message
from portico.http.cookies import format_cookie, parse_cookies
from portico.http.disposition import content_disposition, parse_disposition
from portico.http.headers import Headers, MutableHeaders, encode_headers
from tests.drive import call, drive, http_scope, websocket_scope
from tests.security.invariants import attack, invariants

BAD_VALUES = [
    "a\rb",
    "a\nb",
    "a\0b",
    *(f"a{chr(code)}b" for code in range(1, 32) if chr(code) not in "\t\r\n"),
    "a\x7fb",
    " a",
    "a ",
    "\ta",
    "a\t",
    "€",
    # more of the kind
    "a\r\nset-cookie: x=y",
    "\r\n\r\n<script>",
    "a\n",
    "\u010d\u010a",  # whose low bytes are CR and LF
    "\ud800",
    " ",
    "\u2028",
]
BAD_NAMES = [
    "",
    "a b",
    "a:b",
    "x\r\ny",
    "é",
    "transfer-encoding",
    # more of the kind
    "Transfer-Encoding",
    "x\0",
    "x\n",
    " x",
    "\u212a",
    "x\u010a",
    "(x)",
    "x" * 5 + "\x7f",
]
GOOD_VALUES = ["a\tb", "é", "", "a  b", "\x80\xff", "\xa0"]

Setter: TypeAlias = Callable[[str, str], object]


def _written() -> MutableHeaders:
    return PlainTextResponse("x").headers


def put_mapping(name: str, value: str) -> None:
    Response(None, 200, {name: value})


def put_pairs(name: str, value: str) -> None:
    Response(None, 200, [(name, value)])


def put_html(name: str, value: str) -> None:
    HTMLResponse("", headers={name: value})


def put_json(name: str, value: str) -> None:
    JSONResponse(1, headers={name: value})


def put_redirect(name: str, value: str) -> None:
    RedirectResponse("/", headers={name: value})


def put_item(name: str, value: str) -> None:
    _written()[name] = value


def put_added(name: str, value: str) -> None:
    _written().add(name, value)


def put_default(name: str, value: str) -> None:
    _written().setdefault(name, value)


def put_update(name: str, value: str) -> None:
    _written().update({name: value})


def put_extended(name: str, value: str) -> None:
    _written().extend([(name, value)])


def put_encoded(name: str, value: str) -> None:
    encode_headers({name: value})


SETTERS: list[Setter] = [
    *(put_mapping, put_pairs, put_html, put_json, put_redirect, put_item, put_added),
    *(put_default, put_update, put_extended, put_encoded),
]


@pytest.mark.parametrize("put", SETTERS)
def test_header_values_are_checked_when_set_cve_2020_7695_cve_2018_1000164_cve_2026_34519(
    put: Setter,
) -> None:
    for value in BAD_VALUES:
        with pytest.raises(ValueError, match="header 'x-a'"):
            put("x-a", value)
        with pytest.raises(ValueError, match="header 'x-a'"):
            put("x-a", value + "b" * 100 + value)  # longer than what is kept once checked
    for value in GOOD_VALUES:
        put("x-a", value)


@pytest.mark.parametrize("put", SETTERS)
def test_header_names_are_checked_when_set_cve_2016_9964_cve_2012_2374(put: Setter) -> None:
    for name in BAD_NAMES:
        with pytest.raises(ValueError, match="header"):
            put(name, "a")


def test_names_that_are_added_to_vary_are_checked() -> None:
    headers = _written()
    for name in BAD_NAMES:
        if name.lower() != "transfer-encoding":
            with pytest.raises(ValueError, match="header"):
                headers.add_vary(name)
    assert "vary" not in headers


@pytest.mark.parametrize("value", BAD_VALUES)
def test_media_types_are_checked(value: str) -> None:
    with pytest.raises(ValueError, match="content-type"):
        Response(b"", media_type=value)


Handler: TypeAlias = Callable[[Request[Any], str, str], Any]


async def _start(request: Request[Any], name: str, value: str) -> None:
    await request.response.start(200, {name: value})


async def _write(request: Request[Any], name: str, value: str) -> None:
    async with request.response_writer(headers=[(name, value)]):
        raise RuntimeError("not reached")  # pragma: no cover


async def _respond(request: Request[Any], name: str, value: str) -> None:
    await request.respond((200, "x", {name: value}))


async def _tuple(request: Request[Any], name: str, value: str) -> object:
    return 200, "x", {name: value}


async def _raise(request: Request[Any], name: str, value: str) -> object:
    raise HTTPException(403, headers={name: value})


@pytest.mark.anyio
@pytest.mark.parametrize("put", [_start, _write, _respond, _tuple, _raise])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-a", "a\r\nset-cookie: x=y"),
        ("x-a", "a\n"),
        ("x-a\r\nb", "a"),
        ("transfer-encoding", "x"),
    ],
)
async def test_nothing_of_a_bad_header_is_sent_cve_2020_7695(
    put: Handler, name: str, value: str
) -> None:
    app = App()

    @app.get("/")
    async def handler(request: Request[Any]) -> object:
        return await put(request, name, value)

    sent: list[Message] = []
    async with invariants(errors=1):
        with pytest.raises(ValueError, match="header"):
            await drive(app, http_scope(), sent=sent)
    assert sent[0]["status"] == 500  # a bug of the application, and no word of the header
    assert b"set-cookie" not in b"".join(name + value for name, value in sent[0]["headers"])


@pytest.mark.anyio
@pytest.mark.parametrize("value", BAD_VALUES)
async def test_headers_of_a_handshake_are_checked_cve_2018_1000164(value: str) -> None:
    extensions: dict[str, object] = {"websocket.http.response": {}}
    sent: list[Message] = []
    faults: list[Exception] = []
    app = App()

    @app.websocket("/")
    async def handler(websocket: WebSocket[Any]) -> None:
        try:
            await websocket.accept(headers={"x-a": value})
        except ValueError as error:
            faults.append(error)
        try:
            await websocket.deny(PlainTextResponse("no", 403, {"x-a": value}))
        except ValueError as error:
            faults.append(error)

    async with invariants():
        await drive(
            app, websocket_scope(extensions=extensions), {"type": "websocket.connect"}, sent=sent
        )
    assert len(faults) == 2
    assert all(b"x-a" not in dict(message.get("headers", [])) for message in sent)


def test_reading_does_not_split_what_a_peer_sent() -> None:
    headers = Headers([(b"x-a", b"a\r\nb: c"), (b"x-a: y", b"1")])
    assert list(headers.items()) == [("x-a", "a\r\nb: c"), ("x-a: y", "1")]
    assert "b" not in headers


# Set-Cookie


@pytest.mark.parametrize(
    "name",
    ["", "a;b", "a=b", "a b", "legit\r\nX: y", "a\0", "é", "a,b", '"a"', "a\x7f", "\u212a", "a\n"],
)
def test_cookie_names_are_tokens_cve_2024_47764_cve_2026_35536_cve_2026_0672(name: str) -> None:
    with pytest.raises(ValueError, match="cookie name"):
        Response().set_cookie(name, "v")


@pytest.mark.parametrize(
    "value", [";", "a;b; Domain=evil", ",", '"', "€", "a b", "\\", '\\"', '"; x="']
)
def test_cookie_values_are_reversible_and_never_raw_cve_2026_29086_cve_2026_47675(
    value: str,
) -> None:
    written = format_cookie("a", value)
    assert written.count(";") == format_cookie("a", "b").count(";")
    assert written.isascii()
    assert parse_cookies([written.partition(";")[0]])["a"] == value


@pytest.mark.parametrize(
    "value", ["\r", "\n", "\0", "\x01", "a\r\nSet-Cookie: b=c", "\x7f", "\ud800"]
)
def test_cookie_values_that_cannot_be_carried_are_refused_cve_2026_0672(value: str) -> None:
    with pytest.raises(ValueError, match="its value holds"):
        Response().set_cookie("a", value)


ATTRIBUTES: list[dict[str, Any]] = [
    *({"path": f"/{bad}"} for bad in (";", "\r", "\n", "\0", "; Domain=evil", "\x7f", "é")),
    {"path": "a"},
    {"path": ""},
    *(
        {"domain": f"a{bad}"}
        for bad in (";", "\r\n", "\0", "; Secure", " ", "é", "/", ":80", "..b")
    ),
    {"domain": ".x y"},
    {"domain": ""},
    *({"samesite": bad} for bad in ("lax; Domain=evil", "lax\r\n", "\0", "", "other")),
    {"samesite": "none"},
    {"max_age": float("nan")},
    {"max_age": float("inf")},
    {"max_age": "1; Domain=evil"},
    {"max_age": -1},
    {"expires": datetime(2030, 1, 1)},  # noqa: DTZ001  naive: the point
    {"expires": float("nan")},
    {"expires": 1e300},
    {"partitioned": True},
]


@pytest.mark.parametrize("attributes", ATTRIBUTES, ids=str)
def test_cookie_attributes_cannot_inject_cve_2024_47764_cve_2026_35536(
    attributes: dict[str, Any],
) -> None:
    response = Response()
    with pytest.raises(ValueError, match=r"."):
        response.set_cookie("a", "b", **attributes)
    assert len(response.headers) == 0


# Redirects


UNSAFE = [
    "//evil",
    "///evil",
    "/\\evil",
    "\\\\evil",
    "/\t/evil",
    "/%09/evil",
    " //evil",
    "\x08javascript:1",
    "javascript:1",
    "data:",
    "https:evil",
    "http:///evil",
    "http://a@evil",
    "http://good.example.evil",
    "//0177.0.0.1",
    "/a\r\nX: y",
    # more of the kind
    "",
    "evil",
    "/%5Cevil",
    "/%2Fevil",
    "/%2f%2fevil",
    "/\n/evil",
    "/\x7f",
    "/%0d%0aset-cookie:a=b",
    "?//evil",
    "https://evil",
    "\u3000//evil",
    "/\\/evil",
    "vbscript:1",
]


@pytest.mark.parametrize("target", UNSAFE)
def test_what_a_client_sent_stays_here_cve_2024_29041_cve_2025_62595_cve_2017_7233(
    target: str,
) -> None:
    assert safe_redirect(target) == "/"
    assert safe_redirect(target, "/home") == "/home"


@pytest.mark.parametrize("target", ["/a", "/a?b=//c", "/a#b", "/a%20b", "/a//b", "/a:b"])
def test_paths_are_safe_cve_2015_2317(target: str) -> None:
    assert RedirectResponse(safe_redirect(target)).headers["location"] == target


REFUSED = [
    *("//evil", "///evil", "/\\evil", "\\\\evil", "/\t/evil", "\x08javascript:1", "javascript:1"),
    *(
        "data:",
        "https:evil",
        "http:///evil",
        "http://a@evil",
        "/a\r\nX: y",
        "/a\0",
        "",
        "//0177.0.0.1",
    ),
    *("http://", "https://evil\\@good", "ftp://a", "http://a:b@c", "/\x7f", "file:///etc/passwd"),
]


@pytest.mark.parametrize("target", REFUSED)
def test_a_redirect_says_where_it_goes_cve_2021_32618_cve_2018_1000164(target: str) -> None:
    with pytest.raises(ValueError, match="redirect"):
        RedirectResponse(target)


@pytest.mark.parametrize("target", ["/%0d%0aX:y", "/%5cevil", "/%2fevil", "/a%00"])
def test_a_redirect_decodes_nothing_cve_2021_32618(target: str) -> None:
    assert RedirectResponse(target).headers["location"] == target


def test_an_absolute_redirect_is_asked_for() -> None:
    location = RedirectResponse(URL("https://good.example/a b")).headers["location"]
    assert location == "https://good.example/a%20b"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "path", ["//evil.example/", "//evil.example", "/\\evil.example/", "/%5Cevil/"]
)
async def test_the_slash_redirect_stays_here_cve_2024_29041(path: str) -> None:
    app = App(trailing_slash="redirect")

    @app.get("/{a:path}/", "/{a}/{b}")
    async def handler(request: Request[Any]) -> str:
        return "here"

    reply = await attack(app, path=path)
    location = reply.headers.get("location", "/")
    assert not location.startswith(("//", "/\\"))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("query", "written"),
    [
        (b"x=\\", "x=%5C"),
        (b"\x00\r\n", "%00%0D%0A"),
        (b"a=%5c&b=\xff", "a=%5c&b=%FF"),
        (b"//evil\x7f", "//evil%7F"),
    ],
)
async def test_the_slash_redirect_writes_any_query_cve_2021_32618(
    query: bytes, written: str
) -> None:
    app = App(trailing_slash="redirect")
    app.get("/a/")(lambda: "here")
    reply = await attack(app, path="/a", query=query)
    assert (reply.status, reply.headers["location"]) == (308, f"/a/?{written}")


# Content-Disposition


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ('a"b', 'a"b'),
        ("a\\b", "b"),
        ("a;b", "a;b"),
        ("a\r\nX: y", "aX: y"),
        ("€.txt", "€.txt"),
        ("a%22b", "a%22b"),
        ("\x00", None),
        ("../../x", "x"),
        ('x.bat" ; y', 'x.bat" ; y'),
        ("lone\ud800", "lone\ufffd"),
        ("C:\\windows\\win.ini", "win.ini"),
        ("..", None),
        ("/etc/passwd/", None),
        ("a'b", "a'b"),
        ("'; filename*=utf-8''evil.exe", "'; filename*=utf-8''evil.exe"),
        ("\u202egnp.exe", "\u202egnp.exe"),
        ("a\u2028b", "ab"),
        (" .bat", ".bat"),
        ("=?utf-8?q?evil?=", "=?utf-8?q?evil?="),
    ],
)
def test_a_filename_comes_back_as_a_name_cve_2022_36359(filename: str, name: str | None) -> None:
    written = content_disposition(filename)
    assert parse_disposition(written) == ("attachment", {"filename": name} if name else {})
    Response(headers={"content-disposition": written})  # a good header
    assert written.isascii()
    mail = MailMessage()  # another reader, of the standard library
    mail["content-disposition"] = written
    extended = "filename*=UTF-8''" in written
    assert extended or mail.get_filename() == name


def test_a_long_filename_is_cut() -> None:
    assert len(content_disposition("x" * 10_240)) < 400
    assert content_disposition("x" * 10_240 + ".pdf").endswith('.pdf"')


@pytest.mark.anyio
async def test_an_error_page_shows_nothing_raw_cve_2026_47675() -> None:
    app = App()

    @app.get("/{name}")
    async def handler(request: Request[Any], name: str) -> object:
        raise HTTPException(404, f"no <b>{name}</b>")

    path = "/<script>alert(1)</script>"
    page = await call(app, path="/" + "<script>", headers=[("accept", "text/html")])
    assert "<script" not in page.text
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in (await call(app, path=path, headers=[("accept", "text/html")])).text
