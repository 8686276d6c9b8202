"""What is sent for a representation: RFC 9110 sections 13 to 15, put together.

A request's conditions, validators and a size go in; status, header fields and spans of bytes come
out. Whoever has the bytes, a file or a body made just now, sends them as the plan says.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from portico.http.conditional import NO_CONDITIONS, Conditions, Verdict, decide
from portico.http.headers import RawHeaders
from portico.http.ranges import (
    MAX_RANGES,
    ByteRange,
    content_range,
    multipart_pieces,
    parse_range,
)

__all__ = ("Plan", "Representation", "needs_boundary", "plan_response")


class Representation(NamedTuple):
    """What there is to be sent: ``size`` in bytes, and its validators.

    ``etag`` as it is sent, quotes and all; ``last_modified`` in seconds since 1970; ``None`` where
    there is none. ``content_type`` is repeated in each part of several.
    """

    size: int
    etag: str | None = None
    last_modified: int | None = None
    content_type: str = "application/octet-stream"


class Plan(NamedTuple):
    """What to send: ``status_code`` is 200, 206, 304, 412 or 416.

    ``pieces`` are the body in order: bytes to be sent as they are, and spans of the representation;
    none for HEAD. ``headers`` are the fields that this plan brings.
    """

    status_code: int
    headers: tuple[tuple[bytes, bytes], ...] = ()
    pieces: tuple[bytes | ByteRange, ...] = ()

    def fields(self, raw: RawHeaders) -> RawHeaders:
        """Give the fields of the answer: those of the whole representation, as the plan has it.

        A 304 has no fields of the content that it does not send (RFC 9110 15.4.5); what the plan
        brings takes the place of a field of that name.
        """
        if self.status_code == 304:
            return [pair for pair in raw if pair[0] not in _CONTENT]
        if self.status_code == 200:  # nobody sets the length of what is not theirs to count
            return [*(pair for pair in raw if pair[0] != b"content-length"), *self.headers]
        brought = {name for name, _ in self.headers} | {b"content-length"}
        return [*(pair for pair in raw if pair[0] not in brought), *self.headers]


_NOT_MODIFIED: Final = Plan(304)
_PRECONDITION_FAILED: Final = Plan(412)

_CONTENT: Final = frozenset(
    {
        b"accept-ranges",
        b"content-disposition",
        b"content-encoding",
        b"content-language",
        b"content-length",
        b"content-range",
        b"content-type",
    }
)


def needs_boundary(conditions: Conditions) -> bool:
    """Tell whether the answer may have several parts, so that ``plan_response`` needs a boundary.

    >>> needs_boundary(Conditions(range="bytes=0-1,5-6")), needs_boundary(Conditions())
    (True, False)
    """
    return conditions.range is not None and "," in conditions.range


def plan_response(
    method: str,
    conditions: Conditions,
    representation: Representation,
    *,
    boundary: str = "",
    max_ranges: int = MAX_RANGES,
    now: float | None = None,
) -> Plan:
    """Plan the answer to a GET or HEAD that would otherwise be a 200.

    ``boundary`` parts several ranges: letters and digits that do not occur in the content (random
    ones); it is used only if ``needs_boundary``. ``now`` (seconds since 1970) is for ``decide``.
    Never raises for what a peer sent; raises ``ValueError`` for another method: what changes a
    thing has to ask ``decide`` before it does so.

    >>> page = Representation(1000, etag='"a"')
    >>> plan_response("GET", Conditions(range="bytes=990-"), page).headers
    ((b'content-range', b'bytes 990-999/1000'), (b'content-length', b'10'))
    >>> plan_response("GET", Conditions(if_none_match='"a"'), page).status_code
    304
    """
    if method not in ("GET", "HEAD"):
        raise ValueError("a representation is planned for GET and HEAD")
    size, etag, last_modified, content_type = representation
    verdict = Verdict.PROCEED
    if conditions is not NO_CONDITIONS:
        verdict = decide(method, conditions, etag=etag, last_modified=last_modified, now=now)
    if verdict is Verdict.NOT_MODIFIED:
        return _NOT_MODIFIED
    if verdict is Verdict.PRECONDITION_FAILED:
        return _PRECONDITION_FAILED
    ranges: list[ByteRange] | None = None
    # A Range of anything but GET is ignored (14.2).
    if conditions.range is not None and verdict is Verdict.PROCEED and method == "GET":
        ranges = parse_range(conditions.range, size, max_ranges=max_ranges)
    if ranges is None:
        whole = (ByteRange(0, size),) if size and method == "GET" else ()
        return Plan(200, ((b"content-length", b"%d" % size),), whole)
    if not ranges:
        return Plan(416, ((b"content-range", content_range(None, size).encode("ascii")),))
    if len(ranges) == 1:
        part = ranges[0]
        fields = (
            (b"content-range", content_range(part, size).encode("ascii")),
            (b"content-length", b"%d" % part.length),
        )
        return Plan(206, fields, (part,))
    pieces = multipart_pieces(ranges, size, content_type, boundary)
    length = sum(len(piece) if isinstance(piece, bytes) else piece.length for piece in pieces)
    fields = (
        (b"content-type", f"multipart/byteranges; boundary={boundary}".encode("ascii")),
        (b"content-length", b"%d" % length),
    )
    return Plan(206, fields, pieces)
