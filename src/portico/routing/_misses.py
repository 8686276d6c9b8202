"""What is answered where no route has the path and the method."""

from __future__ import annotations

from typing import Any, Final

from portico.asgi import Scope
from portico.connection.request import Request
from portico.errors import HTTPException
from portico.http.paths import rooted_path
from portico.http.urls import quote_query, written_path
from portico.response.base import Response
from portico.response.redirect import RedirectResponse
from portico.routing.errors import answer_handled
from portico.routing.tree import ANY_METHOD

__all__ = ("MISS", "answer_miss", "not_allowed", "other_slash", "slash_redirect")

MISS: Final = "portico.miss"
"""The scope's key for the answer to a request without a route."""


def other_slash(segments: list[str]) -> list[str]:
    """Give the path that differs by the slash at its end."""
    return segments[:-1] if len(segments) > 1 and not segments[-1] else [*segments, ""]


def slash_redirect(scope: Scope, segments: list[str]) -> Response | None:
    """Send the client to the path that differs by the slash at its end, escapes as they came.

    ``None`` where there is no such path: at the root, and where it would name a host.
    """
    raw_path, root_path = scope.get("raw_path"), scope.get("root_path", "")
    path = written_path(*rooted_path(scope["path"], raw_path, root_path))
    if segments == [""] or path.startswith("//"):
        return None
    path = path.removesuffix("/") if path.endswith("/") else f"{path}/"
    query = quote_query(scope.get("query_string", b""))  # browsers send some bytes raw
    return RedirectResponse(f"{path}?{query}" if query else path, 308)


def not_allowed(method: str, allowed: frozenset[str]) -> Response | HTTPException:
    """Answer a method that the path does not have, with those that it has."""
    names = {*allowed, "OPTIONS"} - {ANY_METHOD}
    headers = {"allow": ", ".join(sorted(names))}
    if method == "OPTIONS":  # RFC 9110 9.3.7
        return Response(None, 204, headers)
    return HTTPException(405, headers=headers)


async def answer_miss(request: Request[Any]) -> Response:
    """Give the answer that the scope holds; errors go through their handlers."""
    outcome: Response | HTTPException = request.scope[MISS]
    if isinstance(outcome, Response):
        return outcome
    # Not raised: its traceback would hold the scope that holds it.
    return await answer_handled(request, outcome)
