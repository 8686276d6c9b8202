"""Websockets under attack: A088 (their part) and A094."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import anyio
import pytest

from portico import App, HTTPException, WebSocket, WebSocketDisconnect
from portico.asgi import Message
from portico.connection.websocket import WebSocket as Socket
from portico.errors import WebSocketStateError
from tests.drive import drive, websocket_scope
from tests.security.invariants import invariants

pytestmark = pytest.mark.anyio

Handler: TypeAlias = Callable[[WebSocket[Any]], Awaitable[object]]

CONNECT: Message = {"type": "websocket.connect"}
LEFT: Message = {"type": "websocket.disconnect", "code": 1001, "reason": "bye"}
DENIAL: dict[str, object] = {"websocket.http.response": {}}


def text(value: str) -> Message:
    return {"type": "websocket.receive", "text": value}


def types(messages: list[Message]) -> list[object]:
    """Name what was sent, closes by their code."""
    return [message.get("code", message["type"]) for message in messages]


async def run(
    handler: Handler,
    *incoming: Message,
    errors: int = 0,
    sent: list[Message] | None = None,
    **how: Any,
) -> list[Message]:
    app = App()
    app.websocket("/")(handler)
    scope = websocket_scope(extensions=how.pop("extensions", {}))
    async with invariants(errors=errors):
        return await drive(app, scope, *(incoming or (CONNECT,)), sent=sent, **how)


async def send_text(websocket: WebSocket[Any]) -> None:
    await websocket.send_text("x")


async def send_bytes(websocket: WebSocket[Any]) -> None:
    await websocket.send_bytes(b"x")


async def send_json(websocket: WebSocket[Any]) -> None:
    await websocket.send_json({})


async def receive_text(websocket: WebSocket[Any]) -> None:
    await websocket.receive_text()


async def receive_bytes(websocket: WebSocket[Any]) -> None:
    await websocket.receive_bytes()


async def receive_json(websocket: WebSocket[Any]) -> None:
    await websocket.receive_json()


async def iterate(websocket: WebSocket[Any]) -> None:
    async for _ in websocket.iter_text():
        raise RuntimeError("not reached")  # pragma: no cover


async def accept(websocket: WebSocket[Any]) -> None:
    await websocket.accept()


async def deny(websocket: WebSocket[Any]) -> None:
    await websocket.deny(App())


MESSAGES = [send_text, send_bytes, send_json, receive_text, receive_bytes, receive_json]


@pytest.mark.parametrize("use", [*MESSAGES, iterate])
async def test_nothing_goes_before_accept(use: Handler) -> None:
    async def handler(websocket: WebSocket[Any]) -> None:
        with pytest.raises(WebSocketStateError):
            await use(websocket)

    assert types(await run(handler)) == [1000]


@pytest.mark.parametrize("use", [accept, deny])
async def test_one_handshake_is_answered_once(use: Handler) -> None:
    async def handler(websocket: WebSocket[Any]) -> None:
        await websocket.accept()
        with pytest.raises(WebSocketStateError):
            await use(websocket)

    assert types(await run(handler, extensions=DENIAL)) == ["websocket.accept", 1000]


@pytest.mark.parametrize("use", [*MESSAGES, accept])
async def test_nothing_goes_after_close(use: Handler) -> None:
    async def handler(websocket: WebSocket[Any]) -> None:
        await websocket.accept()
        await websocket.close(3000)
        with pytest.raises(WebSocketStateError):
            await use(websocket)

    assert types(await run(handler)) == ["websocket.accept", 3000]


async def test_closing_twice_is_once() -> None:
    async def handler(websocket: WebSocket[Any]) -> None:
        await websocket.accept()
        for _ in range(3):
            await websocket.close(3000)
        await iterate(websocket)

    assert types(await run(handler)) == ["websocket.accept", 3000]


@pytest.mark.parametrize("use", MESSAGES)
async def test_a_peer_that_left_is_one_exception_each_time(use: Handler) -> None:
    seen: list[tuple[int, str]] = []

    async def handler(websocket: WebSocket[Any]) -> None:
        await websocket.accept()
        assert await websocket.receive_text() == "a"
        for _ in range(3):
            with pytest.raises(WebSocketDisconnect) as caught:
                await (receive_text if not seen else use)(websocket)
            seen.append((caught.value.code, caught.value.reason))
        await websocket.close()
        await iterate(websocket)

    sent = await run(handler, CONNECT, text("a"), LEFT)
    assert types(sent) == ["websocket.accept"]
    assert seen == [(1001, "bye")] * 3


@pytest.mark.parametrize("use", MESSAGES)
@pytest.mark.parametrize("at", [0, 1])
async def test_an_oserror_of_send_is_the_same_exception(at: int, use: Handler) -> None:
    seen: list[int] = []

    async def handler(websocket: WebSocket[Any]) -> None:
        try:
            await websocket.accept()
            await websocket.send_text("x")
        except WebSocketDisconnect as gone:
            seen.append(gone.code)
        with pytest.raises(WebSocketDisconnect):
            await use(websocket)
        await websocket.close()

    sent = await run(handler, fail_send_at=at)
    assert types(sent) == ["websocket.accept"][:at]
    assert seen == [1006]


async def test_returning_without_accept_refuses() -> None:
    async def handler(websocket: WebSocket[Any]) -> None:
        return

    assert types(await run(handler)) == [1000]


async def test_returning_after_accept_closes() -> None:
    assert types(await run(accept)) == ["websocket.accept", 1000]


@pytest.mark.parametrize(
    ("extensions", "expected"),
    [({}, [1011]), (DENIAL, ["websocket.http.response.start", "websocket.http.response.body"])],
)
async def test_raising_before_accept_refuses_and_is_raised_again(
    extensions: dict[str, object], expected: list[object]
) -> None:
    async def handler(websocket: WebSocket[Any]) -> None:
        raise ValueError("hunter2")

    sent: list[Message] = []
    with pytest.raises(ValueError, match="hunter2"):
        await run(handler, errors=1, extensions=extensions, sent=sent)
    assert types(sent) == expected
    assert b"hunter2" not in b"".join(message.get("body", b"") for message in sent)
    assert sent[0].get("status") in {None, 500}


async def test_raising_after_accept_closes_with_1011_and_is_raised_again() -> None:
    async def handler(websocket: WebSocket[Any]) -> None:
        await websocket.accept()
        raise ValueError("hunter2")

    sent: list[Message] = []
    with pytest.raises(ValueError, match="hunter2"):
        await run(handler, errors=1, sent=sent)
    assert types(sent) == ["websocket.accept", 1011]
    assert not sent[-1].get("reason")


async def test_leaving_first_is_no_error() -> None:
    assert await run(accept, LEFT) == []


async def test_leaving_first_is_no_error_to_a_refusal() -> None:
    async def handler(websocket: WebSocket[Any]) -> None:
        raise HTTPException(403)

    assert await run(handler, LEFT) == []
    assert await run(handler, LEFT, extensions=DENIAL) == []


@pytest.mark.parametrize(
    ("incoming", "code"),
    [
        pytest.param(text("{"), 1007, id="malformed"),
        pytest.param(text("[" * 100_000), 1007, id="nested too deep"),
        pytest.param(text("NaN"), 1007, id="NaN"),
        pytest.param(text(""), 1007, id="empty"),
        pytest.param(text('"\ud800"'), 1007, id="half a surrogate pair"),
        pytest.param({"type": "websocket.receive", "bytes": b"\xff"}, 1007, id="no UTF-8"),
        pytest.param({"type": "websocket.receive", "bytes": b'\xef\xbb\xbf""'}, 1007, id="mark"),
    ],
)
async def test_a_message_that_is_no_json_closes_with_1007(incoming: Message, code: int) -> None:
    async def handler(websocket: WebSocket[Any]) -> None:
        async with websocket:
            await websocket.receive_json()

    assert types(await run(handler, CONNECT, incoming)) == ["websocket.accept", code]


@pytest.mark.parametrize(
    ("use", "incoming"),
    [(receive_text, {"type": "websocket.receive", "bytes": b"x"}), (receive_bytes, text("x"))],
)
async def test_the_other_kind_of_message_closes_with_1003(use: Handler, incoming: Message) -> None:
    async def handler(websocket: WebSocket[Any]) -> None:
        await websocket.accept()
        await use(websocket)

    assert types(await run(handler, CONNECT, incoming)) == ["websocket.accept", 1003]


@pytest.mark.parametrize("path", ["/other", "//", "/%2F", "/" + "a/" * 2000])
@pytest.mark.parametrize("extensions", [{}, DENIAL])
async def test_an_unknown_path_gets_no_http_message(
    path: str, extensions: dict[str, object]
) -> None:
    app = App()
    app.get("/other")(lambda: "for requests")
    app.websocket("/")(accept)
    scope = websocket_scope(path, extensions=extensions)
    async with invariants():
        sent = await drive(app, scope, CONNECT)
    assert [str(message["type"]).startswith("websocket.") for message in sent] == [True] * len(sent)
    assert sent[0].get("status", 404) == 404


async def test_a_long_reason_is_cut_and_injects_nothing() -> None:
    async def handler(websocket: WebSocket[Any]) -> None:
        await websocket.accept()
        await websocket.close(1000, "é" * 100 + "\r\nx")

    sent = await run(handler)
    assert len(sent[-1]["reason"].encode()) <= 123


@pytest.mark.parametrize(
    "offered", [["a\r\nx: y"], ["a, b"], [""], ["a b"], ["\xff"], [",,"], ["x" * 10_000]]
)
async def test_only_an_offered_subprotocol_is_accepted(offered: list[str]) -> None:
    socket: Socket[Any] = Socket(websocket_scope(subprotocols=offered))
    with pytest.raises(ValueError, match="did not offer"):
        await socket.accept("a\r\nx: y")
    assert all(name.isascii() and " " not in name and name for name in socket.subprotocols)


# A088: a peer that does not read


@pytest.mark.parametrize("taken", [0, 1, 5])
async def test_who_sends_waits_for_the_peer(taken: int) -> None:
    made: list[int] = []
    stalled, sent = anyio.Event(), list[Message]()
    incoming = [CONNECT]

    async def handler(websocket: WebSocket[Any]) -> None:
        async with websocket, websocket.until_disconnected():
            for number in range(1000):
                made.append(number)
                await websocket.send_bytes(bytes(65536))

    async def receive() -> Message:
        if incoming:
            return incoming.pop()
        await stalled.wait()
        await anyio.wait_all_tasks_blocked()
        return LEFT

    async def send(message: Message) -> None:
        if len(sent) == taken + 1:  # and the accept
            stalled.set()
            await anyio.sleep_forever()
        sent.append(message)

    app = App()
    app.websocket("/")(handler)
    async with invariants():
        await app(websocket_scope(), receive, send)
    assert len(made) == taken + 1
    assert types(sent) == ["websocket.accept", *["websocket.send"] * taken]
