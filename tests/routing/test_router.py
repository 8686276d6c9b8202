"""The router: methods, slashes, mounts, root paths, limits, changes."""

from __future__ import annotations

import json
from typing import Any, cast
from urllib.parse import unquote, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico import (
    App,
    Middleware,
    Misuse,
    Mount,
    PlainTextResponse,
    Request,
    Route,
    Router,
    Subpaths,
    WebSocketRoute,
)
from portico.asgi import ASGIApp, Message, Receive, Scope, Send
from portico.routing.converters import IntConverter
from portico.routing.endpoint import CallNext
from tests.drive import call, drive, http_scope, websocket_scope


def say(word: str) -> Any:
    async def handler(request: Request) -> str:
        return word

    return handler


async def where(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI app of somebody else, which says where it is."""
    raw = scope.get("raw_path")
    facts = [scope["root_path"], scope["path"], raw.decode() if raw else "-"]
    await PlainTextResponse(" ".join(facts))(scope, receive, send)


async def tell(request: Request) -> dict[str, Any]:
    return request.path_params


# Which route counts


def crowded() -> list[Route]:
    return [
        Route("/{rest:path}", say("path")),
        Route("/a/{name}", say("name")),
        Route("/a/{number:int}", say("number")),
        Route("/a/{name}.{ext}", say("mixed")),
        Route("/a/fixed", say("fixed")),
        Route("/a/", say("slash")),
        Route("/a", say("bare")),
        Route("/b/{x}/{y}", say("xy")),
        Route("/b/{x:int}/z", say("z")),
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("is_reversed", [False, True], ids=["in order", "reversed"])
@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/a/fixed", "fixed"),
        ("/a/7", "number"),
        ("/a/x", "name"),
        ("/a/x.y", "mixed"),
        ("/a/", "slash"),
        ("/a", "bare"),
        ("/a/x/y", "path"),
        ("/b/7/z", "z"),
        ("/b/x/z", "xy"),
        ("/b/7/y", "xy"),
        ("/other", "path"),
    ],
)
async def test_the_most_specific_counts_whatever_the_order(
    path: str, word: str, is_reversed: bool
) -> None:
    routes = crowded()
    app = App(reversed(routes) if is_reversed else routes)
    assert (await call(app, path=path)).text == word


# Methods


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        pytest.param("GET", "/x", 200, None, id="GET"),
        pytest.param("HEAD", "/x", 200, None, id="HEAD comes with GET (9110 9.3.2)"),
        pytest.param("PUT", "/x", 200, None, id="another route of the same path"),
        pytest.param("DELETE", "/x", 405, "GET, HEAD, OPTIONS, PATCH, PUT", id="merged Allow"),
        pytest.param("OPTIONS", "/x", 204, "GET, HEAD, OPTIONS, PATCH, PUT", id="OPTIONS (9.3.7)"),
        pytest.param("get", "/x", 405, "GET, HEAD, OPTIONS, PATCH, PUT", id="case counts (9.1)"),
        pytest.param("HEAD", "/post", 405, "OPTIONS, POST", id="no HEAD without GET"),
        pytest.param("OPTIONS", "/missing", 404, None, id="OPTIONS of nothing"),
        pytest.param("GET", "/missing", 404, None, id="nothing"),
        pytest.param("BREW", "/any", 200, None, id="an ASGI app takes all"),
        pytest.param("OPTIONS", "/any", 200, None, id="also OPTIONS"),
    ],
)
async def test_methods(method: str, path: str, status: int, allow: str | None) -> None:
    routes = [
        Route("/x", say("get"), methods=["GET"]),
        Route("/x", say("put"), methods=["PUT"]),
        Route("/any", where),
        Route("/post", say("post"), methods=["POST"]),
    ]
    if path == "/x":
        routes.append(Route("/{name}", say("patch"), methods=["PATCH"]))
    app = App(routes)
    reply = await call(app, method, path)
    assert (reply.status, reply.headers.get("allow")) == (status, allow)
    if method == "HEAD":
        assert reply.body == b""


@pytest.mark.anyio
async def test_head_has_the_headers_of_get() -> None:
    app = App([Route("/x", say("four"))])
    get, head = await call(app, "GET", "/x"), await call(app, "HEAD", "/x")
    assert head.raw_headers == get.raw_headers
    assert head.headers["content-length"] == "4"


@pytest.mark.anyio
@pytest.mark.parametrize("prefix", ["", "/in"])
async def test_head_next_to_a_mount_that_takes_all(prefix: str) -> None:
    """The route's own HEAD beats the mount's any method."""
    routes: list[Route | Mount] = [Route("/in/x", say("route")), Mount(prefix, where)]
    reply = await call(App(routes), "HEAD", "/in/x")
    assert reply.headers["content-length"] == "5"
    reply = await call(App(routes), "PUT", "/in/x")
    assert reply.text.startswith(prefix), "what the route does not take is the mount's"


@pytest.mark.anyio
async def test_a_head_of_its_own() -> None:
    app = App()
    app.get("/x")(say("get"))

    @app.head("/x")
    async def head(request: Request) -> tuple[int, str]:
        return 202, "x"

    assert (await call(app, "HEAD", "/x")).status == 202
    assert (await call(app, "GET", "/x")).status == 200


# The slash at the end


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("policy", "path", "status", "location"),
    [
        pytest.param("strict", "/a/", 404, None, id="strict, one too many"),
        pytest.param("strict", "/b", 404, None, id="strict, one too few"),
        pytest.param("match", "/a/", 200, None, id="match, one too many"),
        pytest.param("match", "/b", 200, None, id="match, one too few"),
        pytest.param("match", "/c/", 404, None, id="match, nothing"),
        pytest.param("redirect", "/a/", 308, "/a", id="redirect, one too many"),
        pytest.param("redirect", "/b", 308, "/b/", id="redirect, one too few"),
        pytest.param("redirect", "/c", 404, None, id="redirect, nothing"),
        pytest.param("redirect", "/a", 200, None, id="redirect, right"),
        pytest.param("redirect", "/u/a b%/", 308, "/u/a%20b%25", id="redirect, quoted"),
        pytest.param("redirect", "//evil.org/", 404, None, id="redirect, never to a host"),
    ],
)
async def test_trailing_slash(policy: Any, path: str, status: int, location: str | None) -> None:
    app = App(
        [Route("/a", say("a")), Route("/b/", say("b")), Route("/u/{name}", say("u"))],
        trailing_slash=policy,
    )
    reply = await call(app, path=path)
    assert (reply.status, reply.headers.get("location")) == (status, location)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("query", "written"),
    [
        pytest.param(b"x=1&y", "x=1&y", id="as it is"),
        pytest.param(b"x=\\", "x=%5C", id="a backslash"),
        pytest.param(b"x=\x01", "x=%01", id="a control"),
        pytest.param(b"x=\xff", "x=%FF", id="no text"),
    ],
)
async def test_the_redirect_keeps_method_prefix_and_query(query: bytes, written: str) -> None:
    """Path-absolute: no scheme and no host that a proxy would know better."""
    app = App([Route("/a/", say("a"), methods=["POST"])], trailing_slash="redirect")
    for path in ("/root x/a", "/a"):
        reply = await call(app, "POST", path, root_path="/root x", query=query)
        assert (reply.status, reply.headers["location"]) == (308, f"/root%20x/a/?{written}")


@pytest.mark.anyio
async def test_match_knows_the_methods_of_the_other_path() -> None:
    app = App([Route("/a/", say("a"), methods=["POST"])], trailing_slash="match")
    assert (await call(app, "GET", "/a")).headers["allow"] == "OPTIONS, POST"


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["//evil.org", "//evil.org/x"])
async def test_no_redirect_names_another_host(path: str) -> None:
    app = App([Route("/{rest:path}/", say("x"))], trailing_slash="redirect")
    assert (await call(app, path=path)).status == 404
    assert (await call(app, path="/evil.org")).headers["location"] == "/evil.org/"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "status", "allow"),
    [
        pytest.param("OPTIONS", 204, "DELETE, GET, HEAD, OPTIONS, PUT", id="of the server (9.3.7)"),
        pytest.param("GET", 400, None, id="for OPTIONS alone (RFC 9112 3.2.4)"),
    ],
)
async def test_a_target_that_is_the_server(method: str, status: int, allow: str | None) -> None:
    inner = Router([Route("/y", say("y"), methods=["PUT"])])
    app = App(
        [
            Route("/{name}", say("x"), methods=["DELETE"]),
            Route("/a", say("a")),
            Route("/any", PlainTextResponse("any")),
            WebSocketRoute("/ws", say("ws")),
            Mount("/below", inner),
            Mount("/foreign", PlainTextResponse("foreign")),
        ],
        default=PlainTextResponse("default"),
    )
    reply = await call(app, method, "*", raw_path=b"*")
    assert (reply.status, reply.headers.get("allow")) == (status, allow)


@pytest.mark.anyio
async def test_a_socket_has_no_server_wide_target() -> None:
    app = App([WebSocketRoute("/{name}", say("ws"))])
    scope = websocket_scope("*", raw_path=b"*")
    sent = await drive(app, scope, {"type": "websocket.connect"})
    assert [message["type"] for message in sent] == ["websocket.close"]


@pytest.mark.anyio
@pytest.mark.parametrize("below", ["", "/below"])
@pytest.mark.parametrize(
    "target",
    [
        pytest.param(b"http://example.com/users/a%2Fb", id="escapes"),
        pytest.param(b"HTTPS://example.com/users/ab", id="https"),
    ],
)
@pytest.mark.parametrize("has_raw_path", [True, False])
async def test_a_target_that_is_a_whole_url(
    below: str, target: bytes, *, has_raw_path: bool
) -> None:
    """RFC 9112 3.2.2: servers take it, and its authority is the host."""
    seen: list[str] = []

    def guard(app: ASGIApp) -> ASGIApp:
        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            seen.extend([scope["path"], Request(scope).path, str(Request(scope).url)])
            await app(scope, receive, send)

        return guarded

    async def show(request: Request, name: str) -> list[str]:
        return [name, request.path, str(request.url), *request.headers.getall("host")]

    target = target.replace(b"/users", f"{below}/users".encode())
    written = target.partition(b"example.com")[2]
    if not has_raw_path:
        written = unquote_to_bytes(written)
    routes = [Route("/users/{name}", show), Route("/users/{a}/{b}", say("two"))]
    app = App([Mount(below, Router(routes))] if below else routes, middleware=[guard])
    scope = http_scope(
        path=unquote(target.decode()), raw_path=target, headers=[("host", "other.org")]
    )
    if not has_raw_path:
        del scope["raw_path"]
    sent = await drive(app, scope)
    url = f"http://example.com{written.decode()}"
    assert seen[2] == url
    assert seen[0] == unquote(written.decode())
    if b"%2F" in target and not has_raw_path:
        assert sent[1]["body"] == b"two"
    else:
        name = unquote(written.decode().rpartition("/")[2])
        path = f"/users/{name.replace('/', '%2F')}"
        assert json.loads(sent[1]["body"]) == [name, path, url, "example.com"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("target", "status"),
    [
        pytest.param("http://example.com", 200, id="no path is the root"),
        pytest.param("http://user:word@example.com/", 200, id="a bad authority is no path"),
        pytest.param("http:///", 404, id="no authority"),
        pytest.param("ftp://example.com/", 404, id="another scheme"),
        pytest.param("users", 404, id="no slash"),
        pytest.param("", 200, id="empty"),
    ],
)
async def test_odd_targets(target: str, status: int) -> None:
    app = App([Route("/", say("root"))])
    assert (await call(app, path=target, raw_path=target.encode())).status == status


@pytest.mark.anyio
@pytest.mark.parametrize("target", ["http://a/api/x", "http://a/x", "http://a/%78"])
async def test_a_whole_url_below_a_root_path(target: str) -> None:
    app = App([Route("/x", say("x"))])
    path, raw_path = unquote(target), target.encode()
    assert (await call(app, path=path, raw_path=raw_path, root_path="/api")).text == "x"


@pytest.mark.anyio
async def test_of_a_route_that_cannot_be_added_nothing_is_there() -> None:
    app = App([Route("/taken", say("first"))])
    for route in (
        Route(("/new", "/taken"), say("second"), name="second"),
        Route(("/new", "/new"), say("second"), name="second"),
        WebSocketRoute(("/ws", "/ws"), say("second"), name="second"),
    ):
        with pytest.raises(ValueError, match="belong to"):
            app.add(route)
    assert len(app.routes) == 1
    assert app.url_names() == ["handler"]
    assert (await call(app, path="/new")).status == 404
    assert (await call(app, path="/taken")).text == "first"
    app.add(Route("/new", say("third")))
    app.add(WebSocketRoute("/ws", say("third")))
    assert (await call(app, path="/new")).text == "third"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("raw_path", "expected"),
    [
        pytest.param("/x%2Fy/a", "/x%2Fy/a/", id="a slash in a mount's parameter"),
        pytest.param("/%2Fevil.example/a", "/%2Fevil.example/a/", id="one in front"),
        pytest.param("/%61/%61", "/%61/%61/", id="as it came"),
        pytest.param("/%FF/a", "/%FF/a/", id="not UTF-8"),
        pytest.param("/x%5Cy/a", "/x%5Cy/a/", id="a backslash"),
    ],
)
async def test_the_redirect_below_a_mount_keeps_escapes(raw_path: str, expected: str) -> None:
    inner = Router([Route("/a/", say("a"))], trailing_slash="redirect")
    app = App([Mount("/{name}", inner)])
    reply = await call(app, path=unquote(raw_path), raw_path=raw_path.encode())
    assert (reply.status, reply.headers["location"]) == (308, expected)


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/m", "/m/"])
async def test_the_root_of_a_mount_is_not_sent_on(path: str) -> None:
    inner = Router([Route("/{rest:path}", say("a"), methods=["PUT"])], trailing_slash="redirect")
    reply = await call(App([Mount("/m", inner)]), path=path)
    assert "location" not in reply.headers


@pytest.mark.anyio
async def test_urls_below_a_mount_keep_escapes() -> None:
    async def urls(request: Request) -> list[str]:
        return [
            str(request.base_url),
            str(request.url_for("m:urls", **request.path_params)),
            str(request.url),
        ]

    router = Router([Route("/u", urls)])
    path, raw_path = "//evil.example/x/y/u", b"/%2Fevil.example/x%2Fy/u"
    root = "http://testserver/%2Fevil.example/x%2Fy"
    app = App([Mount("/{a}/{b}", router, name="m")])
    reply = await call(app, path=path, raw_path=raw_path)
    assert reply.json() == [f"{root}/", f"{root}/u", f"{root}/u"]
    assert app.url_path_for("m:urls", a="/evil.example", b="x/y") == raw_path.decode()


def test_another_policy_is_a_named_error() -> None:
    with pytest.raises(ValueError, match="'strict', 'redirect' or 'match'"):
        Router(trailing_slash="loose")  # type: ignore[arg-type]


# Mounts


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "facts"),
    [
        pytest.param("/one", "/one|/one|/one", id="the prefix alone"),
        pytest.param("/one/", "/one|/one/|/one/", id="with a slash"),
        pytest.param("/one/x/y", "/one|/one/x/y|/one/x/y", id="below"),
        pytest.param("/ones", None, id="on a border of segments"),
        pytest.param("/p/a b/x", "/p/a b|/p/a b/x|/p/a%20b/x", id="a parameter"),
        pytest.param("/two/deep/x", "/two/deep|/two/deep/x|/two/deep/x", id="a mount in a mount"),
        pytest.param("/two/x", None, id="a router that has no such path"),
    ],
)
@pytest.mark.parametrize("root_path", ["", "/root", "/root/"])
@pytest.mark.parametrize("is_prefixed", [True, False], ids=["in path", "not in path"])
async def test_mounts(path: str, facts: str | None, root_path: str, is_prefixed: bool) -> None:
    """The path stays whole and ``root_path`` grows, as ASGI has it; either way that servers do."""
    app = App(
        [
            Mount("/one", where),
            Mount("/p/{name}", where),
            Mount("/two/", Router([Mount("/deep", where)])),
        ]
    )
    root = root_path.rstrip("/")
    reply = await call(app, path=root * is_prefixed + path, root_path=root_path)
    if facts is None:
        assert reply.status == 404
    else:
        assert reply.text == " ".join(root + fact for fact in facts.split("|"))


@pytest.mark.anyio
async def test_an_encoded_slash_stays_in_its_segment() -> None:
    """It is no separator (RFC 3986 2.2); also through mounts with parameters."""
    inner = Router([Route("/{file}", tell)])
    app = App([Route("/x/{file}", tell), Mount("/{team}", inner)])
    reply = await call(app, path="/x/a/b", raw_path=b"/x/a%2Fb")
    assert reply.json() == {"file": "a/b"}
    reply = await call(app, path="/t/e/a/b", raw_path=b"/t%2Fe/a%2Fb")
    assert reply.json() == {"team": "t/e", "file": "a/b"}
    assert (await call(app, path="/x/a/b")).status == 404


@pytest.mark.anyio
async def test_parameters_of_all_mounts_are_there_and_the_inner_counts() -> None:
    inner = Router([Route("/{b}/{c}", tell)])
    app = App([Mount("/{a}/{b:int}", inner)])
    assert (await call(app, path="/x/7/y/z")).json() == {"a": "x", "b": "y", "c": "z"}


@pytest.mark.anyio
async def test_the_scope_of_the_server_is_not_touched() -> None:
    """Servers and middlewares outside keep theirs: what is added goes into a copy."""
    inner = App([Route("/{x}", say("x"))])
    app = App([Mount("/in", inner), Route("/y", say("y"))], default=where)
    for path in ("/in/x", "/y", "/missing"):
        scope = http_scope(path=path, root_path="/root")
        before = dict(scope)
        await drive(app, scope)
        assert scope == before


@pytest.mark.anyio
async def test_middleware_between_routers_may_rewrite_the_path() -> None:
    def moved(app: ASGIApp) -> ASGIApp:
        async def move(scope: Scope, receive: Receive, send: Send) -> None:
            path = scope["path"].replace("/old", "/new")
            await app({**scope, "path": path, "raw_path": path.encode()}, receive, send)

        return move

    inner = Router([Route("/new", say("new"))])
    app = App([Mount("/in", inner, middleware=[moved])])
    assert (await call(app, path="/in/old")).text == "new"


@pytest.mark.anyio
async def test_routes_that_are_added_below_a_mount_later_count() -> None:
    inner, other = Router(), Router()
    app = App([Mount("/in", inner), Mount("/other", other)])
    assert (await call(app, path="/in/x")).status == 404
    inner.get("/x")(say("x"))
    inner.mount("/deep", other)
    assert (await call(app, path="/in/x")).text == "x"
    other.get("/y")(say("y"))
    for path in ("/in/deep/y", "/other/y"):
        assert (await call(app, path=path)).text == "y"
    inner.middleware(_answer)
    assert (await call(app, path="/in/x")).text == "view"
    assert (await call(app, path="/other/y")).text == "y"


@pytest.mark.anyio
async def test_a_route_that_is_added_while_a_request_is_served() -> None:
    app = App()

    def adding(below: ASGIApp) -> ASGIApp:
        async def add(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == "/new" and len(app.routes) == 0:
                app.get("/new")(say("new"))
            await below(scope, receive, send)

        return add

    app.add_middleware(adding)
    assert (await call(app, path="/")).status == 404
    assert (await call(app, path="/new")).status == 404, "this request's router is the old one"
    assert (await call(app, path="/x")).status == 404
    assert "/new" in [route.path for route in app.routes if isinstance(route, Route)]


@pytest.mark.anyio
async def test_asgi_middleware_of_a_mounted_router_is_never_passed_by() -> None:
    def refuse(below: ASGIApp) -> ASGIApp:
        return PlainTextResponse("refused", 403)

    app = App([Mount("/in", Router([Route("/x", say("x"))], middleware=[refuse]))])
    for path in ("/in/x", "/in/y"):
        assert (await call(app, path=path)).text == "refused"


async def _answer(request: Request, call_next: CallNext) -> object:
    return "view"


@pytest.mark.anyio
async def test_a_fixed_path_of_the_outer_router_beats_a_mounts() -> None:
    inner = Router([Route("/x", say("inner")), Route("/x", say("post"), methods=["POST"])])
    app = App([Mount("/in", inner), Route("/in/x", say("outer"))])
    assert (await call(app, path="/in/x")).text == "outer"
    assert (await call(app, "POST", "/in/x")).text == "post"


@pytest.mark.anyio
async def test_subpaths() -> None:
    """The longest prefix counts; an empty one is for all that is left."""
    app = Subpaths(
        ("", PlainTextResponse("rest")), ("/a", where), ("/a/b", PlainTextResponse("ab"))
    )
    assert (await call(app, path="/a/b/c")).text == "ab"
    assert (await call(app, path="/a/bc")).text.startswith("/a ")
    assert (await call(app, path="/ab")).text == "rest"
    assert (await call(Subpaths(("/a", where)), path="/b")).status == 404


# The default


@pytest.mark.anyio
@pytest.mark.parametrize("has_view", [False, True], ids=["alone", "below a view"])
async def test_default_is_for_paths_that_no_route_has(has_view: bool) -> None:
    async def view(request: Request, call_next: CallNext) -> object:
        return await call_next(request)

    app = App([Route("/x", say("x"))], default=where, middleware=[view] * has_view)
    assert (await call(app, path="/y")).text == " /y /y"
    assert (await call(app, path="/x")).text == "x"
    assert (await call(app, "POST", "/x")).status == 405


# What is in the scope


@pytest.mark.anyio
async def test_the_result_is_in_the_scope() -> None:
    """For ASGI middleware and apps, which have no ``Request``."""
    seen: list[Any] = []

    async def look(request: Request, number: int) -> str:
        seen.extend([request.app, request.route, request.path_params, request["path_params"]])
        return "x"

    route = Route("/{number:int}", look, name="r")
    app = App([route])
    await call(app, path="/7")
    assert seen[:2] == [app, route]
    assert seen[2:] == [{"number": 7}] * 2


# Limits


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        pytest.param("/app", 4, 413, id="the app's"),
        pytest.param("/app", 3, 200, id="the app's, just so"),
        pytest.param("/route", 6, 413, id="the route's"),
        pytest.param("/route", 5, 200, id="the route's, just so"),
        pytest.param("/free", 99, 200, id="none"),
        pytest.param("/router/x", 2, 413, id="the router's"),
        pytest.param("/plain/x", 4, 413, id="the app's below a router without one"),
    ],
)
async def test_max_body_bytes(path: str, size: int, status: int) -> None:
    async def read(request: Request) -> bytes:
        return await request.body()

    app = App(
        [
            Route("/app", read, methods=["POST"]),
            Route("/route", read, methods=["POST"], max_body_bytes=5),
            Route("/free", read, methods=["POST"], max_body_bytes=None),
            Mount("/router", Router([Route("/x", read, methods=["POST"])], max_body_bytes=1)),
            Mount("/plain", Router([Route("/x", read, methods=["POST"])])),
        ],
        max_body_bytes=3,
    )
    assert (await call(app, "POST", path, body=b"x" * size)).status == status


# Converters, scopes, servers


@pytest.mark.anyio
async def test_converters_of_a_router() -> None:
    router = Router(converters={"year": lambda: IntConverter(min=1900, max=2100)})
    router.get("/{y:year}")(tell)
    assert (await call(router, path="/1999")).json() == {"y": 1999}
    assert (await call(router, path="/1")).status == 404


@pytest.mark.anyio
async def test_another_scope_is_a_named_error() -> None:
    """A server must hear that a type is not served (ASGI: raise on unknown scope types)."""
    for app in (App(), Router([Route("/", say("x"))]), Subpaths()):
        with pytest.raises(Misuse, match="not 'mqtt'"):
            await app({"type": "mqtt"}, cast("Any", None), cast("Any", None))


@pytest.mark.anyio
@pytest.mark.parametrize("missing", ["raw_path", "root_path", "query_string", "server", "client"])
async def test_a_poorer_server(missing: str) -> None:
    app = App([Mount("/in", Router([Route("/{x}/", tell)], trailing_slash="redirect"))])
    for path, status in (("/in/x/", 200), ("/in/x", 308), ("/x", 404)):
        scope = http_scope(path=path)
        del scope[missing]
        assert (await drive(app, scope))[0]["status"] == status


@given(st.binary(max_size=30), st.sampled_from(["strict", "redirect", "match"]), st.binary())
def test_no_path_is_a_fault_of_the_server(raw: bytes, policy: Any, query: bytes) -> None:
    """Whatever comes, the answer is found, not found, or somewhere else."""
    app = App(
        [
            Route("/", say("x")),
            Route("/{a}/{b:int}/", say("x")),
            Mount("/{m}", Router([Route("/{p:path}", say("x"))], trailing_slash=policy)),
        ],
        trailing_slash=policy,
    )
    path = "/" + raw.decode("utf-8", "replace")
    scope = http_scope(path=path, raw_path=b"/" + raw, query_string=query)
    sent: list[Message] = []

    async def receive() -> Message:
        raise NotImplementedError  # pragma: no cover - not called

    async def send(message: Message) -> None:
        sent.append(message)

    running = cast("Any", app(scope, receive, send))
    try:
        running.send(None)
    except StopIteration:
        assert sent[0]["status"] in {200, 308, 404}


# Middleware of an app sees the app


@pytest.mark.anyio
async def test_middleware_may_ask_for_the_app_and_for_urls() -> None:
    seen: list[object] = []

    async def view(request: Request, call_next: CallNext) -> object:
        seen.extend([request.app, str(request.url_for("x"))])
        return await call_next(request)

    def passing(app: ASGIApp) -> ASGIApp:
        async def passed(scope: Scope, receive: Receive, send: Send) -> None:
            await app(scope, receive, send)

        return passed

    stacks: list[list[Any]] = [[view], [view, Middleware(passing)]]
    for entries in stacks:
        app = App([Route("/x", say("x"), name="x")], middleware=entries)
        for path in ("/x", "/missing"):
            await call(app, path=path)
            assert seen == [app, "http://testserver/x"]
            seen.clear()


@pytest.mark.anyio
async def test_head_gets_a_route_of_its_own_at_any_time() -> None:
    app = App([Route("/", say("get"))])
    assert (await call(app, "HEAD")).headers["content-length"] == "3"
    app.head("/")(say("own head"))
    assert (await call(app, "HEAD")).headers["content-length"] == "8"
    assert (await call(app, "GET")).text == "get"


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["", "/"])
async def test_no_path_is_the_root(path: str) -> None:
    app = App([Route("/", say("root"))], default=PlainTextResponse("default"))
    assert (await call(app, path=path)).text == "root"


@pytest.mark.anyio
async def test_a_redirect_of_the_slash_begins_with_one() -> None:
    app = App([Route("/a/", say("a"))], trailing_slash="redirect")
    assert (await call(app, path="/a", root_path="api")).headers["location"] == "/api/a/"
