"""A body that is made while it is sent, in pieces or in lines of JSON.

portico run examples.stream:app

curl -N http://127.0.0.1:8000/count
curl -N http://127.0.0.1:8000/rows
curl -N -T big-file http://127.0.0.1:8000/upper
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

import anyio

from portico import App, JSONLinesResponse, Request, StreamingResponse

app = App()


@app.get("/count")
async def count(request: Request) -> StreamingResponse:
    async def numbers() -> AsyncGenerator[str]:
        try:
            for number in range(3):
                yield f"{number}\n"
                await anyio.sleep(0.05)
        finally:
            print("the numbers have ended")  # also if the client has left

    return StreamingResponse(numbers(), media_type="text/plain")


@app.get("/rows")
async def rows(request: Request) -> JSONLinesResponse:
    return JSONLinesResponse({"n": n, "square": n * n} for n in range(1, 4))


@app.put("/upper")
async def upper(request: Request) -> StreamingResponse:
    async def pieces() -> AsyncGenerator[bytes]:
        async for chunk in request.stream():
            yield chunk.upper()  # no more is read than the client takes

    return StreamingResponse(pieces(), media_type="text/plain")
