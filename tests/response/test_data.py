"""JSON, MessagePack and problem details."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

import msgspec
import pytest

from portico.codec import decode_msgpack
from portico.http.problem import Problem
from portico.response.base import Response
from portico.response.data import JSONResponse, MsgPackResponse, ProblemResponse
from tests.drive import call


class Colour(Enum):
    RED = "red"


class Note(msgspec.Struct):
    id: int
    text: str = ""


@dataclass
class Point:
    x: int
    y: float


@pytest.mark.parametrize(
    ("value", "body"),
    [
        pytest.param(None, b"null", id="null"),
        pytest.param("", b'""', id="empty text"),
        pytest.param("caf\u00e9</script>", '"caf\u00e9</script>"'.encode(), id="UTF-8 as it is"),
        pytest.param(b"ab", b'"YWI="', id="bytes in base64"),
        pytest.param(0, b"0", id="zero"),
        pytest.param(2**70, b"1180591620717411303424", id="a large number"),
        pytest.param([1, 2.5, True], b"[1,2.5,true]", id="list"),
        pytest.param((1, 2), b"[1,2]", id="tuple"),
        pytest.param(float("nan"), b"null", id="not a number"),
        pytest.param({"b": 1, "a": {}}, b'{"b":1,"a":{}}', id="order kept"),
        pytest.param(Note(7), b'{"id":7,"text":""}', id="Struct"),
        pytest.param([Point(1, 2)], b'[{"x":1,"y":2}]', id="dataclass"),
        pytest.param(Colour.RED, b'"red"', id="enum"),
        pytest.param(Decimal("1.10"), b'"1.10"', id="Decimal"),
        pytest.param(UUID(int=1), b'"00000000-0000-0000-0000-000000000001"', id="UUID"),
        pytest.param(datetime(2030, 1, 2, tzinfo=UTC), b'"2030-01-02T00:00:00Z"', id="datetime"),
    ],
)
@pytest.mark.anyio
async def test_json(value: object, body: bytes) -> None:
    reply = await call(JSONResponse(value, 201, {"x-a": "1"}))
    assert (reply.status, reply.body) == (201, body)
    assert reply.headers == {
        "content-type": "application/json",
        "x-a": "1",
        "content-length": str(len(body)),
    }


@pytest.mark.parametrize("kind", [JSONResponse, MsgPackResponse])
def test_what_cannot_be_encoded(kind: type[Response]) -> None:
    """Refused when it is made: nothing was sent by then."""
    circle: list[object] = []
    circle.append(circle)
    for value, error in (
        (object(), TypeError),
        ({"a": 1 + 2j}, TypeError),
        ("\ud800", ValueError),
        (circle, RecursionError),
    ):
        with pytest.raises(error):
            kind(value)


def test_a_number_that_message_pack_has_not() -> None:
    with pytest.raises(OverflowError):
        MsgPackResponse(2**70)


def test_the_value_is_encoded_at_once() -> None:
    value = {"a": 1}
    response = JSONResponse(value)
    value["a"] = 2
    assert response.body == b'{"a":1}'


def test_another_json_type() -> None:
    response = JSONResponse({}, media_type="application/geo+json")
    assert response.headers["content-type"] == "application/geo+json"


@pytest.mark.parametrize("value", [None, "", b"\xff", {"a": [1, "\u20ac"]}, 2**64 - 1, -(2**63)])
@pytest.mark.anyio
async def test_msgpack(value: object) -> None:
    response = MsgPackResponse(value)
    reply = await call(response)
    assert decode_msgpack(reply.body) == value
    assert reply.headers["content-type"] == "application/vnd.msgpack"
    assert not isinstance(response, JSONResponse)


@pytest.mark.anyio
async def test_a_problem() -> None:
    response = ProblemResponse(
        403,
        title="Not enough credit",
        detail="your balance is 30",
        type="https://example.org/credit",
        instance="/account/12345",
        extensions={"balance": 30, "status": 1},
        headers={"retry-after": "5"},
    )
    reply = await call(response)
    assert reply.status == 403
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["retry-after"] == "5"
    assert reply.json() == {
        "type": "https://example.org/credit",
        "title": "Not enough credit",
        "status": 403,
        "detail": "your balance is 30",
        "instance": "/account/12345",
        "balance": 30,
    }
    assert isinstance(response.problem, Problem)
    assert response.problem.as_dict() == reply.json()


def test_a_problem_by_its_status_alone() -> None:
    response = ProblemResponse(413)
    assert response.body == b'{"type":"about:blank","title":"Content Too Large","status":413}'


@pytest.mark.parametrize("status", [0, 99, 199, 600])
def test_a_problem_of_no_status(status: int) -> None:
    with pytest.raises(ValueError, match=f"not {status}"):
        ProblemResponse(status)


@pytest.mark.parametrize("kind", [JSONResponse, MsgPackResponse, ProblemResponse])
@pytest.mark.anyio
async def test_head_has_the_length(kind: type[Response]) -> None:
    response = ProblemResponse(404) if kind is ProblemResponse else kind([1, 2, 3])
    reply = await call(response, "HEAD")
    assert reply.body == b""
    assert int(reply.headers["content-length"]) == len(response.body) > 0


@pytest.mark.anyio
async def test_background() -> None:
    done: list[int] = []

    async def work() -> None:
        done.append(1)

    await call(JSONResponse(1, background=work))
    await call(MsgPackResponse(1, background=work))
    await call(ProblemResponse(404, background=[work, work]))
    assert len(done) == 4
