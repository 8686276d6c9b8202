"""Byte ranges: syntax, what is satisfiable, what becomes one, the framing of several."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.http.ranges import (
    MAX_RANGES,
    MAX_RAW_RANGES,
    ByteRange,
    content_range,
    multipart_pieces,
    parse_range,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("bytes=0-0", [(0, 1)], id="the first byte"),
        pytest.param("bytes=0-9", [(0, 10)], id="all"),
        pytest.param("bytes=9-", [(9, 10)], id="from the last"),
        pytest.param("bytes=-5", [(5, 10)], id="a suffix"),
        pytest.param("bytes=-999999", [(0, 10)], id="a suffix longer than the content (14.1.2)"),
        pytest.param("bytes=5-99", [(5, 10)], id="cut to the size"),
        pytest.param("bytes=0-9999999999999999999999", [(0, 10)], id="far behind the end"),
        pytest.param("bytes=00000000000000000000002-3", [(2, 4)], id="leading zeros"),
        pytest.param("BYTES=0-1", [(0, 2)], id="units are case-blind (14.1)"),
        pytest.param("bytes= 0-1", [(0, 2)], id="a blank before"),
        pytest.param("bytes=0-1\t", [(0, 2)], id="a tab behind"),
        pytest.param("bytes=,0-1, ,", [(0, 2)], id="empty elements (5.6.1.2)"),
        pytest.param("bytes=0-0,-1", [(0, 1), (9, 10)], id="two"),
        pytest.param("bytes=-1,0-0", [(9, 10), (0, 1)], id="in the order asked for (15.3.7.2)"),
        pytest.param("bytes=0-2,2-4", [(0, 5)], id="overlapping ones are one"),
        pytest.param("bytes=0-2,3-4", [(0, 5)], id="touching ones are one"),
        pytest.param("bytes=0-2,4-5", [(0, 3), (4, 6)], id="a gap stays one"),
        pytest.param("bytes=0-,1-,2-,3-", [(0, 10)], id="all in the first"),
        pytest.param("bytes=7-7,0-1,1-2", [(7, 8), (0, 3)], id="at the place of the first"),
        pytest.param("bytes=1-2,7-7,0-0", [(0, 3), (7, 8)], id="also if it begins later"),
        pytest.param("bytes=99-,0-1", [(0, 2)], id="what is behind the end is left out"),
        pytest.param("bytes=-0", [], id="a suffix of nothing"),
        pytest.param("bytes=10-", [], id="from the end"),
        pytest.param("bytes=10-20", [], id="behind the end"),
        pytest.param("bytes=10-20,30-", [], id="all behind the end"),
        pytest.param("bytes=3-2", None, id="backwards"),
        pytest.param("bytes=0-1,3-2", None, id="one of them backwards"),
        pytest.param("bytes=20-19", None, id="backwards, behind the end"),
        pytest.param("bytes=30-9999999999999999999,20-9", None, id="backwards, in a list"),
        pytest.param("bytes=--1", None, id="a negative suffix"),
        pytest.param("bytes=1-2-3", None, id="three numbers"),
        pytest.param("bytes=abc", None, id="no number"),
        pytest.param("bytes=", None, id="nothing"),
        pytest.param("bytes=,", None, id="an empty list"),
        pytest.param("bytes=-", None, id="a hyphen alone"),
        pytest.param("bytes=7", None, id="no hyphen"),
        pytest.param("bytes=0-1;q=1", None, id="a parameter"),
        pytest.param("bytes=1 - 3", None, id="blanks inside"),
        pytest.param("bytes=+1-3", None, id="a sign"),
        pytest.param("bytes=1_0-", None, id="an underscore"),
        pytest.param("bytes=0x1-0x2", None, id="hexadecimal"),
        pytest.param("bytes=\u0661-\u0662", None, id="digits must be ASCII"),
        pytest.param("bytes=\xb2-", None, id="a superscript is no digit"),
        pytest.param("bytes=0-1\n", None, id="a line end"),
        pytest.param("bytes=\xa00-1", None, id="a no-break space"),
        pytest.param("items=0-1", None, id="another unit (14.2)"),
        pytest.param("bytes =0-1", None, id="a blank before the sign"),
        pytest.param("bytes", None, id="the unit alone"),
        pytest.param("", None, id="an empty field"),
        pytest.param("bytes=0-1,items=0-1", None, id="two units"),
        pytest.param("bytes=0-1, bytes=3-4", None, id="two fields"),
    ],
)
def test_parse_range(value: str, expected: list[tuple[int, int]] | None) -> None:
    assert parse_range(value, 10) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("bytes=0-", [], id="from the start"),
        pytest.param("bytes=0-0,1-1", [], id="several"),
        pytest.param("bytes=-5", None, id="a suffix is all, which no Content-Range can say"),
        pytest.param("bytes=-0", [], id="a suffix of nothing"),
    ],
)
def test_of_nothing(value: str, expected: list[ByteRange] | None) -> None:
    assert parse_range(value, 0) == expected


def listed(count: int) -> str:
    return "bytes=" + ",".join(f"{2 * n}-{2 * n}" for n in range(count))


@pytest.mark.parametrize(
    ("value", "count"),
    [
        pytest.param(listed(MAX_RANGES), MAX_RANGES, id="as many as are sent"),
        pytest.param(listed(MAX_RANGES + 1), None, id="one more: the whole"),
        pytest.param("bytes=" + "0-0," * MAX_RAW_RANGES, 1, id="as many as are read"),
        pytest.param("bytes=" + "0-0," * (MAX_RAW_RANGES + 1), None, id="one more"),
        pytest.param("bytes=" + "," * 10_000 + "0-0", 1, id="empty elements do not count"),
    ],
)
def test_limits(value: str, count: int | None) -> None:
    found = parse_range(value, 1000)
    assert (None if found is None else len(found)) == count


def test_the_limit_is_the_caller_s() -> None:
    assert parse_range(listed(3), 1000, max_ranges=2) is None
    assert parse_range(listed(2), 1000, max_ranges=2) == [(0, 1), (2, 3)]


def test_a_range_knows_its_length() -> None:
    assert ByteRange(2, 5).length == 3


@pytest.mark.parametrize(
    ("part", "expected"),
    [(ByteRange(0, 1), "bytes 0-0/10"), (ByteRange(5, 10), "bytes 5-9/10"), (None, "bytes */10")],
)
def test_content_range(part: ByteRange | None, expected: str) -> None:
    assert content_range(part, 10) == expected


def test_multipart_is_exact_to_the_byte() -> None:
    """The first delimiter has no line break before it, the last one ends with two hyphens."""
    content, ranges = b"0123456789", [ByteRange(0, 2), ByteRange(5, 10)]
    pieces = multipart_pieces(ranges, 10, "text/plain", "b0")
    body = b"".join(p if isinstance(p, bytes) else content[p.start : p.stop] for p in pieces)
    assert body == (
        b"--b0\r\ncontent-type: text/plain\r\ncontent-range: bytes 0-1/10\r\n\r\n01"
        b"\r\n--b0\r\ncontent-type: text/plain\r\ncontent-range: bytes 5-9/10\r\n\r\n56789"
        b"\r\n--b0--\r\n"
    )
    head = b"content-type: multipart/byteranges; boundary=b0\r\n\r\n"
    message = message_from_bytes(head + body, policy=policy.HTTP)
    assert [part.get_payload() for part in message.iter_parts()] == ["01", "56789"]


@pytest.mark.parametrize("boundary", ["", "a b", "x" * 71, "a\r\n", "\u00e9"])
def test_boundaries(boundary: str) -> None:
    with pytest.raises(ValueError, match="letters and digits"):
        multipart_pieces([], 0, "text/plain", boundary)


SPEC = st.one_of(
    st.from_regex(r"[0-9]{0,3}-[0-9]{0,3}", fullmatch=True), st.text("0123456789- \t=", max_size=6)
)


@given(st.lists(SPEC, max_size=30).map(",".join), st.integers(0, 200))
def test_ranges_lie_within_and_apart(specs: str, size: int) -> None:
    found = parse_range(f"bytes={specs}", size)
    if not found:
        return
    assert len(found) <= MAX_RANGES
    assert all(0 <= start < stop <= size for start, stop in found)
    ordered = sorted(found)
    assert all(one.stop < other.start for one, other in pairwise(ordered))
    wanted: set[int] = set()
    for first, last in re.findall(r"([0-9]*)-([0-9]*)", specs):
        start = int(first) if first else max(size - int(last), 0)
        stop = int(last) + 1 if first and last else size
        wanted.update(range(start, min(stop, size)))
    assert wanted == {place for part in found for place in range(*part)}


@given(st.text(), st.integers(0, 1 << 50))
def test_never_raises(value: str, size: int) -> None:
    parse_range(value, size)
    parse_range(f"bytes={value}", size)
