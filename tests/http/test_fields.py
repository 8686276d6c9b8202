"""One header field on its way out."""

from __future__ import annotations

import pytest

from portico.http.fields import check_name, check_single, check_value, encode_field, encode_fields
from portico.http.headers import encode_headers


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("accept", b"accept", id="lower case"),
        pytest.param("X-Tag", b"x-tag", id="made lower case"),
        pytest.param("!#$%&'*+-.^_`|~09az", b"!#$%&'*+-.^_`|~09az", id="all of token (5.6.2)"),
        pytest.param("X" * 64, b"x" * 64, id="the longest that is kept"),
        pytest.param("X" * 65, b"x" * 65, id="one more"),
    ],
)
def test_check_name(name: str, expected: bytes) -> None:
    assert check_name(name) == expected


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("a b", id="space"),
        pytest.param("a:b", id="colon"),
        pytest.param("x\r\ny", id="line break"),
        pytest.param("x\n", id="line break at the end"),
        pytest.param("é", id="not ASCII"),
        pytest.param("\u212aey", id="Kelvin sign"),
        pytest.param("transfer-encoding", id="framing (RFC 9112 6.1)"),
        pytest.param("Transfer-Encoding", id="framing, any case"),
        pytest.param("a b" * 100, id="long"),
    ],
)
def test_refused_names(name: str) -> None:
    with pytest.raises(ValueError, match="header") as caught:
        check_name(name)
    assert len(str(caught.value)) < 150
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="header"):
        encode_headers({name: "v"})


@pytest.mark.parametrize("value", ["", "a", "a\tb", "a b", "é", "\x80", "~!", "a" * 9000])
def test_good_values(value: str) -> None:
    assert check_value("x", value) == value.encode("latin-1")


FAULTS = [
    ("a\rb", "a line break"),
    ("a\nb", "a line break"),
    ("a\n", "a line break"),
    ("a\0b", "a NUL"),
    ("\x01", "a control character"),
    ("\x08", "a control character"),
    ("\x0b", "a control character"),
    ("\x1f", "a control character"),
    ("\x7f", "a control character"),
    (" a", "begins or ends"),
    ("a ", "begins or ends"),
    ("\ta", "begins or ends"),
    ("a\t", "begins or ends"),
    (" ", "begins or ends"),
    ("€", "outside latin-1"),
    ("\ud800", "outside latin-1"),
]


@pytest.mark.parametrize(("value", "fault"), FAULTS)
def test_refused_values(value: str, fault: str) -> None:
    with pytest.raises(ValueError, match=f"header 'x-a': its value .*{fault}") as caught:
        check_value("x-a", "hunter2" + value + "hunter2" if value.strip(" \t") == value else value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("value", [5, None, b"v", ["v"]])
def test_what_is_no_text_is_a_type_error(value: str) -> None:
    with pytest.raises(TypeError, match="'x-a'"):
        encode_headers({"x-a": value})
    with pytest.raises(TypeError, match="header name"):
        check_name(value)


def test_what_was_checked_is_checked_again_when_too_many_were() -> None:
    for number in range(600):
        assert encode_field("x-a", str(number)) == (b"x-a", b"%d" % number)
    assert encode_fields([("X-A", "599"), ("x-a", "1" * 200)]) == [
        (b"x-a", b"599"),
        (b"x-a", b"1" * 200),
    ]


def test_pairs_may_be_lists() -> None:
    assert encode_headers([["x-a", "1"]]) == [(b"x-a", b"1")]  # type: ignore[list-item]


def test_one_of_a_name() -> None:
    check_single([(b"x", b""), (b"x", b""), (b"etag", b""), (b"location", b"")])
    with pytest.raises(ValueError, match="'etag' is given twice"):
        check_single([(b"etag", b""), (b"x", b""), (b"etag", b"")])
