"""Simulated traffic of bits: tables of pairs and of two samples, drift, bursts, lost legs."""

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

__all__ = ["PAIRS", "bursts", "common_bursts", "drift", "lose", "pairs", "samples", "table"]

PAIRS = 100
"""Pairs in a tick: a million pairs are 10,000 ticks."""
_BLOCK, _BURST_SHARE = 20, 0.1
SHARED = 0.5
"""Of the rarer arm's failures, the share in which both arms fail: a hard prompt is hard for both."""


def table(candidate: ArrayLike, baseline: ArrayLike, shared: float = SHARED) -> NDArray[np.float64]:
    """Return the probabilities of n11, n10, n01, n00, shape (..., 4), for bad rates of shape (...)."""
    v, b = np.asarray(candidate, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    both = shared * np.minimum(v, b)
    return np.stack([both, v - both, b - both, 1.0 - v - b + both], axis=-1)


def pairs(
    rng: Generator, streams: int, candidate: ArrayLike, baseline: ArrayLike, *, n: int = PAIRS, shared: float = SHARED
) -> NDArray[np.int64]:
    """Draw one tick of ``n`` pairs, shape (streams, 1, 4); rates are one for all streams or one for each."""
    return rng.multinomial(n, table(candidate, baseline, shared), size=streams)[:, None]


def samples(
    rng: Generator, streams: int, sizes: tuple[int, int], candidate: float, baseline: float
) -> NDArray[np.int64]:
    """Draw one tick of two samples: cells n_v, x_v, n_b, x_b, shape (streams, 1, 4)."""
    n_v, n_b = (np.full(streams, size) for size in sizes)
    return np.stack([n_v, rng.binomial(n_v, candidate), n_b, rng.binomial(n_b, baseline)], axis=-1)[:, None]


def lose(
    rng: Generator, cells: NDArray[np.int64], candidate: tuple[float, float], baseline: tuple[float, float]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lose legs and return the cells scored against the claim of harm, and those of complete pairs alone.

    Args:
        rng: Source of chance.
        cells: Shape (..., 4): n11, n10, n01, n00 had nothing been lost.
        candidate: Chance that a bad, and that a good leg of the candidate is lost. It then counts as good.
        baseline: The same of the baseline, whose lost leg counts as bad.
    """
    scored, complete = np.zeros_like(cells), np.zeros_like(cells)
    for cell in range(4):
        bad_v, bad_b = cell in {0, 1}, cell in {0, 2}
        lost_v, lost_b = candidate[not bad_v], baseline[not bad_b]
        fates = [(1 - lost_v) * (1 - lost_b), lost_v * (1 - lost_b), (1 - lost_v) * lost_b, lost_v * lost_b]
        kept, no_v, no_b, neither = np.moveaxis(rng.multinomial(cells[..., cell], fates), -1, 0)
        complete[..., cell] += kept
        scored[..., cell] += kept
        scored[..., 2 if bad_b else 3] += no_v
        scored[..., 0 if bad_v else 2] += no_b
        # With neither leg there is no pair to see.
        del neither
    return scored, complete


def drift(ticks: int, rate: float) -> NDArray[np.float64]:
    """Return a baseline's rate per tick: a wave of 80 % and a step to the double at half time."""
    at = np.arange(ticks)
    return np.asarray(rate * (1.0 + 0.8 * np.sin(at / 40.0)) * np.where(at > ticks / 2, 2.0, 1.0))


def common_bursts(rng: Generator, ticks: int, rate: float) -> NDArray[np.float64]:
    """Return a rate per tick that is tenfold in a tenth of the blocks of 20 ticks."""
    high = rng.random(ticks // _BLOCK + 1) < _BURST_SHARE
    return np.asarray(np.where(np.repeat(high, _BLOCK)[:ticks], 10.0 * rate, rate))


def bursts(
    rng: Generator, ticks: int, *, length: NDArray[np.int64], share: NDArray[np.float64], burst: NDArray[np.float64]
) -> Iterator[NDArray[np.float64]]:
    """Yield the rates of one arm per tick, shape (streams,): 1 %, and ``burst`` in a ``share`` of blocks.

    Args:
        rng: Source of chance.
        ticks: How many.
        length: Ticks of a stream's blocks; where the first ends is random.
        share: Share of blocks with a burst.
        burst: Rate in a burst.
    """
    left, high = rng.integers(1, length + 1), rng.random(len(length)) < share
    for _ in range(ticks):
        yield np.where(high, burst, 0.01)
        left = left - 1
        ended = left == 0
        if ended.any():
            high = np.where(ended, rng.random(len(length)) < share, high)
            left = np.where(ended, length, left)
