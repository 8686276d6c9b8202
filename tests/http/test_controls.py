"""Text that a terminal does not obey."""

from __future__ import annotations

import pytest

from portico.http._controls import visible
from portico.http.problem import Problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("plain é €", "plain é €", id="text"),
        pytest.param("a\tb\nc", "a\tb\nc", id="tab and newline stay"),
        pytest.param("\x1b[31m\r\0", "\\x1b[31m\\x0d\\x00", id="C0"),
        pytest.param("\x7f\x9b2J", "\\x7f\\x9b2J", id="DEL and C1"),
        pytest.param("\u202eevil\u2066", "\\u202eevil\\u2066", id="bidirectional"),
        pytest.param("\u200e\u061c\u2028", "\\u200e\\u061c\\u2028", id="marks and separators"),
    ],
)
def test_visible(text: str, expected: str) -> None:
    assert visible(text) == expected


def test_a_problem_as_text_is_obeyed_by_no_terminal() -> None:
    problem = Problem(status=404, title="No\x1b]0;", detail="\x1b[2J\u202e\x85gone")
    assert problem.as_text() == "404 No\\x1b]0;\n\\x1b[2J\\u202e\\x85gone\n"
