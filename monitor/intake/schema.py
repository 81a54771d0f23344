"""The JSON Schema of the native event."""

import json
from importlib.resources import files
from typing import Any

__all__ = ["event_schema"]


def event_schema() -> dict[str, Any]:
    """Return the schema; a fresh copy, as callers may add to it."""
    schema: dict[str, Any] = json.loads(files(__package__).joinpath("event.schema.json").read_text("utf-8"))
    return schema
