"""One server and one browser for each module; a window for each test."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.live import Server, chromium, serving
from tests.showcase.visitor import Visitor


@pytest.fixture(scope="module")
def server() -> Generator[Server]:
    with serving("examples.showcase:app") as server:
        yield server


@pytest.fixture
def visitor(server: Server) -> Visitor:
    return Visitor(server)


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    # While it runs, its event loop is that of this thread: no asynchronous tests in such modules.
    with chromium() as browser:
        yield browser


@pytest.fixture
def complaints() -> list[str]:
    """What the browser has to complain about; a test that causes something clears it."""
    return []


@pytest.fixture
def window(browser: Browser, server: Server, complaints: list[str]) -> Generator[Page]:
    """A window of a user of its own; what it asks for is of the server."""
    context = browser.new_context(base_url=f"http://127.0.0.1:{server.port}")
    context.set_default_timeout(10_000)

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    context.on("console", note)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield context.new_page()
    context.close()
    assert complaints == []
