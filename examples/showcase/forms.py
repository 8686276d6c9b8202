"""What a browser's form sends, and from where."""

from __future__ import annotations

from collections.abc import Mapping

from yarl import URL

from portico import HTTPConnection, Request
from portico.errors import UnsupportedMediaType
from portico.http.query import parse_urlencoded

__all__ = ("has_own_origin", "is_form", "is_same_origin", "read_form")

FORM = "application/x-www-form-urlencoded"


def is_form(request: Request) -> bool:
    return request.content_type == FORM


async def read_form(request: Request) -> Mapping[str, str]:
    """Read an urlencoded body; 415 for any other type, 400 and 413 from the parser."""
    if not is_form(request):
        raise UnsupportedMediaType([FORM])
    return parse_urlencoded(await request.body())


def is_same_origin(request: Request) -> bool:
    """Tell whether the request comes from a page of ours, or from no page at all.

    Browsers say it in Sec-Fetch-Site, older ones at least name the page's Origin; curl and other
    programs send neither, and hold no cookie that another site could abuse.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    return has_own_origin(request)


def has_own_origin(connection: HTTPConnection) -> bool:
    """Tell whether Origin, which browsers send with each websocket, is ours or missing."""
    origin = connection.headers.get("origin")
    if origin is None:
        return True
    try:
        return URL(origin).authority == connection.url.authority != ""
    except ValueError:
        return False
