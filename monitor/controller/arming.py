"""When ``auto`` is armed: once the tests were watched on this route, and the way back is known to work. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.models.policy import Policy
from monitor.models.route import Route
from monitor.routing.base import Capabilities, ReadBack

__all__ = ["Record", "why_not_armed"]


@dataclass(frozen=True, slots=True)
class Record:
    """What the route has shown so far."""

    a_a_pairs: int = 0
    """Pairs of the baseline with itself, of the stream that has most."""
    a_a_alarmed: str | None = None
    """A signal on which the baseline differed from itself."""
    owners: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Per target: GitOps managers that would write over a flip."""


def why_not_armed(
    route: Route, policy: Policy, record: Record, capabilities: Mapping[str, Capabilities], now: datetime
) -> str | None:
    """Return why ``auto`` may not act by itself on this route yet, with the next step; None when it may.

    A recorded waiver stands in for the time of observation and for the silent comparison of the baseline with itself;
    it does not make an unreadable router readable, nor a repository's manager let go.
    """
    for label, one in capabilities.items():
        if one.read_back is ReadBack.NONE:
            return f"target {label} cannot be read back: give it an address to read what it does"
    for label, owners in record.owners.items():
        if owners:
            return (
                f"{', '.join(owners)} would write over a flip at target {label}: add ignore rules for the weights "
                "and filters there (docs/routers.md), then say so in the target's settings"
            )
    if route.waiver is not None:
        return None
    observed = now - route.created_at
    if observed < timedelta(days=policy.observe_days):
        return f"observed for {observed.days} of {policy.observe_days:g} days and no waiver is recorded"
    if record.a_a_alarmed is not None:
        return f"the baseline differs from its own mirror in {record.a_a_alarmed}: the two legs are not comparable"
    if record.a_a_pairs < policy.a_a_pairs:
        return (
            f"{record.a_a_pairs} of {policy.a_a_pairs} pairs of the baseline with its own mirror were seen: keep a "
            "holdback on the baseline and mirror it too, or record a waiver"
        )
    return None
