"""Mappings with several values for one name: what the readers of queries, forms and cookies give.

They are ``multidict``'s. ``mapping[name]`` and ``get(name)`` give the first value of a name,
``getall(name)`` every one, and ``items()`` has one entry for each pair, in the order they came.
What a peer sent is handed out read-only; ``MultiDict(mapping)`` makes a copy that can be changed.
"""

from __future__ import annotations

from typing import TypeAlias

from multidict import MultiDictProxy

__all__ = ("Cookies", "FormFields", "QueryParams")

Cookies: TypeAlias = MultiDictProxy[str]
"""The cookies of a request, by name."""

FormFields: TypeAlias = MultiDictProxy[str]
"""The text fields of a form, by name."""

QueryParams: TypeAlias = MultiDictProxy[str]
"""The fields of a query, by name."""
