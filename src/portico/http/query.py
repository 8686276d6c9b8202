"""Queries and urlencoded forms: ``application/x-www-form-urlencoded`` of the WHATWG URL Standard.

Both are one format: pairs between ``&``, of UTF-8 with ``+`` for a space and ``%XX`` for the rest.
Reading never fails but for a limit: what is no escape stays as it is, what is no UTF-8 becomes
U+FFFD. Only ``&`` separates; a ``;`` is a character like any other.
"""

from __future__ import annotations

import re
from binascii import a2b_qp
from collections.abc import Iterable
from itertools import islice
from typing import Final, final
from urllib.parse import quote_plus, unquote_to_bytes

from multidict import MultiDict, MultiDictProxy

from portico.errors import BadInput, ContentTooLarge
from portico.http.multi import FormFields, QueryParams

__all__ = (
    "MAX_FIELDS",
    "UrlencodedCounter",
    "encode_urlencoded",
    "parse_query",
    "parse_urlencoded",
)

MAX_FIELDS: Final = 1000
"""How many fields a query or a form may have unless the caller says otherwise."""

_AND: Final = ord("&")
_FIELD: Final = re.compile(rb"[^&]+")

# Most come as ``name=value`` with ``&`` between them, and Python reads those in C: quoted-printable
# differs in the letter of its escapes alone. The separators become a byte that these inputs have
# not; line ends, of which quoted-printable would take some away, they have not either.
_PLAIN: Final = bytes(set(range(256)) - set(b"&=\x00\r\n"))
_AS_QUOTED_PRINTABLE: Final = bytes.maketrans(b"%=&+", b"=\x00\x00 ")


def parse_query(data: bytes | str, *, max_fields: int = MAX_FIELDS) -> QueryParams:
    """Read a query, without its ``?``, into a mapping that keeps repeats and order.

    Empty pieces are skipped; a field without ``=`` has the value ``""``. Raises ``BadInput`` (400)
    for more than ``max_fields`` fields, before any of them is read.

    >>> query = parse_query(b"tag=a&tag=b&q=caf%C3%A9+noir")
    >>> query["tag"], query.getall("tag"), query["q"]
    ('a', ['a', 'b'], 'café noir')
    """
    fields = _read(data, max_fields)
    if fields is None:
        raise BadInput("query", f"has more than {max_fields} fields")
    return fields


def parse_urlencoded(data: bytes | str, *, max_fields: int = MAX_FIELDS) -> FormFields:
    """Read an urlencoded body into a mapping that keeps repeats and order.

    Empty pieces are skipped; a field without ``=`` has the value ``""``. How long the body may be
    is for its reader to say. Raises ``ContentTooLarge`` (413) for more than ``max_fields`` fields,
    before any of them is read.

    >>> list(parse_urlencoded(b"name=Ann&&agree").items())
    [('name', 'Ann'), ('agree', '')]
    """
    fields = _read(data, max_fields)
    if fields is None:
        raise ContentTooLarge("fields", max_fields, unit="fields")
    return fields


@final
class UrlencodedCounter:
    """Counts an urlencoded body while it comes, so that what is over a limit is not waited for.

    ``max_fields`` fields, ``max_field_bytes`` in the name or the value of one, ``max_bytes`` in all
    as it comes. What a field of an unfinished body has is counted at its least, as if each ``%``
    began an escape: the exact count is taken by ``check``, of the finished form.
    """

    def __init__(self, max_fields: int, max_field_bytes: int, max_bytes: int) -> None:
        self._max_fields: int = max_fields
        self._max_field_bytes: int = max_field_bytes
        self._max_bytes: int = max_bytes
        self._fields: int = 0
        self._seen_bytes: int = 0
        self._is_inside: bool = False  # a field that has not ended
        self._has_equals: bool = False
        self._open_bytes: int = 0

    def count(self, data: bytes | bytearray) -> None:
        """Count what has come since the last call; ``data`` is all that has come.

        Raises ``ContentTooLarge``, which names the limit.
        """
        new, self._seen_bytes = bytes(data[self._seen_bytes :]), len(data)
        if self._seen_bytes > self._max_bytes:
            raise ContentTooLarge("form_bytes", self._max_bytes)
        if not new:
            return
        most = self._max_fields - self._fields + 2
        self._fields += sum(1 for _ in islice(_FIELD.finditer(new), most))
        if self._is_inside and new[0] != _AND:
            self._fields -= 1
        if self._fields > self._max_fields:
            raise ContentTooLarge("fields", self._max_fields, unit="fields")
        self._is_inside = new[-1] != _AND
        self._count_open(new)

    def _count_open(self, new: bytes) -> None:
        start = new.rfind(b"&") + 1
        if start:
            self._open_bytes, self._has_equals = 0, False
        if not self._has_equals and (equals := new.find(b"=", start)) >= 0:
            self._open_bytes, self._has_equals, start = 0, True, equals + 1
        self._open_bytes += len(new) - start - 2 * new.count(b"%", start)
        if self._open_bytes > self._max_field_bytes:
            raise ContentTooLarge("field_bytes", self._max_field_bytes)

    def check(self, texts: Iterable[str]) -> None:
        """Raise ``ContentTooLarge`` if one of the names and values is over its limit."""
        most = self._max_field_bytes
        for text in texts:
            if 4 * len(text) > most and len(text.encode()) > most:
                raise ContentTooLarge("field_bytes", most)


def encode_urlencoded(pairs: Iterable[tuple[str, str]]) -> str:
    """Write pairs as a query or an urlencoded body: ASCII, spaces as ``+``.

    Raises ``ValueError`` for a lone surrogate, which UTF-8 cannot carry.

    >>> encode_urlencoded([("tag", "a b"), ("q", "café&co")])
    'tag=a+b&q=caf%C3%A9%26co'
    """
    return "&".join([f"{_encode(name)}={_encode(value)}" for name, value in pairs])


def _read(data: bytes | str, max_fields: int) -> MultiDictProxy[str] | None:
    """Read the fields; gives ``None`` if there are more than ``max_fields``, and reads none."""
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    separators = data.translate(None, _PLAIN)
    before = len(separators) >> 1  # fields before the last one
    if separators == b"=&" * before + b"=":
        if before >= max_fields:
            return None
        raw = a2b_qp(data.translate(_AS_QUOTED_PRINTABLE))
        if len(raw) == len(data) - 2 * data.count(b"%"):  # each began an escape
            flat = raw.decode("utf-8", "replace").split("\x00")
            if len(flat) == 2 * before + 2:  # none of them was a NUL's
                return MultiDictProxy(MultiDict(list(zip(flat[::2], flat[1::2], strict=True))))
    elif _has_more(data, max_fields):
        return None
    fields = [field.partition(b"=") for field in _FIELD.findall(data)]
    return MultiDictProxy(MultiDict([(_decode(name), _decode(text)) for name, _, text in fields]))


def _has_more(data: bytes, limit: int) -> bool:
    """Tell whether ``data`` has more than ``limit`` fields; looks no further than it must."""
    if data.count(b"&") < limit:
        return False
    return sum(1 for _ in islice(_FIELD.finditer(data), limit + 1)) > limit


def _decode(raw: bytes) -> str:
    return unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8", "replace")


def _encode(text: str) -> str:
    # The standard keeps alphanumerics and "*-._"; quote_plus keeps "~" too.
    return quote_plus(text, safe="*").replace("~", "%7E")
