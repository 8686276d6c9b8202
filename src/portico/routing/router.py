"""The router: finds the route of a path, fills the scope, calls the app behind it.

A router is an ASGI app. The apps of its routes are made once, before the first request; at a
request there is one look-up, and a copy of the scope once somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Final, Literal, TypeAlias, Unpack

from portico.asgi import ASGIApp, Receive, Scope, Send
from portico.connection.base import SEGMENTS, URLS, origin_scope, split_scope
from portico.connection.body import INHERIT, Inherit, Limit
from portico.connection.incoming import merged_scope
from portico.connection.options import BodyOptions, body_marks
from portico.connection.request import Request
from portico.connection.websocket import WebSocket
from portico.errors import BadInput, HTTPException, Misuse
from portico.lifespan import Lifespan, LifespanContext
from portico.response.base import Response
from portico.response.error import status_response
from portico.routing._misses import MISS, answer_miss, not_allowed, other_slash, slash_redirect
from portico.routing._parameters import check_parameters
from portico.routing._target import Target, seen_path
from portico.routing.converters import ConverterFactory
from portico.routing.endpoint import HandlerApp
from portico.routing.errors import handlers_of
from portico.routing.guard import guard
from portico.routing.middleware import AnyMiddleware, split_views, wrap
from portico.routing.registration import Registration
from portico.routing.routes import REST, AnyRoute, Mount, Route, WebSocketRoute
from portico.routing.socket import answer_websocket, socket_marks
from portico.routing.tree import Tree
from portico.routing.urls import URLIndex

__all__ = ("Router", "Subpaths", "TrailingSlash")

TrailingSlash: TypeAlias = Literal["strict", "redirect", "match"]
"""What a path is that differs from a route's by the slash at its end: another one (404), a reason
to redirect there (308), or the same."""

_HEAD: Final = frozenset({"HEAD"})


class Router(Registration):
    """Routes by path, method and scope type; an ASGI app.

    ``routes`` are ``Route``, ``WebSocketRoute`` and ``Mount`` objects; the decorators add more. The
    most specific route counts, whatever the order. HEAD is answered by GET's route, OPTIONS by the
    router itself; another method is 405 with all that are allowed.

    ``middleware`` is around all, the first as the outermost. ``default`` is the ASGI app for paths
    that no route has. ``trailing_slash`` is ``"strict"``, ``"redirect"`` or ``"match"``;
    ``converters`` are known in this router's templates by name. ``lifespan`` gives a context
    manager; the lifespans of mounted apps run inside it. ``max_message_bytes`` is the limit of
    websocket messages (``None``: none), ``allowed_origins`` are those whose pages may open
    websockets, see ``WebSocketRoute``. ``options`` tell how bodies are read, as ``BodyOptions``
    says.

    >>> router = Router([Route("/hello/{name}", lambda request, name: f"Hello, {name}!")])
    >>> router.url_path_for("<lambda>", name="you")
    '/hello/you'
    """

    is_app: ClassVar[bool] = False
    """Whether handlers are held to what their own paths have, as far as that can be known."""

    def __init__(
        self,
        routes: Iterable[AnyRoute] = (),
        *,
        middleware: Sequence[AnyMiddleware] = (),
        default: ASGIApp | None = None,
        trailing_slash: TrailingSlash = "strict",
        converters: Mapping[str, ConverterFactory] | None = None,
        max_message_bytes: Limit = INHERIT,
        allowed_origins: Iterable[str] | Inherit = INHERIT,
        lifespan: LifespanContext | None = None,
        **options: Unpack[BodyOptions],
    ) -> None:
        if trailing_slash not in ("strict", "redirect", "match"):
            raise ValueError("trailing_slash is 'strict', 'redirect' or 'match'")
        self.routes: list[AnyRoute] = []
        self.lifespan: Lifespan = Lifespan(lifespan, children=self._mounted_apps)
        self._middleware: list[AnyMiddleware] = list(middleware)
        self._default: ASGIApp | None = default
        self._trailing_slash: TrailingSlash = trailing_slash
        self._converters: Mapping[str, ConverterFactory] | None = converters
        self._marks: dict[str, Any] = {
            URLS: (self, ""),
            **body_marks(options),
            **socket_marks(max_message_bytes, allowed_origins),
        }
        self._taken: Tree[Target] = Tree()  # what was added; HEAD that GET brings is in the next
        self._requests: Tree[Target] = Tree()
        self._websockets: Tree[Target] = Tree()
        self._targets: list[Target] = []
        self._urls: URLIndex = URLIndex()
        self._fixed: dict[str, dict[str, Target]] = {}
        self._outer: list[Router] = []
        self._entry: ASGIApp | None = None
        self._miss: ASGIApp = HandlerApp(answer_miss)
        self._rest: ASGIApp | None = None
        self._misses_are_bare: bool = False
        _check_routes(routes)
        for route in routes:
            self.add(route)

    def add(self, route: AnyRoute) -> None:
        """Add a route, a websocket route or a mount.

        Raises ``ValueError`` for a malformed path, and for one that is taken; ``TypeError`` for a
        handler that needs a parameter which no path has. Nothing is added then.
        """
        _check_route(route)
        templates = route.templates(self._converters)
        if not isinstance(route, Mount):
            for template in templates:
                check_parameters(route, template.text, template.names, is_app=self.is_app)
        targets = [Target(route, template) for template in templates]
        try:
            for target in targets:
                self._take(target)
        except ValueError:
            self._taken, self._websockets = Tree(), Tree()
            for target in self._targets:
                self._take(target)
            raise
        self._targets += targets
        self.routes.append(route)
        self._urls.add(route, templates)
        self._reset()

    def _take(self, target: Target) -> None:
        if not isinstance(target.route, WebSocketRoute):
            self._taken.add(target.template, target, target.methods)
        if not isinstance(target.route, Route):
            self._websockets.add(target.template, target, None)

    def insert_middleware(self, middleware: AnyMiddleware) -> None:
        """Put middleware around all that is there."""
        self._middleware.insert(0, middleware)
        self._reset()

    def _reset(self) -> None:
        """Make the apps anew at the next request, also those of routers that look into this one."""
        self._entry = None
        for router in self._outer:
            router._reset()  # noqa: SLF001 - a router like this one
        self._outer.clear()

    def url_path_for(self, name: str, /, **params: object) -> str:
        """Build the path of the route ``name``, below this router.

        Raises ``RouteNotFound`` if there is none or it takes other parameters.
        """
        return self._urls.find(name, params)[1]

    def url_parts_for(self, name: str, /, **params: object) -> tuple[str | None, str]:
        """Build the host (``None``: any) and the path of the route ``name``; raises the same."""
        return self._urls.find(name, params)

    def url_names(self) -> list[str]:
        """List the names that ``url_for`` knows, those of mounted routers too."""
        return self._urls.names()

    def __init_subclass__(cls) -> None:
        """Let a call of the subclass's own be made where it is mounted, too."""
        super().__init_subclass__()
        if "__call__" in cls.__dict__ and "can_enter" not in cls.__dict__:
            cls.can_enter = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope: http, websocket or lifespan. Raises ``Misuse`` for another type."""
        await self.enter(scope, receive, send)

    def enter(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one scope, as a call does; what a router does for one that is mounted in it."""
        return (self._entry or self._make_entry())(scope, receive, send)

    def _make_entry(self) -> ASGIApp:
        outer, views = split_views(self._middleware)
        self._requests = Tree()
        for target in self._targets:
            target.make_app(views, self._marks)
            if not isinstance(target.route, WebSocketRoute):
                self._requests.add(target.template, target, target.methods)
        for target in self._targets:
            if "GET" in (target.methods or ()):
                with suppress(ValueError):  # HEAD has a route of its own
                    self._requests.add(target.template, target, _HEAD)  # RFC 9110 9.3.2
        self._miss = HandlerApp(answer_miss, views)
        self._rest = None if self._default is None else guard(wrap(self._default, views))
        self._misses_are_bare = (
            handlers_of(self._marks).is_empty
            and not views
            and self._rest is None
            and self._trailing_slash == "strict"
        )
        self._fixed = {path: dict(methods) for path, methods in self._requests.fixed()}
        if not views:
            self._look_below()
        self._entry = self._marked(guard(wrap(self._dispatch, outer))) if outer else self._dispatch
        return self._entry

    def _marked(self, app: ASGIApp) -> ASGIApp:
        """Let outer middleware see what routes see: the app, its names, its error handlers."""

        def marked(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            if scope["type"] not in ("http", "websocket"):
                return app(scope, receive, send)
            if scope["path"][:1] != "/":  # what is ASGI's alone should see a path too
                scope = origin_scope(scope)
            urls = scope.get(URLS, (self, scope.get("root_path", "")))
            return app({**scope, **self._marks, URLS: urls}, receive, send)

        return marked

    def _look_below(self) -> None:
        """Find the fixed paths below mounted routers once, in place of step by step each time."""
        for mounted in self._targets:
            mount = mounted.route
            if not (isinstance(mount, Mount) and isinstance(mount.app, Router)):
                continue
            if mounted.template.names or mount.middleware:
                continue
            prefix = "".join(f"/{text}" for text in mounted.template.literals())
            for path, methods in mount.app.fixed_paths(self).items():
                segments = f"{prefix}{path}"[1:].split("/")
                for method, target in methods.items():
                    match = self._requests.find(segments, method)
                    if (
                        match is not None
                        and match[0].route is mount
                        and target.handler_app is not None
                    ):
                        found = self._fixed.setdefault(prefix + path, {})
                        found.setdefault(method, target.below(prefix, self._marks))

    def fixed_paths(self, outer: Router) -> Mapping[str, Mapping[str, Target]]:
        """Give the paths without parameters to a router further out, which is told of changes.

        Empty if middleware of this router is around them.
        """
        if not self.can_enter or (self._entry or self._make_entry()) != self._dispatch:
            return {}
        if outer not in self._outer:
            self._outer.append(outer)
        return self._fixed

    def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Find what serves the scope and call it; not a coroutine, which would cost one more.

        First the paths that are fixed: one look-up, and nothing is split or copied.
        """
        if scope["type"] == "http" and not scope.get("root_path"):
            raw_path = scope.get("raw_path")
            methods = self._fixed.get(scope["path"])
            if methods is not None and (raw_path is None or b"%" not in raw_path):
                target = methods.get(scope["method"])
                if (
                    target is not None
                    and target.handler_app is not None
                    and "path_params" not in scope
                ):
                    request: Request[Any] = Request(scope, receive, send, (target.marks, {}))
                    return target.handler_app.serve(request, scope, receive, send)
        return self._search(scope, receive, send)

    def _search(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        kind = scope["type"]
        if kind == "http":
            tree, method = self._requests, scope["method"]
        elif kind == "websocket":
            tree, method = self._websockets, "GET"
        else:
            return self._serve_lifespan(scope, receive, send)
        root_path, raw_path = scope.get("root_path", ""), scope.get("raw_path")
        if root_path or (raw_path is not None and b"%" in raw_path):
            if scope["path"][:1] != "/":
                return self._search_target(scope, receive, send)
            segments = split_scope(scope)
        else:  # as split_scope does: a few calls less for most requests
            segments = scope["path"].split("/")
            if segments[0] or len(segments) == 1:
                return self._search_target(scope, receive, send)
            del segments[0]
        match = tree.find(segments, method) or self._match_slash(tree, segments, method)
        if match is None:
            return self._miss_request(scope, receive, send, segments)
        target, params = match
        params.pop(REST, None)
        if "path_params" in scope:
            params = {**scope["path_params"], **params}
        marks = target.marks if not root_path else {**target.marks, URLS: (self, root_path)}
        if target.handler_app is not None:
            request: Request[Any] = Request(scope, receive, send, (marks, params))
            return target.handler_app.serve(request, scope, receive, send)
        child = merged_scope(scope, marks, params)
        if not root_path:  # a mount need not split it again
            child[SEGMENTS] = (scope["path"], root_path, segments)
        return target.app(child, receive, send)

    def _search_target(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Find what serves a target that is no path from ``/`` on (RFC 9112 3.2)."""
        origin = origin_scope(scope)
        if origin is not scope:
            return self._search(origin, receive, send)
        return self._miss_request(scope, receive, send, [scope["path"]])

    async def _serve_lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            raise Misuse(f"a scope is http, websocket or lifespan, not {scope['type']!r}")
        await self.lifespan({**scope, "app": self}, receive, send)

    def _methods(self) -> frozenset[str]:
        """Give the methods of all routes, of mounted routers too (RFC 9110 9.3.7)."""
        methods = {"OPTIONS"}
        for route in self.routes:
            if isinstance(route, Route):
                methods.update(route.methods or ())
            elif isinstance(route, Mount) and isinstance(route.app, Router):
                methods.update(route.app._methods())  # noqa: SLF001 - a router like this one
        return frozenset(methods | _HEAD if "GET" in methods else methods)

    def _mounted_apps(self) -> list[ASGIApp]:
        apps = [route.app for route in self.routes if isinstance(route, Mount)]
        return apps if self._default is None else [*apps, self._default]

    def _match_slash(
        self, tree: Tree[Target], segments: list[str], method: str
    ) -> tuple[Target, dict[str, object]] | None:
        if self._trailing_slash != "match":
            return None
        return tree.find(other_slash(segments), method)

    async def _miss_request(
        self, scope: Scope, receive: Receive, send: Send, segments: list[str]
    ) -> None:
        """Answer where no route has this path and method."""
        is_request = scope["type"] == "http"
        allowed = frozenset[str]()
        if is_request:
            is_server = scope["path"] == "*"
            allowed = self._methods() if is_server else self._requests.allowed(segments)
        if is_request and self._misses_are_bare and not allowed and handlers_of(scope).is_empty:
            # What most such requests are, and there are many: scanners ask for what is not there.
            await status_response(404, scope)(scope, receive, send)
            return
        root_path = scope.get("root_path", "")
        child: Scope = {**scope, **self._marks, URLS: scope.get(URLS, (self, root_path))}
        if self._rest is not None and not allowed:
            child["path"] = seen_path(scope["path"], root_path, segments)
            await self._rest(child, receive, send)
        elif is_request:
            child[MISS] = self._missing(scope, segments, allowed)
            await self._miss(child, receive, send)
        else:
            websocket: WebSocket[Any] = WebSocket(child, receive, send)
            await answer_websocket(websocket, HTTPException(404))

    def _missing(
        self, scope: Scope, segments: list[str], allowed: frozenset[str]
    ) -> Response | HTTPException:
        if scope["path"] == "*" and scope["method"] != "OPTIONS":
            return BadInput("target", "must be a path; '*' is for OPTIONS alone")  # RFC 9112 3.2.4
        other = other_slash(segments)
        if not allowed and self._trailing_slash == "match":
            allowed = self._requests.allowed(other)
        if allowed:
            return not_allowed(scope["method"], allowed)
        if self._trailing_slash == "redirect" and self._requests.allowed(other):
            return slash_redirect(scope, segments) or HTTPException(404)
        return HTTPException(404)


class Subpaths(Router):
    """ASGI apps by path prefix: ``Subpaths(("/static", files), ("", pages))``.

    The longest prefix counts, on a border of segments; ``""`` is for all that is left.
    """

    def __init__(self, *apps: tuple[str, ASGIApp]) -> None:
        super().__init__([Mount(prefix, app) for prefix, app in apps])


def _check_routes(routes: object) -> None:
    kind = type(routes)
    if issubclass(kind, str | dict) or not isinstance(routes, Iterable):
        raise TypeError(
            f"routes are a list of Route, WebSocketRoute and Mount, not {kind.__name__}"
        )


def _check_route(route: object) -> None:
    if not isinstance(route, AnyRoute):
        kind = type(route).__name__
        raise TypeError(f"a route is a Route, a WebSocketRoute or a Mount, not {kind}")
