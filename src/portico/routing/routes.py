"""What a router holds: routes, websocket routes and mounts. Data; the router makes apps of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from inspect import Parameter, isfunction, ismethod, signature
from typing import Any, Final, TypeAlias, Unpack, cast

from portico.asgi import ASGIApp
from portico.connection.body import INHERIT, Inherit, Limit
from portico.connection.options import BodyOptions, body_marks
from portico.http.grammar import is_token
from portico.routing.converters import ConverterFactory, PathConverter
from portico.routing.endpoint import (
    Handler,
    HandlerApp,
    Invoke,
    View,
    bind,
    cancelled_on_disconnect,
)
from portico.routing.guard import closing_body, guard
from portico.routing.middleware import AnyMiddleware, split_views, view_of, wrap
from portico.routing.socket import from_allowed_origins, socket_app, socket_marks
from portico.routing.template import Rest, Template, parse_template
from portico.routing.views import HTTPView, bind_view, view_handlers

__all__ = ("REST", "AnyRoute", "Mount", "Route", "WebSocketRoute")

REST: Final = "portico_rest"
"""The parameter that takes what follows a mount's prefix."""


def _name_of(endpoint: object) -> str:
    while isinstance(endpoint, partial):
        endpoint = endpoint.func
    return getattr(endpoint, "__name__", type(endpoint).__name__)


def _is_asgi_app(endpoint: Any) -> bool:
    """Tell an ASGI app from a handler: it takes ``(scope, receive, send)``.

    By these names; of an object that is called, by taking three arguments and no path parameter.
    """
    try:
        parameters = list(signature(endpoint).parameters.values())
    except (TypeError, ValueError):  # of builtins and C extensions; handlers are written in Python
        return True
    if [parameter.name for parameter in parameters[:3]] == ["scope", "receive", "send"]:
        return True
    target = endpoint
    while isinstance(target, partial):
        target = target.func
    if isfunction(target) or ismethod(target):
        return False
    needed = [parameter for parameter in parameters if parameter.default is Parameter.empty]
    return any(each.kind is Parameter.VAR_POSITIONAL for each in needed) or len(needed) == 3


class _Endpoint:
    """What routes of requests and of websockets share: paths, an endpoint, a name."""

    def __init__(
        self,
        path: str | Sequence[str],
        endpoint: Any,
        name: str | None,
        middleware: Sequence[AnyMiddleware],
    ) -> None:
        if not callable(endpoint):
            raise TypeError(f"an endpoint is a function, a view or an ASGI app, not {endpoint!r}")
        self.paths: tuple[str, ...] = (path,) if isinstance(path, str) else tuple(path)
        if not self.paths:
            raise ValueError("a route needs a path")
        self.endpoint: Any = endpoint
        self.name: str = name or _name_of(endpoint)
        self.middleware: tuple[AnyMiddleware, ...] = tuple(middleware)

    @property
    def path(self) -> str:
        """The first of the paths."""
        return self.paths[0]

    def handlers(self) -> Iterator[tuple[str, list[Parameter]]]:
        """Give the name and the parameters of each handler; none for an ASGI app."""
        if _is_view(self.endpoint):
            yield from view_handlers(self.endpoint)
        elif not _is_asgi_app(self.endpoint):
            yield _name_of(self.endpoint), [*signature(self.endpoint).parameters.values()]

    def templates(self, converters: Mapping[str, ConverterFactory] | None = None) -> list[Template]:
        """Parse the paths; raises ``ValueError`` for one that is malformed."""
        return [parse_template(path, converters) for path in self.paths]


class Route(_Endpoint):
    """An endpoint at one or several paths.

    ``endpoint`` is a handler (``async`` or not), an ``HTTPView`` class, or any ASGI app: what takes
    ``scope, receive, send``, and an object that is called with three arguments. ``methods`` default
    to GET for a handler, to what it has for a view, and to all for an ASGI app; GET brings HEAD
    with it. ``name`` (default: the endpoint's own) is for ``url_for``. ``middleware`` is
    around this endpoint alone, the outermost first. With ``cancel_on_disconnect`` a handler is
    cancelled where it waits when the client leaves; else it runs to its end. ``options`` tell how
    bodies are read, as ``BodyOptions`` says (default: as the router or app says).

    Raises ``ValueError`` for a malformed path or method, ``TypeError`` for an endpoint that cannot
    be called, or one that is an ASGI app and is to be cancelled, and what ``body_marks`` raises.
    """

    def __init__(
        self,
        path: str | Sequence[str],
        endpoint: Any,
        *,
        methods: Iterable[str] | None = None,
        name: str | None = None,
        middleware: Sequence[AnyMiddleware] = (),
        cancel_on_disconnect: bool = False,
        **options: Unpack[BodyOptions],
    ) -> None:
        super().__init__(path, endpoint, name, middleware)
        if cancel_on_disconnect and not _is_view(endpoint) and _is_asgi_app(endpoint):
            raise TypeError("cancel_on_disconnect is for handlers; an ASGI app hears by itself")
        self.cancel_on_disconnect: bool = cancel_on_disconnect
        self.methods: frozenset[str] | None = _methods(endpoint, methods)
        self.body_marks: Mapping[str, Any] = body_marks(options)
        """What the options add to the scope."""

    def make_app(self, views: Sequence[View], path_names: Collection[str]) -> ASGIApp:
        """Make the ASGI app of this route, with a router's ``views`` around its own middleware."""
        entries: list[AnyMiddleware] = [*views, *self.middleware]
        if _is_view(self.endpoint):
            invoke = bind_view(self.endpoint, path_names)
        elif _is_asgi_app(self.endpoint):
            return _guarded(self.endpoint, entries)
        else:
            invoke = bind(cast("Handler", self.endpoint), path_names)
        if self.cancel_on_disconnect:
            invoke = cancelled_on_disconnect(invoke)
        return _with_middleware(invoke, entries)

    def __repr__(self) -> str:
        return f"Route({', '.join(self.paths)!r}, {self.name})"


