"""Would an alarm stand without the client that carries most of it: whose the pairs of a run are, and the rule. Pure.

A run begins with the first pair that failed on the candidate only, and ends once the evidence of all its pairs is used
up. Nothing is kept of streams without one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.registry import SIGNALS
from detectors.stats.influence import ClientTable, Influence, add_many, influence, log_evidence
from detectors.types import Margin, PairCounts, SignalKind
from monitor.models.columns import NOBODY, PairColumns
from monitor.models.tick import ScoredTick
from monitor.services.beside import Run
from monitor.services.count_columns import CELLS, Sides, bit_codes, by_slices, sides, tables_from
from monitor.services.watch import Watched

__all__ = ["SLACK", "advice_on", "runs_after", "stands"]

SLACK: Final = 100.0
"""By what factor the evidence without a client may lie below the stream's threshold. The detector sums over all starts
of a change, a run has one: at 1 alarms that everybody shares would come 35 to 45 % later, at 100 they come 5 to 10 %
later with twenty like clients (docs/statistics.md)."""
_MOST_UNNAMED: Final = 0.5
"""Of a tick's pairs: beyond it nobody can be left out, and alarms stand as they are."""
_CANDIDATE_ONLY: Final = 3
"""The code of a pair that only the candidate failed (``count_columns.CELLS``)."""
_WHOLE: Final = {SignalKind.BIT, SignalKind.PRINT}
_Key = tuple[int, str, str]


def stands(run: Run, one: Watched, phi: float) -> Influence | None:
    """Return the evidence without the client that matters most if the alarm stands without it, else None.

    Guarantee: as ``influence``, at a threshold that is ``SLACK`` times lower: if all clients but one respect the
    margin, alarms that stand are expected at most ``SLACK`` T / A times in T ticks, whatever that one does, and at most
    T / A times if it respects the margin, too.
    """
    found = influence(run.table, one.config.margin, phi)
    return found if found.stands(one.config.threshold / SLACK) else None


def advice_on(run: Run, one: Watched, phi: float) -> str:
    """Return why an alarm that hangs on one client only advises."""
    found = influence(run.table, one.config.margin, phi)
    return (
        f"It hangs on one client: {found.removed.n10} of the {run.table.total.n10} failures of the candidate alone are "
        "that client's, and without them the evidence does not suffice. Nothing is moved until it does"
    )


def runs_after(
    pairs: PairColumns, watched: Iterable[Watched], counted: Mapping[_Key, ScoredTick], tick: int
) -> Mapping[int, Run]:
    """Return, by stream id, the runs after a tick's pairs.

    Args:
        pairs: The tick's.
        watched: The streams as they stood before it.
        counted: What the tick adds to each.
        tick: Its number.
    """
    arms: defaultdict[tuple[int, int], list[Watched]] = defaultdict(list)
    for one in _ahead(filter(_followed, watched), counted):
        arms[one.stream.candidate_id, one.baseline_id].append(one)
    found: dict[int, Run] = {}
    for (candidate, baseline), mine in arms.items():
        both = sides(pairs, candidate, baseline)
        unnamed = pairs.client[both.rows] == NOBODY
        if len(both.rows) and unnamed.mean() > _MOST_UNNAMED:
            continue
        clients = _Clients.of(pairs, both, mine)
        found.update({one.stream.id: _added(one, clients, _new_pairs(one, counted), tick) for one in mine})
    return found


def _followed(one: Watched) -> bool:
    return not one.is_aa and SIGNALS[one.stream.signal].paired and SIGNALS[one.stream.signal].kind in _WHOLE


def _run(one: Watched) -> Run | None:
    return one.memory.beside.run


def _new_pairs(one: Watched, counted: Mapping[_Key, ScoredTick]) -> PairCounts:
    """Return what the tick adds to a stream, scored for harm."""
    this = one.stream
    return PairCounts(*counted[this.candidate_id, this.signal, this.slice].harm[0].cells)


@dataclass(frozen=True, slots=True)
class _Clients:
    """The pairs of two variants in the order of their clients."""

    clients: NDArray[np.int64]
    """Of each pair, ascending."""
    codes: Mapping[str, NDArray[np.int64]]
    """Per signal, the code of each pair."""
    members: Mapping[str, NDArray[np.bool_]]
    """Per slice, whether each pair is in it."""

    @classmethod
    def of(cls, pairs: PairColumns, both: Sides, watched: Sequence[Watched]) -> "_Clients":
        order = np.argsort(pairs.client[both.rows], kind="stable")
        signals = [name for name in sorted({one.stream.signal for one in watched}) if name in both.signals]
        slices = sorted({one.stream.slice for one in watched})
        inside = by_slices(pairs, slices)[:, both.rows[order]]
        codes = bit_codes(both, signals)[:, order]
        return cls(
            pairs.client[both.rows[order]],
            dict(zip(signals, codes, strict=True)),
            dict(zip(slices, inside, strict=True)),
        )

    def failing(self, signal: str, slice_: str) -> NDArray[np.int64]:
        """Return the client of each pair that only the candidate failed, ascending."""
        chosen = (self.codes[signal] == _CANDIDATE_ONLY) & self.members[slice_]
        return np.asarray(self.clients[chosen], dtype=np.int64)

    def counts(self, signal: str, slice_: str, wanted: Sequence[int]) -> dict[int, PairCounts]:
        """Return the tick's pairs of some clients."""
        codes, inside = self.codes[signal], self.members[slice_]
        begins = np.searchsorted(self.clients, wanted, side="left").tolist()
        ends = np.searchsorted(self.clients, wanted, side="right").tolist()
        found: dict[int, PairCounts] = {}
        for client, begin, end in zip(wanted, begins, ends, strict=True):
            mine = codes[begin:end][inside[begin:end]]
            if len(mine):
                found[client] = tables_from(np.bincount(mine, minlength=CELLS).tolist())[0]
        return found


def _added(one: Watched, clients: _Clients, total: PairCounts, tick: int) -> Run:
    before, signal, slice_ = _run(one) or Run(tick, ClientTable()), one.stream.signal, one.stream.slice
    if signal not in clients.codes:
        return before
    names, failures = np.unique(clients.failing(signal, slice_), return_counts=True)
    table = add_many(before.table, names, failures, partial(clients.counts, signal, slice_), total)
    return replace(before, table=table)


def _ahead(watched: Iterable[Watched], counted: Mapping[_Key, ScoredTick]) -> list[Watched]:
    """Return the streams whose run is evidence of harm after the tick, all of one margin at once; no other has one."""
    of_margin: defaultdict[Margin, list[tuple[Watched, PairCounts]]] = defaultdict(list)
    for one in watched:
        run, tick = _run(one), _new_pairs(one, counted)
        if run is not None or tick.cells[1]:
            before = PairCounts() if run is None else run.table.total
            of_margin[one.config.margin].append((one, before + tick))
    ahead: list[Watched] = []
    for margin, found in of_margin.items():
        evidence = log_evidence([total.cells for _, total in found], margin)
        ahead.extend(one for (one, _), value in zip(found, evidence.tolist(), strict=True) if value > 0.0)
    return ahead
