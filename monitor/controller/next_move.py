"""The controller's whole rule: from a situation and what was read to one move. Pure."""

from collections.abc import Callable, Mapping
from typing import Final

from monitor.controller.moves import Move
from monitor.controller.proving import from_reverted, from_stuck, from_verifying_traffic
from monitor.controller.readings import Readings
from monitor.controller.returning import from_hold, from_ramping, from_recovering, from_rolled_back
from monitor.controller.situation import Situation
from monitor.controller.triggering import from_armed, from_blocked, from_preflight, from_triggered
from monitor.controller.writing import from_applying, from_verifying_control
from monitor.models.route import Phase

__all__ = ["RULES", "next_move"]

RULES: Final[Mapping[Phase, Callable[[Situation, Readings], Move | None]]] = {
    Phase.ARMED: from_armed,
    Phase.TRIGGERED: from_triggered,
    Phase.PREFLIGHT: from_preflight,
    Phase.BLOCKED: from_blocked,
    Phase.APPLYING: from_applying,
    Phase.VERIFYING_CONTROL: from_verifying_control,
    Phase.VERIFYING_TRAFFIC: from_verifying_traffic,
    Phase.ROLLED_BACK: from_rolled_back,
    Phase.HOLD: from_hold,
    Phase.RECOVERING: from_recovering,
    Phase.RAMPING: from_ramping,
    Phase.STUCK: from_stuck,
    Phase.REVERTED: from_reverted,
}


def next_move(seen: Situation, readings: Readings) -> Move | None:
    """Return the one move that follows, or None: the route stays as it is."""
    return RULES[seen.control.phase](seen, readings)
