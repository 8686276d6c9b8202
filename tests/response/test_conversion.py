"""What a handler may return."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from http import HTTPStatus
from typing import NamedTuple

import msgspec
import pytest

from portico.response.base import Response
from portico.response.conversion import MAKERS, to_response
from portico.response.redirect import RedirectResponse
from tests.drive import call

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"


class Note(msgspec.Struct):
    id: int


@dataclass
class Point:
    x: int


class Pair(NamedTuple):
    a: int
    b: int


class Name(str):
    __slots__ = ()


class Level(IntEnum):
    LOW = 1


class Colour(StrEnum):
    RED = "red"


class Bag(dict[str, int]):
    pass


@pytest.mark.parametrize(
    ("value", "content_type", "body"),
    [
        pytest.param("caf\u00e9", TEXT, b"caf\xc3\xa9", id="str"),
        pytest.param("", TEXT, b"", id="empty str"),
        pytest.param(b"\xff", TEXT, b"\xff", id="bytes"),
        pytest.param(Name("a"), TEXT, b"a", id="a kind of str"),
        pytest.param(Colour.RED, TEXT, b"red", id="StrEnum"),
        pytest.param({}, JSON, b"{}", id="dict"),
        pytest.param(Bag(a=1), JSON, b'{"a":1}', id="a kind of dict"),
        pytest.param([], JSON, b"[]", id="list"),
        pytest.param(0, JSON, b"0", id="int"),
        pytest.param(Level.LOW, JSON, b"1", id="IntEnum"),
        pytest.param(2.5, JSON, b"2.5", id="float"),
        pytest.param(False, JSON, b"false", id="bool"),
        pytest.param(None, JSON, b"null", id="None"),
        pytest.param(Note(7), JSON, b'{"id":7}', id="Struct"),
        pytest.param(Point(7), JSON, b'{"x":7}', id="dataclass"),
    ],
)
@pytest.mark.anyio
async def test_a_value(value: object, content_type: str, body: bytes) -> None:
    reply = await call(to_response(value))
    assert (reply.status, reply.headers["content-type"], reply.body) == (200, content_type, body)
    with_status = to_response((418, value, {"x-a": "1"}))
    reply = await call(with_status)
    assert (reply.status, reply.headers["content-type"], reply.body) == (418, content_type, body)
    assert reply.headers["x-a"] == "1"


@pytest.mark.parametrize("response", [Response(), RedirectResponse("/a")])
def test_a_response_is_itself(response: Response) -> None:
    assert to_response(response) is response


@pytest.mark.parametrize(
    ("value", "status", "headers"),
    [
        pytest.param((201, "a"), 201, [], id="status"),
        pytest.param((HTTPStatus.CREATED, "a"), 201, [], id="HTTPStatus"),
        pytest.param((201, "a", None), 201, [], id="no headers"),
        pytest.param((201, "a", dict[str, str]()), 201, [], id="empty headers"),
        pytest.param((201, "a", {"X-A": "1"}), 201, [(b"x-a", b"1")], id="mapping"),
        pytest.param(
            (201, "a", [("a", "1"), ("a", "2")]), 201, [(b"a", b"1"), (b"a", b"2")], id="pairs"
        ),
    ],
)
def test_a_tuple(value: object, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    response = to_response(value)
    assert response.status_code == status
    assert response._raw_headers[1:] == headers


def test_the_headers_of_a_tuple_may_name_the_type() -> None:
    response = to_response((200, "a,b", {"Content-Type": "text/csv"}))
    assert response._raw_headers == [(b"content-type", b"text/csv")]


@pytest.mark.parametrize("status", [204, 205, 304])
@pytest.mark.anyio
async def test_nothing_is_an_empty_body(status: int) -> None:
    response = to_response((status, None, {"etag": '"a"'}))
    assert (response.body, response._raw_headers) == (b"", [(b"etag", b'"a"')])
    assert (await call(response)).status == status
    assert to_response((status, None)).body == b""
    assert to_response((200, None)).body == b"null"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(object(), id="object"),
        pytest.param(Note, id="a class"),
        pytest.param(Point, id="a dataclass, not one of it"),
        pytest.param({1}, id="set"),
        pytest.param(1j, id="complex"),
        pytest.param(bytearray(b"a"), id="bytearray"),
        pytest.param(Pair(200, 1), id="NamedTuple"),
        pytest.param(iter("a"), id="iterator"),
        pytest.param((200, object()), id="in a tuple"),
        pytest.param((200, (201, "a")), id="a tuple in a tuple"),
    ],
)
def test_what_is_no_answer(value: object) -> None:
    with pytest.raises(TypeError, match="no response can be made; return a Response, str"):
        to_response(value)


@pytest.mark.parametrize(
    "value", [(), (200,), (200, "a", {}, 1), ("a", 200), (True, "a"), (200.0, "a"), (None, "a")]
)
def test_a_tuple_that_is_none(value: object) -> None:
    with pytest.raises(TypeError, match=r"is \(status, value\)"):
        to_response(value)


@pytest.mark.parametrize("headers", ["a: b", 1, (("a", "b"),), {"a"}])
def test_headers_that_are_none(headers: object) -> None:
    with pytest.raises(TypeError, match="the third"):
        to_response((200, "a", headers))


def test_a_response_in_a_tuple() -> None:
    with pytest.raises(TypeError, match="its own status"):
        to_response((200, Response()))


def test_a_status_and_a_header_are_checked() -> None:
    with pytest.raises(ValueError, match="status"):
        to_response((1, 2))
    with pytest.raises(ValueError, match="line break"):
        to_response((200, "a", {"x-a": "a\r\nb: c"}))


def test_a_value_that_json_cannot_hold() -> None:
    with pytest.raises(TypeError):
        to_response({"a": object()})


def test_makers_say_what_to_response_says() -> None:
    """The endpoint looks here first, so the two must agree."""
    for kind, maker in MAKERS.items():
        value = kind()
        assert (type(maker(value)), maker(value).body) == (
            type(to_response(value)),
            to_response(value).body,
        )


async def later() -> str:
    return "x"


def pieces() -> Iterator[str]:
    yield "x"


async def pieces_later() -> AsyncIterator[str]:
    yield "x"


@pytest.mark.parametrize(
    ("make", "hint"),
    [
        pytest.param(later, "await it", id="coroutine"),
        pytest.param(pieces, "StreamingResponse", id="generator"),
        pytest.param(pieces_later, "StreamingResponse", id="async generator"),
    ],
)
def test_what_was_not_waited_for(make: Callable[[], object], hint: str) -> None:
    with pytest.raises(TypeError, match=hint):
        to_response(make())
    with pytest.raises(TypeError, match=hint):
        to_response((200, make()))
