"""Looking and opening below a directory, with links on the way."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portico.static import roots
from portico.static.roots import Root, package_directory


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "sub" / "deep" / "b.txt").write_text("b")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "outside" / "secret.txt")
    (folder / "inner.txt").symlink_to("a.txt")
    (folder / "linked").symlink_to(tmp_path / "outside")
    (folder / "sub" / "linked").symlink_to(tmp_path / "outside")
    return folder


@pytest.fixture(params=["step by step", "compared"])
def root(request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Root:
    if request.param == "compared":
        monkeypatch.setattr(roots, "_OPENS_STEP_BY_STEP", False)
    return Root(folder)


def read(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def count_descriptors() -> int:
    return len(list(Path("/proc/self/fd").glob("*")))


@pytest.mark.parametrize(
    ("names", "content"), [(["a.txt"], b"a"), (["sub", "deep", "b.txt"], b"b")]
)
def test_what_is_there(root: Root, names: list[str], content: bytes) -> None:
    before = count_descriptors()
    assert root.stat(names).st_size == 1
    assert read(root.open(names)) == content
    assert root.path(names) == str(Path(root.directory, *names))
    assert count_descriptors() == before


REFUSED = [
    ["none.txt"],
    ["link.txt"],
    ["inner.txt"],
    ["linked", "secret.txt"],
    ["sub", "linked", "secret.txt"],
    ["a.txt", "x"],
    ["sub", "none", "x"],
    ["x" * 300],
]


@pytest.mark.parametrize("names", REFUSED)
def test_what_is_not(root: Root, names: list[str]) -> None:
    before = count_descriptors()
    if names[-1] in {"link.txt", "inner.txt"}:
        assert stat.S_ISLNK(root.stat(names).st_mode)
        ways: list[Callable[[list[str]], object]] = [root.open]
    else:
        ways = [root.stat, root.open]
    for way in ways:
        with pytest.raises(OSError, match=r"\[Errno") as caught:
            way(names)
        assert caught.value.errno in {
            errno.ENOENT,
            errno.ENOTDIR,
            errno.ELOOP,
            errno.ENAMETOOLONG,
        }
    assert count_descriptors() == before


def test_links_are_followed_if_told_so(folder: Path) -> None:
    root = Root(folder, follow_symlinks=True)
    assert root.stat(["link.txt"]).st_size == 6
    assert read(root.open(["linked", "secret.txt"])) == b"secret"


def test_the_directory_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(folder)
    root = Root(tmp_path / "current")
    assert read(root.open(["a.txt"])) == b"a"
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "a.txt").write_text("new")
    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to(tmp_path / "new")  # as a site is deployed
    assert read(root.open(["a.txt"])) == b"new"


@pytest.mark.parametrize("names", [["sub", "deep", "b.txt"], ["sub", "b.txt"]])
def test_a_directory_that_becomes_a_link_meanwhile(
    folder: Path, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look saw a directory; what is opened is not what a link leads to."""
    outside = folder.parent / "outside"
    (outside / "deep").mkdir()
    (outside / "deep" / "b.txt").write_text("secret")
    (outside / "b.txt").write_text("secret")
    really_open = os.open

    def exchange(*arguments: Any, **named: Any) -> int:
        monkeypatch.setattr("os.open", really_open)
        (folder / "sub").rename(folder / "old")
        (folder / "sub").symlink_to(outside)
        return really_open(*arguments, **named)

    root = Root(folder)
    monkeypatch.setattr("os.open", exchange)
    with pytest.raises(OSError, match=r"\[Errno"):
        root.open(names)


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "none", tmp_path / "file"):
        with pytest.raises(ValueError, match="no directory"):
            Root(path)


def test_special_files_do_not_wait(root: Root) -> None:
    os.mkfifo(Path(root.directory, "pipe"))
    os.close(root.open(["pipe"]))
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(root.directory)  # a socket's path is short
        try:
            listener.bind("socket")
        finally:
            os.chdir(here)
        with pytest.raises(OSError, match=r"\[Errno"):
            root.open(["socket"])


def test_packages() -> None:
    assert Path(package_directory("portico", "static"), "roots.py").is_file()
    for name in ("portico.nonsense", "nonsense", "portico.app", "os.path.x", ""):
        with pytest.raises(ValueError, match="no package"):
            package_directory(name, "static")
