"""Forms as ``multipart/form-data``: RFC 7578, framed as RFC 2046 5.1 says.

``MultipartParser`` takes the body in pieces of any size and gives what it finds in them; the
framing is ``multipart``'s, under our limits and errors. Where the pieces come from, and where files
go, is told by ``connection.forms``.

Nothing is repaired: what two readers may understand differently is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Final, TypeAlias, final
from weakref import proxy

from portico.errors import BadInput, ContentTooLarge
from portico.http.media import MediaType
from portico.http.parts import PLAIN_HEADER, PLAIN_HEADER_BYTES, PartHead, parse_part_head

__all__ = ("Event", "FormLimits", "MultipartParser", "parse_boundary")

_MIB: Final = 1024 * 1024

# RFC 2046 5.1.1: bchars, of which a blank is never the last.
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]*[0-9A-Za-z'()+_,\-./:=?]")

_FIELD_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++:")  # RFC 9110 5.1


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class FormLimits:
    """How much a form may hold; what is over a limit is refused with 413, while it is read.

    ``fields`` and ``files`` at most; ``field_bytes`` in one text field and ``form_bytes`` in all of
    them. A file of more than ``spool_bytes`` goes to disk, and so does what is over ``form_bytes``
    in all files that are kept in memory. How long the whole body may be is told by its reader.

    The header of a part has up to ``part_headers`` fields and ``part_header_bytes`` bytes, and the
    boundary up to ``boundary_bytes`` (RFC 2046 5.1.1: 70); over these is malformed, 400.

    Raises ``TypeError`` for a limit that is no number, ``ValueError`` for one that is negative.

    >>> FormLimits(files=3).files
    3
    """

    fields: int = 1000
    files: int = 100
    field_bytes: int = _MIB
    form_bytes: int = 4 * _MIB
    spool_bytes: int = _MIB
    part_headers: int = 16
    part_header_bytes: int = 8192
    boundary_bytes: int = 70

    def __post_init__(self) -> None:
        for field in fields(self):
            value: object = getattr(self, field.name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{field.name} is an int, not {type(value).__name__}")
            if value < 0:
                raise ValueError(f"{field.name} is 0 or more, not {value}")


Event: TypeAlias = PartHead | bytes | None
"""What a parser finds: the header of a part, a piece of its content, or (``None``) its end."""


def parse_boundary(content_type: MediaType, *, max_bytes: int = 70) -> str:
    """Give the boundary of a ``multipart/form-data`` content type.

    Raises ``BadInput`` if it has none, one over ``max_bytes``, or one with a character that no
    boundary has (RFC 2046 5.1.1).

    >>> parse_boundary(MediaType("multipart", "form-data", {"boundary": "a b"}))
    'a b'
    """
    boundary = content_type.parameters.get("boundary")
    if boundary is None:
        raise BadInput("content-type", "has no boundary")
    if len(boundary) > max_bytes:
        extensions = {"limit": max_bytes, "unit": "bytes"}
        raise BadInput("boundary_bytes", f"over {max_bytes} bytes", extensions=extensions)
    if _BOUNDARY.fullmatch(boundary) is None:
        raise BadInput("content-type", "has a boundary with a character that none may have")
    return boundary


@final
class MultipartParser:
    r"""Reads a body that is handed over in pieces; keeps no more of it than a boundary's length.

    ``boundary`` is as ``parse_boundary`` gives it. However the body is cut into pieces, the content
    of the parts and the kind of error are the same.

    >>> parser = MultipartParser("X")
    >>> parser.feed(b'--X\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--X-')
    [<PartHead 'a'>, b'1']
    >>> parser.feed(b"-\r\n"), parser.close()
    ([None], None)
    """

    def __init__(self, boundary: str, limits: FormLimits | None = None) -> None:
        limits = FormLimits() if limits is None else limits
        self._limits: FormLimits = limits
        self._boundary: str = boundary
        self._framing: Any = None  # made when there is more than plain parts
        self._opening: bytes = b"--" + boundary.encode("ascii")
        self._held: bytes = b""
        self._is_at_start: bool = True
        self._is_open: bool = False  # past the first boundary
        self._is_complete: bool = False  # past the last one
        self._fields_left: int = limits.fields
        self._files_left: int = limits.files
        self._text_left: int = limits.form_bytes
        self._field_left: int | None = None  # of the part at hand; None for a file

    def feed(self, data: bytes) -> list[Event]:
        """Take the next piece; give what it completes.

        Raises ``BadInput`` (400) for what is malformed and ``ContentTooLarge`` (413) over a limit,
        which it names. After that the parser is of no use.
        """
        if not self._is_open:
            data = self._find_opening(data)
        events: list[Event] = []
        if self._framing is None and data and not self._is_complete:
            data = self._take_plain(data, events)
        if self._is_complete or not data:  # what follows the last boundary means nothing (5.1.1)
            return events
        if self._framing is None:
            self._framing = _make_framing(self._boundary, self._limits)
        try:
            for event in self._framing.parse(data):
                if isinstance(event, PartHead):
                    self._admit(event)
                elif event is not None and self._field_left is not None:
                    self._count(len(event))
                events.append(event)
        except ValueError as error:  # the library's errors are that
            if not self._has_ended():
                raise self._malformed(error) from None
        return events

    def close(self) -> None:
        """Say that the body has ended.

        Raises ``BadInput`` if the last boundary is missing: what came is a part of a form.
        """
        if not self._is_complete and not self._has_ended():
            raise BadInput("body", "ends before the last boundary of its multipart/form-data")

    def _has_ended(self) -> bool:
        if self._framing is None:
            return False
        try:
            self._framing.close()
        except ValueError as error:
            error.__traceback__ = None  # it holds a frame that holds the error
            return False
        finally:
            self._framing.error = None  # its traceback would hold what holds it
        self._is_complete = True
        return True

    def _find_opening(self, data: bytes) -> bytes:
        """Skip what precedes the first boundary (RFC 2046 5.1.1); give the rest with it.

        A boundary begins a line: text with one inside was cut from something, or is no preamble.
        """
        if not data:
            return data
        opening = self._opening
        data = self._held + data
        at = data.find(opening)
        if at < 0:
            # Room for a boundary that is cut, and for the line end before it.
            keep = len(opening) + 1
            self._is_at_start = self._is_at_start and len(data) <= keep
            self._held = data[-keep:]
            return b""
        if (at or not self._is_at_start) and data[max(at - 2, 0) : at] != b"\r\n":
            raise BadInput("body", "has a boundary that does not begin a line")
        self._held, self._is_open = b"", True
        return data[at:]

    def _take_plain(self, data: bytes, events: list[Event]) -> bytes:
        """Take the parts that are here as a whole and as browsers write them; give the rest.

        Most forms are that, and it takes half the time. The rest begins with a boundary, as any
        body does.
        """
        limits = self._limits
        if limits.part_headers < 2 or limits.part_header_bytes < PLAIN_HEADER_BYTES:
            return data
        opening = self._opening
        delimiter, size = b"\r\n" + opening, len(opening)
        start = 0
        while data.startswith(b"\r\n", start + size):
            match = PLAIN_HEADER.match(data, start + size)
            if match is None:
                break
            begin = match.end()
            end = data.find(delimiter, begin)
            after = data[end + 2 + size : end + 4 + size]
            if end < 0 or after not in (b"\r\n", b"--"):
                break
            try:
                fields = match[0].decode()
            except UnicodeDecodeError:
                break
            head = PartHead(
                match[1].decode(), None if match[2] is None else match[2].decode(), fields
            )
            self._admit(head)
            events.append(head)
            if end > begin:
                if self._field_left is not None:
                    self._count(end - begin)
                events.append(data[begin:end])
            events.append(None)
            start = end + 2
            if after == b"--":
                self._is_complete = True
                break
        return data[start:] if start else data

    def _admit(self, head: PartHead) -> None:
        """Count a part."""
        if head.filename is None:
            self._field_left = self._limits.field_bytes
            self._fields_left -= 1
            if self._fields_left < 0:
                raise ContentTooLarge("fields", self._limits.fields, unit="fields")
        else:
            self._field_left = None
            self._files_left -= 1
            if self._files_left < 0:
                raise ContentTooLarge("files", self._limits.files, unit="files")

    def _count(self, size: int) -> None:
        self._field_left = (self._field_left or 0) - size
        self._text_left -= size
        if self._field_left < 0:
            raise ContentTooLarge("field_bytes", self._limits.field_bytes)
        if self._text_left < 0:
            raise ContentTooLarge("form_bytes", self._limits.form_bytes)

    def _malformed(self, error: Exception) -> BadInput:
        if getattr(error, "http_status", 400) == 413:
            return _over_header(self._limits)
        # The library's words; what may follow them in ``args`` shows the peer's bytes.
        return BadInput("body", f"is not multipart/form-data: {str(error.args[0]).lower()}")


def _make_framing(boundary: str, limits: FormLimits) -> Any:
    """Make the library's parser, strict; the header of a part is read by us."""
    from multipart import PushMultipartParser  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]

    framing: Any = PushMultipartParser(
        boundary,
        max_header_size=limits.part_header_bytes,
        max_header_count=limits.part_headers,
        strict=True,
    )
    # A method that the library leaves to others to replace. Not one of ours: that would be a cycle.
    framing._create_segment = partial(_read_head, limits)  # noqa: SLF001
    take_line = PushMultipartParser._on_segment_headerline  # noqa: SLF001
    framing._on_segment_headerline = partial(_take_line, take_line, proxy(framing))  # noqa: SLF001
    return framing


def _take_line(take_line: Callable[[Any, bytes], None], framing: Any, line: bytes) -> None:
    """Let the library read a line, which would take white space off the name: LF, NBSP, others."""
    if _FIELD_NAME.match(line) is None:
        raise BadInput("body", "has a part with a malformed field in its header")
    take_line(framing, line)


def _read_head(limits: FormLimits, listed: list[tuple[str, str]]) -> PartHead:
    if sum([len(name) + len(value) + 4 for name, value in listed]) > limits.part_header_bytes:
        raise _over_header(limits)
    return parse_part_head(listed)


def _over_header(limits: FormLimits) -> BadInput:
    headers, size = limits.part_headers, limits.part_header_bytes
    return BadInput(
        "part_header_bytes",
        f"a part's header has over {headers} fields or {size} bytes",
        extensions={"limit": size, "unit": "bytes"},
    )
