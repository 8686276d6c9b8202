"""Cookies: RFC 6265bis, the server's side.

``parse_cookies`` reads Cookie fields, ``format_cookie`` writes the value of a Set-Cookie field. A
value is text here; signing is another module's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Final, Literal, TypeAlias, TypedDict, Unpack

from multidict import MultiDict

from portico.http.dates import format_date
from portico.http.grammar import TOKEN

__all__ = (
    "MAX_COOKIES",
    "MAX_COOKIES_BYTES",
    "MAX_COOKIE_BYTES",
    "SameSite",
    "ScopeAttributes",
    "format_cookie",
    "format_deleted_cookie",
    "parse_cookies",
)

MAX_COOKIES: Final = 1000
"""Pairs that are read of a request, empty ones included; browsers send some 180 for a domain."""

MAX_COOKIES_BYTES: Final = 65_536
"""Bytes that are read of a request's Cookie fields together."""

MAX_COOKIE_BYTES: Final = 4096
"""Name and value together: browsers drop a cookie that is longer (5.6)."""

SameSite: TypeAlias = Literal["lax", "strict", "none"]
"""When a browser sends the cookie with requests that another site started."""

_MAX_PATH: Final = 1024
"""Bytes of a path: browsers ignore an attribute with a longer value (5.6)."""

_MAX_DOMAIN: Final = 253
"""Characters of a domain name (RFC 1035 2.3.4)."""

# cookie-name is a token, cookie-octet lacks blanks, quotes, comma, semicolon, backslash (4.1.1).
_NAME: Final = re.compile(TOKEN)
_VALUE: Final = re.compile(r"[!#-+\--:<-\[\]-~]*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")

# path-value, less what browsers take for no path; domain-value in the syntax of RFC 1123 2.1, with
# the underscore that names in use have.
_PATH: Final = re.compile(r"/(?:[ -:<-~]*[!-:<-~])?")
_DOMAIN: Final = re.compile(r"[0-9A-Za-z_-]{1,63}(?:\.[0-9A-Za-z_-]{1,63})*")

_SAME_SITE: Final = {"lax": "Lax", "strict": "Strict", "none": "None"}

_QUOTED: Final = tuple(
    chr(byte) if byte == 0x20 or _VALUE.fullmatch(chr(byte)) else f"\\{byte:03o}"
    for byte in range(256)
)
_PIECES: Final = re.compile(r"\\[0-3][0-7]{2}|\\.|[^\\]++|\\", re.DOTALL)
_ESCAPED: Final = {
    **{f"\\{byte:03o}": chr(byte) for byte in range(256) if not _CONTROL.match(chr(byte))},
    '\\"': '"',
    "\\\\": "\\",
}


def parse_cookies(fields: Iterable[str]) -> MultiDict[str]:
    r"""Read the values of a request's Cookie fields into a mapping; ``[]`` gives the first.

    ``fields`` is header text, that is latin-1; several are read as one, joined with ``; ``. Only
    ``;`` separates pairs, only spaces and tabs around names and values are dropped, and a pair
    without a name or without ``=`` is none. Where a name comes twice, the first is the one with
    the longer path (5.8.3). Names and values that are UTF-8 are given as such, others as latin-1.

    A value inside double quotes is given without them and without the escapes ``\"``, ``\\`` and
    ``\ooo`` (octal, as ``format_cookie`` writes); else it is as it came: ``%XX`` is not decoded.

    Never raises. What lies beyond ``MAX_COOKIES`` pairs or ``MAX_COOKIES_BYTES`` is not read.

    >>> cookies = parse_cookies(['theme=dark; id="a b"; id=2'])
    >>> cookies["theme"], cookies["id"], cookies.getall("id")
    ('dark', 'a b', ['a b', '2'])
    """
    text = "; ".join(fields)  # HTTP/2 may split the field (RFC 9113 8.2.3)
    if len(text) > MAX_COOKIES_BYTES:
        text = text[: max(text.rfind(";", 0, MAX_COOKIES_BYTES + 1), 0)]
    pairs: list[tuple[str, str]] = []
    for pair in text.split(";", MAX_COOKIES)[:MAX_COOKIES]:
        name, equals, value = pair.partition("=")
        name = name.strip(" \t")
        if equals and name:
            pairs.append((name, value.strip(" \t")))
    if '"' in text or not text.isascii():
        pairs = [(_decode(name), _decode(_unquote(value))) for name, value in pairs]
    return MultiDict(pairs)


