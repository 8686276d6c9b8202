"""What a client has sent: a connection with a body. A ``Request`` can answer it as well."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Mapping
from typing import Any, Final, TypeAlias, TypeVar, cast, overload

from propcache.api import cached_property

from portico.asgi import Receive, Scope, Send
from portico.codec import decode_json, decode_msgpack
from portico.connection.base import URLS, HTTPConnection, StateT, no_receive, no_send
from portico.connection.body import BODY, INHERIT, LIMIT, MAX_BODY_BYTES, Body, Limit
from portico.connection.forms import (
    FORM_TYPES,
    MAX_FORM_BYTES,
    FormData,
    PendingForm,
    read_parts,
)
from portico.connection.options import (
    CODINGS,
    FORM_LIMITS,
    HAS_TIMEOUTS,
    IDLE_TIMEOUT,
    TIMEOUT,
)
from portico.connection.parts import Parts
from portico.connection.receiving import decoded_body, limit_time
from portico.errors import Misuse, UnsupportedMediaType
from portico.http.accept import Accept, AcceptCharset, AcceptEncoding, AcceptLanguage
from portico.http.charsets import decode_text
from portico.http.content import content_length
from portico.http.media import MediaType
from portico.http.multipart import FormLimits

__all__ = ("IncomingRequest", "Routing", "merged_scope")

T = TypeVar("T")

_JSON: Final = ("application/json",)
_MSGPACK: Final = ("application/vnd.msgpack", "application/msgpack", "application/x-msgpack")
_LIMITS: Final = FormLimits()


Routing: TypeAlias = tuple[Mapping[str, Any], dict[str, Any]]
"""What a router adds to the server's scope, and the parameters that it took from the path."""


def merged_scope(scope: Scope, marks: Mapping[str, Any], path_params: dict[str, Any]) -> Scope:
    """Make the scope of a route: a copy of the server's with ``marks`` and ``path_params``."""
    merged: Scope = {**scope, **marks, "path_params": path_params}
    if URLS in scope:  # the outermost router's stay
        merged[URLS] = scope[URLS]
    return merged


