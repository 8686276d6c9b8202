"""The application: a router with error handlers, a lifespan and a log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, ParamSpec, TypeVar, Unpack

from portico._stopping import is_stopping
from portico.asgi import ASGIApp, Receive, Scope, Send
from portico.connection.body import INHERIT, Inherit, Limit
from portico.connection.options import BodyOptions
from portico.errors import HTTPException
from portico.lifespan import LifespanContext
from portico.routing.converters import ConverterFactory
from portico.routing.errors import ERRORS, ErrorHandlers, ExceptionHandler
from portico.routing.middleware import AnyMiddleware
from portico.routing.router import Router, TrailingSlash
from portico.routing.routes import AnyRoute

__all__ = ("App",)

P = ParamSpec("P")
Handler = TypeVar("Handler", bound=ExceptionHandler)
Hook = TypeVar("Hook", bound=Callable[..., object])

_log: Final = logging.getLogger("portico")


class App(Router):
    """A ``Router`` that is the whole application; an ASGI app for any server.

    Takes what ``Router`` takes, and: ``debug`` shows unhandled errors in the browser, with source
    and variables (never where strangers can reach it); ``exception_handlers`` by status or
    exception class, as for ``exception_handler``.

    An error that nobody handles is logged once, to the logger ``portico``, answered with a plain
    500, and raised again for the server.

    >>> app = App()
    >>> @app.get("/hello/{name}")
    ... async def hello(request, name):
    ...     return f"Hello, {name}!"
    >>> app.url_path_for("hello", name="world")
    '/hello/world'
    """

    is_app: ClassVar[bool] = True

    def __init__(  # noqa: PLR0913 - each setting has a name, none is positional
        self,
        routes: Iterable[AnyRoute] = (),
        *,
        debug: bool = False,
        middleware: Sequence[AnyMiddleware] = (),
        exception_handlers: Mapping[int | type[Exception], ExceptionHandler] | None = None,
        default: ASGIApp | None = None,
        trailing_slash: TrailingSlash = "strict",
        converters: Mapping[str, ConverterFactory] | None = None,
        max_message_bytes: Limit = INHERIT,
        allowed_origins: Iterable[str] | Inherit = INHERIT,
        lifespan: LifespanContext | None = None,
        **options: Unpack[BodyOptions],
    ) -> None:
        super().__init__(
            routes,
            middleware=middleware,
            default=default,
            trailing_slash=trailing_slash,
            converters=converters,
            max_message_bytes=max_message_bytes,
            allowed_origins=allowed_origins,
            lifespan=lifespan,
            **options,
        )
        self._errors: ErrorHandlers = ErrorHandlers(debug=debug)
        self._marks |= {"app": self, ERRORS: self._errors}
        for key, handler in (exception_handlers or {}).items():
            self._errors.add(key, handler)

    @property
    def debug(self) -> bool:
        """Whether unhandled errors are shown in the browser."""
        return self._errors.debug

    @debug.setter
    def debug(self, value: bool) -> None:
        self._errors.debug = value

    @property
    def is_stopping(self) -> bool:
        """Whether the application of this event loop was told to end; for what goes on for long.

        ``while not app.is_stopping: yield await next_piece()``. Event streams are ended anyway,
        other streams when the lifespan's ``drain_timeout_s`` is over.
        """
        return is_stopping()

    def exception_handler(self, key: int | type[Exception]) -> Callable[[Handler], Handler]:
        """Answer exceptions of a class, or of a status: ``async def gone(request, error)``.

        The handler returns what any handler may return. For a class, it gets that class and those
        below it that have none of their own; for 500, also what nobody handles, which is still
        logged and raised again. Handlers of the nearest app count.

        Raises ``ValueError`` for a status outside 400 to 599, ``TypeError`` for what is neither a
        status nor an ``Exception`` class.
        """

        def register(handler: Handler) -> Handler:
            self._errors.add(key, handler)
            self._reset()
            return handler

        return register

    def on_startup(self, hook: Hook) -> Hook:
        """Call ``hook`` at startup; see ``Lifespan.on_startup``."""
        return self.lifespan.on_startup(hook)

    def on_shutdown(self, hook: Hook) -> Hook:
        """Call ``hook`` at shutdown; see ``Lifespan.on_shutdown``."""
        return self.lifespan.on_shutdown(hook)

    def add_background_task(
        self, func: Callable[P, object], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Run ``func(*args, **kwargs)`` as a task of the app, which no request waits for.

        Returns at once. A sync ``func`` runs in a worker thread. What it raises is logged once, to
        ``portico.background``. Neither a client that leaves nor a cancelled request ends it;
        shutdown waits for it a while and then cancels it (a thread is left alone).

        May be called in the event loop, and from sync handlers in their threads. Raises ``Misuse``
        if the app's lifespan does not run in this event loop.
        """
        self.lifespan.background.start(func, *args, **kwargs)

    can_enter: ClassVar[bool] = True  # what the call below does is the outermost app's to do

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope: http, websocket or lifespan. Raises ``Misuse`` for another type."""
        if "state" not in scope and (state := self.lifespan.fallback_state) is not None:
            scope = {**scope, "state": dict(state)}
        try:
            await (self._entry or self._make_entry())(scope, receive, send)
        except Exception as error:
            # The lifespan tells the server of its failures; an inner app leaves the log to the
            # outer one.
            if scope["type"] != "lifespan" and not isinstance(scope.get("app"), App):
                _log_error(scope, error)
            raise


def _log_error(scope: Mapping[str, Any], error: Exception) -> None:
    method, path = scope.get("method", "WEBSOCKET"), scope.get("path")
    if isinstance(error, HTTPException) and error.status_code < 500:
        # No fault of ours: it came when the response had begun, so breaking off is all the answer.
        _log.info("broke off %r %r: %d", method, path, error.status_code)
    else:
        _log.error("unhandled error in %r %r", method, path, exc_info=error)
