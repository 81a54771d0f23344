"""A runtime layer as Envoy reads it: nested objects and dotted keys mean the same. Pure."""

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["flat", "is_fraction", "put", "text"]


def flat(layer: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return every value by its full key; a fraction (numerator and denominator) is one value."""
    values: dict[str, Any] = {}
    for name, value in layer.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and not is_fraction(value):
            values |= flat(value, f"{key}.")
        else:
            values[key] = value
    return values


def put(layer: dict[str, Any], key: str, value: Any) -> None:
    """Set a key where it stands, nested or dotted; a new one is dotted."""
    if not _put_where_it_stands(layer, key, value):
        layer[key] = value


def is_fraction(value: object) -> bool:
    """Tell whether Envoy takes this object for a FractionalPercent."""
    return isinstance(value, Mapping) and bool(value.keys() & {"numerator", "denominator"})


def text(value: Any) -> str:
    """Return a value as the admin interface could print it."""
    return json.dumps(dict(value)) if isinstance(value, Mapping) else str(value)


def _put_where_it_stands(layer: dict[str, Any], key: str, value: Any) -> bool:
    if key in layer:
        layer[key] = value
        return True
    parts = key.split(".")
    for at in range(1, len(parts)):
        inner = layer.get(".".join(parts[:at]))
        if (
            isinstance(inner, dict)
            and not is_fraction(inner)
            and _put_where_it_stands(inner, ".".join(parts[at:]), value)
        ):
            return True
    return False
