"""Byte ranges: RFC 9110 section 14.

Reads ``Range``, writes ``Content-Range`` and the framing of ``multipart/byteranges``. Whether a
range is heeded at all is decided in ``conditional``; what is sent is planned in ``plan``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

__all__ = (
    "MAX_RANGES",
    "MAX_RAW_RANGES",
    "ByteRange",
    "content_range",
    "multipart_pieces",
    "parse_range",
)

MAX_RANGES: Final = 16
"""Ranges that one answer has at most, once those that meet are one; more is an attack, and gets
the whole (RFC 9110 17.15)."""

MAX_RAW_RANGES: Final = 256
"""Ranges that a field may list; a longer list is not looked at."""

# The usual one is read at once.
_SINGLE: Final = re.compile(r"bytes=([0-9]{1,18})-([0-9]{0,18})")
_SPEC: Final = re.compile(r"([0-9]*)-([0-9]*)")

_MOST_DIGITS: Final = 18
"""Digits of a position; more is further than any file goes, and slow to turn into a number."""

_FURTHEST: Final = 10**_MOST_DIGITS


class ByteRange(NamedTuple):
    """A half-open span of bytes: ``start`` is in, ``stop`` is out."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """How many bytes it has."""
        return self.stop - self.start


def parse_range(value: str, size: int, *, max_ranges: int = MAX_RANGES) -> list[ByteRange] | None:
    """Read a ``Range`` field against a representation of ``size`` bytes.

    Returns the ranges, cut to ``size``, those that touch or overlap as one, each at the place where
    its first was asked for (RFC 9110 15.3.7.2). An empty list means that none has a byte in it:
    416. ``None`` means that the field is to be ignored (14.2): another unit, bad syntax, more than
    ``max_ranges`` ranges, or a suffix of nothing, which is all there is.

    >>> parse_range("bytes=0-4,-2", 10)
    [ByteRange(start=0, stop=5), ByteRange(start=8, stop=10)]
    >>> parse_range("bytes=10-", 10), parse_range("lines=1-2", 10)
    ([], None)
    """
    match = _SINGLE.fullmatch(value)
    if match is not None:
        first = int(match[1])
        stop = int(match[2]) + 1 if match[2] else size
        if match[2] and stop <= first:
            return None
        return [ByteRange(first, min(stop, size))] if first < size else []
    unit, equals, listed = value.partition("=")
    if not equals or unit.lower() != "bytes":
        return None
    # Empty elements are legal (5.6.1.2) and so many commas are no many ranges.
    specs = [spec for text in listed.split(",") if (spec := text.strip(" \t"))]
    if not 0 < len(specs) <= MAX_RAW_RANGES:
        return None
    ranges: list[ByteRange] = []
    for spec in specs:
        read = _read_spec(spec, size)
        if read is None:
            return None
        if read.start < read.stop:
            ranges.append(read)
    ranges = _coalesced(ranges)
    return ranges if len(ranges) <= max_ranges else None


def content_range(part: ByteRange | None, size: int) -> str:
    """Write a ``Content-Range`` field (RFC 9110 14.4); ``None`` is for a 416.

    >>> content_range(ByteRange(0, 5), 10), content_range(None, 10)
    ('bytes 0-4/10', 'bytes */10')
    """
    return f"bytes */{size}" if part is None else f"bytes {part.start}-{part.stop - 1}/{size}"


def multipart_pieces(
    ranges: Sequence[ByteRange], size: int, content_type: str, boundary: str
) -> tuple[bytes | ByteRange, ...]:
    r"""Write the body of a ``multipart/byteranges`` (RFC 9110 14.6): framing, range, framing ...

    ``boundary`` must not occur in the content. Raises ``ValueError`` if it is not 1 to 70 letters
    and digits.

    >>> multipart_pieces([ByteRange(0, 2)], 9, "text/plain", "x")[0]
    b'--x\r\ncontent-type: text/plain\r\ncontent-range: bytes 0-1/9\r\n\r\n'
    """
    if re.fullmatch(r"[0-9A-Za-z]{1,70}", boundary) is None:
        raise ValueError("a boundary has 1 to 70 letters and digits")
    pieces: list[bytes | ByteRange] = []
    line_end = ""  # belongs to the delimiter (RFC 2046 5.1.1), so the first has none
    for part in ranges:
        head = (
            f"{line_end}--{boundary}\r\ncontent-type: {content_type}\r\n"
            f"content-range: {content_range(part, size)}\r\n\r\n"
        )
        pieces += (head.encode("latin-1"), part)
        line_end = "\r\n"
    return (*pieces, f"\r\n--{boundary}--\r\n".encode("ascii"))


def _read_spec(spec: str, size: int) -> ByteRange | None:
    """Read one range; empty if it lies behind the end, ``None`` if it is malformed."""
    match = _SPEC.fullmatch(spec)
    if match is None:
        return None
    first, last = match.groups()
    if first:
        start, stop = _position(first), _position(last) + 1 if last else size
        if last and stop <= start:
            return None  # an int-range that ends before it begins is invalid (14.1.1)
        return ByteRange(start, max(start, min(stop, size))) if start < size else ByteRange(0, 0)
    if not last:
        return None
    length = _position(last)
    if length and not size:
        return None  # all of nothing: no Content-Range can say that
    # A suffix longer than the content means all of it (14.1.2).
    return ByteRange(max(size - length, 0), size)


def _position(digits: str) -> int:
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= _MOST_DIGITS else _FURTHEST


def _coalesced(ranges: list[ByteRange]) -> list[ByteRange]:
    if len(ranges) < 2:
        return ranges
    # Each with its place in the order of the request.
    merged: list[tuple[int, ByteRange]] = []
    for (start, stop), place in sorted((part, place) for place, part in enumerate(ranges)):
        if merged and start <= merged[-1][1].stop:
            first, (begin, end) = merged[-1]
            merged[-1] = (min(first, place), ByteRange(begin, max(end, stop)))
        else:
            merged.append((place, ByteRange(start, stop)))
    return [part for _, part in sorted(merged)]
