"""Detection delays of the detector that ships, beside the optimum that is told the effect."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from detectors.calibration import tails
from detectors.calibration.cusum import nearest_law, optimal_delay, paired_optimum, unpaired_optimum
from detectors.calibration.streams import Streams
from detectors.calibration.traffic import PAIRS, pairs, samples, table
from detectors.stats.stream import StreamConfig
from detectors.types import Design, Margin

__all__ = [
    "ARL_TICKS",
    "EFFECTS",
    "TAIL_EFFECTS",
    "UNPAIRED_EFFECTS",
    "Delay",
    "Effect",
    "TailEffect",
    "alarm_ticks",
    "delay",
    "level_optima",
    "optimum",
    "tail_delay",
    "tail_delay_of_events",
]

ARL_TICKS = 2e5
"""Threshold of the runs: a million pairs then hold at most 0.05 false alarms."""
_FINE_PAIRS = 25
_LONGEST = 20_000
"""Ticks after the change; every effect here is found long before."""

Draw = Callable[[Generator, int], NDArray[np.int64]]
"""One tick's cells for so many streams."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A change of the candidate's bad rate from ``baseline`` to ``candidate``."""

    baseline: float
    candidate: float
    margin: Margin
    sizes: tuple[int, int] | None = None
    """Answers a tick of two samples; None for pairs."""

    def draw(self, candidate: float) -> Draw:
        """Return what draws ticks at this rate of the candidate."""
        sizes = self.sizes
        if sizes is None:
            return lambda rng, streams: pairs(rng, streams, candidate, self.baseline)
        return lambda rng, streams: samples(rng, streams, sizes, candidate, self.baseline)


_MARGINS = (0.005, 0.0, 0.0025, 0.002, 0.01, 0.02, 0.005)
_RATES = ((0.01, 0.02), (0.01, 0.015), (0.01, 0.015), (0.002, 0.01), (0.05, 0.10), (0.05, 0.10), (0.01, 0.03))
EFFECTS = tuple(Effect(*rates, Margin(absolute=m)) for rates, m in zip(_RATES, _MARGINS, strict=True))
UNPAIRED_EFFECTS = tuple(
    Effect(*rates, Margin(absolute=m), sizes)
    for rates, m in (((0.05, 0.10), 0.02), ((0.01, 0.03), 0.005))
    for sizes in ((100, 100), (100, 20), (20, 100))
)


@dataclass(frozen=True, slots=True)
class Delay:
    """Ticks from the change to the alarm over the runs."""

    mean: float
    median: float
    error: float
    """Standard error of the mean."""


def alarm_ticks(streams: Streams, after: Iterator[NDArray[np.int64]]) -> NDArray[np.float64]:
    """Return each stream's ticks to its first alarm, ``inf`` where the ticks ended before."""
    found = np.full(streams.count, inf)
    for tick, cells in enumerate(after, 1):
        alarm = streams.fold(cells)
        found[alarm & np.isinf(found)] = tick
        if not np.isinf(found).any():
            break
    return found


def _summary(found: NDArray[np.float64]) -> Delay:
    return Delay(float(found.mean()), float(np.median(found)), float(found.std() / sqrt(len(found))))


def delay(
    rng: Generator,
    effect: Effect,
    *,
    runs: int,
    clean: int = 0,
    threshold: float = ARL_TICKS,
    cap: float = inf,
    learns: bool = False,
    phi: float = 1.0,
) -> Delay:
    """Simulate the change after ``clean`` ticks of equal arms.

    Args:
        rng: Source of chance.
        effect: What changes.
        runs: Streams.
        clean: Ticks before the change; what they remember stays.
        threshold: A, in ticks.
        cap: Nats a tick; the promise is for ``inf``, 3 ships.
        learns: Whether phi is learned, from its start at ``phi``.
        phi: Inflation that evidence is divided by.
    """
    design = Design.PAIRED if effect.sizes is None else Design.UNPAIRED
    config = StreamConfig(effect.margin, levels=1, threshold=threshold, cap=cap, initial_phi=phi, design=design)
    streams = Streams(config, runs, learns=learns)
    before, after = effect.draw(effect.baseline), effect.draw(effect.candidate)
    for _ in range(clean):
        streams.fold(before(rng, runs))
    return _summary(alarm_ticks(streams, (after(rng, runs) for _ in range(_LONGEST))))


