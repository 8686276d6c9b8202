"""ASGI apps by host name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from portico.asgi import ASGIApp, Receive, Scope, Send
from portico.connection.base import URLS, origin_scope
from portico.connection.request import Request
from portico.connection.websocket import WebSocket
from portico.errors import BadInput, HTTPException, Misuse, RouteNotFound
from portico.http.headers import Headers
from portico.http.urls import parse_host
from portico.lifespan import Lifespan
from portico.routing.errors import answer
from portico.routing.socket import answer_websocket
from portico.routing.urls import Named, named, not_found

__all__ = ("Hosts",)

_LABEL: Final = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}|[a-z0-9_-]+", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class _Pattern:
    """A host: literal labels, ``{name}`` for one label, ``*`` in front for any number."""

    def __init__(self, text: str) -> None:
        self.text: str = text
        self.labels: tuple[str, ...] = tuple(map(_label, text.split(".")))
        if text.startswith("["):
            self.labels = (_v6(text),)
            return
        for at, label in enumerate(self.labels):
            if not (_LABEL.fullmatch(label) or (label == "*" and at == 0)):
                raise ValueError(
                    f"host {text!r}: {label!r} is neither a label, nor {{name}}, nor '*' in front; "
                    "a port is never part of it"
                )
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"host {text!r}: a name is there twice")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(label[1:-1] for label in self.labels if label.startswith("{"))

    def match(self, host: str) -> dict[str, object] | None:
        """Match a host in lower case, without port; anchored at both ends."""
        own = self.labels
        if own == ("*",):
            return {}
        labels = [host] if ":" in host else host.split(".")
        if own[0] == "*":
            own = own[1:]
            if len(labels) <= len(own):
                return None
            labels = labels[-len(own) :]
        if len(labels) != len(own):
            return None
        params: dict[str, object] = {}
        for label, mine in zip(labels, own, strict=True):
            if mine.startswith("{"):
                params[mine[1:-1]] = label
            elif label != mine:
                return None
        return params

    def build(self, params: Mapping[str, object]) -> str:
        if "*" in self.labels:
            raise RouteNotFound(f"the host {self.text!r} stands for many; a URL needs one")
        host = ".".join(
            _written(params, label[1:-1]) if label.startswith("{") else label
            for label in self.labels
        )
        return f"[{host}]" if ":" in host else host


def _label(text: str) -> str:
    return text if text.startswith("{") or not text.isascii() else text.lower()


def _v6(text: str) -> str:
    try:
        host, port = parse_host(text)
    except BadInput:
        port, host = 0, text
    if port is not None:
        raise ValueError(f"host {text!r} is no IPv6 address in brackets, without a port")
    return host


def _written(params: Mapping[str, object], name: str) -> str:
    text = str(params[name])
    # Anything else would be more than one label, or none: another host than the pattern's.
    if not _WORD.fullmatch(text):
        raise RouteNotFound(f"parameter {name!r} is not one label of a host name")
    return text.lower()


class Hosts:
    """ASGI apps by the request's host: ``Hosts(("api.example.com", api), ("*.example.com", web))``.

    A pattern is the whole host, case-blind and without port: literal labels, ``{name}`` for one
    label (a path parameter for the app), ``*.`` in front for any number of labels, ``*`` for all.
    The first that matches counts; ``default`` (if given) gets the rest, else 404. A Host that is
    missing or malformed is 400, and so are two (RFC 9112 3.2).

    Raises ``ValueError`` for a malformed pattern.
    """

    def __init__(self, *apps: tuple[str, ASGIApp], default: ASGIApp | None = None) -> None:
        self._apps: list[tuple[_Pattern, ASGIApp]] = [(_Pattern(text), app) for text, app in apps]
        self._default: ASGIApp | None = default
        self.lifespan: Lifespan = Lifespan(children=self._children)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope. Raises ``Misuse`` for a type that is not ASGI's."""
        kind = scope["type"]
        if kind == "lifespan":
            await self.lifespan({**scope, "app": self}, receive, send)
            return
        if kind not in ("http", "websocket"):
            raise Misuse(f"a scope is http, websocket or lifespan, not {kind!r}")
        scope = origin_scope(scope)
        try:
            app, params = self._find(_host(scope))
        except HTTPException as error:
            await _refuse(scope, receive, send, error)
            return
        if URLS not in scope:
            scope = {**scope, URLS: (_Names(app, self), scope.get("root_path", ""))}
        if params:
            scope = {**scope, "path_params": {**(scope.get("path_params") or {}), **params}}
        await app(scope, receive, send)

    def _find(self, host: str) -> tuple[ASGIApp, dict[str, object]]:
        for pattern, app in self._apps:
            params = pattern.match(host)
            if params is not None:
                return app, params
        if self._default is None:
            raise HTTPException(404)
        return self._default, {}

    def _children(self) -> list[ASGIApp]:
        apps = [app for _, app in self._apps]
        return apps if self._default is None else [*apps, self._default]

    def url_parts_for(self, name: str, /, **params: object) -> tuple[str | None, str]:
        """Build host and path of the route ``name`` of one of the apps.

        Raises ``RouteNotFound`` if there is none, if it takes other parameters (a host's are one
        label each), and if its host is a ``*``.
        """
        for pattern, app in self._apps:
            known = named(app)
            if known is not None and name in known.url_names():
                missing = [key for key in pattern.names if key not in params]
                if missing:
                    raise RouteNotFound(f"{name!r} needs also {', '.join(missing)} for its host")
                rest = {key: value for key, value in params.items() if key not in pattern.names}
                return pattern.build(params), known.url_parts_for(name, **rest)[1]
        known = named(self._default)
        if known is not None and name in known.url_names():
            return known.url_parts_for(name, **params)
        raise not_found(name, self.url_names())

    def url_names(self) -> list[str]:
        """List the names of all apps."""
        apps = filter(None, map(named, self._children()))
        return sorted({name for app in apps for name in app.url_names()})


class _Names:
    """The names that one of the apps may use: its own, on the request's host, and all others."""

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        self._own: Named | None = named(app)
        self._hosts: Hosts = hosts

    def url_parts_for(self, name: str, /, **params: object) -> tuple[str | None, str]:
        if self._own is not None and name in self._own.url_names():
            return self._own.url_parts_for(name, **params)
        return self._hosts.url_parts_for(name, **params)


def _host(scope: Scope) -> str:
    values = Headers(scope["headers"]).getall("host", ())
    if len(values) != 1:
        raise BadInput("host", "is missing or given twice")
    return parse_host(values[0])[0].removesuffix(".")


async def _refuse(scope: Scope, receive: Receive, send: Send, error: HTTPException) -> None:
    if scope["type"] == "http":
        request: Request[Any] = Request(scope, receive, send)
        await answer(request, error)
    else:
        websocket: WebSocket[Any] = WebSocket(scope, receive, send)
        await answer_websocket(websocket, error)
