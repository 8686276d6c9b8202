"""The chat: two windows, presence, what is refused, two server processes over Redis."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import create_server, socket

import pytest
from playwright.sync_api import Browser, Page
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.live import Server
from tests.programs import require_program
from tests.servers.processes import spawn, wait_until
from tests.showcase.visitor import Visitor


def enter(window: Page, origin: str, name: str) -> None:
    window.goto(f"{origin}/chat")
    window.fill("#name", name)
    window.keyboard.press("Enter")
    window.wait_for_selector("text=Connected")
    window.wait_for_selector(f"li.joined:has-text('{name}')")


def say(window: Page, text: str) -> None:
    window.fill("#text", text)
    window.keyboard.press("Enter")


@contextmanager
def two_windows(browser: Browser) -> Generator[tuple[Page, Page]]:
    contexts = [browser.new_context() for _ in range(2)]
    try:
        one, other = (context.new_page() for context in contexts)
        yield one, other
    finally:
        for context in contexts:
            context.close()


def talk(one: Page, other: Page, origins: tuple[str, str]) -> None:
    """Ada and Grace talk, and Grace leaves."""
    enter(one, origins[0], "Ada")
    one.wait_for_selector("text=Nobody else is here.")
    say(one, "first <b>words</b>")
    enter(other, origins[1], "Grace")
    other.wait_for_selector("li.said:has-text('first <b>words</b>')")
    one.wait_for_selector("li.joined:has-text('Grace (guest)')")
    for window in (one, other):
        window.wait_for_selector("text=2 are here.")
    say(other, "hello Ada")
    one.wait_for_selector("li.said:has-text('hello Ada')")
    assert one.locator("li b").count() == 0
    order = [line.split(" ")[0] for line in one.locator("li").all_inner_texts()[-4:]]
    assert order == ["Ada", "Ada", "Grace", "Grace"]
    other.close()
    one.wait_for_selector("li.left:has-text('Grace')")
    one.wait_for_selector("text=Nobody else is here.")


@pytest.mark.timeout(60)
def test_two_windows(browser: Browser, server: Server) -> None:
    with two_windows(browser) as (one, other):
        talk(one, other, (origin(server.port), origin(server.port)))


@pytest.mark.timeout(60)
def test_two_processes(browser: Browser, tmp_path: Path) -> None:
    require_program("redis-server", package="redis-server")
    port = free_pair()
    log = tmp_path / "log"
    process = spawn(f"examples.showcase.cluster {port}", log)
    servers = [Server("cluster", each, process, log) for each in (port, port + 1)]
    try:
        for server in servers:
            wait_until(server.accepts)
        with two_windows(browser) as (one, other):
            talk(one, other, (origin(port), origin(port + 1)))
            process.send_signal(signal.SIGINT)
            assert process.wait(15) == 0
    finally:
        process.kill()
    wait_until(lambda: not any(listens(each) for each in (port, port + 1)))
    assert "Traceback" not in log.read_text()


def origin(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def free_pair() -> int:
    """Find two ports in a row, below those that the system gives to whoever asks for any."""
    for port in range(20_000 + os.getpid() % 5_000, 32_000, 2):
        with (
            suppress(OSError),
            create_server(("127.0.0.1", port)),
            create_server(("127.0.0.1", port + 1)),
        ):
            return port
    raise AssertionError("no two free ports")


def listens(port: int) -> bool:
    with socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def join(
    server: Server, name: str = "Ada", headers: dict[str, str] | None = None
) -> Generator[ClientConnection]:
    address = f"ws://127.0.0.1:{server.port}/chat/socket"
    # Who leaves lines unread in its queue is not heard to say goodbye.
    with connect(address, proxy=None, max_queue=None, additional_headers=headers) as client:
        tell(client, type="join", name=name)
        yield client


def tell(client: ClientConnection, **message: str) -> None:
    client.send(json.dumps(message))


def hear(client: ClientConnection, kind: str, who: str) -> dict[str, str]:
    while True:
        line: dict[str, str] = json.loads(client.recv(timeout=5))
        if (line["kind"], line.get("who")) == (kind, who):
            return line


def hear_the_end(client: ClientConnection) -> None:
    with suppress(ConnectionClosed):
        while True:
            client.recv(timeout=5)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        pytest.param("no JSON", 1007, id="no JSON"),
        pytest.param('{"type": "shout"}', 1007, id="unknown"),
        pytest.param('{"type": "say", "text": ""}', 1007, id="empty"),
        pytest.param(json.dumps({"type": "say", "text": "x" * 501}), 1007, id="too long"),
        pytest.param(json.dumps({"type": "say", "text": "x" * 5000}), 1009, id="too big"),
        pytest.param(b"\xff", 1007, id="no text"),
    ],
)
def test_a_message_that_does_not_fit(message: str | bytes, code: int, server: Server) -> None:
    with join(server) as client:
        client.send(message)
        hear_the_end(client)
        assert client.close_code == code


def test_who_talks_too_much_has_to_go(server: Server) -> None:
    with join(server, "Polly") as client:
        with suppress(ConnectionClosed):
            for _ in range(200):
                tell(client, type="say", text="hello")
        hear_the_end(client)
        assert client.close_code == 1008
    with join(server, "Bob") as client:
        assert hear(client, "left", "Polly (guest)")


def test_nobody_takes_the_name_of_another(server: Server, visitor: Visitor) -> None:
    visitor.sign_in()
    with join(server, "x", headers=visitor.cookie) as client:
        hear(client, "joined", "demo")
        with join(server, "demo \n (guest)") as guest:
            hear(client, "joined", "demo (guest) (guest)")
            tell(guest, type="join", name="another")
            tell(guest, type="say", text="still me")
            assert hear(client, "said", "demo (guest) (guest)")["text"] == "still me"


def test_who_has_not_joined_says_nothing(server: Server) -> None:
    address = f"ws://127.0.0.1:{server.port}/chat/socket"
    with connect(address, proxy=None, max_queue=None) as silent, join(server, "Carl") as client:
        tell(silent, type="say", text="boo")
        tell(client, type="say", text="end")
        seen = ""
        while seen != "end":
            seen = json.loads(client.recv(timeout=5)).get("text", "")
            assert seen != "boo"


def test_pages_of_another_site_do_not_get_in(server: Server) -> None:
    address = f"ws://127.0.0.1:{server.port}/chat/socket"
    with pytest.raises(InvalidStatus) as refused:
        connect(address, proxy=None, origin=Origin("https://evil.example"))
    assert refused.value.response.status_code == 403
