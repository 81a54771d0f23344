"""What moves a route, as JSON: freezes, rehearsals, how its routers stand, and time lines."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from monitor.api.views import decision_view, time_view
from monitor.controller.overview import Overview
from monitor.models.freeze import Freeze
from monitor.models.incident import Incident
from monitor.models.rehearsal import FlipRehearsal
from monitor.services.timelines import Timeline
from monitor.storage.rehearsals import StoredRehearsal

__all__ = ["freeze_view", "overview_view", "rehearsal_view", "stored_rehearsal_view", "timeline_view"]

_PLACES = 3


def freeze_view(freeze: Freeze, routes: Mapping[int, str], now: datetime) -> dict[str, Any]:
    """Return a freeze; ``route`` is null where it holds all of them."""
    return {
        "id": freeze.id,
        "route": None if freeze.route_id is None else routes.get(freeze.route_id, str(freeze.route_id)),
        "breaker": freeze.of_breaker,
        "actor": freeze.actor,
        "reason": freeze.reason,
        "starts_at": time_view(freeze.starts_at),
        "ends_at": time_view(freeze.ends_at),
        "stands": freeze.stands(now),
        "lifted_at": time_view(freeze.lifted_at),
        "lifted_by": freeze.lifted_by,
        "lifted_reason": freeze.lifted_reason,
        "said": freeze.said(),
    }


def rehearsal_view(rehearsal: FlipRehearsal) -> dict[str, Any]:
    """Return what a flip would do."""
    return {
        "ok": not rehearsal.problems,
        "at": time_view(rehearsal.at),
        "goal": rehearsal.goal.value,
        "phase": rehearsal.phase.value,
        "epoch": rehearsal.epoch,
        "checks": [asdict(check) for check in rehearsal.checks],
        "stages": [stage.to_json() for stage in rehearsal.stages],
        "targets": [{"ok": not one.problems, **asdict(one)} for one in rehearsal.targets],
        "problems": list(rehearsal.problems),
    }


def stored_rehearsal_view(one: StoredRehearsal) -> dict[str, Any]:
    """Return how the last rehearsal went at a target; ``target`` is null for the preflight."""
    return {
        "target": one.target or None,
        "ok": not one.problems,
        "at": time_view(one.at),
        "problems": list(one.problems),
        "changes": list(one.changes),
        "owners": list(one.owners),
    }


def overview_view(overview: Overview) -> dict[str, Any]:
    """Return how a route stands."""
    return {
        "at": time_view(overview.at),
        "not_armed": overview.not_armed,
        "held": overview.held,
        "proof": overview.proof,
        "targets": [
            {
                "target": one.target,
                "read_back": one.read_back.value,
                "standing": None if one.standing is None else one.standing.name.lower(),
                "said": one.said,
                "shows": None if one.snapshot is None else one.snapshot.to_json(),
            }
            for one in overview.targets
        ],
    }


def timeline_view(timeline: Timeline, incident: Incident, route: str) -> dict[str, Any]:
    """Return an incident's time line, with the seconds from the alarm to each step of the last flip."""
    return {
        "route": route,
        "incident": incident.id,
        "headline": incident.headline,
        "onset_at": time_view(incident.onset_at),
        "alarm_at": time_view(timeline.alarm_at),
        "closed_at": time_view(incident.closed_at),
        "effective_s": {step.value: round(seconds, _PLACES) for step, seconds in timeline.effective_s.items()},
        "items": [
            {
                **decision_view(one.audit, route),
                "since_alarm_s": round(one.since_alarm_s, _PLACES),
                "since_previous_s": round(one.since_previous_s, _PLACES),
                "milestone": None if one.milestone is None else one.milestone.value,
            }
            for one in timeline.entries
        ],
    }
