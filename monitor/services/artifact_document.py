"""Documents of a variant's facts: checked by JSON Schema."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from monitor.errors import ValidationError
from monitor.models.artifact import Artifact
from monitor.services.schema_problems import problems_of

__all__ = ["artifact_schema", "parse_artifact"]


@cache
def artifact_schema() -> dict[str, Any]:
    """Return the JSON Schema of a variant's facts."""
    schema: dict[str, Any] = json.loads(files(__package__).joinpath("artifact.schema.json").read_text("utf-8"))
    return schema


def parse_artifact(variant: str, document: Mapping[str, Any]) -> Artifact:
    """Return the facts that a document states.

    Raises:
        ValidationError: the document breaks the schema; the message names the path and what is allowed there.
    """
    problems = problems_of(artifact_schema(), document)
    if problems:
        first = problems[0]
        raise ValidationError(
            f"artifact of variant {variant!r}: {first['pointer']}: {first['detail']}", errors=problems
        )
    return Artifact.from_json(document)
