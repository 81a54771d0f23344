"""Alerts of the controller: built from a route's state, queued in the transaction that decides."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from alerts.codec import to_json
from alerts.types import Alert, AlertKind, Effect, Fact, Severity
from monitor.models.incident import Incident
from monitor.models.route import Phase, Route, RouteControl
from monitor.models.variant import Role, Variant
from monitor.routing.changes import mirror_text
from monitor.storage.outbox import OutboxStore

__all__ = ["Announcer", "effect_in"]

_TOLD_ONCE = frozenset({AlertKind.WOULD_ROLL_BACK, AlertKind.ADVISE, AlertKind.WORTH_A_LOOK})
"""While the route is armed nothing was moved, so an incident is told of once, whatever the epoch."""

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
    AlertKind.CONTROL_PLANE_ONLY: Severity.PAGE,
    AlertKind.MAY_RECOVER: Severity.INFO,
    AlertKind.STILL_HARMFUL: Severity.WARN,
    AlertKind.RAMP_STARTED: Severity.INFO,
    AlertKind.BACKED_OFF: Severity.PAGE,
    AlertKind.REHEARSAL_FAILED: Severity.WARN,
    AlertKind.FINGERPRINT_CHANGED: Severity.WARN,
    AlertKind.AGREEMENT_BELOW: Severity.WARN,
    AlertKind.AGREEMENT_ABOVE: Severity.WARN,
    AlertKind.BASELINE_DOUBTED: Severity.WARN,
    AlertKind.TRAFFIC_UNLIKE: Severity.WARN,
    AlertKind.HOLDBACK_SHARE: Severity.WARN,
    AlertKind.SAMPLING_UNLIKE: Severity.WARN,
    AlertKind.SHIPPER_SILENT: Severity.WARN,
}


_ROLL_BACK = 'fullback flip {route} --to baseline --reason "why"'
_UNDO = 'fullback flip {route} --to before --reason "why"'
_BRING_BACK = 'fullback recover {route} --reason "why"'
_NEXT = {
    AlertKind.WOULD_ROLL_BACK: _ROLL_BACK,
    AlertKind.ADVISE: _ROLL_BACK,
    AlertKind.BLOCKED: _ROLL_BACK,
    AlertKind.BACKED_OFF: _ROLL_BACK,
    AlertKind.RAMP_STARTED: f"to stop it: {_ROLL_BACK}",
    AlertKind.STUCK: f"check the router by hand, then: {_ROLL_BACK}",
    AlertKind.REVERTED: f"check the router by hand, then: {_ROLL_BACK}",
    AlertKind.ROLLBACK_STARTED: _UNDO,
    AlertKind.ROLLED_BACK: _UNDO,
    AlertKind.MANUAL_FLIP: _UNDO,
    AlertKind.MAY_RECOVER: _BRING_BACK,
    AlertKind.STILL_HARMFUL: _BRING_BACK,
    AlertKind.CONTROL_PLANE_ONLY: "fullback routes show {route}",
    AlertKind.REHEARSAL_FAILED: "fullback flip {route} --to baseline --dry-run",
}
"""What a person most likely wants to do next, where there is something."""

_MOST_TARGETS = 4
"""An alert tells of so many targets that differ; the page has all."""


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
    """Name a state change: by incident and kind, by epoch, by when its phase was entered, and by what it tells of.

    So each entry into a phase that pages does page, and two processes that tell of the same one tell once. An incident
    that turned out to be critical is told of again.
    """
    cause = "" if incident is None else f"incident-{incident.id}:{'critical:' if incident.critical else ''}"
    if cause and kind in _TOLD_ONCE and control.phase is Phase.ARMED:
        return f"{cause}{kind.value}"
    entered = f"route-{control.route_id}:epoch-{control.epoch}:since-{control.phase_since:%Y%m%dT%H%M%S.%f}:"
    told = f"{control.told}:" if control.told is not None else ""
    return f"{entered}{cause}{told}{kind.value}"


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
    if control.desired and control.phase is not Phase.ARMED:
        alike = len({(tuple(one.weights.items()), mirror_text(one.mirror)) for one in control.desired.values()}) == 1
        for label, one in list(control.desired.items())[: 1 if alike else _MOST_TARGETS]:
            where = "" if alike else f" at {label}"
            shares = ", ".join(f"{name} {weight}" for name, weight in one.weights.items())
            facts += [Fact(f"Weights{where}", shares), Fact(f"Mirror{where}", mirror_text(one.mirror))]
    return tuple(facts)


def _duration(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"  # noqa: PLR2004


def _next_step(kind: AlertKind, route: Route) -> str | None:
    step = _NEXT.get(kind)
    return None if step is None else step.format(route=route.name)