class ScopeAttributes(TypedDict, total=False):
    """The attributes of a cookie that tell which one is meant and who gets it."""

    path: str | None
    domain: str | None
    secure: bool
    httponly: bool
    samesite: SameSite | None
    partitioned: bool


def format_cookie(  # noqa: PLR0913, PLR0917 - each is an attribute of RFC 6265bis 4.1.2
    key: str,
    value: str = "",
    max_age: int | None = None,
    expires: datetime | float | None = None,
    path: str | None = "/",
    domain: str | None = None,
    secure: bool = False,  # noqa: FBT001, FBT002 - people name it; positions are for set_cookie
    httponly: bool = False,  # noqa: FBT001, FBT002
    samesite: SameSite | None = "lax",
    partitioned: bool = False,  # noqa: FBT001, FBT002
) -> str:
    r"""Write a cookie as the value of a Set-Cookie field, in ASCII.

    ``key`` is its name, a token. ``value`` is any text without control characters; what may not
    stand in a cookie as it is (blanks, quotes, comma, semicolon, backslash, non-ASCII) is written
    inside double quotes, blanks as they are and the rest as ``\ooo``: ``parse_cookies`` gives it
    back.

    - ``max_age``: seconds until it is forgotten; 0 forgets it now. It wins over ``expires``.
    - ``expires``: when it is forgotten, an aware ``datetime`` or seconds since 1970. Without either
      it lives as long as the browser runs.
    - ``path``: where it is sent, from ``/`` on; ``None``: the directory of the request's path.
    - ``domain``: that host and those below it; ``None`` (the safe one): this host alone.
    - ``secure``: only over https. ``httponly``: not for scripts.
    - ``samesite``: ``"lax"``, ``"strict"``, ``"none"`` (needs ``secure``), or ``None`` for the
      browser's default. ``partitioned``: one for each top-level site (needs ``secure``).

    Raises ``ValueError`` that names the fault for whatever a browser would refuse, ignore or read
    otherwise: also for a name with ``__Secure-`` without ``secure``, for one with ``__Host-``
    without ``secure`` and path ``/`` or with a domain (4.1.3), and for name and value above 4,096
    bytes. ``TypeError`` for a name or a value that is no ``str``.

    >>> format_cookie("theme", "dark", max_age=3600, secure=True, httponly=True)
    'theme=dark; Max-Age=3600; Path=/; Secure; HttpOnly; SameSite=Lax'
    """
    try:
        is_prefixed, is_plain = _is_prefixed(key), _VALUE.fullmatch(value) is not None
    except TypeError:
        kinds = f"{type(key).__name__} and {type(value).__name__}"
        raise TypeError(f"a cookie's key and value are of type str, not {kinds}") from None
    if is_prefixed:
        _check_prefix(key, path=path, domain=domain, secure=secure)
    if not is_plain:
        value = _quote(key, value)
    if len(key) + len(value) > MAX_COOKIE_BYTES:
        raise ValueError(f"cookie {key[:64]!r}: name and value are over {MAX_COOKIE_BYTES} bytes")
    if max_age is not None and (type(max_age) is not int or max_age < 0):  # pyright: ignore[reportUnnecessaryComparison]
        raise ValueError("max_age is a whole number of seconds, 0 or more")
    attributes = _attributes(max_age, path, domain, secure, httponly, samesite, partitioned)
    if expires is not None:
        return f"{key}={value}; Expires={_expiry(expires)}{attributes}"
    return f"{key}={value}{attributes}"


