"""The view of a scope: what a server tells, what it leaves out, what a peer makes up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from portico.asgi import Scope
from portico.connection.base import URLS, Address, HTTPConnection, no_receive, no_send
from portico.errors import BadInput, Misuse
from tests.drive import http_scope, websocket_scope

Connection = HTTPConnection[dict[str, Any]]
Fields = list[tuple[str, str]]

OPTIONAL = [
    "asgi",
    "client",
    "extensions",
    "http_version",
    "query_string",
    "raw_path",
    "root_path",
    "scheme",
    "server",
]


def with_fields(*fields: tuple[str, str]) -> Connection:
    return HTTPConnection(http_scope(headers=fields))


# --- a mapping


def test_it_is_a_mapping_over_the_scope() -> None:
    scope = http_scope("POST", "/a")
    connection: Connection = HTTPConnection(scope)
    assert connection["method"] == "POST"
    assert connection.get("nothing") is None
    assert "path" in connection
    assert (dict(connection), len(connection)) == (scope, len(scope))
    assert list(connection.keys()) == list(scope)
    assert connection.scope is scope
    with pytest.raises(KeyError):
        connection["nothing"]


def test_two_views_of_a_scope_are_two_things() -> None:
    scope = http_scope()
    one, other = Connection(scope), Connection(scope)
    assert one == one  # noqa: PLR0124 - the point
    assert one != other
    assert len({one, other}) == 2


def test_repr_has_no_query() -> None:
    connection = Connection(http_scope("PUT", "/a b", query_string=b"token=secret"))
    assert repr(connection) == "<HTTPConnection PUT '/a b'>"
    assert repr(Connection(websocket_scope("/a"))) == "<HTTPConnection GET '/a'>"


@pytest.mark.anyio
async def test_without_channels() -> None:
    with pytest.raises(Misuse, match="without receive"):
        await no_receive()
    with pytest.raises(Misuse, match="without send"):
        await no_send({})


# --- what a server leaves out


def facts(connection: Connection) -> dict[str, object]:
    names = (
        "scheme http_version root_path path raw_path query_string query_params url base_url client"
        " server tls headers cookies content_type content_length charset date referrer path_params"
    )
    return {name: getattr(connection, name) for name in names.split()}


@pytest.mark.parametrize("make", [http_scope, websocket_scope], ids=["http", "websocket"])
@pytest.mark.parametrize("key", OPTIONAL)
def test_a_key_that_is_missing(key: str, make: Any) -> None:
    """Everything can be read without it, and only what it tells is other."""
    whole: Scope = make("/a" if make is websocket_scope else "GET")
    poor = {name: value for name, value in whole.items() if name != key}
    expected = facts(Connection(whole))
    if key == "client":
        expected["client"] = None
    if key == "server":
        expected["server"] = None
    assert facts(Connection(poor)) == expected


def test_only_what_is_needed() -> None:
    assert facts(Connection({"type": "http", "path": "/a b", "headers": []})) == {
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
        "path": "/a b",
        "raw_path": b"/a%20b",
        "query_string": "",
        "query_params": {},
        "url": URL("http://localhost/a%20b", encoded=True),
        "base_url": URL("http://localhost/"),
        "client": None,
        "server": None,
        "tls": None,
        "headers": {},
        "cookies": {},
        "content_type": None,
        "content_length": None,
        "charset": "utf-8",
        "date": None,
        "referrer": None,
        "path_params": {},
    }
    assert Connection({"type": "websocket", "path": "/", "headers": []}).scheme == "ws"


@pytest.mark.parametrize("key", ["raw_path", "client", "server", "extensions", "path_params"])
def test_a_key_that_is_none(key: str) -> None:
    facts(Connection({**http_scope(), key: None}))


@given(
    st.text(),
    st.none() | st.binary(),
    st.text(),
    st.binary(),
    st.lists(
        st.tuples(
            st.sampled_from([b"host", b"cookie", b"date", b"referer", b"x"]), st.binary(max_size=30)
        )
    ),
)
def test_what_a_peer_makes_up_is_read(
    path: str, raw_path: bytes | None, root_path: str, query: bytes, fields: list[Any]
) -> None:
    scope = http_scope(path=path, root_path=root_path, query_string=query, headers=fields)
    connection = Connection({**scope, "raw_path": raw_path})
    facts(connection)
    assert connection.url.scheme == "http"
    assert isinstance(connection.url.host, str)


# --- the target


@pytest.mark.parametrize(
    ("more", "path", "url"),
    [
        pytest.param({"path": "/a"}, "/a", "http://testserver/a", id="plain"),
        pytest.param(
            {"path": "/a", "query_string": b"b=%20&c"},
            "/a",
            "http://testserver/a?b=%20&c",
            id="query",
        ),
        pytest.param(
            {"path": "/api/a", "root_path": "/api"},
            "/a",
            "http://testserver/api/a",
            id="root_path in path (uvicorn, ASGI)",
        ),
        pytest.param(
            {"path": "/a", "root_path": "/api"},
            "/a",
            "http://testserver/api/a",
            id="root_path not in path (hypercorn)",
        ),
        pytest.param(
            {"path": "/a", "root_path": "/api/"},
            "/a",
            "http://testserver/api/a",
            id="root_path with a slash at its end",
        ),
        pytest.param(
            {"path": "/a/b", "raw_path": b"/a%2Fb"},
            "/a%2Fb",
            "http://testserver/a%2Fb",
            id="%2F",
        ),
        pytest.param(
            {"path": "/a/b", "raw_path": b"/api/a%2Fb", "root_path": "/api"},
            "/a/b",
            "http://testserver/api/a/b",
            id="raw_path that says something else",
        ),
        pytest.param({"path": "/é"}, "/é", "http://testserver/%C3%A9", id="not ASCII"),
        pytest.param(
            {"path": "http://a.example/b c", "raw_path": b"http://a.example/b%20c"},
            "/b c",
            "http://a.example/b%20c",
            id="a whole URL (RFC 9112 3.2.2)",
        ),
        pytest.param(
            {"path": "http://u@a.example/b", "raw_path": b"http://u@a.example/b"},
            "/b",
            "http://testserver/b",
            id="bad authority",
        ),
        pytest.param(
            {"path": "/a", "scheme": "https", "server": ("testserver", 443)},
            "/a",
            "https://testserver/a",
            id="https",
        ),
    ],
)
def test_path_and_url(more: dict[str, Any], path: str, url: str) -> None:
    connection = Connection(http_scope(**more))
    assert (connection.path, str(connection.url)) == (path, url)


def test_base_url() -> None:
    connection = Connection(http_scope(path="/api/a", root_path="/api/", query_string=b"q"))
    assert (connection.root_path, str(connection.base_url)) == ("/api", "http://testserver/api/")
    assert str(Connection(http_scope()).base_url) == "http://testserver/"


@pytest.mark.parametrize(
    "host",
    [
        *["example.com/abc?bar=", "foo/#", "user@foo", "foo\\bar", "foo bar", "a,b", "a:80:80"],
        *[
            "[::1",
            "[::1]evil",
            "a:b",
            "a:99999",
            "\xff.com",
            "",
            "%61.com",
            "example.com:@evil.com",
        ],
        *[
            "a" * 300,
            "foo\0",
            "foo\tbar",
            "[::1%25eth0]",
            "0x7f.1.",
            "\uff11.com".encode().decode("latin-1"),
        ],
    ],
)
def test_a_host_cannot_move_the_path(host: str) -> None:
    """It would pass a guard that looks at ``url.path`` (CVE-2026-48710)."""
    scope = http_scope(
        path="/admin", query_string=b"q=1", headers=[("host", host)], server=("srv.example", 80)
    )
    url = Connection(scope).url
    assert (url.path, url.query_string) == ("/admin", "q=1")
    assert url.host == "srv.example" or host == "0x7f.1."


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("EXAMPLE.com", "example.com"),
        ("example.com:8000", "example.com"),
        ("[::1]:8000", "::1"),
        ("xn--bcher-kva.example", "bücher.example"),
    ],
)
def test_a_good_host(host: str, expected: str) -> None:
    assert with_fields(("host", host)).url.host == expected


@pytest.mark.parametrize(
    ("server", "url"),
    [
        pytest.param(("10.0.0.1", 8000), "http://10.0.0.1:8000/", id="TCP"),
        pytest.param(("::1", 8000), "http://[::1]:8000/", id="IPv6"),
        pytest.param(("/run/app.sock", None), "http://localhost/", id="unix socket"),
        pytest.param(["/run/app.sock", None], "http://localhost/", id="unix socket, as a list"),
        pytest.param(None, "http://localhost/", id="unknown"),
    ],
)
def test_without_a_host_the_server_counts(server: Any, url: str) -> None:
    assert str(Connection(http_scope(headers=[], server=server)).url) == url


@pytest.mark.parametrize("same", [True, False], ids=["the same", "another"])
def test_two_hosts_are_none(same: bool) -> None:
    other = "a.example" if same else "b.example"
    connection = with_fields(("host", "a.example"), ("host", other))
    assert connection.url.host == "testserver"


class Builder:
    """Stands for a router."""

    def __init__(self, host: str | None, path: str) -> None:
        self._parts = host, path

    def url_parts_for(self, name: str, /, **params: object) -> tuple[str | None, str]:
        assert (name, params) == ("note", {"name": "a", "number": 7})
        return self._parts


@pytest.mark.parametrize(
    ("host", "root_path", "path", "url"),
    [
        pytest.param(None, "", "/notes/7", "http://testserver:8000/notes/7", id="plain"),
        pytest.param(None, "/é/", "/a%2Fb", "http://testserver:8000/%C3%A9/a%2Fb", id="root_path"),
        pytest.param("b.example", "", "/x", "http://b.example:8000/x", id="host"),
        pytest.param(None, "", "", "http://testserver:8000/", id="no path"),
    ],
)
def test_url_for(host: str | None, root_path: str, path: str, url: str) -> None:
    scope = http_scope(
        path="/elsewhere", query_string=b"q", root_path="/x", headers=[("host", "testserver:8000")]
    )
    connection = Connection({**scope, URLS: (Builder(host, path), root_path)})
    assert str(connection.url_for("note", name="a", number=7)) == url


def test_url_for_without_a_router() -> None:
    with pytest.raises(Misuse, match="needs a Router"):
        Connection(http_scope()).url_for("note")


# --- the two ends


def test_ends() -> None:
    connection = Connection(http_scope(server=("10.0.0.1", 80), client=["::1", 0]))
    assert connection.client == Address("::1", 0)
    assert connection.server == Address("10.0.0.1", 80)
    unix = Connection(http_scope(server=("/run/app.sock", None), client=["", None]))
    assert unix.server == Address("/run/app.sock", None)
    assert unix.client == Address("", None)


def test_tls() -> None:
    connection = Connection(http_scope(extensions={"tls": {"tls_version": 0x0304}}))
    assert connection.tls is not None
    assert connection.tls.version_name == "TLSv1.3"
    assert connection.tls is connection.tls


# --- fields


def test_fields_are_read_once() -> None:
    connection = with_fields(("Host", "a.example"), ("x-tag", "a"), ("x-tag", "b"))
    assert connection.headers["host"] == "a.example"
    assert connection.headers.getall("X-Tag") == ["a", "b"]
    for name in ("headers", "cookies", "query_params", "url", "base_url", "path"):
        assert getattr(connection, name) is getattr(connection, name)


def test_cookie_fields_are_joined() -> None:
    connection = with_fields(("cookie", "a=1; b=2"), ("cookie", "a=3"))
    assert (connection.cookies["a"], connection.cookies["b"]) == ("1", "2")
    assert connection.cookies.getall("a") == ["1", "3"]


def test_query() -> None:
    connection = Connection(http_scope(query_string=b"tag=a&tag=%C3%A9"))
    assert connection.query_params.getall("tag") == ["a", "é"]
    assert connection.query_string == "tag=a&tag=%C3%A9"


@pytest.mark.parametrize(("count", "is_good"), [(1000, True), (1001, False)])
def test_the_limit_of_a_query(count: int, is_good: bool) -> None:
    connection = Connection(http_scope(query_string=b"&".join([b"a"] * count)))
    if is_good:
        assert len(connection.query_params) == count
        return
    with pytest.raises(BadInput) as caught:
        _ = connection.query_params
    assert caught.value.status_code == 400


def test_content_type() -> None:
    connection = with_fields(("content-type", "Text/Plain; Charset=Latin1"))
    assert connection.content_type == "text/plain"
    assert connection.charset == "latin1"
    assert with_fields(("content-type", 'text/plain; charset=""')).charset == "utf-8"
    with pytest.raises(BadInput):
        _ = with_fields(("content-type", "text")).charset


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param([], None, id="none"),
        pytest.param(["0"], 0, id="nothing"),
        pytest.param(["42"], 42, id="number"),
        pytest.param(["9" * 18], 10**18 - 1, id="longest"),
        pytest.param(["42", "42"], 42, id="the same twice (RFC 9110 8.6)"),
    ],
)
def test_content_length(fields: list[str], expected: int | None) -> None:
    assert with_fields(*[("content-length", value) for value in fields]).content_length == expected


@pytest.mark.parametrize("first", [True, False])
def test_a_chunked_body_has_no_length(first: bool) -> None:
    fields = [("transfer-encoding", "chunked"), ("content-length", "5")]
    assert with_fields(*fields[:: 1 if first else -1]).content_length is None


@pytest.mark.parametrize(
    "values",
    [
        *[["+5"], ["-1"], ["5_0"], [" 5"], ["5 "], ["0x5"], ["5.0"], [""], ["five"], ["5,5"]],
        *[
            ["\u00b2"],
            ["\u0665".encode().decode("latin-1")],
            ["9" * 19],
            ["5", "6"],
            ["5", ""],
            ["5", "05"],
        ],
    ],
)
def test_a_content_length_that_is_none(values: list[str]) -> None:
    connection = with_fields(*[("content-length", value) for value in values])
    with pytest.raises(BadInput, match="content-length") as caught:
        _ = connection.content_length
    assert caught.value.status_code == 400


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("yesterday", None),
        ("Sun, 99 Nov 1994 08:49:37 GMT", None),
        ("", None),
    ],
)
def test_date(value: str, expected: datetime | None) -> None:
    assert with_fields(("date", value)).date == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://a.example/b?c=d", URL("https://a.example/b?c=d")),
        ("/b", URL("/b")),
        ("about:blank", URL("about:blank")),
        ("http://[::1", None),
        ("http://a:99999/", None),
        ("http://\xff.example\xad/", None),
        pytest.param("http://xn--a.com/", None, id="no IDNA"),
    ],
)
def test_referrer(value: str, expected: URL | None) -> None:
    referrer = with_fields(("referer", value)).referrer
    assert referrer is None or referrer.host is not None or "//" not in value
    if not value.startswith("http://\xff"):  # it depends on the version of idna
        assert referrer == expected


# --- from above


@pytest.mark.parametrize("key", ["app", "route", "user", "auth", "session"])
def test_what_those_above_put_there(key: str) -> None:
    thing = object()
    assert getattr(Connection({**http_scope(), key: thing}), key) is thing
    with pytest.raises(Misuse, match=rf"connection\.{key} needs"):
        getattr(Connection(http_scope()), key)


def test_path_params() -> None:
    assert Connection(http_scope(path_params={"a": 1})).path_params == {"a": 1}
