"""Middleware in its two shapes, and how they are put around an app.

A *view* takes a request and ``call_next`` and returns a response; an *ASGI middleware* takes an app
and is one. Views next to our own handlers are ordinary awaits (``endpoint``). Around any other
ASGI app a view is driven by hand: at ``call_next`` it is suspended, the app runs, and at
``http.response.start`` it goes on with a response object, in the same task and the same context.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import suppress
from typing import Any, Final, TypeAlias, cast

from portico import _tasks
from portico.asgi import ASGIApp, Message, Receive, Scope, Send
from portico.connection.body import BODY, Body, close_body
from portico.connection.request import Request
from portico.errors import ClientDisconnect, Misuse
from portico.response.background import run_background
from portico.response.base import Response, has_no_content
from portico.response.conversion import to_response
from portico.routing.endpoint import CallNext, View
from portico.routing.errors import answer, answer_handled, is_due_to

__all__ = ("AnyMiddleware", "Middleware", "middleware", "split_views", "view_of", "wrap")


class Middleware:
    """An ASGI middleware class and its arguments, to be put around an app later.

    ``Middleware(CORSMiddleware, allow_origins=["https://app.example"])``; the app is the first
    argument of the class. Raises ``TypeError`` for a view, which is put there as it is.
    """

    def __init__(self, factory: Callable[..., ASGIApp], /, *args: Any, **kwargs: Any) -> None:
        if not callable(factory):
            raise TypeError(
                "ASGI middleware is a class, or a function, that takes the app and gives an app, "
                f"not {type(factory).__name__}"
            )
        if _tasks.is_async_callable(factory):
            raise TypeError(
                f"{_name(factory)} is a view, not ASGI middleware: put it into the list as it is, "
                "or decorate it with .middleware"
            )
        self.factory: Callable[..., ASGIApp] = factory
        self.args: tuple[Any, ...] = args
        self.kwargs: dict[str, Any] = kwargs

    def __call__(self, app: ASGIApp) -> ASGIApp:
        """Put it around ``app``."""
        return self.factory(app, *self.args, **self.kwargs)

    def __repr__(self) -> str:
        return f"Middleware({_name(self.factory)})"


class middleware:  # noqa: N801  a decorator
    """Turn a view into a middleware that can be put around any ASGI app.

    Raises ``TypeError`` for what is not ``async``.

    >>> @middleware
    ... async def timing(request, call_next):
    ...     return await call_next(request)
    >>> timing
    middleware(timing)
    """

    def __init__(self, view: View) -> None:
        if not _tasks.is_async_callable(view):
            raise TypeError(
                f"{_name(view)} is no view: that is 'async def view(request, call_next)'; "
                "ASGI middleware goes to add_middleware"
            )
        self.view: View = view

    def __call__(self, app: ASGIApp) -> ASGIApp:
        """Put it around ``app``."""
        return _Around(self.view, app)

    def __repr__(self) -> str:
        return f"middleware({_name(self.view)})"


AnyMiddleware: TypeAlias = View | middleware | Middleware | Callable[[ASGIApp], ASGIApp]
"""What a ``middleware=`` list holds, the outermost first: views, or makers of ASGI apps."""


def split_views(entries: Sequence[AnyMiddleware]) -> tuple[list[AnyMiddleware], list[View]]:
    """Split off the views at the inner end: those can be awaited next to the handler."""
    outer, views = list(entries), list[View]()
    while outer and (view := view_of(outer[-1])) is not None:
        outer.pop()
        views.insert(0, view)
    return outer, views


def wrap(app: ASGIApp, entries: Sequence[AnyMiddleware]) -> ASGIApp:
    """Put middleware around an ASGI app, the first as the outermost."""
    for entry in reversed(entries):
        view = view_of(entry)
        if view is None:
            app = cast("Callable[[ASGIApp], ASGIApp]", entry)(app)
        else:
            app = _Around(view, app)
    return app


def view_of(entry: AnyMiddleware) -> View | None:
    """Give the view that ``entry`` is or holds; ``None`` if it is ASGI middleware."""
    if isinstance(entry, middleware):
        return entry.view
    if not isinstance(entry, Middleware) and _tasks.is_async_callable(entry):
        return cast("View", entry)
    return None


def _name(func: object) -> str:
    return getattr(func, "__name__", repr(func))


_PASSES_BY: Final = (
    "the body of a mounted app's response passes by: a view may change status and headers, or "
    "return a new response"
)


class _Start(Response):
    """The start of a response whose body passes by: status and headers may be changed."""

    def __init__(self, message: Message) -> None:
        self.status_code = message["status"]
        fields = message.get("headers", ())
        self._raw_headers = [(bytes(name).lower(), bytes(value)) for name, value in fields]

    @property
    def body(self) -> bytes:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Refuse: it has not come yet."""
        raise Misuse(_PASSES_BY)

    @body.setter
    def body(  # pyright: ignore[reportIncompatibleVariableOverride]
        self, value: bytes
    ) -> None:
        raise Misuse(_PASSES_BY)

    def __repr__(self) -> str:
        return f"<the response of a mounted app, {self.status_code}>"

    def start(self, message: Message) -> Message:
        return {**message, "status": self.status_code, "headers": self._raw_headers}

    def without_content(self) -> Response:
        """Make the same with nothing of the body, for a view that made a 304 of it."""
        response = Response(None, self.status_code, background=self.background)
        response._raw_headers += self._raw_headers  # noqa: SLF001 - checked by nobody, as they came
        return response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse: the body is somewhere else."""
        raise Misuse("the response of another ASGI app can only be returned by its middleware")


class _Suspended:
    """What a suspended view hands to its driver in place of something to wait for."""

    def __repr__(self) -> str:
        # Event loops show this if they get it: another task than the view's awaited call_next.
        return "<call_next: await it in the middleware itself, not in a task that it starts>"


_SUSPENDED: Final = _Suspended()


@types.coroutine
def _suspend() -> Generator[object, Any, Any]:
    return (yield _SUSPENDED)


@types.coroutine
def _advance(
    view: Coroutine[Any, Any, object], step: Callable[[Any], object], value: object
) -> Generator[object, Any, object]:
    """Run ``view`` to its end and give what it returned, or ``_SUSPENDED`` at ``call_next``.

    Whatever else it waits for is handed on to the event loop, and what comes back to it.
    """
    try:
        waits_for = step(value)
        value = None
        while waits_for is not _SUSPENDED:
            try:
                result = yield waits_for
            except BaseException as error:  # noqa: BLE001  also cancellation is the view's to see
                waits_for = view.throw(error)
            else:
                waits_for = view.send(result)
    except StopIteration as end:
        return end.value
    finally:
        value = None  # an exception's traceback holds this frame
    return _SUSPENDED


class _Around:
    """One view around one ASGI app; http alone, other scopes pass."""

    def __init__(self, view: View, app: ASGIApp) -> None:
        self._view: View = view
        self.app: ASGIApp = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(self._view, Request(scope, receive, send))
        try:
            await exchange.run(self.app)
        except ClientDisconnect:
            return
        except Exception as error:
            if exchange.is_started:
                raise
            await answer(exchange.request, error)


class _Exchange:
    """One request through one view and the app below it."""

    def __init__(self, view: View, request: Request[Any]) -> None:
        self.request: Request[Any] = request
        self.is_started: bool = False
        self._name: str = getattr(view, "__qualname__", repr(view))
        self._passed: Request[Any] = request
        self._has_left: bool = False
        self._is_resumed: bool = False
        self._is_replaced: bool = False
        self._start: _Start | None = None
        self._failure: Exception | None = None
        self._cut: OSError | None = None
        self._below: Scope = {}

        async def call_next(passed: Request[Any]) -> Response:
            self._passed = passed
            return cast("Response", await _suspend())

        call: CallNext = call_next
        self._view: Coroutine[Any, Any, object] = cast(
            "Coroutine[Any, Any, object]", view(request, call)
        )

    async def run(self, app: ASGIApp) -> None:
        try:
            value = await _advance(self._view, self._view.send, None)
            if value is _SUSPENDED:
                await self._run_below(app)
            else:
                await self._respond(value)
        finally:
            self._view.close()
            self._failure = self._cut = None  # their tracebacks hold this object
            await close_body(self._below)
            await close_body(self.request.scope)

    async def _run_below(self, app: ASGIApp) -> None:
        try:
            # A copy: the ``Body`` that the app makes reads from the one of this scope.
            self._below = {**self._passed.scope}
            await app(self._below, self._receive, self._send)
            if not self._is_resumed:
                raise self._no_response()  # noqa: TRY301
        except BaseException as error:
            if not self._is_resumed:
                await self._fail(error)
            elif self._cut is None or not is_due_to(error, self._cut):
                raise
        if self._failure is not None:
            raise self._failure
        if self._start is not None and self._start.background is not None:
            await run_background(self._start.background)

    def _no_response(self) -> Exception:
        body: Body | None = self._passed.scope.get(BODY)
        if self._has_left or (body is not None and body.is_disconnected):
            return ClientDisconnect("the client left, and the app below has not answered")
        return Misuse("the app below returned without a response")

    async def _fail(self, error: BaseException) -> None:
        """Let the view see what the app raised: the response of what somebody expects."""
        self._is_resumed = True
        step: Callable[[Any], object] = self._view.throw
        shown: object = error
        try:
            if isinstance(error, Exception):
                with suppress(Exception):  # what nobody expects is thrown
                    shown = await answer_handled(self._passed, error)
                    step = self._view.send
            value = await _advance(self._view, step, shown)
            if isinstance(error, GeneratorExit):
                raise error  # this coroutine is closed: it may not wait for anything
            await self._respond(value)
        finally:
            del error, shown  # a traceback of theirs holds this frame

    async def _receive(self) -> Message:
        if self._is_replaced:
            return {"type": "http.disconnect"}
        # By way of the request, so that a view that reads the body and the app do not take pieces
        # from each other.
        message = await self._passed.receive()
        if message["type"] == "http.disconnect":
            self._has_left = True
        return message

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not self._is_resumed:
            await self._resume(message)
        elif not self._is_replaced:
            await self.request.raw_send(message)
        elif message.get("more_body", False):
            # Nobody takes this stream: end it as a client that left would (ASGI HTTP 2.4).
            self._cut = OSError(f"the middleware {self._name} has answered in the app's place")
            raise self._cut

    async def _resume(self, message: Message) -> None:
        """Let the view go on with the start; an error of its own is not the app's to see."""
        self._is_resumed = True
        start = _Start(message)
        value = None
        try:
            value = await _advance(self._view, self._view.send, start)
            if value is start and not has_no_content(message["status"]):
                value = start if not has_no_content(start.status_code) else start.without_content()
            if value is not start:
                self._is_replaced = True
                await self._respond(value)
        except Exception as error:  # noqa: BLE001  raised when the app has returned
            self._is_replaced, self._failure = True, error
        if value is start:
            self.is_started, self._start = True, start
            await self.request.raw_send(start.start(message))

    async def _respond(self, value: object) -> None:
        if value is _SUSPENDED:
            raise Misuse(f"the middleware {self._name} called call_next twice")
        if value is None:
            raise TypeError(f"the middleware {self._name} returned None; return a response")
        response = to_response(value)
        self.is_started = True
        await response(self.request.scope, self.request.receive, self.request.raw_send)
