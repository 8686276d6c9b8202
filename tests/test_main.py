from __future__ import annotations

import runpy
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

SCRIPT = str(Path(sys.executable).with_name("portico"))


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        pytest.param([sys.executable, "-m", "portico", "--version"], "portico, version", id="-m"),
        pytest.param([SCRIPT, "--help"], "routes", id="the script beside python"),
    ],
)
def test_the_command(command: list[str], printed: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own words
    assert printed in done.stdout


def test_only_the_main_process_runs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server's worker processes import the file under another name."""
    monkeypatch.setattr(sys, "argv", ["portico", "--help"])
    monkeypatch.delitem(sys.modules, "portico.__main__", raising=False)
    import_module("portico.__main__")
    assert capsys.readouterr().out == ""
    monkeypatch.delitem(sys.modules, "portico.__main__")
    with pytest.raises(SystemExit):
        runpy.run_module("portico", run_name="__main__")
    assert "routes" in capsys.readouterr().out
