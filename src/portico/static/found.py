"""A file that was found below a root."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import final

from portico.response._open_file import refusal
from portico.response.transfer import file_etag
from portico.static.roots import Root
from portico.static.versions import Versions

__all__ = ("Found", "pass_over")


@final
class Found:
    """A regular file below a root, and what a look at it said; a ``FileSource``."""

    __slots__ = ("_versions", "names", "root", "state")

    def __init__(
        self,
        root: Root,
        names: Sequence[str],
        state: os.stat_result,
        versions: Versions | None = None,
    ) -> None:
        self.root: Root = root
        self.names: Sequence[str] = names
        self.state: os.stat_result = state
        self._versions: Versions | None = versions

    def path(self) -> str:
        """Give its absolute path."""
        return self.root.path(self.names)

    def stat(self) -> os.stat_result:
        """Look at it again."""
        return self.root.stat(self.names)

    def open(self) -> int:
        """Open it to read; gives a descriptor."""
        return self.root.open(self.names)

    def etag(self, found: os.stat_result) -> str:
        """Write its entity tag: of its hash, if that is known, else of its state."""
        version = None if self._versions is None else self._versions.known(self.path(), found)
        return file_etag(found) if version is None else f'"{version}"'


def pass_over(error: OSError | ValueError) -> None:
    """Do nothing about what is not there; raise the refusal, or the fault, of any other error."""
    refused = refusal(error)
    if refused is None:
        raise error
    if refused.status_code != 404:
        raise refused from None
