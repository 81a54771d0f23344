"""The demo's faults without servers: the same users, answers, detectors and budget, tick by simulated tick.

``python -m tests.e2e.demo_rehearsal`` says in a few seconds a fault which stream alarms first and after how much
traffic, whatever else the machine does. It knows no Envoy, no lag and no flip: ``tests.e2e.demo_faults`` does.
"""

# ruff: noqa: S311 - these generators guard nothing

import argparse
import random
import sys
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping
from datetime import timedelta
from math import inf
from typing import Any

import msgspec

from detectors.registry import SIGNALS
from detectors.stats import latency
from detectors.stats import stream as detector
from detectors.types import SignalKind
from monitor.demo.behaviour import Behaviour
from monitor.demo.damage import NoAnswer
from monitor.demo.fault import Fault
from monitor.demo.faults import FAULTS, fault
from monitor.demo.names import BASELINE, CANDIDATE
from monitor.demo.run import POLICY
from monitor.demo.users import Conversation, TrafficPlan
from monitor.models.tick import ALWAYS_APPLICABLE, Stratum
from monitor.models.variant import Role, Tier, Variant
from monitor.services.ingest import read_signals
from monitor.services.policies import parse_policy
from monitor.services.slicing import by_slice, resliced, to_test
from monitor.services.watch import Watched, order, watch
from tests.support.demo import NOW, event_of, exchange_of
from tests.support.record_by_record import Pair, score_bits, score_prints, score_tails, take_seats

History = defaultdict[Stratum, Counter[int]]
"""A stream's latencies per stratum."""
RPS = TrafficPlan().rps
HOLDBACK = 0.1
IDS = {BASELINE: 1, CANDIDATE: 2}
VARIANTS = [
    Variant(IDS[BASELINE], 1, BASELINE, Role.BASELINE, BASELINE, "bf16", Tier.SERVING, None, None, NOW),
    Variant(IDS[CANDIDATE], 1, CANDIDATE, Role.CANDIDATE, CANDIDATE, "int4", Tier.QUANTIZED, None, None, NOW),
]
LIMIT_MS = 8_000.0
"""What the horizon lets a latency threshold be."""
NOT_HERE = {"dead", "quantized", "correction", "retry"}
"""A killed server, a real engine, and what joins several requests."""


class Traffic:
    """Pairs of both variants' readings, as many a tick as the demo's users cause."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.legs = {name: Behaviour(seed, name) for name in IDS}
        self.ready: deque[tuple[Conversation, str]] = deque()

    def tick(self, wrong: Fault, seconds: float) -> Iterator[Pair]:
        waiting, self.ready = self.ready, deque()
        for _ in range(round(RPS * seconds)):
            talk, served = waiting.popleft() if waiting else self.newcomer()
            request_id, body = talk.next_request()
            body = msgspec.json.decode(msgspec.json.encode(body))
            plans = {
                name: behaviour.plan(body, request_id, wrong if name == CANDIDATE else fault("none"))
                for name, behaviour in self.legs.items()
            }
            answer = plans[served].answer
            if not isinstance(answer, NoAnswer) and talk.hear(answer.message):
                self.ready.append((talk, served))
            if served == CANDIDATE:
                yield pair_of(body, plans)
        self.ready.extendleft(reversed(waiting))

    def newcomer(self) -> tuple[Conversation, str]:
        talk = Conversation(TrafficPlan(), random.Random(self.rng.getrandbits(64)))
        return talk, BASELINE if self.rng.random() < HOLDBACK else CANDIDATE


def pair_of(body: Mapping[str, Any], plans: Mapping[str, Any]) -> Pair:
    read = {name: read_signals(exchange_of(body, plan))[0] for name, plan in plans.items()}
    events = [event for plan in plans.values() if (event := event_of(body, plan))]
    return Pair(
        primary_variant=IDS[CANDIDATE],
        shadow_variant=IDS[BASELINE],
        primary=read[CANDIDATE],
        shadow=read[BASELINE],
        applicable=frozenset({ALWAYS_APPLICABLE}.union(*read.values())),
        slices=frozenset({"all"}.union(*(event.slices for event in events))),
    )


def rehearse(wrong: Fault, seed: int, most_s: float) -> tuple[float, list[tuple[str, str]]] | None:
    """Return the seconds from the fault to the alarm, and all alarms of that tick, the incident's first."""
    document = {**wrong.policy_over(POLICY, SIGNALS)}
    policy, traffic, seats = parse_policy("demo", 1, document), Traffic(seed), ()
    kept: dict[tuple[str, str], tuple[detector.StreamState, History]] = {}
    pairs_seen, began = 0, None
    for tick in range(10_000):
        at = NOW + timedelta(seconds=tick * policy.tick_s)
        if began is None and at - NOW >= timedelta(seconds=wrong.healthy_s) and pairs_seen >= wrong.healthy_pairs:
            began = tick
        if began is not None and (tick - began) * policy.tick_s > most_s:
            return None
        pairs = list(traffic.tick(fault("none") if began is None else wrong, policy.tick_s))
        pairs_seen += len(pairs)
        seating = take_seats(policy, seats, pairs, at)
        seats = seating.seats
        pairs = resliced(policy, seats, pairs)
        known = {name for pair in pairs for name in pair.slices}
        watched = watch(policy, VARIANTS, (), epoch=0, fleet=1, slices=to_test(policy, seats, at, known))
        of_pairs = [one for one in watched if not one.is_aa and SIGNALS[one.stream.signal].paired]
        alarms = fold_all(of_pairs, by_slice(pairs), kept, tick)
        if alarms:
            return ((tick + 1 - began) * policy.tick_s if began is not None else -1.0), alarms
    return None