def format_deleted_cookie(key: str, **attributes: Unpack[ScopeAttributes]) -> str:
    """Write a Set-Cookie value that makes a browser forget a cookie.

    Name, path, domain and ``partitioned`` must be as they were when it was set, or another cookie
    is meant (5.7). Raises as ``format_cookie`` does.

    >>> format_deleted_cookie("theme")
    'theme=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax'
    """
    return format_cookie(key, max_age=0, expires=0, **attributes)


@lru_cache(maxsize=256)  # an application has a few names, which are checked once
def _is_prefixed(key: str) -> bool:
    """Check a name, and tell whether it may have a prefix that means something (4.1.3)."""
    if _NAME.fullmatch(key) is None:
        raise ValueError(f"cookie name {key[:64]!r} is not a token")
    return key.startswith("__")


@lru_cache(maxsize=64)  # an application has a few sets of attributes
def _attributes(  # noqa: PLR0917 - a cache is fastest so
    max_age: int | None,
    path: str | None,
    domain: str | None,
    secure: bool,  # noqa: FBT001
    httponly: bool,  # noqa: FBT001
    samesite: str | None,
    partitioned: bool,  # noqa: FBT001
) -> str:
    parts = [""]
    if max_age is not None:
        parts.append(f"Max-Age={max_age}")
    if path is not None:
        parts.append(f"Path={_check_path(path)}")
    if domain is not None:
        parts.append(f"Domain={_check_domain(domain)}")
    if secure:
        parts.append("Secure")
    if httponly:
        parts.append("HttpOnly")
    if samesite is not None:
        parts.append(f"SameSite={_check_same_site(samesite, secure=secure)}")
    if partitioned:
        if not secure:
            raise ValueError("a partitioned cookie needs secure=True")
        parts.append("Partitioned")
    return "; ".join(parts)


def _check_path(path: str) -> str:
    if _PATH.fullmatch(path) is None:
        raise ValueError(
            "a cookie's path begins with '/', is ASCII (percent-encode the rest), has no ';', no"
            " control character and no blank at its end"
        )
    if len(path) > _MAX_PATH:
        raise ValueError(f"a cookie's path is at most {_MAX_PATH} bytes")
    return path


def _check_domain(domain: str) -> str:
    name = domain.removeprefix(".")  # browsers do so too (5.6.3)
    if _DOMAIN.fullmatch(name) is None or len(name) > _MAX_DOMAIN:
        raise ValueError("a cookie's domain is a host name in ASCII, as in 'example.com'")
    return name


def _check_same_site(samesite: str, *, secure: bool) -> str:
    written = _SAME_SITE.get(samesite.lower())
    if written is None:
        raise ValueError("samesite is 'lax', 'strict', 'none' or None")
    if written == "None" and not secure:  # 5.7: browsers drop it
        raise ValueError("samesite='none' needs secure=True")
    return written


def _check_prefix(name: str, *, path: str | None, domain: str | None, secure: bool) -> None:
    prefix = name[:9].lower()  # browsers compare them so (5.4)
    is_host = prefix.startswith("__host-")
    if (is_host or prefix == "__secure-") and not secure:
        raise ValueError(f"cookie {name[:64]!r}: its prefix needs secure=True")
    if is_host and (path != "/" or domain is not None):
        raise ValueError(f"cookie {name[:64]!r}: its prefix needs path='/' and no domain")


def _expiry(expires: datetime | float) -> str:
    date = format_date(expires)
    if date[12:16] < "1601":  # browsers do not read such a date (5.1.1)
        raise ValueError("a cookie expires in 1601 or later")
    return date


def _quote(name: str, value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError(
            f"cookie {name[:64]!r}: its value holds a control character; encode it, for example"
            " with urllib.parse.quote"
        )
    try:
        raw = value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"cookie {name[:64]!r}: its value holds a lone surrogate") from None
    return '"' + "".join([_QUOTED[byte] for byte in raw]) + '"'


def _unquote(value: str) -> str:
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    value = value[1:-1]
    if "\\" not in value:
        return value
    pieces: list[str] = _PIECES.findall(value)
    return "".join([_ESCAPED.get(piece, piece) for piece in pieces])


def _decode(text: str) -> str:
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text
