"""Conditional requests: RFC 9110 section 13.

The ``If-`` fields of a request and the validators of what it asks for go in, one verdict comes out.
What a verdict means for the answer is told by ``plan``.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final, NamedTuple

from portico.http.dates import parse_date
from portico.http.etags import ETag, ETags, parse_etag

__all__ = ("NO_CONDITIONS", "Conditions", "Verdict", "decide", "read_conditions")


class Conditions(NamedTuple):
    """The fields of a request that make it conditional or partial, as they came."""

    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: str | None = None
    if_unmodified_since: str | None = None
    if_range: str | None = None
    range: str | None = None


NO_CONDITIONS: Final = Conditions()
"""Of a request that has none of these fields; as most have."""


class Verdict(Enum):
    """What the conditions of a request come to."""

    PROCEED = "proceed"
    """Do as the method says; a ``Range`` may be heeded."""

    IGNORE_RANGE = "ignore range"
    """Do as the method says, and send all of it: ``If-Range`` is false."""

    NOT_MODIFIED = "not modified"
    """The client has it already: 304."""

    PRECONDITION_FAILED = "precondition failed"
    """The client does not want it done: 412."""


_PLACES: Final = {
    name.replace("_", "-").encode(): place for place, name in enumerate(Conditions._fields)
}


def read_conditions(raw: Iterable[tuple[bytes, bytes]]) -> Conditions:
    """Read the fields out of raw headers, whose names are in lower case, as ASGI has them.

    A field that came twice is joined with a comma (RFC 9110 5.3); where that is no list, the result
    is malformed and so ignored.

    >>> read_conditions([(b"range", b"bytes=0-1"), (b"if-range", b'"a"')]).if_range
    '"a"'
    """
    given = [pair for pair in raw if pair[0] in _PLACES]
    if not given:
        return NO_CONDITIONS
    found: list[str | None] = [None] * len(_PLACES)
    for name, value in given:
        place = _PLACES[name]
        if found[place] is not None:
            return _joined(given)
        found[place] = value.decode("latin-1")
    return Conditions(*found)


def decide(
    method: str,
    conditions: Conditions,
    *,
    etag: str | None = None,
    last_modified: int | None = None,
    exists: bool = True,
    now: float | None = None,
) -> Verdict:
    """Evaluate conditions in the order of RFC 9110 13.2.2.

    ``etag`` is the representation's entity tag as it is sent, quotes and all; ``last_modified`` is
    in seconds since 1970; ``None`` is for a validator that it has not. ``exists`` is false where
    there is no representation yet, for ``If-None-Match: *`` of a PUT that creates.

    With ``now`` (seconds since 1970), a ``last_modified`` of this very second is no strong
    validator (8.8.2.2), and an ``If-Range`` with that date is false. Never raises: what is
    malformed is as if it were not there, but for entity tags, which then match nothing.

    >>> decide("GET", Conditions(if_none_match='"a", "b"'), etag='"b"')
    <Verdict.NOT_MODIFIED: 'not modified'>
    >>> decide("PUT", Conditions(if_none_match="*"))
    <Verdict.PRECONDITION_FAILED: 'precondition failed'>
    """
    if_match, if_none_match, if_modified_since, if_unmodified_since, if_range, _ = conditions
    if if_match is not None:
        if not _matches(if_match, etag, exists=exists, is_strong=True):
            return Verdict.PRECONDITION_FAILED
    elif if_unmodified_since is not None and last_modified is not None:
        limit = _seconds(if_unmodified_since)
        if limit is not None and last_modified > limit:
            return Verdict.PRECONDITION_FAILED
    is_read = method in ("GET", "HEAD")
    if if_none_match is not None:
        if _matches(if_none_match, etag, exists=exists, is_strong=False):
            return Verdict.NOT_MODIFIED if is_read else Verdict.PRECONDITION_FAILED
    elif if_modified_since is not None and last_modified is not None and is_read:
        limit = _seconds(if_modified_since)
        if limit is not None and last_modified <= limit:
            return Verdict.NOT_MODIFIED
    if if_range is not None and not _is_same(if_range, etag, last_modified, now):
        return Verdict.IGNORE_RANGE
    return Verdict.PROCEED


def _joined(given: list[tuple[bytes, bytes]]) -> Conditions:
    listed = {
        place: [value for name, value in given if name == field] for field, place in _PLACES.items()
    }
    texts = {place: b", ".join(values).decode("latin-1") for place, values in listed.items()}
    return Conditions(*[texts[place] if listed[place] else None for place in range(len(texts))])


def _matches(field: str, etag: str | None, *, exists: bool, is_strong: bool) -> bool:
    if field == etag and field[-1:] == '"' and (field[0] == '"' or not is_strong):
        return True  # what nearly all clients send
    tags = ETags(field)
    if tags.is_any:
        return exists
    current = None if etag is None else parse_etag(etag)
    return tags.has_strong(current) if is_strong else tags.has_weak(current)


def _is_same(if_range: str, etag: str | None, last_modified: int | None, now: float | None) -> bool:
    """Evaluate ``If-Range`` (RFC 9110 13.1.5): strong, and the very same date."""
    given: ETag | None = parse_etag(if_range)
    if given is not None:
        current = None if etag is None else parse_etag(etag)
        return current is not None and given.matches_strongly(current)
    if last_modified is None or (now is not None and last_modified >= now // 1):
        return False
    return _seconds(if_range) == last_modified


def _seconds(date: str) -> int | None:
    when = parse_date(date)
    return None if when is None else int(when.timestamp())
