from __future__ import annotations

from portico.http._pairs import PairItems, PairValues

PAIRS = [("a", "1"), ("b", "2"), ("a", "3")]
MAPPING = {"a": "1", "b": "2"}


def test_each_pair_is_an_entry() -> None:
    items = PairItems(MAPPING, lambda: PAIRS)
    assert list(items) == PAIRS
    assert ("a", "3") in items
    assert ("a", "2") not in items
    assert items & {("a", "3"), ("c", "4")} == {("a", "3")}


def test_each_value_is_an_entry() -> None:
    values = PairValues(MAPPING, lambda: PAIRS)
    assert list(values) == ["1", "2", "3"]
    assert "3" in values
    assert "4" not in values


def test_the_mapping_tells_how_many() -> None:
    assert len(PairItems(MAPPING, lambda: PAIRS)) == len(PairValues(MAPPING, lambda: PAIRS)) == 2
