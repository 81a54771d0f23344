"""The time line of an incident: how long after the alarm each step of the last flip came. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from monitor.models.decision import Audit
from monitor.models.incident import Incident

__all__ = ["Entry", "Milestone", "Timeline", "timeline_of"]


class Milestone(StrEnum):
    """A step on the way from an alarm to a routing that traffic proves."""

    DECIDED = "decided"
    COMMITTED = "committed"
    """The desired routing is in the database, the routers are called next."""
    WRITTEN = "written"
    """Every router acknowledged the first write."""
    READ_BACK = "read_back"
    """Every router shows the last step."""
    PROVEN = "proven"
    """New requests say so."""


_ACTIONS: Final = {
    "roll_back": Milestone.DECIDED,
    "flip": Milestone.COMMITTED,
    "applied": Milestone.WRITTEN,
    "read_back": Milestone.READ_BACK,
    "verified_by_traffic": Milestone.PROVEN,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """An audit row in time."""

    audit: Audit
    since_alarm_s: float
    since_previous_s: float
    milestone: Milestone | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """What was done about an incident, oldest first."""

    alarm_at: datetime
    entries: tuple[Entry, ...]

    @property
    def effective_s(self) -> dict[Milestone, float]:
        """Seconds from the alarm to each step of the last flip; a step that was not reached is absent."""
        return {one.milestone: one.since_alarm_s for one in self.entries if one.milestone is not None}


def timeline_of(incident: Incident, audits: Sequence[Audit]) -> Timeline:
    """Return an incident's time line from its audit rows, oldest first.

    Milestones are those of the last flip and of the decision before it: of each, the first row.
    """
    flips = [place for place, audit in enumerate(audits) if audit.action == "flip"]
    last = flips[-1] if flips else len(audits)
    decided = [place for place, audit in enumerate(audits[:last]) if audit.action == "roll_back"]
    reached: dict[int, Milestone] = {decided[-1]: Milestone.DECIDED} if decided else {}
    for place in range(last, len(audits)):
        milestone = _ACTIONS.get(audits[place].action)
        if milestone is not None and milestone is not Milestone.DECIDED and milestone not in reached.values():
            reached[place] = milestone
    previous, entries = incident.opened_at, []
    for place, audit in enumerate(audits):
        since_alarm = (audit.at - incident.opened_at).total_seconds()
        since_previous = (audit.at - previous).total_seconds()
        entries.append(Entry(audit, since_alarm, since_previous, reached.get(place)))
        previous = audit.at
    return Timeline(incident.opened_at, tuple(entries))
