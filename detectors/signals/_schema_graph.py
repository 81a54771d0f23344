"""A JSON Schema as its subschemas: what each one costs by itself and which others it applies to what."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from detectors.signals._schema_patterns import class_work, pattern_atoms
from detectors.signals._schema_references import References, Refused, children_of

__all__ = ["MAX_ATOMS", "MAX_BRANCHES", "MAX_SUBSCHEMAS", "Branch", "Graph", "read_graph"]

MAX_SUBSCHEMAS: Final = 5_000
"""Subschemas that are looked at, with those that references lead to: some 2 µs each."""
MAX_BRANCHES: Final = 1_400
"""Those among them that apply others: some 10 µs each."""
MAX_ATOMS: Final = 10_000
"""Characters of all different patterns, repetitions written out: they are compiled once, some 2 µs each."""
MAX_CLASS_WORK: Final = 20_000
"""Characters of all different patterns, each times its shorthand classes: some 20 ms."""
_PATTERN: Final = 20
"""What a pattern takes to compile besides its characters, in characters."""
_ATOM: Final = 1.0
"""Work of one character of a pattern on one of a text (the engine takes linear time in both)."""
_MEMBER: Final = 15.0
"""Work of comparing with one member of a mixed enumeration."""
_FRACTION: Final = 25.0
"""How much more a comparison with a number takes that is no integer."""
_UNEVALUATED: Final = 4.0
"""Factor of the keywords that look again at what the others looked at."""
_REMAINDER: Final = 250.0
"""Work of a division."""
_ODD_REMAINDER: Final = 6_000.0
"""Work of a division by a number of many digits."""
_PLAIN_LEAST, _PLAIN_MOST = 1e-6, 1e15
_DEPENDENT: Final = 6.0
"""Work to look for a member that another one asks for."""


@dataclass(slots=True)
class Branch:
    """The subschemas that one applies: to the value itself, to members and to elements."""

    place: list[int] = field(default_factory=list)
    keys: dict[str, int] = field(default_factory=dict)
    members: list[int] = field(default_factory=list)
    elements: list[int] = field(default_factory=list)
    factor: float = 1.0

    def only_refers(self) -> bool:
        """Tell whether another subschema says everything about what is inside the value."""
        return len(self.place) == 1 and not (self.keys or self.members or self.elements) and self.factor <= 1

    def all(self) -> Iterator[int]:
        """Yield every subschema applied."""
        yield from self.place
        yield from self.keys.values()
        yield from self.members
        yield from self.elements


@dataclass(slots=True)
class Graph:
    """Every subschema by number; the document is number 0. Those that apply no other have no branch."""

    work: list[float] = field(default_factory=list)
    """Keyword applications on any value."""
    inner: dict[int, Branch] = field(default_factory=dict)
    objects: dict[int, float] = field(default_factory=dict)
    """Further ones on an object."""
    atoms: dict[int, float] = field(default_factory=dict)
    """Further ones on each character of a value that is a text."""
    member_atoms: dict[int, float] = field(default_factory=dict)
    """Further ones on each character of a member's name."""
    unique: dict[int, float] = field(default_factory=dict)
    """How often an array's elements are compared with one another."""
    divisions: dict[int, float] = field(default_factory=dict)
    """How often a number is divided."""
    alternatives: bool = False
    """Whether reports of violations grow with the branches that were tried."""

    def on_objects(self, at: int, work: float) -> None:
        """Add work on an object."""
        self.objects[at] = self.objects.get(at, 0.0) + work


def read_graph(document: Any) -> Graph:
    """Read a schema, following references inside it; nothing here recurses.

    Raises:
        Refused: it has too many subschemas or too long patterns, or a reference cannot be followed.
    """
    reader = _Reader(document)
    reader.number(document)
    while reader.waiting:
        if len(reader.graph.work) > MAX_SUBSCHEMAS or len(reader.graph.inner) > MAX_BRANCHES:
            raise Refused("too_large")
        at, schema = reader.waiting.pop()
        for keyword, value in schema.items():
            read = _KEYWORDS.get(keyword)
            if read is not None:
                read(reader, at, value, schema)
    return reader.graph


