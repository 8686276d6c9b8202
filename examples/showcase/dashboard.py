"""A live dashboard: requests per second and memory, once a second, by server-sent events.

A sample's id is the second it was taken in, so numbers go on where they were after the server was
started anew. A browser that lost the connection comes back by itself and names the last id that it
has seen (``Last-Event-ID``): it gets what it missed, as far as this process has it, and nothing
twice.
"""

from __future__ import annotations

import os
import re
import resource
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from html import escape
from pathlib import Path

import anyio
import msgspec

from examples.showcase.pages import page, path_to, wants_html
from portico import (
    EventSourceResponse,
    HTTPException,
    Hub,
    JSONResponse,
    Request,
    Response,
    Router,
    ServerSentEvent,
)
from portico.asgi import ASGIApp, Receive, Scope, Send

__all__ = ("RequestCount", "router", "sampling")

INTERVAL_S = 1.0
SAMPLES = 60
MAX_STREAMS = 100
RETRY_MS = 1000
CHANNEL = "samples"

router = Router()


class Sample(msgspec.Struct):
    """One second: its number since 1970, what was asked for in it, and what the process holds."""

    id: int
    requests: float  # per second
    memory: int  # bytes
    process: int


def _memory() -> int:
    """Give the memory that the process occupies, in bytes; where there is no /proc, at its peak."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[1]
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return int(pages) * resource.getpagesize()


class _Meter:
    """What is measured of this process."""

    def __init__(self) -> None:
        self.hub: Hub = Hub(history=SAMPLES)  # in memory: each process has its own samples
        self.requests: int = 0
        self.last: Sample = Sample(0, 0.0, _memory(), os.getpid())


_meter = _Meter()


class RequestCount:
    """Counts requests on their way to the app."""

    def __init__(self, app: ASGIApp) -> None:
        self._app: ASGIApp = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            _meter.requests += 1
        await self._app(scope, receive, send)


@asynccontextmanager
async def sampling() -> AsyncGenerator[None]:
    """Take a sample each second while the block runs."""
    async with _meter.hub, anyio.create_task_group() as group:
        group.start_soon(_sample)
        yield
        group.cancel_scope.cancel()


@router.get("/dashboard", name="dashboard")
async def dashboard(request: Request) -> Response:
    if not wants_html(request):
        return JSONResponse(_meter.last, headers={"vary": "accept", "cache-control": "no-store"})
    return _page(request, _meter.last)


@router.get("/dashboard/events", name="samples")
async def samples(request: Request) -> Response:
    if await _meter.hub.presence(CHANNEL) >= MAX_STREAMS:
        raise HTTPException.service_unavailable("Too many are watching.")
    return EventSourceResponse(_events(_number(request.last_event_id)))


async def _events(last: int) -> AsyncGenerator[ServerSentEvent]:
    yield ServerSentEvent(retry=RETRY_MS)
    async with _meter.hub.subscribe(CHANNEL, history=SAMPLES) as subscription:
        async for message in subscription:
            sample = message.json(Sample)
            if sample.id > last:
                yield ServerSentEvent(message.data, id=sample.id)


async def _sample() -> None:
    counted, since = _meter.requests, time.monotonic()
    while True:
        # On the second, so that no two samples have the same number.
        await anyio.sleep(INTERVAL_S - time.time() % INTERVAL_S)
        now = time.monotonic()
        if now - since < INTERVAL_S / 2:
            continue  # the first may be too short to say anything
        rate = (_meter.requests - counted) / (now - since)
        counted, since = _meter.requests, now
        second = max(round(time.time()), _meter.last.id + 1)
        _meter.last = Sample(second, round(rate, 1), _memory(), os.getpid())
        await _meter.hub.publish(CHANNEL, _meter.last)


def _number(event_id: str | None) -> int:
    """Read an id that was ours; whoever sends another starts at the beginning."""
    return int(event_id) if event_id and re.fullmatch(r"[0-9]{1,12}", event_id) else 0


def _page(request: Request, sample: Sample) -> Response:
    chart = '<svg class="chart" viewBox="0 0 300 60" preserveAspectRatio="none" aria-hidden="true">'
    chart += '<polyline points=""/></svg>'
    body = f"""<h1>Dashboard</h1>
<p>This server process, once a second, by server-sent events. Stop the server and start it again:
the page goes on by itself.</p>
<p class="status" role="status" id="state">Connecting</p>
<div class="meters" id="meters" data-events="{escape(path_to(request, "samples"))}"
data-samples="{SAMPLES}">
<section class="panel" aria-labelledby="rate"><h2 id="rate">Requests per second</h2>
<p class="number" data-value="requests">{sample.requests:.1f}</p>{chart}</section>
<section class="panel" aria-labelledby="held"><h2 id="held">Memory</h2>
<p class="number" data-value="memory">{sample.memory / 1024**2:.1f} MiB</p>{chart}</section>
</div>
<p class="meta">Process <span data-value="process">{sample.process}</span>, sample <span
data-value="id">{sample.id}</span></p>
<p><button type="button" id="traffic" data-path="{escape(path_to(request, "home"))}">Ask for
the start page 100 times</button></p>
<noscript><p class="alert">Without a script the numbers stay as they are.</p></noscript>
<pre><code>curl -N {escape(str(request.url_for("samples")))}
curl -N -H 'Last-Event-ID: {sample.id}' {escape(str(request.url_for("samples")))}</code></pre>"""
    return page(request, "Dashboard", body, script="dashboard.js")
