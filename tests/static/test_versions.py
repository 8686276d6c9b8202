"""Hashes, and how long they are believed."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from portico.static import versions
from portico.static.versions import Versions


def take(kept: Versions, path: Path) -> str:
    return kept.take(str(path), partial(os.open, path, os.O_RDONLY))


def test_a_hash_counts_while_the_file_stays(tmp_path: Path) -> None:
    path, kept = tmp_path / "a", Versions()
    path.write_text("a")
    assert kept.known(str(path), path.stat()) is None
    version = take(kept, path)
    assert kept.known(str(path), path.stat()) == version
    path.write_text("bb")
    assert kept.known(str(path), path.stat()) is None
    assert take(kept, path) != version


def test_a_file_that_changes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, kept = tmp_path / "a", Versions()
    path.write_text("a")
    really_read = os.read

    def change(descriptor: int, length: int) -> bytes:
        path.write_text("more")
        return really_read(descriptor, length)

    monkeypatch.setattr("os.read", change)
    take(kept, path)
    monkeypatch.undo()
    assert kept.known(str(path), path.stat()) is None


def test_so_many_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "_MOST", 2)
    kept, paths = Versions(), [tmp_path / name for name in "abc"]
    for path in paths:
        path.write_text("x")
        take(kept, path)
    assert [kept.known(str(path), path.stat()) is None for path in paths] == [True, False, False]