class _Reader:
    """Turns a document into its graph."""

    def __init__(self, document: Any) -> None:
        self.graph = Graph()
        self.waiting: list[tuple[int, Mapping[str, Any]]] = []
        self._known: dict[int, int] = {}
        self._references = References(document)
        self._patterns: dict[str, float] = {}
        self._total_atoms = 0.0
        self._class_work = 0

    def number(self, schema: Any) -> int:
        """Return the number of a subschema, noting it for reading if it is new."""
        work = self.graph.work
        if not isinstance(schema, Mapping):
            work.append(1.0)
            return len(work) - 1
        known = self._known.setdefault(id(schema), len(work))
        if known == len(work):
            self.waiting.append((known, schema))
            work.append(1.0 + len(schema))
        return known

    def branch(self, at: int) -> Branch:
        """Return what a subschema applies, to add to."""
        return self.graph.inner.setdefault(at, Branch())

    def targets(self, keyword: str, reference: str, schema: Any) -> list[int]:
        return [self.number(found) for found in self._references.targets(keyword, reference, schema)]

    def pattern(self, pattern: str) -> float:
        if pattern in self._patterns:
            return self._patterns[pattern]
        if len(pattern) > MAX_ATOMS:
            raise Refused("pattern")
        found = self._patterns[pattern] = pattern_atoms(pattern) * _ATOM
        self._total_atoms += _PATTERN + found
        self._class_work += class_work(pattern)
        if self._total_atoms > MAX_ATOMS or self._class_work > MAX_CLASS_WORK:
            raise Refused("pattern")
        return found


_Read = Callable[[_Reader, int, Any, Mapping[str, Any]], None]


def _in_place(reader: _Reader, at: int, value: Any, _: Mapping[str, Any]) -> None:
    reader.branch(at).place.append(reader.number(value))


def _in_place_each(reader: _Reader, at: int, value: Any, _: Mapping[str, Any]) -> None:
    reader.branch(at).place.extend([reader.number(item) for item in children_of(value)])


def _alternatives(reader: _Reader, at: int, value: Any, schema: Mapping[str, Any]) -> None:
    reader.graph.alternatives = True
    _in_place_each(reader, at, value, schema)


def _reference(keyword: str) -> _Read:
    def read(reader: _Reader, at: int, value: Any, schema: Mapping[str, Any]) -> None:
        if isinstance(value, str):
            reader.branch(at).place.extend(reader.targets(keyword, value, schema))

    return read


def _properties(reader: _Reader, at: int, value: Any, _: Mapping[str, Any]) -> None:
    if isinstance(value, Mapping):
        reader.graph.on_objects(at, len(value) / 2)
        reader.branch(at).keys = {key: reader.number(item) for key, item in value.items()}


def _pattern_properties(reader: _Reader, at: int, value: Any, _: Mapping[str, Any]) -> None:
    if isinstance(value, Mapping):
        reader.graph.on_objects(at, len(value) / 2)
        reader.graph.member_atoms[at] = sum(map(reader.pattern, value))
        reader.branch(at).members.extend([reader.number(item) for item in value.values()])


def _of_members(reader: _Reader, at: int, value: Any, _: Mapping[str, Any]) -> None:
    if value is not True and value is not False:
        reader.branch(at).members.append(reader.number(value))


def _of_elements(reader: _Reader, at: int, value: Any, _: Mapping[str, Any]) -> None:
    if isinstance(value, list):
        reader.branch(at).elements.extend([reader.number(item) for item in value])
    else:
        reader.branch(at).elements.append(reader.number(value))


