"""JSON, MessagePack and problem details."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from portico.codec import encode_json, encode_msgpack
from portico.errors import phrase
from portico.http.problem import Problem
from portico.response.background import Background
from portico.response.base import HeadersInput, Response

__all__ = ("JSONResponse", "MsgPackResponse", "ProblemResponse")


class JSONResponse(Response):
    """A value as JSON (RFC 8259): what ``encode_json`` takes, ``str`` and ``bytes`` too.

    The bytes are made at once, so a value that cannot be encoded is refused here: ``TypeError`` for
    a type that JSON has not, ``ValueError`` for a lone surrogate, ``RecursionError`` for a value
    that holds itself.

    >>> JSONResponse({"id": 7}, 201).body
    b'{"id":7}'
    """

    media_type: ClassVar[str | None] = "application/json"

    def render(self, content: object) -> bytes:
        """Encode ``content`` as JSON."""
        return encode_json(content)


class MsgPackResponse(Response):
    r"""A value as MessagePack; takes and raises what ``JSONResponse`` does.

    Also raises ``OverflowError``, for an integer of more than 64 bits.

    >>> MsgPackResponse([1, 2]).body
    b'\x92\x01\x02'
    """

    media_type: ClassVar[str | None] = "application/vnd.msgpack"

    def render(self, content: object) -> bytes:
        """Encode ``content`` as MessagePack."""
        return encode_msgpack(content)


class ProblemResponse(JSONResponse):
    """Problem details (RFC 9457): what went wrong, for a program to read.

    ``title`` defaults to the status's phrase; ``detail`` tells of this occurrence; ``type`` is a
    URI that names the kind of problem; ``instance`` is one of this occurrence; ``extensions`` are
    further members. Raises what ``JSONResponse`` does.

    >>> ProblemResponse(403, detail="your balance is 30").body
    b'{"type":"about:blank","title":"Forbidden","status":403,"detail":"your balance is 30"}'
    """

    media_type: ClassVar[str | None] = "application/problem+json"

    def __init__(
        self,
        status_code: int,
        *,
        title: str | None = None,
        detail: str | None = None,
        type: str = "about:blank",
        instance: str | None = None,
        extensions: Mapping[str, object] | None = None,
        headers: HeadersInput | None = None,
        background: Background | Sequence[Background] | None = None,
    ) -> None:
        self.problem: Problem = Problem(
            type=type,
            title=title or phrase(status_code),
            status=status_code,
            detail=detail,
            instance=instance,
            extensions=dict(extensions or {}),
        )
        super().__init__(self.problem.as_dict(), status_code, headers, background=background)
