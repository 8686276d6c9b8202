"""What every peer must do: the requests, the values that its code uses, the checks of its replies.

Requests vary with ``turn`` wherever a client's would: a cache of one path or query cannot win.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

HELLO = "Hello, world!"
SMALL = {"message": "Hello, World!"}
LARGE = {
    "total": 24,
    "items": [
        {
            "id": 7919 * number,
            "name": f"item number {number}",
            "active": number % 3 == 0,
            "price": number * 1.25,
            "tags": ["red", "green", f"tag-{number}"],
            "owner": {"login": f"user{number}", "admin": False, "note": None},
            "description": "Größe, naïve, “quoted” " + "a few plain words more " * 7,
        }
        for number in range(24)
    ],
}
NOTE = {
    "name": "Grace Hopper",
    "age": 85,
    "active": True,
    "tags": ["navy", "compiler", "cobol", "harvard"],
    "address": {"street": "1 Yale Street", "city": "New Haven", "country": "US"},
    "scores": [number * 3.5 for number in range(40)],
    "text": "It is easier to ask for forgiveness than it is to get permission. " * 7,
}
FORM = {f"field{n}": f"value {n}, with spaces & signs" for n in range(9)} | {"name": "Grace Hopper"}
UPLOAD = bytes(range(256)) * 8
"""The file of ``multipart_small``, called ``report.bin``, behind the text fields."""

TEXTS = {"title": "A report", **{f"field{n}": f"value {n}" for n in range(4)}}
BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
FIELDS = {
    "x-request-id": "0b5f3c1e-7a52-4a1c-9d5e-2f8c3f0f9a11",
    "cache-control": "no-store",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}
SESSION = "c29tZSBzZXNzaW9uIGlkZW50aWZpZXI"
"""A cookie with Path=/, Max-Age=3600, HttpOnly, Secure, SameSite=Lax. Another: ``theme=dark``."""

PARAM_ROUTE = "/teams/{id:int}/members/{user}"
"""In the middle of the table; answers ``f"{user} {id + 1}"``."""

LAST_ROUTE = "/zen"
"""The last of the table; answers ``ZEN``. All others answer ``"ok"``."""

ZEN = "Keep it logically awesome."


def routes() -> list[str]:
    """Two hundred templates of an API: collections, members, and collections below members."""
    below = ("", "/events", "/comments", "/comments/{number:int}", "/labels", "/labels/{label}")
    owned = ["keys", "hooks", "issues", "pulls", "releases", "branches", "commits", "projects"]
    table = [
        f"/{kind}" for kind in ("", "meta", "events", "emojis", "feeds", "issues", "rate_limit")
    ]
    for kind in (
        "users",
        "orgs",
        "gists",
        "packages",
        "licenses",
        "topics",
        "search",
        "apps",
        "labels",
    ):
        table += [f"/{kind}/{{name}}{end}" for end in below]
    table += ["/teams/{id:int}", PARAM_ROUTE, "/teams/{id:int}/members"]
    for kind in owned:
        table += [
            f"/repos/{{owner}}/{{repo}}/{kind}",
            *(f"/repos/{{owner}}/{{repo}}/{kind}/{{id:int}}{end}" for end in below),
        ]
        table += [f"/user/{kind}", *(f"/user/{kind}/{{id:int}}{end}" for end in below[:4])]
    table += [f"/admin/page{number}/settings" for number in range(199 - len(table))]
    return [*table, LAST_ROUTE]


ROUTES = routes()

CHUNK = b"x" * 1024
"""Streamed a hundred times."""

EVENTS = 100
"""So many events are sent; each has the type ``tick``, its number as id, and this text as data."""

EVENT_TEXT = "tick number {}"

BROWSER = {
    "host": "127.0.0.1:8000",
    "connection": "keep-alive",
    "cache-control": "max-age=0",
    "sec-ch-ua": '"Chromium";v="142", "Not_A Brand";v="99"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Linux"',
    "upgrade-insecure-requests": "1",
    "user-agent": "Mozilla/5.0 (X11; Linux) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36",
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
    "sec-fetch-site": "none",
    "sec-fetch-mode": "navigate",
    "accept-encoding": "gzip, deflate, br, zstd",
    "accept-language": "en-GB,en;q=0.9",
    "cookie": "_ga=GA1.2.12345678.17000000; session={session}; lang=en; theme=dark; csrf=1f9a7c",
}
"""The 14 fields that every request carries."""


@dataclass(frozen=True)
class Request:
    """One request, in a client's words."""

    path: str = "/"
    query: str = ""
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    session: str = "s0"


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def getall(self, name: str) -> list[str]:
        return [value.decode("latin-1") for key, value in self.headers if key == name.encode()]


class WrongReply(Exception):
    """A peer did not do what the scenario asks for."""


def require(truth: object, what: object) -> None:
    if not truth:
        raise WrongReply(what)


Check = Callable[[Reply, int], None]


def text(expected: str | Callable[[int], str]) -> Check:
    def check(reply: Reply, turn: int) -> None:
        wanted = expected if isinstance(expected, str) else expected(turn)
        require((reply.status, reply.body.decode()) == (200, wanted), reply)
        require(reply.getall("content-type")[0].startswith("text/plain"), reply.headers)

    return check


def data(expected: Callable[[int], object]) -> Check:
    def check(reply: Reply, turn: int) -> None:
        require((reply.status, json.loads(reply.body)) == (200, expected(turn)), reply)
        require(reply.getall("content-type")[0].startswith("application/json"), reply.headers)

    return check


