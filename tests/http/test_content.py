"""What the header says of a body."""

from __future__ import annotations

import pytest

from portico.errors import BadInput
from portico.http.content import content_fields, content_length

TYPE, OTHER = (b"content-type", b"text/plain"), (b"content-type", b"text/html")
LENGTH, HOST = (b"content-length", b"3"), (b"host", b"a.example")
NONE = list[bytes]()
CHUNKED = (b"transfer-encoding", b"chunked")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param([], (None, NONE), id="nothing"),
        pytest.param([HOST], (None, NONE), id="other fields alone"),
        pytest.param([TYPE, HOST, LENGTH], (b"text/plain", [b"3"]), id="both"),
        pytest.param([LENGTH], (None, [b"3"]), id="a length alone"),
        pytest.param([TYPE, OTHER], (b"text/plain", NONE), id="the first type counts"),
        pytest.param([LENGTH, LENGTH], (None, [b"3", b"3"]), id="each length is given"),
        pytest.param([LENGTH, CHUNKED, TYPE], (b"text/plain", NONE), id="chunked (RFC 9112 6.3)"),
        pytest.param([CHUNKED, LENGTH], (None, NONE), id="chunked first (RFC 9112 6.3)"),
        pytest.param(
            [(b"Content-Type", b"a/b"), (b"CONTENT-LENGTH", b"1")],
            (b"a/b", [b"1"]),
            id="a server that leaves the case",
        ),
    ],
)
def test_fields_of_the_content(
    raw: list[tuple[bytes, bytes]], expected: tuple[bytes | None, list[bytes]]
) -> None:
    assert content_fields(raw) == (*expected, NONE)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([], None, id="none"),
        pytest.param([b"0"], 0, id="nothing"),
        pytest.param([b"7", b"7", b"7"], 7, id="the same again (RFC 9110 8.6)"),
        pytest.param([b"9" * 18], 10**18 - 1, id="longest"),
    ],
)
def test_length(values: list[bytes], expected: int | None) -> None:
    assert content_length(values) == expected


@pytest.mark.parametrize(
    "values",
    [[b""], [b"-1"], [b"+1"], [b"1_0"], [b" 1"], [b"\xb2"], [b"9" * 19], [b"1", b"2"], [b"1", b""]],
)
def test_a_length_that_is_none(values: list[bytes]) -> None:
    with pytest.raises(BadInput, match="content-length"):
        content_length(values)
