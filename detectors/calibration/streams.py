"""Many streams folded at once: ``stream.fold`` in arrays, which makes millions of ticks a matter of seconds."""

import numpy as np
from numpy.typing import NDArray

from detectors.calibration.inflations import Inflations
from detectors.stats import baseline_rate
from detectors.stats.designs import DESIGNS
from detectors.stats.stream import DROP_COARSE_ABOVE, StreamConfig

__all__ = ["Streams"]

_LARGEST_GAIN = 600.0
"""Nats: exp of it is finite, and any one such tick alarms."""


class Streams:
    """The detectors of ``count`` independent streams with one configuration; property-tested equal to ``stream.fold``.

    R is kept as a number, not as its logarithm: it is reset before it can overflow, and a sum is many times faster than
    its logarithm.

    Args:
        config: What each stream tests.
        count: Streams.
        learns: Whether phi is learned; otherwise ``config.initial_phi`` holds throughout.
        siblings: Streams in a row that form a family, whose median phi is the floor of each; 0 for none.
    """

    def __init__(self, config: StreamConfig, count: int, *, learns: bool = False, siblings: int = 0) -> None:
        if siblings and count % siblings:
            raise ValueError(f"count must be a multiple of siblings ({siblings}), got {count!r}")
        self.config, self.count = config, count
        self._bets, self._siblings = DESIGNS[config.design], siblings
        size = config.levels * self._bets.size
        self._r = np.zeros((count, size))
        self._run, self._start = np.zeros((count, size)), np.zeros((count, size), dtype=np.int64)
        self._weights = np.tile(self._bets.weights, config.levels) / config.levels
        self._coarse = np.tile(self._bets.coarse, config.levels)
        self._inflations = Inflations((count, config.levels), config.initial_phi) if learns else None
        self._bad, self._n = np.zeros((count, config.levels)), np.zeros((count, config.levels))
        self._tick = -1
        self.statistic = np.zeros(count)
        """The mixture ``sum w R`` of the last tick, before a reset."""
        self._temper()

    @property
    def own_phi(self) -> NDArray[np.float64]:
        """What each stream learned by itself, shape (count, levels)."""
        if self._inflations is not None:
            return self._inflations.phi
        return np.full((self.count, self.config.levels), self.config.initial_phi)

    @property
    def phi(self) -> NDArray[np.float64]:
        """The inflation in force per stream and level, with the siblings' floor, shape (count, levels)."""
        own: NDArray[np.float64] = self.own_phi
        if not self._siblings:
            return own
        floor = np.median(own.max(axis=1).reshape(-1, self._siblings), axis=1)
        return np.asarray(np.maximum(own, np.repeat(np.maximum(1.0, floor), self._siblings)[:, None]))

    def fold(self, cells: NDArray[np.generic]) -> NDArray[np.bool_]:
        """Fold one tick's cells, shape (count, levels, 4), and return which streams alarm; those start again."""
        self._tick += 1
        flat = np.asarray(cells, dtype=np.float64).reshape(-1, 4)
        gain = self._bets.log_increments(flat, self.config.margin, self._expected())
        gain = gain.reshape(self.count, -1)
        if self._tempered:
            gain = gain / self._phis
        gain = np.minimum(gain, min(self.config.cap, _LARGEST_GAIN))
        self._r = (1.0 + self._r) * np.exp(gain)
        if self._tempered:
            self._r[self._left_out] = 0.0
        self.statistic = self._r @ self._weights
        self._follow(gain)
        if self._bets.needs_rate:
            self._remember(flat)
        if self._inflations is not None:
            self._learn(cells)
        alarm = (self.statistic >= self.config.threshold) & (self._run.max(axis=1) > 0.0)
        if alarm.any():
            self._r[alarm] = 0.0
        return np.asarray(alarm)

    def onsets(self) -> NDArray[np.int64]:
        """Return the present estimate of each stream's onset, as a number of ticks folded before; -1 without one."""
        leading = self._run.argmax(axis=1)[:, None]
        start = np.take_along_axis(self._start, leading, axis=1)[:, 0]
        return np.where(np.take_along_axis(self._run, leading, axis=1)[:, 0] > 0.0, start, -1)

    def _expected(self) -> NDArray[np.float64]:
        rate = (self._bad + baseline_rate.PRIOR_BAD) / (self._n + baseline_rate.PRIOR_N)
        return np.clip(rate, baseline_rate.LOWEST, baseline_rate.HIGHEST).ravel()

    def _remember(self, flat: NDArray[np.float64]) -> None:
        shape = (self.count, self.config.levels)
        self._bad = baseline_rate.KEEP * self._bad + flat[:, 3].reshape(shape)
        self._n = baseline_rate.KEEP * self._n + flat[:, 2].reshape(shape)

    def _follow(self, gain: NDArray[np.float64]) -> None:
        """Carry the runs that tell the onset."""
        self._start[self._run <= 0.0] = self._tick
        self._run = np.maximum(self._run + gain, 0.0)

    def _learn(self, cells: NDArray[np.generic]) -> None:
        if self._inflations is None:
            return
        held = self.statistic > np.sqrt(self.config.threshold)
        hold = np.broadcast_to(held[:, None], (self.count, self.config.levels))
        if self._inflations.observe(self._bets.contrast(cells), hold=hold):
            self._temper()

    def _temper(self) -> None:
        self._phis = np.repeat(self.phi, self._bets.size, axis=1)
        self._tempered = bool((self._phis > 1.0).any())
        self._left_out = self._coarse & (self._phis > DROP_COARSE_ABOVE)
