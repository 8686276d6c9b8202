"""``make_conditional``: bodies that are made anew, asked for by condition or in part."""

from __future__ import annotations

from typing import Any

import pytest

from portico import (
    App,
    FileResponse,
    HTTPException,
    JSONResponse,
    Misuse,
    PlainTextResponse,
    Request,
    Response,
)
from portico.http.dates import format_date
from portico.http.etags import content_etag
from tests.drive import Reply, call, http_scope

BODY = b"0123456789"


def ask(method: str = "GET", **headers: str) -> Any:
    return http_scope(method, headers=[(n.replace("_", "-"), v) for n, v in headers.items()])


def test_the_whole_has_a_tag_of_its_body() -> None:
    page = Response(BODY, media_type="text/plain")
    made = page.make_conditional(ask())
    assert (made.status_code, made.body) == (200, BODY)
    assert made.headers["etag"] == str(content_etag(BODY))
    assert made.headers["accept-ranges"] == "bytes"
    assert "etag" not in page.headers


@pytest.mark.parametrize(
    ("headers", "fields", "status", "body"),
    [
        pytest.param({}, {"if_none_match": str(content_etag(BODY))}, 304, BODY, id="not modified"),
        pytest.param({}, {"if_none_match": '"x"'}, 200, BODY, id="modified"),
        pytest.param({"etag": 'W/"v1"'}, {"if_none_match": '"v1"'}, 304, BODY, id="a tag of yours"),
        pytest.param(
            {"last-modified": format_date(7)},
            {"if_modified_since": format_date(7)},
            304,
            BODY,
            id="a date of yours",
        ),
        pytest.param({}, {"range": "bytes=2-4"}, 206, b"234", id="a range"),
        pytest.param({}, {"range": "bytes=2-4", "if_range": '"x"'}, 200, BODY, id="a changed one"),
    ],
)
def test_get(headers: dict[str, str], fields: dict[str, str], status: int, body: bytes) -> None:
    made = Response(BODY, headers=headers).make_conditional(ask(**fields))
    assert (made.status_code, made.body) == (status, body)


def test_you_may_say_that_there_are_no_ranges() -> None:
    made = Response(BODY, headers={"accept-ranges": "none"}).make_conditional(ask())
    assert made.headers["accept-ranges"] == "none"


def test_several_ranges() -> None:
    made = JSONResponse([1, 2, 3]).make_conditional(ask(range="bytes=0-0,-1"))
    assert made.headers["content-type"].startswith("multipart/byteranges; boundary=")
    assert b"content-type: application/json\r\n" in made.body
    assert isinstance(made, JSONResponse)


@pytest.mark.parametrize(
    ("fields", "status"), [({"if_match": '"x"'}, 412), ({"range": "bytes=10-"}, 416)]
)
def test_refusals(fields: dict[str, str], status: int) -> None:
    with pytest.raises(HTTPException) as caught:
        Response(BODY).make_conditional(ask(**fields))
    assert caught.value.status_code == status


@pytest.mark.parametrize(("method", "status"), [("POST", 200), ("GET", 404)])
def test_other_answers_are_copies(method: str, status: int) -> None:
    made = Response(BODY, status).make_conditional(ask(method, range="bytes=0-1"))
    assert (made.status_code, made.body, "etag" in made.headers) == (status, BODY, False)


def test_a_body_that_is_not_there() -> None:
    with pytest.raises(Misuse, match="no body yet"):
        FileResponse("/x").make_conditional(ask())


@pytest.mark.anyio
async def test_in_a_handler() -> None:
    app = App()

    @app.get("/")
    async def page(request: Request) -> Response:
        return PlainTextResponse(BODY).make_conditional(request)

    async def get(method: str = "GET", **headers: str) -> Reply:
        return await call(app, method, headers=list(headers.items()))

    whole, head = await get(), await get("HEAD", range="bytes=0-1")
    assert head.headers == whole.headers
    part = await get(range="bytes=-3")
    assert (part.status, part.body, part.headers["content-length"]) == (206, b"789", "3")
    assert part.headers["content-range"] == "bytes 7-9/10"
    same = await call(app, headers=[("if-none-match", whole.headers["etag"])])
    assert (same.status, same.body, same.headers.get("content-length")) == (304, b"", None)
    assert (await get(range="bytes=99-")).headers["content-range"] == "bytes */10"
