"""What a client would like to get: Accept and its kin, RFC 9110 section 12.

One class for each field, all used alike: ``parse`` reads the field, ``best_match`` chooses among
offers, ``quality`` and ``accepts`` judge one. Nothing here raises for what a peer sends: elements
that are malformed are skipped, and so is all that follows the first 100 elements.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final, Self, TypeAlias, final

from portico.errors import BadInput
from portico.http.grammar import TOKEN, parse_parameters, split_list
from portico.http.media import MediaType, comparable_parameters, parse_media_type

__all__ = (
    "MAX_ELEMENTS",
    "Accept",
    "AcceptCharset",
    "AcceptEncoding",
    "AcceptLanguage",
    "Preferences",
)

MAX_ELEMENTS: Final = 100
"""Elements of a field that are looked at; no client has that many wishes."""

# qvalue (RFC 9110 12.4.2). Java's URL connection sends "*; q=.2", so the zero may be missing.
_QVALUE: Final = r"(0(?:\.[0-9]{0,3})?|\.[0-9]{1,3}|1(?:\.0{0,3})?)"
_WEIGHT: Final = rf"[ \t]*(?:;[ \t]*[qQ]={_QVALUE}[ \t]*)?"

_BARE_RANGE: Final = re.compile(rf"({TOKEN}/{TOKEN}|\*){_WEIGHT}")
_WHOLE_QVALUE: Final = re.compile(_QVALUE)
_NAME: Final = re.compile(rf"({TOKEN}){_WEIGHT}")

# language-range (RFC 4647 2.1), of 8 subtags at most: no tag in use has more.
_LANGUAGE: Final = re.compile(rf"(\*|[A-Za-z]{{1,8}}(?:-[A-Za-z0-9]{{1,8}}){{0,7}}){_WEIGHT}")

# Two names of one coding (RFC 9110 8.4.1.1, 8.4.1.3).
_CODINGS: Final = {"x-compress": "compress", "x-gzip": "gzip"}

_LEAST: Final = 0.001
"""The least weight that is not a refusal (RFC 9110 12.4.2)."""


class Preferences(ABC):
    """What the four fields have in common."""

    _absent: ClassVar[str] = "*"

    @abstractmethod
    def __init__(self, text: str) -> None: ...

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """Read the field; ``None``, which is no field at all, takes everything."""
        return cls(cls._absent if text is None else text)

    @abstractmethod
    def quality(self, offer: str) -> float:
        """Give the weight of ``offer``, from 0 (refused, or not asked for) to 1."""

    def accepts(self, offer: str) -> bool:
        """Tell whether the client takes ``offer``."""
        return self.quality(offer) > 0

    def best_match(self, offers: Sequence[str]) -> str | None:
        """Choose the offer of the highest weight; of equals, the one that stands first.

        ``None`` if the client takes none of them.
        """
        best, highest = None, 0.0
        for offer in offers:
            quality = self.quality(offer)
            if quality > highest:
                best, highest = offer, quality
        return best


@final
class Accept(Preferences):
    """Media types that a client takes (RFC 9110 12.5.1); iteration gives the preferred first.

    A range counts for the offers of its type that have all its parameters, and of several such
    ranges the most specific. An offer that says nothing of its charset fits any. What is iterated
    are media types, those with ``q=0`` left out; of equal weight, the more specific is first.

    >>> accept = Accept.parse("text/*;q=0.5, text/html, application/json;q=0.9, image/gif;q=0")
    >>> accept.best_match(["application/json", "text/html"]), accept.quality("text/plain")
    ('text/html', 0.5)
    >>> [str(media_type) for media_type in accept]
    ['text/html', 'application/json', 'text/*']
    """

    _absent = "*/*"

    def __init__(self, text: str) -> None:
        self._ranges: list[_Range] = _read_ranges(text)
        by_essence: dict[str, list[tuple[_Parameters, float]]] = {}
        for essence, parameters, weight in self._ranges:
            by_essence.setdefault(essence, []).append((comparable_parameters(parameters), weight))
        for listed in by_essence.values():
            listed.sort(key=lambda entry: -len(entry[0]))
        self._by_essence: dict[str, list[tuple[_Parameters, float]]] = by_essence

    def quality(self, offer: str) -> float:
        """Give the weight of ``offer``, from 0 (refused, or not asked for) to 1."""
        essence, parameters = parse_parameters(offer)
        essence = essence.lower()
        for key in (essence, f"{essence.partition('/')[0]}/*", "*/*"):
            for wanted, weight in self._by_essence.get(key, ()):
                if not wanted or _has(parameters, wanted):
                    return weight
        return 0.0

    def __iter__(self) -> Iterator[MediaType]:
        taken = [entry for entry in self._ranges if entry[2] > 0]
        taken.sort(key=lambda entry: (-entry[2], entry[0].count("*"), -len(entry[1])))
        for essence, parameters, _ in taken:
            kind, _, subtype = essence.partition("/")
            yield MediaType(kind, subtype, parameters)


class _Names(Preferences):
    """Preferences that are names: each once, the first of two counts."""

    def __init__(self, text: str, element: re.Pattern[str]) -> None:
        self._weights: dict[str, float] = {}
        for listed in split_list(text)[:MAX_ELEMENTS]:
            match = element.fullmatch(listed)
            if match is not None:
                name = match[1].lower()
                self._weights.setdefault(_CODINGS.get(name, name), _weight(match[2]))

    def __iter__(self) -> Iterator[str]:
        taken = [(name, weight) for name, weight in self._weights.items() if weight > 0]
        taken.sort(key=lambda entry: (-entry[1], entry[0] == "*"))
        return iter([name for name, _ in taken])


@final
class AcceptCharset(_Names):
    """Charsets that a client takes (RFC 9110 12.5.2); iteration gives the preferred first.

    Names are compared as they are, but for case. Clients hardly send this field any more.

    >>> AcceptCharset.parse("iso-8859-1;q=0.5, utf-8").best_match(["ISO-8859-1", "UTF-8"])
    'UTF-8'
    """

    def __init__(self, text: str) -> None:
        super().__init__(text, _NAME)

    def quality(self, offer: str) -> float:
        """Give the weight of ``offer``, from 0 (refused, or not asked for) to 1."""
        weights = self._weights
        return weights.get(offer.lower(), weights.get("*", 0.0))


@final
class AcceptEncoding(_Names):
    """Content codings that a client takes (RFC 9110 12.5.3); iteration gives the preferred first.

    ``identity``, which is no coding, is taken unless it is refused, by name or by ``*;q=0``; if it
    is not named, it comes last. Without the field every coding is taken, so offer ``identity``
    first where nothing should be encoded unasked.

    >>> AcceptEncoding.parse("gzip, br;q=0.9").best_match(["br", "gzip", "identity"])
    'gzip'
    >>> AcceptEncoding.parse("").best_match(["br", "gzip", "identity"])
    'identity'
    """

    def __init__(self, text: str) -> None:
        super().__init__(text, _NAME)

    def quality(self, offer: str) -> float:
        """Give the weight of ``offer``, from 0 (refused, or not asked for) to 1."""
        name = offer.lower()
        unnamed = _LEAST if name == "identity" else 0.0
        return self._weights.get(_CODINGS.get(name, name), self._weights.get("*", unnamed))


@final
class AcceptLanguage(_Names):
    """Languages that a client takes (RFC 9110 12.5.4); iteration gives the preferred first.

    ``quality``, ``accepts`` and ``best_match`` filter as RFC 4647 3.3.1 does: a range counts for
    the tags that are it or begin with it, the longest such range for each. ``lookup`` also goes
    the other way, from ``de-AT`` to ``de``.

    >>> wanted = AcceptLanguage.parse("de-AT, en;q=0.5")
    >>> wanted.best_match(["de", "en-GB"]), wanted.lookup(["de", "en-GB"])
    ('en-GB', 'de')
    """

    def __init__(self, text: str) -> None:
        super().__init__(text, _LANGUAGE)

    def quality(self, offer: str) -> float:
        """Give the weight of ``offer``, from 0 (refused, or not asked for) to 1."""
        tag = offer.lower()
        while tag:
            if tag in self._weights:
                return self._weights[tag]
            tag = tag.rpartition("-")[0]
        return self._weights.get("*", 0.0)

    def lookup(self, offers: Sequence[str]) -> str | None:
        """Choose the one offer that suits best by RFC 4647 3.4; ``None``: take your default.

        Each range, the preferred first, is cut from its end until an offer is the same. An offer
        with ``q=0`` is not chosen, and ``*`` chooses nothing.
        """
        by_tag: dict[str, str] = {}
        for offer in offers:
            by_tag.setdefault(offer.lower(), offer)
        for name in self:
            tag = name
            while tag:
                if tag in by_tag and self._weights.get(tag) != 0:
                    return by_tag[tag]
                tag = tag.rpartition("-")[0]
        return None


_Parameters: TypeAlias = frozenset[tuple[str, str]]

_Range: TypeAlias = tuple[str, Mapping[str, str], float]
"""Type and subtype, parameters, weight."""


def _read_ranges(text: str) -> list[_Range]:
    found = map(_read_range, split_list(text)[:MAX_ELEMENTS])
    return [entry for entry in found if entry is not None]


def _read_range(element: str) -> _Range | None:
    bare = _BARE_RANGE.fullmatch(element)
    if bare is not None:
        essence, weight = bare[1].lower(), bare[2]
        return "*/*" if essence == "*" else essence, {}, _weight(weight)
    try:
        media_type = parse_media_type(element)
    except BadInput:
        return None
    # Any parameter named "q" is the weight, wherever it stands (RFC 9110 12.5.1).
    parameters = dict(media_type.parameters)
    weight = parameters.pop("q", "1")
    if _WHOLE_QVALUE.fullmatch(weight) is None:
        return None
    return media_type.essence, parameters, _weight(weight)


def _weight(qvalue: str | None) -> float:
    return 1.0 if qvalue is None else float(qvalue)


def _has(parameters: Mapping[str, str], wanted: _Parameters) -> bool:
    missing = wanted - comparable_parameters(parameters)
    return not missing or (
        "charset" not in parameters and all(name == "charset" for name, _ in missing)
    )
