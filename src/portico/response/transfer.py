"""Sends a file: from a plan, the same bytes by each of the ways that servers offer.

Headers and bytes come from the file that is open. A descriptor is open only while bytes of it are
sent; a 304, a 412, a 416 and the answer to HEAD need none.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Awaitable, Callable, Container
from functools import lru_cache, partial
from typing import Final, Protocol, TypeAlias, TypeVar, final

from portico import _tasks
from portico.asgi import Message, Receive, Scope, Send
from portico.errors import ClientDisconnect, FileChanged, HTTPException
from portico.http.conditional import Conditions, read_conditions
from portico.http.dates import format_date, parse_date
from portico.http.headers import RawHeaders
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

_Pieces: TypeAlias = tuple[bytes | ByteRange, ...]

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

    Raises ``HTTPException`` (403, 404, 412, 416, 503) or ``OSError`` (the disk fails) before
    anything is sent; ``FileChanged`` later, if the file becomes shorter or cannot be read.
    """
    # Conditions are about nothing but the file itself (RFC 9110 13.2.1).
    method: str = scope["method"]
    is_selected = status_code == 200 and method in ("GET", "HEAD")
    conditions = read_conditions(scope["headers"]) if is_selected else None
    if found is None:
        found = _look(source.stat)
    start, pieces = _plan(source, raw, method, conditions, status_code, found)
    # No coroutine up to here: a 304 has one less to wait for.
    if not pieces:
        return _send_head_alone(start, send)
    plan = partial(_plan, source, raw, method, conditions, status_code)
    transfer = _Transfer(source, plan, scope, receive, send, chunk_size)
    return transfer.run(start, pieces, found)


def _plan(  # noqa: PLR0917 - bound in one place
    source: FileSource,
    raw: RawHeaders,
    method: str,
    conditions: Conditions | None,
    status_code: int,
    found: os.stat_result,
) -> tuple[Message, _Pieces]:
    """Plan the answer with the file in the state that was found: how it starts, what follows.

    ``conditions`` is ``None`` where they do not count.
    """
    if not stat.S_ISREG(found.st_mode):
        raise HTTPException(404)
    if conditions is None:
        size = found.st_size
        whole = (ByteRange(0, size),) if size and method != "HEAD" else ()
        plan = Plan(200, ((b"content-length", b"%d" % size),), whole)
        return _start(status_code, plan.fields(raw)), whole
    fields, representation = _representation(raw, found, source)
    if conditions.range is None:
        plan = plan_response(method, conditions, representation)
    else:
        boundary = ""
        if needs_boundary(conditions):
            boundary = os.urandom(16).hex()
            representation = representation._replace(content_type=_content_type(raw))
        now = time.time()
        plan = plan_response(method, conditions, representation, boundary=boundary, now=now)
    if plan.status_code in (412, 416):
        listed = [(name.decode(), value.decode()) for name, value in plan.headers]
        raise HTTPException(plan.status_code, headers=listed)
    return _start(plan.status_code, plan.fields(fields)), plan.pieces


def _start(status_code: int, fields: RawHeaders) -> Message:
    return {"type": "http.response.start", "status": int(status_code), "headers": fields}


async def _send_head_alone(start: Message, send: Send) -> None:
    """Send an answer without a byte of the file."""
    try:
        await send(start)
        await send({"type": _BODY, "body": b""})
    except (OSError, ClientDisconnect):
        pass  # the client has left


