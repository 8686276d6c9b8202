"""The open file: what is read at once, what in a thread, and how it is closed."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from portico.response import _open_file
from portico.response._open_file import OPEN_FLAGS, OpenFile, refusal

CONTENT = os.urandom(10_000)


@pytest.fixture
async def file(tmp_path: Path) -> AsyncGenerator[OpenFile]:
    path = tmp_path / "data.bin"
    path.write_bytes(CONTENT)
    file = OpenFile(os.open(path, OPEN_FLAGS))
    yield file
    await file.close()


@pytest.mark.anyio
@pytest.mark.parametrize("way", ["at once", "partly in memory", "never in memory", "unknown", "no"])
async def test_every_way_gives_the_same_bytes(
    file: OpenFile, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_a_part(descriptor: int, buffers: list[memoryview], start: int, flags: int) -> int:
        data = os.pread(descriptor, 10, start)
        buffers[0][: len(data)] = data
        return len(data)

    def refuse(*arguments: object) -> int:
        raise OSError(errno.EAGAIN, "not in memory")

    if way == "partly in memory":
        monkeypatch.setattr("os.preadv", read_a_part)
    elif way == "never in memory":
        monkeypatch.setattr("os.preadv", refuse)
    elif way == "unknown":
        monkeypatch.setattr(_open_file, "_NO_WAIT", None)
        monkeypatch.delattr("os.posix_fadvise")
    elif way == "no":  # as on Windows
        monkeypatch.setattr(_open_file, "_NO_WAIT", None)
        monkeypatch.setattr(_open_file, "_pread", _open_file._seek_and_read)
    assert await file.read(0, 10_000) == CONTENT
    assert await file.read(9_000, 500) == CONTENT[9_000:9_500]
    assert await file.read(9_990, 100) == CONTENT[-10:]
    assert await file.read(20_000, 1) == b""


@pytest.mark.anyio
async def test_it_is_closed_once(file: OpenFile) -> None:
    await file.close()
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(file.descriptor)
    assert file._read(0, 10) == b""
    await file.close()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (FileNotFoundError(errno.ENOENT, ""), 404),
        (NotADirectoryError(errno.ENOTDIR, ""), 404),
        (ValueError("embedded null byte"), 404),
        (PermissionError(errno.EACCES, ""), 403),
        (OSError(errno.ENFILE, ""), 503),
        (OSError(errno.EIO, ""), None),
    ],
)
def test_refusals(error: OSError | ValueError, status: int | None) -> None:
    refused = refusal(error)
    assert (None if refused is None else refused.status_code) == status
