"""Whether every gateway says that it follows an HTTPRoute. Pure."""

from collections.abc import Collection, Mapping
from typing import Any

from monitor.routing.httproute_object import HttpRoute

__all__ = ["behind"]

_DEFAULTS = {"group": "gateway.networking.k8s.io", "kind": "Gateway"}
_LONGEST = 80
_Parent = tuple[str, str, str, str, str | None, int | None]


def behind(route: HttpRoute, namespace: str, controllers: Collection[str]) -> tuple[str, ...]:
    """Return one line for each reason to doubt that the data plane follows the object's present generation.

    Every parentRef needs a status with ``Accepted`` and ``ResolvedRefs`` true, ``PartiallyInvalid`` not true, and
    ``observedGeneration`` no older than the object's: an implementation may keep the last good configuration and
    leave ``Accepted`` true with the generation it was true for.
    """
    if route.metadata.get("deletionTimestamp"):
        return ("the object is being deleted",)
    generation = route.metadata.get("generation")
    parents = _dicts(route.spec.get("parentRefs"))
    if not parents or not isinstance(generation, int):
        return ("the object is attached to no parent" if not parents else "the object has no generation",)
    told = _dicts(route.status.get("parents"))
    lines: list[str] = []
    for parent in parents:
        wanted = _parent(parent, namespace)
        statuses = [
            one
            for one in told
            if _parent(_dict(one.get("parentRef")), namespace) == wanted
            and (not controllers or str(one.get("controllerName")) in controllers)
        ]
        if not statuses:
            lines.append(f"parent {_label(wanted)} has no status yet")
        for one in statuses:
            lines.extend(
                f"parent {_label(wanted)} ({_short(one.get('controllerName'))}): {doubt}"
                for doubt in _doubts(_dicts(one.get("conditions")), generation)
            )
    return tuple(lines)


def _doubts(conditions: list[Mapping[str, Any]], generation: int) -> list[str]:
    found = {str(one.get("type")): one for one in conditions}
    doubts = []
    for kind in ("Accepted", "ResolvedRefs"):
        condition = found.get(kind)
        if condition is None:
            doubts.append(f"{kind} is not told")
            continue
        observed = condition.get("observedGeneration")
        if condition.get("status") != "True":
            doubts.append(f"{kind} is {_short(condition.get('status'))} ({_short(condition.get('reason'))})")
        elif isinstance(observed, bool) or not isinstance(observed, int):
            doubts.append(f"{kind} does not tell observedGeneration")
        elif observed < generation:
            doubts.append(f"{kind} is of generation {observed}, the object's is {generation}")
    partial = found.get("PartiallyInvalid", {})
    if partial.get("status") == "True":
        doubts.append(f"PartiallyInvalid is True ({_short(partial.get('reason'))})")
    return doubts


def _parent(ref: Mapping[str, Any], namespace: str) -> _Parent:
    return (
        str(ref.get("group", _DEFAULTS["group"])),
        str(ref.get("kind", _DEFAULTS["kind"])),
        str(ref.get("namespace", namespace)),
        str(ref.get("name")),
        ref.get("sectionName"),
        ref.get("port"),
    )


def _label(parent: _Parent) -> str:
    _, kind, namespace, name, section, port = parent
    tail = "".join(f":{part}" for part in (section, port) if part is not None)
    return f"{kind} {namespace}/{name}{tail}"


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
