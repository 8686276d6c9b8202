"""Streams over real sockets: clients that vanish or do not read, and SIGTERM, to websockets too."""

from __future__ import annotations

import json
import signal
import socket
import struct
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.servers.processes import COMMANDS, Server, Servers, free_port, spawn, wait_until

TARGET = "tests.servers.app:app"
STOPPED = {
    "uvicorn": "uvicorn {target} --port {port} --log-level warning --http httptools",
    "uvicorn-h11": "uvicorn {target} --port {port} --log-level warning --http h11",
    "uvicorn-wsproto": "uvicorn {target} --port {port} --log-level warning --ws wsproto",
    "granian": "granian {target} --port {port} --interface asgi",
    "hypercorn": "hypercorn {target} --bind 127.0.0.1:{port} --log-level warning --workers 0",
}


def open_stream(server: Server, path: str) -> socket.socket:
    """Ask for ``path``; return once the first piece is here."""
    client = socket.create_connection(("127.0.0.1", server.port), 10)
    client.sendall(f"GET {path} HTTP/1.1\r\nhost: a\r\n\r\n".encode())
    received = b""
    while b"first" not in received:
        received += client.recv(65536)
    return client


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def half_close(client: socket.socket) -> None:
    client.shutdown(socket.SHUT_WR)


LEAVE: dict[str, Callable[[socket.socket], None]] = {
    "reset": reset,
    "close": socket.socket.close,
    "half-close": half_close,
}


def closed(server: Server, path: str) -> int:
    """How many generators of ``path`` have been closed."""
    seen: list[str] = json.loads(server.request("GET", "/seen")[1])
    return seen.count(f"closed {path}")


@pytest.mark.parametrize("how", LEAVE)
@pytest.mark.parametrize("path", ["/idle", "/ticks", "/idle-events", "/idle-writer"])
def test_a_client_that_vanishes(path: str, how: str, server: Server) -> None:
    before, logged = closed(server, path), len(server.log.read_text())
    with open_stream(server, path) as client:
        LEAVE[how](client)
        wait_until(lambda: closed(server, path) > before)
    log = server.log.read_text()[logged:]
    for fault in ("ClientDisconnect", "CancelledError", "GeneratorExit", "without completing"):
        assert fault not in log


# granian takes all that it is given, whether or not the client does.
@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "granian"])
def test_a_client_that_does_not_read_stops_the_generator(name: str, servers: Servers) -> None:
    server = servers.get(name)
    with open_stream(server, "/flood") as client:
        counts = [int(server.request("GET", "/flooded")[1])]
        wait_until(lambda: stands_still(server, counts))
        assert counts[-1] < 500  # of 64 KiB: what fits into the buffers of two sockets
        reset(client)
    wait_until(lambda: closed(server, "/flood") > 0)


def stands_still(server: Server, counts: list[int]) -> bool:
    counts.append(int(server.request("GET", "/flooded")[1]))
    return len(counts) > 5 and len(set(counts[-5:])) == 1


@contextmanager
def started(name: str, folder: Path) -> Generator[Server]:
    """Run a server of its own, to be stopped; in its log is no error."""
    log, port = folder / "log", free_port()
    process = spawn(STOPPED[name].format(target=TARGET, port=port), log)
    server = Server(name, port, process, log)
    try:
        wait_until(server.accepts)
        yield server
        assert process.wait(10) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.wait(10)
    text = log.read_text()
    assert "Traceback" not in text
    assert "ERROR" not in text


@pytest.mark.parametrize("name", STOPPED)
def test_sigterm_under_load(name: str, tmp_path: Path) -> None:
    with started(name, tmp_path) as server, ExitStack() as stack:
        clients = [stack.enter_context(open_stream(server, "/idle-events")) for _ in range(20)]
        short = [stack.enter_context(open_stream(server, "/short")) for _ in range(5)]
        server.process.send_signal(signal.SIGTERM)
        for client in [*clients, *short]:
            received = b""
            while not received.endswith(b"0\r\n\r\n"):
                piece = client.recv(65536)
                assert piece, "the body was not ended"
                received += piece


# granian drops the connections of websockets as it hears the signal; who is first is chance.
@pytest.mark.parametrize("name", [name for name in STOPPED if name != "granian"])
def test_sigterm_with_open_websockets(name: str, tmp_path: Path) -> None:
    """Each peer is told that it may come back, whatever its handler waits for."""
    with started(name, tmp_path) as server, ExitStack() as stack:
        url = f"ws://127.0.0.1:{server.port}"
        paths = ["/echo", "/ticks", "/chatter"] * 7
        sockets = [stack.enter_context(connect(url + path)) for path in paths]
        for path, websocket in zip(paths, sockets, strict=True):
            if path != "/echo":
                assert websocket.recv(10) == "tick"
        server.process.send_signal(signal.SIGTERM)
        for websocket in sockets:
            with suppress(ConnectionClosed):
                for _ in websocket:
                    pass
            assert websocket.close_code == 1012
