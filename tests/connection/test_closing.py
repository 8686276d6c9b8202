"""Close codes and reasons: RFC 6455 7.4 and 5.5."""

from __future__ import annotations

from typing import Any

import pytest

from portico.connection._closing import checked_code, closing, cut_reason
from portico.errors import BadInput, ContentTooLarge, HTTPException, UnexpectedMessage


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 4999])
def test_codes_that_may_be_sent(code: int) -> None:
    assert checked_code(code) == code


@pytest.mark.parametrize("code", [-1, 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65536])
def test_codes_that_may_not(code: int) -> None:
    with pytest.raises(ValueError, match="no close code"):
        checked_code(code)


@pytest.mark.parametrize("code", ["1000", None, 1000.0])
def test_a_code_is_a_number(code: Any) -> None:
    with pytest.raises(TypeError):
        checked_code(code)


@pytest.mark.parametrize(
    ("reason", "size"),
    [
        ("", 0),
        ("a" * 123, 123),
        ("a" * 124, 123),
        ("é" * 62, 122),
        ("€" * 50, 123),
        ("😀" * 40, 120),
    ],
)
def test_a_reason_is_cut_between_characters(reason: str, size: int) -> None:
    cut = cut_reason(reason)
    assert reason.startswith(cut)
    assert len(cut.encode()) == size


@pytest.mark.parametrize("reason", [b"x", None, bytearray(8), 1])
def test_a_reason_is_text(reason: Any) -> None:
    with pytest.raises(TypeError):
        cut_reason(reason)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, 1000),
        (UnexpectedMessage("text"), 1003),
        (BadInput("message", "odd"), 1007),
        (ContentTooLarge("message", 1), 1009),
        (HTTPException(403), 1008),
        (HTTPException(503), 1011),
        (KeyError("secret"), 1011),
    ],
)
def test_what_closes_how(error: Exception | None, code: int) -> None:
    assert closing(error)[0] == code
    assert "secret" not in closing(error)[1]
