"""Hand-written ASGI: the least work that gives the same answers, on the standard library."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, unquote_plus

from scenarios import (
    BOUNDARY,
    CHUNK,
    EVENT_TEXT,
    EVENTS,
    FIELDS,
    HELLO,
    LARGE,
    ROUTES,
    SESSION,
    SMALL,
    ZEN,
)

IMPORT = """
async def app(scope, receive, send):
    headers = [(b"content-length", b"13"), (b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"Hello, world!"})
"""
TEXT = (b"content-type", b"text/plain; charset=utf-8")
JSON = (b"content-type", b"application/json")
STATIC = {path: b"ok" for path in ROUTES if "{" not in path} | {"/zen": ZEN.encode()}

# One encoder for all: json.dumps with arguments makes a new one at each call.
to_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


async def respond(send, body, content_type=TEXT, status=200, headers=()):
    headers = [(b"content-length", b"%d" % len(body)), content_type, *headers]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def plaintext(scope, receive, send):
    await respond(send, HELLO.encode())


async def json_small(scope, receive, send):
    await respond(send, to_text(SMALL).encode(), JSON)


async def json_large(scope, receive, send):
    await respond(send, to_text(LARGE).encode(), JSON)


async def routing(scope, receive, send):
    path = scope["path"]
    if (body := STATIC.get(path)) is not None:
        await respond(send, body)
        return
    match path.split("/"):
        case ["", "teams", number, "members", user] if (
            user and number.isascii() and number.isdigit()
        ):
            await respond(send, f"{user} {int(number) + 1}".encode())
        case _:
            await respond(send, b"Not Found", status=404)


def pairs(urlencoded):
    for pair in urlencoded.split("&"):
        name, _, value = pair.partition("=")
        yield name, unquote_plus(value) if "%" in value or "+" in value else value


async def reads(scope, receive, send):
    query = dict(pairs(scope["query_string"].decode("latin-1")))
    cookies, agent = {}, ""
    for name, value in scope["headers"]:
        if name == b"user-agent":
            agent = value.decode("latin-1")
        elif name == b"cookie":
            for pair in value.decode("latin-1").split("; "):
                key, _, cookies[key] = pair.partition("=")
    values = {
        "agent": agent,
        "q": query["q"],
        "page": int(query["page"]),
        "sort": query["sort"],
        "session": cookies["session"],
        "theme": cookies["theme"],
    }
    await respond(send, to_text(values).encode(), JSON)


async def set_cookie_headers(scope, receive, send):
    session = f"session={SESSION}; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"
    fields = [(name.encode(), value.encode()) for name, value in FIELDS.items()]
    cookies = [(b"set-cookie", session.encode()), (b"set-cookie", b"theme=dark; Path=/")]
    await respond(send, b"ok", headers=[*fields, *cookies])


async def read(receive):
    pieces, more = [], True
    while more:
        message = await receive()
        pieces.append(message["body"])
        more = message["more_body"]
    return b"".join(pieces)


async def post_json(scope, receive, send):
    await respond(send, json.loads(await read(receive))["name"].encode())


async def post_form(scope, receive, send):
    form = dict(parse_qsl((await read(receive)).decode()))
    await respond(send, form["name"].encode())


async def multipart_small(scope, receive, send):
    fields, files = {}, {}
    for part in (await read(receive)).split(b"--" + BOUNDARY.encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = head.partition(b' name="')[2].partition(b'"')[0].decode()
        _, is_file, filename = head.partition(b' filename="')
        if is_file:
            files[name] = filename.partition(b'"')[0].decode(), content[:-2]
        else:
            fields[name] = content[:-2].decode()
    filename, content = files["file"]
    await respond(send, f"{fields['title']} {filename} {len(content)}".encode())


async def ok(scope, receive, send):
    await respond(send, b"ok")


def with_field(app, number):
    field = (f"x-middleware-{number}".encode(), str(number).encode())

    async def middleware(scope, receive, send):
        async def send_with_field(message):
            if message["type"] == "http.response.start":
                message["headers"].append(field)
            await send(message)

        await app(scope, receive, send_with_field)

    return middleware


async def mount3(scope, receive, send):
    await respond(send, b"ok" if scope["path"] == "/a/b/c/hello" else b"")


async def stream(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [TEXT]})
    for _ in range(100):
        await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
    await send({"type": "http.response.body"})


async def events(scope, receive, send):
    headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for number in range(EVENTS):
        event = f"id: {number}\nevent: tick\ndata: {EVENT_TEXT.format(number)}\n\n"
        await send({"type": "http.response.body", "body": event.encode(), "more_body": True})
    await send({"type": "http.response.body"})


def make(scenario):
    if scenario in {"route_param", "route_static_last", "not_found"}:
        return routing
    if scenario in {"middleware5", "middleware5_asgi"}:
        app = ok
        for number in range(1, 6):
            app = with_field(app, number)
        return app
    return globals()[scenario]
