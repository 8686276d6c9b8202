"""``portico.connection.uploads``."""

# these files are small, and nobody else runs

from __future__ import annotations

import io
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import patch

import pytest

from portico import FormLimits, UploadFile
from portico.connection.uploads import Saving, Spool, close_files
from portico.http.parts import PartHead
from tests.connection.test_forms import cut, made, part, whole

pytestmark = pytest.mark.anyio

CONTENT = bytes(range(256)) * 3000  # three pieces of what iteration gives
KINDS = pytest.mark.parametrize("is_in_memory", [True, False], ids=["memory", "disk"])


@asynccontextmanager
async def uploaded(
    *, is_in_memory: bool, content: bytes = CONTENT, filename: str = "../../name.txt"
) -> AsyncGenerator[UploadFile, None]:
    limits = FormLimits(spool_bytes=len(content) if is_in_memory else len(content) - 1)
    async with made(cut(whole(part("f", content, filename)))).form(limits) as form:
        file = form["f"]
        assert isinstance(file, UploadFile)
        assert file.is_in_memory == is_in_memory
        yield file


@KINDS
async def test_what_it_is(*, is_in_memory: bool) -> None:
    async with uploaded(is_in_memory=is_in_memory) as file:
        assert (file.name, file.filename, file.size) == ("f", "../../name.txt", len(CONTENT))
        assert file.content_type is None
        assert "content-disposition" in file.headers
        assert repr(file) == f"<UploadFile 'f', {len(CONTENT)} bytes>"
        assert file.file.read(3) == CONTENT[:3]
        assert [file.is_closed] == [False]
    assert file.is_closed
    await file.close()


@KINDS
async def test_it_is_a_file(*, is_in_memory: bool) -> None:
    async with uploaded(is_in_memory=is_in_memory) as file:
        assert await file.read(5) == CONTENT[:5]
        assert file.tell() == 5
        assert await file.read() == CONTENT[5:]
        assert await file.read() == b""
        assert await file.seek(-4, 2) == len(CONTENT) - 4
        assert await file.write(b"12") == 2
        await file.seek(-4, 2)
        assert await file.read() == b"12" + CONTENT[-2:]
        await file.seek(0)
        pieces = [piece async for piece in file]
        assert b"".join(pieces) == CONTENT[:-4] + b"12" + CONTENT[-2:]
        assert max(map(len, pieces)) == 256 * 1024


@KINDS
async def test_save_to_writes_the_whole_file(tmp_path: Path, *, is_in_memory: bool) -> None:
    path = tmp_path / "saved"
    async with uploaded(is_in_memory=is_in_memory) as file:
        await file.seek(7)
        await file.save_to(path)
        assert path.read_bytes() == CONTENT
        assert file.tell() == 7
        path.write_bytes(b"older")
        await file.save_to(str(path))
    assert path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [path]


async def test_save_to_leaves_nothing_behind_if_it_fails(tmp_path: Path) -> None:
    (tmp_path / "is_a_directory").mkdir()
    async with uploaded(is_in_memory=True) as file:
        with pytest.raises(OSError, match="directory"):
            await file.save_to(tmp_path / "is_a_directory")
        with pytest.raises(FileNotFoundError):
            await file.save_to(tmp_path / "missing" / "x")
    assert [path.name for path in tmp_path.rglob("*")] == ["is_a_directory"]


@KINDS
async def test_copy_to_writes_into_a_path_or_a_file(tmp_path: Path, *, is_in_memory: bool) -> None:
    path, target = tmp_path / "copy", io.BytesIO()
    async with uploaded(is_in_memory=is_in_memory) as file:
        await file.seek(9)
        await file.copy_to(path)
        await file.copy_to(target)
        assert file.tell() == 9
    assert path.read_bytes() == CONTENT
    assert target.getvalue() == CONTENT


async def test_a_file_on_disk_has_no_name_there() -> None:
    async with uploaded(is_in_memory=False) as file:
        link = Path(f"/proc/self/fd/{file.file.fileno()}")
        if link.parent.exists():
            assert link.readlink().name.endswith("(deleted)")


async def test_one_that_nobody_closes_closes_itself() -> None:
    async with uploaded(is_in_memory=False) as file:
        inner = file.detach().file
    assert not inner.closed
    del file
    assert inner.closed


async def test_closing_several_is_one_trip() -> None:
    spool = Spool()
    spool.add(b"1")
    spool.write_out()
    assert spool.file is not None
    on_disk = UploadFile(PartHead("a", "f", ""), spool.file, 1)
    in_memory = UploadFile(PartHead("a", "f", ""), io.BytesIO(b"1"), 1)
    await close_files([on_disk, in_memory])
    assert on_disk.is_closed
    assert in_memory.is_closed
    await close_files([])


def test_small_pieces_are_held_as_one() -> None:
    spool = Spool()
    for number in range(300_000):
        spool.add(b"%d" % (number % 10))
    assert (spool.size, spool.held_bytes) == (300_000, 300_000)
    assert len(spool._pieces) <= 4
    assert spool.content() == b"0123456789" * 30_000
    spool.add(bytes(5000))
    spool.write_out()
    assert (spool.size, spool.held_bytes, spool.content()) == (305_000, 0, b"")
    assert spool.file is not None
    assert spool.file.tell() == 305_000
    spool.file.close()


@pytest.mark.parametrize("most", [None, 0, 1, 700, 10**9])
def test_what_is_held_is_written_whatever_a_system_takes_at_once(most: int | None) -> None:
    """``None``: it takes one piece in a call."""
    content = b"".join(b"%05d" % number * 1000 for number in range(1500))

    def short(fd: int, pieces: Sequence[bytes | bytearray]) -> int:
        return os.write(fd, b"".join(pieces)[:most])

    spool = Spool()
    for at in range(0, len(content), 5000):
        spool.add(content[at : at + 5000])
    with patch("portico.connection.uploads._writev", None if most is None else short):
        spool.write_out()
    assert spool.file is not None
    spool.file.seek(0)
    assert spool.file.read() == content
    spool.file.close()


def test_what_is_saved_is_there_at_the_end_alone(tmp_path: Path) -> None:
    path = tmp_path / "x"
    saving = Saving(path)
    saving.discard()  # nothing was written
    saving = Saving(path)
    saving.add(b"1")
    saving.write_out()
    assert not path.exists()
    saving.add(b"2")
    saving.finish()
    assert path.read_bytes() == b"12"
    saving = Saving(path)
    saving.write_out()
    saving.discard()
    assert list(tmp_path.iterdir()) == [path]
