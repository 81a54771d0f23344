"""A route of Envoy's configuration with other weights, another mirror, or a hard cut; nothing else of it changes."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from monitor.models.route import DesiredRoute, Mirror
from monitor.routing.envoy_json import cluster_name, object_at, objects_at, texts_at
from monitor.routing.envoy_route import SAVED, STAMP, FoundRoute

__all__ = ["MIRROR_HEADER", "rewrite"]

MIRROR_HEADER = "x-fullback-mirror"
"""Carries the copies' cluster from the serving cluster's entry to the mirror policy, where there is one per backend."""
_NEVER = {"default_value": {"numerator": 0, "denominator": "HUNDRED"}}


def rewrite(found: FoundRoute, desired: DesiredRoute) -> None:
    """Change the weights, the mirror and the stamp of a route in place.

    A hard cut leaves only clusters with a weight, and no runtime key that could give others one; what it takes out
    waits in the stamp for the next write that is no cut.
    """
    stamp = _stamp(found.route)
    _put_back(found.action, stamp)
    _rewrite_weights(found.action, desired)
    _rewrite_mirror(found, desired.mirror, stamp)
    _direct(found.action, desired.mirror)
    stamp["epoch"] = desired.epoch
    if desired.cut:
        _cut(found.action, stamp)


def _stamp(route: dict[str, Any]) -> dict[str, Any]:
    stamp = route
    for key in ("metadata", "filter_metadata", STAMP):
        stamp[key] = stamp = object_at(stamp, key)
    return stamp


def _put_back(action: dict[str, Any], stamp: dict[str, Any]) -> None:
    """Give the route weighted clusters: its own, and those that a cut took out; its own win where both have one."""
    saved = object_at(stamp, SAVED)
    stamp.pop(SAVED, None)
    kept = {cluster_name(entry): entry for entry in objects_at(saved, "clusters")}
    if "cluster" in action:
        own: dict[str, Any] = {}
        name = str(action.pop("cluster"))
        kept.setdefault(name, {"name": name})
    else:
        own = object_at(action, "weighted_clusters")
        kept |= {cluster_name(entry): entry for entry in objects_at(own, "clusters")}
    action["weighted_clusters"] = {**saved, **own, "clusters": list(kept.values())}


def _rewrite_weights(action: dict[str, Any], desired: DesiredRoute) -> None:
    weighted = action["weighted_clusters"]
    entries = weighted["clusters"]
    listed = {cluster_name(entry) for entry in entries}
    named = dict.fromkeys([*desired.weights, *(desired.mirror if isinstance(desired.mirror, Mapping) else ())])
    entries += [{"name": name} for name in named if name not in listed]
    for entry in entries:
        entry["weight"] = desired.weights.get(cluster_name(entry), 0)
    if "total_weight" in weighted:
        weighted["total_weight"] = sum(desired.weights.values())


def _rewrite_mirror(found: FoundRoute, mirror: Mirror, stamp: dict[str, Any]) -> None:
    """Point the mirror elsewhere or switch it off.

    While it is off the stamp keeps the policy's other keys: a mirror of 1 % must not come back as 100 %.
    """
    action = found.action
    kept = {key: value for key, value in found.policy.items() if key not in {"cluster", "cluster_header"}}
    own = objects_at(action, "request_mirror_policies")
    in_use = bool(own) and not found.inherited
    saved = stamp.pop("mirror_policy", None)
    rest = kept if in_use or saved is None else saved
    if mirror is not None:
        to = {"cluster": mirror} if isinstance(mirror, str) else {"cluster_header": MIRROR_HEADER}
        action["request_mirror_policies"] = [{**to, **rest}, *own[1:]]
        return
    if rest or found.inherited:
        stamp["mirror_policy"] = rest
    action.pop("request_mirror_policies", None)
    if found.inherited:
        name = cluster_name(found.inherited[0], "cluster")
        action["request_mirror_policies"] = [{"cluster": name, "runtime_fraction": deepcopy(_NEVER)}]


def _direct(action: dict[str, Any], mirror: Mirror) -> None:
    """Have each cluster overwrite the header that names the copies' cluster, or remove it: no client chooses."""
    for entry in action["weighted_clusters"]["clusters"]:
        added = [
            one
            for one in objects_at(entry, "request_headers_to_add")
            if object_at(one, "header").get("key") != MIRROR_HEADER
        ]
        removed = [one for one in texts_at(entry, "request_headers_to_remove") if one != MIRROR_HEADER]
        if isinstance(mirror, Mapping):
            copied = mirror.get(cluster_name(entry))
            if copied is None:
                removed.append(MIRROR_HEADER)
            else:
                header = {"key": MIRROR_HEADER, "value": copied}
                added.append({"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"})
        for key, headers in (("request_headers_to_add", added), ("request_headers_to_remove", removed)):
            if headers:
                entry[key] = headers
            else:
                entry.pop(key, None)


def _cut(action: dict[str, Any], stamp: dict[str, Any]) -> None:
    weighted = action.pop("weighted_clusters")
    stamp[SAVED] = deepcopy(weighted)
    serving = [entry for entry in weighted["clusters"] if entry["weight"]]
    if len(serving) == 1 and serving[0].keys() <= {"name", "weight"}:
        action["cluster"] = serving[0]["name"]
        return
    rest = {key: value for key, value in weighted.items() if key != "runtime_key_prefix"}
    action["weighted_clusters"] = {**rest, "clusters": serving}
