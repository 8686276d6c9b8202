"""What a path leads to, made ready for requests."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Final

from portico.asgi import ASGIApp, Receive, Scope, Send
from portico.connection.base import SEGMENTS, URLS, split_scope
from portico.connection.body import INHERIT, LIMIT
from portico.errors import Misuse
from portico.http.paths import rooted_path
from portico.routing.endpoint import View, ViewApp
from portico.routing.guard import guard
from portico.routing.middleware import wrap
from portico.routing.registration import Registration
from portico.routing.routes import REST, AnyRoute, Mount, WebSocketRoute
from portico.routing.template import Template

__all__ = ("Below", "Target", "not_made")

_NONE: Final = (None, None, None)


async def not_made(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand for an app that is not made yet; raises ``Misuse``."""
    raise Misuse("the router was changed while it served this request")


class Target:
    """What a path leads to: a route, and the app that is made of it."""

    def __init__(self, route: AnyRoute, template: Template) -> None:
        self.route: AnyRoute = route
        self.template: Template = template
        self.depth: int = len(template.segments) - (REST in template.names)
        self.app: ASGIApp = not_made
        self.view: ViewApp | None = None  # the app, if it is one
        self.marks: dict[str, Any] = {}

    def make_app(self, views: Sequence[View], marks: Mapping[str, Any]) -> None:
        """Make the app, with a router's views around it, and what is added to the scope."""
        self.marks = {**marks, "route": self.route}
        if isinstance(self.route, WebSocketRoute):
            self.app = self.route.make_app(self.template.names)
        elif isinstance(self.route, Mount):
            inner: object = self.route.app
            is_bare = not self.route.middleware
            # A router answers for itself, and the log is the outermost app's.
            if is_bare and isinstance(inner, Registration):
                enter: ASGIApp = inner.enter
            else:
                enter = self.route.make_app(has_views=bool(views))
            below = Below(self.depth, enter)
            self.app = guard(wrap(below, views)) if views else below
        else:
            self.app = self.route.make_app(views, self.template.names)
            self.view = self.app if isinstance(self.app, ViewApp) else None
            if self.route.max_body_bytes is not INHERIT:
                self.marks[LIMIT] = self.route.max_body_bytes

    def below(self, prefix: str, marks: Mapping[str, Any]) -> Target:
        """Make the target that this one is for a router further out."""
        outer = Target(self.route, self.template)
        outer.view = self.view
        root_path = prefix + self.marks.get("root_path", "")
        outer.marks = {**marks, **self.marks, "root_path": root_path, URLS: marks[URLS]}
        return outer


class Below:
    """A mount's app: the views of the router see the whole path, the app what is below."""

    def __init__(self, depth: int, app: ASGIApp) -> None:
        self.depth: int = depth
        self.app: ASGIApp = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Move the prefix from the path to ``root_path``, segment by segment."""
        segments = split_scope(scope)
        root_path, path = scope.get("root_path", ""), scope["path"]
        child = {**scope}
        if root_path and scope.get(SEGMENTS, _NONE)[0] is not path:
            root_path = root_path.rstrip("/")
            path, child["raw_path"] = rooted_path(path, scope.get("raw_path"), root_path)
            child["path"] = path
        if self.depth:
            root_path = f"{root_path}/{'/'.join(segments[: self.depth])}"
        child["root_path"] = root_path
        child[SEGMENTS] = (path, root_path, segments[self.depth :] or [""])
        return self.app(child, receive, send)
