"""Autocorrelation of many streams at once: ``inflation.observe`` in arrays."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from detectors.stats import inflation

__all__ = ["Inflations"]


class Inflations:
    """The phi of every stream and level; all streams are of the same age. ``phi`` has the shape given."""

    def __init__(self, shape: tuple[int, ...], initial_phi: float) -> None:
        self.phi = np.full(shape, initial_phi)
        self._age = 0
        self._sums = np.zeros((2, *shape))
        """Of contrast and weight."""
        self._open = np.zeros((inflation.SCALES, 3, *shape))
        self._moments = np.zeros((inflation.SCALES, 4, *shape))
        """Per block length: of d d, d n, n n and v."""
        self._blocks = np.zeros(inflation.SCALES)
        self._keep = [0.5 ** (2.0**j / inflation.HALF_LIFE_TICKS) for j in range(inflation.SCALES)]
        self._pending: deque[tuple[int, NDArray[np.float64]]] = deque()
        self._due = np.full(shape, np.nan)
        """Estimates whose lag is over, where a hold still keeps them out."""

    def observe(self, contrasts: NDArray[np.float64], *, hold: NDArray[np.bool_]) -> bool:
        """Fold one tick and return whether a phi changed.

        Args:
            contrasts: Shape (..., 3): contrast, weight and variance.
            hold: Shape (...): where phi neither is estimated nor changes.
        """
        self._age += 1
        block = np.moveaxis(contrasts, -1, 0)
        self._sums = self._keep[0] * self._sums + block[:2]
        self._fill(block)
        return self._settle(hold)

    def _fill(self, block: NDArray[np.float64]) -> None:
        for j, keep in enumerate(self._keep):
            d, n, v = block
            self._moments[j] = keep * self._moments[j] + np.stack([d * d, d * n, n * n, v])
            self._blocks[j] = keep * self._blocks[j] + 1.0
            self._open[j] = 0.0
            if j + 1 == inflation.SCALES:
                return
            block = self._open[j + 1] + block
            if self._age % 2 ** (j + 1):
                self._open[j + 1] = block
                return

    def _estimate(self) -> NDArray[np.float64]:
        """Return the present estimates, NaN where no block length has enough blocks."""
        sum_d, sum_n = self._sums
        mu = np.divide(sum_d, sum_n, out=np.zeros_like(sum_d), where=sum_n != 0.0)
        found = np.full(self.phi.shape, np.nan)
        for (dd, dn, nn, v), blocks in zip(self._moments, self._blocks, strict=True):
            if blocks < inflation.MIN_BLOCKS:
                continue
            spread = dd - 2.0 * mu * dn + mu * mu * nn
            ratio = np.divide(spread, v, out=np.full_like(v, np.nan), where=v > 0.0)
            found = np.fmax(found, ratio * (1.0 + inflation.COEFFICIENT * np.sqrt(2.0 / blocks)))
        return np.where(np.isnan(found), np.nan, np.maximum(found, 1.0))

    def _settle(self, hold: NDArray[np.bool_]) -> bool:
        if self._age % inflation.RECOMPUTE_TICKS == 0:
            found = np.where(hold, np.nan, self._estimate())
            self._pending.append((self._age + inflation.APPLY_LAG_TICKS, found))
        while self._pending and self._pending[0][0] <= self._age:
            found = self._pending.popleft()[1]
            self._due = np.where(np.isnan(found), self._due, found)
        apply = ~np.isnan(self._due) & ~hold
        if not apply.any():
            return False
        self.phi = np.where(apply, self._due, self.phi)
        self._due = np.where(apply, np.nan, self._due)
        return True
