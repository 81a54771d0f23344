"""Whether arms meet on equal terms: the mix of their traffic, the holdback's share, sampling. Pure.

What requests ask for cannot be a variant's doing in the first turn of a session, so that is where the arms' traffic is
compared: by prompt length, language, endpoint, kind, tags and temperature. How many turns follow is no such feature:
a worse variant may shorten conversations or lengthen them.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from math import inf, log
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from detectors.stats import guard, mix, sample_ratio, shiryaev_roberts
from monitor.models.columns import PairColumns
from monitor.models.conversation import TurnRecord

__all__ = [
    "FEATURES",
    "MixWatch",
    "RatioWatch",
    "SampledPairs",
    "features_of",
    "observe_sampling",
    "openings",
    "sampled_pairs",
    "watch_mix",
    "watch_ratio",
]

FEATURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "prompt": "prompt length",
        "lang": "language",
        "endpoint": "endpoint",
        "kind": "kind",
        "tag": "tags",
        "temperature": "temperature",
    }
)
"""Families of slices that are compared, with their names for people."""
_FIRST_TURN: Final = "first_turn"
_MOST_VALUES: Final = 12
"""Values of a feature that are told apart; later ones count as the first, ``other``."""
_OTHER: Final = "other"
_NONE: Final = "none"
_TEMPERATURE: Final = "temperature:"
_KEEP: Final = 0.5 ** (1.0 / mix.HALF_LIVES[0])


def features_of(slices: Collection[str]) -> dict[str, str]:
    """Return the value of each feature of a request, by its slices; several values of one are one combination.

    >>> features_of(["first_turn", "kind:chat", "kind:code", "lang:de"])["kind"]
    'chat+code'
    """
    found: dict[str, list[str]] = {feature: [] for feature in FEATURES}
    for name in slices:
        feature, colon, value = name.partition(":")
        if colon and feature in found:
            found[feature].append(value)
    return {feature: "+".join(sorted(values)) or _NONE for feature, values in found.items()}


def openings(turns: Iterable[TurnRecord]) -> list[TurnRecord]:
    """Return the turns that began a session by a first turn: what they ask was caused by no answer."""
    return [turn for turn in turns if _FIRST_TURN in turn.slices]


@dataclass(frozen=True, slots=True)
class _Feature:
    """One feature's values, ``other`` first, and its detector."""

    values: tuple[str, ...] = (_OTHER,)
    evidence: mix.MixState = field(default_factory=mix.MixState)


@dataclass(frozen=True, slots=True)
class MixWatch:
    """What is known of the arms' mixes, and since when nothing spoke against them."""

    features: Mapping[str, _Feature] = field(default_factory=lambda: {name: _Feature() for name in FEATURES})
    quiet_ticks: int = 0
    """Since the last alarm, or the start."""
    quiet_sessions: int = 0
    """The baseline's, since then."""
    alarm: str | None = None
    """What the tick folded last found."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        told = {
            name: {"values": list(one.values), "evidence": one.evidence.to_json()}
            for name, one in self.features.items()
        }
        return {"features": told, "quiet": [self.quiet_ticks, self.quiet_sessions]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "MixWatch":
        """Inverse of ``to_json``, but for the alarm, which was told."""
        known = stored["features"]
        features = {
            name: _Feature(tuple(known[name]["values"]), mix.MixState.from_json(known[name]["evidence"]))
            if name in known
            else _Feature()
            for name in FEATURES
        }
        ticks, sessions = stored["quiet"]
        return cls(features, int(ticks), int(sessions))


def watch_mix(
    before: MixWatch, turns: Sequence[TurnRecord], candidate: int, baseline: int, threshold: float
) -> MixWatch:
    """Fold the sessions that a tick began; ``alarm`` says which value is more frequent in which arm.

    The features' statistics are averaged, so that expected alarms in T ticks stay within T / threshold; the feature
    with the largest is the one that is told.
    """
    mine = [(turn.variant_id, features_of(turn.slices)) for turn in turns if turn.variant_id in {candidate, baseline}]
    features = {
        name: _folded(before.features[name], [(variant, values[name]) for variant, values in mine], candidate)
        for name in FEATURES
    }
    of_baseline = sum(variant == baseline for variant, _ in mine)
    quiet = replace(
        before,
        features=features,
        quiet_ticks=before.quiet_ticks + 1,
        quiet_sessions=before.quiet_sessions + of_baseline,
        alarm=None,
    )
    statistics = {name: mix.log_statistic(one.evidence) for name, one in features.items()}
    together = float(np.logaddexp.reduce(list(statistics.values()))) - log(len(FEATURES))
    if together < log(threshold) or not mine:
        return quiet
    culprit = max(statistics, key=lambda name: statistics[name])
    cleared = {name: replace(one, evidence=mix.reset(one.evidence)) for name, one in features.items()}
    return MixWatch(cleared, alarm=_told(culprit, features[culprit]))


def _folded(one: _Feature, seen: Sequence[tuple[int, str]], candidate: int) -> _Feature:
    """Fold one feature. Values take their places by how often both arms together have them."""
    counted = Counter(value for _, value in seen)
    newcomers = sorted(counted.keys() - set(one.values), key=lambda value: (-counted[value], value))
    values = (*one.values, *newcomers)[:_MOST_VALUES]
    place = {value: index for index, value in enumerate(values)}
    arms = [[0] * len(values), [0] * len(values)]
    for variant, value in seen:
        arms[variant != candidate][place.get(value, 0)] += 1
    return _Feature(values, mix.fold(one.evidence, *arms))


def _told(name: str, one: _Feature) -> str:
    """Return which value differs most, by the counts of the half-life that found it."""
    log_r = [-inf if value is None else value for value in one.evidence.log_r]
    found = max(range(len(log_r)), key=lambda place: log_r[place])
    c, b = one.evidence.candidate[found], one.evidence.baseline[found]
    odds = mix.log_odds(c, b)
    gains = np.array(b) * odds
    worst = int(np.argmax(gains)) if gains.max() > 0.0 else int(np.argmin(odds))
    of_b, of_c = sum(b), sum(c)
    return (
        f"{FEATURES[name]} {one.values[worst]} in {b[worst] / max(of_b, 1.0):.1%} of the baseline's and "
        f"{c[worst] / max(of_c, 1.0):.1%} of the candidate's sessions (first turns; some {of_b:,.0f} and {of_c:,.0f})"
    )


@dataclass(frozen=True, slots=True)
class RatioWatch:
    """The holdback's share, held against a declared one."""

    share: float
    log_r: tuple[float | None, ...] = (None,) * sample_ratio.BETS
    sessions: float = 0.0
    """Begun lately, fading by half in 360 ticks."""
    baseline: float = 0.0
    quiet_ticks: int = 0
    quiet_sessions: int = 0
    alarm: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**asdict(self), "log_r": list(self.log_r), "alarm": None}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "RatioWatch":
        """Inverse of ``to_json``, but for the alarm, which was told."""
        return cls(**{**stored, "log_r": tuple(stored["log_r"])})


