"""Applications served by ``portico run`` in a process of its own, and a browser to look at them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright

from tests.programs import require_program
from tests.servers.processes import Server, free_port, spawn, wait_until

__all__ = ("Server", "chromium", "serving")

SWITCHES = ("no-sandbox", "disable-gpu", "disable-quic", "disable-dev-shm-usage")


@contextmanager
def serving(target: str, options: str = "", *, port: int = 0) -> Generator[Server]:
    """Serve ``target`` on a loopback port, a free one by default, while the block runs."""
    with TemporaryDirectory() as folder:
        port, log = port or free_port(), Path(folder, "log")
        process = spawn(f"portico run {target} --port {port} {options}", log)
        server = Server(target, port, process, log)
        try:
            wait_until(server.accepts)
            yield server
        finally:
            server.stop()


@contextmanager
def chromium() -> Generator[Browser]:
    """Run a headless Chromium, the system's own, while the block runs."""
    program = require_program("chromium", "chromium-browser", package="chromium")
    with sync_playwright() as playwright:
        switches = [f"--{switch}" for switch in SWITCHES]
        browser = playwright.chromium.launch(executable_path=program, args=switches)
        try:
            yield browser
        finally:
            browser.close()
