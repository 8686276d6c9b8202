"""Queries and urlencoded forms: ``application/x-www-form-urlencoded`` of the WHATWG URL Standard.

Both are one format: pairs between ``&``, of UTF-8 with ``+`` for a space and ``%XX`` for the rest.
Reading never fails but for a limit: what is no escape stays as it is, what is no UTF-8 becomes
U+FFFD. Only ``&`` separates; a ``;`` is a character like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from typing import Final
from urllib.parse import quote_plus, unquote_to_bytes

from multidict import MultiDict, MultiDictProxy

from portico.errors import BadInput, ContentTooLarge
from portico.http.multi import FormFields, QueryParams

__all__ = ("MAX_FIELDS", "encode_urlencoded", "parse_query", "parse_urlencoded")

MAX_FIELDS: Final = 1000
"""How many fields a query or a form may have unless the caller says otherwise."""

_FIELD: Final = re.compile(r"[^&]+")


def parse_query(data: bytes | str, *, max_fields: int = MAX_FIELDS) -> QueryParams:
    """Read a query, without its ``?``, into a mapping that keeps repeats and order.

    Empty pieces are skipped; a field without ``=`` has the value ``""``. Raises ``BadInput`` (400)
    for more than ``max_fields`` fields, before any of them is read.

    >>> query = parse_query(b"tag=a&tag=b&q=caf%C3%A9+noir")
    >>> query["tag"], query.getall("tag"), query["q"]
    ('a', ['a', 'b'], 'café noir')
    """
    text = _text(data)
    if _has_more(text, max_fields):
        raise BadInput("query", f"has more than {max_fields} fields")
    return MultiDictProxy(MultiDict(_pairs(text)))


def parse_urlencoded(data: bytes | str, *, max_fields: int = MAX_FIELDS) -> FormFields:
    """Read an urlencoded body into a mapping that keeps repeats and order.

    Empty pieces are skipped; a field without ``=`` has the value ``""``. How long the body may be
    is for its reader to say. Raises ``ContentTooLarge`` (413) for more than ``max_fields`` fields,
    before any of them is read.

    >>> list(parse_urlencoded(b"name=Ann&&agree").items())
    [('name', 'Ann'), ('agree', '')]
    """
    text = _text(data)
    if _has_more(text, max_fields):
        raise ContentTooLarge("body", max_fields, unit="fields")
    return MultiDictProxy(MultiDict(_pairs(text)))


def encode_urlencoded(pairs: Iterable[tuple[str, str]]) -> str:
    """Write pairs as a query or an urlencoded body: ASCII, spaces as ``+``.

    Raises ``ValueError`` for a lone surrogate, which UTF-8 cannot carry.

    >>> encode_urlencoded([("tag", "a b"), ("q", "café&co")])
    'tag=a+b&q=caf%C3%A9%26co'
    """
    return "&".join([f"{_encode(name)}={_encode(value)}" for name, value in pairs])


def _text(data: bytes | str) -> str:
    """Give bytes as text that can be turned back into the same bytes."""
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    return data.decode("utf-8", "surrogateescape")


def _has_more(text: str, limit: int) -> bool:
    """Tell whether ``text`` has more than ``limit`` fields; looks no further than it must."""
    if text.count("&") < limit:
        return False
    return sum(1 for _ in islice(_FIELD.finditer(text), limit + 1)) > limit


def _pairs(text: str) -> list[tuple[str, str]]:
    pieces: list[str] = _FIELD.findall(text) if "&&" in text else text.split("&")
    fields = [piece.partition("=") for piece in pieces if piece]
    if text.isascii() and "%" not in text and "+" not in text:
        return [(name, value) for name, _, value in fields]
    return [(_decode(name), _decode(value)) for name, _, value in fields]


def _decode(text: str) -> str:
    if text.isascii() and "%" not in text:
        return text.replace("+", " ")
    raw = text.replace("+", " ").encode("utf-8", "surrogateescape")
    return unquote_to_bytes(raw).decode("utf-8", "replace")


def _encode(text: str) -> str:
    # The standard keeps alphanumerics and "*-._"; quote_plus keeps "~" too.
    return quote_plus(text, safe="*").replace("~", "%7E")
