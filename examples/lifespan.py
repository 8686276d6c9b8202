"""Lifespan: what is opened before the first request, closed after the last, and work in between.

portico run examples.lifespan:app

curl -i http://127.0.0.1:8000/
curl -i -X POST http://127.0.0.1:8000/mails/ada    # answered at once, done after that
curl -i http://127.0.0.1:8000/mails
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TypedDict

from portico import App, PlainTextResponse, Request, Response
from portico.response.background import BackgroundTask


class State(TypedDict):
    """What the lifespan yields, and ``request.state`` is."""

    mails: list[str]


@asynccontextmanager
async def lifespan(app: object) -> AsyncGenerator[State]:
    mails: list[str] = []  # a pool of connections would be opened here
    yield {"mails": mails}
    mails.clear()  # and closed here


app = App(lifespan=lifespan)


@app.on_startup
async def say_hello() -> None:
    print("started")


@app.on_shutdown
async def say_goodbye() -> None:
    print("stopped")


@app.get("/")
async def home(request: Request[State]) -> str:
    return f"{len(request.state['mails'])} mails sent\n"


@app.get("/mails")
async def mails(request: Request[State]) -> list[str]:
    return request.state["mails"]


@app.post("/mails/{name}")
async def send_mail(request: Request[State], name: str) -> Response:
    work = BackgroundTask(_deliver, request.state["mails"], name)
    return PlainTextResponse(f"a mail to {name} will be sent\n", 202, background=work)


async def _deliver(mails: list[str], name: str) -> None:
    mails.append(name)
