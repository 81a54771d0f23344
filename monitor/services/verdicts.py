"""From a stream's state to its verdict and reason. Pure."""

from dataclasses import dataclass

from detectors.types import SignalKind, Verdict
from monitor.models.evidence import Evidence

__all__ = ["StreamFacts", "alarm_headline", "judge", "share_text"]

_THIN = 100
_THIN_BASELINE = 20
_IDLE_TICKS = 30
_BASELINE_AWAY_TICKS = 360
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
    baseline_away_ticks: int
    """Arms: ticks since the last one with a session that the baseline answered; 0 for pairs."""
    learning: bool
    """Latency: pairs come in, and the trailing window is still too short for a tail threshold."""
    advice: str | None = None
    """Latency: why the latched alarm only advises."""
    split: str | None = None
    """Arms: why the sessions of the two cannot be compared now."""
    unlike: bool = False
    """Latency: the arms work under unlike load although they usually do not, and their pairs are left out."""


def judge(facts: StreamFacts) -> tuple[Verdict, str]:
    """Return the verdict with the sentence that the page, Slack and the audit show."""
    evidence = facts.evidence
    if facts.harm_latched:
        headline = alarm_headline(facts.title, facts.kind, evidence)
        if facts.advice is not None:
            return Verdict.INCONCLUSIVE, f"{headline}. {facts.advice}"
        return Verdict.HARM, headline
    inconclusive = _inconclusive(facts)
    if inconclusive is not None:
        return Verdict.INCONCLUSIVE, inconclusive
    if facts.safe:
        return Verdict.SAFE, f"{facts.title}: within the margin over at least the last 24 h ({evidence.counted})"
    seen = evidence.smallest_detectable
    could = "nothing could have been seen yet" if seen is None else f"{share_text(seen)} or more would have been seen"
    return Verdict.UNDECIDED, f"{facts.title}: no harm found in {evidence.counted}; {could}"


def _inconclusive(facts: StreamFacts) -> str | None:
    evidence = facts.evidence
    if facts.frozen_in is not None:
        return f"not tested while the route is {facts.frozen_in}"
    if facts.split is not None:
        return facts.split
    if facts.unlike:
        return "not compared now: the arms' load per replica is not alike, as it usually is"
    if facts.learning:
        return "learning: too few past values for a tail threshold yet (2,000 are needed within an hour)"
    if facts.guard_tripped:
        return f"broken pairing: {share_text(evidence.one_sided_share)} of requests lack one leg (limit 2 %)"
    if facts.differs_from_itself:
        return "the baseline differs from its own mirror: the two legs are not comparable"
    return _thin(facts) if evidence.baseline_n is None else _thin_arms(facts, evidence.baseline_n)


def _thin(facts: StreamFacts) -> str | None:
    if facts.idle_ticks > _IDLE_TICKS:
        return f"no data: no pair in the last {facts.idle_ticks} ticks"
    if facts.evidence.pairs < _THIN:
        return f"thin data: {facts.evidence.pairs} pairs, {_THIN} are needed to say anything"
    return None


def _thin_arms(facts: StreamFacts, baseline_n: int) -> str | None:
    candidate_n = facts.evidence.pairs
    if facts.baseline_away_ticks > _BASELINE_AWAY_TICKS or (candidate_n >= _THIN and not baseline_n):
        return (
            "nothing to compare with: the baseline answered no session lately; keep a holdback of 2 to 5 % of the "
            "sessions on it"
        )
    if facts.idle_ticks > _IDLE_TICKS and not candidate_n:
        return "nothing to compare: users' reactions are read on primary traffic, and the candidate answers none of it"
    if facts.idle_ticks > _BASELINE_AWAY_TICKS:
        return f"no data: no session became mature in the last {facts.idle_ticks} ticks"
    if candidate_n < _THIN or baseline_n < _THIN_BASELINE:
        return (
            f"thin data: {facts.evidence.counted}, {_THIN} and {_THIN_BASELINE} are needed to say anything "
            "(sessions need an id or a subject)"
        )
    return None


def alarm_headline(title: str, kind: SignalKind, evidence: Evidence) -> str:
    """Return one sentence on the rates behind an alarm."""
    candidate, baseline = share_text(evidence.candidate_rate), share_text(evidence.baseline_rate)
    of = _TITLE[kind] if evidence.baseline_n is None else "of sessions"
    return f"{title}: candidate {candidate}, baseline {baseline} {of} ({evidence.counted} since onset)"


def share_text(share: float | None) -> str:
    """Return a share as people read it."""
    return "unknown" if share is None else f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.1f} %"  # noqa: PLR2004
