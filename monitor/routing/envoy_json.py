"""Reading Envoy's JSON: objects, lists, numbers and names, each checked where it is taken."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from monitor.errors import RoutingError

__all__ = ["cluster_name", "listed", "named", "number", "numerator", "object_at", "objects_at", "texts_at"]

_CAMEL_CASE = {
    "weightedClusters",
    "requestMirrorPolicies",
    "filterMetadata",
    "runtimeKeyPrefix",
    "runtimeFraction",
    "clusterHeader",
    "requestHeadersToAdd",
    "requestHeadersToRemove",
}
_DEBUG_NUMERATOR = re.compile(r'"numerator"\D*(\d+)')


def object_at(holder: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the object at a key, an empty one where there is none.

    Raises:
        RoutingError: it is no object, or it spells a field that must be changed in camelCase.
    """
    value = holder.get(key)
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise RoutingError(f"{key!r} is no object in the route configuration: repair it")
    camel = _CAMEL_CASE & value.keys()
    if camel:
        raise RoutingError(f"{key!r} uses {listed(camel)}: write these in snake_case so that they can be changed")
    return value


def objects_at(holder: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """Return the objects of the list at a key, none where there is no list.

    Raises:
        RoutingError: it is no list of objects.
    """
    value = holder.get(key)
    if value is None:
        value = []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise RoutingError(f"{key!r} is no list of objects in the route configuration: repair it")
    return list(value)


def texts_at(holder: Mapping[str, Any], key: str) -> list[str]:
    """Return the texts of the list at a key, none where there is no list.

    Raises:
        RoutingError: it is no list of texts.
    """
    value = holder.get(key)
    if value is None:
        value = []
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise RoutingError(f"{key!r} is no list of texts in the route configuration: repair it")
    return list(value)


def cluster_name(holder: Mapping[str, Any], key: str = "name") -> str:
    """Return the cluster's name; one chosen by a request header gets a name that no desired cluster has."""
    return str(holder.get(key) or f"header:{holder.get('cluster_header')}")


def number(value: object, *, otherwise: int) -> int:
    """Read a weight as Envoy's runtime does: whole part of a number >= 0, else the value in the file."""
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return otherwise
    return int(found) if 0 <= found < math.inf else otherwise


def numerator(value: str | None, *, otherwise: int) -> int:
    """Read a fraction's runtime value: a percentage, or a FractionalPercent as the admin interface prints it."""
    printed = _DEBUG_NUMERATOR.search(value or "")
    return int(printed[1]) if printed else number(value, otherwise=otherwise)


def named(holders: Iterable[Mapping[str, Any]]) -> str:
    """Return the names of these objects for people."""
    return listed({str(holder.get("name") or "(unnamed)") for holder in holders})


def listed(names: Iterable[str]) -> str:
    """Return names for people: sorted, with commas."""
    return ", ".join(sorted(names)) or "none"
