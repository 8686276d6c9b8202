"""How bodies are read: the settings of an app, a router or a route, and their keys in the scope."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, TypedDict, cast

from portico.connection.body import INHERIT, LIMIT, Limit
from portico.http.encodings import DECODERS
from portico.http.multipart import FormLimits

__all__ = (
    "CODINGS",
    "FORM_LIMITS",
    "HAS_TIMEOUTS",
    "IDLE_TIMEOUT",
    "TIMEOUT",
    "BodyOptions",
    "body_marks",
)

FORM_LIMITS: Final = "portico.form_limits"
"""The scope's key for the ``FormLimits``."""

IDLE_TIMEOUT: Final = "portico.body_idle_timeout"
"""The scope's key for the time, in seconds, that a piece of a body may take."""

TIMEOUT: Final = "portico.body_timeout"
"""The scope's key for the time, in seconds, that a body may take."""

HAS_TIMEOUTS: Final = "portico.body_has_timeouts"
"""The scope's key for whether either of them was set: most bodies ask for this alone."""

CODINGS: Final = "portico.content_encodings"
"""The scope's key for the content codings that are decoded."""


class BodyOptions(TypedDict, total=False):
    """How bodies are read, by keyword, at an app, a router or a route; the nearest counts.

    ``max_body_bytes`` limits what is read whole (default 10 MiB, forms with files 64 MiB; ``None``:
    no limit), ``form_limits`` what a form may hold. A body of which nothing comes for
    ``body_idle_timeout`` seconds, or that takes more than ``body_timeout``, is refused with 408
    (default ``None``: never). Bodies in the codings named in ``content_encodings`` are decoded:
    ``gzip``, ``deflate``, ``br``, ``zstd``; any other is refused with 415.
    """

    max_body_bytes: Limit
    form_limits: FormLimits
    body_idle_timeout: float | None
    body_timeout: float | None
    content_encodings: Collection[str]


def body_marks(options: BodyOptions) -> dict[str, Any]:
    """Make the scope's keys and values of the options that were given.

    Raises ``TypeError`` for an option that there is not or a value of the wrong type,
    ``ValueError`` for a negative limit or time, and for a coding that is not known.
    """
    marks: dict[str, Any] = {}
    for name, value in cast("Mapping[str, object]", options).items():
        if name not in _MARKS:
            raise TypeError(f"there is no setting {name!r}; there are {', '.join(_MARKS)}")
        if value is not INHERIT:
            key, check = _MARKS[name]
            marks[key] = check(name, value)
    if IDLE_TIMEOUT in marks or TIMEOUT in marks:
        marks[HAS_TIMEOUTS] = True
    return marks


def _size(name: str, value: object) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise TypeError(f"{name} is a number of bytes or None, not {type(value).__name__}")
    if value is not None and value < 0:
        raise ValueError(f"{name} is 0 or more, not {value}")
    return value


def _seconds(name: str, value: object) -> float | None:
    if value is not None and (not isinstance(value, int | float) or isinstance(value, bool)):
        raise TypeError(f"{name} is a number of seconds or None, not {type(value).__name__}")
    if value is not None and not value > 0:
        raise ValueError(f"{name} is more than 0, not {value}")
    return value


def _limits(name: str, value: object) -> FormLimits:
    if not isinstance(value, FormLimits):
        raise TypeError(f"{name} is a FormLimits, not {type(value).__name__}")
    return value


def _codings(name: str, value: object) -> frozenset[str]:
    if isinstance(value, str) or not isinstance(value, Collection):
        raise TypeError(f"{name} is a collection of names, not {type(value).__name__}")
    codings = frozenset(cast("Collection[str]", value))
    if unknown := codings - DECODERS.keys():
        raise ValueError(f"{name}: {sorted(unknown)} not known; there are {sorted(DECODERS)}")
    return codings


_MARKS: Final[dict[str, tuple[str, Callable[[str, object], object]]]] = {
    "max_body_bytes": (LIMIT, _size),
    "form_limits": (FORM_LIMITS, _limits),
    "body_idle_timeout": (IDLE_TIMEOUT, _seconds),
    "body_timeout": (TIMEOUT, _seconds),
    "content_encodings": (CODINGS, _codings),
}
