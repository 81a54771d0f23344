"""What others do, on the same streams: a statistic of the last five minutes, looked at every minute."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

__all__ = ["LOOK_TICKS", "WINDOW_TICKS", "BitRivals", "Rivals"]

LOOK_TICKS = 6
WINDOW_TICKS = 30
_EMPTY = 1e-12
_WORTH_A_LOOK = 1.5
_SMALLEST_P = 1e-300
_CONFIDENCE_SHARE = 0.05
_BASE, _POWER, _ZETA = 2.0, 1.4, 3.105
"""Of the stitched boundary: growth of its epochs, their weights' power, and the zeta function of that power."""
_RANGE = 2.0
"""Of the difference of two bits."""


class Rivals(Protocol):
    """Methods that watch the same streams."""

    thresholds: dict[str, float]
    """Statistic at and above which each method alarms as people set it."""

    def look(self, seen: NDArray[np.generic]) -> dict[str, NDArray[np.float64]] | None:
        """Take one tick and return each method's statistic per stream, or None between looks."""


class BitRivals:
    """Rivals of the paired test of bits; each takes one tick's cells n11, n10, n01, n00, shape (streams, 1, 4).

    ``threshold``: the difference of the rates in the window; alarms half a point above the margin. ``z``: the
    difference's z statistic against the margin, 3.09 (one-sided 0.001). ``fisher``: minus the decimal logarithm of
    Fisher's exact one-sided p, 3; it tests equality. ``confseq``: the lower bound of an empirical-Bernstein confidence
    sequence (95 %, Howard, Ramdas, McAuliffe and Sekhon 2021, Ann. Stat. 49:1055, theorem 4) for the mean difference
    since the start, against the margin.
    """

    def __init__(self, streams: int, margin: float) -> None:
        self.thresholds = {"threshold": margin + 0.005, "z": 3.09, "fisher": 3.0, "confseq": margin}
        self._margin = margin
        self._ring = np.zeros((WINDOW_TICKS, streams, 4))
        self._tick = 0
        self._sum, self._n, self._variance = np.zeros(streams), np.zeros(streams), np.zeros(streams)

    def look(self, seen: NDArray[np.generic]) -> dict[str, NDArray[np.float64]] | None:
        """Take one tick and return the statistics where a minute is over and the window is full."""
        cells = np.asarray(seen, dtype=np.float64)[:, 0]
        self._ring[self._tick % WINDOW_TICKS] = cells
        self._tick += 1
        self._gather(cells)
        if self._tick % LOOK_TICKS or self._tick < WINDOW_TICKS:
            return None
        n11, n10, n01, n00 = self._ring.sum(axis=0).T
        n, x, y = n11 + n10 + n01 + n00, n11 + n10, n11 + n01
        p, q = x / n, y / n
        spread = np.sqrt((p * (1 - p) + q * (1 - q)) / n)
        return {
            "threshold": p - q,
            "z": (p - q - self._margin) / np.maximum(spread, _EMPTY) * (spread > 0),
            "fisher": _fisher(x, y, n, (p - q) / np.maximum(spread, _EMPTY)),
            "confseq": self._lower(),
        }

    def _gather(self, cells: NDArray[np.float64]) -> None:
        """Carry the sum of differences and the squares around the mean known before the tick."""
        mean = self._sum / np.maximum(self._n, 1.0)
        n = cells.sum(axis=1)
        self._variance += (
            cells[:, 1] * (1 - mean) ** 2 + cells[:, 2] * (1 + mean) ** 2 + (cells[:, 0] + cells[:, 3]) * mean**2
        )
        self._sum += cells[:, 1] - cells[:, 2]
        self._n += n

    def _lower(self) -> NDArray[np.float64]:
        v = np.maximum(self._variance, 1.0)
        log_log = _POWER * np.log(np.log(_BASE * v)) + np.log(_ZETA / (_CONFIDENCE_SHARE * np.log(_BASE) ** _POWER))
        k1, k2 = (_BASE**0.25 + _BASE**-0.25) / np.sqrt(2.0), (np.sqrt(_BASE) + 1.0) / 2.0
        slack = np.sqrt(k1**2 * v * log_log + (k2 * _RANGE * log_log) ** 2) + k2 * _RANGE * log_log
        return np.asarray((self._sum - slack) / self._n)


def _fisher(
    x: NDArray[np.float64], y: NDArray[np.float64], n: NDArray[np.float64], z: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return minus the logarithm of Fisher's p; 0 where z says that nobody would look, which saves most of the work."""
    found = np.zeros(len(x))
    near = z > _WORTH_A_LOOK
    tail = hypergeom.sf(x[near] - 1, 2 * n[near], (x + y)[near], n[near])
    found[near] = -np.log10(np.maximum(tail, _SMALLEST_P))
    return found
