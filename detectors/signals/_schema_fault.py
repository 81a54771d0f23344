"""Which keyword of a JSON Schema a value violates, in a few fixed words, and where in the schema it stands."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import jsonschema_rs

from detectors.signals._schema_compiled import Compiled
from detectors.types import Reading

__all__ = ["MAX_DETAIL_CHARS", "REASON_OF_KEYWORD", "UNPLACED", "place", "violation"]

MAX_DETAIL_CHARS: Final = 200
UNPLACED: Final = "schema_mismatch"
"""The value violates the schema; which keyword would take too long to find out."""
_TOLD: Final = 50_000
"""Most keyword applications spent on finding the place: with a report, each takes some hundred times as long."""
_TOLD_OF_ALTERNATIVES: Final = 8_000
"""The same where a report holds reports of every branch tried."""
_TOLD_CHARS: Final = 5_000_000
"""The same for characters, which reports of alternatives copy."""
_SEVERAL: Final = "several_alternatives"
_FALSE: Final = "falseSchema"

REASON_OF_KEYWORD: Final[Mapping[str, str]] = {
    "required": "missing_required",
    "dependentRequired": "missing_required",
    "dependencies": "missing_required",
    "type": "wrong_type",
    "enum": "enum",
    "const": "enum",
    "additionalProperties": "additional_property",
    "unevaluatedProperties": "additional_property",
    "propertyNames": "property_name",
    "minProperties": "property_count",
    "maxProperties": "property_count",
    "additionalItems": "additional_item",
    "unevaluatedItems": "additional_item",
    "items": "additional_item",
    "minItems": "item_count",
    "maxItems": "item_count",
    "uniqueItems": "repeated_item",
    "contains": "contains",
    "minContains": "contains",
    "maxContains": "contains",
    "pattern": "pattern",
    "minLength": "length",
    "maxLength": "length",
    "minimum": "range",
    "maximum": "range",
    "exclusiveMinimum": "range",
    "exclusiveMaximum": "range",
    "multipleOf": "multiple",
    "anyOf": "no_alternative",
    "oneOf": "no_alternative",
    "not": "not_allowed",
}
"""The class of a violation by the keyword that is violated. ``oneOf`` may also give ``several_alternatives``; a
schema that is ``false`` where a value stands gives ``not_allowed``."""
_OF_FALSE: Final = frozenset(
    {"additionalProperties", "unevaluatedProperties", "items", "additionalItems", "unevaluatedItems"}
)


def violation(schema: Compiled, value: Any, size: int, work: float, tool: str | None = None) -> Reading | None:
    """Return the reading of a value that the schema does not allow.

    ``size`` is its length as a text, and ``work`` the bound of what it takes to validate it.
    """
    try:
        if schema.validator.is_valid(value):
            return None
        most = _TOLD_OF_ALTERNATIVES if schema.cost.alternatives else _TOLD
        if work > most or size * schema.cost.nodes[-1] > _TOLD_CHARS:
            return Reading(1.0, UNPLACED)
        schema.validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        return _told(error, tool)
    except (RecursionError, ValueError):
        return Reading(1.0, "too_deep")
    return Reading(1.0, UNPLACED)


def _told(error: jsonschema_rs.ValidationError, tool: str | None) -> Reading:
    path = error.schema_path
    keyword = error.kind.name
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.OneOfMultipleValid):
        return Reading(1.0, _SEVERAL, place("oneOf", path[:-1], tool))
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.PropertyNames):
        path = path[: len(path) - path[::-1].index("propertyNames")] if "propertyNames" in path else path
        return Reading(1.0, "property_name", place("propertyNames", path[:-1], tool))
    if keyword != _FALSE:
        # a dependency is told as the requirement it is; the path has the keyword that stands in the schema
        last = str(path[-1]) if path else keyword
        keyword = last if last in REASON_OF_KEYWORD else keyword
        return Reading(1.0, REASON_OF_KEYWORD.get(keyword, UNPLACED), place(keyword, path[:-1], tool))
    if path and path[-1] in _OF_FALSE:
        return Reading(1.0, REASON_OF_KEYWORD[str(path[-1])], place(str(path[-1]), path[:-1], tool))
    return Reading(1.0, "not_allowed", place("false", path, tool))


def place(keyword: str, path: Sequence[str | int], tool: str | None = None) -> str:
    """Return a keyword and the JSON Pointer of the subschema it stands in; names that are the schema's alone.

    >>> place("required", ["properties", "items", "items"])
    'required:/properties/items/items'
    >>> place("type", ["properties", "city"], tool="lookup")
    'type:/tools/lookup/properties/city'
    """
    parts = path if tool is None else ["tools", tool, *path]
    pointer = "".join("/" + str(part)[:MAX_DETAIL_CHARS].replace("~", "~0").replace("/", "~1") for part in parts)
    whole = f"{keyword}:{pointer}"[:MAX_DETAIL_CHARS]
    return whole if whole.isprintable() else "".join(mark if mark.isprintable() else "\ufffd" for mark in whole)
