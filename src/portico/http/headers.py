"""Header fields: RFC 9110 section 5.

``Headers`` reads the list of byte pairs that ASGI carries, ``MutableHeaders`` writes into one, and
``encode_headers`` makes one. Names and values are checked when they are written; what a peer sent
is read as it is. What a field *means* is told by the module of that field.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from typing import Final, Self, TypeAlias, TypeVar, cast, final, overload

from portico.http._pairs import PairItems, PairValues
from portico.http.fields import (
    CHECKED,
    SINGLE,
    check_name,
    check_single,
    encode_field,
    encode_fields,
)

__all__ = (
    "SECRET_NAMES",
    "Headers",
    "MutableHeaders",
    "RawHeaders",
    "encode_headers",
)

RawHeaders: TypeAlias = list[tuple[bytes, bytes]]
"""Header fields as ASGI carries them: names in lower case, order and repeats kept."""

SECRET_NAMES: Final = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie"})
"""Fields whose values are not for logs and pages: ``repr`` shows them as ``***``."""

_T = TypeVar("_T")
_MISSING: Final = object()  # no default was given


def encode_headers(
    headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
) -> RawHeaders:
    """Turn a mapping or pairs of text into a new list of header fields as ASGI carries them.

    Order and repeats are kept; ``None`` gives an empty list. Raises ``TypeError`` and
    ``ValueError`` as ``check_name`` and ``check_value`` do, and ``check_single`` for pairs.

    >>> encode_headers({"Content-Type": "text/plain"})
    [(b'content-type', b'text/plain')]
    """
    if headers is None:
        return []
    if type(headers) is dict or isinstance(headers, Mapping):
        # A type checker must reckon with an iterable of pairs that is a mapping as well.
        return encode_fields(cast("Mapping[str, str]", headers).items())
    pairs = encode_fields(headers)
    check_single(pairs)
    return pairs


class Headers(Mapping[str, str]):
    r"""Header fields for reading: a mapping that is blind to case and keeps order and repeats.

    ``raw`` is a list of ``(name, value)`` pairs of bytes, or any other iterable of them. A list is
    kept, not copied, unless names in it are not in lower case (ASGI says that servers see to that):
    then a copy is made once a name is not found or all are asked for, and until then only names in
    lower case are found.

    Values are text in latin-1, the one reading that never fails (RFC 9110 5.5). ``headers[name]``
    is the first value of that name and ``getall(name)`` each of them; iteration, ``len``,
    ``items``, ``keys`` and ``values`` have one entry for each field, repeats included.

    Two are equal if they have the same names with the same values in the same order, whatever the
    order of the names (RFC 9110 5.3). To make one from text: ``Headers(encode_headers({...}))``.

    >>> headers = Headers([(b"accept", b"*/*"), (b"x-tag", b"a"), (b"x-tag", b"b")])
    >>> headers["Accept"], headers.get("cookie"), headers.getall("x-tag")
    ('*/*', None, ['a', 'b'])
    """

    def __init__(self, raw: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self._raw: RawHeaders = raw if isinstance(raw, list) else _listed(raw)
        self._is_lower: bool = False

    @property
    def raw(self) -> RawHeaders:
        """The pairs of bytes behind it, names in lower case; no copy unless they were not."""
        return self._lowered()

    def _lowered(self) -> RawHeaders:
        """Give the pairs with names in lower case; they are looked at once."""
        if not self._is_lower:
            self._is_lower = True
            if not _are_lower(self._raw):
                self._raw = [(name.lower(), value) for name, value in self._raw]
        return self._raw

    def _value(self, key: bytes) -> bytes | None:
        for field, value in self._raw:
            if field == key:
                return value
        if self._is_lower:
            return None
        self._lowered()  # only a name that is not found needs a look at the case of all
        return self._value(key)

    def __getitem__(self, name: str, /) -> str:
        value = self._value(_key(name))
        if value is None:
            raise KeyError(name)
        return value.decode("latin-1")

    @overload
    def get(self, name: str, /) -> str | None: ...
    @overload
    def get(self, name: str, default: str, /) -> str: ...
    @overload
    def get(self, name: str, default: _T, /) -> str | _T: ...
    def get(self, name: str, default: object = None, /) -> object:
        """The first value of that name, else ``default``."""
        value = self._value(_key(name))
        return default if value is None else value.decode("latin-1")

    @overload
    def getall(self, name: str) -> list[str]: ...
    @overload
    def getall(self, name: str, default: _T) -> list[str] | _T: ...
    def getall(self, name: str, default: object = _MISSING) -> object:
        """Every value of that name in order, else ``default``; ``KeyError`` if none was given.

        >>> Headers([(b"via", b"a"), (b"via", b"b")]).getall("Via")
        ['a', 'b']
        >>> Headers().getall("via", [])
        []
        """
        key = _key(name)
        if self._value(key) is not None:
            return [value.decode("latin-1") for field, value in self._lowered() if field == key]
        if default is _MISSING:
            raise KeyError(name)
        return default

    def __contains__(self, name: object, /) -> bool:
        return isinstance(name, str) and self._value(_key(name)) is not None

    def __iter__(self) -> Iterator[str]:
        return iter([name.decode("latin-1") for name, _ in self._lowered()])

    def __len__(self) -> int:
        return len(self._raw)

    def items(self) -> ItemsView[str, str]:
        """Name and value of each field, in order, repeats included."""
        return PairItems(self, self._pairs)

    def values(self) -> ValuesView[str]:
        """The value of each field, in order, repeats included."""
        return PairValues(self, self._pairs)

    def _pairs(self) -> list[tuple[str, str]]:
        return [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in self._lowered()
        ]

    def __eq__(self, other: object, /) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        pairs = cast("Mapping[object, object]", other).items()  # isinstance leaves them unknown
        return _grouped(self._pairs()) == _grouped(pairs)

    __hash__ = None  # type: ignore[assignment]  # the list behind it may change

    def __repr__(self) -> str:
        shown = [(name, "***" if name in SECRET_NAMES else value) for name, value in self._pairs()]
        return f"{type(self).__name__}({shown!r})"


@final
class MutableHeaders(Headers):
    """Header fields for writing: ``Headers`` over a list that is changed in place.

    Names and values are checked when they are set: ``TypeError`` for what is not a ``str``,
    ``ValueError`` for what may not be sent (see ``check_name`` and ``check_value``); then nothing
    has changed. Names that are not in lower case in ``raw`` are lower-cased there.

    >>> headers = MutableHeaders(encode_headers({"x-tag": "a"}))
    >>> headers["Content-Type"] = "text/plain"
    >>> headers.add("X-Tag", "b")
    >>> headers.raw
    [(b'x-tag', b'a'), (b'content-type', b'text/plain'), (b'x-tag', b'b')]
    """

    def __init__(self, raw: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self._raw: RawHeaders = raw if isinstance(raw, list) else _listed(raw)
        self._is_lower: bool = True
        if not _are_lower(self._raw):
            self._raw[:] = [(name.lower(), value) for name, value in self._raw]

    @property
    def raw(self) -> RawHeaders:
        """The fields as ASGI carries them: a copy, because what is set here is checked."""
        return self._raw.copy()

    @classmethod
    def over(cls, raw: RawHeaders) -> Self:
        """Write into a list whose names are known to be in lower case: nothing is looked at."""
        headers = cls.__new__(cls)
        headers._raw, headers._is_lower = raw, True  # noqa: SLF001 - its own
        return headers

    def __setitem__(self, name: str, value: str, /) -> None:
        try:
            pair = CHECKED[name, value]
        except TypeError:
            pair = encode_field(name, value)
        key = pair[0]
        for field, _ in self._raw:
            if field == key:
                self._replace(key, [pair[1]])
                return
        self._raw.append(pair)

    def __delitem__(self, name: str, /) -> None:
        if not self._remove(_key(name)):
            raise KeyError(name)

    def add(self, name: str, value: str) -> None:
        """Append one more field, whether or not the name is there already.

        Raises ``ValueError`` if it is, and there is only one of that name (see ``check_single``).
        """
        try:
            pair = CHECKED[name, value]
        except TypeError:
            pair = encode_field(name, value)
        if pair[0] in SINGLE:
            check_single([*self._raw, pair])
        self._raw.append(pair)

    @overload
    def pop(self, name: str, /) -> str: ...
    @overload
    def pop(self, name: str, default: _T, /) -> str | _T: ...
    def pop(self, name: str, default: object = _MISSING, /) -> object:
        """Remove every field of that name; give the first value, else ``default``.

        Raises ``KeyError`` if there is none and no default was given.
        """
        value = self[name] if default is _MISSING else self.get(name, default)
        self._remove(_key(name))
        return value

    def setdefault(self, name: str, value: str, /) -> str:
        """Give the first value of that name; if there is none, add ``value`` and give that.

        >>> MutableHeaders().setdefault("cache-control", "no-store")
        'no-store'
        """
        pair = encode_field(name, value)
        present = self._value(pair[0])
        if present is not None:
            return present.decode("latin-1")
        self._raw.append(pair)
        return value

    def extend(self, headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> None:
        """Append each field of a mapping or of pairs as ``add`` does; all of them or none."""
        pairs = encode_headers(headers)
        check_single([*self._raw, *pairs])
        self._raw += pairs

    def update(self, headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> None:
        """Replace each name that a mapping or pairs have with their values; leave the others.

        >>> headers = MutableHeaders([(b"a", b"1"), (b"b", b"1")])
        >>> headers.update([("B", "2"), ("B", "3")])
        >>> headers
        MutableHeaders([('a', '1'), ('b', '2'), ('b', '3')])
        """
        values: dict[bytes, list[bytes]] = {}
        for name, value in encode_headers(headers):
            values.setdefault(name, []).append(value)
        for name, listed in values.items():
            self._replace(name, listed)

    def add_vary(self, *names: str) -> None:
        """Name request fields that the answer depends on, in one ``Vary`` (RFC 9110 12.5.5).

        What ``Vary`` has already stays, nothing is named twice (case does not matter), and ``*``
        stands for all. Without ``names`` nothing changes.

        >>> headers = MutableHeaders([(b"vary", b"accept")])
        >>> headers.add_vary("Accept", "origin")
        >>> headers["vary"]
        'accept, origin'
        """
        if not names:
            return
        for name in names:
            check_name(name)
        listed = ",".join(self.getall("vary", [])).split(",")
        members: dict[str, str] = {}
        for member in filter(None, [*(text.strip(" \t") for text in listed), *names]):
            members.setdefault(member.lower(), member)
        self["vary"] = "*" if "*" in members else ", ".join(members.values())

    def _replace(self, key: bytes, values: list[bytes]) -> None:
        """Put ``values`` where the first field named ``key`` is, else at the end."""
        raw = self._raw
        for index, (field, _) in enumerate(raw):
            if field == key:
                kept = [pair for pair in raw[index:] if pair[0] != key]
                raw[index:] = [*((key, value) for value in values), *kept]
                return
        raw.extend((key, value) for value in values)

    def _remove(self, key: bytes) -> bool:
        kept = [pair for pair in self._raw if pair[0] != key]
        found = len(kept) < len(self._raw)
        self._raw[:] = kept
        return found


def _are_lower(raw: RawHeaders) -> bool:
    names = b"".join([name for name, _ in raw])
    return names.islower() or names == names.lower()


def _listed(raw: Iterable[tuple[bytes, bytes]]) -> RawHeaders:
    if isinstance(raw, Mapping):
        raise TypeError("headers are read from pairs of bytes: make them with encode_headers")
    return list(raw)


def _key(name: str) -> bytes:
    # ``bytes.lower`` knows ASCII alone: U+212A is no "k". What latin-1 has not becomes an escape
    # with a backslash, which no token has, and so is found nowhere.
    return name.encode("latin-1", "backslashreplace").lower()


def _grouped(pairs: Iterable[tuple[object, object]]) -> dict[object, list[object]]:
    groups: dict[object, list[object]] = {}
    for name, value in pairs:
        groups.setdefault(_key(name) if isinstance(name, str) else name, []).append(value)
    return groups
