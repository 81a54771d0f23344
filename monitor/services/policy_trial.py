"""What a policy would have done: counts that were stored are folded again under its margins, weights and budget. Pure.

The detector is the one that evaluation uses. What differs: empty ticks are passed over; ticks may be put together, with
the cap of one tick's evidence for each of them; a missing leg counts as a good answer of the candidate beside a bad one
of the baseline, since what the other leg was is not stored; and signals of which no stream comes near its threshold,
even undivided by phi, are not folded.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil, inf, log

import numpy as np

from detectors.registry import SIGNALS
from detectors.stats import guard, latency
from detectors.stats import stream as detector
from detectors.stats.designs import DESIGNS
from detectors.stats.fleet_states import Member
from detectors.types import ArmCounts, Counts, Design, PairCounts, SignalKind
from monitor.models.policy import Policy
from monitor.models.slices import Seat
from monitor.models.tick import tick_start
from monitor.models.variant import Variant
from monitor.services.arms import gather
from monitor.services.folding import Due, fold_together
from monitor.services.slicing import to_test
from monitor.services.tier_defaults import policy_for
from monitor.services.watch import Watched, order, sibling_floors, watch
from monitor.storage.tick_history import History, merged

__all__ = ["Basis", "Past", "Trial", "TrialAlarm", "TrialStream", "try_policy"]

_MOST_FOLDS = 30_000
"""Ticks of streams that are folded for one policy; where there are more, neighbours are put together."""
_NEAR = 2.0
"""Nats below the threshold that count as near it."""
_DOUBT = timedelta(days=1)
"""How long an alarm of the baseline against itself casts doubt on a signal, as in evaluation."""
_Key = tuple[int, str, str]


class Basis(StrEnum):
    """What is known of a stream of the policy."""

    COUNTED = "counted"
    OTHER_MARGIN = "other_margin"
    """A tail that was counted over thresholds of another margin."""
    OTHER_MEANING = "other_meaning"
    """A slice of this name was counted under another condition."""
    NOT_COUNTED = "not_counted"


@dataclass(frozen=True, slots=True)
class Past:
    """What was counted on a route, and under which policy."""

    policy: Policy
    variants: Sequence[Variant]
    seats: Sequence[Seat]
    histories: Mapping[_Key, History]
    """By candidate, signal and slice."""
    tick_s: float
    group: int = 1
    """Ticks that each entry holds."""
    fleet: int = 1
    """Routes that share the budget."""


@dataclass(frozen=True, slots=True)
class TrialAlarm:
    """An alarm that would have been raised."""

    candidate_id: int
    signal: str
    slice: str
    at: datetime
    onset: datetime
    counts: Counts
    """Since the estimated onset: selected, so biased towards harm."""
    withheld: str | None
    """Why it would have opened no incident."""


@dataclass(frozen=True, slots=True)
class TrialStream:
    """One stream of the policy."""

    candidate_id: int
    signal: str
    slice: str
    threshold: float
    basis: Basis
    alarms: int = 0


@dataclass(frozen=True, slots=True)
class Trial:
    """What would have happened on one route."""

    streams: tuple[TrialStream, ...]
    alarms: tuple[TrialAlarm, ...]
    """Oldest first; without those of tails that were counted at another margin."""
    rollbacks: tuple[TrialAlarm, ...]
    """The alarm that opened each incident."""
    group_s: float
    """Time that is put together: alarms are no finer than this."""
    at_other_margin: Mapping[str, int] = field(default_factory=dict)
    """Alarms of tails by signal, at the margin that they were counted at."""


def try_policy(policy: Policy, past: Past) -> Trial:
    """Fold what was counted under a policy and tell its alarms and incidents.

    Each incident stands for one decision to roll back, as if a person had restored the candidate after each; an alarm
    that comes within ``evidence_ttl_s`` of the one before belongs to the same incident.
    """
    known = {slice_ for _, _, slice_ in past.histories}
    tested = to_test(policy, past.seats, None, known)
    watched = watch(policy, past.variants, (), epoch=0, fleet=past.fleet, slices=tested)
    bases = {_key(one): _basis(one, policy, past) for one in watched}
    usable = [one for one in watched if bases[_key(one)] in {Basis.COUNTED, Basis.OTHER_MARGIN}]
    base_group = max(1, round(policy.tick_s / past.tick_s))
    group = max(past.group, base_group)
    histories = {_key(one): merged(past.histories[_key(one)], group) for one in usable}
    families = _families(usable, histories, per_tick=max(1.0, group / base_group))
    total = sum(len(histories[_key(one)].ticks) for family in families for one in family)
    wider = ceil(total / _MOST_FOLDS)
    if wider > 1:
        group *= wider
        histories = {key: merged(history, group) for key, history in histories.items()}
    found: list[TrialAlarm] = []
    for family in families:
        found += _Fold(histories, group, past.tick_s, max(1.0, group / base_group)).run(family)
    counts: defaultdict[_Key, int] = defaultdict(int)
    for alarm in found:
        counts[alarm.candidate_id, alarm.signal, alarm.slice] += 1
    candidates = {one.stream.candidate_id for one in watched if not one.is_aa}
    real = sorted(
        (
            alarm
            for alarm in found
            if alarm.candidate_id in candidates
            and bases[alarm.candidate_id, alarm.signal, alarm.slice] is Basis.COUNTED
        ),
        key=lambda alarm: (alarm.at, alarm.signal != "request_error", alarm.slice != "all", alarm.signal, alarm.slice),
    )
    other: defaultdict[str, int] = defaultdict(int)
    for key, n in counts.items():
        if bases[key] is Basis.OTHER_MARGIN and key[0] in candidates:
            other[key[1]] += n
    return Trial(
        streams=tuple(
            TrialStream(*_key(one), one.config.threshold, bases[_key(one)], counts[_key(one)])
            for one in watched
            if not one.is_aa
        ),
        alarms=tuple(real),
        rollbacks=tuple(_incidents(real, timedelta(seconds=policy.evidence_ttl_s))),
        group_s=group * past.tick_s,
        at_other_margin=dict(other),
    )


def _key(one: Watched) -> _Key:
    return one.stream.candidate_id, one.stream.signal, one.stream.slice


def _basis(one: Watched, policy: Policy, past: Past) -> Basis:
    """Tell whether what was counted under a stream's name is what the policy means by it."""
    key = candidate_id, signal, slice_ = _key(one)
    if key not in past.histories:
        return Basis.NOT_COUNTED
    conditions = [str(each.conditions.get(slice_, "")) for each in (policy, past.policy)]
    if conditions[0] != conditions[1]:
        return Basis.OTHER_MEANING
    if SIGNALS[signal].kind in {SignalKind.LATENCY, SignalKind.AMOUNT}:
        variant = next(variant for variant in past.variants if variant.id == candidate_id)
        before = policy_for(past.policy, variant, past.variants).signals.get(signal)
        if before is None or latency.margin_bins(before.margin.relative) != latency.margin_bins(one.relative_margin):
            return Basis.OTHER_MARGIN
    return Basis.COUNTED


