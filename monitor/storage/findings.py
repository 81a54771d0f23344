"""Findings: opened once per kind and subject, closed by what they were about or by a person."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from monitor.models.finding import Finding, FindingKind
from monitor.storage.tables import FindingRow

__all__ = ["FindingStore"]


class FindingStore:
    """Rows of ``findings``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def open(self, kind: FindingKind, subject: str, detail: str, at: datetime) -> Finding | None:
        """Open a finding and return it; None if one was open, which then says the new detail."""
        row = self._session.scalar(
            insert(FindingRow)
            .values(kind=kind.value, subject=subject, detail=detail, opened_at=at)
            .on_conflict_do_nothing(index_elements=["kind", "subject"], index_where=FindingRow.closed_at.is_(None))
            .returning(FindingRow)
        )
        if row is not None:
            return _finding(row)
        self._session.execute(
            update(FindingRow)
            .where(FindingRow.kind == kind.value, FindingRow.subject == subject, FindingRow.closed_at.is_(None))
            .values(detail=detail)
        )
        return None

    def close(self, finding_id: int, at: datetime, by: str, reason: str) -> Finding | None:
        """Close an open finding and return it; None if there is no such open one."""
        row = self._session.scalar(
            update(FindingRow)
            .where(FindingRow.id == finding_id, FindingRow.closed_at.is_(None))
            .values(closed_at=at, closed_by=by, closed_reason=reason)
            .returning(FindingRow)
        )
        return None if row is None else _finding(row)

    def get(self, finding_id: int) -> Finding | None:
        """Return a finding."""
        row = self._session.get(FindingRow, finding_id)
        return None if row is None else _finding(row)

    def open_of(self, kind: FindingKind) -> dict[str, Finding]:
        """Return the open findings of a kind, by subject."""
        rows = self._session.scalars(
            select(FindingRow).where(FindingRow.kind == kind.value, FindingRow.closed_at.is_(None))
        )
        return {row.subject: _finding(row) for row in rows}

    def open_among(self, kinds: Iterable[FindingKind]) -> dict[tuple[FindingKind, str], Finding]:
        """Return the open findings of some kinds, by kind and subject."""
        rows = self._session.scalars(
            select(FindingRow).where(
                FindingRow.kind.in_([kind.value for kind in kinds]), FindingRow.closed_at.is_(None)
            )
        )
        return {(FindingKind(row.kind), row.subject): _finding(row) for row in rows}

    def last_of(self, kind: FindingKind, subject: str) -> Finding | None:
        """Return the newest finding of a kind on a subject, open or closed."""
        row = self._session.scalar(
            select(FindingRow)
            .where(FindingRow.kind == kind.value, FindingRow.subject == subject)
            .order_by(FindingRow.id.desc())
            .limit(1)
        )
        return None if row is None else _finding(row)

    def newest(self, limit: int, before: int | None = None, *, only_open: bool = False) -> list[Finding]:
        """Return findings, newest first, those with a lower id than ``before``."""
        query = select(FindingRow).order_by(FindingRow.id.desc()).limit(limit)
        if before is not None:
            query = query.where(FindingRow.id < before)
        if only_open:
            query = query.where(FindingRow.closed_at.is_(None))
        return [_finding(row) for row in self._session.scalars(query)]


def _finding(row: FindingRow) -> Finding:
    return Finding(
        id=row.id,
        kind=FindingKind(row.kind),
        subject=row.subject,
        detail=row.detail,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        closed_reason=row.closed_reason,
    )
