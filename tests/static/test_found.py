"""What was found below a root, and what is passed over."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from portico import HTTPException
from portico.response.transfer import file_etag
from portico.static.found import Found, pass_over
from portico.static.roots import Root
from portico.static.versions import Versions


@pytest.mark.parametrize("error", [FileNotFoundError(errno.ENOENT, ""), ValueError("NUL")])
def test_what_is_not_there_is_passed_over(error: OSError | ValueError) -> None:
    pass_over(error)


def test_what_may_not_be_seen_is_refused() -> None:
    with pytest.raises(HTTPException) as caught:
        pass_over(PermissionError(errno.EACCES, ""))
    assert caught.value.status_code == 403


def test_faults_are_raised() -> None:
    with pytest.raises(OSError, match="broken"):
        pass_over(OSError(errno.EIO, "broken"))


def test_the_tag_is_of_the_hash_if_that_is_known(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    root, versions = Root(tmp_path), Versions()
    found = Found(root, ["a"], root.stat(["a"]), versions)
    assert found.etag(found.state) == file_etag(found.state)
    version = versions.take(found.path(), found.open)
    assert found.etag(found.state) == f'"{version}"'
    assert found.stat().st_ino == found.state.st_ino
