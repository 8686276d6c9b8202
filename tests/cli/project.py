"""A directory with a few modules to aim at, as the current one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

__all__ = ("project",)

FILES = {
    "hello.py": """
        from portico import App
        app = App()
        broken = None
        @app.get("/", name="home")
        async def home(request): return "Hello!"
    """,
    "factories.py": """
        from portico import App
        class Holder:
            app = App()
        def create_app(): return App()
        async def create_later(): return App()
        def create_none(): return None
        def create_fault(): raise LookupError("no settings")
        def needs(one): return App()
    """,
    "odd.py": """
        import types
        async def application(scope, receive, send): ...
        async def handler(request): ...
        def wsgi(environ, start_response): ...
        async def four(a, b, c, d): ...
        async def keywords(a, b, c, *, d=1): ...
        async def optional(scope, receive=None, send=None, more=None): ...
        async def anything(*args): ...
        class Legacy:
            def __init__(self, scope): ...
        class View:
            def __init__(self, scope, receive, send): ...
            def __await__(self): yield
        number = 7
        opaque = types.SimpleNamespace
        builtin = max
    """,
    "fault.py": "import json\njson.loads('{')\n",
    "lost.py": "import portico_is_not_here\n",
    "leaves.py": "raise SystemExit(0)\n",
    "syntax.py": "app = (\n",
    "shop/__init__.py": "",
    "shop/web.py": "from shop import stock\nfrom portico import App\napp = App()\n",
    "shop/stock.py": "",
    "shop/inner/__init__.py": "from portico import App\napp = App()\n",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        lines = text.splitlines()
        path.write_text("\n".join(line.removeprefix("        ") for line in lines) + "\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in {Path(file).parts[0].removesuffix(".py") for file in FILES}:
            del sys.modules[name]
