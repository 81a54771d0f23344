"""The state table of the controller: which phase may follow which. Pure."""

from collections.abc import Mapping

from monitor.models.route import Phase

__all__ = ["ALLOWED", "IN_FLIGHT", "PAGING", "may_follow"]

ALLOWED: Mapping[Phase, frozenset[Phase]] = {
    Phase.ARMED: frozenset({Phase.PREFLIGHT, Phase.APPLYING}),
    Phase.PREFLIGHT: frozenset({Phase.APPLYING, Phase.BLOCKED, Phase.ARMED}),
    Phase.BLOCKED: frozenset({Phase.APPLYING, Phase.ARMED}),
    Phase.APPLYING: frozenset({Phase.VERIFYING_CONTROL, Phase.STUCK}),
    Phase.VERIFYING_CONTROL: frozenset({Phase.VERIFYING_TRAFFIC, Phase.STUCK, Phase.APPLYING}),
    Phase.VERIFYING_TRAFFIC: frozenset({Phase.ROLLED_BACK, Phase.ARMED, Phase.STUCK, Phase.APPLYING}),
    Phase.ROLLED_BACK: frozenset({Phase.HOLD, Phase.APPLYING}),
    Phase.HOLD: frozenset({Phase.REVERTED, Phase.APPLYING}),
    Phase.REVERTED: frozenset({Phase.APPLYING}),
    Phase.STUCK: frozenset({Phase.APPLYING}),
}
"""A person's flip may start from any phase, so ``applying`` follows every one but itself."""

IN_FLIGHT = frozenset({Phase.PREFLIGHT, Phase.APPLYING, Phase.VERIFYING_CONTROL, Phase.VERIFYING_TRAFFIC})
"""A flip is under way: it is finished after a restart."""

PAGING = frozenset({Phase.STUCK, Phase.REVERTED, Phase.BLOCKED})
"""Phases that page."""


def may_follow(before: Phase, after: Phase) -> bool:
    """Tell whether the table allows a transition."""
    return after in ALLOWED[before]
