"""Files that came with a form: kept in memory while they are small, on disk otherwise.

A file on disk has no name there, where the platform can do without (Linux, other Unix), so nothing
of it is left behind whatever ends the process. Disks are waited for in threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final, Self, TypeVar, TypeVarTuple, cast, final

from portico import _tasks
from portico.http.headers import Headers
from portico.http.media import MediaType
from portico.http.parts import PartHead

__all__ = ("BATCH_BYTES", "Saving", "Spool", "UploadFile", "call_for_file", "close_files")

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

BATCH_BYTES: Final = 1024 * 1024
"""What is held of content that is on its way to disk: one trip to a thread for so much."""

_BATCH_PIECES: Final = 512  # systems take 1024 and more in one call

_READ_BYTES: Final = 256 * 1024
"""What iteration gives at once: one trip to a thread for each."""

_COPY_BYTES: Final = 1024 * 1024

_SMALL_BYTES: Final = 4096
"""A piece that is shorter is put together with others: a list costs more than what is in it."""


@final
class UploadFile:
    """A file of a form: a file object whose methods are awaited.

    It is closed when the response has been sent and background work is done; ``detach`` keeps it
    open. Reading a closed file raises ``ValueError``.

    ``file`` is the binary file object below, for libraries that take one: use it in a thread.
    """

    def __init__(self, head: PartHead, file: BinaryIO, size: int) -> None:
        self._head: PartHead = head
        self.file: BinaryIO = file
        self.size: int = size
        """Bytes of content, as they came."""
        self.is_detached: bool = False

    @property
    def name(self) -> str:
        """The name of the form's field."""
        return self._head.name

    @property
    def filename(self) -> str:
        """The name that the client gives; ``""`` where no file was chosen.

        It may be anything, a path or ``..`` too: do not open what it says.
        """
        return self._head.filename or ""

    @property
    def headers(self) -> Headers:
        """The fields of the part's header."""
        return self._head.headers

    @property
    def content_type(self) -> MediaType | None:
        """The media type as the client says; ``None`` if it does not.

        Raises ``BadInput`` if it is malformed.
        """
        return self._head.content_type

    @property
    def is_in_memory(self) -> bool:
        """Whether the content is in memory, and not on disk."""
        return isinstance(self.file, BytesIO)

    @property
    def is_closed(self) -> bool:
        """Whether it was closed, so that nothing can be read."""
        return self.file.closed

    async def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes from the position; all that is left if it is negative."""
        if self.is_in_memory:
            return self.file.read(size)
        return await call_for_file(self.file.read, size)

    async def write(self, data: bytes) -> int:
        """Write at the position; gives the number of bytes."""
        if self.is_in_memory:
            return self.file.write(data)
        return await call_for_file(_write_all, self.file, data)

    async def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position, as ``io.IOBase.seek`` does; gives the new one."""
        return self.file.seek(offset, whence)  # changes a number and waits for nothing

    def tell(self) -> int:
        """Give the position, in bytes."""
        return self.file.tell()

    def __aiter__(self) -> Self:
        """Read from the position to the end, in pieces of up to 256 KiB."""
        return self

    async def __anext__(self) -> bytes:
        if piece := await self.read(_READ_BYTES):
            return piece
        raise StopAsyncIteration

    async def save_to(self, path: str | os.PathLike[str]) -> None:
        """Save the whole content as the file ``path``, in one step: it is all there, or nothing is.

        A file that is there already is replaced. The client's file name plays no part in it. The
        position stays. Raises ``OSError`` as opening and writing files do.
        """
        await call_for_file(_save, self.file, Path(path))

    async def copy_to(self, target: str | os.PathLike[str] | BinaryIO) -> None:
        """Write the whole content into an open binary file, or straight into the file ``path``.

        The position stays. Raises ``OSError`` as opening and writing files do.
        """
        await call_for_file(_copy, self.file, target)

    def detach(self) -> Self:
        """Keep the file open after the request: it is yours to close."""
        self.is_detached = True
        return self

    async def close(self) -> None:
        """Close it and forget its content; may be repeated."""
        await close_files([self])

    def __repr__(self) -> str:
        return f"<UploadFile {self.name!r}, {self.size} bytes>"

    def __del__(self) -> None:
        # Where nobody serves the request for us: a bare ``Request`` in an ASGI app.
        self.file.close()


