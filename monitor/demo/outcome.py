"""The result of a run: for people as lines, for scripts as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.demo.expectation import Finding
from monitor.demo.names import BASELINE, CANDIDATE
from monitor.demo.report import Timeline, effect_line, verdict_lines
from monitor.demo.slack_receiver import render
from monitor.demo.steps import FlipSteps
from monitor.demo.twins import TwinReport

__all__ = ["Outcome"]

_VERDICT = ("candidate", "signal", "slice", "verdict", "reason", "pairs")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was seen from start to end."""

    finding: Finding
    seed: int
    flipped: bool
    phase: str
    total_s: float
    sent: Mapping[str, int]
    accounts: Mapping[str, Any]
    pairs: int
    counts: Mapping[str, int]
    """Users' requests by the cluster that answered: after the flip, or without a fault since the warm-up."""
    streams: Sequence[Mapping[str, Any]]
    incidents: Sequence[Mapping[str, Any]]
    slack: Sequence[Mapping[str, Any]]
    console: str
    target: str = "envoy"
    """The kind of router that was written."""
    timeline: Timeline | None = None
    steps: FlipSteps | None = None
    effect: Mapping[str, Any] | None = None
    twins: TwinReport | None = None

    @property
    def verified_by_traffic(self) -> bool:
        """Fullback says so, and the gateway's own log agrees."""
        verified = self.timeline is not None and self.timeline.verified is not None
        return verified and not self.counts.get(CANDIDATE, 0) and self.counts.get(BASELINE, 0) > 0

    @property
    def good(self) -> bool:
        """Tell whether the run showed what it should."""
        return self.verified_by_traffic and self.finding.right if self.finding.fault.expected else not self.flipped

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        after = "post_flip" if self.flipped else "without_flip"
        return {
            "fault": self.finding.fault.name,
            "target": self.target,
            "flipped": self.flipped,
            "verified_by_traffic": self.verified_by_traffic,
            **self.finding.to_json(),
            "phase": self.phase,
            "seconds": {**(self.timeline.seconds() if self.timeline else {}), "total": self.total_s},
            "flip": self.steps.to_json() if self.steps else None,
            "counts": {
                "requests_sent": self.sent.get("sent", 0),
                "requests_failed": self.sent.get("failed", 0),
                "events_stored": self.accounts.get("stored"),
                "events_duplicate": self.accounts.get("duplicates"),
                "events_rejected": self.accounts.get("rejected"),
                "pairs": self.pairs,
                f"{after}_primary_baseline": self.counts.get(BASELINE, 0),
                f"{after}_primary_candidate": self.counts.get(CANDIDATE, 0),
            },
            **({"twins": self.twins.to_json()} if self.twins else {}),
            "effect": dict(self.effect) if self.effect else None,
            **({} if self.flipped else {"verdicts": self._verdicts()}),
            "incidents": len(self.incidents),
            "slack_messages": len(self.slack),
            "seed": self.seed,
        }

    def _verdicts(self) -> list[dict[str, Any]]:
        return [{name: stream[name] for name in _VERDICT} for stream in self.streams]

    def lines(self) -> Iterator[str]:
        """Yield the report for people."""
        yield ""
        if self.timeline is not None:
            yield from self._timeline(self.timeline)
        if self.steps is not None:
            yield f"Flip      {self.steps.line()}"
        if self.effect is not None:
            yield f"Effect    {effect_line(self.effect)}"
        if self.finding.fault.expected:
            yield f"Alarms    {self.finding.line()}"
        else:
            yield "Verdicts"
            yield from (f"  {line}" for line in verdict_lines(self.streams))
        if self.twins is not None:
            yield from self.twins.lines()
        yield self._counts()
        for message in self.slack:
            yield "Slack     received:"
            yield from (f"  | {line}" for line in render(message).splitlines())
        yield f"Console   {self.console}"
        yield f"Result    {self._result()}"

    def _timeline(self, timeline: Timeline) -> Iterator[str]:
        seconds = timeline.seconds()
        headline = self.incidents[-1]["headline"] if self.incidents else ""
        served = (
            f"{self.counts.get(BASELINE, 0)} users' requests answered by {BASELINE}, "
            f"{self.counts.get(CANDIDATE, 0)} by {CANDIDATE} since"
        )
        yield f"Timeline  (seconds after the fault {self.finding.fault.name})"
        for name, key, remark in (
            ("fault", None, ""),
            ("first bad event", "fault_to_first_bad_event", ""),
            ("alarm", "fault_to_alarm", headline),
            ("flip applied", "fault_to_flip_applied", ""),
            ("verified by traffic", "fault_to_verified", served),
        ):
            after = 0.0 if key is None else seconds[key]
            yield f"  {'never' if after is None else f'{after:.1f} s':>8}  {name:<20} {remark}".rstrip()
        for row in timeline.rows:
            yield f"            {row['from_phase']} → {row['to_phase']}: {row['reason']}"

    def _counts(self) -> str:
        stored = f"{self.accounts.get('stored')} events stored"
        return (
            f"Counts    {self.sent.get('sent', 0)} requests sent, {stored}, "
            f"{self.accounts.get('duplicates')} duplicates, rejected {self.accounts.get('rejected')}, "
            f"{self.pairs} pairs"
        )

    def _result(self) -> str:
        if not self.finding.fault.expected:
            return f"a flip without a fault: phase {self.phase}" if self.flipped else "nothing flipped"
        if not self.verified_by_traffic:
            return f"NOT verified by traffic: phase {self.phase}"
        done = f"rolled back to {BASELINE}, proven by traffic, after {self.total_s:.0f} s in all"
        return done if self.finding.right else f"{done}, but NOT for what is wrong"
