"""Websockets over real servers with real clients: websockets for Python, ws for Node, Chromium."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import quote

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.programs import require_package, require_program
from tests.servers.processes import Server, Servers, wait_until
from tests.servers.sockets import TALK

ENDS: Final = {"limited": 1009, "texts": 1003, "numbers": 1007, "broken": 1011, "done": 1000}
"""How the paths close that a client sends a message to."""

EXPECTED: Final = {
    "protocol": "chat.v2",
    "none": "",
    "echoes": [True] * 5,
    "closed": [4001, "bye ä"],
    "own": 4002,
    "ends": ENDS,
}


def url(server: Server) -> str:
    return f"ws://127.0.0.1:{server.port}/sockets"


def ask(server: Server, path: str) -> Any:
    return json.loads(server.request("GET", f"/sockets/{path}")[1])


@contextmanager
def noticing(server: Server) -> Generator[None]:
    """Hold that the application hears how the client of the block leaves."""
    before = len(ask(server, "left"))
    yield
    wait_until(lambda: len(ask(server, "left")) == before + 2)
    ours, theirs = ask(server, "left")[before:]
    # Who closed here hears what the peer answers, or that the connection is gone.
    assert ours[0] in {4001, 1000, 1005, 1006}
    # The reason came with spec 2.5, which not all servers have; hypercorn tells nothing.
    heard = [[1006, ""]] if server.name.startswith("hypercorn") else []
    assert theirs in ([4002, "so long"], [4002, ""], *heard)


def end_of(client: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed):
        client.recv(timeout=10)
    return client.close_code


def test_websockets_for_python(server: Server) -> None:
    offered = [Subprotocol(name) for name in ("chat.v1", "chat.v2", "soap")]
    with noticing(server):
        with connect(f"{url(server)}/talk", subprotocols=offered, proxy=None) as client:
            assert client.subprotocol == "chat.v2"
            messages: list[str | bytes] = ["ä€😀", "", b"\x00\xff", b"", "x" * 100_000]
            for message in messages:
                client.send(message)
                assert client.recv(timeout=10) == message
            client.send("close")
            assert (end_of(client), client.close_reason) == (4001, "bye ä")
        with connect(f"{url(server)}/talk", proxy=None) as client:
            assert client.subprotocol is None
            client.close(4002, "so long")
    for path, code in ENDS.items():
        with connect(f"{url(server)}/{path}", proxy=None) as client:
            client.send(b"x" if path == "texts" else "x" * 11)
            assert end_of(client) == code
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{url(server)}/refused", proxy=None)
    assert refused.value.response.status_code == 401


def test_ws_for_node(server: Server) -> None:
    node, modules = require_program("node", "nodejs", package="nodejs"), require_package("ws")
    with noticing(server):
        done = subprocess.run(  # noqa: S603 - our own words
            [node, TALK, url(server)],
            env={**os.environ, "NODE_PATH": str(modules)},
            capture_output=True,
            text=True,
            check=True,
            timeout=15,
        )
    found: dict[str, Any] = json.loads(done.stdout)
    refused = found.pop("refused")
    assert found == EXPECTED
    assert (refused["code"], refused["error"][-3:]) == (1006, "401")


@contextmanager
def browsing(page: str) -> Generator[None]:
    """Show a page in headless Chromium while the block runs."""
    chromium = require_program("chromium", "chromium-browser", package="chromium")
    switches = (
        "headless no-sandbox disable-gpu disable-quic no-first-run disable-sync no-proxy-server "
        "disable-background-networking disable-component-update disable-dev-shm-usage "
        "remote-debugging-port=0"  # else it ends at once
    )
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [chromium, *(f"--{switch}" for switch in switches.split())]
        browser = subprocess.Popen(  # noqa: S603 - our own words
            [*command, f"--user-data-dir={profile}", page],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            browser.terminate()
            browser.wait(10)


def reported(server: Server, query: str = "") -> Any:
    """Open the page of ``server`` in Chromium; what its script found."""
    before = len(ask(server, "reports"))
    with browsing(f"http://127.0.0.1:{server.port}/sockets/page{query}"):
        wait_until(lambda: len(ask(server, "reports")) > before)
    return ask(server, "reports")[-1]


@pytest.mark.parametrize("name", ["uvicorn", "uvicorn-wsproto", "granian", "hypercorn"])
def test_chromium(name: str, servers: Servers) -> None:
    """The page brings a cookie: that its host is the same lets it in."""
    server = servers.get(name)
    with noticing(server):
        found = reported(server)
    refused = found.pop("refused")
    assert found == EXPECTED
    assert refused["code"] == 1006  # a browser tells a page no more


def test_chromium_on_a_page_of_another_origin(servers: Servers) -> None:
    """Cookies do not know of ports: they come along, and what was asked is refused."""
    server, other = servers.get("uvicorn"), servers.get("hypercorn")
    for target, code in ((server, 1000), (other, 1006)):
        query = quote(f"{url(target)}/open", safe="")
        assert reported(server, f"?{query}")["code"] == code
