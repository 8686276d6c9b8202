"""A hub over real servers: sockets that are open when the server is told to stop."""

from __future__ import annotations

import re
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.servers.processes import Server, free_port, spawn, wait_until

TARGET = "tests.servers.sockets:app"
COMMANDS = {
    "uvicorn": "uvicorn {target} --port {port} --log-level warning",
    "uvicorn-wsproto": "uvicorn {target} --port {port} --log-level warning --ws wsproto",
    "hypercorn": "hypercorn {target} --bind 127.0.0.1:{port} --log-level warning --workers 0",
}
SOCKETS = 20


def end_of(client: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed):
        client.recv(timeout=10)
    return client.close_code


@pytest.mark.parametrize("name", COMMANDS)
def test_a_server_that_stops_closes_the_sockets_of_a_hub(name: str, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    process = spawn(COMMANDS[name].format(target=TARGET, port=port), log)
    server = Server(name, port, process, log)
    try:
        wait_until(server.accepts)
        with ExitStack() as stack:
            clients = [
                stack.enter_context(connect(f"ws://127.0.0.1:{port}/room", proxy=None))
                for _ in range(SOCKETS)
            ]
            assert {client.recv(timeout=10) for client in clients} == {"in"}
            wait_until(lambda: server.request("GET", "/here")[1] == b"%d" % SOCKETS)
            clients[0].send("hello")
            assert {client.recv(timeout=10) for client in clients} == {"hello"}
            process.send_signal(signal.SIGTERM)
            codes = {end_of(client) for client in clients}
        # Restarting is what uvicorn says, going away what others and the hub do (RFC 6455 7.4).
        assert codes <= {1001, 1012}
        assert process.wait(10) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.wait(10)
    assert not re.search("Traceback|ERROR|Exception", log.read_text())
