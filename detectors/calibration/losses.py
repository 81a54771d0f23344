"""What lost legs cost: the delay where each leg is lost with some chance and counts against the claim of harm."""

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from detectors.calibration.delays import ARL_TICKS, Effect, alarm_ticks
from detectors.calibration.streams import Streams
from detectors.calibration.traffic import lose, pairs
from detectors.stats.stream import StreamConfig

__all__ = ["LOSSES", "delay_with_losses"]

LOSSES = (0.0, 0.001, 0.01, 0.05)
"""Chance that a leg is lost, whichever its answer."""


def delay_with_losses(
    rng: Generator, effect: Effect, lost: float, *, runs: int, longest: int, complete: bool = False
) -> float:
    """Return the median ticks from the change to the alarm; ``inf`` if half the streams see none in ``longest`` ticks.

    Args:
        rng: Source of chance.
        effect: What changes.
        lost: Chance that a leg is lost.
        runs: Streams.
        longest: Ticks simulated.
        complete: Count complete pairs alone, as a page may.
    """
    streams = Streams(StreamConfig(effect.margin, levels=1, threshold=ARL_TICKS), runs)

    def ticks() -> Iterator[NDArray[np.int64]]:
        for _ in range(longest):
            cells = pairs(rng, runs, effect.candidate, effect.baseline)
            yield lose(rng, cells, (lost, lost), (lost, lost))[complete]

    found = alarm_ticks(streams, ticks())
    return float(np.sort(found)[len(found) // 2])
