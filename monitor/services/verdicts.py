"""From a stream's state to its verdict and reason. Pure."""

from dataclasses import dataclass

from detectors.types import SignalKind, Verdict
from monitor.models.evidence import Evidence

__all__ = ["StreamFacts", "alarm_headline", "judge", "share_text"]

_THIN_PAIRS = 100
_IDLE_TICKS = 30
_TITLE = {
    SignalKind.BIT: "of requests",
    SignalKind.LATENCY: "of requests over the tail threshold",
    SignalKind.AMOUNT: "of requests over the tail threshold",
    SignalKind.PRINT: "of requests answered differently",
}


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """What a verdict rests on."""

    title: str
    kind: SignalKind
    evidence: Evidence
    harm_latched: bool
    """Its incident is open and its latest alarm is young enough to act on."""
    safe: bool
    guard_tripped: bool
    differs_from_itself: bool
    """The baseline's A/A stream of the same signal has alarmed: the two legs are not alike."""
    idle_ticks: int
    frozen_in: str | None
    """The controller's phase while streams are frozen."""
    learning: bool
    """Latency: pairs come in, and the trailing window is still too short for a tail threshold."""


def judge(facts: StreamFacts) -> tuple[Verdict, str]:
    """Return the verdict with the sentence that the page, Slack and the audit show."""
    evidence = facts.evidence
    if facts.harm_latched:
        return Verdict.HARM, alarm_headline(facts.title, facts.kind, evidence)
    inconclusive = _inconclusive(facts)
    if inconclusive is not None:
        return Verdict.INCONCLUSIVE, inconclusive
    if facts.safe:
        return Verdict.SAFE, f"{facts.title}: within the margin over at least the last 24 h ({evidence.pairs} pairs)"
    seen = evidence.smallest_detectable
    could = "nothing could have been seen yet" if seen is None else f"{share_text(seen)} or more would have been seen"
    return Verdict.UNDECIDED, f"{facts.title}: no harm found in {evidence.pairs} pairs; {could}"


def _inconclusive(facts: StreamFacts) -> str | None:
    evidence = facts.evidence
    if facts.frozen_in is not None:
        return f"not tested while the route is {facts.frozen_in}"
    if facts.learning:
        return "learning: too few past values for a tail threshold yet (2,000 are needed within an hour)"
    if facts.guard_tripped:
        return f"broken pairing: {share_text(evidence.one_sided_share)} of requests lack one leg (limit 2 %)"
    if facts.differs_from_itself:
        return "the baseline differs from its own mirror: the two legs are not comparable"
    if facts.idle_ticks > _IDLE_TICKS:
        return f"no data: no pair in the last {facts.idle_ticks} ticks"
    if evidence.pairs < _THIN_PAIRS:
        return f"thin data: {evidence.pairs} pairs, {_THIN_PAIRS} are needed to say anything"
    return None


def alarm_headline(title: str, kind: SignalKind, evidence: Evidence) -> str:
    """Return one sentence on the rates behind an alarm."""
    candidate, baseline = share_text(evidence.candidate_rate), share_text(evidence.baseline_rate)
    return f"{title}: candidate {candidate}, baseline {baseline} {_TITLE[kind]} ({evidence.pairs} pairs since onset)"


def share_text(share: float | None) -> str:
    """Return a share as people read it."""
    return "unknown" if share is None else f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.1f} %"  # noqa: PLR2004
