"""Between a fleet's arrays and the plain form of one stream: put in, taken out, stored, shown."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import inf
from operator import attrgetter
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.stats import inflation
from detectors.stats.baseline_rate import Rates
from detectors.stats.columns import joined, taken
from detectors.stats.designs import DESIGNS
from detectors.stats.fleet import Fleet, Terms, log_statistics
from detectors.stats.inflation import Inflations, InflationState, Scale
from detectors.stats.onset import Onset, Runs
from detectors.stats.safe import NEVER, Certificates
from detectors.stats.stream_state import FORMAT, Alarm, StreamState
from detectors.types import Counts, Design

__all__ = ["Member", "alarm_of", "fleet_of", "gathered", "state_of", "stored_of"]

_AT_ONCE: Final = 32
_SCALE: Final = tuple(one.name for one in fields(Scale))
_SCALE_VALUES: Final = attrgetter(*_SCALE)


@dataclass(frozen=True, slots=True)
class Member:
    """One stream of a fleet, read like its ``StreamState``."""

    fleet: Fleet
    row: int

    @classmethod
    def of(cls, state: StreamState) -> "Member":
        """Return a stream as the only member of a fleet."""
        return cls(fleet_of([state]), 0)

    @property
    def design(self) -> Design:
        """How its answers are compared."""
        return self.fleet.design

    @property
    def levels(self) -> int:
        """Number of levels."""
        return self.fleet.levels

    @property
    def last_tick(self) -> int | None:
        """The last tick that was folded."""
        return _tick(int(self.fleet.last_tick[self.row]))

    @property
    def log_statistic(self) -> float:
        """Logarithm of the detector's statistic, ``-inf`` at the start and after an alarm."""
        return float(self.fleet.log_statistic[self.row])

    @property
    def phi(self) -> float:
        """Largest variance inflation in force over the levels, with the sibling floor."""
        return max(self.own_phi, float(self.fleet.sibling_phi[self.row]))

    @property
    def own_phi(self) -> float:
        """Largest inflation this stream learned by itself: what siblings take their median of."""
        return float(self.fleet.own_phi[:, self.row].max())

    @property
    def total(self) -> Counts:
        """What was counted since the start (level 0)."""
        cells: list[float] = self.fleet.totals[:, 0, self.row].tolist()
        return self.fleet.bets.counts(*map(int, cells))

    @property
    def onset_now(self) -> Onset | None:
        """Present estimate of the onset, with the counts since; None while nothing is ahead."""
        return self.plain().onset_now

    @property
    def safe_until_tick(self) -> int | None:
        """Last tick the safe certificate is good for."""
        certificates = self.fleet.certificates
        return None if certificates is None else _tick(int(certificates.until[self.row]))

    def safe_at(self, tick: int) -> bool:
        """Return True if a safe certificate is in force at ``tick``."""
        until = self.safe_until_tick
        return until is not None and tick <= until

    def plain(self) -> StreamState:
        """Return the plain form."""
        return state_of(self.fleet, self.row)

    def stored(self) -> msgspec.Raw:
        """Return what ``StreamState.to_json`` returns of the plain form, as JSON text."""
        return msgspec.Raw(stored_of(self.fleet)[self.row])


def gathered(members: Sequence[Member]) -> Fleet:
    """Return a fleet of its own that holds these streams in their order: folding it leaves the members as they are."""
    rows: dict[int, list[int]] = {}
    fleets: dict[int, Fleet] = {}
    for place, member in enumerate(members):
        rows.setdefault(id(member.fleet), []).append(place)
        fleets[id(member.fleet)] = member.fleet
    parts = [taken(fleets[key], [members[place].row for place in places]) for key, places in rows.items()]
    if len(parts) == 1:
        return parts[0]
    places = np.concatenate([np.asarray(each, dtype=np.int64) for each in rows.values()])
    return taken(joined(parts), np.argsort(places, kind="stable"))


