"""The detector and its rivals on the same streams: who alarms though all is well, and who is first when it is not."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from detectors.calibration import tails
from detectors.calibration.delays import ARL_TICKS, Effect, TailEffect
from detectors.calibration.rivals import BitRivals, Rivals
from detectors.calibration.rivals_tail import TailRivals
from detectors.calibration.streams import Streams
from detectors.calibration.traffic import drift, pairs
from detectors.stats.stream import StreamConfig
from detectors.types import Margin

__all__ = ["OURS", "Race", "bits", "race", "tail"]

OURS = "e-detector"
_TUNED_TO = 0.05
WARM = 600
"""Ticks before a change: windows are full and the confidence sequence has a past."""

_Ticks = Iterator[tuple[NDArray[np.int64], NDArray[np.generic]]]
"""What the detector folds, and what the rivals see."""


@dataclass(frozen=True, slots=True)
class Race:
    """What each method did over the ticks after the warm-up."""

    first: dict[str, NDArray[np.float64]]
    """Ticks to the first alarm per stream, ``inf`` where there was none."""
    peaks: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    """Each rival's largest statistic per stream."""

    def share(self, name: str) -> float:
        """The share of streams with an alarm."""
        return float(np.isfinite(self.first[name]).mean())

    def median(self, name: str) -> float:
        """Median ticks to the alarm, ``inf`` where most streams had none."""
        found = np.sort(self.first[name])
        return float(found[len(found) // 2])

    def tuned(self) -> dict[str, float]:
        """Return the thresholds that, known in hindsight, give 5 % of these streams an alarm."""
        return {
            f"{name}, tuned": float(np.nextafter(np.quantile(peak, 1.0 - _TUNED_TO, method="higher"), inf))
            for name, peak in self.peaks.items()
        }


def race(ticks: _Ticks, streams: Streams, rivals: Rivals, *, warm: int, tuned: dict[str, float] | None = None) -> Race:
    """Fold all ticks. Rivals have no state to reset: their first alarm after the warm-up counts."""
    thresholds = {**rivals.thresholds, **(tuned or {})}
    first = {name: np.full(streams.count, inf) for name in (OURS, *thresholds)}
    peaks = {name: np.full(streams.count, -inf) for name in rivals.thresholds}
    for tick, (cells, seen) in enumerate(ticks):
        alarm, after = streams.fold(cells), float(tick - warm + 1)
        statistics = rivals.look(seen)
        if tick < warm:
            continue
        _mark(first[OURS], alarm, after)
        for name, value in (statistics or {}).items():
            peaks[name] = np.maximum(peaks[name], value)
            for threshold in (name, f"{name}, tuned"):
                if threshold in thresholds:
                    _mark(first[threshold], value >= thresholds[threshold], after)
        if tuned is not None and all(np.isfinite(each).all() for each in first.values()):
            break
    return Race(first, peaks)


def _mark(first: NDArray[np.float64], alarm: NDArray[np.bool_], tick: float) -> None:
    first[alarm & np.isinf(first)] = tick


def bits(
    rng: Generator,
    effect: Effect,
    *,
    runs: int,
    ticks: int,
    drifts: bool = False,
    changed: bool = True,
    tuned: dict[str, float] | None = None,
) -> Race:
    """Race on pairs of bits.

    Args:
        rng: Source of chance.
        effect: Baseline's rate, candidate's rate and margin.
        runs: Streams.
        ticks: Ticks after the warm-up.
        drifts: Whether both arms drift; the candidate then keeps its distance to the baseline.
        changed: Whether the arms are equal during the warm-up; otherwise the distance is there from the start.
        tuned: Thresholds known in hindsight.
    """
    rates = drift(WARM + ticks, effect.baseline) if drifts else np.full(WARM + ticks, effect.baseline)
    gap = effect.candidate - effect.baseline

    def drawn() -> _Ticks:
        for tick, rate in enumerate(rates):
            cells = pairs(rng, runs, rate + gap * (tick >= WARM or not changed), rate)
            yield cells, cells

    streams = Streams(StreamConfig(effect.margin, levels=1, threshold=ARL_TICKS), runs)
    return race(drawn(), streams, BitRivals(runs, effect.margin.absolute), warm=WARM, tuned=tuned)


def tail(
    rng: Generator,
    effect: TailEffect,
    *,
    runs: int,
    ticks: int,
    changed: bool = True,
    tuned: dict[str, float] | None = None,
) -> Race:
    """Race on latencies under load drift; arguments as of ``bits``."""
    last: list[tails.Arms] = []

    def laws() -> Iterator[tails.TailLaw]:
        for tick in range(WARM + ticks):
            yield effect.law if tick >= WARM or not changed else tails.EQUAL

    def tapped() -> Iterator[tails.Arms]:
        for arms in tails.events(rng, runs, WARM + ticks, laws()):
            last[:] = [tails.binned(arms)]
            yield arms

    def drawn() -> _Ticks:
        for cells in tails.tail_cells(tapped(), runs, effect.relative):
            yield cells, np.stack([last[0].candidate, last[0].baseline])

    streams = Streams(StreamConfig(Margin(), levels=len(tails.LEVELS), threshold=ARL_TICKS), runs)
    return race(drawn(), streams, TailRivals(runs), warm=WARM, tuned=tuned)
