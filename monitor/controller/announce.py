"""Alerts of the controller: built from a route's state, queued in the transaction that decides."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from alerts.codec import to_json
from alerts.types import Alert, AlertKind, Effect, Fact, Severity
from monitor.models.incident import Incident
from monitor.models.route import Phase, Route, RouteControl
from monitor.models.variant import Role, Variant
from monitor.storage.outbox import OutboxStore

__all__ = ["Announcer", "effect_in"]

_TOLD_ONCE = frozenset({AlertKind.WOULD_ROLL_BACK, AlertKind.ADVISE, AlertKind.WORTH_A_LOOK})
"""Nothing was moved, so an incident is told of once, whatever the epoch."""

_SEVERITY = {
    AlertKind.WOULD_ROLL_BACK: Severity.WARN,
    AlertKind.ADVISE: Severity.PAGE,
    AlertKind.WORTH_A_LOOK: Severity.WARN,
    AlertKind.ROLLBACK_STARTED: Severity.PAGE,
    AlertKind.ROLLED_BACK: Severity.WARN,
    AlertKind.STUCK: Severity.PAGE,
    AlertKind.BLOCKED: Severity.PAGE,
    AlertKind.REVERTED: Severity.PAGE,
    AlertKind.INCONCLUSIVE: Severity.WARN,
    AlertKind.MANUAL_FLIP: Severity.INFO,
    AlertKind.RESTORED: Severity.INFO,
    AlertKind.FINGERPRINT_CHANGED: Severity.WARN,
    AlertKind.AGREEMENT_BELOW: Severity.WARN,
    AlertKind.AGREEMENT_ABOVE: Severity.WARN,
    AlertKind.BASELINE_DOUBTED: Severity.WARN,
    AlertKind.TRAFFIC_UNLIKE: Severity.WARN,
    AlertKind.HOLDBACK_SHARE: Severity.WARN,
    AlertKind.SAMPLING_UNLIKE: Severity.WARN,
    AlertKind.SHIPPER_SILENT: Severity.WARN,
}


class Announcer:
    """Queues an alert for every configured notifier."""

    def __init__(self, public_url: str, notifiers: tuple[str, ...]) -> None:
        self._public_url = public_url.rstrip("/")
        self._notifiers = notifiers

    def announce(
        self,
        session: Session,
        kind: AlertKind,
        route: Route,
        control: RouteControl,
        variants: list[Variant],
        incident: Incident | None,
        reason: str,
        now: datetime,
    ) -> None:
        """Write the alert to the outbox; the same state change is written once, however often it is tried.

        What only advises is told as such, and told again once it may act.
        """
        if kind is AlertKind.ADVISE and incident is not None and incident.advice is not None:
            kind = AlertKind.WORTH_A_LOOK
        alert = Alert(
            dedup_key=_dedup_key(kind, control, incident),
            incident_id=None if incident is None else incident.id,
            kind=kind,
            severity=_severity(kind, incident),
            route=route.name,
            candidate=_candidate(variants, incident),
            baseline=next((v.name for v in variants if v.role is Role.BASELINE), "none"),
            headline=_headline(reason, incident),
            occurred_at=now,
            effect=None if incident is None else effect_in(incident),
            facts=_facts(control, incident, now),
            evidence_url=f"{self._public_url}/routes/{route.name}",
            next_step=_next_step(kind, route),
        )
        for notifier in self._notifiers:
            OutboxStore(session).add(alert.dedup_key, notifier, to_json(alert), now)


def _headline(reason: str, incident: Incident | None) -> str:
    """Return the reason with how bad the harm is at least, once that is known."""
    if incident is None or incident.at_least is None:
        return reason
    return f"{reason}. {incident.signal} is {incident.at_least['text']}"


def _severity(kind: AlertKind, incident: Incident | None) -> Severity:
    """Return how loud an alert is: a broken variant pages, also where nothing is moved."""
    critical = incident is not None and incident.critical
    return Severity.PAGE if critical and kind is AlertKind.WOULD_ROLL_BACK else _SEVERITY[kind]


def effect_in(incident: Incident) -> Effect | None:
    """Return the incident's effect as alerts show it."""
    return None if incident.effect is None else Effect(**incident.effect)


def _dedup_key(kind: AlertKind, control: RouteControl, incident: Incident | None) -> str:
    """Name a state change: by incident and kind, and by epoch if the change is one of the routing.

    A block comes before its epoch is taken: only the incident tells two of them apart. An incident that turned out to
    be critical is told of again.
    """
    cause = "" if incident is None else f"incident-{incident.id}:{'critical:' if incident.critical else ''}"
    epoch = "" if cause and kind in _TOLD_ONCE else f"route-{control.route_id}:epoch-{control.epoch}:"
    return f"{epoch}{cause}{kind.value}"


def _candidate(variants: list[Variant], incident: Incident | None) -> str:
    for variant in variants:
        if incident is not None and variant.id == incident.candidate_id:
            return variant.name
    return next((variant.name for variant in variants if variant.role is Role.CANDIDATE), "none")


def _facts(control: RouteControl, incident: Incident | None, now: datetime) -> tuple[Fact, ...]:
    facts = [Fact("Phase", control.phase.value), Fact("Epoch", str(control.epoch))]
    if incident is not None:
        facts.append(Fact("Signal", f"{incident.signal} ({incident.slice})"))
        facts.append(Fact("Alarms", str(incident.alarms)))
        facts.append(Fact("Since onset", _duration(now - incident.onset_at)))
    if control.desired is not None and control.phase is not Phase.ARMED:
        facts.append(Fact("Weights", ", ".join(f"{name} {weight}" for name, weight in control.desired.weights.items())))
        facts.append(Fact("Mirror", control.desired.mirror or "off"))
    return tuple(facts)


def _duration(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"  # noqa: PLR2004


def _next_step(kind: AlertKind, route: Route) -> str | None:
    match kind:
        case AlertKind.WOULD_ROLL_BACK | AlertKind.ADVISE | AlertKind.BLOCKED:
            return f'fullback flip {route.name} --to baseline --reason "why"'
        case AlertKind.ROLLBACK_STARTED | AlertKind.ROLLED_BACK | AlertKind.MANUAL_FLIP:
            return f'fullback flip {route.name} --to before --reason "why"'
        case AlertKind.STUCK | AlertKind.REVERTED:
            return f'check the router by hand, then: fullback flip {route.name} --to baseline --reason "why"'
        case AlertKind.INCONCLUSIVE | AlertKind.RESTORED | AlertKind.FINGERPRINT_CHANGED | AlertKind.SHIPPER_SILENT:
            return None
        case (
            AlertKind.WORTH_A_LOOK | AlertKind.AGREEMENT_BELOW | AlertKind.AGREEMENT_ABOVE | AlertKind.BASELINE_DOUBTED
        ):
            return None
        case AlertKind.TRAFFIC_UNLIKE | AlertKind.HOLDBACK_SHARE | AlertKind.SAMPLING_UNLIKE:
            return None
