"""Which paths may name a file: decided on the text, before the file system is asked anything.

A path that is refused here has never been looked up: on some systems a look alone opens a
connection to another machine, or hangs.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ("WELL_KNOWN", "is_safe_name", "safe_names")

# Devices, on Windows, in every directory and with any ending. Superscript digits are digits there.
_DEVICE: Final = (
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])[ ]*(?:\.|\Z)"
)

# No separator of paths, drives or streams on any system; U+FFFD is what was no UTF-8.
_CHARACTER: Final = r"[^\x00-\x1f\x7f/\\:\ufffd\ud800-\udfff]"

_SAFE: Final = re.compile(rf"(?!\.|{_DEVICE}){_CHARACTER}+(?<![. ])", re.IGNORECASE)

WELL_KNOWN: Final = ".well-known"
"""The one name with a dot that is served, at the top (RFC 8615)."""


def is_safe_name(name: str) -> bool:
    """Tell whether ``name`` may be that of a file or directory inside another, on every system.

    Refused are names with a separator, a colon or a control character, ``.``, ``..`` and all others
    that begin with a dot, those that end with a dot or a space (Windows drops it), and the names of
    its devices, such as ``con`` and ``aux.js``.

    >>> is_safe_name("site.css"), is_safe_name(".git"), is_safe_name("aux.js")
    (True, False, False)
    """
    return _SAFE.fullmatch(name) is not None


def safe_names(segments: list[str]) -> list[str] | None:
    """Give the names along a path that was split into decoded segments; ``None`` if one is unsafe.

    ``.well-known`` (RFC 8615) may be the first. An empty segment is unsafe, so take off the one
    that a slash at the end makes.

    >>> safe_names(["css", "site.css"]), safe_names(["..", "secret"]), safe_names(["a/b"])
    (['css', 'site.css'], None, None)
    """
    match_name = _SAFE.fullmatch
    for place, name in enumerate(segments):
        if match_name(name) is None and (place or name != WELL_KNOWN):
            return None
    return segments or None
