"""The decorators of a ``Router``; apart, so ``_target`` can know a router without importing it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, ClassVar, TypedDict, TypeVar, Unpack

from portico.asgi import ASGIApp, Receive, Scope, Send
from portico.connection.body import Inherit, Limit
from portico.connection.options import BodyOptions
from portico.routing.endpoint import View
from portico.routing.middleware import AnyMiddleware, Middleware, middleware, view_of
from portico.routing.routes import AnyRoute, Mount, Route, WebSocketRoute
from portico.static.files import Directory, Files, FilesOptions

__all__ = ("Registration", "RouteOptions", "WebSocketOptions")

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Around = TypeVar("Around", bound=View)


class RouteOptions(BodyOptions, total=False):
    """What each decorator takes besides paths; as for ``Route``."""

    name: str | None
    middleware: Sequence[AnyMiddleware]
    cancel_on_disconnect: bool


class WebSocketOptions(TypedDict, total=False):
    """What ``websocket`` takes besides paths; as for ``WebSocketRoute``."""

    name: str | None
    middleware: Sequence[AnyMiddleware]
    max_message_bytes: Limit
    allowed_origins: Iterable[str] | Inherit


class Registration(ABC):
    """What a ``Router`` and an ``App`` share for those who write one.

    Decorators give back what they decorate. Each takes one path or several, and what ``Route``
    takes: ``name`` for ``url_for``, ``middleware`` around this endpoint alone,
    ``cancel_on_disconnect``, how bodies are read.
    They raise ``ValueError`` for a malformed path, and for one that has an endpoint already.
    """

    @abstractmethod
    def add(self, route: AnyRoute) -> None:
        """Add a route, a websocket route or a mount."""

    can_enter: ClassVar[bool] = True
    """Whether ``enter`` does all that a call does."""

    @abstractmethod
    def enter(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one scope as a call does; what a router does for one that is mounted in it."""

    @abstractmethod
    def insert_middleware(self, middleware: AnyMiddleware) -> None:
        """Put middleware around all that is there."""

    def route(
        self,
        *paths: str,
        methods: Iterable[str] | None = None,
        **options: Unpack[RouteOptions],
    ) -> Callable[[Endpoint], Endpoint]:
        """Route requests of these methods (default: as for ``Route``) to the endpoint."""
        _check_paths(paths)

        def register(endpoint: Endpoint) -> Endpoint:
            self.add(Route(paths, endpoint, methods=methods, **options))
            return endpoint

        return register

    def get(self, *paths: str, **options: Unpack[RouteOptions]) -> Callable[[Endpoint], Endpoint]:
        """Route GET, and HEAD with it, to the endpoint."""
        return self.route(*paths, methods=("GET",), **options)

    def head(self, *paths: str, **options: Unpack[RouteOptions]) -> Callable[[Endpoint], Endpoint]:
        """Route HEAD alone to the endpoint, in place of the one for GET."""
        return self.route(*paths, methods=("HEAD",), **options)

    def post(self, *paths: str, **options: Unpack[RouteOptions]) -> Callable[[Endpoint], Endpoint]:
        """Route POST to the endpoint."""
        return self.route(*paths, methods=("POST",), **options)

    def put(self, *paths: str, **options: Unpack[RouteOptions]) -> Callable[[Endpoint], Endpoint]:
        """Route PUT to the endpoint."""
        return self.route(*paths, methods=("PUT",), **options)

    def patch(self, *paths: str, **options: Unpack[RouteOptions]) -> Callable[[Endpoint], Endpoint]:
        """Route PATCH to the endpoint."""
        return self.route(*paths, methods=("PATCH",), **options)

    def delete(
        self, *paths: str, **options: Unpack[RouteOptions]
    ) -> Callable[[Endpoint], Endpoint]:
        """Route DELETE to the endpoint."""
        return self.route(*paths, methods=("DELETE",), **options)

    def options(
        self, *paths: str, **options: Unpack[RouteOptions]
    ) -> Callable[[Endpoint], Endpoint]:
        """Route OPTIONS to the endpoint, in place of the answer that the router gives by itself."""
        return self.route(*paths, methods=("OPTIONS",), **options)

    def websocket(
        self, *paths: str, **options: Unpack[WebSocketOptions]
    ) -> Callable[[Endpoint], Endpoint]:
        """Route websockets to the endpoint; takes what ``WebSocketRoute`` takes."""
        _check_paths(paths)

        def register(endpoint: Endpoint) -> Endpoint:
            self.add(WebSocketRoute(paths, endpoint, **options))
            return endpoint

        return register

    def mount(
        self,
        path: str,
        app: ASGIApp,
        *,
        name: str | None = None,
        middleware: Sequence[AnyMiddleware] = (),
    ) -> None:
        """Put an ASGI app below a prefix; its lifespan runs with this one's."""
        self.add(Mount(path, app, name=name, middleware=middleware))

    def files(
        self,
        path: str,
        directory: Directory | Sequence[Directory],
        *,
        name: str | None = "static",
        **options: Unpack[FilesOptions],
    ) -> None:
        """Serve the files of a directory, or of several, below a prefix: mounts ``Files``.

        ``options`` are those of ``Files``, which raises ``ValueError`` for a directory that is not
        there. ``name`` is for ``url_for("static", path="site.css")``.
        """
        self.mount(path, Files(directory, **options), name=name)

    def middleware(self, view: Around) -> Around:
        """Put a view around all requests, also those without a route; the last is the outermost.

        It runs in the request's own task and context: ``async def timing(request, call_next)``.
        Raises ``TypeError`` for what is not ``async``.
        """
        self.insert_middleware(view if view_of(view) else middleware(view))
        return view

    def add_middleware(self, factory: Callable[..., ASGIApp], /, *args: Any, **kwargs: Any) -> None:
        """Put ASGI middleware around everything: ``factory(app, *args, **kwargs)``.

        The last that is added is the outermost.
        """
        self.insert_middleware(Middleware(factory, *args, **kwargs))


def _check_paths(paths: tuple[object, ...]) -> None:
    """Raise here what would else be no error: a decorator without its path registers nothing."""
    if not paths:
        raise ValueError('a route needs a path, as in @app.get("/path")')
    for path in paths:
        if not isinstance(path, str):
            name = getattr(path, "__name__", type(path).__name__)
            raise TypeError(f'a path is a str, not {name}; write @app.get("/path")')
