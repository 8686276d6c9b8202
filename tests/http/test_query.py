"""``portico.http.query``."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDictProxy

from portico.errors import BadInput, ContentTooLarge
from portico.http.query import (
    MAX_FIELDS,
    UrlencodedCounter,
    encode_urlencoded,
    parse_query,
    parse_urlencoded,
)

CASES = [
    pytest.param(b"", [], id="nothing"),
    pytest.param(b"a", [("a", "")], id="a name alone"),
    pytest.param(b"a=", [("a", "")], id="empty value"),
    pytest.param(b"=b", [("", "b")], id="empty name"),
    pytest.param(b"=", [("", "")], id="both empty"),
    pytest.param(b"a==b=", [("a", "=b=")], id="only the first = separates"),
    pytest.param(b"a=1&b=2&a=3", [("a", "1"), ("b", "2"), ("a", "3")], id="repeats, in order"),
    pytest.param(b"&", [], id="empty pieces"),
    pytest.param(b"&a=1&&&b=2&", [("a", "1"), ("b", "2")], id="empty pieces among others"),
    pytest.param(b"a=1;b=2", [("a", "1;b=2")], id="a semicolon does not separate"),
    pytest.param(b"a=b+c", [("a", "b c")], id="plus is a space"),
    pytest.param(b"a+b=c", [("a b", "c")], id="plus in a name"),
    pytest.param(b"a=%2B+%20", [("a", "+  ")], id="escaped plus"),
    pytest.param(b"a%26b=c%3Dd", [("a&b", "c=d")], id="decoded after splitting"),
    pytest.param(b"a=%2541", [("a", "%41")], id="decoded once"),
    pytest.param(b"caf%C3%A9=%e2%82%ac", [("café", "€")], id="UTF-8, either case of digits"),
    pytest.param("café=€".encode(), [("café", "€")], id="raw UTF-8"),
    pytest.param(b"a=\xe2%82%AC", [("a", "€")], id="a character half raw, half escaped"),
    pytest.param("é=%C3%A9&b=+".encode(), [("é", "é"), ("b", " ")], id="raw and escaped"),
    pytest.param(b"a=%", [("a", "%")], id="a bare %"),
    pytest.param(b"a=%2", [("a", "%2")], id="half an escape"),
    pytest.param(b"a=%zz%41", [("a", "%zzA")], id="no digits"),
    pytest.param(b"a=%\xd9\xa1\xd9\xa1", [("a", "%\u0661\u0661")], id="digits are ASCII"),
    pytest.param(b"a=%ff&b=\xff", [("a", "\ufffd"), ("b", "\ufffd")], id="no UTF-8"),
    pytest.param(b"%EF%BB%BFa=1", [("\ufeffa", "1")], id="a byte order mark is kept"),
    pytest.param(b"a=%00%0D%0A", [("a", "\0\r\n")], id="controls are data"),
    pytest.param(b"a=%00", [("a", "\0")], id="NUL too"),
    pytest.param(b"a=%\n%4&b=1\r\n", [("a", "%\n%4"), ("b", "1\r\n")], id="raw line ends too"),
    pytest.param(b"a=%%41%", [("a", "%A%")], id="a % before an escape and one at the end"),
]


@pytest.mark.parametrize("parse", [parse_query, parse_urlencoded])
@pytest.mark.parametrize(("data", "expected"), CASES)
def test_parse(
    parse: Callable[[bytes], MultiDictProxy[str]], data: bytes, expected: list[tuple[str, str]]
) -> None:
    assert list(parse(data).items()) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param("a=b%20c&é=+", [("a", "b c"), ("é", " ")], id="text is UTF-8"),
        pytest.param("a=\ud800", [("a", "\ufffd" * 3)], id="a lone surrogate"),
        pytest.param("a=\udcff", [("a", "\ufffd" * 3)], id="a surrogate that stands for a byte"),
    ],
)
def test_parse_text(data: str, expected: list[tuple[str, str]]) -> None:
    assert list(parse_query(data).items()) == expected


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("between", [b"&", b"&&", b"&&&"])
def test_limit_of_fields(between: bytes, *, after: bool) -> None:
    at_limit = between.join([b"a=1"] * 5) + between * after
    over = at_limit + between + b"b=2"
    assert len(parse_query(at_limit, max_fields=5)) == 5
    assert len(parse_urlencoded(at_limit, max_fields=5)) == 5
    with pytest.raises(BadInput, match="query: has more than 5 fields") as query:
        parse_query(over, max_fields=5)
    assert query.value.status_code == 400
    with pytest.raises(ContentTooLarge) as body:
        parse_urlencoded(over, max_fields=5)
    assert (body.value.status_code, body.value.limit, body.value.unit) == (413, 5, "fields")


@pytest.mark.parametrize("size", [1, 2, 1000])
@pytest.mark.parametrize(
    ("fits", "over", "limit"),
    [
        (b"a&b&&c&", b"a&b&&c&d", 3),
        (b"a=1234567&1234567=", b"a=1234567&12345678", 7),
        (b"a=%31%32%33%34%35%36%37", b"a=12345678", 7),
        (b"&" * 40, b"&" * 41, 40),
    ],
    ids=["fields", "a name", "a value", "all"],
)
def test_a_form_is_counted_while_it_comes(fits: bytes, over: bytes, limit: int, size: int) -> None:
    def count(data: bytes) -> None:
        counter = UrlencodedCounter(3, 7, 40)
        for end in [*range(0, len(data), size), len(data), len(data)]:
            counter.count(data[:end])

    count(fits)
    with pytest.raises(ContentTooLarge) as caught:
        count(over)
    assert caught.value.limit == limit


def test_the_default_limit() -> None:
    assert len(parse_query(b"a&" * MAX_FIELDS)) == MAX_FIELDS == 1000
    with pytest.raises(BadInput):
        parse_query(b"a&" * (MAX_FIELDS + 1))


def test_no_fields_allowed() -> None:
    assert not parse_query(b"", max_fields=0)
    with pytest.raises(BadInput):
        parse_query(b"a", max_fields=0)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        pytest.param([], "", id="nothing"),
        pytest.param([("a", "1"), ("a", "2")], "a=1&a=2", id="repeats"),
        pytest.param([("", "")], "=", id="both empty"),
        pytest.param([("a b", "+&=%;")], "a+b=%2B%26%3D%25%3B", id="what would separate"),
        pytest.param([("x", "*-._09AZaz~")], "x=*-._09AZaz%7E", id="what stays (WHATWG URL 1.3)"),
        pytest.param([("é", "\r\n\0")], "%C3%A9=%0D%0A%00", id="UTF-8 and controls"),
    ],
)
def test_encode(pairs: list[tuple[str, str]], expected: str) -> None:
    assert encode_urlencoded(pairs) == expected


def test_encode_refuses_lone_surrogates() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        encode_urlencoded([("a", "\ud800")])


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.lists(st.tuples(TEXT, TEXT), max_size=10))
def test_what_is_written_is_read(pairs: list[tuple[str, str]]) -> None:
    written = encode_urlencoded(pairs)
    assert written.isascii()
    assert list(parse_query(written).items()) == pairs
    assert list(parse_urlencoded(written.encode()).items()) == pairs


HEX = b"0123456789abcdefABCDEF"


def percent_decode(data: bytes) -> str:
    """The steps of WHATWG URL 1.3, one byte at a time."""
    output, place = bytearray(), 0
    data = data.replace(b"+", b" ")
    while place < len(data):
        digits = data[place + 1 : place + 3]
        if data[place : place + 1] == b"%" and len(digits) == 2 and all(d in HEX for d in digits):
            output.append(int(digits, 16))
            place += 3
        else:
            output.append(data[place])
            place += 1
    return output.decode("utf-8", "replace")


@given(st.binary(max_size=60) | st.text("ab%&=+;4C3é", max_size=40).map(str.encode))
def test_any_bytes_are_read_by_the_steps_of_the_standard(data: bytes) -> None:
    expected: list[tuple[str, str]] = []
    for piece in data.split(b"&"):
        name, _, value = piece.partition(b"=")
        if piece:
            expected.append((percent_decode(name), percent_decode(value)))
    assert list(parse_query(data).items()) == expected
