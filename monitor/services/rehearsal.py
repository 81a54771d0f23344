"""Rehearsals: the way of a rollback, gone in dry run at every route's real routers before it is needed."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.orm import Session

from alerts.types import Fact
from monitor.clock import Clock
from monitor.errors import ConflictError, FullbackError
from monitor.models.decision import Audit
from monitor.models.finding import FindingKind
from monitor.models.rehearsal import FlipRehearsal
from monitor.models.route import Mode, Route
from monitor.models.variant import Role
from monitor.services.findings import About, FindingService
from monitor.storage.controls import ControlStore
from monitor.storage.decisions import DecisionStore
from monitor.storage.findings import FindingStore
from monitor.storage.rehearsals import RehearsalStore, StoredRehearsal
from monitor.storage.routes import RouteStore
from monitor.storage.session import Database

__all__ = ["ITSELF", "RehearsalService"]

ITSELF: Final = ""
"""In place of a target's name: what the preflight says of the route itself."""
_CHANGES: Final = ("change", "variant", "create")
"""Audit actions after which the last rehearsal may no longer hold."""
_MOST: Final = 20
"""Rehearsals in one run: the rest follow in the next."""
_TOLD: Final = 3
_LONGEST: Final = 1000
_QUIET: Final = timedelta(days=7)
_log = structlog.get_logger("fullback.rehearsal")


class RehearsalService:
    """Rehearses every route now and then, and soon after it was changed.

    Args:
        database: Where the outcome is kept.
        rehearse: Goes the way of a flip to the baseline without writing.
        findings: Opened where a rollback would not work, closed when it would again.
        clock: The time.
        every: How long an outcome holds.
    """

    def __init__(
        self,
        database: Database,
        rehearse: Callable[[Route], FlipRehearsal],
        findings: FindingService,
        clock: Clock,
        every: timedelta,
    ) -> None:
        self._database = database
        self._rehearse = rehearse
        self._findings = findings
        self._clock = clock
        self._every = every

    def run(self) -> None:
        """Rehearse the routes that are due, the longest waiting first."""
        for route in self._due()[:_MOST]:
            try:
                self._keep(route, self._rehearse(route))
            except ConflictError:
                continue  # a flip is being applied, or there is no candidate to flip away from: later
            except FullbackError as error:
                _log.warning("rehearsal failed", route=route.name, code=error.code, detail=error.detail)
            except Exception as error:  # noqa: BLE001 - the other routes must not wait for it; the trace is logged
                _log.exception("rehearsal failed unexpectedly", route=route.name, error=type(error).__name__)

    def _due(self) -> list[Route]:
        now = self._clock.now()
        waiting: list[tuple[datetime, Route]] = []
        with self._database.reading() as session:
            for route in RouteStore(session).all():
                last = RehearsalStore(session).of_route(route.id)
                at = min((one.at for one in last), default=None)
                changed = DecisionStore(session).last_of(route.id, _CHANGES)
                if at is None or at + self._every <= now or (changed is not None and changed.at > at):
                    waiting.append((at or route.created_at - self._every, route))
        return [route for _, route in sorted(waiting, key=lambda one: (one[0], one[1].id))]

    def _keep(self, route: Route, outcome: FlipRehearsal) -> None:
        """Store it, with an audit row where the outcome is another, and a finding where a rollback would not work."""
        found = _stored(route, outcome)
        with self._database.transaction() as session:
            before = RehearsalStore(session).of_route(route.id)
            RehearsalStore(session).put(route.id, found)
            changed = not before or _failing(before) != _failing(found)
            if changed:
                self._audit(session, route, outcome, found)
            self._find(session, route, found, changed=changed)

    def _audit(self, session: Session, route: Route, outcome: FlipRehearsal, found: Sequence[StoredRehearsal]) -> None:
        control = ControlStore(session).get(route.id)
        ok = not _failing(found)
        told = "a rollback would be written to every router" if ok else f"a rollback would not work: {_told(found)}"
        evidence = {"rehearsal": {one.target or "preflight": list(one.problems) or "ok" for one in found}}
        DecisionStore(session).add(
            Audit(
                route.id,
                outcome.at,
                "controller",
                "rehearsed" if ok else "rehearsal_failed",
                control.phase,
                control.phase,
                told,
                control.epoch,
                evidence=evidence,
            )
        )
        _log.info("rehearsed", route=route.name, ok=ok)

    def _find(self, session: Session, route: Route, found: Sequence[StoredRehearsal], *, changed: bool) -> None:
        now, kind = self._clock.now(), FindingKind.REHEARSAL_FAILED
        failing = _failing(found)
        if not failing:
            opened = FindingStore(session).open_of(kind).get(route.name)
            if opened is not None:
                self._findings.end(session, opened, "a rollback would work again", now)
            return
        if not changed and self._findings.dismissed(session, kind, route.name, now - _QUIET):
            return
        variants = RouteStore(session).variants(route.id)
        targets = [one for one in found if one.target != ITSELF]
        works = sum(not one.problems for one in targets)
        about = About(
            name=next((one.name for one in variants if one.role is Role.CANDIDATE), "none"),
            route=route.name,
            baseline=next((one.name for one in variants if one.role is Role.BASELINE), ""),
            facts=(Fact("Targets that would follow", f"{works} of {len(targets)}"),),
            next_step=f"fullback flip {route.name} --to baseline --dry-run",
        )
        self._findings.open(session, kind, route.name, f"a rollback would not work: {_told(found)}", about, now)


def _stored(route: Route, outcome: FlipRehearsal) -> list[StoredRehearsal]:
    """Return the rows: one a target, and one for the preflight where it would hold the controller."""
    refused = outcome.refused if route.mode is Mode.AUTO else None
    itself = StoredRehearsal(ITSELF, outcome.at, () if refused is None else (refused,), ())
    targets = [
        StoredRehearsal(one.target, outcome.at, one.problems, one.changes, one.owners) for one in outcome.targets
    ]
    return [itself, *targets]


def _failing(found: Sequence[StoredRehearsal]) -> set[str]:
    return {one.target for one in found if one.problems}


def _told(found: Sequence[StoredRehearsal]) -> str:
    problems = [f"{one.target}: {text}" if one.target else text for one in found for text in one.problems]
    more = f"; and {len(problems) - _TOLD} more" if len(problems) > _TOLD else ""
    return ("; ".join(problems[:_TOLD]) + more)[:_LONGEST]
