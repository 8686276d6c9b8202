"""Content-Disposition, both ways: RFC 6266, with the extended values of RFC 8187.

The field suggests a file name to whoever saves the content. What is written here is always the
name of a file, never a path to one; what is read is the peer's word, and no path until checked.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from portico.errors import BadInput
from portico.http.grammar import is_token, parse_parameters, quote_string

__all__ = ("MAX_FILENAME_BYTES", "Disposition", "content_disposition", "parse_disposition")

MAX_FILENAME_BYTES: Final = 255
"""Bytes of a name in UTF-8: no common file system takes longer ones. More is cut off."""

_LONGEST_SUFFIX: Final = 32
"""Characters, with the dot. A suffix that is no longer survives the cut."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")

# "%" and hexadecimal digits in a plain filename are decoded by some readers and not by others, and
# so are backslashes (RFC 6266 appendix D): these names get both forms.
_QUOTABLE: Final = re.compile(r"[ !#-\[\]-~]*")
_ESCAPED: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_FALLBACK: Final = re.compile(r"[^ !#-\[\]-~]")

_ATTR_CHARS: Final = "!#$&+-.^_`|~"
"""What RFC 8187 3.2.1 leaves as it is, besides letters and digits."""

_EXTENDED: Final = re.compile(
    r"(utf-8|iso-8859-1)'[A-Za-z0-9-]*'((?:[!#$&+\-.^_`|~0-9A-Za-z]|%[0-9A-Fa-f]{2})*)",
    re.IGNORECASE | re.ASCII,
)


class Disposition(NamedTuple):
    """A Content-Disposition as it was read: its ``kind`` in lower case and its ``parameters``.

    The names of the parameters are in lower case. Of ``filename`` and ``filename*`` there is only
    ``filename``, decoded.
    """

    kind: str
    parameters: dict[str, str]

    @property
    def filename(self) -> str | None:
        """The name that the peer suggests, path and all; ``None`` if it suggests none."""
        return self.parameters.get("filename")


def content_disposition(filename: str | None, kind: str = "attachment") -> str:
    r"""Write a Content-Disposition that suggests ``filename``; ``None`` suggests no name.

    What stands before the last ``/`` or ``\`` is left out, and so are control characters and the
    spaces around the name; lone surrogates become U+FFFD, and the name is cut to 255 bytes (a short
    suffix is kept). A name with nothing left, ``.`` and ``..`` suggest no name. Other than plain
    ASCII is written twice: as ``filename*`` in UTF-8 and, for old readers, as ``filename`` with
    ``_`` for what it has not (RFC 6266 4.3, appendix D).

    Raises ``ValueError`` if ``kind`` is no token; usual are ``attachment`` and ``inline``.

    >>> content_disposition("plan.pdf")
    'attachment; filename="plan.pdf"'
    >>> content_disposition("/tmp/€ rates.pdf", "inline")
    'inline; filename="_ rates.pdf"; filename*=UTF-8\'\'%E2%82%AC%20rates.pdf'
    """
    if not is_token(kind):
        raise ValueError("the kind of a disposition is a token, such as 'attachment'")
    name = "" if filename is None else _basename(filename)
    if not name:
        return kind
    if _QUOTABLE.fullmatch(name) and not _ESCAPED.search(name):
        return f"{kind}; filename={quote_string(name)}"
    fallback = _FALLBACK.sub("_", _ESCAPED.sub("_", name))
    extended = quote(name, safe=_ATTR_CHARS)
    return f"{kind}; filename={quote_string(fallback)}; filename*=UTF-8''{extended}"


def parse_disposition(text: str) -> Disposition:
    """Read a Content-Disposition.

    A good ``filename*`` wins over ``filename`` (RFC 6266 4.3); one that is malformed, or in another
    charset than UTF-8 and ISO-8859-1, is as if it were not there. Names are given as they came:
    they may hold a path, or ``..``. Raises ``BadInput`` if the kind is missing or no token.

    >>> parse_disposition("attachment; filename=a.txt; filename*=UTF-8''%e2%82%ac.txt")
    Disposition(kind='attachment', parameters={'filename': '€.txt'})
    """
    kind, parameters = parse_parameters(text)
    if not is_token(kind):
        raise BadInput("content-disposition", "has no kind, such as attachment")
    extended = parameters.pop("filename*", None)
    decoded = None if extended is None else _decode_extended(extended)
    if decoded is not None:
        parameters["filename"] = decoded
    return Disposition(kind.lower(), parameters)


def _basename(filename: str) -> str:
    name = filename[max(filename.rfind("/"), filename.rfind("\\")) + 1 :]
    name = _SURROGATE.sub("\ufffd", _CONTROL.sub("", name)).strip(" ")
    return "" if name in {".", ".."} else _cut(name)


def _cut(name: str) -> str:
    """Cut ``name`` to the limit on a character's border, before its suffix if that is short."""
    if len(name.encode()) <= MAX_FILENAME_BYTES:
        return name
    dot = name.rfind(".")
    suffix = name[dot:] if dot > 0 and len(name) - dot <= _LONGEST_SUFFIX else ""
    stem = name[: len(name) - len(suffix)].encode()
    return stem[: MAX_FILENAME_BYTES - len(suffix.encode())].decode(errors="ignore") + suffix


def _decode_extended(value: str) -> str | None:
    match = _EXTENDED.fullmatch(value)
    if match is None:
        return None
    try:
        return unquote_to_bytes(match[2]).decode(match[1].lower())
    except UnicodeDecodeError:
        return None
