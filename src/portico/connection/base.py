"""What a request and a websocket have in common: a lazy, typed view of the scope.

Nothing is parsed before somebody asks, and nothing is parsed twice. Properties never wait and never
write to the scope; what the peer sent wrongly raises ``BadInput`` when it is read.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, Generic, NamedTuple, Protocol, cast

from multidict import MultiDictProxy
from propcache.api import cached_property
from yarl import URL

from portico.asgi import Message, Receive, Scope, Send
from portico.connection.tls import TLS
from portico.errors import Misuse
from portico.http.content import content_fields, content_length
from portico.http.cookies import parse_cookies
from portico.http.dates import parse_date
from portico.http.headers import Headers
from portico.http.media import MediaType, parse_media_type
from portico.http.paths import (
    join_segments,
    origin_form,
    quote_path,
    quote_root,
    rooted_path,
    split_path,
)
from portico.http.query import parse_query
from portico.http.urls import request_url

if sys.version_info >= (3, 13):
    from typing import TypeVar  # pragma: no cover - coverage is taken on the oldest Python
else:
    from typing_extensions import TypeVar

__all__ = (
    "SEGMENTS",
    "URLS",
    "Address",
    "HTTPConnection",
    "StateT",
    "URLBuilder",
    "no_receive",
    "no_send",
    "origin_scope",
    "split_scope",
)

URLS: Final = "portico.urls"
"""The scope's key for ``(URLBuilder, root_path)`` of the outermost router."""

StateT = TypeVar("StateT", bound=Mapping[str, Any], default=dict[str, Any])
"""The type of ``request.state``: a TypedDict or a dict."""

_MAX_URL: Final = 8192  # characters; servers take no longer request line either

SEGMENTS: Final = "portico.segments"
"""The scope's key for ``(path, root_path, segments)``: what a mounted router need not split."""


def split_scope(scope: Scope) -> list[str]:
    """Split the scope's path below ``root_path`` into decoded segments, as ``split_path`` does."""
    path, root_path = scope["path"], scope.get("root_path", "")
    kept = scope.get(SEGMENTS)
    # The very objects: middleware between two routers may have rewritten the path.
    if kept is not None and kept[0] is path and kept[1] is root_path:
        segments: list[str] = kept[2]
        return segments
    return split_path(path, scope.get("raw_path"), root_path)


def origin_scope(scope: Scope) -> Scope:
    """Give the scope with a path from ``/`` on: itself, but for a target that is a whole URL.

    Of that, the copy has the authority as its Host field, whatever came as one (RFC 9112 3.2.2).
    """
    path, raw_path, authority = origin_form(scope["path"], scope.get("raw_path"))
    if path is scope["path"]:
        return scope
    origin: Scope = {**scope, "path": path, "raw_path": raw_path}
    if authority is not None:
        kept = [pair for pair in scope["headers"] if pair[0] != b"host"]
        origin["headers"] = [(b"host", authority.encode("ascii")), *kept]
    return origin


class Address(NamedTuple):
    """One end of a connection; ``port`` is ``None`` for a unix socket, whose path is ``host``."""

    host: str
    port: int | None


class URLBuilder(Protocol):
    """What ``url_for`` needs of a router."""

    def url_parts_for(self, name: str, /, **params: object) -> tuple[str | None, str]:
        """Give the host (``None``: any) and the path below the router of the route ``name``."""
        ...


async def no_receive() -> Message:
    """Stand in for ``receive`` where only the scope is looked at; raises ``Misuse``."""
    raise Misuse("this connection was made without receive; pass it as the second argument")


async def no_send(message: Message) -> None:
    """Stand in for ``send`` where only the scope is looked at; raises ``Misuse``."""
    raise Misuse("this connection was made without send; pass it as the third argument")


