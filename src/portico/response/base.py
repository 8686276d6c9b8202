"""The response: a status, headers and a body. It is data: sending it changes nothing on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, Self, TypeAlias, Unpack, cast

from portico.asgi import Message, Receive, Scope, Send
from portico.errors import ClientDisconnect, Misuse
from portico.http.cookies import (
    SameSite,
    ScopeAttributes,
    format_cookie,
    format_deleted_cookie,
)
from portico.http.fields import check_value
from portico.http.grammar import is_token
from portico.http.headers import MutableHeaders, RawHeaders, encode_headers
from portico.response._selection import select
from portico.response.background import Background, check_background, run_background
from portico.response.denial import refuse

__all__ = (
    "Content",
    "HeadersInput",
    "Response",
    "content_type_field",
    "has_no_content",
    "length_field",
    "without_content",
)

Content: TypeAlias = str | bytes | bytearray | memoryview
"""What the body of a plain response may be; text is sent as UTF-8."""

HeadersInput: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]
"""Headers as people write them: a mapping, or pairs where a name is to be repeated."""


def has_no_content(status_code: int) -> bool:
    """Tell whether a response of this status never has a body (RFC 9110 15.3.5-6, 15.4.5)."""
    return status_code in (204, 205, 304)


@lru_cache(maxsize=128)  # an application has a few; the bound is against those made per request
def content_type_field(media_type: str) -> tuple[bytes, bytes]:
    """Make the ``content-type`` pair; ``text/*`` without a charset gets ``charset=utf-8``.

    Raises ``ValueError`` for what is no media type.

    >>> content_type_field("text/html")
    (b'content-type', b'text/html; charset=utf-8')
    """
    value = check_value("content-type", media_type)
    kind, _, subtype = media_type.partition(";")[0].rstrip(" \t").partition("/")
    if not (is_token(kind) and is_token(subtype)):
        raise ValueError("a media type is a type and a subtype, as in 'text/plain'")
    if kind.lower() == "text" and b"charset=" not in value.lower():
        value += b"; charset=utf-8"
    return b"content-type", value


@lru_cache(maxsize=1024)
def length_field(size: int) -> tuple[bytes, bytes]:
    """Make the ``content-length`` pair of a body of ``size`` bytes."""
    return b"content-length", b"%d" % size


class Response:
    """A response that is an ASGI app, for requests and for refusing websockets.

    ``content`` is ``str`` (sent as UTF-8), bytes-like or ``None`` (empty); ``status_code`` is 200
    to 599; ``headers`` are a mapping or pairs; ``media_type`` sets ``content-type`` unless they
    have one; ``background`` is work for after the last byte: a function without arguments, a
    ``BackgroundTask``, or several of them; it is done also if the client has left.

    ``content-length`` is counted when the response is sent. A response to HEAD has no body but the
    length of GET's; one with 204 or 304 has neither; one with 205 has length 0. One object may be
    sent many times.

    Raises ``ValueError`` for a bad status, header or media type, ``TypeError`` for a body that is
    neither text nor bytes.

    >>> response = Response(b"...", media_type="image/png")
    >>> response.headers["content-type"]
    'image/png'
    """

    media_type: ClassVar[str | None] = None
    """The media type of this class of responses."""

    is_whole: ClassVar[bool] = True
    """Whether ``messages`` is all that is sent; not if a subclass has a call of its own."""

    # Class attributes are what most responses have: setting them would cost on each.
    background: Background | Sequence[Background] | None = None
    _headers: MutableHeaders | None = None
    _may_have_length: bool = False
    _field: ClassVar[tuple[bytes, bytes] | None] = None
    _renders_as_base: ClassVar[bool] = True

    def __init_subclass__(cls) -> None:
        """Work out once what is the same for all of a class."""
        cls.is_whole = cls.__call__ is Response.__call__
        cls._renders_as_base = cls.render is Response.render
        cls._field = None if cls.media_type is None else content_type_field(cls.media_type)

    def __init__(
        self,
        content: object = None,
        status_code: int = 200,
        headers: HeadersInput | None = None,
        media_type: str | None = None,
        *,
        background: Background | Sequence[Background] | None = None,
    ) -> None:
        if self._renders_as_base and isinstance(content, str):  # what most are, a call less
            self.body: bytes = content.encode()
        else:
            self.body = self.render(content)
        if status_code != 200:
            _check_status(status_code)
        self.status_code: int = status_code
        if background is not None:
            self.background = check_background(background)
        field = self._field if media_type is None else content_type_field(media_type)
        raw: RawHeaders = [] if field is None else [field]
        if headers is not None:
            given = encode_headers(headers)
            for name, _ in given:
                if name == b"content-type":
                    raw = []
                elif name == b"content-length":
                    self._may_have_length = True
            raw += given
        self._raw_headers: RawHeaders = raw

    def render(self, content: object) -> bytes:
        """Turn what was given as ``content`` into the body; subclasses do it their way."""
        if isinstance(content, str):
            return content.encode()
        if isinstance(content, bytes | bytearray | memoryview):
            return bytes(cast("bytes | bytearray | memoryview", content))
        if content is None:
            return b""
        raise TypeError(
            f"a {type(self).__name__} takes str or bytes, not {type(content).__name__}; "
            "JSONResponse takes other values"
        )

    @property
    def headers(self) -> MutableHeaders:
        """The headers, checked when set. ``content-length`` is not among them unless you set it."""
        headers = self._headers
        if headers is None:
            headers = self._headers = MutableHeaders.over(self._raw_headers)
            self._may_have_length = True
        return headers

    def set_cookie(  # noqa: PLR0913, PLR0917 - the order that people know
        self,
        key: str,
        value: str = "",
        max_age: int | None = None,
        expires: datetime | float | None = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,  # noqa: FBT001, FBT002
        httponly: bool = False,  # noqa: FBT001, FBT002
        samesite: SameSite | None = "lax",
        partitioned: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        """Add a ``Set-Cookie`` field (RFC 6265bis 4.1); ``key`` is the cookie's name.

        The rest is as ``format_cookie`` tells. Raises ``ValueError`` for what a browser would
        refuse or read otherwise.
        """
        cookie = format_cookie(
            key, value, max_age, expires, path, domain, secure, httponly, samesite, partitioned
        )
        self._raw_headers.append((b"set-cookie", cookie.encode("ascii")))

    def delete_cookie(self, key: str, **attributes: Unpack[ScopeAttributes]) -> None:
        """Tell the client to forget a cookie; ``attributes`` must be as when it was set.

        They are those of ``set_cookie`` but ``max_age`` and ``expires``; raises the same.
        """
        cookie = format_deleted_cookie(key, **attributes)
        self._raw_headers.append((b"set-cookie", cookie.encode("ascii")))

    def copy(self) -> Self:
        """Make another of the same; its headers and cookies can be changed alone."""
        new = type(self).__new__(type(self))
        new.__dict__.update(self.__dict__)
        new._raw_headers, new._headers = self._raw_headers.copy(), None  # noqa: SLF001 - its own
        return new

    def make_conditional(self, request: Mapping[str, Any]) -> Self:
        """Answer ``If-None-Match``, ``Range`` and their kin with a body that is made each time.

        Gives another response: the whole, with an ``etag`` of the body unless it has one; 304 if
        the client has the same already; 206 for a range. ``request`` is a ``Request`` or a scope.
        With another status than 200, and for other methods than GET and HEAD, it is a plain copy.

        Raises ``HTTPException``: 412 if a precondition fails, 416 for a range behind the end;
        ``Misuse`` for a response whose body is not there, such as a stream or a file.

        >>> page = Response("hello")
        >>> scope = {"method": "GET", "headers": [(b"range", b"bytes=1-3")]}
        >>> page.make_conditional(scope).body
        b'ell'
        """
        if not self.is_whole:
            raise Misuse(f"a {type(self).__name__} has no body yet to choose from")
        new = self.copy()
        if self.status_code == 200 and request["method"] in ("GET", "HEAD"):
            new.status_code, new._raw_headers, new.body = select(  # noqa: SLF001 - its own
                request, self._raw_headers, self.body
            )
            new._may_have_length = True  # noqa: SLF001
        return new

    def messages(self, method: str = "GET") -> tuple[Message, Message]:
        """Give the two messages that answer a request of this method: the start and the body.

        >>> start, body = Response("hello").messages("HEAD")
        >>> start["headers"], body["body"]
        ([(b'content-length', b'5')], b'')
        """
        status, body, raw = self.status_code, self.body, self._raw_headers
        if status != 200:
            status = _check_status(status)  # it may have been set since
        if status != 200 and has_no_content(status):
            body, raw = b"", without_content(raw, status)
        elif self._may_have_length and _has(raw, b"content-length"):
            raw = _with_length(raw, len(body), is_head=method == "HEAD")
        else:
            raw = [*raw, length_field(len(body))]
        if method == "HEAD":  # RFC 9110 9.3.2
            body = b""
        return (
            {"type": "http.response.start", "status": status, "headers": raw},
            {"type": "http.response.body", "body": body},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response; that the client has left is not an error."""
        if scope["type"] != "http":
            await self._refuse(scope, receive, send)
            return
        start, body = self.messages(scope["method"])
        try:
            await send(start)
            await send(body)
        except (OSError, ClientDisconnect):
            pass  # ASGI HTTP 2.4: so do a server and our writer say that the client has left
        if self.background is not None:
            await run_background(self.background)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            raise Misuse(f"a response answers http and websocket, not {scope['type']!r}")
        if not await refuse(scope, receive, send, self) and self.background is not None:
            await run_background(self.background)  # as for a client that left

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status_code}, {len(self.body)} bytes>"


def _has(raw: RawHeaders, key: bytes) -> bool:
    for name, _ in raw:  # noqa: SIM110  a generator costs three times the loop, on every response
        if name == key:
            return True
    return False


def _check_status(status_code: object) -> int:
    if not isinstance(status_code, int):
        raise TypeError(f"a response's status is an int, not {type(status_code).__name__}")
    if not 200 <= status_code <= 599:
        raise ValueError(f"a response's status is 200 to 599, not {status_code}")
    return int(status_code)  # it may be an HTTPStatus; messages have plain numbers


def without_content(raw: RawHeaders, status: int) -> RawHeaders:
    """Leave out the fields that tell of content, for a status that has none; 205 says so."""
    kept = [pair for pair in raw if pair[0] not in (b"content-length", b"content-type")]
    return [*kept, length_field(0)] if status == 205 else kept


def _with_length(raw: RawHeaders, size: int, *, is_head: bool) -> RawHeaders:
    """Give the fields with the right length in place of what was set by hand."""
    given = [value for name, value in raw if name == b"content-length"]
    # HEAD may be told the length of what GET would send; no other length that is not the body's own
    # is ever sent (RFC 9110 8.6).
    if is_head and not size and len(given) == 1 and given[0].isdigit():
        return raw.copy()
    return [*(pair for pair in raw if pair[0] != b"content-length"), length_field(size)]
