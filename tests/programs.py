"""Programs that some tests need: skip where one is missing, fail in CI."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest

__all__ = ("require_package", "require_program")


def require_program(*names: str, package: str) -> str:
    """Give the path of the first program of ``names`` that is installed.

    Skips the test with the line that installs ``package``; fails it if ``PORTICO_CI`` is set.
    """
    for name in names:
        if path := shutil.which(name):
            return path
    return _miss(f"{names[0]} is not installed; type: sudo apt-get install {package}")


def require_package(name: str) -> Path:
    """Give the ``node_modules`` that has a package of npm; skips or fails as ``require_program``.

    It stands in the virtual environment, where ``make node`` puts it.
    """
    folder = Path(sys.prefix, "node", "node_modules")
    if (folder / name).is_dir():
        return folder
    return _miss(f"{name} for Node is not installed; type: make node")


def _miss(reason: str) -> NoReturn:
    if os.environ.get("PORTICO_CI"):
        pytest.fail(reason)
    pytest.skip(reason)