def fleet_of(states: Sequence[StreamState]) -> Fleet:
    """Return the fleet of some streams of one design and number of levels, in their order."""
    design, levels, streams = states[0].design, states[0].levels, len(states)
    bets = DESIGNS[design]

    def by_bet(rows: list[Any], kind: type) -> NDArray[Any]:
        """From (S, L K, ...) to (..., K, L, S)."""
        array: NDArray[Any] = np.array(rows, dtype=kind).reshape(streams, levels, bets.size, -1)
        return np.ascontiguousarray(array.transpose(3, 2, 1, 0))

    log_r = by_bet([state.log_r for state in states], np.float64)[0]
    totals = _cells([state.totals for state in states], levels).transpose(2, 1, 0)
    since = by_bet([[counts.cells for counts in state.onset.counts] for state in states], np.float64)
    statistic = log_statistics(log_r, bets)
    return Fleet(
        design=design,
        log_r=log_r,
        runs=Runs(
            value=by_bet([state.onset.values for state in states], np.float64)[0],
            start=by_bet([state.onset.starts for state in states], np.int64)[0],
            before=np.ascontiguousarray(totals[:, None] - since),
        ),
        certificates=Certificates(
            log_e=by_bet([state.safe.log_e for state in states], np.float64)[0],
            start=np.array([state.safe.start_tick or 0 for state in states], dtype=np.int64),
            covered=np.array([state.safe.covered_ticks for state in states], dtype=np.int64),
            until=_ticks([state.safe.until_tick for state in states]),
        ),
        inflations=_inflations([state.inflation for state in states]),
        totals=np.ascontiguousarray(totals),
        last_tick=_ticks([state.last_tick for state in states]),
        sibling_phi=np.array([state.sibling_phi for state in states]),
        rates=_rates(states) if bets.needs_rate else None,
        log_statistic=statistic,
        log_peak=statistic,
    )


def _cells(counts: Sequence[Sequence[Counts]], levels: int) -> NDArray[np.float64]:
    return np.array([[each.cells for each in row] for row in counts], dtype=np.float64).reshape(-1, levels, 4)


def _ticks(ticks: list[int | None]) -> NDArray[np.int64]:
    return np.array([NEVER if tick is None else tick for tick in ticks], dtype=np.int64)


def _tick(tick: int) -> int | None:
    return None if tick == NEVER else tick


def _rates(states: Sequence[StreamState]) -> Rates:
    rates = np.array([[(rate.bad, rate.n) for rate in state.rates] for state in states]).transpose(2, 1, 0)
    return Rates(np.ascontiguousarray(rates[0]), np.ascontiguousarray(rates[1]))


def _inflations(parts: Sequence[Sequence[InflationState]]) -> Inflations:
    """From the levels of each stream, shape (S, L)."""
    shape = (len(parts[0]), len(parts))
    new = Inflations.initial(np.array([[part.phi for part in row] for row in parts]).T)
    new.age[:] = np.array([[part.age for part in row] for row in parts]).T
    new.sums[:] = np.array([[(part.sum_d, part.sum_n) for part in row] for row in parts]).transpose(2, 1, 0)
    scales = np.array([[[_SCALE_VALUES(scale) for scale in part.scales] for part in row] for row in parts])
    scales = scales.transpose(2, 3, 1, 0)
    new.open[:], new.moments[:], new.blocks[:] = scales[:, :3], scales[:, 3:7], scales[:, 7]
    waiting = max(len(part.pending) for row in parts for part in row)
    if waiting > len(new.pending_at):
        new.pending_at = np.full((waiting, *shape), inflation.NEVER)
        new.pending_phi = np.zeros((waiting, *shape))
    for s, row in enumerate(parts):
        for level, part in enumerate(row):
            for slot, (at, phi) in enumerate(part.pending):
                new.pending_at[slot, level, s], new.pending_phi[slot, level, s] = at, phi
    new.refresh()
    return new


def state_of(fleet: Fleet, row: int) -> StreamState:
    """Return the plain form of one stream."""
    alone = fleet if fleet.size == 1 else taken(fleet, [row])
    return StreamState.from_json(_documents(alone)[0])


def stored_of(fleet: Fleet) -> list[bytes]:
    """Return the stored form of every stream: the JSON text of what ``StreamState.to_json`` gives.

    Raises:
        ValueError: the fleet keeps no certificates, or no counts since the onset.
    """
    if fleet.stored is None:
        # Few at once: so many small containers at a time would set off full garbage collections.
        parts = (range(first, min(first + _AT_ONCE, fleet.size)) for first in range(0, fleet.size, _AT_ONCE))
        fleet.stored = [msgspec.json.encode(one) for part in parts for one in _documents(taken(fleet, part))]
    return fleet.stored


