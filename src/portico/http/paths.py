"""The canonical path: what routing, guards, mounts, files and URLs all read.

A request's path is a list of segments, each percent-decoded exactly once, so that ``%2F``
stays inside its segment (RFC 3986 2.2, 3.3). Servers that put ``root_path`` in front of ``path``
(as ASGI asks) and servers that do not are both understood: the prefix is taken off if it is
there, on a segment border. ``raw_path`` counts as long as it says what ``path`` says: middleware
that rewrites ``path`` alone is heard.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, unquote_to_bytes

__all__ = (
    "SEGMENT_SAFE",
    "join_segments",
    "quote_path",
    "quote_segments",
    "rooted_path",
    "split_path",
)

SEGMENT_SAFE: Final = "!$&'()*+,;=:@-._~"
"""What a segment may hold besides letters, digits and percent-encoding (RFC 3986 3.3, pchar)."""

_PATH_SAFE: Final = f"/{SEGMENT_SAFE}"


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


def rooted_path(
    path: str, raw_path: bytes | None = None, root_path: str = ""
) -> tuple[str, bytes | None]:
    """Give ``path`` and ``raw_path`` with ``root_path`` in front exactly once.

    ``raw_path`` is ``None`` if it says something else than ``path``. The path ``*``, which has no
    place below anything (RFC 9112 3.2.4), stays alone.

    >>> rooted_path("/users", b"/users", "/api"), rooted_path("/api/users", b"/api/users", "/api")
    (('/api/users', b'/api/users'), ('/api/users', b'/api/users'))
    """
    if raw_path is not None and "/".join(_decoded(raw_path)) != path:
        raw_path = None
    root_path = root_path.strip("/")
    if root_path and path != "*" and not f"{path}/".startswith(f"/{root_path}/"):
        root_path = f"/{root_path}"
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


def _segments(path: str, raw_path: bytes | None) -> list[str]:
    segments = path.split("/")
    if raw_path is not None and b"%" in raw_path:
        decoded = _decoded(raw_path)
        if "/".join(decoded) == path:
            segments = decoded
    return segments if segments[0] else segments[1:] or [""]


def _decoded(raw_path: bytes) -> list[str]:
    raw_path = raw_path.partition(b"?")[0]  # some servers leave the query there
    return [unquote_to_bytes(raw).decode("utf-8", "replace") for raw in raw_path.split(b"/")]
