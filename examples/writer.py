"""Answering from where you stand: respond at once, or write the response piece by piece.

portico run examples.writer:app

curl -i http://127.0.0.1:8000/early
curl -i http://127.0.0.1:8000/numbers.csv
curl -i http://127.0.0.1:8000/by-hand
"""

from __future__ import annotations

from portico import App, Request

app = App()


@app.get("/early")
async def early(request: Request) -> None:
    await request.respond((202, {"accepted": True}))
    # The client has its answer; this part of the handler still runs.


@app.get("/numbers.csv")
async def numbers(request: Request) -> None:
    async with request.response_writer(media_type="text/csv") as write:
        await write("n,square\n")
        for n in range(1, 6):
            await write(f"{n},{n * n}\n")  # waits while the client is slow


@app.get("/by-hand")
async def by_hand(request: Request) -> None:
    response = request.response
    await response.start(200, {"content-type": "text/plain"})
    await response.write("one, ")
    await response.write("two")
    await response.end(".\n")
