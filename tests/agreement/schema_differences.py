"""Where the signal and the official suite or the reference may differ, and why: the only list there is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["DIFFERENCES", "Difference", "reason_of"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One reasoned difference. ``side``: the signal gives no reading, or jsonschema's answer is not the suite's."""

    name: str
    side: str
    why: str


DIFFERENCES: Mapping[str, Difference] = {
    each.name: each
    for each in (
        Difference(
            "remote_reference",
            "signal",
            "A reference out of the document, to a meta-schema too, gives no reading: nothing is ever fetched.",
        ),
        Difference(
            "own_meta_schema",
            "signal",
            "A schema whose $schema is none of the five drafts gives no reading: its vocabulary is not known.",
        ),
        Difference(
            "reference_patterns",
            "jsonschema",
            "jsonschema matches patterns as Python does (\\d, \\w, $ and \\p differ), the signal as ECMA 262 has it.",
        ),
        Difference(
            "reference_unevaluated",
            "jsonschema",
            "jsonschema does not count what an adjacent keyword evaluated.",
        ),
        Difference(
            "optional_content",
            "jsonschema",
            "Draft 7 lets validators assert contentEncoding and contentMediaType: the signal does, jsonschema not.",
        ),
        Difference(
            "optional_dependencies",
            "jsonschema",
            "Since 2019-09 dependencies is kept for old schemas: the signal asserts it, jsonschema does not.",
        ),
    )
}
_DRAFTS = ("draft-04/schema", "draft-06/schema", "draft-07/schema", "draft/2019-09/schema", "draft/2020-12/schema")
_OF_FILE = {
    "content.json": "optional_content",
    "dependencies-compatibility.json": "optional_dependencies",
    "ecmascript-regex.json": "reference_patterns",
    "pattern.json": "reference_patterns",
    "patternProperties.json": "reference_patterns",
    "unevaluatedProperties.json": "reference_unevaluated",
}


def reason_of(file: str, schema: Any, unread: str | None, suite: bool, ours: bool | None) -> str | None:
    """Return the name of the listed difference that explains an outcome, or None if none does."""
    if ours is None:
        if unread == "remote_reference":
            return unread
        own = schema.get("$schema") if isinstance(schema, Mapping) else None
        known = isinstance(own, str) and own.rstrip("#").endswith(_DRAFTS)
        return "own_meta_schema" if unread == "invalid" and own is not None and not known else None
    if ours != suite:
        return None  # an answer that is not the suite's is never explained away
    return _OF_FILE.get(file)
