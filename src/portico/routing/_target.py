"""What a path leads to, made ready for requests."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Final

from portico.asgi import ASGIApp, Receive, Scope, Send
from portico.connection.base import SEGMENTS, URLS, split_scope
from portico.http.paths import join_segments, rooted_path
from portico.routing.endpoint import HandlerApp, View
from portico.routing.guard import guard
from portico.routing.middleware import wrap
from portico.routing.registration import Registration
from portico.routing.routes import REST, AnyRoute, Mount, Route, WebSocketRoute
from portico.routing.template import Template
from portico.static.files import Files

__all__ = ("Target", "seen_path")

_NONE: Final = (None, None, None)


class Target:
    """What a path leads to: a route, and the app that is made of it."""

    def __init__(self, route: AnyRoute, template: Template) -> None:
        self.route: AnyRoute = route
        self.template: Template = template
        self.depth: int = len(template.segments) - (REST in template.names)
        self.methods: frozenset[str] | None = route.methods if isinstance(route, Route) else None
        self.app: ASGIApp  # made by ``make_app``
        self.handler_app: HandlerApp | None = None  # the app, if it is one
        self.marks: dict[str, Any] = {}

    def make_app(self, views: Sequence[View], marks: Mapping[str, Any]) -> None:
        """Make the app, with a router's views around it, and what is added to the scope."""
        self.marks = {**marks, "route": self.route}
        if isinstance(self.route, WebSocketRoute):
            self.marks |= self.route.marks
            self.app = self.route.make_app(self.template.names)
        elif isinstance(self.route, Mount):
            inner: object = self.route.app
            is_bare = not self.route.middleware
            # A router answers for itself, and the log is the outermost app's.
            if is_bare and isinstance(inner, Registration) and inner.can_enter:
                enter: ASGIApp = inner.enter
            else:
                enter = self.route.make_app(has_views=bool(views))
            is_ours = isinstance(inner, Registration | Files)
            below = _Below(self.depth, enter, is_ours=is_ours, owns_scope=not views)
            self.app = guard(wrap(below, views)) if views else below
        else:
            self.app = self.route.make_app(views, self.template.names)
            self.handler_app = self.app if isinstance(self.app, HandlerApp) else None
            self.marks |= self.route.body_marks

    def below(self, prefix: str, marks: Mapping[str, Any]) -> Target:
        """Make the same target as a router sees it that mounts this one at ``prefix``."""
        outer = Target(self.route, self.template)
        outer.handler_app = self.handler_app
        root_path = prefix + self.marks.get("root_path", "")
        outer.marks = {**marks, **self.marks, "root_path": root_path, URLS: marks[URLS]}
        return outer


class _Below:
    """A mount's app: the views of the router see the whole path, the app what is below."""

    def __init__(self, depth: int, app: ASGIApp, *, is_ours: bool, owns_scope: bool) -> None:
        self.depth: int = depth
        self.app: ASGIApp = app
        self.is_ours: bool = is_ours
        self.owns_scope: bool = owns_scope  # the router has copied it for us alone

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Move the prefix from the path to ``root_path``, segment by segment."""
        segments = split_scope(scope)
        root_path, path = scope.get("root_path", ""), scope["path"]
        child = scope if self.owns_scope else {**scope}
        if root_path and scope.get(SEGMENTS, _NONE)[0] is not path:
            root_path = root_path.rstrip("/")
            path, child["raw_path"] = rooted_path(path, scope.get("raw_path"), root_path)
            child["path"] = path
        if self.depth:
            root_path = f"{root_path}/{'/'.join(segments[: self.depth])}"
        child["root_path"] = root_path
        if not self.is_ours:
            path = child["path"] = seen_path(path, root_path, segments[self.depth :])
        child[SEGMENTS] = (path, root_path, segments[self.depth :] or [""])
        return self.app(child, receive, send)


def seen_path(path: str, root_path: str, segments: Sequence[str]) -> str:
    """Give the path that an app may be told that reads the decoded one.

    A slash that came as ``%2F`` is no border of segments for routes and guards; an app that is not
    ours must not take it for one (it is free to decode ``raw_path`` itself).
    """
    if any("/" in segment for segment in segments):
        return root_path + join_segments(list(segments))
    return path
