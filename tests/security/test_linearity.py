"""Cost grows with the input, linearly: A134, the registry of what reads a peer's bytes.

Each entry has at least three hostile inputs. Four times the input may cost six times as much:
linear is four, quadratic sixteen. A parser that is not registered here fails the last tests.
"""

from __future__ import annotations

import ast
import gzip
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeAlias

import pytest

from portico import BadInput, Hub, Request
from portico.asgi import Message
from portico.channels.message import decode_payload
from portico.codec import decode_json, decode_msgpack
from portico.connection.body import Body
from portico.connection.raw_websocket import RawWebSocket
from portico.http.accept import Accept, AcceptCharset, AcceptEncoding, AcceptLanguage
from portico.http.charsets import decode_text
from portico.http.conditional import Conditions, decide, read_conditions
from portico.http.cookies import parse_cookies
from portico.http.dates import parse_date
from portico.http.disposition import content_disposition, parse_disposition
from portico.http.encodings import make_decoder
from portico.http.etags import ETag, ETags, parse_etag
from portico.http.grammar import parse_parameters, split_list
from portico.http.headers import Headers
from portico.http.media import MediaType, parse_media_type
from portico.http.multipart import FormLimits, MultipartParser, parse_boundary
from portico.http.origin import parse_origin, parse_origins
from portico.http.parts import parse_part_head
from portico.http.paths import origin_form, quote_root, rooted_path, split_path
from portico.http.query import UrlencodedCounter, parse_query, parse_urlencoded
from portico.http.ranges import parse_range
from portico.http.sse import EventStreamParser
from portico.http.urls import location, parse_host, request_url, safe_redirect
from portico.routing.template import parse_template
from portico.routing.tree import Tree
from portico.stores._entries import check_key
from tests.drive import http_scope, websocket_scope
from tests.security.invariants import uncollected
from tests.surface import modules

Make: TypeAlias = Callable[[int], object]
"""Makes an input of about so many characters."""

MOST: Final = 6.0
LEAST_S: Final = 0.001
"""What a measured run takes at least; shorter ones are repeated."""


