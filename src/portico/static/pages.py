"""A directory of pages as an ASGI app: index files, clean URLs, a page for what is not there."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import ClassVar, Final, Unpack

from portico import _tasks
from portico.asgi import Receive, Scope, Send
from portico.connection.base import split_scope
from portico.errors import HTTPException
from portico.http.accept import Accept
from portico.http.paths import join_segments
from portico.http.urls import path_reference
from portico.response.redirect import RedirectResponse
from portico.response.text import HTMLResponse
from portico.static.files import Directory, Files, FilesOptions
from portico.static.found import Found, pass_over
from portico.static.listing import Entry, list_directory, render_listing
from portico.static.names import safe_names

__all__ = ("Pages",)

_INDEX: Final = "index.html"
_NOT_FOUND: Final = "404.html"
_ENDING: Final = ".html"
_LIST_POLICY: Final = {
    "content-security-policy": "default-src 'none'",
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
}


class Pages(Files):
    """``Files`` for people: ``/`` is ``index.html``, ``/about`` is ``about.html``.

    A directory is its ``index.html``; without the slash at its end it is redirected there (308). A
    path that is no file is the page of that name with ``.html``. What is not there is ``404.html``
    of the top directory, with status 404, if that is there.

    ``fallback`` is the page, such as ``"index.html"``, for paths that are not there but are
    navigated to: a GET whose ``Accept`` names ``text/html``. Scripts and pictures that are missing
    stay a 404. ``listing``: a directory without an index is listed.

    Takes what ``Files`` takes, and raises the same; ``ValueError`` for a ``fallback`` that is not
    there.
    """

    _sends_alone: ClassVar[bool] = True

    def __init__(
        self,
        directory: Directory | list[Directory],
        *,
        fallback: str | None = None,
        listing: bool = False,
        **options: Unpack[FilesOptions],
    ) -> None:
        super().__init__(directory, **options)
        self._fallback: list[str] | None = None
        if fallback is not None:
            self._fallback = safe_names(fallback.split("/"))
            if self._fallback is None or self.find(self._fallback) is None:
                raise ValueError(f"there is no file {fallback!r} to fall back to")
        self._listing: bool = listing

    def serve(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request; await what it gives.

        Raises ``HTTPException``, at once or then, for what is not answered with a page.
        """
        if scope["method"] not in ("GET", "HEAD"):
            return super().serve(scope, receive, send)
        return self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        segments = split_scope(scope)
        is_directory = segments[-1] == ""
        names = safe_names(segments[:-1] if is_directory else segments)
        if is_directory and (names is not None or len(segments) == 1):
            if await self._serve_directory(names or [], scope, receive, send):
                return
        elif names is not None:
            found = self.find(names)
            if found is not None:
                await self.send(found, scope, receive, send)
                return
            if self._is_page_directory(names):
                await _redirect(scope, segments)(scope, receive, send)
                return
            found = self.find([*names[:-1], names[-1] + _ENDING])
            if found is not None:
                await self.send(found, scope, receive, send)
                return
        await self._serve_missing(scope, receive, send)

    async def _serve_directory(
        self, names: list[str], scope: Scope, receive: Receive, send: Send
    ) -> bool:
        found = self.find([*names, _INDEX])
        if found is not None:
            await self.send(found, scope, receive, send)
            return True
        if not self._listing or (names and not self.has_directory(names)):
            return False
        page = await self._list(names, scope)
        await page(scope, receive, send)
        return True

    def _is_page_directory(self, names: list[str]) -> bool:
        if not self.has_directory(names):
            return False
        return self._listing or self.find([*names, _INDEX]) is not None

    async def _list(self, names: list[str], scope: Scope) -> HTMLResponse:
        entries: dict[str, Entry] = {}
        for root in reversed(self.roots):  # the first that has a name counts
            try:
                listed = await _tasks.run_in_thread(
                    list_directory, root, names, limiter=_tasks.FILE_THREADS
                )
            except (OSError, ValueError) as error:
                pass_over(error)
            else:
                entries |= {entry.name: entry for entry in listed}
        title = scope.get("root_path", "").rstrip("/") + join_segments([*names, ""])
        page = render_listing(title, sorted(entries.values(), key=_order), has_parent=bool(names))
        return HTMLResponse(page, headers=_LIST_POLICY)

    async def _serve_missing(self, scope: Scope, receive: Receive, send: Send) -> None:
        fallback: Found | None = None
        if self._fallback is not None and _is_navigation(scope):
            fallback = self.find(self._fallback)
        if fallback is not None:
            await self.send(fallback, scope, receive, send, vary="accept")
            return
        found = self.find([_NOT_FOUND])
        if found is None:
            raise HTTPException(404)
        vary = None if self._fallback is None else "accept"  # asked otherwise, it may be a page
        await self.send(found, scope, receive, send, status_code=404, vary=vary)


def _redirect(scope: Scope, segments: list[str]) -> RedirectResponse:
    """Add the slash; the target is a path here, whatever the segments hold."""
    query: bytes = scope.get("query_string", b"")
    target = path_reference(scope.get("root_path", ""), [*segments, ""], query)
    return RedirectResponse(target, 308)


def _is_navigation(scope: Scope) -> bool:
    """Tell whether a browser goes there: ``Accept`` names HTML. Scripts' ``*/*`` does not."""
    fields = [value for name, value in scope["headers"] if name == b"accept"]
    accept = Accept.parse(b", ".join(fields).decode("latin-1"))
    return any(media_type == "text/html" for media_type in accept)


def _order(entry: Entry) -> tuple[bool, str]:
    return entry.size is not None, entry.name
