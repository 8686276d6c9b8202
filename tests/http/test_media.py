from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.errors import BadInput
from portico.http.media import MediaType, comparable_parameters, parse_media_type

TOKENS = st.text(st.sampled_from("abcXYZ019!#$%&'*+-.^_`|~"), min_size=1, max_size=10)
VALUES = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=20)


@pytest.mark.parametrize(
    ("text", "essence", "parameters"),
    [
        pytest.param("text/plain", "text/plain", {}, id="plain"),
        pytest.param("Text/HTML;Charset=UTF-8", "text/html", {"charset": "UTF-8"}, id="case"),
        pytest.param(" a/b ; ; c=d ;", "a/b", {"c": "d"}, id="blanks, empty parameters (5.6.6)"),
        pytest.param(r'a/b; c="d\";e"', "a/b", {"c": 'd";e'}, id="quoted-pair (5.6.4)"),
        pytest.param('a/b; c=""', "a/b", {"c": ""}, id="empty in quotes"),
        pytest.param("a/b; c=d:e=f", "a/b", {"c": "d:e=f"}, id="boundary without its quotes"),
        pytest.param("*/*", "*/*", {}, id="range"),
        pytest.param("a/b; c=" + "d" * 200, "a/b", {"c": "d" * 200}, id="too long to be kept"),
    ],
)
def test_parse_media_type(text: str, essence: str, parameters: dict[str, str]) -> None:
    media_type = parse_media_type(text)
    assert media_type.essence == essence == f"{media_type.type}/{media_type.subtype}"
    assert media_type.parameters == parameters
    assert media_type == essence


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("text", id="no subtype"),
        pytest.param("text/", id="empty subtype"),
        pytest.param("/plain", id="empty type"),
        pytest.param("text /plain", id="blank in it"),
        pytest.param("text/plain/x", id="two slashes"),
        pytest.param("text/plain, text/html", id="a list"),
        pytest.param("text/plain; charset", id="no value"),
        pytest.param("text/plain; charset=", id="empty value"),
        pytest.param("text/plain; charset = utf-8", id="blanks around = (5.6.6)"),
        pytest.param('text/plain; charset="utf-8', id="quote not closed"),
        pytest.param('text/plain; charset="utf-8"x', id="text behind a quote"),
        pytest.param("a/b; boundary=1; Boundary=2", id="twice (RFC 6838 4.3)"),
        pytest.param("a/b; c=\xe9", id="not ASCII, not quoted"),
        pytest.param('a/b; c="\n"', id="control character"),
        pytest.param("\xa0text/plain", id="only SP and HTAB are blanks"),
        pytest.param("text/plain\n", id="line break after"),
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_media_type(text)
    assert caught.value.field == "content-type"
    assert caught.value.status_code == 400


def test_properties() -> None:
    media_type = parse_media_type("application/problem+json; charset=UTF-8")
    assert media_type.charset == "utf-8"
    assert media_type.suffix == "json"
    assert media_type.is_json
    assert parse_media_type("application/json").is_json
    assert parse_media_type("text/json").is_json
    plain = parse_media_type("text/plain")
    assert (plain.charset, plain.suffix, plain.is_json) == (None, None, False)
    assert repr(media_type) == "<MediaType application/problem+json; charset=UTF-8>"


def test_equality() -> None:
    one = MediaType("text", "html", {"charset": "UTF-8", "level": "A"})
    two = MediaType("TEXT", "Html", {"Level": "A", "Charset": "utf-8"})
    assert one == two == "text/html"
    assert hash(one) == hash(two) == hash("text/html")
    assert one != MediaType("text", "html", {"charset": "utf-8", "level": "a"})
    assert one != MediaType("text", "html")
    assert one != "text/plain"
    assert one != b"text/html"
    assert {one: 1}["text/html"] == 1  # type: ignore[index]


def test_nothing_can_be_changed() -> None:
    parameters = {"a": "1"}
    media_type = MediaType("text", "html", parameters)
    parameters["a"] = "2"
    assert media_type.parameters == {"a": "1"}
    with pytest.raises(AttributeError):
        media_type.type = "x"  # type: ignore[misc]
    with pytest.raises(TypeError):
        media_type.parameters["a"] = "3"  # type: ignore[index]


@pytest.mark.parametrize(
    ("this", "other", "expected"),
    [
        ("text/html", "text/html", True),
        ("text/html", "text/*", True),
        ("text/html", "*/*", True),
        ("text/*", "text/html", True),
        ("text/html", "text/plain", False),
        ("text/html", "image/*", False),
        ("text/html; level=1", "text/html", True),
        ("text/html", "text/html; level=1", False),
        ("text/html; charset=UTF-8", "text/*; charset=utf-8", True),
    ],
)
def test_matches(this: str, other: str, expected: bool) -> None:
    assert parse_media_type(this).matches(other) is expected
    assert parse_media_type(this).matches(parse_media_type(other)) is expected


@pytest.mark.parametrize(
    ("kind", "subtype", "parameters"),
    [
        ("a b", "c", {}),
        ("a", "", {}),
        ("a", "b", {"c d": "e"}),
        ("a", "b", {"c": "\n"}),
        ("a", "b", {"c": "€"}),
    ],
)
def test_what_cannot_be_written(kind: str, subtype: str, parameters: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"token|quoted-string"):
        MediaType(kind, subtype, parameters)


@given(TOKENS, TOKENS, st.dictionaries(TOKENS.map(str.lower), VALUES, max_size=3))
def test_what_is_written_is_read_back(kind: str, subtype: str, parameters: dict[str, str]) -> None:
    media_type = MediaType(kind, subtype, parameters)
    assert parse_media_type(str(media_type)) == media_type
    assert parse_media_type(str(media_type)).parameters == parameters


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for prefix in ("", "a/b;", 'a/b; c="'):
        try:
            parse_media_type(prefix + text)
        except BadInput:
            continue


def test_comparable_parameters() -> None:
    assert comparable_parameters({"charset": "A", "x": "A"}) == {("charset", "a"), ("x", "A")}


@pytest.mark.parametrize("piece", ['"', "\\", '\\"', ";", " ", ";a=b", " ;", "a"])
def test_cost_is_linear(piece: str) -> None:
    started = perf_counter()
    for prefix in ("", "a/b", 'a/b;c="', "a/b;c="):
        try:
            parse_media_type(prefix + piece * 100_000)
        except BadInput:
            continue
    assert perf_counter() - started < 1
