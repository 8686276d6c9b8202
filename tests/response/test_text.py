"""Text and HTML."""

from __future__ import annotations

import pytest

from portico.response.base import Response
from portico.response.text import HTMLResponse, PlainTextResponse
from tests.drive import call


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [
        pytest.param(PlainTextResponse, "text/plain; charset=utf-8", id="plain"),
        pytest.param(HTMLResponse, "text/html; charset=utf-8", id="html"),
    ],
)
@pytest.mark.anyio
async def test_what_is_sent(kind: type[Response], content_type: str) -> None:
    reply = await call(kind("<p>caf\u00e9", 404, {"x-a": "1"}))
    assert (reply.status, reply.text) == (404, "<p>caf\u00e9")
    assert reply.raw_headers == [
        (b"content-type", content_type.encode()),
        (b"x-a", b"1"),
        (b"content-length", b"8"),
    ]


def test_bytes_and_another_charset() -> None:
    response = PlainTextResponse(b"\xe9", media_type="text/plain; charset=iso-8859-1")
    assert response.body == b"\xe9"
    assert response.headers["content-type"] == "text/plain; charset=iso-8859-1"
    assert HTMLResponse(None).body == b""
