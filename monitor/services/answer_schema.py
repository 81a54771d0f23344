"""A route's own schema: what answers are checked by where the request brings none. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from jsonschema.exceptions import SchemaError
from jsonschema.validators import validator_for
from msgspec.structs import replace

from detectors.signals.schema_validity import unfit
from detectors.types import Exchange
from monitor.errors import ValidationError

__all__ = ["check_answer_schema", "with_answer_schema"]

_MOST_TOLD: Final = 200
"""Characters of what is wrong with a schema."""


def check_answer_schema(schema: Mapping[str, Any] | None) -> None:
    """Check a schema before it is stored.

    Raises:
        ValidationError: it is no JSON Schema of its draft, or cannot be used safely (its size, its references, its
            patterns, or the time that checking an answer could take).
    """
    if schema is None:
        return
    reason = unfit(schema)  # first, as it bounds what the check below can take
    try:
        if reason in {None, "invalid"}:
            validator_for(schema).check_schema(dict(schema))
    except SchemaError as error:
        raise ValidationError(f"answer_schema: {error.json_path}: {error.message[:_MOST_TOLD]}") from None
    if reason is not None:
        raise ValidationError(f'answer_schema: it cannot be used ({reason}); see "Schemas" in docs/durability.md')


def with_answer_schema(exchange: Exchange, schema: Mapping[str, Any] | None) -> Exchange:
    """Return the exchange as if its request had asked for the schema, unless it asked for structure of its own."""
    request = exchange.request
    if schema is None or request is None or request.response_schema is not None or request.tools:
        return exchange
    return replace(exchange, request=replace(request, response_schema=schema, json_object=False))
