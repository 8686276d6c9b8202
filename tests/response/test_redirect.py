"""Redirects: where they go, and where they do not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from portico.http.urls import safe_redirect
from portico.response.base import Response
from portico.response.redirect import RedirectResponse
from tests.drive import call

URL_HINT = r"yarl\.URL"


@pytest.mark.parametrize(
    ("target", "location"),
    [
        pytest.param("/", "/", id="root"),
        pytest.param("/a?b=c#d", "/a?b=c#d", id="path, query, fragment"),
        pytest.param("a/b", "a/b", id="relative"),
        pytest.param("../a", "../a", id="relative, up"),
        pytest.param("?page=2", "?page=2", id="query alone"),
        pytest.param("#top", "#top", id="fragment alone"),
        pytest.param("/k\u00e4se", "/k%C3%A4se", id="IRI (RFC 3987 3.1)"),
        pytest.param("/a b?c d", "/a%20b?c%20d", id="blanks"),
        pytest.param("/%2Fa%0d%0a", "/%2Fa%0d%0a", id="escapes stay"),
        pytest.param("/a?next=https://b/", "/a?next=https://b/", id="URL in the query"),
        pytest.param(URL("/a"), "/a", id="URL, a path"),
        pytest.param(URL("https://example.org/a"), "https://example.org/a", id="URL, whole"),
        pytest.param(URL("http://[::1]:8/"), "http://[::1]:8/", id="URL, IPv6"),
        pytest.param(
            URL("https://b\u00fccher.example/"), "https://xn--bcher-kva.example/", id="IDN"
        ),
    ],
)
@pytest.mark.anyio
async def test_where_it_goes(target: str | URL, location: str) -> None:
    reply = await call(RedirectResponse(target))
    assert reply.status == 307
    assert reply.body == b""
    assert reply.headers == {"location": location, "content-length": "0"}


# CVE-2024-29041, CVE-2025-62595, CVE-2015-2317, CVE-2017-7233, CVE-2021-32618.
ELSEWHERE = [
    "//evil",
    "///evil",
    "/\\evil",
    "\\\\evil",
    "\\/evil",
    "/\t/evil",
    "\t//evil",
    "/\n/evil",
    "\x08javascript:1",
    "javascript:1",
    "JaVaScRiPt:1",
    " javascript:1",
    "data:text/html,x",
    "vbscript:x",
    "https:evil",
    "http:///evil",
    "http:/\\evil",
    "http://a@evil",
    "http://good.example.evil",
    "https://evil",
    "HTTPS://evil",
    "//0177.0.0.1",
    "/a\r\nX: y",
    "/a\0",
    "/a\x7f",
    "",
]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_text_stays_on_this_host(target: str) -> None:
    with pytest.raises(ValueError, match=URL_HINT):
        RedirectResponse(target)
    assert safe_redirect(target) == "/"


@pytest.mark.parametrize("target", ["/%09/evil", "/%5Cevil", "/%2F/evil", " //evil"])
def test_what_only_looks_like_another_host(target: str) -> None:
    """A browser does not decode before it resolves; who does so finds nothing in ours."""
    location = RedirectResponse(target).headers["location"]
    assert URL("https://here.example/a").join(URL(location, encoded=True)).host == "here.example"


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(URL("//evil/"), id="no scheme"),
        pytest.param(URL("http://a@evil/"), id="user name"),
        pytest.param(URL("ftp://evil/"), id="scheme"),
        pytest.param(URL("javascript:1"), id="script"),
        pytest.param(URL(""), id="empty"),
    ],
)
def test_a_url_that_is_refused(target: URL) -> None:
    with pytest.raises(ValueError, match="redirect") as caught:
        RedirectResponse(target)
    assert "yarl" not in str(caught.value)


def test_the_message_does_not_show_the_target() -> None:
    """It may come from a client, and hold a token."""
    with pytest.raises(ValueError, match=URL_HINT) as caught:
        RedirectResponse("https://evil/?token=s3cr3t")
    assert "s3cr3t" not in str(caught.value)
    assert "evil" not in str(caught.value)


@pytest.mark.parametrize("target", [None, b"/", 1, ("/",)])
def test_a_target_of_another_type(target: Any) -> None:
    with pytest.raises(TypeError, match=r"str or a yarl\.URL"):
        RedirectResponse(target)


@given(st.text())
def test_any_text_stays_or_is_refused(text: str) -> None:
    try:
        location = RedirectResponse(text).headers["location"]
    except ValueError:
        return
    assert location.isascii()
    assert location.isprintable()
    assert " " not in location
    assert not location.startswith("//")
    joined = URL("https://here.example/a").join(URL(location, encoded=True))
    assert (joined.scheme, joined.host) == ("https", "here.example")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.anyio
async def test_a_status(status: int) -> None:
    assert (await call(RedirectResponse("/", status))).status == status


@pytest.mark.parametrize("status", [200, 300, 304, 305, 306, 309, 400, 0])
def test_a_status_that_redirects_nobody(status: int) -> None:
    with pytest.raises(ValueError, match=f"not {status}"):
        RedirectResponse("/", status)


@pytest.mark.anyio
async def test_one_location() -> None:
    """Ours; also if the headers have one."""
    response = RedirectResponse("/a", headers=[("Location", "//evil"), ("x-a", "1")])
    response.set_cookie("a", "b")
    reply = await call(response)
    assert reply.getall("location") == ["/a"]
    assert reply.headers["x-a"] == "1"
    assert reply.headers["set-cookie"].startswith("a=b;")


def test_it_can_be_raised() -> None:
    def handler() -> None:
        raise RedirectResponse("/a", status_code=303)

    with pytest.raises(RedirectResponse) as caught:
        handler()
    assert isinstance(caught.value, Response)
    assert caught.value.headers["location"] == "/a"
    assert repr(caught.value) == "<RedirectResponse 303, 0 bytes>"


@pytest.mark.anyio
async def test_a_copy_and_background() -> None:
    done: list[int] = []
    first = RedirectResponse("/a", 301, background=lambda: done.append(1))
    second = first.copy()
    second.headers["location"] = "/b"
    assert (await call(first)).headers["location"] == "/a"
    reply = await call(second)
    assert (reply.status, reply.headers["location"]) == (301, "/b")
    assert done == [1, 1]
