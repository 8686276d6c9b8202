"""Start the real servers: uvicorn, granian, hypercorn. What each takes is said here alone.

A server that runs in this process is given the loaded application; one that starts worker
processes is given ``create_app`` of ``_target`` instead, and each worker loads its own.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, Final, NamedTuple

from portico.asgi import ASGIApp
from portico.cli._target import TargetError

__all__ = ("LOOPS", "SERVERS", "Settings", "serve")

LOOPS: Final = ("auto", "asyncio", "uvloop", "trio")

_FACTORY: Final = "portico.cli._target:create_app"


class Settings(NamedTuple):
    """What every server is told, in the words of the command line.

    ``uds`` is the path of a unix socket, used instead of ``host`` and ``port`` unless it is
    ``""``. ``workers`` counts processes. With ``reload`` the server starts anew when a Python file
    in ``folder`` changes.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    uds: str = ""
    root_path: str = ""
    log_level: str = "info"
    loop: str = "auto"
    workers: int = 1
    reload: bool = False
    folder: str = "."


def serve(server: str, app: ASGIApp, settings: Settings) -> int:
    """Run ``server`` until it is stopped; give back the exit code, 0 for a clean stop.

    Raises ``TargetError`` if a package is missing or the server knows no such loop.
    """
    if settings.loop == "trio" and server != "hypercorn":
        raise TargetError(f"{server} does not run on trio", hint="add --server hypercorn")
    return SERVERS[server](app, settings)


def _run_uvicorn(app: ASGIApp, settings: Settings) -> int:
    uvicorn = _import(("uvicorn",), "portico[server]")
    is_alone = settings.workers == 1 and not settings.reload
    uvicorn.run(
        app if is_alone else _FACTORY,
        factory=not is_alone,
        host=settings.host,
        port=settings.port,
        uds=settings.uds or None,
        root_path=settings.root_path,
        log_level=settings.log_level,
        loop=settings.loop,
        workers=settings.workers,
        reload=settings.reload,
        reload_dirs=[settings.folder] if settings.reload else None,
        proxy_headers=False,  # whom to believe is for the application to say, not for a default
    )
    return 0


def _run_granian(app: ASGIApp, settings: Settings) -> int:
    needed = ("granian", "watchfiles") if settings.reload else ("granian",)
    granian = _import(needed, "granian[reload]" if settings.reload else "granian")
    constants = import_module("granian.constants")
    server = granian.Granian(
        _FACTORY,
        factory=True,
        interface=constants.Interfaces.ASGI,
        address=settings.host,
        port=settings.port,
        uds=Path(settings.uds) if settings.uds else None,
        url_path_prefix=settings.root_path or None,
        log_level=import_module("granian.log").LogLevels(settings.log_level),
        log_access=True,
        loop=constants.Loops(settings.loop),
        workers=settings.workers,
        reload=settings.reload,
        reload_paths=[Path(settings.folder)],
    )
    server.serve()
    return 0


def _run_hypercorn(app: ASGIApp, settings: Settings) -> int:
    is_trio = settings.loop == "trio"
    needed = ("hypercorn", "trio") if is_trio else ("hypercorn",)
    hypercorn = _import(needed, "hypercorn[trio]" if is_trio else "hypercorn")
    config = import_module("hypercorn.config").Config()
    config.application_path = f"asgi:{_FACTORY}()"
    config.bind = [f"unix:{settings.uds}" if settings.uds else _authority(settings)]
    config.root_path = settings.root_path
    config.loglevel = settings.log_level.upper()
    config.accesslog = "-"
    config.worker_class = "asyncio" if settings.loop == "auto" else settings.loop
    # Its worker count of 0 means "in this process", which is quicker to start and to stop.
    config.workers = 0 if settings.workers == 1 and not settings.reload else settings.workers
    config.use_reloader = settings.reload  # it watches the files of all modules instead
    with _sigterm_as_sigint() if is_trio else nullcontext():
        code: int = import_module(f"{hypercorn.__name__}.run").run(config)
    return code


@contextmanager
def _sigterm_as_sigint() -> Generator[None]:
    """Have a server stop in order that knows Ctrl+C alone, as hypercorn's on trio does."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, interrupt)
    # A shell has what it starts in the background ignore Ctrl+C; here it is what SIGTERM becomes.
    ctrl_c = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, ctrl_c)
        signal.signal(signal.SIGTERM, before)


SERVERS: Final[dict[str, Callable[[ASGIApp, Settings], int]]] = {
    "uvicorn": _run_uvicorn,
    "granian": _run_granian,
    "hypercorn": _run_hypercorn,
}


def _import(modules: tuple[str, ...], requirement: str) -> Any:
    """Import all the modules, give back the first; say what to install if one is missing."""
    try:
        first, *_ = [import_module(module) for module in modules]
        return first
    except ModuleNotFoundError as missing:
        if missing.name not in modules:
            raise
        raise TargetError(
            f"{missing.name} is not installed", hint=f"type: pip install {_quoted(requirement)}"
        ) from None


def _quoted(requirement: str) -> str:
    return f"'{requirement}'" if re.search(r"\W", requirement) else requirement


def _authority(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{host}:{settings.port}"