def _families(watched: Sequence[Watched], histories: Mapping[_Key, History], *, per_tick: float) -> list[list[Watched]]:
    """Return the streams to fold, by signal: all of a signal of which one may alarm, since they share phi and doubt."""
    by_signal: defaultdict[str, list[Watched]] = defaultdict(list)
    for one in watched:
        by_signal[one.stream.signal].append(one)
    return [
        family
        for _, family in sorted(by_signal.items())
        if any(not one.is_aa and _may_alarm(one, histories[_key(one)], per_tick) for one in family)
    ]


def _may_alarm(one: Watched, history: History, per_tick: float) -> bool:
    """Tell whether the statistic at phi = 1 ever comes near the threshold: with a larger phi it grows more slowly.

    All ticks at once: ``R_t = sum over s <= t of exp(S_t - S_(s-1))`` with S the running sum of the capped increments.
    """
    if one.config.design is not Design.PAIRED:
        return bool(history.tables[..., 1].sum())  # few: sessions are gathered
    bets, levels = DESIGNS[Design.PAIRED], one.config.levels
    tables = history.tables[:, :levels]
    gain = np.minimum(bets.log_increments(tables, one.config.margin, 0.0), one.config.cap * per_tick)
    total = np.cumsum(gain, axis=0)
    log_r = total + np.logaddexp.accumulate(gain - total, axis=0)
    log_weights = np.log(bets.weights / levels)
    statistic = np.logaddexp.reduce((log_r + log_weights).reshape(len(tables), -1), axis=1)
    return float(statistic.max(initial=-inf)) >= log(one.config.threshold) - _NEAR


