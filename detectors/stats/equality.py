"""How different two latency distributions look: descriptions for people; they never trigger anything."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp

__all__ = ["MOST_EXACT", "anderson_darling", "kolmogorov_smirnov"]

MOST_EXACT = 1_000
"""Values per arm up to which the distribution of D is exact; beyond, asymptotic. Bounds the cost."""


def kolmogorov_smirnov(candidate: Sequence[float], baseline: Sequence[float]) -> tuple[float, float]:
    """Return Kolmogorov and Smirnov's D and its two-sided p-value. Descriptive: it never triggers anything.

    Sees any difference, also one that the margin tolerates: a candidate 5 % slower is rejected with probability 1 as
    the window grows. Is nearly blind to tails.

    Formula: ``D = max |F_v - F_b|`` over the empirical distributions. ``inf`` (a time-out) is the largest value.

    Guarantee: exact for one look at independent continuous values up to 1,000 an arm, conservative with ties; no
    statement about any margin.

    Raises:
        ValueError: an arm is empty or holds a value that is not a number.

    >>> d, p = kolmogorov_smirnov([1, 2, 3, 4, 9], [2.5, 6, 7, 8, 10])
    >>> round(d, 2), round(p, 3)
    (0.6, 0.357)

    References: Smirnov 1948, Ann. Math. Statist. 19:279.
    """
    v, b = _values("candidate", candidate), _values("baseline", baseline)
    found = ks_2samp(v, b, method="exact" if max(v.size, b.size) <= MOST_EXACT else "asymp")
    return float(found.statistic), float(found.pvalue)


def anderson_darling(candidate: Sequence[float], baseline: Sequence[float]) -> float:
    """Return Anderson and Darling's two-sample A^2 with midranks. Descriptive: it never triggers anything.

    Sees what D sees and more of the tails; the cautions of ``kolmogorov_smirnov`` hold. For equal distributions its
    mean is 1, and in large windows 5 % of the values exceed 2.49 and 1 % exceed 3.86.

    Formula: with N values in all, l_j of them equal to the j-th distinct value, B and M the midrank counts up to it in
    all and in one arm of n: ``A^2 = (N - 1) / N sum over arms 1/n sum over j (l_j / N) (N M - n B)^2 / (B (N - B) - N
    l_j / 4)``.

    Raises:
        ValueError: an arm is empty, holds a value that is not a number, or all values are equal.

    >>> round(anderson_darling([1, 2, 3, 4, 9], [2.5, 6, 7, 8, 10]), 3)
    1.264

    References: Scholz and Stephens 1987, K-sample Anderson-Darling tests (JASA 82:918), equation 7.
    """
    arms = [np.sort(_values("candidate", candidate)), np.sort(_values("baseline", baseline))]
    pooled = np.sort(np.concatenate(arms))
    distinct, ties = np.unique(pooled, return_counts=True)
    if distinct.size < 2:  # noqa: PLR2004  # equal values have no order
        raise ValueError("the values must not all be equal")
    n, up_to = pooled.size, _midcounts(pooled, distinct)
    spread = up_to * (n - up_to) - n * ties / 4.0
    terms = [(ties * (n * _midcounts(arm, distinct) - arm.size * up_to) ** 2 / spread).sum() / arm.size for arm in arms]
    return float(sum(terms) * (n - 1.0) / (n * n))


def _midcounts(values: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many values lie below each point, those at it counted half."""
    below, to = (np.searchsorted(values, points, side=side) for side in ("left", "right"))
    return np.asarray((below + to) / 2.0)


def _values(name: str, given: Sequence[float]) -> NDArray[np.float64]:
    values = np.asarray(given, dtype=np.float64)
    if values.size < 1 or bool(np.isnan(values).any()):
        raise ValueError(f"{name} must hold at least 1 value and no nan, got {values.size} values")
    return values
