"""The canonical path: segments, prefixes, both conventions of ``root_path``."""

from __future__ import annotations

from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.http.paths import (
    join_segments,
    origin_form,
    quote_path,
    quote_root,
    quote_segments,
    rooted_path,
    split_path,
)

SEGMENTS = st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("path", "raw_path", "root_path", "expected"),
    [
        pytest.param("/", None, "", [""], id="the root"),
        pytest.param("", None, "", [""], id="no path at all"),
        pytest.param("/a/b", None, "", ["a", "b"], id="two"),
        pytest.param("/a/b/", None, "", ["a", "b", ""], id="a slash at the end"),
        pytest.param("//a//b", None, "", ["", "a", "", "b"], id="empty segments stay"),
        pytest.param("/./a/../b", None, "", [".", "a", "..", "b"], id="dots stay"),
        pytest.param("a/b", None, "", ["a", "b"], id="no slash in front"),
        pytest.param("*", b"*", "", ["*"], id="asterisk (RFC 9112 3.2.4)"),
        pytest.param(
            "http://h/a/b/c", b"http://h/a/b%2Fc", "/a", ["b/c"], id="URL (RFC 9112 3.2.2)"
        ),
        pytest.param("/a/b", b"/a%2Fb", "", ["a/b"], id="%2F stays in its segment (RFC 3986 2.2)"),
        pytest.param("/a/b", b"/a%2fb", "", ["a/b"], id="in lower case too"),
        pytest.param("/a%2Fb", b"/a%252Fb", "", ["a%2Fb"], id="decoded once"),
        pytest.param("/a/b", None, "", ["a", "b"], id="without raw_path nobody knows"),
        pytest.param("/a\\b", b"/a%5Cb", "", ["a\\b"], id="backslash"),
        pytest.param("/é", b"/%C3%A9", "", ["é"], id="UTF-8"),
        pytest.param("/\ufffd", b"/%FF", "", ["\ufffd"], id="not UTF-8"),
        pytest.param("/\ufffd/b", b"/%E2%82/b", "", ["\ufffd", "b"], id="UTF-8 cut by a slash"),
        pytest.param("/%zz%", b"/%zz%", "", ["%zz%"], id="no escapes"),
        pytest.param("/a\0", b"/a%00", "", ["a\0"], id="NUL"),
        pytest.param("/a b", b"/a%20b?c%2Fd", "", ["a b"], id="a query that a server left there"),
        pytest.param("/new", b"/old", "", ["new"], id="path alone rewritten"),
        pytest.param("/n é", b"/o%20%C3%A9", "", ["n é"], id="path alone rewritten, with escapes"),
        pytest.param("/api/a", b"/a", "/api", ["a"], id="path alone with its prefix"),
        pytest.param("/api/a b", b"/a%20b", "/api", ["a b"], id="path alone with its prefix, %"),
        pytest.param("/api/a", None, "/api", ["a"], id="prefix in path (ASGI)"),
        pytest.param("/a", None, "/api", ["a"], id="prefix not in path"),
        pytest.param("/api", None, "/api", [""], id="the prefix itself"),
        pytest.param("/api/", None, "/api", [""], id="the prefix and a slash"),
        pytest.param("/api/a", None, "/api/", ["a"], id="prefix with a slash at its end"),
        pytest.param("/api/a", None, "api", ["a"], id="prefix without a slash in front"),
        pytest.param("/a", None, "/", ["a"], id="prefix that is a slash"),
        pytest.param("//a", None, "/", ["", "a"], id="prefix that is a slash takes nothing"),
        pytest.param("/apis/a", None, "/api", ["apis", "a"], id="on a border of segments"),
        pytest.param("/a/b/c", None, "/a/b", ["c"], id="prefix of two"),
        pytest.param("/a/b/c", b"/a%2Fb/c", "/a/b", ["a/b", "c"], id="%2F is no border"),
        pytest.param("/é/a", b"/%C3%A9/a", "/é", ["a"], id="prefix is decoded"),
    ],
)
def test_split_path(path: str, raw_path: bytes | None, root_path: str, expected: list[str]) -> None:
    assert split_path(path, raw_path, root_path) == expected


@pytest.mark.parametrize(
    ("path", "raw_path", "expected"),
    [
        pytest.param("/a", b"/a", ("/a", b"/a", None), id="a path"),
        pytest.param("//a/b", b"//a/b", ("//a/b", b"//a/b", None), id="two slashes are a path"),
        pytest.param("/http://a/b", None, ("/http://a/b", None, None), id="a URL in a path"),
        pytest.param("*", b"*", ("*", b"*", None), id="asterisk (RFC 9112 3.2.4)"),
        pytest.param("a", b"a", ("/a", b"/a", None), id="no slash in front"),
        pytest.param("", None, ("/", None, None), id="nothing"),
        pytest.param("http://a/b", b"http://a/b", ("/b", b"/b", "a"), id="URL (RFC 9112 3.2.2)"),
        pytest.param("http://a/b", None, ("/b", None, "a"), id="without raw_path"),
        pytest.param("HTTPS://A:1", None, ("/", None, "A:1"), id="scheme is case-blind"),
        pytest.param("http://a", b"http://a?q", ("/", b"/?q", "a"), id="a query left there"),
        pytest.param(
            "http://a/b/c", b"http://a/b%2Fc", ("/b/c", b"/b%2Fc", "a"), id="escapes are kept"
        ),
        pytest.param(
            "http://a/b/c", b"http://a%2Fb/c", ("/c", b"/c", "a%2Fb"), id="border as it came"
        ),
        pytest.param("http://a/b", b"/old", ("/b", None, "a"), id="path alone rewritten"),
        pytest.param("http:///b", None, ("/http:///b", None, None), id="no authority"),
        pytest.param("http://\xe9/b", None, ("/http://\xe9/b", None, None), id="not ASCII"),
        pytest.param("http://a\r\n/b", None, ("/http://a\r\n/b", None, None), id="CR LF"),
        pytest.param("ftp://a/b", None, ("/ftp://a/b", None, None), id="another scheme"),
    ],
)
def test_origin_form(
    path: str, raw_path: bytes | None, expected: tuple[str, bytes | None, str | None]
) -> None:
    assert origin_form(path, raw_path) == expected


