"""Chat rooms over websockets, with what was said before and a count of who is there.

portico run examples.chat:app

With REDIS_URL=redis://localhost:6379/0 any number of processes share the rooms:

REDIS_URL=redis://localhost:6379/0 portico run examples.chat:app --port 8001
"""

from __future__ import annotations

import os

import msgspec

from portico import App, Hub, WebSocket
from portico.channels.redis import RedisBackend
from portico.codec import decode_json

REDIS_URL = os.environ.get("REDIS_URL")

hub = Hub(RedisBackend(REDIS_URL, prefix="chat:") if REDIS_URL else None, history=20)
app = App(lifespan=hub.lifespan)


class Line(msgspec.Struct):
    text: str
    who: str = "somebody"


@app.get("/rooms/{room}")
async def count(room: str) -> dict[str, int]:
    return {"here": await hub.presence(room)}


@app.websocket("/rooms/{room}")
async def chat(websocket: WebSocket, room: str) -> None:
    async def say(message: str | bytes) -> None:
        await hub.publish(room, decode_json(message, Line))  # what is no line closes with 1007

    async with websocket:
        await hub.websocket(websocket, room, on_message=say, history=20, when_full="disconnect")
