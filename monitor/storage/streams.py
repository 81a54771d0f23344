"""Streams and what each tick added to them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from detectors.stats.latency import merge
from detectors.types import Counts, Verdict
from monitor.models.count_history import Bucket
from monitor.models.evidence import Evidence, Stream
from monitor.models.tick import ScoredTick, Stratum, nothing_counted, table_of, tick_of
from monitor.storage.session import driver
from monitor.storage.tables import StreamRow, TickCountRow
from monitor.storage.tick_form import TickForm, decoded, sound

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


_COLUMNS: Final = {
    "id": "bigint",
    "route_id": "bigint",
    "candidate_id": "bigint",
    "signal": "text",
    "slice": "text",
    "fingerprint": "text",
    "threshold": "float8",
    "state": "text",
    "last_tick": "bigint",
    "verdict": "text",
    "reason": "text",
    "evidence": "text",
    "updated_at": "timestamptz",
}
_GIVEN: Final = (
    f"unnest({', '.join(f'%({name})b::{kind}[]' for name, kind in _COLUMNS.items())}) AS n ({', '.join(_COLUMNS)})"
)
"""The streams column by column. Sent in binary: their long texts would be escaped character by character otherwise."""
_ADD: Final = f"""
INSERT INTO streams (route_id, candidate_id, signal, slice, fingerprint, threshold, state, last_tick, verdict, reason,
    evidence, updated_at)
SELECT route_id, candidate_id, signal, slice, fingerprint, threshold, state::jsonb, last_tick, verdict, reason,
    evidence::jsonb, updated_at
FROM {_GIVEN} RETURNING id, route_id, candidate_id, signal, slice
"""  # noqa: S608 - constants of this module
_SAVE: Final = f"""
UPDATE streams AS s SET fingerprint = n.fingerprint, threshold = n.threshold, state = n.state::jsonb,
    last_tick = n.last_tick, verdict = n.verdict, reason = n.reason, evidence = n.evidence::jsonb,
    updated_at = n.updated_at
FROM {_GIVEN} WHERE s.id = n.id
"""  # noqa: S608 - constants of this module
_ADD_TICKS: Final = """
INSERT INTO tick_counts (route_id, stream_id, tick, started_at, counts)
SELECT n.route_id, n.stream_id, %(tick)s, %(started_at)s, n.counts::jsonb
FROM unnest(%(routes)b::bigint[], %(streams)b::bigint[], %(counts)b::text[]) AS n (route_id, stream_id, counts)
"""


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

    def standings(self, route_id: int | None = None) -> list[Standing]:
        """Return the verdict of every stream of a route, or of all, without loading detector states."""
        query = select(
            StreamRow.route_id,
            StreamRow.candidate_id,
            StreamRow.signal,
            StreamRow.slice,
            StreamRow.verdict,
            StreamRow.reason,
        ).order_by(StreamRow.route_id, StreamRow.candidate_id, StreamRow.signal, StreamRow.slice)
        if route_id is not None:
            query = query.where(StreamRow.route_id == route_id)
        rows = self._session.execute(query)
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

    def versions(self, route_id: int) -> dict[int, int]:
        """Return, per stream of a route, the transaction that last wrote its row: a row that it names is unchanged."""
        rows = self._session.execute(
            text("SELECT id, xmin::text::bigint AS version FROM streams WHERE route_id = :route"), {"route": route_id}
        )
        return {row.id: row.version for row in rows}

    def version(self) -> int:
        """Return what ``versions`` will say of the rows that this transaction writes."""
        return int(self._session.execute(text("SELECT pg_current_xact_id()::xid::text::bigint")).scalar_one())

    def some(self, ids: Collection[int]) -> list[Stream]:
        """Return the streams with these ids."""
        if not ids:
            return []
        return [_stream(row) for row in self._session.scalars(select(StreamRow).where(StreamRow.id.in_(ids)))]

    def add(self, streams: Sequence[Stream]) -> list[Stream]:
        """Store streams that are not stored yet and return them, in their order, with their ids."""
        if not streams:
            return []
        rows = driver(self._session).execute(_ADD, _columns(streams)).fetchall()
        ids = {tuple(key): stream_id for stream_id, *key in rows}
        return [replace(one, id=ids[one.route_id, one.candidate_id, one.signal, one.slice]) for one in streams]

    def save(self, streams: Sequence[Stream]) -> None:
        """Store what is known of stored streams, all in one statement."""
        if streams:
            driver(self._session).execute(_SAVE, _columns(streams))

    def drop(self, route_id: int, slices: Sequence[str]) -> None:
        """Delete the streams of slices that lost their seat; what their ticks added goes with its age."""
        if slices:
            self._session.execute(delete(StreamRow).where(StreamRow.route_id == route_id, StreamRow.slice.in_(slices)))

    def add_ticks(self, tick: int, started_at: datetime, added: Iterable[tuple[Stream, ScoredTick]]) -> None:
        """Store what a tick added to streams, all in one statement. Empty ticks leave no row."""
        told = [(stream, scored) for stream, scored in added if scored.scored or scored.histogram]
        if not told:
            return
        driver(self._session).execute(
            _ADD_TICKS,
            {
                "routes": [stream.route_id for stream, _ in told],
                "streams": [stream.id for stream, _ in told],
                "counts": [_json(_counts(scored)) for _, scored in told],
                "tick": tick,
                "started_at": started_at,
            },
        )

    def ticks(self, stream: Stream, first: int, last: int) -> list[TickCounts]:
        """Return the stored ticks of a stream from ``first`` to ``last``, both included; damaged rows are left out."""
        rows = self._session.scalars(
            select(TickCountRow)
            .where(
                TickCountRow.route_id == stream.route_id,
                TickCountRow.stream_id == stream.id,
                TickCountRow.tick.between(first, last),
            )
            .order_by(TickCountRow.tick)
        )
        told = ((row, sound(row.counts)) for row in rows)
        return [
            {
                "tick": row.tick,
                "started_at": row.started_at,
                "complete": form.complete,
                "missing": form.missing,
                "histograms": _histograms(form),
            }
            for row, form in told
            if form is not None
        ]

    def buckets(self, stream: Stream, tick_s: float, since: datetime, until: datetime) -> list[Bucket]:
        """Return the stored ticks of a stream that began in [since, until), oldest first."""
        rows = self._session.execute(
            text(
                "SELECT started_at, counts::text AS counts FROM tick_counts WHERE route_id = :route "
                "AND stream_id = :stream AND tick BETWEEN :first AND :last "
                "AND started_at >= :since AND started_at < :until ORDER BY tick"
            ),
            {
                "route": stream.route_id,
                "stream": stream.id,
                "first": tick_of(since, tick_s),
                "last": tick_of(until, tick_s),
                "since": since,
                "until": until,
            },
        )
        told = ((row.started_at, decoded(row.counts)) for row in rows)
        return [
            Bucket(stream.id, at, 1, form.complete, form.missing, form.histogram)
            for at, form in told
            if form is not None
        ]

    def counted(self, stream: Stream, first: int, last: int) -> Counts:
        """Return the complete pairs, or the sessions, of a stream over ticks, first level."""
        return sum(
            (table_of(stream.signal, tick["complete"][0]) for tick in self.ticks(stream, first, last)),
            nothing_counted(stream.signal),
        )

    def forget_ticks(self, route_id: int, before: datetime) -> int:
        """Drop a route's stored ticks older than an instant and return how many; detector states do not need them."""
        result = self._session.execute(
            delete(TickCountRow).where(TickCountRow.route_id == route_id, TickCountRow.started_at < before)
        )
        return int(result.rowcount)  # type: ignore[attr-defined]


