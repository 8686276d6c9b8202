"""Every file of ``examples/``, served by a real server and asked for what it promises."""

from __future__ import annotations

import json
import socket
import tempfile
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.live import Server, serving
from tests.redis_server import RedisServer
from tests.servers.processes import wait_until

EXAMPLES = Path(__file__).parents[1] / "examples"

JSON = {"content-type": "application/json"}
HTML = {"accept": "text/html"}

Ask = Callable[..., tuple[int, dict[str, str], bytes]]

ASKED: set[str] = set()
"""The examples that the tests below ask."""


def example(name: str) -> pytest.MarkDecorator:
    """Serve ``examples/<name>.py`` for this test."""
    ASKED.add(name)
    return pytest.mark.parametrize("server", [name], indirect=True, ids=[name])


@pytest.fixture(scope="module")
def servers() -> Generator[dict[str, Server]]:
    """The servers of this module; each is started for the first test that needs it."""
    with ExitStack() as stack:
        started = Servers(stack)
        yield started


class Servers(dict[str, Server]):
    def __init__(self, stack: ExitStack) -> None:
        super().__init__()
        self.stack: ExitStack = stack

    def __missing__(self, name: str) -> Server:
        self[name] = self.stack.enter_context(serving(f"examples.{name}"))
        return self[name]


@pytest.fixture
def server(request: pytest.FixtureRequest, servers: dict[str, Server]) -> Server:
    name: str = request.param
    return servers[name]


@pytest.fixture
def ask(server: Server) -> Ask:
    def ask(
        method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            sent |= JSON
        response, content = server.request(method, path, data, sent)
        fields = {name.lower(): value for name, value in response.getheaders()}
        return response.status, fields, content

    return ask


def problem(content: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(content)
    return found


@example("hello")
def test_hello(ask: Ask, server: Server) -> None:
    status, headers, content = ask("GET", "/")
    assert (status, content) == (200, b"Hello, world!")
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert headers["content-length"] == "13"

    status, headers, content = ask("HEAD", "/")
    assert (status, headers["content-length"], content) == (200, "13", b"")
    status, headers, content = ask("OPTIONS", "/")
    assert (status, headers["allow"], content) == (204, "GET, HEAD, OPTIONS", b"")
    status, headers, _ = ask("DELETE", "/")
    assert (status, headers["allow"]) == (405, "GET, HEAD, OPTIONS")

    _, _, content = ask("GET", "/users/1")
    link = f"http://127.0.0.1:{server.port}/users/1"
    assert json.loads(content) == {"id": 1, "name": "Ada", "self": link}

    status, headers, content = ask("GET", "/users/2")
    assert (status, headers["content-type"]) == (404, "application/problem+json")
    assert problem(content)["detail"] == "no such user"
    assert ask("GET", "/users/me")[0] == 404


@example("parts")
def test_parts(ask: Ask) -> None:
    status, _, content = ask("POST", "/any%20thing?tag=a&tag=b", ["x"])
    assert status == 200
    told = json.loads(content)
    assert told.pop("client")[0] == "127.0.0.1"
    assert told == {
        "method": "POST",
        "path": "/any thing",
        "tags": ["a", "b"],
        "body": '["x"]',
    }


def test_a_response_is_an_application() -> None:
    with serving("examples.parts:teapot") as server:
        response, content = server.request("GET", "/whatever")
        assert (response.status, content) == (418, b"short and stout\n")


@example("json_api")
def test_json_api(ask: Ask) -> None:
    pen = {"name": "pen", "price": 2}
    status, headers, content = ask("POST", "/items", pen)
    assert (status, headers["location"]) == (201, "/items/1")
    assert json.loads(content) == {"id": 1, **pen}
    assert ask("POST", "/items", pen)[0] == 409
    assert ask("POST", "/items", {"name": "ink", "price": 3})[0] == 201

    status, _, content = ask("POST", "/items", {"name": "cap", "price": -1})
    assert status == 422
    assert problem(content)["field"] == "$.price"
    assert ask("POST", "/items")[0] == 415
    assert ask("POST", "/items", {**pen, "id": 9})[0] == 422

    assert ask("PUT", "/items/1", {"name": "ink", "price": 3})[0] == 409
    assert json.loads(ask("PUT", "/items/1", {"name": "pen", "price": 3})[2])["price"] == 3
    status, _, content = ask("DELETE", "/items/2")
    assert (status, content) == (204, b"")
    assert ask("GET", "/items/2")[0] == 404
    assert ask("DELETE", "/items/2")[0] == 404

    expected = [{"id": 1, "name": "pen", "price": 3}]
    assert json.loads(ask("GET", "/items")[2]) == expected
    _, headers, content = ask("GET", "/items", accept="application/vnd.msgpack")
    assert (headers["content-type"], headers["vary"]) == ("application/vnd.msgpack", "accept")
    assert msgspec.msgpack.decode(content) == expected


@example("routing")
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/files/a/b.txt", b"a/b.txt", id="a path takes several segments"),
        pytest.param("/on/2026-02-28", b"Saturday", id="a date"),
        pytest.param("/on/2026-02-30", 404, id="no date"),
        pytest.param("/today", b"Thursday", id="a second path, with the argument's default"),
        pytest.param("/colors/red+green", b'["red","green"]', id="a converter of our own"),
        pytest.param("/users/ada", b"the user ada", id="a parameter"),
        pytest.param("/users/me", b"you", id="a literal beats it"),
        pytest.param("/users/a%2Fb", b"the user a/b", id="a slash that came encoded"),
        pytest.param(
            "/shop/pens/7",
            b'{"kind":"pens","number":7,"mounted at":"/shop"}',
            id="in the mounted router",
        ),
        pytest.param("/shop/pens/0", 404, id="out of bounds"),
        pytest.param("/users/me/", 404, id="a slash too many, strictly"),
    ],
)
def test_routing(path: str, expected: bytes | int, ask: Ask) -> None:
    status, _, content = ask("GET", path)
    assert (content if status == 200 else status) == expected


