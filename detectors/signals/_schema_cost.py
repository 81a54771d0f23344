"""An upper bound of the work to validate a value by a JSON Schema, worked out before anything is compiled.

A bound counts how many keywords may be applied to one node of a value, with every reference followed and
every alternative taken, and so sees what grows: shared references (a DAG of n references has 2^n paths),
recursion into several branches at once, long enumerations, many patterns. It is a bound of sums of paths
that are memoised, hence linear in the size of the schema.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["BUDGET", "Refused", "SchemaCost", "cost_of", "pattern_atoms"]

BUDGET: Final = 10_000_000
"""Most keyword applications spent on one value; one takes 2 to 5 ns, so that the most is some 50 ms."""
MAX_NODES: Final = 20_000
"""Values inside a schema document, members of enumerations among them."""
MAX_SUBSCHEMAS: Final = 1_500
"""Subschemas that are looked at, with those that references lead to: some 20 us each, at most."""
MAX_DEPTH: Final = 100
"""Objects and arrays inside one another in a schema document."""
MAX_ATOMS: Final = 20_000
"""Characters of all patterns, repetitions written out."""
MAX_LEVELS: Final = 64
"""Levels of a value for which a growing bound is worked out."""
STEPS: Final = 4 * MAX_NODES
"""Keyword look-ups while the bound is worked out."""
ATOM: Final = 1.0
"""Work of one character of a pattern on one of a text (the engine takes linear time in both)."""
WIDE_CLASS: Final = 5
PROPERTY_CLASS: Final = 200
MEMBER: Final = 15.0
"""Work of comparing with one member of a mixed enumeration."""
FRACTION: Final = 25.0
"""How much more a comparison with a number takes that is no integer."""
UNEVALUATED: Final = 4.0
"""Factor of the keywords that look again at what the others looked at."""

IN_PLACE_LISTS: Final = ("allOf", "anyOf", "oneOf")
IN_PLACE: Final = ("not", "if", "then", "else")
REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
OF_OBJECTS: Final = ("additionalProperties", "unevaluatedProperties", "propertyNames")
OF_ARRAYS: Final = ("items", "additionalItems", "contains", "unevaluatedItems")
ARRAY_LISTS: Final = ("items", "prefixItems")


class Refused(Exception):  # noqa: N818 - an outcome with a name, not a fault of the program
    """A schema is not read; ``reason`` is one of a few fixed words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class _Node:
    """One subschema by the subschemas it applies: to the value itself, to members and to elements."""

    place: list[int] = field(default_factory=list)
    keys: dict[str, int] = field(default_factory=dict)
    members: list[int] = field(default_factory=list)
    elements: list[int] = field(default_factory=list)
    work: float = 1.0
    atoms: float = 0.0
    member_atoms: float = 0.0
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class SchemaCost:
    """The bound of one schema: for values of each depth, the most work on one node and on one character."""

    nodes: tuple[float, ...]
    characters: tuple[float, ...]

    def affords(self, value: Any, size: int) -> bool:
        """Tell whether validating a value, decoded from ``size`` characters, stays within ``BUDGET``."""
        last_node, last_character = self.nodes[-1], self.characters[-1]
        if size * (last_node + last_character) <= BUDGET:
            return True
        count, depth = _measure(value)
        return count * _at(self.nodes, depth) + size * _at(self.characters, depth) <= BUDGET


def _at(bounds: tuple[float, ...], depth: int) -> float:
    return bounds[min(depth, len(bounds) - 1)]


def cost_of(schema: Mapping[str, Any] | bool) -> SchemaCost:
    """Return the bound of a schema.

    Raises:
        Refused: the document is too large or too deep, a reference leaves it, goes in a circle or leads
            nowhere, its patterns are too long, or it takes more than ``BUDGET`` on any value.
    """
    _check_size(schema)
    nodes = _Reader(schema).read()
    order = _innermost_first(nodes)
    cost = SchemaCost(
        _levels(nodes, order, [node.work for node in nodes], [1.0] * len(nodes)),
        _levels(nodes, order, [node.atoms * ATOM for node in nodes], [node.member_atoms * ATOM for node in nodes]),
    )
    if cost.nodes[0] + cost.characters[0] > BUDGET:
        raise Refused("too_costly")
    return cost


def pattern_atoms(pattern: str) -> float:
    """Return about how many states a regular expression has: its characters, with repetitions written out."""
    groups: list[float] = [0.0]
    last = 0.0
    at = 0
    while at < len(pattern):
        mark = pattern[at]
        size, width = 1.0, 1
        if mark == "\\":
            size, width = _escaped(pattern, at)
        elif mark == "[":
            width = _class_width(pattern, at)
            body = pattern[at : at + width]
            wide = body.startswith("[^") or any(name in body for name in ("\\W", "\\D", "\\S"))
            size = PROPERTY_CLASS if "\\p" in body or "\\P" in body else WIDE_CLASS if wide else 1
        elif mark == ".":
            size = WIDE_CLASS
        elif mark == "(":
            groups.append(0.0)
            size = 0.0
        elif mark == ")" and len(groups) > 1:
            size = groups.pop()
        elif mark == "{" and (found := _repeats(pattern, at)):
            times, width = found
            size = last * max(0, times - 1)
            groups[-1] += size
            last += size
            at += width
            continue
        groups[-1] += size
        last = size
        at += width
    return sum(groups)


