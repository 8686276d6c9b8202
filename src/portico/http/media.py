"""Media types: RFC 9110 section 8.3, RFC 6838.

``parse_media_type`` reads a ``Content-Type``, ``str`` writes it. What a client would like to get
is read by ``accept``; what bytes mean in a charset, by ``charsets``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, final

from portico.errors import BadInput
from portico.http.grammar import TOKEN, is_token, quote_string

__all__ = ("MediaType", "comparable_parameters", "parse_media_type")

_ESSENCE: Final = re.compile(rf"[ \t]*({TOKEN})/({TOKEN})[ \t]*")

# parameters (RFC 9110 5.6.6). An unquoted value may hold a bit more than a token does, for
# boundaries with ":" or "=" are sent without quotes.
_PARAMETER: Final = re.compile(
    rf";[ \t]*(?:({TOKEN})=(?:([!#-+\-.\/0-:<-~]+)|\"([^\"\\]*+(?:\\.[^\"\\]*+)*+)\")[ \t]*)?",
    re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)

_SHORT: Final = 128
"""Characters of a text that is kept once read."""

_JSON: Final = frozenset({"application/json", "text/json"})


@final
class MediaType:
    """A media type: ``type``, ``subtype`` and ``parameters``, none of which can be changed.

    ``type`` and ``subtype`` are in lower case, and so are the parameters' names. Equal to another
    if all parts are; equal to a ``str`` if that is its ``essence``, whatever the parameters.
    Raises ``ValueError`` if a part is no token or a parameter cannot be written (RFC 9110 5.6).

    >>> media_type = MediaType("text", "html", {"charset": "UTF-8"})
    >>> str(media_type), media_type == "text/html", media_type.charset
    ('text/html; charset=UTF-8', True, 'utf-8')
    """

    __slots__ = ("_essence", "_is_json", "_parameters", "_subtype", "_type")

    def __init__(
        self, type: str, subtype: str, parameters: Mapping[str, str] | None = None
    ) -> None:
        parameters = {} if parameters is None else parameters
        if not all(map(is_token, (type, subtype, *parameters))):
            raise ValueError("type, subtype and parameter names of a media type are tokens")
        for value in parameters.values():
            quote_string(value)
        self._type: str = type.lower()
        self._subtype: str = subtype.lower()
        self._parameters: Mapping[str, str] = MappingProxyType(
            {name.lower(): value for name, value in parameters.items()}
        )
        # Made once here: one object answers for all requests with the same field.
        self._essence: str = f"{self._type}/{self._subtype}"
        self._is_json: bool = self._essence in _JSON or self.suffix == "json"

    @property
    def type(self) -> str:
        """The part before the slash, in lower case."""
        return self._type

    @property
    def subtype(self) -> str:
        """The part after the slash, in lower case."""
        return self._subtype

    @property
    def parameters(self) -> Mapping[str, str]:
        """The parameters by name (in lower case), in their order; values as they came."""
        return self._parameters

    @property
    def essence(self) -> str:
        """``type/subtype``."""
        return self._essence

    @property
    def suffix(self) -> str | None:
        """What follows the last ``+`` of the subtype (RFC 6838 4.2.8), else ``None``.

        >>> MediaType("application", "problem+json").suffix
        'json'
        """
        _, plus, suffix = self._subtype.rpartition("+")
        return suffix if plus else None

    @property
    def charset(self) -> str | None:
        """The ``charset`` parameter in lower case (its case means nothing: RFC 9110 8.3.2)."""
        charset = self._parameters.get("charset")
        return None if charset is None else charset.lower()

    @property
    def is_json(self) -> bool:
        """Whether the content is JSON: ``application/json``, ``text/json`` or ``+json``."""
        return self._is_json

    def matches(self, other: MediaType | str) -> bool:
        """Tell whether this type is of the kind ``other``, or of its kind if this one is a range.

        ``*`` stands for any type or subtype on either side; the parameters of ``other`` must be
        here too, with the same values. Raises ``BadInput`` if ``other`` is a malformed ``str``.

        >>> MediaType("multipart", "form-data", {"boundary": "x"}).matches("multipart/*")
        True
        """
        other = parse_media_type(other) if isinstance(other, str) else other
        return (
            (self._type == other.type or "*" in {self._type, other.type})
            and (self._subtype == other.subtype or "*" in {self._subtype, other.subtype})
            and comparable_parameters(other.parameters) <= comparable_parameters(self._parameters)
        )

    def __eq__(self, other: object, /) -> bool:
        if isinstance(other, str):
            return self.essence == other
        if not isinstance(other, MediaType):
            return NotImplemented
        return self.essence == other.essence and comparable_parameters(
            self._parameters
        ) == comparable_parameters(other.parameters)

    def __hash__(self) -> int:
        return hash(self.essence)  # as the str that it is equal to

    def __str__(self) -> str:
        written = [
            f"{name}={value if is_token(value) else quote_string(value)}"
            for name, value in self._parameters.items()
        ]
        return "; ".join([self.essence, *written])

    def __repr__(self) -> str:
        return f"<MediaType {self}>"


def parse_media_type(text: str) -> MediaType:
    """Read a media type, or a media range such as ``text/*``.

    Raises ``BadInput`` if it does not follow RFC 9110 8.3.1, or names a parameter twice, which
    two readers may understand differently (RFC 6838 4.3).

    >>> parse_media_type("Text/HTML; Charset=utf-8")
    <MediaType text/html; charset=utf-8>
    """
    # Clients send the same few again and again; the bounds keep what they can fill it with small.
    return _kept(text) if len(text) <= _SHORT else _read(text)


def comparable_parameters(parameters: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """Give parameters in a form in which equal ones are equal: the case of a charset means nothing.

    That of other values may mean something (RFC 9110 8.3.1, 8.3.2). Names are in lower case.

    >>> comparable_parameters({"charset": "UTF-8"})
    frozenset({('charset', 'utf-8')})
    """
    return frozenset(
        (name, value.lower() if name == "charset" else value) for name, value in parameters.items()
    )


def _read(text: str) -> MediaType:
    essence = _ESSENCE.match(text)
    if essence is None:
        raise BadInput("content-type", "is not of the form type/subtype")
    parameters: dict[str, str] = {}
    at = essence.end()
    while at < len(text):
        match = _PARAMETER.match(text, at)
        if match is None:
            raise BadInput("content-type", "has a malformed parameter")
        at = match.end()
        name, plain, quoted = match.groups()
        if name is None:
            continue  # a semicolon with nothing behind it is fine (RFC 9110 5.6.6)
        if name.lower() in parameters:
            raise BadInput("content-type", "has a parameter twice")
        parameters[name.lower()] = plain or _ESCAPE.sub(r"\1", quoted)
    try:
        return MediaType(essence[1], essence[2], parameters)
    except ValueError:
        raise BadInput("content-type", "has a character that no parameter can have") from None


_kept: Final = lru_cache(maxsize=128)(_read)
