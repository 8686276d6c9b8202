"""The verdict on a conditional request: each field, and which goes first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.http.conditional import (
    NO_CONDITIONS,
    Conditions,
    Verdict,
    decide,
    read_conditions,
)

CHANGED = 784111777
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
EARLIER = "Sun, 06 Nov 1994 08:49:36 GMT"
LATER = "Sun, 06 Nov 1994 08:49:38 GMT"

GO, WHOLE = Verdict.PROCEED, Verdict.IGNORE_RANGE
SAME, NO = Verdict.NOT_MODIFIED, Verdict.PRECONDITION_FAILED


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        pytest.param({}, GO, id="none"),
        pytest.param({"if_match": '"a"'}, GO, id="If-Match: the tag"),
        pytest.param({"if_match": '"x", "a"'}, GO, id="If-Match: in a list"),
        pytest.param({"if_match": "*"}, GO, id="If-Match: any"),
        pytest.param({"if_match": '"x"'}, NO, id="If-Match: another"),
        pytest.param({"if_match": 'W/"a"'}, NO, id="If-Match compares strongly (13.1.1)"),
        pytest.param({"if_match": "a"}, NO, id="If-Match: malformed matches nothing"),
        pytest.param({"if_none_match": '"a"'}, SAME, id="If-None-Match: the tag"),
        pytest.param({"if_none_match": 'W/"a"'}, SAME, id="If-None-Match: weakly (13.1.2)"),
        pytest.param({"if_none_match": "*"}, SAME, id="If-None-Match: any"),
        pytest.param({"if_none_match": '"x"'}, GO, id="If-None-Match: another"),
        pytest.param({"if_none_match": "a"}, GO, id="If-None-Match: malformed"),
        pytest.param({"if_modified_since": DATE}, SAME, id="If-Modified-Since: the date"),
        pytest.param({"if_modified_since": LATER}, SAME, id="If-Modified-Since: a later one"),
        pytest.param({"if_modified_since": EARLIER}, GO, id="If-Modified-Since: an earlier one"),
        pytest.param({"if_modified_since": "then"}, GO, id="If-Modified-Since: no date (13.1.3)"),
        pytest.param({"if_unmodified_since": DATE}, GO, id="If-Unmodified-Since: the date"),
        pytest.param({"if_unmodified_since": EARLIER}, NO, id="If-Unmodified-Since: earlier"),
        pytest.param({"if_unmodified_since": "then"}, GO, id="If-Unmodified-Since: no date"),
        pytest.param({"if_range": '"a"'}, GO, id="If-Range: the tag"),
        pytest.param({"if_range": '"x"'}, WHOLE, id="If-Range: another"),
        pytest.param({"if_range": 'W/"a"'}, WHOLE, id="If-Range compares strongly (13.1.5)"),
        pytest.param({"if_range": DATE}, GO, id="If-Range: the date"),
        pytest.param({"if_range": LATER}, WHOLE, id="If-Range: the very date (13.1.5)"),
        pytest.param({"if_range": EARLIER}, WHOLE, id="If-Range: an earlier date"),
        pytest.param({"if_range": "then"}, WHOLE, id="If-Range: malformed"),
        pytest.param(
            {"if_match": '"a"', "if_unmodified_since": EARLIER}, GO, id="If-Match goes first"
        ),
        pytest.param({"if_match": '"x"', "if_none_match": '"a"'}, NO, id="then If-None-Match"),
        pytest.param({"if_match": "*", "if_none_match": '"a"'}, SAME, id="both are heard"),
        pytest.param(
            {"if_none_match": '"x"', "if_modified_since": LATER}, GO, id="the tag hides the date"
        ),
        pytest.param(
            {"if_unmodified_since": EARLIER, "if_none_match": '"a"'}, NO, id="412 before 304"
        ),
        pytest.param({"if_none_match": '"a"', "if_range": '"x"'}, SAME, id="304 before If-Range"),
    ],
)
def test_precedence(conditions: dict[str, str], expected: Verdict) -> None:
    given = Conditions(**conditions)
    assert decide("GET", given, etag='"a"', last_modified=CHANGED) is expected
    assert decide("HEAD", given, etag='"a"', last_modified=CHANGED) is expected


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        pytest.param({"if_none_match": '"a"'}, NO, id="If-None-Match: 412 (13.1.2)"),
        pytest.param({"if_match": '"a"'}, GO, id="If-Match"),
        pytest.param({"if_modified_since": DATE}, GO, id="If-Modified-Since is for reading"),
        pytest.param({"if_unmodified_since": EARLIER}, NO, id="If-Unmodified-Since"),
    ],
)
def test_methods_that_change_something(conditions: dict[str, str], expected: Verdict) -> None:
    verdict = decide("PUT", Conditions(**conditions), etag='"a"', last_modified=CHANGED)
    assert verdict is expected


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        pytest.param({"if_none_match": "*"}, GO, id="create, do not replace"),
        pytest.param({"if_match": "*"}, NO, id="replace, do not create"),
        pytest.param({"if_match": '"a"'}, NO, id="a tag"),
        pytest.param({"if_none_match": '"a"'}, GO, id="none of these"),
        pytest.param({"if_unmodified_since": EARLIER}, GO, id="no date to compare"),
    ],
)
def test_what_does_not_exist(conditions: dict[str, str], expected: Verdict) -> None:
    assert decide("PUT", Conditions(**conditions), exists=False) is expected


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        pytest.param({"if_match": 'W/"a"'}, NO, id="If-Match"),
        pytest.param({"if_match": "*"}, GO, id="If-Match: any"),
        pytest.param({"if_none_match": 'W/"a"'}, SAME, id="If-None-Match"),
        pytest.param({"if_none_match": '"a"'}, SAME, id="If-None-Match: strong"),
        pytest.param({"if_range": 'W/"a"'}, WHOLE, id="If-Range"),
    ],
)
def test_a_weak_tag(conditions: dict[str, str], expected: Verdict) -> None:
    assert decide("GET", Conditions(**conditions), etag='W/"a"') is expected


@pytest.mark.parametrize(
    "conditions",
    [
        pytest.param({"if_modified_since": DATE}, id="no date"),
        pytest.param({"if_none_match": '"a"'}, id="no tag"),
    ],
)
def test_without_validators(conditions: dict[str, str]) -> None:
    assert decide("GET", Conditions(**conditions)) is GO


@pytest.mark.parametrize("if_range", [DATE, '"a"'])
def test_if_range_without_validators(if_range: str) -> None:
    assert decide("GET", Conditions(if_range=if_range)) is WHOLE


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(CHANGED + 0.9, WHOLE, id="it may change again within the second (8.8.2.2)"),
        pytest.param(CHANGED + 1.0, GO, id="a second later it is strong"),
        pytest.param(None, GO, id="unknown"),
    ],
)
def test_a_date_of_this_second_is_weak(now: float | None, expected: Verdict) -> None:
    assert decide("GET", Conditions(if_range=DATE), last_modified=CHANGED, now=now) is expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param([(b"host", b"a")], NO_CONDITIONS, id="none"),
        pytest.param([(b"range", b"bytes=0-")], Conditions(range="bytes=0-"), id="one"),
        pytest.param(
            [(b"if-none-match", b'"a"'), (b"x", b"y"), (b"if-none-match", b'"b"')],
            Conditions(if_none_match='"a", "b"'),
            id="repeated fields are one list (5.3)",
        ),
        pytest.param(
            [
                (b"if-match", b"1"),
                (b"if-modified-since", b"3"),
                (b"if-unmodified-since", b"4"),
                (b"if-range", b"\xff"),
            ],
            Conditions("1", None, "3", "4", "\xff"),
            id="each to its place",
        ),
    ],
)
def test_read_conditions(raw: list[tuple[bytes, bytes]], expected: Conditions) -> None:
    assert read_conditions(raw) == expected


TEXT = st.none() | st.text() | st.sampled_from(['"a"', 'W/"a"', DATE, EARLIER, "*", "bytes=0-"])


@given(
    st.sampled_from(["GET", "HEAD", "PUT"]),
    st.builds(Conditions, *[TEXT] * 6),
    st.sampled_from([None, '"a"', 'W/"a"']),
    st.none() | st.integers(0, 2**33),
)
def test_never_raises(
    method: str, conditions: Conditions, etag: str | None, last_modified: int | None
) -> None:
    verdict = decide(method, conditions, etag=etag, last_modified=last_modified)
    assert verdict is not SAME or method != "PUT"
