"""Who may connect from a browser: RFC 6455 10.2."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from portico.connection.base import HTTPConnection
from portico.connection.body import Inherit
from portico.http.headers import Headers
from portico.http.origin import Origin, is_same_host, parse_origin

__all__ = ("is_allowed",)


def is_allowed(
    connection: HTTPConnection[Any], origins: Container[Origin] | Inherit | None
) -> bool:
    """Tell whether what asks for a websocket may have it.

    ``origins`` are those allowed, ``None`` is any; if nobody has said, a request that carries what
    browsers add for whatever page asks them to must come from a page of the same host.
    """
    # Not ``connection.headers``: a kept value makes each use of the socket's attributes slower.
    headers = Headers(connection.scope["headers"])
    fields = headers.getall("origin", [])
    if origins is None or not fields:  # browsers always send one (RFC 6455 4.1)
        return True
    origin = parse_origin(fields[0]) if len(fields) == 1 else None
    if not isinstance(origins, Inherit):
        return origin is not None and origin in origins
    if not _has_credentials(connection):
        return True
    host = connection.headers.getall("host", [])
    return (
        origin is not None and len(host) == 1 and is_same_host(origin, connection.scheme, host[0])
    )


def _has_credentials(connection: HTTPConnection[Any]) -> bool:
    fields, tls = connection.headers, connection.tls
    return (
        "cookie" in fields
        or "authorization" in fields
        or "session" in connection.scope
        or (tls is not None and bool(tls.client_cert_name or tls.client_cert_chain))
    )
