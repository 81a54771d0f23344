"""Simulated latency, event by event: load that both arms share, hard prompts, a slow tail, and thresholds as shipped.

Latencies are whole steps of a sixteenth of a bin on the logarithmic scale, so that a law is a table of 65,536 entries
and exact chances are sums over it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import log

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.stats import norm

from detectors.calibration.traffic import PAIRS
from detectors.stats.latency import GAMMA, LEVELS, MINIMUM, margin_bins

__all__ = [
    "EQUAL",
    "LEVELS",
    "Arms",
    "TailLaw",
    "binned",
    "counted",
    "events",
    "joint_table",
    "slower",
    "slower_tail",
    "tail_cells",
]

STEPS = 16
"""Steps of a bin."""
BINS = 256
"""Bins of a histogram, the first and the last of which hold everything beyond."""
_LAW = 512 * STEPS
"""Steps of a law's table, which holds all values."""
_MIDDLE = 200 * STEPS
"""Index of 1 in it."""
_FIRST_BIN = 90
"""Of the histogram, in bins of the table."""
_ENTRIES = 65_536
_STEP = log(GAMMA) / STEPS
_PROMPT_SD, _OWN_SD = 0.35, 0.25
_SLOW_SHARE, _SLOW_MEAN = 0.03, 0.5
_WINDOW = 30
"""Ticks: five minutes."""
_PATIENCE = 0.97
"""Quantile beyond which clients begin to give up."""
_GIVES_UP = 0.5
_ROUNDING = 1e-9


def _steps(values: NDArray[np.float64]) -> NDArray[np.int16]:
    return np.asarray(np.round(values / _STEP), dtype=np.int16)


@lru_cache(maxsize=1)
def _prompt() -> NDArray[np.int16]:
    """Return what a prompt adds for both arms: equally likely entries of a log-normal law."""
    return _steps(_PROMPT_SD * norm.ppf((np.arange(_ENTRIES) + 0.5) / _ENTRIES))


@lru_cache(maxsize=1)
def _own() -> NDArray[np.int16]:
    """Return what an answer adds for itself: log-normal, and in 3 % an exponential slow-down."""
    slow = int(_SLOW_SHARE * _ENTRIES)
    base = _OWN_SD * norm.ppf((np.arange(_ENTRIES) * 0.618034 % 1.0 * (_ENTRIES - 1) + 0.5) / _ENTRIES)
    base[:slow] += -_SLOW_MEAN * np.log1p(-(np.arange(slow) + 0.5) / slow)
    return _steps(base)


@dataclass(frozen=True, slots=True)
class TailLaw:
    """How the candidate differs: ``factor`` on everything, or only on what lies beyond the 94 % quantile."""

    factor: float = 1.0
    tail_only: bool = False

    def __post_init__(self) -> None:
        if not self.factor >= 1.0:
            raise ValueError(f"factor must be >= 1, got {self.factor!r}")


EQUAL = TailLaw()
"""Arms alike."""


def slower(factor: float) -> TailLaw:
    """Return a candidate whose every latency is ``factor`` times the baseline's."""
    return TailLaw(factor)


def slower_tail(factor: float) -> TailLaw:
    """Return a candidate whose slowest answers are ``factor`` times slower, fully so beyond the 97.5 % quantile."""
    return TailLaw(factor, tail_only=True)


