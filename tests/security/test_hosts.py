"""Attacks by the Host field: A001 and A004."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import Any

import pytest

from portico import App, Hosts, PlainTextResponse, Request
from portico.asgi import ASGIApp, Message
from tests.drive import drive, websocket_scope
from tests.security.invariants import attack, invariants

pytestmark = pytest.mark.anyio

BAD = [
    "example.com/abc?bar=",
    "foo/#",
    "user@foo",
    "foo\\bar",
    "foo bar",
    "a,b",
    "a:80:80",
    "[::1",
    "[::1]evil",
    "a:b",
    "a:99999",
    "\xff.com",
    "",
    "%61.com",
    "example.com:@evil.com",
    "a" * 300,
    # more of the kind
    "evil.com?",
    "evil.com#/admin",
    "[::1%25eth0]",
    "[v1.fe80]",
    "127.1",
    "1.2.3.4.5",
    "evil.com\x00.example.com",
    "evil.com\t",
    "::1",
    "evil.com:-1",
    "evil.com:\xb2",
    "evil.com;a",
    "xn--a",
]


def url_app() -> App:
    app = App()

    @app.get("/admin", name="admin")
    async def show(request: Request[Any]) -> dict[str, object]:
        url, built = request.url, request.url_for("admin")
        return {
            "path": url.path,
            "query": url.query_string,
            "host": url.host,
            "port": url.port,
            "base": str(request.base_url),
            "built": str(built),
        }

    return app


@pytest.mark.parametrize("host", BAD)
async def test_host_cannot_move_the_path_cve_2026_48710_cve_2026_27959_cve_2012_4520(
    host: str,
) -> None:
    reply = await attack(
        url_app(), path="/admin", query=b"q=1", headers=[("host", host)], server=("srv.example", 80)
    )
    assert reply.status == 200
    assert reply.json() == {
        "path": "/admin",
        "query": "q=1",
        "host": "srv.example",
        "port": 80,
        "base": "http://srv.example/",
        "built": "http://srv.example/admin",
    }


@pytest.mark.parametrize("host", BAD)
async def test_without_a_server_name_a_bad_host_is_not_used_either_cve_2026_48710(
    host: str,
) -> None:
    reply = await attack(url_app(), path="/admin", headers=[("host", host)], server=None)
    assert (reply.json()["host"], reply.json()["path"]) == ("localhost", "/admin")


@pytest.mark.parametrize(
    ("host", "name", "port"),
    [
        ("EXAMPLE.com", "example.com", 80),
        ("example.com:8000", "example.com", 8000),
        ("[::1]:8000", "::1", 8000),
        ("xn--bcher-kva.example", "bücher.example", 80),
        ("example.com.", "example.com.", 80),
        ("example.com:", "example.com", 80),
        ("[::FFFF:1.2.3.4]", str(IPv6Address("::ffff:1.2.3.4")), 80),  # 3.13 writes it dotted
        ("under_score.example", "under_score.example", 80),
    ],
)
async def test_good_hosts_are_used(host: str, name: str, port: int) -> None:
    reply = await attack(
        url_app(), path="/admin", headers=[("host", host)], server=("srv.example", 80)
    )
    assert (reply.json()["host"], reply.json()["port"]) == (name, port)


FORGED = [
    ("x-forwarded-host", "evil.example"),
    ("forwarded", "host=evil.example;proto=https"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-prefix", "/evil"),
    ("x-original-url", "/evil"),
    ("x-rewrite-url", "/evil"),
    ("x-host", "evil.example"),
]


@pytest.mark.parametrize("field", FORGED, ids=[name for name, _ in FORGED])
async def test_no_field_that_a_client_can_forge_moves_the_url(field: tuple[str, str]) -> None:
    reply = await attack(url_app(), path="/admin", headers=[("host", "good.example"), field])
    assert reply.json()["built"] == "http://good.example/admin"


def hosts_app() -> ASGIApp:
    return Hosts(
        ("example.com", PlainTextResponse("secret")), ("*.ex.org", PlainTextResponse("secret"))
    )


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "EXAMPLE.COM",
        "example.com:8000",
        "example.com.",
        "a.ex.org",
        "a.b.ex.org",
        "A.EX.ORG:1",
    ],
)
async def test_allowed_hosts_are_served(host: str) -> None:
    reply = await attack(hosts_app(), headers=[("host", host)])
    assert (reply.status, reply.text) == (200, "secret")


REFUSED = [
    pytest.param([("host", "exampleXcom")], 404, id="a dot is a dot"),
    pytest.param([("host", "evil-example.com")], 404, id="longer in front"),
    pytest.param([("host", "example.com.evil.net")], 404, id="longer behind"),
    pytest.param([("host", "ex.org")], 404, id="a star is one label at least"),
    pytest.param([("host", "evilex.org")], 404, id="a star ends at a dot"),
    pytest.param([("host", ".ex.org")], 400, id="an empty label is none"),
    pytest.param([("host", "a.ex.org.evil.net")], 404, id="a wildcard is anchored behind"),
    pytest.param([("host", "example.com:@evil")], 400, id="user info"),
    pytest.param([("host", "example.com\n")], 400, id="line break at the end"),
    pytest.param([("host", "evil\n.ex.org")], 400, id="line break inside"),
    pytest.param([("host", "")], 400, id="empty"),
    pytest.param([("host", "example.com,evil.net")], 400, id="list"),
    pytest.param([("host", "evil.net/.ex.org")], 400, id="path"),
    pytest.param([("host", "evil.net#.ex.org")], 400, id="fragment"),
    pytest.param([("host", "*.ex.org")], 400, id="the pattern itself"),
    pytest.param([("host", "example.com..")], 400, id="two dots at the end"),
    pytest.param([("host", "example\xadcom")], 400, id="soft hyphen"),
    pytest.param([("host", "example.com"), ("host", "evil.net")], 400, id="two (RFC 9112 3.2)"),
    pytest.param([("host", "evil.net"), ("host", "example.com")], 400, id="two, good one last"),
    pytest.param(
        [("host", "evil.net"), ("x-forwarded-host", "example.com")], 404, id="forwarded host"
    ),
]


@pytest.mark.parametrize(("headers", "status"), REFUSED)
async def test_other_hosts_are_refused_cve_2026_25479_cve_2026_48061(
    headers: list[tuple[str, str]], status: int
) -> None:
    reply = await attack(hosts_app(), headers=headers)
    assert reply.status == status
    assert "secret" not in reply.text


@pytest.mark.parametrize("fields", [[], [(b"x-forwarded-host", b"example.com")]])
async def test_no_host_is_refused_cve_2026_48061(fields: list[tuple[bytes, bytes]]) -> None:
    async def without_host(scope: Any, receive: Any, send: Any) -> None:
        await hosts_app()({**scope, "headers": fields}, receive, send)

    assert (await attack(without_host)).status == 400


@pytest.mark.parametrize(("headers", "status"), REFUSED)
@pytest.mark.parametrize("extensions", [{}, {"websocket.http.response": {}}])
async def test_websockets_pass_the_same_gate_cve_2026_25479(
    headers: list[tuple[str, str]], status: int, extensions: dict[str, object]
) -> None:
    scope = websocket_scope(headers=headers, extensions=extensions)
    connect: Message = {"type": "websocket.connect"}
    async with invariants():
        sent = await drive(hosts_app(), scope, connect)
    if extensions:
        assert sent[0] == {**sent[0], "type": "websocket.http.response.start", "status": status}
    else:
        assert [message["type"] for message in sent] == ["websocket.close"]
