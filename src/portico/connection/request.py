"""The request: a connection with a body, and with a response in reach."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias, TypeVar, cast, overload

from propcache.api import cached_property

from portico._race import Race, interruptible
from portico.asgi import Receive, Scope, Send
from portico.codec import decode_json, decode_msgpack
from portico.connection.base import URLS, HTTPConnection, StateT, no_receive, no_send
from portico.connection.body import BODY, INHERIT, LIMIT, MAX_BODY_BYTES, Body, Inherit
from portico.connection.disconnect import hear_disconnect
from portico.errors import (
    ClientDisconnect,
    Misuse,
    ResponseAlreadyStarted,
    UnsupportedMediaType,
)
from portico.http.accept import Accept, AcceptCharset, AcceptEncoding, AcceptLanguage
from portico.http.charsets import decode_text
from portico.http.content import content_length
from portico.http.fields import check_value
from portico.http.headers import encode_headers
from portico.http.media import MediaType
from portico.http.query import parse_urlencoded
from portico.response.conversion import to_response
from portico.response.writer import ResponseWriter

__all__ = ("WRITER", "Request", "Routing", "merged_scope")

T = TypeVar("T")

WRITER: Final = "portico.response"
"""The scope's key for the response that was begun by hand."""

_JSON: Final = ("application/json",)
_MSGPACK: Final = ("application/vnd.msgpack", "application/msgpack", "application/x-msgpack")
_URLENCODED: Final = "application/x-www-form-urlencoded"


Routing: TypeAlias = tuple[Mapping[str, Any], dict[str, Any]]
"""What a router adds to the server's scope, and the parameters that it took from the path."""


def merged_scope(scope: Scope, marks: Mapping[str, Any], path_params: dict[str, Any]) -> Scope:
    """Make the scope of a route: a copy of the server's with ``marks`` and ``path_params``."""
    merged: Scope = {**scope, **marks, "path_params": path_params}
    if URLS in scope:  # the outermost router's stay
        merged[URLS] = scope[URLS]
    return merged