@dataclass(slots=True)
class _Standing:
    """A stream while it is folded."""

    one: Watched
    config: detector.StreamConfig
    state: Member
    pairing: guard.GuardState
    waiting: ArmCounts


@dataclass(frozen=True, slots=True)
class _Fold:
    """The streams of one signal, folded side by side."""

    histories: Mapping[_Key, History]
    group: int
    tick_s: float
    per_tick: float

    def run(self, family: Sequence[Watched]) -> list[TrialAlarm]:
        """Return the alarms of the baseline against itself, too."""
        standing = [self._start(one) for one in sorted(family, key=order)]
        due: defaultdict[int, list[tuple[_Standing, int]]] = defaultdict(list)
        for each in standing:
            for place, tick in enumerate(self.histories[_key(each.one)].ticks.tolist()):
                due[tick // self.group].append((each, place))
        alarms: list[TrialAlarm] = []
        odd_at: datetime | None = None
        for bucket in sorted(due):
            floors = sibling_floors(
                [replace(each.one, memory=replace(each.one.memory, state=each.state)) for each in standing]
            )
            end = tick_start((bucket + 1) * self.group, self.tick_s)
            added = [self._due(each, place, floors[_key(each.one)[:2]]) for each, place in due[bucket]]
            for (each, _), (state, raised) in zip(due[bucket], fold_together(added, bucket), strict=True):
                each.state = state
                if raised is None:
                    continue
                if each.one.is_aa:
                    odd_at = end
                alarms.append(self._alarm(each, raised, end, odd_at))
        return alarms

    def _start(self, one: Watched) -> _Standing:
        config = replace(one.config, cap=one.config.cap * self.per_tick)
        return _Standing(one, config, one.memory.state, guard.GuardState(), ArmCounts())

    def _due(self, each: _Standing, place: int, floor: float) -> Due:
        history = self.histories[_key(each.one)]
        tables, missing = history.tables[place].tolist(), history.missing[place].tolist()
        counts: list[Counts] = []
        if each.config.design is Design.PAIRED:
            each.pairing = guard.observe(each.pairing, pairs=sum(tables[0]), one_sided=sum(missing))
            counts += [self._scored(cells, sum(missing), each.config) for cells in tables[: each.config.levels]]
        else:
            ready, each.waiting = gather(each.waiting, ArmCounts(*tables[0]))
            counts.append(ready)
        counts += [PairCounts()] * (each.config.levels - len(counts))
        return Due(each.state, each.config, counts, counts, floor)

    @staticmethod
    def _scored(cells: Sequence[int], missing: int, config: detector.StreamConfig) -> PairCounts:
        n11, n10, n01, n00 = cells
        learnt = config.levels == 1 or any(cells)  # a tail without a threshold yet counts nothing
        return PairCounts(n11, n10, n01 + missing * learnt, n00)

    def _alarm(self, each: _Standing, raised: detector.Alarm, end: datetime, odd_at: datetime | None) -> TrialAlarm:
        withheld = None
        if guard.trips(each.pairing):
            withheld = "broken pairing"
        elif odd_at is not None and end - odd_at <= _DOUBT:
            withheld = "the baseline differed from its own mirror"
        onset = tick_start(raised.onset_tick * self.group, self.tick_s)
        return TrialAlarm(*_key(each.one), end, onset, raised.since_onset, withheld)


def _incidents(alarms: Sequence[TrialAlarm], ttl: timedelta) -> list[TrialAlarm]:
    """Return the first alarm of each incident: a later one attaches while the evidence is young."""
    latest: dict[int, datetime] = {}
    opened = []
    for alarm in alarms:
        if alarm.withheld is not None:
            continue
        before = latest.get(alarm.candidate_id)
        if before is None or alarm.at - before > ttl:
            opened.append(alarm)
        latest[alarm.candidate_id] = alarm.at
    return opened
