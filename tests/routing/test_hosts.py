"""Apps by host: which patterns match, what is refused, names to URLs."""

from __future__ import annotations

from typing import Any, cast

import pytest

from portico import (
    App,
    Hosts,
    Misuse,
    Mount,
    PlainTextResponse,
    Request,
    Route,
    Router,
    WebSocket,
)
from portico.asgi import Message, Receive, Scope, Send
from portico.errors import RouteNotFound
from tests.drive import call, drive, http_scope, websocket_scope

CONNECT: Message = {"type": "websocket.connect"}
DENIAL: dict[str, object] = {"websocket.http.response": {}}


async def said(hosts: Any, host: str) -> object:
    """What the app that is found for a host says; the status if none is."""
    reply = await call(hosts, headers=[("host", host)])
    return reply.text if reply.status == 200 else reply.status


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("target", "expected"),
    [
        pytest.param("http://a.example:80/", "a", id="the target's authority"),
        pytest.param("http://user@a.example/", 400, id="by the same grammar"),
        pytest.param("http://c.example/", 404, id="unknown"),
    ],
)
async def test_the_authority_of_a_whole_url_counts(target: str, expected: object) -> None:
    """And the Host field is ignored (RFC 9112 3.2.2)."""
    hosts = Hosts(("a.example", text("a")), ("b.example", text("b")))
    raw_path = target.encode()
    reply = await call(hosts, path=target, raw_path=raw_path, headers=[("host", "b.example")])
    assert (reply.text if reply.status == 200 else reply.status) == expected


def text(word: str) -> PlainTextResponse:
    return PlainTextResponse(word)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param("example.com", "site", id="as written"),
        pytest.param("EXAMPLE.com", "site", id="case-blind"),
        pytest.param("example.com:8000", "site", id="a port does not count"),
        pytest.param("example.com.", "site", id="a root dot does not count"),
        pytest.param("example.com.:8000", "site", id="neither with a port"),
        pytest.param("a.ex.org", "org", id="one label below"),
        pytest.param("a.b.ex.org", "org", id="two labels below"),
        pytest.param("ex.org", 404, id="none below"),
        pytest.param("evilex.org", 404, id="on a border of labels"),
        pytest.param(".ex.org", 400, id="an empty label"),
        pytest.param("a..ex.org", 400, id="an empty label inside"),
        pytest.param("exampleXcom", 404, id="a dot is a dot"),
        pytest.param("evil-example.com", 404, id="anchored in front"),
        pytest.param("example.com.evil.net", 404, id="anchored at the end"),
        pytest.param("a.ex.org.evil.net", 404, id="a wildcard is too"),
        pytest.param("example.com:@evil", 400, id="no user"),
        pytest.param("example.com/", 400, id="no path"),
        pytest.param("", 400, id="empty"),
        pytest.param("example.com, evil.net", 400, id="two in one"),
        pytest.param("127.0.0.1", "four", id="IPv4"),
        pytest.param("[::1]", "six", id="IPv6"),
        pytest.param("[0:0:0:0:0:0:0:1]:80", "six", id="IPv6 written otherwise"),
        pytest.param("[::2]", 404, id="another IPv6"),
    ],
)
async def test_match(host: str, expected: object) -> None:
    hosts = Hosts(
        ("Example.COM", text("site")),
        ("*.ex.org", text("org")),
        ("127.0.0.1", text("four")),
        ("[::1]", text("six")),
    )
    got = await said(hosts, host)
    assert got == expected or (expected == 400 and got == 404), host


@pytest.mark.anyio
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([], id="none"),
        pytest.param([("x-forwarded-host", "example.com")], id="a forwarded one is none"),
        pytest.param([("host", "example.com"), ("host", "example.com")], id="two"),
    ],
)
async def test_one_host_is_needed(headers: list[tuple[str, str]]) -> None:
    """RFC 9112 3.2."""
    for hosts in (Hosts(("*", text("any"))), Hosts(default=text("any"))):
        sent = await drive(hosts, http_scope(headers=headers))
        assert sent[0]["status"] == 400


@pytest.mark.anyio
async def test_the_first_that_matches_counts_and_the_rest_is_the_defaults() -> None:
    hosts = Hosts(
        ("a.org", text("first")),
        ("a.org", text("second")),
        ("*.org", text("org")),
        default=text(""),
    )
    assert await said(hosts, "a.org") == "first"
    assert await said(hosts, "b.org") == "org"
    assert await said(hosts, "b.com") == ""
    assert await said(Hosts(("*", text("any"))), "[::1]") == "any"


@pytest.mark.anyio
async def test_names_are_path_parameters() -> None:
    router = Router()

    @router.get("/{page}")
    async def show(request: Request, **params: object) -> dict[str, object]:
        return params

    hosts = Hosts(("{Team}.{area}.example.org", router), ("*.{last}", router), ("{only}", router))
    reply = await call(hosts, path="/x", headers=[("host", "Red.EU.example.org")])
    assert reply.json() == {"Team": "red", "area": "eu", "page": "x"}
    reply = await call(hosts, path="/x", headers=[("host", "a.b.c")])
    assert reply.json() == {"last": "c", "page": "x"}
    reply = await call(hosts, path="/x", headers=[("host", "[::ffff:1.2.3.4]")])
    assert reply.json()["page"] == "x"
    assert "last" not in reply.json(), "an address has no labels"


