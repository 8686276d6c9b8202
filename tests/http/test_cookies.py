"""``portico.http.cookies``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from http.cookies import SimpleCookie
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.http.cookies import (
    MAX_COOKIE_BYTES,
    MAX_COOKIES,
    MAX_COOKIES_BYTES,
    format_cookie,
    format_deleted_cookie,
    parse_cookies,
)

# --- reading


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param(" \t ", [], id="blanks"),
        pytest.param("a=b", [("a", "b")], id="one"),
        pytest.param("a=b; c=d;e=f", [("a", "b"), ("c", "d"), ("e", "f")], id="several"),
        pytest.param("a=1; a=2", [("a", "1"), ("a", "2")], id="repeats, in order"),
        pytest.param("a=; b=", [("a", ""), ("b", "")], id="empty values"),
        pytest.param("a=b=c", [("a", "b=c")], id="only the first = separates"),
        pytest.param("a", [], id="no ="),
        pytest.param("=v; a=1", [("a", "1")], id="no name"),
        pytest.param("=__Host-x=bad", [], id="no name does not make one of the value"),
        pytest.param(" \t=x; a=1;; ;", [("a", "1")], id="a blank name, empty pairs"),
        pytest.param("\t a \t=\t b c \t;d=e", [("a", "b c"), ("d", "e")], id="outer blanks"),
        pytest.param("a=1, b=2", [("a", "1, b=2")], id="a comma does not separate"),
        pytest.param("$Version=1; a=b", [("$Version", "1"), ("a", "b")], id="$ means nothing"),
        pytest.param("a(b)=1; c=\x01; d=2", [("a(b)", "1"), ("c", "\x01"), ("d", "2")], id="odd"),
        pytest.param("a=%3B%22", [("a", "%3B%22")], id="escapes of URLs are kept"),
        pytest.param("\xa0a=evil; a=good", [("\xa0a", "evil"), ("a", "good")], id="no-break space"),
        pytest.param("\x1ca=1; \x85b=2", [("\x1ca", "1"), ("\x85b", "2")], id="separators of str"),
        pytest.param("a=\u2002b", [("a", "\u2002b")], id="text that is not latin-1 is kept"),
    ],
)
def test_parse(field: str, expected: list[tuple[str, str]]) -> None:
    assert list(parse_cookies([field]).items()) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param('"b"', "b", id="quotes are taken off (4.1.1)"),
        pytest.param('""', "", id="nothing inside"),
        pytest.param('"', '"', id="one quote"),
        pytest.param('"b', '"b', id="never closed"),
        pytest.param('b"', 'b"', id="never opened"),
        pytest.param('a"b"', 'a"b"', id="not around it"),
        pytest.param('" b "', " b ", id="blanks inside are kept"),
        pytest.param('"a" "b"', 'a" "b', id="quotes inside"),
        pytest.param(r'"a\"b\\c"', r'a"b\c', id="escaped quote and backslash"),
        pytest.param(r'"a\054\073\040b"', "a,; b", id="octal escapes"),
        pytest.param(r'"\134054"', r"\054", id="an escaped backslash escapes nothing more"),
        pytest.param(r'"\\054"', r"\054", id="nor one that is doubled"),
        pytest.param(r'"\015\012\000"', r"\015\012\000", id="never a control character"),
        pytest.param(r'"\x\5\45\400"', r"\x\5\45\400", id="what is no escape is kept"),
        pytest.param('"\\"', "\\", id="a backslash at the end"),
        pytest.param(r"a\054", r"a\054", id="no escapes without quotes"),
        pytest.param(r'"caf\303\251"', "café", id="octal UTF-8"),
        pytest.param(r'"caf\351"', "café", id="octal latin-1"),
        pytest.param("caf\xc3\xa9", "café", id="UTF-8"),
        pytest.param("caf\xe9", "café", id="latin-1"),
        pytest.param('"\xe2\x82\xac"', "€", id="UTF-8 in quotes"),
    ],
)
def test_parse_value(value: str, expected: str) -> None:
    assert dict(parse_cookies([f"a={value}; b=2"])) == {"a": expected, "b": "2"}


def test_a_semicolon_separates_inside_quotes_too() -> None:
    assert list(parse_cookies(['a="x;y"; b=2']).items()) == [("a", '"x'), ("b", "2")]


def test_names_are_utf_8_each_for_itself() -> None:
    cookies = parse_cookies(["f\xc3\xb6=1; f\xf6=2; x=\xff"])
    assert list(cookies.items()) == [("fö", "1"), ("fö", "2"), ("x", "ÿ")]


def test_several_fields_are_one() -> None:
    cookies = parse_cookies(iter(["a=1; b=2", "a=3"]))
    assert (cookies["a"], cookies.getall("a"), cookies["b"]) == ("1", ["1", "3"], "2")
    assert not parse_cookies([])


def test_limit_of_pairs() -> None:
    pairs = [f"n{number}=1" for number in range(MAX_COOKIES)]
    assert len(parse_cookies(["; ".join(pairs)])) == MAX_COOKIES
    assert list(parse_cookies(["; ".join([*pairs, "last=1"])])) == list(
        parse_cookies(["; ".join(pairs)])
    )


def test_limit_of_bytes() -> None:
    first = "a=1; b="
    whole = first + "x" * (MAX_COOKIES_BYTES - len(first))
    assert len(parse_cookies([whole])["b"]) == MAX_COOKIES_BYTES - len(first)
    assert list(parse_cookies([whole, "c=1"])) == ["a", "b"]
    assert list(parse_cookies([whole + "x"])) == ["a"], "a cookie is read whole or not at all"
    assert not parse_cookies(["a=" + "x" * MAX_COOKIES_BYTES])


@pytest.mark.parametrize(
    "unit", ['a="\\\\";', "\\073", '"', ";", "a=1;", "=", " ", "\xc3\xa9", 'a="\\"']
)
def test_any_long_field_is_read(unit: str) -> None:
    assert len(parse_cookies([unit * (MAX_COOKIES_BYTES // len(unit))])) <= MAX_COOKIES


@given(st.lists(st.text(st.characters(max_codepoint=255), max_size=30), max_size=3))
def test_parse_never_raises(fields: list[str]) -> None:
    assert all(name for name in parse_cookies(fields))


# --- writing


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, "; Path=/; SameSite=Lax", id="defaults"),
        pytest.param({"samesite": None}, "; Path=/", id="no SameSite"),
        pytest.param({"samesite": "strict"}, "; Path=/; SameSite=Strict", id="strict"),
        pytest.param({"samesite": "Lax"}, "; Path=/; SameSite=Lax", id="case-blind"),
        pytest.param(
            {"samesite": "none", "secure": True}, "; Path=/; Secure; SameSite=None", id="none"
        ),
        pytest.param({"path": None}, "; SameSite=Lax", id="no path"),
        pytest.param({"path": "/a b=c?d"}, "; Path=/a b=c?d; SameSite=Lax", id="any path (4.1.1)"),
        pytest.param(
            {"domain": "Example.com"}, "; Path=/; Domain=Example.com; SameSite=Lax", id="domain"
        ),
        pytest.param(
            {"domain": ".my_site.org"}, "; Path=/; Domain=my_site.org; SameSite=Lax", id="dot"
        ),
        pytest.param({"max_age": 0}, "; Max-Age=0; Path=/; SameSite=Lax", id="max-age 0"),
        pytest.param(
            {"expires": 784111777},
            "; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Path=/; SameSite=Lax",
            id="expires, in seconds",
        ),
        pytest.param(
            {"expires": datetime(1994, 11, 6, 17, 49, 37, tzinfo=timezone(timedelta(hours=9)))},
            "; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Path=/; SameSite=Lax",
            id="expires, in another time zone",
        ),
        pytest.param(
            {"secure": True, "httponly": True, "partitioned": True, "max_age": 60},
            "; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Lax; Partitioned",
            id="flags",
        ),
    ],
)
def test_attributes(options: dict[str, Any], expected: str) -> None:
    assert format_cookie("a", "b", **options) == "a=b" + expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"max_age": -1}, "max_age", id="negative max-age"),
        pytest.param({"max_age": float("nan")}, "max_age", id="max-age nan"),
        pytest.param({"max_age": 1.0}, "max_age", id="max-age is whole"),
        pytest.param({"max_age": True}, "max_age", id="max-age is no flag"),
        pytest.param({"max_age": "1; Domain=x"}, "max_age", id="max-age is no text"),
        pytest.param({"expires": datetime(2030, 1, 1)}, "time zone", id="naive"),  # noqa: DTZ001
        pytest.param({"expires": float("nan")}, "NaN", id="expires nan"),
        pytest.param({"expires": 1e300}, "years", id="expires too late"),
        pytest.param({"expires": datetime(1600, 12, 31, tzinfo=UTC)}, "1601", id="too early"),
        pytest.param({"path": ""}, "path", id="empty path"),
        pytest.param({"path": "a"}, "path", id="relative path"),
        pytest.param({"path": "/; Path=/x"}, "path", id="semicolon in the path"),
        pytest.param({"path": "/\r\nx: y"}, "path", id="line break in the path"),
        pytest.param({"path": "/\0"}, "path", id="NUL in the path"),
        pytest.param({"path": "/é"}, "path", id="path that is not ASCII"),
        pytest.param({"path": "/a "}, "path", id="blank at the end of the path"),
        pytest.param({"path": "/" + "a" * 1024}, "1024", id="path too long (5.6)"),
        pytest.param({"domain": ""}, "domain", id="empty domain"),
        pytest.param({"domain": ".x y"}, "domain", id="blank in the domain"),
        pytest.param({"domain": "x.com; Path=/"}, "domain", id="semicolon in the domain"),
        pytest.param({"domain": "x.com\n"}, "domain", id="line break in the domain"),
        pytest.param({"domain": "bücher.example"}, "domain", id="domain that is not ASCII"),
        pytest.param({"domain": "a..b"}, "domain", id="empty label"),
        pytest.param({"domain": "a." * 127}, "domain", id="dot at the end"),
        pytest.param({"domain": "a" * 64}, "domain", id="label too long"),
        pytest.param({"domain": ".".join(["a" * 63] * 4)}, "domain", id="domain too long"),
        pytest.param({"samesite": "lax; Secure"}, "samesite", id="unknown SameSite"),
        pytest.param({"samesite": "none"}, "secure", id="SameSite=None without Secure (5.7)"),
        pytest.param({"partitioned": True}, "secure", id="Partitioned without Secure"),
    ],
)
def test_refused_attributes(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        format_cookie("a", "b", **options)


@pytest.mark.parametrize(
    "name", ["", "a;b", "a=b", "a b", "a,b", 'a"b', "a\t", "a\n", "legit\r\nX: y", "é", "\u2103"]
)
def test_names_are_tokens(name: str) -> None:
    with pytest.raises(ValueError, match="is not a token"):
        format_cookie(name, "v")


def test_what_is_no_text() -> None:
    with pytest.raises(TypeError):
        format_cookie(b"a", "v")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError):
        format_cookie("a", 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("!#$%&'()*+-./09:<=>?@AZ[]^_`az{|}~", None, id="every cookie-octet (4.1.1)"),
        pytest.param("a b", '"a b"', id="space"),
        pytest.param(" ", '" "', id="outer space"),
        pytest.param("a,b", r'"a\054b"', id="comma"),
        pytest.param("a; Domain=x", r'"a\073 Domain=x"', id="semicolon"),
        pytest.param('"a"', r'"\042a\042"', id="quotes"),
        pytest.param("a\\b", r'"a\134b"', id="backslash"),
        pytest.param("é€", r'"\303\251\342\202\254"', id="UTF-8"),
    ],
)
def test_values(value: str, written: str | None) -> None:
    field = format_cookie("a", value, path=None, samesite=None)
    assert field == f"a={value if written is None else written}"
    assert parse_cookies([field])["a"] == value


@pytest.mark.parametrize("character", ["\r", "\n", "\0", "\t", "\x01", "\x7f", "\ud800"])
def test_refused_values(character: str) -> None:
    with pytest.raises(ValueError, match="cookie 'a': its value holds a") as caught:
        format_cookie("a", f"secret{character}")
    assert "secret" not in str(caught.value)


def test_limit_of_size() -> None:
    assert format_cookie("name", "x" * (MAX_COOKIE_BYTES - 4))
    with pytest.raises(ValueError, match="4096 bytes"):
        format_cookie("name", "x" * (MAX_COOKIE_BYTES - 3))
    with pytest.raises(ValueError, match="4096 bytes"):
        format_cookie("name", "," * (MAX_COOKIE_BYTES // 4))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        pytest.param("__Secure-a", {}, "secure", id="__Secure- needs Secure"),
        pytest.param("__secure-a", {}, "secure", id="in any case"),
        pytest.param("__Host-a", {}, "secure", id="__Host- needs Secure"),
        pytest.param("__HOST-a", {"secure": True, "path": "/a"}, "path", id="needs the root"),
        pytest.param("__Host-a", {"secure": True, "path": None}, "path", id="needs a path"),
        pytest.param("__Host-a", {"secure": True, "domain": "x.y"}, "domain", id="has no domain"),
    ],
)
def test_prefixes_refuse(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        format_cookie(name, "v", **options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param("__Secure-a", {"secure": True, "path": "/a", "domain": "x.y"}, id="secure"),
        pytest.param("__Host-a", {"secure": True}, id="host"),
        pytest.param("__Other-a", {"path": "/a"}, id="another prefix"),
    ],
)
def test_prefixes_allow(name: str, options: dict[str, Any]) -> None:
    assert format_cookie(name, "v", **options).startswith(f"{name}=v; ")


def test_deleted() -> None:
    assert format_deleted_cookie("__Host-a", secure=True, httponly=True, samesite="strict") == (
        "__Host-a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; Secure; HttpOnly;"
        " SameSite=Strict"
    )
    with pytest.raises(ValueError, match="secure"):
        format_deleted_cookie("__Host-a")


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=40))
def test_what_is_written_is_read(value: str) -> None:
    field = format_cookie("a", value, path=None, samesite=None)
    assert field.isascii()
    assert ";" not in field
    assert dict(parse_cookies([field])) == {"a": value}


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40))
def test_what_is_written_is_read_by_the_standard_library(value: str) -> None:
    others = SimpleCookie(format_cookie("a", value, path=None, samesite=None))
    assert others["a"].value == value


ANY = st.text(max_size=12) | st.text(st.sampled_from('a; =,\r\n"\\/.\0é'), max_size=8)


@given(st.builds(partial, st.just(format_cookie), ANY, ANY, path=ANY, domain=st.none() | ANY))
def test_nothing_breaks_out(write: Callable[[], str]) -> None:
    try:
        field = write()
    except ValueError:
        return
    assert field.isascii()
    assert field.isprintable()
    assert field.count("; ") + 1 == field.count(";") + 1 == len(field.split("; "))
    assert {part.partition("=")[0] for part in field.split("; ")[1:]} <= {
        *("Path", "Domain", "SameSite")
    }


@pytest.mark.parametrize(
    ("key", "value"), [("a", 1), ("a", None), (b"a", "b"), (None, "b"), ([], "")]
)
def test_names_and_values_are_text(key: Any, value: Any) -> None:
    with pytest.raises(TypeError, match="a cookie's key and value are of type str, not"):
        format_cookie(key, value)
