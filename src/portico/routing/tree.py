"""The tree that finds a path's route: cost independent of the number of routes, linear in the path.

Pure. What the templates mean is in ``template``; what a missing method, HEAD or OPTIONS means is
the caller's to decide.

At each segment a literal beats mixed text and parameters beats a parameter beats a path, whatever
the order of registration. ``Tree.find`` walks straight down as long as the most specific branch
goes on; only where that fails and another branch was passed on the way does it search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar, final

from portico.http.paths import join_segments
from portico.routing.converters import Converter, StrConverter
from portico.routing.template import Literal, Mixed, Parameter, Rest, Segment, Template

__all__ = ("ANY_METHOD", "Match", "Tree")

_T = TypeVar("_T")
_S = TypeVar("_S", bound=Parameter | Mixed | Rest)

ANY_METHOD: Final = "*"
"""Stands in ``Tree.allowed`` for a route that takes every method."""

Match: TypeAlias = tuple[_T, dict[str, object]]
"""What was found: the value that was added, and the parameters by name, parsed."""

_STR: Final = StrConverter()

_Rank: TypeAlias = tuple[int, int, tuple[tuple[int, int, str], ...], tuple[str, ...]]


class _Span(NamedTuple):
    """Segments that a path parameter took; joined and parsed only when a route is reached."""

    rest: Rest
    start: int
    stop: int


@final
class _Entry(Generic[_T]):
    """A value at the end of a template; ``keys`` only if they are not the template's names."""

    __slots__ = ("keys", "template", "value")

    def __init__(self, value: _T, template: Template, keys: tuple[str, ...]) -> None:
        self.value: _T = value
        self.template: Template = template
        self.keys: tuple[str, ...] | None = None if keys == template.names else keys


class _Edge(NamedTuple, Generic[_S, _T]):
    """The way to the next node; ``keys`` name the parameters on the straight way, each key once."""

    segment: _S
    keys: tuple[str, ...]
    node: _Node[_T]


@final
class _Node(Generic[_T]):
    """A place in the tree: what may follow, and which values end here."""

    __slots__ = (
        "anything",
        "depth",
        "edges",
        "entries",
        "literals",
        "only",
        "open",
        "rests",
        "shortcut",
    )

    def __init__(self, depth: int, *, is_open: bool) -> None:
        self.depth: int = depth  # steps from the root; segments too, unless a path is among them
        self.entries: dict[str, _Entry[_T]] = {}
        self.anything: _Entry[_T] | None = None
        self.literals: dict[str, _Node[_T]] = {}
        self.edges: tuple[_Edge[Parameter | Mixed, _T], ...] = ()  # most specific first
        self.rests: tuple[_Edge[Rest, _T], ...] = ()
        # For the straight way: the one parameter or the one path that may stand here, and whether
        # a search may still find something where it ends. Below an open node all are open.
        self.only: tuple[str, Callable[[str], object] | None, _Node[_T]] | None = None
        self.shortcut: _Edge[Rest, _T] | None = None
        self.open: bool = is_open

    def step(self, segment: Segment, keys: list[str]) -> _Node[_T]:
        """Go over ``segment``, made if it is not there yet; append its parameters' keys."""
        if isinstance(segment, Literal):
            node = self.literals.get(segment.text)
            if node is None:
                is_open = self.open or bool(self.edges)
                node = self.literals[segment.text] = _Node(self.depth + 1, is_open=is_open)
            return node
        before = len(self.edges) + len(self.rests)
        if isinstance(segment, Rest):
            self.rests, node = self._with(self.rests, segment, keys)
        else:
            self.edges, node = self._with(self.edges, segment, keys)
        if len(self.edges) + len(self.rests) > before:
            self._settle()
        return node

    def _with(
        self, edges: tuple[_Edge[_S, _T], ...], segment: _S, keys: list[str]
    ) -> tuple[tuple[_Edge[_S, _T], ...], _Node[_T]]:
        kind = _kind(segment)
        for edge in edges:
            if _kind(edge.segment) == kind:
                keys.extend(edge.keys)
                return edges, edge.node
        parameters = segment.parameters if isinstance(segment, Mixed) else (segment,)
        # Identifiers hold no dot: a key that is made here is nobody's name.
        new = [f"{self.depth}.{p.name}" if p.name in keys else p.name for p in parameters]
        keys.extend(new)
        node = _Node[_T](self.depth + 1, is_open=self.open)
        edge = _Edge(segment, tuple(new), node)
        return tuple(sorted((*edges, edge), key=lambda each: _rank(each.segment))), node

    def _settle(self) -> None:
        """Work out again what the straight way may do, after a parameter was added here."""
        self.only = self.shortcut = None
        if len(self.edges) == 1 and isinstance(parameter := self.edges[0].segment, Parameter):
            parse = None if parameter.converter == _STR else parameter.converter.parse
            self.only = (self.edges[0].keys[0], parse, self.edges[0].node)
        if not self.edges and len(self.rests) == 1:
            self.shortcut = self.rests[0]
        if self.rests or self.only is None:
            self.unseal()
        for node in self.literals.values():
            node.unseal()

    def unseal(self) -> None:
        """Mark this node and all below as open; each once, so that adding stays cheap."""
        waiting: list[_Node[_T]] = [self]
        while waiting:
            node = waiting.pop()
            if not node.open:
                node.open = True
                waiting.extend(node.literals.values())
                waiting.extend(edge.node for edge in node.edges)
                waiting.extend(edge.node for edge in node.rests)

    def goes_on(self) -> bool:
        """Whether any template goes on from here."""
        return bool(self.literals or self.edges or self.rests)

    def may_take(self, segment: str) -> bool:
        """Whether ``segment`` may come next: False is certain, True is not."""
        return bool(self.edges or self.rests) or segment in self.literals


