"""An upper bound of the work to validate a value by a JSON Schema, worked out before anything is compiled.

A bound counts how many keywords may be applied to one node of a value, with every reference followed and
every alternative taken, and so sees what grows: shared references (a DAG of n references has 2^n paths),
recursion into several branches at once, long enumerations, many patterns. It is a bound of sums of paths
that are memoised, hence linear in the size of the schema.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from detectors.signals._schema_graph import Branch, Graph, read_graph
from detectors.signals._schema_references import Refused, children_of

__all__ = ["BUDGET", "Refused", "SchemaCost", "cost_of"]

BUDGET: Final = 4_000_000
"""Most keyword applications spent on one value; one takes 2 to 5 ns, so that the most is some 20 ms."""
_ENDLESS: Final = 2.0 * BUDGET
_PASSES: Final = 3
"""How often a recursive schema is gone over in search of a bound for values of any depth."""
_MAX_LEVELS: Final = 64
"""Levels of a value for which a bound that grows with depth is worked out."""
_VISITS: Final = 9_000
"""Subschemas gone over in all, some 3 µs each."""
_STEPS: Final = 80_000
"""Most sums by property name while a bound is worked out."""


_SMALL: Final = 8_000
"""Work that is not worth looking at more closely."""
_PARTS_WITHOUT_LEVELS: Final = 3
_UNIQUE: Final = 5.0
"""Work to compare an array's elements, for each of its characters."""
_PAIR_ODD: Final = 150.0
"""Work to compare two integers beyond 15 digits, which are compared each with each."""
_DIGIT_COMPARED: Final = 2.0
_DIVIDED_ODD: Final = 6_000.0
"""Work to divide a number of many digits or a large exponent."""
_DIGIT_DIVIDED: Final = 25.0
_ODD_NUMBER: Final = re.compile(r"(?:^|[\[:,\s])-?(?:\d{16}|\d+(?:\.\d+)?[eE][+-]?\d\d)")
_NONE: Final[Mapping[int, float]] = MappingProxyType({})
_MEASURED: Final = 20_000
"""Most nodes of a value whose depth is looked at; larger ones count as endlessly deep."""


@dataclass(frozen=True, slots=True)
class SchemaCost:
    """The bound of one schema. Each part is for values of 0, 1, 2, … levels; the last is for all deeper ones."""

    nodes: tuple[float, ...]
    """Most work on one node of a value."""
    objects: tuple[float, ...]
    """Most further work on one object."""
    characters: tuple[float, ...]
    """Most further work on one character of a text or a name."""
    unique: tuple[float, ...]
    """How often one array may be searched for repeated elements."""
    divisions: tuple[float, ...]
    """How often one number may be divided."""
    alternatives: bool
    """Whether reports of violations grow with the branches that were tried."""

    def of(self, value: Any, text: str) -> float:
        """Return a bound of the work to validate a value that was decoded from ``text``."""
        size = len(text)
        if not self.unique[-1] and not self.divisions[-1]:
            quick = size * (self.nodes[-1] + self.objects[-1] + self.characters[-1])
            if quick <= _SMALL:
                return quick
        # commas and brackets inside strings only make the bound looser; counting them takes no time
        objects = text.count("{")
        nodes = 1 + text.count(",") + text.count("[") + objects
        by_level = len(self.nodes) + len(self.objects) + len(self.characters) > _PARTS_WITHOUT_LEVELS
        levels = _levels(value) if nodes <= _MEASURED and (by_level or self.unique[-1]) else size
        work = nodes * _at(self.nodes, levels) + objects * _at(self.objects, levels)
        work += size * _at(self.characters, levels)
        if work <= BUDGET and (self.unique[-1] or self.divisions[-1]):
            work += self._of_numbers(text, levels)
        return work

    def _of_numbers(self, text: str, levels: int) -> float:
        size = len(text)
        unique, divisions = _at(self.unique, levels), _at(self.divisions, levels)
        nested = min(levels, text.count("[") + 1)
        work = size * _UNIQUE * unique * nested
        odd = len(_ODD_NUMBER.findall(text)) if work <= BUDGET else 0
        if odd:
            work += unique * odd * (odd * _PAIR_ODD + size * _DIGIT_COMPARED)
            work += divisions * (odd * _DIVIDED_ODD + size * _DIGIT_DIVIDED)
        return work


