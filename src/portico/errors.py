"""Everything that Portico raises on purpose.

Who is wrong is the type::

    PorticoError
    ├── HTTPException            the request is answered with .status_code
    │   ├── BadInput             the peer sent something malformed              400
    │   │   ├── BodyTimeout              ... too slowly                         408
    │   │   ├── ContentTooLarge          ... more than we allow                 413
    │   │   ├── UnsupportedMediaType     ... of a type that is not understood   415
    │   │   │   └── UnsupportedContentEncoding   ... in a coding that is not        415
    │   │   ├── InvalidData              ... well formed, but not what we need  422
    │   │   └── UnexpectedMessage        ... text for binary, or binary for text (websockets)
    │   └── ServiceUnavailable   what the application needs does not answer     503
    ├── FileChanged              a file became shorter while it was sent: the answer is broken off
    ├── ClientDisconnect         the peer of a request went away: nobody to answer
    ├── WebSocketDisconnect      the peer of a websocket went away, whatever way
    ├── SlowSubscriber           a subscriber of a hub did not keep up and was let go
    └── Misuse                   the caller broke a rule of ours: a bug, answered with 500
        ├── BodyConsumed             the body was streamed and cannot be read again
        ├── ResponseAlreadyStarted   the status line has left
        ├── ResponseNotStarted       a body needs a status line first
        ├── ResponseAlreadyEnded     the last byte has left
        ├── WebSocketStateError      not possible in the socket's state
        └── RouteNotFound            no route has that name and those parameters

No message of ours holds a header's value, a cookie or a piece of a body: they may be secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import ClassVar, Final, Literal, cast

__all__ = (
    "BadInput",
    "BodyConsumed",
    "BodyTimeout",
    "ClientDisconnect",
    "ContentTooLarge",
    "FileChanged",
    "HTTPException",
    "InvalidData",
    "Misuse",
    "PorticoError",
    "Refusal",
    "ResponseAlreadyEnded",
    "ResponseAlreadyStarted",
    "ResponseNotStarted",
    "RouteNotFound",
    "ServiceUnavailable",
    "SlowSubscriber",
    "UnexpectedMessage",
    "UnsupportedContentEncoding",
    "UnsupportedMediaType",
    "WebSocketDisconnect",
    "WebSocketStateError",
    "phrase",
)

# RFC 9110 15 renamed some of what older versions of ``http.HTTPStatus`` still call otherwise.
_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus} | {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    418: "I'm a Teapot",
    422: "Unprocessable Content",
}


def phrase(status_code: int) -> str:
    """Name a status code as RFC 9110 section 15 does; ``"Unknown"`` if nobody registered it.

    >>> phrase(404), phrase(599)
    ('Not Found', 'Unknown')
    """
    return _PHRASES.get(status_code, "Unknown")


class PorticoError(Exception):
    """The root of all that Portico raises on purpose."""


class Refusal:
    """Makes an ``HTTPException`` of one status; the class holds one for each.

    >>> raise HTTPException.conflict("the note was changed meanwhile")
    Traceback (most recent call last):
    portico.errors.HTTPException: 409 the note was changed meanwhile
    """

    def __init__(self, status_code: int) -> None:
        self.status_code: int = status_code

    def __call__(
        self,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        extensions: Mapping[str, object] | None = None,
    ) -> HTTPException:
        """Make the exception; takes what ``HTTPException`` takes but the status."""
        return HTTPException(self.status_code, detail, headers=headers, extensions=extensions)


class HTTPException(PorticoError):
    """Answer the request with this status, from anywhere below the app.

    ``status_code`` is 400 to 599; ``detail`` is shown to the client (default: the status's
    phrase); ``headers`` are added to the answer, for example ``{"retry-after": "30"}``.
    ``extensions`` are further members of the problem body (RFC 9457 3.2).

    The answer is a problem document, or text or HTML if the client prefers it. Inside a
    websocket that is not accepted yet it refuses the handshake.

    Raises ``ValueError`` for a status outside 400 to 599: other answers are responses.

    >>> raise HTTPException(404, "no such user")
    Traceback (most recent call last):
    portico.errors.HTTPException: 404 no such user
    """

    # One constructor for every status: ``raise HTTPException.not_found("no such user")``.
    bad_request: ClassVar[Refusal] = Refusal(400)
    unauthorized: ClassVar[Refusal] = Refusal(401)
    payment_required: ClassVar[Refusal] = Refusal(402)
    forbidden: ClassVar[Refusal] = Refusal(403)
    not_found: ClassVar[Refusal] = Refusal(404)
    method_not_allowed: ClassVar[Refusal] = Refusal(405)
    not_acceptable: ClassVar[Refusal] = Refusal(406)
    proxy_authentication_required: ClassVar[Refusal] = Refusal(407)
    request_timeout: ClassVar[Refusal] = Refusal(408)
    conflict: ClassVar[Refusal] = Refusal(409)
    gone: ClassVar[Refusal] = Refusal(410)
    length_required: ClassVar[Refusal] = Refusal(411)
    precondition_failed: ClassVar[Refusal] = Refusal(412)
    content_too_large: ClassVar[Refusal] = Refusal(413)
    uri_too_long: ClassVar[Refusal] = Refusal(414)
    unsupported_media_type: ClassVar[Refusal] = Refusal(415)
    range_not_satisfiable: ClassVar[Refusal] = Refusal(416)
    expectation_failed: ClassVar[Refusal] = Refusal(417)
    im_a_teapot: ClassVar[Refusal] = Refusal(418)
    misdirected_request: ClassVar[Refusal] = Refusal(421)
    unprocessable_content: ClassVar[Refusal] = Refusal(422)
    locked: ClassVar[Refusal] = Refusal(423)
    failed_dependency: ClassVar[Refusal] = Refusal(424)
    too_early: ClassVar[Refusal] = Refusal(425)
    upgrade_required: ClassVar[Refusal] = Refusal(426)
    precondition_required: ClassVar[Refusal] = Refusal(428)
    too_many_requests: ClassVar[Refusal] = Refusal(429)
    request_header_fields_too_large: ClassVar[Refusal] = Refusal(431)
    unavailable_for_legal_reasons: ClassVar[Refusal] = Refusal(451)
    internal_server_error: ClassVar[Refusal] = Refusal(500)
    not_implemented: ClassVar[Refusal] = Refusal(501)
    bad_gateway: ClassVar[Refusal] = Refusal(502)
    service_unavailable: ClassVar[Refusal] = Refusal(503)
    gateway_timeout: ClassVar[Refusal] = Refusal(504)
    http_version_not_supported: ClassVar[Refusal] = Refusal(505)
    variant_also_negotiates: ClassVar[Refusal] = Refusal(506)
    insufficient_storage: ClassVar[Refusal] = Refusal(507)
    loop_detected: ClassVar[Refusal] = Refusal(508)
    not_extended: ClassVar[Refusal] = Refusal(510)
    network_authentication_required: ClassVar[Refusal] = Refusal(511)

    def __init__(
        self,
        status_code: int,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        extensions: Mapping[str, object] | None = None,
    ) -> None:
        if not isinstance(status_code, int):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"the status is an int, not {type(status_code).__name__}")
        if detail is not None and not isinstance(detail, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError("detail is a str; further members go into extensions={...}")
        if not 400 <= status_code <= 599:
            raise ValueError(f"HTTPException is for statuses 400 to 599, not {status_code}")
        self.status_code: int = int(status_code)
        self.detail: str = phrase(status_code) if detail is None else detail
        if isinstance(headers, Mapping):
            # A type checker must reckon with an iterable of pairs that is a mapping as well.
            headers = cast("Mapping[str, str]", headers).items()
        self.headers: list[tuple[str, str]] = [_check_pair(pair) for pair in headers or ()]
        self.extensions: dict[str, object] = dict(extensions) if extensions else {}
        super().__init__(status_code, self.detail)

    def __str__(self) -> str:
        return f"{self.status_code} {self.detail}"


def _check_pair(pair: object) -> tuple[str, str]:
    match pair:
        case (str(name), str(value)):
            return name, value
        case _:
            raise TypeError("headers are a mapping, or pairs, of str to str")


class BadInput(HTTPException):
    """The peer sent something that does not follow the grammar it claims to follow: 400.

    ``field`` names what is wrong (``"content-length"``, ``"query"``, ``"$.user.age"``), ``reason``
    is a short clause fit to be shown to the peer. Neither ever holds the value itself.
    """

    default_status: ClassVar[int] = 400

    def __init__(
        self,
        field: str,
        reason: str,
        *,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        extensions: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(
            self.default_status,
            f"{field}: {reason}",
            headers=headers,
            extensions={"field": field, **(extensions or {})},
        )
        self.field: str = field
        self.reason: str = reason


class ContentTooLarge(BadInput):
    """The peer sent more than we allow: 413, with the limit in the problem body.

    ``limit`` is the number that was passed, counted in ``unit`` (default ``"bytes"``).
    """

    default_status: ClassVar[int] = 413

    def __init__(self, field: str, limit: int, unit: str = "bytes") -> None:
        super().__init__(field, f"over {limit} {unit}", extensions={"limit": limit, "unit": unit})
        self.limit: int = limit
        self.unit: str = unit


class UnsupportedMediaType(BadInput):
    """The peer sent a media type that this reader does not take: 415.

    ``accepted`` are the types that it would take; they are sent in an ``Accept`` field, as
    RFC 9110 15.5.16 suggests.
    """

    default_status: ClassVar[int] = 415

    def __init__(self, accepted: Sequence[str], reason: str | None = None) -> None:
        wanted = ", ".join(accepted)
        super().__init__("content-type", reason or f"must be {wanted}", headers={"accept": wanted})
        self.accepted: tuple[str, ...] = tuple(accepted)


class UnsupportedContentEncoding(UnsupportedMediaType):
    """The peer sent a body in a content coding that is not taken here: 415.

    ``accepted`` are the codings that would be; they are sent in an ``Accept-Encoding`` field, as
    RFC 9110 15.5.16 suggests.
    """

    def __init__(self, accepted: Sequence[str], reason: str | None = None) -> None:
        wanted = ", ".join([*accepted, "identity"])
        BadInput.__init__(
            self,
            "content-encoding",
            reason or f"must be {wanted}",
            headers={"accept-encoding": wanted},
        )
        self.accepted: tuple[str, ...] = tuple(accepted)


class BodyTimeout(BadInput):
    """The peer sent its body too slowly: 408. ``limit_s`` is the time that passed, in seconds."""

    default_status: ClassVar[int] = 408

    def __init__(self, limit_s: float) -> None:
        extensions = {"limit": limit_s, "unit": "seconds"}
        super().__init__("body", f"took over {limit_s:g} seconds", extensions=extensions)
        self.limit_s: float = limit_s


class InvalidData(BadInput):
    """The peer sent well-formed data that is not what was asked for: 422.

    ``field`` is the path of the value, as in ``$.items[0].price``.
    """

    default_status: ClassVar[int] = 422


class UnexpectedMessage(BadInput):
    """The peer of a websocket sent a binary message where text was expected, or text for binary.

    The socket stays open and the next message can be received. Unhandled, it closes with 1003.
    """

    def __init__(self, expected: Literal["text", "binary"]) -> None:
        super().__init__("message", f"must be {expected}")


class ServiceUnavailable(HTTPException):
    """What the application needs to answer (Redis, room in a hub) is not there now: 503.

    ``detail`` is shown to the client (default: the status's phrase).
    """

    default_status: ClassVar[int] = 503

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(self.default_status, detail)


class FileChanged(PorticoError):
    """A file became shorter while it was sent, or unreadable: what was promised cannot be kept.

    The answer is broken off, for the client must not take a part for the whole.
    """


class ClientDisconnect(PorticoError):
    """The peer of a request went away: nobody is left to answer. Never logged as an error."""


class WebSocketDisconnect(PorticoError):
    """The peer of a websocket went away, or the connection broke.

    ``code`` is the close code (RFC 6455 7.4; 1005 none was given, 1006 the connection broke),
    ``reason`` the peer's text, ``""`` if it gave none.
    """

    def __init__(self, code: int = 1005, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code: int = code
        self.reason: str = reason


class SlowSubscriber(PorticoError):
    """The queue of a hub's subscriber was full, and its policy is to let the subscriber go."""


class Misuse(PorticoError, RuntimeError):
    """The caller broke a rule of ours. A bug to mend; the client sees a plain 500."""


class BodyConsumed(Misuse):
    """The body was streamed and not kept, so it cannot be read again."""


class ResponseAlreadyStarted(Misuse):
    """The status line and the headers have left; they cannot be sent again."""


class ResponseNotStarted(Misuse):
    """A body was written before the status line: call ``start`` first."""


class ResponseAlreadyEnded(Misuse):
    """The last byte of the response has left; nothing can follow it."""


class WebSocketStateError(Misuse):
    """The call is not possible in the websocket's present state."""


class RouteNotFound(Misuse, LookupError):
    """No route has that name, or it needs other parameters. The message lists what there is."""
