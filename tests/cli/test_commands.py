from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from portico.asgi import ASGIApp
from portico.cli import _commands
from portico.cli._servers import Settings
from portico.cli._target import TARGET_VARIABLE
from tests.cli.project import project

__all__ = ("project",)

pytestmark = pytest.mark.usefixtures("project")


def invoke(*words: str) -> Result:
    return CliRunner().invoke(_commands.portico, words)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ASGIApp, Settings]]:
    """What would have been served; the server stops with the code 5."""
    served: list[tuple[str, ASGIApp, Settings]] = []

    def serve(server: str, app: ASGIApp, settings: Settings) -> int:
        served.append((server, app, settings))
        return 5

    monkeypatch.setattr(_commands, "serve", serve)
    monkeypatch.setenv(TARGET_VARIABLE, "")
    return served


def test_run_with_nothing_said(served: list[tuple[str, ASGIApp, Settings]]) -> None:
    assert invoke("run", "hello:app").exit_code == 5
    ((server, app, settings),) = served
    assert (server, settings) == ("uvicorn", Settings(folder=str(Path.cwd())))
    assert not getattr(app, "debug")  # noqa: B009 - an ASGIApp has none


def test_run_with_all_said(served: list[tuple[str, ASGIApp, Settings]]) -> None:
    words = (
        "run factories:create_app --factory --host 0.0.0.0 --port 80 --uds /run/web --server "
        "hypercorn --workers 2 --debug --root-path /api --worker-class trio --log-level debug"
    )
    assert invoke(*words.split()).exit_code == 5
    ((server, app, settings),) = served
    assert server == "hypercorn"
    assert settings == Settings(
        "0.0.0.0", 80, "/run/web", "/api", "debug", "trio", 2, folder=str(Path.cwd())
    )
    assert getattr(app, "debug")  # noqa: B009 - as above


@pytest.mark.parametrize(
    ("words", "is_warned"),
    [
        ("--host 0.0.0.0", False),
        ("--debug", False),
        ("--debug --host ::1", False),
        ("--debug --host 0.0.0.0 --uds /run/web", False),
        ("--debug --host 0.0.0.0", True),
    ],
)
def test_debug_is_not_for_strangers(
    words: str, is_warned: bool, served: list[tuple[str, ASGIApp, Settings]]
) -> None:
    result = invoke("run", "hello", *words.split())
    assert len(served) == 1
    assert ("--debug shows source" in result.stderr) is is_warned


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param("run", "Missing argument 'TARGET'", id="no target"),
        pytest.param("run hello --port x", "not a valid integer", id="a port that is none"),
        pytest.param("run hello --port 65536", "not in the range", id="a port too high"),
        pytest.param("run hello --workers 0", "not in the range", id="no workers"),
        pytest.param("run hello --server x", "'uvicorn', 'granian', 'hypercorn'", id="a server"),
        pytest.param("run hello --reload --workers 2", "--reload is for one", id="reload many"),
        pytest.param("run helo", "portico: there is no module 'helo'", id="target of run"),
        pytest.param("routes helo:app", "hint: did you mean hello?", id="target of routes"),
        pytest.param("check fault", "JSONDecodeError: Expecting", id="traceback"),
        pytest.param("run odd:application --loop trio", "does not run on trio", id="a loop"),
    ],
)
def test_a_wrong_command_line(words: str, said: str) -> None:
    result = invoke(*words.split())
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


def test_a_message_is_not_read_as_markup() -> None:
    assert "no attribute '[red]x'" not in invoke("routes", "hello:[red]x").stderr
    assert "cannot read the target 'hello:[red]x'" in invoke("routes", "hello:[red]x").stderr


def test_routes_as_a_table() -> None:
    result = invoke("routes", "hello:app")
    assert result.exit_code == 0
    heading, row = result.stdout.splitlines()
    assert heading.split() == ["Methods", "Path", "Name", "Endpoint", "Middleware"]
    assert row.split() == ["GET", "/", "home", "hello:home"]


@pytest.mark.parametrize("words", ["routes odd:application", "routes odd:application --json"])
def test_routes_that_cannot_be_known(words: str) -> None:
    result = invoke(*words.split())
    assert result.exit_code == 1
    assert result.stderr == "portico: no routes of odd:application are known\n"


def test_middleware_is_named(project: Path) -> None:
    (project / "hello.py").write_text(
        "from portico import App, Mount, Route\n"
        "async def timing(request, call_next): ...\n"
        "def show(request): ...\n"
        "inner = App([Route('/[b]', show, middleware=[timing])])\n"
        "app = App([Mount('/in', inner)], middleware=[timing])\n"
    )
    around, _, _, mount, route = invoke("routes", "hello").stdout.splitlines()
    assert around == "Around all: hello:timing"
    assert mount.split() == ["mount", "/in", "portico.app:App"]
    assert route == "GET        /in/[b]  show  hello:show       hello:timing"


def test_routes_for_programs() -> None:
    result = invoke("routes", "hello:app", "--json")
    assert json.loads(result.stdout) == {
        "middleware": [],
        "routes": [
            {
                "depth": 0,
                "kind": "http",
                "methods": ["GET"],
                "path": "/",
                "name": "home",
                "endpoint": "hello:home",
                "middleware": [],
            }
        ],
    }


def test_check() -> None:
    result = invoke("check", "hello.py")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "good: hello:app is an ASGI application",
        "good: 1 route",
        "good: starts and stops",
    ]


def test_check_with_trouble(project: Path) -> None:
    (project / "hello.py").write_text(
        "from portico import App, Route\n"
        "def a(request): ...\n"
        "def b(request): ...\n"
        "app = App([Route('/a', a, name='[x]'), Route('/b', b, name='[x]')])\n"
    )
    result = invoke("check", "hello")
    assert result.exit_code == 1
    assert "trouble: the name '[x]' is used more than once: /a (hello:a)" in result.stdout
