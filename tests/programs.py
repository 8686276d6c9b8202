"""Programs that some tests need: skip where one is missing, fail in CI."""

from __future__ import annotations

import os
import shutil

import pytest

__all__ = ("require_program",)


def require_program(*names: str, package: str) -> str:
    """Give the path of the first program of ``names`` that is installed.

    Skips the test with the line that installs ``package``; fails it if ``PORTICO_CI`` is set.
    """
    for name in names:
        if path := shutil.which(name):
            return path
    reason = f"{names[0]} is not installed; type: sudo apt-get install {package}"
    if os.environ.get("PORTICO_CI"):
        pytest.fail(reason)
    pytest.skip(reason)
