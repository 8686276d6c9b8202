"""How a websocket is closed: codes and reasons, RFC 6455 7.4 and 5.5."""

from __future__ import annotations

from typing import Final

from portico._tasks import unwrap
from portico.errors import BadInput, ContentTooLarge, HTTPException, UnexpectedMessage

__all__ = ("checked_code", "closing", "cut_reason")

_MAX_REASON_BYTES: Final = 123
"""A control frame carries at most 125 bytes, two of them the code (RFC 6455 5.5, 5.5.1)."""


def checked_code(code: int) -> int:
    """Give the code if it may be sent.

    Raises ``ValueError`` for another, ``TypeError`` for what is no ``int``.
    """
    if not isinstance(code, int):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"a close code is an int, not {type(code).__name__}")
    # 1004 is reserved; 1005, 1006 and 1015 never go over the wire (RFC 6455 7.4.1).
    if 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999:
        return int(code)
    raise ValueError(f"{code} is no close code: 1000 to 1003, 1007 to 1014, 3000 to 4999 are")


def cut_reason(reason: str) -> str:
    """Cut a reason to 123 bytes of UTF-8, at a character's border.

    >>> len(cut_reason("é" * 100))
    61
    """
    if not isinstance(reason, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"the reason is a str, not {type(reason).__name__}")
    return reason.encode("utf-8", "replace")[:_MAX_REASON_BYTES].decode("utf-8", "ignore")


def closing(error: Exception | None) -> tuple[int, str]:
    """Give the close code and the reason for what a handler raised (RFC 6455 7.4.1).

    A group of one, as a task group raises it, is as good as what it holds.
    """
    if error is None:
        return 1000, ""
    cause = unwrap(error)
    if not isinstance(cause, HTTPException) or cause.status_code >= 500:
        return 1011, ""
    if isinstance(cause, UnexpectedMessage):
        return 1003, cause.detail
    if isinstance(cause, ContentTooLarge):
        return 1009, cause.detail
    return 1007 if isinstance(cause, BadInput) else 1008, cause.detail
