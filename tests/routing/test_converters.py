"""Converters: what fits, what does not, and that both ways agree."""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.routing.converters import (
    CONVERTERS,
    AnyConverter,
    Converter,
    DateConverter,
    DatetimeConverter,
    DecimalConverter,
    FloatConverter,
    IntConverter,
    PathConverter,
    RegexConverter,
    StrConverter,
    UUIDConverter,
    register_converter,
)

ID = UUID("0b5f3c1e-7a52-4a1c-9d5e-2f8c3f0f9a11")
NOON = datetime(2026, 2, 28, 12, 0, 30)  # noqa: DTZ001 - naive is what is tested


@pytest.mark.parametrize(
    ("converter", "text", "value"),
    [
        pytest.param(StrConverter(), "é/ ", "é/ ", id="str takes any text"),
        pytest.param(StrConverter(min_length=2, max_length=3), "ab", "ab", id="shortest"),
        pytest.param(StrConverter(min_length=2, max_length=3), "abc", "abc", id="longest"),
        pytest.param(IntConverter(), "0", 0, id="zero"),
        pytest.param(IntConverter(), "-12", -12, id="negative"),
        pytest.param(IntConverter(), "007", 7, id="zeros in front"),
        pytest.param(IntConverter(), "9" * 100, 10**100 - 1, id="100 digits"),
        pytest.param(IntConverter(), "-" + "9" * 100, 1 - 10**100, id="a sign and 100 digits"),
        pytest.param(IntConverter(min=1, max=10), "1", 1, id="min is in"),
        pytest.param(IntConverter(min=1, max=10), "10", 10, id="max is in"),
        pytest.param(FloatConverter(), "-0.25", -0.25, id="float"),
        pytest.param(FloatConverter(), "3", 3.0, id="float without a point"),
        pytest.param(FloatConverter(min=0, max=1), "1", 1.0, id="float at max"),
        pytest.param(DecimalConverter(), "12.50", Decimal("12.50"), id="decimal"),
        pytest.param(DecimalConverter(min=Decimal("0.1")), "0.1", Decimal("0.1"), id="at min"),
        pytest.param(UUIDConverter(), str(ID).upper(), ID, id="uuid in upper case"),
        pytest.param(DateConverter(), "2024-02-29", date(2024, 2, 29), id="leap day"),
        pytest.param(DatetimeConverter(), "2026-02-28T12:00:30", NOON, id="naive"),
        pytest.param(
            DatetimeConverter(),
            "2026-02-28t12:00:30z",
            NOON.replace(tzinfo=UTC),
            id="lower-case t and z (RFC 3339 5.6)",
        ),
        pytest.param(
            DatetimeConverter(),
            "2026-02-28T12:00:30.1234567-03:30",
            NOON.replace(microsecond=123456, tzinfo=timezone(timedelta(hours=-3.5))),
            id="fraction and offset",
        ),
        pytest.param(AnyConverter("red", "dark red"), "dark red", "dark red", id="one of"),
        pytest.param(RegexConverter(r"\d+"), "12", "12", id="regex"),
        pytest.param(PathConverter(), "a/b//", "a/b//", id="path"),
        pytest.param(PathConverter(), "", "", id="path may be empty"),
    ],
)
def test_text_that_fits(converter: Converter[Any], text: str, value: object) -> None:
    assert converter.parse(text) == value


