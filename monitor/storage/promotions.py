"""The promotion gate's questions, in the order in which they were asked."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from detectors.stats.multiplicity import Gates
from monitor.models.promotion import Promotion
from monitor.storage.tables import PromotionRow

__all__ = ["PromotionStore"]


class PromotionStore:
    """Rows of ``promotions``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def gates(self) -> Gates:
        """Return how many questions were asked and how many gates opened, over all routes and all time."""
        opened = func.count().filter(PromotionRow.opened)
        row = self._session.execute(select(func.count(), opened).select_from(PromotionRow)).one()
        return Gates(row[0], row[1])

    def add(self, route_id: int, promotion: Promotion, at: datetime) -> None:
        """Keep a question with its answer."""
        self._session.add(
            PromotionRow(
                route_id=route_id,
                candidate_id=promotion.candidate_id,
                at=at,
                log_e=promotion.log_e,
                log_threshold=promotion.log_threshold,
                opened=promotion.opened,
            )
        )
        self._session.flush()