def optimum(effect: Effect, arl_ticks: float = ARL_TICKS) -> float:
    """Return the optimum's mean delay in ticks."""
    if effect.sizes is not None:
        return unpaired_optimum(effect.sizes, effect.candidate, effect.baseline, effect.margin, arl_ticks)
    cells = table(effect.candidate, effect.baseline)
    return paired_optimum(cells, effect.margin, arl_ticks * PAIRS) / PAIRS


@dataclass(frozen=True, slots=True)
class TailEffect:
    """A change of the candidate's latency, with the relative margin it is tested against."""

    title: str
    law: tails.TailLaw
    relative: float


TAIL_EFFECTS: tuple[TailEffect, ...] = (
    TailEffect("everything x1.5, r 15 %", tails.slower(1.5), 0.15),
    TailEffect("slowest answers x1.5, r 15 %", tails.slower_tail(1.5), 0.15),
    TailEffect("everything x1.2, r 5 %", tails.slower(1.2), 0.05),
    TailEffect("slowest answers x1.2, r 5 %", tails.slower_tail(1.2), 0.05),
)


def _level_cells(law: NDArray[np.float64], level: int) -> NDArray[np.float64]:
    """Return n11, n10, n01, n00 of one level from the joint table of levels exceeded."""
    both = law[level + 1 :, level + 1 :].sum()
    x, y = law[level + 1 :].sum(), law[:, level + 1 :].sum()
    return np.array([both, x - both, y - both, 1.0 - x - y + both])


def level_optima(effect: TailEffect) -> list[float]:
    """Return the optimum's mean delay in ticks at each single level; ``inf`` where a level shows no excess."""
    law = tails.joint_table(effect.law, effect.relative)
    found = []
    for level in range(len(tails.LEVELS)):
        cells = _level_cells(law, level)
        tells = cells[1] > cells[2]
        null = nearest_law(cells, Margin())
        found.append(optimal_delay(cells, null, ARL_TICKS * PAIRS) / PAIRS if tells else inf)
    return found


def tail_delay(rng: Generator, effect: TailEffect, *, runs: int, levels: tuple[int, ...], phi: float = 1.0) -> Delay:
    """Simulate counts at thresholds that stay where they were before the change, for some of the levels; cap off.

    Ticks are of 25 pairs, at the same pairs between false alarms: effects this large end within a few ticks of 100,
    whose length would then decide. The delay is in ticks of 100 all the same.
    """
    law = tails.joint_table(effect.law, effect.relative)
    of_class = np.zeros((16, len(levels), 4), dtype=np.int64)
    for x in range(4):
        for y in range(4):
            for place, level in enumerate(levels):
                of_class[4 * x + y, place, (0 if y > level else 1) if x > level else (2 if y > level else 3)] = 1
    finer = PAIRS // _FINE_PAIRS
    config = StreamConfig(Margin(), levels=len(levels), threshold=ARL_TICKS * finer, cap=inf, initial_phi=phi)

    def ticks() -> Iterator[NDArray[np.int64]]:
        for _ in range(_LONGEST):
            yield np.tensordot(rng.multinomial(_FINE_PAIRS, law.ravel(), size=runs), of_class, axes=1)

    return _summary(alarm_ticks(Streams(config, runs), ticks()) / finer)


def tail_delay_of_events(
    rng: Generator, effect: TailEffect, *, runs: int, clean: int = 60, ticks: int = 1_500, cap: float = 3.0
) -> Delay:
    """Simulate events under load drift, with the thresholds that trail and the cap that ships; phi is 1."""

    def laws() -> Iterator[tails.TailLaw]:
        for tick in range(clean + ticks):
            yield tails.EQUAL if tick < clean else effect.law

    cells = tails.tail_cells(tails.events(rng, runs, clean + ticks, laws()), runs, effect.relative)
    streams = Streams(StreamConfig(Margin(), levels=len(tails.LEVELS), threshold=ARL_TICKS, cap=cap), runs)
    for _ in range(clean):
        streams.fold(next(cells))
    return _summary(np.minimum(alarm_ticks(streams, cells), float(ticks)))
