"""The canonical path: what routing, guards, mounts, files and URLs all read.

A request's path is a list of segments, each percent-decoded exactly once, so that ``%2F``
stays inside its segment (RFC 3986 2.2, 3.3). Servers that put ``root_path`` in front of ``path``
(as ASGI asks) and servers that do not are both understood: the prefix is taken off if it is
there, on a segment border. ``raw_path`` counts as long as it says what ``path`` says: middleware
that rewrites ``path`` alone is heard. A target that came as a whole URL (RFC 9112 3.2.2), which
some servers hand on as it is, is read from its path on.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, unquote_to_bytes

__all__ = (
    "SEGMENT_SAFE",
    "join_segments",
    "origin_form",
    "quote_path",
    "quote_root",
    "quote_segments",
    "rooted_path",
    "split_path",
)

SEGMENT_SAFE: Final = "!$&'()*+,;=:@-._~"
"""What a segment may hold besides letters, digits and percent-encoding (RFC 3986 3.3, pchar)."""

_PATH_SAFE: Final = f"/{SEGMENT_SAFE}"

# The authority is any printable ASCII here: whether it is a host is for whoever reads it as one.
_ABSOLUTE_FORM: Final = re.compile(
    r"https?://([!-.0->@-~]+)((?:[/?].*)?)", re.IGNORECASE | re.DOTALL
)


def split_path(path: str, raw_path: bytes | None = None, root_path: str = "") -> list[str]:
    """Split a request's path below ``root_path`` into its decoded segments.

    ``path`` is the decoded path, ``raw_path`` the path as it came (without the query). Bytes that
    are not UTF-8 become U+FFFD. ``/`` is one empty segment; a trailing slash is an empty last one.
    Never raises.

    >>> split_path("/a b/c/d", b"/a%20b/c%2Fd")
    ['a b', 'c/d']
    >>> split_path("/api/users/", None, "/api")
    ['users', '']
    """
    segments = _segments(path, raw_path)
    root_path = root_path.strip("/")
    if root_path:
        prefix = root_path.split("/")
        if segments[: len(prefix)] == prefix:
            return segments[len(prefix) :] or [""]
    return segments


def origin_form(path: str, raw_path: bytes | None = None) -> tuple[str, bytes | None, str | None]:
    """Give ``path`` and ``raw_path`` from their ``/`` on, and the authority if one came before it.

    Of a target that is a whole URL, its authority takes the place of the Host field (RFC 9112
    3.2.2); it is not checked here. A path that has no ``/`` in front gets one. The path ``*``, the
    server itself (RFC 9112 3.2.4), stays alone. Never raises.

    >>> origin_form("http://example.com/a b", b"http://example.com/a%20b")
    ('/a b', b'/a%20b', 'example.com')
    """
    if path.startswith("/") or path == "*":
        return path, raw_path, None
    if raw_path is not None and "/".join(_decoded(raw_path)) == path:
        authority, raw = _split_authority(raw_path.decode("latin-1"))
        raw_path = raw.encode("latin-1")
        return "/".join(_decoded(raw_path)), raw_path, authority
    authority, path = _split_authority(path)
    return path, None, authority


def rooted_path(
    path: str, raw_path: bytes | None = None, root_path: str = ""
) -> tuple[str, bytes | None]:
    """Give ``path`` and ``raw_path`` with ``root_path`` in front exactly once.

    ``raw_path`` is ``None`` if it says something else than ``path``. The path ``*``, which has no
    place below anything (RFC 9112 3.2.4), stays alone.

    >>> rooted_path("/users", b"/users", "/api"), rooted_path("/api/users", b"/api/users", "/api")
    (('/api/users', b'/api/users'), ('/api/users', b'/api/users'))
    """
    path, raw_path, _ = origin_form(path, raw_path)
    if raw_path is not None and "/".join(_decoded(raw_path)) != path:
        raw_path = None
    root_path = root_path.rstrip("/")
    if root_path and not root_path.startswith("/"):
        root_path = f"/{root_path}"
    if root_path and path != "*" and not f"{path}/".startswith(f"{root_path}/"):
        path = root_path + path
        if raw_path is not None:
            raw_path = quote_path(root_path).encode("ascii") + raw_path
    return path, raw_path


def join_segments(segments: list[str]) -> str:
    """Join decoded segments into one path; a slash inside a segment is written ``%2F``.

    >>> join_segments(["a b", "c/d"])
    '/a b/c%2Fd'
    """
    return "/" + "/".join([part.replace("/", "%2F") if "/" in part else part for part in segments])


def quote_segments(segments: list[str]) -> str:
    """Percent-encode decoded segments into one path; a slash inside a segment becomes ``%2F``.

    >>> quote_segments(["a b", "c/d"])
    '/a%20b/c%2Fd'
    """
    return "/" + "/".join([quote(part, safe=SEGMENT_SAFE, errors="replace") for part in segments])


def quote_path(path: str) -> str:
    """Percent-encode a decoded path for a URL (RFC 3986 3.3); slashes stay.

    >>> quote_path("/a b/é%2F")
    '/a%20b/%C3%A9%252F'
    """
    return quote(path, safe=_PATH_SAFE, errors="replace")


def quote_root(path: str, raw_path: bytes | None, root_path: str) -> str:
    """Percent-encode ``root_path`` for a URL, with the escapes that it has in ``raw_path``.

    >>> quote_root("/a/b/c", b"/a%2Fb/c", "/a/b")
    '/a%2Fb'
    """
    root_path = root_path.rstrip("/")
    if not root_path:
        return ""
    _, raw_path, _ = origin_form(path, raw_path)
    decoded, size = _decoded(raw_path or b""), -1
    for count, segment in enumerate(decoded, 1):
        size += len(segment) + 1
        if size == len(root_path) and "/".join(decoded[:count]) == root_path:
            return quote(b"/".join((raw_path or b"").split(b"/")[:count]), safe=f"%{_PATH_SAFE}")
    return quote_path(root_path)


def _segments(path: str, raw_path: bytes | None) -> list[str]:
    path, raw_path, _ = origin_form(path, raw_path)
    segments = path.split("/")
    if raw_path is not None and b"%" in raw_path:
        decoded = _decoded(raw_path)
        if "/".join(decoded) == path:
            segments = decoded
    return segments if segments[0] else segments[1:] or [""]


def _decoded(raw_path: bytes) -> list[str]:
    raw_path = raw_path.partition(b"?")[0]  # some servers leave the query there
    return [unquote_to_bytes(raw).decode("utf-8", "replace") for raw in raw_path.split(b"/")]


def _split_authority(target: str) -> tuple[str | None, str]:
    match = _ABSOLUTE_FORM.fullmatch(target)
    authority, path = (None, target) if match is None else match.groups()
    return authority, path if path.startswith("/") else f"/{path}"
