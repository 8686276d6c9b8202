"""What the header says of a body: type, length and coding (RFC 9110 8.3, 8.4, 8.6, RFC 9112 6.3).

They are read from what one look at the fields finds: there are many fields, and most requests with
a body need them.
"""

from __future__ import annotations

from typing import Final

from portico.errors import BadInput
from portico.http.headers import RawHeaders

__all__ = ("content_fields", "content_length")

_NAMES: Final = frozenset(
    {b"content-type", b"content-length", b"content-encoding", b"transfer-encoding"}
)

_MAX_DIGITS: Final = 18  # more than any body's length has, fewer than ``int`` is slow for


def content_fields(raw: RawHeaders) -> tuple[bytes | None, list[bytes], list[bytes]]:
    """Pick the first Content-Type, every Content-Length that counts, every Content-Encoding.

    >>> content_fields([(b"content-type", b"text/plain"), (b"content-length", b"3")])
    (b'text/plain', [b'3'], [])
    >>> content_fields([(b"content-length", b"3"), (b"transfer-encoding", b"chunked")])
    (None, [], [])
    """
    fields = [pair for pair in raw if pair[0] in _NAMES]
    if len(fields) < 2:  # a body has two of them, unless the names are not in lower case
        fields = [(name.lower(), value) for name, value in raw if name.lower() in _NAMES]
    kind: bytes | None = None
    lengths: list[bytes] = []
    codings: list[bytes] = []
    is_chunked = False
    for name, value in fields:
        if name == b"content-length":
            lengths.append(value)
        elif name == b"transfer-encoding":
            is_chunked = True
        elif name == b"content-encoding":
            codings.append(value)
        elif kind is None:
            kind = value
    return kind, [] if is_chunked else lengths, codings  # RFC 9112 6.3


def content_length(values: list[bytes]) -> int | None:
    """Read the values of Content-Length as a number of bytes; ``None`` if there is none.

    Raises ``BadInput`` if one is not a plain number, or is not as the others are.

    >>> content_length([b"3"])
    3
    """
    if not values:
        return None
    value = values[0]
    if not value.isdigit() or len(value) > _MAX_DIGITS:  # of bytes: ASCII digits alone
        raise BadInput("content-length", "is not a number of bytes")
    if len(values) > 1 and values.count(value) < len(values):
        raise BadInput("content-length", "is given twice, and not alike")
    return int(value)
