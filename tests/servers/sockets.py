"""Websockets for real clients to talk to; mounted by ``app``, and an application of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from portico import App, HTMLResponse, HTTPException, Hub, Request, WebSocket

TALK: Final = Path(__file__).with_name("talk.js")

PAGE: Final = f"""<!doctype html><title>talk</title><script>{TALK.read_text()}
const headers = {{ "content-type": "application/json" }};
const here = location.origin.replace("http", "ws") + location.pathname.replace("/page", "");
const there = decodeURIComponent(location.search.slice(1));
(there ? refusal(WebSocket, there) : talk(WebSocket, here))
    .catch(String)
    .then((found) => fetch("report", {{ method: "POST", headers, body: JSON.stringify(found) }}));
</script>
"""
"""Talks to where it is from, or to what stands behind its question mark, and reports."""

hub = Hub()
app = App(lifespan=hub.lifespan)

left: list[tuple[int | None, str]] = []
reports: list[object] = []


@app.get("/page")
async def page(request: Request) -> HTMLResponse:
    response = HTMLResponse(PAGE)
    response.set_cookie("sid", "1")
    return response


@app.post("/report")
async def report(request: Request) -> None:
    reports.append(await request.json())


@app.get("/reports")
async def tell_reports(request: Request) -> list[object]:
    return reports


@app.get("/left")
async def tell_left(request: Request) -> list[tuple[int | None, str]]:
    return left


@app.websocket("/talk")
async def talk(websocket: WebSocket) -> None:
    known = [name for name in websocket.subprotocols if name in {"chat.v1", "chat.v2"}]
    await websocket.accept(known[-1] if known else None)
    while (message := await websocket.receive())["type"] == "websocket.receive":
        text: str | None = message.get("text")
        if text == "close":
            await websocket.close(4001, "bye ä")
        elif text is None:
            await websocket.send_bytes(message["bytes"])
        else:
            await websocket.send_text(text)
    left.append((websocket.close_code, websocket.close_reason))


@app.websocket("/limited", max_message_bytes=10)
async def limited(websocket: WebSocket) -> None:
    async with websocket:
        await websocket.receive_text()


@app.websocket("/texts")
async def texts(websocket: WebSocket) -> None:
    async with websocket:
        await websocket.receive_text()


@app.websocket("/numbers")
async def numbers(websocket: WebSocket) -> None:
    async with websocket:
        await websocket.receive_json(int)


@app.websocket("/broken")
async def broken(websocket: WebSocket) -> None:
    async with websocket:
        await websocket.receive_text()
        raise ZeroDivisionError("a fault of the application")


@app.websocket("/done")
async def done(websocket: WebSocket) -> None:
    async with websocket:
        await websocket.receive_text()


@app.websocket("/open")
async def open_and_close(websocket: WebSocket) -> None:
    await websocket.accept()


@app.websocket("/refused")
async def refused(websocket: WebSocket) -> None:
    raise HTTPException(401, "who are you?")


@app.websocket("/room")
async def room(websocket: WebSocket) -> None:
    async with websocket:
        await websocket.send_text("in")
        await hub.websocket(websocket, "room", on_message=say)


async def say(message: str | bytes) -> None:
    await hub.publish("room", message)


@app.get("/here")
async def here(request: Request) -> int:
    return await hub.presence("room")
