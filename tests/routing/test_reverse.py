"""Building paths, and that the tree reads what was built."""

from __future__ import annotations

from datetime import date
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.errors import RouteNotFound
from portico.routing.reverse import build_path
from portico.routing.template import parse_template
from portico.routing.tree import Tree


@pytest.mark.parametrize(
    ("template", "params", "path"),
    [
        pytest.param("", {}, "", id="empty"),
        pytest.param("/", {}, "/", id="root"),
        pytest.param("/a/b/", {}, "/a/b/", id="literal"),
        pytest.param("/caf\u00e9/a b/100%", {}, "/caf%C3%A9/a%20b/100%25", id="literals encoded"),
        pytest.param("/{{x}}", {}, "/%7Bx%7D", id="braces"),
        pytest.param("/{x}", {"x": "a b"}, "/a%20b", id="space"),
        pytest.param("/{x}", {"x": "a/b"}, "/a%2Fb", id="slash in a segment"),
        pytest.param("/{x}", {"x": "%2F"}, "/%252F", id="percent sign in a segment"),
        pytest.param("/{x}", {"x": "?#[]\\\n"}, "/%3F%23%5B%5D%5C%0A", id="delimiters"),
        pytest.param(
            "/{x}", {"x": "-._~!$&'()*+,;=:@"}, "/-._~!$&'()*+,;=:@", id="pchar (RFC 3986 3.3)"
        ),
        pytest.param(
            "/{x:int}/{d:date}", {"x": -7, "d": date(2026, 1, 2)}, "/-7/2026-01-02", id="typed"
        ),
        pytest.param("/{x}", {"x": 7}, "/7", id="a number as text"),
        pytest.param("/{x:path}", {"x": "a b/c"}, "/a%20b/c", id="path keeps its slashes"),
        pytest.param("/f/{x:path}", {"x": ""}, "/f/", id="empty path"),
        pytest.param("/f/{x:path}", {"x": "a//b/"}, "/f/a//b/", id="empty segments in a path"),
        pytest.param("/f/{x:path}", {"x": "a%2Fb"}, "/f/a%2Fb", id="encoded slash in a path stays"),
        pytest.param("/f/{x:path}", {"x": "a%2fb%41"}, "/f/a%252fb%2541", id="other percent signs"),
        pytest.param("/{n}.{e}", {"n": "a.tar", "e": "gz"}, "/a.tar.gz", id="mixed"),
        pytest.param("/v{n}!", {"n": "/"}, "/v%2F!", id="mixed with a slash"),
    ],
)
def test_build_path(template: str, params: dict[str, object], path: str) -> None:
    assert build_path(parse_template(template), params) == path


@pytest.mark.parametrize(
    ("template", "params", "error"),
    [
        pytest.param("/{a}/{b}/{c}", {"b": "1"}, "missing: a, c$", id="missing"),
        pytest.param("/a", {"x": 1, "y": 2}, "not in the template: x, y$", id="unexpected"),
        pytest.param("/{a}", {"b": 1}, "missing: a; not in the template: b$", id="both"),
        pytest.param("/{a:int}", {"a": "x"}, "parameter 'a': needs int, not str", id="bad type"),
        pytest.param("/{a:int(max=1)}", {"a": 2}, "parameter 'a': above 1", id="out of bounds"),
        pytest.param("/{a}", {"a": ""}, "parameter 'a': must not be empty", id="empty text"),
        pytest.param("/{a}", {"a": ".."}, "a segment would be '.' or '..'", id="parent"),
        pytest.param("/{a}", {"a": "."}, "a segment would be '.' or '..'", id="same directory"),
        pytest.param("/.{a}", {"a": "."}, "a segment would be '.' or '..'", id="mixed parent"),
        pytest.param("/f/{p:path}", {"p": "a/../b"}, "a segment would be", id="parent in a path"),
        pytest.param("/a/..", {}, "a segment would be", id="parent in the template"),
        pytest.param("/{p:path}", {"p": "/evil.example"}, "would begin with '//'", id="a host"),
        pytest.param("/{p:path}/raw", {"p": ""}, "would begin with '//'", id="empty path first"),
        pytest.param("/{a}", {"a": "\ud800"}, "half a surrogate pair", id="surrogate"),
        pytest.param(
            "/{n}.{e}", {"n": "a", "e": "tar.gz"}, "cut elsewhere when read: n, e", id="cut"
        ),
        pytest.param("/{n:int}-{m:int}", {"n": 1, "m": -1}, "cut elsewhere", id="a minus sign"),
        pytest.param(
            "/{n}-{m}", {"n": "", "m": "1"}, "'n': must not be empty", id="empty in mixed"
        ),
    ],
)
def test_paths_that_cannot_be_built(template: str, params: dict[str, object], error: str) -> None:
    with pytest.raises(RouteNotFound, match=error) as caught:
        build_path(parse_template(template), params)
    assert str(caught.value).startswith(f"no path for {template!r}: ")


def test_messages_hold_no_value() -> None:
    with pytest.raises(RouteNotFound) as caught:
        build_path(parse_template("/{a:int}"), {"a": "s3cret"})
    assert "s3cret" not in str(caught.value)


def split(path: str) -> list[str]:
    """What the caller hands to the tree: each segment decoded once."""
    return [unquote(segment) for segment in path.removeprefix("/").split("/")]


TEMPLATES = [
    "/{a}",
    "/{a}/{b}/",
    "/x/{n:int}/{x:float}",
    "/{a}-{b}.{n:int}",
    "/f/{p:path}",
    "/f/{p:path}/raw/{a}",
    "/{p:path}",
]
# U+FFFD stands for bytes that were not UTF-8; lone surrogates cannot be sent.
TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("/.-%2F"), max_size=8)


VALUES = st.fixed_dictionaries(
    {"a": TEXT, "b": TEXT, "p": TEXT, "n": st.integers(), "x": st.floats()}
)


@given(st.sampled_from(TEMPLATES), VALUES)
def test_what_is_built_is_found(text: str, values: dict[str, object]) -> None:
    template = parse_template(text)
    params = {name: values[name] for name in template.names}
    tree: Tree[str] = Tree()
    tree.add(template, text, None)
    try:
        path = build_path(template, params)
    except RouteNotFound:
        return
    assert path.startswith("/")
    assert not path.startswith("//")
    assert path == quote(path, safe="/%!$&'()*+,;=:@-._~"), "only what RFC 3986 3.3 allows"
    assert tree.find(split(path), "GET") == (text, params)


@given(TEXT)
def test_a_path_that_was_read_leads_back_to_itself(rest: str) -> None:
    template = parse_template("/f/{p:path}")
    path = f"/f/{quote(rest, safe='/')}"
    tree: Tree[str] = Tree()
    tree.add(template, "", None)
    found = tree.find(split(path), "GET")
    assert found is not None
    try:
        built = build_path(template, found[1])
    except RouteNotFound:
        return
    assert tree.find(split(built), "GET") == found
