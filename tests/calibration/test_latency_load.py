"""Seeded simulations of latency under load: a busier hour is not the variant's doing, and a slow variant is seen."""

from dataclasses import dataclass
from math import log

import numpy as np
import pytest

from detectors.stats import stream as detector
from detectors.types import Margin
from monitor.services.histories import _WINDOWS_S, History, _Window
from monitor.services.load import Footing, RouteLoad, advice_on
from tests.support.record_by_record import Pair, score_tails

pytestmark = pytest.mark.calibration

TICK_S, PAIRS = 10.0, 60
QUARTER, HALF_HOUR, HOUR = 90, 180, 360
BASELINE, CANDIDATE = 1, 2
CAPACITY = 10.0
"""Requests per second at which a replica's queue never ends."""
CONFIG = detector.StreamConfig(Margin(), levels=3, threshold=20_000.0, tick_s=TICK_S, initial_phi=3.0)
PROMPTS = {"prompt:1k": 200.0, "prompt:8k": 900.0, "prompt:32k": 4_000.0}


@dataclass(frozen=True)
class Arm:
    """How many requests a tick reach an arm, on how many replicas, and how slow it is by itself."""

    requests: int = PAIRS
    replicas: int = 2
    slow: float = 1.0
    wordy: float = 1.0

    @property
    def stretch(self) -> float:
        """What the load makes of a time: a queue's ``1 / (1 - utilisation)``."""
        return 1.0 / (1.0 - min(0.9, self.requests / TICK_S / self.replicas / CAPACITY))

    def arrivals(self):
        return {f"replica-{n}": self.requests // self.replicas for n in range(self.replicas)}


LIKE, BUSY = Arm(), Arm(requests=2 * PAIRS)
FEWER = Arm(replicas=1)
SLOW = Arm(slow=1.5)


class Simulation:
    """One stream, tick by tick, through load, strata, thresholds and detector as evaluation does it."""

    def __init__(self, seed, signal="latency_ttft", *, stratified=True):
        self.rng = np.random.default_rng(seed)
        self.signal, self.stratified = signal, stratified
        self.load = RouteLoad(TICK_S, 0)
        self.history = History("f", 0, tuple(_Window(length / TICK_S) for length in _WINDOWS_S))
        self.state = detector.initial(CONFIG)
        self.tick = 0
        self.alarms = []
        """Per alarm its tick and, where it only advises, why."""

    def run(self, ticks, candidate, baseline):
        for _ in range(ticks):
            self.tick += 1
            self.load.append(self.tick, {CANDIDATE: candidate.arrivals(), BASELINE: baseline.arrivals()})
            scored = score_tails(
                self.pairs(candidate, baseline),
                CANDIDATE,
                BASELINE,
                self.signal,
                "all",
                relative_margin=0.15,
                thresholds=self.history.before(self.tick).thresholds,
                footing=self.load.footing(CANDIDATE, BASELINE) if self.stratified else Footing(),
            )
            self.history.add(self.tick, scored.histogram)
            self.state, alarm = detector.fold(self.state, CONFIG, self.tick, scored.harm, scored.safe)
            if alarm is not None:
                shared = self.load.overlap_since(CANDIDATE, BASELINE, alarm.onset_tick) if self.stratified else 1.0
                self.alarms.append((self.tick, advice_on(shared)))
        return self

    def pairs(self, candidate, baseline):
        prompts = self.rng.choice(list(PROMPTS), PAIRS, p=[0.6, 0.3, 0.1])
        hard = self.rng.normal(0.0, 0.4, PAIRS)
        said = self.rng.normal(log(200.0), 0.8, PAIRS)
        own = self.rng.normal(0.0, 0.25, (2, PAIRS))
        words = self.rng.normal(0.0, 0.1, (2, PAIRS))
        for i, prompt in enumerate(prompts):
            legs = []
            for j, arm in enumerate((candidate, baseline)):
                tokens = int(np.exp(said[i] + words[j, i]) * arm.wordy)
                ms = PROMPTS[prompt] * np.exp(hard[i] + own[j, i]) * arm.stretch * arm.slow
                if self.signal == "latency_e2e":
                    ms = ms / 10.0 + 20.0 * tokens * arm.slow
                legs.append((float(ms), tokens))
            (x, x_tokens), (y, y_tokens) = legs
            yield Pair(
                CANDIDATE,
                BASELINE,
                {self.signal: x},
                {self.signal: y},
                frozenset({self.signal}),
                frozenset({"all", str(prompt)}),
                x_tokens if self.stratified else None,
                y_tokens if self.stratified else None,
            )

    @property
    def acted(self):
        return [tick for tick, advice in self.alarms if advice is None]


SEEDS = range(2)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_spell_of_load_that_one_arm_alone_has_is_waited_out(seed):
    usual = Simulation(seed).run(HOUR, LIKE, LIKE)
    assert usual.run(QUARTER, BUSY, LIKE).alarms == []
    assert usual.run(60, LIKE, LIKE).alarms == []
    blamed = Simulation(seed, stratified=False).run(HOUR, LIKE, LIKE)
    assert blamed.alarms == []
    assert blamed.run(QUARTER, BUSY, LIKE).acted


@pytest.mark.parametrize("seed", SEEDS)
def test_a_candidate_on_fewer_replicas_is_advised_on_and_never_moved(seed):
    found = Simulation(seed).run(HOUR, FEWER, LIKE)
    assert found.alarms
    assert found.acted == []
    assert Simulation(seed, stratified=False).run(HOUR, FEWER, LIKE).acted


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lasting_spell_is_advised_on_once_it_is_what_is_usual(seed):
    found = Simulation(seed).run(HOUR, LIKE, LIKE).run(HOUR, BUSY, LIKE)
    assert found.alarms
    assert found.alarms[0][0] > HOUR + HOUR // 3, "the busy arm's twice as many requests are half of its hour then"
    assert found.acted == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_busier_hour_of_both_is_nobodys_fault(seed):
    assert Simulation(seed).run(HALF_HOUR, LIKE, LIKE).run(HALF_HOUR, BUSY, BUSY).alarms == []


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("busy", [False, True], ids=["usual", "busier hour"])
def test_a_variant_that_is_slower_at_the_same_load_is_seen(seed, busy):
    load = 2 * PAIRS if busy else PAIRS
    found = Simulation(seed).run(60, LIKE, LIKE)
    found.run(30, Arm(requests=load), Arm(requests=load))
    assert found.alarms == []
    found.run(60, Arm(requests=load, slow=1.5), Arm(requests=load))
    assert found.acted
    assert found.acted[0] - 90 <= 25


def test_strata_see_a_slow_down_no_later():
    def delay(seed, *, stratified):
        found = Simulation(seed, stratified=stratified).run(60, LIKE, LIKE).run(80, Arm(slow=1.35), LIKE)
        return found.acted[0] - 60

    apart = np.mean([delay(seed, stratified=True) for seed in SEEDS])
    together = np.mean([delay(seed, stratified=False) for seed in SEEDS])
    assert apart <= 1.1 * together, f"{apart} and {together} ticks"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_wordier_variant_is_not_a_slower_one(seed):
    wordy = Arm(wordy=1.5)
    assert Simulation(seed, "latency_e2e").run(HALF_HOUR, wordy, LIKE).alarms == []
    assert Simulation(seed, "latency_e2e", stratified=False).run(HALF_HOUR, wordy, LIKE).acted
    assert Simulation(seed, "latency_e2e").run(60, LIKE, LIKE).run(60, SLOW, LIKE).acted


def test_grouping_by_one_arms_length_would_blame_one_of_two_equals():
    """Why both answers' lengths choose the stratum: one arm's alone sorts that arm and not the other."""
    rng = np.random.default_rng(5)
    said = rng.normal(log(200.0), 0.5, 40_000)
    x, y = np.exp(said + rng.normal(0.0, 0.4, (2, 40_000)))

    def excess(group):
        """Mean of X - Y in standard errors, over thresholds at the pooled 90th percentile of each group."""
        diff = np.zeros(len(x))
        for name in np.unique(group):
            here = group == name
            edge = np.quantile(np.concatenate([x[here], y[here]]), 0.9)
            diff[here] = (x[here] >= edge).astype(float) - (y[here] >= edge)
        return diff

    def bucket(tokens):
        return np.digitize(tokens, [64, 256, 1_024])

    one_arms, both = excess(bucket(y)), excess(bucket(np.maximum(x, y)))
    short = bucket(y) <= 1
    assert one_arms[short].mean() > 10 * one_arms[short].std() / short.sum() ** 0.5
    assert abs(both.mean()) < 3 * both.std() / len(both) ** 0.5
    assert abs(one_arms.mean()) > 5 * one_arms.std() / len(one_arms) ** 0.5