def check_missing(reply: Reply, turn: int) -> None:
    require(reply.status == 404, reply)


def check_cookies(reply: Reply, turn: int) -> None:
    text("ok")(reply, turn)
    for name, value in FIELDS.items():
        require(reply.getall(name) == [value], name)
    session, theme = sorted(reply.getall("set-cookie"))
    require(session.startswith(f"session={SESSION}") and theme.startswith("theme=dark"), "names")
    attributes = set(re.split("; ?", session.lower())[1:])
    require({"path=/", "max-age=3600", "httponly", "secure", "samesite=lax"} <= attributes, session)


def check_middleware(reply: Reply, turn: int) -> None:
    text("ok")(reply, turn)
    for number in range(1, 6):
        require(reply.getall(f"x-middleware-{number}") == [str(number)], number)


def check_stream(reply: Reply, turn: int) -> None:
    require((reply.status, reply.body) == (200, CHUNK * 100), reply.status)
    require(reply.getall("content-type")[0].startswith("text/plain"), reply.headers)


def check_events(reply: Reply, turn: int) -> None:
    require(reply.getall("content-type")[0].startswith("text/event-stream"), reply.headers)
    *events, last = re.split(r"\r?\n\r?\n", reply.body.decode())
    require((reply.status, len(events), last) == (200, EVENTS, ""), reply.status)
    for number, event in enumerate(events):
        fields = dict(re.split(": ?", line, maxsplit=1) for line in event.splitlines())
        wanted = {"id": str(number), "event": "tick", "data": EVENT_TEXT.format(number)}
        require(fields == wanted, event)


def read_values(turn: int) -> dict[str, object]:
    return {
        "agent": BROWSER["user-agent"],
        "q": f"asgi toolkit! {turn}",
        "page": turn,
        "sort": "stars",
        "session": f"s{turn}",
        "theme": "dark",
    }


@dataclass(frozen=True)
class Scenario:
    """What is asked, what must come back, and the ratio to raw that Portico is held to."""

    request: Callable[[int], Request]
    check: Check
    goal: float | None = None


_NOTE = json.dumps(NOTE).encode()
_JSON = {"content-type": "application/json", "content-length": str(len(_NOTE))}
_FORM = urlencode(FORM).encode()
_URLENCODED = {
    "content-type": "application/x-www-form-urlencoded",
    "content-length": str(len(_FORM)),
}


def multipart(texts: dict[str, str], filename: str, content: bytes) -> bytes:
    line, head = f"--{BOUNDARY}\r\n", "Content-Disposition: form-data; name="
    parts = [f'{line}{head}"{name}"\r\n\r\n{value}\r\n' for name, value in texts.items()]
    kind = "Content-Type: application/octet-stream\r\n\r\n"
    parts.append(f'{line}{head}"file"; filename="{filename}"\r\n{kind}')
    return "".join(parts).encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


_UPLOAD = multipart(TEXTS, "report.bin", UPLOAD)
_MULTIPART = {
    "content-type": f"multipart/form-data; boundary={BOUNDARY}",
    "content-length": str(len(_UPLOAD)),
}

SCENARIOS = {
    "plaintext": Scenario(lambda _: Request("/"), text(HELLO), 2.6),
    "json_small": Scenario(lambda _: Request("/json"), data(lambda _: SMALL), 1.2),
    "json_large": Scenario(lambda _: Request("/json"), data(lambda _: LARGE)),
    "route_param": Scenario(
        lambda turn: Request(f"/teams/{turn}/members/user-{turn % 977}"),
        text(lambda turn: f"user-{turn % 977} {turn + 1}"),
        3.0,
    ),
    "route_static_last": Scenario(lambda _: Request(LAST_ROUTE), text(ZEN), 2.8),
    "not_found": Scenario(
        lambda turn: Request(f"/repos/octocat/hello-{turn}/nothing/{turn}"), check_missing, 5.0
    ),
    "reads": Scenario(
        lambda turn: Request(
            "/reads", f"q=asgi+toolkit%21+{turn}&page={turn}&sort=stars", session=f"s{turn}"
        ),
        data(read_values),
        1.6,
    ),
    "set_cookie_headers": Scenario(lambda _: Request("/cookies"), check_cookies, 3.2),
    "post_json": Scenario(
        lambda _: Request("/json", method="POST", headers=_JSON, body=_NOTE),
        text("Grace Hopper"),
        0.75,
    ),
    "post_form": Scenario(
        lambda _: Request("/form", method="POST", headers=_URLENCODED, body=_FORM),
        text("Grace Hopper"),
        0.54,
    ),
    "multipart_small": Scenario(
        lambda _: Request("/upload", method="POST", headers=_MULTIPART, body=_UPLOAD),
        text(f"A report report.bin {len(UPLOAD)}"),
        6.0,
    ),
    "middleware5": Scenario(lambda _: Request("/"), check_middleware, 1.5),
    "middleware5_asgi": Scenario(lambda _: Request("/"), check_middleware, 2.2),
    "mount3": Scenario(lambda _: Request("/a/b/c/hello"), text("ok"), 4.5),
    "stream": Scenario(lambda _: Request("/stream"), check_stream, 1.7),
    "events": Scenario(lambda _: Request("/events"), check_events, 2.3),
}
