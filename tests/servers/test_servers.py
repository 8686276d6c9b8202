"""The application behind real servers, over real sockets."""

from __future__ import annotations

import json
import socket
from http.client import HTTPResponse
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.servers.processes import COMMANDS, TARGET, Server, Servers, spawn, wait_until

JSON = {"content-type": "application/json", "accept": "application/json"}


def test_get(server: Server) -> None:
    response, content = server.request("GET", "/")
    assert (response.status, content) == (200, b"Hello, world!")
    assert response.headers.get_all("content-length") == ["13"]
    assert response.headers.get_all("content-type") == ["text/plain; charset=utf-8"]


def test_head_has_the_fields_of_get(server: Server) -> None:
    response, content = server.request("HEAD", "/")
    assert (response.status, content) == (200, b"")
    assert response.headers["content-length"] == "13"


def test_options(server: Server) -> None:
    response, _ = server.request("OPTIONS", "/items/1")
    assert response.status in {200, 204}
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_not_found(server: Server) -> None:
    response, content = server.request("GET", "/nothing")
    assert (response.status, json.loads(content)["status"]) == (404, 404)
    assert response.headers["content-type"] == "application/problem+json"


def test_method_not_allowed(server: Server) -> None:
    response, _ = server.request("DELETE", "/items/1")
    assert response.status == 405
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_post_json(server: Server) -> None:
    response, content = server.request("POST", "/items", b'{"name": "\xc3\xa4"}', JSON)
    assert (response.status, json.loads(content)) == (201, {"name": "ä"})


def test_urls_are_those_that_the_client_sees(server: Server) -> None:
    _, content = server.request("GET", "/items/42?q=1&q=%C3%A4", headers={"host": "example.org"})
    assert json.loads(content) == {
        "id": 42,
        "q": ["1", "ä"],
        "url": "http://example.org/items/42?q=1&q=%C3%A4",
        "self": "http://example.org/items/42",
    }


def test_an_encoded_slash_stays_in_its_segment(server: Server) -> None:
    response, content = server.request("GET", "/names/a%2Fb%20%C3%A4")
    assert (response.status, content.decode()) == (200, "a/b ä")


@pytest.mark.parametrize("name", COMMANDS)
def test_below_a_prefix(name: str, servers: Servers) -> None:
    server = servers.get(name, below_prefix=True)
    # uvicorn takes the path without the prefix and adds it; the others take it as it is.
    path = "/items/42" if name.startswith("uvicorn") else "/api/items/42"
    response, content = server.request("GET", path, headers={"host": "example.org"})
    assert response.status == 200
    assert json.loads(content)["url"] == "http://example.org/api/items/42"
    assert json.loads(content)["self"] == "http://example.org/api/items/42"


def test_the_lifespan_ran(server: Server) -> None:
    assert server.request("GET", "/greeting")[1] == b"Hello from the lifespan"


def test_a_function_in_a_thread(server: Server) -> None:
    assert server.request("GET", "/thread")[1] == b"from a thread"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        pytest.param("GET", "/forbidden", None, 403, id="refused"),
        pytest.param("GET", "/nothing", None, 404, id="not found"),
        pytest.param("POST", "/items", b"{", 400, id="bad JSON"),
    ],
)
def test_keep_alive_after_an_error(
    server: Server, method: str, path: str, body: bytes | None, status: int
) -> None:
    connection = server.connect()
    for _ in range(3):
        connection.request(method, path, body, JSON)
        response = connection.getresponse()
        response.read()
        assert response.status == status
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"Hello, world!"
    connection.close()


def test_a_body_that_nobody_reads(server: Server) -> None:
    """Whether the connection lives on is the server's choice (RFC 9112 9.3)."""
    response, content = server.request("POST", "/unread", b"x" * 100)
    assert (response.status, content) == (200, b"not read")


def test_a_fault_of_the_application(server: Server) -> None:
    response, content = server.request("GET", "/broken")
    assert response.status == 500
    assert b"ZeroDivisionError" not in content
    assert server.request("GET", "/")[0].status == 200


def test_a_client_that_leaves_in_mid_body(server: Server) -> None:
    before = len(json.loads(server.request("GET", "/seen")[1]))
    head = b"POST /whole HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 10) as client:
        client.sendall(head + b"only this")
    wait_until(lambda: len(json.loads(server.request("GET", "/seen")[1])) > before)
    assert "ClientDisconnect" not in server.log.read_text()


def test_a_chunked_body(server: Server) -> None:
    connection = server.connect()
    connection.request("POST", "/whole", iter([b"abc", b"def"]), encode_chunked=True)
    assert connection.getresponse().read() == b"6"
    connection.close()


def test_a_thousand_requests(server: Server) -> None:
    connection = server.connect()
    for number in range(1000):
        connection.request("GET", f"/items/{number}")
        response: HTTPResponse = connection.getresponse()
        assert json.loads(response.read())["id"] == number
    connection.close()


def test_a_websocket(server: Server) -> None:
    with connect(f"ws://127.0.0.1:{server.port}/echo") as websocket:
        websocket.send("ä")
        assert websocket.recv() == "ä"


def test_a_unix_socket(tmp_path: Path) -> None:
    path, log = tmp_path / "s", tmp_path / "log"
    process = spawn(f"uvicorn {TARGET} --uds {path} --log-level warning", log)
    try:
        wait_until(path.exists)
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(path))
            client.sendall(b"GET /items/1 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            content = b"".join(iter(lambda: client.recv(65536), b""))
        assert content.startswith(b"HTTP/1.1 200 ")
        assert json.loads(content.partition(b"\r\n\r\n")[2])["url"] == "http://a/items/1"
    finally:
        process.terminate()
        process.wait(10)