@pytest.mark.parametrize(
    ("converter", "text"),
    [
        pytest.param(StrConverter(min_length=2), "a", id="too short"),
        pytest.param(StrConverter(max_length=2), "abc", id="too long"),
        *(
            pytest.param(IntConverter(), text, id=f"int {text[:9]!r}")
            for text in ("", "-", "+1", " 1", "1 ", "1\n", "1_0", "0x1", "1.0", "\u0661", "\u00b2")
        ),
        pytest.param(IntConverter(), "9" * 101, id="101 digits"),
        pytest.param(IntConverter(), "9" * 5000, id="5000 digits"),
        pytest.param(IntConverter(min=1), "0", id="below min"),
        pytest.param(IntConverter(max=10), "11", id="above max"),
        *(
            pytest.param(kind(), text, id=f"{kind.__name__} {text[:9]!r}")
            for kind in (FloatConverter, DecimalConverter)
            for text in ("", ".5", "5.", "1e5", "nan", "inf", "-inf", "1_0", "\u0661", "1,0", "1\n")
        ),
        pytest.param(FloatConverter(), "9" * 310, id="infinite"),
        pytest.param(FloatConverter(), "0." + "1" * 331, id="endless fraction"),
        pytest.param(DecimalConverter(), "9" * 101, id="decimal of 101 digits"),
        pytest.param(DecimalConverter(max=Decimal(1)), "1.01", id="decimal above max"),
        *(
            pytest.param(UUIDConverter(), text, id=f"uuid {text!r}")
            for text in (ID.hex, f"{{{ID}}}", f"urn:uuid:{ID}", f"{ID}0", str(ID).replace("b", "g"))
        ),
        *(
            pytest.param(DateConverter(), text, id=f"date {text!r}")
            for text in ("2023-02-29", "20230201", "2023-W01-1", "0000-01-01", "2023-1-1")
        ),
        *(
            pytest.param(DatetimeConverter(), text, id=f"datetime {text!r}")
            for text in (
                "2026-02-28",
                "2026-02-28 12:00:00",
                "2026-02-28T12:00",
                "2026-02-28T24:00:01",
                "2026-02-28T12:00:60Z",
                "2026-02-28T12:00:00+24:00",
                "20260228T120000Z",
                "2026-02-28T12:00:00.Z",
            )
        ),
        pytest.param(AnyConverter("red"), "Red", id="any minds case"),
        pytest.param(RegexConverter("[a-z]+"), "abc\n", id="regex to the very end"),
        pytest.param(RegexConverter(r"\d+"), "\u0661", id="digits mean ASCII"),
    ],
)
def test_text_that_does_not_fit(converter: Converter[Any], text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - no client ever sees what it says
        converter.parse(text)


@pytest.mark.parametrize(
    ("converter", "value", "text"),
    [
        pytest.param(StrConverter(), "ada", "ada", id="str"),
        pytest.param(StrConverter(), 7, "7", id="str writes int"),
        pytest.param(FloatConverter(), 1e22, "1" + "0" * 22, id="float without exponent"),
        pytest.param(FloatConverter(), 2, "2.0", id="float writes int"),
        pytest.param(DecimalConverter(), Decimal("1E+3"), "1000", id="decimal without exponent"),
        pytest.param(DecimalConverter(), 5, "5", id="decimal writes int"),
        pytest.param(DecimalConverter(), 0.1, "0.1", id="decimal writes float as printed"),
    ],
)
def test_values_that_are_written(converter: Converter[Any], value: object, text: str) -> None:
    assert converter.format(value) == text


@pytest.mark.parametrize(
    ("converter", "value", "error"),
    [
        pytest.param(StrConverter(), True, "needs str or int, not bool", id="bool is no int"),
        pytest.param(StrConverter(), None, "needs str or int, not NoneType", id="None"),
        pytest.param(StrConverter(max_length=2), "abc", "over 2 characters", id="str too long"),
        pytest.param(IntConverter(), "7", "needs int, not str", id="int of text"),
        pytest.param(IntConverter(), 7.0, "needs int, not float", id="int of float"),
        pytest.param(IntConverter(), 10**100, "over 100 digits", id="int too long"),
        pytest.param(IntConverter(max=1), 2, "above 1", id="int above max"),
        pytest.param(FloatConverter(), "1", "needs float, not str", id="float of text"),
        pytest.param(FloatConverter(), math.nan, "not finite", id="nan"),
        pytest.param(FloatConverter(), -math.inf, "not finite", id="inf"),
        pytest.param(FloatConverter(min=0), -1.0, "below 0", id="float below min"),
        pytest.param(DecimalConverter(), Decimal("NaN"), "not a finite", id="decimal nan"),
        pytest.param(DecimalConverter(), Decimal("1E+999999"), "100 digits", id="huge decimal"),
        pytest.param(DecimalConverter(), Decimal("1E-999999"), "100 digits", id="tiny decimal"),
        pytest.param(DecimalConverter(), Decimal("1E+100"), "plain notation", id="101 digits"),
        pytest.param(DecimalConverter(), "1", "needs Decimal, not str", id="decimal of text"),
        pytest.param(UUIDConverter(), str(ID), "needs UUID, not str", id="uuid of text"),
        pytest.param(DateConverter(), NOON, "needs date, not datetime", id="date of datetime"),
        pytest.param(DateConverter(), "2024-01-01", "needs date, not str", id="date of text"),
        pytest.param(DatetimeConverter(), date.min, "needs datetime", id="datetime of date"),
        pytest.param(
            DatetimeConverter(),
            NOON.replace(tzinfo=timezone(timedelta(seconds=1))),
            "offset has seconds",
            id="offset that RFC 3339 cannot write",
        ),
        pytest.param(AnyConverter("red"), "blue", "not one of red", id="not listed"),
        pytest.param(RegexConverter("[a-z]+"), "A", "does not match", id="regex"),
        pytest.param(PathConverter(), 7, "needs str, not int", id="path of int"),
    ],
)
def test_values_that_are_refused(converter: Converter[Any], value: object, error: str) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        converter.format(value)


@pytest.mark.parametrize(
    ("name", "arguments", "settings", "error"),
    [
        pytest.param("int", (), {"min": 2, "max": 1}, "min is above max", id="bounds crossed"),
        pytest.param("int", (), {"min": "1"}, "needs int, not str", id="text as bound"),
        pytest.param("float", (), {"max": "x"}, "needs float, not str", id="text as float bound"),
        pytest.param("str", (), {"max_length": 0}, "max_length is below", id="nothing would fit"),
        pytest.param("str", (), {"min_length": 3, "max_length": 2}, "is below", id="lengths"),
        pytest.param("str", (), {"min_length": 1.5}, "needs int", id="length of float"),
        pytest.param("any", ("a", ""), {}, "none of them empty", id="empty choice"),
    ],
)
def test_settings_that_are_refused(
    name: str, arguments: tuple[str, ...], settings: dict[str, object], error: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        CONVERTERS[name](*arguments, **settings)


def test_no_choice_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one choice"):
        AnyConverter()


def test_a_bad_regular_expression_is_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"not a regular expression: .* at position"):
        RegexConverter("[a")


def test_any_without_choices_is_path() -> None:
    assert CONVERTERS["any"]() == PathConverter()
    assert CONVERTERS["any"]("b", "a") == AnyConverter("a", "b")


def test_a_converter_is_a_value() -> None:
    assert IntConverter(min=1) == IntConverter(min=1) != IntConverter(min=2)
    assert len({IntConverter(), IntConverter(), StrConverter()}) == 2
    assert RegexConverter("a") == RegexConverter("a") != StrConverter()
    assert repr(IntConverter(min=1)) == "IntConverter(min=1)"


@pytest.mark.parametrize(
    ("converter", "values"),
    [
        pytest.param(StrConverter(), st.text(min_size=1), id="str"),
        pytest.param(IntConverter(), st.integers(1 - 10**100, 10**100 - 1), id="int"),
        pytest.param(
            FloatConverter(), st.floats(allow_nan=False, allow_infinity=False), id="float"
        ),
        pytest.param(
            DecimalConverter(),
            st.decimals(allow_nan=False, allow_infinity=False, places=20),
            id="decimal",
        ),
        pytest.param(UUIDConverter(), st.uuids(), id="uuid"),
        pytest.param(DateConverter(), st.dates(), id="date"),
        pytest.param(
            DatetimeConverter(),
            st.datetimes(
                timezones=st.none() | st.just(UTC) | st.just(timezone(timedelta(hours=5)))
            ),
            id="datetime",
        ),
    ],
)
def test_what_is_written_is_read_again(converter: Converter[Any], values: Any) -> None:
    @given(values)
    def check(value: object) -> None:
        assert converter.parse(converter.format(value)) == value

    check()


@given(st.sampled_from(sorted(CONVERTERS)), st.text())
def test_a_converter_reads_or_raises_value_error(name: str, text: str) -> None:
    with suppress(ValueError):
        CONVERTERS[name]().parse(text)


class Hex(Converter[int]):
    def parse(self, text: str) -> int:
        return int(text, 16)

    def format(self, value: int) -> str:
        return f"{value:x}"


def test_own_converters_are_registered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, factory in CONVERTERS.items():
        monkeypatch.setitem(CONVERTERS, name, factory)
    monkeypatch.delitem(CONVERTERS, "base16", raising=False)
    register_converter("base16", Hex)
    register_converter("base16", Hex)
    made = CONVERTERS["base16"]()
    assert made.format(made.parse("ff")) == "ff"
    with pytest.raises(ValueError, match="'base16' is registered already"):
        register_converter("base16", IntConverter)
    with pytest.raises(ValueError, match="'int' is registered already"):
        register_converter("int", Hex)
    del CONVERTERS["base16"]


def test_what_cannot_be_registered() -> None:
    with pytest.raises(ValueError, match="an identifier, not 'a-b'"):
        register_converter("a-b", Hex)
    with pytest.raises(TypeError, match="'hex16': register the class, not an instance"):
        register_converter("hex16", Hex())  # type: ignore[arg-type]  # the mistake that is tested
    assert "hex16" not in CONVERTERS
