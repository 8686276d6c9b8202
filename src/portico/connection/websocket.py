"""WebSockets: text, bytes, JSON and MessagePack over ``RawWebSocket``, which keeps the state."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from types import TracebackType
from typing import (
    Any,
    Final,
    Literal,
    Self,
    TypeAlias,
    TypedDict,
    TypeVar,
    Unpack,
    cast,
    final,
    overload,
)

from portico import _tasks
from portico.asgi import Message
from portico.codec import decode_json, decode_msgpack, encode_json, encode_msgpack
from portico.connection._inbox import Inbox, receive_within, size_of
from portico.connection.base import StateT
from portico.connection.body import INHERIT, Inherit, Limit
from portico.connection.raw_websocket import RawWebSocket, WebSocketState
from portico.errors import (
    BadInput,
    ContentTooLarge,
    InvalidData,
    Misuse,
    UnexpectedMessage,
    WebSocketDisconnect,
    WebSocketStateError,
)

__all__ = ("MAX_MESSAGE_BYTES", "MESSAGE_LIMIT", "Receiving", "WebSocket")

MESSAGE_LIMIT: Final = "portico.max_message_bytes"
"""The scope's key for the limit of the app, router or route."""

MAX_MESSAGE_BYTES: Final = 1024 * 1024
"""The most that a message may have, unless app, router, route or call say otherwise."""

_T = TypeVar("_T")

_Key: TypeAlias = Literal["text", "bytes"]

_MOST_PER_CHARACTER: Final = 4
"""Bytes of a character in UTF-8 (RFC 3629 3)."""

_CONNECTED: Final = WebSocketState.CONNECTED
_ENDED: Final = (WebSocketState.CLOSED, WebSocketState.DISCONNECTED)


class Receiving(TypedDict, total=False):
    """What each call that receives takes by name.

    ``max_bytes`` is the most that a message may have (default: what route, router or app say, else
    1 MiB; ``None``: no limit). Over it the socket is closed with 1009 and the call raises
    ``ContentTooLarge``.

    ``timeout_s`` is how many seconds a message may take (default: for ever). Then the call raises
    an ``HTTPException`` (408); the socket is open still, and closed with 1008 if nobody catches it.
    """

    max_bytes: Limit
    timeout_s: float | None


