"""A directory as an ASGI app: which file a path means, and what is sent with it.

Paths are judged by ``names`` and looked up by ``roots``; how a file is sent is told in
``portico.response.transfer``.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import ClassVar, Final, NamedTuple, TypeAlias, TypedDict

from portico import _tasks
from portico.asgi import ASGIApp, Receive, Scope, Send
from portico.connection.base import URLS, split_scope
from portico.errors import HTTPException, Misuse
from portico.http.accept import AcceptEncoding
from portico.http.caching import IMMUTABLE, REVALIDATE, CacheControl
from portico.http.headers import MutableHeaders, RawHeaders, encode_headers
from portico.http.media_types import MEDIA_TYPES, media_type_of
from portico.response._open_file import refusal
from portico.response.base import HeadersInput, Response, content_type_field
from portico.response.error import error_response
from portico.response.transfer import send_file
from portico.static.found import Found, pass_over
from portico.static.names import safe_names
from portico.static.roots import Root, package_directory
from portico.static.versions import Versions

__all__ = (
    "HASHED_NAME",
    "PRECOMPRESSED",
    "Directory",
    "Files",
    "FilesOptions",
)

Directory: TypeAlias = str | os.PathLike[str]
"""A path to a directory."""

HASHED_NAME: Final = re.compile(
    r"(?:.*[.-])(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{8,64}(?:\.[^/]*)"
)
"""Paths whose name holds a hash: eight hexadecimal digits or more, with a letter and a digit among
them, behind ``.`` or ``-`` and before the ending, as in ``app.3f2a9c1b.js``."""

PRECOMPRESSED: Final = {"br": ".br", "zstd": ".zst", "gzip": ".gz"}
"""Content codings of files that lie beside others, the preferred first, and their endings."""

_ALLOW: Final = {"allow": "GET, HEAD, OPTIONS"}
_NOSNIFF: Final = (b"x-content-type-options", b"nosniff")


class FilesOptions(TypedDict, total=False):
    """What ``Files``, and ``app.files``, take besides directories."""

    package: str | None
    cache_control: CacheControl | str | None
    immutable: re.Pattern[str] | Callable[[str], bool] | None
    precompressed: bool
    follow_symlinks: bool
    media_types: Mapping[str, str] | None
    headers: HeadersInput | None
    hash_content: bool
    handle_404: ASGIApp | None


class Files:
    """Serves the files of a directory, or of several, of which the first that has the file counts.

    ``directory`` is a path or a list of paths; with ``package`` they are inside that installed
    package. Below them nothing is served that a name could mean elsewhere: no links (unless
    ``follow_symlinks``), no names that begin with a dot but ``.well-known``, no names that are
    special on Windows, on any system. What is refused is a 404.

    ``cache_control`` is sent with each file (default: ``no-cache``, ask each time; ``None``: not
    sent); paths for which ``immutable`` holds, a pattern or a function of the path below, are
    sent with ``IMMUTABLE`` in its place, such as ``HASHED_NAME``. ``precompressed``: a file with
    ``.br``, ``.zst`` or ``.gz`` at its name's end is sent in place of the one without, to clients
    that take it. ``media_types`` are added to the fixed table, by ending. ``headers`` are sent too.

    ``hash_content``: entity tags are hashes of the content, the same on every machine, and
    ``url_for`` adds one to the query; a request with the right one is ``IMMUTABLE``.

    ``handle_404`` is the ASGI app for what is not there; without it an ``HTTPException`` is raised
    below a router and answered alone.

    Raises ``ValueError`` for a directory or package that is not there, and for malformed headers or
    media types.
    """

    _sends_alone: ClassVar[bool] = True

    def __init_subclass__(cls) -> None:
        """Reckon with a subclass that sends something of its own."""
        if "_sends_alone" not in cls.__dict__:
            cls._sends_alone = False

    def __init__(  # noqa: PLR0913 - each setting has a name
        self,
        directory: Directory | Iterable[Directory],
        package: str | None = None,
        *,
        cache_control: CacheControl | str | None = REVALIDATE,
        immutable: re.Pattern[str] | Callable[[str], bool] | None = None,
        precompressed: bool = False,
        follow_symlinks: bool = False,
        media_types: Mapping[str, str] | None = None,
        headers: HeadersInput | None = None,
        hash_content: bool = False,
        handle_404: ASGIApp | None = None,
    ) -> None:
        directories = [directory] if isinstance(directory, str | os.PathLike) else list(directory)
        if not directories:
            raise ValueError("files need a directory")
        if package is not None:
            directories = [package_directory(package, each) for each in directories]
        self.roots: tuple[Root, ...] = tuple(
            Root(each, follow_symlinks=follow_symlinks) for each in directories
        )
        self._types: Mapping[str, str] = {**MEDIA_TYPES, **_lowered(media_types or {})}
        for media_type in self._types.values():
            content_type_field(media_type)
        self._is_immutable: Callable[[str], bool] | None = _predicate(immutable)
        self._encodings: Mapping[str, str] = PRECOMPRESSED if precompressed else {}
        self._versions: Versions | None = Versions() if hash_content else None
        self._handle_404: ASGIApp | None = handle_404
        self._headers: RawHeaders = encode_headers(headers or {})
        self._policies: dict[bool, RawHeaders] = {
            False: _cache_field(cache_control),
            True: _cache_field(IMMUTABLE),
        }
        # By media type, coding and policy: what there is of each is the program's choice.
        self._fields: dict[tuple[str, str | None, bool, str | None], RawHeaders] = {}

    @property
    def raises_before_start(self) -> bool:
        """Whether all that it raises but ``FileChanged`` comes before anything is sent."""
        return self._sends_alone and self._handle_404 is None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; a websocket is refused. Raises ``Misuse`` for another scope."""
        await self.enter(scope, receive, send)

    def enter(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one scope as a call does; what a router does for files that it holds."""
        # Below a router, which knows how errors are answered, a coroutine less; alone, ours.
        if URLS in scope and self._handle_404 is None and scope["type"] == "http":
            return self.serve(scope, receive, send)
        return self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused: HTTPException | None = None
        try:
            if scope["type"] == "http":
                await self.serve(scope, receive, send)
                return
            if scope["type"] != "websocket":
                raise Misuse(f"files are served to requests, not to {scope['type']!r}")
            refused = HTTPException(404)
        except HTTPException as error:
            refused = error.with_traceback(None)
        try:
            if refused.status_code == 404 and self._handle_404 is not None:
                await self._handle_404(scope, receive, send)
            elif URLS in scope:
                raise refused
            else:
                await error_response(refused, scope)(scope, receive, send)
        finally:
            del refused

    def serve(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request; await what it gives.

        Raises ``HTTPException``, at once or then, for what is not answered with a file.
        """
        method = scope["method"]
        if method not in ("GET", "HEAD"):
            if method != "OPTIONS":
                raise HTTPException(405, headers=_ALLOW)
            return Response(None, 204, _ALLOW)(scope, receive, send)
        names = safe_names(split_scope(scope))
        found = None if names is None else self.find(names)
        if found is None:
            raise HTTPException(404)
        return self.send(found, scope, receive, send)

    def find(self, names: Sequence[str]) -> Found | None:
        """Find a regular file by its safe names; ``None`` if there is none.

        Raises ``HTTPException`` (403, 503) if it is there and may not be looked at, ``OSError``
        for a fault of the machine.
        """
        match = self._first(names, stat.S_ISREG)
        return None if match is None else Found(match[0], names, match[1], self._versions)

    def has_directory(self, names: Sequence[str]) -> bool:
        """Tell whether there is a directory of these safe names; raises as ``find`` does."""
        return self._first(names, stat.S_ISDIR) is not None

    def _first(
        self, names: Sequence[str], is_wanted: Callable[[int], bool]
    ) -> tuple[Root, os.stat_result] | None:
        for root in self.roots:
            try:
                state = root.stat(names)
            except (OSError, ValueError) as error:
                pass_over(error)
                continue
            if is_wanted(state.st_mode):
                return root, state
        return None

    def send(
        self,
        found: Found,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        status_code: int = 200,
        vary: str | None = None,
    ) -> Awaitable[None]:
        """Send a file that was found, in the coding that suits the client; as ``serve``."""
        plain, path = found, found.names
        encoding: str | None = None
        if self._encodings:
            found, encoding = self._variant(found, scope)
        is_fixed = (
            self._is_immutable is not None
            and status_code == 200
            and self._is_immutable("/".join(path))
        )
        if self._versions is not None and status_code == 200:
            choice = _Choice(plain, found, encoding, is_fixed, vary)
            return self._send_hashed(self._versions, choice, scope, receive, send)
        raw = self._raw(path[-1], encoding, vary, is_fixed=is_fixed)
        return send_file(
            found, raw, scope, receive, send, status_code=status_code, found=found.state
        )

    async def _send_hashed(
        self, versions: Versions, choice: _Choice, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Send it once its hash is known; the query may hold that of the file without a coding."""
        found = choice.found
        version = await _hash(versions, found)
        if choice.encoding is not None:
            version = await _hash(versions, choice.plain)
        query: bytes = scope.get("query_string", b"")
        is_fixed = choice.is_fixed or b"v=" + version.encode("ascii") in query.split(b"&")
        raw = self._raw(choice.plain.names[-1], choice.encoding, choice.vary, is_fixed=is_fixed)
        await send_file(found, raw, scope, receive, send, found=found.state)

    def version_of(self, path: str) -> str | None:
        """Give the hash of the file at a path below, for ``url_for``; ``None`` if there is none.

        Reads the file when it is asked for the first time.
        """
        names = safe_names(path.split("/"))
        if self._versions is None or names is None:
            return None
        try:
            found = self.find(names)
            if found is None:
                return None
            place = found.path()
            known = self._versions.known(place, found.state)
            return known or self._versions.take(place, found.open)
        except (OSError, ValueError, HTTPException):
            return None  # whoever asks for the page will be told; a link to it is no reason to fail

    def _variant(self, found: Found, scope: Scope) -> tuple[Found, str | None]:
        """Find the file beside this one in the coding that the client prefers."""
        fields = [value for name, value in scope["headers"] if name == b"accept-encoding"]
        if not fields:  # then it takes all (RFC 9110 12.5.3), and does not ask for any
            return found, None
        wanted = AcceptEncoding.parse(b", ".join(fields).decode("latin-1"))
        offers: dict[str, Found] = {}
        for encoding, ending in self._encodings.items():
            if wanted.accepts(encoding):
                names = [*found.names[:-1], found.names[-1] + ending]
                try:
                    state = found.root.stat(names)
                except (OSError, ValueError):
                    continue
                if stat.S_ISREG(state.st_mode):
                    offers[encoding] = Found(found.root, names, state, self._versions)
        best = wanted.best_match([*offers, "identity"])
        return (found, None) if best not in offers else (offers[best], best)

    def _raw(
        self, name: str, encoding: str | None, vary: str | None, *, is_fixed: bool
    ) -> RawHeaders:
        media_type = media_type_of(name, self._types)
        key = media_type, encoding, is_fixed, vary
        raw = self._fields.get(key)
        if raw is None:
            headers = MutableHeaders([*self._headers])
            fields = (content_type_field(media_type), *self._policies[is_fixed], _NOSNIFF)
            for field, value in fields:
                headers.setdefault(field.decode(), value.decode("latin-1"))
            if self._encodings:
                headers.add_vary("accept-encoding")
            if vary is not None:
                headers.add_vary(vary)
            if encoding is not None:
                headers["content-encoding"] = encoding
            raw = self._fields[key] = headers.raw
        return raw


class _Choice(NamedTuple):
    """What answers a request: the file that was asked for, the one that is sent, and how."""

    plain: Found
    found: Found
    encoding: str | None
    is_fixed: bool
    vary: str | None


async def _hash(versions: Versions, found: Found) -> str:
    path = found.path()
    known = versions.known(path, found.state)
    if known is not None:
        return known
    try:
        return await _tasks.run_in_thread(
            versions.take,
            path,
            found.open,
            limiter=_tasks.FILE_THREADS,
        )
    except (OSError, ValueError) as error:
        refused = refusal(error)
        if refused is None:
            raise
        raise refused from None


def _cache_field(policy: CacheControl | str | None) -> RawHeaders:
    text = "" if policy is None else str(policy)
    return encode_headers({"cache-control": text}) if text else []


def _lowered(types: Mapping[str, str]) -> dict[str, str]:
    for ending in types:
        if not ending.startswith("."):
            raise ValueError(f"a media type is added for an ending such as '.glb', not {ending!r}")
    return {ending.lower(): media_type for ending, media_type in types.items()}


def _predicate(
    immutable: re.Pattern[str] | Callable[[str], bool] | None,
) -> Callable[[str], bool] | None:
    if isinstance(immutable, re.Pattern):
        return lambda path: immutable.fullmatch(path) is not None
    return immutable