def _counts(scored: ScoredTick) -> Mapping[str, Any]:
    return {
        "complete": [list(counts.cells) for counts in scored.complete],
        "missing": [scored.missing_candidate, scored.missing_baseline],
        **_stored(scored.histogram),
    }


def _columns(streams: Sequence[Stream]) -> dict[str, list[Any]]:
    """Return the streams column by column, for ``unnest``."""
    return {
        "id": [one.id for one in streams],
        "route_id": [one.route_id for one in streams],
        "candidate_id": [one.candidate_id for one in streams],
        "signal": [one.signal for one in streams],
        "slice": [one.slice for one in streams],
        "fingerprint": [one.fingerprint for one in streams],
        "threshold": [one.threshold for one in streams],
        "state": [_json(one.state) for one in streams],
        "last_tick": [one.last_tick for one in streams],
        "verdict": [one.verdict.value for one in streams],
        "reason": [one.reason for one in streams],
        "evidence": [_json(one.evidence) for one in streams],
        "updated_at": [one.updated_at for one in streams],
    }


def _json(document: Mapping[str, Any] | Evidence) -> str:
    return msgspec.json.encode(document).decode()


def _stored(histograms: Mapping[Stratum, Mapping[int, int]]) -> Mapping[str, Any]:
    """Return a tick's histograms as stored: together, as the release before reads them, and by stratum if there are."""
    strata = list(histograms.items())
    together = histograms.get((), {}) if histograms.keys() <= {()} else merge(*histograms.values())
    return {"histogram": together, **({"strata": strata} if histograms.keys() - {()} else {})}


def _histograms(form: TickForm) -> Mapping[Stratum, Mapping[int, int]]:
    """Return a stored tick's histograms by stratum; what was stored before there were strata is of all pairs."""
    return dict(form.strata or [((), form.histogram)])


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
        evidence=_evidence(row.evidence),
        updated_at=row.updated_at,
    )


def _evidence(stored: Mapping[str, Any]) -> Evidence:
    """Return the numbers that this release knows: a newer one may have stored more, and damaged ones are unknown."""
    try:
        return msgspec.convert(stored, Evidence)
    except msgspec.MsgspecError:
        return Evidence()
