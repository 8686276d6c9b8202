"""JSON values, one a line, as they come: what logs, exports and tools of the shell speak."""

from __future__ import annotations

from typing import Any, ClassVar

from portico.asgi import Receive, Scope, Send
from portico.codec import encode_json
from portico.response._streaming import Sending
from portico.response.stream import StreamingResponse

__all__ = ("JSONLinesResponse",)


class JSONLinesResponse(StreamingResponse):
    """JSON values, each on a line of its own (NDJSON, JSON Lines), from a stream.

    ``content`` is as for ``StreamingResponse``, of items that ``encode_json`` takes; ``bytes`` are
    lines that were written already, and bring their line end. The media type is
    ``application/x-ndjson``: the one that clients know, for none is registered.

    >>> async def rows():
    ...     yield {"id": 1}
    ...     yield {"id": 2}
    >>> JSONLinesResponse(rows).headers["content-type"]
    'application/x-ndjson'
    """

    media_type: ClassVar[str | None] = "application/x-ndjson"

    def _sending(self, scope: Scope, receive: Receive, send: Send) -> Sending:
        return Sending(scope, receive, send, _encode_line)


def _encode_line(item: Any) -> bytes:
    return encode_json(item) + b"\n"
