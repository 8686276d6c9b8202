from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import anyio
import pytest

from portico import App, Hosts, Mount, Request, Route, Router, WebSocketRoute
from portico.asgi import ASGIApp, Receive, Scope, Send
from portico.cli._check import Finding, examine


async def one(request: Request) -> None: ...


async def two(request: Request) -> None: ...


def routes_of(app: App) -> list[Finding]:
    known, *names, _ = examine(app)
    assert known.kind == "good"
    return names


@pytest.mark.parametrize(
    ("app", "expected"),
    [
        pytest.param(App([Route("/a", one), Route("/b", two)]), [], id="each its own"),
        pytest.param(App([Route(("/a", "/b"), one)]), [], id="two paths of one route"),
        pytest.param(
            App([Route("/a", one), Route("/a", two, methods=["PUT"], name="one")]),
            [],
            id="two methods of one path",
        ),
        pytest.param(
            App([Mount("/a", Router([Route("/", one)]), name="x"), Route("/", one)]),
            [],
            id="the name of a mount is before it",
        ),
        pytest.param(
            App([Route("/a", one, name="it"), Route("/b", two, name="it")]),
            ["trouble"],
            id="a name given twice",
        ),
        pytest.param(
            App([Route("/a", one), Route("/b", two, name="one")]),
            ["trouble"],
            id="a name that is a function's",
        ),
    ],
)
def test_names(app: App, expected: list[str]) -> None:
    assert [finding.kind for finding in routes_of(app)] == expected


async def needs_team(request: Request, team: str) -> None: ...


LATE = Router()
APP_WITH_LATE = App([Mount("/{group}", LATE)])
LATE.add(Route("/x", needs_team))


@pytest.mark.parametrize(
    ("app", "expected"),
    [
        pytest.param(App([Route("/x", needs_team)]), 1, id="nowhere"),
        pytest.param(App([Mount("/{team}", App([Route("/x", needs_team)]))]), 0, id="of a mount"),
        pytest.param(APP_WITH_LATE, 1, id="not of this mount"),
        pytest.param(Hosts(("{team}.org", Router([Route("/x", needs_team)]))), 0, id="of a host"),
        pytest.param(Hosts(("a.org", Router([Route("/x", needs_team)]))), 1, id="not of this host"),
        pytest.param(Hosts(default=Router([Route("/x", needs_team)])), 1, id="of any host"),
        pytest.param(App(default=App([Route("/x", needs_team)])), 1, id="of a default"),
        pytest.param(App([WebSocketRoute("/x", needs_team)]), 1, id="of a websocket"),
    ],
)
def test_parameters_that_are_nowhere(app: App | Hosts, expected: int) -> None:
    found = [each for each in examine(app) if "needs_team() needs 'team'" in each.text]
    assert [each.kind for each in found] == ["trouble"] * expected


def test_functions_of_one_name_are_a_note() -> None:
    class Elsewhere:
        @staticmethod
        async def one(request: Request) -> None: ...

    Elsewhere.one.__qualname__ = "one"
    Elsewhere.one.__module__ = "elsewhere"
    (finding,) = routes_of(App([Route("/a", one), Route("/b", Elsewhere.one)]))
    assert finding == Finding(
        "note",
        f"the name 'one' is used more than once: /a ({__name__}:one), /b (elsewhere:one)",
    )


@pytest.mark.parametrize(
    ("app", "expected"),
    [
        pytest.param(App(), Finding("note", "no routes are known"), id="none"),
        pytest.param(App([Route("/", one)]), Finding("good", "1 route"), id="one"),
        pytest.param(App([Route(("/", "/a"), one)]), Finding("good", "2 routes"), id="several"),
    ],
)
def test_the_number_of_routes(app: App, expected: Finding) -> None:
    assert examine(app)[0] == expected


@asynccontextmanager
async def fails_to_stop(app: object) -> AsyncGenerator[None]:
    yield
    raise LookupError("no shutdown")


def fails_to_start(app: object) -> AbstractAsyncContextManager[None]:
    raise LookupError("no settings")


async def forgets(scope: Scope, receive: Receive, send: Send) -> None:
    assert (await receive())["type"] == "lifespan.startup"
    assert scope["state"] == {}
    await send({"type": "lifespan.startup.complete"})


async def breaks(scope: Scope, receive: Receive, send: Send) -> None:
    await forgets(scope, receive, send)
    assert (await receive())["type"] == "lifespan.shutdown"
    raise LookupError("no shutdown")


async def breaks_late(scope: Scope, receive: Receive, send: Send) -> None:
    await forgets(scope, receive, send)
    await send({"type": "lifespan.shutdown.complete"})
    raise LookupError("too late")


async def refuses(scope: Scope, receive: Receive, send: Send) -> None:
    raise NotImplementedError("lifespan")


async def ignores(scope: Scope, receive: Receive, send: Send) -> None: ...


async def gives_no_reason(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "lifespan.startup.failed"})


async def never_starts(scope: Scope, receive: Receive, send: Send) -> None:
    await anyio.sleep_forever()


async def never_ends(scope: Scope, receive: Receive, send: Send) -> None:
    await forgets(scope, receive, send)
    while True:
        await receive()


async def raises_a_timeout(scope: Scope, receive: Receive, send: Send) -> None:
    await forgets(scope, receive, send)
    raise TimeoutError("of its own")


@pytest.mark.parametrize(
    ("app", "kind", "text"),
    [
        pytest.param(App(), "good", "starts and stops", id="ours"),
        pytest.param(
            App(lifespan=fails_to_start), "trouble", "startup failed: Traceback", id="start fails"
        ),
        pytest.param(
            App(lifespan=fails_to_stop), "trouble", "shutdown failed: Traceback", id="stop fails"
        ),
        pytest.param(
            gives_no_reason, "trouble", "startup failed: no reason given", id="fails silently"
        ),
        pytest.param(
            refuses, "note", "does not support lifespan (NotImplementedError", id="not supported"
        ),
        pytest.param(ignores, "note", "does not support lifespan", id="ends without an answer"),
        pytest.param(forgets, "trouble", "does not stop: it ended unasked", id="ends at once"),
        pytest.param(breaks, "trouble", "does not stop: LookupError: no shutdown", id="breaks"),
        pytest.param(breaks_late, "trouble", "does not stop: LookupError: too late", id="late"),
        pytest.param(never_starts, "trouble", "does not start within 0.2 seconds", id="hangs"),
        pytest.param(never_ends, "trouble", "does not stop within 0.2 seconds", id="never ends"),
        pytest.param(raises_a_timeout, "trouble", "TimeoutError: of its own", id="its own timeout"),
    ],
)
def test_start_and_stop(app: ASGIApp, kind: str, text: str) -> None:
    finding = examine(app, timeout_s=0.2)[-1]
    assert finding.kind == kind
    assert text in finding.text
