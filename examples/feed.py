"""A websocket that only sends, notices that the client left, and keeps silent connections alive.

portico run examples.feed:app

python -m websockets ws://127.0.0.1:8000/temperatures
"""

from __future__ import annotations

import random
from itertools import count

import anyio

from portico import App, Request, WebSocket

app = App()
listening: set[object] = set()


@app.get("/listening")
async def count_listeners(request: Request) -> int:
    return len(listening)


@app.websocket("/temperatures")
async def temperatures(websocket: WebSocket) -> None:
    # The order matters: until_disconnected() ends what stands inside it, whatever it waits for.
    async with (
        websocket,
        websocket.until_disconnected(),
        websocket.heartbeat('{"type":"heartbeat"}', interval_s=0.2),
    ):
        listening.add(websocket)
        try:
            for number in count(1):
                degrees = round(random.uniform(15, 25), 1)  # noqa: S311  no secret
                await websocket.send_json({"type": "reading", "number": number, "degrees": degrees})
                await anyio.sleep(1)
        finally:
            listening.discard(websocket)
