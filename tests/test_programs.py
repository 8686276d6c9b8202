"""A missing program skips a test at home and fails it in CI."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.programs import require_package, require_program


def test_a_program_that_is_there() -> None:
    assert require_program("no-such-program", "sh", package="dash").endswith("/sh")


def test_a_missing_program_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORTICO_CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install nothing"):
        require_program("no-such-program", package="nothing")


def test_a_missing_program_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTICO_CI", "1")
    with pytest.raises(pytest.fail.Exception, match="apt-get install nothing"):
        require_program("no-such-program", package="nothing")


def test_a_package_of_node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PORTICO_CI", raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(pytest.skip.Exception, match="make node"):
        require_package("ws")
    folder = tmp_path / "node" / "node_modules"
    (folder / "ws").mkdir(parents=True)
    assert require_package("ws") == folder
