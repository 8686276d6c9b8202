"""Redirects: RFC 9110 section 15.4. On this host, unless you ask for more."""

from __future__ import annotations

from collections.abc import Sequence

from yarl import URL

from portico.http.urls import location
from portico.response.background import Background
from portico.response.base import HeadersInput, Response

__all__ = ("RedirectResponse",)

_STATUSES = (301, 302, 303, 307, 308)


class RedirectResponse(Response, Exception):
    r"""Send the client elsewhere; may be returned, or raised from anywhere below the app.

    ``url`` is text that stays on this host (``"/login?next=%2F"``, ``"?page=2"``), or a
    ``yarl.URL``, which may be absolute: ``request.url_for("login")``, ``URL("https://...")``.
    Spaces and non-ASCII characters are percent-encoded. ``status_code`` is 301, 302, 303, 307
    (default: the method and the body are kept) or 308.

    Never pass what a client sent: ``safe_redirect`` makes a path of it that stays here.

    Raises ``TypeError`` for a ``url`` of another type, ``ValueError`` for another status, for text
    with a scheme, and for what browsers read as another host than it looks (``//host``,
    ``/\host``, control characters).

    >>> RedirectResponse("/k\u00e4se", 303).headers["location"]
    '/k%C3%A4se'
    >>> RedirectResponse("https://example.org/")
    Traceback (most recent call last):
    ValueError: a redirect's target is a path here, not a URL; wrap your own URLs in yarl.URL
    """

    def __init__(
        self,
        url: str | URL,
        status_code: int = 307,
        headers: HeadersInput | None = None,
        *,
        background: Background | Sequence[Background] | None = None,
    ) -> None:
        if not isinstance(url, str | URL):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"a redirect's target is a str or a yarl.URL, not {type(url).__name__}")
        if status_code not in _STATUSES:
            raise ValueError(f"a redirect's status is one of {_STATUSES}, not {status_code}")
        super().__init__(None, status_code, headers, background=background)
        self.headers["location"] = _location(url)


def _location(url: str | URL) -> str:
    # A URL is absolute because somebody meant it; a text may come from a client.
    if isinstance(url, URL):
        return location(url)
    try:
        return location(url, allow_absolute=False)
    except ValueError as error:
        raise ValueError(f"{error}; wrap your own URLs in yarl.URL") from None
