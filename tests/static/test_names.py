"""Which names may be those of files, on every system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.static.names import is_safe_name, safe_names


@pytest.mark.parametrize(
    "name",
    [
        *(
            "site.css",
            "a b.txt",
            "do..ts.txt",
            "a%20b",
            "q?mark",
            "hash#",
            "caf\u00e9",
            "snow \u2603",
        ),
        *("~", "-", "_", "a.b.c", "console.js", "auxiliary", "com10", "com", "lpt", "nula.txt"),
        *("a~1", "con-fig", "x.con", "\U0001f600"),
    ],
)
def test_safe(name: str) -> None:
    assert is_safe_name(name)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param(".", id="here"),
        pytest.param("..", id="up"),
        pytest.param("...", id="dots"),
        pytest.param(".git", id="hidden"),
        pytest.param(".well-known", id="only at the top"),
        pytest.param("a/b", id="a slash that came as %2F"),
        pytest.param("..\\x", id="a backslash"),
        pytest.param("C:", id="a drive"),
        pytest.param("a.txt:x", id="a stream"),
        pytest.param("\0", id="NUL"),
        pytest.param("a\nb", id="a line end"),
        pytest.param("a\n", id="a line end at the end"),
        pytest.param("a\x7f", id="DEL"),
        pytest.param("a.", id="a dot at the end"),
        pytest.param("a ", id="a space at the end"),
        pytest.param("a\ufffd", id="no UTF-8"),
        pytest.param("\udc80", id="half a pair"),
        pytest.param("con", id="a device"),
        pytest.param("CON", id="a device, in capitals"),
        pytest.param("CON.txt", id="a device with an ending"),
        pytest.param("con .txt", id="a device with a space"),
        pytest.param("aux.tar.gz", id="a device with two endings"),
        pytest.param("com1", id="a port"),
        pytest.param("LPT9.x", id="a printer"),
        pytest.param("com\u00b9", id="a superscript is a digit there"),
        pytest.param("conin$", id="the console"),
        pytest.param("nul.", id="nothing, and a dot"),
    ],
)
def test_unsafe(name: str) -> None:
    assert not is_safe_name(name)


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        pytest.param(["a", "b.txt"], ["a", "b.txt"], id="names"),
        pytest.param([".well-known", "x"], [".well-known", "x"], id="RFC 8615"),
        pytest.param(["a", ".well-known"], None, id="only at the top"),
        pytest.param([".well-known", ".x"], None, id="nothing hidden in there"),
        pytest.param(["a", "..", "b"], None, id="up"),
        pytest.param(["", "etc"], None, id="a double slash"),
        pytest.param(["a", ""], None, id="a slash at the end"),
        pytest.param([], None, id="none"),
    ],
)
def test_paths(segments: list[str], expected: list[str] | None) -> None:
    assert safe_names(segments) == expected


@given(st.text(st.sampled_from("./\\:ab \0~%"), max_size=8))
def test_a_safe_name_stays_where_it_is(name: str) -> None:
    if is_safe_name(name):
        path = Path("/root") / name
        assert os.path.normpath(path) == str(path)
        assert path.parent == Path("/root")
