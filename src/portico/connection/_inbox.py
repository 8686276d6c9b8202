"""Messages that wait for their reader, while somebody else looks out for the end."""

from __future__ import annotations

from collections import deque
from typing import final

from portico import _tasks
from portico.asgi import Message, Receive
from portico.errors import HTTPException

__all__ = ("Inbox", "receive_within", "size_of")


def size_of(data: str | bytes) -> int:
    """Give the size of a message on the wire, in bytes.

    >>> size_of("é"), size_of(b"ab")
    (2, 2)
    """
    if isinstance(data, bytes) or data.isascii():
        return len(data)
    return len(data.encode("utf-8", "surrogatepass"))


async def receive_within(receive: Receive, timeout_s: float | None) -> Message:
    """Receive a message. Raises an ``HTTPException`` (408) if none comes in that many seconds."""
    if timeout_s is None:
        return await receive()
    taken: list[Message] = []
    with _tasks.open_scope(timeout_s=timeout_s):
        taken.append(await receive())
    if not taken:
        raise HTTPException(408, f"no message for {timeout_s:g} seconds")
    return taken[0]


@final
class Inbox:
    """A bounded queue in front of a websocket's ``receive``.

    ``is_filling`` is set by who lets a task ``fill`` it; ``stop`` ends that.
    """

    def __init__(self, receive: Receive) -> None:
        self.is_filling: bool = False
        self._receive: Receive = receive
        self._messages: deque[Message] = deque()
        self._bytes: int = 0
        self._change: _tasks.Event | None = None

    async def receive(self) -> Message:
        """Receive as from the server; what waits here comes first."""
        while not self._messages:
            if not self.is_filling:
                return await self._receive()
            await self._wait_change()
        message = self._messages.popleft()
        self._bytes -= _size(message)
        self._tell_change()
        return message

    async def fill(
        self, max_messages: int, max_bytes: int, timeout_s: float | None = None
    ) -> Message:
        """Take messages while there is room; gives the first that is none of the peer's.

        There is room for ``max_messages``; none after a message that passes ``max_bytes``. Where
        there never is any, messages are dropped. Raises what ``receive_within`` does.
        """
        while True:
            while self._messages and (
                len(self._messages) >= max_messages or self._bytes >= max_bytes
            ):
                await self._wait_change()
            message = await receive_within(self._receive, timeout_s)
            if message["type"] != "websocket.receive":
                return message
            if max_messages:
                self._messages.append(message)
                self._bytes += _size(message)
                self._tell_change()

    def stop(self) -> None:
        """Let who waits here receive from the server again."""
        self.is_filling = False
        self._tell_change()

    async def _wait_change(self) -> None:
        if self._change is None:
            self._change = _tasks.make_event()
        await self._change.wait()

    def _tell_change(self) -> None:
        if self._change is not None:
            self._change.set()
            self._change = None


def _size(message: Message) -> int:
    return size_of(message.get("text") or message.get("bytes") or b"")
