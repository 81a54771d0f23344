"""False alarms: how many streams alarm at all, and how often, where the truth lies within the margin."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from detectors.calibration.bounds import Share
from detectors.calibration.streams import Streams
from detectors.calibration.truths import PROMISE, Ticks, Truth
from detectors.stats.stream import StreamConfig

__all__ = ["FalseAlarms", "false_alarms", "watch"]

_AT_ONCE = 2_000
_AT_ONCE_LEVELS = 250
"""Streams simulated together; events need more room than counts and should stay in the cache."""


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """What one truth gave."""

    share: Share
    """Of streams with an alarm."""
    mean: float
    """Alarms per stream over the horizon."""
    limit: float
    """Promised share."""
    phi: float
    """Median inflation at the end."""

    @property
    def kept(self) -> bool:
        """Whether the share is within the promise."""
        return self.share.value <= self.limit

    @property
    def proved(self) -> bool:
        """Whether its upper bound is, too."""
        return self.share.high <= self.limit


def watch(streams: Streams, ticks: Ticks, burn_in: int = 0) -> NDArray[np.int64]:
    """Fold all ticks and return each stream's number of alarms after ``burn_in`` ticks, shape (streams,)."""
    alarms = np.zeros(streams.count, dtype=np.int64)
    for tick, cells in enumerate(ticks):
        alarm = streams.fold(cells)
        if tick >= burn_in:
            alarms += alarm
    return alarms


def false_alarms(
    rng: Generator, truth: Truth, *, streams: int, ticks: int, say: Callable[[str], None] = lambda _: None
) -> FalseAlarms:
    """Simulate ``streams`` streams over ``ticks`` ticks, looked at every tick, with threshold ticks / ``PROMISE``.

    The detector is the one that ships: cap of 3 nats, its bets and prior. phi is 1 unless the truth learns it.
    """
    config = StreamConfig(truth.margin, levels=truth.levels, threshold=ticks / PROMISE, design=truth.design)
    family = truth.siblings or 1
    at_once = max(1, min(streams, _AT_ONCE if truth.levels == 1 else _AT_ONCE_LEVELS) // family) * family
    alarms: list[NDArray[np.int64]] = []
    phis: list[float] = []
    while len(alarms) * at_once < streams:
        say(f"{truth.title}: {len(alarms) * at_once} of {streams} streams")
        detectors = Streams(config, at_once, learns=truth.learns, siblings=truth.siblings)
        alarms.append(watch(detectors, truth.draw(rng, at_once, truth.burn_in + ticks), truth.burn_in))
        phis.append(float(np.median(detectors.phi)))
    counts = np.concatenate(alarms)
    return FalseAlarms(
        share=Share(int((counts > 0).sum()), len(counts)),
        mean=float(counts.mean()),
        limit=PROMISE * truth.allowed,
        phi=float(np.median(phis)),
    )
