"""A LiteLLM model group: its deployments as a replica tells them, what they mean, and what a write changes. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import lcm
from typing import Any, TypeGuard

from monitor.errors import RoutingError
from monitor.models.route import DesiredRoute, Mirror, RouteSnapshot, Writer

__all__ = ["Deployment", "Layout", "group_of", "patch_of", "served_weights", "snapshot_of", "write_order"]

_EPOCH = "fullback_epoch"
_WROTE = "fullback_wrote"


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment of the group."""

    id: str
    weight: int | None
    """None where none is set."""
    silent: tuple[str, ...] = ()
    """The groups that get copies of what it answers."""
    blocked: bool | None = False
    """None where the proxy is too old to know of it."""
    stored: bool = True
    """Whether it is in the proxy's database; one from its configuration file cannot be changed."""
    order: int | None = None
    endpoint: tuple[str, str] = ("", "")
    """``litellm_params.model`` and ``api_base``: what answers."""
    epoch: int | None = None
    """As Fullback stamped it."""
    wrote: Mapping[str, Any] | None = None
    """What Fullback wrote with that epoch: where it is not so any more, somebody else wrote."""
    updated_by: str | None = None
    updated_at: str = ""

    @property
    def open(self) -> bool:
        """Whether requests may reach it."""
        return not self.blocked

    @property
    def cut(self) -> bool:
        """Whether Fullback blocked it, so that Fullback may open it again."""
        return self.wrote is not None and self.wrote.get("cut") is True

    @property
    def foreign(self) -> bool:
        """Whether somebody changed what Fullback had written."""
        return self.wrote is not None and any(
            self.wrote.get(name) != value for name, value in self.written().items() if name in self.wrote
        )

    def written(self) -> dict[str, Any]:
        """Return what a stamp remembers of it."""
        return {"weight": self.weight, "silent": list(self.silent), "blocked": bool(self.blocked)}


@dataclass(frozen=True, slots=True)
class Layout:
    """Which deployments and groups stand for a backend.

    A backend is the deployment whose ``model_info.id`` is its name, unless ``deployments`` names others.
    """

    deployments: Mapping[str, tuple[str, ...]]
    """Ids by backend; empty: every deployment of the group is a backend of its own."""
    mirror_groups: Mapping[str, str]
    """The group that copies for a backend are sent to."""

    def backends(self, found: Sequence[Deployment]) -> dict[str, tuple[str, ...]]:
        """Return the ids of each backend that is there in full."""
        here = {deployment.id for deployment in found}
        listed = {id_ for ids in self.deployments.values() for id_ in ids}
        named = {name: ids for name, ids in self.deployments.items() if here.issuperset(ids)}
        return (
            {**named, **{id_: (id_,) for id_ in sorted(here - listed)}}
            if self.deployments
            else {id_: (id_,) for id_ in sorted(here)}
        )

    def factor(self, found: Sequence[Deployment]) -> int:
        """Return by how much weights are multiplied so that every backend's splits evenly over its deployments."""
        return lcm(*(len(ids) for ids in self.backends(found).values()))

    def weights(self, desired: DesiredRoute, found: Sequence[Deployment]) -> dict[str, int]:
        """Return the weight of every deployment of the group."""
        factor = self.factor(found)
        return {
            id_: desired.weights.get(name, 0) * factor // len(ids)
            for name, ids in self.backends(found).items()
            for id_ in ids
        } | {
            deployment.id: 0
            for deployment in found
            if not any(deployment.id in ids for ids in self.backends(found).values())
        }

    def silent(self, mirror: Mirror, found: Sequence[Deployment]) -> dict[str, tuple[str, ...]]:
        """Return the groups that get copies, for every deployment."""
        silent: dict[str, tuple[str, ...]] = {deployment.id: () for deployment in found}
        for name, ids in self.backends(found).items():
            copied = mirror.get(name) if isinstance(mirror, Mapping) else mirror
            if copied is not None:
                silent.update(dict.fromkeys(ids, (self.mirror_groups.get(copied, copied),)))
        return silent