def repeat(text: str, head: str = "", tail: str = "") -> Make:
    return lambda size: head + text * (size // len(text)) + tail


LISTS = [
    repeat(","),
    repeat(" "),
    repeat('"'),
    repeat('"\\', tail='"'),
    repeat('a="', head="x;"),
    repeat(";q=0."),
    repeat("a/b;c=d,"),
    repeat("\\", head='a;b="'),
    repeat("\t,"),
]
PARAMETERS: list[Make] = [
    repeat(";", head="a/b"),
    repeat(" ;\t", head="a/b"),
    repeat("\\", head='a/b;c="'),
    repeat('\\"', head='a/b;c="', tail='"'),
    repeat("x", head="a/b;c="),
    repeat("a", tail="/"),
    repeat(" ", head="a/b;c=d"),
    lambda size: "a/b" + "".join(f";c{number}=d" for number in range(size // 8)),
]
URLENCODED = [
    repeat("&"),
    repeat("="),
    repeat("%"),
    repeat("%2"),
    repeat("+"),
    repeat("%ff", head="a="),
    repeat("a=b&"),
    repeat("\xff"),
]
COOKIES = [
    repeat(";"),
    repeat('"'),
    repeat("\\", head='a="', tail='"'),
    repeat("a=1;"),
    repeat(" "),
]
HOSTS = [repeat("a"), repeat("a."), repeat("1."), repeat(":"), repeat("[:"), repeat("xn--")]
PATHS = [repeat("/"), repeat("/a"), repeat("/%2F"), repeat("%"), repeat("/.."), repeat("\x00")]
REFERENCES = [
    repeat("/"),
    repeat("%"),
    repeat("é", head="/"),
    repeat("\\"),
    repeat(":"),
    repeat("?#"),
]
EVENT_STREAMS: list[Make] = [
    lambda size: b"x" * size,
    lambda size: b"\r" * size,
    lambda size: b"\r\n" * (size // 2),
    lambda size: b"data\n" * (size // 5),
    lambda size: b"data:a\n\n" * (size // 8),
    lambda size: b"id:" + b"\xf0" * size,
    lambda size: b"retry:" + b"1" * size + b"\n",
    lambda size: b":" * size,
]
ETAGS = [
    repeat(","),
    repeat('"'),
    repeat('"",'),
    repeat("W/"),
    repeat(" ", head='"a"'),
    repeat(", "),
    repeat('"a" '),
    repeat("x", head='"'),
]
RANGES = [
    repeat(",", head="bytes="),
    repeat(" ", head="bytes="),
    repeat("0-0,", head="bytes="),
    repeat("-1,", head="bytes="),
    repeat("9", head="bytes="),
    repeat("9", head="bytes=0-"),
    repeat("0", head="bytes=-"),
    repeat("-", head="bytes="),
    repeat("a"),
]
DATES = [repeat("Sun, "), repeat("0"), repeat(" "), repeat("Sunday, 06-Nov-94 ")]
WORDS = [repeat("a"), repeat("\xff"), repeat(" "), repeat("é")]
JSONS = [
    repeat("["),
    repeat('{"a":'),
    repeat("1"),
    repeat("\\u0041", head='"', tail='"'),
    repeat('\\"', head='"'),
    repeat(" "),
    repeat("1,", head="[", tail="1]"),
    repeat("-"),
]


def encoded(makes: list[Make]) -> list[Make]:
    def as_bytes(make: Make) -> Make:
        return lambda size: str(make(size)).encode("latin-1", "replace")

    return [as_bytes(make) for make in makes]


HEAD: Final = b'--X\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n'
PART: Final = b'--X\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'


def content(piece: bytes) -> Make:
    return lambda size: HEAD + piece * (size // len(piece)) + b"\r\n--X--"


MULTIPARTS: list[Make] = [
    content(b"\r"),
    content(b"\n"),
    content(b"\r\n"),
    content(b"\r\n--"),
    content(b"\r\n-"),
    lambda size: HEAD + b"\n" + b"z" * size + b"\r\n--X--",
    lambda size: b"\r\n" * (size // 2) + HEAD,
    lambda size: b"preamble" * (size // 8) + HEAD,
    lambda size: b"--X--\r\n" + b"epilogue" * (size // 8),
    lambda size: PART * (size // len(PART)) + b"--X--",
    lambda size: (HEAD + b"\r\n") * (size // len(HEAD)) + b"--X--",
    lambda size: b"--X\r\n" + b"a: b\r\n" * (size // 6),
]


def read_multipart(step: int) -> Callable[[bytes], object]:
    def read(data: bytes) -> None:
        parser = MultipartParser("X", FormLimits(fields=10**9, files=10**9, form_bytes=10**9))
        for at in range(0, len(data), step):
            parser.feed(data[at : at + step])
        parser.close()

    return read


def read_events(step: int) -> Callable[[bytes], object]:
    def read(data: bytes) -> None:
        parser = EventStreamParser(max_characters=10**9)
        for at in range(0, len(data), step):
            parser.feed(data[at : at + step])

    return read


def count_urlencoded(data: bytes) -> None:
    counter, held = UrlencodedCounter(10**9, 10**9, 10**9), bytearray()
    for at in range(0, len(data), 64):
        held += data[at : at + 64]
        counter.count(held)


def inflate(data: bytes) -> None:
    decoder = make_decoder("gzip")
    for _ in decoder.feed(data):
        pass
    decoder.close()


def tree() -> Tree[int]:
    found: Tree[int] = Tree()
    templates = (
        *("/{a}-{b}-{c}-{d}!", "/{a}/{b}/{c:path}/x", "/{p:path}/{q:path}/end", "/{a:path}/b/{c}"),
        *(
            "/{a}.{b}/{c:path}",
            "/a/a/{a:path}/a/{b:path}/!",
            "/{a:[a-z]+}/{b:float}",
            "/{d:date}/x",
        ),
    )
    for number, template in enumerate(templates):
        found.add(parse_template(template), number, frozenset({"GET"}))
    return found


HUB: Final = Hub()
TREE: Final = tree()
SEGMENTS: list[Make] = [
    lambda size: ["a"] * size,
    lambda size: ["-" * size],
    lambda size: ["-" * size] * 3,
    lambda size: [""] * size,
    lambda size: ["a", "b"] * (size // 2),
    lambda size: ["1." * (size // 2), "1" * size],
    lambda size: ["1" * size] * 2,
]


def fields(names: Callable[[int], bytes]) -> Make:
    return lambda size: [(names(number), b"v") for number in range(size)]


FIELDS = [
    fields(lambda number: b"X-%d" % number),
    fields(lambda number: b"cookie"),
    fields(lambda number: b"" if number % 2 else b"VARY"),
]


def read_headers(raw: object) -> None:
    headers = Headers(raw)  # type: ignore[arg-type]
    _ = headers.get("x-none"), headers.getall("cookie", []), "host" in headers, list(headers)
    _ = repr(headers), headers == Headers(headers.raw)


def run(coroutine: Coroutine[Any, Any, object]) -> None:
    """Run what never really waits."""
    with suppress(StopIteration):
        coroutine.send(None)


def read_body(chunks: object) -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": True}
        for chunk in chunks  # type: ignore[attr-defined]
    ]
    messages[-1]["more_body"] = False
    waiting = iter(messages)

    async def receive() -> Message:
        return next(waiting)

    run(Body(receive).read(10**9))


CHUNKS: list[Make] = [
    lambda size: [b"x"] * size,
    lambda size: [b"", b"x"] * (size // 2),
    lambda size: [b"x" * 64] * (size // 16),
    lambda size: [b"x" * size],
]


def read_request(name: str) -> Callable[[Any], object]:
    def read(value: Any) -> object:
        field = (name.replace("_", "-"), value.encode("latin-1", "replace"))
        return getattr(Request(http_scope(headers=[field])), name)

    return read


REGISTRY: dict[str, tuple[Callable[[Any], object], list[Make]]] = {
    "grammar.split_list": (split_list, LISTS),
    "grammar.parse_parameters": (parse_parameters, [*LISTS, *PARAMETERS]),
    "media.parse_media_type": (parse_media_type, [*LISTS, *PARAMETERS]),
    "accept.Accept": (Accept.parse, [*LISTS, *PARAMETERS]),
    "accept.AcceptCharset": (AcceptCharset.parse, LISTS),
    "accept.AcceptEncoding": (AcceptEncoding.parse, LISTS),
    "accept.AcceptLanguage": (AcceptLanguage.parse, [*LISTS, repeat("a-"), repeat("*-")]),
    "accept.best_match": (lambda text: Accept.parse(text).best_match(["a/b"] * 10), LISTS),
    "accept.lookup": (lambda text: AcceptLanguage.parse(text).lookup(["de"]), LISTS),
    "cookies.parse_cookies": (lambda text: parse_cookies([text]), COOKIES),
    "cookies.parse_cookies, many fields": (
        parse_cookies,
        [
            lambda size: ["a=1"] * size,
            lambda size: [";"] * size,
            lambda size: ['"'] * size,
        ],
    ),
    "query.parse_query": (parse_query, [*URLENCODED, *encoded(URLENCODED)]),
    "query.parse_urlencoded": (parse_urlencoded, [*URLENCODED, *encoded(URLENCODED)]),
    "query.UrlencodedCounter": (count_urlencoded, encoded(URLENCODED)),
    "multipart.parse_boundary": (
        lambda text: parse_boundary(MediaType("a", "b", {"boundary": text}), max_bytes=10**9),
        [repeat("-"), repeat(" ", tail="a"), repeat("a", tail=" ")],
    ),
    "parts.parse_part_head": (
        lambda text: parse_part_head([("Content-Disposition", text), ("Content-Type", text)]),
        [
            repeat("\\", head='form-data; name="'),
            repeat('\\"', head='form-data; name="', tail='"'),
            repeat(";", head="form-data"),
            repeat(" ;\t", head="form-data"),
            repeat("%22", head='form-data; name="', tail='"'),
            repeat('; a="', head="form-data"),
            repeat("x", head="form-data; name="),
        ],
    ),
    "multipart.MultipartParser": (read_multipart(10**9), MULTIPARTS),
    "multipart.MultipartParser, 64 bytes at once": (read_multipart(64), MULTIPARTS),
    "multipart.MultipartParser, byte by byte": (read_multipart(1), MULTIPARTS),
    "sse.EventStreamParser": (read_events(10**9), EVENT_STREAMS),
    "sse.EventStreamParser, 64 bytes at once": (read_events(64), EVENT_STREAMS),
    "sse.EventStreamParser, byte by byte": (read_events(1), EVENT_STREAMS),
    "encodings.Decoder": (
        inflate,
        [
            lambda size: gzip.compress(b"") * (size // 20),
            lambda size: gzip.compress(bytes(size)),
            lambda size: gzip.compress(bytes(range(256)) * (size // 256)),
            lambda size: b"\x1f\x8b\x08\x08\0\0\0\0\0\0" + b"n" * size,
        ],
    ),
    "dates.parse_date": (parse_date, DATES),
    "etags.parse_etag": (parse_etag, ETAGS),
    "etags.ETags": (lambda text: ETags(text).has_weak(ETag("x")), ETAGS),
    "conditional.decide": (
        lambda text: decide("GET", Conditions(*[text] * 6), etag='"x"', last_modified=7),
        [*ETAGS, *DATES],
    ),
    "conditional.read_conditions": (
        read_conditions,
        [
            fields(lambda number: b"range"),
            fields(lambda number: b"if-match" if number % 2 else b"if-range"),
            fields(lambda number: b"x-%d" % number),
        ],
    ),
    "ranges.parse_range": (lambda text: parse_range(text, 1 << 20), RANGES),
    "disposition.parse_disposition": (
        parse_disposition,
        [*LISTS, *PARAMETERS, repeat("%2", head="a;filename*=utf-8''")],
    ),
    "disposition.content_disposition": (content_disposition, [*WORDS, *PATHS]),
    "urls.parse_host": (parse_host, HOSTS),
    "origin.parse_origin": (lambda text: parse_origin(f"https://{text}"), HOSTS),
    "origin.parse_origins": (lambda text: parse_origins([text]), HOSTS),
    "urls.location": (location, REFERENCES),
    "urls.safe_redirect": (safe_redirect, REFERENCES),
    "urls.request_url": (
        lambda path: request_url(
            scheme="http",
            host=path[:300],
            server=None,
            path=path,
            raw_path=path.encode("latin-1"),
            query_string=path.encode("latin-1"),
        ),
        PATHS,
    ),
    "paths.split_path": (
        lambda path: split_path(path, path.encode("latin-1"), "/a"),
        PATHS,
    ),
    "paths.rooted_path": (lambda path: rooted_path(path, path.encode("latin-1"), "/a"), PATHS),
    "paths.origin_form": (
        lambda path: origin_form(f"http://{path}", f"http://{path}".encode("latin-1")),
        PATHS,
    ),
    "paths.quote_root": (lambda path: quote_root(path, path.encode("latin-1"), path[:-1]), PATHS),
    "charsets.decode_text": (
        lambda data: [decode_text(data, charset) for charset in ("utf-8", "gb18030", "utf-16")],
        encoded([*WORDS, repeat("\x80"), repeat("\xf0\x9f")]),
    ),
    "headers.Headers": (read_headers, FIELDS),
    "codec.decode_json": (decode_json, encoded(JSONS)),
    "codec.decode_json, typed": (lambda data: decode_json(data, dict[str, int]), encoded(JSONS)),
    "codec.decode_msgpack": (
        decode_msgpack,
        [
            lambda size: b"\x91" * size,
            lambda size: b"\x81\xa1a" * (size // 3),
            lambda size: b"\xdd\xff\xff\xff\xff" * (size // 5),
            lambda size: b"\xc6" + size.to_bytes(4, "big") + b"x" * size,
        ],
    ),
    "body.Body": (read_body, CHUNKS),
    "hub.subscribe": (HUB.subscribe, [*WORDS, repeat("\x9f"), repeat("ä")]),
    "message.decode_payload": (
        decode_payload,
        [
            lambda size: b"t" * size,
            lambda size: b"t" + b"\xff" * size,
            lambda size: b"t" + "ä".encode() * (size // 2),
            lambda size: b"b" * size,
        ],
    ),
    "stores.key": (check_key, [*WORDS, repeat(":"), repeat("ä")]),
    "tree.find": (lambda segments: TREE.find(segments, "GET"), SEGMENTS),
    "tree.allowed": (TREE.allowed, SEGMENTS),
    "request.content_length": (read_request("content_length"), [repeat("1"), repeat("-"), *WORDS]),
    "request.referer": (
        lambda text: (
            Request(http_scope(headers=[("referer", text.encode("latin-1", "replace"))])).referrer
        ),
        [repeat("/", head="http://a"), repeat("%", head="http://a/"), repeat("@:")],
    ),
    "websocket.subprotocols": (
        lambda names: RawWebSocket(websocket_scope(subprotocols=names)).subprotocols,
        [
            lambda size: ["a"] * size,
            lambda size: ["," * size],
            lambda size: [" " * size],
            lambda size: ["a, " * (size // 3)],
        ],
    ),
}

CASES = [
    pytest.param(read, make, id=f"{name} {number}")
    for name, (read, makes) in REGISTRY.items()
    for number, make in enumerate(makes)
]


def seconds(read: Callable[[Any], object], given: object, repeats: int) -> float:
    """Take the least of some runs: whatever else the machine does makes it more."""
    least = float("inf")
    for _ in range(3):
        started = time.thread_time()
        for _ in range(repeats):
            with suppress(BadInput, ValueError):
                read(given)
        least = min(least, time.thread_time() - started)
    return least


def growth(read: Callable[[Any], object], make: Make, size: int) -> float:
    """Tell how many times as long four times the input takes."""
    small, large = make(size), make(4 * size)
    took_s = seconds(read, small, 1)
    repeats = min(max(round(LEAST_S / max(took_s, 1e-7)), 1), 1000)
    return seconds(read, large, repeats) / max(seconds(read, small, repeats), 1e-9)


@pytest.mark.parametrize(("read", "make"), CASES)
def test_cost_grows_no_faster_than_the_input_a134(
    read: Callable[[Any], object], make: Make
) -> None:
    with uncollected():
        grown = [growth(read, make, 2000) for _ in range(2)]
        while min(grown) > MOST and len(grown) < 6:  # pragma: no branch  a busy machine
            grown.append(growth(read, make, 2000))  # pragma: no cover  mostly it is not
    assert min(grown) <= MOST


@pytest.mark.parametrize("name", REGISTRY)
def test_each_has_three_hostile_inputs(name: str) -> None:
    assert len(REGISTRY[name][1]) >= 3


def test_every_parser_of_http_is_registered() -> None:
    known = {name.split(",")[0] for name in REGISTRY}
    for module, path in modules().items():
        if module.startswith("portico.http."):
            for statement in ast.parse(path.read_text()).body:
                name = getattr(statement, "name", "")
                if name.startswith(("parse_", "split_", "decode_", "Accept")) or (
                    name.endswith("Parser")
                ):
                    assert f"{module.rpartition('.')[2]}.{name}" in known