@pytest.mark.anyio
async def test_the_scope_of_the_server_is_not_touched() -> None:
    scope = http_scope(headers=[("host", "a.org")], path_params={"of": "outside"})
    seen: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["path_params"])
        await text("x")(scope, receive, send)

    await drive(Hosts(("{name}.org", app)), scope)
    assert seen == [{"of": "outside", "name": "a"}]
    assert scope["path_params"] == {"of": "outside"}


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("", id="empty"),
        pytest.param("a..b", id="an empty label"),
        pytest.param("a.*.b", id="a star inside"),
        pytest.param("*a.b", id="a star with text"),
        pytest.param("a.org:80", id="a port"),
        pytest.param("a/b", id="a path"),
        pytest.param("{a b}.org", id="no identifier"),
        pytest.param("{a}x.org", id="a name with text"),
        pytest.param("{a}.{a}.org", id="a name twice"),
        pytest.param("\u212a.org", id="not ASCII: KELVIN SIGN is k in lower case"),
        pytest.param("{\u212a}.org", id="nor in a name"),
        pytest.param("[::1", id="half a bracket"),
        pytest.param("[::1]:80", id="IPv6 with a port"),
        pytest.param("[a]", id="no IPv6"),
    ],
)
def test_a_pattern_is_checked(pattern: str) -> None:
    with pytest.raises(ValueError, match="host "):
        Hosts((pattern, text("x")))


@pytest.mark.anyio
@pytest.mark.parametrize("extensions", [{}, DENIAL], ids=["plain", "with denial"])
async def test_a_websocket_without_a_host_is_refused(extensions: dict[str, Any]) -> None:
    async def accepting(scope: Scope, receive: Receive, send: Send) -> None:
        await WebSocket(scope, receive, send).accept()

    hosts = Hosts(("a.org", accepting))
    for host, status in (("a.org", None), ("b.org", 404), ("b/org", 400)):
        scope = websocket_scope(headers=[("host", host)], extensions=extensions)
        sent = await drive(hosts, scope, CONNECT)
        if status is None:
            assert sent == [{"type": "websocket.accept"}]
        elif extensions:
            assert sent[0]["status"] == status
        else:
            assert sent == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.anyio
async def test_another_scope_is_a_named_error() -> None:
    with pytest.raises(Misuse, match="not 'mqtt'"):
        await Hosts()({"type": "mqtt"}, cast("Any", None), cast("Any", None))


@pytest.mark.anyio
async def test_lifespans_run() -> None:
    order: list[str] = []

    def app(name: str) -> App:
        made = App()
        made.on_startup(lambda: order.append(f"{name} up"))
        made.on_shutdown(lambda: order.append(f"{name} down"))
        return made

    hosts = Hosts(("a.org", app("a")), default=app("default"))
    messages: list[Message] = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[str] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message["type"])

    await hosts({"type": "lifespan", "state": {}}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert sorted(order) == ["a down", "a up", "default down", "default up"]


# Names


def site() -> Router:
    router = Router()
    router.get("/", name="home")(lambda: "x")
    router.get("/p/{page}", name="page")(lambda: "x")
    return router


def api() -> Router:
    router = Router()
    router.get("/v1", name="v1")(lambda: "x")
    return router


def test_names_give_host_and_path() -> None:
    hosts = Hosts(
        ("[::1]", api()), ("{Team}.example.org", site()), ("y.org", text("")), default=Router()
    )
    assert hosts.url_names() == ["home", "page", "v1"]
    assert hosts.url_parts_for("v1") == ("[::1]", "/v1")
    found = hosts.url_parts_for("page", Team="Red", page="a b")
    assert found == ("red.example.org", "/p/a%20b")
    assert Hosts(("a.org", text("")), default=api()).url_parts_for("v1") == (None, "/v1")


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        pytest.param("home", {}, "needs also team", id="the host's parameter"),
        pytest.param("page", {"team": "a"}, "missing: page", id="the path's"),
        pytest.param("home", {"team": "evil.net/"}, "not one label", id="another host"),
        pytest.param("home", {"team": "evil.net"}, "not one label", id="more than one label"),
        pytest.param("home", {"team": ""}, "not one label", id="none"),
        pytest.param("v1", {}, "stands for many", id="a star"),
        pytest.param("hom", {}, "there are: home, page, v1", id="no such name"),
    ],
)
def test_a_name_that_gives_none(name: str, params: dict[str, object], message: str) -> None:
    hosts = Hosts(("{team}.example.org", site()), ("*.example.org", api()))
    with pytest.raises(RouteNotFound, match=message):
        hosts.url_parts_for(name, **params)


@pytest.mark.anyio
async def test_url_for_across_hosts_and_mounts() -> None:
    hosts = Hosts(("api.example.org", api()), default=site())
    app = App([Mount("/in", hosts, name="h")])

    @app.get("/")
    async def home(request: Request) -> list[str]:
        names: list[tuple[str, dict[str, str]]] = [("h:v1", {}), ("h:page", {"page": "x"})]
        return [str(request.url_for(name, **params)) for name, params in names]

    reply = await call(app, root_path="/root", path="/root/")
    assert reply.json() == ["http://api.example.org/root/in/v1", "http://testserver/root/in/p/x"]


@pytest.mark.anyio
async def test_hosts_at_the_outside_know_the_names_of_all_apps() -> None:
    web = App([Route("/w", _plain, name="w")])

    async def link(request: Request) -> str:
        return f"{request.url_for('w')} {request.url_for('own')}"

    api = App([Route("/", link, name="own")])
    hosts = Hosts(("*.example.com", api), ("web.example", web), ("plain.example", _plain))
    reply = await call(hosts, headers=[("host", "a.b.example.com")])
    assert reply.text == "http://web.example/w http://a.b.example.com/"
    assert (await call(hosts, headers=[("host", "plain.example")])).text == "http://web.example/w"


async def _plain(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive, send)
    await PlainTextResponse(str(request.url_for("w")))(scope, receive, send)
