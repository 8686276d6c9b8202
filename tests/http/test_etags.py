"""Entity tags: what is one, what a list holds, the two comparisons."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.http.etags import ETag, ETags, parse_etag

OPAQUE = st.text(st.characters(codec="latin-1", categories=("L", "N", "P", "S"))).filter(
    lambda text: not set(text) & {'"', "\u00ad"}
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('"a"', ETag("a"), id="strong"),
        pytest.param('W/"a"', ETag("a", is_weak=True), id="weak"),
        pytest.param('""', ETag(""), id="empty is legal (8.8.3)"),
        pytest.param('"a,b"', ETag("a,b"), id="a comma is a part of it"),
        pytest.param('"a\\b"', ETag("a\\b"), id="a backslash escapes nothing"),
        pytest.param('"\xe9"', ETag("\xe9"), id="obs-text"),
        pytest.param("a", None, id="no quotes"),
        pytest.param('w/"a"', None, id="W is in upper case (8.8.3)"),
        pytest.param('W/ "a"', None, id="no blank inside"),
        pytest.param('"a', None, id="never closed"),
        pytest.param('"a b"', None, id="a space"),
        pytest.param('"a\x7f"', None, id="a control character"),
        pytest.param('"a"\n', None, id="a line end"),
        pytest.param("", None, id="nothing"),
        pytest.param("*", None, id="any is no tag"),
    ],
)
def test_parse_etag(text: str, expected: ETag | None) -> None:
    assert parse_etag(text) == expected


@pytest.mark.parametrize("tag", ["a b", 'a"', "\n", "\u20ac"])
def test_what_the_field_cannot_carry(tag: str) -> None:
    with pytest.raises(ValueError, match="no spaces"):
        ETag(tag)


@pytest.mark.parametrize(
    ("one", "other", "strongly", "weakly"),
    [
        pytest.param('W/"1"', 'W/"1"', False, True, id="weak and weak (8.8.3.2)"),
        pytest.param('W/"1"', 'W/"2"', False, False, id="weak and another (8.8.3.2)"),
        pytest.param('W/"1"', '"1"', False, True, id="weak and strong (8.8.3.2)"),
        pytest.param('"1"', '"1"', True, True, id="strong and strong (8.8.3.2)"),
        pytest.param('"a"', '"A"', False, False, id="case counts"),
    ],
)
def test_comparison(one: str, other: str, strongly: bool, weakly: bool) -> None:
    left, right = parse_etag(one), parse_etag(other)
    assert left is not None
    assert right is not None
    assert left.matches_strongly(right) is right.matches_strongly(left) is strongly
    assert left.matches_weakly(right) is right.matches_weakly(left) is weakly
    assert ETags(one).has_strong(right) is strongly
    assert ETags(one).has_weak(right) is weakly


@pytest.mark.parametrize(
    ("text", "has"),
    [
        pytest.param('"a"', True, id="one"),
        pytest.param('"x", "a"', True, id="two"),
        pytest.param('"x","a"', True, id="no blanks"),
        pytest.param('"x"\t ,\t"a" ', True, id="blanks"),
        pytest.param(',, ,"a",', True, id="empty elements (5.6.1.2)"),
        pytest.param("*", True, id="any"),
        pytest.param(" * ", True, id="any, with blanks"),
        pytest.param("a", False, id="no quotes"),
        pytest.param('x, "a"', True, id="behind one without quotes"),
        pytest.param('"x "a"', False, id="a quote in the middle"),
        pytest.param('"y, a, z"', False, id="not what stands inside another"),
        pytest.param('"y,"a",z"', True, id="where quotes are astray, commas count"),
        pytest.param('"x" "a"', False, id="no comma"),
        pytest.param("", False, id="nothing"),
        pytest.param('*, "b"', False, id="any is not in lists"),
    ],
)
def test_lists(text: str, has: bool) -> None:
    assert ETags(text).has_strong(ETag("a")) is has
    assert ETags(text).has_weak(ETag("a")) is has


def test_any_needs_one() -> None:
    assert not ETags("*").has_strong(None)
    assert not ETags("*").has_weak(None)


@given(st.lists(st.builds(ETag, OPAQUE, is_weak=st.booleans()), min_size=1))
def test_what_is_written_is_read(listed: list[ETag]) -> None:
    assert [parse_etag(str(etag)) for etag in listed] == listed
    field = ETags(", ".join(map(str, listed)))
    for etag in listed:
        assert field.has_weak(etag)
        assert field.has_strong(etag) is not etag.is_weak


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    ETags(text).has_weak(parse_etag(text))
