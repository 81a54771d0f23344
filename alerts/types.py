"""What is told: frozen values with no user text in them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["Alert", "AlertKind", "Effect", "EffectScale", "Fact", "Severity"]


class Severity(StrEnum):
    """How loud an alert is."""

    PAGE = "page"
    WARN = "warn"
    INFO = "info"


class AlertKind(StrEnum):
    """The state change that an alert reports: at most one alert per incident and kind."""

    WOULD_ROLL_BACK = "would_roll_back"
    """observe mode: what would have been done."""
    ADVISE = "advise"
    """advise mode: a person is asked."""
    WORTH_A_LOOK = "worth_a_look"
    """Evidence that moves no traffic in any mode: unlike load, or no concurrent baseline."""
    ROLLBACK_STARTED = "rollback_started"
    ROLLED_BACK = "rolled_back"
    """Verified by traffic."""
    STUCK = "stuck"
    BLOCKED = "blocked"
    REVERTED = "reverted"
    INCONCLUSIVE = "inconclusive"
    MANUAL_FLIP = "manual_flip"
    RESTORED = "restored"
    CONTROL_PLANE_ONLY = "control_plane_only"
    """The routers show the flip; there is too little traffic to prove it."""
    MAY_RECOVER = "may_recover"
    """A rolled-back candidate has been safe behind the mirror, or is another artifact: a person may bring it back."""
    STILL_HARMFUL = "still_harmful"
    """A person wanted it back, and the evidence does not allow it."""
    RAMP_STARTED = "ramp_started"
    BACKED_OFF = "backed_off"
    """Harm on the way back: one step toward the baseline."""
    REHEARSAL_FAILED = "rehearsal_failed"
    """A rollback would not work now."""
    FINGERPRINT_CHANGED = "fingerprint_changed"
    """A model server says it is another build, and nobody had said so."""
    AGREEMENT_BELOW = "agreement_below"
    """A variant's greedy answers differ more than its declaration allows."""
    AGREEMENT_ABOVE = "agreement_above"
    """A variant's greedy answers differ less than its declaration allows."""
    BASELINE_DOUBTED = "baseline_doubted"
    """A baseline declared full precision is named as something coarser."""
    TRAFFIC_UNLIKE = "traffic_unlike"
    """The baseline's sessions ask for other things than a candidate's."""
    HOLDBACK_SHARE = "holdback_share"
    """The baseline answers another share of the sessions than declared."""
    SAMPLING_UNLIKE = "sampling_unlike"
    """The legs of requests were asked at unlike temperatures."""
    SHIPPER_SILENT = "shipper_silent"
    """A source's events stopped; ``candidate`` names the source."""


class EffectScale(StrEnum):
    """What the numbers of an effect are."""

    SHARE = "share"
    """Shares of answers: 0.08 is 8 points."""
    RATIO = "ratio"
    """``difference``, ``low`` and ``high`` are candidate / baseline: 1.3 is 1.3 times as slow."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A difference candidate - baseline with its interval, as shares (0.08 is 8 points) or a ratio."""

    signal: str
    candidate: float
    baseline: float
    difference: float
    low: float
    high: float
    level: float
    pairs: int
    window: str
    """"confirmation" (fresh data) or "since onset" (selected, biased up)."""
    scale: EffectScale = EffectScale.SHARE
    unit: str = "pairs"
    """What was counted: pairs, or sessions."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A label with its value, as shown in a message."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to tell on-call. Every field is safe to show: no prompt, no answer, no secret."""

    dedup_key: str
    """incident:kind; the same for every retry."""
    incident_id: int | None
    kind: AlertKind
    severity: Severity
    route: str
    candidate: str
    baseline: str
    headline: str
    """One complete sentence, the same as in the audit row."""
    occurred_at: datetime
    effect: Effect | None = None
    facts: tuple[Fact, ...] = ()
    evidence_url: str | None = None
    next_step: str | None = None
    """A command or action for a person, for example how to undo."""
