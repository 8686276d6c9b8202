"""Websockets over real servers: abrupt ends, origins, several senders."""

from __future__ import annotations

import json
import socket
import struct

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.servers.processes import Server, wait_until

ABRUPT = 40
HANDSHAKE = (
    b"GET /ticks HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def seen(server: Server) -> list[str]:
    found: list[str] = json.loads(server.request("GET", "/seen")[1])
    return found


def test_one_that_only_sends_sees_that_the_peer_is_gone(server: Server) -> None:
    """Reset without a close frame: nothing is left, and nothing is logged."""
    before, logged = seen(server).count("ticks ended"), len(server.log.read_text())
    for _ in range(ABRUPT):
        with socket.create_connection(("127.0.0.1", server.port), 10) as client:
            client.sendall(HANDSHAKE)
            received = b""
            while not received.endswith(b"tick"):
                received += client.recv(4096)
            # Closed with SO_LINGER of 0 seconds, it sends RST.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wait_until(lambda: seen(server).count("ticks ended") == before + ABRUPT)
    assert "Traceback" not in server.log.read_text()[logged:]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://app.example"])
def test_another_page_is_refused(server: Server, origin: str) -> None:
    url = f"ws://127.0.0.1:{server.port}/guarded"
    with pytest.raises(InvalidStatus) as refused, connect(url, origin=Origin(origin)):
        raise RuntimeError("not reached")  # pragma: no cover
    assert refused.value.response.status_code == 403


def test_a_page_of_the_list_may_connect(server: Server) -> None:
    url = f"ws://127.0.0.1:{server.port}/guarded"
    with connect(url, origin=Origin("https://app.example")) as websocket:
        assert websocket.response is not None
