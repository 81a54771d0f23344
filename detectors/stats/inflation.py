"""Autocorrelation: how much larger the long-run variance of the arms' contrast is than independent answers explain."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "APPLY_LAG_TICKS",
    "RECOMPUTE_TICKS",
    "SCALES",
    "InflationState",
    "Inflations",
    "Scale",
    "combined",
    "estimate",
    "slots",
]

SCALES = 8
"""Block lengths 2^0 .. 2^7 ticks."""
HALF_LIFE_TICKS = 20_000
COEFFICIENT = 1.0
"""Standard errors that are added to a ratio."""
TOGETHER, ALONE = 2.0, 2.7
"""Standard errors above 1 at which the block lengths together, or one of them alone, count as inflated."""
MIN_BLOCKS = 15.0
"""Counted after forgetting."""
RECOMPUTE_TICKS = 1_000
APPLY_LAG_TICKS = 2_000
NEVER: Final = int(np.iinfo(np.int64).max)
"""The age at which nothing is due."""
_KEEP = tuple(0.5 ** (2.0**j / HALF_LIFE_TICKS) for j in range(SCALES))


@dataclass(frozen=True, slots=True)
class Scale:
    """Exponentially forgotten block moments at one block length, and the block being filled."""

    open_d: float = 0.0
    open_n: float = 0.0
    open_v: float = 0.0
    sum_dd: float = 0.0
    sum_dn: float = 0.0
    sum_nn: float = 0.0
    sum_v: float = 0.0
    blocks: float = 0.0


@dataclass(frozen=True, slots=True)
class InflationState:
    """What is remembered of one stream and level: constant size, plain numbers. ``phi`` is the one in force."""

    phi: float = 1.0
    age: int = 0
    """Ticks seen."""
    sum_d: float = 0.0
    sum_n: float = 0.0
    scales: tuple[Scale, ...] = field(default=(Scale(),) * SCALES)
    pending: tuple[tuple[int, float], ...] = ()
    """Estimates waiting for their lag: (age at which to apply, phi)."""


@dataclass(slots=True)
class Inflations:
    """``InflationState`` of many streams and levels ("lanes"); every array ends in (levels, streams)."""

    phi: NDArray[np.float64]
    age: NDArray[np.int64]
    sums: NDArray[np.float64]
    """Of contrast and weight, shape (2, ...)."""
    open: NDArray[np.float64]
    """Contrast, weight and variance of the blocks being filled, shape (SCALES, 3, ...)."""
    moments: NDArray[np.float64]
    """Per block length the sums of d d, d n, n n and v, shape (SCALES, 4, ...)."""
    blocks: NDArray[np.float64]
    """Shape (SCALES, ...)."""
    pending_at: NDArray[np.int64]
    """Ages at which estimates are due, ``NEVER`` in free slots, shape (slots, ...)."""
    pending_phi: NDArray[np.float64]
    renewed: bool = False
    """Whether the last tick changed a phi."""
    _alike: bool = field(init=False)
    """Whether all lanes are of one age, which they then stay: their blocks close together."""
    _oldest: int = field(init=False)
    _earliest: int = field(init=False)

    def __post_init__(self) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Look at ages and dues anew, after they were set from outside."""
        self._oldest = int(self.age.max(initial=0))
        self._alike = bool((self.age == self._oldest).all())
        self._earliest = int(self.pending_at.min(initial=NEVER))

    @classmethod
    def initial(cls, phi: NDArray[np.float64]) -> "Inflations":
        """Return the state before the first tick, for starting values of phi, shape (levels, streams)."""
        shape, waiting = phi.shape, slots()
        return cls(
            phi=phi.copy(),
            age=np.zeros(shape, dtype=np.int64),
            sums=np.zeros((2, *shape)),
            open=np.zeros((SCALES, 3, *shape)),
            moments=np.zeros((SCALES, 4, *shape)),
            blocks=np.zeros((SCALES, *shape)),
            pending_at=np.full((waiting, *shape), NEVER, dtype=np.int64),
            pending_phi=np.zeros((waiting, *shape)),
        )

    def observe(self, contrasts: NDArray[np.float64], *, hold: NDArray[np.bool_]) -> None:
        """Fold one tick.

        Sees bursts and queues private to one arm, at block lengths up to 2^7 ticks (21 minutes at 10 s); misses
        longer cycles and anything in its first few hours, for which ``phi`` keeps its starting value.

        Args:
            contrasts: Shape (3, levels, streams). How much worse the candidate did in the tick, D (for pairs
                n10 - n01); what D grows with when the arms' rates differ (for pairs their number); and the variance of
                D if answers were independent (for pairs n10 + n01): ``paired.contrast``, ``unpaired.contrast``.
            hold: Shape (streams,). True while the stream's statistic exceeds sqrt(A): then phi neither is
                re-estimated nor changes, so that a regression cannot inflate its own phi and hide. Moments are still
                gathered; leaving bursts out would bias phi downwards.

        A ``phi`` in force depends on ticks at least 2,000 old and so is fixed before the next tick.

        Guarantee: asymptotic only. Dividing log e-values by the long-run inflation restores the budget for sums
        that are nearly Gaussian; it is the one ingredient without a finite-sample proof. The caller adds the
        median phi of sibling streams as a floor, which removes most of the estimation error.
        """
        self.age += 1
        self._oldest += 1
        self.sums *= _KEEP[0]
        self.sums += contrasts[:2]
        if self._alike:
            self._fill_together(contrasts)
        else:
            self._fill_apart(contrasts.reshape(3, -1))
        self._settle(np.broadcast_to(~hold, self.phi.shape).ravel())

    def _fill_together(self, block: NDArray[np.float64]) -> None:
        """Close the shortest block and carry its sums upwards like a binary counter: two steps a tick."""
        for j, keep in enumerate(_KEEP):
            if j:
                self.open[j] += block
                if self._oldest % 2**j:
                    return
                block = self.open[j].copy()
                self.open[j] = 0.0
            d, n, v = block
            moments = self.moments[j]
            moments *= keep
            moments[0] += d * d
            moments[1] += d * n
            moments[2] += n * n
            moments[3] += v
            self.blocks[j] *= keep
            self.blocks[j] += 1.0

    def _fill_apart(self, block: NDArray[np.float64]) -> None:
        """The same where lanes are of different ages: only some close their longer blocks."""
        age = self.age.reshape(-1)
        lanes: slice | NDArray[np.int64] = slice(None)
        for j, keep in enumerate(_KEEP):
            if j:
                opened = self.open[j].reshape(3, -1)
                block = opened[:, lanes] + block
                closes = age[lanes] & (2**j - 1) == 0
                opened[:, lanes] = np.where(closes, 0.0, block)
                lanes = np.flatnonzero(closes) if isinstance(lanes, slice) else lanes[closes]
                block = block[:, closes]
                if not lanes.size:
                    return
            d, n, v = block
            moments, blocks = self.moments[j].reshape(4, -1), self.blocks[j].reshape(-1)
            moments[:, lanes] = keep * moments[:, lanes] + np.stack([d * d, d * n, n * n, v])
            blocks[lanes] = keep * blocks[lanes] + 1.0

    def _settle(self, free: NDArray[np.bool_]) -> None:
        """Apply what is due and estimate anew where it is time, in lanes that are not held."""
        self.renewed = False
        age = self.age.reshape(-1)
        if self._alike:
            again = free if self._oldest % RECOMPUTE_TICKS == 0 else None
        else:
            again = free & (age % RECOMPUTE_TICKS == 0)
        if self._earliest <= self._oldest:
            self._apply(age, free)
        if again is not None and again.any():
            self._estimate(age, np.flatnonzero(again))

    def _apply(self, age: NDArray[np.int64], free: NDArray[np.bool_]) -> None:
        at, waiting = self.pending_at.reshape(-1, age.size), self.pending_phi.reshape(-1, age.size)
        due = (at <= age) & free
        lanes = np.flatnonzero(due.any(axis=0))
        if lanes.size:
            mine = due[:, lanes]
            latest = np.where(mine, at[:, lanes], -1).argmax(axis=0)
            self.phi.reshape(-1)[lanes] = waiting[latest, lanes]
            at[:, lanes] = np.where(mine, NEVER, at[:, lanes])
            self._earliest = int(at.min(initial=NEVER))
            self.renewed = True

    def _estimate(self, age: NDArray[np.int64], lanes: NDArray[np.int64]) -> None:
        at, waiting = self.pending_at.reshape(-1, age.size), self.pending_phi.reshape(-1, age.size)
        found = estimate(self, lanes)
        lanes, found = lanes[~np.isnan(found)], found[~np.isnan(found)]
        slot = at[:, lanes].argmax(axis=0)  # a free one: the oldest estimate was due before this one is made
        at[slot, lanes] = age[lanes] + APPLY_LAG_TICKS
        waiting[slot, lanes] = found
        self._earliest = int(at.min(initial=NEVER))


