"""The header of a part of a form: RFC 7578 section 4.

What senders should not use is refused where two readers may understand it differently, and has no
effect where all know that it has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, final

from propcache.api import cached_property

from portico.errors import BadInput, UnsupportedMediaType
from portico.http.charsets import decode_text
from portico.http.headers import Headers
from portico.http.media import MediaType, parse_media_type

__all__ = ("PLAIN_HEADER", "PLAIN_HEADER_BYTES", "PartHead", "parse_part_head")

# What browsers write (HTML, multipart/form-data encoding algorithm), with nothing to unescape.
_PLAIN: Final = re.compile(
    r'form-data; name="([^"\\%\x00-\x1f\x7f]*)"(?:; filename="([^"\\%\x00-\x1f\x7f]*)")?'
)
# The same in bytes, with the line end before it and the blank line behind it, and a type or none.
PLAIN_HEADER: Final = re.compile(
    rb'\r\nContent-Disposition: form-data; name="([^"\\%\x00-\x1f\x7f]{0,200})"'
    rb'(?:; filename="([^"\\%\x00-\x1f\x7f]{0,200})")?\r\n'
    rb"(?:Content-Type: [!-~][ -~]{0,100}\r\n)?\r\n"
)
"""What most headers of parts are; the groups are the name and the file name."""

PLAIN_HEADER_BYTES: Final = 1024
"""More than a ``PLAIN_HEADER`` can have."""

# And what RFC 2183 2 allows besides. No part can give back what it took, so reading is linear.
_PARAMETER: Final = re.compile(
    r";[ \t]*+(?:([!#$%&\'*+\-.^_`|~0-9A-Za-z]++)[ \t]*+=[ \t]*+"
    r'("[^"\\]*+(?:\\.[^"\\]*+)*+"|[^\s";,]++)[ \t]*+)?'
)

_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

_SINGLE: Final = frozenset(
    {"Content-Disposition", "Content-Type", "Content-Transfer-Encoding", "Content-Length"}
)
_PLAIN_TRANSFERS: Final = frozenset({"7bit", "8bit", "binary"})


@final
class PartHead:
    """What the header of a part says: its ``name``, and its ``filename`` if it is a file.

    Both are the peer's words: a file name may hold a path, or ``..``. A file input with no file
    chosen is a file with the name ``""``.
    """

    # The framing counts in these two.
    bytes_received: int = 0
    complete: bool = False

    def __init__(
        self, name: str, filename: str | None, fields: list[tuple[str, str]] | str
    ) -> None:
        self.name: str = name
        self.filename: str | None = filename
        self._fields: list[tuple[str, str]] | str = fields

    def _listed(self) -> list[tuple[str, str]]:
        if isinstance(self._fields, str):  # as they came, one on each line
            lines = [line.partition(": ") for line in self._fields.split("\r\n") if line]
            self._fields = [(name, value) for name, _, value in lines]
        return self._fields

    @cached_property
    def headers(self) -> Headers:
        """The fields of the part's header."""
        return Headers([(name.lower().encode(), value.encode()) for name, value in self._listed()])

    @cached_property
    def content_type(self) -> MediaType | None:
        """The part's media type; ``None`` if it does not tell.

        Raises ``BadInput`` if it is malformed.
        """
        for name, value in self._listed():
            if name == "Content-Type" and value:  # an empty one is as good as none
                return parse_media_type(value)
        return None

    @property
    def charset(self) -> str | None:
        """The charset that the part names for its text, in lower case (RFC 7578 4.4)."""
        content_type = self.content_type
        return None if content_type is None else content_type.charset

    def decode(self, content: bytes) -> str:
        """Decode the content of the part as text, by its charset (default UTF-8).

        Raises ``BadInput`` for a charset that is not known, and for bytes that are not text in it.
        """
        fields = self._fields
        is_bare = "\r\nContent-T" not in fields if isinstance(fields, str) else len(fields) == 1
        charset = None if is_bare else self.charset
        try:
            return content.decode() if charset is None else decode_text(content, charset)
        except UnicodeDecodeError:
            raise BadInput("body", "has a part that is not text in UTF-8") from None
        except UnsupportedMediaType:  # it is the part that is malformed, not the body's type
            raise BadInput("content-type", "of a part has a charset that is not known") from None

    def __repr__(self) -> str:
        return f"<PartHead {self.name!r}>"


