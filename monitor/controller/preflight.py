"""Preflight: is the baseline healthy enough to take the traffic, is it able to, and by which steps? Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.controller.plan import AT_ONCE, stages_of
from monitor.controller.readings import BaselineHealth, Room
from monitor.models.acting import PreflightPolicy
from monitor.models.route import Stage
from monitor.routing.base import Capabilities

__all__ = ["Fitness", "Way", "choose_way", "judge_baseline"]

_MEASURED = 0.9


@dataclass(frozen=True, slots=True)
class Fitness:
    """Whether traffic may move to the baseline, and why."""

    healthy: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Way:
    """How a flip goes: its steps, or why it may not."""

    stages: tuple[Stage, ...]
    """Empty: not now."""
    reason: str


def judge_baseline(answers: int, failed: int, policy: PreflightPolicy, probes: int = 0) -> Fitness:
    """Judge the baseline by its answers of the last ``window_s`` seconds, shadow, holdback and probes together."""
    of_them = f" ({probes} of them probes)" if probes else ""
    if answers < policy.min_events:
        return Fitness(
            healthy=False,
            reason=f"the baseline answered {answers} requests{of_them} in {policy.window_s:g} s, {policy.min_events} "
            "are needed to call it healthy",
        )
    rate = failed / answers
    if rate > policy.max_error_rate:
        return Fitness(
            healthy=False,
            reason=f"the baseline itself fails {100 * rate:.1f} % of {answers} requests{of_them} (limit "
            f"{100 * policy.max_error_rate:g} %)",
        )
    return Fitness(healthy=True, reason=f"the baseline is healthy: {failed} of {answers} answers{of_them} failed")


def choose_way(
    health: BaselineHealth,
    policy: PreflightPolicy,
    capabilities: Sequence[Capabilities],
    room: Room | None,
    *,
    critical: bool,
) -> Way:
    """Choose the steps of a flip.

    A broken variant is flipped at once: whatever the baseline can serve of it is better. A baseline that already
    answers a copy of (nearly) every request has shown its capacity. Otherwise the capacity that its owner declared is
    held against the load; where it falls short, copies are dropped first, the baseline is scaled up if the policy says
    how, and traffic moves in steps while its queue and cache have room. Nothing declared and nothing measured: the flip
    goes by the policy's steps, if it has any.

    Args:
        health: The baseline's answers and the route's load in the window.
        policy: The limits.
        capabilities: Of the route's targets.
        room: The baseline's queue and cache now; None where no meters are configured.
        critical: Whether the variant is broken.
    """
    if critical:
        return Way(AT_ONCE, "at once: the variant is broken")
    short = _shortfall(health, policy)
    drain, scale = policy.drain, policy.scale
    if short is None:
        steps = stages_of(drain.steps, capabilities) if drain and room is not None and room.readable else AT_ONCE
        return Way(steps, "the baseline can carry the load")
    dropped = (Stage(0),) if all(one.weights for one in capabilities) else ()  # copies are load that can go at once
    scaled = (*dropped, Stage(0, replicas=int(scale["replicas"]))) if scale else ()
    if drain is not None and room is not None and room.readable:
        return Way((*scaled, *stages_of(drain.steps, capabilities)), f"{short}: in steps")
    if drain is not None and drain.without_meters == "block" and not scaled:
        why = "no meters are configured" if room is None else room.reason
        return Way((), f"{short}, and there is no reading of its queue to go by: {why}")
    return Way((*scaled, *AT_ONCE), f"{short}: {'scaled up first' if scaled else 'at once all the same'}")


def _shortfall(health: BaselineHealth, policy: PreflightPolicy) -> str | None:
    """Return why the baseline cannot carry the load, or None."""
    if health.primaries and health.copied >= _MEASURED * health.primaries:
        return None
    load = health.primaries / policy.window_s
    if policy.capacity_rps is None or policy.capacity_rps >= load * policy.headroom:
        return None
    return f"the baseline is declared to serve {policy.capacity_rps:g} requests/s and {load:.3g} would reach it"
