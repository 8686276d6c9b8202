"""The command line: ``portico run``, ``portico routes``, ``portico check``.

Only the door: what stands behind it is imported after click and rich were found, so that
whoever lacks them reads the line to type and no traceback.
"""

from __future__ import annotations

import sys
from importlib import import_module

from portico._optional import import_extra

__all__ = ("main",)


def main() -> None:
    """Run the command that ``sys.argv`` names: the console script, and ``python -m portico``.

    Leaves by ``SystemExit``: 0 when all is well, 1 when ``check`` found trouble or a server
    stopped with an error, 2 when the command line is wrong, its target cannot be loaded, or
    a package is missing.
    """
    try:
        for module in ("click", "rich"):
            import_extra(module, "cli")
    except ImportError as missing:
        sys.stderr.write(f"portico: {missing}\n")
        sys.exit(2)
    import_module("portico.cli._commands").portico.main(prog_name="portico")