def parse_part_head(listed: list[tuple[str, str]]) -> PartHead:
    """Read the fields of a part's header; names are written ``Like-This``.

    Raises ``BadInput`` for a header that is malformed or says what cannot be (RFC 7578 4).

    >>> parse_part_head([("Content-Disposition", 'form-data; name="a"')])
    <PartHead 'a'>
    """
    found: dict[str, str] = {}
    for name, value in listed:
        if name in found and name in _SINGLE:
            raise BadInput(name.lower(), "is given twice in a part")
        if name != "Content-Disposition" and _CONTROL.search(value) is not None:
            raise BadInput("body", "has a part with a control character in its header")
        found[name] = value
    # RFC 7578 4.7: senders do not use it; what is not encoded may say so.
    transfer = found.get("Content-Transfer-Encoding")
    if transfer is not None and transfer.strip(" \t").lower() not in _PLAIN_TRANSFERS:
        raise BadInput("content-transfer-encoding", "is not supported in a form")
    if "Content-Disposition" not in found:
        raise BadInput("content-disposition", "is missing in a part")
    return PartHead(*_parse_disposition(found["Content-Disposition"]), listed)


def _parse_disposition(value: str) -> tuple[str, str | None]:
    """Read the Content-Disposition of a part into its name and file name (RFC 7578 4.2).

    Extended parameters are none here: ``filename*`` beside ``filename`` has no effect, and a part
    that has only that would be a file for one reader and a text for another.
    """
    match = _PLAIN.fullmatch(value)
    if match is not None:
        return match[1], match[2]
    parameters = dict[str, str]()
    for name, text in _parameters(value):
        if name in parameters:
            raise BadInput("content-disposition", "of a part has a parameter twice")
        parameters[name] = text
    if "name" not in parameters:
        raise BadInput("content-disposition", "of a part has no name")
    filename = parameters.get("filename")
    if filename is None and "filename*" in parameters:
        raise BadInput("content-disposition", "of a part has filename* alone (RFC 7578 4.2)")
    return (
        _unquote(parameters["name"]),
        None if filename is None else _unquote(filename, filename=True),
    )


def _parameters(value: str) -> Iterator[tuple[str, str]]:
    kind, _, _ = value.partition(";")
    if kind.strip(" \t").lower() != "form-data" or _CONTROL.search(value) is not None:
        raise BadInput("content-disposition", "of a part is malformed, or is not form-data")
    at = len(kind)
    while at < len(value):
        match = _PARAMETER.match(value, at)
        if match is None:
            raise BadInput("content-disposition", "of a part has a malformed parameter")
        at = match.end()
        if match[1] is not None:
            yield match[1].lower(), match[2]


def _unquote(text: str, *, filename: bool = False) -> str:
    """Read a quoted value as the sender meant it.

    Browsers write three characters as ``%XX`` and nothing else (HTML, multipart/form-data encoding
    algorithm); older senders put a backslash before quotes (RFC 2183 2).
    """
    if text.startswith('"'):
        text = text[1:-1]
    if '\\"' in text:
        text = text.replace("\\\\", "\\").replace('\\"', '"')
    elif "%" in text:
        text = text.replace("%0D", "\r").replace("%0A", "\n").replace("%22", '"')
    if filename and (text[1:3] == ":\\" or text.startswith("\\\\")):
        text = text.rpartition("\\")[2]  # a whole path, which old browsers on Windows send
    return text
