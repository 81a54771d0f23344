"""The exact optimum that delays are compared with: Page's CUSUM between two known laws, solved numerically."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix, identity
from scipy.sparse.linalg import spsolve

from detectors.types import Margin

__all__ = ["expected_run", "nearest_law", "optimal_delay", "paired_optimum", "unpaired_optimum"]

_BETS = 4_000
_HIGHEST_RATE = 0.9


def expected_run(cells: ArrayLike, steps: ArrayLike, height: float, size: int = 3_000) -> float:
    """Return the mean number of events until a CUSUM from 0 reaches ``height`` nats.

    Formula: the statistic ``max(0, L) + step`` as a Markov chain on ``size`` states; a step that ends between two
    states is split between them so that its mean is kept (Brook and Evans 1972, Biometrika 59:539).

    Args:
        cells: Probability of each kind of event, shape (J,).
        steps: Its log likelihood ratio in nats, shape (J,).
        height: Alarm height in nats, > 0.
        size: States; the result's error falls with its square.
    """
    law, moves = np.asarray(cells, dtype=np.float64), np.asarray(steps, dtype=np.float64)
    width = height / size
    target = np.maximum(0.0, np.arange(size)[:, None] * width + moves) / width
    floor = np.floor(target).astype(int)
    rows = np.repeat(np.arange(size), len(moves))
    chain = csr_matrix((size, size))
    for column, share in ((floor, 1.0 - (target - floor)), (floor + 1, target - floor)):
        inside = column.ravel() < size
        entry = (share * law).ravel()[inside], (rows[inside], column.ravel()[inside])
        chain += csr_matrix(entry, shape=(size, size))
    return float(spsolve((identity(size) - chain).tocsc(), np.ones(size))[0])


def optimal_delay(cells: ArrayLike, null: ArrayLike, arl: float, size: int = 3_000, halvings: int = 18) -> float:
    """Return the mean events from a change to the alarm of the CUSUM whose mean time between false alarms is ``arl``.

    It is the exact minimax optimum for this pair of laws (Moustakides 1986, Ann. Stat. 14:1379), and it is told both.
    """
    steps = np.log(np.asarray(cells) / np.asarray(null))
    low, high = 1.0, float(np.log(arl))
    for _ in range(halvings):
        height = (low + high) / 2.0
        low, high = (height, high) if expected_run(null, steps, height, size) < arl else (low, height)
    return expected_run(cells, steps, high, size)


def nearest_law(cells: ArrayLike, margin: Margin) -> NDArray[np.float64]:
    """Return the law within the margin that is hardest to tell from ``cells`` (n11, n10, n01, n00), shape (4,).

    Formula: ``q / (1 + lam Z)`` with the bet lam that grows fastest under q (the dual of KLinf).
    """
    law = np.asarray(cells, dtype=np.float64)
    slack = margin.relative + margin.absolute
    scores = np.array([-slack, 1.0 - margin.absolute, -1.0 - slack, -margin.absolute])
    grid = np.linspace(1e-4, 0.999, _BETS) / (1.0 + slack)
    bet = grid[np.argmax(np.log1p(np.outer(grid, scores)) @ law)]
    null = law / (1.0 + bet * scores)
    return np.asarray(null / null.sum())


def paired_optimum(cells: ArrayLike, margin: Margin, arl_pairs: float) -> float:
    """Return the optimum's mean delay in pairs for pairs of law ``cells`` (n11, n10, n01, n00)."""
    law = np.asarray(cells, dtype=np.float64)
    null, told = nearest_law(law, margin), law > 0.0
    return optimal_delay(law[told], null[told], arl_pairs)


def unpaired_optimum(
    sizes: tuple[int, int], candidate: float, baseline: float, margin: Margin, arl_ticks: float
) -> float:
    """Return the optimum's mean delay in ticks of ``sizes`` answers (candidate, baseline) that come in random order."""
    share = sizes[0] / sum(sizes)

    def law(p_v: float, p_b: float) -> NDArray[np.float64]:
        return np.array([share * p_v, share * (1 - p_v), (1 - share) * p_b, (1 - share) * (1 - p_b)])

    cells = law(candidate, baseline)
    nearest = minimize_scalar(
        lambda t: float(cells @ np.log(cells / law((1 + margin.relative) * t + margin.absolute, t))),
        bounds=(1e-6, _HIGHEST_RATE - margin.absolute),
        method="bounded",
        options={"xatol": 1e-12},
    ).x
    null = law((1 + margin.relative) * nearest + margin.absolute, nearest)
    return optimal_delay(cells, null, arl_ticks * sum(sizes), size=2_000, halvings=14) / sum(sizes)