def fold_all(
    watched: list[Watched],
    pairs_of: Mapping[str, Any],
    kept: dict[tuple[str, str], tuple[detector.StreamState, History]],
    tick: int,
) -> list[tuple[str, str]]:
    alarms = []
    for one in sorted(watched, key=order):
        name = one.stream.signal, one.stream.slice
        state, history = kept.get(name, (one.memory.state.plain(), defaultdict(Counter)))
        scored = score(one, pairs_of.get(one.stream.slice, ()), history)
        state, alarm = detector.fold(state, one.config, tick, scored.harm, scored.safe)
        for stratum, bins in scored.histogram.items():
            history[stratum].update(bins)
        kept[name] = state, history
        if alarm is not None:
            alarms.append(name)
    return alarms


def score(one: Watched, pairs: Any, history: History) -> Any:
    """As ``EvaluateService`` does."""
    this, kind = one.stream, SIGNALS[one.stream.signal].kind
    named = (pairs, IDS[CANDIDATE], IDS[BASELINE], this.signal, this.slice)
    if kind is SignalKind.BIT:
        return score_bits(*named)
    if kind is SignalKind.PRINT:
        return score_prints(*named)
    shift, limit = latency.margin_bins(one.relative_margin), LIMIT_MS if kind is SignalKind.LATENCY else inf

    def thresholds(stratum: Stratum) -> list[int | None]:
        return [
            None if bin_ is None or latency.edge(bin_ + shift) >= limit else bin_
            for bin_ in latency.tail_thresholds(history[stratum])
        ]

    return score_tails(*named, relative_margin=one.relative_margin, thresholds=thresholds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--fault", action="append", choices=sorted(set(FAULTS) - NOT_HERE), help="all when absent")
    parser.add_argument("--seed", type=int, action="append", help="any number of times; 1 when absent")
    asked = parser.parse_args()
    wrong = 0
    for name in asked.fault or [name for name in FAULTS if name not in NOT_HERE]:
        for seed in asked.seed or [1]:
            this = fault(name)
            found = rehearse(this, seed, this.limit_s)
            right = this.names(*found[1][0]) if found else not this.expected
            wrong += not right
            told = "no alarm" if found is None else f"{found[0]:.0f} s: {', '.join(map(' '.join, found[1]))}"
            print(f"{name} (seed {seed}): {'as expected' if right else 'WRONG'}, {told}", flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
