"""The last rehearsal of each route at each of its targets."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from monitor.storage.tables import RehearsalRow

__all__ = ["RehearsalStore", "StoredRehearsal"]


@dataclass(frozen=True, slots=True)
class StoredRehearsal:
    """How a rollback would have gone at one target."""

    target: str
    at: datetime
    problems: tuple[str, ...]
    changes: tuple[str, ...]
    owners: tuple[str, ...] = ()
    """GitOps managers that would write over it."""


class RehearsalStore:
    """Rows of ``rehearsals``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, route_id: int, found: list[StoredRehearsal]) -> None:
        """Keep a route's newest rehearsal in place of the one before; targets it no longer has are forgotten."""
        for one in found:
            values = {
                "at": one.at,
                "problems": list(one.problems),
                "changes": list(one.changes),
                "owners": list(one.owners),
            }
            self._session.execute(
                insert(RehearsalRow)
                .values(route_id=route_id, target=one.target, **values)
                .on_conflict_do_update(index_elements=["route_id", "target"], set_=values)
            )
        self._session.execute(
            delete(RehearsalRow).where(
                RehearsalRow.route_id == route_id, RehearsalRow.target.not_in([one.target for one in found])
            )
        )

    def of_route(self, route_id: int) -> list[StoredRehearsal]:
        """Return a route's, by target."""
        rows = self._session.scalars(
            select(RehearsalRow).where(RehearsalRow.route_id == route_id).order_by(RehearsalRow.target)
        )
        return [
            StoredRehearsal(row.target, row.at, tuple(row.problems), tuple(row.changes), tuple(row.owners))
            for row in rows
        ]
