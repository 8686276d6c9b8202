"""The answer to an ``HTTPException``: a problem, or text or HTML if the client prefers it."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from portico.asgi import Scope
from portico.codec import encode_json
from portico.errors import HTTPException, phrase
from portico.http.accept import Accept
from portico.http.grammar import split_list
from portico.http.headers import Headers
from portico.http.problem import Problem
from portico.response.base import Response

__all__ = ("error_response", "status_response")

_PROBLEM, _HTML, _TEXT = "application/problem+json", "text/html", "text/plain"
_VARY: Final = (("vary", "accept"),)
_OURS: Final = ("content-type", "content-length")
_OFFERS: Final = (_PROBLEM, "application/json", _HTML, _TEXT)


def error_response(error: HTTPException, scope: Scope) -> Response:
    """Render ``error`` in the representation that the client prefers (RFC 9457, RFC 9110 12).

    A client that accepts none of them, or says nothing, gets the problem document.
    """
    status = error.status_code
    if not (error.headers or error.extensions) and error.detail == phrase(status):
        return status_response(status, scope)
    kind = _preferred(scope)
    response = Response(
        _render(kind, status, error.detail, error.extensions), status, _VARY, media_type=kind
    )
    for name, value in error.headers:
        key = name.lower()
        if key == "vary":
            response.headers.add_vary(*split_list(value))
        elif key not in _OURS:
            response.headers.add(name, value)
    return response


def status_response(status_code: int, scope: Scope) -> Response:
    """Render an error of which nothing is known but its status."""
    return _plain_response(_preferred(scope), status_code).copy()


def _preferred(scope: Scope) -> str:
    fields = [value for name, value in scope["headers"] if name == b"accept"]
    if len(fields) == 1:  # one, named as ASGI wants it: what browsers and servers send
        accept = fields[0].decode("latin-1")
    else:
        accept = ", ".join(Headers(scope["headers"]).getall("accept", ["*/*"]))  # 5.3: one list
    return _kept_choice(accept) if len(accept) <= _LONGEST_KEPT else _choose(accept)


def _choose(accept: str) -> str:
    return Accept.parse(accept).best_match(_OFFERS) or _PROBLEM


# Browsers send the same few fields again and again, and a scan for paths that are not there should
# cost little. Short texts and few of them, because what is kept is up to the peer.
_LONGEST_KEPT: Final = 256
_kept_choice: Final = lru_cache(maxsize=128)(_choose)


@lru_cache(maxsize=256)  # statuses times representations: nothing of a peer's is in the key
def _plain_response(kind: str, status: int) -> Response:
    return Response(_render(kind, status, phrase(status), {}), status, _VARY, media_type=kind)


def _render(kind: str, status: int, detail: str, extensions: dict[str, object]) -> bytes:
    title = phrase(status)
    if not detail.isascii():  # text of a path that is no UTF-8 has lone surrogates
        detail = detail.encode("utf-8", "replace").decode()
    problem = Problem(
        title=title,
        status=status,
        detail=None if detail == title else detail,
        extensions=extensions,
    )
    if kind == _HTML:
        return problem.as_html().encode()
    if kind == _TEXT:
        return problem.as_text().encode()
    return encode_json(problem.as_dict())
