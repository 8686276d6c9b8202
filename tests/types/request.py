"""What type checkers see of a request."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict, assert_type

from multidict import MultiDictProxy
from yarl import URL

from portico import Request
from portico.http.headers import Headers


@dataclass
class Note:
    title: str


class State(TypedDict):
    database: str


async def values(request: Request) -> None:
    assert_type(request.method, str)
    assert_type(request.url, URL)
    assert_type(request.url_for("note", number=1), URL)
    assert_type(request.headers, Headers)
    assert_type(request.headers["host"], str)
    assert_type(request.headers.get("host"), str | None)
    assert_type(request.query_params, MultiDictProxy[str])
    assert_type(request.cookies.get("theme"), str | None)
    assert_type(request.path_params, dict[str, Any])
    assert_type(request.content_length, int | None)
    assert_type(request.date, datetime | None)
    assert_type(request.accepts("text/html"), bool)
    assert_type(request.state, dict[str, Any])


async def bodies(request: Request) -> None:
    assert_type(await request.body(), bytes)
    assert_type(await request.text(), str)
    assert_type(await request.json(), Any)
    assert_type(await request.json(Note), Note)
    assert_type(await request.json(type=list[Note]), list[Note])
    assert_type(await request.msgpack(type=Note), Note)
    assert_type(request.stream(), AsyncGenerator[bytes, None])
    assert_type(await request.is_disconnected(), bool)


async def state(request: Request[State]) -> None:
    assert_type(request.state, State)
    assert_type(request.state["database"], str)