@final
class Tree(Generic[_T]):
    """Values by path template and method.

    Segments are those of the path without its leading slash, each percent-decoded once: ``/`` is
    ``[""]``, ``/a/`` is ``["a", ""]``; a slash inside a segment came as ``%2F``.

    >>> from portico.routing.template import parse_template
    >>> tree: Tree[str] = Tree()
    >>> tree.add(parse_template("/users/{id:int}"), "user", frozenset({"GET"}))
    >>> tree.add(parse_template("/users/me"), "me", frozenset({"GET"}))
    >>> tree.find(["users", "7"], "GET")
    ('user', {'id': 7})
    >>> tree.find(["users", "me"], "GET")
    ('me', {})
    >>> tree.find(["users", "7"], "PUT"), sorted(tree.allowed(["users", "7"]))
    (None, ['GET'])
    """

    def __init__(self) -> None:
        self._root: _Node[_T] = _Node(0, is_open=False)
        self._fixed: dict[str, dict[str, _T]] = {}

    def add(self, template: Template, value: _T, methods: frozenset[str] | None) -> None:
        """Let ``find`` give ``value`` for ``template`` and each of ``methods``; None is any method.

        At one place a named method beats any method. Names of parameters do not tell templates
        apart: ``/{a}`` and ``/{b}`` are the same place, and each keeps its own names.

        Raises ``ValueError`` if an equal template has one of the methods already, or if ``methods``
        is empty; nothing is added then.
        """
        if methods is not None and not methods:
            raise ValueError(f"{template.text!r} has no method; None means any")
        node, keys = self._root, list[str]()
        for segment in template.segments:
            node = node.step(segment, keys)
        held = node.entries if methods is not None else {ANY_METHOD: node.anything}
        for method in sorted(methods or held):
            taken = held.get(method)
            if taken is not None:
                raise ValueError(
                    f"{method} {template.text!r}: the same paths belong to {taken.template.text!r}"
                )
        entry = _Entry(value, template, tuple(keys))
        if methods is None:
            node.anything = entry
        else:
            node.entries.update(dict.fromkeys(methods, entry))
        if all(isinstance(segment, Literal) for segment in template.segments):
            text = "/".join(s.text for s in template.segments if isinstance(s, Literal))
            path = f"/{text}" if template.segments else ""
            found = self._fixed.setdefault(path, {})
            found.update(dict.fromkeys(methods or (ANY_METHOD,), value))

    def fixed(self) -> Iterable[tuple[str, Mapping[str, _T]]]:
        """Give the templates without parameters as paths, each with its values by method.

        Where one of them has the method of a request, ``find`` gives the same value for its path.
        """
        return self._fixed.items()

    def find(self, segments: Sequence[str], method: str) -> Match[_T] | None:
        """Find the most specific template that matches and has ``method``.

        Gives its value and its parameters, parsed. None if there is none; ``allowed`` then tells
        a wrong method from a wrong path.
        """
        node = self._root
        params: dict[str, object] = {}
        for segment in segments:
            child = node.literals.get(segment)
            if child is None:
                only = node.only
                if only is None or not segment:
                    break
                key, parse, child = only
                try:
                    params[key] = segment if parse is None else parse(segment)
                except ValueError:
                    break
            node = child
        else:
            entry = node.entries.get(method, node.anything)
            if entry is not None:
                return entry.value, params if entry.keys is None else _renamed(entry, params)
        return self._search(node, segments, method, params) if node.open else None

    def allowed(self, segments: Sequence[str]) -> frozenset[str]:
        """Give the methods of all templates that match; empty if none does.

        ``ANY_METHOD`` is among them if one of the templates takes any.
        """
        if self._is_dead_end(segments):
            return frozenset()
        methods: set[str] = set()
        for node, values in self._walk(segments):
            if _parsed(values, segments) is not None:
                methods.update(node.entries)
                if node.anything is not None:
                    methods.add(ANY_METHOD)
        return frozenset(methods)

    def _is_dead_end(self, segments: Sequence[str]) -> bool:
        """Whether the straight way breaks off where no other branches off: most paths that miss."""
        node = self._root
        for segment in segments:
            child = node.literals.get(segment)
            if child is None:
                if node.only is None or not segment:
                    return not node.open
                child = node.only[2]
            node = child
        return False

    def _search(
        self, node: _Node[_T], segments: Sequence[str], method: str, params: dict[str, object]
    ) -> Match[_T] | None:
        """Go on where the straight way ended at ``node``: over its shortcut, else from the root."""
        edge = node.shortcut
        if edge is not None and not edge.node.goes_on() and node.depth < len(segments):
            entry = edge.node.entries.get(method, edge.node.anything)
            span = _Span(edge.segment, node.depth, len(segments))
            if entry is not None and (parsed := _parsed((span,), segments)) is not None:
                params[edge.keys[0]] = parsed[0]
                return entry.value, params if entry.keys is None else _renamed(entry, params)
        for end, values in self._walk(segments):
            entry = end.entries.get(method, end.anything)
            if entry is not None and (parsed := _parsed(values, segments)) is not None:
                return entry.value, dict(zip(entry.template.names, parsed, strict=True))
        return None

    def _walk(self, segments: Sequence[str]) -> Iterator[tuple[_Node[_T], tuple[object, ...]]]:
        """Give each node with values where these segments end, most specific first.

        A node is entered at most once for each number of segments used up, so the work is at most
        nodes x segments: without paths because a node has one depth; behind a path because
        ``tried`` holds the fewest segments with which its node was entered, and a later approach
        enters it only with fewer. Later approaches are always shorter ones, as paths are greedy.
        """
        last = len(segments)
        tried: dict[_Node[_T], int] = {}
        stack: list[tuple[_Node[_T], int, tuple[object, ...]]] = [(self._root, 0, ())]
        while stack:
            node, at, values = stack.pop()
            if at == last:
                if node.entries or node.anything is not None:
                    yield node, values
                continue
            # What goes on the stack last is tried first.
            for rest in reversed(node.rests):
                low = tried.get(rest.node, last + 1)
                tried[rest.node] = at + 1
                if low > last:  # ending with the path is less specific than going on behind it
                    stack.append((rest.node, last, (*values, _Span(rest.segment, at, last))))
                stack.extend(
                    (rest.node, stop, (*values, _Span(rest.segment, at, stop)))
                    for stop in range(at + 1, min(low, last) if rest.node.goes_on() else 0)
                    if rest.node.may_take(segments[stop])
                )
            segment = segments[at]
            for edge in reversed(node.edges) if segment else ():
                found = _read(edge.segment, segment)
                if found is not None:
                    stack.append((edge.node, at + 1, (*values, *found)))
            child = node.literals.get(segment)
            if child is not None:
                stack.append((child, at + 1, values))


