"""What a LiteLLM router's settings do to a group beside its weights. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from monitor.routing.litellm_group import Deployment

__all__ = ["SHUFFLE", "detours", "strategy_of"]

SHUFFLE = "simple-shuffle"
"""The one strategy that follows weights."""
_FALLBACKS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")


def strategy_of(settings: Mapping[str, Any], group: str) -> str | None:
    """Return the routing strategy of a group: its routing group's, else the router's; None when nothing is told."""
    for one in _mappings(settings.get("routing_groups")):
        models = one.get("models")
        if isinstance(models, list) and group in models and isinstance(one.get("routing_strategy"), str):
            return str(one["routing_strategy"])
    strategy = settings.get("routing_strategy")
    return strategy if isinstance(strategy, str) else None


def detours(
    settings: Mapping[str, Any], group: str, found: Sequence[Deployment], entries: Iterable[Any]
) -> dict[str, str]:
    """Return the settings that lead requests for the group elsewhere, or back to one of its deployments.

    Args:
        settings: the router's, as they are in force.
        group: the model group.
        found: its deployments.
        entries: everything that ``/model/info`` told, for what the groups of fallbacks hold.
    """
    said: dict[str, str] = {}
    alias = settings.get("model_group_alias")
    if isinstance(alias, Mapping) and group in alias:
        said["model_group_alias"] = f"{group} stands for {_name(alias[group])}: this group is not asked"
    strategy = strategy_of(settings, group)
    if strategy not in {None, SHUFFLE}:
        said["routing_strategy"] = f"{strategy} does not follow weights"
    holds = _endpoints(entries)
    ours = {one.endpoint: one.id for one in found}
    for setting in _FALLBACKS:
        back = [
            f"{target} (asks what {ours[endpoint]} asks)"
            for target in _targets(settings.get(setting), group)
            for endpoint in sorted(holds.get(target, set()) & ours.keys())
        ]
        if back:
            said[setting] = f"{group} falls back to {', '.join(back)}"
    return said


def _targets(fallbacks: object, group: str) -> list[str]:
    """Return the groups that a failed request of the group goes on to; ``*`` is for every group."""
    return [
        _name(target)
        for one in _mappings(fallbacks)
        for source, targets in one.items()
        if source in {group, "*"} and isinstance(targets, list)
        for target in targets
    ]


def _endpoints(entries: Iterable[Any]) -> dict[str, set[tuple[str, str]]]:
    holds: dict[str, set[tuple[str, str]]] = {}
    for entry in _mappings(entries):
        params = entry.get("litellm_params")
        if isinstance(params, Mapping):
            endpoint = (str(params.get("model") or ""), str(params.get("api_base") or ""))
            holds.setdefault(str(entry.get("model_name")), set()).add(endpoint)
    return holds


def _name(target: object) -> str:
    return str(target.get("model")) if isinstance(target, Mapping) else str(target)


def _mappings(found: object) -> list[Mapping[str, Any]]:
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, Iterable) else []