def _escaped(pattern: str, at: int) -> tuple[float, int]:
    """Return the states and the width of an escape."""
    after = pattern[at + 1 : at + 2]
    if after in {"p", "P"}:
        end = pattern.find("}", at) if pattern[at + 2 : at + 3] == "{" else at + 2
        return PROPERTY_CLASS, max(end + 1 - at, 2)
    return WIDE_CLASS if after in {"W", "D", "S"} else 1.0, 2


def _class_width(pattern: str, at: int) -> int:
    end = at + 1
    while end < len(pattern) and (pattern[end] != "]" or end == at + 1):
        end += 2 if pattern[end] == "\\" else 1
    return end + 1 - at


def _repeats(pattern: str, at: int) -> tuple[int, int] | None:
    """Return the most repetitions that braces ask for, and the width of the braces."""
    end = pattern.find("}", at, at + 16)
    parts = pattern[at + 1 : end].split(",") if end > 0 else []
    numbers = [int(part) for part in parts if part.isascii() and part.isdigit()]
    return (max(numbers), end + 1 - at) if numbers else None


def _check_size(schema: Any) -> None:
    """Refuse a document by its size or depth, level by level: nothing here recurses."""
    count, level = 0, [schema]
    for _ in range(MAX_DEPTH):
        count += len(level)
        if count > MAX_NODES:
            raise Refused("too_large")
        level = [item for holder in level for item in _children(holder)]
        if not level:
            return
    raise Refused("too_deep")


def _children(holder: Any) -> Iterator[Any]:
    if isinstance(holder, Mapping):
        yield from holder.values()
    elif isinstance(holder, (list, tuple)):
        yield from holder


def _measure(value: Any) -> tuple[int, int]:
    """Return how many nodes a value has and how many levels of them."""
    count, depth, level = 0, 0, [value]
    while level:
        count += len(level)
        depth += 1
        level = [item for holder in level for item in _children(holder)]
    return count, depth


