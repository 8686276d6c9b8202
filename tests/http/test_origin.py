"""Origins as browsers write them: RFC 6454, and RFC 6455 10.2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.http.origin import Origin, is_same_host, parse_origin, parse_origins


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("https://app.example", ("https", "app.example", 443), id="https"),
        pytest.param("http://app.example", ("http", "app.example", 80), id="http"),
        pytest.param("HTTPS://APP.example", ("https", "app.example", 443), id="case (RFC 6454 4)"),
        pytest.param("https://app.example:443", ("https", "app.example", 443), id="default port"),
        pytest.param("https://app.example:8443", ("https", "app.example", 8443), id="port"),
        pytest.param("http://[::1]:3000", ("http", "::1", 3000), id="IPv6"),
        pytest.param("http://127.0.0.1", ("http", "127.0.0.1", 80), id="IPv4"),
        pytest.param("chrome-extension://abc", ("chrome-extension", "abc", None), id="extension"),
        pytest.param("null", None, id="null (RFC 6454 7)"),
        pytest.param("", None, id="empty"),
        pytest.param("https://", None, id="no host"),
        pytest.param("app.example", None, id="no scheme"),
        pytest.param("//app.example", None, id="no scheme, slashes"),
        pytest.param("https://app.example/", None, id="a path"),
        pytest.param("https://app.example?", None, id="a query"),
        pytest.param("https://user@app.example", None, id="a user"),
        pytest.param("https://app.example\\.evil", None, id="a backslash"),
        pytest.param("https://a https://b", None, id="a list (RFC 6454 7.1)"),
        pytest.param("https://a, https://b", None, id="two"),
        pytest.param(" https://app.example", None, id="a blank"),
        pytest.param("https://app.example\n", None, id="a line end"),
        pytest.param("https://app.example:65536", None, id="port above 65535"),
        pytest.param("https://app.example:\u0661", None, id="digits are ASCII"),
        pytest.param("https://" + "a" * 400, None, id="too long"),
        pytest.param("https://*.example", None, id="a pattern"),
    ],
)
def test_parse_origin(text: str, expected: tuple[str, str, int | None] | None) -> None:
    assert parse_origin(text) == (None if expected is None else Origin(*expected))


@given(st.text())
def test_parse_origin_never_raises(text: str) -> None:
    for tried in (text, f"https://{text}"):
        origin = parse_origin(tried)
        assert origin is None or origin.host == origin.host.lower()


@pytest.mark.parametrize(
    ("origins", "expected"),
    [
        pytest.param([], frozenset[Origin](), id="nobody"),
        pytest.param("*", None, id="any"),
        pytest.param(["https://a.example", "*"], None, id="any, in a list"),
        pytest.param(
            ("https://a.example", "https://A.example:443"),
            frozenset({Origin("https", "a.example", 443)}),
            id="two names of one",
        ),
    ],
)
def test_parse_origins(origins: list[str], expected: frozenset[Origin] | None) -> None:
    assert parse_origins(origins) == expected


@pytest.mark.parametrize(
    "origins", [["null"], ["https://a.example/"], ["a.example"], ["https://*.a.example"], [""]]
)
def test_parse_origins_refuses(origins: list[str]) -> None:
    with pytest.raises(ValueError, match="is no origin"):
        parse_origins(origins)


def test_one_origin_is_no_list() -> None:
    with pytest.raises(ValueError, match="a list"):
        parse_origins("https://a.example")


@pytest.mark.parametrize(
    ("origin", "scheme", "host", "expected"),
    [
        pytest.param("https://a.example", "wss", "a.example", True, id="the same"),
        pytest.param("https://a.example", "wss", "A.example:443", True, id="case and port"),
        pytest.param("http://a.example:80", "ws", "a.example", True, id="http"),
        pytest.param("https://a.example", "ws", "a.example", True, id="TLS ends in front"),
        pytest.param("http://a.example", "wss", "a.example", False, id="from http to https"),
        pytest.param("http://a.example", "https", "a.example", False, id="for requests too"),
        pytest.param("https://a.example:8443", "wss", "a.example", False, id="another port"),
        pytest.param("https://a.example", "wss", "a.example:8443", False, id="another port here"),
        pytest.param("http://localhost:3000", "ws", "localhost:8000", False, id="two of one host"),
        pytest.param("https://b.a.example", "wss", "a.example", False, id="below"),
        pytest.param("https://a.example.evil", "wss", "a.example", False, id="longer"),
        pytest.param("chrome-extension://a.example", "ws", "a.example", False, id="no page"),
        pytest.param("https://a.example", "wss", None, False, id="no Host field"),
        pytest.param("https://a.example", "wss", "a@a.example", False, id="a Host that is none"),
    ],
)
def test_is_same_host(origin: str, scheme: str, host: str | None, expected: bool) -> None:
    page = parse_origin(origin)
    assert page is not None
    assert is_same_host(page, scheme, host) is expected
