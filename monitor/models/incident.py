"""An incident: one cause on one (route, candidate)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

__all__ = ["Alarm", "Incident"]


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

    def actionable(self, now: datetime, evidence_ttl: timedelta) -> bool:
        """Tell whether its latest alarm is young enough to act on."""
        return self.closed_at is None and now - self.last_alarm_at <= evidence_ttl
