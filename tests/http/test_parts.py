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
