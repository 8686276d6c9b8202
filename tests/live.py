"""Applications served by ``portico run`` in a process of its own, and a browser to look at them."""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.programs import require_program
from tests.servers.processes import Server, free_port, spawn, wait_until

__all__ = ("Server", "dump_dom", "serving")


@contextmanager
def serving(target: str, options: str = "") -> Generator[Server]:
    """Serve ``target`` on a free loopback port while the block runs."""
    with TemporaryDirectory() as folder:
        port, log = free_port(), Path(folder, "log")
        process = spawn(f"portico run {target} --port {port} {options}", log)
        server = Server(target, port, process, log)
        try:
            wait_until(server.accepts)
            yield server
        finally:
            server.stop()


def dump_dom(url: str) -> str:
    """Load a page in headless Chromium; the document as it stands after that."""
    chromium = require_program("chromium", "chromium-browser", package="chromium")
    switches = (
        "headless no-sandbox disable-gpu disable-quic no-first-run disable-sync "
        "disable-background-networking disable-component-update disable-dev-shm-usage"
    )
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [chromium, *(f"--{switch}" for switch in switches.split())]
        command += [f"--user-data-dir={profile}", "--dump-dom", url]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=15)  # noqa: S603 - our own words
    return done.stdout
