"""One header field on its way out: its name and value checked, as bytes (RFC 9110 5.1 and 5.5).

What was checked is kept, because an application sends the same fields again and again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

__all__ = (
    "CHECKED",
    "SINGLE",
    "check_name",
    "check_single",
    "check_value",
    "encode_field",
    "encode_fields",
)

SINGLE: Final = frozenset({b"content-length", b"content-type", b"etag", b"location"})
"""Names of fields that a response has once."""

_NO_PAIRS: Final = "headers are a mapping, or pairs of a name and a value"

# token and field-value (RFC 9110 5.6.2, 5.5): tab is the only control character, obs-text is
# 80 to FF, and no blank stands at either end.
_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE: Final = re.compile(r"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

_KEPT: Final = 512  # fields that are kept once checked
_KEPT_LENGTH: Final = 128  # characters of name and value of such a field
_SHORT: Final = 64  # characters of a name that an error message shows


def check_name(name: str) -> bytes:
    """Make a header name ready to be sent: checked, in lower case, as bytes.

    Raises ``TypeError`` if it is not a ``str`` and ``ValueError`` if it is not a token (RFC 9110
    5.1) or is ``transfer-encoding``, which is the server's to send.

    >>> check_name("Content-Type")
    b'content-type'
    """
    if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"a header name is a str, not {type(name).__name__}")
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"header name {_shown(name)} is not a token (RFC 9110 5.1)")
    key = name.lower().encode("ascii")
    if key == b"transfer-encoding":
        # How the message is framed is known to the server alone (RFC 9112 6.1).
        raise ValueError("header 'transfer-encoding' is the server's, which frames the message")
    return key


def check_value(name: str, value: str) -> bytes:
    r"""Make a header value ready to be sent: checked, in latin-1. ``name`` is for the message.

    Raises ``TypeError`` if it is not a ``str`` and ``ValueError`` if it holds a control character
    other than tab, begins or ends with a space or tab, or has a character that latin-1 has not
    (RFC 9110 5.5). The message names the header and the kind of fault, never the value.

    >>> check_value("x-note", "caf\u00e9")
    b'caf\xe9'
    >>> check_value("x-note", "a\r\nset-cookie: b=c")
    Traceback (most recent call last):
    ValueError: header 'x-note': its value holds a line break
    """
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"header {_shown(name)}: its value is a str, not {type(value).__name__}")
    if _VALUE.fullmatch(value) is None:
        raise ValueError(f"header {_shown(name)}: its value {_fault(value)}")
    return value.encode("latin-1")


class _CheckedFields(dict[tuple[str, str], tuple[bytes, bytes]]):
    """The pair of bytes of each field: checked when it is asked for first, kept if it is short."""

    def __missing__(self, field: tuple[str, str]) -> tuple[bytes, bytes]:
        name, value = _pair(field)
        pair = check_name(name), check_value(name, value)
        if len(name) + len(value) <= _KEPT_LENGTH:
            if len(self) >= _KEPT:
                self.clear()
            self[field] = pair
        return pair


CHECKED: Final = _CheckedFields()
"""Gives the pair of a ``(name, value)``; ``encode_field`` without a call, for where that counts."""


def encode_field(name: str, value: str) -> tuple[bytes, bytes]:
    """Make the pair of bytes of a field; raises what ``check_name`` and ``check_value`` do.

    >>> encode_field("Allow", "GET")
    (b'allow', b'GET')
    """
    try:
        return CHECKED[name, value]
    except TypeError:  # what has no hash is no ``str``
        return check_name(name), check_value(name, value)


def encode_fields(fields: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Make the pairs of bytes of several fields; raises the same."""
    try:
        pairs = list(fields)
    except TypeError:
        raise TypeError(_NO_PAIRS) from None
    try:
        return [CHECKED[pair] for pair in pairs]
    except TypeError:  # a pair that is no tuple, or not of ``str``
        return [encode_field(*_pair(each)) for each in pairs]


def check_single(pairs: Iterable[tuple[bytes, bytes]]) -> None:
    """Raise ``ValueError`` if a field is there twice that may be there once (RFC 9110 5.3).

    They are those that readers would take different ones of: ``content-length``, ``content-type``,
    ``etag`` and ``location``.
    """
    names = [name for name, _ in pairs]
    if len(set(names)) == len(names):  # what most are
        return
    for name in SINGLE:
        if names.count(name) > 1:
            raise ValueError(f"header '{name.decode()}' is given twice, and there is one")


def _pair(each: object) -> tuple[Any, Any]:
    if isinstance(each, str | bytes) or not isinstance(each, Sequence):
        raise TypeError(_NO_PAIRS)
    pair = cast("Sequence[object]", each)
    if len(pair) != 2:
        raise TypeError(_NO_PAIRS)
    return pair[0], pair[1]


def _shown(name: str) -> str:
    return repr(name[:_SHORT])


def _fault(value: str) -> str:
    control = _CONTROL.search(value)
    if "\r" in value or "\n" in value:
        return "holds a line break"
    if control is not None:
        return "holds a NUL" if control[0] == "\0" else "holds a control character"
    if value.strip(" \t") != value:
        return "begins or ends with a space or tab"
    return "has a character outside latin-1: encode it first, for example percent-encoded"