class _Reader:
    """Turns a document into its subschemas, following references inside it."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.nodes: list[_Node] = []
        self.known: dict[int, int] = {}
        self.waiting: list[tuple[int, Mapping[str, Any]]] = []
        self.anchors: dict[str, list[Any]] | None = None
        self.total_atoms = 0.0

    def read(self) -> list[_Node]:
        self.node(self.document)
        while self.waiting:
            if len(self.nodes) > MAX_SUBSCHEMAS:
                raise Refused("too_large")
            at, schema = self.waiting.pop()
            self.fill(self.nodes[at], schema)
        return self.nodes

    def node(self, schema: Any) -> int:
        """Return the place of a subschema, noting it for reading if it is new."""
        if not isinstance(schema, Mapping):
            self.nodes.append(_Node())
            return len(self.nodes) - 1
        if id(schema) not in self.known:
            self.known[id(schema)] = len(self.nodes)
            self.waiting.append((len(self.nodes), schema))
            self.nodes.append(_Node())
        return self.known[id(schema)]

    def fill(self, node: _Node, schema: Mapping[str, Any]) -> None:
        node.work += len(schema) + sum(len(_list(schema.get(name))) for name in ("required", "type")) / 4
        node.work += 100 * ("multipleOf" in schema)
        for name in ("dependentRequired", "dependencies"):
            node.work += 6 * sum(1 + len(_list(names)) for names in _record(schema.get(name)).values())
        node.work += _enumerated(schema.get("enum"))
        node.work += _enumerated([schema["const"]]) if "const" in schema else 0
        if isinstance(schema.get("pattern"), str):
            node.atoms = self.atoms(schema["pattern"])
        if "unevaluatedProperties" in schema or "unevaluatedItems" in schema:
            node.factor = UNEVALUATED
        self.in_place(node, schema)
        self.of_objects(node, schema)
        node.elements += [
            self.node(schema[name]) for name in OF_ARRAYS if isinstance(schema.get(name), (Mapping, bool))
        ]
        node.elements += [self.node(item) for name in ARRAY_LISTS for item in _list(schema.get(name))]

    def in_place(self, node: _Node, schema: Mapping[str, Any]) -> None:
        node.place += [self.node(item) for name in IN_PLACE_LISTS for item in _list(schema.get(name))]
        node.place += [self.node(schema[name]) for name in IN_PLACE if name in schema]
        for name in ("dependentSchemas", "dependencies"):
            node.place += [self.node(item) for item in _record(schema.get(name)).values()]
        for name in REFERENCES:
            if isinstance(schema.get(name), str):
                node.place += [self.node(found) for found in self.resolve(schema[name])]

    def of_objects(self, node: _Node, schema: Mapping[str, Any]) -> None:
        properties, patterns = _record(schema.get("properties")), _record(schema.get("patternProperties"))
        node.work += (len(properties) + len(patterns)) / 2
        node.keys = {key: self.node(item) for key, item in properties.items()}
        node.members += [self.node(item) for item in patterns.values()]
        node.members += [self.node(schema[name]) for name in OF_OBJECTS if name in schema]
        node.member_atoms = sum(map(self.atoms, patterns))

    def atoms(self, pattern: str) -> float:
        if len(pattern) > MAX_ATOMS:
            raise Refused("pattern")
        found = pattern_atoms(pattern)
        self.total_atoms += found
        if self.total_atoms > MAX_ATOMS:
            raise Refused("pattern")
        return found

    def resolve(self, reference: str) -> list[Any]:
        if not reference.startswith("#"):
            raise Refused("remote_reference")
        if reference == "#":
            return [self.document]
        if reference.startswith("#/"):
            return [self.pointed(reference[2:])]
        if self.anchors is None:
            self.anchors = _anchors(self.document)
        found = self.anchors.get(reference[1:])
        if not found:
            raise Refused("reference")
        return found

    def pointed(self, pointer: str) -> Any:
        """Return what a JSON Pointer leads to; a percent-encoded one is compared as it would be decoded."""
        from urllib.parse import unquote

        found = self.document
        for part in unquote(pointer).split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping) and name in found:
                found = found[name]
            elif isinstance(found, list) and name.isascii() and name.isdigit() and int(name) < len(found):
                found = found[int(name)]
            else:
                raise Refused("reference")
        return found


def _anchors(document: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    level = [document]
    while level:
        for holder in level:
            if isinstance(holder, Mapping):
                for name in ("$anchor", "$dynamicAnchor"):
                    if isinstance(holder.get(name), str):
                        found.setdefault(holder[name], []).append(holder)
                if isinstance(holder.get("$id"), str) and holder["$id"].startswith("#"):
                    found.setdefault(holder["$id"][1:], []).append(holder)
        level = [item for holder in level for item in _children(holder)]
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _record(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _enumerated(members: Any) -> float:
    """Return the work to compare with each member; strings alone are looked up, anything else is tried in turn."""
    members = _list(members)
    if all(isinstance(item, str) for item in members):
        return len(members) / 100
    return sum(MEMBER * (FRACTION if isinstance(item, float) else 1) * _measure(item)[0] for item in members)


def _innermost_first(nodes: list[_Node]) -> list[int]:
    """Order subschemas so that those applied in place come first; a circle among them has no end."""
    order: list[int] = []
    state = [0] * len(nodes)
    for root in range(len(nodes)):
        stack = [(root, False)]
        while stack:
            at, left = stack.pop()
            if left:
                state[at] = 2
                order.append(at)
            elif state[at] == 0:
                state[at] = 1
                stack.append((at, True))
                for inner in nodes[at].place:
                    if state[inner] == 1:
                        raise Refused("circular_reference")
                    stack.append((inner, False))
    return order


def _levels(nodes: list[_Node], order: list[int], own: list[float], member: list[float]) -> tuple[float, ...]:
    """Return the bound for one node of values with 0, 1, 2, … further levels, until it stands still."""
    places = [0.0] * len(nodes)
    for at in order:
        node = nodes[at]
        places[at] = min(BUDGET * 2.0, node.factor * (own[at] + sum(places[inner] for inner in node.place)))
    found = list(places)
    bounds = [found[0]]
    while len(bounds) < MAX_LEVELS and bounds[-1] <= BUDGET:
        deeper = _one_level(nodes, order, places, found, member)
        if deeper == found:
            break
        found = deeper
        bounds.append(found[0])
    else:
        bounds.append(BUDGET * 2.0)
    return tuple(bounds)


def _one_level(
    nodes: list[_Node], order: list[int], places: list[float], below: list[float], member: list[float]
) -> list[float]:
    """Return the bound of each subschema, given those of the level below."""
    elements = [0.0] * len(nodes)
    members = [0.0] * len(nodes)
    keys: list[dict[str, float]] = [{} for _ in nodes]
    steps = 0
    for at in order:
        node = nodes[at]
        elements[at] = sum(below[inner] for inner in node.elements)
        members[at] = member[at] + sum(below[inner] for inner in node.members)
        merged = {key: below[inner] for key, inner in node.keys.items()}
        for inner in node.place:
            elements[at] += elements[inner]
            members[at] += members[inner]
            for key, bound in keys[inner].items():
                merged[key] = merged.get(key, 0.0) + bound
            steps += len(keys[inner])
        if steps > STEPS:
            raise Refused("too_costly")
        if node.factor > 1:
            elements[at], members[at] = elements[at] * node.factor, members[at] * node.factor
            merged = {key: bound * node.factor for key, bound in merged.items()}
        keys[at] = merged
    return [
        min(BUDGET * 2.0, max(places[at], elements[at], members[at] + max(keys[at].values(), default=0.0)))
        for at in range(len(nodes))
    ]
