"""Converters: the text of a path parameter to a value, and back.

Pure. ``template`` looks them up by name, ``tree`` asks them whether a segment fits, ``reverse``
lets them write a URL. A converter never sees percent-encoding: both texts are decoded.
"""

# ruff: noqa: D102 - parse and format mean what Converter says, and help() shows it
from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Final, Generic, TypeAlias, TypeVar
from uuid import UUID

__all__ = (
    "CONVERTERS",
    "AnyConverter",
    "Converter",
    "ConverterFactory",
    "DateConverter",
    "DatetimeConverter",
    "DecimalConverter",
    "FloatConverter",
    "IntConverter",
    "PathConverter",
    "RegexConverter",
    "StrConverter",
    "UUIDConverter",
    "register_converter",
)

_T = TypeVar("_T")
_V = TypeVar("_V")
_N = TypeVar("_N", int, float, Decimal)

_MAX_DIGITS: Final = 100  # above any identifier, and cheap to read
_INT: Final = re.compile(r"-?[0-9]{1,100}").fullmatch
_DECIMAL: Final = re.compile(r"-?[0-9]{1,100}(?:\.[0-9]{1,100})?").fullmatch
# The largest double has 309 digits before the point, the smallest 324 behind it.
_FLOAT: Final = re.compile(r"-?[0-9]{1,330}(?:\.[0-9]{1,330})?").fullmatch
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
# RFC 3339 5.6 date-time; the offset may be left out (ISO 8601 local time).
_DATETIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})?"
).fullmatch


class Converter(ABC, Generic[_T]):
    """Reads and writes one kind of path parameter; subclass it for your own.

    A converter is a value: two of one class with equal attributes are the same parameter to the
    router. ``precedence`` says how narrow it is: of several parameters at one place the lowest
    number is tried first (built in: 10 to 30 for the typed ones, 50 regex, 60 str, 90 path).
    ``multi_segment`` is True if it takes several segments, joined by "/"; it then stands alone in
    its place and is asked once, with the longest text that the rest of the template allows.

    >>> class Words(Converter[list[str]]):
    ...     def parse(self, text: str) -> list[str]:
    ...         return text.split("+")
    ...     def format(self, value: list[str]) -> str:
    ...         return "+".join(value)
    >>> Words().parse("red+green")
    ['red', 'green']
    """

    multi_segment: ClassVar[bool] = False
    precedence: ClassVar[int] = 40

    @abstractmethod
    def parse(self, text: str) -> _T:
        """Read ``text``, never empty unless ``multi_segment``; ``ValueError`` means no match."""

    @abstractmethod
    def format(self, value: _T) -> str:
        """Write ``value`` for ``parse`` to read; ``ValueError`` or ``TypeError`` if it cannot."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(type(self))  # attributes need not be hashable, and there are few converters

    def __repr__(self) -> str:
        settings = sorted(each for each in vars(self).items() if each[1] is not None)
        shown = ", ".join(f"{name}={value!r}" for name, value in settings)
        return f"{type(self).__qualname__}({shown})"


ConverterFactory: TypeAlias = Callable[..., Converter[Any]]
"""A ``Converter`` class or a function that makes one; takes the arguments in the template."""


class StrConverter(Converter[str]):
    """Any text but the empty one; with ``min_length`` and ``max_length`` in characters.

    Writes ``str``, and ``int`` in decimal, since identifiers are so often numbers.

    >>> StrConverter(max_length=8).parse("ada")
    'ada'
    """

    precedence: ClassVar[int] = 60

    def __init__(self, *, min_length: int | None = None, max_length: int | None = None) -> None:
        self.min_length: int | None = None if min_length is None else _expect(min_length, int)
        self.max_length: int | None = None if max_length is None else _expect(max_length, int)
        if max_length is not None and max_length < (min_length or 1):
            raise ValueError("max_length is below min_length")

    def parse(self, text: str) -> str:
        if self.min_length is not None and len(text) < self.min_length:
            raise ValueError(f"under {self.min_length} characters")
        if self.max_length is not None and len(text) > self.max_length:
            raise ValueError(f"over {self.max_length} characters")
        return text

    def format(self, value: str | int) -> str:
        text = value if isinstance(value, str) else str(_expect(value, int, "str or int"))
        return self.parse(text)


class _Number(Converter[_N]):
    """What numbers share: the bounds ``min`` and ``max``, themselves included."""

    def __init__(self, *, min: _N | None = None, max: _N | None = None) -> None:
        self.min: _N | None = None if min is None else self._number(min)
        self.max: _N | None = None if max is None else self._number(max)
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is above max")

    @abstractmethod
    def _number(self, value: object) -> _N:
        """Take a caller's number; ``TypeError`` for anything else."""

    def _within(self, value: _N) -> _N:
        if self.min is not None and value < self.min:
            raise ValueError(f"below {self.min}")
        if self.max is not None and value > self.max:
            raise ValueError(f"above {self.max}")
        return value


