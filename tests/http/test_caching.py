"""Cache-Control as it is written."""

from __future__ import annotations

import pytest

from portico.http.caching import IMMUTABLE, REVALIDATE, CacheControl


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        pytest.param(CacheControl(), "", id="nothing said"),
        pytest.param(REVALIDATE, "no-cache", id="ask each time"),
        pytest.param(IMMUTABLE, "public, immutable, max-age=31536000", id="immutable (RFC 8246)"),
        pytest.param(CacheControl(no_store=True), "no-store", id="not kept"),
        pytest.param(
            CacheControl(private=True, max_age=0, must_revalidate=True),
            "private, must-revalidate, max-age=0",
            id="no lifetime is one",
        ),
        pytest.param(
            CacheControl(public=True, s_maxage=60, stale_while_revalidate=5, stale_if_error=9),
            "public, s-maxage=60, stale-while-revalidate=5, stale-if-error=9",
            id="shared caches (RFC 5861)",
        ),
    ],
)
def test_text(policy: CacheControl, expected: str) -> None:
    assert str(policy) == expected


@pytest.mark.parametrize(
    ("directives", "message"),
    [
        pytest.param({"public": True, "private": True}, "not both", id="public and private"),
        pytest.param({"no_store": True, "max_age": 1}, "no lifetime", id="kept, and not kept"),
        pytest.param({"no_store": True, "public": True}, "no lifetime", id="by anyone"),
        pytest.param({"max_age": -1}, "at least 0", id="a time that is over"),
    ],
)
def test_contradictions(directives: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CacheControl(**directives)  # type: ignore[arg-type]  # a table cannot tell them apart
