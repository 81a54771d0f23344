"""Whether a candidate is broken: the state of that rule, one row a candidate."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from monitor.models.breakage import StoredBreakage
from monitor.storage.tables import Base

__all__ = ["BreakageRow", "BreakageStore"]


class BreakageRow(Base):
    """What the rule for broken variants remembers of one candidate."""

    __tablename__ = "breakages"

    candidate_id: Mapped[int] = mapped_column(ForeignKey("variants.id"), primary_key=True)
    route_id: Mapped[int] = mapped_column(ForeignKey("routes.id"), index=True)
    fingerprint: Mapped[str]
    state: Mapped[dict[str, Any]]
    last_tick: Mapped[int] = mapped_column(BigInteger)


class BreakageStore:
    """Rows of ``breakages``. Written only by the transaction that closes a route's tick."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of_route(self, route_id: int) -> dict[int, StoredBreakage]:
        """Return what is stored of a route's candidates, by candidate."""
        rows = self._session.scalars(select(BreakageRow).where(BreakageRow.route_id == route_id))
        return {row.candidate_id: StoredBreakage(row.candidate_id, row.fingerprint, row.state) for row in rows}

    def keep(self, route_id: int, tick: int, states: Iterable[StoredBreakage]) -> None:
        """Store the states after a tick."""
        values = [
            {
                "candidate_id": one.candidate_id,
                "route_id": route_id,
                "fingerprint": one.fingerprint,
                "state": dict(one.state),
                "last_tick": tick,
            }
            for one in states
        ]
        if not values:
            return
        added = insert(BreakageRow).values(values)
        changed = {name: added.excluded[name] for name in ("route_id", "fingerprint", "state", "last_tick")}
        self._session.execute(added.on_conflict_do_update(index_elements=["candidate_id"], set_=changed))
