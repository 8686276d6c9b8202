from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.http.headers import (
    Headers,
    MutableHeaders,
    RawHeaders,
    encode_headers,
)

RAW: RawHeaders = [(b"accept", b"*/*"), (b"x-tag", b"a"), (b"cookie", b"s=1"), (b"x-tag", b"b")]


SETTERS: list[Callable[[MutableHeaders, str, str], object]] = [
    MutableHeaders.__setitem__,
    MutableHeaders.add,
    MutableHeaders.setdefault,
    lambda headers, name, value: headers.update({name: value}),
    lambda headers, name, value: headers.extend([(name, value)]),
]


@pytest.mark.parametrize("set_it", SETTERS)
@pytest.mark.parametrize(("name", "value"), [("x-a", "a\r\nb"), ("a b", "v"), ("accept", "€")])
def test_nothing_changes_when_refused(
    set_it: Callable[[MutableHeaders, str, str], object], name: str, value: str
) -> None:
    headers = MutableHeaders(list(RAW))
    with pytest.raises(ValueError, match="header"):
        set_it(headers, name, value)
    assert headers.raw == RAW


@given(st.text(max_size=20), st.text(max_size=20))
def test_what_is_encoded_may_be_sent(name: str, value: str) -> None:
    try:
        raw = encode_headers([(name, value)])
    except ValueError:
        return
    assert Headers(raw)[name] == value


def test_encode_headers() -> None:
    assert encode_headers() == encode_headers(None) == encode_headers({}) == []
    pairs = [("Link", "a"), ("link", "b")]
    assert encode_headers(iter(pairs)) == [(b"link", b"a"), (b"link", b"b")]


def test_a_list_is_kept_and_read_live() -> None:
    raw = list(RAW)
    headers = Headers(raw)
    assert headers.raw is raw
    raw.append((b"new", b"1"))
    assert headers["new"] == "1"


@pytest.mark.parametrize("kind", [tuple, iter])
def test_other_iterables_are_copied(
    kind: Callable[[RawHeaders], Iterable[tuple[bytes, bytes]]],
) -> None:
    assert Headers(kind(RAW)).raw == RAW


def test_pairs_may_be_lists() -> None:
    raw: list[list[bytes]] = [[b"a", b"1"], [b"B", b"2"]]
    headers = Headers(raw)  # type: ignore[arg-type]
    assert dict(headers) == {"a": "1", "b": "2"}


def test_text_is_refused() -> None:
    with pytest.raises(TypeError, match="encode_headers"):
        Headers({"a": "b"})  # type: ignore[dict-item]


def test_names_in_mixed_case_are_read_in_order() -> None:
    raw = [(b"Host", b"a"), (b"host", b"b")]
    headers = Headers(raw)
    assert headers["host"] == "b", "a name as ASGI wants it is found before others are looked at"
    assert headers.getall("HOST") == ["a", "b"]
    assert raw[0] == (b"Host", b"a"), "not ours to change"
    assert MutableHeaders(raw).raw == raw
    assert raw[0] == (b"host", b"a")


def test_reading() -> None:
    headers = Headers(RAW)
    assert headers["X-TAG"] == headers.get("X-Tag", "z") == "a"
    assert headers.getall("x-tag") == ["a", "b"]
    assert headers.get("nope") is None
    assert headers.get("nope", 1) == headers.getall("nope", 1) == 1
    assert "Accept" in headers
    assert "nope" not in headers
    assert not headers.__contains__(1)
    assert list(headers) == list(headers.keys()) == ["accept", "x-tag", "cookie", "x-tag"]
    assert len(headers) == len(headers.items()) == len(headers.values()) == 4
    assert list(headers.items())[1:] == [("x-tag", "a"), ("cookie", "s=1"), ("x-tag", "b")]
    assert list(headers.values()) == ["*/*", "a", "s=1", "b"]
    assert ("x-tag", "b") in headers.items()
    assert ("x-tag", "c") not in headers.items()
    assert "b" in headers.values()
    assert "c" not in headers.values()
    assert not Headers()


@pytest.mark.parametrize("look", [Headers.__getitem__, Headers.getall])
@pytest.mark.parametrize("name", ["nope", "", "€", "\ud800", "\u212aey"])
def test_a_name_that_is_not_there(look: Callable[[Headers, str], object], name: str) -> None:
    headers = Headers([*RAW, (b"key", b"v")])
    with pytest.raises(KeyError):
        look(headers, name)
    assert headers.get(name) is None
    assert name not in headers


