"""Hashes of what files hold, kept for as long as the files stay as they are."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, final

from portico.response.transfer import file_etag

__all__ = ("Versions",)

_MOST: Final = 4096
"""Files whose hash is kept; of more, the one kept longest goes."""

_PIECE: Final = 1 << 20
_DIGITS: Final = 32


@final
class Versions:
    """Hashes by path. One that was taken counts while the file's time, size and number stay."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, str]] = {}

    def known(self, path: str, state: os.stat_result) -> str | None:
        """Give the hash of a file in this state; ``None`` if it was not taken yet."""
        kept = self._kept.get(path)
        return kept[1] if kept is not None and kept[0] == file_etag(state) else None

    def take(self, path: str, open_file: Callable[[], int]) -> str:
        """Read a file and keep its hash. Takes as long as reading it: call it in a thread.

        Raises ``OSError`` or ``ValueError`` if the file cannot be opened or read.
        """
        from hashlib import sha256  # noqa: PLC0415 - brings OpenSSL, for who asks for a hash

        descriptor = open_file()
        try:
            state = file_etag(os.fstat(descriptor))
            digest = sha256()
            while piece := os.read(descriptor, _PIECE):
                digest.update(piece)
            # Changed meanwhile, it is hashed anew when it is asked for: this is of neither state.
            is_steady = state == file_etag(os.fstat(descriptor))
        finally:
            os.close(descriptor)
        version = digest.hexdigest()[:_DIGITS]
        if is_steady:
            if len(self._kept) >= _MOST:
                del self._kept[next(iter(self._kept))]
            self._kept[path] = state, version
        return version