@final
class _Transfer:
    """One answer with bytes of a file."""

    def __init__(  # noqa: PLR0917 - made in one place
        self,
        source: FileSource,
        plan: Callable[[os.stat_result], tuple[Message, _Pieces]],
        scope: Scope,
        receive: Receive,
        send: Send,
        chunk_size: int,
    ) -> None:
        self._source: FileSource = source
        self._plan: Callable[[os.stat_result], tuple[Message, _Pieces]] = plan
        self._extensions: Container[str] = scope.get("extensions") or ()
        self._receive: Receive = receive
        self._send_message: Send = send
        self._chunk_size: int = chunk_size

    async def run(self, start: Message, pieces: _Pieces, found: os.stat_result) -> None:
        """Open the file, and send what was planned of it."""
        file = OpenFile(_look(self._source.open))
        try:
            for _ in range(_ATTEMPTS):
                opened = file.stat()
                if not is_same_state(opened, found):
                    start, pieces = self._plan(opened)
                    found = opened
                if await self._send_from(file, start, pieces, found):
                    return
        except ClientDisconnect:
            return
        finally:
            await file.close()
        raise HTTPException(503, "the file changes faster than it can be read")

    async def _send_from(
        self, file: OpenFile, start: Message, pieces: _Pieces, found: os.stat_result
    ) -> bool:
        """Send it; false, with nothing sent, if the file became shorter before."""
        if not pieces:
            await _send_head_alone(start, self._send_message)
        elif _PATHSEND in self._extensions and self._may_send_path(start, found):
            await self._send(start)
            await self._send({"type": _PATHSEND, "path": self._source.path()})
        elif _ZEROCOPY in self._extensions:
            await self._send(start)
            await self._send_descriptor(file.descriptor, pieces)
        elif _length(pieces) > self._chunk_size:
            await self._send(start)
            await self._stream(file, pieces)
        else:
            body = await _read_all(file, pieces)
            if body is None:
                return False
            await self._send(start)
            await self._send({"type": _BODY, "body": body})
        return True

    def _may_send_path(self, start: Message, found: os.stat_result) -> bool:
        """Tell whether it is whole, and the server would open at its path what is open here."""
        try:
            return start["status"] != 206 and is_same_state(self._source.stat(), found)
        except OSError:
            return False

    async def _send(self, message: Message) -> None:
        try:
            await self._send_message(message)
        except OSError as error:  # ASGI HTTP 2.4; a disk's is never raised here
            raise ClientDisconnect("the client has left") from error

    async def _stream(self, file: OpenFile, pieces: _Pieces) -> None:
        """Send chunk by chunk, until the client has it all or has left."""
        async with _tasks.open_group() as group:
            # Not every server tells by an error from ``send`` (ASGI HTTP before 2.4).
            group.start_soon(_watch, self._receive, group.cancel_scope)
            last = len(pieces) - 1
            for place, piece in enumerate(pieces):
                if isinstance(piece, bytes):
                    await self._send({"type": _BODY, "body": piece, "more_body": place < last})
                else:
                    await self._send_span(file, piece, is_last=place == last)
            group.cancel_scope.cancel()

    async def _send_span(self, file: OpenFile, span: ByteRange, *, is_last: bool) -> None:
        start, stop = span
        while start < stop:
            length = min(self._chunk_size, stop - start)
            # Without an end to the body, the client sees that it has not all (RFC 9112 8).
            try:
                data = await file.read(start, length)
            except OSError as error:
                raise FileChanged("the file cannot be read any further") from error
            if len(data) < length:
                raise FileChanged("the file became shorter while it was sent")
            start += length
            more = not is_last or start < stop
            await self._send({"type": _BODY, "body": data, "more_body": more})

    async def _send_descriptor(self, descriptor: int, pieces: _Pieces) -> None:
        """Let the server copy the spans by itself."""
        last = len(pieces) - 1
        for place, piece in enumerate(pieces):
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


def _length(pieces: _Pieces) -> int:
    return sum(len(piece) if isinstance(piece, bytes) else piece.length for piece in pieces)


async def _read_all(file: OpenFile, pieces: _Pieces) -> bytes | None:
    """Read all that is sent; ``None`` if the file has become shorter."""
    read: list[bytes] = []
    for piece in pieces:
        if isinstance(piece, bytes):
            read.append(piece)
            continue
        data = await file.read(piece.start, piece.length)
        if len(data) < piece.length:
            return None
        read.append(data)
    return read[0] if len(read) == 1 else b"".join(read)


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
    tag: str | None = None
    is_dated, last_modified = False, None
    for name, value in raw:
        if name == b"etag":
            tag = value.decode("latin-1")
        elif name == b"last-modified":
            is_dated = True
            when = parse_date(value.decode("latin-1"))
            last_modified = None if when is None else int(when.timestamp())
    fields = [*raw, _ACCEPT_RANGES]
    if not is_dated:
        seconds = found.st_mtime_ns // 1_000_000_000
        field = _date_field(seconds)
        if field is not None:
            last_modified = seconds
            fields.append(field)
    if tag is None:
        tag = source.etag(found)
        fields.append((b"etag", tag.encode("ascii")))
    return fields, Representation(found.st_size, tag, last_modified)


def _content_type(raw: RawHeaders) -> str:
    return dict(raw).get(b"content-type", b"").decode("latin-1")


@lru_cache(maxsize=1024)
def _date_field(seconds: int) -> tuple[bytes, bytes] | None:
    try:
        return b"last-modified", format_date(seconds).encode("ascii")
    except ValueError:  # before the year 1, after 9999
        return None
