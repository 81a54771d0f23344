"""Planning: how long until a difference would be seen, and the smallest one that would be seen in a given time. Pure.

All calls of the statistical core's planning are here.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from math import ceil, inf, isfinite, log, log2
from statistics import NormalDist
from types import MappingProxyType
from typing import Any

from detectors.registry import SIGNALS
from detectors.stats import budget, catastrophe, latency, planning
from detectors.stats.stream import StreamConfig
from detectors.types import Margin, SignalKind
from monitor.errors import ValidationError
from monitor.models.policy import Policy
from monitor.models.slices import ALL
from monitor.services.slicing import members_of

__all__ = ["Plan", "Question", "make_plan", "question_of", "tail_rates"]

_MONTH_S = 30 * 86_400.0
_SPANS_S: Mapping[str, float] = MappingProxyType({"1 h": 3_600.0, "1 day": 86_400.0})
_CAP = StreamConfig(Margin(), levels=1, threshold=2.0).cap
"""Most log evidence of one tick: an alarm takes at least log A / cap ticks."""
_LATENCY_PHI = 3.0
"""Variance inflation of a latency stream until one is learned, as evaluation takes it."""
_HALVINGS = 40
_LARGEST_SLOWDOWN = 100.0
_NORMAL = NormalDist()
_Rates = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One stream's traffic and what it is tested against.

    Args:
        signal: Name of the signal.
        margin: Tolerance; of a tail only ``relative`` counts.
        threshold: A, in ticks, > 1.
        tick_s: Length of a tick, seconds.
        candidate_s: Candidate's requests (sessions where arms are compared) a second, > 0.
        baseline_s: The baseline's; for pairs the same.
        paired: Whether both variants answer the same requests.
        phi: Variance inflation, >= 1.
        base_rate: Baseline's bad rate; None for a tail that is described by ``spread``.
        spread: Standard deviation of the logarithm of the latencies, where no rate is given.
    """

    signal: str
    margin: Margin
    threshold: float
    tick_s: float
    candidate_s: float
    baseline_s: float
    paired: bool = True
    phi: float = 1.0
    base_rate: float | None = None
    spread: float = 0.5

    def __post_init__(self) -> None:
        for name in ("candidate_s", "baseline_s", "tick_s", "spread"):
            if not (isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ValidationError(f"{name} is {getattr(self, name)!r}; it must be above 0")
        if self.base_rate is not None and not 0.0 <= self.base_rate < 1.0:
            raise ValidationError(f"the base rate is {self.base_rate!r}; it must be in [0, 1)")

    @property
    def levels(self) -> int:
        """Levels that share the bets: three for a tail."""
        return 1 if SIGNALS[self.signal].kind in {SignalKind.BIT, SignalKind.PRINT} else len(latency.LEVELS)

    @property
    def by_slowdown(self) -> bool:
        """Whether an effect is a factor of latency, not a rate."""
        return self.base_rate is None

    @property
    def tested(self) -> Margin:
        """The margin that the bets have: a tail's is in its thresholds."""
        return self.margin if self.levels == 1 else Margin()

    @property
    def tolerated(self) -> float:
        """The largest effect that is tolerated: a candidate's rate, or a factor of latency."""
        if self.base_rate is None:
            return float(latency.GAMMA ** latency.margin_bins(self.margin.relative))
        return min(1.0, (1.0 + self.tested.relative) * self.base_rate + self.tested.absolute)

    def rates(self, effect: float) -> _Rates:
        """Return (candidate's, baseline's) bad rate at an effect, for each level."""
        if self.base_rate is None:
            return tail_rates(effect, self.margin.relative, self.spread)
        return ((effect, self.base_rate),)


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer. Times are means to expect, not guarantees: ``inf`` where the margin tolerates the effect."""

    question: Question
    effect: float
    seen_after_s: float
    """From the onset until the alarm's tick ends; the horizon comes on top."""
    requests: float
    """Pairs, or answers of both arms, until then."""
    soonest_s: float
    """However large the effect: one tick tells at most 3 nats."""
    smallest: Mapping[str, float | None]
    """Smallest effect seen within a time; None if not even the largest is."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types; never is null."""
        told = asdict(self.question)
        told["margin"] = asdict(self.question.margin)
        return {
            **told,
            "tolerated": self.question.tolerated,
            "effect": self.effect,
            "effect_is": "factor of latency" if self.question.by_slowdown else "candidate rate",
            "seen_after_s": self.seen_after_s if isfinite(self.seen_after_s) else None,
            "requests": self.requests if isfinite(self.requests) else None,
            "soonest_s": self.soonest_s,
            "smallest": dict(self.smallest),
        }


def question_of(
    policy: Policy,
    signal: str,
    *,
    rps: float,
    mirror: float = 1.0,
    holdback: float = 0.0,
    apart: bool = False,
    slice_: str = ALL,
    slice_share: float = 1.0,
    watched: int = 1,
    margin: float | None = None,
    phi: float | None = None,
    base_rate: float | None = None,
    spread: float = 0.5,
) -> Question:
    """Return the question that a policy and a topology put.

    Args:
        policy: Gives margin, threshold and tick.
        signal: One that the policy watches.
        rps: Requests a second on the route; sessions where arms are compared.
        mirror: Share of requests that the mirror copies, in (0, 1].
        holdback: Share of requests, or sessions, that the baseline answers, in [0, 1).
        apart: Compare the arms, although the signal could be paired.
        slice_: An entry of the policy's slices; its part of the budget counts.
        slice_share: Share of the requests in that slice, in (0, 1].
        watched: (route, candidate) pairs of the fleet that share the budget, >= 1.
        margin: Instead of the policy's: absolute for rates, relative for tails.
        phi: Variance inflation; else 1, and 3 for tails.
        base_rate: As in ``Question``.
        spread: As in ``Question``.

    Raises:
        ValidationError: the policy does not watch the signal or the slice, or a number is outside its range.
    """
    if signal not in policy.signals:
        known = ", ".join(sorted(policy.signals))
        raise ValidationError(f"policy {policy.name!r} does not watch {signal!r}; it watches: {known}")
    if slice_ not in {ALL, *policy.slices}:
        raise ValidationError(f"policy {policy.name!r} has no slice {slice_!r}; it has: {', '.join(policy.slices)}")
    for name, value in (("mirror", mirror), ("slice share", slice_share)):
        if not 0.0 < value <= 1.0:
            raise ValidationError(f"{name} is {value!r}; it is a share in (0, 1], or write it with %")
    if not 0.0 <= holdback < 1.0:
        raise ValidationError(f"holdback is {holdback!r}; it is a share in [0, 1), or write it with %")
    if watched < 1:
        raise ValidationError(f"{watched} candidates are watched; there must be at least 1")
    kind = SIGNALS[signal].kind
    tail = kind not in {SignalKind.BIT, SignalKind.PRINT}
    paired = SIGNALS[signal].paired and not apart
    if not paired and holdback == 0.0:
        raise ValidationError(
            "arms are compared with what the baseline answers: name its share, for example --holdback 5%"
        )
    chosen = policy.signals[signal].margin
    if margin is not None:
        try:
            chosen = Margin(relative=margin) if tail else Margin(absolute=margin)
        except ValueError as error:
            raise ValidationError(f"margin: {error}") from None
    mine = rps * slice_share * (1.0 - holdback)
    return Question(
        signal=signal,
        margin=chosen,
        threshold=_threshold(policy, signal, slice_, watched),
        tick_s=policy.tick_s,
        candidate_s=mine * mirror if paired else mine,
        baseline_s=mine * mirror if paired else rps * slice_share * holdback,
        paired=paired,
        phi=phi if phi is not None else _LATENCY_PHI if tail else 1.0,
        base_rate=base_rate,
        spread=spread,
    )


def make_plan(question: Question, effect: float) -> Plan:
    """Return when an effect (a candidate's rate, or a factor of latency) would be seen, and the smallest ones."""
    if question.base_rate is not None and not 0.0 <= effect <= 1.0:
        raise ValidationError(f"the candidate's rate is {effect!r}; it must be in [0, 1]")
    if question.by_slowdown and not 0.0 < effect <= _LARGEST_SLOWDOWN:
        raise ValidationError(f"the slowdown is {effect!r}; it is a factor in (0, {_LARGEST_SLOWDOWN:g}], 1.3 for 30 %")
    seen_s = _seen_after_s(question, effect)
    arms = question.candidate_s if question.paired else question.candidate_s + question.baseline_s
    return Plan(
        question=question,
        effect=effect,
        seen_after_s=seen_s,
        requests=seen_s * arms,
        soonest_s=_soonest_s(question),
        smallest={name: _smallest(question, span_s) for name, span_s in _SPANS_S.items()},
    )


def tail_rates(slowdown: float, relative_margin: float, spread: float) -> _Rates:
    """Return, per level, how often candidate and baseline exceed the tail thresholds.

    Latencies are taken as log-normal with the same ``spread`` (standard deviation of the logarithm). The threshold c is
    the level's quantile of the baseline and the candidate shifted down by the margin, pooled; the candidate is counted
    over c times the margin, the baseline over c: with ``d = log(slowdown / margin) / spread`` the rates are
    ``1 - Phi(z - d)`` and ``1 - Phi(z)``, where z solves ``(Phi(z) + Phi(z - d)) / 2 = level``.
    """
    shift = (log(slowdown) - latency.margin_bins(relative_margin) * log(latency.GAMMA)) / spread
    rates = []
    for level in latency.LEVELS:
        low, high = _NORMAL.inv_cdf(level) + min(0.0, shift), _NORMAL.inv_cdf(level) + max(0.0, shift)
        for _ in range(_HALVINGS):
            z = (low + high) / 2.0
            below = (_NORMAL.cdf(z) + _NORMAL.cdf(z - shift)) / 2.0 < level
            low, high = (z, high) if below else (low, z)
        rates.append((_NORMAL.cdf(shift - high), _NORMAL.cdf(-high)))
    return tuple(rates)


def _threshold(policy: Policy, signal: str, slice_: str, watched: int) -> float:
    weights = {name: chosen.weight for name, chosen in policy.signals.items()}
    share = budget.shares(weights, policy.slices, members_of(policy))[signal, slice_]
    parts = 2 ** ceil(log2(watched))
    share *= (1.0 - catastrophe.SHARE) / parts
    return budget.threshold(_MONTH_S / policy.tick_s, policy.false_rollbacks_per_month, share)


def _soonest_s(question: Question) -> float:
    return ceil(log(question.threshold) / _CAP) * question.tick_s


def _seen_after_s(question: Question, effect: float) -> float:
    """Return the time to the alarm at an effect: that of the level that tells it first."""
    if effect <= question.tolerated:
        return inf
    one = _paired_s if question.paired else _arms_s
    return max(_soonest_s(question), min(one(question, *rates) for rates in question.rates(effect)))


def _paired_s(question: Question, candidate: float, baseline: float) -> float:
    """Bad answers of the two variants are taken as independent given the request, which overstates the time."""
    pairs = planning.pairs_to_detect(
        candidate,
        baseline,
        candidate * baseline,
        question.tested,
        threshold=question.threshold,
        pairs_per_tick=question.candidate_s * question.tick_s,
        phi=question.phi,
        levels=question.levels,
    )
    return pairs / question.candidate_s


def _arms_s(question: Question, candidate: float, baseline: float) -> float:
    both_s = question.candidate_s + question.baseline_s
    sessions = planning.sessions_to_detect(
        candidate,
        baseline,
        question.baseline_s / both_s,
        question.tested,
        threshold=question.threshold,
        sessions_per_tick=both_s * question.tick_s,
        phi=question.phi,
        levels=question.levels,
    )
    return float(sessions) / both_s


def _smallest(question: Question, span_s: float) -> float | None:
    seen: Callable[[float], bool] = lambda effect: _seen_after_s(question, effect) <= span_s  # noqa: E731
    low, high = question.tolerated, _LARGEST_SLOWDOWN if question.by_slowdown else 1.0
    if not seen(high):
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if seen(middle) else (middle, high)
    return high
