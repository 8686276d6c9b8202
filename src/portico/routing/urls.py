"""From the names of routes to their URLs, through mounts and hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, Protocol, runtime_checkable

from portico.connection.base import URLBuilder
from portico.errors import RouteNotFound
from portico.http.paths import quote_path
from portico.routing.reverse import build_path
from portico.routing.routes import AnyRoute, Mount
from portico.routing.template import Template
from portico.static.files import Files

__all__ = ("Named", "URLIndex", "named", "not_found")

_SHOWN: Final = 20


@runtime_checkable
class Named(URLBuilder, Protocol):
    """What is below a mount or a host and has names of its own."""

    def url_names(self) -> list[str]:
        """List the names."""
        ...


def named(app: object) -> Named | None:
    """Give ``app`` if it has names of its own."""
    return app if isinstance(app, Named) else None


class URLIndex:
    """Routes by name, and the mounts in which further names are."""

    def __init__(self) -> None:
        self._templates: dict[str, list[Template]] = {}
        self._mounts: list[tuple[Mount, Template]] = []

    def add(self, route: AnyRoute, templates: Sequence[Template]) -> None:
        """Add a route with its templates."""
        if isinstance(route, Mount):
            self._mounts.append((route, templates[0]))
        else:
            self._templates.setdefault(route.name, []).extend(templates)

    def names(self) -> list[str]:
        """List all names, sorted."""
        names = set(self._templates)
        for mount, _ in self._mounts:
            prefix = "" if mount.name is None else mount.name + ":"
            if mount.name is not None:
                names.add(mount.name)
            app = named(mount.app)
            if app is not None:
                names.update(prefix + name for name in app.url_names())
        return sorted(names)

    def find(self, name: str, params: Mapping[str, object]) -> tuple[str | None, str]:
        """Give the host (``None``: any) and the path of ``name``.

        Raises ``RouteNotFound``, which lists the names that there are.
        """
        templates = self._templates.get(name)
        if templates is not None:
            fitting = [each for each in templates if set(each.names) == set(params)]
            return None, build_path((fitting or templates)[0], params)
        for mount, template in self._mounts:
            found = _find_below(mount, template, name, params)
            if found is not None:
                return found
        raise not_found(name, self.names())


def not_found(name: str, names: Sequence[str]) -> RouteNotFound:
    """Make the error that tells which names there are, the similar ones first."""
    close = get_close_matches(name, names, n=3)
    shown = ", ".join([*close, *(each for each in names if each not in close)][:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return RouteNotFound(f"no route is named {name!r}; there are: {shown or 'none'}{more}")


def _find_below(
    mount: Mount, template: Template, name: str, params: Mapping[str, object]
) -> tuple[str | None, str] | None:
    own = {key: value for key, value in params.items() if key in template.names}
    rest: dict[str, Any] = {key: value for key, value in params.items() if key not in own}
    if name == mount.name:
        return None, build_path(template, own) + _rest_path(mount, rest)
    prefix = "" if mount.name is None else mount.name + ":"
    app = named(mount.app)
    if app is None or not name.startswith(prefix):
        return None
    inner = name.removeprefix(prefix)
    if inner not in app.url_names():
        return None
    host, path = app.url_parts_for(inner, **rest)
    return host, build_path(template, own) + path


def _rest_path(mount: Mount, rest: Mapping[str, object]) -> str:
    """Write what follows a named mount's prefix: the parameter ``path``, none by default.

    For files that have a version, it follows as a query.
    """
    name = mount.name
    unexpected = [key for key in rest if key != "path"]
    if unexpected:
        raise RouteNotFound(f"the mount {name!r} takes 'path', not {', '.join(unexpected)}")
    path = str(rest.get("path", "")).lstrip("/")
    if not {".", ".."}.isdisjoint(path.split("/")):
        raise RouteNotFound(f"the mount {name!r}: '.' and '..' are taken out of a path by clients")
    version = mount.app.version_of(path) if isinstance(mount.app, Files) else None
    return f"/{quote_path(path)}" if version is None else f"/{quote_path(path)}?v={version}"
