"""One client must not roll back a fleet: would the evidence stand without the client that carries most of it?"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Any

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.stats import paired
from detectors.types import Margin, PairCounts

__all__ = ["CAPACITY", "ClientTable", "Influence", "add", "add_many", "influence", "log_evidence", "merged"]

FORMAT = 1
"""Version of the stored form; raise it when a field changes meaning."""
CAPACITY = 64
"""Clients kept by name: at most 1/65 of the candidate-only failures can belong to a client that is not kept."""
_N10 = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """One client in the table."""

    client: str
    """Its digest: opaque, never a name."""
    weight: int
    """Its Misra-Gries counter."""
    counts: PairCounts
    """Its pairs since it entered the table."""
    earlier: int
    """Most candidate-only failures it can have had before."""


@dataclass(frozen=True, slots=True)
class ClientTable:
    """Who the pairs since the onset belong to: bounded, whatever the number of clients.

    Formula: Misra-Gries over candidate-only failures: a new client that finds the table full takes the smallest counter
    (or as much as it has) off every counter and off itself; who reaches 0 leaves. What was taken off in all,
    ``missed``, bounds the failures of every client that is not kept, and is at most ``n10 / (capacity + 1)``. Clients
    without a candidate-only failure are not kept: without them the evidence would only rise.
    """

    kept: tuple[Kept, ...] = ()
    """By falling weight, then digest."""
    total: PairCounts = field(default=PairCounts())
    """All pairs since the onset, whoever's."""
    missed: int = 0
    capacity: int = CAPACITY

    def __post_init__(self) -> None:
        if self.capacity < 1:
            raise ValueError(f"capacity must be >= 1, got {self.capacity!r}")
        if len(self.kept) > self.capacity:
            raise ValueError(f"kept must hold at most {self.capacity} clients, got {len(self.kept)}")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"format": FORMAT, **msgspec.to_builtins(self)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "ClientTable":
        """Return the table that ``to_json`` stored.

        Raises:
            ValueError: the form is another version's, or damaged.
        """
        if stored.get("format") != FORMAT:
            raise ValueError(f"format must be {FORMAT}, got {stored.get('format')!r}; start the table afresh")
        return msgspec.convert(dict(stored), cls)


def add(table: ClientTable, by_client: Mapping[str, PairCounts]) -> ClientTable:
    """Return the table with a tick's pairs added; start a new one when the onset moves and after each alarm.

    Args:
        table: The table before.
        by_client: The tick's pairs per client digest, scored for harm. Pairs of unknown clients share one digest: they
            then count as one client, which errs towards withholding.

    Returns:
        The new table; O(clients of the tick + capacity).
    """
    kept, missed, total = {each.client: each for each in table.kept}, table.missed, table.total
    for client in sorted(by_client):
        counts = by_client[client]
        total += counts
        if (here := kept.get(client)) is not None:
            kept[client] = Kept(client, here.weight + counts.n10, here.counts + counts, here.earlier)
        elif counts.n10:
            new = Kept(client, counts.n10, counts, missed)
            if len(kept) == table.capacity:
                cut = min(new.weight, *(each.weight for each in kept.values()))
                missed += cut
                kept, new = _lowered(kept.values(), cut), _lower(new, cut)
            if new.weight:
                kept[client] = new
    return ClientTable(_ranked(kept.values()), total, missed, table.capacity)


def add_many(
    table: ClientTable,
    clients: NDArray[np.int64],
    failures: NDArray[np.int64],
    counts_of: Callable[[Sequence[int]], Mapping[int, PairCounts]],
    total: PairCounts,
) -> ClientTable:
    """Return the table with a tick's pairs added, of which only those of the clients that stay are counted.

    Formula: as ``merged`` with an exact table of the tick: counters are added, then the (capacity + 1)-th largest is
    taken off every one. However many clients a tick has, Python meets at most ``capacity`` of them.

    Args:
        table: The table before; its clients are named by whole numbers.
        clients: Shape (n,): the clients with candidate-only failures in the tick, ascending, each once.
        failures: Shape (n,): how many each has, > 0.
        counts_of: The tick's pairs of some clients; of one without pairs it may say nothing.
        total: All pairs of the tick, whoever's.

    Returns:
        The new table, within the bounds of ``add``.
    """
    known = np.array([int(each.client) for each in table.kept], dtype=np.int64)
    place = np.searchsorted(clients, known)
    here = np.append(clients, -1)[place] == known
    weights = np.array([each.weight for each in table.kept], dtype=np.int64)
    weights[here] += failures[place[here]]
    fresh = ~np.isin(clients, known)
    every = np.concatenate([weights, failures[fresh]])
    cut = int(np.partition(every, -table.capacity - 1)[-table.capacity - 1]) if len(every) > table.capacity else 0
    names = np.concatenate([known, clients[fresh]])[every > cut].tolist()
    before, seen = {int(each.client): each for each in table.kept}, counts_of(names)
    kept = []
    for name, weight in zip(names, every[every > cut].tolist(), strict=True):
        old = before.get(name, Kept(str(name), 0, PairCounts(), table.missed))
        kept.append(Kept(old.client, weight - cut, old.counts + seen.get(name, PairCounts()), old.earlier))
    return ClientTable(_ranked(kept), table.total + total, table.missed + cut, table.capacity)


