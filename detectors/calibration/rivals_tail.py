"""What others do about latency, on the same streams: equality tests, ratios of quantiles, hourly canary judgement."""

import numpy as np
from numpy.typing import NDArray

from detectors.calibration.rivals import LOOK_TICKS, WINDOW_TICKS
from detectors.calibration.tails import BINS
from detectors.stats.latency import GAMMA

__all__ = ["TailRivals"]

_MINUTES = WINDOW_TICKS // LOOK_TICKS
_HOUR = 60
_CANARY_Z = 2.326
_CANARY_TOLERANCE = 0.25


class TailRivals:
    """Rivals of the latency test; each takes the two arms' bins of one tick, shape (2, streams, pairs).

    ``ks``: the two-sample Kolmogorov-Smirnov statistic of five minutes, scaled; 1.95 (0.001). ``mann-whitney``: its z
    for "the candidate is slower", 3.09. ``p99``: the ratio of the arms' 99 % quantiles of five minutes, 1.25.
    ``canary``: hourly, as Kayenta judges: the 98 % Mann-Whitney interval of the difference of 60 per-minute 99 %
    quantiles lies above a quarter of the Hodges-Lehmann estimate (our re-implementation, of one metric); 0.
    """

    def __init__(self, streams: int) -> None:
        self.thresholds = {"ks": 1.95, "mann-whitney": 3.09, "p99": 1.25, "canary": 0.0}
        self._minutes = np.zeros((_MINUTES, 2, streams, BINS), dtype=np.int32)
        self._points = np.zeros((_HOUR, 2, streams))
        self._place = (np.arange(2 * streams) * BINS).reshape(2, streams, 1)
        self._tick = 0

    def look(self, seen: NDArray[np.generic]) -> dict[str, NDArray[np.float64]] | None:
        """Take one tick and return the statistics where a minute is over and the window is full."""
        shape = self._minutes.shape[1:]
        minute = self._tick // LOOK_TICKS
        current = self._minutes[minute % _MINUTES]
        if self._tick % LOOK_TICKS == 0:
            current[:] = 0
        current += (
            np.bincount((np.asarray(seen, dtype=np.int64) + self._place).ravel(), minlength=current.size)
            .reshape(shape)
            .astype(np.int32)
        )
        self._tick += 1
        if self._tick % LOOK_TICKS:
            return None
        self._points[minute % _HOUR] = GAMMA ** _p99(current)
        if minute + 1 < _MINUTES:
            return None
        window = self._minutes.sum(axis=0)
        slowest = _p99(window)
        statistics: dict[str, NDArray[np.float64]] = {
            "ks": _kolmogorov_smirnov(*window),
            "mann-whitney": _mann_whitney(*window),
            "p99": GAMMA ** (slowest[0] - slowest[1]),
        }
        statistics["canary"] = (
            _canary(*np.moveaxis(self._points, 0, -1)) if (minute + 1) % _HOUR == 0 else np.full(shape[1], -np.inf)
        )
        return statistics


def _p99(histogram: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the bin of the 99 % quantile over the last axis."""
    above = np.cumsum(histogram, axis=-1)
    return np.asarray((above < 0.99 * above[..., -1:]).sum(axis=-1), dtype=np.float64)


def _kolmogorov_smirnov(candidate: NDArray[np.int32], baseline: NDArray[np.int32]) -> NDArray[np.float64]:
    n, m = candidate.sum(axis=1), baseline.sum(axis=1)
    gap = np.cumsum(candidate, axis=1) / n[:, None] - np.cumsum(baseline, axis=1) / m[:, None]
    return np.asarray(np.abs(gap).max(axis=1) * np.sqrt(n * m / (n + m)))


def _mann_whitney(candidate: NDArray[np.int32], baseline: NDArray[np.int32]) -> NDArray[np.float64]:
    n, m = (each.sum(axis=1).astype(np.float64) for each in (candidate, baseline))
    below = np.cumsum(baseline, axis=1) - 0.5 * baseline
    together = (candidate + baseline).astype(np.float64)
    total = n + m
    ties = (together**3 - together).sum(axis=1) / (total * (total - 1.0))
    spread = np.sqrt(n * m / 12.0 * (total + 1.0 - ties))
    return np.asarray(((candidate * below).sum(axis=1) - n * m / 2.0) / spread)


def _canary(candidate: NDArray[np.float64], baseline: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far the interval's lower end lies above the tolerance, for points of shape (streams, 60)."""
    differences = np.sort((candidate[:, :, None] - baseline[:, None, :]).reshape(len(candidate), -1), axis=1)
    n = float(_HOUR)
    skip = int(n * n / 2.0 - _CANARY_Z * np.sqrt(n * n * (2.0 * n + 1.0) / 12.0))
    estimate = np.median(differences, axis=1)
    return np.where(estimate > 0.0, differences[:, skip] - _CANARY_TOLERANCE * estimate, -np.inf)
