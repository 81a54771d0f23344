"""A mergeable latency sketch: sparse counts over bins 2 % wide, exact over bin edges."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import ceil, inf
from types import MappingProxyType
from typing import Any

from detectors.stats.latency import GAMMA, LOWEST_BIN, OVERFLOW_BIN, bin_of, edge, histogram, merge

__all__ = ["MOST_BINS", "Sketch"]

FORMAT = 1
"""Version of both stored forms; raise it when bins or layout change meaning."""
MOST_BINS = 1_024
"""Enough for eight decades without collapsing anything."""
_ROUNDING = 1e-9
_MAGIC = b"FBL"
_MORE = 0x80
"""Set in each byte of a number but the last."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """Counts of values (ms) in the bins of ``latency``: ``edge(i) <= value < edge(i + 1)``.

    Sees every quantile to within one bin (2 %) and every exceedance over a bin edge exactly; forgets the order of the
    values and where in a bin they lie. Time-outs (``inf``) have a bin of their own. Merging is associative and
    order-free, and the empty sketch is neutral, so any tree of ticks, workers and slices gives the same sketch.

    Args:
        bins: (index, count) by rising index, counts > 0: the one form a content has, so equal contents are equal.
        floor: Everything below ``edge(floor + 1)`` is counted in bin ``floor``; ``LOWEST_BIN`` while nothing was
            collapsed.

    Raises:
        ValueError: a bin is out of order or range, or a count is not positive.

    >>> one, other = Sketch.of([120.0, 80.0]), Sketch.of([95.0, float("inf")])
    >>> both = one.merged(other)
    >>> both.n, both == other.merged(one), both.exceeding(Sketch.of([95.0]).bins[0][0])
    (4, True, 3)

    References: Masson, Rim and Lee 2019, DDSketch (VLDB), arXiv 1908.10693.
    """

    bins: tuple[tuple[int, int], ...] = ()
    floor: int = LOWEST_BIN

    def __post_init__(self) -> None:
        if not LOWEST_BIN <= self.floor < OVERFLOW_BIN:
            raise ValueError(f"floor must be in [{LOWEST_BIN}, {OVERFLOW_BIN}), got {self.floor!r}")
        before = self.floor - 1
        for index, count in self.bins:
            if not before < index <= OVERFLOW_BIN:
                raise ValueError(
                    f"bins must rise within [{self.floor}, {OVERFLOW_BIN}], got {index!r} after {before!r}"
                )
            if count < 1:
                raise ValueError(f"counts must be >= 1, got {count!r} in bin {index!r}")
            before = index

    @classmethod
    def of(cls, values: Iterable[float]) -> "Sketch":
        """Return the sketch of values in milliseconds.

        Raises:
            ValueError: a value is not a number.
        """
        return cls.from_counts(histogram((bin_of(value), False) for value in values))

    @classmethod
    def from_counts(cls, counts: Mapping[int, int], floor: int = LOWEST_BIN) -> "Sketch":
        """Return the sketch of a histogram (``latency.histogram``); bins below ``floor`` are added to it."""
        total: dict[int, int] = {}
        for index, count in counts.items():
            total[max(index, floor)] = total.get(max(index, floor), 0) + count
        return cls(tuple(sorted((index, count) for index, count in total.items() if count)), floor)

    @property
    def counts(self) -> Mapping[int, int]:
        """The histogram, as ``latency.pool`` and ``latency.tail_thresholds`` take it."""
        return MappingProxyType(dict(self.bins))

    @property
    def n(self) -> int:
        """Number of values."""
        return sum(count for _, count in self.bins)

    def merged(self, *others: "Sketch") -> "Sketch":
        """Return the sum of sketches, collapsed as far as the most collapsed of them."""
        floor = max(self.floor, *(each.floor for each in others)) if others else self.floor
        return Sketch.from_counts(merge(self.counts, *(each.counts for each in others)), floor)

    def collapsed(self, most_bins: int = MOST_BINS) -> "Sketch":
        """Return the sketch in at most ``most_bins`` bins: the lowest become one. The tail is never collapsed.

        Raises:
            ValueError: ``most_bins`` is below 2: time-outs keep a bin of their own.
        """
        if most_bins < 2:  # noqa: PLR2004  # values and time-outs
            raise ValueError(f"most_bins must be >= 2, got {most_bins!r}")
        if len(self.bins) <= most_bins:
            return self
        return Sketch.from_counts(self.counts, floor=self.bins[-most_bins][0])

    def exceeding(self, edge_bin: int) -> int:
        """Return how many values are at or above ``edge(edge_bin)``: exact, never interpolated.

        Raises:
            ValueError: the edge lies inside what was collapsed.

        >>> Sketch.of([1.0, 1.01, 1.02, float("inf")]).exceeding(1)
        2
        """
        if LOWEST_BIN < edge_bin <= self.floor:
            raise ValueError(f"edge_bin must be above {self.floor} (collapsed) or {LOWEST_BIN}, got {edge_bin!r}")
        return sum(count for index, count in self.bins if index >= min(edge_bin, OVERFLOW_BIN))

    def quantile_bounds(self, q: float) -> tuple[float, float]:
        """Return the edges (ms) that enclose the q-quantile of the values, ``low <= quantile < high``.

        The quantile is the order statistic of rank ``max(1, ceil(q n))``. ``(inf, inf)`` if it is a time-out; low is
        ``-inf`` where it was collapsed.

        Raises:
            ValueError: the sketch is empty, or ``q`` is outside [0, 1].

        >>> [round(bound, 2) for bound in Sketch.of(range(1, 101)).quantile_bounds(0.95)]
        [93.21, 95.07]
        """
        if not 0.0 <= q <= 1.0:
            raise ValueError(f"q must be in [0, 1], got {q!r}")
        return self.rank_bounds(max(1, ceil(q * self.n - _ROUNDING)))

    def rank_bounds(self, rank: int) -> tuple[float, float]:
        """Return the edges (ms) that enclose the ``rank``-th smallest value, ranks from 1.

        Raises:
            ValueError: ``rank`` is outside [1, n].
        """
        if not 1 <= rank <= self.n:
            raise ValueError(f"rank must be in [1, {self.n}] (values), got {rank!r}")
        last = bisect_left(list(accumulate(count for _, count in self.bins)), rank)
        index = self.bins[last][0]
        if index == OVERFLOW_BIN:
            return inf, inf
        return (-inf if index == self.floor > LOWEST_BIN else edge(index)), edge(index + 1)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"format": FORMAT, "gamma": GAMMA, "floor": self.floor, "bins": [list(each) for each in self.bins]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Sketch":
        """Return the sketch that ``to_json`` stored.

        Raises:
            ValueError: the form is another version's or has other bins, or is damaged.
        """
        found = (stored.get("format"), stored.get("gamma"))
        if found != (FORMAT, GAMMA):
            raise ValueError(f"format and gamma must be {(FORMAT, GAMMA)}, got {found}; count the values afresh")
        try:
            bins, floor = tuple((int(index), int(count)) for index, count in stored["bins"]), int(stored["floor"])
        except (KeyError, TypeError) as damage:
            raise ValueError(f"a sketch must have floor and bins (pairs), got keys {sorted(stored)}") from damage
        return cls(bins, floor)

    def to_bytes(self) -> bytes:
        """Return the compact form: magic, format, floor, number of bins, then (gap, count) per bin, all varints."""
        numbers, before = [self.floor - LOWEST_BIN, len(self.bins)], self.floor
        for index, count in self.bins:
            numbers += [index - before, count]
            before = index
        return _MAGIC + bytes([FORMAT]) + b"".join(map(_varint, numbers))

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Sketch":
        """Return the sketch that ``to_bytes`` stored.

        Raises:
            ValueError: the form is another version's, cut short, or has something after its end.
        """
        if stored[:4] != _MAGIC + bytes([FORMAT]):
            raise ValueError(f"a sketch must begin with {_MAGIC!r} and format {FORMAT}, got {stored[:4]!r}")
        numbers = _numbers(stored[4:])
        if len(numbers) < 2 or len(numbers) != 2 + 2 * numbers[1]:  # noqa: PLR2004  # floor and length
            raise ValueError(f"a sketch must hold as many bins as it says, got {len(numbers)} numbers")
        index = floor = numbers[0] + LOWEST_BIN
        bins = []
        for gap, count in zip(numbers[2::2], numbers[3::2], strict=True):
            index += gap
            bins.append((index, count))
        return cls(tuple(bins), floor)


def _varint(number: int) -> bytes:
    """Return a number >= 0 in groups of seven bits, lowest first; the high bit says that more follow."""
    out = bytearray()
    while number >= _MORE:
        out.append(number & 0x7F | _MORE)
        number >>= 7
    out.append(number)
    return bytes(out)


def _numbers(stored: bytes) -> list[int]:
    numbers, value, shift = [], 0, 0
    for byte in stored:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < _MORE:
            numbers.append(value)
            value = shift = 0
    if shift:
        raise ValueError(f"a sketch must end with a whole number, got {shift // 7} bytes of one")
    return numbers
