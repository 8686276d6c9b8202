"""Runs the examples of README.md and docs/: each page is one program, from top to bottom."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["README.md", "CONTRIBUTING.md", "docs/*.md", "docs/**/*.md"],
).pytest()


# A shell has what it starts in the background ignore Ctrl+C; the servers of the tests inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write a line for the report at the end of ``make test``."""
    path = os.environ.get("PORTICO_RAN")
    if path is None:
        return
    counts = {
        outcome: len(terminalreporter.stats.get(outcome, ())) for outcome in ("passed", "skipped")
    }
    what = "examples" if terminalreporter.config.getoption("doctestmodules") else "tests"
    how = " under python -OO" if sys.flags.optimize else ""
    with Path(path).open("a") as file:
        print(f"  {what:<9} {counts['passed']} passed, {counts['skipped']} skipped{how}", file=file)
