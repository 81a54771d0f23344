"""What a run of the demo showed: the timeline, the counts, the effect. Functions of what was recorded."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from monitor.demo.names import BASELINE

__all__ = [
    "Timeline",
    "effect_line",
    "first_failure",
    "first_injected",
    "flip_timeline",
    "primary_counts",
    "primary_rate",
    "read_lines",
    "stamp",
    "verdict_lines",
]

_APPLIED = ("verifying-control", "verifying-traffic", "rolled-back", "hold")
_VERIFIED = ("rolled-back", "hold")
_SERVER_ERROR = 500


def stamp(text: str) -> datetime:
    """Read an RFC 3339 moment."""
    return datetime.fromisoformat(text)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the whole records of a JSONL file; none when it does not exist."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield msgspec.json.decode(line)


@dataclass(frozen=True, slots=True)
class Timeline:
    """When what happened; None: it did not."""

    fault: datetime
    first_bad_event: datetime | None = None
    alarm: datetime | None = None
    flip_applied: datetime | None = None
    verified: datetime | None = None
    rows: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    """The audit rows since the fault, oldest first."""

    def seconds(self) -> dict[str, float | None]:
        """Return the seconds from the fault to each step."""
        steps = {
            "fault_to_first_bad_event": self.first_bad_event,
            "fault_to_alarm": self.alarm,
            "fault_to_flip_applied": self.flip_applied,
            "fault_to_verified": self.verified,
        }
        return {name: self._after_fault(moment) for name, moment in steps.items()}

    def _after_fault(self, moment: datetime | None) -> float | None:
        return None if moment is None else round((moment - self.fault).total_seconds(), 2)


def flip_timeline(
    fault: datetime,
    first_bad_event: datetime | None,
    incidents: Iterable[Mapping[str, Any]],
    decisions: Iterable[Mapping[str, Any]],
) -> Timeline:
    """Put the steps after a fault in order, from the incidents and the audit rows, oldest first."""
    rows = tuple(row for row in decisions if stamp(row["at"]) >= fault)
    opened = [stamp(incident["opened_at"]) for incident in incidents]
    alarm = next((at for at in opened if at >= fault), None)
    return Timeline(fault, first_bad_event, alarm, _entered(rows, _APPLIED), _entered(rows, _VERIFIED), rows)


def _entered(rows: Iterable[Mapping[str, Any]], phases: Sequence[str]) -> datetime | None:
    """Return when a row first led into one of the phases."""
    entered = (row for row in rows if row["to_phase"] in phases and row["from_phase"] != row["to_phase"])
    return next((stamp(row["at"]) for row in entered), None)


def first_injected(lines: Iterable[Mapping[str, Any]], fault: datetime) -> datetime | None:
    """Return when the candidate finished the first answer that the fault made bad."""
    return min((at for line in lines if (at := stamp(line["at"])) >= fault), default=None)


def first_failure(lines: Iterable[Mapping[str, Any]], cluster: str, fault: datetime) -> datetime | None:
    """Return the end of the first request that failed at a cluster after the fault, by the gateway's log."""
    ends = (
        stamp(line["start_time"]) + timedelta(milliseconds=line["duration"])
        for line in lines
        if line["upstream_cluster"] == cluster and _failed(line)
    )
    return min((end for end in ends if end >= fault), default=None)


def _failed(line: Mapping[str, Any]) -> bool:
    return int(line["response_code"]) >= _SERVER_ERROR or int(line["response_code"]) == 0


def primary_counts(lines: Iterable[Mapping[str, Any]], since: datetime) -> Counter[str]:
    """Count the requests started since then by the cluster that answered the user, by the gateway's log."""
    return Counter(str(line["upstream_cluster"]) for line in lines if stamp(line["start_time"]) >= since)


def primary_rate(lines: Iterable[Mapping[str, Any]], since: datetime, until: datetime) -> float:
    """Return the users' requests per second started between two moments, by the gateway's log."""
    started = sum(since <= stamp(line["start_time"]) < until for line in lines)
    return started / (until - since).total_seconds()


def effect_line(effect: Mapping[str, Any]) -> str:
    """Write an effect with its interval."""
    numbers = [effect[name] for name in ("candidate", "baseline", "difference", "low", "high")]
    shares = all(number is not None and abs(number) <= 1 for number in numbers)
    candidate, baseline, difference, low, high = (_number(number, shares) for number in numbers)
    return (
        f"{effect['signal']}: candidate {candidate}, baseline {baseline}, difference {difference} "
        f"[{low}, {high}] at {100 * effect['level']:.0f} % over {effect['pairs']} pairs "
        f"({effect['window']} window)"
    )


def _number(number: float | None, share: bool) -> str:
    if number is None:
        return "–"
    return f"{100 * number:.2f} %" if share else f"{number:.3g}"


def verdict_lines(streams: Iterable[Mapping[str, Any]]) -> list[str]:
    """Write each stream's verdict with its reason; the baseline's own streams compare it with itself."""
    return [
        f"{stream['candidate']:<6}{stream['signal']}/{stream['slice']}: {stream['verdict']}, "
        f"{stream['pairs']} pairs: {stream['reason']}"
        for stream in sorted(streams, key=lambda stream: stream["candidate"] == BASELINE)
    ]
