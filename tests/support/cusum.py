"""The exact optimum that delays are compared with: Page's CUSUM between two known laws, solved numerically."""

import numpy as np
from scipy.sparse import csr_matrix, identity
from scipy.sparse.linalg import spsolve

__all__ = ["expected_run", "optimal_delay"]


def expected_run(cells, steps, height, size=3_000):
    """Mean events to alarm of a CUSUM from 0 (Brook and Evans 1972); steps are split between grid points."""
    width = height / size
    target = np.maximum(0.0, np.arange(size)[:, None] * width + steps) / width
    floor = np.floor(target).astype(int)
    rows = np.repeat(np.arange(size), len(steps))
    chain = csr_matrix((size, size))
    for column, share in ((floor, 1 - (target - floor)), (floor + 1, target - floor)):
        inside = column.ravel() < size
        entry = (share * cells).ravel()[inside], (rows[inside], column.ravel()[inside])
        chain += csr_matrix(entry, shape=(size, size))
    return float(spsolve((identity(size) - chain).tocsc(), np.ones(size))[0])


def optimal_delay(cells, null, arl, size=3_000, halvings=18):
    """Mean events from the change to the alarm of the CUSUM whose mean time between false alarms is ``arl`` events."""
    steps = np.log(cells / null)
    low, high = 1.0, np.log(arl)
    for _ in range(halvings):
        height = (low + high) / 2
        low, high = (height, high) if expected_run(null, steps, height, size) < arl else (low, height)
    return expected_run(cells, steps, high, size)
