"""Call an ASGI application with raw messages, and hold what it sends against the protocol.

    messages = await drive(app, http_scope("GET", "/items"), body(b"..."))
    reply = await call(app, "POST", "/items", body=b"...", headers=[("content-type", "text/plain")])

Nothing is normalised on the way: the scope holds what the test wrote. Works under asyncio and
trio. Only plain ``raise`` here, no ``assert``: ``python -OO`` must not switch the checks off.
"""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import quote

import anyio
import anyio.lowlevel

from portico.asgi import ASGIApp, Message, Scope

__all__ = (
    "HeaderPairs",
    "Outbound",
    "Peer",
    "Reply",
    "Violation",
    "body_messages",
    "call",
    "drive",
    "http_scope",
    "websocket_scope",
)

HeaderPairs = Iterable[tuple[str | bytes, str | bytes]]
"""Header fields as a test writes them; text is encoded as latin-1, names stay as they are."""

TIMEOUT_S: Final = 10
"""An application that waits longer than this, waits for ever."""

_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_VALUE: Final = re.compile(rb"(?:[!-~\x80-\xff](?:[ -~\t\x80-\xff]*[!-~\x80-\xff])?)?")
_SINGLE: Final = (b"content-length", b"content-type", b"location", b"etag")
_EXTENSION: Final = {
    "http.response.early_hint": "http.response.early_hint",
    "http.response.push": "http.response.push",
    "http.response.pathsend": "http.response.pathsend",
    "http.response.zerocopysend": "http.response.zerocopysend",
    "http.response.debug": "http.response.debug",
    "http.response.trailers": "http.response.trailers",
    "websocket.http.response.start": "websocket.http.response",
    "websocket.http.response.body": "websocket.http.response",
}


class Violation(AssertionError):
    """The application sent what ASGI or HTTP does not allow."""


def _require(truth: object, fault: str) -> None:
    if not truth:
        raise Violation(fault)


def _bytes(text: str | bytes) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else text


def _scope(
    kind: str, path: str, raw_path: bytes | None, headers: HeaderPairs, spec_version: str
) -> Scope:
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": spec_version},
        "http_version": "1.1",
        "path": path,
        "raw_path": quote(path).encode() if raw_path is None else raw_path,
        "headers": [(_bytes(name), _bytes(value)) for name, value in headers],
        "client": ("127.0.0.1", 50000),
    }


def http_scope(
    method: str = "GET",
    path: str = "/",
    *,
    query_string: bytes = b"",
    headers: HeaderPairs = (("host", "testserver"),),
    raw_path: bytes | None = None,
    root_path: str = "",
    scheme: str = "http",
    server: tuple[str, int | None] | None = ("testserver", 80),
    extensions: Mapping[str, object] | None = None,
    spec_version: str = "2.5",
    **more: object,
) -> Scope:
    """Make the scope of a request. ``path`` is decoded, as servers give it.

    ``raw_path`` is ``path`` quoted unless given; ``more`` are further keys (``state=``,
    ``client=``, ``http_version=``). Delete a key from the result to play a poorer server.
    """
    return {
        **_scope("http", path, raw_path, headers, spec_version),
        "method": method,
        "scheme": scheme,
        "root_path": root_path,
        "query_string": query_string,
        "server": server,
        "extensions": dict(extensions or {}),
        **more,
    }


def websocket_scope(
    path: str = "/",
    *,
    query_string: bytes = b"",
    headers: HeaderPairs = (("host", "testserver"),),
    subprotocols: Iterable[str] = (),
    raw_path: bytes | None = None,
    root_path: str = "",
    scheme: str = "ws",
    server: tuple[str, int | None] | None = ("testserver", 80),
    extensions: Mapping[str, object] | None = None,
    spec_version: str = "2.5",
    **more: object,
) -> Scope:
    """Make the scope of a websocket; arguments as for ``http_scope``.

    ``extensions={"websocket.http.response": {}}`` lets the application refuse with a response.
    """
    return {
        **_scope("websocket", path, raw_path, headers, spec_version),
        "scheme": scheme,
        "root_path": root_path,
        "query_string": query_string,
        "server": server,
        "subprotocols": list(subprotocols),
        "extensions": dict(extensions or {}),
        **more,
    }


def body_messages(body: bytes | Iterable[bytes] = b"") -> list[Message]:
    """Make the ``http.request`` messages of a body, one for each chunk."""
    chunks = [body] if isinstance(body, bytes) else list(body) or [b""]
    last = len(chunks) - 1
    return [
        {"type": "http.request", "body": chunk, "more_body": at < last}
        for at, chunk in enumerate(chunks)
    ]


