"""Two arms of sessions between ticks: what waits to be folded, and the reference once the baseline answers none. Pure.

Without sessions that the baseline answers now, the candidate's are compared with those that the baseline answered
before, frozen. That cannot tell harm from a change of the traffic, which a concurrent baseline would share: such an
alarm may be told to people and never moves traffic.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from math import inf, log
from typing import Any, Final

import numpy as np

from detectors.reactions import Reaction
from detectors.stats import reference, shiryaev_roberts, unpaired
from detectors.types import ArmCounts, Margin
from monitor.models.conversation import SessionRecord

__all__ = [
    "AWAY_TICKS",
    "FEWEST_REFERENCE",
    "REFERENCE_ADVICE",
    "Arms",
    "ReferenceAlarm",
    "gather",
    "score_sessions",
    "take",
]

REFERENCE_ADVICE: Final = (
    "Compared with the sessions that the baseline answered before, for want of a holdback: the traffic may have "
    "changed since. Nothing is moved"
)
AWAY_TICKS: Final = 360
"""Ticks without a session of the baseline after which it counts as away: an hour."""
FEWEST_REFERENCE: Final = 200
"""Sessions of the baseline that make a reference."""
_FEWEST_SESSIONS: Final = 5
_MOST_WAITING: Final = 5_000
_START: Final = (None,) * unpaired.BETS


@dataclass(frozen=True, slots=True)
class Arms:
    """What a stream of sessions remembers beside its detector."""

    waiting: ArmCounts = field(default_factory=ArmCounts)
    """Sessions that matured and are not folded yet."""
    baseline_away: int = 0
    """Ticks since the baseline last answered a session that matured."""
    reference_n: int = 0
    """Sessions that the baseline answered since the stream began."""
    reference_bad: int = 0
    log_r: tuple[float | None, ...] = _START
    """The detector against the reference, per bet; None is 0."""
    since_n: int = 0
    """The candidate's sessions that were compared with the reference."""
    since_bad: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**asdict(self), "waiting": list(self.waiting.cells), "log_r": list(self.log_r)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Arms":
        """Inverse of ``to_json``."""
        return cls(**{**document, "waiting": ArmCounts(*document["waiting"]), "log_r": tuple(document["log_r"])})


@dataclass(frozen=True, slots=True)
class ReferenceAlarm:
    """The candidate's users react more than the reference period allows."""

    counts: ArmCounts
    """The candidate's sessions since the baseline went away, and the reference's."""
    log_statistic: float


def take(
    arms: Arms, matured: ArmCounts, margin: Margin, threshold: float
) -> tuple[Arms, ArmCounts, ReferenceAlarm | None]:
    """Take a tick's sessions; return what is remembered, what is to be folded now, and an alarm of the reference.

    A small holdback has a session only every few ticks, and a tick in which an arm is missing tells nothing: sessions
    wait until there are five of each arm. Whether it is time depends on how many there are, never on what users did.

    Args:
        arms: What was remembered.
        matured: The tick's sessions.
        margin: Tolerance.
        threshold: A, in ticks between false alarms, > 1.
    """
    due, waiting = gather(arms.waiting, matured)
    now = replace(
        arms,
        waiting=waiting,
        baseline_away=0 if matured.baseline_n else arms.baseline_away + 1,
        reference_n=arms.reference_n + matured.baseline_n,
        reference_bad=arms.reference_bad + matured.baseline_bad,
    )
    if now.baseline_away <= AWAY_TICKS or now.reference_n < FEWEST_REFERENCE:
        return replace(now, log_r=_START, since_n=0, since_bad=0), due, None
    now, alarm = _against_reference(now, matured, margin, threshold)
    return now, due, alarm


def _against_reference(
    arms: Arms, matured: ArmCounts, margin: Margin, threshold: float
) -> tuple[Arms, ReferenceAlarm | None]:
    """Fold the candidate's sessions into the detector against the reference; it starts anew after an alarm."""
    bound = reference.upper_bound(arms.reference_bad, arms.reference_n)
    before = np.array([-inf if value is None else value for value in arms.log_r])
    gain = reference.log_increments([matured.candidate_n, matured.candidate_bad], margin, bound)
    log_r = shiryaev_roberts.update(before, gain)
    statistic = shiryaev_roberts.log_statistic(log_r, np.log(unpaired.prior()))
    n, bad = arms.since_n + matured.candidate_n, arms.since_bad + matured.candidate_bad
    if statistic < log(threshold) or not matured.candidate_n:
        return replace(arms, log_r=tuple(log_r.tolist()), since_n=n, since_bad=bad), None
    counts = ArmCounts(n, bad, arms.reference_n, arms.reference_bad)
    return replace(arms, log_r=_START, since_n=0, since_bad=0), ReferenceAlarm(counts, statistic)


def score_sessions(sessions: Iterable[SessionRecord], candidate: int, baseline: int, signal: str) -> ArmCounts:
    """Count the sessions that each arm answered, and those in which users reacted."""
    told = {Reaction(signal), *([Reaction.API_RETRY] if signal == Reaction.RETRY else [])}
    n, bad = Counter[int](), Counter[int]()
    for session in sessions:
        n[session.variant_id] += 1
        bad[session.variant_id] += not told.isdisjoint(session.reactions)
    return ArmCounts(n[candidate], bad[candidate], n[baseline], bad[baseline])


def gather(waiting: ArmCounts, matured: ArmCounts) -> tuple[ArmCounts, ArmCounts]:
    """Return the sessions to be folded now, and those that go on waiting."""
    total = waiting + matured
    if min(total.candidate_n, total.baseline_n) >= _FEWEST_SESSIONS:
        return total, ArmCounts()
    if total.n >= _MOST_WAITING:
        return ArmCounts(), ArmCounts()  # the baseline has none: much older ones would not be comparable
    return ArmCounts(), total
