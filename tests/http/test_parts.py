"""``portico.http.parts``; the forms that parts make are in ``test_multipart``."""

from __future__ import annotations

import pytest

from portico.errors import BadInput
from portico.http.parts import PLAIN_HEADER, PLAIN_HEADER_BYTES, parse_part_head


def test_a_head_is_read_from_its_fields() -> None:
    head = parse_part_head(
        [
            ("X-Note", "1"),
            ("Content-Disposition", 'form-data; name="a"; filename="b"'),
            ("Content-Type", "text/plain"),
        ]
    )
    assert (head.name, head.filename) == ("a", "b")
    assert head.content_type == "text/plain"
    assert head.headers["x-note"] == "1"


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [("X-Note", "1")],
        [("Content-Disposition", 'form-data; name="a"')] * 2,
        [("Content-Disposition", 'form-data; name="a"'), ("X-Note", "\0")],
    ],
)
def test_what_is_malformed_is_400(fields: list[tuple[str, str]]) -> None:
    with pytest.raises(BadInput):
        parse_part_head(fields)


def test_a_plain_header_is_within_all_limits() -> None:
    longest = (
        b'\r\nContent-Disposition: form-data; name="%b"; filename="%b"\r\nContent-Type: %b\r\n\r\n'
    )
    names = (b"n" * 200, b"f" * 200, b"t" * 101)
    assert PLAIN_HEADER.match(longest % names)
    assert len(longest % names) < PLAIN_HEADER_BYTES
    assert not PLAIN_HEADER.match(longest % (b"n" * 201, b"f", b"t"))


@pytest.mark.parametrize(
    ("written", "name"),
    [
        pytest.param(r"a\"b", 'a"b', id="a backslash before a quote (RFC 2183 2)"),
        pytest.param(r"a\\\"b", 'a\\"b', id="and before itself, where there is such a quote"),
        pytest.param(r"a\\b", r"a\\b", id="a backslash is one elsewhere, as browsers write it"),
        pytest.param("a%22b", 'a"b', id="as browsers write a quote (HTML)"),
        pytest.param("a%41b", "a%41b", id="no other escape is one"),
    ],
)
def test_names_are_read_as_their_senders_meant_them(written: str, name: str) -> None:
    head = parse_part_head([("Content-Disposition", f'form-data; name="{written}"')])
    assert head.name == name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        pytest.param(r"C:\notes\a.txt", "a.txt", id="a whole path of Windows is cut"),
        pytest.param(r"\\host\share\a.txt", "a.txt", id="and one of another machine"),
        pytest.param(r"notes\a.txt", r"notes\a.txt", id="what is no whole path stays"),
        pytest.param("../a.txt", "../a.txt", id="others are the peer's words (RFC 7578 4.2)"),
    ],
)
def test_file_names(written: str, name: str) -> None:
    value = f'form-data; name="a"; filename="{written}"'
    assert parse_part_head([("Content-Disposition", value)]).filename == name
