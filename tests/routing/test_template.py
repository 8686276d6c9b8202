"""Templates: the grammar, and what is told to whoever breaks it."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.routing.converters import (
    AnyConverter,
    ConverterFactory,
    DecimalConverter,
    FloatConverter,
    IntConverter,
    PathConverter,
    RegexConverter,
    StrConverter,
    UUIDConverter,
)
from portico.routing.template import (
    Literal,
    Mixed,
    Parameter,
    Rest,
    Segment,
    parse_template,
)

TEXT = StrConverter()


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("/", [Literal("")], id="root"),
        pytest.param("/a", [Literal("a")], id="one segment"),
        pytest.param("/a/b/", [Literal("a"), Literal("b"), Literal("")], id="trailing slash"),
        pytest.param("/a//b", [Literal("a"), Literal(""), Literal("b")], id="empty segment"),
        pytest.param("/a.b*(c)+$", [Literal("a.b*(c)+$")], id="literals are no expressions"),
        pytest.param("/caf\u00e9/a b", [Literal("caf\u00e9"), Literal("a b")], id="decoded"),
        pytest.param("/a%20b", [Literal("a%20b")], id="a percent sign is one"),
        pytest.param("/{{x}}", [Literal("{x}")], id="literal braces"),
        pytest.param("/a{{{x}}}b", [Mixed(("a{", "}b"), (Parameter("x", TEXT),))], id="braces"),
        pytest.param("/{x}", [Parameter("x", TEXT)], id="parameter"),
        pytest.param("/{x:str}", [Parameter("x", TEXT)], id="str is the default"),
        pytest.param("/{x:int()}", [Parameter("x", IntConverter())], id="no arguments"),
        pytest.param("/{x:uuid}/y", [Parameter("x", UUIDConverter()), Literal("y")], id="uuid"),
        pytest.param(
            "/{n:int(min=1, max=10)}", [Parameter("n", IntConverter(min=1, max=10))], id="bounds"
        ),
        pytest.param("/{n:int( min = -1 )}", [Parameter("n", IntConverter(min=-1))], id="spaces"),
        pytest.param(
            "/{n:float(min=0, max=0.5)}",
            [Parameter("n", FloatConverter(min=0, max=0.5))],
            id="float bounds",
        ),
        pytest.param(
            "/{n:decimal(min=0.10)}",
            [Parameter("n", DecimalConverter(min=DecimalConverter().parse("0.1")))],
            id="decimal bounds are the decimals that were written",
        ),
        pytest.param(
            "/{c:any(red, dark red,\"a,b\",'(x)',01)}",
            [Parameter("c", AnyConverter("red", "dark red", "a,b", "(x)", "01"))],
            id="choices: words, quoted text, digits as text",
        ),
        pytest.param("/{p:path}", [Rest("p", PathConverter())], id="path"),
        pytest.param("/{p:any}", [Rest("p", PathConverter())], id="any alone is path"),
        pytest.param(
            "/{x:[0-9a-f]{4}}", [Parameter("x", RegexConverter("[0-9a-f]{4}"))], id="regex"
        ),
        pytest.param(
            r"/{x:\{+}", [Parameter("x", RegexConverter(r"\{+"))], id="escaped brace in a regex"
        ),
        pytest.param("/{x:a/b}", [Parameter("x", RegexConverter("a/b"))], id="slash in a regex"),
        pytest.param("/{x:(int)}", [Parameter("x", RegexConverter("(int)"))], id="in brackets"),
        pytest.param(
            "/v{major:int}.{minor}-x",
            [
                Mixed(
                    ("v", ".", "-x"), (Parameter("major", IntConverter()), Parameter("minor", TEXT))
                )
            ],
            id="several in one segment",
        ),
    ],
)
def test_parse_template(text: str, segments: list[Segment]) -> None:
    template = parse_template(text)
    assert template.segments == tuple(segments)
    assert str(template) == template.text == text


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("a", "position 0: must begin with '/'", id="no slash"),
        pytest.param("{x}", "position 0: must begin with '/'", id="parameter first"),
        pytest.param("//a", "position 1: must not begin with '//'", id="names a host"),
        pytest.param("/a/{x", "position 3: this brace is never closed; write '{{'", id="open"),
        pytest.param("/{x:[{]}", "position 1: this brace is never closed", id="open in a regex"),
        pytest.param("/{x:\\", "position 1: this brace is never closed", id="backslash at the end"),
        pytest.param("/a}/b", "position 2: this brace was not opened; write '}}'", id="closed"),
        pytest.param("/{}", "position 1: a parameter's name is an identifier, not ''", id="empty"),
        pytest.param("/{a-b}", "an identifier, not 'a-b'", id="bad name"),
        pytest.param("/{ a}", "an identifier, not ' a'", id="space before the name"),
        pytest.param("/{a:}", "position 1: a converter must follow the colon", id="no converter"),
        pytest.param(
            "/{a:integer}",
            "position 1: no converter 'integer'; known are any, date, datetime, decimal, float, ",
            id="unknown converter",
        ),
        pytest.param("/{a:abc}", "a regular expression needs brackets: '{a:(abc)}'", id="a hint"),
        pytest.param("/{a:int(lowest=1)}", "unexpected keyword argument", id="unknown argument"),
        pytest.param("/{a:int(5)}", "positional argument", id="int takes no words"),
        pytest.param("/{a:int(min=x)}", "needs int, not str", id="bad argument"),
        pytest.param("/{a:int(min='1')}", "needs int, not str", id="quoted numbers are text"),
        pytest.param("/{a:int(min=1,min=2)}", "'min' is given twice", id="argument twice"),
        pytest.param("/{a:any(b,,c)}", "arguments are 'word'", id="empty argument"),
        pytest.param("/{a:any(b=)}", "arguments are 'word'", id="argument without a value"),
        pytest.param("/{a:[}", "position 1: not a regular expression", id="bad regex"),
        pytest.param("/{a}/{a}", "position 5: the name 'a' is taken", id="name twice"),
        pytest.param("/{a}-{a}", "position 1: the name 'a' is taken", id="twice in a segment"),
        pytest.param("/x{a}{b}", "position 1: put text between 'a' and 'b'", id="adjacent"),
        pytest.param("/x{a:path}", "position 1: 'a' takes whole segments", id="path after text"),
        pytest.param("/{b}-{a:path}", "'a' takes whole segments: let it stand alone", id="path"),
    ],
)
def test_templates_that_are_refused(text: str, error: str) -> None:
    with pytest.raises(ValueError, match=re.escape(error)) as caught:
        parse_template(text)
    assert str(caught.value).startswith(f"template {text!r}, position ")


def test_names_in_order() -> None:
    assert parse_template("/{b}/{a}-{d}/{c:path}").names == ("b", "a", "d", "c")


def test_a_template_is_frozen() -> None:
    template: object = parse_template("/a")
    with pytest.raises(FrozenInstanceError):
        setattr(template, "text", "/b")  # noqa: B010 - type checkers know that it is frozen


def test_own_converters_come_before_the_built_in_ones() -> None:
    own: dict[str, ConverterFactory] = {
        "int": lambda: IntConverter(min=0),
        "slug": lambda: RegexConverter("[a-z-]+"),
    }
    template = parse_template("/{a:int}/{b:slug}/{c}", own)
    assert template.segments == (
        Parameter("a", IntConverter(min=0)),
        Parameter("b", RegexConverter("[a-z-]+")),
        Parameter("c", TEXT),
    )


@pytest.mark.parametrize(
    ("template", "segment", "values"),
    [
        pytest.param("/{n}.{e}", "archive.tar.gz", ["archive.tar", "gz"], id="from the right"),
        pytest.param("/{n}.{e}", "a.", None, id="last is empty"),
        pytest.param("/{n}.{e}", ".a", None, id="first is empty"),
        pytest.param("/{n}.{e}", "a", None, id="no text between"),
        pytest.param("/{n}.{e}", "...", [".", "."], id="parameters may hold the text between"),
        pytest.param("/{a}--{b}", "a---b", ["a-", "b"], id="overlapping text"),
        pytest.param("/v{a}", "v1", ["1"], id="text in front"),
        pytest.param("/v{a}", "v", None, id="nothing behind the text"),
        pytest.param("/v{a}", "w1", None, id="other text in front"),
        pytest.param("/{a}!", "x!", ["x"], id="text behind"),
        pytest.param("/{a}!", "x", None, id="no text behind"),
        pytest.param("/aa{x}aa", "aaa", None, id="front and back may not share"),
        pytest.param("/aa{x}-{y}aa", "aaa", None, id="nor leave less than nothing"),
        pytest.param("/aa{x}aa", "aaaaa", ["a"], id="one character is enough"),
        pytest.param("/{a}-{b}-{c}", "1-2-3-4", ["1-2", "3", "4"], id="first takes the most"),
        pytest.param("/{a:int}-{b:int}", "1-2", [1, 2], id="converted"),
        pytest.param("/{a}.{b}", "a\n.\n", ["a\n", "\n"], id="line ends are text"),
    ],
)
def test_mixed_segments(template: str, segment: str, values: list[object] | None) -> None:
    mixed = parse_template(template).segments[0]
    assert isinstance(mixed, Mixed)
    assert mixed.parse(segment) == values


def test_a_converter_may_refuse_its_part() -> None:
    mixed = parse_template("/{a:int}-{b}").segments[0]
    assert isinstance(mixed, Mixed)
    with pytest.raises(ValueError, match="not a whole number"):
        mixed.parse("x-1")


@given(
    st.lists(st.sampled_from(["-", "--", ".", "a"]), min_size=2, max_size=4),
    st.booleans(),
    st.text("-.ab", max_size=12),
)
def test_mixed_segments_match_as_a_greedy_expression_would(
    literals: list[str], has_front: bool, text: str
) -> None:
    literals[0] = literals[0] if has_front else ""
    names = [f"p{n}" for n in range(len(literals) - 1)]
    written = literals[0] + "".join(
        f"{{{name}}}{literal}" for name, literal in zip(names, literals[1:], strict=True)
    )
    mixed = parse_template(f"/{written}").segments[0]
    assert isinstance(mixed, Mixed)
    expression = "(.+)".join(re.escape(literal) for literal in literals)
    slow = re.fullmatch(expression, text)
    assert mixed.split(text) == (list(slow.groups()) if slow else None)


@given(st.text("/{}:ab1()[]=,\\\"' ", max_size=20))
def test_any_text_is_a_template_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert parse_template(f"/{text}").text == f"/{text}"
