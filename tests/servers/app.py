"""The application that the servers serve in these tests."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256

import anyio
import anyio.lowlevel

from portico import (
    App,
    ClientDisconnect,
    EventSourceResponse,
    HTTPException,
    Mount,
    Request,
    StreamingResponse,
    UploadFile,
    WebSocket,
)
from tests.servers import sockets
from tests.servers.processes import FILES

seen: list[str] = []


@asynccontextmanager
async def lifespan(app: App) -> AsyncGenerator[Mapping[str, object]]:
    yield {"greeting": "Hello from the lifespan"}


app = App(lifespan=lifespan)
app.add(Mount("/sockets", sockets.app))

# The test writes files there; see test_files.py.
app.files("/files", os.environ.get(FILES, "."))


@app.get("/")
async def home(request: Request) -> str:
    return "Hello, world!"


@app.get("/greeting")
async def greeting(request: Request) -> str:
    return str(request.state["greeting"])


@app.get("/items/{item_id:int}", name="item")
async def item(request: Request, item_id: int) -> dict[str, object]:
    return {
        "id": item_id,
        "q": request.query_params.getall("q", []),
        "url": str(request.url),
        "self": str(request.url_for("item", item_id=item_id)),
    }


@app.get("/names/{name}")
async def named(request: Request, name: str) -> str:
    return name


@app.post("/items")
async def create(request: Request) -> tuple[int, object]:
    return 201, await request.json()


@app.post("/form")
async def form(request: Request) -> list[object]:
    return [
        [name, value if isinstance(value, str) else await _shown(value)]
        for name, value in (await request.form()).items()
    ]


async def _shown(file: UploadFile) -> list[object]:
    return [file.filename, str(file.content_type), sha256(await file.read()).hexdigest()]


@app.post("/unread")
async def unread(request: Request) -> str:
    return "not read"


@app.post("/whole")
async def whole(request: Request) -> int:
    try:
        return len(await request.body())
    except ClientDisconnect:
        seen.append("disconnect")
        raise


@app.get("/seen")
async def tell(request: Request) -> list[str]:
    return seen


async def idle(path: str) -> AsyncGenerator[str]:
    try:
        yield "first"
        await anyio.sleep_forever()
    finally:
        await anyio.lowlevel.checkpoint()
        seen.append(f"closed {path}")


@app.get("/idle")
async def idle_stream(request: Request) -> StreamingResponse:
    return StreamingResponse(idle("/idle"))


@app.get("/idle-events")
async def idle_events(request: Request) -> EventSourceResponse:
    return EventSourceResponse(idle("/idle-events"))


@app.get("/idle-writer")
async def idle_writer(request: Request) -> None:
    try:
        async with request.response_writer() as write:
            await write("first")
            await anyio.sleep_forever()
    except ClientDisconnect:
        seen.append("closed /idle-writer")
        raise


@app.get("/ticks")
async def ticks(request: Request) -> StreamingResponse:
    async def pieces() -> AsyncGenerator[str]:
        try:
            while True:
                yield "first"
                await anyio.sleep(0.01)
        finally:
            await anyio.lowlevel.checkpoint()
            seen.append("closed /ticks")

    return StreamingResponse(pieces())


@app.get("/short")
async def short(request: Request) -> StreamingResponse:
    async def pieces() -> AsyncGenerator[str]:
        yield "first"
        await anyio.sleep(0.3)
        yield "last"

    return StreamingResponse(pieces())


flooded = [0]


@app.get("/flood")
async def flood(request: Request) -> StreamingResponse:
    async def pieces() -> AsyncGenerator[bytes]:
        flooded[0] = 0
        try:
            yield b"first"
            while True:
                flooded[0] += 1
                yield bytes(65536)
        finally:
            seen.append("closed /flood")

    return StreamingResponse(pieces())


@app.get("/flooded")
async def tell_flooded(request: Request) -> int:
    return flooded[0]


@app.get("/thread")
def in_a_thread(request: Request) -> str:
    return "from a thread"


@app.get("/forbidden")
async def forbidden(request: Request) -> None:
    raise HTTPException(403, "not for you")


@app.get("/broken")
async def broken(request: Request) -> None:
    raise ZeroDivisionError("a fault of the application")


@app.websocket("/echo")
async def echo(websocket: WebSocket) -> None:
    async with websocket:
        async for text in websocket.iter_text():
            await websocket.send_text(text)


@app.websocket("/ticks")
async def tick_socket(websocket: WebSocket) -> None:
    async with websocket, websocket.until_disconnected():
        seen.append("ticks")
        try:
            await websocket.send_text("tick")
            await anyio.Event().wait()
        finally:
            seen.append("ticks ended")


@app.websocket("/chatter")
async def chatter(websocket: WebSocket) -> None:
    """Only sends, and never looks whether somebody is there."""
    async with websocket:
        while True:
            await websocket.send_text("tick")
            await anyio.sleep(0.01)


@app.websocket("/guarded", allowed_origins=["https://app.example"])
async def guarded(websocket: WebSocket) -> None:
    await websocket.accept()
