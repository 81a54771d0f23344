"""Latency tails: log-bin histograms and exceedance over their edges, counted exactly."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from math import ceil, floor, inf, isnan, log, log1p

__all__ = [
    "GAMMA",
    "LEVELS",
    "LOWEST_BIN",
    "MINIMUM",
    "OVERFLOW_BIN",
    "Place",
    "bin_of",
    "edge",
    "exceedance",
    "histogram",
    "margin_bins",
    "merge",
    "place",
    "pool",
    "tail_thresholds",
]

GAMMA = 1.02
"""Ratio of neighbouring edges: bins are 2 % wide."""
LEVELS = (0.90, 0.95, 0.99)
MINIMUM = 2_000
LOWEST_BIN = -350
"""Below about a microsecond; holds zero and negative values too."""
OVERFLOW_BIN = 1_500
"""Beyond any real duration (10^12 ms); holds time-outs, which are ``inf``."""
Place = tuple[int, bool]
"""A reading's bin, and whether the reading is censored there."""
_LOG_GAMMA = log(GAMMA)
_ROUNDING = 1e-9


def edge(index: int) -> float:
    """Return the lower edge of a bin in milliseconds: ``1.02 ** index``, ``-inf`` and ``inf`` at the ends.

    >>> edge(0), round(edge(350), 1)
    (1.0, 1023.4)
    """
    if index <= LOWEST_BIN:
        return -inf
    if index >= OVERFLOW_BIN:
        return inf
    return float(GAMMA**index)


def bin_of(ms: float) -> int:
    """Return the bin whose edges enclose ``ms``: ``edge(bin) <= ms < edge(bin + 1)``, exactly.

    Raises:
        ValueError: ``ms`` is not a number.

    >>> bin_of(edge(217)), bin_of(float("inf")) == OVERFLOW_BIN
    (217, True)
    """
    if isnan(ms):
        raise ValueError(f"ms must be a number, got {ms!r}")
    if ms < edge(LOWEST_BIN + 1):
        return LOWEST_BIN
    if ms >= edge(OVERFLOW_BIN - 1):
        return OVERFLOW_BIN - 1 if ms < inf else OVERFLOW_BIN
    index = floor(log(ms) / _LOG_GAMMA)
    if ms < edge(index):  # the logarithm rounds; the edges decide
        return index - 1
    return index + 1 if ms >= edge(index + 1) else index


def place(reading: float) -> Place:
    """Return the bin of a reading in milliseconds, and whether it is censored there: below 0, the client left then.

    >>> place(-500.0) == (bin_of(500.0), True)
    True
    """
    return bin_of(abs(reading)), reading < 0.0


def exceedance(found: Place, edge_bin: int) -> bool | None:
    """Return whether a placed reading reaches ``edge(edge_bin)``, decided by bin index, or None where that is unknown.

    A time-out reaches every edge. What is censored reaches those that it had passed; whether it would have reached a
    later one nobody knows.

    >>> exceedance(place(500.0), bin_of(400.0)), exceedance(place(500.0), bin_of(600.0))
    (True, False)
    >>> exceedance(place(-500.0), bin_of(400.0)), exceedance(place(-500.0), bin_of(600.0))
    (True, None)
    """
    index, censored = found
    if index >= min(edge_bin, OVERFLOW_BIN):
        return True
    return None if censored else False


def histogram(found: Iterable[Place]) -> dict[int, int]:
    """Return the sparse histogram (bin index to count) of placed readings."""
    return dict(Counter(index for index, _ in found))


def merge(*histograms: Mapping[int, int]) -> dict[int, int]:
    """Return the sum of histograms; associative, order-free, and the empty one is neutral."""
    total: dict[int, int] = {}
    for part in histograms:
        for index, count in part.items():
            total[index] = total.get(index, 0) + count
    return total


def margin_bins(relative: float) -> int:
    """Return the tolerated slow-down in bins, ``ceil(log(1 + r) / log gamma)``: at most 2 % more than asked.

    Raises:
        ValueError: ``relative`` is negative or not finite.

    >>> margin_bins(0.15), margin_bins(0.02), margin_bins(0.0)
    (8, 1, 0)
    """
    if not 0.0 <= relative < inf:
        raise ValueError(f"relative must be in [0, inf), got {relative!r}")
    return ceil(log1p(relative) / _LOG_GAMMA - _ROUNDING)


def pool(candidate: Mapping[int, int], baseline: Mapping[int, int], shift_bins: int) -> dict[int, int]:
    """Return baseline and candidate together, the candidate shifted down by the margin.

    A threshold taken from this pool treats the arms alike when the candidate is exactly at the margin; one
    taken from the baseline alone follows the baseline's private load and raises false alarms. Time-outs
    stay time-outs.
    """
    shifted: dict[int, int] = {}
    for index, count in candidate.items():
        to = index if index >= OVERFLOW_BIN else max(LOWEST_BIN, index - shift_bins)
        shifted[to] = shifted.get(to, 0) + count
    return merge(baseline, shifted)


def tail_thresholds(
    pooled: Mapping[int, int], levels: Sequence[float] = LEVELS, minimum: int = MINIMUM
) -> tuple[int | None, ...]:
    """Return, per level, the bin whose lower edge is the first edge at or above the pooled quantile.

    Sees slower tails: score ``X = exceedance(candidate, c + margin_bins(r))`` and ``Y =
    exceedance(baseline, c)`` and feed the paired table to ``paired`` with ``Margin(0, 0)``. Misses what is
    faster than the lowest level.

    Args:
        pooled: From ``pool`` over trailing ticks, **without** the tick to be scored.
        levels: Quantiles in (0, 1).
        minimum: Fewest values; with fewer every threshold is None (take a longer window).

    Returns:
        Bin indices, at most ``OVERFLOW_BIN`` (the quantile itself is a time-out: then time-outs are
        compared).

    Guarantee: exceedance over an edge is counted, never interpolated, so a poor threshold costs power, not
    validity.

    Raises:
        ValueError: a level is not in (0, 1).

    >>> tail_thresholds({10: 1980, 50: 20}, levels=(0.5, 0.995))
    (11, 51)
    """
    for level in levels:
        if not 0.0 < level < 1.0:
            raise ValueError(f"levels must be in (0, 1), got {level!r}")
    total = sum(pooled.values())
    if total < max(minimum, 1):
        return (None,) * len(levels)
    bins = sorted(pooled)
    reached = list(accumulate(pooled[index] for index in bins))
    places = (bisect_left(reached, level * total - _ROUNDING) for level in levels)
    return tuple(min(bins[place] + 1, OVERFLOW_BIN) for place in places)
