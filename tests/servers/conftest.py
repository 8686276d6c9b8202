"""Starts each server once, when a test first asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.processes import COMMANDS, Server, Servers


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    servers = Servers(tmp_path_factory.mktemp("servers"))
    yield servers
    for server in servers.running.values():
        server.stop()


@pytest.fixture(params=list(COMMANDS))
def server(request: pytest.FixtureRequest, servers: Servers) -> Server:
    name: str = request.param
    return servers.get(name)
