"""Attribution rules: one ordered list, replaced as a whole."""

from collections.abc import Sequence

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from monitor.models.event import Leg
from monitor.models.rule import MatchField, Pattern, Rule
from monitor.storage.tables import AttributionRuleRow

__all__ = ["RuleStore"]


class RuleStore:
    """Rows of ``attribution_rules``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self) -> list[Rule]:
        """Return the rules in their order."""
        rows = self._session.scalars(select(AttributionRuleRow).order_by(AttributionRuleRow.position))
        return [_rule(row) for row in rows]

    def lock(self) -> None:
        """Let nobody else change the list until this transaction ends; reading goes on."""
        self._session.execute(text("LOCK TABLE attribution_rules IN SHARE ROW EXCLUSIVE MODE"))

    def replace(self, rules: Sequence[Rule]) -> None:
        """Store the list in place of the present one."""
        self._session.execute(delete(AttributionRuleRow))
        self._session.add_all(
            AttributionRuleRow(
                position=position,
                name=rule.name,
                match=rule.match_json(),
                outcome=rule.outcome_json(),
                actor=rule.actor,
                created_at=rule.created_at,
            )
            for position, rule in enumerate(rules, start=1)
        )
        self._session.flush()


def _rule(row: AttributionRuleRow) -> Rule:
    leg = row.outcome.get("leg")
    return Rule(
        name=row.name,
        match={MatchField(field): Pattern.from_json(pattern) for field, pattern in row.match.items()},
        route=row.outcome["route"],
        variant=row.outcome.get("variant"),
        leg=None if leg is None else Leg(leg),
        actor=row.actor,
        created_at=row.created_at,
    )
