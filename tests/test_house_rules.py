"""Rules of the house (ARCHITECTURE.md) that no other tool holds."""

from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import FrameType

import pytest

import portico
from portico import App, Request
from portico.asgi import Message
from tests.drive import http_scope
from tests.surface import PUBLIC_TXT, ROOT, defined, exported, is_public, modules, surface

MODULES = modules()
TREES = {name: ast.parse(path.read_text()) for name, path in MODULES.items()}
FULL = [name for name, tree in TREES.items() if tree.body]

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60

# The path of a plain request: functions entered, files they are in, changes from file to file.
# Four of the calls and one file read the query, three and two find the route, three make and send
# JSON; the test's scope has no state, which is a call and a file more than with a server. A request
# has two files: what reads and what answers.
MAX_CALLS = 22
MAX_FILES = 12
MAX_SWITCHES = 14

LATE_IMPORTS = {
    "portico.http.etags": "hashlib brings OpenSSL: 3 ms, for who asks for hashes",
    "portico.static.versions": "hashlib brings OpenSSL: 3 ms, for who asks for hashes",
    "portico.connection.uploads": "tempfile, for uploads on disk alone",
    "portico.http.multipart": "multipart brings tempfile, and plain forms do without",
    "portico._tasks": "anyio and asyncio cost 45 ms; an app that is only built needs neither",
    "portico._race": "as in _tasks",
}
TYPE_CHECKING_IMPORTS = {
    "portico": "names are loaded on first use; type checkers read them here",
}
REEXPORTS: dict[str, set[str]] = {}
# One page may cover several modules that are read together.
PAGES = {
    "portico.channels.hub": {"backend", "memory", "message", "redis", "relay", "subscription"},
    "portico.connection.forms": {"options", "parts", "receiving", "uploads"},
    "portico.connection.request": {"base", "body", "disconnect", "incoming", "tls"},
    "portico.http.plan": {"conditional", "etags", "ranges"},
    "portico.response.file": {"transfer"},
    "portico.http.multipart": {"parts"},
    "portico.response.base": {
        "background",
        "conversion",
        "data",
        "denial",
        "error",
        "redirect",
        "text",
    },
    "portico.response.stream": {"lines", "sse"},
    "portico.routing.endpoint": {"socket", "views"},
    "portico.routing.middleware": {"guard"},
    "portico.routing.router": {"errors", "hosts", "registration", "routes", "urls"},
    "portico.static.files": {"found", "listing", "names", "pages", "roots", "versions"},
    "portico.routing.templates": {"converters", "reverse", "template", "tree"},
    "portico.stores.backend": {"memory", "namespace", "redis"},
}
NO_PAGE = {
    "portico": "docs/index.md",
    "portico.__main__": "the command line's page",
}
NO_TEST = {
    "portico.asgi": "types alone",
    "portico.connection.incoming": "half of a request, tested as one",
    "portico.channels.backend": "types alone; tests/conformance/test_channels.py",
    "portico.stores.backend": "types alone; tests/conformance/test_stores.py",
    "portico": "its names are compared below",
}