@pytest.mark.parametrize(
    ("path", "raw_path", "root_path", "expected"),
    [
        pytest.param("/a", b"/a", "", ("/a", b"/a"), id="no prefix"),
        pytest.param("http://h/a", None, "/api", ("/api/a", None), id="a whole URL"),
        pytest.param("/a", b"/a", "/api", ("/api/a", b"/api/a"), id="not there"),
        pytest.param("/api/a", b"/api/a", "/api", ("/api/a", b"/api/a"), id="there (ASGI)"),
        pytest.param("/api", b"/api", "/api", ("/api", b"/api"), id="the prefix itself"),
        pytest.param("/apis", b"/apis", "/api", ("/api/apis", b"/api/apis"), id="on a border"),
        pytest.param("/a", None, "/api/", ("/api/a", None), id="no raw_path"),
        pytest.param("/a", b"/a", "api", ("/api/a", b"/api/a"), id="no slash in front"),
        pytest.param("/a", b"/a", "/é", ("/é/a", b"/%C3%A9/a"), id="the prefix is encoded"),
        pytest.param("/a/b", b"/a%2Fb", "/x", ("/x/a/b", b"/x/a%2Fb"), id="escapes are kept"),
        pytest.param("/new", b"/old", "", ("/new", None), id="path alone rewritten"),
        pytest.param("/api/a", b"/a", "/api", ("/api/a", None), id="path alone with its prefix"),
        pytest.param("*", b"*", "/api", ("*", b"*"), id="asterisk (RFC 9112 3.2.4)"),
    ],
)
def test_rooted_path(
    path: str, raw_path: bytes | None, root_path: str, expected: tuple[str, bytes | None]
) -> None:
    assert rooted_path(path, raw_path, root_path) == expected


@pytest.mark.parametrize(
    ("path", "raw_path", "root_path", "expected"),
    [
        pytest.param("/a/b", b"/a/b", "", "", id="none"),
        pytest.param("/a/b", b"/a/b", "/", "", id="a slash"),
        pytest.param("/a/b", b"/a/b", "/a", "/a", id="plain"),
        pytest.param("/a/b", b"/a/b", "/a/b", "/a/b", id="all of it"),
        pytest.param("/a/b/c", b"/a%2Fb/c", "/a/b", "/a%2Fb", id="%2F (RFC 3986 2.2)"),
        pytest.param("/a/b/c", b"/a%2fb/c", "/a/b/", "/a%2fb", id="a slash at the end"),
        pytest.param("//a/b", b"/%2Fa/b", "//a", "/%2Fa", id="no host"),
        pytest.param("/\ufffd/b", b"/%FF/b", "/\ufffd", "/%FF", id="not UTF-8"),
        pytest.param("/a/b", b"/%61/b", "/a", "/%61", id="as it came"),
        pytest.param("/b", b"/b", "/a c", "/a%20c", id="not in front"),
        pytest.param("/a/b", None, "/a", "/a", id="no raw_path"),
        pytest.param("/a/b", b"/x%2Fy/b", "/x/z", "/x/z", id="as long, but another"),
        pytest.param("http://h/a/b", b"http://h/%61/b", "/a", "/%61", id="a whole URL"),
    ],
)
def test_quote_root(path: str, raw_path: bytes | None, root_path: str, expected: str) -> None:
    assert quote_root(path, raw_path, root_path) == expected


@given(SEGMENTS)
def test_what_is_written_is_split(segments: list[str]) -> None:
    raw = quote_segments(segments)
    assert split_path(unquote(raw), raw.encode("ascii")) == segments


@given(st.text(), st.binary() | st.none(), st.text())
def test_any_path_has_segments(path: str, raw_path: bytes | None, root_path: str) -> None:
    segments = split_path(path, raw_path, root_path)
    assert segments
    assert join_segments(segments).startswith("/")
    quote_segments(segments).encode("ascii")
    quote_path(path).encode("ascii")


@given(st.text(), st.text())
def test_a_prefix_is_there_once(path: str, root_path: str) -> None:
    rooted = rooted_path(f"/{path}", None, root_path)
    assert rooted_path(*rooted, root_path) == rooted


@given(SEGMENTS, SEGMENTS)
def test_both_conventions_are_understood(prefix: list[str], segments: list[str]) -> None:
    """Unless the path below begins with the prefix once more: then nobody can tell."""
    root_path = "/" + "/".join(part.replace("/", "") or "x" for part in prefix)
    raw = quote_segments(segments)
    if segments[: len(prefix)] == root_path[1:].split("/"):
        return
    whole = quote(root_path) + raw
    for at in (raw, whole):
        path = unquote(at)
        assert split_path(path, at.encode(), root_path) == segments
        if not f"{unquote(raw)}/".startswith(f"{root_path}/"):
            assert rooted_path(path, None, root_path)[0] == unquote(whole)


def test_a_slash_inside_a_segment_is_written() -> None:
    assert join_segments(["a/b", ""]) == "/a%2Fb/"
    assert quote_segments(["a/b", "c d", "?#%;"]) == "/a%2Fb/c%20d/%3F%23%25;"
    assert quote_path("/a b/é") == "/a%20b/%C3%A9"
    assert quote_path("/\ud800") == "/%3F"