@example("routing")
def test_routing_between_routers(ask: Ask, server: Server) -> None:
    status, headers, _ = ask("GET", "/shop/pens/7/?a=1")
    assert (status, headers["location"]) == (308, "/shop/pens/7?a=1")
    origin = f"http://127.0.0.1:{server.port}"
    assert json.loads(ask("GET", "/links")[2]) == {
        "file": f"{origin}/files/a%20b/c.txt",
        "day": "/on/2026-02-28",
        "colors": "/colors/red+green",
        "item": f"{origin}/shop/pens/7",
    }
    assert ask("GET", "/", host="api.localhost")[2] == b'["v1"]'
    assert ask("GET", "/", host="api.localhost:8000")[2] == b'["v1"]'
    assert ask("GET", "/")[0] == 404


@example("errors")
def test_errors(ask: Ask) -> None:
    status, headers, content = ask("GET", "/members-only")
    assert (status, headers["www-authenticate"]) == (401, 'Basic realm="shop"')
    assert problem(content)["detail"] == "sign in"
    status, _, content = ask("GET", "/stock/pen")
    assert (status, problem(content)["item"]) == (409, "pen")
    status, headers, content = ask("GET", "/missing", **HTML)
    assert (status, content) == (404, b"Nothing here, sorry.\n")
    status, headers, _ = ask("GET", "/missing")
    assert (status, headers["content-type"]) == (404, "application/problem+json")
    status, headers, content = ask("GET", "/members-only", **HTML)
    assert (status, headers["content-type"]) == (401, "text/html; charset=utf-8")


@example("errors")
def test_a_bug(ask: Ask, server: Server) -> None:
    status, _, content = ask("GET", "/bug")
    assert status == 500
    assert b"ZeroDivisionError" not in content
    # The answer leaves first.
    wait_until(lambda: "ZeroDivisionError: " in server.log.read_text())
    assert "examples/errors.py" in server.log.read_text()


def test_a_bug_with_debug() -> None:
    with serving("examples.errors:app", "--debug") as server:
        response, content = server.request("GET", "/bug", headers=HTML)
        assert response.status == 500
        assert b"ZeroDivisionError" in content
        assert b"examples/errors.py" in content


@example("middleware")
def test_middleware(ask: Ask) -> None:
    status, headers, content = ask("GET", "/")
    assert (status, content) == (200, b"open to all\n")
    assert headers["x-served-by"] == "example"
    assert headers["server-timing"].startswith("app;dur=")
    status, headers, _ = ask("GET", "/missing")
    assert (status, headers["x-served-by"]) == (404, "example")
    assert "server-timing" in headers
    assert ask("GET", "/admin")[0] == 403
    assert ask("GET", "/admin", x_key="sesame")[2] == b"you have the key\n"