def _again(read: _Read) -> _Read:
    def read_again(reader: _Reader, at: int, value: Any, schema: Mapping[str, Any]) -> None:
        reader.graph.alternatives = True
        reader.branch(at).factor = _UNEVALUATED
        read(reader, at, value, schema)

    return read_again


def _required(reader: _Reader, at: int, value: Any, _: Mapping[str, Any]) -> None:
    if isinstance(value, list):
        reader.graph.on_objects(at, len(value) / 4)


def _types(reader: _Reader, at: int, value: Any, _: Mapping[str, Any]) -> None:
    if isinstance(value, list):
        reader.graph.work[at] += len(value) / 4


def _dependent(reader: _Reader, at: int, value: Any, _: Mapping[str, Any]) -> None:
    if isinstance(value, Mapping):
        lengths = [len(names) for names in value.values() if isinstance(names, list)]
        reader.graph.on_objects(at, _DEPENDENT * (len(value) + sum(lengths)))


def _dependencies(reader: _Reader, at: int, value: Any, schema: Mapping[str, Any]) -> None:
    _dependent(reader, at, value, schema)
    _in_place_each(reader, at, [each for each in children_of(value) if isinstance(each, Mapping)], schema)


def _enumeration(reader: _Reader, at: int, value: Any, _: Mapping[str, Any]) -> None:
    reader.graph.work[at] += _compared(value if isinstance(value, list) else [])


def _constant(reader: _Reader, at: int, value: Any, _: Mapping[str, Any]) -> None:
    reader.graph.work[at] += _compared([value])


def _compared(members: list[Any]) -> float:
    """Return the work to compare with each member; strings alone are looked up, anything else is tried in turn."""
    if set(map(type, members)) <= {str}:
        return len(members) / 100
    return sum([_MEMBER * (_FRACTION if isinstance(item, float) else 1) * _size(item) for item in members])


def _size(value: Any) -> int:
    """Return how many nodes a value has."""
    if not isinstance(value, (Mapping, list)):
        return 1
    count, level = 0, [value]
    while level:
        count += len(level)
        level = [item for holder in level for item in children_of(holder)]
    return count


def _division(reader: _Reader, at: int, value: Any, _: Mapping[str, Any]) -> None:
    odd = isinstance(value, (int, float)) and not _PLAIN_LEAST <= value <= _PLAIN_MOST
    reader.graph.work[at] += _ODD_REMAINDER if odd else _REMAINDER
    reader.graph.divisions[at] = 1.0


def _distinct(reader: _Reader, at: int, value: Any, _: Mapping[str, Any]) -> None:
    if value is True:
        reader.graph.unique[at] = 1.0


def _of_text(reader: _Reader, at: int, value: Any, _: Mapping[str, Any]) -> None:
    if isinstance(value, str):
        reader.graph.atoms[at] = reader.pattern(value)


_KEYWORDS: Final[Mapping[str, _Read]] = {
    "$dynamicRef": _reference("$dynamicRef"),
    "$recursiveRef": _reference("$recursiveRef"),
    "$ref": _reference("$ref"),
    "additionalItems": _of_elements,
    "additionalProperties": _of_members,
    "allOf": _in_place_each,
    "anyOf": _alternatives,
    "const": _constant,
    "contains": _of_elements,
    "dependencies": _dependencies,
    "dependentRequired": _dependent,
    "dependentSchemas": _in_place_each,
    "else": _in_place,
    "enum": _enumeration,
    "if": _in_place,
    "items": _of_elements,
    "multipleOf": _division,
    "not": _in_place,
    "oneOf": _alternatives,
    "pattern": _of_text,
    "patternProperties": _pattern_properties,
    "prefixItems": _of_elements,
    "properties": _properties,
    "propertyNames": _of_members,
    "required": _required,
    "then": _in_place,
    "type": _types,
    "uniqueItems": _distinct,
    "unevaluatedItems": _again(_of_elements),
    "unevaluatedProperties": _again(_of_members),
}