class IntConverter(_Number[int]):
    """A whole number: "-" or nothing, then at most 100 ASCII digits; ``min`` and ``max`` included.

    >>> IntConverter(min=1, max=10).parse("7")
    7
    """

    precedence: ClassVar[int] = 20

    def parse(self, text: str) -> int:
        # For ASCII digits the str methods take a third of the time of the expression.
        is_short = text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS
        if not is_short and _INT(text) is None:
            raise ValueError("not a whole number")
        value = int(text)
        return value if self.min is None is self.max else self._within(value)

    def format(self, value: int) -> str:
        if abs(self._number(value)) >= 10**_MAX_DIGITS:
            raise ValueError(f"over {_MAX_DIGITS} digits")
        return str(self._within(value))

    def _number(self, value: object) -> int:
        return _expect(value, int)


class FloatConverter(_Number[float]):
    """A finite number in plain notation (``-1``, ``0.25``; no exponent); bounds included.

    Writes the shortest text that is read as the same number.

    >>> FloatConverter(min=0, max=1).parse("0.25")
    0.25
    """

    precedence: ClassVar[int] = 30

    def parse(self, text: str) -> float:
        if _FLOAT(text) is None or not math.isfinite(value := float(text)):
            raise ValueError("not a number in plain notation")
        return self._within(value)

    def format(self, value: float) -> str:
        number = self._within(self._number(value))
        if not math.isfinite(number):
            raise ValueError("not finite")
        return f"{Decimal(repr(number)):f}"  # Decimal takes the exponent out of repr's text

    def _number(self, value: object) -> float:
        return value if isinstance(value, float) else float(_expect(value, int, "float"))


class DecimalConverter(_Number[Decimal]):
    """An exact ``decimal.Decimal`` in plain notation, at most 100 digits on each side of the point.

    Writes an ``int`` too, and a ``float`` with the digits that it prints.

    >>> DecimalConverter().parse("12.50")
    Decimal('12.50')
    """

    precedence: ClassVar[int] = 30

    def parse(self, text: str) -> Decimal:
        if _DECIMAL(text) is None:
            raise ValueError("not a number in plain notation")
        return self._within(Decimal(text))

    def format(self, value: Decimal | float) -> str:
        number = self._number(value)
        # Looked at before writing: in plain notation Decimal("1E+999999") is a megabyte.
        if not number.is_finite() or abs(number.adjusted()) > _MAX_DIGITS:
            raise ValueError(f"not a finite number of at most {_MAX_DIGITS} digits")
        text = f"{number:f}"
        self.parse(text)
        return text

    def _number(self, value: object) -> Decimal:
        if isinstance(value, float):
            return Decimal(repr(value))
        return value if isinstance(value, Decimal) else Decimal(_expect(value, int, "Decimal"))


class UUIDConverter(Converter[UUID]):
    """A ``uuid.UUID`` as 8-4-4-4-12 hexadecimal digits of either case (RFC 9562 4).

    >>> UUIDConverter().parse("0B5F3C1E-7A52-4A1C-9D5E-2F8C3F0F9A11")
    UUID('0b5f3c1e-7a52-4a1c-9d5e-2f8c3f0f9a11')
    """

    precedence: ClassVar[int] = 15

    def parse(self, text: str) -> UUID:
        if _UUID(text) is None:
            raise ValueError("not a UUID")
        return UUID(text)

    def format(self, value: UUID) -> str:
        return str(_expect(value, UUID))


class DateConverter(Converter[date]):
    """A ``datetime.date`` as YYYY-MM-DD (RFC 3339 5.6, full-date).

    >>> DateConverter().parse("2026-02-28")
    datetime.date(2026, 2, 28)
    """

    precedence: ClassVar[int] = 15

    def parse(self, text: str) -> date:
        if _DATE(text) is None:
            raise ValueError("not a date")
        return date.fromisoformat(text)

    def format(self, value: date) -> str:
        if isinstance(value, datetime):
            raise TypeError("needs date, not datetime")
        return _expect(value, date).isoformat()


