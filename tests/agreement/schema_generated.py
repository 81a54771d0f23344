"""Invented schemas and values from a seed: large, recursive and full of references, half of them nearly valid."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Case", "generated"]

_WORDS = ("amber", "birch", "cedar", "dune", "elm", "fern", "grove", "heath")
_PATTERNS = ("^[a-z]+$", "^a", "e{1,2}", "(am|bi)[a-z]*", "[0-9]{2}")
_DRAFTS = (
    "http://json-schema.org/draft-04/schema#",
    "http://json-schema.org/draft-06/schema#",
    "http://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2020-12/schema",
)


@dataclass(frozen=True, slots=True)
class Case:
    """A schema with values to check by it."""

    kind: str
    schema: dict[str, Any]
    values: tuple[Any, ...]


def generated(n: int, seed: int = 1, values: int = 6) -> Iterator[Case]:
    """Yield n cases; the same seed gives the same."""
    for number in range(n):
        chance = random.Random(f"{seed}:{number}")  # noqa: S311 - invented data, not secrets
        kind = ("plain", "large", "recursive", "references")[number % 4]
        schema = _Writer(chance, kind).document()
        yield Case(kind, schema, tuple(_Filler(chance, schema).value(schema, 6) for _ in range(values)))


class _Writer:
    """Writes one schema."""

    def __init__(self, chance: random.Random, kind: str) -> None:
        self._chance = chance
        self._kind = kind
        self._draft = chance.randrange(len(_DRAFTS))
        self._home = "$defs" if self._draft > 2 else "definitions"
        self._names = [f"n{number}" for number in range({"references": 25, "recursive": 5}.get(kind, 3))]

    def document(self) -> dict[str, Any]:
        width = 60 if self._kind == "large" else 6
        root = {"$schema": _DRAFTS[self._draft], **self._object(3, width)}
        # a definition may apply a later one in place, and any one to what is inside: no circle has no end
        root[self._home] = {name: self._schema(2, number) for number, name in enumerate(self._names)}
        return root

    def _schema(self, depth: int, after: int = -1) -> dict[str, Any]:
        if self._chance.random() < {"references": 0.5, "recursive": 0.35}.get(self._kind, 0.1):
            later = self._names[after + 1 :]
            if later:
                return {"$ref": f"#/{self._home}/{self._chance.choice(later)}"}
        kind = self._chance.choice(("object", "array", "combined", "leaf", "object")) if depth else "leaf"
        if kind == "object":
            return self._object(depth)
        if kind == "array":
            return self._array(depth)
        return self._combined(depth, after) if kind == "combined" else self._leaf()

    def _inside(self, depth: int) -> dict[str, Any]:
        return self._schema(depth - 1)

    def _object(self, depth: int, width: int = 4) -> dict[str, Any]:
        names = [f"{self._chance.choice(_WORDS)}{number}" for number in range(self._chance.randint(1, width))]
        found: dict[str, Any] = {"type": "object", "properties": {name: self._inside(depth) for name in names}}
        if self._chance.random() < 0.7:
            found["required"] = self._chance.sample(names, self._chance.randint(1, min(3, len(names))))
        extra = self._chance.random()
        if extra < 0.4:
            found["additionalProperties"] = False
        elif extra < 0.6:
            found["patternProperties"] = {"^x": self._inside(depth)}
        elif extra < 0.7:
            found["additionalProperties"] = self._inside(depth)
        elif extra < 0.8 and self._draft > 2:
            found["unevaluatedProperties"] = False
        if self._chance.random() < 0.2:
            found["maxProperties"] = self._chance.randint(1, width)
        return found

    def _array(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {"type": "array", "items": self._inside(depth)}
        limits = (("minItems", 1), ("maxItems", 3), ("uniqueItems", True))
        found.update({name: value for name, value in limits if self._chance.random() < 0.25})
        if self._chance.random() < 0.15 and self._draft > 0:
            found["contains"] = self._leaf()
        return found

    def _combined(self, depth: int, after: int) -> dict[str, Any]:
        parts = [self._schema(depth - 1, after) for _ in range(self._chance.randint(1, 4))]
        choice = self._chance.random()
        if choice < 0.6:
            return {self._chance.choice(("anyOf", "oneOf", "anyOf")): parts}
        if choice < 0.8:
            return {"allOf": parts[:2]}
        if choice < 0.9 and self._draft > 1:
            return {"if": parts[0], "then": parts[-1], "else": self._leaf()}
        return {"not": parts[0]}

    def _leaf(self) -> dict[str, Any]:
        chance = self._chance
        return chance.choice(
            (
                {"type": "string"},
                {"type": "string", "minLength": chance.randint(0, 4), "maxLength": chance.randint(4, 9)},
                {"type": "string", "pattern": chance.choice(_PATTERNS)},
                {"type": "integer", "minimum": chance.randint(-5, 3), "maximum": chance.randint(3, 9)},
                {"type": "number", "multipleOf": chance.choice((1, 2, 0.5))},
                {"type": ["string", "null"]},
                {"type": "boolean"},
                {"enum": chance.sample([*_WORDS, 1, 2.0, None, True, ["amber"]], 4)},
                {"enum": [chance.choice(_WORDS)]},
                {},
            )
        )


class _Filler:
    """Makes a value that mostly follows a schema, and now and then does not."""

    def __init__(self, chance: random.Random, document: dict[str, Any]) -> None:
        self._chance = chance
        self._document = document

    def value(self, schema: Any, depth: int) -> Any:
        if not isinstance(schema, dict) or depth < 0 or self._chance.random() < 0.015:
            return self._anything()
        if "$ref" in schema:
            _, home, name = schema["$ref"].split("/")
            return self.value(self._document[home][name], depth)
        for keyword in ("anyOf", "oneOf", "allOf"):
            if keyword in schema:
                return self.value(self._chance.choice(schema[keyword]), depth)
        if "then" in schema:
            return self.value(schema["then"], depth)
        if "enum" in schema:
            return self._chance.choice(schema["enum"])
        kind = schema.get("type")
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return [self.value(schema["items"], depth - 1) for _ in range(self._chance.randint(0, 3))]
        return self._scalar(kind)

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        wanted = set(schema.get("required", ()))
        share = 0.8 if depth > 3 else 0.3
        found = {
            name: self.value(inner, depth - 1)
            for name, inner in schema["properties"].items()
            if (name in wanted and self._chance.random() > 0.01) or self._chance.random() < share
        }
        if self._chance.random() < 0.08:
            found[self._chance.choice(("x1", "other"))] = self._anything()
        return found

    def _scalar(self, kind: Any) -> Any:
        if kind in ("integer", "number"):
            return self._chance.choice((0, 2, 4, 2.0, 3, 1.5))
        if kind == "boolean":
            return self._chance.random() < 0.5
        if kind is None:
            return self._anything()
        return self._chance.choice((*_WORDS, "amber", "birch9", "é42"))

    def _anything(self) -> Any:
        return self._chance.choice((None, True, 0, 1, 1.0, 2.5, -3, "", "amber", "x" * 12, [], [1, 1.0], {}, {"x1": 1}))