def run(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter."""
    command = [sys.executable, *options, "-c", code]
    return subprocess.run(  # noqa: S603 - our own words
        command, capture_output=True, text=True, check=False, cwd=ROOT
    )


# --- names


@pytest.mark.parametrize("name", [name for name in FULL if is_public(name) and name != "portico"])
def test_all_is_what_the_module_defines(name: str) -> None:
    names = exported(TREES[name])
    assert names is not None, "no __all__, or it is no tuple"
    assert set(names) - REEXPORTS.get(name, set()) == defined(TREES[name])


def test_packages_are_empty() -> None:
    packages = [name for name, path in MODULES.items() if path.name == "__init__.py"]
    assert [
        name for name in packages if TREES[name].body and name not in {"portico", "portico.cli"}
    ] == []


def test_the_root_offers_the_same_names_to_programs_and_to_tools() -> None:
    for_tools: dict[str, str] = {}
    for node in ast.walk(TREES["portico"]):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("portico."):
            for alias in node.names:
                assert alias.name == alias.asname, "`import x as x` is what re-exports"
                for_tools[alias.name] = str(node.module)
    assert {name: f"portico.{home}" for name, home in portico._HOME.items()} == for_tools
    assert set(portico.__all__) == set(for_tools)
    for name, home in for_tools.items():
        assert name in (exported(TREES[home]) or ()), f"{home} does not export {name}"
        assert getattr(portico, name) is getattr(import_module(home), name)


def test_no_name_of_the_root_is_a_module_too() -> None:
    """``import portico.x`` would put the module where the name was."""
    assert [name for name in portico.__all__ if f"portico.{name}" in MODULES] == []


def test_the_root_lists_its_names() -> None:
    assert set(portico.__all__) <= set(dir(portico))


def test_an_unknown_name_of_the_root() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        getattr(portico, "nonsense")  # noqa: B009 - a type checker knows that it is not there


def test_the_public_surface_is_the_listed_one() -> None:
    assert PUBLIC_TXT.read_text().splitlines() == surface(), "if it is meant: make surface"


def test_every_public_module_is_in_the_reference() -> None:
    listed = (ROOT / "docs" / "reference.md").read_text().split()
    missing = [name for name in FULL if is_public(name) and name not in listed]
    assert missing == [], "make surface"


# --- files


@pytest.mark.parametrize("name", FULL)
def test_sizes(name: str) -> None:
    assert len(MODULES[name].read_text().splitlines()) <= MAX_FILE_LINES
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            assert lines <= MAX_FUNCTION_LINES, node.name


@pytest.mark.parametrize("name", FULL)
def test_functions_import_nothing(name: str) -> None:
    late = [
        node.lineno
        for function in ast.walk(TREES[name])
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not late or name in LATE_IMPORTS, late
    checking = [node for node in ast.walk(TREES[name]) if ast.unparse(node) == "TYPE_CHECKING"]
    assert not checking or name in TYPE_CHECKING_IMPORTS


def place(name: str, folder: str, prefix: str, suffix: str) -> Path:
    """Where the test or the page of a module is: the same tree, the same name."""
    *packages, last = name.split(".")[1:] or ["portico"]
    return ROOT.joinpath(folder, *packages, f"{prefix}{last.strip('_')}{suffix}")


@pytest.mark.parametrize("name", [name for name in FULL if name not in NO_TEST])
def test_every_module_has_its_tests(name: str) -> None:
    beside = place(name, "tests", "test_", ".py")
    is_package = MODULES[name].name == "__init__.py" and place(name, "tests", "", "").is_dir()
    assert beside.exists() or is_package, beside.relative_to(ROOT)


@pytest.mark.parametrize("name", [name for name in FULL if is_public(name) and name not in NO_PAGE])
def test_every_public_module_has_its_page(name: str) -> None:
    package, _, last = name.rpartition(".")
    covered = [page for page, names in PAGES.items() if last in names and page.startswith(package)]
    page = place(covered[0] if covered and package != "portico" else name, "docs", "", ".md")
    assert page.exists(), page.relative_to(ROOT)


# --- costs

HELLO = """
from portico import App, Request
from portico.asgi import Message
app = App()
@app.get("/")
async def home(request: Request) -> str:
    return "Hello, world!"
"""


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        pytest.param("import portico", {"portico"}, id="the root alone"),
        pytest.param(
            "import portico.http.cookies",
            {"portico", "portico.errors", "portico.http", "portico.http.*"},
            id="one part",
        ),
        pytest.param(HELLO, None, id="an application"),
    ],
)
def test_an_import_loads_only_what_it_needs(code: str, ours: set[str] | None) -> None:
    done = run(f"{code}\nimport sys\nprint(*sys.modules)")
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert loaded.isdisjoint({"anyio", "asyncio", "trio", "tempfile"})
    if ours is not None:
        mine = {name for name in loaded if name.split(".")[0] == "portico"}
        assert {name for name in mine if f"{name.rpartition('.')[0]}.*" not in ours} <= ours


def test_a_plain_request_stays_within_budget() -> None:
    app = App()

    @app.get("/items/{item_id:int}")
    async def item(request: Request, item_id: int) -> dict[str, object]:
        return {"id": item_id, "q": request.query_params["q"]}

    house, files = str(MODULES["portico"].parent), list[str]()

    def watch(frame: FrameType, event: str, _: object) -> None:  # pragma: no cover - not traced
        code = frame.f_code
        # Python 3.12 has no calls for comprehensions; elsewhere they do not count either.
        if event == "call" and code.co_filename.startswith(house) and "comp>" not in code.co_name:
            files.append(code.co_filename)

    async def receive() -> Message:  # pragma: no cover - nobody asks for the body of this GET
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def go() -> None:
        for _ in range(2):  # what the first request makes once is not on the path of the others
            files.clear()
            scope = http_scope(path="/items/42", query_string=b"q=1")
            sys.setprofile(watch)
            try:
                await app(scope, receive, send)
            finally:
                sys.setprofile(None)

    sent: list[Message] = []
    asyncio.run(go())
    assert [message.get("status") for message in sent] == [200, None] * 2
    assert len(files) <= MAX_CALLS, "calls"
    assert len(set(files)) <= MAX_FILES, "files"
    assert sum(a != b for a, b in pairwise(files)) <= MAX_SWITCHES, "switches"


# --- the tools themselves


def test_asserts_are_executed_without_python_asserts(tmp_path: Path) -> None:
    """Under -OO pytest's rewriting keeps the asserts of test files alive."""
    (tmp_path / "test_false.py").write_text("def test_false():\n    assert not True\n")
    options = [str(tmp_path), "-q", "-c", "/dev/null"]
    done = run(f"import pytest; raise SystemExit(pytest.main({options}))", "-OO")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed" in done.stdout
