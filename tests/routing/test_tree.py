"""The tree: who wins, whatever the order; compared with a slow matcher; and what it costs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import permutations
from time import perf_counter
from typing import Any, overload
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.routing.converters import Converter, ConverterFactory
from portico.routing.template import Literal, Mixed, Parameter, Segment, Template, parse_template
from portico.routing.tree import ANY_METHOD, Tree

GET = frozenset({"GET"})
POST = frozenset({"POST"})


def tree_of(*routes: str) -> Tree[str]:
    """A tree of "GET,POST /template" or "/template" (any method); the value is the route."""
    tree: Tree[str] = Tree()
    for route in routes:
        methods, slash, rest = route.partition("/")
        names = frozenset(methods.strip().split(",")) if methods else None
        tree.add(parse_template(slash + rest), route, names)
    return tree


def split(path: str) -> list[str]:
    """What the caller hands to the tree: each segment decoded once."""
    return [unquote(segment) for segment in path.removeprefix("/").split("/")]


# --- one template


@pytest.mark.parametrize(
    ("template", "path", "params"),
    [
        pytest.param("/", "/", {}, id="root"),
        pytest.param("/a", "/a", {}, id="literal"),
        pytest.param("/a", "/a/", None, id="a trailing slash is another path"),
        pytest.param("/a/", "/a/", {}, id="trailing slash"),
        pytest.param("/a/", "/a", None, id="no trailing slash"),
        pytest.param("/a.b", "/axb", None, id="a dot is a dot"),
        pytest.param("/a", "/A", None, id="case counts"),
        pytest.param("/a", "/a%0A", None, id="a line end is text"),
        pytest.param("/caf\u00e9", "/caf%C3%A9", {}, id="literals are compared decoded"),
        pytest.param("/a/b", "/a%2Fb", None, id="an encoded slash does not part segments"),
        pytest.param("/{x}", "/a", {"x": "a"}, id="parameter"),
        pytest.param("/{x}", "/", None, id="a parameter is not empty"),
        pytest.param("/{x}", "/a/b", None, id="one segment"),
        pytest.param("/{x}", "/a%2Fb", {"x": "a/b"}, id="an encoded slash stays in its segment"),
        pytest.param("/{x}", "/%2541", {"x": "%41"}, id="decoded once"),
        pytest.param("/{x}", "/%FF", {"x": "\ufffd"}, id="not UTF-8"),
        pytest.param("/{x:int}", "/-7", {"x": -7}, id="int"),
        pytest.param("/{x:int}", "/x", None, id="not an int"),
        pytest.param("/{x:int}", "/", None, id="an int is not empty"),
        pytest.param("/{x:[a-z]*}", "/", None, id="a regex is not empty either"),
        pytest.param("/{x:[a-z]+}/y", "/ab/y", {"x": "ab"}, id="regex"),
        pytest.param("/{x:[a-z]+}", "/ab%0A", None, id="regex to the very end"),
        pytest.param("/{x}.{y}", "/a.tar.gz", {"x": "a.tar", "y": "gz"}, id="mixed"),
        pytest.param("/{x}.{y:int}", "/a.tar.gz", None, id="mixed, not an int"),
        pytest.param("/{x}.{y}", "/a", None, id="mixed, no dot"),
        pytest.param("/f/{p:path}", "/f/a/b", {"p": "a/b"}, id="path"),
        pytest.param("/f/{p:path}", "/f/", {"p": ""}, id="a path may be empty"),
        pytest.param("/f/{p:path}", "/f", None, id="but it has its slash"),
        pytest.param("/f/{p:path}", "/f/a//", {"p": "a//"}, id="empty segments in a path"),
        pytest.param("/f/{p:path}", "/f/a%2Fb/c", {"p": "a%2Fb/c"}, id="encoded slash in a path"),
        pytest.param("/{p:path}/raw", "/a/b/raw", {"p": "a/b"}, id="path before text"),
        pytest.param("/{p:path}/raw", "/raw", None, id="nothing for the path"),
        pytest.param("/{p:path}/raw", "//raw", {"p": ""}, id="an empty segment for the path"),
        pytest.param("/{p:path}/raw", "/raw/raw/raw", {"p": "raw/raw"}, id="a path is greedy"),
        pytest.param("/{p:path}/{x:int}", "/1/2/3", {"p": "1/2", "x": 3}, id="path, then int"),
        pytest.param("/{p:path}/{x:int}", "/1/2/c", None, id="path, then no int"),
        pytest.param(
            "/{p:path}/{q:path}/end", "/a/b/c/end", {"p": "a/b", "q": "c"}, id="two paths"
        ),
        pytest.param("/{p:path}/{q:path}/end", "/a/end", None, id="too little for two paths"),
        pytest.param(
            "/{a:path}/x/{b:path}", "/x/x/x/x", {"a": "x/x", "b": "x"}, id="text between two paths"
        ),
    ],
)
def test_one_template(template: str, path: str, params: dict[str, object] | None) -> None:
    tree = tree_of(f"GET {template}")
    segments = split(path)
    found = tree.find(segments, "GET")
    assert found == (None if params is None else (f"GET {template}", params))
    assert tree.allowed(segments) == (frozenset() if params is None else GET)
    assert tree.find(segments, "POST") is None


def test_the_empty_template_is_the_empty_path() -> None:
    tree: Tree[str] = Tree()
    tree.add(parse_template(""), "nothing", GET)
    tree.add(parse_template("/"), "slash", GET)
    assert tree.find([], "GET") == ("nothing", {})
    assert tree.find([""], "GET") == ("slash", {})
    assert dict(tree.fixed()) == {"": {"GET": "nothing"}, "/": {"GET": "slash"}}


def test_an_empty_tree() -> None:
    tree: Tree[str] = Tree()
    assert (tree.find([""], "GET"), tree.find([], "GET")) == (None, None)
    assert "/" not in dict(tree.fixed())
    assert tree.allowed(["a"]) == frozenset()


# --- several templates: who wins, in every order of registration


@pytest.mark.parametrize(
    ("routes", "path", "winner", "params"),
    [
        pytest.param(
            ["/{p:path}", "/{x}", "/{x:int}", "/{x}.{y}", "/me"], "/me", "/me", {}, id="literal"
        ),
        pytest.param(
            ["/{p:path}", "/{x}", "/{x:int}", "/{x}.{y}", "/me"],
            "/1.5",
            "/{x}.{y}",
            {"x": "1", "y": "5"},
            id="mixed",
        ),
        pytest.param(
            ["/{p:path}", "/{x}", "/{x:int}", "/{x}.{y}", "/me"],
            "/7",
            "/{x:int}",
            {"x": 7},
            id="int",
        ),
        pytest.param(
            ["/{p:path}", "/{x}", "/{x:int}", "/{x}.{y}", "/me"], "/z", "/{x}", {"x": "z"}, id="str"
        ),
        pytest.param(
            ["/{p:path}", "/{x}", "/{x:int}", "/{x}.{y}", "/me"],
            "/me/7",
            "/{p:path}",
            {"p": "me/7"},
            id="path",
        ),
        pytest.param(
            ["/{x:str(max_length=3)}", "/{x}", "/{x:[a-z]+}", "/{x:float}"],
            "/1.0",
            "/{x:float}",
            {"x": 1.0},
            id="typed before regex",
        ),
        pytest.param(
            ["/{x:str(max_length=3)}", "/{x}", "/{x:[a-z]+}", "/{x:float}"],
            "/ab",
            "/{x:[a-z]+}",
            {"x": "ab"},
            id="regex before str",
        ),
        pytest.param(
            ["/{x:str(max_length=3)}", "/{x}", "/{x:[a-z]+}", "/{x:float}"],
            "/A",
            "/{x:str(max_length=3)}",
            {"x": "A"},
            id="bounded before unbounded",
        ),
        pytest.param(
            ["/{x:int(min=1)}", "/{x:int}", "/{x:int(min=1, max=9)}", "/{x:any(5, 50)}"],
            "/50",
            "/{x:any(5, 50)}",
            {"x": "50"},
            id="choices before numbers",
        ),
        pytest.param(
            ["/{x:int(min=1)}", "/{x:int}", "/{x:int(min=1, max=9)}", "/{x:any(5, 50)}"],
            "/7",
            "/{x:int(min=1, max=9)}",
            {"x": 7},
            id="more bounds first",
        ),
        pytest.param(
            ["/{x:int(min=1)}", "/{x:int}", "/{x:int(min=1, max=9)}", "/{x:any(5, 50)}"],
            "/0",
            "/{x:int}",
            {"x": 0},
            id="no bounds last",
        ),
        pytest.param(
            ["/{x:int(min=1)}", "/{x:int(min=2)}", "/{x:int(max=5)}"],
            "/3",
            "/{x:int(max=5)}",
            {"x": 3},
            id="equally narrow: always the same",
        ),
        pytest.param(
            ["/{x}.{y}", "/{x}.tar.{y}", "/v{x}.{y}"],
            "/v1.tar.gz",
            "/{x}.tar.{y}",
            {"x": "v1", "y": "gz"},
            id="more literal text first",
        ),
        pytest.param(
            ["/{x}-{y}", "/{x:int}-{y}", "/{x}.{y}"],
            "/1-a.b",
            "/{x:int}-{y}",
            {"x": 1, "y": "a.b"},
            id="as much text: narrower parameters first",
        ),
        pytest.param(
            ["/a/{x}/c", "/{y}/b/d", "/{p:path}/d"],
            "/a/b/d",
            "/{y}/b/d",
            {"y": "a"},
            id="goes back",
        ),
        pytest.param(
            ["/a/{x}/c", "/{y}/b/d", "/{p:path}/d"], "/a/x/d", "/{p:path}/d", {"p": "a/x"}, id="far"
        ),
        pytest.param(
            ["/a/b/c", "/a/{x}/d", "/{y}/b/{z}", "/{p:path}"],
            "/a/b/e",
            "/{y}/b/{z}",
            {"y": "a", "z": "e"},
            id="goes back twice",
        ),
        pytest.param(
            ["/{p:path}", "/{p:path}/raw", "/{p:path}/{x}"],
            "/a/b/raw",
            "/{p:path}/raw",
            {"p": "a/b"},
            id="text behind a path first",
        ),
        pytest.param(
            ["/{p:path}", "/{p:path}/raw", "/{p:path}/{x}"],
            "/a/b/c",
            "/{p:path}/{x}",
            {"p": "a/b", "x": "c"},
            id="going on before ending",
        ),
        pytest.param(
            ["/{p:path}", "/{p:path}/raw", "/{p:path}/{x}"], "/c", "/{p:path}", {"p": "c"}, id="end"
        ),
        pytest.param(["/f/{p:path}", "/f/", "/{x}/"], "/f/", "/f/", {}, id="an empty literal wins"),
        pytest.param(["/f/{p:path}", "/f/", "/{x}/"], "/f/g", "/f/{p:path}", {"p": "g"}, id="rest"),
        pytest.param(
            ["/{a}/{b}/{c}", "/{a}/x/{b}", "/{b}/{a}/y"],
            "/1/2/3",
            "/{a}/{b}/{c}",
            {"a": "1", "b": "2", "c": "3"},
            id="names of one's own: a",
        ),
        pytest.param(
            ["/{a}/{b}/{c}", "/{a}/x/{b}", "/{b}/{a}/y"],
            "/1/2/y",
            "/{b}/{a}/y",
            {"b": "1", "a": "2"},
            id="names of one's own: b",
        ),
        pytest.param(
            ["/{a}/{b}/{c}", "/{a}/x/{b}", "/{b}/{a}/y"],
            "/1/x/3",
            "/{a}/x/{b}",
            {"a": "1", "b": "3"},
            id="names of one's own: c",
        ),
        pytest.param(
            ["/{a}/x/{p:path}", "/{p}/x/{a}/z", "/{p}/y/{a:path}"],
            "/1/y/2/3",
            "/{p}/y/{a:path}",
            {"p": "1", "a": "2/3"},
            id="names of one's own: path",
        ),
    ],
)
def test_the_most_specific_wins_whatever_the_order(
    routes: list[str], path: str, winner: str, params: dict[str, object]
) -> None:
    segments = split(path)
    for order in permutations(routes):
        assert tree_of(*order).find(segments, "GET") == (winner, params), order


@pytest.mark.parametrize(
    ("routes", "path", "method", "winner", "allowed"),
    [
        pytest.param(
            ["POST /a/b", "GET /{x}/{y}"], "/a/b", "GET", "GET /{x}/{y}", "GET POST", id="goes back"
        ),
        pytest.param(["POST /a/b", "GET /{x}/{y}"], "/a/b", "PUT", None, "GET POST", id="merged"),
        pytest.param(["POST /a/b", "GET /{x}/{y}"], "/a/c", "PUT", None, "GET", id="one template"),
        pytest.param(
            ["GET /a/{x}", "POST /a/{y}"], "/a/1", "POST", "POST /a/{y}", "GET POST", id="own names"
        ),
        pytest.param(
            ["GET /a/{x}", "/a/{y}"], "/a/1", "GET", "GET /a/{x}", "* GET", id="named before any"
        ),
        pytest.param(["GET /a/{x}", "/a/{y}"], "/a/1", "PUT", "/a/{y}", "* GET", id="any method"),
        pytest.param(
            ["GET /a", "/{p:path}"], "/a", "DELETE", "/{p:path}", "* GET", id="any method further"
        ),
        pytest.param(
            ["GET,HEAD /a", "PUT,POST /a"],
            "/a",
            "PUT",
            "PUT,POST /a",
            "GET HEAD POST PUT",
            id="sets",
        ),
        pytest.param(
            ["PUT /{x}.{y}", "GET /{x:int}", "POST /{p:path}"],
            "/7",
            "POST",
            "POST /{p:path}",
            "GET POST",
            id="as far as the path",
        ),
        pytest.param(
            ["PUT /f/{p:path}", "GET /{q:path}"],
            "/f/a",
            "GET",
            "GET /{q:path}",
            "GET PUT",
            id="paths",
        ),
        pytest.param(["GET /a"], "/a", "get", None, "GET", id="methods are case-sensitive (9.1)"),
        pytest.param(["GET /a"], "/a", "*", None, "GET", id="a method called *"),
    ],
)
def test_methods(
    routes: list[str], path: str, method: str, winner: str | None, allowed: str
) -> None:
    segments = split(path)
    for order in permutations(routes):
        tree = tree_of(*order)
        found = tree.find(segments, method)
        assert (found and found[0]) == winner
        assert tree.allowed(segments) == frozenset(allowed.split())


def test_any_method_has_a_name() -> None:
    assert tree_of("/a").allowed(["a"]) == {ANY_METHOD}


@pytest.mark.parametrize(
    ("first", "second", "error"),
    [
        pytest.param("GET /a/{x}", "GET /a/{y}", "GET '/a/{y}': .* '/a/{x}'", id="other names"),
        pytest.param("GET,PUT /a", "PUT,POST /a", "PUT '/a': .* '/a'", id="one method in common"),
        pytest.param("/a", "/a", r"\* '/a': .* '/a'", id="any method twice"),
        pytest.param("GET /{x:str}", "GET /{x}", "GET '/{x}': .* '/{x:str}'", id="the default"),
        pytest.param("GET /{p:any}", "GET /{q:path}", "'/{q:path}': .* '/{p:any}'", id="any, path"),
        pytest.param(
            "GET /{n:int(min=1, max=2)}", "GET /{n:int(max=2,min=1)}", "same paths", id="bounds"
        ),
        pytest.param("GET /{x:[a-z]}", "GET /{y:[a-z]}", "same paths", id="regex"),
        pytest.param("GET /{x}-{y}", "GET /{a}-{b}", "same paths", id="mixed"),
    ],
)
def test_a_place_is_taken_once(first: str, second: str, error: str) -> None:
    tree = tree_of(first)
    template = parse_template(second[second.index("/") :])
    names, _, _ = second.partition("/")
    methods = frozenset(names.strip().split(",")) if names else None
    with pytest.raises(ValueError, match=error):
        tree.add(template, second, methods)


def test_a_refused_route_leaves_nothing_behind() -> None:
    tree = tree_of("GET /a")
    with pytest.raises(ValueError, match="GET"):
        tree.add(parse_template("/a"), "second", frozenset({"GET", "PUT"}))
    assert tree.allowed(["a"]) == GET


def test_a_route_needs_a_method() -> None:
    with pytest.raises(ValueError, match="'/a' has no method; None means any"):
        tree_of().add(parse_template("/a"), "", frozenset())


def test_converters_of_one_name_may_differ() -> None:
    tree: Tree[str] = Tree()
    for word in ("de", "en"):
        own: dict[str, ConverterFactory] = {"lang": choice(word)}
        tree.add(parse_template("/{lang:lang}", own), word, GET)
    assert tree.find(["de"], "GET") == ("de", {"lang": "de"})
    assert tree.find(["en"], "GET") == ("en", {"lang": "en"})


def choice(word: str) -> Callable[[], Converter[str]]:
    class Word(Converter[str]):
        def parse(self, text: str) -> str:
            if text != word:
                raise ValueError
            return text

        def format(self, value: str) -> str:
            raise NotImplementedError

    return Word


class Lines(Converter[list[str]]):
    """Refuses what has an "x" in it; narrower than path."""

    multi_segment = True
    calls: int = 0

    def parse(self, text: str) -> list[str]:
        type(self).calls += 1
        if "x" in text:
            raise ValueError
        return text.split("/")

    def format(self, value: list[str]) -> str:
        raise NotImplementedError


def lines(*routes: str) -> Tree[str]:
    tree: Tree[str] = Tree()
    for route in routes:
        tree.add(parse_template(route, {"lines": Lines}), route, GET)
    return tree


def test_own_converters_may_take_several_segments() -> None:
    tree = lines("/{a:lines}", "/b/{a:lines}", "/{p:path}")
    assert tree.find(["1", "2"], "GET") == ("/{a:lines}", {"a": ["1", "2"]})
    assert tree.find(["b", "1"], "GET") == ("/b/{a:lines}", {"a": ["1"]})
    assert tree.find(["b", "x"], "GET") == ("/{p:path}", {"p": "b/x"})
    assert lines("/b/{a:lines}").allowed(["b", "x"]) == frozenset()
    assert lines("/b/{a:lines}").find(["b", "x"], "GET") is None


def test_a_converter_of_several_segments_is_asked_once() -> None:
    tree = lines("/{a:lines}/y/{b:path}")
    Lines.calls = 0
    assert tree.find(["x", *["y"] * 100], "GET") is None
    assert Lines.calls == 1


# --- the dictionary of plain paths


def test_fixed() -> None:
    tree = tree_of("GET /", "GET /a/b", "POST /a/{x}", "/any/", "PUT /{{x}}")
    assert dict(tree.fixed()) == {
        "/": {"GET": "GET /"},
        "/a/b": {"GET": "GET /a/b"},
        "/any/": {ANY_METHOD: "/any/"},
        "/{x}": {"PUT": "PUT /{{x}}"},
    }


# --- compared with a slow matcher: every way to cut the path, the smallest key wins

Key = tuple[tuple[object, ...], ...]


def narrow(converter: Converter[Any]) -> tuple[object, ...]:
    return (converter.precedence, repr(converter))


def ways(wanted: Sequence[Segment], path: Sequence[str]) -> Iterator[tuple[Key, list[object]]]:
    if not wanted or not path:
        if not wanted and not path:
            yield (), []
        return
    segment, *rest = wanted
    for key, values, used in cuts(segment, path):
        for further, more in ways(rest, path[used:]):
            yield (key, *further), [*values, *more]


def cuts(
    segment: Segment, path: Sequence[str]
) -> Iterator[tuple[tuple[object, ...], list[object], int]]:
    match segment:
        case Literal(text):
            if text == path[0]:
                yield (0,), [], 1
        case Mixed(literals, parameters):
            expression = "(.+)".join(re.escape(literal) for literal in literals)
            found = re.fullmatch(expression, path[0])
            if found:
                try:
                    pairs = zip(parameters, found.groups(), strict=True)
                    values = [p.converter.parse(text) for p, text in pairs]
                except ValueError:
                    return
                ranks = tuple(narrow(p.converter) for p in parameters)
                yield (1, -len("".join(literals)), ranks, literals), values, 1
        case Parameter(_, converter):
            if path[0]:
                try:
                    yield (2, narrow(converter)), [converter.parse(path[0])], 1
                except ValueError:
                    return
        case _:
            for used in range(1, len(path) + 1):
                text = "/".join(part.replace("/", "%2F") for part in path[:used])
                yield (3, used == len(path), -used), [text], used


Routes = list[tuple[Template, frozenset[str] | None]]


def slow_find(
    routes: Routes, path: Sequence[str], method: str
) -> tuple[str, dict[str, object]] | None:
    found = [
        ((*key, (methods is None,)), template, values)
        for template, methods in routes
        if methods is None or method in methods
        for key, values in ways(template.segments, path)
    ]
    if not found:
        return None
    _, template, values = min(found, key=lambda each: each[0])
    return template.text, dict(zip(template.names, values, strict=True))


def slow_allowed(routes: Routes, path: Sequence[str]) -> set[str]:
    methods: set[str] = set()
    for template, own in routes:
        if any(ways(template.segments, path)):
            methods |= {ANY_METHOD} if own is None else own
    return methods


PARTS = [
    *("a", "b", "", "{?}", "{?}", "{?:int}", "{?:[ab]+}", "{?:path}", "{?:path}"),
    *("{?}.{?}", "{?:int}.{?}", "a{?}", "{?}-b"),
]
METHODS = [GET, POST, frozenset({"GET", "POST"}), None]


@st.composite
def templates(draw: st.DrawFn) -> Template:
    parts = draw(st.lists(st.sampled_from(PARTS), min_size=1, max_size=4))
    names = iter(draw(st.permutations("stuvwxyz")))
    text = "/" + re.sub(r"\?", lambda _: next(names), "/".join(parts))
    return parse_template(text.replace("//", "/b/", 1) if text.startswith("//") else text)


SEGMENTS = st.sampled_from(["a", "b", "", "1", "ab", "a.b", "1.a", "a-b", "a/b", "."])


@given(
    st.lists(st.tuples(templates(), st.sampled_from(METHODS)), max_size=7),
    st.lists(st.lists(SEGMENTS, min_size=1, max_size=6), min_size=1, max_size=6),
)
def test_the_tree_agrees_with_a_slow_matcher(
    wanted: list[tuple[Template, frozenset[str] | None]], paths: list[list[str]]
) -> None:
    tree: Tree[str] = Tree()
    routes: Routes = []
    for template, methods in wanted:
        try:
            tree.add(template, template.text, methods)
        except ValueError:
            continue
        routes.append((template, methods))
    for path in paths:
        assert tree.allowed(path) == slow_allowed(routes, path)
        for method in ("GET", "POST"):
            found = tree.find(path, method)
            assert found == slow_find(routes, path, method)
            fixed = dict(tree.fixed()).get("/" + "/".join(path), {}).get(method)
            if fixed is not None and not any("/" in segment for segment in path):
                assert found == (fixed, {})


# --- cost


class Counted(Sequence[str]):
    """Segments that count how often they are looked at."""

    def __init__(self, segments: list[str]) -> None:
        self.segments: list[str] = segments
        self.looks: int = 0

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        found = self.segments[index]
        self.looks += len(found) if isinstance(found, list) else 1
        return found

    def __len__(self) -> int:
        return len(self.segments)


LONG = [
    pytest.param(["/{a}/{b}/{c:path}/x"], id="A010: a path before text"),
    pytest.param(["/{p:path}/{q:path}/end"], id="A010: two paths"),
    pytest.param(["/{p:path}/{q:path}/{r:path}/{s:path}/end"], id="four paths"),
    pytest.param(["/{p:path}/a/{q:path}/a/{r:path}/end"], id="text between paths"),
    pytest.param(["/{p:path}/{x}/{q:path}/{y:int}", "/{p:path}/a/{x:int}"], id="parameters"),
    pytest.param([f"/{'{p:path}/'}{'a/' * n}end" for n in range(8)], id="many behind one path"),
]


@pytest.mark.parametrize("routes", LONG)
def test_matching_looks_at_each_segment_a_fixed_number_of_times(routes: list[str]) -> None:
    tree = tree_of(*(f"GET {route}" for route in routes))
    for count in (50, 200, 800):
        segments = Counted(["a"] * count)
        assert tree.find(segments, "GET") is None
        assert tree.allowed(segments) == frozenset()
        assert segments.looks <= 2 * 20 * count
        segments.looks = 0
        tree.find(Counted([*["a"] * count, "end"]), "PUT")
        assert segments.looks <= 20 * count


@pytest.mark.parametrize("routes", LONG)
def test_two_thousand_segments_are_refused_fast(routes: list[str]) -> None:
    tree = tree_of(*(f"GET {route}" for route in routes))
    assert fastest(lambda: tree.find(["a"] * 2000, "GET")) < 0.25


@pytest.mark.parametrize("template", ["/{a}-{b}-{c}-{d}!", "/{a}-{b}", "/x{a}--{b}--{c}"])
def test_four_thousand_dashes_are_refused_fast(template: str) -> None:
    tree = tree_of(f"GET {template}")
    assert tree.find(["-" * 4000 + "x"], "PUT") is None
    assert fastest(lambda: tree.find(["-" * 40_000], "PUT")) < 0.1


def test_ten_thousand_routes_cost_what_one_costs() -> None:
    tree: Tree[int] = Tree()
    for number in range(10_000):
        tree.add(parse_template(f"/r{number}/{{x}}/{number % 7}"), number, GET)
    assert tree.find(["r9999", "a", "3"], "GET") == (9999, {"x": "a"})
    assert tree.find(["r9999", "a", "x"], "GET") is None
    assert fastest(lambda: tree.find(["r9999", "a", "3"], "GET")) < 0.001


def fastest(call: Callable[[], object]) -> float:
    """The best of five, in seconds: a busy machine only ever adds."""
    times: list[float] = []
    for _ in range(5):
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return min(times)
