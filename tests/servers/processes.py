"""Real servers in processes of their own, on free loopback ports."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

TARGET = "tests.servers.app:app"
FILES = "PORTICO_TEST_FILES"
"""The variable that tells the application which directory to serve."""

COMMANDS = {
    "uvicorn": "uvicorn {target} --host 127.0.0.1 --port {port} --log-level warning --http h11",
    "uvicorn-httptools": (
        "uvicorn {target} --host 127.0.0.1 --port {port} --log-level warning --http httptools"
    ),
    "uvicorn-wsproto": (
        "uvicorn {target} --host 127.0.0.1 --port {port} --log-level warning"
        " --http h11 --ws wsproto"
    ),
    "granian": "granian {target} --host 127.0.0.1 --port {port} --interface asgi",
    "hypercorn": "hypercorn {target} --bind 127.0.0.1:{port} --log-level warning",
    "hypercorn-trio": "hypercorn {target} --bind 127.0.0.1:{port} -k trio --log-level warning",
}
ROOT_PATH = {
    "uvicorn": " --root-path /api",
    "uvicorn-httptools": " --root-path /api",
    "uvicorn-wsproto": " --root-path /api",
    "granian": " --url-path-prefix /api",
    "hypercorn": " --root-path /api",
    "hypercorn-trio": " --root-path /api",
}
WAIT_S = 15


@dataclass(frozen=True)
class Server:
    """A running server."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def connect(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=10)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[HTTPResponse, bytes]:
        """Make one request on a connection of its own; the response and its content."""
        connection = self.connect()
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def send(self, head: bytes) -> bytes:
        """Send a request byte by byte as it is, and give all that comes back."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as client:
            client.sendall(head)
            return b"".join(iter(lambda: client.recv(65536), b""))

    def accepts(self) -> bool:
        """Whether it listens. Raises ``RuntimeError`` with its log if it has ended."""
        if self.process.poll() is not None:  # pragma: no cover - only when a test is wrong
            raise RuntimeError(f"{self.name} did not start:\n{self.log.read_text()}")
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:  # pragma: no cover - a server that hangs
            self.process.kill()
            raise


def wait_until(condition: Callable[[], bool]) -> None:
    """Return once ``condition()`` is true; raises ``TimeoutError`` if that takes too long."""
    end = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > end:  # pragma: no cover - only when a test fails
            raise TimeoutError
        time.sleep(0.02)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def spawn(command: str, log: Path) -> subprocess.Popen[bytes]:
    """Start ``python -m command`` in the repository, without the settings of this test run."""
    unset = {"PYTHONASYNCIODEBUG", "PYTHONWARNINGS"}
    environment = {key: value for key, value in os.environ.items() if key not in unset}
    environment[FILES] = str(log.parent)
    with log.open("wb") as output:
        return subprocess.Popen(  # noqa: S603 - our own words
            [sys.executable, "-m", *command.split()],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=Path(__file__).parents[2],
        )


class Servers:
    """The servers of this session, by name."""

    def __init__(self, folder: Path) -> None:
        self.folder: Path = folder
        self.running: dict[tuple[str, bool], Server] = {}

    def get(self, name: str, *, below_prefix: bool = False) -> Server:
        """The server of that name; with ``below_prefix`` the one that is mounted at ``/api``."""
        key = name, below_prefix
        if key not in self.running:
            port = free_port()
            log = self.folder / f"{name}{'-api' * below_prefix}.log"
            command = COMMANDS[name].format(target=TARGET, port=port)
            process = spawn(command + ROOT_PATH[name] * below_prefix, log)
            self.running[key] = Server(name, port, process, log)
            wait_until(self.running[key].accepts)
        return self.running[key]
