"""The decision: from a route's state and its open incidents to one action with its reason. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from monitor.models.decision import Action, Decision
from monitor.models.incident import Incident
from monitor.models.policy import Policy
from monitor.models.route import Mode, Phase, Route, RouteControl

__all__ = ["decide", "gravest", "reconsider"]


def decide(
    route: Route,
    control: RouteControl,
    incidents: Sequence[Incident],
    policy: Policy,
    now: datetime,
    not_armed: str | None = None,
    answered_at: datetime | None = None,
) -> tuple[Decision, Incident | None]:
    """Choose what to do about a route now, and for which incident.

    Only an open incident with an alarm younger than the policy's ``evidence_ttl`` can move traffic, only in ``auto``,
    only from ``armed``, and never against a person's pin. No data is never a reason to act, and an incident whose
    alarms all only advise is told to people and moves nothing, in any mode. ``not_armed`` says why ``auto`` may not act
    by itself yet; alarms from before ``answered_at`` were answered by a way back or an undo and are no news.
    """
    if control.phase is not Phase.ARMED:
        return Decision(Action.NOTHING, f"the route is {control.phase.value}"), None
    ttl = timedelta(seconds=policy.evidence_ttl_s)
    for incident in incidents:
        if not incident.actionable(now, ttl):
            reason = f"no alarm in the last {_minutes(policy.evidence_ttl_s)}: the evidence is too old to act on"
            return Decision(Action.EXPIRE, reason), incident
    news = [one for one in incidents if answered_at is None or one.last_alarm_at >= answered_at]
    for incident in news:
        decision = _for_incident(route, control, incident, now, not_armed)
        if decision.action is not Action.NOTHING and decision.action.value != incident.decided:
            return decision, incident
    return Decision(Action.NOTHING, "no harm found" if not news else "already decided"), None


def gravest(incidents: Sequence[Incident], since: datetime, policy: Policy, now: datetime) -> Incident | None:
    """Return the one to act on of those that alarmed since: young enough first, then broken, then the newest."""
    ttl = timedelta(seconds=policy.evidence_ttl_s)
    alarmed = [one for one in incidents if one.advice is None and one.last_alarm_at >= since]
    return max(alarmed, key=lambda one: (one.actionable(now, ttl), one.critical, one.last_alarm_at), default=None)


def reconsider(
    route: Route,
    control: RouteControl,
    incident: Incident | None,
    policy: Policy,
    now: datetime,
    not_armed: str | None = None,
) -> Decision:
    """Judge a rollback again right before it is committed: what a person did since it was decided wins.

    Anything but ``ROLL_BACK`` withdraws it: a closed or old incident, a pin, a change of mode.
    """
    if incident is None or not incident.actionable(now, timedelta(seconds=policy.evidence_ttl_s)):
        return Decision(Action.NOTHING, "the evidence is closed or too old to act on")
    return _for_incident(route, control, incident, now, not_armed)


def _for_incident(
    route: Route, control: RouteControl, incident: Incident, now: datetime, not_armed: str | None
) -> Decision:
    if incident.advice is not None:
        return Decision(Action.ADVISE, f"{incident.headline}. {incident.advice}")
    if route.mode is Mode.OBSERVE:
        return Decision(Action.WOULD_ROLL_BACK, f"{incident.headline}. Mode observe: nothing is moved")
    if control.pinned(now):
        return Decision(Action.ADVISE, f"{incident.headline}. {control.pinned_by} pinned the route: nothing is moved")
    match route.mode:
        case Mode.ADVISE:
            return Decision(Action.ADVISE, f"{incident.headline}. Mode advise: a person decides")
        case Mode.AUTO if not_armed is not None:
            return Decision(Action.ADVISE, f"{incident.headline}. auto is not armed yet: {not_armed}")
        case Mode.AUTO:
            return Decision(Action.ROLL_BACK, incident.headline)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:g} min"
