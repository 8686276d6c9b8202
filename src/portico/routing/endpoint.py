"""A function becomes an ASGI app: its arguments, its return value, its errors, the views around it.

The path of an ordinary request: make the request, await the handler, make a response of what it
returns, send that. No task, no queue, nothing parsed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from inspect import Parameter, signature
from types import NoneType
from typing import Any, Final, TypeAlias, cast

from portico import _tasks
from portico.asgi import ASGIApp, Receive, Scope, Send
from portico.connection.body import BODY, Body
from portico.connection.request import WRITER, Request
from portico.errors import ClientDisconnect, ResponseAlreadyStarted
from portico.response.background import run_background
from portico.response.base import Response
from portico.response.conversion import MAKERS, to_response
from portico.routing.errors import answer, answer_handled

__all__ = (
    "CallNext",
    "Handler",
    "HandlerApp",
    "Invoke",
    "View",
    "bind",
    "cancelled_on_disconnect",
    "request_response",
    "split_parameters",
)

_POSITIONAL: Final = (
    Parameter.POSITIONAL_ONLY,
    Parameter.POSITIONAL_OR_KEYWORD,
    Parameter.VAR_POSITIONAL,
)

Handler: TypeAlias = Callable[..., object]
"""Takes a request and the path parameters it names; returns what ``to_response`` takes."""

Invoke: TypeAlias = Callable[[Any], Awaitable[object]]
"""A handler with its arguments bound: takes the request (or the websocket) alone."""

CallNext: TypeAlias = Callable[[Request[Any]], Awaitable[Response]]
"""The rest of the chain, as a view middleware sees it."""

View: TypeAlias = Callable[[Request[Any], CallNext], Awaitable[object]]
"""A view middleware: takes the request and the rest, returns the response."""


def bind(
    handler: Handler,
    path_names: Collection[str] = (),
    parameters: Sequence[Parameter] | None = None,
) -> Invoke:
    """Bind a handler to what it asks for: the connection first, then path parameters by name.

    A first parameter that is named like a path parameter is one: such a handler does not see the
    connection. One that takes ``**params`` gets all of them. A handler that is not ``async`` runs
    in a thread. ``parameters`` are what it takes, if its signature does not tell.
    """
    if parameters is None:
        parameters = list(signature(handler).parameters.values())
    takes_connection, named = split_parameters(parameters, path_names)
    takes_all = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in named)
    names = tuple(
        parameter.name
        for parameter in named
        if parameter.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    )

    # With as many parameters as the path has and the handler names, they are the same ones.
    wanted = len(names) if set(names) == set(path_names) else None

    def arguments(connection: Any) -> dict[str, Any]:
        params: dict[str, Any] = connection.path_params
        if takes_all or len(params) == wanted:
            return params
        return {name: params[name] for name in names if name in params}

    call: Callable[[Any], Any]
    if not takes_connection:
        call = lambda connection: handler(**arguments(connection))  # noqa: E731
    elif names or takes_all:
        call = lambda connection: handler(connection, **arguments(connection))  # noqa: E731
    else:
        call = handler
    if _tasks.is_async_callable(handler):
        return cast("Invoke", call)
    return lambda connection: _tasks.call(call, connection)


def cancelled_on_disconnect(invoke: Invoke) -> Invoke:
    """Cancel a bound handler when the client leaves; what waits in a thread goes on there."""

    async def call(request: Request[Any]) -> object:
        async with request.cancel_on_disconnect():
            return await invoke(request)

    return call


def split_parameters(
    parameters: Sequence[Parameter], path_names: Collection[str]
) -> tuple[bool, Sequence[Parameter]]:
    """Tell whether the first is the connection, and give those that are named in the path."""
    takes_connection = bool(parameters) and (
        parameters[0].kind in _POSITIONAL and parameters[0].name not in path_names
    )
    return takes_connection, parameters[1:] if takes_connection else parameters


class HandlerApp:
    """The ASGI app of a bound handler, with view middleware around it, the outermost first."""

    def __init__(self, invoke: Invoke, views: Sequence[View] = ()) -> None:
        self._call: Invoke = _chain(invoke, views) if views else invoke
        self._makers: Mapping[type, Callable[..., Response]] = MAKERS
        if views:  # a handler may return None, a view may not
            self._makers = {**MAKERS, NoneType: partial(_refuse_none, views[0])}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one http scope."""
        await self.serve(Request(scope, receive, send), scope, receive, send)

    async def serve(
        self, request: Request[Any], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serve one request, and close the files of its form when all is over.

        ``scope`` is the server's, which is all that sending needs.
        """
        is_used = True  # until it is seen that it was not
        try:
            try:
                value = await self._call(request)
                make = self._makers.get(type(value))
                is_used = request.routing is None and request.was_used
                if is_used:
                    response = await _settle(request, value, make or to_response)
                elif make is not None:
                    response = make(value)
                else:
                    response = value if isinstance(value, Response) else to_response(value)
                if request.kept_body is not None:
                    request.kept_body.check_answer(response.status_code)
            except BaseException as error:  # noqa: BLE001  whatever a handler raises is answered
                await _fail(request, error)
                return
            if not response.is_whole:
                is_used = True  # a stream may read the form
                await response(request.scope, receive, send)  # where the body is, for who listens
                return
            # As Response.__call__ does; a coroutine less on the path of nearly every request.
            start, content = response.messages(scope["method"])
            try:
                await send(start)
                await send(content)
            except (OSError, ClientDisconnect):
                pass
            if response.background is not None:
                await run_background(response.background)
        finally:
            if is_used or request.kept_body is not None:
                body = request.known_body
                if body is not None and (body.form is not None or body.overrun is not None):
                    await body.close()


def request_response(handler: Handler) -> ASGIApp:
    """Turn a handler into an ASGI app; usable as a decorator.

    >>> @request_response
    ... async def hello(request):
    ...     return "Hello!"
    """
    return HandlerApp(bind(handler))


def _chain(invoke: Invoke, views: Sequence[View]) -> Invoke:
    async def innermost(request: Request[Any]) -> Response:
        try:
            value = await invoke(request)
            make = MAKERS.get(type(value), _own_response)
            if request.routing is None and request.was_used:
                return await _settle(request, value, make)
            response = make(value)
            if request.kept_body is not None:
                request.kept_body.check_answer(response.status_code)
            return response
        except Exception as error:  # noqa: BLE001  a view sees the response of an expected error
            return await answer_handled(request, error)

    call: CallNext = innermost
    for view in reversed(views):
        call = _layer(view, call)
    return call


def _refuse_none(view: View, _: None) -> Response:
    name = getattr(view, "__qualname__", repr(view))
    raise TypeError(f"the middleware {name} returned None; return call_next's response")


def _layer(view: View, call_next: CallNext) -> Callable[[Request[Any]], Awaitable[Any]]:
    def call(request: Request[Any]) -> Awaitable[object]:
        return view(request, call_next)

    return call


def _own_response(value: object) -> Response:
    """Make a copy of a response: views write headers, and a handler may return one for many."""
    return value.copy() if isinstance(value, Response) else to_response(value)


async def _settle(
    request: Request[Any], value: object, make: Callable[[object], Response]
) -> Response:
    """Give what is left to be sent by a handler that read the body or wrote the response."""
    scope = request.scope
    if WRITER in scope and request.response.is_started and not isinstance(value, _Written):
        if value is not None:
            raise ResponseAlreadyStarted(
                "the handler returned a response after it had begun one; return None instead"
            )
        await request.response.end()
        return _Written()
    response = make(value)
    body: Body | None = scope.get(BODY)
    if body is not None:
        body.check_answer(response.status_code)
    return response


class _Written(Response):
    """Stands for a response that the handler has sent itself."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send nothing."""


async def _fail(request: Request[Any], error: BaseException) -> None:
    """Answer what a handler raised; raise it again if that was no fault (a cancelled request)."""
    try:
        if not isinstance(error, Exception):
            raise error
        await answer(request, error)
    finally:
        del error  # its traceback holds this frame