def watch_ratio(before: RatioWatch, turns: Sequence[TurnRecord], baseline: int, threshold: float) -> RatioWatch:
    """Fold the sessions that a tick began; ``alarm`` says how many of them the baseline got."""
    n, of_baseline = len(turns), sum(turn.variant_id == baseline for turn in turns)
    log_r = np.array([-inf if value is None else value for value in before.log_r])
    log_r = shiryaev_roberts.update(log_r, sample_ratio.log_increments(n, of_baseline, before.share))
    after = replace(
        before,
        log_r=tuple(log_r.tolist()),
        sessions=_KEEP * before.sessions + n,
        baseline=_KEEP * before.baseline + of_baseline,
        quiet_ticks=before.quiet_ticks + 1,
        quiet_sessions=before.quiet_sessions + n,
        alarm=None,
    )
    if shiryaev_roberts.log_statistic(log_r, sample_ratio.log_weights()) < log(threshold) or not n:
        return after
    seen = after.baseline / after.sessions
    told = f"{before.share:.1%} of the sessions are declared, {seen:.1%} of some {after.sessions:,.0f} were seen"
    return replace(after, log_r=(None,) * sample_ratio.BETS, quiet_ticks=0, quiet_sessions=0, alarm=told)


@dataclass(frozen=True, slots=True)
class SampledPairs:
    """Pairs of a tick whose temperatures are known: of legs asked alike, and the others by what they were asked."""

    like: int
    unlike: Mapping[str, int]


def sampled_pairs(pairs: PairColumns, variant: int, baseline: int) -> SampledPairs:
    """Count the pairs of a variant and the baseline by the temperatures that their legs state.

    A leg that states none is not compared: it may only not have been logged.
    """
    forth = (pairs.primary_variant == variant) & (pairs.shadow_variant == baseline)
    back = (pairs.shadow_variant == variant) & (pairs.primary_variant == baseline)
    counts = np.bincount(pairs.slice_set[forth | back], minlength=len(pairs.sets)).tolist()
    like, unlike = 0, Counter[str]()
    for one, n in zip(pairs.sets, counts, strict=True):
        if not n:
            continue
        stated = _stated(one.slices)
        if len(stated) > 1:
            unlike[" and ".join(stated)] += n
        elif stated:
            like += n
    return SampledPairs(like, unlike)


@lru_cache(maxsize=65_536)
def _stated(slices: frozenset[str]) -> tuple[str, ...]:
    """Return the temperatures among slices; the same combinations come tick after tick."""
    return tuple(sorted(name.removeprefix(_TEMPERATURE) for name in slices if name.startswith(_TEMPERATURE)))


def observe_sampling(state: guard.GuardState, found: SampledPairs) -> guard.GuardState:
    """Fold a tick's pairs into the guard: it trips when over 2 % of recent pairs were asked unlike."""
    return guard.observe(state, pairs=found.like, one_sided=sum(found.unlike.values()))