class WebSocket(RawWebSocket[StateT]):
    """A websocket with messages as values: ``RawWebSocket`` tells of its states and errors.

    ``async with websocket:`` accepts on entry unless that was done, and closes on exit: with 1000,
    or after an exception as ``close_for`` says. The exception goes on.

    What is received is limited in size and, if you say so, in time: ``Receiving``.
    """

    _inbox: Inbox | None = None

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

    async def receive_text(self, **options: Unpack[Receiving]) -> str:
        """Wait for a text message; ``""`` is one. Raises ``UnexpectedMessage`` if it is binary."""
        text: str = await self._take("text", None, *self._limits(options))
        return text

    async def receive_bytes(self, **options: Unpack[Receiving]) -> bytes:
        """Wait for a binary message. Raises ``UnexpectedMessage`` if it is text."""
        data: bytes = await self._take("bytes", None, *self._limits(options))
        return data

    async def receive_data(self, **options: Unpack[Receiving]) -> str | bytes:
        """Wait for a message of either kind: ``str`` if it is text, ``bytes`` if it is binary."""
        data: str | bytes = await self._take("text", _as_it_is, *self._limits(options))
        return data

    @overload
    async def receive_json(self, **options: Unpack[Receiving]) -> Any: ...
    @overload
    async def receive_json(self, type: type[_T], **options: Unpack[Receiving]) -> _T: ...
    @overload
    async def receive_json(self, type: object, **options: Unpack[Receiving]) -> Any: ...
    async def receive_json(self, type: object = Any, **options: Unpack[Receiving]) -> Any:
        """Wait for a message, text or binary, and decode it as JSON, into ``type`` if given.

        Raises ``BadInput`` if it is not JSON, ``InvalidData`` if it does not fit ``type``. The
        socket stays open then.
        """
        return await self._take(
            "text", partial(_decoded, decode_json, type), *self._limits(options)
        )

    @overload
    async def receive_msgpack(self, **options: Unpack[Receiving]) -> Any: ...
    @overload
    async def receive_msgpack(self, type: type[_T], **options: Unpack[Receiving]) -> _T: ...
    @overload
    async def receive_msgpack(self, type: object, **options: Unpack[Receiving]) -> Any: ...
    async def receive_msgpack(self, type: object = Any, **options: Unpack[Receiving]) -> Any:
        """Wait for a binary message and decode it as MessagePack, into ``type`` if given.

        Raises ``UnexpectedMessage`` for text, else what ``receive_json`` does.
        """
        return await self._take(
            "bytes", partial(_decoded, decode_msgpack, type), *self._limits(options)
        )

    async def _take(
        self,
        key: _Key,
        decode: Callable[[Any], Any] | None,
        max_bytes: int | None,
        timeout_s: float | None,
        at_end: type[Exception] | None = None,
    ) -> Any:
        """Wait for a message and give what it holds; one coroutine for all that receives.

        ``at_end`` is raised in place of the disconnect.
        """
        if self._state is not _CONNECTED or self._is_receiving:
            raise self._end(at_end)
        self._is_receiving = True
        try:
            if timeout_s is None:
                message = await self._receive()
            else:
                message = await receive_within(self._receive, timeout_s)
        finally:
            self._is_receiving = False
        data: Any = message.get(key)
        if data is None:
            if decode is not None:  # JSON may come as either
                data = message.get("bytes")
            if data is None:
                raise self._unfit(message, key, at_end)
        if max_bytes is not None and len(data) * _MOST_PER_CHARACTER > max_bytes:
            await self._check_size(data, max_bytes)
        return data if decode is None else decode(data)

    def _limits(self, options: Receiving) -> tuple[int | None, float | None]:
        max_bytes = options.get("max_bytes", INHERIT)
        if isinstance(max_bytes, Inherit):
            max_bytes = cast("int | None", self._scope.get(MESSAGE_LIMIT, MAX_MESSAGE_BYTES))
        return max_bytes, options.get("timeout_s")

    async def _check_size(self, data: str | bytes, max_bytes: int) -> None:
        if len(data) > max_bytes or size_of(data) > max_bytes:
            error = ContentTooLarge("message", max_bytes)
            await self.close_for(error)
            raise error

    def _unfit(self, message: Message, key: _Key, at_end: type[Exception] | None) -> Exception:
        """Tell why a message has no ``key``: it is of the other kind, or the peer has left."""
        if message["type"] == "websocket.receive":
            return UnexpectedMessage("binary" if key == "bytes" else "text")
        self._note(message)
        return self._end(at_end)

    def _end(self, at_end: type[Exception] | None) -> Exception:
        if at_end is not None and self._state in _ENDED:
            return at_end()
        return self._no_message("receiving")

    # Iterating

    def iter_text(self, **options: Unpack[Receiving]) -> AsyncIterator[str]:
        """Iterate over text messages until the socket is closed, by whichever side.

        ``close_code`` and ``close_reason`` then tell how the peer left. Raises what
        ``receive_text`` does, except ``WebSocketDisconnect``.
        """
        return self._incoming("text", None, options)

    def iter_bytes(self, **options: Unpack[Receiving]) -> AsyncIterator[bytes]:
        """Iterate over binary messages until the socket is closed, as ``iter_text`` does."""
        return self._incoming("bytes", None, options)

    @overload
    def iter_json(self, **options: Unpack[Receiving]) -> AsyncIterator[Any]: ...
    @overload
    def iter_json(self, type: type[_T], **options: Unpack[Receiving]) -> AsyncIterator[_T]: ...
    @overload
    def iter_json(self, type: object, **options: Unpack[Receiving]) -> AsyncIterator[Any]: ...
    def iter_json(self, type: object = Any, **options: Unpack[Receiving]) -> AsyncIterator[Any]:
        """Iterate over JSON messages until the socket is closed, as ``iter_text`` does."""
        return self._incoming("text", partial(_decoded, decode_json, type), options)

    @overload
    def iter_msgpack(self, **options: Unpack[Receiving]) -> AsyncIterator[Any]: ...
    @overload
    def iter_msgpack(self, type: type[_T], **options: Unpack[Receiving]) -> AsyncIterator[_T]: ...
    @overload
    def iter_msgpack(self, type: object, **options: Unpack[Receiving]) -> AsyncIterator[Any]: ...
    def iter_msgpack(self, type: object = Any, **options: Unpack[Receiving]) -> AsyncIterator[Any]:
        """Iterate over MessagePack messages until the socket is closed, as ``iter_text`` does."""
        return self._incoming("bytes", partial(_decoded, decode_msgpack, type), options)

    def _incoming(
        self, key: _Key, decode: Callable[[Any], Any] | None, options: Receiving
    ) -> AsyncIterator[Any]:
        return _Incoming(self._take, key, decode, *self._limits(options))

    # Looking out for the end

    async def wait_disconnected(self) -> None:
        """Wait until the peer has left; what it sends meanwhile is dropped.

        For a task beside one that only sends; ``until_disconnected`` starts and ends it for you.
        Raises ``Misuse`` while another task receives.
        """
        while self._state is not WebSocketState.DISCONNECTED:
            await self.receive()

    @asynccontextmanager
    async def until_disconnected(
        self,
        *,
        max_messages: int = 0,
        max_bytes: int = MAX_MESSAGE_BYTES,
        timeout_s: float | None = None,
    ) -> AsyncGenerator[None, None]:
        """Run a block that ends when the peer leaves, wherever it waits; for one that only sends.

        It is cancelled then, and ``WebSocketDisconnect`` raised. What the peer sends meanwhile is
        dropped. With ``max_messages`` so many wait for ``receive_text`` and the like, inside or
        after; nothing more is read while they are there or have ``max_bytes`` together, so that
        the peer's leaving is seen late. ``timeout_s`` is how many seconds the peer may be silent,
        then an ``HTTPException`` (408) is raised.

        Raises ``WebSocketStateError`` unless the socket is open, ``Misuse`` while another task
        receives.
        """
        if self._state is not _CONNECTED:
            raise self._refusal("until_disconnected()")
        inbox = self._inbox = self._inbox or Inbox(self._receive)
        if self._is_receiving or inbox.is_filling:
            raise Misuse("another task is receiving from this websocket, it sees the end")
        is_done, is_dropping = False, max_messages == 0
        self._receive = inbox.receive
        self._is_receiving, inbox.is_filling = is_dropping, True
        try:
            async with _tasks.open_group() as group:
                fill = partial(inbox.fill, max_messages, max_bytes, timeout_s)
                group.start_soon(self._watch, fill, group)
                yield
                is_done = True
                group.cancel_scope.cancel()
        finally:
            inbox.stop()
            if is_dropping:
                self._is_receiving = False
        if not is_done:
            raise self._refusal("until_disconnected()")

    async def _watch(self, fill: Callable[[], Awaitable[Message]], group: _tasks.Group) -> None:
        self._note(await fill())
        group.cancel_scope.cancel()

    @asynccontextmanager
    async def heartbeat(
        self, message: str | bytes, interval_s: float = 20.0
    ) -> AsyncGenerator[None, None]:
        """Run a block while ``message`` is sent every ``interval_s`` seconds, text or binary.

        For peers and proxies that end what is silent: it is an ordinary message, which the peer
        must know. Pings (RFC 6455 5.5.2) are the server's, ASGI has none. If the peer has left, the
        block is cancelled and ``WebSocketDisconnect`` raised.

        Raises ``WebSocketStateError`` unless the socket is open.
        """
        if self._state is not _CONNECTED:
            raise self._refusal("heartbeat()")
        beat: Message = {"type": "websocket.send"}
        beat["text" if isinstance(message, str) else "bytes"] = message
        is_done = False
        async with _tasks.open_group() as group:
            group.start_soon(self._repeat, beat, interval_s, group)
            yield
            is_done = True
            group.cancel_scope.cancel()
        if not is_done:
            raise self._refusal("heartbeat()")

    async def _repeat(self, message: Message, interval_s: float, group: _tasks.Group) -> None:
        try:
            while True:
                await _tasks.sleep(interval_s)
                await self.send(message)
        except WebSocketDisconnect:  # not raised: the block may raise its own
            group.cancel_scope.cancel()
        except WebSocketStateError:  # closed here
            return

    # Sending: to be awaited; not ``async``, which would cost a coroutine more for each message

    def send_text(self, text: str) -> Coroutine[Any, Any, None]:
        """Send a text message; returns when the server has room for the next."""
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"a text message is a str, not {type(text).__name__}")
        return self._put({"type": "websocket.send", "text": text})

    def send_bytes(self, data: bytes | bytearray | memoryview) -> Coroutine[Any, Any, None]:
        """Send a binary message; returns when the server has room for the next."""
        if not isinstance(data, bytes | bytearray | memoryview):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"a binary message is bytes, not {type(data).__name__}")
        return self._put({"type": "websocket.send", "bytes": bytes(data)})

    def send_json(
        self, value: object, mode: Literal["text", "binary"] = "text"
    ) -> Coroutine[Any, Any, None]:
        """Send a value as JSON, in a text message or a binary one.

        Raises ``TypeError`` for a value that ``encode_json`` does not take, ``ValueError`` for
        another ``mode``.
        """
        if mode not in ("text", "binary"):
            raise ValueError("mode is 'text' or 'binary'")
        data = encode_json(value)
        if mode == "binary":
            return self._put({"type": "websocket.send", "bytes": data})
        return self._put({"type": "websocket.send", "text": data.decode()})

    def send_msgpack(self, value: object) -> Coroutine[Any, Any, None]:
        """Send a value as MessagePack in a binary message; ``TypeError`` as ``send_json``."""
        return self._put({"type": "websocket.send", "bytes": encode_msgpack(value)})


@final
class _Incoming(AsyncIterator[_T]):
    # Not a generator: leaving the loop early leaves nothing behind that wants to be closed.

    def __init__(self, take: Callable[..., Awaitable[_T]], *args: Any) -> None:
        self._take: Callable[..., Awaitable[_T]] = take
        self._key, self._decode, self._max_bytes, self._timeout_s = args

    def __anext__(self) -> Awaitable[_T]:
        # Spelled out: a partial would cost a tenth of the time that a message takes.
        return self._take(
            self._key, self._decode, self._max_bytes, self._timeout_s, StopAsyncIteration
        )


def _as_it_is(data: str | bytes) -> str | bytes:
    return data


def _decoded(decode: Callable[[Any, object], Any], type: object, data: bytes | str) -> Any:
    try:
        return decode(data, type)
    except InvalidData:
        raise
    except BadInput as error:
        raise BadInput("message", error.reason) from None
