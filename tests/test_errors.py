"""The tree of errors: statuses, details, what is shown to the client."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest

from portico.errors import (
    BadInput,
    ContentTooLarge,
    HTTPException,
    InvalidData,
    Misuse,
    PorticoError,
    Refusal,
    RouteNotFound,
    UnsupportedMediaType,
    WebSocketDisconnect,
    phrase,
)

REFUSALS = {name: make for name, make in vars(HTTPException).items() if isinstance(make, Refusal)}


@pytest.mark.parametrize(
    ("status_code", "expected"),
    [
        pytest.param(404, "Not Found", id="a registered status"),
        pytest.param(413, "Content Too Large", id="renamed (15.5.14)"),
        pytest.param(422, "Unprocessable Content", id="renamed (15.5.21)"),
        pytest.param(599, "Unknown", id="nobody registered it"),
    ],
)
def test_phrase(status_code: int, expected: str) -> None:
    assert phrase(status_code) == expected


def test_every_error_status_has_a_constructor() -> None:
    statuses = {status.value for status in HTTPStatus if status >= 400}
    assert {make.status_code for make in REFUSALS.values()} == statuses


@pytest.mark.parametrize("name", REFUSALS)
def test_constructors_are_named_by_the_phrase(name: str) -> None:
    error = REFUSALS[name]()
    words = phrase(error.status_code).lower().replace("'", "").replace("-", " ")
    assert name == words.replace(" ", "_")
    assert (error.detail, error.headers) == (phrase(error.status_code), [])


@pytest.mark.parametrize("status_code", [400, 599])
def test_an_exception_is_for_errors(status_code: int) -> None:
    assert HTTPException(status_code).status_code == status_code


@pytest.mark.parametrize("status_code", [399, 600, 200, 0])
def test_an_exception_is_for_nothing_else(status_code: int) -> None:
    with pytest.raises(ValueError, match=str(status_code)):
        HTTPException(status_code)


def test_headers_are_a_mapping_or_pairs() -> None:
    pairs = [("www-authenticate", "Basic"), ("www-authenticate", "Digest")]
    assert HTTPException(401, headers=pairs).headers == pairs
    assert HTTPException(503, headers={"retry-after": "3"}).headers == [("retry-after", "3")]
    assert HTTPException.conflict("no", headers={"a": "b"}).headers == [("a", "b")]
    error = HTTPException.unauthorized(headers=pairs, extensions={"realm": "x"})
    assert (error.headers, error.extensions) == (pairs, {"realm": "x"})


def test_extensions_are_a_copy() -> None:
    extensions: dict[str, object] = {"balance": 30}
    error = HTTPException(402, extensions=extensions)
    extensions.clear()
    assert error.extensions == {"balance": 30}


@pytest.mark.parametrize(
    ("error", "status_code", "detail", "extensions"),
    [
        pytest.param(
            BadInput("query", "is odd"), 400, "query: is odd", {"field": "query"}, id="malformed"
        ),
        pytest.param(
            BadInput("a", "b", extensions={"limit": 3}),
            400,
            "a: b",
            {"field": "a", "limit": 3},
            id="more members",
        ),
        pytest.param(
            ContentTooLarge("body", 10),
            413,
            "body: over 10 bytes",
            {"field": "body", "limit": 10, "unit": "bytes"},
            id="a limit in bytes",
        ),
        pytest.param(
            ContentTooLarge("query", 1000, "pairs"),
            413,
            "query: over 1000 pairs",
            {"field": "query", "limit": 1000, "unit": "pairs"},
            id="a limit in something else",
        ),
        pytest.param(
            UnsupportedMediaType(["text/plain", "text/html"]),
            415,
            "content-type: must be text/plain, text/html",
            {"field": "content-type"},
            id="another type",
        ),
        pytest.param(
            UnsupportedMediaType(["text/plain"], "is missing"),
            415,
            "content-type: is missing",
            {"field": "content-type"},
            id="another reason",
        ),
        pytest.param(
            InvalidData("$.age", "Expected `int`"),
            422,
            "$.age: Expected `int`",
            {"field": "$.age"},
            id="another shape",
        ),
    ],
)
def test_the_peers_mistakes(
    error: BadInput, status_code: int, detail: str, extensions: dict[str, object]
) -> None:
    assert (error.status_code, error.detail, error.extensions) == (status_code, detail, extensions)
    assert str(error) == f"{status_code} {detail}"
    assert error.detail == f"{error.field}: {error.reason}"


def test_a_wrong_type_tells_the_right_ones() -> None:
    error = UnsupportedMediaType(["text/plain", "text/html"])
    assert error.headers == [("accept", "text/plain, text/html")]
    assert error.accepted == ("text/plain", "text/html")


def test_a_websockets_end() -> None:
    assert (WebSocketDisconnect().code, WebSocketDisconnect().reason) == (1005, "")
    assert WebSocketDisconnect(1001, "bye").args == (1001, "bye")


def test_the_tree() -> None:
    assert issubclass(HTTPException, PorticoError)
    assert issubclass(Misuse, PorticoError)
    assert issubclass(Misuse, RuntimeError)
    assert issubclass(RouteNotFound, LookupError)
    assert not issubclass(Misuse, HTTPException)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param(("404",), "status is an int", id="status"),
        pytest.param((404, {"code": 1}), "extensions", id="detail"),
    ],
)
def test_what_is_no_status_or_detail(arguments: tuple[Any, ...], reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        HTTPException(*arguments)


@pytest.mark.parametrize(
    "headers", [{"a": 1}, {"a": None}, [("a", b"b")], ["ab"], "a: b", [("a", "b", "c")]]
)
def test_headers_are_text_when_the_exception_is_made(headers: Any) -> None:
    with pytest.raises(TypeError, match="headers are a mapping, or pairs"):
        HTTPException(404, headers=headers)
