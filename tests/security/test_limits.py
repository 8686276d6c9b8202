"""Every limit of a body, in every content type that has it, in every way that it can be framed.

At the limit a body is read, one more is refused: with the limit's name and number in the answer.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from portico import App, FormLimits, Request
from tests.connection.test_forms import MULTIPART, URLENCODED, cut, part, whole
from tests.drive import Reply
from tests.security.invariants import attack
from tests.security.test_bodies import as_json, as_msgpack, as_text
from tests.security.test_bodies import whole as as_bytes
from tests.security.test_forms import Read, as_form, as_parts, start_thread

pytestmark = pytest.mark.anyio

OCTETS = ("content-type", "application/octet-stream")
TOTAL = 300
LIMITS = FormLimits(
    fields=3,
    files=2,
    field_bytes=20,
    form_bytes=40,
    part_headers=3,
    part_header_bytes=120,
    boundary_bytes=5,
)


class Case(NamedTuple):
    """Two bodies: one at a limit, one over it."""

    field: str
    limit: int
    fits: bytes
    over: bytes
    status: int = 413


def headed(*fields: str) -> bytes:
    lines = ['Content-Disposition: form-data; name="a"', *fields]
    return whole("--X\r\n{}\r\n\r\n1\r\n".format("\r\n".join(lines)).encode())


def padded(size: int) -> bytes:
    """Make a form of a file, so many bytes in all."""
    return whole(part("f", bytes(size - len(whole(part("f", b"", "f")))), "f"))


def header_of(size: int) -> bytes:
    rest = len('Content-Disposition: form-data; name="a"\r\n') + len("X-A: \r\n")
    return headed("X-A: " + "x" * (size - rest))


PARTS = [
    Case("body", TOTAL, padded(TOTAL), padded(TOTAL + 1)),
    Case("fields", 3, whole(*[part("a", b"1")] * 3), whole(*[part("a", b"1")] * 4)),
    Case("files", 2, whole(*[part("a", b"1", "f")] * 2), whole(*[part("a", b"1", "f")] * 3)),
    Case("field_bytes", 20, whole(part("a", b"x" * 20)), whole(part("a", b"x" * 21))),
    Case(
        "form_bytes",
        40,
        whole(*[part("a", b"x" * 20)] * 2, part("b", b"")),
        whole(*[part("a", b"x" * 20)] * 2, part("b", b"x")),
    ),
    Case("part_header_bytes", 120, headed("X-A: 1", "X-B: 2"), headed(*["X-A: 1"] * 3), 400),
    Case("part_header_bytes", 120, header_of(120), header_of(121), 400),
]
PAIRS = [
    Case("fields", 3, b"a=1&a=1&&a=1&", b"a=1&a=1&&a=1&a=1"),
    Case("field_bytes", 20, b"a=" + b"%41" * 5 + b"x" * 15, b"a=" + b"x" * 21),
    Case("form_bytes", 40, b"a=" + b"x" * 18 + b"&" * 20, b"a=" + b"x" * 18 + b"&" * 21),
]
BYTES = [Case("body", TOTAL, b"x" * TOTAL, b"x" * (TOTAL + 1))]
JSON = [Case("body", TOTAL, b'"%b"' % (b"x" * (TOTAL - 2)), b'"%b"' % (b"x" * (TOTAL - 1)))]
MSGPACK = [Case("body", TOTAL, b"\xda\x01\x29" + b"x" * 297, b"\xda\x01\x2a" + b"x" * 298)]

TABLE: list[tuple[Read, tuple[str, str], list[Case]]] = [
    (as_form, MULTIPART, PARTS),
    (as_parts, MULTIPART, PARTS[1:]),  # it has no limit of its own for all
    (as_form, URLENCODED, PAIRS),
    (as_bytes, OCTETS, BYTES),
    (as_text, ("content-type", "text/plain; charset=utf-8"), BYTES),
    (as_json, ("content-type", "application/json"), JSON),
    (as_msgpack, ("content-type", "application/vnd.msgpack"), MSGPACK),
]
PIECES = [
    pytest.param(10**9, id="one piece"),
    pytest.param(7, id="pieces"),
    pytest.param(1, id="bytes"),
]


async def limited_stream(request: Request[Any]) -> object:
    return sum([len(chunk) async for chunk in request.stream(max_bytes=TOTAL)])


async def limited_parts(request: Request[Any]) -> object:
    return len([part async for part in request.multipart(max_bytes=TOTAL)])


async def send(
    read: Read, kind: tuple[str, str], data: bytes, size: int, length: int | None
) -> Reply:
    app = App(max_body_bytes=TOTAL, form_limits=LIMITS)
    app.post("/")(read)
    fields = [kind] if length is None else [kind, ("content-length", str(length))]
    return await attack(app, "POST", headers=fields, body=cut(data, size))


@pytest.mark.parametrize("size", PIECES)
@pytest.mark.parametrize(
    ("read", "kind", "case"),
    [
        pytest.param(read, kind, case, id=f"{case.field}, {kind[1]}, {read.__name__}")
        for read, kind, cases in [
            *TABLE,
            (limited_stream, OCTETS, BYTES),
            (limited_parts, MULTIPART, PARTS[:1]),
        ]
        for case in cases
    ],
)
async def test_every_limit(read: Read, kind: tuple[str, str], case: Case, size: int) -> None:
    await start_thread()
    for length in (None, len(case.fits), 1):  # chunked, true, or too short: what comes counts
        assert (await send(read, kind, case.fits, size, length)).status == 200
    for length in (None, len(case.over), 1, 10**12):
        reply = await send(read, kind, case.over, size, length)
        found = reply.json()
        if case.field != "body" and length == 10**12 and read is not as_parts:
            assert (reply.status, found["field"], found["limit"]) == (413, "body", TOTAL)
            continue
        assert reply.status == case.status
        assert (found["field"], found["limit"]) == (case.field, case.limit)
    for data in (case.fits, case.over):  # it is not whole, and may be over the limit before that
        status = (await send(read, kind, data, size, len(data) + 1)).status
        assert status in {400, case.status}
        assert status == 400 or data is case.over or case.field == "body"


async def test_the_boundary_has_a_limit() -> None:
    for boundary, status in [("12345", 200), ("123456", 400)]:
        data = f'--{boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
        kind = ("content-type", f"multipart/form-data; boundary={boundary}")
        for read in (as_form, as_parts):
            for size in (10**9, 7, 1):
                content = f"{data}--{boundary}--".encode()
                reply = await send(read, kind, content, size, None)
                assert reply.status == status
                if status == 400:
                    assert reply.json()["field"] == "boundary_bytes"
                    assert reply.json()["limit"] == 5
