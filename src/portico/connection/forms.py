"""Forms: the body goes to the parsers, text into a mapping, files into memory or to disk.

A form is read once and kept with the body, for all who look at the same scope.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from io import BytesIO
from typing import Any, BinaryIO, Final, Generic, TypeAlias, TypeVar, cast, final

from multidict import MultiDict, MultiDictProxy

from portico import _tasks
from portico.codec import decode_form
from portico.connection.body import Body, Watch
from portico.connection.parts import Parts
from portico.connection.uploads import (
    BATCH_BYTES,
    Spool,
    UploadFile,
    call_for_file,
    close_files,
)
from portico.errors import BadInput, ContentTooLarge, UnsupportedMediaType
from portico.http.media import MediaType
from portico.http.multipart import Event, FormLimits, MultipartParser, parse_boundary
from portico.http.parts import PartHead
from portico.http.query import UrlencodedCounter, parse_urlencoded

__all__ = (
    "FORM_TYPES",
    "MAX_FORM_BYTES",
    "FormData",
    "KeptForm",
    "PendingForm",
    "read_parts",
)

T_co = TypeVar("T_co", covariant=True)

FORM_TYPES: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
"""The content types that are forms."""

MAX_FORM_BYTES: Final = 64 * 1024 * 1024
"""The most that a form with files may have, unless app, router, route or call say otherwise."""

FormData: TypeAlias = MultiDictProxy[str | UploadFile]
"""The fields of a form by name: text, and files."""


@final
class PendingForm(Generic[T_co]):
    """A form that is to be read: ``await`` it, or enter it (``async with``) to close its files.

    Awaited, its files are closed when the response has been sent and background work is done.
    """

    __slots__ = ("_body", "_content_type", "_kept", "_limits", "_max_bytes", "_type")

    def __init__(
        self,
        body: Body,
        content_type: MediaType | None,
        limits: FormLimits,
        max_bytes: int | None,
        type: object,
    ) -> None:
        kept: Any = body.form
        if kept is None:
            kept = body.form = KeptForm()
        self._kept: KeptForm = kept
        self._body: Body = body
        self._content_type: MediaType | None = content_type
        self._limits: FormLimits = limits
        self._max_bytes: int | None = max_bytes
        self._type: object = type

    def __await__(self) -> Generator[Any, Any, T_co]:
        return self._load().__await__()

    async def __aenter__(self) -> T_co:
        return await self._load()

    async def __aexit__(self, *exc_info: object) -> None:
        await self._kept.close()

    async def _load(self) -> T_co:
        kept = self._kept
        while kept.data is None:
            await kept.fill(self._body, self._content_type, self._limits, self._max_bytes)
        form: Any = kept.data
        return form if self._type is Any else decode_form(form.items(), self._type)  # type: ignore[no-any-return]


@final
class KeptForm:
    """The one form of a body, read when the first asks for it: ``data``, ``None`` until then.

    What was wrong with the form is raised to each who asks.
    """

    data: FormData | None = None
    has_files: bool = False
    _failure: BadInput | None = None
    _arrival: _tasks.Event | None = None
    _is_reading: bool = False

    async def fill(
        self,
        body: Body,
        content_type: MediaType | None,
        limits: FormLimits,
        max_bytes: int | None,
    ) -> None:
        """Read the form, or wait for another task that does.

        Raises ``UnsupportedMediaType`` for another content type, ``BadInput`` for a malformed form,
        ``ContentTooLarge`` over a limit, and what ``Body.read`` raises.
        """
        if self._failure is not None:
            raise self._failure
        if self._is_reading:
            if self._arrival is None:
                self._arrival = _tasks.make_event()
            await self._arrival.wait()
            return
        self._is_reading = True
        try:
            if content_type is not None and content_type.essence == FORM_TYPES[0]:

                def watch() -> Watch:
                    return _make_counter(limits).count

                self.data = _urlencoded(await body.read(max_bytes, watch), limits)
            else:
                parser = _make_parser(content_type, limits, FORM_TYPES)
                self.data = await _read_multipart(body, parser, limits, max_bytes)
                self.has_files = True
        except BadInput as error:
            self._failure = error
            if isinstance(error, ContentTooLarge):
                body.overrun = body.overrun or error
            raise
        finally:
            self._is_reading = False
            if self._arrival is not None:
                self._arrival.set()
                self._arrival = None

    async def close(self) -> None:
        """Close the files that nobody has detached; may be repeated."""
        self._failure = None  # its traceback holds what holds it
        if self.has_files and self.data is not None:
            files = [value for value in self.data.values() if isinstance(value, UploadFile)]
            if files:
                await close_files([file for file in files if not file.is_detached])


def read_parts(
    body: Body, content_type: MediaType | None, limits: FormLimits, max_bytes: int | None
) -> Parts:
    """Begin to read the parts of a multipart form.

    Raises ``UnsupportedMediaType`` for another content type, ``BadInput`` for a bad boundary,
    ``BodyConsumed`` if the body was streamed before.
    """
    parser = _make_parser(content_type, limits, FORM_TYPES[1:])
    return Parts(body.pieces(max_bytes), parser, limits.field_bytes)


def _make_parser(
    content_type: MediaType | None, limits: FormLimits, accepted: tuple[str, ...]
) -> MultipartParser:
    if content_type is None or content_type.essence != FORM_TYPES[1]:
        raise UnsupportedMediaType(accepted)
    boundary = parse_boundary(content_type, max_bytes=limits.boundary_bytes)
    return MultipartParser(boundary, limits)


def _urlencoded(data: bytes, limits: FormLimits) -> FormData:
    if len(data) > limits.form_bytes:
        raise ContentTooLarge("form_bytes", limits.form_bytes)
    form: Any = parse_urlencoded(data, max_fields=limits.fields)  # mappings are invariant
    if len(data) > limits.field_bytes:
        _make_counter(limits).check([text for pair in form.items() for text in pair])
    return form  # type: ignore[no-any-return]


def _make_counter(limits: FormLimits) -> UrlencodedCounter:
    return UrlencodedCounter(limits.fields, limits.field_bytes, limits.form_bytes)


async def _read_multipart(
    body: Body, parser: MultipartParser, limits: FormLimits, max_bytes: int | None
) -> FormData:
    collector = _Collector(limits)
    pieces = body.pieces(max_bytes)
    try:
        while piece := await pieces.next():
            if collector.take(parser.feed(piece)):
                await collector.write_out()
        parser.close()
    except GeneratorExit:
        collector.close()  # nothing can be waited for
        raise
    except BaseException:
        if collector.is_on_disk:
            with _tasks.open_scope(shield=True):
                await call_for_file(collector.close)
        raise
    return MultiDictProxy(MultiDict(collector.pairs))


@final
class _Collector:
    """Makes text and files of what a parser finds."""

    def __init__(self, limits: FormLimits) -> None:
        self.pairs: list[tuple[str, str | UploadFile]] = []
        self.is_on_disk: bool = False
        self._limits: FormLimits = limits
        self._memory_left: int = limits.form_bytes  # for files
        self._head: PartHead | None = None
        self._piece: bytes | None = None  # the content of the part at hand, if it is one piece
        self._spool: Spool | None = None  # if it is more
        self._ended: list[tuple[int, PartHead, Spool]] = []  # files that are due to be written

    def take(self, events: Sequence[Event]) -> bool:
        """Take what was found in one piece of the body; tells whether ``write_out`` is due."""
        for event in events:
            if isinstance(event, bytes):
                self._add(event)
            elif event is None:
                self._end()
            else:
                self._head = event
        return bool(self._ended) or self._is_open_due()

    async def write_out(self) -> None:
        """Write to disk what is to go there, in one trip to a thread."""
        spools = [spool for _, _, spool in self._ended]
        if self._spool is not None and self._is_open_due():
            spools.append(self._spool)
        self.is_on_disk = True
        await call_for_file(_write_out, spools)
        for at, head, spool in self._ended:
            file = cast("BinaryIO", spool.file)
            file.seek(0)
            self.pairs[at] = (head.name, UploadFile(head, file, spool.size))
        self._ended.clear()

    def close(self) -> None:
        """Close all that was opened; the form will not be whole."""
        for _, value in self.pairs:
            if isinstance(value, UploadFile):
                value.file.close()
        for spool in [self._spool, *(spool for _, _, spool in self._ended)]:
            if spool is not None and spool.file is not None:
                spool.file.close()

    def _add(self, piece: bytes) -> None:
        if self._spool is not None:
            self._spool.add(piece)
        elif self._piece is None:
            self._piece = piece
        else:
            self._spool = Spool()
            self._spool.add(self._piece)
            self._spool.add(piece)

    def _is_open_due(self) -> bool:
        head, spool = self._head, self._spool
        if head is None or head.filename is None or spool is None:
            return False
        return self._is_due(spool)

    def _is_due(self, spool: Spool) -> bool:
        if spool.file is not None:
            return spool.held_bytes >= BATCH_BYTES
        return spool.size > min(self._limits.spool_bytes, self._memory_left)

    def _end(self) -> None:
        head, piece, spool = cast("PartHead", self._head), self._piece, self._spool
        self._head = self._piece = self._spool = None
        if head.filename is None:
            content = piece or b"" if spool is None else spool.content()
            text = head.decode(content)
            self.pairs.append((head.name, text))
            return
        if spool is None:
            content = piece or b""
            if len(content) <= min(self._limits.spool_bytes, self._memory_left):
                self._memory_left -= len(content)
                upload = UploadFile(head, BytesIO(content), len(content))
                self.pairs.append((head.name, upload))
                return
            spool = Spool()
            spool.add(content)
        elif spool.file is None and not self._is_due(spool):
            self._memory_left -= spool.size
            upload = UploadFile(head, BytesIO(spool.content()), spool.size)
            self.pairs.append((head.name, upload))
            return
        self._ended.append((len(self.pairs), head, spool))
        self.pairs.append((head.name, ""))


def _write_out(spools: list[Spool]) -> None:
    for spool in spools:
        spool.write_out()
