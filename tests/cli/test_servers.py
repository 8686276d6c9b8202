from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from portico.asgi import Receive, Scope, Send
from portico.cli._servers import SERVERS, Settings, serve
from portico.cli._target import TargetError
from tests.live import serving
from tests.servers.processes import wait_until

FACTORY = "portico.cli._target:create_app"


async def app(scope: Scope, receive: Receive, send: Send) -> None: ...


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the servers are told; none of them starts."""
    told: dict[str, Any] = {}

    class Granian:
        def __init__(self, target: str, **options: object) -> None:
            told.update(options, app=target)

        def serve(self) -> None:
            told["served"] = True

    def run_uvicorn(app: object, **options: object) -> None:
        told.update(options, app=app)

    def run_hypercorn(config: Any) -> int:
        names = "application_path bind root_path loglevel accesslog worker_class workers"
        told.update({name: getattr(config, name) for name in f"{names} use_reloader".split()})
        return 3

    monkeypatch.setattr("uvicorn.run", run_uvicorn)
    monkeypatch.setattr("granian.Granian", Granian)
    monkeypatch.setattr("hypercorn.run.run", run_hypercorn)
    return told


def test_uvicorn_alone_is_given_the_application(told: dict[str, Any]) -> None:
    assert serve("uvicorn", app, Settings()) == 0
    assert told == {
        "app": app,
        "factory": False,
        "host": "127.0.0.1",
        "port": 8000,
        "uds": None,
        "root_path": "",
        "log_level": "info",
        "loop": "auto",
        "workers": 1,
        "reload": False,
        "reload_dirs": None,
        "proxy_headers": False,
    }


@pytest.mark.parametrize("settings", [Settings(workers=2), Settings(reload=True, folder="/shop")])
def test_uvicorn_with_processes_is_given_the_factory(
    settings: Settings, told: dict[str, Any]
) -> None:
    assert serve("uvicorn", app, settings) == 0
    assert (told["app"], told["factory"]) == (FACTORY, True)
    assert (told["workers"], told["reload"]) == (settings.workers, settings.reload)
    assert told["reload_dirs"] == (["/shop"] if settings.reload else None)


def test_granian(told: dict[str, Any]) -> None:
    settings = Settings("::1", 80, "/run/web", "/api", "debug", "asyncio", 3)
    assert serve("granian", app, settings) == 0
    plain = {key: getattr(value, "value", value) for key, value in told.items()}
    assert str(plain.pop("uds")) == "/run/web"
    assert plain.pop("reload_paths") == [Path()]
    assert plain == {
        "app": FACTORY,
        "factory": True,
        "interface": "asgi",
        "address": "::1",
        "port": 80,
        "url_path_prefix": "/api",
        "log_level": "debug",
        "log_access": True,
        "loop": "asyncio",
        "workers": 3,
        "reload": False,
        "served": True,
    }


def test_granian_without_extras(told: dict[str, Any]) -> None:
    assert serve("granian", app, Settings()) == 0
    assert (told["uds"], told["url_path_prefix"], told["loop"].value) == (None, None, "auto")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param(
            Settings(),
            {"bind": ["127.0.0.1:8000"], "worker_class": "asyncio", "workers": 0},
            id="in this process",
        ),
        pytest.param(
            Settings(host="::1", loop="trio", log_level="error"),
            {"bind": ["[::1]:8000"], "worker_class": "trio", "loglevel": "ERROR"},
            id="IPv6, on trio",
        ),
        pytest.param(
            Settings(uds="/run/web", root_path="/api", workers=2),
            {"bind": ["unix:/run/web"], "root_path": "/api", "workers": 2},
            id="unix socket",
        ),
        pytest.param(Settings(reload=True), {"workers": 1, "use_reloader": True}, id="reload"),
    ],
)
def test_hypercorn(settings: Settings, expected: dict[str, object], told: dict[str, Any]) -> None:
    assert serve("hypercorn", app, settings) == 3
    assert told["application_path"] == f"asgi:{FACTORY}()"
    assert {key: told[key] for key in expected} == expected


@pytest.mark.parametrize("server", [name for name in SERVERS if name != "hypercorn"])
def test_trio_needs_hypercorn(server: str, told: dict[str, Any]) -> None:
    with pytest.raises(TargetError, match=f"{server} does not run on trio") as caught:
        serve(server, app, Settings(loop="trio"))
    assert caught.value.hint == "add --server hypercorn"
    assert told == {}


@pytest.mark.parametrize(
    ("server", "settings", "missing", "line"),
    [
        pytest.param("uvicorn", Settings(), "uvicorn", "'portico[server]'", id="uvicorn"),
        pytest.param("granian", Settings(), "granian", "granian", id="granian"),
        pytest.param(
            "granian", Settings(reload=True), "watchfiles", "'granian[reload]'", id="watchfiles"
        ),
        pytest.param("hypercorn", Settings(), "hypercorn", "hypercorn", id="hypercorn"),
        pytest.param("hypercorn", Settings(loop="trio"), "trio", "'hypercorn[trio]'", id="trio"),
    ],
)
def test_a_missing_package_is_answered_with_the_line_to_type(
    server: str,
    settings: Settings,
    missing: str,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(TargetError, match=f"{missing} is not installed") as caught:
        serve(server, app, settings)
    assert caught.value.hint == f"type: pip install {line}"


def test_an_error_inside_a_server_package_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def import_module(name: str) -> SimpleNamespace:
        raise ModuleNotFoundError("No module named 'h11'", name="h11")

    monkeypatch.setattr("portico.cli._servers.import_module", import_module)
    with pytest.raises(ModuleNotFoundError, match="h11"):
        serve("uvicorn", app, Settings())


@pytest.mark.parametrize(
    "options",
    [
        "--server uvicorn",
        "--server granian",
        "--server hypercorn",
        "--server hypercorn --loop trio",
        "--server uvicorn --workers 2",
        "--server granian --workers 2",
        "--server hypercorn --workers 2",
    ],
)
def test_a_real_server(options: str) -> None:
    with serving("examples.hello:app", options) as server:
        wait_until(lambda: server.request("GET", "/")[0].status == 200)
        response, content = server.request("GET", "/users/1")
        assert response.status == 200
        assert content.startswith(b'{"id":1,')
        assert server.request("GET", "/users/2")[0].status == 404


@pytest.mark.parametrize("options", ["--server granian", "--server hypercorn --loop trio"])
def test_the_lifespan_ends_at_sigterm(options: str) -> None:
    with serving("examples.lifespan:app", options) as server:
        wait_until(lambda: server.request("GET", "/")[0].status == 200)
        server.stop()
        assert "stopped" in server.log.read_text()


def test_hypercorn_on_trio_knows_ctrl_c_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(config: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("hypercorn.run.run", run)
    with pytest.raises(KeyboardInterrupt):
        serve("hypercorn", app, Settings(loop="trio"))
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("server_name", ["uvicorn", "hypercorn"])
def test_reload(server_name: str, tmp_path: Path) -> None:
    path = tmp_path / "reloaded.py"
    source = "from portico import App\napp = App()\n@app.get('/')\ndef home(): return {!r}\n"
    path.write_text(source.format("before"))
    with serving(str(path), f"--reload --server {server_name}") as server:

        def says(expected: bytes) -> bool:
            try:
                return server.request("GET", "/")[1] == expected
            except OSError:  # pragma: no cover - if asked between two processes
                return False

        wait_until(lambda: says(b"before"))
        time.sleep(0.6)  # uvicorn looks at the files for the first time after 0.25 s
        path.write_text(source.format("after it"))
        wait_until(lambda: says(b"after it"))
