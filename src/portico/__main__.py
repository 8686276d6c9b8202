"""``python -m portico`` is ``portico``."""

from __future__ import annotations

from portico.cli import main

__all__ = ()

# A server's worker processes import this file again, under another name.
if __name__ == "__main__":
    main()
