"""What is known of how like the arms of a route are: one row a variant, written with the tick that changed it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from monitor.storage.tables import Base

__all__ = ["ComparabilityRow", "ComparabilityStore"]


class ComparabilityRow(Base):
    """The state of a variant's comparability with its baseline, and the tick folded last."""

    __tablename__ = "comparability"

    route_id: Mapped[int] = mapped_column(ForeignKey("routes.id"), primary_key=True)
    variant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    tick: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[dict[str, Any]]


class ComparabilityStore:
    """Rows of ``comparability``. Written only by the transaction that closes a route's tick."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of_route(self, route_id: int) -> dict[int, Mapping[str, Any]]:
        """Return the states of a route, by variant."""
        rows = self._session.execute(
            select(ComparabilityRow.variant_id, ComparabilityRow.state).where(ComparabilityRow.route_id == route_id)
        )
        return {row.variant_id: row.state for row in rows}

    def keep(self, route_id: int, tick: int, states: Mapping[int, Mapping[str, Any]]) -> None:
        """Store the states after a tick."""
        if not states:
            return
        rows = [{"route_id": route_id, "variant_id": key, "tick": tick, "state": one} for key, one in states.items()]
        new = insert(ComparabilityRow)
        self._session.execute(
            new.on_conflict_do_update(
                index_elements=["route_id", "variant_id"], set_={"tick": new.excluded.tick, "state": new.excluded.state}
            ),
            rows,
        )