def _documents(fleet: Fleet) -> list[dict[str, Any]]:
    """Return what ``StreamState.to_json`` gives of every stream."""
    runs, certificates = fleet.runs, fleet.certificates
    if runs.before is None or certificates is None:
        raise ValueError("a fleet must keep certificates and counts to be stored, got one that does not")
    a, b, c, d = (one.name for one in fields(fleet.bets.counts))  # type: ignore[arg-type]
    ahead = runs.value > 0.0
    since = np.where(ahead, fleet.totals[:, None] - runs.before, 0.0)
    rates = [[]] * fleet.size if fleet.rates is None else np.stack([fleet.rates.bad, fleet.rates.n]).T.tolist()
    return [
        {
            "format": FORMAT,
            "log_r": log_r,
            "onset": {
                "values": values,
                "starts": starts,
                "counts": [{a: n, b: o, c: p, d: q} for n, o, p, q in counts],
            },
            "safe": {
                "log_e": log_e,
                "start_tick": began if covered else None,
                "covered_ticks": covered,
                "until_tick": _tick(until),
            },
            "inflation": inflation_,
            "totals": [{a: n, b: o, c: p, d: q} for n, o, p, q in totals],
            "last_tick": _tick(last),
            "sibling_phi": floor,
            "design": fleet.design.value,
            "rates": [{"bad": bad, "n": n} for bad, n in rate],
        }
        for log_r, values, starts, counts, log_e, began, covered, until, inflation_, totals, last, floor, rate in zip(
            _logs(fleet.log_r),
            _by_stream(runs.value),
            _by_stream(np.where(ahead, runs.start, 0)),
            since.astype(np.int64).transpose(3, 2, 1, 0).reshape(fleet.size, -1, 4).tolist(),
            _by_stream(certificates.log_e),
            certificates.start.tolist(),
            certificates.covered.tolist(),
            certificates.until.tolist(),
            _inflation_documents(fleet.inflations),
            fleet.totals.astype(np.int64).transpose(2, 1, 0).tolist(),
            fleet.last_tick.tolist(),
            fleet.sibling_phi.tolist(),
            rates,
            strict=True,
        )
    ]


def _logs(log_r: NDArray[np.float64]) -> list[list[float | None]]:
    """Return the logarithms of R, None where R is 0."""
    logs: list[list[float | None]] = _by_stream(log_r)
    for s in np.flatnonzero(np.isneginf(log_r).any(axis=(0, 1))).tolist():
        logs[s] = [None if value == -inf else value for value in logs[s]]
    return logs


def _by_stream(array: NDArray[Any]) -> list[list[Any]]:
    """From (K, L, S) to a list per stream, levels in order."""
    rows: list[list[Any]] = array.transpose(2, 1, 0).reshape(array.shape[-1], -1).tolist()
    return rows


def _inflation_documents(state: Inflations) -> list[list[dict[str, Any]]]:
    """Return the levels of every stream."""
    scales = np.concatenate([state.open, state.moments, state.blocks[:, None]], axis=1).transpose(3, 2, 0, 1)
    waiting: list[list[bool]] = np.asarray((state.pending_at < inflation.NEVER).any(axis=0)).T.tolist()
    rows = zip(
        state.phi.T.tolist(),
        state.age.T.tolist(),
        state.sums.transpose(2, 1, 0).tolist(),
        scales.tolist(),
        waiting,
        strict=True,
    )
    return [
        [
            {
                "phi": phi,
                "age": age,
                "sum_d": sum_d,
                "sum_n": sum_n,
                "scales": [
                    {
                        "open_d": open_d,
                        "open_n": open_n,
                        "open_v": open_v,
                        "sum_dd": dd,
                        "sum_dn": dn,
                        "sum_nn": nn,
                        "sum_v": v,
                        "blocks": blocks,
                    }
                    for open_d, open_n, open_v, dd, dn, nn, v, blocks in scale
                ],
                "pending": _pending(state, level, s) if waits else [],
            }
            for level, (phi, age, (sum_d, sum_n), scale, waits) in enumerate(zip(*row, strict=True))
        ]
        for s, row in enumerate(rows)
    ]


def _pending(state: Inflations, level: int, s: int) -> list[list[float]]:
    """Return the estimates that wait, the first due first."""
    at, phi = state.pending_at[:, level, s].tolist(), state.pending_phi[:, level, s].tolist()
    return sorted([due, value] for due, value in zip(at, phi, strict=True) if due < inflation.NEVER)


def alarm_of(fleet: Fleet, terms: Terms, row: int) -> Alarm:
    """Return what is told of a stream that alarmed at the tick folded last."""
    state = state_of(fleet, row)
    began = state.onset_now
    if began is None or state.last_tick is None:
        raise ValueError(f"row must be of a stream that alarmed, got {row!r}")
    return Alarm(
        tick=state.last_tick,
        log_statistic=float(fleet.log_peak[row]),
        log_threshold=float(terms.log_threshold[row]),
        onset_tick=began.tick,
        since_onset=began.counts,
        level=began.component // fleet.bets.size,
    )
