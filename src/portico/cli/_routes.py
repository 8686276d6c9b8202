"""What an application answers, as rows: for ``portico routes``, and for ``portico check``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Literal, NamedTuple, cast

from portico.app import App
from portico.asgi import ASGIApp
from portico.routing.hosts import Hosts
from portico.routing.middleware import Middleware, middleware
from portico.routing.router import Router
from portico.routing.routes import AnyRoute, Mount, Route

__all__ = ("Row", "apps_in", "below_of", "middleware_of", "rows")


class Row(NamedTuple):
    """One path of a route, a mount, a host, or what a router falls back to.

    ``methods`` is ``()`` for any method; ``path`` is the whole template, mounts included; ``name``
    is what ``url_for`` takes, ``""`` for none. ``depth`` counts the mounts and hosts above.
    """

    depth: int
    kind: Literal["http", "websocket", "mount", "host", "default"]
    methods: tuple[str, ...]
    path: str
    name: str
    endpoint: str
    middleware: tuple[str, ...]


def rows(app: object) -> list[Row]:
    """List what ``app`` answers, in the order of registration; ``[]`` if it cannot be known.

    Knows Portico's routers, apps and hosts, and looks into ASGI middleware that keeps the
    application it is around in an attribute ``app``.
    """
    return list(_below(app, "", "", 0))


def middleware_of(app: object) -> tuple[str, ...]:
    """Name the middleware around all routes of ``app``, the outermost first."""
    if isinstance(app, Router):
        return tuple(map(_title, app._middleware))  # noqa: SLF001  the house's own
    inside = _inside_of(app)
    return () if inside is None else (_title(type(app)), *middleware_of(inside))


def apps_in(app: object) -> Iterator[App]:
    """Find every ``App``: ``app`` itself and those that are mounted in it, at any depth."""
    if isinstance(app, App):
        yield app
    if isinstance(app, Router):
        for route in app.routes:
            if isinstance(route, Mount):
                yield from apps_in(route.app)
    for _, below in below_of(app):
        yield from apps_in(below)


def below_of(app: object) -> Iterator[tuple[tuple[str, ...], object]]:
    """Find what gets scopes from ``app``, mounts aside, with the path parameters it adds."""
    if isinstance(app, Hosts):
        for pattern, below in app._apps:  # noqa: SLF001  the house's own
            yield pattern.names, below
    inside: object = app._default if isinstance(app, Hosts | Router) else _inside_of(app)  # noqa: SLF001
    if inside is not None:
        yield (), inside


def _below(app: object, prefix: str, names: str, depth: int) -> Iterator[Row]:
    if isinstance(app, Router):
        for route in app.routes:
            yield from _of_route(route, prefix, names, depth)
        default = app._default  # noqa: SLF001  the house's own
        if default is not None:
            around = middleware_of(default)
            yield Row(depth, "default", (), f"{prefix}/*", "", _title(default), around)
    elif isinstance(app, Hosts):
        for host, below in _hosts(app):
            yield Row(depth, "host", (), host, "", _title(below), middleware_of(below))
            yield from _below(below, prefix, names, depth + 1)
    else:
        inside = _inside_of(app)
        if inside is not None:
            yield from _below(inside, prefix, names, depth)


def _inside_of(app: object) -> object | None:
    """Give what an ASGI middleware is around, if it keeps it where they usually do."""
    return None if isinstance(app, Hosts) else getattr(app, "app", None)


def _hosts(app: Hosts) -> list[tuple[str, ASGIApp]]:
    hosts = [(pattern.text, below) for pattern, below in app._apps]  # noqa: SLF001  the house's own
    default = app._default  # noqa: SLF001
    return hosts if default is None else [*hosts, ("any other host", default)]


def _of_route(route: AnyRoute, prefix: str, names: str, depth: int) -> Iterator[Row]:
    around = tuple(map(_title, route.middleware))
    if isinstance(route, Mount):
        path, name = prefix + route.path, names + (route.name or "")
        around += middleware_of(route.app)
        yield Row(depth, "mount", (), path or "/", name, _title(route.app), around)
        yield from _below(route.app, path, f"{name}:" if route.name else names, depth + 1)
        return
    kind: Literal["http", "websocket"] = "http" if isinstance(route, Route) else "websocket"
    methods = tuple(sorted(route.methods or ())) if isinstance(route, Route) else ()
    endpoint = _title(route.endpoint)
    for path in route.paths:
        yield Row(depth, kind, methods, prefix + path, names + route.name, endpoint, around)


def _title(thing: object) -> str:
    """Name an endpoint or a middleware as one finds it in the source: ``module:name``."""
    while True:
        match thing:
            case partial(func=inside) | Middleware(factory=inside) | middleware(view=inside):
                thing = cast("object", inside)
            case _:
                break
    named = thing if isinstance(thing, type) or hasattr(thing, "__qualname__") else type(thing)
    return f"{named.__module__}:{getattr(named, '__qualname__', '')}"
