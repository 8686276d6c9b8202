"""Cache-Control: RFC 9111 section 5.2.2, with ``immutable`` (RFC 8246) and RFC 5861.

What a response allows caches to do. ``Vary`` is written by ``MutableHeaders.add_vary``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

__all__ = ("IMMUTABLE", "REVALIDATE", "CacheControl")


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheControl:
    """The directives of a response; ``str`` of it is the field's value. Times are in seconds.

    ``public``: shared caches may keep it, even with ``Authorization``. ``private``: the browser
    alone. ``no_cache``: kept, but asked about each time (304 if it is the same). ``no_store``: not
    kept at all. ``immutable``: not asked about even when the user reloads.

    Raises ``ValueError`` for ``public`` with ``private``, for ``no_store`` with what says how long
    to keep it, and for a time below 0.

    >>> str(CacheControl(public=True, max_age=600))
    'public, max-age=600'
    """

    public: bool = False
    private: bool = False
    no_cache: bool = False
    no_store: bool = False
    no_transform: bool = False
    must_revalidate: bool = False
    proxy_revalidate: bool = False
    must_understand: bool = False
    immutable: bool = False
    max_age: int | None = None
    s_maxage: int | None = None
    stale_while_revalidate: int | None = None
    stale_if_error: int | None = None

    def __post_init__(self) -> None:
        times = {
            name: value
            for name in ("max_age", "s_maxage", "stale_while_revalidate", "stale_if_error")
            if (value := getattr(self, name)) is not None
        }
        if self.public and self.private:
            raise ValueError("cache control is public or private, not both")
        if self.no_store and (times or self.immutable or self.public):
            raise ValueError("what is not stored (no_store) has no lifetime")
        for name, value in times.items():
            if value < 0:
                raise ValueError(f"{name} is at least 0 seconds, not {value}")

    def __str__(self) -> str:
        directives: list[str] = []
        for field in fields(self):
            value: object = getattr(self, field.name)
            name = field.name.replace("_", "-")
            if value is True:
                directives.append(name)
            elif value is not False and value is not None:
                directives.append(f"{name}={value}")
        return ", ".join(directives)


REVALIDATE: Final = CacheControl(no_cache=True)
"""Caches may keep it and ask each time whether it is still the same."""

IMMUTABLE: Final = CacheControl(public=True, max_age=31_536_000, immutable=True)
"""A year, and never asked about: for names that change with their content."""