async def drive(
    app: ASGIApp,
    scope: Scope,
    *incoming: Message,
    tail: Literal["block", "disconnect"] = "block",
    fail_send_at: int | None = None,
    block_send_after: int | None = None,
    sent: list[Message] | None = None,
) -> list[Message]:
    """Run ``app`` on ``scope``; give back what it sent, or raise what it raised.

    A request without ``incoming`` has one empty body message. After the last message
    ``receive`` waits until the response is complete and then gives the disconnect
    (``tail="disconnect"``: at once). From message ``fail_send_at`` on (0 is the first)
    ``send`` raises ``OSError``, as for a client that left; after ``block_send_after`` messages
    it waits for ever, as for a client that reads nothing.

    ``sent`` is filled as messages come: pass a list to see them when ``app`` raises.

    Raises ``Violation`` if what is sent breaks the protocol, or if ``app`` returns from a
    request in the middle of a response although nobody left.
    """
    if scope["type"] == "http" and not incoming:
        incoming = tuple(body_messages())
    peer = Peer(scope, incoming, tail, [] if sent is None else sent)
    peer.fail_send_at, peer.block_send_after = fail_send_at, block_send_after
    with anyio.fail_after(TIMEOUT_S):
        await app(scope, peer.receive, peer.send)
    if scope["type"] == "http" and not peer.is_gone:
        _require(peer.outbound.is_complete, "the app returned before its response was complete")
    return peer.sent


class Peer:
    """The server's and the client's end of one scope; ``drive`` explains the arguments."""

    def __init__(
        self,
        scope: Scope,
        incoming: Iterable[Message],
        tail: Literal["block", "disconnect"],
        sent: list[Message],
    ) -> None:
        self.sent: list[Message] = sent
        self.outbound: Outbound = Outbound(scope)
        self.is_gone: bool = False
        self.fail_send_at: int | None = None
        self.block_send_after: int | None = None
        self._kind: str = scope["type"]
        self._waiting: deque[Message] = deque(incoming)
        self._tail: Literal["block", "disconnect"] = tail
        self._finished: anyio.Event = anyio.Event()

    async def receive(self) -> Message:
        """Give the next message, or the disconnect when there is nothing left to wait for."""
        if self._waiting:
            message = self._waiting.popleft()
        else:
            if self._tail == "block":
                await self._finished.wait()
            message = {"type": f"{self._kind}.disconnect"}
            if self._kind == "websocket":
                message |= {"code": 1005, "reason": ""}
        self.is_gone = self.is_gone or message["type"] == f"{self._kind}.disconnect"
        return message

    async def send(self, message: Message) -> None:
        """Check a message and keep it, or fail or wait as told."""
        await anyio.lowlevel.checkpoint()
        if self.fail_send_at is not None and len(self.sent) >= self.fail_send_at:
            self.is_gone = True
            raise OSError("the client is gone")
        if self.block_send_after is not None and len(self.sent) >= self.block_send_after:
            await anyio.sleep_forever()
        self.outbound.take(message)
        self.sent.append(message)
        if self.outbound.is_complete:
            self._finished.set()


@dataclass(frozen=True)
class Reply:
    """The answer to a request, read from its messages."""

    status: int
    raw_headers: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """Fields by name; repeated ones joined with ``", "`` (RFC 9110 5.3)."""
        return {
            name.decode("latin-1"): ", ".join(self.getall(name.decode("latin-1")))
            for name, _ in self.raw_headers
        }

    def getall(self, name: str) -> list[str]:
        """Every value of one field, in order: for ``set-cookie``."""
        wanted = name.encode("latin-1")
        return [value.decode("latin-1") for key, value in self.raw_headers if key == wanted]

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


async def call(
    app: ASGIApp,
    method: str = "GET",
    path: str = "/",
    *,
    headers: HeaderPairs = (),
    body: bytes | Iterable[bytes] = b"",
    query: bytes = b"",
    tail: Literal["block", "disconnect"] = "block",
    **scope: Any,
) -> Reply:
    """Make one request and read the answer; ``scope`` as for ``http_scope``.

    ``host: testserver`` is added if ``headers`` has no host.
    """
    pairs = [(_bytes(name), _bytes(value)) for name, value in headers]
    if not any(name == b"host" for name, _ in pairs):
        pairs.insert(0, (b"host", b"testserver"))
    asked = http_scope(method, path, query_string=query, headers=pairs, **scope)
    sent = await drive(app, asked, *body_messages(body), tail=tail)
    for message in sent:
        if message["type"] == "http.response.start":
            content = b"".join(m["body"] for m in sent if m.get("body"))
            return Reply(message["status"], list(message.get("headers", ())), content)
    raise Violation("there was no response")


