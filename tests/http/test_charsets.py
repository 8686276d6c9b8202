"""Text from bytes, by the charset that a peer names."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.errors import BadInput, UnsupportedMediaType
from portico.http import charsets
from portico.http.charsets import decode_text

NAMES = sorted(charsets._CODECS)


@pytest.mark.parametrize(
    ("data", "charset", "expected"),
    [
        pytest.param(b"caf\xc3\xa9", "utf-8", "café", id="UTF-8"),
        pytest.param(b"caf\xc3\xa9", "UTF-8", "café", id="case-blind (RFC 9110 8.3.2)"),
        pytest.param(b"caf\xe9", "iso-8859-1", "café", id="latin-1"),
        pytest.param(b"\xa4", "iso-8859-15", "€", id="latin-9"),
        pytest.param(b"\x80", "windows-1252", "€", id="windows"),
        pytest.param(b"a\0", "utf-16", "a", id="UTF-16 without a mark is LE (Encoding 4.2)"),
        pytest.param(b"\xfe\xff\0a", "utf-16", "a", id="UTF-16 with a mark"),
        pytest.param(b"\xff\xfea\0", "utf-16", "a", id="UTF-16 with the other mark"),
        pytest.param(b"\0a", "utf-16be", "a", id="UTF-16BE"),
        pytest.param(b"\x82\xa0", "shift_jis", "あ", id="Shift_JIS"),
        pytest.param(b"", "us-ascii", "", id="nothing"),
    ],
)
def test_decode_text(data: bytes, charset: str, expected: str) -> None:
    assert decode_text(data, charset) == expected


@pytest.mark.parametrize(
    "charset",
    [
        "",
        "x",
        "utf-7",
        "zip",
        "idna",
        "punycode",
        "unicode_escape",
        "rot13",
        "hex",
        "utf_8",
        "a\0b",
    ],
)
def test_an_unknown_charset(charset: str) -> None:
    with pytest.raises(UnsupportedMediaType) as caught:
        decode_text(b"a", charset)
    assert caught.value.status_code == 415


@pytest.mark.parametrize(
    ("data", "charset"),
    [
        pytest.param(b"\xff", "utf-8", id="no UTF-8"),
        pytest.param(b"\xed\xa0\x80", "utf-8", id="a surrogate"),
        pytest.param(b"\xe9", "us-ascii", id="no ASCII"),
        pytest.param(b"a", "utf-16", id="half of UTF-16"),
        pytest.param(b"\x81", "windows-1252", id="not assigned"),
    ],
)
def test_no_text_in_that_charset(data: bytes, charset: str) -> None:
    with pytest.raises(BadInput, match="is not text in") as caught:
        decode_text(data, charset)
    assert caught.value.status_code == 400


@pytest.mark.parametrize("charset", NAMES)
def test_every_name_has_a_text_codec(charset: str) -> None:
    assert codecs.lookup(charsets._CODECS[charset])._is_text_encoding
    assert charset == charset.lower()


@given(st.binary(max_size=12), st.sampled_from(NAMES))
def test_any_bytes_are_text_or_bad_input(data: bytes, charset: str) -> None:
    try:
        decode_text(data, charset)
    except BadInput as error:
        assert error.status_code == 400  # noqa: PT017 - whether it is raised is open
