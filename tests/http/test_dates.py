from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.http.dates import format_date, parse_date

EXAMPLE = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Sun, 06 Nov 1994 08:49:37 GMT", id="IMF-fixdate"),
        pytest.param("Sunday, 06-Nov-94 08:49:37 GMT", id="rfc850-date"),
        pytest.param("Sun Nov  6 08:49:37 1994", id="asctime-date"),
        pytest.param("Sun Nov 06 08:49:37 1994", id="asctime-date with a zero"),
        pytest.param("Mon, 06 Nov 1994 08:49:37 GMT", id="day's name is not compared"),
    ],
)
def test_three_forms(text: str) -> None:
    assert parse_date(text) == EXAMPLE


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("Sun, 06 Nov 1994 08:49:37", id="no zone"),
        pytest.param("Sun, 06 Nov 1994 08:49:37 +0100", id="another zone"),
        pytest.param("sun, 06 nov 1994 08:49:37 gmt", id="case counts (5.6.7)"),
        pytest.param("Sun, 6 Nov 1994 08:49:37 GMT", id="one digit"),
        pytest.param("Sun, 31 Feb 1994 08:49:37 GMT", id="no such day"),
        pytest.param("Sun, 00 Nov 1994 08:49:37 GMT", id="day 0"),
        pytest.param("Sun, 06 Nov 0000 08:49:37 GMT", id="year 0"),
        pytest.param("Sun, 06 Nov 1994 24:00:00 GMT", id="hour 24"),
        pytest.param("Sun, 06 Nov 1994 08:49:61 GMT", id="second 61"),
        pytest.param("Sun, 06 Nov 99999 08:49:37 GMT", id="year of five digits"),
        pytest.param("Sun, \u0660\u0666 Nov 1994 08:49:37 GMT", id="digits must be ASCII"),
        pytest.param(" Sun, 06 Nov 1994 08:49:37 GMT", id="blank before"),
        pytest.param("Sun, 06 Nov 1994 08:49:37 GMT\n", id="line break after"),
        pytest.param("1994-11-06T08:49:37Z", id="another standard"),
        pytest.param("0", id="number"),
    ],
)
def test_no_dates(text: str) -> None:
    assert parse_date(text) is None


def test_leap_second() -> None:
    assert parse_date("Sat, 31 Dec 2016 23:59:60 GMT") == datetime(
        2016, 12, 31, 23, 59, 59, tzinfo=UTC
    )


NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "now", "year"),
    [
        pytest.param("Sunday, 01-Mar-76 12:00:00 GMT", NOW, 2076, id="50 years ahead"),
        pytest.param("Sunday, 01-Mar-76 12:00:01 GMT", NOW, 1976, id="a second more (5.6.7)"),
        pytest.param("Sunday, 01-Mar-77 12:00:00 GMT", NOW, 1977, id="51 years ahead"),
        pytest.param("Sunday, 01-Mar-26 12:00:00 GMT", NOW, 2026, id="now"),
        pytest.param(
            "Sunday, 01-Mar-05 12:00:00 GMT", NOW.replace(year=2090), 2105, id="next century"
        ),
        pytest.param("Sunday, 01-Mar-69 12:00:00 GMT", None, 2069, id="no clock, 69"),
        pytest.param("Sunday, 01-Mar-70 12:00:00 GMT", None, 1970, id="no clock, 70"),
        pytest.param(
            "Tuesday, 29-Feb-00 12:00:00 GMT", NOW.replace(year=2060), 2000, id="2100 has no 29th"
        ),
    ],
)
def test_two_digit_years(text: str, now: datetime | None, year: int) -> None:
    date = parse_date(text, now=now)
    assert date is not None
    assert date.year == year


def test_two_digit_year_of_no_century() -> None:
    assert parse_date("Sunday, 31-Feb-94 08:49:37 GMT", now=NOW) is None
    assert parse_date("Sunday, 31-Feb-94 08:49:37 GMT") is None


@pytest.mark.parametrize(
    "when",
    [
        pytest.param(EXAMPLE, id="UTC"),
        pytest.param(EXAMPLE.astimezone(timezone(timedelta(hours=-5))), id="another zone"),
        pytest.param(EXAMPLE.replace(microsecond=999_999), id="parts of a second"),
        pytest.param(784_111_777, id="seconds"),
        pytest.param(784_111_777.9, id="parts of a second, cut off"),
    ],
)
def test_format_date(when: datetime | float) -> None:
    assert format_date(when) == "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    "when",
    [
        pytest.param(EXAMPLE.replace(tzinfo=None), id="naive"),
        pytest.param(1e12, id="after year 9999"),
        pytest.param(-1e12, id="before year 1"),
        pytest.param(float("inf"), id="infinity"),
        pytest.param(float("nan"), id="not a number"),
        pytest.param(
            datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))), id="over the edge"
        ),
    ],
)
def test_what_cannot_be_written(when: datetime | float) -> None:
    with pytest.raises(ValueError, match=r"date|NaN"):
        format_date(when)


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_written_is_read_back(when: datetime) -> None:
    assert parse_date(format_date(when)) == when.replace(microsecond=0)


@given(st.integers(-62_135_596_800, 253_402_300_799))
def test_seconds_are_read_back(seconds: int) -> None:
    date = parse_date(format_date(seconds))
    assert date is not None
    assert date.timestamp() == seconds


@given(st.text(alphabet="SunModay,-: 0123456789GMTNov\u0661", max_size=40))
def test_any_text_can_be_read(text: str) -> None:
    parse_date(text)
    parse_date(f"Sun, 06 Nov {text}")
