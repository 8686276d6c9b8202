"""Answers without a route, apart from the router; with it they are in ``test_router``."""

from __future__ import annotations

import pytest

from portico import HTTPException, Response
from portico.routing._misses import not_allowed, other_slash, slash_redirect
from tests.drive import http_scope


@pytest.mark.parametrize(
    ("segments", "other"),
    [([""], ["", ""]), (["a"], ["a", ""]), (["a", ""], ["a"]), (["a", "", ""], ["a", ""])],
)
def test_the_other_slash(segments: list[str], other: list[str]) -> None:
    assert other_slash(segments) == other


@pytest.mark.parametrize(
    ("path", "segments", "expected"),
    [
        pytest.param("/a", ["a"], "/a/?q=%20%27", id="one more"),
        pytest.param("/a/", ["a", ""], "/a?q=%20%27", id="one less"),
        pytest.param("/", [""], None, id="the root"),
        pytest.param("//evil.example", ["", "evil.example"], None, id="a host"),
    ],
)
def test_slash_redirect(path: str, segments: list[str], expected: str | None) -> None:
    reply = slash_redirect(http_scope(path=path, query_string=b"q= '"), segments)
    assert (None if reply is None else reply.headers["location"]) == expected


def test_another_method() -> None:
    allowed = not_allowed("OPTIONS", frozenset({"GET", "*"}))
    assert isinstance(allowed, Response)
    refused = not_allowed("PUT", frozenset({"GET"}))
    assert isinstance(refused, HTTPException)
    assert refused.headers == [("allow", "GET, OPTIONS")]
