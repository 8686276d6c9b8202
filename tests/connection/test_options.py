"""``portico.connection.options``."""

from __future__ import annotations

from typing import Any

import pytest

from portico import App, FormLimits, Route, Router
from portico.connection.body import INHERIT
from portico.connection.options import body_marks


def test_what_is_given_is_in_the_scope() -> None:
    limits = FormLimits(files=1)
    assert body_marks({}) == {}
    assert body_marks({"max_body_bytes": INHERIT}) == {}
    assert body_marks(
        {
            "max_body_bytes": None,
            "form_limits": limits,
            "body_idle_timeout": 3,
            "body_timeout": 1.5,
            "content_encodings": ["gzip"],
        }
    ) == {
        "portico.max_body_bytes": None,
        "portico.form_limits": limits,
        "portico.body_idle_timeout": 3,
        "portico.body_timeout": 1.5,
        "portico.body_has_timeouts": True,
        "portico.content_encodings": {"gzip"},
    }


@pytest.mark.parametrize(
    ("option", "value", "error"),
    [
        ("max_body_bytes", -1, ValueError),
        ("max_body_bytes", "1", TypeError),
        ("max_body_bytes", True, TypeError),
        ("form_limits", {"files": 1}, TypeError),
        ("body_idle_timeout", 0, ValueError),
        ("body_timeout", -1.0, ValueError),
        ("body_timeout", float("nan"), ValueError),
        ("body_timeout", "1", TypeError),
        ("body_timeout", True, TypeError),
        ("content_encodings", "gzip", TypeError),
        ("content_encodings", 1, TypeError),
        ("content_encodings", ["gzip", "zip"], ValueError),
        ("max_body_byte", 1, TypeError),
    ],
)
def test_what_is_wrong_is_said_at_once(option: str, value: object, error: type[Exception]) -> None:
    given: dict[str, Any] = {option: value}
    with pytest.raises(error, match=option):
        App(**given)
    with pytest.raises(error, match=option):
        Router(**given)
    with pytest.raises(error, match=option):
        Route("/", print, **given)
