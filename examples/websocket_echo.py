"""A websocket that says everything back, and one that wants to be asked nicely.

portico run examples.websocket_echo:app

python -m websockets ws://127.0.0.1:8000/echo
"""

from __future__ import annotations

from portico import App, HTTPException, WebSocket

app = App()


@app.websocket("/echo")
async def echo(websocket: WebSocket) -> None:
    async with websocket:
        async for text in websocket.iter_text():
            await websocket.send_text(text)


@app.websocket("/rooms/{room}")
async def join(websocket: WebSocket, room: str) -> None:
    if room == "private":
        raise HTTPException.forbidden("members only")  # before accept: the handshake is refused
    await websocket.accept()
    await websocket.send_json({"room": room, "client": websocket.client})
    await websocket.close(1000, "that is all")
