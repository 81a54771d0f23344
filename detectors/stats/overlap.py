"""How far two samples lie over one another on a logarithmic scale: the overlap coefficient."""

from collections import defaultdict
from collections.abc import Mapping
from math import floor, log2

__all__ = ["PLACES", "overlap", "place_of"]

PLACES = 8
"""Bins of one octave, and grids of octaves that are averaged over: the result hangs on no grid's edges."""


def place_of(value: float) -> int:
    """Return the bin of a value, an eighth of an octave wide: ``floor(8 log2 value)``.

    Raises:
        ValueError: ``value`` is not above 0.

    >>> place_of(1.0), place_of(2.0), place_of(1.5)
    (0, 8, 4)
    """
    if not value > 0.0:
        raise ValueError(f"value must be > 0, got {value!r}")
    return floor(PLACES * log2(value))


def overlap(first: Mapping[int, float], second: Mapping[int, float]) -> float | None:
    """Return the share of two samples that lies in the same octave, in [0, 1]; None if one of them is empty.

    Sees samples at another level, and such as are alike on average and never at once alike; misses differences within
    an octave in part: two constants a factor ``f`` apart give ``max(0, 1 - log2 f)``, one half at a factor of 1.4.

    Formula: Weitzman's coefficient ``sum over octaves of min(P, Q)``, averaged over the ``PLACES`` grids of octaves
    that start an eighth apart (an averaged shifted histogram).

    Args:
        first: Weight per bin of ``place_of`` of one sample, each >= 0.
        second: The same of the other.

    >>> overlap({8: 5.0}, {8: 1.0}), overlap({8: 1.0}, {12: 1.0}), overlap({8: 1.0}, {16: 1.0}), overlap({}, {8: 1.0})
    (1.0, 0.5, 0.0, None)
    """
    mine, other = sum(first.values()), sum(second.values())
    if not mine or not other:
        return None
    shared = 0.0
    for shift in range(PLACES):
        p, q = _octaves(first, shift), _octaves(second, shift)
        shared += sum(min(weight / mine, q[octave] / other) for octave, weight in p.items() if octave in q)
    return min(1.0, shared / PLACES)


def _octaves(sample: Mapping[int, float], shift: int) -> Mapping[int, float]:
    octaves: defaultdict[int, float] = defaultdict(float)
    for place, weight in sample.items():
        octaves[(place + shift) // PLACES] += weight
    return octaves