async def close_files(files: Iterable[UploadFile]) -> None:
    """Close files; in a thread if one is on disk, for that frees its blocks.

    Is not cancelled half-way.
    """
    on_disk: list[UploadFile] = []
    for file in files:
        if file.is_in_memory:
            file.file.close()
        elif not file.is_closed:
            on_disk.append(file)
    if on_disk:
        with _tasks.open_scope(shield=True):
            await call_for_file(_close_all, [file.file for file in on_disk])


class Spool:
    """Content as it comes: in memory until ``write_out``, which takes what is held to disk."""

    def __init__(self) -> None:
        self._pieces: list[bytes | bytearray] = []
        self.file: BinaryIO | None = None
        self.held_bytes: int = 0
        self.size: int = 0

    def add(self, piece: bytes) -> None:
        """Hold one more piece."""
        self.held_bytes += len(piece)
        self.size += len(piece)
        if len(piece) >= _SMALL_BYTES or not self._pieces:
            self._pieces.append(piece)
            return
        last = self._pieces[-1]
        if isinstance(last, bytearray) and len(last) < _READ_BYTES:
            last += piece
        else:
            self._pieces.append(bytearray(piece))

    def content(self) -> bytes:
        """Give what is held, as one."""
        return b"".join(self._pieces)

    def open(self) -> BinaryIO:
        """Open the file on disk."""
        from tempfile import TemporaryFile  # noqa: PLC0415

        return cast("BinaryIO", TemporaryFile(buffering=0))

    def write_out(self) -> None:
        """Write what is held to disk, and hold nothing; to be called in a thread."""
        if self.file is None:
            self.file = self.open()
        pieces, self._pieces, self.held_bytes = self._pieces, [], 0
        for at in range(0, len(pieces), _BATCH_PIECES):
            _write_pieces(self.file, pieces[at : at + _BATCH_PIECES])


@final
class Saving(Spool):
    """Content on its way to the file ``path``, where it is put in one step, by ``finish``.

    Until then it is beside that, under a name of ours. All methods but ``add`` wait for the disk.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path: Path = path
        self._part: Path = path.parent / f".{os.urandom(8).hex()}.part"

    def open(self) -> BinaryIO:
        """Open the file beside ``path``."""
        return self._part.open("xb", buffering=0)

    def finish(self) -> None:
        """Write what is held and put the file in its place; one that is there is replaced."""
        self.write_out()
        self.close()
        self._part.replace(self._path)

    def close(self) -> None:
        """Close the file on disk."""
        if self.file is not None:
            self.file.close()

    def discard(self) -> None:
        """Remove what was written."""
        self.close()
        self._part.unlink(missing_ok=True)


async def call_for_file(func: Callable[[*Ts], T], *args: *Ts) -> T:
    """Call what reads or writes a file, in a thread for files."""
    return await _tasks.run_in_thread(func, *args, limiter=_tasks.FILE_THREADS)


def _write_all(file: BinaryIO, data: bytes | bytearray) -> int:
    view = memoryview(data)
    while view:  # a write may be short
        view = view[file.write(view) :]
    return len(data)


# One call for all of them takes a fifth less time; not every platform has it.
_writev: Final[Callable[[int, Sequence[bytes | bytearray]], int] | None] = getattr(
    os, "writev", None
)


def _write_pieces(file: BinaryIO, pieces: Sequence[bytes | bytearray]) -> None:
    left = sum(map(len, pieces))
    if _writev is not None:
        left -= _writev(file.fileno(), pieces)
    if left:  # a write may be short
        _write_all(file, b"".join(pieces)[-left:])


def _close_all(files: Iterable[BinaryIO]) -> None:
    for file in files:
        file.close()


def _copy(file: BinaryIO, target: str | os.PathLike[str] | BinaryIO) -> None:
    if isinstance(target, str | os.PathLike):
        with Path(target).open("wb") as opened:
            _copy(file, opened)
        return
    position = file.tell()
    try:
        file.seek(0)
        while piece := file.read(_COPY_BYTES):
            _write_all(target, piece)
    finally:
        file.seek(position)


def _save(file: BinaryIO, path: Path) -> None:
    saving = Saving(path)
    try:
        saving.write_out()
        _copy(file, cast("BinaryIO", saving.file))
        saving.finish()
    except BaseException:
        saving.discard()
        raise
