"""What ``portico check`` looks at once an application is loaded: its start and stop, its names."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Final, Literal, NamedTuple

from portico.asgi import ASGIApp, Message, Scope
from portico.cli._routes import Row, below_of, rows
from portico.routing._parameters import misfits
from portico.routing.router import Router
from portico.routing.routes import REST, Mount

__all__ = ("Finding", "examine")

TIMEOUT_S: Final = 30.0
"""As long as start and stop together may take."""


class Finding(NamedTuple):
    """One thing that is good, worth a look, or wrong; ``text`` is for people."""

    kind: Literal["good", "note", "trouble"]
    text: str


def examine(app: ASGIApp, timeout_s: float = TIMEOUT_S) -> list[Finding]:
    """Start and stop ``app``, and look at its routes.

    ``timeout_s`` is how long start and stop may take together, in seconds. No request is made.
    """
    found = rows(app)
    endpoints = [row for row in found if row.kind in {"http", "websocket"}]
    count = f"{len(endpoints)} route{'' if len(endpoints) == 1 else 's'}"
    known = Finding("good", count) if found else Finding("note", "no routes are known")
    # A program of its own, as a server is: it brings the event loop.
    misfitting = [Finding("trouble", text) for text in _misfits(app, ())]
    return [known, *_names(endpoints), *misfitting, asyncio.run(_start_and_stop(app, timeout_s))]


def _names(endpoints: list[Row]) -> list[Finding]:
    """Find names that several endpoints have: ``url_for`` then takes the first that fits."""
    by_name: defaultdict[str, list[Row]] = defaultdict(list)
    for row in endpoints:
        by_name[row.name].append(row)
    findings: list[Finding] = []
    for name, sharing in by_name.items():
        if len({row.endpoint for row in sharing}) == 1 or len({row.path for row in sharing}) == 1:
            continue
        listed = ", ".join(f"{row.path} ({row.endpoint})" for row in sharing)
        # A name that is the function's own was perhaps never meant for url_for.
        meant = any(row.endpoint.rpartition(":")[2] != name.rpartition(":")[2] for row in sharing)
        text = f"the name {name!r} is used more than once: {listed}"
        findings.append(Finding("trouble" if meant else "note", text))
    return findings


def _misfits(app: object, above: Collection[str]) -> Iterator[str]:
    """Describe handlers that need parameters which neither their path nor what is above has."""
    if isinstance(app, Router):
        for route in app.routes:
            for template in route.templates(app._converters):  # noqa: SLF001  the house's own
                names = (*above, *(name for name in template.names if name != REST))
                if isinstance(route, Mount):
                    yield from _misfits(route.app, names)
                    break  # the second is the same with what follows it
                for misfit in misfits(route, names):
                    yield misfit.describe(template.text, names)
    for names, below in below_of(app):
        yield from _misfits(below, (*above, *names))


class _Lifespan:
    """The server's side of one lifespan: startup, and shutdown as soon as that is complete."""

    def __init__(self) -> None:
        self.answers: list[Message] = []
        self._left: list[str] = ["lifespan.shutdown", "lifespan.startup"]

    async def receive(self) -> Message:
        if not self._left:
            await asyncio.Event().wait()  # servers send nothing after shutdown
        return {"type": self._left.pop()}

    async def send(self, message: Message) -> None:
        self.answers.append(message)

    def last(self) -> str:
        kind: str = self.answers[-1]["type"] if self.answers else ""
        return kind

    def phase(self) -> str:
        return "stop" if self.answers else "start"


async def _start_and_stop(app: ASGIApp, timeout_s: float) -> Finding:
    server = _Lifespan()
    asgi = {"version": "3.0", "spec_version": "2.0"}
    scope: Scope = {"type": "lifespan", "asgi": asgi, "state": {}}
    limit = asyncio.timeout(timeout_s)
    try:
        async with limit:
            await app(scope, server.receive, server.send)
    except Exception as error:  # noqa: BLE001  whatever it is, it is what we came to see
        if limit.expired():
            return Finding("trouble", f"does not {server.phase()} within {timeout_s:g} seconds")
        return _verdict(server, f"{type(error).__name__}: {error}")
    return _verdict(server, "")


def _verdict(server: _Lifespan, error: str) -> Finding:
    last = server.last()
    if last.endswith(".failed"):
        phase = last.removeprefix("lifespan.").removesuffix(".failed")
        message = server.answers[-1].get("message") or "no reason given"
        return Finding("trouble", f"{phase} failed: {message.rstrip()}")
    if not last:  # ASGI lifespan 2.0: to end before any answer means not to know the protocol
        return Finding("note", f"does not support lifespan{error and f' ({error})'}")
    if last != "lifespan.shutdown.complete" or error:
        return Finding("trouble", f"does not {server.phase()}: {error or 'it ended unasked'}")
    return Finding("good", "starts and stops")
