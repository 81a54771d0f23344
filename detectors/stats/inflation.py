"""Autocorrelation: how much larger the long-run variance of the arms' contrast is than independent answers explain."""

from dataclasses import dataclass, field, replace
from math import sqrt

__all__ = ["APPLY_LAG_TICKS", "RECOMPUTE_TICKS", "SCALES", "InflationState", "Scale", "estimate", "observe"]

SCALES = 8
"""Block lengths 2^0 .. 2^7 ticks."""
HALF_LIFE_TICKS = 20_000
COEFFICIENT = 1.0
MIN_BLOCKS = 15.0
"""Counted after forgetting."""
RECOMPUTE_TICKS = 1_000
APPLY_LAG_TICKS = 2_000
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
    """What is remembered: constant size, plain numbers. ``phi`` is the one in force."""

    phi: float = 1.0
    age: int = 0
    """Ticks seen."""
    sum_d: float = 0.0
    sum_n: float = 0.0
    scales: tuple[Scale, ...] = field(default=(Scale(),) * SCALES)
    pending: tuple[tuple[int, float], ...] = ()
    """Estimates waiting for their lag: (age at which to apply, phi)."""


def _close(scale: Scale, keep: float, block: tuple[float, float, float]) -> Scale:
    d, n, v = block
    return Scale(
        sum_dd=keep * scale.sum_dd + d * d,
        sum_dn=keep * scale.sum_dn + d * n,
        sum_nn=keep * scale.sum_nn + n * n,
        sum_v=keep * scale.sum_v + v,
        blocks=keep * scale.blocks + 1.0,
    )


def _fill(scales: list[Scale], age: int, block: tuple[float, float, float]) -> None:
    """Close the shortest block and carry its sums upwards like a binary counter: two steps a tick."""
    for j in range(SCALES):
        scales[j] = _close(scales[j], _KEEP[j], block)
        if j + 1 == SCALES:
            return
        above = scales[j + 1]
        block = (above.open_d + block[0], above.open_n + block[1], above.open_v + block[2])
        if age % 2 ** (j + 1):
            scales[j + 1] = replace(above, open_d=block[0], open_n=block[1], open_v=block[2])
            return


def estimate(state: InflationState) -> float | None:
    """Return the present estimate of phi, >= 1, or None while no block length has enough blocks.

    Formula: ``phi_j = sum (D - mu n)^2 / sum V * (1 + sqrt(2 / blocks_j))`` over blocks of 2^j ticks, with D, n and V
    the block's contrast, weight and variance and mu the contrast's long-run mean per weight; the result is the largest
    phi_j.
    """
    mu = state.sum_d / state.sum_n if state.sum_n else 0.0
    phis = [
        (s.sum_dd - 2.0 * mu * s.sum_dn + mu * mu * s.sum_nn) / s.sum_v * (1.0 + COEFFICIENT * sqrt(2.0 / s.blocks))
        for s in state.scales
        if s.blocks >= MIN_BLOCKS and s.sum_v > 0.0
    ]
    return max(1.0, *phis) if phis else None


def observe(state: InflationState, contrast: float, weight: float, variance: float, *, hold: bool) -> InflationState:
    """Fold one tick and return the new state.

    Sees bursts and queues private to one arm, at block lengths up to 2^7 ticks (21 minutes at 10 s); misses
    longer cycles and anything in its first few hours, for which ``phi`` keeps its starting value.

    Args:
        state: The state before.
        contrast: How much worse the candidate did in the tick, D: for pairs n10 - n01 (``paired.contrast``,
            ``unpaired.contrast``).
        weight: What D grows with when the arms' rates differ: for pairs their number.
        variance: Of D if answers were independent: for pairs n10 + n01.
        hold: True while the stream's statistic exceeds sqrt(A): then phi neither is re-estimated nor
            changes, so that a regression cannot inflate its own phi and hide. Moments are still gathered;
            leaving bursts out would bias phi downwards.

    Returns:
        The new state. Its ``phi`` depends on ticks at least 2,000 old and so is fixed before the next tick.

    Guarantee: asymptotic only. Dividing log e-values by the long-run inflation restores the budget for sums
    that are nearly Gaussian; it is the one ingredient without a finite-sample proof. The caller adds the
    median phi of sibling streams as a floor, which removes most of the estimation error.
    """
    age = state.age + 1
    scales = list(state.scales)
    _fill(scales, age, (contrast, weight, variance))
    new = InflationState(
        phi=state.phi,
        age=age,
        sum_d=_KEEP[0] * state.sum_d + contrast,
        sum_n=_KEEP[0] * state.sum_n + weight,
        scales=tuple(scales),
        pending=state.pending,
    )
    return new if hold else _settle(new)


def _settle(state: InflationState) -> InflationState:
    due = [phi for at, phi in state.pending if at <= state.age]
    waiting = tuple(entry for entry in state.pending if entry[0] > state.age)
    if state.age % RECOMPUTE_TICKS == 0 and (found := estimate(state)) is not None:
        waiting += ((state.age + APPLY_LAG_TICKS, found),)
    if not due and len(waiting) == len(state.pending):
        return state
    return replace(state, phi=due[-1] if due else state.phi, pending=waiting)
