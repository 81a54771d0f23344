"""An incident: one cause on one (route, candidate)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

__all__ = ["Alarm", "Incident", "Severity"]


class Severity(StrEnum):
    """How bad an incident is."""

    CRITICAL = "critical"
    """The variant is broken."""
    HARM = "harm"
    """The variant is worse than its margin allows."""
    ADVICE = "advice"
    """Worth a look: it moves nothing."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A stream's statistic crossed its threshold."""

    route_id: int
    candidate_id: int
    stream_id: int
    signal: str
    slice: str
    tick: int
    at: datetime
    onset_at: datetime
    headline: str
    evidence: Mapping[str, Any]
    effect: Mapping[str, Any]
    """Estimate since the onset: selected, so replaced by the confirmation window's."""
    advice: str | None = None
    """Why it only advises: it may be told, and moves nothing."""
    critical: bool = False
    """The variant is broken: most of what it answers fails."""


@dataclass(frozen=True, slots=True)
class Incident:
    """Opened by the first alarm; later alarms attach to it."""

    id: int
    route_id: int
    candidate_id: int
    stream_id: int
    signal: str
    slice: str
    headline: str
    opened_at: datetime
    onset_at: datetime
    alarm_tick: int
    last_alarm_at: datetime
    alarms: int
    evidence: Mapping[str, Any]
    effect: Mapping[str, Any] | None
    decided: str | None
    """The action already decided for it, so that nothing is told twice."""
    closed_at: datetime | None
    closed_by: str | None
    advice: str | None = None
    """Why it only advises, as every alarm of it so far does; the first that does not becomes what it is about."""
    critical: bool = False
    """The variant is broken: most of what it answers fails."""
    at_least: Mapping[str, Any] | None = None
    """A lower bound on the harm (``services.ladder.bound_of``), with its ``text``; None while nothing is shown."""

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        if self.critical:
            return Severity.CRITICAL
        return Severity.HARM if self.advice is None else Severity.ADVICE

    def actionable(self, now: datetime, evidence_ttl: timedelta) -> bool:
        """Tell whether its latest alarm is young enough to act on."""
        return self.closed_at is None and now - self.last_alarm_at <= evidence_ttl
