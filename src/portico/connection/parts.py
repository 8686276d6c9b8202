"""The parts of a form as they arrive: nothing is kept, and clients send no faster than we read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self, cast, final

from portico import _tasks
from portico.connection.body import Pieces
from portico.connection.uploads import Saving, call_for_file
from portico.errors import ContentTooLarge, Misuse
from portico.http.headers import Headers
from portico.http.media import MediaType
from portico.http.multipart import Event, MultipartParser
from portico.http.parts import PartHead

__all__ = ("Part", "Parts")

_BATCH_BYTES: Final = 192 * 1024
"""What ``save_to`` holds for one trip to a thread; the piece that fills it comes on top."""


@final
class Parts:
    """Gives the parts of a form, one after the other: ``async for part in request.multipart()``.

    What is not read of a part is skipped when the next is asked for.
    """

    def __init__(self, pieces: Pieces, parser: MultipartParser, field_bytes: int) -> None:
        self._pieces: Pieces = pieces
        self._parser: MultipartParser = parser
        self._field_bytes: int = field_bytes
        self._events: Iterator[Event] = iter(())
        self._is_between: bool = True  # of the part at hand nothing is to come
        self._is_at_end: bool = False
        # A part knows by it that it is not at hand any more. (Known here, it would be a cycle.)
        self.number: int = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Part:
        self.number += 1
        while await self.next_chunk() is not None:
            pass
        while not self._is_at_end:
            head = cast("PartHead | None", next(self._events, None))  # nothing else follows an end
            if head is not None:
                self._is_between = False
                return Part(self, head, self._field_bytes)
            await self._fetch()
        raise StopAsyncIteration

    async def next_chunk(self) -> bytes | None:
        """Give the next piece of the part at hand; ``None`` at its end."""
        while not self._is_between:
            for event in self._events:
                self._is_between = event is None
                return cast("bytes | None", event)  # a head follows an end alone
            await self._fetch()
        return None

    async def _fetch(self) -> None:
        """Take the next piece of the body and what is in it."""
        piece = await self._pieces.next()
        if not piece:
            self._parser.close()
            self._is_at_end = True
            return
        try:
            self._events = iter(self._parser.feed(piece))
        except ContentTooLarge as error:
            body = self._pieces.body
            body.overrun = body.overrun or error
            raise


@final
class Part:
    """A part of a form while it arrives: ``async for chunk in part``.

    ``name``, ``filename`` (``None`` for a text field), ``headers`` and ``content_type`` are those
    of ``PartHead``. The content can be read until the next part is asked for; after that reading
    raises ``Misuse``.
    """

    def __init__(self, parts: Parts, head: PartHead, field_bytes: int) -> None:
        self._parts: Parts = parts
        self._head: PartHead = head
        self._field_bytes: int = field_bytes
        self._number: int = parts.number
        self._is_at_end: bool = False
        self._is_skipped: bool = False

    @property
    def is_ended(self) -> bool:
        """Whether all of it was read or skipped."""
        return self._is_at_end or self._is_skipped or self._parts.number != self._number

    @property
    def name(self) -> str:
        """The name of the form's field."""
        return self._head.name

    @property
    def filename(self) -> str | None:
        """The name that the client gives, ``None`` if the part is no file; never a path of ours."""
        return self._head.filename

    @property
    def headers(self) -> Headers:
        """The fields of the part's header."""
        return self._head.headers

    @property
    def content_type(self) -> MediaType | None:
        """The media type; ``None`` if there is none. Raises ``BadInput`` if it is malformed."""
        return self._head.content_type

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._is_at_end:
            raise StopAsyncIteration
        if self.is_ended:
            raise Misuse("the part was skipped when the next one was asked for")
        chunk = await self._parts.next_chunk()
        if chunk is None:
            self._is_at_end = True
            raise StopAsyncIteration
        return chunk

    async def skip(self) -> None:
        """Read on to the end of the part and keep nothing."""
        async for _ in self:
            pass
        self._is_at_end, self._is_skipped = False, True

    async def read(self, max_bytes: int | None = None) -> bytes:
        """Read all that is left of the part, up to ``max_bytes`` (default: as of a text field).

        Raises ``ContentTooLarge`` over that.
        """
        most = self._field_bytes if max_bytes is None else max_bytes
        content = bytearray()
        async for chunk in self:
            content += chunk
            if len(content) > most:
                raise ContentTooLarge("body", most)
        return bytes(content)

    async def text(self, max_bytes: int | None = None) -> str:
        """Read all that is left as text, by the charset that the part names (default UTF-8).

        Raises ``BadInput`` for bytes that are not text in it, and what ``read`` raises.
        """
        return self._head.decode(await self.read(max_bytes))

    async def save_to(self, path: str | os.PathLike[str], *, max_bytes: int | None = None) -> int:
        """Save what is left as the file ``path``; it is all there, or nothing is.

        A file that is there already is replaced. The client's file name plays no part in it. Gives
        the number of bytes. Raises ``ContentTooLarge`` over ``max_bytes``, and ``OSError``.
        """
        saving = Saving(Path(path))
        try:
            async for chunk in self:
                saving.add(chunk)
                if max_bytes is not None and saving.size > max_bytes:
                    raise ContentTooLarge("body", max_bytes)  # noqa: TRY301
                if saving.held_bytes >= _BATCH_BYTES:
                    await call_for_file(saving.write_out)
            await call_for_file(saving.finish)
        except GeneratorExit:
            saving.discard()  # nothing can be waited for
            raise
        except BaseException:
            with _tasks.open_scope(shield=True):
                await call_for_file(saving.discard)
            raise
        return saving.size

    def __repr__(self) -> str:
        return f"<Part {self.name!r}>"
