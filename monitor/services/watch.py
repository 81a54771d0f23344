"""What is watched on a route: its streams with their detector states, budgets and fingerprints. Pure."""

import hashlib
import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import product
from math import ceil, log, log2
from types import MappingProxyType
from typing import Any, Final

from detectors.registry import SIGNALS
from detectors.stats import budget, catastrophe, guard, latency
from detectors.stats import stream as detector
from detectors.stats.fleet import start
from detectors.stats.fleet_states import Member
from detectors.types import Design, Margin, SignalKind, Verdict
from monitor.models.evidence import Evidence, Stream
from monitor.models.policy import Policy
from monitor.models.slices import ALL
from monitor.models.tick import ALWAYS_APPLICABLE
from monitor.models.variant import Role, Variant
from monitor.services.arms import Arms
from monitor.services.beside import Beside
from monitor.services.slicing import Tested, members_of, to_test
from monitor.services.tier_defaults import policy_for, reference_of

__all__ = [
    "A_A_DOUBT",
    "OwnAlarm",
    "Remembered",
    "Watched",
    "order",
    "parts_of",
    "sibling_floors",
    "stream_fingerprint",
    "watch",
]

A_A_DOUBT: Final = timedelta(days=1)
"""How long an alarm of the baseline against itself casts doubt on a signal."""
_MONTH_S = 30 * 86400.0
_DAY_S = 86400.0
_A_A_FALSE_ALARMS_PER_MONTH = 2.0
_NO_ARMS = Arms()
_LATENCY_PHI = 3.0
"""Variance inflation of a latency stream until one is learned."""


