"""Which part of a body that is there answers a request: see ``Response.make_conditional``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from portico.errors import HTTPException
from portico.http.conditional import read_conditions
from portico.http.dates import parse_date
from portico.http.etags import content_etag
from portico.http.headers import RawHeaders
from portico.http.plan import Representation, needs_boundary, plan_response

__all__ = ("select",)


def select(
    request: Mapping[str, Any], raw: RawHeaders, body: bytes
) -> tuple[int, RawHeaders, bytes]:
    """Give status, fields and body for a request with GET or HEAD.

    Raises ``HTTPException``: 412 or 416.
    """
    fields = dict(raw)
    etag = fields.get(b"etag")
    if etag is None:
        etag = str(content_etag(body)).encode("ascii")
        raw = [*raw, (b"etag", etag)]
    date = parse_date(fields.get(b"last-modified", b"").decode("latin-1"))
    conditions = read_conditions(request["headers"])
    plan = plan_response(
        request["method"],
        conditions,
        Representation(
            len(body),
            etag.decode("latin-1"),
            None if date is None else int(date.timestamp()),
            fields.get(b"content-type", b"application/octet-stream").decode("latin-1"),
        ),
        boundary=os.urandom(16).hex() if needs_boundary(conditions) else "",
    )
    if plan.status_code in (412, 416):
        listed = [(name.decode(), value.decode()) for name, value in plan.headers]
        raise HTTPException(plan.status_code, headers=listed)
    if plan.status_code == 206:
        body = b"".join(
            piece if isinstance(piece, bytes) else body[piece.start : piece.stop]
            for piece in plan.pieces
        )
    if b"accept-ranges" not in fields:
        raw = [*raw, (b"accept-ranges", b"bytes")]
    sent = [pair for pair in plan.fields(raw) if pair[0] != b"content-length"]
    return plan.status_code, sent, body
