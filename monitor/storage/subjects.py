"""Erasure of a subject: the texts of their requests, and what links the events to a person."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from monitor.storage.texts import CODEC, decode, encode

__all__ = ["ErasedRows", "SubjectStore"]

_NEIGHBOURS = timedelta(days=1)
_READ_BLOB = text(
    "SELECT codec, body FROM event_texts WHERE route_id = :route AND start_day = :day AND blob_id = :blob FOR UPDATE"
)
_WRITE_BLOB = text(
    "UPDATE event_texts SET codec = :codec, body = :body "
    "WHERE route_id = :route AND start_day = :day AND blob_id = :blob"
)
_DELETE_BLOB = text("DELETE FROM event_texts WHERE route_id = :route AND start_day = :day AND blob_id = :blob")


@dataclass(frozen=True, slots=True)
class ErasedRows:
    """What was erased of one route."""

    route_id: int
    events: int
    texts: int


class SubjectStore:
    """Rows of ``events`` and ``event_texts`` by the subject's hash."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def erase(self, day: date, digests: Sequence[str], salt: bytes, requests: int) -> list[ErasedRows]:
        """Erase up to so many of a subject's requests that have an event on a day; empty when none is left.

        Every record of such a request on the same route goes with it (the other leg and the gateway's tell of
        the same person), also on the days beside it. Texts are emptied in their blobs. The request's id becomes
        a pseudonym that is the same for its records, so that they stay a pair, and that nobody can turn back
        once ``salt`` is forgotten.
        """
        found = self._session.execute(
            text(
                "SELECT DISTINCT route_id, request_id FROM events "
                "WHERE start_day = :day AND subject = ANY(:digests) LIMIT :requests"
            ),
            {"day": day, "digests": list(digests), "requests": requests},
        ).all()
        if not found:
            return []
        rows = self._session.execute(
            text(
                "SELECT route_id, start_day, event_key, request_id, text_blob, text_index FROM events "
                "WHERE start_day BETWEEN :first AND :last AND (route_id, request_id) IN "
                "(SELECT * FROM unnest(CAST(:routes AS bigint[]), CAST(:ids AS text[]))) "
                "ORDER BY start_day, route_id, event_key FOR UPDATE"
            ),
            {
                "first": day - _NEIGHBOURS,
                "last": day + _NEIGHBOURS,
                "routes": [row.route_id for row in found],
                "ids": [row.request_id for row in found],
            },
        ).all()
        texts = self._empty_texts(rows)
        self._unlink(rows, salt)
        routes = sorted({row.route_id for row in rows})
        return [
            ErasedRows(route_id, sum(row.route_id == route_id for row in rows), texts[route_id]) for route_id in routes
        ]

    def _empty_texts(self, rows: Sequence[Row[Any]]) -> dict[int, int]:
        places: dict[tuple[int, date, UUID], set[int]] = defaultdict(set)
        for row in rows:
            if row.text_blob is not None:
                places[row.route_id, row.start_day, row.text_blob].add(row.text_index)
        emptied: dict[int, int] = defaultdict(int)
        for (route_id, day, blob_id), indexes in sorted(places.items()):
            emptied[route_id] += self._empty({"route": route_id, "day": day, "blob": blob_id}, indexes)
        return emptied

    def _empty(self, blob: dict[str, Any], indexes: set[int]) -> int:
        """Empty some texts of a blob, or delete it with its last text; return how many there were."""
        row = self._session.execute(_READ_BLOB, blob).one_or_none()
        if row is None:
            return 0  # its retention is over
        old = decode(row.codec, row.body)
        new = [b"" if index in indexes else body for index, body in enumerate(old)]
        if any(new):
            self._session.execute(_WRITE_BLOB, {**blob, "codec": CODEC, "body": encode(new)})
        else:
            self._session.execute(_DELETE_BLOB, blob)
        return sum(bool(body) for index, body in enumerate(old) if index in indexes)

    def _unlink(self, rows: Sequence[Row[Any]], salt: bytes) -> None:
        self._session.execute(
            text(
                "UPDATE events SET request_id = new.pseudonym, session_id = NULL, subject = NULL, turn = NULL, "
                "text_blob = NULL, text_index = NULL "
                "FROM unnest(CAST(:routes AS bigint[]), CAST(:days AS date[]), CAST(:keys AS uuid[]), "
                "CAST(:pseudonyms AS text[])) AS new (route_id, start_day, event_key, pseudonym) "
                "WHERE events.route_id = new.route_id AND events.start_day = new.start_day "
                "AND events.event_key = new.event_key"
            ),
            {
                "routes": [row.route_id for row in rows],
                "days": [row.start_day for row in rows],
                "keys": [row.event_key for row in rows],
                "pseudonyms": [_pseudonym(row.request_id, salt) for row in rows],
            },
        )


def _pseudonym(request_id: str, salt: bytes) -> str:
    return f"erased-{hashlib.blake2b(request_id.encode(), key=salt, digest_size=12).hexdigest()}"
