"""A real Redis in a process of its own, on a free loopback port and a socket in its own folder.

The port is what tests use by habit: under asyncio, anyio's Unix sockets tell the event loop of an
``InvalidStateError`` when a reader is cancelled while data arrives, and pytest hears of it.
"""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from tests.programs import require_program
from tests.servers.processes import free_port, wait_until

__all__ = ("RedisServer",)


class RedisServer:
    """Runs from entry to exit; may be killed and started again meanwhile. It keeps nothing."""

    def __init__(self) -> None:
        self.program: str = require_program("redis-server", package="redis-server")
        self.folder: TemporaryDirectory[str] = TemporaryDirectory()
        self.socket: Path = Path(self.folder.name, "redis.sock")
        self.port: int = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def unix_url(self) -> str:
        return f"unix://{self.socket}"

    def start(self, *options: str) -> None:
        command = [self.program, "--bind", "127.0.0.1", "--port", str(self.port)]
        command += ["--unixsocket", str(self.socket), "--save", "", "--dir", self.folder.name]
        self.process = subprocess.Popen(  # noqa: S603 - our own words
            [*command, *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        wait_until(self.answers)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        self.socket.unlink(missing_ok=True)

    def answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            if client.connect_ex(str(self.socket)):
                return False
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith((b"+PONG", b"-NOAUTH"))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()
        self.folder.cleanup()
