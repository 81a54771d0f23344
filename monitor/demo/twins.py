"""Compares real twins by their own logs: how fast each is and how often they answer the same."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from monitor.demo.names import BASELINE, CANDIDATE

__all__ = ["TwinReport", "compare_twins", "first_unlike"]

_OK = 200


@dataclass(frozen=True, slots=True)
class TwinReport:
    """What the logs show."""

    answers: Mapping[str, int]
    failures: Mapping[str, int]
    latency_ms: Mapping[str, tuple[float, float]]
    """Median and 95th percentile of the whole answer, by variant."""
    pairs: int
    identical: int

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "answers": dict(self.answers),
            "failures": dict(self.failures),
            "p50_ms": {name: round(median, 1) for name, (median, _) in self.latency_ms.items()},
            "p95_ms": {name: round(slow, 1) for name, (_, slow) in self.latency_ms.items()},
            "pairs": self.pairs,
            "identical": self.identical,
        }

    def lines(self) -> list[str]:
        """Write the report for people."""
        lines = ["Twins"]
        for name, (median, slow) in self.latency_ms.items():
            served = f"{self.answers[name]} answers, {self.failures[name]} failures"
            lines.append(f"  {name}: {served}, p50 {median:.0f} ms, p95 {slow:.0f} ms")
        share = 100 * self.identical / self.pairs if self.pairs else 0.0
        lines.append(f"  {self.identical} of {self.pairs} pairs have identical answers ({share:.1f} %)")
        return lines


def compare_twins(baseline: Iterable[Mapping[str, Any]], candidate: Iterable[Mapping[str, Any]]) -> TwinReport:
    """Pair the baseline's mirrored answers with the candidate's by request id."""
    logs = {BASELINE: list(baseline), CANDIDATE: list(candidate)}
    good = {name: [event for event in log if event["status"] == _OK] for name, log in logs.items()}
    mirrored = {event["request_id"]: _said(event) for event in good[BASELINE] if "-shadow" in event["host"]}
    pairs = [
        (mirrored[event["request_id"]], _said(event)) for event in good[CANDIDATE] if event["request_id"] in mirrored
    ]
    return TwinReport(
        {name: len(log) for name, log in good.items()},
        {name: len(logs[name]) - len(good[name]) for name in logs},
        {name: _percentiles([event["duration_ms"] for event in log]) for name, log in good.items()},
        len(pairs),
        sum(ours == theirs for ours, theirs in pairs),
    )


def first_unlike(
    baseline: Iterable[Mapping[str, Any]], candidate: Iterable[Mapping[str, Any]], since: datetime
) -> datetime | None:
    """Return the end of the first good answer of the candidate, begun since then, that is not its twin's."""
    said = {event["request_id"]: _said(event) for event in baseline if event["status"] == _OK}
    ends = (
        begun + timedelta(milliseconds=event["duration_ms"])
        for event in candidate
        if event["status"] == _OK
        and (begun := datetime.fromisoformat(event["started_at"])) >= since
        and said.get(event["request_id"], _said(event)) != _said(event)
    )
    return min(ends, default=None)


def _said(event: Mapping[str, Any]) -> Any:
    message = event["response"]["choices"][0]["message"]
    return message.get("content"), message.get("tool_calls")


def _percentiles(durations_ms: Sequence[float]) -> tuple[float, float]:
    if not durations_ms:
        return float("nan"), float("nan")
    median, slow = np.percentile(durations_ms, [50, 95])
    return float(median), float(slow)
