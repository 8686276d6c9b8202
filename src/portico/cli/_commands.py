"""The commands as they are typed: their options, what they print, how they end."""

from __future__ import annotations

import json
import sys
from typing import IO, Any, Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from portico.asgi import ASGIApp
from portico.cli._check import examine
from portico.cli._routes import Row, middleware_of, rows
from portico.cli._servers import LOOPS, SERVERS, Settings, serve
from portico.cli._target import Target, TargetError, hand_over, load, parse_target

__all__ = ("portico",)

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_MARKS: Final = {"good": "green", "note": "yellow", "trouble": "bold red"}


class _Failure(click.ClickException):
    """A ``TargetError`` as click shows it: one line, a hint, a traceback if there is one."""

    exit_code = 2

    def __init__(self, error: TargetError) -> None:
        super().__init__(str(error))
        self.error: TargetError = error

    def show(self, file: IO[Any] | None = None) -> None:
        if self.error.details:
            click.echo(self.error.details, file=file, err=file is None)
        console = Console(file=file, stderr=file is None, soft_wrap=True, highlight=False)
        console.print(Text.assemble(("portico: ", "bold red"), self.message))
        if self.error.hint:
            console.print(Text.assemble(("hint: ", "bold"), self.error.hint))


_target_argument = click.argument("target", metavar="TARGET")
_factory_option = click.option(
    "--factory", is_flag=True, help="TARGET is a function that makes the application."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="portico", prog_name="portico")
def portico() -> None:
    """Serve an ASGI application, list its routes, check it.

    TARGET is module:app, module:create_app(), module (its "app"), or path/to/file.py:app.
    Modules are looked for in the current directory first.
    """


@portico.command()
@_target_argument
@_factory_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="TCP port."
)
@click.option("--uds", default="", metavar="PATH", help="Unix socket to listen on instead.")
@click.option("--server", default="uvicorn", show_default=True, type=click.Choice(list(SERVERS)))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Processes.")
@click.option("--reload", is_flag=True, help="Start anew when a source file changes.")
@click.option("--debug", is_flag=True, help="Show errors with their source lines. Never in public.")
@click.option("--root-path", default="", metavar="PATH", help="Prefix that a proxy cuts off.")
@click.option(
    "--loop",
    "--worker-class",
    default="auto",
    show_default=True,
    type=click.Choice(LOOPS),
    help="Event loop; trio with hypercorn.",
)
@click.option(
    "--log-level",
    default="info",
    show_default=True,
    type=click.Choice(["critical", "error", "warning", "info", "debug"]),
)
def run(target: str, server: str, *, factory: bool, debug: bool, **settings: Any) -> None:
    """Serve TARGET until Ctrl+C."""
    if settings["reload"] and settings["workers"] > 1:
        raise click.UsageError("--reload is for one worker")
    try:
        place = parse_target(target, factory=factory, debug=debug)
        if debug and settings["host"] not in _LOOPBACK and not settings["uds"]:
            click.echo("portico: --debug shows source and variables to all who reach it", err=True)
        hand_over(place)
        code = serve(server, load(place), Settings(folder=place.folder, **settings))
    except TargetError as error:
        raise _Failure(error) from None
    sys.exit(code)


@portico.command()
@_target_argument
@_factory_option
@click.option("--json", "as_json", is_flag=True, help="For programs: one JSON object.")
def routes(target: str, *, factory: bool, as_json: bool) -> None:
    """List the routes of TARGET."""
    place, app = _loaded(target, factory=factory)
    found, around = rows(app), middleware_of(app)
    if not found:
        click.echo(f"portico: no routes of {place} are known", err=True)
        sys.exit(1)
    if as_json:
        listed = {"middleware": around, "routes": [row._asdict() for row in found]}
        click.echo(json.dumps(listed, indent=2))
        return
    if around:
        click.echo(f"Around all: {', '.join(around)}\n")
    # Piped, a line is a route however long it is.
    width = None if sys.stdout.isatty() else 10_000
    Console(width=width, highlight=False).print(_table(found))


@portico.command()
@_target_argument
@_factory_option
def check(target: str, *, factory: bool) -> None:
    """Load TARGET, start and stop it, look for mistakes in its routes."""
    place, app = _loaded(target, factory=factory)
    console = Console(soft_wrap=True, highlight=False)
    console.print(Text.assemble(("good: ", "green"), f"{place} is an ASGI application"))
    findings = examine(app)
    for finding in findings:
        console.print(Text.assemble((f"{finding.kind}: ", _MARKS[finding.kind]), finding.text))
    sys.exit(any(finding.kind == "trouble" for finding in findings))


def _loaded(text: str, *, factory: bool) -> tuple[Target, ASGIApp]:
    try:
        target = parse_target(text, factory=factory)
        return target, load(target)
    except TargetError as error:
        raise _Failure(error) from None


def _table(found: list[Row]) -> Table:
    table = Table("Methods", "Path", "Name", "Endpoint", "Middleware", box=None, pad_edge=False)
    for row in found:
        path = "  " * row.depth + row.path
        middleware = ", ".join(row.middleware)
        cells = (", ".join(row.methods) or row.kind, path, row.name, row.endpoint, middleware)
        table.add_row(*(Text(cell) for cell in cells))
    return table