class Outbound:
    """Holds what an application sends on one scope against the protocol (invariants I1 to I3)."""

    def __init__(self, scope: Scope) -> None:
        self.is_complete: bool = False
        self._kind: str = scope["type"]
        self._method: str = scope.get("method", "GET")
        self._extensions: Mapping[str, object] = scope.get("extensions") or {}
        self._started: bool = False
        self._accepted: bool = False
        self._status: int = 0
        self._size: int = 0
        self._length: int | None = None
        self._has_trailers: bool = False
        self._has_body: bool = False

    def take(self, message: Message) -> None:
        """Check the next message; raises ``Violation`` at the first fault."""
        kind = message["type"]
        needs = _EXTENSION.get(kind)
        _require(needs is None or needs in self._extensions, f"the server offered no {needs}")
        _require(not self.is_complete, f"{kind} after the end")
        if self._kind == "http":
            self._take_http(kind, message)
        elif self._kind == "websocket":
            self._take_websocket(kind, message)
        else:
            _require(kind.startswith("lifespan."), f"{kind} in a lifespan")

    def _take_http(self, kind: str, message: Message) -> None:
        if kind == "http.response.start":
            self._start(message)
        elif kind == "http.response.body":
            self._body(message)
        elif kind in {"http.response.early_hint", "http.response.push"}:
            _require(not self._started, f"{kind} after the start")
        elif kind == "http.response.pathsend":
            _require(self._started, f"{kind} before the start")
            self._has_body = True
            self.is_complete = not self._has_trailers
        elif kind == "http.response.trailers":
            _require(self._has_trailers, "trailers that the start does not tell of")
            _require(self._has_body, "trailers before the end of the body")
            _keys(message, "type", "headers", "more_trailers")
            check_headers(message.get("headers", ()))
            self.is_complete = not message.get("more_trailers", False)
        else:
            _require(kind in _EXTENSION, f"{kind} in a request")

    def _start(self, message: Message, trailers: tuple[str, ...] = ("trailers",)) -> None:
        _require(not self._started, "a second start")
        _keys(message, "type", "status", "headers", *trailers)
        status = message["status"]
        # A 1xx is never a whole answer (RFC 9110 15.2).
        _require(type(status) is int and 200 <= status <= 599, f"status {status!r}")
        self._started, self._status = True, status
        self._has_trailers = message.get("trailers", False)
        needs = "http.response.trailers"
        _require(not self._has_trailers or needs in self._extensions, f"no {needs} was offered")
        self._length = check_headers(message.get("headers", ()))
        # RFC 9110 8.6: no Content-Length in a 204.
        _require(status != 204 or self._length is None, "a length in a 204")

    def _body(self, message: Message) -> None:
        _require(self._started, "a body before the start")
        _require(not self._has_body, "a body after the end of the body")
        _keys(message, "type", "body", "more_body")
        chunk, more = message.get("body", b""), message.get("more_body", False)
        _require(type(chunk) is bytes, f"a body of {type(chunk).__name__}")
        _require(type(more) is bool, "more_body is not a bool")
        self._size += len(chunk)
        bare = self._method == "HEAD" or self._status in {204, 205, 304}
        _require(not bare or not self._size, f"content in a {self._method} {self._status}")
        if self._length is not None and not bare:
            _require(self._size <= self._length, "more bytes than the content-length")
            _require(more or self._size == self._length, "fewer bytes than the content-length")
        self._has_body = not more
        self.is_complete = not more and not self._has_trailers

    def _take_websocket(self, kind: str, message: Message) -> None:
        if kind == "websocket.accept":
            _require(not self._accepted and not self._started, "accepted twice")
            _keys(message, "type", "subprotocol", "headers")
            _require(isinstance(message.get("subprotocol"), str | None), "subprotocol is no text")
            check_headers(message.get("headers", ()))
            self._accepted = True
        elif kind == "websocket.send":
            _require(self._accepted and not self._started, "a message on no open socket")
            _keys(message, "type", "bytes", "text")
            data, text = message.get("bytes"), message.get("text")
            _require((data is None) != (text is None), "not exactly one of bytes and text")
            _require(isinstance(data, bytes | None), "bytes are no bytes")
            _require(isinstance(text, str | None), "text is no text")
        elif kind == "websocket.close":
            _require(not self._started, "a close in the middle of a response")
            _keys(message, "type", "code", "reason")
            _require(type(message.get("code", 1000)) is int, "the code is no number")
            reason = message.get("reason")
            _require(isinstance(reason, str | None), "the reason is no text")
            # A control frame carries at most 125 bytes, two of them the code (RFC 6455 5.5).
            _require(len((reason or "").encode()) <= 123, "the reason is over 123 bytes")
            self.is_complete = True
        elif kind == "websocket.http.response.start":
            _require(not self._accepted, "a response after the handshake")
            self._start(message, ())
        elif kind == "websocket.http.response.body":
            self._body(message)
        else:
            raise Violation(f"{kind} on a websocket")


def _keys(message: Message, *known: str) -> None:
    unknown = set(message) - set(known)
    _require(not unknown, f"{message['type']} has unknown keys: {sorted(unknown)}")


def check_headers(headers: Iterable[tuple[object, object]]) -> int | None:
    """Check response fields; give back what their content-length says, if there is one."""
    seen = Counter[bytes]()
    length: int | None = None
    for name, value in headers:
        if not isinstance(name, bytes) or not isinstance(value, bytes):
            raise Violation("a header name or value is not bytes")
        _require(_NAME.fullmatch(name), f"{name!r} is not a lower-case token")
        _require(_VALUE.fullmatch(value), f"{name!r} has a control character or outer blanks")
        _require(name != b"transfer-encoding", "transfer-encoding is the server's (ASGI)")
        seen[name] += 1
        if name == b"content-length":
            _require(re.fullmatch(rb"[0-9]+", value), "content-length is no number")
            length = int(value)
    for name in _SINGLE:
        _require(seen[name] <= 1, f"{name!r} is there {seen[name]} times")
    return length
