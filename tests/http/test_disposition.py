from __future__ import annotations

import re
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.errors import BadInput
from portico.http.disposition import (
    MAX_FILENAME_BYTES,
    Disposition,
    content_disposition,
    parse_disposition,
)


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        pytest.param(None, "attachment", id="no name"),
        pytest.param("", "attachment", id="empty"),
        pytest.param("plan.pdf", 'attachment; filename="plan.pdf"', id="plain"),
        pytest.param("a;b, c=d.txt", 'attachment; filename="a;b, c=d.txt"', id="separators"),
        pytest.param("/etc/passwd", 'attachment; filename="passwd"', id="path"),
        pytest.param("C:\\dir\\a.txt", 'attachment; filename="a.txt"', id="path with backslashes"),
        pytest.param("../../x", 'attachment; filename="x"', id="way up"),
        pytest.param("..", "attachment", id="two dots"),
        pytest.param("a/.", "attachment", id="one dot"),
        pytest.param("a/", "attachment", id="a directory"),
        pytest.param("\0", "attachment", id="NUL alone"),
        pytest.param(".\0.", "attachment", id="two dots in disguise"),
        pytest.param("a\r\nX: y", 'attachment; filename="aX: y"', id="line break (A075)"),
        pytest.param(" a ", 'attachment; filename="a"', id="spaces around"),
        pytest.param(
            'x.bat" ; y',
            "attachment; filename=\"x.bat_ ; y\"; filename*=UTF-8''x.bat%22%20%3B%20y",
            id="quote (CVE-2022-36359)",
        ),
        pytest.param(
            "€.txt",
            "attachment; filename=\"_.txt\"; filename*=UTF-8''%E2%82%AC.txt",
            id="not ASCII (RFC 6266 5)",
        ),
        pytest.param(
            "a%22b",
            "attachment; filename=\"a_b\"; filename*=UTF-8''a%2522b",
            id="percent escape (RFC 6266 D)",
        ),
        pytest.param("100%.txt", 'attachment; filename="100%.txt"', id="percent alone"),
        pytest.param(
            "a\ud800b",
            "attachment; filename=\"a_b\"; filename*=UTF-8''a%EF%BF%BDb",
            id="lone surrogate",
        ),
    ],
)
def test_content_disposition(filename: str | None, expected: str) -> None:
    assert content_disposition(filename) == expected


def test_kinds() -> None:
    assert content_disposition("a", "inline") == 'inline; filename="a"'
    for kind in ("", "in line", "inline; x=y", "a\r\nb"):
        with pytest.raises(ValueError, match="token"):
            content_disposition("a", kind)


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        pytest.param("a" * MAX_FILENAME_BYTES, "a" * MAX_FILENAME_BYTES, id="at the limit"),
        pytest.param("a" * (MAX_FILENAME_BYTES + 1), "a" * MAX_FILENAME_BYTES, id="one more"),
        pytest.param("a" * 10_240 + ".tar", "a" * 251 + ".tar", id="suffix kept"),
        pytest.param("a" * 300 + "." + "b" * 32, "a" * 255, id="suffix too long"),
        pytest.param("." + "a" * 300, "." + "a" * 254, id="no suffix"),
        pytest.param("é" * 200, "é" * 127, id="cut between characters"),
    ],
)
def test_long_names(filename: str, expected: str) -> None:
    assert parse_disposition(content_disposition(filename)).filename == expected


@pytest.mark.parametrize(
    ("text", "kind", "parameters"),
    [
        pytest.param("inline", "inline", {}, id="no parameters"),
        pytest.param("ATTACHMENT; FileName=a", "attachment", {"filename": "a"}, id="case"),
        pytest.param(
            'form-data; name="a"; filename="b;c"',
            "form-data",
            {"name": "a", "filename": "b;c"},
            id="form-data (RFC 7578 4.2)",
        ),
        pytest.param(
            "a; filename*=UTF-8''%c3%a9; filename=e", "a", {"filename": "é"}, id="star wins (4.3)"
        ),
        pytest.param("a; filename*=utf-8'en'b", "a", {"filename": "b"}, id="language, case"),
        pytest.param("a; filename*=iso-8859-1''%E9", "a", {"filename": "é"}, id="ISO-8859-1"),
        pytest.param("a; filename*=UTF-8''%C3; filename=b", "a", {"filename": "b"}, id="not UTF-8"),
        pytest.param("a; filename*=UTF-8''%zz; filename=b", "a", {"filename": "b"}, id="escape"),
        pytest.param("a; filename*=utf-7''b", "a", {}, id="another charset"),
        pytest.param("a; filename*=b", "a", {}, id="no charset"),
        pytest.param('a; filename="../../b"', "a", {"filename": "../../b"}, id="as it came"),
    ],
)
def test_parse_disposition(text: str, kind: str, parameters: dict[str, str]) -> None:
    assert parse_disposition(text) == Disposition(kind, parameters)


@pytest.mark.parametrize("text", ["", "; filename=a", "form data; name=a", "a/b", 'filename="x"'])
def test_no_kind(text: str) -> None:
    with pytest.raises(BadInput, match="content-disposition"):
        parse_disposition(text)


@given(st.text())
def test_what_is_written_is_read_back_and_safe(filename: str) -> None:
    text = content_disposition(filename)
    assert re.fullmatch(r"[ -~]*", text)
    name = parse_disposition(text).filename
    if name is not None:
        assert name in filename.encode("utf-8", "replace").decode() or len(name.encode()) <= 255
        assert not set(name) & set("/\\\r\n\0")
        assert name not in {"", ".", ".."}


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=50))
def test_a_basename_comes_back_as_it_is(filename: str) -> None:
    name = filename.replace("/", "").replace("\\", "").strip(" ")
    if name not in {"", ".", ".."}:
        assert parse_disposition(content_disposition(name)).filename == name


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    parse_disposition("a;" + text)
    parse_disposition("a; filename*=UTF-8''" + text)


@pytest.mark.parametrize("piece", ["%", "%41", "'", '"', "a", "\\", ".", "/", "€", "\ud800"])
def test_cost_is_linear(piece: str) -> None:
    started = perf_counter()
    text = piece * 100_000
    content_disposition(text)
    parse_disposition("a; filename*=UTF-8''" + text)
    assert perf_counter() - started < 1