def group_of(entries: Iterable[Any], group: str, where: str) -> tuple[Deployment, ...]:
    """Return the group's deployments in an answer of ``/model/info``; other groups are not looked at.

    Raises:
        RoutingError: the group has none, or one cannot be understood.
    """
    found: dict[str, Deployment] = {}
    for entry in entries:
        if isinstance(entry, Mapping) and entry.get("model_name") == group:
            deployment = _deployment(entry, group, where)
            found.setdefault(deployment.id, deployment)
    if not found:
        raise RoutingError(f"LiteLLM {where} has no deployment of model group {group!r}: check model_group and the key")
    return tuple(found[id_] for id_ in sorted(found))


def _deployment(entry: Mapping[str, Any], group: str, where: str) -> Deployment:
    params, info = entry.get("litellm_params"), entry.get("model_info")
    id_ = info.get("id") if isinstance(info, Mapping) else None
    if not isinstance(params, Mapping) or not isinstance(info, Mapping) or not isinstance(id_, str) or not id_:
        raise RoutingError(f"LiteLLM {where} names a deployment of {group!r} without litellm_params or model_info.id")
    blocked, wrote, order = info.get("blocked"), info.get(_WROTE), params.get("order")
    return Deployment(
        id=id_,
        weight=_weight(params.get("weight"), id_, where),
        silent=_groups(params.get("silent_model")),
        blocked=blocked if isinstance(blocked, bool) else None,
        stored=info.get("db_model") is True,
        order=order if _is_int(order) else None,
        endpoint=(str(params.get("model") or ""), str(params.get("api_base") or "")),
        epoch=info[_EPOCH] if _is_int(info.get(_EPOCH)) else None,
        wrote=wrote if isinstance(wrote, Mapping) else None,
        updated_by=info["updated_by"] if isinstance(info.get("updated_by"), str) else None,
        updated_at=str(info.get("updated_at") or ""),
    )


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _weight(value: object, id_: str, where: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0 or value % 1:
        raise RoutingError(
            f"LiteLLM {where}: the weight of deployment {id_!r} is no whole number >= 0: correct it there"
        )
    return int(value)


def _groups(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(name for name in value if isinstance(name, str)) if isinstance(value, list) else ()


def served_weights(found: Sequence[Deployment]) -> dict[str, int]:
    """Return what simple-shuffle does with the weights: blocked ones get nothing; all 0 is the same for each."""
    serving = [deployment for deployment in found if deployment.open]
    if any(deployment.weight for deployment in serving):
        return {one.id: (one.weight or 0) if one.open else 0 for one in found}
    return {one.id: int(one.open) for one in found}


def snapshot_of(found: Sequence[Deployment], layout: Layout) -> RouteSnapshot:
    """Return the group as one replica does it."""
    served = served_weights(found)
    backends = layout.backends(found)
    sums = {name: sum(served[id_] for id_ in ids) for name, ids in backends.items()}
    factor = layout.factor(found)
    even = all(total % factor == 0 for total in sums.values())
    listed = {id_ for ids in backends.values() for id_ in ids}
    weights = {name: total // factor if even else total for name, total in sums.items()}
    weights |= {id_: weight for id_, weight in served.items() if id_ not in listed}
    stamps = {one.epoch for one in found}
    foreign = [one for one in found if one.foreign]
    stamped = any(one.wrote is not None for one in found)
    last = max(foreign or found, key=lambda one: one.updated_at)
    return RouteSnapshot(
        weights=weights,
        mirror=_mirror(found, layout) if layout.mirror_groups else None,
        epoch=None if None in stamps else min(stamp for stamp in stamps if stamp is not None),
        overrides=_overrides(found, layout),
        writer=(Writer.OTHER if foreign else Writer.FULLBACK) if stamped else None,
        writer_name=last.updated_by,
    )


def _overrides(found: Sequence[Deployment], layout: Layout) -> dict[str, str]:
    """Return what sends traffic elsewhere than the weights say."""
    said: dict[str, str] = {}
    serving = [one for one in found if one.open]
    unset = [one.id for one in found if one.weight is None]
    if unset:
        said["weight"] = f"not set on {', '.join(unset)}: some versions then ignore all weights"
    elif serving and not any(one.weight for one in serving):
        said["weight"] = "0 on every deployment that is not blocked: each gets the same"
    if not serving:
        said["blocked"] = "every deployment is: nobody answers"
    if len({one.order for one in serving}) > 1:
        orders = ", ".join(f"{one.id} {one.order}" for one in serving)
        said["order"] = f"the lowest goes first whatever the weights are: {orders}"
    if not layout.mirror_groups and any(one.silent for one in found):
        copies = ", ".join(f"{one.id} to {'+'.join(one.silent)}" for one in found if one.silent)
        said["silent_model"] = f"copies that Fullback does not move, as mirror_groups is not set: {copies}"
    return said


def _mirror(found: Sequence[Deployment], layout: Layout) -> Mirror:
    silent = {one.id: one.silent for one in found}
    for one in found:  # one effect has several spellings: the one that was asked for is the stamp's
        asked = None if one.wrote is None else one.wrote.get("mirror")
        if _is_mirror(asked) and layout.silent(asked, found) == silent:
            return asked
    backends = {group: backend for backend, group in layout.mirror_groups.items()}
    served = served_weights(found)
    copied = {
        name: "+".join(backends.get(group, group) for group in silent[ids[0]])
        for name, ids in layout.backends(found).items()
    }
    by_serving = {copied[name] for name, ids in layout.backends(found).items() if any(served[id_] for id_ in ids)}
    others = {text for text in copied.values() if text} - by_serving
    if len(by_serving) == 1 and not others:
        return by_serving.pop() or None
    return {name: text for name, text in copied.items() if text}


def _is_mirror(value: object) -> TypeGuard[Mirror]:
    named = value.values() if isinstance(value, Mapping) else (value,)
    return value is None or all(isinstance(name, str) for name in named)


def patch_of(one: Deployment, weight: int, silent: tuple[str, ...] | None, desired: DesiredRoute) -> dict[str, Any]:
    """Return the body that makes a deployment what is desired, for LiteLLM's merging ``PATCH``.

    ``model_info.id`` has to be there: LiteLLM invents a new one for a ``model_info`` without. ``null`` would be left
    out of the merge, so "no copies" is the empty list. A deployment that is cut is blocked; one that gets a share
    is opened; one of weight 0 stays as it is.
    """
    params: dict[str, Any] = {"weight": weight}
    if silent is not None:
        params["silent_model"] = silent[0] if silent else []
    blocked = None if one.blocked is None else (not weight and (desired.cut or one.blocked))
    wrote = {
        "weight": weight,
        "silent": list(silent if silent is not None else one.silent),
        "blocked": bool(blocked),
        "cut": bool(blocked) and (one.cut if one.blocked else desired.cut),
        "mirror": dict(desired.mirror) if isinstance(desired.mirror, Mapping) else desired.mirror,
    }
    body: dict[str, Any] = {
        "litellm_params": params,
        "model_info": {"id": one.id, "db_model": True, _EPOCH: desired.epoch, _WROTE: wrote},
    }
    return body if blocked is None else {**body, "blocked": blocked}


def write_order(found: Sequence[Deployment], weights: Mapping[str, int]) -> list[Deployment]:
    """Return the deployments in the order of writing: raised first, then those that end at 0, then other cuts.

    One write per deployment: after each of them somebody answers, and no prefix gives a deployment that ends at 0
    a larger share than it had.
    """
    served = served_weights(found)

    def stage(one: Deployment) -> int:
        if weights[one.id] and (one.blocked or weights[one.id] >= (one.weight or 0)):
            return 0
        return 2 if weights[one.id] else 1

    return sorted(found, key=lambda one: (stage(one), -weights[one.id], served[one.id], one.id))
