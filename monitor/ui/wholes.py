"""Each candidate as a whole, as the page of its route shows it. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from detectors.registry import SIGNALS
from monitor.models.policy import Policy
from monitor.services.degraded import WHAT_IT_IS, Whole, wholes
from monitor.ui.chart import percent
from monitor.ui.reads import RouteFacts

__all__ = ["DegradedLine", "WholeLine", "whole_lines"]


@dataclass(frozen=True, slots=True)
class DegradedLine:
    """A stream on the list of degraded slices."""

    id: int
    title: str
    slice: str


@dataclass(frozen=True, slots=True)
class WholeLine:
    """One candidate."""

    candidate: str
    streams: int
    degraded: list[DegradedLine]
    lead: str | None
    """Which stream leads, in words."""
    note: str


def whole_lines(facts: RouteFacts, policy: Policy, now: datetime) -> list[WholeLine]:
    """Return what is known of each candidate over all its streams."""
    names = {variant.id: variant.name for variant in facts.variants}
    ids = {(one.candidate_id, one.signal, one.slice): one.id for one in facts.streams}
    baseline = 0 if facts.baseline is None else facts.baseline.id
    tick_s = policy.tick_s if facts.clock is None else facts.clock.tick_s
    found = wholes(facts.streams, baseline, now, timedelta(seconds=policy.evidence_ttl_s), tick_s)
    return [
        WholeLine(
            candidate=names.get(whole.candidate_id, f"variant {whole.candidate_id}"),
            streams=whole.streams,
            degraded=[
                DegradedLine(ids[whole.candidate_id, one.signal, one.slice], _title(one.signal), one.slice)
                for one in whole.degraded
            ],
            lead=_lead(whole),
            note=WHAT_IT_IS,
        )
        for whole in found
    ]


def _title(signal: str) -> str:
    known = SIGNALS.get(signal)
    return signal if known is None else known.title


def _lead(whole: Whole) -> str | None:
    if whole.culprit is None or whole.log_ratio is None:
        return None
    signal, slice_ = whole.culprit
    return (
        f"All its streams together: log evidence {whole.log_ratio:+.1f} from the threshold of the candidate as a "
        f"whole; {percent(whole.part)} of it is {_title(signal)} / {slice_}. A suspect, not a verdict."
    )
