"""Streams and what each tick added to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from detectors.stats.latency import merge
from detectors.types import Counts, Verdict
from monitor.models.evidence import Evidence, Stream
from monitor.models.tick import ScoredTick, Stratum, nothing_counted, table_of
from monitor.storage.tables import StreamRow, TickCountRow

__all__ = ["Standing", "StreamStore", "TickCounts"]

TickCounts = Mapping[str, Any]
"""A stored tick: ``tick``, ``started_at``, ``complete`` (tables per level), ``missing``, ``histograms`` by stratum."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A stream's verdict without its detector state: what an overview of the fleet shows."""

    route_id: int
    candidate_id: int
    signal: str
    slice: str
    verdict: Verdict
    reason: str


class StreamStore:
    """Rows of ``streams`` and ``tick_counts``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of_route(self, route_id: int) -> list[Stream]:
        """Return the streams of a route."""
        rows = self._session.scalars(
            select(StreamRow)
            .where(StreamRow.route_id == route_id)
            .order_by(StreamRow.candidate_id, StreamRow.signal, StreamRow.slice)
        )
        return [_stream(row) for row in rows]

    def standings(self) -> list[Standing]:
        """Return the verdict of every stream of every route, without loading detector states."""
        rows = self._session.execute(
            select(
                StreamRow.route_id,
                StreamRow.candidate_id,
                StreamRow.signal,
                StreamRow.slice,
                StreamRow.verdict,
                StreamRow.reason,
            ).order_by(StreamRow.route_id, StreamRow.candidate_id, StreamRow.signal, StreamRow.slice)
        )
        return [Standing(r.route_id, r.candidate_id, r.signal, r.slice, Verdict(r.verdict), r.reason) for r in rows]

    def newest_data(self) -> dict[int, datetime]:
        """Return, per route, the start of the newest tick that held any pair: one index probe a stream."""
        rows = self._session.execute(
            text(
                "SELECT s.route_id, max(t.started_at) AS at FROM streams AS s CROSS JOIN LATERAL ("
                "SELECT started_at FROM tick_counts WHERE route_id = s.route_id AND stream_id = s.id "
                "ORDER BY tick DESC LIMIT 1) AS t GROUP BY s.route_id"
            )
        )
        return {row.route_id: row.at for row in rows}

    def save(self, stream: Stream) -> Stream:
        """Store a stream, new (``id`` 0) or known, and return it with its id."""
        values = {
            "fingerprint": stream.fingerprint,
            "threshold": stream.threshold,
            "state": dict(stream.state),
            "last_tick": stream.last_tick,
            "verdict": stream.verdict.value,
            "reason": stream.reason,
            "evidence": stream.evidence.to_json(),
            "updated_at": stream.updated_at,
        }
        if stream.id:
            row = self._session.get_one(StreamRow, stream.id)
            for name, value in values.items():
                setattr(row, name, value)
        else:
            row = StreamRow(
                route_id=stream.route_id,
                candidate_id=stream.candidate_id,
                signal=stream.signal,
                slice=stream.slice,
                **values,
            )
            self._session.add(row)
        self._session.flush()
        return _stream(row)

    def drop(self, route_id: int, slices: Sequence[str]) -> None:
        """Delete the streams of slices that lost their seat; what their ticks added goes with its age."""
        if slices:
            self._session.execute(delete(StreamRow).where(StreamRow.route_id == route_id, StreamRow.slice.in_(slices)))

    def add_tick(self, stream: Stream, tick: int, started_at: datetime, scored: ScoredTick) -> None:
        """Store what a tick added to a stream. Empty ticks leave no row."""
        if not scored.scored and not scored.histogram:
            return
        self._session.add(
            TickCountRow(
                route_id=stream.route_id,
                stream_id=stream.id,
                tick=tick,
                started_at=started_at,
                counts={
                    "complete": [list(counts.cells) for counts in scored.complete],
                    "missing": [scored.missing_candidate, scored.missing_baseline],
                    **_stored(scored.histogram),
                },
            )
        )

    def ticks(self, stream: Stream, first: int, last: int) -> list[TickCounts]:
        """Return the stored ticks of a stream from ``first`` to ``last``, both included."""
        rows = self._session.scalars(
            select(TickCountRow)
            .where(
                TickCountRow.route_id == stream.route_id,
                TickCountRow.stream_id == stream.id,
                TickCountRow.tick.between(first, last),
            )
            .order_by(TickCountRow.tick)
        )
        return [
            {"tick": row.tick, "started_at": row.started_at, **row.counts, "histograms": _histograms(row.counts)}
            for row in rows
        ]

    def counted(self, stream: Stream, first: int, last: int) -> Counts:
        """Return the complete pairs, or the sessions, of a stream over ticks, first level."""
        return sum(
            (table_of(stream.signal, tick["complete"][0]) for tick in self.ticks(stream, first, last)),
            nothing_counted(stream.signal),
        )

    def forget_ticks(self, before: datetime) -> None:
        """Drop stored ticks older than an instant; detector states do not need them."""
        self._session.execute(delete(TickCountRow).where(TickCountRow.started_at < before))


def _stored(histograms: Mapping[Stratum, Mapping[int, int]]) -> Mapping[str, Any]:
    """Return a tick's histograms as stored: together, as the release before reads them, and by stratum if there are."""
    bins = {stratum: {str(index): n for index, n in counts.items()} for stratum, counts in histograms.items()}
    together = merge(*histograms.values())
    strata = [[list(stratum), counts] for stratum, counts in bins.items()]
    return {
        "histogram": {str(index): n for index, n in together.items()},
        **({"strata": strata} if bins.keys() - {()} else {}),
    }


def _histograms(counts: Mapping[str, Any]) -> Mapping[Stratum, Mapping[int, int]]:
    """Return a stored tick's histograms by stratum; what was stored before there were strata is of all pairs."""
    stored = counts.get("strata") or [[[], counts.get("histogram") or {}]]
    return {tuple(stratum): {int(index): n for index, n in bins.items()} for stratum, bins in stored}


def _stream(row: StreamRow) -> Stream:
    return Stream(
        id=row.id,
        route_id=row.route_id,
        candidate_id=row.candidate_id,
        signal=row.signal,
        slice=row.slice,
        fingerprint=row.fingerprint,
        threshold=row.threshold,
        state=row.state,
        last_tick=row.last_tick,
        verdict=Verdict(row.verdict),
        reason=row.reason,
        evidence=Evidence.from_json(row.evidence),
        updated_at=row.updated_at,
    )