def slots() -> int:
    """Return how many estimates may wait at once."""
    return APPLY_LAG_TICKS // RECOMPUTE_TICKS + 1


def combined(ratios: NDArray[np.float64], blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return phi, >= 1, from the raw variance ratios at some block lengths, each twice the one before.

    Formula: with ``slack_j = sqrt(2 / blocks_j)``, the standard error of a ratio of independent answers, and ``z_j =
    (ratio_j - 1) / slack_j``: phi is 1 unless ``sum z / sqrt(sum_ij 2^(-|i - j| / 2)) > 2`` (the correlation of nested
    blocks) or some ``z_j > 2.7``, and then the largest ``ratio_j (1 + slack_j)``. Lengths of fewer than 15 blocks
    (``MIN_BLOCKS``) are left out.

    Sees bursts that stand out from independent answers in one length or, faintly, in many. Gives up those that do
    not: with independent answers phi rises in 3 of 100 estimates, which costs 2 to 4 % of the delay (always taking the
    largest would cost a third), and ratios of 1.05 to 1.3 may go unseen until blocks have gathered for days. What they
    do to false alarms meanwhile is measured (docs/statistics.md, faint bursts).

    Args:
        ratios: Shape (J, ...): long-run variance over the variance of independent answers; 1 where nothing is known.
        blocks: Shape (J,) or (J, ...), blocks each rests on.

    Returns:
        Shape (...).

    >>> blocks = np.array([3000.0, 1500.0, 750.0])
    >>> combined(np.array([[1.01, 1.02], [1.03, 1.05], [1.04, 1.3]]), blocks).round(2).tolist()
    [1.0, 1.37]
    """
    counted = np.broadcast_to(blocks.reshape(*blocks.shape, *(1,) * (ratios.ndim - blocks.ndim)), ratios.shape)
    told = counted >= MIN_BLOCKS
    slack = np.sqrt(2.0 / np.maximum(counted, MIN_BLOCKS))
    z = np.where(told, (ratios - 1.0) / slack, 0.0)
    lengths = np.arange(len(ratios))
    alike = 2.0 ** (-0.5 * np.abs(lengths[:, None] - lengths))
    spread = np.sqrt((told * np.tensordot(alike, told, axes=1)).sum(axis=0))
    inflated = (z.sum(axis=0) > TOGETHER * spread) | (z.max(axis=0) > ALONE)
    largest = np.where(told, ratios * (1.0 + COEFFICIENT * slack), 1.0).max(axis=0)
    return np.asarray(np.where(inflated, np.maximum(largest, 1.0), 1.0))


def estimate(state: Inflations, lanes: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
    """Return the present estimates of phi of some lanes (all), >= 1, NaN while no block length has enough blocks.

    Formula: ``combined`` of ``ratio_j = sum (D - mu n)^2 / sum V`` over blocks of 2^j ticks, with D, n and V the
    block's contrast, weight and variance and mu the contrast's long-run mean per weight.
    """
    rows = slice(None) if lanes is None else lanes
    sum_d, sum_n = state.sums.reshape(2, -1)[:, rows]
    moments, blocks = state.moments.reshape(SCALES, 4, -1)[:, :, rows], state.blocks.reshape(SCALES, -1)[:, rows]
    mu = np.divide(sum_d, sum_n, out=np.zeros_like(sum_d), where=sum_n != 0.0)
    dd, dn, nn, v = moments.transpose(1, 0, 2)
    ratios = np.divide(dd - 2.0 * mu * dn + mu * mu * nn, v, out=np.ones_like(v), where=v > 0.0)
    known = ((blocks >= MIN_BLOCKS) & (v > 0.0)).any(axis=0)
    return np.where(known, combined(ratios, blocks), np.nan)