class WebSocketRoute(_Endpoint):
    """A websocket handler, or an ASGI app for websockets, at one or several paths.

    Of ``middleware``, views are for requests and pass websockets by. ``max_message_bytes`` limits
    each message that a handler receives (``None``: no limit), ``allowed_origins`` say whose pages
    may connect (``["https://app.example"]``, ``"*"`` for any; see ``RawWebSocket.check_origin``).
    The default of both: what the router or app says.

    Raises what ``Route`` does, and ``ValueError`` for what is no origin.
    """

    def __init__(
        self,
        path: str | Sequence[str],
        endpoint: Any,
        *,
        name: str | None = None,
        middleware: Sequence[AnyMiddleware] = (),
        max_message_bytes: Limit = INHERIT,
        allowed_origins: Iterable[str] | Inherit = INHERIT,
    ) -> None:
        super().__init__(path, endpoint, name, middleware)
        self.marks: dict[str, Any] = socket_marks(max_message_bytes, allowed_origins)

    def make_app(self, path_names: Collection[str]) -> ASGIApp:
        """Make the ASGI app of this route."""
        if _is_asgi_app(self.endpoint):
            return _guarded(from_allowed_origins(self.endpoint), self.middleware)
        app = socket_app(bind(self.endpoint, path_names))
        return guard(wrap(app, self.middleware)) if self.middleware else app

    def __repr__(self) -> str:
        return f"WebSocketRoute({', '.join(self.paths)!r}, {self.name})"


class Mount:
    """An ASGI app below a prefix: it sees the prefix in ``root_path`` and the rest as its path.

    ``path`` may hold parameters; ``/prefix`` and all below it match, ``/prefixed`` does not. With a
    ``name``, names below are written ``"name:route"``, without one they stand as they are; the
    mount's own name is for any path below: ``url_for("static", path="site.css")``.

    Raises ``TypeError`` for an app that cannot be called; the router that takes the mount raises
    ``ValueError`` for a malformed path, or one with a ``path`` parameter.
    """

    def __init__(
        self,
        path: str,
        app: ASGIApp,
        *,
        name: str | None = None,
        middleware: Sequence[AnyMiddleware] = (),
    ) -> None:
        if not callable(app):
            raise TypeError(f"a mount takes an ASGI app, not {app!r}")
        self.path: str = path.rstrip("/")
        self.app: ASGIApp = app
        self.name: str | None = name
        self.middleware: tuple[AnyMiddleware, ...] = tuple(middleware)

    def templates(self, converters: Mapping[str, ConverterFactory] | None = None) -> list[Template]:
        """Parse the prefix alone, and the prefix with all that may follow.

        Raises ``ValueError`` for a malformed prefix, or one with a ``path`` parameter.
        """
        prefix = parse_template(self.path, converters)
        if any(isinstance(segment, Rest) for segment in prefix.segments):
            raise ValueError(f"the mount {self.path!r} has a path parameter: where would it end?")
        rest = Rest(REST, PathConverter(), is_read=False)
        below = Template(f"{self.path}/...", (*prefix.segments, rest), (*prefix.names, REST))
        return [prefix, below]

    def make_app(self, *, has_views: bool = False) -> ASGIApp:
        """Make the ASGI app of this mount: the app with its middleware.

        With ``has_views`` what it raises is for the views around it to see.
        """
        app = _guarded(self.app, self.middleware) if self.middleware else self.app
        return closing_body(app) if has_views else guard(app)

    def __repr__(self) -> str:
        return f"Mount({self.path!r}, {_name_of(self.app)})"


AnyRoute: TypeAlias = Route | WebSocketRoute | Mount
"""What a router holds."""


def _is_view(endpoint: object) -> bool:
    return isinstance(endpoint, type) and issubclass(endpoint, HTTPView)


def _methods(endpoint: Any, methods: Iterable[str] | None) -> frozenset[str] | None:
    if methods is None:
        if _is_view(endpoint):
            return cast("type[HTTPView]", endpoint).methods()
        return None if _is_asgi_app(endpoint) else frozenset({"GET"})
    names = [methods] if isinstance(methods, str) else list(methods)
    for name in names:
        if not is_token(name):  # RFC 9110 9.1
            raise ValueError(f"{name!r} is not a method")
    if not names:
        raise ValueError("methods is empty; leave it out, or name one")
    return frozenset(name.upper() for name in names)


def _guarded(app: ASGIApp, entries: Sequence[AnyMiddleware]) -> ASGIApp:
    """Put middleware around an ASGI app, and answer for both.

    The innermost answers: ASGI middleware sees the response of an error, as of any other. A view
    sees the error itself.
    """
    if not entries:
        return guard(app)
    return guard(wrap(closing_body(app) if view_of(entries[-1]) else guard(app), entries))


def _with_middleware(invoke: Invoke, entries: Sequence[AnyMiddleware]) -> ASGIApp:
    outer, inner = split_views(entries)
    app = HandlerApp(invoke, inner)
    return guard(wrap(app, outer)) if outer else app