class IncomingRequest(HTTPConnection[StateT]):
    """The half of a ``Request`` that reads: what it says of bodies holds here."""

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
    def known_body(self) -> Body | None:
        """The body, if anybody has looked at it over this scope."""
        return self.kept_body or cast("Body | None", self._scope.get(BODY))

    @property
    def method(self) -> str:
        """The method as it came: upper case by convention, case-sensitive (RFC 9110 9.1)."""
        return cast("str", self.scope["method"])

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
        # Also of a body that middleware has looked at before the route was known.
        if HAS_TIMEOUTS in self._scope or (
            self.routing is not None and HAS_TIMEOUTS in self.routing[0]
        ):
            limit_time(body, self._setting(IDLE_TIMEOUT, None), self._setting(TIMEOUT, None))
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
        _, lengths, codings = self._content_fields
        if lengths:
            body.expected_bytes = content_length(lengths) or 0
        return decoded_body(body, codings, self._setting(CODINGS, ())) if codings else body

    def _read(self, max_bytes: Limit) -> Awaitable[bytes]:
        if max_bytes is INHERIT:
            return self._body.read(self._setting(LIMIT, MAX_BODY_BYTES))
        return self._body.read(max_bytes, is_readers_own=True)

    async def body(self, *, max_bytes: Limit = INHERIT) -> bytes:
        """Read the whole body; it is kept."""
        return await self._read(max_bytes)

    async def text(self, *, max_bytes: Limit = INHERIT) -> str:
        """Read the body as text, by the charset of its content type (default UTF-8).

        Raises ``UnsupportedMediaType`` for a charset that is not known, ``BadInput`` for bytes that
        are not text in it.
        """
        charset = self.charset
        return decode_text(await self._read(max_bytes), charset)

    @overload
    async def json(self, *, max_bytes: Limit = ...) -> Any: ...
    @overload
    async def json(self, type: type[T], *, max_bytes: Limit = ...) -> T: ...
    @overload
    async def json(self, type: object, *, max_bytes: Limit = ...) -> Any: ...
    async def json(self, type: object = Any, *, max_bytes: Limit = INHERIT) -> Any:
        """Read the body as JSON, into ``type`` if one is given (a Struct, dataclass, ...).

        Takes ``application/json`` and any ``+json`` type. Raises ``InvalidData`` (422), which names
        the path of the value, for JSON that does not fit ``type``; an empty body is a 400.
        """
        content_type = self.content_type
        if content_type is None or not content_type.is_json:
            raise UnsupportedMediaType(_JSON)
        return decode_json(await self._read(max_bytes), type)

    @overload
    async def msgpack(self, *, max_bytes: Limit = ...) -> Any: ...
    @overload
    async def msgpack(self, type: type[T], *, max_bytes: Limit = ...) -> T: ...
    @overload
    async def msgpack(self, type: object, *, max_bytes: Limit = ...) -> Any: ...
    async def msgpack(self, type: object = Any, *, max_bytes: Limit = INHERIT) -> Any:
        """Read the body as MessagePack, into ``type`` if one is given; raises as ``json`` does."""
        content_type = self.content_type
        if content_type is None or content_type.essence not in _MSGPACK:
            raise UnsupportedMediaType(_MSGPACK)
        return decode_msgpack(await self._read(max_bytes), type)

    async def data(self, *, max_bytes: Limit = INHERIT) -> Any:
        """Read the body by its content type.

        JSON and MessagePack become values, ``text/*`` a ``str``, a form what ``form`` gives,
        anything else stays ``bytes``.
        """
        content_type = self.content_type
        if content_type is None:
            return await self.body(max_bytes=max_bytes)
        if content_type.is_json:
            return await self.json(max_bytes=max_bytes)
        if content_type.essence in _MSGPACK:
            return await self.msgpack(max_bytes=max_bytes)
        if content_type.essence in FORM_TYPES:
            return await self.form(max_bytes=max_bytes)
        if content_type.type == "text":
            return await self.text(max_bytes=max_bytes)
        return await self.body(max_bytes=max_bytes)

    @overload
    def form(
        self, limits: FormLimits | None = ..., *, max_bytes: Limit = ...
    ) -> PendingForm[FormData]: ...
    @overload
    def form(
        self, limits: FormLimits | None = ..., *, type: type[T], max_bytes: Limit = ...
    ) -> PendingForm[T]: ...
    @overload
    def form(
        self, limits: FormLimits | None = ..., *, type: object, max_bytes: Limit = ...
    ) -> PendingForm[Any]: ...
    def form(
        self, limits: FormLimits | None = None, *, type: object = Any, max_bytes: Limit = INHERIT
    ) -> PendingForm[Any]:
        """Read a form, urlencoded or multipart, into a multi-value mapping or into ``type``.

        ``await request.form()``, or ``async with request.form() as form:``, which closes the files
        at its end. Values are ``str`` and ``UploadFile``. It is read once, by the first call and
        its limits; files over ``limits.spool_bytes`` go to disk. ``max_bytes`` is for all of the
        body (default: what the route, router or app says, else 64 MiB with files and 10 without).

        Raises ``ContentTooLarge`` over a limit, ``BadInput`` for what is malformed, and
        ``InvalidData`` (422), which names the field, for what does not fit ``type``.
        """
        body, content_type = self._body, self.content_type
        if max_bytes is INHERIT:
            has_files = content_type is not None and content_type.essence == FORM_TYPES[1]
            max_bytes = self._setting(LIMIT, MAX_FORM_BYTES if has_files else MAX_BODY_BYTES)
        # Not ``PendingForm[Any]``, which would take as long as the rest of this.
        limits = self._limits(limits)
        pending: PendingForm[Any] = PendingForm(body, content_type, limits, max_bytes, type)
        if body.is_decoded:
            self._shared_body().form = body.form
        return pending

    def multipart(self, limits: FormLimits | None = None, *, max_bytes: int | None = None) -> Parts:
        """Read the parts of a multipart form as they arrive; nothing is kept.

        ``async for part in request.multipart():`` and ``async for chunk in part:`` inside. There is
        no limit for all of the body unless you give one. Raises ``UnsupportedMediaType`` for
        another content type and, while it is read, what ``form`` raises.
        """
        return read_parts(self._body, self.content_type, self._limits(limits), max_bytes)

    def _limits(self, limits: FormLimits | None) -> FormLimits:
        if limits is None:
            return self._setting(FORM_LIMITS, _LIMITS)
        if not isinstance(limits, FormLimits):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"limits are a FormLimits, not {type(limits).__name__}")
        return limits

    def stream(self, *, max_bytes: int | None = None) -> AsyncGenerator[bytes, None]:
        """Read the body in pieces, as they come; there is no limit unless you give one.

        ``async for chunk in request.stream()``. Nothing is kept, so no reader can follow.
        """
        return self._body.stream(max_bytes)

    @property
    def is_consumed(self) -> bool:
        """Whether the body was streamed, so that it cannot be read any more."""
        body = self.known_body
        return body is not None and (body.decoded or body).is_consumed

    @property
    def receive(self) -> Receive:
        """The ASGI ``receive`` of this request; a body that was read already comes once more.

        Hand it to an ASGI app that shall answer after you have looked at the body.
        """
        return self._shared_body().receive

    async def close(self) -> None:
        """Drop what is held of the body and close its files; nothing can be read after it."""
        body = self._shared_body()
        body.drop()
        await body.close()
