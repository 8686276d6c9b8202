"""A directory that files are served from: looks and opens below it, without following links.

Names come from ``names``, so no path leaves the directory by what it says; links are what could
still lead out. On systems that can, each directory on the way is opened in the one before it,
which no exchange of a directory for a link can fool.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final, final

from portico.response._open_file import OPEN_FLAGS

__all__ = ("Root", "package_directory")

_NO_FOLLOW: Final[int] = getattr(os, "O_NOFOLLOW", 0)
_DIRECTORY: Final[int] = (
    getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
)
_OPENS_STEP_BY_STEP: Final = bool(_NO_FOLLOW) and os.open in os.supports_dir_fd


@final
class Root:
    """One directory. What it is given are safe names, at least one.

    Raises ``ValueError`` if the directory is not there.
    """

    def __init__(self, directory: str | os.PathLike[str], *, follow_symlinks: bool = False) -> None:
        # Not resolved: the directory itself may be a link that is moved when a site is deployed.
        self.directory: str = os.path.abspath(directory)  # noqa: PTH100
        self._prefix: str = os.path.join(self.directory, "")  # noqa: PTH118
        self._follow_symlinks: bool = follow_symlinks
        if not os.path.isdir(self.directory):  # noqa: PTH112
            raise ValueError(f"there is no directory {self.directory!r}")

    def path(self, names: Sequence[str]) -> str:
        """Give the absolute path of what the names lead to."""
        return self._prefix + os.sep.join(names)  # noqa: PTH118

    def stat(self, names: Sequence[str]) -> os.stat_result:
        """Look at what the names lead to; raises ``OSError`` or ``ValueError`` as ``os.stat`` does.

        Unless links are followed, one on the way is an error, and one at the end is what is seen:
        no regular file and no directory.
        """
        if self._follow_symlinks:
            return os.stat(self.path(names))  # noqa: PTH116
        path = self._prefix
        if len(names) > 1:
            for name in names[:-1]:
                path += name
                if not stat.S_ISDIR(os.lstat(path).st_mode):
                    raise NotADirectoryError(errno.ENOTDIR, "no directory")
                path += os.sep
        return os.lstat(path + names[-1])

    def open(self, names: Sequence[str]) -> int:
        """Open what the names lead to, to read; gives a descriptor, raises as ``os.open`` does."""
        if self._follow_symlinks:
            return os.open(self.path(names), OPEN_FLAGS)
        if not _OPENS_STEP_BY_STEP:
            return self._open_and_compare(names)
        if len(names) == 1:
            return os.open(self.path(names), OPEN_FLAGS | _NO_FOLLOW)
        directory = os.open(self.directory, _DIRECTORY)
        try:
            for name in names[:-1]:
                inner = os.open(name, _DIRECTORY | _NO_FOLLOW, dir_fd=directory)
                os.close(directory)
                directory = inner
            return os.open(names[-1], OPEN_FLAGS | _NO_FOLLOW, dir_fd=directory)
        finally:
            os.close(directory)

    def _open_and_compare(self, names: Sequence[str]) -> int:
        """Open it, then refuse it if the path that the system knows it by is another."""
        path = self.path(names)
        descriptor = os.open(path, OPEN_FLAGS)
        try:
            here = os.path.join(os.path.realpath(self.directory), *names)  # noqa: PTH118
            is_here = os.path.normcase(os.path.realpath(path)) == os.path.normcase(here)
            if is_here and os.path.samestat(os.lstat(path), os.fstat(descriptor)):
                descriptor, kept = -1, descriptor
                return kept
            raise FileNotFoundError(errno.ENOENT, "a link")
        finally:
            if descriptor >= 0:
                os.close(descriptor)


def package_directory(package: str, directory: str | os.PathLike[str]) -> str:
    """Give the path of ``directory`` inside an installed package, which is not imported.

    Raises ``ValueError`` if there is no such package, or it is not in a directory.
    """
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        spec = None
    places = list((spec and spec.submodule_search_locations) or ())
    if not places:
        raise ValueError(f"there is no package {package!r} in a directory")
    return os.path.join(places[0], directory)  # noqa: PTH118
