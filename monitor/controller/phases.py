"""The state table of the controller: which phase may follow which. Pure."""

from collections.abc import Mapping

from monitor.models.route import Phase

__all__ = ["ALLOWED", "DECIDED", "IN_FLIGHT", "PAGING", "may_follow"]

_P = Phase
ALLOWED: Mapping[Phase, frozenset[Phase]] = {
    _P.ARMED: frozenset({_P.TRIGGERED, _P.APPLYING, _P.REVERTED}),
    _P.TRIGGERED: frozenset({_P.PREFLIGHT, _P.BLOCKED, _P.ARMED, _P.RAMPING, _P.APPLYING}),
    _P.PREFLIGHT: frozenset({_P.APPLYING, _P.BLOCKED, _P.ARMED, _P.RAMPING}),
    _P.BLOCKED: frozenset({_P.APPLYING, _P.ARMED, _P.RAMPING}),
    _P.APPLYING: frozenset({_P.VERIFYING_CONTROL, _P.STUCK, _P.ARMED}),
    _P.VERIFYING_CONTROL: frozenset({_P.VERIFYING_TRAFFIC, _P.RAMPING, _P.APPLYING, _P.STUCK, _P.REVERTED, _P.BLOCKED}),
    _P.VERIFYING_TRAFFIC: frozenset({_P.ROLLED_BACK, _P.ARMED, _P.STUCK, _P.APPLYING, _P.REVERTED}),
    _P.ROLLED_BACK: frozenset({_P.HOLD, _P.APPLYING}),
    _P.HOLD: frozenset({_P.RECOVERING, _P.REVERTED, _P.APPLYING}),
    _P.RECOVERING: frozenset({_P.APPLYING, _P.HOLD, _P.REVERTED}),
    _P.RAMPING: frozenset({_P.APPLYING, _P.ARMED, _P.TRIGGERED, _P.REVERTED}),
    _P.REVERTED: frozenset({_P.APPLYING, _P.VERIFYING_TRAFFIC}),
    _P.STUCK: frozenset({_P.APPLYING, _P.ROLLED_BACK, _P.TRIGGERED, _P.REVERTED}),
}
"""A person's flip may start from any phase, so ``applying`` follows every one but itself."""

IN_FLIGHT = frozenset(
    {Phase.TRIGGERED, Phase.PREFLIGHT, Phase.APPLYING, Phase.VERIFYING_CONTROL, Phase.VERIFYING_TRAFFIC}
)
"""A flip is under way: it is finished after a restart."""

DECIDED = frozenset({Phase.TRIGGERED, Phase.PREFLIGHT, Phase.BLOCKED})
"""A rollback is decided and nothing is written yet."""

PAGING = frozenset({Phase.STUCK, Phase.REVERTED, Phase.BLOCKED})
"""Phases that page."""


def may_follow(before: Phase, after: Phase) -> bool:
    """Tell whether the table allows a transition."""
    return after in ALLOWED[before]
