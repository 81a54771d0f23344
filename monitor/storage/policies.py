"""Policy documents: every version is kept, none is changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.storage.tables import PolicyRow

__all__ = ["PolicyStore", "StoredPolicy"]


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """A policy document at one version, as it was handed in."""

    name: str
    version: int
    document: Mapping[str, Any]
    actor: str
    created_at: datetime


class PolicyStore:
    """Rows of ``policies``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, name: str, document: Mapping[str, Any], actor: str, at: datetime) -> StoredPolicy:
        """Store the next version of a policy."""
        newest = self._session.scalar(select(func.max(PolicyRow.version)).where(PolicyRow.name == name))
        row = PolicyRow(name=name, version=(newest or 0) + 1, document=dict(document), actor=actor, created_at=at)
        self._session.add(row)
        self._session.flush()
        return _policy(row)

    def newest(self, name: str) -> StoredPolicy | None:
        """Return the newest version of a policy."""
        row = self._session.scalar(
            select(PolicyRow).where(PolicyRow.name == name).order_by(PolicyRow.version.desc()).limit(1)
        )
        return None if row is None else _policy(row)

    def all(self) -> list[StoredPolicy]:
        """Return every version of every policy, newest version first."""
        rows = self._session.scalars(select(PolicyRow).order_by(PolicyRow.name, PolicyRow.version.desc()))
        return [_policy(row) for row in rows]


def _policy(row: PolicyRow) -> StoredPolicy:
    return StoredPolicy(row.name, row.version, row.document, row.actor, row.created_at)
