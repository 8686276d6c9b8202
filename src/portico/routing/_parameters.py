"""What handlers name, held against what their paths have: told when a route is added.

What a mount or a host above brings is not known then, so only what no mount can mend is an error
there; ``portico check`` finds the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from inspect import Parameter
from typing import Final, NamedTuple

from portico.routing.endpoint import split_parameters
from portico.routing.routes import Route, WebSocketRoute

__all__ = ("Misfit", "check_parameters", "misfits")

_CONNECTIONS: Final = frozenset({"connection", "request", "websocket"})


class Misfit(NamedTuple):
    """A handler that needs a parameter which its path does not have."""

    handler: str
    parameter: str
    is_certain: bool
    """Whether no mount above can bring it."""

    def describe(self, path: str, path_names: Collection[str]) -> str:
        """Say what is wrong, for the one who wrote the handler."""
        has = ", ".join(map(repr, path_names)) or "no parameters"
        hint = (
            "the request or websocket is the first parameter"
            if self.parameter in _CONNECTIONS
            else "name one that is there, or give it a default"
        )
        return f"{self.handler}() needs {self.parameter!r}, but {path!r} has {has}; {hint}"


def misfits(
    route: Route | WebSocketRoute, path_names: Collection[str], *, is_app: bool = False
) -> Iterator[Misfit]:
    """Find what the route's handlers need and ``path_names`` lack.

    A handler of an app (``is_app``) that leaves out what its path has, and needs what it has not,
    has the name wrong. A router is often mounted, so its handlers may name what is above alone.
    """
    for handler, parameters in route.handlers():
        named = split_parameters(parameters, path_names)[1]
        taken = {parameter.name for parameter in named}
        taken.update(parameter.name for parameter in parameters[:1])
        takes_all = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in named)
        is_mixed_up = is_app and not takes_all and not taken.issuperset(path_names)
        for parameter in named:
            if (
                parameter.default is Parameter.empty
                and parameter.kind not in (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)
                and parameter.name not in path_names
            ):
                is_certain = is_mixed_up or parameter.name in _CONNECTIONS
                yield Misfit(handler, parameter.name, is_certain)


def check_parameters(
    route: Route | WebSocketRoute, path: str, path_names: Collection[str], *, is_app: bool
) -> None:
    """Raise ``TypeError`` for the first misfit that is certain."""
    for misfit in misfits(route, path_names, is_app=is_app):
        if misfit.is_certain:
            raise TypeError(misfit.describe(path, path_names))
