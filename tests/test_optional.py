"""Extras that are not installed are answered with the line to type."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from portico._optional import import_extra


def test_an_installed_module_is_imported() -> None:
    assert import_extra("json", "nothing") is json


def test_a_missing_module_names_its_extra() -> None:
    with pytest.raises(ImportError, match=r"type: pip install 'portico\[sessions\]'") as caught:
        import_extra("no_such_module.inner", "sessions")
    assert caught.value.name == "no_such_module.inner"


def test_an_error_inside_the_module_is_not_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_extra.py").write_text("import no_such_module\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'no_such_module'$"):
        import_extra("broken_extra", "sessions")
