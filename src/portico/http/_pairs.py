"""Views of a mapping whose keys may repeat: one entry for each pair, not for each key.

The views of ``collections.abc`` look every key up and so show its first value each time.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, ValuesView
from typing import final

__all__ = ("PairItems", "PairValues")


@final
class PairItems(ItemsView[str, str]):
    """The pairs that ``pairs()`` gives, in their order; ``mapping`` tells how many they are."""

    def __init__(
        self, mapping: Mapping[str, str], pairs: Callable[[], Iterable[tuple[str, str]]]
    ) -> None:
        super().__init__(mapping)
        self._pairs: Callable[[], Iterable[tuple[str, str]]] = pairs

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._pairs())

    def __contains__(self, item: object, /) -> bool:
        return any(pair == item for pair in self._pairs())


@final
class PairValues(ValuesView[str]):
    """The values of the pairs that ``pairs()`` gives, in their order."""

    def __init__(
        self, mapping: Mapping[str, str], pairs: Callable[[], Iterable[tuple[str, str]]]
    ) -> None:
        super().__init__(mapping)
        self._pairs: Callable[[], Iterable[tuple[str, str]]] = pairs

    def __iter__(self) -> Iterator[str]:
        return iter([value for _, value in self._pairs()])

    def __contains__(self, value: object, /) -> bool:
        return any(present == value for _, present in self._pairs())