def test_obs_text_is_latin_1() -> None:
    headers = Headers([(b"\xe9", b"\xe9\xff")])
    assert [(name, headers[name]) for name in headers] == [("é", "éÿ")]


def test_equality() -> None:
    headers = Headers(RAW)
    assert headers == Headers([RAW[1], RAW[0], RAW[3], RAW[2]])
    assert headers != Headers([RAW[0], RAW[3], RAW[2], RAW[1]]), "the order of one name counts"
    assert Headers([(b"a", b"1")]) == {"A": "1"}
    assert Headers([(b"a", b"1")]) != {"A": "2"}
    assert Headers() != {1: "1"}
    assert headers != RAW
    with pytest.raises(TypeError):
        hash(headers)


def test_repr_hides_secrets() -> None:
    names = ("authorization", "cookie", "set-cookie", "proxy-authorization")
    headers = Headers([*((name.encode(), b"hunter2") for name in names), (b"accept", b"*/*")])
    assert "hunter2" not in repr(headers)
    assert repr(headers).endswith("('accept', '*/*')])")
    assert repr(MutableHeaders()) == "MutableHeaders([])"


def test_setting_keeps_the_first_place() -> None:
    raw = list(RAW)
    headers = MutableHeaders(raw)
    headers["X-Tag"] = "c"
    assert raw == [(b"accept", b"*/*"), (b"x-tag", b"c"), (b"cookie", b"s=1")]
    headers["new"] = ""
    assert raw[-1] == (b"new", b"")


def test_update_and_extend() -> None:
    headers = MutableHeaders(list(RAW))
    headers.update([("x-tag", "1"), ("X-Tag", "2"), ("new", "3")])
    assert list(headers.items()) == [
        ("accept", "*/*"),
        ("x-tag", "1"),
        ("x-tag", "2"),
        ("cookie", "s=1"),
        ("new", "3"),
    ]
    headers.extend(headers)
    assert headers.getall("x-tag") == ["1", "2", "1", "2"]


def test_removing() -> None:
    raw = list(RAW)
    headers = MutableHeaders(raw)
    del headers["X-Tag"]
    assert raw == [RAW[0], RAW[2]]
    with pytest.raises(KeyError):
        del headers["x-tag"]
    with pytest.raises(KeyError):
        headers.pop("x-tag")
    assert headers.pop("x-tag", None) is None
    assert headers.pop("Accept") == "*/*"
    assert headers.setdefault("cookie", "t=2") == "s=1"
    assert headers.setdefault("accept", "a/b") == "a/b"


@pytest.mark.parametrize(
    ("present", "names", "expected"),
    [
        pytest.param([], ["accept"], "accept", id="first"),
        pytest.param(["a, b", "c"], ["d"], "a, b, c, d", id="lines become one"),
        pytest.param(["Accept"], ["accept", "Origin", "ORIGIN"], "Accept, Origin", id="once"),
        pytest.param(["accept"], ["*"], "*", id="star added (12.5.5)"),
        pytest.param(["*"], ["accept"], "*", id="star present"),
        pytest.param([" a ,, "], ["b"], "a, b", id="empty elements (5.6.1.2)"),
        pytest.param(["a", "a"], [], "a", id="nothing named"),
    ],
)
def test_add_vary(present: list[str], names: list[str], expected: str) -> None:
    headers = MutableHeaders([(b"vary", line.encode()) for line in present])
    headers.add_vary(*names)
    assert headers["vary"] == expected
    assert len(headers) == 1 if names else 2


def test_add_vary_checks_names() -> None:
    headers = MutableHeaders()
    with pytest.raises(ValueError, match="token"):
        headers.add_vary("accept", "a, b")
    headers.add_vary()
    assert headers.raw == []


@pytest.mark.parametrize("value", [1, None, [], b"x"])
def test_values_that_are_no_text(value: Any) -> None:
    headers = MutableHeaders()
    with pytest.raises(TypeError, match="its value is a str"):
        headers["x"] = value
    with pytest.raises(TypeError, match="its value is a str"):
        headers.add("x", value)
    assert headers.raw == []