def merged(one: ClientTable, other: ClientTable) -> ClientTable:
    """Return the table of both periods or workers together.

    Counters are added, then the (capacity + 1)-th largest is taken off every counter. Order-free; grouped otherwise it
    may keep other clients, within the same bounds.

    Raises:
        ValueError: the capacities differ.

    References: Agarwal, Cormode, Huang, Phillips, Wei and Yi 2013, Mergeable summaries (ACM TODS 38:26).
    """
    if one.capacity != other.capacity:
        raise ValueError(f"capacity must be {one.capacity} in both tables, got {other.capacity}")
    left, right = ({each.client: each for each in table.kept} for table in (one, other))
    both = []
    for client in sorted(left.keys() | right.keys()):
        a = left.get(client, Kept(client, 0, PairCounts(), one.missed))
        b = right.get(client, Kept(client, 0, PairCounts(), other.missed))
        both.append(Kept(client, a.weight + b.weight, a.counts + b.counts, a.earlier + b.earlier))
    weights = sorted((each.weight for each in both), reverse=True)
    cut = weights[one.capacity] if len(weights) > one.capacity else 0
    kept = _lowered(both, cut).values()
    return ClientTable(_ranked(kept), one.total + other.total, one.missed + other.missed + cut, one.capacity)


@dataclass(frozen=True, slots=True)
class Influence:
    """The evidence with and without the client whose absence lowers it most."""

    client: str | None
    """Its digest; None if it is a client too small to be kept."""
    removed: PairCounts
    """Its pairs, with all the failures it can have had."""
    log_e: float
    log_e_without: float

    def stands(self, threshold: float) -> bool:
        """Return whether the evidence reaches ``threshold`` (the stream's A) without any one client.

        Raises:
            ValueError: ``threshold`` is not positive.
        """
        if not threshold > 0.0:
            raise ValueError(f"threshold must be > 0, got {threshold!r}")
        return self.log_e_without >= log(threshold)


def influence(table: ClientTable, margin: Margin, phi: float = 1.0) -> Influence:
    """Return how much of the evidence since the onset hangs on one client.

    Sees harm that is one client's: its prompts, its schema, its retries. Is blind to two clients that act together,
    and to one client behind many digests.

    Formula: ``e = sum w_k exp(s_k / phi)`` with s the increments of ``paired`` for all pairs of the table, tick-free
    since they are linear in the counts; without client c, ``s_k(total) - s_k(c) - earlier_c log(1 + lam_k (1 - m))``:
    failures that the table may have forgotten are taken to be its own. The smallest over c counts, among them a client
    with ``missed`` failures and nothing else.

    Args:
        table: The pairs since the onset.
        margin: The stream's tolerance.
        phi: The stream's variance inflation, >= 1.

    Returns:
        The evidence, the same without the client that matters most, and who that is.

    Guarantee: as a condition on alarms it only withholds. With phi = 1, if one client, whoever it is, behaves in any
    way and the pairs of the others respect the margin given the past, then alarms that also ``stands(A)`` are expected
    at most T / A times in T ticks: for the stream without that client the evidence since *any* start is at most its
    Shiryaev-Roberts statistic, the sum over all starts since the last alarm. The bounds of the table make the
    removal cost at least as much as the true one would, so a small table withholds more, never less.

    Raises:
        ValueError: ``phi`` is below 1.

    >>> everyone = {f"client-{i}": PairCounts(n10=3, n00=97) for i in range(20)}
    >>> spread = influence(add(ClientTable(), everyone), Margin(absolute=0.005))
    >>> round(spread.log_e, 1), round(spread.log_e_without, 1), spread.stands(1e6)
    (27.7, 26.2, True)
    >>> alone = influence(add(ClientTable(), {"client-1": PairCounts(n10=60, n00=1940)}), Margin(absolute=0.005))
    >>> alone.client, round(abs(alone.log_e_without), 6), alone.stands(1e6)
    ('client-1', 0.0, False)

    References: Misra and Gries 1982, Finding repeated elements (Sci. Comput. Program. 2:143); Agarwal et al. 2013.
    """
    if not phi >= 1.0:
        raise ValueError(f"phi must be >= 1, got {phi!r}")
    failure = paired.coefficients(margin)[_N10]
    whole = paired.log_increments(table.total.cells, margin)
    clients = [*table.kept, Kept("", 0, PairCounts(), table.missed)]
    own = paired.log_increments([each.counts.cells for each in clients], margin)
    earlier = np.array([[each.earlier] for each in clients], dtype=np.float64)
    without = _mixture((whole - own - earlier * failure) / phi)
    least = int(without.argmin())
    chosen = clients[least]
    return Influence(
        client=chosen.client if least < len(table.kept) else None,
        removed=chosen.counts + PairCounts(n10=chosen.earlier),
        log_e=float(log_evidence(table.total.cells, margin, phi)),
        log_e_without=float(without[least]),
    )


def log_evidence(cells: ArrayLike, margin: Margin, phi: float = 1.0) -> NDArray[np.float64]:
    """Return the log evidence of pairs against "not harmful", ``log sum w_k exp(s_k / phi)``, of many tables at once.

    Args:
        cells: Shape (..., 4): ``PairCounts.cells``.
        margin: The stream's tolerance.
        phi: The stream's variance inflation, >= 1.

    >>> log_evidence([0, 60, 0, 1940], Margin(absolute=0.005)).round(1).item()
    27.7
    """
    return _mixture(paired.log_increments(cells, margin) / phi)


def _mixture(log_e: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``log sum w_k exp(s_k)`` over the last axis."""
    return np.asarray(np.logaddexp.reduce(log_e + np.log(paired.prior()), axis=-1))


def _lower(each: Kept, cut: int) -> Kept:
    return Kept(each.client, max(0, each.weight - cut), each.counts, each.earlier)


def _lowered(clients: Iterable[Kept], cut: int) -> dict[str, Kept]:
    return {each.client: _lower(each, cut) for each in clients if each.weight > cut}


def _ranked(clients: Iterable[Kept]) -> tuple[Kept, ...]:
    return tuple(sorted(clients, key=lambda each: (-each.weight, each.client)))
