from __future__ import annotations

import sys
from pathlib import Path

import pytest

from portico import App
from portico.cli._target import (
    TARGET_VARIABLE,
    Target,
    TargetError,
    create_app,
    hand_over,
    load,
    parse_target,
)
from tests.cli.project import project

__all__ = ("project",)

pytestmark = pytest.mark.usefixtures("project")


@pytest.mark.parametrize(
    ("text", "module", "attribute", "is_factory"),
    [
        pytest.param("hello:app", "hello", "app", False, id="module and attribute"),
        pytest.param("hello", "hello", "app", False, id="a module alone means its app"),
        pytest.param("shop.web:app", "shop.web", "app", False, id="a module of a package"),
        pytest.param("factories:Holder.app", "factories", "Holder.app", False, id="dotted"),
        pytest.param("factories:create_app()", "factories", "create_app", True, id="a call"),
        pytest.param("hello.py", "hello", "app", False, id="a file alone"),
        pytest.param("hello.py:other", "hello", "other", False, id="a file and attribute"),
        pytest.param("./hello.py:f()", "hello", "f", True, id="a file and a call"),
        pytest.param("shop/web.py", "shop.web", "app", False, id="a file of a package"),
        pytest.param("shop/inner/__init__.py", "shop.inner", "app", False, id="a package's file"),
    ],
)
def test_parse_target(text: str, module: str, attribute: str, is_factory: bool) -> None:
    assert parse_target(text) == Target(str(Path.cwd()), module, attribute, is_factory)


def test_the_factory_flag() -> None:
    assert str(parse_target("factories:create_app", factory=True)) == "factories:create_app()"


@pytest.mark.parametrize("text", ["", ":app", "hello:", "hello:app(1)", "hello:a b", "a:b:c"])
def test_a_target_of_no_form(text: str) -> None:
    with pytest.raises(TargetError, match="cannot read the target") as caught:
        parse_target(text)
    assert "module:app" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        pytest.param("helo.py", "did you mean hello.py?", id="a file of nearly that name"),
        pytest.param("shop/wbe.py:app", "did you mean web.py?", id="beside it"),
        pytest.param("zzz/hello.py", "", id="no such directory"),
        pytest.param("C:/shop/hello.py:app", "", id="a drive is no module"),
    ],
)
def test_a_file_that_is_not_there(text: str, hint: str) -> None:
    with pytest.raises(TargetError, match="there is no file") as caught:
        parse_target(text)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    "text",
    [
        "hello:app",
        "shop/web.py",
        "shop.inner",
        "factories:Holder.app",
        "factories:create_app()",
        "odd:application",
        "odd:optional",
        "odd:anything",
        "odd:keywords",
        "odd:View",
    ],
)
def test_what_can_be_served(text: str) -> None:
    assert callable(load(parse_target(text)))


def test_debug_is_switched_on() -> None:
    plain, debugged = load(parse_target("hello:app")), load(parse_target("hello:app", debug=True))
    assert isinstance(plain, App)
    assert plain is debugged
    assert plain.debug
    load(parse_target("odd:application", debug=True))  # has no debug page; is left alone


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        pytest.param("helo:app", "there is no module 'helo' in", "did you mean hello?", id="near"),
        pytest.param("zzzzzz", "there is no module 'zzzzzz'", "modules are looked for", id="far"),
        pytest.param(
            "shop.wbe", "no module 'wbe' in the package shop", "did you mean shop.web?", id="below"
        ),
        pytest.param(
            "hello.inner", "no module 'inner' in the package hello", "modules are", id="no package"
        ),
        pytest.param(
            "hello:ap", "module hello has no attribute 'ap'", "applications in it: app", id="known"
        ),
        pytest.param(
            "shop.stock:app", "has no attribute 'app'", "it holds no ASGI application", id="none"
        ),
        pytest.param(
            "factories:create_ap()",
            "has no attribute 'create_ap'",
            "did you mean create_app?",
            id="a factory of nearly that name",
        ),
        pytest.param("factories:Holder.x", "has no attribute 'Holder.x'", "", id="dotted"),
        pytest.param(
            "hello:broken",
            "hello:broken is no ASGI application: it is of type NoneType",
            "",
            id="None",
        ),
        pytest.param("odd:number", "is of type int, which cannot be called", "", id="a number"),
        pytest.param(
            "odd:types", "is a module", "name the application in it: types:app", id="module"
        ),
        pytest.param("odd:Legacy", "is the class Legacy", "make an instance", id="a class"),
        pytest.param(
            "odd:opaque", "is the class SimpleNamespace", "make an instance", id="builtin"
        ),
        pytest.param("odd:handler", "takes 1 argument, where", "handler", id="a handler"),
        pytest.param("odd:wsgi", "takes 2 arguments, where", "WSGI", id="WSGI"),
        pytest.param("odd:four", "takes 4 arguments, where", "", id="too many"),
        pytest.param(
            "factories:create_app", "takes no arguments, where", "add () or --factory", id="factory"
        ),
        pytest.param("hello:app.debug()", "is no factory", "leave out", id="no factory"),
        pytest.param(
            "factories:create_later()", "it is a coroutine", "a plain function", id="async factory"
        ),
        pytest.param("factories:create_none()", "is of type NoneType", "", id="makes nothing"),
    ],
)
def test_what_cannot_be_served(text: str, message: str, hint: str) -> None:
    with pytest.raises(TargetError) as caught:
        load(parse_target(text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert hint in caught.value.hint
    assert caught.value.details == ""


@pytest.mark.parametrize(
    ("text", "message", "details"),
    [
        pytest.param(
            "fault", "fault:app raised JSONDecodeError", "line 2, in <module>", id="error"
        ),
        pytest.param(
            "lost", "lost:app raised ModuleNotFoundError", "portico_is_not_here", id="import"
        ),
        pytest.param("syntax", "syntax:app raised SyntaxError", "app = (", id="syntax"),
        pytest.param("leaves", "leaves:app raised SystemExit", "SystemExit: 0", id="exit"),
        pytest.param("factories:create_fault()", "raised LookupError", "no settings", id="factory"),
        pytest.param("factories:needs()", "raised TypeError", "missing 1 required", id="arguments"),
    ],
)
def test_an_error_of_the_target_itself(text: str, message: str, details: str) -> None:
    with pytest.raises(TargetError) as caught:
        load(parse_target(text))
    assert message in str(caught.value)
    assert details in caught.value.details
    assert "importlib" not in caught.value.details
    assert "_target.py" not in caught.value.details


def test_an_object_without_a_signature_is_taken() -> None:
    found: object = load(parse_target("odd:builtin"))
    assert found is max


def test_the_workers_load_what_was_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TARGET_VARIABLE, "")
    hand_over(parse_target("factories:create_app()"))
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(Path.cwd())])
    assert isinstance(create_app(), App)
    assert sys.path[0] == str(Path.cwd())
