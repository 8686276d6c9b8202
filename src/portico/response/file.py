"""A file as a response: whole or in ranges, conditional. How it is sent is told in ``transfer``."""

from __future__ import annotations

import os
from collections.abc import Sequence

from portico.asgi import Message, Receive, Scope, Send
from portico.errors import HTTPException, Misuse
from portico.http.disposition import content_disposition as format_disposition
from portico.http.media_types import media_type_of
from portico.response._open_file import OPEN_FLAGS
from portico.response.background import Background, run_background
from portico.response.base import HeadersInput, Response
from portico.response.error import error_response
from portico.response.transfer import CHUNK_SIZE, file_etag, send_file

__all__ = ("FileResponse",)


class FileResponse(Response):
    """A file, whole or in the ranges that are asked for.

    The answer has ``etag``, ``last-modified`` and ``accept-ranges``, and is conditional: a client
    that has the file gets a 304, one that has a part of it the rest. With another ``status_code``
    than 200, and for other methods than GET and HEAD, it is the whole file.

    ``path`` is yours: never what a client sent (``Files`` keeps such paths inside a directory).
    ``media_type`` is told from the name's ending unless given. ``filename`` suggests a name to save
    under; ``content_disposition`` is ``"attachment"``, or ``"inline"`` to show it in the browser.
    ``stat_result``, if you have looked already, saves a look. ``chunk_size`` is in bytes.
    ``headers`` may bring an ``etag`` or ``last-modified`` of your own.

    A file that is not there, or is no regular file, is answered with 404, one that may not be read
    with 403. One that becomes shorter while it is sent is broken off with ``FileChanged``.

    Raises ``ValueError`` for a bad status, header, media type, disposition or ``chunk_size``,
    ``TypeError`` for a path that is no text.

    >>> FileResponse("/srv/rates.pdf", filename="€ rates.pdf").headers["content-type"]
    'application/pdf'
    """

    def __init__(  # noqa: PLR0913 - each has a name, and most are those of any response
        self,
        path: str | os.PathLike[str],
        status_code: int = 200,
        headers: HeadersInput | None = None,
        media_type: str | None = None,
        *,
        filename: str | None = None,
        content_disposition: str = "attachment",
        stat_result: os.stat_result | None = None,
        chunk_size: int = CHUNK_SIZE,
        background: Background | Sequence[Background] | None = None,
    ) -> None:
        if chunk_size < 1:
            raise ValueError(f"chunk_size is at least 1 byte, not {chunk_size}")
        self.path: str = os.fspath(path)
        if not isinstance(self.path, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError("a path is a str or a PathLike of str, not bytes")
        if media_type is None:
            media_type = media_type_of(filename or self.path)
        super().__init__(None, status_code, headers, media_type, background=background)
        self.stat_result: os.stat_result | None = stat_result
        self.chunk_size: int = chunk_size
        if filename is not None:
            self.headers["content-disposition"] = format_disposition(filename, content_disposition)

    def messages(self, method: str = "GET") -> tuple[Message, Message]:
        """Raise ``Misuse``: what is sent is known when the file is open."""
        raise Misuse("a FileResponse has no messages before it is sent; call it")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file; that the client has left is not an error."""
        if scope["type"] != "http":
            await self._refuse(scope, receive, send)
            return
        try:
            await send_file(
                _Path(self.path),
                self._raw_headers,
                scope,
                receive,
                send,
                status_code=self.status_code,
                found=self.stat_result,
                chunk_size=self.chunk_size,
            )
        except HTTPException as error:
            await error_response(error, scope)(scope, receive, send)
        if self.background is not None:
            await run_background(self.background)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status_code}, {self.path!r}>"


class _Path:
    """A file at a path that the program chose."""

    def __init__(self, path: str) -> None:
        self._path: str = path

    def path(self) -> str:
        return os.path.abspath(self._path)  # noqa: PTH100 - links stay

    def stat(self) -> os.stat_result:
        return os.stat(self._path)  # noqa: PTH116 - a Path costs as much as the look

    def open(self) -> int:
        return os.open(self._path, OPEN_FLAGS)

    def etag(self, found: os.stat_result) -> str:
        return file_etag(found)
