"""A move under way, what holds a route, its last rehearsal, an incident's time line: as the page shows them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.models.decision import Audit
from monitor.models.freeze import Freeze
from monitor.models.incident import Incident
from monitor.models.route import Goal, Phase, Route, RouteControl
from monitor.services.timelines import Milestone, timeline_of
from monitor.storage.rehearsals import StoredRehearsal
from monitor.ui.pages import AuditLine, audit_line
from monitor.ui.wording import Moment, moment

__all__ = [
    "FreezeLine",
    "RehearsalBox",
    "TimelineLine",
    "effective_text",
    "freeze_line",
    "move_text",
    "rehearsal_box",
    "timeline_lines",
]

_UNDER_WAY = frozenset(
    {Phase.APPLYING, Phase.VERIFYING_CONTROL, Phase.VERIFYING_TRAFFIC, Phase.RAMPING, Phase.STUCK, Phase.REVERTED}
)
_GOALS = {
    Goal.BASELINE: "to the baseline",
    Goal.RESTORE: "back to the routing before the flip",
    Goal.RAMP: "of the candidate's way back",
}
_STEPS = {
    Milestone.DECIDED: "decided",
    Milestone.COMMITTED: "committed",
    Milestone.WRITTEN: "written",
    Milestone.READ_BACK: "read back",
    Milestone.PROVEN: "proven by traffic",
}
_LONG_S = 120.0


@dataclass(frozen=True, slots=True)
class FreezeLine:
    """A freeze that stands, with the command that lifts it."""

    said: str
    command: str | None
    """None where it is said already."""


@dataclass(frozen=True, slots=True)
class RehearsalBox:
    """How the last rehearsal went."""

    ok: bool
    at: Moment
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """An audit row of an incident, with its distance from the alarm."""

    audit: AuditLine
    since_alarm: str
    milestone: str | None


def move_text(control: RouteControl) -> str | None:
    """Return which step of a move is written or in force; None where none is under way."""
    step = control.step
    if step is None or control.phase not in _UNDER_WAY:
        return None
    what = f"{step.replicas} replicas of the baseline" if step.replicas else f"{step.share} %"
    return f"step {control.stage + 1} of {len(control.stages)}: {what} {_GOALS[control.goal]}, by {control.actor}"


def freeze_line(freeze: Freeze) -> FreezeLine:
    """Return a freeze."""
    return FreezeLine(freeze.said(), None if freeze.of_breaker else f"fullback unfreeze {freeze.id} --reason 'why'")


def rehearsal_box(found: Sequence[StoredRehearsal], now: datetime) -> RehearsalBox | None:
    """Return the last rehearsal, None before the first one."""
    if not found:
        return None
    problems = tuple(f"{one.target}: {text}" if one.target else text for one in found for text in one.problems)
    return RehearsalBox(not problems, moment(min(one.at for one in found), now), problems)


def timeline_lines(
    incident: Incident | None, audits: Sequence[Audit], route: Route, now: datetime
) -> list[TimelineLine]:
    """Return what was done about an incident, oldest first."""
    if incident is None:
        return []
    return [
        TimelineLine(
            audit_line(one.audit, route.name, now),
            _after(one.since_alarm_s),
            None if one.milestone is None else _STEPS[one.milestone],
        )
        for one in timeline_of(incident, audits).entries
    ]


def effective_text(incident: Incident | None, audits: Sequence[Audit]) -> str | None:
    """Return how long the last flip took from the alarm on, None where nothing was moved."""
    steps = {} if incident is None else timeline_of(incident, audits).effective_s
    return ", ".join(f"{_STEPS[step]} {_after(seconds)}" for step, seconds in steps.items()) or None


def _after(seconds: float) -> str:
    sign = "−" if seconds < 0 else "+"
    length = abs(seconds)
    return f"{sign}{length:.1f} s" if length < _LONG_S else f"{sign}{length / 60:.0f} min"