@example("lifespan")
def test_lifespan(ask: Ask, server: Server) -> None:
    assert ask("GET", "/")[2] == b"0 mails sent\n"
    status, _, content = ask("POST", "/mails/ada")
    assert (status, content) == (202, b"a mail to ada will be sent\n")
    assert json.loads(ask("GET", "/mails")[2]) == ["ada"]
    assert "stopped" not in server.log.read_text()
    server.stop()
    log = server.log.read_text()
    assert log.index("started") < log.index("stopped")


@example("class_view")
def test_class_view(ask: Ask) -> None:
    assert ask("POST", "/counter")[0] == 201
    assert ask("GET", "/counter")[2] == b"1"
    status, headers, _ = ask("PATCH", "/counter")
    assert (status, headers["allow"]) == (405, "DELETE, GET, HEAD, OPTIONS, POST")
    assert ask("DELETE", "/counter")[0] == 204
    assert ask("GET", "/counter")[2] == b"0"


@example("files")
def test_files(ask: Ask) -> None:
    status, headers, content = ask("GET", "/style")
    assert status == 200
    path = content.decode().partition("/assets")[2]
    status, headers, style = ask("GET", f"/assets{path}")
    assert (status, headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert headers["cache-control"].startswith("public, immutable")
    status, _, part = ask("GET", "/assets/style.css", range="bytes=5-9")
    assert (status, part) == (206, style[5:10])
    same = ask("GET", "/assets/style.css", if_none_match=headers["etag"])
    assert (same[0], same[2]) == (304, b"")
    status, headers, content = ask("GET", "/download")
    assert headers["content-disposition"] == 'attachment; filename="hello.py"'
    assert content == (EXAMPLES / "hello.py").read_bytes()
    assert b"icon.svg" in ask("GET", "/")[2]
    assert ask("GET", "/..%2Fhello.py")[0] == 404


@example("websocket_echo")
def test_websocket_echo(server: Server) -> None:
    origin = f"ws://127.0.0.1:{server.port}"
    with connect(f"{origin}/echo", proxy=None) as socket:
        for text in ("hello", "", "käse"):
            socket.send(text)
            assert socket.recv(timeout=5) == text
    with connect(f"{origin}/rooms/attic", proxy=None) as socket:
        assert json.loads(socket.recv(timeout=5))["room"] == "attic"
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{origin}/rooms/private", proxy=None)
    assert refused.value.response.status_code == 403
    with pytest.raises(InvalidStatus) as missing:
        connect(f"{origin}/nowhere", proxy=None)
    assert missing.value.response.status_code == 404


@example("feed")
def test_feed(ask: Ask, server: Server) -> None:
    with connect(f"ws://127.0.0.1:{server.port}/temperatures", proxy=None) as client:
        reading, beat = (json.loads(client.recv(timeout=5)) for _ in range(2))
        assert (reading["type"], reading["number"]) == ("reading", 1)
        assert beat == {"type": "heartbeat"}
        client.send("what it says is dropped")
        assert ask("GET", "/listening")[2] == b"1"
    wait_until(lambda: ask("GET", "/listening")[2] == b"0")
    assert "Traceback" not in server.log.read_text()


def say(client: ClientConnection, text: str) -> None:
    client.send(json.dumps({"who": "ada", "text": text}))


def hear(client: ClientConnection) -> str:
    line: dict[str, str] = json.loads(client.recv(timeout=5))
    return line["text"]


@example("chat")
def test_chat(ask: Ask, server: Server) -> None:
    room = f"ws://127.0.0.1:{server.port}/rooms/attic"
    with connect(room, proxy=None) as one, connect(room, proxy=None) as other:
        say(one, "hello")
        assert [hear(one), hear(other)] == ["hello", "hello"]
        assert json.loads(ask("GET", "/rooms/attic")[2]) == {"here": 2}
        with connect(room, proxy=None) as later:
            assert hear(later) == "hello"
            later.send("no line")
            with pytest.raises(ConnectionClosed):
                later.recv(timeout=5)
            assert later.close_code == 1007
        say(other, "still here")
        assert [hear(one), hear(other)] == ["still here"] * 2
    wait_until(lambda: json.loads(ask("GET", "/rooms/attic")[2]) == {"here": 0})


def test_a_browser_that_stalls_is_let_go_and_harms_nobody() -> None:
    with (
        serving("examples.chat:app") as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=10) as stalled,
        connect(f"ws://127.0.0.1:{server.port}/rooms/attic", proxy=None) as other,
    ):
        stalled.sendall(
            b"GET /rooms/attic HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        wait_until(lambda: server.request("GET", "/rooms/attic")[1] == b'{"here":2}')
        text = "x" * 100_000
        for _ in range(300):  # 30 MB: more than its queue and all that lies between
            say(other, text)
            assert hear(other) == text
        end, size = b"", 0
        while not end.endswith(b"\x03\xf5too slow"):  # 1013
            data = stalled.recv(1 << 20)
            assert data, "closed without a word"
            end, size = (end + data)[-20:], size + len(data)
        assert size < 20_000_000
        wait_until(lambda: server.request("GET", "/rooms/attic")[1] == b'{"here":1}')


def test_two_servers_share_a_room(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_server.url)
    with serving("examples.chat:app") as one, serving("examples.chat:app") as other:
        rooms = [f"ws://127.0.0.1:{server.port}/rooms/attic" for server in (one, other)]
        with connect(rooms[0], proxy=None) as here, connect(rooms[1], proxy=None) as there:
            # Each joins after the handshake: what is said meanwhile comes as history.
            for number in range(20):
                say(here if number % 2 else there, str(number))
                assert [hear(here), hear(there)] == [str(number)] * 2
            wait_until(lambda: one.request("GET", "/rooms/attic")[1] == b'{"here":2}')


@example("writer")
def test_writer(ask: Ask) -> None:
    status, _, content = ask("GET", "/early")
    assert (status, content) == (202, b'{"accepted":true}')
    status, headers, content = ask("GET", "/numbers.csv")
    assert headers["content-type"] == "text/csv; charset=utf-8"
    assert content.decode().split() == ["n,square", "1,1", "2,4", "3,9", "4,16", "5,25"]
    assert ask("GET", "/by-hand")[2] == b"one, two.\n"
    assert ask("HEAD", "/by-hand")[2] == b""


@example("stream")
def test_stream(ask: Ask, server: Server) -> None:
    status, headers, content = ask("GET", "/count")
    assert (status, content) == (200, b"0\n1\n2\n")
    assert headers["content-type"] == "text/plain; charset=utf-8"
    wait_until(lambda: "the numbers have ended" in server.log.read_text())
    status, headers, content = ask("GET", "/rows")
    assert headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line)["square"] for line in content.splitlines()] == [1, 4, 9]
    assert ask("PUT", "/upper", {"a": "b"})[2] == b'{"A": "B"}'


