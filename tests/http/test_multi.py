"""``portico.http.multi``."""

from __future__ import annotations

import pytest
from multidict import MultiDict, MultiDictProxy

from portico.http import multi


@pytest.mark.parametrize("name", multi.__all__)
def test_what_is_handed_out_is_read_only(name: str) -> None:
    kind = getattr(multi, name)
    assert kind == MultiDictProxy[str]
    assert not hasattr(MultiDictProxy(MultiDict[str]()), "add")


def test_repeats_and_order_are_kept() -> None:
    fields: multi.QueryParams = MultiDictProxy(MultiDict([("a", "1"), ("b", "2"), ("a", "3")]))
    assert fields["a"] == fields.get("a") == "1"
    assert fields.getall("a") == ["1", "3"]
    assert list(fields.items()) == [("a", "1"), ("b", "2"), ("a", "3")]
