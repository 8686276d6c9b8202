"""URLs: RFC 3986, as HTTP uses them (RFC 9110 section 4), in ``yarl.URL`` values.

``request_url`` builds the URL of a request from its parts, never from a text that is parsed again,
so that no part can reach into another. ``location`` and ``safe_redirect`` write what may stand in a
Location field.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from typing import Final
from urllib.parse import quote, unquote

from yarl import URL

from portico.errors import BadInput
from portico.http.paths import quote_path, quote_segments

__all__ = (
    "location",
    "parse_host",
    "path_reference",
    "quote_query",
    "request_url",
    "safe_redirect",
    "written_path",
)

_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}

_MAX_NAME: Final = 253
"""Characters of a domain name, without the dot that may end it (RFC 1035 2.3.4)."""

_MAX_LABEL: Final = 63
"""Characters of a label (RFC 1035 2.3.4)."""

_MAX_PORT: Final = 65_535

# uri-host [":" port] (RFC 9110 7.2). Of reg-name (RFC 3986 3.2.2) only what names in use have: no
# escapes and no sub-delims, which some reader takes for a border.
_HOST: Final = re.compile(r"(?:([0-9A-Za-z._-]+)|\[([0-9A-Fa-f:.]+)\])(?::([0-9]{0,5}))?")
_DOTTED: Final = re.compile(r"[0-9.]*[0-9]")
_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_V4: Final = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")

# What stays as it is in a path (WHATWG URL 1.3), "%" included; but "\" is encoded, which browsers
# take for "/".
_PATH_SAFE: Final = "!$%&'()*+,-./:;=@[]_|~"
_UNQUOTED: Final = re.compile(r"[0-9A-Za-z!$%&()*+,\-./:;=@_~]*")

# reserved and unreserved (RFC 3986 2.2, 2.3), "%" where it begins an escape.
_QUERY_SAFE: Final = "!$%&()*+,-./:;=?@[]_~"  # without "'", as browsers do (WHATWG URL 1.3)
_REFERENCE_SAFE: Final = f"#'{_QUERY_SAFE}"
_BARE_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f\\]")
_ABSOLUTE: Final = re.compile(r"(https?)://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
_FIRST_BORDER: Final = re.compile(r"[/?#]")
_PATH_END: Final = re.compile(r"[?#]")


def parse_host(text: str) -> tuple[str, int | None]:
    """Read ``host[:port]`` as a Host field has it; gives the host in lower case and the port.

    The host is a name, an IPv4 address or an IPv6 address (in brackets, which are taken off); the
    port is ``None`` if there is none. A name has ASCII letters, digits, ``-``, ``.`` and ``_``, in
    labels of 1 to 63 characters, 253 in all; a dot at its end stays (``Hosts`` drops it).

    Raises ``BadInput`` for all else: user names, escapes, a port above 65535, digits and dots that
    are no address, ``xn--`` labels that are no IDNA.

    >>> parse_host("Example.com:8000"), parse_host("[::1]")
    (('example.com', 8000), ('::1', None))
    """
    match = _HOST.fullmatch(text)
    if match is None:
        raise BadInput("host", "is not a host name or an address, with or without a port")
    name, v6, digits = match.groups()
    port = int(digits) if digits else None  # an empty port is legal (RFC 3986 3.2.3)
    if port is not None and port > _MAX_PORT:
        raise BadInput("host", "has a port above 65535")
    return (_parse_v6(v6) if name is None else _parse_name(name)), port


def request_url(
    *,
    scheme: str,
    host: str | None,
    server: tuple[str, int | None] | None,
    path: str,
    raw_path: bytes | None,
    query_string: bytes,
) -> URL:
    """Build the URL of a request (RFC 9110 7.1) from the parts that a server gives.

    ``host`` is the Host field. If there is none, or ``parse_host`` refuses it, ``server`` (name and
    port) takes its place; for a unix socket (no port) and for ``None``, ``localhost`` does. A port
    that is the scheme's default is dropped.

    ``path`` is decoded, ``raw_path`` as it came; both are whole, with the prefix that the
    application is mounted at. ``raw_path`` wins and keeps its escapes, ``%2F`` too. What may not
    stand in a URL is percent-encoded, dot segments stay. The path ``*`` becomes empty (RFC 9112
    3.3), any other is below ``/``. Never raises.

    >>> request_url(scheme="http", host="example.com:80", server=None, path="/a b/c/d",
    ...             raw_path=b"/a%20b/c%2Fd", query_string=b"q=1")
    URL('http://example.com/a%20b/c%2Fd?q=1')
    """
    name, port = _host_or_server(host, server)
    authority = f"[{name}]" if ":" in name else name
    if port is not None and port != _DEFAULT_PORTS.get(scheme):
        authority = f"{authority}:{port}"
    return URL.build(
        scheme=scheme,
        authority=authority,
        path=written_path(path, raw_path),
        query_string=quote_query(query_string),
        encoded=True,
    )


def location(target: str | URL, *, allow_absolute: bool = True) -> str:
    r"""Write a URI reference for a Location field (RFC 9110 10.2.2).

    ``target`` is a reference that stays on this host (``/path?x#y``, ``path``, ``?x``, ``#y``) or,
    with ``allow_absolute``, a whole URL: ``http://`` or ``https://`` and a host. It is for targets
    of your own; what a client sent goes through ``safe_redirect``.

    Spaces, non-ASCII and what else may not stand in a URI are percent-encoded; escapes are kept and
    nothing is decoded. A non-ASCII host is written in IDNA.

    Raises ``ValueError`` for what browsers read as something else than it looks: ``//host``, a
    backslash, control characters, another scheme, a user name before the host.

    >>> location("/käse?q=a b")
    '/k%C3%A4se?q=a%20b'
    >>> location("//example.org/")
    Traceback (most recent call last):
    ValueError: a redirect to '//...' leaves this host; write the whole URL
    """
    text = str(target)
    if not text:
        raise ValueError("a redirect needs a target")
    if _FORBIDDEN.search(text):
        raise ValueError("a redirect's target has no backslash and no control character")
    if text.startswith("//"):
        raise ValueError("a redirect to '//...' leaves this host; write the whole URL")
    if ":" not in _FIRST_BORDER.split(text, 1)[0]:  # a colon there ends a scheme (RFC 3986 4.2)
        return _quote_reference(text)
    match = _ABSOLUTE.fullmatch(text)
    if match is None or not allow_absolute:
        raise ValueError(
            "a redirect's target is a path or an http(s) URL with a host"
            if allow_absolute
            else "a redirect's target is a path here, not a URL"
        )
    scheme, authority, rest = match.groups()
    return f"{scheme}://{_ascii_authority(authority)}{_quote_reference(rest)}"


def quote_query(query_string: bytes) -> str:
    """Write a query as it came; what may not stand in one is percent-encoded, escapes are kept.

    >>> quote_query(b"q=a b&r=%20")
    'q=a%20b&r=%20'
    """
    return _quote_bytes(query_string, _QUERY_SAFE)


def safe_redirect(target: str | None, default: str = "/") -> str:
    r"""Make a target for a redirect of what a client sent, as in ``?next=/account``.

    Gives ``target``, percent-encoded as by ``location``, if it is a path from ``/`` on, with or
    without a query and a fragment; ``default`` for ``None`` and for all else: URLs, ``//host``,
    and paths that become one of these, or hold a backslash or a control character, once somebody
    decodes them. ``default`` is given as it is. Never raises.

    >>> safe_redirect("/account?tab=2"), safe_redirect("//evil.example"), safe_redirect("/%5Cevil")
    ('/account?tab=2', '/', '/')
    """
    if target is None or not target.startswith("/"):
        return default
    try:
        written = location(target, allow_absolute=False)
    except ValueError:
        return default
    decoded = unquote(_PATH_END.split(written, 1)[0])
    return default if decoded.startswith("//") or _FORBIDDEN.search(decoded) else written


def written_path(path: str, raw_path: bytes | None = None) -> str:
    """Write a request's path as ``request_url`` does: as it came, as far as a URL can have it.

    >>> written_path("/a b/c/d", b"/a b/c%2Fd")
    '/a%20b/c%2Fd'
    """
    # A "?" in raw_path is from a server that left the query there.
    raw = raw_path.partition(b"?")[0] if raw_path else b""
    written = _quote_bytes(raw, _PATH_SAFE) if raw else quote_path(path)
    if written.startswith("/"):
        return written
    return "" if written == "*" else f"/{written}"


def path_reference(root_path: str, segments: list[str], query_string: bytes = b"") -> str:
    """Write a target for a redirect of decoded segments below ``root_path``, with a raw query.

    It begins with one slash, whatever they hold, so it stays on this host (RFC 3986 4.2).

    >>> path_reference("/app", ["a b", ""], b"q=1"), path_reference("", ["", "evil.example", ""])
    ('/app/a%20b/?q=1', '/evil.example/')
    """
    path = "/" + (quote_path(root_path.strip("/")) + quote_segments(segments)).lstrip("/")
    query = quote_query(query_string)  # browsers send some bytes as they are
    return f"{path}?{query}" if query else path


def _parse_name(name: str) -> str:
    labels = name.removesuffix(".")
    if len(labels) > _MAX_NAME:
        raise BadInput("host", f"is over {_MAX_NAME} characters")
    if not all(0 < len(label) <= _MAX_LABEL for label in labels.split(".")):
        raise BadInput("host", f"has a label that is empty or over {_MAX_LABEL} characters")
    name = name.lower()
    if _DOTTED.fullmatch(labels) and _V4.fullmatch(name) is None:
        # No name looks like an address (RFC 1123 2.1), and nobody else reads it alike.
        raise BadInput("host", "is not an IPv4 address")
    if "xn--" in name:
        # RFC 5891 5.4: a label that looks like IDNA must be; URL.host would raise for it later.
        try:
            _ = URL.build(scheme="http", authority=name, encoded=True).host
        except UnicodeError:
            raise BadInput("host", "has a label that is not IDNA") from None
    return name


def _parse_v6(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except ValueError:
        raise BadInput("host", "is not an IPv6 address") from None


def _host_or_server(
    host: str | None, server: tuple[str, int | None] | None
) -> tuple[str, int | None]:
    if host is not None:
        try:
            return parse_host(host)
        except BadInput:
            pass
    if server is not None and server[1] is not None:
        name, port = server
        try:
            return parse_host(f"[{name}]" if ":" in name else name)[0], port
        except BadInput:
            pass
    return "localhost", None


def _quote_bytes(raw: bytes, safe: str) -> str:
    text = raw.decode("latin-1")
    return text if _UNQUOTED.fullmatch(text) else quote(raw, safe)


def _quote_reference(text: str) -> str:
    return quote(_BARE_PERCENT.sub("%25", text), _REFERENCE_SAFE)


def _ascii_authority(authority: str) -> str:
    """Check host and port of an absolute URL of the caller's; non-ASCII names become IDNA."""
    name, colon, port = authority.partition(":")
    try:
        if not name.isascii() and len(name) <= _MAX_NAME:
            encoded = URL.build(scheme="http", host=name).raw_host or ""
            authority = f"{encoded}{colon}{port}"
        parse_host(authority)
    except (BadInput, ValueError):
        raise ValueError("a redirect's URL has a host, without a user name before it") from None
    return authority
