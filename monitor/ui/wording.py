"""Verdicts, phases and instants as people read them: a sign and a word, never a colour alone. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from detectors.types import Verdict
from monitor.models.finding import FindingKind
from monitor.models.route import Phase

__all__ = ["FINDINGS", "PHASES", "VERDICTS", "Badge", "Moment", "duration", "moment"]

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


@dataclass(frozen=True, slots=True)
class Badge:
    """A state: ``tone`` is one of good, bad, warn, busy, neutral."""

    sign: str
    word: str
    tone: str
    meaning: str


VERDICTS: Mapping[Verdict, Badge] = {
    Verdict.HARM: Badge("✗", "harm", "bad", "worse than the tolerance allows"),
    Verdict.INCONCLUSIVE: Badge("?", "inconclusive", "neutral", "cannot be measured now"),
    Verdict.UNDECIDED: Badge("○", "undecided", "neutral", "measured; neither harm nor safety is shown yet"),
    Verdict.SAFE: Badge("✓", "safe", "good", "measured and within the tolerance"),
}

PHASES: Mapping[Phase, Badge] = {
    Phase.ARMED: Badge("●", "armed", "neutral", "watching; the router does what it is configured to do"),
    Phase.TRIGGERED: Badge("▸", "triggered", "busy", "a rollback is decided; asking what may hold it"),
    Phase.PREFLIGHT: Badge("▸", "preflight", "busy", "checking that the baseline can take the traffic"),
    Phase.APPLYING: Badge("▸", "applying", "busy", "writing the new routing to the router"),
    Phase.VERIFYING_CONTROL: Badge("▸", "verifying-control", "busy", "reading back what the router does"),
    Phase.VERIFYING_TRAFFIC: Badge("▸", "verifying-traffic", "busy", "waiting for traffic to prove the change"),
    Phase.ROLLED_BACK: Badge("◂", "rolled-back", "busy", "the baseline serves, proven by traffic"),
    Phase.HOLD: Badge("◂", "hold", "busy", "the baseline serves until a person says otherwise"),
    Phase.RECOVERING: Badge("↻", "recovering", "busy", "the candidate comes back once it is shown to be safe"),
    Phase.RAMPING: Badge("↗", "ramping", "busy", "a part of the traffic is back on the candidate, and is looked at"),
    Phase.STUCK: Badge("!", "stuck", "warn", "the change could not be proven; a person is needed"),
    Phase.REVERTED: Badge("!", "reverted", "warn", "someone else changed the routing; Fullback does not fight it"),
    Phase.BLOCKED: Badge("!", "blocked", "warn", "a rollback is wanted and held; a person is needed"),
}

FINDINGS: Mapping[FindingKind, Badge] = {
    FindingKind.FINGERPRINT_CHANGED: Badge(
        "≠", "fingerprint changed", "warn", "the model server is another build than before, and nobody announced it"
    ),
    FindingKind.AGREEMENT_BELOW: Badge(
        "≁", "agreement below its band", "warn", "greedy answers differ more than the declaration allows"
    ),
    FindingKind.AGREEMENT_ABOVE: Badge(
        "≡", "agreement above its band", "warn", "greedy answers differ less than the declaration allows"
    ),
    FindingKind.BASELINE_DOUBTED: Badge(
        "?", "baseline in doubt", "warn", "declared full precision, and named as something coarser"
    ),
    FindingKind.TRAFFIC_UNLIKE: Badge(
        "⇄", "traffic unlike", "warn", "the arms' sessions ask for different things: reactions only advise"
    ),
    FindingKind.HOLDBACK_SHARE: Badge(
        "⚖", "holdback not as declared", "warn", "another share of the sessions than declared: reactions are not judged"
    ),
    FindingKind.SAMPLING_UNLIKE: Badge(
        "≠", "sampling unlike", "warn", "the legs of requests were asked at unlike temperatures"
    ),
    FindingKind.REHEARSAL_FAILED: Badge(
        "!", "rehearsal failed", "warn", "a rollback of the route would not work now: mend it before it is needed"
    ),
    FindingKind.SHIPPER_SILENT: Badge("…", "shipper silent", "warn", "a source that used to send sends nothing"),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant for a ``<time>`` element."""

    iso: str
    utc: str
    ago: str


def moment(at: datetime, now: datetime) -> Moment:
    """Return an instant in UTC with its distance from now."""
    at = at.astimezone(UTC)
    away = now - at
    ago = f"{duration(away)} ago" if away >= timedelta() else f"in {duration(-away)}"
    return Moment(at.isoformat().replace("+00:00", "Z"), f"{at:%Y-%m-%d %H:%M:%S} UTC", ago)


def duration(length: timedelta) -> str:
    """Return a length of time in its two largest units at most."""
    seconds = int(length.total_seconds())
    if seconds < 2 * _MINUTE_S:
        return f"{seconds} s"
    if seconds < 2 * _HOUR_S:
        return f"{seconds // _MINUTE_S} min"
    if seconds < 2 * _DAY_S:
        return f"{seconds // _HOUR_S} h {seconds % _HOUR_S // _MINUTE_S} min"
    return f"{seconds // _DAY_S} days"
