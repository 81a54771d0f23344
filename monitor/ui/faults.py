"""Where the answers of one signal fail, the candidate's beside the baseline's. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.models.evidence import Stream
from monitor.models.fault import FaultCount
from monitor.models.variant import Variant

__all__ = ["FaultLine", "fault_lines"]

_MOST_LINES = 15


@dataclass(frozen=True, slots=True)
class FaultLine:
    """One class and place, with how often each of the two had it."""

    reason: str
    detail: str
    candidate: int
    baseline: int


def fault_lines(counts: Iterable[FaultCount], stream: Stream, baseline: Variant | None) -> list[FaultLine]:
    """Return the most frequent faults of a stream's candidate and of the baseline."""
    found: dict[tuple[str, str], list[int]] = {}
    sides = {stream.candidate_id: 0} | ({} if baseline is None else {baseline.id: 1})
    for one in counts:
        side = sides.get(one.variant_id)
        if side is not None and one.fault.signal == stream.signal:
            found.setdefault((one.fault.reason, one.fault.detail), [0, 0])[side] += one.n
    lines = [FaultLine(*place, *numbers) for place, numbers in found.items()]
    return sorted(lines, key=lambda line: (-line.candidate, -line.baseline, line.reason, line.detail))[:_MOST_LINES]
