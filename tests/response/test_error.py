"""The answer to an error: its representation, and that nothing in it is live."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.errors import BadInput, ContentTooLarge, HTTPException, UnsupportedMediaType, phrase
from portico.response.error import error_response, status_response
from tests.drive import HeaderPairs, call, http_scope

PROBLEM = "application/problem+json"
HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"

FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
CHROME = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,"
    "*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
)


def accepting(*values: str) -> HeaderPairs:
    return [("host", "a"), *(("accept", value) for value in values)]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        pytest.param((), PROBLEM, id="says nothing"),
        pytest.param(("",), PROBLEM, id="empty"),
        pytest.param(("*/*",), PROBLEM, id="curl"),
        pytest.param((FIREFOX,), HTML, id="Firefox"),
        pytest.param((CHROME,), HTML, id="Chromium"),
        pytest.param(("text/html",), HTML, id="HTML"),
        pytest.param(("TEXT/HTML",), HTML, id="HTML, in capitals"),
        pytest.param(("text/plain",), TEXT, id="text"),
        pytest.param(("text/plain, text/html;q=0.9",), TEXT, id="text rather than HTML"),
        pytest.param(("text/*",), HTML, id="any text"),
        pytest.param(("application/json",), "application/json", id="JSON"),
        pytest.param((PROBLEM,), PROBLEM, id="problem"),
        pytest.param(("application/*",), PROBLEM, id="any application"),
        pytest.param(("application/json, application/problem+json",), PROBLEM, id="both"),
        pytest.param(("image/png",), PROBLEM, id="none of them"),
        pytest.param(("*/*;q=0",), PROBLEM, id="nothing at all"),
        pytest.param(("text/html;q=0, */*",), PROBLEM, id="all but HTML"),
        pytest.param(("nonsense;;;",), PROBLEM, id="malformed"),
        pytest.param(("text/html" + " " * 400,), HTML, id="longer than what is kept"),
        pytest.param(
            ("image/png", "text/html"),
            HTML,
            id="two fields are one list (5.3)",
        ),
    ],
)
@pytest.mark.parametrize("error", [HTTPException(404), HTTPException(404, "no note")])
@pytest.mark.anyio
async def test_the_representation(
    accept: tuple[str, ...], content_type: str, error: HTTPException
) -> None:
    scope = http_scope(headers=accepting(*accept))
    reply = await call(error_response(error, scope))
    assert reply.status == 404
    assert reply.headers["content-type"] == content_type
    assert reply.headers["vary"] == "accept"
    if content_type.startswith("application/"):
        body = {"type": "about:blank", "title": "Not Found", "status": 404}
        assert reply.json() == (
            body if error.detail == "Not Found" else body | {"detail": "no note"}
        )
    else:
        assert "Not Found" in reply.text
        assert ("no note" in reply.text) is (error.detail == "no note")


@pytest.mark.anyio
async def test_head() -> None:
    response = error_response(HTTPException(404), http_scope())
    reply = await call(response, "HEAD")
    assert (reply.body, int(reply.headers["content-length"])) == (b"", len(response.body))


@pytest.mark.parametrize("status", [400, 401, 404, 405, 413, 418, 422, 429, 499, 500, 503, 599])
@pytest.mark.anyio
async def test_every_status(status: int) -> None:
    for accept in (PROBLEM, "text/html", "text/plain"):
        scope = http_scope(headers=accepting(accept))
        for _ in range(2):  # the second is the page that was kept
            reply = await call(error_response(HTTPException(status), scope))
            assert reply.status == status
            assert str(status) in reply.text
            assert json.dumps(phrase(status))[1:-1].replace("'", "&#x27;") in reply.text.replace(
                "'", "&#x27;"
            )


# --- the members (RFC 9457)


@pytest.mark.parametrize(
    ("error", "members"),
    [
        pytest.param(
            BadInput("query", "has no name"),
            {"detail": "query: has no name", "field": "query"},
            id="field",
        ),
        pytest.param(
            ContentTooLarge("body", 10),
            {"detail": "body: over 10 bytes", "field": "body", "limit": 10, "unit": "bytes"},
            id="limit",
        ),
        pytest.param(
            HTTPException(400, extensions={"errors": [{"at": "$.a"}]}),
            {"errors": [{"at": "$.a"}]},
            id="extensions alone",
        ),
        pytest.param(
            HTTPException(400, "x", extensions={"status": 1, "title": "t", "a": None}),
            {"detail": "x", "a": None},
            id="no extension is a member of ours (3.2)",
        ),
    ],
)
def test_members(error: HTTPException, members: dict[str, object]) -> None:
    body = json.loads(error_response(error, http_scope()).body)
    base = {"type": "about:blank", "title": phrase(error.status_code), "status": error.status_code}
    assert body == base | members


def test_extensions_are_not_shown_to_people() -> None:
    error = HTTPException(400, "x", extensions={"secret": "s3cr3t"})
    for accept in ("text/html", "text/plain"):
        body = error_response(error, http_scope(headers=accepting(accept))).body
        assert b"s3cr3t" not in body


# --- what a client may have written


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_a_detail_is_escaped(detail: str) -> None:
    live = f"<script>{detail}</script><img src=x onerror='a'>\"&"
    page = error_response(HTTPException(404, live), http_scope(headers=accepting("text/html")))
    text = page.body.decode()
    assert "<script" not in text
    assert "<img" not in text
    assert 'charset="utf-8"' in text
    problem = error_response(HTTPException(404, live), http_scope())
    assert json.loads(problem.body)["detail"] == live


@pytest.mark.parametrize(
    "accept",
    [
        pytest.param(PROBLEM, id="problem"),
        pytest.param("text/html", id="HTML"),
        pytest.param("text/plain", id="text"),
    ],
)
def test_a_detail_that_is_no_utf8(accept: str) -> None:
    """A path whose bytes are no UTF-8 has lone surrogates; that is no reason for a 500."""
    scope = http_scope(headers=accepting(accept))
    response = error_response(HTTPException(404, "no \udcff"), scope)
    assert response.status_code == 404
    assert b"no ?" in response.body


# --- headers


@pytest.mark.anyio
async def test_headers_of_the_error() -> None:
    error = HTTPException(
        401, headers=[("WWW-Authenticate", "Basic"), ("www-authenticate", "Bearer"), ("x-a", "1")]
    )
    reply = await call(error_response(error, http_scope()))
    assert reply.getall("www-authenticate") == ["Basic", "Bearer"]
    assert reply.headers["x-a"] == "1"
    reply = await call(error_response(UnsupportedMediaType(["a/b", "c/d"]), http_scope()))
    assert reply.headers["accept"] == "a/b, c/d"


@pytest.mark.parametrize(
    ("vary", "expected"),
    [
        pytest.param(["origin"], "accept, origin", id="one more"),
        pytest.param(["Accept"], "accept", id="the same"),
        pytest.param(["Origin, cookie", "x-a"], "accept, Origin, cookie, x-a", id="lists"),
        pytest.param(["*"], "*", id="all"),
        pytest.param(
            ["origin,, cookie,"],
            "accept, origin, cookie",
            id="empty elements (5.6.1.2)",
        ),
        pytest.param([""], "accept", id="empty"),
    ],
)
@pytest.mark.anyio
async def test_vary_is_one(vary: list[str], expected: str) -> None:
    error = HTTPException(404, headers=[("Vary", value) for value in vary])
    reply = await call(error_response(error, http_scope()))
    assert reply.getall("vary") == [expected]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param(
            "Content-Type",
            "text/html",
            id="content-type",
        ),
        pytest.param("content-length", "7", id="content-length"),
    ],
)
@pytest.mark.anyio
async def test_what_belongs_to_the_representation_is_ours(name: str, value: str) -> None:
    error = HTTPException(404, "x", headers={name: value})
    reply = await call(error_response(error, http_scope()))
    assert reply.headers["content-type"] == PROBLEM
    assert reply.headers["content-length"] == str(len(reply.body))


def test_the_error_is_not_changed() -> None:
    error = HTTPException(404, headers={"x-a": "1"}, extensions={"a": 1})
    first = error_response(error, http_scope())
    first.headers["x-b"] = "2"
    second = error_response(error, http_scope())
    assert (error.headers, error.extensions) == ([("x-a", "1")], {"a": 1})
    assert "x-b" not in second.headers


def test_a_header_that_may_not_leave() -> None:
    for headers in ({"x-a": "a\r\nb: c"}, {"x a": "b"}, {"vary": "a b"}):
        with pytest.raises(ValueError, match="header"):
            error_response(HTTPException(404, headers=headers), http_scope())


def test_an_extension_that_json_has_not() -> None:
    error: Any = HTTPException(404, extensions={"a": object()})
    with pytest.raises(TypeError):
        error_response(error, http_scope())


@pytest.mark.parametrize("accept", [PROBLEM, "text/html", "text/plain"])
def test_the_answer_of_a_status_is_that_of_its_exception(accept: str) -> None:
    scope = http_scope(headers=accepting(accept))
    first, second = status_response(404, scope), error_response(HTTPException(404), scope)
    assert (first.status_code, first.body) == (404, second.body)
    assert first._raw_headers == second._raw_headers
    first.headers["x-a"] = "1"
    first.body = b""
    third = status_response(404, scope)
    assert (third.body, third._raw_headers) == (second.body, second._raw_headers)
