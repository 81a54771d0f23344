"""How long each step of one flip took, from the alarm to the proof: read off the incident and the audit rows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.demo.report import stamp

__all__ = ["FlipSteps", "flip_steps"]


@dataclass(frozen=True, slots=True)
class FlipSteps:
    """When each step was done; None: it was not."""

    alarm: datetime
    """When the evaluation of the tick began that raised it; its transaction ends a little later."""
    decided: datetime | None = None
    """The controller saw the alarm and decided: up to one period of its timer later."""
    committed: datetime | None = None
    """What is desired, with its epoch, is in the database: before any router is written."""
    written: datetime | None = None
    """Every router has acknowledged the write."""
    read_back: datetime | None = None
    """Every router shows it, replicas and status included."""
    verified: datetime | None = None
    """Traffic proves it."""
    requests: int = 0
    """New primary requests that the policy asks for as proof."""
    rate: float = 0.0
    """Users' requests per second from the write to the proof."""

    @property
    def requests_s(self) -> float | None:
        """The time that the requests of the proof take at that rate, seconds: proof cannot come sooner."""
        return self.requests / self.rate if self.rate else None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types; seconds."""
        return {
            "alarm_to_decided": _between(self.alarm, self.decided),
            "decided_to_committed": _between(self.decided, self.committed),
            "committed_to_written": _between(self.committed, self.written),
            "alarm_to_written": _between(self.alarm, self.written),
            "written_to_read_back": _between(self.written, self.read_back),
            "alarm_to_read_back": _between(self.alarm, self.read_back),
            "read_back_to_verified": _between(self.read_back, self.verified),
            "requests": self.requests,
            "requests_per_s": round(self.rate, 2),
            "requests_take": None if self.requests_s is None else round(self.requests_s, 2),
        }

    def line(self) -> str:
        """Say it for people."""
        took = self.to_json()
        names = ("alarm_to_written", "written_to_read_back", "read_back_to_verified")
        written, read, verified = ("never" if took[name] is None else f"{took[name]:.2f} s" for name in names)
        asked = f"{self.requests} new requests asked for"
        needed = "" if self.requests_s is None else f", which take {self.requests_s:.1f} s at {self.rate:.1f}/s"
        return f"alarm → written {written} → read back {read} → verified by traffic {verified} ({asked}{needed})"


def flip_steps(
    incident: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    requests: int,
    rate_between: Callable[[datetime, datetime], float],
) -> FlipSteps:
    """Read the steps of the incident's flip off the audit rows, oldest first.

    The alarm is the incident's last before the decision: later ones attach to it while the flip is under way.
    """
    own = [row for row in rows if row["incident_id"] == incident["id"]]
    decided = _first(own, "roll_back")
    alarms = [stamp(incident[name]) for name in ("last_alarm_at", "opened_at")]
    alarm = next((at for at in alarms if decided is None or at <= decided), alarms[-1])
    written, verified = _first(own, "applied"), _first_into(own, "rolled-back")
    rate = rate_between(written, verified) if written and verified and verified > written else 0.0
    read_back = _first(own, "read_back")
    return FlipSteps(alarm, decided, _first(own, "flip"), written, read_back, verified, requests, rate)


def _first(rows: Iterable[Mapping[str, Any]], action: str) -> datetime | None:
    return next((stamp(row["at"]) for row in rows if row["action"] == action), None)


def _first_into(rows: Iterable[Mapping[str, Any]], phase: str) -> datetime | None:
    return next((stamp(row["at"]) for row in rows if row["to_phase"] == phase), None)


def _between(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else round((end - start).total_seconds(), 3)
