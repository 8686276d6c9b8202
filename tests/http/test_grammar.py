from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.http.grammar import is_token, parse_parameters, quote_string, split_list

QUOTABLE = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=30)


@pytest.mark.parametrize("text", ["a", "x-tag", "!#$%&'*+-.^_`|~", "0", "*"])
def test_tokens(text: str) -> None:
    assert is_token(text)


@pytest.mark.parametrize("text", ["", " ", "a b", "a\n", "a,b", 'a"', "é", "\u0661", "a/b", "[a]"])
def test_not_tokens(text: str) -> None:
    assert not is_token(text)


@pytest.mark.parametrize("text", ["\r", "a\nb", "\0", "\x7f", "€", "\ud800", "a\n"])
def test_what_no_quoted_string_can_carry(text: str) -> None:
    with pytest.raises(ValueError, match="quoted-string"):
        quote_string(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param(",, ,\t,", [], id="empty elements (5.6.1.2)"),
        pytest.param("a, b\t,c", ["a", "b", "c"], id="blanks around"),
        pytest.param('a, "b,c", d', ["a", '"b,c"', "d"], id="separator in quotes"),
        pytest.param('"a\\",b", c', ['"a\\",b"', "c"], id="escaped quote"),
        pytest.param('a"b,c"d,e', ['a"b,c"d', "e"], id="quotes within an element"),
        pytest.param('a, "b,c', ["a", '"b,c'], id="quotes never closed"),
        pytest.param('a, "b\\', ["a", '"b\\'], id="escape at the end"),
        pytest.param("\xa0a,\x85b", ["\xa0a", "\x85b"], id="only SP and HTAB are blanks"),
    ],
)
def test_split_list(value: str, expected: list[str]) -> None:
    assert split_list(value) == expected
    assert split_list(value.replace(",", ";"), ";") == [text.replace(",", ";") for text in expected]


def test_split_list_knows_two_separators() -> None:
    with pytest.raises(ValueError, match="separator"):
        split_list("a b", " ")


@pytest.mark.parametrize(
    ("value", "main", "parameters"),
    [
        pytest.param(" form-data ", "form-data", {}, id="no parameters"),
        pytest.param('a; Name="b;c"', "a", {"name": "b;c"}, id="quoted, name in lower case"),
        pytest.param(r'a; b="\"\\c"', "a", {"b": r'"\c'}, id="quoted-pairs (5.6.4)"),
        pytest.param("a; b=1; B=2", "a", {"b": "1"}, id="the first counts"),
        pytest.param("a;; b=1 ; ", "a", {"b": "1"}, id="empty parameters (5.6.6)"),
        pytest.param("; b=1", "", {"b": "1"}, id="no main part"),
        pytest.param("a; b=my file.txt", "a", {"b": "my file.txt"}, id="unquoted with a space"),
        pytest.param('a; b=""', "a", {"b": ""}, id="empty in quotes"),
        pytest.param("a; b; c=; d =1; e= 1", "a", {}, id="no parameters at all"),
        pytest.param('a; b="c"d; e=f"g"; h="i', "a", {}, id="quotes in wrong places"),
        pytest.param("a; é=1", "a", {}, id="name is no token"),
    ],
)
def test_parse_parameters(value: str, main: str, parameters: dict[str, str]) -> None:
    assert parse_parameters(value) == (main, parameters)


@given(QUOTABLE)
def test_what_is_quoted_is_read_back(text: str) -> None:
    assert parse_parameters(f"a; b={quote_string(text)}; c=d") == ("a", {"b": text, "c": "d"})
    assert split_list(f"{quote_string(text)}, x") == [quote_string(text), "x"]


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    parse_parameters(text)
    assert all(element == element.strip(" \t") != "" for element in split_list(text))


@pytest.mark.parametrize("piece", ['"', "\\", '"\\', '\\"', ";", ",", ' ;"', "a=b;", 'a="', " "])
def test_cost_is_linear(piece: str) -> None:
    started = perf_counter()
    for value in (piece * 50_000, f'a; b="{piece * 50_000}'):
        parse_parameters(value)
        split_list(value)
    assert perf_counter() - started < 1