class HTTPConnection(Mapping[str, Any], Generic[StateT]):
    """A read-only view of a scope: ``connection["type"]`` is the scope's own value.

    Making one costs nothing but the references, so a middleware may make its own.
    ``receive`` and ``send`` may be left out if only the scope is looked at.

    >>> scope = {"type": "http", "path": "/", "headers": [], "query_string": b"page=2"}
    >>> HTTPConnection(scope).query_params["page"]
    '2'
    """

    def __init__(self, scope: Scope, receive: Receive = no_receive, send: Send = no_send) -> None:
        self._scope: Scope = scope
        self._receive: Receive = receive
        self._send: Send = send

    @property
    def scope(self) -> Scope:
        """The ASGI scope."""
        return self._scope

    def __getitem__(self, key: str) -> Any:
        return self.scope[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.scope)

    def __len__(self) -> int:
        return len(self.scope)

    # Two views are equal if they are one; a mapping's comparison would walk the scope.
    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.scope.get('method', 'GET')} {self.path!r}>"

    # The request line

    @property
    def scheme(self) -> str:
        """``"http"``, ``"https"``, ``"ws"`` or ``"wss"``."""
        default = "ws" if self.scope["type"] == "websocket" else "http"
        return cast("str", self.scope.get("scheme", default))

    @property
    def http_version(self) -> str:
        """``"1.0"``, ``"1.1"``, ``"2"`` or ``"3"``; ``"1.1"`` if the server does not tell."""
        return cast("str", self.scope.get("http_version", "1.1"))

    @property
    def root_path(self) -> str:
        """Where the application is mounted, without a trailing slash; ``""`` at the root."""
        return cast("str", self.scope.get("root_path", "")).rstrip("/")

    @cached_property
    def path(self) -> str:
        """The path below ``root_path``, decoded: what routing matched.

        A ``/`` that came as ``%2F`` is shown so, because it is not a separator.
        """
        return join_segments(split_scope(self.scope))

    @property
    def raw_path(self) -> bytes:
        """The whole path as it came; rebuilt from the decoded one if the server has it not."""
        path, raw, _ = origin_form(self.scope["path"], self.scope.get("raw_path"))
        return quote_path(path).encode("ascii") if raw is None else raw

    @property
    def query_string(self) -> str:
        """The query as it came, without ``?``; still percent-encoded."""
        return cast("bytes", self.scope.get("query_string", b"")).decode("latin-1")

    @cached_property
    def query_params(self) -> MultiDictProxy[str]:
        """The query's fields by name; ``[]`` gives the first, ``getall`` all of a name.

        Raises ``BadInput`` for more than 1,000 fields.
        """
        return parse_query(self.scope.get("query_string", b""))

    @cached_property
    def url(self) -> URL:
        """The whole URL, from the Host field and the path; a Host that is none is not used.

        It is what the client says: do not trust its host unless hosts are checked.
        """
        path, raw_path = rooted_path(self.scope["path"], self.scope.get("raw_path"), self.root_path)
        return self._url(path, raw_path, self.scope.get("query_string", b""))

    @cached_property
    def base_url(self) -> URL:
        """Scheme, host and ``root_path``, with a slash at the end."""
        return self._url_below(self.root_path, "/")

    def _url(self, path: str, raw_path: bytes | None, query_string: bytes) -> URL:
        *_, host = origin_form(self.scope["path"], self.scope.get("raw_path"))
        if host is None:
            hosts = self.headers.getall("host", [])
            host = hosts[0] if len(hosts) == 1 else None  # two are none (RFC 9112 3.2)
        return request_url(
            scheme=self.scheme,
            host=host,
            server=self.scope.get("server"),
            path=path,
            raw_path=raw_path,
            query_string=query_string,
        )

    def url_for(self, name: str, /, **params: object) -> URL:
        """Build the absolute URL of the route ``name``, mounts and hosts included.

        Names below a named mount are written ``"mount:name"``. Raises ``RouteNotFound`` if there is
        no such route or it takes other parameters (a ``Misuse``), ``Misuse`` outside a router.
        """
        if URLS not in self.scope:
            raise Misuse("url_for needs a Router or an App above this connection")
        builder, root_path = cast("tuple[URLBuilder, str]", self.scope[URLS])
        host, path = builder.url_parts_for(name, **params)
        url = self._url_below(root_path, path)
        return url if host is None else url.with_host(host)

    def _url_below(self, root_path: str, path: str) -> URL:
        """Build the URL of ``path``, which is written and may have a query, below ``root_path``."""
        root = quote_root(self.scope["path"], self.scope.get("raw_path"), root_path)
        path, _, query = (root + path).partition("?")
        return self._url("/", path.encode("ascii"), query.encode("ascii"))

    # The two ends

    @property
    def client(self) -> Address | None:
        """The peer as the server sees it (it may be a proxy); ``None`` if it does not tell."""
        return _address(self.scope.get("client"))

    @property
    def server(self) -> Address | None:
        """Where the server listens; ``None`` if it does not tell."""
        return _address(self.scope.get("server"))

    @cached_property
    def tls(self) -> TLS | None:
        """Facts of the TLS connection; ``None`` without TLS or if the server does not tell."""
        extensions = cast("Mapping[str, Any] | None", self.scope.get("extensions"))
        extension = (extensions or {}).get("tls")
        return None if extension is None else TLS.from_extension(extension)

    # Fields

    @cached_property
    def headers(self) -> Headers:
        """The header fields; names are case-blind, repeats are kept."""
        return Headers(self.scope["headers"])

    @cached_property
    def cookies(self) -> MultiDictProxy[str]:
        """The cookies by name, as they came; ``[]`` gives the first of a name (RFC 6265bis 5.8)."""
        return MultiDictProxy(parse_cookies(self.headers.getall("cookie", ())))

    @cached_property
    def _content_fields(self) -> tuple[bytes | None, list[bytes], list[bytes]]:
        return content_fields(self._scope["headers"])

    @cached_property
    def content_type(self) -> MediaType | None:
        """The body's media type; equal to a ``str`` if that is its type and subtype.

        Raises ``BadInput`` if it is malformed.
        """
        value = self._content_fields[0]
        return None if value is None else parse_media_type(value.decode("latin-1"))

    @cached_property
    def content_length(self) -> int | None:
        """The body's length in bytes as declared; ``None`` if it is not.

        Raises ``BadInput`` if it is not a plain number, or given twice and different.
        """
        return content_length(self._content_fields[1])

    @property
    def charset(self) -> str:
        """The charset of ``content_type`` in lower case, ``"utf-8"`` if it names none."""
        content_type = self.content_type
        return (content_type and content_type.charset) or "utf-8"

    @property
    def date(self) -> datetime | None:
        """When the message was sent, by the client's clock; ``None`` if it says not or badly."""
        value = self.headers.get("date")
        return None if value is None else parse_date(value)

    @property
    def referrer(self) -> URL | None:
        """The page that the client came from; ``None`` if it does not tell or tells badly."""
        value = self.headers.get("referer")
        try:
            url = None if value is None or len(value) > _MAX_URL else URL(value)
            _ = url and url.host  # a label that is no IDNA is found only here
        except ValueError:
            return None
        return url

    # What those above put into the scope

    @property
    def _lifespan_state(self) -> StateT:
        return cast("StateT", self.scope.setdefault("state", {}))

    @property
    def path_params(self) -> dict[str, Any]:
        """The values that the router took from the path; empty outside a router."""
        return cast("dict[str, Any]", self.scope.get("path_params") or {})

    @property
    def app(self) -> Any:
        """The ``App`` that serves this connection. Raises ``Misuse`` outside one."""
        return self._from_above("app", "an App")

    @property
    def route(self) -> Any:
        """The route that matched. Raises ``Misuse`` before a router found one."""
        return self._from_above("route", "a Router")

    @property
    def user(self) -> Any:
        """Who the client is. Raises ``Misuse`` without an authentication middleware."""
        return self._from_above("user", "an authentication middleware")

    @property
    def auth(self) -> Any:
        """What the client may do. Raises ``Misuse`` without an authentication middleware."""
        return self._from_above("auth", "an authentication middleware")

    @property
    def session(self) -> Any:
        """The client's session. Raises ``Misuse`` without a session middleware."""
        return self._from_above("session", "a session middleware")

    def _from_above(self, key: str, what: str) -> Any:
        try:
            return self.scope[key]
        except KeyError:
            raise Misuse(f"connection.{key} needs {what} above; it puts it there") from None


def _address(pair: tuple[str, int | None] | list[Any] | None) -> Address | None:
    return None if pair is None else Address(pair[0], pair[1])
