"""Text and HTML, in UTF-8."""

from __future__ import annotations

from typing import ClassVar

from portico.response.base import Response

__all__ = ("HTMLResponse", "PlainTextResponse")


class PlainTextResponse(Response):
    """Plain text; takes what ``Response`` takes.

    >>> PlainTextResponse("hello").headers["content-type"]
    'text/plain; charset=utf-8'
    """

    media_type: ClassVar[str | None] = "text/plain"


class HTMLResponse(Response):
    """HTML; takes what ``Response`` takes. Escape what comes from people: ``html.escape(text)``."""

    media_type: ClassVar[str | None] = "text/html"
