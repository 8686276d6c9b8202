"""Origins: what a browser says about the page that makes a request (RFC 6454, Fetch 3.2).

Pure functions over the text of an Origin field. Who may do what is decided by those who ask: for
websockets ``RawWebSocket.check_origin``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from portico.errors import BadInput
from portico.http.urls import parse_host

__all__ = ("Origin", "is_same_host", "parse_origin", "parse_origins")

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

# scheme "://" host [ ":" port ] (RFC 6454 7), the scheme as in RFC 3986 3.1.
_ORIGIN: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,31})://([^/?#@\\]{1,300})")


class Origin(NamedTuple):
    """Where a page is from. Equal origins are the same one (RFC 6454 5).

    ``scheme`` and ``host`` are in lower case, an IPv6 address is without brackets; ``port`` is the
    scheme's default where none was written, ``None`` if the scheme has none.
    """

    scheme: str
    host: str
    port: int | None


def parse_origin(text: str) -> Origin | None:
    """Read one origin; ``None`` for ``null`` and for all that is no origin.

    >>> parse_origin("https://App.example:443") == parse_origin("https://app.example")
    True
    >>> parse_origin("null"), parse_origin("https://app.example/path")
    (None, None)
    """
    match = _ORIGIN.fullmatch(text)
    if match is None:
        return None
    scheme = match[1].lower()
    try:
        host, port = parse_host(match[2])
    except BadInput:
        return None
    return Origin(scheme, host, _DEFAULT_PORTS.get(scheme) if port is None else port)


def parse_origins(origins: Iterable[str]) -> frozenset[Origin] | None:
    """Read a list of origins of your own; ``None``, any, if it is ``"*"`` or holds that.

    Raises ``ValueError`` for what is no origin, ``"null"`` too: every sandbox and every file is
    that one; and for a single one outside a list.

    >>> parse_origins(["https://app.example"])
    frozenset({Origin(scheme='https', host='app.example', port=443)})
    """
    if isinstance(origins, str) and origins != "*":
        raise ValueError("origins are a list, or '*' for any")
    listed = list(origins)
    if "*" in listed:
        return None
    found: set[Origin] = set()
    for text in listed:
        origin = parse_origin(text)
        if origin is None:
            raise ValueError(f"{text!r} is no origin; write scheme://host or scheme://host:port")
        found.add(origin)
    return frozenset(found)


def is_same_host(origin: Origin, scheme: str, host: str | None) -> bool:
    """Tell whether a page of ``origin`` is from the host that it talks to.

    ``host`` is the request's Host field, ``scheme`` how it came here. A page on https may talk to
    what came by http, because TLS often ends in front of the server; not the other way round.

    >>> page = Origin("https", "app.example", 443)
    >>> is_same_host(page, "ws", "app.example"), is_same_host(page, "wss", "evil.example")
    (True, False)
    """
    try:
        name, port = parse_host(host or "")
    except BadInput:
        return False
    if scheme in ("https", "wss") and origin.scheme != "https":
        return False
    # Without a port the Host field means the default one of the client's scheme, which is that of
    # the page: the scheme seen here may be that of a hop inside.
    default = _DEFAULT_PORTS.get(origin.scheme)
    return (
        default is not None
        and origin.host == name
        and origin.port == (default if port is None else port)
    )
