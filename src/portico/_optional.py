"""Import what an extra installs, or say which line to type."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ("import_extra",)


def import_extra(module: str, extra: str) -> Any:
    """Import ``module``, which ``pip install 'portico[extra]'`` brings.

    Raises ``ImportError`` with that line if the module is not installed; an error inside an
    installed module is raised as it is.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as missing:
        if missing.name != module.partition(".")[0]:
            raise
        raise ImportError(
            f"{module} is not installed; type: pip install 'portico[{extra}]'", name=module
        ) from None
