"""What keys and lifetimes may be: the edges. The rest is conformance."""

from __future__ import annotations

import pytest

from portico.stores._entries import check_key, check_lifetime, check_value


def test_keys() -> None:
    assert check_key("ä") == b"\xc3\xa4"
    assert len(check_key("x" * 1024)) == 1024
    for key in ("", "x" * 1025):
        with pytest.raises(ValueError, match="1 to 1024 bytes"):
            check_key(key)


@pytest.mark.parametrize(
    ("lifetime_s", "expected"),
    [(None, None), (1, 1000), (0.0005, 1), (1.0001, 1001), (10e9, 10**13)],
)
def test_lifetimes(lifetime_s: float | None, expected: int | None) -> None:
    assert check_lifetime(lifetime_s) == expected


def test_values() -> None:
    check_value(b"")
    with pytest.raises(TypeError, match="not str"):
        check_value("text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