class DatetimeConverter(Converter[datetime]):
    """A ``datetime.datetime`` as RFC 3339 5.6 writes it; without an offset it is naive.

    Fractions of a second are cut to microseconds; a leap second is no match.

    >>> DatetimeConverter().parse("2026-02-28T12:00:00Z")
    datetime.datetime(2026, 2, 28, 12, 0, tzinfo=datetime.timezone.utc)
    """

    precedence: ClassVar[int] = 15

    def parse(self, text: str) -> datetime:
        if _DATETIME(text) is None:
            raise ValueError("not a date and time")
        return datetime.fromisoformat(text.upper())  # "t" and "z" mean the same (RFC 3339 5.6)

    def format(self, value: datetime) -> str:
        text = _expect(value, datetime).isoformat()
        if _DATETIME(text) is None:
            raise ValueError("the offset has seconds")
        return text


class AnyConverter(Converter[str]):
    """One of the listed texts, compared as they stand.

    >>> AnyConverter("red", "green").parse("red")
    'red'
    """

    precedence: ClassVar[int] = 10

    def __init__(self, *choices: str) -> None:
        if not choices or "" in choices:
            raise ValueError("needs at least one choice, and none of them empty")
        self.choices: tuple[str, ...] = tuple(sorted(set(choices)))

    def parse(self, text: str) -> str:
        if text in self.choices:
            return text
        raise ValueError(f"not one of {', '.join(self.choices)}")

    def format(self, value: str) -> str:
        return self.parse(_expect(value, str))


class RegexConverter(Converter[str]):
    r"""Text that ``pattern`` matches from end to end; ``\d``, ``\w`` and ``\s`` mean ASCII.

    What the pattern costs on long text is its author's to answer for.

    >>> RegexConverter("[0-9a-f]{4}").parse("beef")
    'beef'
    """

    precedence: ClassVar[int] = 50

    def __init__(self, pattern: str) -> None:
        try:
            self.pattern: re.Pattern[str] = re.compile(pattern, re.ASCII)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error

    def parse(self, text: str) -> str:
        if self.pattern.fullmatch(text) is None:
            raise ValueError(f"does not match {self.pattern.pattern}")
        return text

    def format(self, value: str) -> str:
        return self.parse(_expect(value, str))


class PathConverter(Converter[str]):
    """The rest of the path, or as much as what follows leaves: one or more segments joined by "/".

    A slash that came as ``%2F`` inside a segment is written ``%2F``. The text may be empty:
    ``/files/`` has one empty segment behind ``files``.
    """

    multi_segment: ClassVar[bool] = True
    precedence: ClassVar[int] = 90

    def parse(self, text: str) -> str:
        return text

    def format(self, value: str) -> str:
        return _expect(value, str)


def _any(*choices: str) -> Converter[str]:
    return AnyConverter(*choices) if choices else PathConverter()


CONVERTERS: Final[dict[str, ConverterFactory]] = {
    "any": _any,
    "date": DateConverter,
    "datetime": DatetimeConverter,
    "decimal": DecimalConverter,
    "float": FloatConverter,
    "int": IntConverter,
    "path": PathConverter,
    "str": StrConverter,
    "uuid": UUIDConverter,
}
"""The converters that every template knows, by name. ``any`` without choices is ``path``."""


def register_converter(name: str, factory: ConverterFactory) -> None:
    """Make ``{...:name}`` known to every template that is parsed from now on.

    ``factory`` is a ``Converter`` class or a function that makes one; the arguments in the template
    are passed to it. A router's own converters need no registration: see ``parse_template``.

    Raises ``ValueError`` if ``name`` is not an identifier or means something else already,
    ``TypeError`` if ``factory`` cannot be called.

    >>> register_converter("hex", lambda: RegexConverter("[0-9a-f]+"))
    """
    if not name.isidentifier():
        raise ValueError(f"a converter's name is an identifier, not {name!r}")
    if not callable(factory):
        raise TypeError(f"converter {name!r}: register the class, not an instance of it")
    if CONVERTERS.setdefault(name, factory) is not factory:
        raise ValueError(f"converter {name!r} is registered already")


def _expect(value: object, kind: type[_V], wanted: str = "") -> _V:
    """Give ``value`` back if it is a ``kind``; a bool is no number here."""
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"needs {wanted or kind.__name__}, not {type(value).__name__}")
    return value
