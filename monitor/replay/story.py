"""What a replay found, as one document: verdicts, decisions, incidents, timeline, and an account of every record."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from detectors.types import Verdict
from monitor.models.route import Route
from monitor.models.variant import Role, Variant
from monitor.replay.player import Change, Played
from monitor.replay.source import MOST_SHOWN, Source
from monitor.replay.stage import Stage
from monitor.storage.controls import ControlStore
from monitor.storage.decisions import DecisionStore
from monitor.storage.findings import FindingStore
from monitor.storage.incidents import IncidentStore
from monitor.storage.routes import RouteStore

__all__ = ["story"]

_MOST = 10_000
_ROLLBACKS = {"would_roll_back", "advise", "roll_back"}
_ORDER = [Verdict.HARM, Verdict.SAFE, Verdict.UNDECIDED, Verdict.INCONCLUSIVE]


def story(stage: Stage, source: Source, played: Played, policy_name: str) -> dict[str, Any]:
    """Return the document of a replay that has ended."""
    first, last = source.span
    routes = [_route(stage, route, played) for route in stage.routes]
    with stage.factory.database.reading() as session:
        findings = FindingStore(session).newest(_MOST)[::-1]
    return {
        "policy": policy_name,
        "span": {"from": _stamp(first), "to": _stamp(last)},
        "records": {
            "read": source.records,
            "received": played.received,
            "stored": played.stored,
            "duplicates": played.duplicates,
            "rejected": played.rejected,
            "passed_over": sum(source.problems.by_code.values()) - played.rejected,
        },
        "problems": {
            "by_code": dict(sorted((code, n) for code, n in source.problems.by_code.items() if n)),
            "shown": [asdict(problem) for problem in source.problems.shown],
        },
        "unknown_fields": list(played.unknown_fields)[:MOST_SHOWN],
        "ticks": {"closed": played.ticks_closed, "passed_over": played.ticks_passed_over},
        "notes": list(stage.notes),
        "alarms": sum(incident["alarms"] for route in routes for incident in route["incidents"]),
        "rollbacks": sum(route["rollbacks"] for route in routes),
        "findings": [
            {"at": finding.opened_at.isoformat(), "kind": finding.kind.value, "subject": finding.subject}
            | {"detail": finding.detail}
            for finding in findings
        ],
        "routes": routes,
    }


def _route(stage: Stage, route: Route, played: Played) -> dict[str, Any]:
    with stage.factory.database.reading() as session:
        variants = {variant.id: variant for variant in RouteStore(session).variants(route.id)}
        incidents = IncidentStore(session).newest(route.id, _MOST)[::-1]
        decisions = DecisionStore(session).newest(route.id, _MOST)[::-1]
        control = ControlStore(session).get(route.id)
    told = [audit for audit in decisions if audit.action != "create"]
    timeline = [
        *(_change(change, variants) for change in played.changes if change.route_id == route.id),
        *(
            {"at": audit.at, "what": audit.action, "text": audit.reason, "phase": audit.to_phase.value}
            for audit in told
        ),
    ]
    return {
        "route": route.name,
        "mode": route.mode.value,
        "phase": control.phase.value,
        "baseline": next((one.name for one in variants.values() if one.role is Role.BASELINE), None),
        "mirror_percent": route.mirror_percent,
        "rollbacks": sum(audit.action in _ROLLBACKS for audit in told),
        "verdicts": sorted(
            (
                {
                    "candidate": variants[one.candidate_id].name,
                    "a_a": variants[one.candidate_id].role is Role.BASELINE,
                    "signal": one.signal,
                    "slice": one.slice,
                    "verdict": one.verdict.value,
                    "reason": one.reason,
                    "pairs": one.evidence.pairs,
                    "candidate_rate": one.evidence.candidate_rate,
                    "baseline_rate": one.evidence.baseline_rate,
                    "smallest_detectable": one.evidence.smallest_detectable,
                }
                for one in played.streams
                if one.route_id == route.id
            ),
            key=lambda row: (
                row["a_a"],
                row["candidate"],
                _ORDER.index(Verdict(row["verdict"])),
                row["signal"],
                row["slice"],
            ),
        ),
        "incidents": [
            {
                "candidate": variants[one.candidate_id].name,
                "signal": one.signal,
                "slice": one.slice,
                "onset": one.onset_at.isoformat(),
                "alarm": one.opened_at.isoformat(),
                "alarms": one.alarms,
                "headline": one.headline,
                "decided": one.decided,
                "effect": one.effect,
            }
            for one in incidents
        ],
        "timeline": [
            {**entry, "at": entry["at"].isoformat()} for entry in sorted(timeline, key=lambda entry: entry["at"])
        ],
    }


def _change(change: Change, variants: dict[int, Variant]) -> dict[str, Any]:
    name = variants[change.candidate_id].name
    where = change.signal if change.slice == "all" else f"{change.signal} ({change.slice})"
    before = "none" if change.before is None else change.before.value
    return {
        "at": change.at,
        "what": "verdict",
        "text": f"{name}, {where}: {before} → {change.after.value}. {change.reason}",
    }


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
