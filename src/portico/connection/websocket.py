"""WebSockets: text, bytes, JSON and MessagePack over ``RawWebSocket``, which keeps the state."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar, final, overload

from portico.asgi import Message
from portico.codec import decode_json, decode_msgpack, encode_json, encode_msgpack
from portico.connection.base import StateT
from portico.connection.raw_websocket import RawWebSocket, UnexpectedMessage, WebSocketState
from portico.errors import (
    BadInput,
    InvalidData,
    PorticoError,
    WebSocketDisconnect,
    WebSocketStateError,
)

__all__ = ("WebSocket",)

_T = TypeVar("_T")

_CONNECTED: Final = WebSocketState.CONNECTED


class WebSocket(RawWebSocket[StateT]):
    """A websocket with messages as values: ``RawWebSocket`` tells of its states and errors.

    ``async with websocket:`` accepts on entry unless that was done, and closes on exit: with 1000,
    or after an exception as ``close_for`` says. The exception goes on.
    """

    async def __aenter__(self) -> Self:
        if self._state is not _CONNECTED:
            await self.accept()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close_for(error)

    # Receiving

    async def receive_text(self) -> str:
        """Wait for a text message; ``""`` is one. Raises ``UnexpectedMessage`` if it is binary."""
        message = await self._wait_message()
        text: str | None = message.get("text")
        if text is None:
            raise self._unfit(message, "text")
        return text

    async def receive_bytes(self) -> bytes:
        """Wait for a binary message. Raises ``UnexpectedMessage`` if it is text."""
        message = await self._wait_message()
        data: bytes | None = message.get("bytes")
        if data is None:
            raise self._unfit(message, "binary")
        return data

    @overload
    async def receive_json(self) -> Any: ...
    @overload
    async def receive_json(self, type: type[_T]) -> _T: ...
    @overload
    async def receive_json(self, type: object) -> Any: ...
    async def receive_json(self, type: object = Any) -> Any:
        """Wait for a message, text or binary, and decode it as JSON, into ``type`` if given.

        Raises ``BadInput`` if it is not JSON, ``InvalidData`` if it does not fit ``type``. The
        socket stays open then.
        """
        message = await self._wait_message()
        data: str | bytes | None = message.get("text")
        if data is None:
            data = message.get("bytes")
            if data is None:
                raise self._unfit(message, "text")
        return _decoded(decode_json, data, type)

    @overload
    async def receive_msgpack(self) -> Any: ...
    @overload
    async def receive_msgpack(self, type: type[_T]) -> _T: ...
    @overload
    async def receive_msgpack(self, type: object) -> Any: ...
    async def receive_msgpack(self, type: object = Any) -> Any:
        """Wait for a binary message and decode it as MessagePack, into ``type`` if given.

        Raises ``UnexpectedMessage`` for text, else what ``receive_json`` does.
        """
        return _decoded(decode_msgpack, await self.receive_bytes(), type)

    def _wait_message(self) -> Awaitable[Message]:
        if self._state is not _CONNECTED:
            raise self._refusal("receiving")
        return self._receive()

    def _unfit(self, message: Message, expected: Literal["text", "binary"]) -> PorticoError:
        """Tell why ``message`` is not what was expected: the peer left, or sent another kind."""
        if message["type"] == "websocket.receive":
            return UnexpectedMessage(expected)
        self._note(message)
        return self._refusal("receiving")

    def iter_text(self) -> AsyncIterator[str]:
        """Iterate over text messages until the socket is closed, by whichever side.

        ``close_code`` and ``close_reason`` then tell how the peer left. Raises what
        ``receive_text`` does, except ``WebSocketDisconnect``.
        """
        return _Incoming(self, self.receive_text)

    def iter_bytes(self) -> AsyncIterator[bytes]:
        """Iterate over binary messages until the socket is closed, as ``iter_text`` does."""
        return _Incoming(self, self.receive_bytes)

    @overload
    def iter_json(self) -> AsyncIterator[Any]: ...
    @overload
    def iter_json(self, type: type[_T]) -> AsyncIterator[_T]: ...
    @overload
    def iter_json(self, type: object) -> AsyncIterator[Any]: ...
    def iter_json(self, type: object = Any) -> AsyncIterator[Any]:
        """Iterate over JSON messages until the socket is closed, as ``iter_text`` does."""
        return _Incoming(self, partial(self.receive_json, type))

    @overload
    def iter_msgpack(self) -> AsyncIterator[Any]: ...
    @overload
    def iter_msgpack(self, type: type[_T]) -> AsyncIterator[_T]: ...
    @overload
    def iter_msgpack(self, type: object) -> AsyncIterator[Any]: ...
    def iter_msgpack(self, type: object = Any) -> AsyncIterator[Any]:
        """Iterate over MessagePack messages until the socket is closed, as ``iter_text`` does."""
        return _Incoming(self, partial(self.receive_msgpack, type))

    # Sending

    async def send_text(self, text: str) -> None:
        """Send a text message; returns when the server has room for the next."""
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"a text message is a str, not {type(text).__name__}")
        await self.send({"type": "websocket.send", "text": text})

    async def send_bytes(self, data: bytes | bytearray | memoryview) -> None:
        """Send a binary message; returns when the server has room for the next."""
        if not isinstance(data, bytes | bytearray | memoryview):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"a binary message is bytes, not {type(data).__name__}")
        await self.send({"type": "websocket.send", "bytes": bytes(data)})

    async def send_json(self, value: object, mode: Literal["text", "binary"] = "text") -> None:
        """Send a value as JSON, in a text message or a binary one.

        Raises ``TypeError`` for a value that ``encode_json`` does not take, ``ValueError`` for
        another ``mode``.
        """
        if mode not in {"text", "binary"}:
            raise ValueError("mode is 'text' or 'binary'")
        data = encode_json(value)
        if mode == "binary":
            await self.send({"type": "websocket.send", "bytes": data})
        else:
            await self.send({"type": "websocket.send", "text": data.decode()})

    async def send_msgpack(self, value: object) -> None:
        """Send a value as MessagePack in a binary message; ``TypeError`` as ``send_json``."""
        await self.send({"type": "websocket.send", "bytes": encode_msgpack(value)})


@final
class _Incoming(AsyncIterator[_T]):
    # Not a generator: leaving the loop early leaves nothing behind that wants to be closed.

    def __init__(self, websocket: RawWebSocket[Any], receive: Callable[[], Awaitable[_T]]) -> None:
        self._websocket: RawWebSocket[Any] = websocket
        self._receive: Callable[[], Awaitable[_T]] = receive

    async def __anext__(self) -> _T:
        try:
            return await self._receive()
        except WebSocketDisconnect:
            raise StopAsyncIteration from None
        except WebSocketStateError:
            if self._websocket.state is WebSocketState.CLOSED:
                raise StopAsyncIteration from None
            raise


def _decoded(decode: Callable[[Any, object], Any], data: bytes | str, type: object) -> Any:
    try:
        return decode(data, type)
    except InvalidData:
        raise
    except BadInput as error:
        raise BadInput("message", error.reason) from None