@dataclass(frozen=True, slots=True)
class OwnAlarm:
    """A stream's latest alarm, remembered with its evidence."""

    at: datetime
    evidence: Evidence
    advice: str | None = None
    """Why it only advises."""

    def within(self, now: datetime, length: timedelta) -> bool:
        """Tell whether the alarm is younger than that."""
        return now - self.at <= length


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a stream remembers from tick to tick; its stored row holds the same."""

    state: Member
    pairing: guard.GuardState = field(default_factory=guard.GuardState)
    idle: int = 0
    alarm: OwnAlarm | None = None
    arms: Arms = field(default_factory=Arms)
    """What a stream of sessions remembers besides; unused by pairs."""
    beside: Beside = field(default_factory=Beside)

    def to_json(self) -> dict[str, Any]:
        """Return what is stored: plain JSON types, and the detector's part as JSON text already."""
        return {
            "detector": self.state.stored(),
            "guard": [self.pairing.requests, self.pairing.one_sided],
            "idle": self.idle,
            "alarm": None if self.alarm is None else asdict(self.alarm) | {"at": self.alarm.at.isoformat()},
            **({} if self.arms == _NO_ARMS else {"arms": self.arms.to_json()}),
            "beside": self.beside.to_json(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Remembered":
        """Inverse of ``to_json``."""
        return cls(
            state=Member.of(detector.StreamState.from_json(stored["detector"])),
            pairing=guard.GuardState(*stored["guard"]),
            idle=int(stored["idle"]),
            alarm=_alarm(stored.get("alarm")),
            arms=Arms.from_json(stored["arms"]) if "arms" in stored else Arms(),
            beside=Beside.from_json(stored["beside"]) if "beside" in stored else Beside(),
        )


@dataclass(frozen=True, slots=True)
class Watched:
    """One stream as it stands before a tick, with what it is tested against."""

    stream: Stream
    memory: Remembered
    config: detector.StreamConfig
    baseline_id: int
    relative_margin: float

    @property
    def is_aa(self) -> bool:
        """The baseline against its own mirror."""
        return self.stream.candidate_id == self.baseline_id


def order(one: Watched) -> tuple[bool, bool, bool]:
    """A/A first (it can cast doubt), then failures and whole-route streams: the first alarm names the incident."""
    return not one.is_aa, one.stream.signal != ALWAYS_APPLICABLE, one.stream.slice != ALL


def sibling_floors(watched: Iterable[Watched]) -> dict[tuple[int, str], float]:
    """Return, per (variant, signal), the median inflation that its streams learned."""
    learned: dict[tuple[int, str], list[float]] = {}
    for one in watched:
        learned.setdefault((one.stream.candidate_id, one.stream.signal), []).append(one.memory.state.own_phi)
    return {key: max(1.0, statistics.median(values)) for key, values in learned.items()}


def watch(
    policy: Policy,
    variants: Sequence[Variant],
    stored: Iterable[Stream],
    *,
    epoch: int,
    fleet: int,
    builds: Mapping[int, str] = MappingProxyType({}),
    slices: Sequence[Tested] | None = None,
    memories: Mapping[int, Remembered] = MappingProxyType({}),
) -> list[Watched]:
    """Return every stream of a route, new and changed ones at their initial state.

    The false-alarm budget is one for the fleet: each stream gets its policy share divided by the number of
    (route, candidate) pairs, rounded up to a power of two so that it rarely changes; the rule for broken variants has
    its own share (``catastrophe.SHARE``). ``builds`` names, per variant id,
    the build that serves now, where it has changed before: a change restarts the variant's streams.
    ``slices`` are those that the policy's entries stand for now; its single ones when absent. A family's share is
    split over the most slices it can have, so that a new value changes no threshold. Where the policy is silent, what a
    variant was confirmed to be sets its margins, further slices and what it is compared with. ``memories`` are, by id,
    those of the stored streams whose rows need not be read for it.
    """
    baseline = next((variant for variant in variants if variant.role is Role.BASELINE), None)
    if baseline is None:
        return []
    known = {(one.candidate_id, one.signal, one.slice): one for one in stored}
    candidates = [variant for variant in variants if variant.role is Role.CANDIDATE]
    parts = parts_of(fleet, candidates)
    tested = to_test(policy) if slices is None else slices
    watched = []
    for candidate in [*candidates, baseline]:
        own = policy_for(policy, candidate, variants)
        alarms = _A_A_FALSE_ALARMS_PER_MONTH if candidate is baseline else policy.false_rollbacks_per_month
        # The baseline's users are one arm: there is nothing to compare their reactions with.
        names = [name for name in own.signals if candidate is not baseline or SIGNALS[name].paired]
        if not names:  # a policy of reactions alone has nothing to test of the baseline
            continue
        weights = {name: own.signals[name].weight for name in names}
        shares = budget.shares(weights, own.slices, members_of(own))
        further = [one for one in to_test(own) if one.entry not in policy.slices]
        for signal, one in product(names, [*tested, *further]):
            reserved = 0.0 if candidate is baseline else catastrophe.SHARE
            share = shares[signal, one.entry] * (1.0 - reserved) / parts
            threshold = budget.threshold(_MONTH_S / policy.tick_s, alarms, share)
            other = baseline if candidate is baseline else reference_of(signal, candidate, variants, baseline)
            fingerprint = stream_fingerprint(own, signal, one, candidate, other, threshold, epoch, builds)
            found = known.get((candidate.id, signal, one.name))
            watched.append(
                _new(
                    own,
                    signal,
                    one.name,
                    candidate,
                    other,
                    threshold,
                    fingerprint,
                    0 if found is None else found.id,
                )
                if found is None or found.fingerprint != fingerprint
                else _again(own, found, other, memories.get(found.id))
            )
    return watched


def parts_of(fleet: int, candidates: Sequence[Variant]) -> int:
    """Return into how many parts the fleet's budget is divided: (route, candidate) pairs, up to a power of two."""
    return 1 << ceil(log2(max(1, fleet * len(candidates))))


def stream_fingerprint(
    policy: Policy,
    signal: str,
    slice_: Tested,
    candidate: Variant,
    baseline: Variant,
    threshold: float,
    epoch: int,
    builds: Mapping[int, str] = MappingProxyType({}),
) -> str:
    """Digest everything whose change restarts a stream: a threshold never falls on live evidence."""
    margin = policy.signals[signal].margin
    parts = [
        detector.FORMAT,
        signal,
        SIGNALS[signal].version,
        slice_.name,
        margin.absolute,
        margin.relative,
        policy.tick_s,
        round(threshold, 6),
        candidate.id,
        candidate.digest,
        baseline.id,
        baseline.digest,
        epoch,
        *((variant.id, builds[variant.id]) for variant in (candidate, baseline) if variant.id in builds),
        *([slice_.meaning] if slice_.meaning else []),
        *(["design", policy.signals[signal].design] if policy.signals[signal].design else []),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _config(policy: Policy, signal: str, threshold: float) -> detector.StreamConfig:
    bits = SIGNALS[signal].kind in {SignalKind.BIT, SignalKind.PRINT}
    return detector.StreamConfig(
        margin=policy.signals[signal].margin if bits else Margin(),
        levels=1 if bits else len(latency.LEVELS),
        threshold=threshold,
        safe_ticks=max(1, round(_DAY_S / policy.tick_s)),
        tick_s=policy.tick_s,
        initial_phi=1.0 if bits else _LATENCY_PHI,
        design=policy.signals[signal].design or (Design.PAIRED if SIGNALS[signal].paired else Design.UNPAIRED),
    )


def _new(
    policy: Policy,
    signal: str,
    slice_: str,
    candidate: Variant,
    baseline: Variant,
    threshold: float,
    fingerprint: str,
    known_id: int,
) -> Watched:
    config = _config(policy, signal, threshold)
    stream = Stream(
        id=known_id,
        route_id=candidate.route_id,
        candidate_id=candidate.id,
        signal=signal,
        slice=slice_,
        fingerprint=fingerprint,
        threshold=threshold,
        state={},
        last_tick=0,
        verdict=Verdict.INCONCLUSIVE,
        reason="",
        evidence=Evidence(log_threshold=log(threshold), baseline_n=None if SIGNALS[signal].paired else 0),
        updated_at=candidate.created_at,
    )
    margin = policy.signals[signal].margin.relative
    return Watched(stream, Remembered(Member(start([config]), 0)), config, baseline.id, margin)


def _again(policy: Policy, found: Stream, baseline: Variant, memory: Remembered | None) -> Watched:
    return Watched(
        stream=found,
        memory=Remembered.from_json(found.state) if memory is None else memory,
        config=_config(policy, found.signal, found.threshold),
        baseline_id=baseline.id,
        relative_margin=policy.signals[found.signal].margin.relative,
    )


def _alarm(stored: Mapping[str, Any] | None) -> OwnAlarm | None:
    if stored is None:
        return None
    return OwnAlarm(datetime.fromisoformat(stored["at"]), Evidence.from_json(stored["evidence"]), stored.get("advice"))
