"""Sends a file: from a plan, the same bytes by each of the ways that servers offer.

Headers and bytes come from the file that is open. A descriptor is open only while bytes of it are
sent; a 304, a 412, a 416 and the answer to HEAD need none.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Final, Protocol, TypeVar

from portico import _tasks
from portico.asgi import Message, RawHeaders, Receive, Scope, Send
from portico.errors import ClientDisconnect, FileChanged, HTTPException
from portico.http.conditional import NO_CONDITIONS, Conditions, read_conditions
from portico.http.dates import format_date, parse_date
from portico.http.plan import Plan, Representation, needs_boundary, plan_response
from portico.http.ranges import ByteRange
from portico.response._open_file import OpenFile, is_same_state, refusal

__all__ = ("CHUNK_SIZE", "FileSource", "file_etag", "send_file")

T = TypeVar("T")

CHUNK_SIZE: Final = 256 * 1024
"""Bytes that are read and sent in one go; a download takes about twice as much memory."""

_PATHSEND: Final = "http.response.pathsend"
_ZEROCOPY: Final = "http.response.zerocopysend"
_BODY: Final = "http.response.body"

_ACCEPT_RANGES: Final = (b"accept-ranges", b"bytes")

_ATTEMPTS: Final = 3
"""How often a small file is read anew that became shorter meanwhile."""


class FileSource(Protocol):
    """A file that may be looked at and opened; both raise ``OSError`` or ``ValueError``."""

    def path(self) -> str:
        """Give its absolute path, for servers that open files themselves."""
        ...

    def stat(self) -> os.stat_result:
        """Look at it without opening it."""
        ...

    def open(self) -> int:
        """Open it to read, without waiting for anything; gives a descriptor."""
        ...

    def etag(self, found: os.stat_result) -> str:
        """Write its entity tag in the state that was found, quotes and all; never raises."""
        ...


def file_etag(found: os.stat_result) -> str:
    """Write the entity tag of a file in the state that was found: strong, quotes and all.

    It is of the time of the last change in nanoseconds, the size and the file's number: another
    content at the same path has another tag, unless it was written into the same file within a tick
    of the file system's clock and has the same size.
    """
    return f'"{found.st_mtime_ns:x}-{found.st_size:x}-{found.st_ino:x}"'


def send_file(
    source: FileSource,
    raw: RawHeaders,
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    status_code: int = 200,
    found: os.stat_result | None = None,
    chunk_size: int = CHUNK_SIZE,
) -> Awaitable[None]:
    """Answer a request with a file; ``raw`` are its header fields, without a length.

    An ``etag`` and a ``last-modified`` among them count, else they are the file's. ``found`` is
    what ``source.stat()`` gave, if it was asked already. Await what is given at once; that the
    client has left is not an error.

    Raises ``HTTPException`` (403, 404, 412, 416, 503) before anything is sent, ``FileChanged`` if
    the file becomes shorter later, ``OSError`` if the disk fails.
    """
    # No coroutine: a 304 has one less to wait for.
    transfer = _Transfer(source, raw, scope, receive, send, status_code, chunk_size)
    if not transfer.prepare(_look(source.stat) if found is None else found):
        return transfer.send_head_alone()
    return transfer.send_file()


class _Transfer:
    """One answer with a file."""

    def __init__(  # noqa: PLR0917 - made in one place
        self,
        source: FileSource,
        raw: RawHeaders,
        scope: Scope,
        receive: Receive,
        send: Send,
        status_code: int,
        chunk_size: int,
    ) -> None:
        self._source: FileSource = source
        self._raw: RawHeaders = raw
        self._scope: Scope = scope
        self._receive: Receive = receive
        self._send_message: Send = send
        self._status_code: int = status_code
        self._chunk_size: int = chunk_size
        # Any other answer is not what the conditions are about (RFC 9110 13.2.1).
        self._is_selected: bool = status_code == 200 and scope["method"] in ("GET", "HEAD")
        self._conditions: Conditions = (
            read_conditions(scope["headers"]) if self._is_selected else NO_CONDITIONS
        )
        self._found: os.stat_result
        self._plan: Plan

    def prepare(self, found: os.stat_result) -> bool:
        """Plan the answer; tells whether bytes of the file are sent."""
        if not stat.S_ISREG(found.st_mode):
            raise HTTPException(404)
        self._found = found
        method = self._scope["method"]
        if not self._is_selected:
            size = found.st_size
            is_sent = size and method != "HEAD"
            length = (b"content-length", b"%d" % size)
            self._plan = Plan(200, (length,), (ByteRange(0, size),) if is_sent else ())
            self._fields: RawHeaders = self._raw
            return bool(is_sent)
        self._fields, representation = _representation(self._raw, found, self._source)
        conditions = self._conditions
        if conditions is NO_CONDITIONS:
            self._plan = plan_response(method, conditions, representation)
            return bool(self._plan.pieces)
        self._plan = plan_response(
            method,
            conditions,
            representation,
            boundary=os.urandom(16).hex() if needs_boundary(conditions) else "",
            now=time.time(),
        )
        if self._plan.status_code in (412, 416):
            fields = [(name.decode(), value.decode()) for name, value in self._plan.headers]
            raise HTTPException(self._plan.status_code, headers=fields)
        return bool(self._plan.pieces)

    async def send_head_alone(self) -> None:
        """Send an answer without a byte of the file."""
        try:
            await self._send_message(self._start())
            await self._send_message({"type": _BODY, "body": b""})
        except (OSError, ClientDisconnect):
            pass  # the client has left

    async def send_file(self) -> None:
        """Open the file, and send what the plan says of it."""
        file = OpenFile(_look(self._source.open))
        try:
            await self._send_from(file)
        except ClientDisconnect:
            pass
        finally:
            await file.close()

    async def _send_from(self, file: OpenFile) -> None:
        """Send what the plan says of the file that is open."""
        extensions = self._scope.get("extensions") or ()
        for _ in range(_ATTEMPTS):
            found = file.stat()
            if not is_same_state(found, self._found) and not self.prepare(found):
                await self.send_head_alone()
                return
            if _PATHSEND in extensions and self._may_send_path():
                await self._send_start()
                await self._send({"type": _PATHSEND, "path": self._source.path()})
                return
            if _ZEROCOPY in extensions:
                await self._send_start()
                await self._send_descriptor(file.descriptor)
                return
            if self._length() > self._chunk_size:
                await self._send_start()
                await self._stream(file)
                return
            body = await self._read_all(file)
            if body is not None:
                await self._send_start()
                await self._send({"type": _BODY, "body": body})
                return
        raise FileChanged("the file changes faster than it is read")

    def _length(self) -> int:
        pieces = self._plan.pieces
        return sum(len(piece) if isinstance(piece, bytes) else piece.length for piece in pieces)

    def _may_send_path(self) -> bool:
        """Tell whether the server would open at that path what is open here, to send it whole."""
        if self._plan.pieces != (ByteRange(0, self._found.st_size),):
            return False
        if self._plan.status_code != 200:
            return False
        try:
            return is_same_state(self._source.stat(), self._found)
        except OSError:
            return False

    async def _send(self, message: Message) -> None:
        try:
            await self._send_message(message)
        except OSError as error:  # ASGI HTTP 2.4; a disk's is never raised here
            raise ClientDisconnect("the client has left") from error

    async def _send_start(self) -> None:
        await self._send(self._start())

    def _start(self) -> Message:
        plan = self._plan
        status = self._status_code if plan.status_code == 200 else plan.status_code
        return {
            "type": "http.response.start",
            "status": int(status),
            "headers": plan.fields(self._fields),
        }

    async def _read_all(self, file: OpenFile) -> bytes | None:
        """Read all that is sent; ``None`` if the file has become shorter."""
        read: list[bytes] = []
        for piece in self._plan.pieces:
            if isinstance(piece, bytes):
                read.append(piece)
                continue
            data = await file.read(piece.start, piece.length)
            if len(data) < piece.length:
                return None
            read.append(data)
        return read[0] if len(read) == 1 else b"".join(read)

    async def _stream(self, file: OpenFile) -> None:
        """Send chunk by chunk, until the client has it all or has left."""
        async with _tasks.open_group() as group:
            # Not every server tells by an error from ``send`` (ASGI HTTP before 2.4).
            group.start_soon(_watch, self._receive, group.cancel_scope)
            last = len(self._plan.pieces) - 1
            for place, piece in enumerate(self._plan.pieces):
                if isinstance(piece, bytes):
                    await self._send({"type": _BODY, "body": piece, "more_body": place < last})
                else:
                    await self._send_span(file, piece, is_last=place == last)
            group.cancel_scope.cancel()

    async def _send_span(self, file: OpenFile, span: ByteRange, *, is_last: bool) -> None:
        start, stop = span
        while start < stop:
            length = min(self._chunk_size, stop - start)
            data = await file.read(start, length)
            if len(data) < length:
                # No end to the body: the client must see that it has not all (RFC 9112 8).
                raise FileChanged("the file became shorter while it was sent")
            start += length
            more = not is_last or start < stop
            await self._send({"type": _BODY, "body": data, "more_body": more})

    async def _send_descriptor(self, descriptor: int) -> None:
        """Let the server copy the spans by itself."""
        last = len(self._plan.pieces) - 1
        for place, piece in enumerate(self._plan.pieces):
            more = place < last
            if isinstance(piece, bytes):
                await self._send({"type": _BODY, "body": piece, "more_body": more})
                continue
            await self._send(
                {
                    "type": _ZEROCOPY,
                    "file": descriptor,
                    "offset": piece.start,
                    "count": piece.length,
                    "more_body": more,
                }
            )


def _look(at: Callable[[], T]) -> T:
    """Look at a file or open it; raises the refusal that what is raised stands for."""
    try:
        return at()
    except (OSError, ValueError) as error:
        refused = refusal(error)
        if refused is None:
            raise
        raise refused from None


async def _watch(receive: Receive, scope: _tasks.CancelScope) -> None:
    """End a transfer when the client has left."""
    has_ended = False
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            scope.cancel()
            return
        if has_ended:  # there is nothing more to come but the end of all
            return
        has_ended = not message.get("more_body", False)


def _representation(
    raw: RawHeaders, found: os.stat_result, source: FileSource
) -> tuple[RawHeaders, Representation]:
    """Give the fields of the whole file, and what a plan has to know of it."""
    given = dict(raw)
    etag, date = given.get(b"etag"), given.get(b"last-modified")
    fields = [*raw, _ACCEPT_RANGES]
    last_modified: int | None = found.st_mtime_ns // 1_000_000_000
    if date is not None:
        when = parse_date(date.decode("latin-1"))
        last_modified = None if when is None else int(when.timestamp())
    elif (field := _date_field(last_modified)) is not None:
        fields.append(field)
    else:
        last_modified = None
    tag = source.etag(found) if etag is None else etag.decode("latin-1")
    if etag is None:
        fields.append((b"etag", tag.encode("ascii")))
    content_type = given.get(b"content-type", b"").decode("latin-1")
    return fields, Representation(found.st_size, tag, last_modified, content_type)


@lru_cache(maxsize=1024)
def _date_field(seconds: int) -> tuple[bytes, bytes] | None:
    try:
        return b"last-modified", format_date(seconds).encode("ascii")
    except ValueError:  # before the year 1, after 9999
        return None
