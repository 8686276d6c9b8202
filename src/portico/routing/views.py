"""A class whose methods answer the methods of HTTP."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from inspect import Parameter, signature
from typing import Any, Final

from portico import _tasks
from portico.connection.request import Request
from portico.errors import HTTPException
from portico.routing.endpoint import Invoke, bind

__all__ = ("HTTPView", "bind_view", "view_handlers")

_VERBS: Final = ("get", "head", "post", "put", "patch", "delete", "options", "trace", "query")
"""What a view may answer. A method that a client makes up never reaches an attribute."""


class HTTPView:
    """Answers each method of HTTP with the method of that name, in lower case.

    Methods are handlers: sync or ``async``, with the request and path parameters. One object is
    made for each request, so ``self`` is the request's own. Methods that are not there are 405.

    >>> class Note(HTTPView):
    ...     async def get(self, request, id):
    ...         return {"id": id}
    >>> sorted(Note.methods())
    ['GET']
    """

    @classmethod
    def methods(cls) -> frozenset[str]:
        """Give the methods that this view answers, in upper case."""
        return frozenset(verb.upper() for verb in _VERBS if hasattr(cls, verb))


def view_handlers(view: type[HTTPView]) -> Iterator[tuple[str, list[Parameter]]]:
    """Give the name and the parameters, without ``self``, of each method that is a handler."""
    for method in sorted(view.methods()):
        function = getattr(view, method.lower())
        yield f"{view.__name__}.{method.lower()}", [*signature(function).parameters.values()][1:]


def bind_view(view: type[HTTPView], path_names: Collection[str]) -> Invoke:
    """Bind a view class: picks the method of the request, on a new object."""
    invokes = {method: _bind_method(view, method, path_names) for method in view.methods()}
    if "GET" in invokes:  # RFC 9110 9.3.2: HEAD is GET without the content
        invokes.setdefault("HEAD", invokes["GET"])

    async def invoke(request: Request[Any]) -> object:
        found = invokes.get(request.method)
        if found is None:
            raise HTTPException(405, headers={"allow": ", ".join(sorted(invokes))})
        return await found(request)

    return invoke


def _bind_method(view: type[HTTPView], method: str, path_names: Collection[str]) -> Invoke:
    function = getattr(view, method.lower())
    _, *parameters = signature(function).parameters.values()
    if _tasks.is_async_callable(function):

        async def call(*args: object, **params: object) -> object:
            return await function(view(), *args, **params)

        return bind(call, path_names, parameters)

    def call_sync(*args: object, **params: object) -> object:
        return function(view(), *args, **params)

    return bind(call_sync, path_names, parameters)
