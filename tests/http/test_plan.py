"""What is sent for a representation: status, fields and spans."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.http.conditional import NO_CONDITIONS, Conditions
from portico.http.headers import RawHeaders
from portico.http.plan import Plan, Representation, needs_boundary, plan_response
from portico.http.ranges import ByteRange

PAGE = Representation(1000, etag='"a"', last_modified=784111777, content_type="text/css")
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
WHOLE = (ByteRange(0, 1000),)


def plan(conditions: dict[str, str], method: str = "GET", page: Representation = PAGE) -> Plan:
    return plan_response(method, Conditions(**conditions), page, boundary="b")


@pytest.mark.parametrize(
    ("conditions", "status", "fields", "pieces"),
    [
        pytest.param({}, 200, {b"content-length": b"1000"}, WHOLE, id="the whole"),
        pytest.param(
            {"range": "bytes=0-9"},
            206,
            {b"content-range": b"bytes 0-9/1000", b"content-length": b"10"},
            (ByteRange(0, 10),),
            id="a range (15.3.7.1)",
        ),
        pytest.param(
            {"range": "bytes=0-"},
            206,
            {b"content-range": b"bytes 0-999/1000", b"content-length": b"1000"},
            WHOLE,
            id="a range that is all",
        ),
        pytest.param(
            {"range": "bytes=1000-"},
            416,
            {b"content-range": b"bytes */1000"},
            (),
            id="not satisfiable (15.5.17)",
        ),
        pytest.param(
            {"range": "lines=1-"}, 200, {b"content-length": b"1000"}, WHOLE, id="another unit"
        ),
        pytest.param({"if_none_match": '"a"'}, 304, {}, (), id="not modified"),
        pytest.param(
            {"if_none_match": '"a"', "range": "bytes=9999-"}, 304, {}, (), id="304 before 416"
        ),
        pytest.param({"if_match": '"x"', "range": "bytes=0-1"}, 412, {}, (), id="412 before 206"),
        pytest.param(
            {"if_range": '"x"', "range": "bytes=9999-"},
            200,
            {b"content-length": b"1000"},
            WHOLE,
            id="If-Range is false: no 416",
        ),
        pytest.param(
            {"if_range": DATE, "range": "bytes=-1"},
            206,
            {b"content-range": b"bytes 999-999/1000", b"content-length": b"1"},
            (ByteRange(999, 1000),),
            id="If-Range is true",
        ),
    ],
)
def test_get(
    conditions: dict[str, str], status: int, fields: dict[bytes, bytes], pieces: tuple[Any, ...]
) -> None:
    made = plan(conditions)
    assert (made.status_code, dict(made.headers), made.pieces) == (status, fields, pieces)


def test_several_ranges() -> None:
    made = plan({"range": "bytes=0-0,-1"})
    assert made.status_code == 206
    assert dict(made.headers)[b"content-type"] == b"multipart/byteranges; boundary=b"
    assert b"content-range" not in dict(made.headers)  # 15.3.7.2
    length = sum(len(p) if isinstance(p, bytes) else p.length for p in made.pieces)
    assert dict(made.headers)[b"content-length"] == b"%d" % length
    assert made.pieces[1::2] == (ByteRange(0, 1), ByteRange(999, 1000))
    first = made.pieces[0]
    assert isinstance(first, bytes)
    assert b"content-type: text/css" in first


@pytest.mark.parametrize(
    ("conditions", "status"),
    [
        pytest.param({}, 200, id="the whole"),
        pytest.param({"range": "bytes=0-9"}, 200, id="Range is for GET alone (14.2)"),
        pytest.param({"range": "bytes=9999-"}, 200, id="even where it is not satisfiable"),
        pytest.param({"if_none_match": '"a"'}, 304, id="not modified"),
        pytest.param({"if_match": '"x"'}, 412, id="precondition failed"),
    ],
)
def test_head(conditions: dict[str, str], status: int) -> None:
    made = plan(conditions, "HEAD")
    assert (made.status_code, made.pieces) == (status, ())
    assert dict(made.headers) == ({b"content-length": b"1000"} if status == 200 else {})


def test_nothing_to_send() -> None:
    made = plan({}, page=Representation(0))
    assert made == Plan(200, ((b"content-length", b"0"),), ())


def test_a_request_without_conditions() -> None:
    assert plan_response("GET", NO_CONDITIONS, PAGE) == plan({})


def test_a_date_of_this_second() -> None:
    given = Conditions(if_range=DATE, range="bytes=0-1")
    assert plan_response("GET", given, PAGE, now=784111777.5).status_code == 200
    assert plan_response("GET", given, PAGE, now=784111779.0).status_code == 206


def test_methods() -> None:
    with pytest.raises(ValueError, match="GET and HEAD"):
        plan_response("PUT", NO_CONDITIONS, PAGE)


@pytest.mark.parametrize(
    ("field", "needed"),
    [(None, False), ("bytes=0-1", False), ("bytes=0-1,3-4", True)],
)
def test_needs_boundary(field: str | None, needed: bool) -> None:
    assert needs_boundary(Conditions(range=field)) is needed


BASE: RawHeaders = [
    (b"content-type", b"text/css"),
    (b"content-length", b"7"),
    (b"content-encoding", b"br"),
    (b"accept-ranges", b"bytes"),
    (b"etag", b'"a"'),
    (b"vary", b"accept-encoding"),
    (b"cache-control", b"no-cache"),
    (b"x-own", b"1"),
]


@pytest.mark.parametrize(
    ("conditions", "left_out", "changed"),
    [
        pytest.param({}, set[bytes](), {b"content-length": b"1000"}, id="200"),
        pytest.param(
            {"range": "bytes=0-9"},
            set[bytes](),
            {b"content-length": b"10", b"content-range": b"bytes 0-9/1000"},
            id="206 repeats all (15.3.7)",
        ),
        pytest.param(
            {"if_none_match": '"a"'},
            {b"content-type", b"content-length", b"content-encoding", b"accept-ranges"},
            dict[bytes, bytes](),
            id="304 has nothing of the content (15.4.5)",
        ),
    ],
)
def test_fields(
    conditions: dict[str, str], left_out: set[bytes], changed: dict[bytes, bytes]
) -> None:
    fields = plan(conditions).fields(BASE)
    assert len(dict(fields)) == len(fields)
    kept = {name: value for name, value in BASE if name not in left_out}
    assert dict(fields) == kept | changed


def test_fields_of_several_ranges() -> None:
    fields = plan({"range": "bytes=0-0,-1"}).fields(BASE)
    assert [value for name, value in fields if name == b"content-type"] == [
        b"multipart/byteranges; boundary=b"
    ]
    assert sum(name == b"content-length" for name, _ in fields) == 1


@given(
    st.sampled_from(["GET", "HEAD"]),
    st.builds(Conditions, *[st.none() | st.text(max_size=20)] * 5, st.none() | st.text("0123-,")),
    st.integers(0, 100),
)
def test_the_length_is_true(method: str, conditions: Conditions, size: int) -> None:
    if conditions.range is not None:
        conditions = conditions._replace(range=f"bytes={conditions.range}")
    made = plan_response(method, conditions, Representation(size, '"a"', 7), boundary="b")
    length = sum(len(p) if isinstance(p, bytes) else p.length for p in made.pieces)
    if made.status_code in (200, 206) and method == "GET":
        assert dict(made.headers)[b"content-length"] == b"%d" % length
    else:
        assert not length