class Request(HTTPConnection[StateT]):
    """A request, over a bare ``(scope, receive, send)``.

    Readers of the body are coroutines and may be called any number of times, by any number of
    requests over the same scope. They raise ``ContentTooLarge`` (413) over ``max_bytes`` (default:
    what the route, router or app says, else 10 MiB; ``None`` is no limit), ``BadInput`` (400) for a
    malformed body, ``UnsupportedMediaType`` (415) for one of another type, ``ClientDisconnect`` if
    the client left before the end (what came is never taken as whole), and ``BodyConsumed`` after
    ``stream``. ``Request[MyState]`` types ``state``.

    ``routing`` is for routers: the scope is put together with it when somebody asks for it.

    Raises ``Misuse`` for a scope that is not http's.
    """

    def __init__(
        self,
        scope: Scope,
        receive: Receive = no_receive,
        send: Send = no_send,
        routing: Routing | None = None,
    ) -> None:
        if scope["type"] != "http":
            raise Misuse(f"a Request is made of an http scope, not {scope['type']!r}")
        self._scope: Scope = scope  # as in HTTPConnection; one call less for each request
        self._receive: Receive = receive
        self._send: Send = send
        self.routing: Routing | None = routing

    # The body until there is a scope of ours to keep it in; nothing goes into the server's own.
    kept_body: Body | None = None

    @property
    def scope(self) -> Scope:
        """The ASGI scope. What routing found is in it, and nothing is in the server's own."""
        if self.routing is not None:
            self._scope, self.routing = merged_scope(self._scope, *self.routing), None
            if self.kept_body is not None:
                self._scope[BODY], self.kept_body = self.kept_body, None
        return self._scope

    @property
    def path_params(self) -> dict[str, Any]:
        """The values that the router took from the path; empty outside a router."""
        return super().path_params if self.routing is None else self.routing[1]

    @property
    def was_used(self) -> bool:
        """Whether the body was looked at, or the response begun, over this scope."""
        return self.kept_body is not None or BODY in self._scope or WRITER in self._scope

    @property
    def method(self) -> str:
        """The method as it came: upper case by convention, case-sensitive (RFC 9110 9.1)."""
        return cast("str", self.scope["method"])

    @property
    def send(self) -> Send:
        """The ASGI ``send`` of ``response``: what goes through it counts as the answer."""
        return self.response.send

    @property
    def raw_send(self) -> Send:
        """The ASGI ``send`` that this request was made with."""
        return self._send

    @property
    def state(self) -> StateT:
        """What the lifespan yielded, in a copy for this connection; put your own beside it."""
        return self._lifespan_state

    # What the client takes

    @cached_property
    def accept(self) -> Accept:
        """The media types that the client takes, with ``best_match`` and ``accepts``."""
        return Accept.parse(self._listed("accept"))

    @cached_property
    def accept_language(self) -> AcceptLanguage:
        """The languages that the client takes."""
        return AcceptLanguage.parse(self._listed("accept-language"))

    @cached_property
    def accept_encoding(self) -> AcceptEncoding:
        """The content codings that the client takes."""
        return AcceptEncoding.parse(self._listed("accept-encoding"))

    @cached_property
    def accept_charset(self) -> AcceptCharset:
        """The charsets that the client takes (a field that is hardly sent any more)."""
        return AcceptCharset.parse(self._listed("accept-charset"))

    def _listed(self, name: str) -> str | None:
        """Give a field that is a list, its repeats joined (RFC 9110 5.3)."""
        values = self.headers.getall(name, [])
        return ", ".join(values) if values else None

    @property
    def accepted_types(self) -> list[MediaType]:
        """The media ranges of Accept, the preferred first; those with ``q=0`` are left out."""
        return list(self.accept)

    def accepts(self, media_type: str) -> bool:
        """Tell whether the client takes ``media_type`` (``q=0`` is a no)."""
        return self.accept.accepts(media_type)

    @property
    def last_event_id(self) -> str | None:
        """The id of the last event that the client has seen, when it comes back to a stream."""
        value = self.headers.get("last-event-id")
        # WHATWG HTML 9.2.4: in UTF-8, which a field's text is read as latin-1 here.
        return value.encode("latin-1").decode("utf-8", "replace") if value else None

    # The body

    def _shared_body(self) -> Body:
        """Give the body that all who look at this scope share; whatever its length field says."""
        body: Body | None = self.kept_body or self._scope.get(BODY)
        if body is None or not body.serves(self._receive):
            body = Body(self._receive)
        if self.routing is None:
            self._scope[BODY] = body
        else:
            self.kept_body = body
        return body

    def _setting(self, key: str, default: T) -> T:
        """Give what the nearest of route, router and app says under the scope's ``key``."""
        setting: T = self._scope.get(key, default)
        return setting if self.routing is None else self.routing[0].get(key, setting)

    @property
    def _body(self) -> Body:
        body = self._shared_body()
        lengths = self._content_fields[1]
        if lengths:
            body.expected_bytes = content_length(lengths) or 0
        return body

    def _read(self, max_bytes: int | Inherit | None) -> Awaitable[bytes]:
        if max_bytes is INHERIT:
            return self._body.read(self._setting(LIMIT, MAX_BODY_BYTES))
        return self._body.read(max_bytes, is_readers_own=True)

    async def body(self, *, max_bytes: int | Inherit | None = INHERIT) -> bytes:
        """Read the whole body; it is kept."""
        return await self._read(max_bytes)

    async def text(self, *, max_bytes: int | Inherit | None = INHERIT) -> str:
        """Read the body as text, by the charset of its content type (default UTF-8).

        Raises ``UnsupportedMediaType`` for a charset that is not known, ``BadInput`` for bytes that
        are not text in it.
        """
        charset = self.charset
        return decode_text(await self._read(max_bytes), charset)

    @overload
    async def json(self, *, max_bytes: int | Inherit | None = ...) -> Any: ...
    @overload
    async def json(self, type: type[T], *, max_bytes: int | Inherit | None = ...) -> T: ...
    @overload
    async def json(self, type: object, *, max_bytes: int | Inherit | None = ...) -> Any: ...
    async def json(self, type: object = Any, *, max_bytes: int | Inherit | None = INHERIT) -> Any:
        """Read the body as JSON, into ``type`` if one is given (a Struct, dataclass, ...).

        Takes ``application/json`` and any ``+json`` type. Raises ``InvalidData`` (422), which names
        the path of the value, for JSON that does not fit ``type``; an empty body is a 400.
        """
        content_type = self.content_type
        if content_type is None or not content_type.is_json:
            raise UnsupportedMediaType(_JSON)
        return decode_json(await self._read(max_bytes), type)

    @overload
    async def msgpack(self, *, max_bytes: int | Inherit | None = ...) -> Any: ...
    @overload
    async def msgpack(self, type: type[T], *, max_bytes: int | Inherit | None = ...) -> T: ...
    @overload
    async def msgpack(self, type: object, *, max_bytes: int | Inherit | None = ...) -> Any: ...
    async def msgpack(
        self, type: object = Any, *, max_bytes: int | Inherit | None = INHERIT
    ) -> Any:
        """Read the body as MessagePack, into ``type`` if one is given; raises as ``json`` does."""
        content_type = self.content_type
        if content_type is None or content_type.essence not in _MSGPACK:
            raise UnsupportedMediaType(_MSGPACK)
        return decode_msgpack(await self._read(max_bytes), type)

    async def data(self, *, max_bytes: int | Inherit | None = INHERIT) -> Any:
        """Read the body by its content type.

        JSON and MessagePack become values, ``text/*`` a ``str``, an urlencoded form a multi-value
        mapping, anything else stays ``bytes``.
        """
        content_type = self.content_type
        if content_type is None:
            return await self.body(max_bytes=max_bytes)
        if content_type.is_json:
            return await self.json(max_bytes=max_bytes)
        if content_type.essence in _MSGPACK:
            return await self.msgpack(max_bytes=max_bytes)
        if content_type.essence == _URLENCODED:
            return parse_urlencoded(await self.body(max_bytes=max_bytes))
        if content_type.type == "text":
            return await self.text(max_bytes=max_bytes)
        return await self.body(max_bytes=max_bytes)

    def stream(self, *, max_bytes: int | None = None) -> AsyncGenerator[bytes, None]:
        """Read the body in pieces, as they come; there is no limit unless you give one.

        ``async for chunk in request.stream()``. Nothing is kept, so no reader can follow.
        """
        return self._body.stream(max_bytes)

    @property
    def is_consumed(self) -> bool:
        """Whether the body was streamed, so that it cannot be read any more."""
        return (self.kept_body is not None or BODY in self._scope) and (
            self._shared_body().is_consumed
        )

    @property
    def receive(self) -> Receive:
        """The ASGI ``receive`` of this request; a body that was read already comes once more.

        Hand it to an ASGI app that shall answer after you have looked at the body.
        """
        return self._shared_body().receive

    async def close(self) -> None:
        """Drop what is held of the body. May always be called; nothing can be read after it."""
        self._shared_body().drop()

    # The client

    async def is_disconnected(self) -> bool:
        """Tell whether the client has left, without waiting; no piece of the body is lost."""
        return await self._shared_body().poll()

    async def wait_disconnected(self) -> None:
        """Wait until the client has left; no piece of the body is lost.

        The news comes after the body, so what is unread of it is read ahead and kept, up to the
        limit; raises ``ContentTooLarge`` over it. After the response it returns at once.
        """
        await self._shared_body().wait_disconnected(self._setting(LIMIT, MAX_BODY_BYTES))

    @asynccontextmanager
    async def cancel_on_disconnect(self) -> AsyncGenerator[None, None]:
        """Cancel the block when the client leaves, and raise ``ClientDisconnect`` then.

        ``async with request.cancel_on_disconnect(): await slow_query()``. What the block awaits to
        clean up is not cancelled again under asyncio; under trio it needs a shield.
        """

        async def listen(race: Race) -> None:
            has_left = await hear_disconnect(self.scope, self._receive)
            # Servers say so too when the response has ended.
            if has_left and not (WRITER in self.scope and self.response.is_finished):
                race.interrupt()

        async with interruptible(listen) as race:
            yield
        if race.is_interrupted:
            raise ClientDisconnect("the client left while it was worked for")

    # Before the answer: ASGI's extensions, of which servers have some

    async def send_early_hints(self, *links: str) -> bool:
        """Tell the client what it will need, before the answer: a 103 with ``Link`` (RFC 8297).

        Each of ``links`` is a ``Link`` field's value, as in ``"</a.css>; rel=preload; as=style"``.
        Gives whether the server could; where it has no ``http.response.early_hint`` nothing is
        sent. Raises ``ValueError`` for what is no header's value, ``ResponseAlreadyStarted``.
        """
        values = [check_value("link", link) for link in links]
        return await self._send_extension("http.response.early_hint", {"links": values})

    async def send_push_promise(
        self, path: str, headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None
    ) -> bool:
        """Promise the client a resource that it will need (RFC 9113 8.4), before the answer.

        ``path`` is decoded, as in the scope; ``headers`` are those of the request that the client
        would make. Gives whether the server could, as ``send_early_hints``. Browsers have given up
        on pushes. Raises ``ValueError`` for a path that does not begin with one slash or holds
        control characters, and for bad headers, ``ResponseAlreadyStarted``.
        """
        if not path.startswith("/") or path.startswith("//") or not path.isprintable():
            raise ValueError("a promised path begins with one slash and is printable")
        return await self._send_extension(
            "http.response.push", {"path": path, "headers": encode_headers(headers)}
        )

    async def send_debug(self, info: Mapping[str, Any]) -> bool:
        """Hand facts about the answer to a test client (``http.response.debug``), before it begins.

        Gives whether there is one that takes them; raises ``ResponseAlreadyStarted``.
        """
        return await self._send_extension("http.response.debug", {"info": dict(info)})

    async def _send_extension(self, kind: str, content: dict[str, Any]) -> bool:
        if self.response.is_started:
            raise ResponseAlreadyStarted(f"{kind} comes before the start of the response")
        if kind not in (self.scope.get("extensions") or {}):
            return False
        await self.response.send({"type": kind, **content})
        return True

    # Answering from where you stand

    @property
    def response(self) -> ResponseWriter:
        """The response in your own hands: ``start``, ``write``, ``end``."""
        writer: ResponseWriter | None = self.scope.get(WRITER)
        # One for all who look at this scope, unless somebody put a ``send`` of his own in between.
        if writer is None or not (writer.is_started or writer.writes_to(self._send)):
            writer = self.scope[WRITER] = ResponseWriter(self.scope, self._send)
        return writer

    async def respond(self, value: object) -> None:
        """Answer at once with anything that a handler may return.

        Raises ``ResponseAlreadyStarted`` if the response has begun, ``TypeError`` for a value of
        which no response can be made.
        """
        response = to_response(value)
        self._check_answer(response.status_code)
        await response(self.scope, self.receive, self.response.send)
        if not self.response.is_finished:  # a stream whose client has left
            self.response.abandon()

    def _check_answer(self, status_code: int) -> None:
        if self.kept_body is not None or BODY in self._scope:
            self._shared_body().check_answer(status_code)

    @asynccontextmanager
    async def response_writer(
        self,
        status_code: int = 200,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        media_type: str | None = None,
    ) -> AsyncGenerator[Callable[[bytes | str], Awaitable[None]], None]:
        """Start a response and give the function that writes pieces of it; the end ends it.

        ``async with request.response_writer(media_type="text/csv") as write: await write(row)``.
        If the block fails the response is not ended, so that the server breaks the connection and
        the client does not take a part as whole. If the client leaves, the block is cancelled where
        it waits, or ``write`` raises, and in both cases ``ClientDisconnect`` comes out of it.
        """
        response = self.response
        self._check_answer(status_code)
        async with self.cancel_on_disconnect():
            await response.start(status_code, headers, media_type)
            yield response.write
            await response.end()
