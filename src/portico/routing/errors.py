"""Exceptions become responses: by handlers of yours, or as RFC 9457 problems.

This is done next to the handler, inside all middleware, so that an error's answer gets the same
headers (CORS, security, timing) as any other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeGuard, cast

from portico import _tasks
from portico.asgi import Scope
from portico.connection.request import WRITER, Request
from portico.debug import exception_response
from portico.errors import ClientDisconnect, HTTPException
from portico.response.base import Response
from portico.response.conversion import to_response
from portico.response.error import error_response

__all__ = (
    "ERRORS",
    "ErrorHandlers",
    "ExceptionHandler",
    "answer",
    "answer_handled",
    "handlers_of",
    "is_due_to",
)

ERRORS: Final = "portico.errors"
"""The scope's key for the nearest app's ``ErrorHandlers``."""

ExceptionHandler: TypeAlias = Callable[[Request[Any], Any], object]
"""Takes a request and an exception; returns what a handler may return. May be ``async``."""


class ErrorHandlers:
    """Handlers by exception class and by status.

    A status handler sees ``HTTPException`` of that status; the one for 500 also renders errors that
    nobody handles. A class handler is found along the exception's method resolution order;
    ``HTTPException`` has one from the start, so a handler for ``Exception`` does not get a 404.
    """

    def __init__(self, *, debug: bool = False) -> None:
        self.debug: bool = debug
        self._by_status: dict[int, ExceptionHandler] = {}
        self._by_class: dict[type[Exception], ExceptionHandler] = {}

    @property
    def is_empty(self) -> bool:
        """Whether there is no handler at all."""
        return not (self._by_status or self._by_class)

    def add(self, key: int | type[Exception], handler: ExceptionHandler) -> None:
        """Add a handler.

        Raises ``ValueError`` for a status outside 400 to 599, ``TypeError`` for what is neither a
        status nor an ``Exception`` class.
        """
        if isinstance(key, int):
            if not 400 <= key <= 599:
                raise ValueError(f"an exception handler's status is 400 to 599, not {key}")
            self._by_status[key] = handler
        elif _is_exception_class(key):
            self._by_class[key] = handler
        else:
            raise TypeError("an exception handler is for a status or an Exception class")

    def find(self, error: Exception) -> ExceptionHandler | None:
        """Find the handler of ``error``; ``None`` if there is none."""
        if isinstance(error, HTTPException) and error.status_code in self._by_status:
            return self._by_status[error.status_code]
        for cls in type(error).__mro__:
            if cls in self._by_class:
                return self._by_class[cls]
            if cls is HTTPException:
                break
        return None

    async def handled(self, request: Request[Any], error: Exception) -> Response | None:
        """Make the response of an exception that somebody expects; ``None`` if nobody does.

        A handler may itself refuse (``raise HTTPException(404)``); no further handler sees that.
        """
        handler = None if isinstance(error, Response) else self.find(error)
        if handler is None:
            return _expected(request, error)
        try:
            return await _call(handler, request, error)
        except Exception as failure:
            response = _expected(request, failure)
            if response is None:
                raise
            return response
        finally:
            del error

    async def unhandled(self, request: Request[Any], error: Exception) -> Response:
        """Make the 500 of an exception that nobody expects."""
        if self.debug:
            return exception_response(error, request)
        handler = self._by_status.get(500)
        if handler is not None:
            return await _call(handler, request, error)
        return error_response(HTTPException(500), request.scope)


_NO_HANDLERS: Final = ErrorHandlers()


def handlers_of(scope: Scope) -> ErrorHandlers:
    """Give the error handlers of the nearest app above; empty ones outside any."""
    return cast("ErrorHandlers", scope.get(ERRORS, _NO_HANDLERS))


# Below, whatever holds an exception that has passed through its frame lets go of it at the end: a
# reference cycle would keep both, and all that the handler held, until the garbage collector comes.


async def answer_handled(request: Request[Any], error: Exception) -> Response:
    """Give the response of ``error``, for views to write on; raises it again if nobody expects it.

    That the client has left is for nobody to handle: there is no one to answer.
    """
    try:
        response = None
        if not _has_started(request) and not isinstance(error, ClientDisconnect):
            response = await handlers_of(request.scope).handled(request, error)
        if response is None:
            raise error
        return response.copy()  # what was raised or returned may be one object for many
    finally:
        del error


async def answer(request: Request[Any], error: Exception) -> None:
    """Answer the request with the response of ``error``.

    What nobody handles is answered with 500 and raised again, for the app's log and the server. If
    the response has started there is no answer any more, and the error is raised. That the client
    has left needs no answer.
    """
    failure: Exception | None = error
    try:
        if not _has_started(request):
            failure = await _answer(request, error)
        if failure is not None and not isinstance(failure, ClientDisconnect):
            raise failure
    finally:
        del error, failure


async def _answer(request: Request[Any], error: Exception) -> Exception | None:
    """Answer, and give the exception that nobody has handled."""
    if isinstance(error, ClientDisconnect):
        return None
    handlers = handlers_of(request.scope)
    try:
        try:
            response = await handlers.handled(request, error)
        except Exception as failure:  # noqa: BLE001  the handler's own error is answered instead
            error, response = failure, None
        if response is not None:
            await response(request.scope, request.receive, request.raw_send)
            return None
        try:
            response = await handlers.unhandled(request, error)
        except Exception as failure:  # noqa: BLE001  so is that of the handler for 500
            failure.__context__ = error
            error, response = failure, error_response(HTTPException(500), request.scope)
        await response(request.scope, request.receive, request.raw_send)
        return error
    finally:
        del error


def _is_exception_class(key: object) -> TypeGuard[type[Exception]]:
    return isinstance(key, type) and issubclass(key, Exception)


def _has_started(request: Request[Any]) -> bool:
    return WRITER in request.scope and request.response.is_started


def is_due_to(error: BaseException | None, origin: BaseException) -> bool:
    """Tell whether ``error`` is ``origin``, came of handling it, or is a group of such errors."""
    while error is not None and error is not origin:
        if isinstance(error, BaseExceptionGroup):
            group = cast("BaseExceptionGroup[BaseException]", error)
            return all(is_due_to(member, origin) for member in group.exceptions)
        error = error.__cause__ or error.__context__
    return error is not None


def _expected(request: Request[Any], error: Exception) -> Response | None:
    if isinstance(error, Response):  # a redirect that was raised
        # One object may be raised for many requests: Python would chain their tracebacks.
        return error.with_traceback(None)
    return error_response(error, request.scope) if isinstance(error, HTTPException) else None


async def _call(handler: ExceptionHandler, request: Request[Any], error: Exception) -> Response:
    return to_response(await _tasks.call(handler, request, error))