def _masses(table: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return the chance of each step from -_MIDDLE on, shape (_LAW,)."""
    return np.bincount(table.astype(np.int64) + _MIDDLE, minlength=_LAW) / _ENTRIES


@lru_cache(maxsize=1)
def _beyond() -> NDArray[np.float64]:
    """Return the chance that a baseline's latency, without load, is at least each step from -_MIDDLE on."""
    both = np.convolve(_masses(_prompt()), _masses(_own()))[_MIDDLE : _MIDDLE + _LAW]
    return np.cumsum(both[::-1])[::-1]


def _quantile(level: float) -> int:
    """Return the step of a baseline's quantile, without load."""
    return int(np.argmax(_beyond() <= 1.0 - level)) - _MIDDLE


@lru_cache(maxsize=32)
def _mapped(law: TailLaw) -> NDArray[np.int16]:
    """Return the candidate's latency for each latency the baseline would have, steps from -_MIDDLE on."""
    raw = np.arange(_LAW) - _MIDDLE
    delay = round(log(law.factor) / _STEP)
    if not law.tail_only:
        return np.asarray(raw + delay, dtype=np.int16)
    low, high = _quantile(0.94), _quantile(0.975)
    return np.asarray(raw + np.round(delay * np.clip((raw - low) / (high - low), 0.0, 1.0)), dtype=np.int16)


@dataclass(frozen=True, slots=True)
class Arms:
    """One tick's latencies in steps, each of shape (streams, PAIRS)."""

    candidate: NDArray[np.int16]
    baseline: NDArray[np.int16]


def events(rng: Generator, streams: int, ticks: int, laws: Iterator[TailLaw], *, drifts: bool = True) -> Iterator[Arms]:
    """Yield ``ticks`` ticks; the load of a stream moves both arms by a wave of 40 % and noise that lasts minutes."""
    phase, noise = rng.uniform(0.0, 2.0 * np.pi, streams), np.zeros(streams)
    shape = (streams, PAIRS)
    for tick in range(ticks):
        noise = 0.96 * noise + 0.1 * np.sqrt(1.0 - 0.96**2) * rng.standard_normal(streams)
        load = np.log1p(0.4 * np.sin(tick / 500.0 + phase)) + noise if drifts else np.zeros(streams)
        prompt = np.take(_prompt(), rng.integers(0, _ENTRIES, shape, dtype=np.uint16))
        answers = (
            prompt + np.take(_own(), rng.integers(0, _ENTRIES, shape, dtype=np.uint16)) for _ in ("candidate", "other")
        )
        shift = _steps(load)[:, None]
        candidate = np.take(_mapped(next(laws)), next(answers) + np.int16(_MIDDLE))
        yield Arms(candidate + shift, next(answers) + shift)


class _Trail:
    """The pooled histogram of the five minutes before a tick, per stream, and the edges taken from it."""

    def __init__(self, streams: int, shift: int) -> None:
        self._streams, self._shift = streams, shift
        self._ring = np.zeros((_WINDOW, streams, BINS), dtype=np.int16)
        self._total = np.zeros((streams, BINS), dtype=np.int32)
        self._tick = 0

    def edges(self) -> NDArray[np.int16]:
        """Return the bin at or above each level's quantile, shape (levels, streams); beyond all where too few."""
        above = np.cumsum(self._total, axis=1, dtype=np.int32)
        n = above[:, -1]
        found = [(above >= level * n[:, None] - _ROUNDING).argmax(axis=1) + 1 for level in LEVELS]
        return np.where(n < MINIMUM, BINS, np.stack(found)).astype(np.int16)

    def add(self, bins: Arms, seen: NDArray[np.bool_] | None) -> None:
        offset = (np.arange(self._streams) * BINS)[:, None]
        shifted = np.maximum(bins.candidate - np.int16(self._shift), 0) + offset
        kept = shifted.ravel() if seen is None else shifted[seen]
        size = self._streams * BINS
        counts = np.bincount(kept, minlength=size) + np.bincount((bins.baseline + offset).ravel(), minlength=size)
        fresh, slot = counts.reshape(self._streams, BINS).astype(np.int16), self._tick % _WINDOW
        self._total += fresh - self._ring[slot]
        self._ring[slot] = fresh
        self._tick += 1


def binned(arms: Arms) -> Arms:
    """Return the histogram's bins: a shift, since a bin is a power of two of steps."""
    lowest = np.int16(_MIDDLE - _FIRST_BIN * STEPS)
    shift = np.int16(STEPS.bit_length() - 1)
    return Arms(*(np.clip((values + lowest) >> shift, 0, BINS - 1) for values in (arms.candidate, arms.baseline)))


def tail_cells(
    ticks: Iterator[Arms], streams: int, relative: float, rng: Generator | None = None
) -> Iterator[NDArray[np.int64]]:
    """Count exceedances over thresholds that trail, as the service does: cells per tick, shape (streams, 3, 4).

    Args:
        ticks: Latencies.
        streams: How many.
        relative: Tolerated slow-down.
        rng: Where given, clients abort half of the candidate's answers that are slower than the baseline's 97 %
            quantile without load; such a leg is missing, counts as not slow and is in no histogram.
    """
    shift = margin_bins(relative)
    trail = _Trail(streams, shift)
    for arms in ticks:
        bins, seen = binned(arms), None
        if rng is not None:
            gone = arms.candidate >= _quantile(_PATIENCE)
            seen = ~(gone & (rng.random(gone.shape) < _GIVES_UP))
        levels = []
        for edge in trail.edges():
            slow = bins.candidate >= (edge + shift)[:, None]
            slow = np.packbits(slow if seen is None else slow & seen, axis=1)
            late = np.packbits(bins.baseline >= edge[:, None], axis=1)
            both, x, y = (np.bitwise_count(each).sum(axis=1, dtype=np.int64) for each in (slow & late, slow, late))
            known = edge < BINS
            levels.append(np.stack([both, x - both, y - both, (PAIRS - x - y + both) * known], axis=-1))
        trail.add(bins, seen)
        yield np.stack(levels, axis=1)


def counted(
    rng: Generator, streams: int, ticks: int, *, law: TailLaw, relative: float, aborts: bool = False
) -> Iterator[NDArray[np.int64]]:
    """Yield cells per tick under one law of the candidate throughout."""

    def always() -> Iterator[TailLaw]:
        while True:
            yield law

    return tail_cells(events(rng, streams, ticks, always()), streams, relative, rng if aborts else None)


def joint_table(law: TailLaw, relative: float) -> NDArray[np.float64]:
    """Return the exact chance of (candidate's, baseline's) number of levels exceeded, shape (4, 4), without load.

    Thresholds are the edges taken from the pool while the arms are alike, as in the first ticks after a change.
    """
    shift = margin_bins(relative)
    down = np.roll(_beyond(), -shift * STEPS)
    down[-shift * STEPS or len(down) :] = 0.0
    pooled = 0.5 * (_beyond() + down)
    edges = [(int(np.argmax(pooled <= 1.0 - level)) // STEPS + 1) * STEPS - _MIDDLE for level in LEVELS]
    mapped = _mapped(law)
    needed = [int(np.argmax(mapped >= edge + shift * STEPS)) - _MIDDLE for edge in edges]
    own = np.cumsum(_masses(_own())[::-1])[::-1]
    prompts = np.arange(_LAW) - _MIDDLE

    def exceeds(step: int) -> NDArray[np.float64]:
        return own[np.clip(step - prompts + _MIDDLE, 0, len(own) - 1)]

    def classes(steps: list[int]) -> NDArray[np.float64]:
        least = np.stack([np.ones(len(prompts)), *map(exceeds, steps), np.zeros(len(prompts))])
        return least[:-1] - least[1:]

    return np.asarray((classes(needed) * _masses(_prompt())) @ classes(edges).T)
