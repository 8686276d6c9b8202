"""The list of what is in a directory, as HTML."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

from portico.http.paths import quote_segments
from portico.static.names import is_safe_name
from portico.static.roots import Root

__all__ = ("MAX_LISTED", "Entry", "list_directory", "render_listing")

MAX_LISTED: Final = 5000
"""Entries that a list has at most."""

_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<h1>{title}</h1>
<ul>
{items}
</ul>
"""


class Entry(NamedTuple):
    """A file or a directory that can be asked for; ``size`` in bytes, ``None`` for a directory."""

    name: str
    size: int | None


def list_directory(root: Root, names: Sequence[str]) -> list[Entry]:
    """List what would be served below a directory of safe names; directories first, by name.

    Reads the disk: call it in a thread. Raises ``OSError``. The names ``()`` are the root itself.
    """
    entries: list[Entry] = []
    if names and not stat.S_ISDIR(root.stat(names).st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "no directory")
    with os.scandir(root.path(names)) as found:
        for each in found:
            if len(entries) >= MAX_LISTED:
                break
            if not is_safe_name(each.name):
                continue
            try:
                state = root.stat([*names, each.name])
            except OSError:
                continue
            if stat.S_ISDIR(state.st_mode):
                entries.append(Entry(each.name, None))
            elif stat.S_ISREG(state.st_mode):
                entries.append(Entry(each.name, state.st_size))
    return sorted(entries, key=lambda entry: (entry.size is not None, entry.name))


def render_listing(title: str, entries: Sequence[Entry], *, has_parent: bool) -> str:
    """Write the page; names are escaped, and links stay below.

    >>> "&lt;b&gt;" in render_listing("/", [Entry("<b>", 1)], has_parent=False)
    True
    """
    items = ['<li><a href="../">../</a></li>'] if has_parent else []
    for name, size in entries:
        slash = "/" if size is None else ""
        # "./" so that no name is taken for a scheme; what URLs cannot hold is percent-encoded.
        link = f".{quote_segments([name])}{slash}"
        note = "" if size is None else f" <small>{size}</small>"
        items.append(f'<li><a href="{escape(link)}">{escape(name)}{slash}</a>{note}</li>')
    return _PAGE.format(title=escape(title), items="\n".join(items))
