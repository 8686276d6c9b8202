"""The request: what a client has sent, with a response in reach."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from portico._race import Race, interruptible
from portico.asgi import Send
from portico.connection.base import StateT
from portico.connection.body import BODY, LIMIT, MAX_BODY_BYTES
from portico.connection.disconnect import hear_disconnect
from portico.connection.incoming import IncomingRequest
from portico.errors import ClientDisconnect, ResponseAlreadyStarted
from portico.http.fields import check_value
from portico.http.headers import encode_headers
from portico.response.conversion import to_response
from portico.response.writer import ResponseWriter

__all__ = ("WRITER", "Request")

WRITER: Final = "portico.response"
"""The scope's key for the response that was begun by hand."""


class Request(IncomingRequest[StateT]):
    """A request, over a bare ``(scope, receive, send)``.

    Readers of the body are coroutines and may be called any number of times, by any number of
    requests over the same scope. They raise ``ContentTooLarge`` (413) over ``max_bytes`` (default:
    what the route, router or app says, else 10 MiB; ``None`` is no limit), ``BadInput`` (400) for a
    malformed body, ``UnsupportedMediaType`` (415) for one of another type, ``ClientDisconnect`` if
    the client left before the end (what came is never taken as whole), and ``BodyConsumed`` after
    ``stream``. ``Request[MyState]`` types ``state``.

    ``routing`` is for routers: the scope is put together with it when somebody asks for it.

    Raises ``Misuse`` for a scope that is not http's.
    """

    @property
    def was_used(self) -> bool:
        """Whether the body was looked at, or the response begun, over this scope."""
        return self.kept_body is not None or BODY in self._scope or WRITER in self._scope

    # The client

    async def is_disconnected(self) -> bool:
        """Tell whether the client has left, without waiting; no piece of the body is lost."""
        return await self._shared_body().poll()

    async def wait_disconnected(self) -> None:
        """Wait until the client has left; no piece of the body is lost.

        The news comes after the body, so what is unread of it is read ahead and kept, up to the
        limit; raises ``ContentTooLarge`` over it. After the response it returns at once.
        """
        await self._shared_body().wait_disconnected(self._setting(LIMIT, MAX_BODY_BYTES))

    @asynccontextmanager
    async def cancel_on_disconnect(self) -> AsyncGenerator[None, None]:
        """Cancel the block when the client leaves, and raise ``ClientDisconnect`` then.

        ``async with request.cancel_on_disconnect(): await slow_query()``. What the block awaits to
        clean up is not cancelled again under asyncio; under trio it needs a shield.
        """

        async def listen(race: Race) -> None:
            has_left = await hear_disconnect(self.scope, self._receive)
            # Servers say so too when the response has ended.
            if has_left and not (WRITER in self.scope and self.response.is_finished):
                race.interrupt()

        async with interruptible(listen) as race:
            yield
        if race.is_interrupted:
            raise ClientDisconnect("the client left while it was worked for")

    # Before the answer: ASGI's extensions, of which servers have some

    async def send_early_hints(self, *links: str) -> bool:
        """Tell the client what it will need, before the answer: a 103 with ``Link`` (RFC 8297).

        Each of ``links`` is a ``Link`` field's value, as in ``"</a.css>; rel=preload; as=style"``.
        Gives whether the server could; where it has no ``http.response.early_hint`` nothing is
        sent. Raises ``ValueError`` for what is no header's value, ``ResponseAlreadyStarted``.
        """
        values = [check_value("link", link) for link in links]
        return await self._send_extension("http.response.early_hint", {"links": values})

    async def send_push_promise(
        self, path: str, headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None
    ) -> bool:
        """Promise the client a resource that it will need (RFC 9113 8.4), before the answer.

        ``path`` is decoded, as in the scope; ``headers`` are those of the request that the client
        would make. Gives whether the server could, as ``send_early_hints``. Browsers have given up
        on pushes. Raises ``ValueError`` for a path that does not begin with one slash or holds
        control characters, and for bad headers, ``ResponseAlreadyStarted``.
        """
        if not path.startswith("/") or path.startswith("//") or not path.isprintable():
            raise ValueError("a promised path begins with one slash and is printable")
        return await self._send_extension(
            "http.response.push", {"path": path, "headers": encode_headers(headers)}
        )

    async def send_debug(self, info: Mapping[str, Any]) -> bool:
        """Hand facts about the answer to a test client (``http.response.debug``), before it begins.

        Gives whether there is one that takes them; raises ``ResponseAlreadyStarted``.
        """
        return await self._send_extension("http.response.debug", {"info": dict(info)})

    async def _send_extension(self, kind: str, content: dict[str, Any]) -> bool:
        if self.response.is_started:
            raise ResponseAlreadyStarted(f"{kind} comes before the start of the response")
        if kind not in (self.scope.get("extensions") or {}):
            return False
        await self.response.send({"type": kind, **content})
        return True

    # Answering from where you stand

    @property
    def send(self) -> Send:
        """The ASGI ``send`` of ``response``: what goes through it counts as the answer."""
        return self.response.send

    @property
    def raw_send(self) -> Send:
        """The ASGI ``send`` that this request was made with."""
        return self._send

    @property
    def response(self) -> ResponseWriter:
        """The response in your own hands: ``start``, ``write``, ``end``."""
        writer: ResponseWriter | None = self.scope.get(WRITER)
        # One for all who look at this scope, unless somebody put a ``send`` of his own in between.
        if writer is None or not (writer.is_started or writer.writes_to(self._send)):
            writer = self.scope[WRITER] = ResponseWriter(self.scope, self._send)
        return writer

    async def respond(self, value: object) -> None:
        """Answer at once with anything that a handler may return.

        Raises ``ResponseAlreadyStarted`` if the response has begun, ``TypeError`` for a value of
        which no response can be made.
        """
        response = to_response(value)
        self._check_answer(response.status_code)
        await response(self.scope, self.receive, self.response.send)
        if not self.response.is_finished:  # a stream whose client has left
            self.response.abandon()

    def _check_answer(self, status_code: int) -> None:
        if self.kept_body is not None or BODY in self._scope:
            self._shared_body().check_answer(status_code)

    @asynccontextmanager
    async def response_writer(
        self,
        status_code: int = 200,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        media_type: str | None = None,
    ) -> AsyncGenerator[Callable[[bytes | str], Awaitable[None]], None]:
        """Start a response and give the function that writes pieces of it; the end ends it.

        ``async with request.response_writer(media_type="text/csv") as write: await write(row)``.
        If the block fails the response is not ended, so that the server breaks the connection and
        the client does not take a part as whole. If the client leaves, the block is cancelled where
        it waits, or ``write`` raises, and in both cases ``ClientDisconnect`` comes out of it.
        """
        response = self.response
        self._check_answer(status_code)
        async with self.cancel_on_disconnect():
            await response.start(status_code, headers, media_type)
            yield response.write
            await response.end()
