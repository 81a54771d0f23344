"""Findings: opened with one alert each, shown, closed by their cause's end or by a person."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from alerts.codec import to_json
from alerts.types import Alert, AlertKind, Fact, Severity
from monitor.clock import Clock
from monitor.errors import ConflictError, NotFoundError
from monitor.models.finding import Finding, FindingKind
from monitor.storage.findings import FindingStore
from monitor.storage.outbox import OutboxStore
from monitor.storage.session import Database

__all__ = ["About", "FindingService"]

_ITSELF = "fullback"
"""Who closes a finding whose cause has ended."""
_ALERTS = {
    FindingKind.FINGERPRINT_CHANGED: AlertKind.FINGERPRINT_CHANGED,
    FindingKind.AGREEMENT_BELOW: AlertKind.AGREEMENT_BELOW,
    FindingKind.AGREEMENT_ABOVE: AlertKind.AGREEMENT_ABOVE,
    FindingKind.BASELINE_DOUBTED: AlertKind.BASELINE_DOUBTED,
    FindingKind.TRAFFIC_UNLIKE: AlertKind.TRAFFIC_UNLIKE,
    FindingKind.HOLDBACK_SHARE: AlertKind.HOLDBACK_SHARE,
    FindingKind.SAMPLING_UNLIKE: AlertKind.SAMPLING_UNLIKE,
    FindingKind.REHEARSAL_FAILED: AlertKind.REHEARSAL_FAILED,
    FindingKind.SHIPPER_SILENT: AlertKind.SHIPPER_SILENT,
}
_log = structlog.get_logger("fullback.findings")


@dataclass(frozen=True, slots=True)
class About:
    """Whom a finding is about, as its alert names them; ``name`` is a variant or a source."""

    name: str
    route: str | None = None
    baseline: str = ""
    facts: tuple[Fact, ...] = ()
    next_step: str | None = None
    """The command that a person most likely wants."""


class FindingService:
    """Opens, shows and closes findings; each is told of once."""

    def __init__(self, database: Database, clock: Clock, public_url: str, notifiers: tuple[str, ...]) -> None:
        self._database = database
        self._clock = clock
        self._public_url = public_url.rstrip("/")
        self._notifiers = notifiers

    def open(
        self, session: Session, kind: FindingKind, subject: str, detail: str, about: About, now: datetime
    ) -> Finding | None:
        """Open a finding and queue its alert in the same transaction; None if one is open already."""
        finding = FindingStore(session).open(kind, subject, detail, now)
        if finding is None:
            return None
        alert = Alert(
            dedup_key=f"finding-{finding.id}:{kind.value}",
            incident_id=None,
            kind=_ALERTS[kind],
            severity=Severity.WARN,
            route=about.route or "ingest",
            candidate=about.name,
            baseline=about.baseline,
            headline=detail,
            occurred_at=now,
            facts=about.facts,
            evidence_url=self._public_url + ("/findings" if about.route is None else f"/routes/{about.route}"),
            next_step=about.next_step,
        )
        for notifier in self._notifiers:
            OutboxStore(session).add(alert.dedup_key, notifier, to_json(alert), now)
        _log.warning("finding", kind=kind.value, subject=subject, finding=finding.id)
        return finding

    def newest(self, limit: int, before: int | None = None, *, only_open: bool = False) -> list[Finding]:
        """Return findings, newest first."""
        with self._database.reading() as session:
            return FindingStore(session).newest(limit, before, only_open=only_open)

    def get(self, finding_id: int) -> Finding:
        """Return a finding.

        Raises:
            NotFoundError: there is none with that id.
        """
        with self._database.reading() as session:
            found = FindingStore(session).get(finding_id)
        if found is None:
            raise NotFoundError(f"there is no finding {finding_id}; see GET /v1/findings")
        return found

    def close(self, finding_id: int, actor: str, reason: str) -> Finding:
        """Close an open finding by a person's word.

        Raises:
            ConflictError: it is closed already.
        """
        with self._database.transaction() as session:
            closed = FindingStore(session).close(finding_id, self._clock.now(), actor, reason)
        if closed is None:
            raise ConflictError(f"finding {finding_id} is closed already")
        _log.warning("finding closed", finding=finding_id, kind=closed.kind.value, actor=actor)
        return closed

    @staticmethod
    def dismissed(session: Session, kind: FindingKind, subject: str, since: datetime) -> bool:
        """Tell whether a person closed the newest finding of this kind and subject after an instant."""
        last = FindingStore(session).last_of(kind, subject)
        return last is not None and last.closed_at is not None and last.closed_at > since and last.closed_by != _ITSELF

    @staticmethod
    def end(session: Session, finding: Finding, reason: str, now: datetime) -> None:
        """Close a finding whose cause has ended, unless it was closed meanwhile."""
        if FindingStore(session).close(finding.id, now, _ITSELF, reason) is not None:
            _log.info("finding ended", finding=finding.id, kind=finding.kind.value)