def _kind(segment: Parameter | Mixed | Rest) -> tuple[object, ...]:
    """What a segment matches, whatever its parameters are called."""
    if isinstance(segment, Mixed):
        return (segment.literals, *(p.converter for p in segment.parameters))
    if isinstance(segment, Rest) and not segment.is_read:
        return ()
    return (segment.converter,)


def _rank(segment: Parameter | Mixed | Rest) -> _Rank:
    """Sort key: the most specific first, and the same order whatever was registered first."""
    if isinstance(segment, Mixed):
        size = sum(len(literal) for literal in segment.literals)
        narrow = tuple(_narrowness(p.converter) for p in segment.parameters)
        return (0, -size, narrow, segment.literals)
    return (1, 0, (_narrowness(segment.converter),), ())


def _narrowness(converter: Converter[Any]) -> tuple[int, int, str]:
    settings = sum(setting is not None for setting in vars(converter).values())
    return (converter.precedence, -settings, repr(converter))


def _read(segment: Parameter | Mixed, text: str) -> Sequence[object] | None:
    """Give the values of a segment's parameters; None if it does not match."""
    try:
        if isinstance(segment, Mixed):
            return segment.parse(text)
        return (segment.converter.parse(text),)
    except ValueError:
        return None


def _parsed(values: tuple[object, ...], segments: Sequence[str]) -> list[object] | None:
    """Put the values of paths in the place of their spans; None if a converter refuses one."""
    parsed: list[object] = []
    for value in values:
        if isinstance(value, _Span):
            if not value.rest.is_read:
                parsed.append(None)
                continue
            text = join_segments(list(segments[value.start : value.stop]))[1:]
            try:
                parsed.append(value.rest.converter.parse(text))
            except ValueError:
                return None
        else:
            parsed.append(value)
    return parsed


def _renamed(entry: _Entry[_T], params: dict[str, object]) -> dict[str, object]:
    return {
        name: params[key] for name, key in zip(entry.template.names, entry.keys or (), strict=True)
    }
