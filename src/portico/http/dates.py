"""HTTP dates: RFC 9110 section 5.6.7.

Three forms in, one out. No locale and no clock is asked.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ("format_date", "parse_date")

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_NAME: Final = rf"(?:{'|'.join(_DAYS)})"
_MONTH: Final = rf"(?P<month>{'|'.join(_MONTHS)})"
_TIME: Final = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_FORMS: Final = (
    # IMF-fixdate: Sun, 06 Nov 1994 08:49:37 GMT
    re.compile(rf"{_NAME}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT"),
    # rfc850-date: Sunday, 06-Nov-94 08:49:37 GMT
    re.compile(
        r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, "
        rf"(?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT"
    ),
    # asctime-date: Sun Nov  6 08:49:37 1994
    re.compile(rf"{_NAME} {_MONTH} (?P<day>[ 0-9][0-9]) {_TIME} (?P<year>[0-9]{{4}})"),
)


def parse_date(text: str, *, now: datetime | None = None) -> datetime | None:
    """Read an HTTP date of any of the three forms; ``None`` if it is none.

    The answer is aware, in UTC, to the second. The day's name is not compared with the date; a
    leap second is read as the second before it. ``now`` is for the form with a two-digit year,
    which means the last year with these digits that puts the date no more than 50 years ahead of
    ``now``. Without ``now``, 70 to 99 are 1970 to 1999 and 00 to 69 are 2000 to 2069.

    >>> parse_date("Sun, 06 Nov 1994 08:49:37 GMT")
    datetime.datetime(1994, 11, 6, 8, 49, 37, tzinfo=datetime.timezone.utc)
    >>> parse_date("yesterday") is None
    True
    """
    for form in _FORMS:
        match = form.fullmatch(text)
        if match is not None:
            digits = match["year"]
            year = int(digits)
            return _date(year, match) if len(digits) == 4 else _latest(year, match, now)
    return None


def format_date(when: datetime | float) -> str:
    """Write an aware ``datetime``, or seconds since 1970, as an IMF-fixdate.

    Other time zones are turned into UTC, parts of a second are cut off. Raises ``ValueError`` for a
    ``datetime`` without a time zone and for a time outside the years 1 to 9999.

    >>> format_date(784111777)
    'Sun, 06 Nov 1994 08:49:37 GMT'
    """
    try:
        if not isinstance(when, datetime):
            when = _EPOCH + timedelta(seconds=when // 1)
        elif when.tzinfo is None:
            raise ValueError("a date needs a time zone, as in datetime.now(UTC)")
        utc = when.astimezone(UTC)
    except OverflowError:
        raise ValueError("a date lies in the years 1 to 9999") from None
    return (
        f"{_DAYS[utc.weekday()]}, {utc.day:02} {_MONTHS[utc.month - 1]} {utc.year:04}"
        f" {utc.hour:02}:{utc.minute:02}:{utc.second:02} GMT"
    )


def _date(year: int, match: re.Match[str]) -> datetime | None:
    day, hour, minute, second = (int(match[part]) for part in ("day", "hour", "minute", "second"))
    month = _MONTHS.index(match["month"]) + 1
    try:
        # 60 is a leap second (RFC 9110 5.6.7, RFC 5322 3.3), which datetime has not.
        return datetime(year, month, day, hour, minute, 59 if second == 60 else second, tzinfo=UTC)
    except ValueError:  # the 31st of February, year 0, hour 24
        return None


def _latest(year: int, match: re.Match[str], now: datetime | None) -> datetime | None:
    """Put ``year``, of two digits, into its century."""
    if now is None:
        return _date(year + (1900 if year >= 70 else 2000), match)
    # More than 50 years ahead means a year of the past (RFC 9110 5.6.7).
    limit = (now.year + 50, *now.timetuple()[1:6])
    century = now.year - now.year % 100
    for first in (century + 100, century, century - 100):
        date = _date(first + year, match)
        if date is not None and date.timetuple()[:6] <= limit:
            return date
    return None
