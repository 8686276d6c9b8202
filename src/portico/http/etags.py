"""Entity tags: RFC 9110 section 8.8.3.

An entity tag names one state of one representation. Strong tags are equal only if every byte is;
weak ones if the difference does not matter. Which comparison counts where is told by
``conditional``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ("ETag", "ETags", "content_etag", "parse_etag")

_OPAQUE: Final = r"[!#-~\x80-\xff]*"
_TAG: Final = re.compile(rf'(W/)?"({_OPAQUE})"')

# An element begins behind a comma; a tag that is well formed is taken with the commas inside it.
# Blanks are not given back and quotes end what a tag holds: reading is linear.
_LISTED: Final = re.compile(rf'(?:\A|,)[ \t]*+(?:(W/)?"({_OPAQUE})"[ \t]*+(?=,|\Z))?')


@dataclass(frozen=True, slots=True)
class ETag:
    """An entity tag: ``tag`` is the text between the quotes, ``is_weak`` what ``W/`` says.

    Raises ``ValueError`` for a text with a space, a quote, a control character or one outside
    latin-1: the field has no way to carry it.

    >>> str(ETag("33a64df5")), str(ETag("33a64df5", is_weak=True))
    ('"33a64df5"', 'W/"33a64df5"')
    """

    tag: str
    is_weak: bool = False

    def __post_init__(self) -> None:
        if re.fullmatch(_OPAQUE, self.tag) is None:
            raise ValueError("an entity tag has no spaces, quotes or control characters")

    def __str__(self) -> str:
        return f'W/"{self.tag}"' if self.is_weak else f'"{self.tag}"'

    def matches_strongly(self, other: ETag) -> bool:
        """Compare as RFC 9110 8.8.3.2 does for bytes: both are strong and the same."""
        return self.tag == other.tag and not (self.is_weak or other.is_weak)

    def matches_weakly(self, other: ETag) -> bool:
        """Compare as RFC 9110 8.8.3.2 does for meaning: the tags are the same, weak or not."""
        return self.tag == other.tag


class ETags:
    """What ``If-Match`` and ``If-None-Match`` hold: ``*`` or a list of entity tags.

    Elements that are no entity tags, such as one without quotes, are left out.

    >>> listed = ETags('"a", W/"b,c"')
    >>> listed.has_strong(ETag("a")), listed.has_strong(ETag("b,c")), listed.has_weak(ETag("b,c"))
    (True, False, True)
    """

    def __init__(self, text: str) -> None:
        self.is_any: bool = text.strip(" \t") == "*"
        self._strong: set[str] = set()
        self._weak: set[str] = set()
        for match in _LISTED.finditer(text):
            if match[2] is not None:
                (self._weak if match[1] else self._strong).add(match[2])

    def has_strong(self, etag: ETag | None) -> bool:
        """Tell whether ``etag`` is among them by strong comparison; ``*`` has any but ``None``."""
        if etag is None:
            return False
        return self.is_any or (not etag.is_weak and etag.tag in self._strong)

    def has_weak(self, etag: ETag | None) -> bool:
        """Tell whether ``etag`` is among them by weak comparison; ``*`` has any but ``None``."""
        if etag is None:
            return False
        return self.is_any or etag.tag in self._strong or etag.tag in self._weak


def parse_etag(text: str) -> ETag | None:
    """Read one entity tag; ``None`` if it is none.

    >>> parse_etag('W/"33a64df5"')
    ETag(tag='33a64df5', is_weak=True)
    >>> parse_etag("33a64df5") is None
    True
    """
    match = _TAG.fullmatch(text)
    return None if match is None else ETag(match[2], is_weak=match[1] is not None)


def content_etag(content: bytes) -> ETag:
    """Make a strong entity tag of the content itself: 32 hexadecimal digits of its SHA-256.

    >>> str(content_etag(b"hello"))
    '"2cf24dba5fb0a30e26e83b2ac5b9e29e"'
    """
    from hashlib import sha256  # noqa: PLC0415 - brings OpenSSL, for who asks for a hash

    return ETag(sha256(content).hexdigest()[:32])
