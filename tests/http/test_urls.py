"""``portico.http.urls``."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from portico.errors import BadInput
from portico.http.urls import location, parse_host, request_url, safe_redirect

# --- the Host field


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("example.com", ("example.com", None), id="name"),
        pytest.param("EXAMPLE.com", ("example.com", None), id="names are case-blind"),
        pytest.param("example.com:8000", ("example.com", 8000), id="port"),
        pytest.param("example.com:", ("example.com", None), id="empty port (RFC 3986 3.2.3)"),
        pytest.param("a:0", ("a", 0), id="port 0"),
        pytest.param("a:65535", ("a", 65535), id="highest port"),
        pytest.param("a:00080", ("a", 80), id="zeros before the port"),
        pytest.param("localhost", ("localhost", None), id="one label"),
        pytest.param("my_service-1:80", ("my_service-1", 80), id="underscore and hyphen"),
        pytest.param("example.com.", ("example.com.", None), id="dot at the end"),
        pytest.param("xn--bcher-kva.example", ("xn--bcher-kva.example", None), id="IDNA"),
        pytest.param("127.0.0.1:1", ("127.0.0.1", 1), id="IPv4"),
        pytest.param("256.com", ("256.com", None), id="a name with digits"),
        pytest.param("[::1]", ("::1", None), id="IPv6"),
        pytest.param("[2001:DB8::0:1]:443", ("2001:db8::1", 443), id="IPv6, shortened"),
        pytest.param("a" * 63, ("a" * 63, None), id="longest label (RFC 1035 2.3.4)"),
        pytest.param("a." * 126 + "b", ("a." * 126 + "b", None), id="longest name"),
        pytest.param("a." * 126 + "b.", ("a." * 126 + "b.", None), id="longest, with its dot"),
    ],
)
def test_parse_host(text: str, expected: tuple[str, int | None]) -> None:
    assert parse_host(text) == expected


BAD_HOSTS = [
    pytest.param("", id="empty"),
    pytest.param(".", id="a dot"),
    pytest.param("..", id="dots alone"),
    pytest.param("a..b", id="an empty label (RFC 1035 2.3.1)"),
    pytest.param(".a", id="an empty label in front"),
    pytest.param("a..", id="two dots at the end"),
    pytest.param("a" * 64, id="label too long (RFC 1035 2.3.4)"),
    pytest.param("a." * 126 + "bc", id="name too long"),
    pytest.param("127.0.0.1.", id="dot behind an address"),
    pytest.param("example.com/abc?bar=", id="path and query"),
    pytest.param("foo/#", id="path and fragment"),
    pytest.param("user@foo", id="user name"),
    pytest.param("user:pass@foo", id="password"),
    pytest.param("example.com:@evil.com", id="user name that looks like a host"),
    pytest.param("evil.com:fake@legit.example", id="the same, the other way"),
    pytest.param("foo\\bar", id="backslash"),
    pytest.param("foo bar", id="space"),
    pytest.param(" foo", id="leading space"),
    pytest.param("foo\n", id="line end"),
    pytest.param("foo\0", id="NUL"),
    pytest.param("a,b", id="two in one"),
    pytest.param("a:80:80", id="two ports"),
    pytest.param("a:b", id="port is no number"),
    pytest.param("a:-1", id="negative port"),
    pytest.param("a:+1", id="sign"),
    pytest.param("a:99999", id="port too high"),
    pytest.param("a:65536", id="port just too high"),
    pytest.param("a:000080", id="port too long"),
    pytest.param("a:\u0661", id="digits are ASCII"),
    pytest.param(":80", id="port alone"),
    pytest.param("\xff.com", id="not ASCII"),
    pytest.param("\u212aelvin", id="Kelvin sign"),
    pytest.param("%61.com", id="escapes"),
    pytest.param("a!b", id="sub-delims"),
    pytest.param("*.com", id="wildcard"),
    pytest.param("<a>", id="markup"),
    pytest.param("a" * 255, id="too long"),
    pytest.param("::1", id="IPv6 without brackets"),
    pytest.param("[::1", id="never closed"),
    pytest.param("[::1]evil", id="more after the bracket"),
    pytest.param("[]", id="nothing in brackets"),
    pytest.param("[127.0.0.1]", id="IPv4 in brackets"),
    pytest.param("[1:2]", id="no IPv6 address"),
    pytest.param("[fe80::1%25eth0]", id="zone"),
    pytest.param("[v1.x]", id="a future version"),
    pytest.param("256.0.0.1", id="no IPv4 address"),
    pytest.param("1.2.3", id="short IPv4 address"),
    pytest.param("127.0.0.01", id="octal"),
    pytest.param("2130706433", id="one number"),
    pytest.param("xn--", id="empty IDNA label (RFC 5891 5.4)"),
    pytest.param("a.xn--pokxncvks", id="IDNA that does not round-trip"),
]


@pytest.mark.parametrize("text", BAD_HOSTS)
def test_parse_host_refuses(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_host(text)
    assert (caught.value.status_code, caught.value.field) == (400, "host")
    assert len(text) < 3 or text not in str(caught.value)


@given(st.from_regex(r"[0-9A-Za-z._-]{1,80}|(xn--[0-9a-z-]{0,12}\.?){1,3}", fullmatch=True))
def test_every_host_that_is_read_can_be_shown(text: str) -> None:
    try:
        parse_host(text)
    except BadInput:
        return
    url = build(host=text)
    assert url.host
    assert url.raw_host == text.lower()


# --- the URL of a request


def build(**parts: Any) -> URL:
    known: dict[str, Any] = {
        "scheme": "http",
        "host": "example.com",
        "server": ("srv.example", 80),
        "path": "/",
        "raw_path": None,
        "query_string": b"",
    }
    return request_url(**known | parts)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param({}, "http://example.com/", id="plain"),
        pytest.param({"host": "example.com:80"}, "http://example.com/", id="default port"),
        pytest.param(
            {"scheme": "https", "host": "a:443"}, "https://a/", id="default port of https"
        ),
        pytest.param({"scheme": "wss", "host": "a:443"}, "wss://a/", id="default port of wss"),
        pytest.param({"scheme": "https", "host": "a:80"}, "https://a:80/", id="another's port"),
        pytest.param({"host": "a:0"}, "http://a:0/", id="port 0"),
        pytest.param({"host": "[::1]:8000"}, "http://[::1]:8000/", id="IPv6"),
        pytest.param({"host": None}, "http://srv.example/", id="no Host"),
        pytest.param(
            {"host": None, "server": ("127.0.0.1", 8000)}, "http://127.0.0.1:8000/", id="server"
        ),
        pytest.param({"host": None, "server": ("::1", 81)}, "http://[::1]:81/", id="IPv6 server"),
        pytest.param({"host": None, "server": None}, "http://localhost/", id="no server"),
        pytest.param(
            {"host": "", "server": ("/run/app.sock", None)}, "http://localhost/", id="unix socket"
        ),
        pytest.param(
            {"host": None, "server": ("a/b", 80)}, "http://localhost/", id="server is no host"
        ),
        pytest.param({"path": "/a b/é"}, "http://example.com/a%20b/%C3%A9", id="decoded path"),
        pytest.param({"path": "/a%2F?b#c"}, "http://example.com/a%252F%3Fb%23c", id="% in it"),
        pytest.param(
            {"path": "/a/b", "raw_path": b"/a%2Fb"}, "http://example.com/a%2Fb", id="raw wins"
        ),
        pytest.param({"path": "/a", "raw_path": b""}, "http://example.com/a", id="empty raw path"),
        pytest.param({"raw_path": b"/a%2f%zz%"}, "http://example.com/a%2f%zz%", id="escapes stay"),
        pytest.param(
            {"raw_path": b"/\xc3\xa9 \"<>^`{}\\#'"},
            "http://example.com/%C3%A9%20%22%3C%3E%5E%60%7B%7D%5C%23'",
            id="raw path that is no URL",
        ),
        pytest.param({"raw_path": b"/a?b"}, "http://example.com/a", id="query in the raw path"),
        pytest.param({"raw_path": b"/./a/../b"}, "http://example.com/./a/../b", id="dots stay"),
        pytest.param({"path": "*", "raw_path": b"*"}, "http://example.com", id="OPTIONS *"),
        pytest.param({"path": ""}, "http://example.com/", id="empty path"),
        pytest.param(
            {"query_string": b"a=1&b=%2F;?/:@"}, "http://example.com/?a=1&b=%2F;?/:@", id="query"
        ),
        pytest.param(
            {"query_string": b"a=\xc3\xa9 #\"<>'"},
            "http://example.com/?a=%C3%A9%20%23%22%3C%3E%27",
            id="query that is no URL",
        ),
    ],
)
def test_request_url(parts: dict[str, Any], expected: str) -> None:
    assert str(build(**parts)) == expected


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_a_bad_host_moves_nothing(host: str) -> None:
    url = build(host=host, path="/admin", query_string=b"q=1")
    assert str(url) == "http://srv.example/admin?q=1"
    assert (url.host, url.path, url.query_string) == ("srv.example", "/admin", "q=1")


@pytest.mark.parametrize("path", ["@google.com", "//google.com/x", "http://google.com/", ":8@x"])
def test_the_path_is_never_a_host(path: str) -> None:
    for raw in (path.encode(), None):
        url = build(path=path, raw_path=raw)
        assert url.host == "example.com"
        assert url.path == (path if path.startswith("/") else f"/{path}")
        assert urlsplit(str(url)).hostname == "example.com"


@given(
    host=st.none() | st.text(max_size=30) | st.text("a.:@/[]1%", max_size=12),
    path=st.text(max_size=20),
    raw_path=st.none() | st.binary(max_size=20),
    query_string=st.binary(max_size=20),
)
def test_request_url_never_raises(**parts: Any) -> None:
    url = build(**parts)
    again = URL(str(url), encoded=True)
    assert again.raw_host == url.raw_host
    assert again.raw_path == url.raw_path
    assert again.raw_query_string == url.raw_query_string
    assert again.raw_fragment == ""
    assert url.host is not None
    assert isinstance(url.path + url.query_string, str)


# --- redirects


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        pytest.param("/", "/", id="root"),
        pytest.param("/a/b?x=1&y[]=2#z", "/a/b?x=1&y[]=2#z", id="path, query, fragment"),
        pytest.param("?x", "?x", id="query alone"),
        pytest.param("#y", "#y", id="fragment alone"),
        pytest.param("a/b:c", "a/b:c", id="relative path"),
        pytest.param("../a", "../a", id="relative path that goes up"),
        pytest.param("/a b", "/a%20b", id="space"),
        pytest.param("/käse/€?q=ü#ö", "/k%C3%A4se/%E2%82%AC?q=%C3%BC#%C3%B6", id="IRI"),
        pytest.param("/a%20b%2Fc%252F", "/a%20b%2Fc%252F", id="escapes are kept"),
        pytest.param("/100%", "/100%25", id="% that begins no escape"),
        pytest.param("/%0D%0AX:y", "/%0D%0AX:y", id="never decoded"),
        pytest.param('/"<>^`{|}', "/%22%3C%3E%5E%60%7B%7C%7D", id="not in a URI (RFC 3986 2)"),
        pytest.param("/a\x85\u2028", "/a%C2%85%E2%80%A8", id="line ends of str"),
        pytest.param("/a:b//c", "/a:b//c", id="colon and slashes later on"),
        pytest.param("?next=http://a@b", "?next=http://a@b", id="URL in a query"),
        pytest.param("https://example.org", "https://example.org", id="URL"),
        pytest.param("HTTP://Example.org:8/a b?c", "HTTP://Example.org:8/a%20b?c", id="URL quoted"),
        pytest.param(
            "https://bücher.example:1/ü", "https://xn--bcher-kva.example:1/%C3%BC", id="IDN"
        ),
        pytest.param("http://[::1]:8000/", "http://[::1]:8000/", id="IPv6"),
        pytest.param(
            URL("https://bücher.example/ü"), "https://xn--bcher-kva.example/%C3%BC", id="yarl"
        ),
        pytest.param(URL("/ü"), "/%C3%BC", id="yarl, relative"),
    ],
)
def test_location(target: str | URL, expected: str) -> None:
    assert location(target) == expected


LEAVING = [
    "//evil",
    "///evil",
    "//0177.0.0.1",
    "/\\evil",
    "\\\\evil",
    "\\/evil",
    "/\t/evil",
    "\t//evil",
    "\x08javascript:1",
    " javascript:1",
    "javascript:1",
    "data:,x",
    "https:evil",
    "http:///evil",
    "http:\\\\evil",
    "http://a@evil",
    "http://evil:x",
    "http://a\u2024b@evil",
    "http://" + "ü" * 300,
    "http://\u200b/",
    "ftp://evil",
    "/a\r\nX: y",
    "/a\0",
    "/a\x7f",
    "/\ud800",
    "",
]


@pytest.mark.parametrize("target", LEAVING)
def test_location_refuses(target: str) -> None:
    with pytest.raises(ValueError, match=r"redirect|surrogate") as caught:
        location(target)
    assert not isinstance(caught.value, BadInput)


def test_location_of_this_host_only() -> None:
    assert location("/a", allow_absolute=False) == "/a"
    for target in ("https://example.org/", URL("https://example.org/")):
        with pytest.raises(ValueError, match="not a URL"):
            location(target, allow_absolute=False)


@pytest.mark.parametrize(
    "target",
    [
        *LEAVING,
        " //evil",
        " /a",
        "/%09/evil",
        "/%5Cevil",
        "/%2Fevil",
        "/%2fevil",
        "/a%0d%0aX:y",
        "/%00",
        "http://good.example.evil",
        "https://example.org/",
        "a",
        "?a",
        "#a",
        None,
    ],
)
def test_safe_redirect_falls_back(target: str | None) -> None:
    assert safe_redirect(target) == "/"
    assert safe_redirect(target, "/home") == "/home"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        pytest.param("/", "/", id="root"),
        pytest.param("/a/b?x=1#y", "/a/b?x=1#y", id="path, query, fragment"),
        pytest.param("/a b/ü", "/a%20b/%C3%BC", id="quoted"),
        pytest.param(
            "/login?next=%2F%2Fb%5C%0A", "/login?next=%2F%2Fb%5C%0A", id="data in a query"
        ),
        pytest.param("/a#//b", "/a#//b", id="slashes in a fragment"),
        pytest.param("/%252F", "/%252F", id="decoded once at most"),
    ],
)
def test_safe_redirect(target: str, expected: str) -> None:
    assert safe_redirect(target) == expected
    assert safe_redirect(expected) == expected


REFERENCE = st.text(max_size=20) | st.text("/\\.%259FCabht:@?# \t\r", max_size=12)


@given(REFERENCE)
def test_safe_redirect_stays(target: str) -> None:
    written = safe_redirect(target)
    assert written.isascii()
    assert written.isprintable()
    assert urlsplit(urljoin("http://here.example/a/b", written)).netloc == "here.example"
    assert location(written) == written
