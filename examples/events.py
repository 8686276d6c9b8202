"""Server-sent events: a browser that comes back goes on where it was.

portico run examples.events:app

curl -N http://127.0.0.1:8000/ticks
curl -N -H 'Last-Event-ID: 40' http://127.0.0.1:8000/ticks
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

import anyio

from portico import App, EventSourceResponse, Request, ServerSentEvent

app = App()


@app.get("/ticks")
async def ticks(request: Request) -> EventSourceResponse:
    last = request.last_event_id or ""
    number = int(last) if last.isascii() and last.isdecimal() and len(last) < 10 else 0

    async def events() -> AsyncGenerator[ServerSentEvent]:
        for tick in range(number + 1, number + 4):
            yield ServerSentEvent({"tick": tick}, event="tick", id=tick)
            await anyio.sleep(0.05)

    return EventSourceResponse(events(), ping_interval=15)
