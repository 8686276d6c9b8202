"""Around what is not ours: who answers, and who hears of an error."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from portico import App, ClientDisconnect, HTTPException, Mount, PlainTextResponse, Route
from portico.asgi import ASGIApp, Message, Receive, Scope, Send
from portico.errors import WebSocketDisconnect
from portico.routing.guard import guard
from portico.routing.routes import AnyRoute, WebSocketRoute
from tests.drive import call, drive, http_scope, websocket_scope

CONNECT: Message = {"type": "websocket.connect"}
DENIAL: dict[str, object] = {"websocket.http.response": {}}
START: Message = {"type": "http.response.start", "status": 200, "headers": []}
PIECE: Message = {"type": "http.response.body", "body": b"x", "more_body": True}


def failing(error: Exception, *before: Message) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
        for message in before:
            await send(message)
        raise error

    return app


# Requests


@pytest.mark.anyio
async def test_a_refusal_before_the_start() -> None:
    reply = await call(guard(failing(HTTPException(403, "no"))))
    assert (reply.status, reply.json()["detail"]) == (403, "no")


@pytest.mark.anyio
async def test_an_error_before_the_start_is_a_500_and_raised() -> None:
    sent: list[Message] = []
    with pytest.raises(KeyError):
        await drive(guard(failing(KeyError())), http_scope(), sent=sent)
    assert sent[0]["status"] == 500


@pytest.mark.anyio
@pytest.mark.parametrize("error", [KeyError("late"), HTTPException(403)], ids=["error", "refusal"])
async def test_after_the_start_it_is_raised(error: Exception) -> None:
    sent: list[Message] = []
    with pytest.raises(type(error)):
        await drive(guard(failing(error, START, PIECE)), http_scope(), sent=sent)
    assert sent == [START, PIECE]


@pytest.mark.anyio
@pytest.mark.parametrize("before", [(), (START, PIECE)], ids=["before the start", "after it"])
async def test_that_the_client_left_is_no_error(before: tuple[Message, ...]) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await failing(ClientDisconnect("left"), *before)(scope, receive, send)

    assert await drive(guard(app), http_scope(), {"type": "http.disconnect"}) == list(before)


@pytest.mark.anyio
@pytest.mark.parametrize("at", [0, 1])
async def test_an_oserror_of_send_is_no_error(at: int, caplog: pytest.LogCaptureFixture) -> None:
    """ASGI HTTP 2.4: so does a server say that the client has left."""
    app = App([Mount("", failing(KeyError(), START, PIECE))])
    sent: list[Message] = []
    await drive(app, http_scope(), fail_send_at=at, sent=sent)
    assert len(sent) == at
    assert caplog.records == []


@pytest.mark.anyio
async def test_what_an_app_makes_of_it_is_none_either() -> None:
    class Left(Exception):
        pass

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send(START)
        except OSError:
            raise Left from None

    await drive(guard(app), http_scope(), fail_send_at=0)


@pytest.mark.anyio
async def test_an_error_that_has_nothing_to_do_with_it_is_raised() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(OSError):
            await send(START)
        raise KeyError("own")

    with pytest.raises(KeyError, match="own"):
        await drive(guard(app), http_scope(), fail_send_at=0)


@pytest.mark.anyio
async def test_an_oserror_of_the_apps_own_is_one() -> None:
    sent: list[Message] = []
    with pytest.raises(FileNotFoundError):
        await drive(guard(failing(FileNotFoundError("x"))), http_scope(), sent=sent)
    assert sent[0]["status"] == 500


@pytest.mark.anyio
async def test_other_scopes_pass() -> None:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        raise KeyError(scope["type"])

    with pytest.raises(KeyError, match="lifespan"):
        await guard(refuse)({"type": "lifespan"}, None, None)  # type: ignore[arg-type]


# Websockets


@pytest.mark.anyio
@pytest.mark.parametrize("extensions", [{}, DENIAL], ids=["plain", "with denial"])
async def test_a_handshake_is_refused(extensions: dict[str, Any]) -> None:
    app = guard(failing(HTTPException(403)))
    sent = await drive(app, websocket_scope(extensions=extensions), CONNECT)
    if extensions:
        assert [message["type"] for message in sent] == [
            "websocket.http.response.start",
            "websocket.http.response.body",
        ]
        assert sent[0]["status"] == 403
    else:
        assert sent == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.anyio
@pytest.mark.parametrize("extensions", [{}, DENIAL], ids=["plain", "with denial"])
async def test_an_error_before_accept(extensions: dict[str, Any]) -> None:
    sent: list[Message] = []
    with pytest.raises(KeyError):
        await drive(
            guard(failing(KeyError())), websocket_scope(extensions=extensions), CONNECT, sent=sent
        )
    assert sent[0].get("status", sent[0].get("code")) == (500 if extensions else 1011)


@pytest.mark.anyio
async def test_an_error_after_accept_is_1011_and_raised() -> None:
    sent: list[Message] = []
    with pytest.raises(KeyError):
        await drive(
            guard(failing(KeyError(), {"type": "websocket.accept"})),
            websocket_scope(),
            CONNECT,
            sent=sent,
        )
    assert sent[-1] == {"type": "websocket.close", "code": 1011}


@pytest.mark.anyio
async def test_a_refusal_after_accept_is_a_close() -> None:
    app = guard(failing(HTTPException(403, "no"), {"type": "websocket.accept"}))
    sent = await drive(app, websocket_scope(), CONNECT)
    assert sent[-1] == {"type": "websocket.close", "code": 1008, "reason": "no"}


@pytest.mark.anyio
async def test_a_peer_that_left_is_no_error() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        raise WebSocketDisconnect(1001)

    assert len(await drive(guard(app), websocket_scope(), CONNECT)) == 1


@pytest.mark.anyio
async def test_an_app_of_somebody_else_hears_an_oserror(caplog: pytest.LogCaptureFixture) -> None:
    """ASGI WebSocket 2.4; it knows nothing of our exceptions."""
    seen: list[BaseException] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            await send({"type": "websocket.send", "text": "x"})
        except OSError as error:
            seen.append(error)
            raise RuntimeError from error

    routed = App([WebSocketRoute("/", app)])
    await drive(routed, websocket_scope(), CONNECT, fail_send_at=1)
    assert len(seen) == 1
    assert caplog.records == []


# Inside of all middleware


@pytest.mark.anyio
@pytest.mark.parametrize("status", [403, 500])
async def test_asgi_middleware_sees_the_answer_to_an_error(status: int) -> None:
    """CORS headers are on a 500 too."""

    def cors(app: ASGIApp) -> ASGIApp:
        async def with_cors(scope: Scope, receive: Receive, send: Send) -> None:
            async def sending(message: Message) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [*message["headers"], (b"x-cors", b"1")]
                await send(message)

            await app(scope, receive, sending)

        return with_cors

    error = KeyError() if status == 500 else HTTPException(status)
    routes: list[AnyRoute] = [
        Route("/route", failing(error), middleware=[cors]),
        Mount("/mount", failing(error), middleware=[cors]),
    ]
    for app, path in [
        (App(routes), "/route"),
        (App(routes), "/mount/x"),
        (App([Mount("", failing(error))], middleware=[cors]), "/"),
        (App(default=failing(error), middleware=[cors]), "/"),
    ]:
        sent: list[Message] = []
        try:
            await drive(app, http_scope(path=path), sent=sent)
        except KeyError:
            assert status == 500
        assert sent[0]["status"] == status
        assert (b"x-cors", b"1") in sent[0]["headers"]


@pytest.mark.anyio
async def test_middleware_of_a_route_may_refuse() -> None:
    def refusing(app: ASGIApp) -> ASGIApp:
        return failing(HTTPException(403))

    routes: list[AnyRoute] = [
        Route("/asgi", PlainTextResponse("x"), middleware=[refusing]),
        Route("/handler", lambda: "x", middleware=[refusing]),
        Mount("/mount", PlainTextResponse("x"), middleware=[refusing]),
    ]
    for path in ("/asgi", "/handler", "/mount"):
        assert (await call(App(routes), path=path)).status == 403


@pytest.mark.anyio
async def test_middleware_of_a_websocket_route_may_refuse() -> None:
    def refusing(app: ASGIApp) -> ASGIApp:
        return failing(HTTPException(403))

    async def handler(websocket: Any) -> None:
        raise NotImplementedError  # pragma: no cover - not called

    for endpoint in (handler, failing(KeyError())):
        app = App([WebSocketRoute("/", endpoint, middleware=[refusing])])
        sent = await drive(app, websocket_scope(extensions=DENIAL), CONNECT)
        assert sent[0]["status"] == 403
