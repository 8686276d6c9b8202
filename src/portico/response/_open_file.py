"""An open file whose bytes are read without keeping the event loop from others.

What the system has in memory is read at once, which takes as long as copying it; what would have
to wait for a disk is read in a worker thread, and the system is asked to fetch what follows.
"""

from __future__ import annotations

import errno
import os
import stat
from threading import Lock
from typing import Final, final

from portico import _tasks
from portico.errors import HTTPException

__all__ = ("OPEN_FLAGS", "OpenFile", "is_same_state", "refusal")

OPEN_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a pipe without a writer must not keep us waiting
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOINHERIT", 0)
)
"""How files are opened to be served."""

# preadv2(2): read what is in memory, and fail with EAGAIN where that is nothing (Linux 4.14).
_NO_WAIT: Final[int | None] = getattr(os, "RWF_NOWAIT", None)

_MISSING: Final = frozenset(
    {
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.ENAMETOOLONG,
        errno.ELOOP,
        errno.EINVAL,
        errno.ENXIO,  # a socket, or a pipe that nobody reads
        errno.ENODEV,
        errno.ESTALE,
    }
)
_EXHAUSTED: Final = (errno.EMFILE, errno.ENFILE)


def refusal(error: OSError | ValueError) -> HTTPException | None:
    """Give the answer to what opening a file has raised; ``None`` for a fault of the machine.

    ``ValueError`` is a name that no file can have: with a NUL, or half a surrogate pair.
    """
    if isinstance(error, ValueError) or error.errno in _MISSING:
        return HTTPException(404)
    if error.errno in (errno.EACCES, errno.EPERM):
        return HTTPException(403)
    return HTTPException(503) if error.errno in _EXHAUSTED else None


def is_same_state(one: os.stat_result, other: os.stat_result) -> bool:
    """Tell whether two looks at a file saw the same one with the same content."""
    return (one.st_ino, one.st_size, one.st_mtime_ns, one.st_dev) == (
        other.st_ino,
        other.st_size,
        other.st_mtime_ns,
        other.st_dev,
    )


@final
class OpenFile:
    """Owns a descriptor until ``close``, which waits for a thread that still reads from it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor: int = descriptor
        self._lock: Lock = Lock()
        self._is_open: bool = True
        self._buffer: bytearray = bytearray()

    def stat(self) -> os.stat_result:
        """Look at the open file. Raises ``HTTPException`` (404) for what is no regular file."""
        found = os.fstat(self.descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise HTTPException(404)
        return found

    async def read(self, start: int, length: int) -> bytes:
        """Read ``length`` bytes from ``start``; fewer only if the file ends before.

        Raises ``OSError`` if the disk does.
        """
        data = self._read_at_once(start, length)
        if len(data) == length:
            return data
        start, length = start + len(data), length - len(data)
        return data + await _tasks.run_in_thread(
            self._read, start, length, limiter=_tasks.FILE_THREADS
        )

    async def close(self) -> None:
        """Close the descriptor."""
        # asyncio's own cancellation leaves a thread that it waits for; its descriptor must not
        # become another file's meanwhile.
        if self._lock.acquire(blocking=False):
            self._close()
        else:
            with _tasks.open_scope(shield=True):
                await _tasks.run_in_thread(self._wait_and_close, limiter=_tasks.FILE_THREADS)

    def _read_at_once(self, start: int, length: int) -> bytes:
        if _NO_WAIT is None:
            return b""
        if len(self._buffer) < length:
            self._buffer = bytearray(length)
        room = memoryview(self._buffer)[:length]
        try:
            count = os.preadv(self.descriptor, [room], start, _NO_WAIT)
        except OSError:  # nothing is in memory, or this file system cannot tell
            return b""
        return bytes(room[:count])

    def _read(self, start: int, length: int) -> bytes:
        """Read in a thread, and let the system fetch as much again."""
        with self._lock:
            if not self._is_open:
                return b""
            pieces: list[bytes] = []
            end = start + length
            while start < end and (piece := _pread(self.descriptor, end - start, start)):
                pieces.append(piece)
                start += len(piece)
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(self.descriptor, end, length, os.POSIX_FADV_WILLNEED)
            return b"".join(pieces)

    def _wait_and_close(self) -> None:
        self._lock.acquire()
        self._close()

    def _close(self) -> None:
        """Close it once, with the lock taken."""
        try:
            if self._is_open:
                self._is_open = False
                os.close(self.descriptor)
        finally:
            self._lock.release()


def _seek_and_read(descriptor: int, length: int, start: int) -> bytes:
    os.lseek(descriptor, start, os.SEEK_SET)
    return os.read(descriptor, length)


_pread: Final = getattr(os, "pread", _seek_and_read)  # Windows has none