@example("events")
def test_events(ask: Ask) -> None:
    status, headers, content = ask("GET", "/ticks", last_event_id="40")
    assert (status, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert headers["cache-control"] == "no-store"
    first, second, third, rest = content.split(b"\n\n")
    assert first == b'id: 41\nevent: tick\ndata: {"tick":41}'
    assert (second[:6], third[:6], rest) == (b"id: 42", b"id: 43", b"")
    assert ask("GET", "/ticks", last_event_id="x")[2].startswith(b"id: 1\n")


@example("upload")
def test_upload(server: Server) -> None:
    url = f"http://127.0.0.1:{server.port}"
    files = [("photos", ("a.png", b"12", "image/png")), ("photos", ("b.png", b"345", "image/png"))]
    with httpx2.Client(base_url=url, trust_env=False) as client:
        assert 'name="photos" multiple' in client.get("/").text
        reply = client.post("/", data={"title": "tea"}, files=files)
        assert reply.json() == {"title": "tea", "photos": [2, 3]}
        reply = client.post("/", files=files)
        assert (reply.status_code, reply.json()["field"]) == (422, "$.title")
        reply = client.post("/", data={"title": "tea"}, files=files * 3)
        assert (reply.status_code, reply.json()["field"]) == (413, "files")
        reply = client.post("/large", files={"f": ("../a", bytes(300_000))})
        assert (reply.status_code, reply.json()["bytes"]) == (201, 300_000)
        kept = Path(tempfile.gettempdir(), "portico-uploads", reply.json()["id"])
        assert kept.read_bytes() == bytes(300_000)
        kept.unlink()
        assert client.post("/large", data={"a": "1"}).status_code == 415


def test_every_example_is_asked() -> None:
    files = {path.stem for path in EXAMPLES.glob("[!_]*.py")}
    assert files == ASKED
    for name in files:
        assert f"portico run examples.{name}:app" in (EXAMPLES / f"{name}.py").read_text()
