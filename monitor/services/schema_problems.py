"""What a JSON Schema holds against a document, told so that a person can mend it. Pure."""

from collections.abc import Mapping
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError as SchemaError

__all__ = ["problems_of"]

_MOST = 20


def problems_of(schema: Mapping[str, Any], document: Any) -> list[dict[str, str]]:
    """Return, for each error, the place in the document and what is allowed there; the first 20, by place.

    The value is shown: these documents are written by the people who operate the service and hold no user text.
    """
    errors = sorted(Draft202012Validator(schema).iter_errors(document), key=lambda error: list(map(str, error.path)))
    return [{"pointer": _pointer(error), "detail": _allowed(error)} for error in errors[:_MOST]]


def _pointer(error: SchemaError) -> str:
    path = "".join(f"/{part}" for part in error.absolute_path)
    return path or "/"


def _allowed(error: SchemaError) -> str:
    rule, limit = str(error.validator), cast("Any", error.validator_value)
    match rule:
        case "additionalProperties":
            known = sorted(cast("dict[str, Any]", error.schema).get("properties", {}))
            return f"{error.message}; allowed: {', '.join(known)}"
        case "enum":
            return f"{error.instance!r} is not allowed; allowed: {', '.join(map(str, limit))}"
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "type" | "pattern":
            return f"got {error.instance!r}; {rule} is {limit!r}"
        case _:
            return error.message
