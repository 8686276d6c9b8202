"""Files that visitors bring: a private directory with limits, gone when the server stops.

On disk a file has a random name of ours; the one that its owner gave is text to be shown.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from portico import HTTPException, UploadFile
from portico.http.media_types import media_type_of

__all__ = ("MAX_ITEMS", "MAX_SHELF_BYTES", "Item", "Shelf", "open_shelf")

MAX_ITEMS = 100
MAX_SHELF_BYTES = 256 * 1024 * 1024
MAX_NAME = 100

# Types in which nothing can run. Whatever else a file says that it is, it is sent as bytes.
PASSIVE_TYPES = {
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "image/avif",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/plain",
    "video/mp4",
    "video/webm",
}


class Item(msgspec.Struct, frozen=True):
    id: str
    name: str
    media_type: str
    size: int
    added: datetime


class Shelf:
    """The files in ``folder``: at most ``MAX_ITEMS`` of ``MAX_SHELF_BYTES`` together."""

    def __init__(self, folder: Path) -> None:
        self._folder: Path = folder
        self._items: dict[str, Item] = {}

    def __iter__(self) -> Iterator[Item]:
        """Give the items, the newest first."""
        return iter([*reversed(self._items.values())])

    @property
    def size(self) -> int:
        """Bytes of all items."""
        return sum(item.size for item in self._items.values())

    def find(self, item_id: str) -> Item:
        """Look an item up; 404 if there is none."""
        try:
            return self._items[item_id]
        except KeyError:
            raise HTTPException.not_found("There is no such file.") from None

    def path(self, item: Item) -> Path:
        return self._folder / item.id

    async def add(self, uploads: Sequence[UploadFile]) -> list[Item]:
        """Keep all of the files, or none of them: 409 if there is no room."""
        items = [_describe(upload) for upload in uploads]
        if len(self._items) + len(items) > MAX_ITEMS:
            raise HTTPException.conflict(f"There is room for {MAX_ITEMS} files; delete some first.")
        if self.size + sum(item.size for item in items) > MAX_SHELF_BYTES:
            mebibytes = MAX_SHELF_BYTES // 1024**2
            raise HTTPException.conflict(f"There is room for {mebibytes} MiB; delete some first.")
        # Their place is taken before anything is waited for, so that the limits hold for all.
        self._items |= {item.id: item for item in items}
        try:
            for item, upload in zip(items, uploads, strict=True):
                await upload.save_to(self.path(item))
        except BaseException:
            self._drop(items)
            raise
        return items

    def remove(self, item: Item) -> None:
        """Forget an item; whoever is downloading it gets the rest."""
        self._drop([item])

    def _drop(self, items: Iterable[Item]) -> None:
        for item in items:
            self._items.pop(item.id, None)
            self.path(item).unlink(missing_ok=True)


@contextmanager
def open_shelf() -> Iterator[Shelf]:
    """Make a shelf in a directory that nobody else may enter, and that goes with it."""
    with TemporaryDirectory(prefix="portico-showcase-") as folder:
        yield Shelf(Path(folder))


def _describe(upload: UploadFile) -> Item:
    # Some clients send a path; what cannot be printed would spoil the page.
    last = upload.filename.replace("\\", "/").rpartition("/")[2][:MAX_NAME]
    name = "".join(letter if letter.isprintable() else "_" for letter in last) or "file"
    media_type = media_type_of(name)
    if media_type not in PASSIVE_TYPES:
        media_type = "application/octet-stream"
    return Item(secrets.token_hex(8), name, media_type, upload.size, datetime.now(UTC))
