"""What keys, values, lifetimes and counters may be, the same in every store."""

from __future__ import annotations

import re
from math import ceil
from typing import Final

__all__ = ("MAX_NUMBER", "MIN_NUMBER", "NUMBER", "check_key", "check_lifetime", "check_value")

MAX_NUMBER: Final = 2**63 - 1
MIN_NUMBER: Final = -(2**63)

NUMBER: Final = re.compile(rb"0|-?[1-9][0-9]{0,18}")
"""What Redis takes for a whole number of 64 bits; the range is checked beside it."""

_MAX_KEY_BYTES: Final = 1024
_MAX_LIFETIME_S: Final = 10e9
"""Three centuries; Redis counts milliseconds in 64 bits."""


def check_key(key: str) -> bytes:
    """Give the key in UTF-8. Raises ``ValueError`` if it is empty, too long or no text."""
    encoded = key.encode()
    if not 0 < len(encoded) <= _MAX_KEY_BYTES:
        raise ValueError(f"a key has 1 to {_MAX_KEY_BYTES} bytes, not {len(encoded)}")
    return encoded


def check_value(value: bytes) -> None:
    """Raise ``TypeError`` unless the value is bytes."""
    if not isinstance(value, bytes):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"a value is bytes, not {type(value).__name__}")


def check_lifetime(lifetime_s: float | None) -> int | None:
    """Give the lifetime in whole milliseconds, rounded up; ``ValueError`` if it is none."""
    if lifetime_s is None:
        return None
    if not 0 < lifetime_s <= _MAX_LIFETIME_S:
        raise ValueError(f"a lifetime is above 0 and at most {_MAX_LIFETIME_S:.0f} seconds")
    return ceil(lifetime_s * 1000)
