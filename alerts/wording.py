"""The words of an alert: one sentence and one label a kind, and numbers as people read them."""

import math
from dataclasses import dataclass

from alerts.types import AlertKind, Effect, EffectScale, Severity

__all__ = ["KINDS", "SEVERITIES", "KindWords", "SeverityWords", "arms", "difference", "interval", "sample"]


@dataclass(frozen=True, slots=True)
class KindWords:
    """How a kind of alert is named; ``sentence`` takes ``candidate`` and ``baseline``, ``where`` takes ``route``."""

    emoji: str
    label: str
    sentence: str
    where: str = "on route {route}, "


@dataclass(frozen=True, slots=True)
class SeverityWords:
    """How a severity is named; the colour only repeats what the word says."""

    emoji: str
    label: str
    color: str


SEVERITIES = {
    Severity.PAGE: SeverityWords("🔴", "Page", "#a30200"),
    Severity.WARN: SeverityWords("🟡", "Warning", "#daa038"),
    Severity.INFO: SeverityWords("🔵", "Info", "#2f6fb0"),
}

KINDS = {
    AlertKind.WOULD_ROLL_BACK: KindWords(
        "👀",
        "Would roll back",
        "candidate {candidate} would have been rolled back to {baseline} if the mode were not observe",
    ),
    AlertKind.ADVISE: KindWords(
        "✋", "Approval needed", "the rollback of candidate {candidate} to {baseline} waits for approval"
    ),
    AlertKind.WORTH_A_LOOK: KindWords(
        "🔎", "Worth a look", "candidate {candidate} looks worse than {baseline}, by evidence that moves no traffic"
    ),
    AlertKind.ROLLBACK_STARTED: KindWords(
        "⏳", "Rollback started", "candidate {candidate} is being rolled back to {baseline}"
    ),
    AlertKind.ROLLED_BACK: KindWords(
        "↩️", "Rolled back", "candidate {candidate} was rolled back to {baseline}, verified by traffic"
    ),
    AlertKind.STUCK: KindWords("🚨", "Stuck", "the rollback of candidate {candidate} to {baseline} is stuck"),
    AlertKind.BLOCKED: KindWords("🚧", "Blocked", "the rollback of candidate {candidate} to {baseline} is blocked"),
    AlertKind.REVERTED: KindWords("⚠️", "Reverted", "the rollback of candidate {candidate} to {baseline} was reverted"),
    AlertKind.INCONCLUSIVE: KindWords(
        "❔", "Inconclusive", "the comparison of candidate {candidate} with {baseline} is inconclusive"
    ),
    AlertKind.MANUAL_FLIP: KindWords(
        "👤", "Manual flip", "a person changed the routing between candidate {candidate} and {baseline}"
    ),
    AlertKind.RESTORED: KindWords(
        "✅", "Restored", "traffic was restored to candidate {candidate} (baseline {baseline})"
    ),
    AlertKind.CONTROL_PLANE_ONLY: KindWords(
        "🔬",
        "Verified at the control plane only",
        "the routers show {baseline} in place of candidate {candidate}, and too little traffic has proven it yet",
    ),
    AlertKind.MAY_RECOVER: KindWords(
        "🌱", "May recover", "candidate {candidate} may be brought back beside {baseline}, if a person wants it"
    ),
    AlertKind.STILL_HARMFUL: KindWords(
        "⛔", "Not brought back", "candidate {candidate} is not brought back: {baseline} goes on serving"
    ),
    AlertKind.RAMP_STARTED: KindWords(
        "📈", "Way back started", "candidate {candidate} gets traffic again in steps, beside {baseline}"
    ),
    AlertKind.BACKED_OFF: KindWords(
        "📉", "One step back", "candidate {candidate} did harm on its way back and gave up a step to {baseline}"
    ),
    AlertKind.REHEARSAL_FAILED: KindWords(
        "🧯", "Rehearsal failed", "a rollback of candidate {candidate} to {baseline} would not work now"
    ),
    AlertKind.FINGERPRINT_CHANGED: KindWords(
        "🧬", "Fingerprint changed", "variant {candidate} (baseline {baseline}) is served by another build than before"
    ),
    AlertKind.AGREEMENT_BELOW: KindWords(
        "🎭",
        "Agreement below its band",
        "variant {candidate} (baseline {baseline}) answers unlike what it is declared to be",
    ),
    AlertKind.AGREEMENT_ABOVE: KindWords(
        "🪞",
        "Agreement above its band",
        "variant {candidate} answers too much like {baseline} for what it is declared to be",
    ),
    AlertKind.BASELINE_DOUBTED: KindWords(
        "🕵️",
        "Baseline in doubt",
        "variant {candidate} (baseline {baseline}) may not be the full precision it is declared",
    ),
    AlertKind.TRAFFIC_UNLIKE: KindWords(
        "🔀", "Traffic unlike", "the sessions of {baseline} ask for other things than those of candidate {candidate}"
    ),
    AlertKind.HOLDBACK_SHARE: KindWords(
        "⚖️", "Holdback not as declared", "{baseline} answers another share of the sessions than its policy declares"
    ),
    AlertKind.SAMPLING_UNLIKE: KindWords(
        "🌡️", "Sampling unlike", "{candidate} and {baseline} were asked the same requests at unlike temperatures"
    ),
    AlertKind.SHIPPER_SILENT: KindWords("🔇", "Shipper silent", "source {candidate} sends nothing any more", where=""),
}


def arms(effect: Effect) -> str:
    """Both values: ``88.4% against 97.9% on the baseline``."""
    return f"{_value(effect, effect.candidate)} against {_value(effect, effect.baseline)} on the baseline"


def difference(effect: Effect) -> str:
    """The estimate with its unit: ``−9.5 points`` or ``1.32×``."""
    return _number(effect, effect.difference) + _unit(effect)


def interval(effect: Effect) -> str:
    """The interval with its level: ``95% interval −11.0 to −8.1 points``."""
    bounds = f"{_number(effect, effect.low)} to {_number(effect, effect.high)}"
    name = f"{effect.level * 100:.6g}% interval" if math.isfinite(effect.level) else "interval"
    return f"{name} {bounds}{_unit(effect)}"


def sample(effect: Effect) -> str:
    """How many pairs or sessions, from which window; says so when the window was selected."""
    caution = ", selected and so biased up" if effect.window == "since onset" else ""
    return f"{effect.pairs:,} {effect.unit}, window: {effect.window}{caution}"


def _value(effect: Effect, value: float) -> str:
    if not math.isfinite(value):
        return "n/a"
    return f"{value * 100:.3g}%" if effect.scale is EffectScale.SHARE else f"{value:.4g}"


def _unit(effect: Effect) -> str:
    return " points" if effect.scale is EffectScale.SHARE else "×"


def _number(effect: Effect, value: float) -> str:
    if not math.isfinite(value):
        return "n/a"
    if effect.scale is EffectScale.RATIO:
        return f"{value:.3g}"
    points = value * 100
    return f"{points:{'+.1f' if points == 0 or 1 <= abs(points) < 1000 else '+.2g'}}".replace("-", "−")  # noqa: PLR2004