def cost_of(schema: Mapping[str, Any] | bool) -> SchemaCost:
    """Return the bound of a schema.

    Raises:
        Refused: the document is too large or too deep, a reference leaves it, goes in a circle or leads
            nowhere, its patterns are too long, or it takes more than ``BUDGET`` on any value.
    """
    graph = read_graph(schema)
    some = (graph.objects, {**graph.atoms, **graph.member_atoms}, graph.unique, graph.divisions)
    bounds = _Bounds(graph, _VISITS // (1 + sum(map(bool, some))))
    cost = SchemaCost(
        nodes=bounds.of(graph.work),
        objects=bounds.of_some(graph.objects),
        characters=bounds.of_some(graph.atoms, graph.member_atoms),
        unique=bounds.of_some(graph.unique),
        divisions=bounds.of_some(graph.divisions),
        alternatives=graph.alternatives,
    )
    if cost.nodes[0] + cost.objects[0] + cost.characters[0] > BUDGET:
        raise Refused("too_costly")
    return cost


def _at(bounds: tuple[float, ...], levels: int) -> float:
    return bounds[min(levels, len(bounds) - 1)]


def _levels(value: Any) -> int:
    """Return how many levels of nodes a value has."""
    levels, level = 0, [value]
    while level:
        levels += 1
        level = [item for holder in level if isinstance(holder, (dict, list)) for item in children_of(holder)]
    return levels


def _innermost_first(graph: Graph) -> list[int]:
    """Order subschemas so that those applied in place come first; a circle among them has no end."""
    order: list[int] = []
    state: dict[int, int] = {}
    for root, branch in graph.inner.items():
        stack = [(root, False)] if branch.place else []
        while stack:
            at, left = stack.pop()
            if left:
                state[at] = 2
                order.append(at)
            elif at not in state:
                inner = graph.inner.get(at)
                if inner is None or not inner.place:
                    state[at] = 2
                    continue
                state[at] = 1
                stack.append((at, True))
                for each in inner.place:
                    if state.get(each) == 1:
                        raise Refused("circular_reference")
                    stack.append((each, False))
    return order


def _deepest_first(graph: Graph) -> tuple[list[int], list[int]]:
    """Order subschemas so that what they apply comes before them; those that apply one of a later place are told."""
    order: list[int] = []
    state: dict[int, int] = {}
    returning: list[int] = []
    stack = [(0, False)] if 0 in graph.inner else []
    while stack:
        at, left = stack.pop()
        if left:
            state[at] = 2
            order.append(at)
        elif at not in state:
            state[at] = 1
            stack.append((at, True))
            for each in graph.inner[at].all():
                if state.get(each) == 1:
                    returning.append(at)
                elif each not in state and each in graph.inner:
                    stack.append((each, False))
    return order, returning


class _Bounds:
    """Bounds over one graph, of whatever is spent at each subschema."""

    def __init__(self, graph: Graph, visits: int) -> None:
        self._graph = graph
        self._most_visits = visits
        self._innermost = _innermost_first(graph)
        self._outward, self._returning = _deepest_first(graph)

    def of_some(self, own: Mapping[int, float], members: Mapping[int, float] = _NONE) -> tuple[float, ...]:
        """Return the bound of what only some subschemas spend."""
        if not own and not members:
            return (0.0,)
        return self.of([own.get(at, 0.0) for at in range(len(self._graph.work))], members)

    def of(self, own: list[float], members: Mapping[int, float] = _NONE) -> tuple[float, ...]:
        """Return the bound for values of any depth, or else of 0, 1, 2, … levels."""
        places = list(own)
        for at in self._innermost:
            branch = self._graph.inner[at]
            places[at] = min(_ENDLESS, branch.factor * (own[at] + sum([places[inner] for inner in branch.place])))
        sums = _Sums(self._graph, places, members)
        found = list(places)
        left = self._most_visits
        for _ in range(_PASSES):
            left -= len(self._outward) + len(self._returning)
            if left < 0:
                break
            sums.fold(self._outward, found, found)
            if not sums.fold(self._returning, found, found):
                if found[0] <= BUDGET:
                    return (found[0],)
                break
        return self._by_level(places, members, left)

    def _by_level(self, places: list[float], members: Mapping[int, float], visits: int) -> tuple[float, ...]:
        """Return the bound for one node of values with 0, 1, 2, … further levels, until it stands still."""
        placed = set(self._innermost)
        order = [*(at for at in self._graph.inner if at not in placed), *self._innermost]
        sums = _Sums(self._graph, places, members)
        found = list(places)
        bounds = [found[0]]
        levels = min(_MAX_LEVELS, visits // max(1, len(order)))
        while len(bounds) < levels and bounds[-1] <= BUDGET:
            deeper = list(found)
            if not sums.fold(order, found, deeper):
                return tuple(bounds)
            found = deeper
            bounds.append(found[0])
        return (*bounds, _ENDLESS)


class _Sums:
    """What each subschema and those applied in its place spend on elements, on members and by property name."""

    def __init__(self, graph: Graph, places: list[float], members: Mapping[int, float]) -> None:
        self._inner = graph.inner
        self._places = places
        self._own_members = members
        self._parts: dict[int, _Parts] = {}
        self._steps = 0

    def fold(self, order: list[int], below: list[float], into: list[float]) -> bool:
        """Bring the bounds of ``order`` up to those of their parts, and tell whether anything changed."""
        changed = False
        for at in order:
            parts = self._gathered(at, self._inner[at], below)
            elements, members, keys = parts
            bound = self._places[at]
            if keys:
                members += max(keys.values())
            bound = min(_ENDLESS, max(bound, elements, members))
            if not changed:
                changed = bound != into[at] or parts != self._parts.get(at)
            into[at] = bound
            self._parts[at] = parts
        return changed

    def _gathered(self, at: int, branch: Branch, below: list[float]) -> "_Parts":
        if branch.only_refers():
            return self._parts.get(branch.place[0], _NO_PARTS)
        elements = sum([below[inner] for inner in branch.elements])
        members = self._own_members.get(at, 0.0) + sum([below[inner] for inner in branch.members])
        keys = {key: below[inner] for key, inner in branch.keys.items()}
        for inner in branch.place:
            more = self._parts.get(inner, _NO_PARTS)
            elements += more[0]
            members += more[1]
            keys = self._merged(keys, more[2])
        if branch.factor > 1:
            elements, members = elements * branch.factor, members * branch.factor
            keys = {key: bound * branch.factor for key, bound in keys.items()}
        return elements, members, keys

    def _merged(self, keys: dict[str, float], more: dict[str, float]) -> dict[str, float]:
        if not more:
            return keys
        if not keys:
            return more  # shared: nothing here changes a sum that it did not make
        self._steps += len(more)
        if self._steps > _STEPS:
            raise Refused("too_costly")
        merged = dict(keys)
        for key, bound in more.items():
            merged[key] = merged.get(key, 0.0) + bound
        return merged


_Parts = tuple[float, float, dict[str, float]]
_NO_PARTS: Final[_Parts] = (0.0, 0.0, {})
