"""Domain types as JSON: the same words as everywhere."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from monitor.models.decision import Audit
from monitor.models.evidence import Stream
from monitor.models.finding import Finding
from monitor.models.incident import Incident
from monitor.models.route import Route, RouteControl
from monitor.models.rule import Rule
from monitor.models.variant import Variant
from monitor.services.degraded import WHAT_IT_IS, Whole
from monitor.services.stream_bound import StreamBound
from monitor.services.tier_defaults import defaults_for
from monitor.services.variant_facts import facts_of
from monitor.storage.policies import StoredPolicy

__all__ = [
    "bound_view",
    "control_view",
    "decision_view",
    "finding_view",
    "incident_view",
    "policy_view",
    "route_view",
    "rule_view",
    "stream_view",
    "time_view",
    "variant_view",
    "whole_view",
]


def time_view(at: datetime | None) -> str | None:
    """Return an instant."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def route_view(route: Route) -> dict[str, Any]:
    """Return a route."""
    return {
        "name": route.name,
        "mode": route.mode.value,
        "policy": route.policy,
        "targets": [target.to_json() for target in route.targets],
        "mirror_host_suffix": route.mirror_host_suffix,
        "mirror_percent": route.mirror_percent,
        "waiver": route.waiver,
        "text_storage": route.text_storage.to_json(),
        "answer_schema": route.answer_schema,
        "created_at": time_view(route.created_at),
    }


def control_view(control: RouteControl) -> dict[str, Any]:
    """Return the controller's state of a route."""
    return {
        "phase": control.phase.value,
        "phase_since": time_view(control.phase_since),
        "goal": control.goal.value,
        "epoch": control.epoch,
        "desired": {name: one.to_json() for name, one in control.desired.items()},
        "before": {name: one.to_json() for name, one in control.before.items()},
        "stages": [stage.to_json() for stage in control.stages],
        "stage": control.stage,
        "condemned": dict(control.condemned),
        "applied_at": time_view(control.applied_at),
        "actor": control.actor,
        "told": control.told,
        "incident_id": control.incident_id,
        "pinned_by": control.pinned_by,
        "pinned_until": time_view(control.pinned_until),
    }


def variant_view(variant: Variant) -> dict[str, Any]:
    """Return a variant with its facts, confirmed or suggested, and what they set where the policy is silent."""
    facts = facts_of(variant)
    brings = defaults_for(variant.tier, facts.artifact)
    return {
        "name": variant.name,
        "role": variant.role.value,
        "backend": variant.backend,
        "format": variant.format,
        "tier": variant.tier.value,
        "base_model": variant.base_model,
        "digest": variant.digest,
        "artifact": facts.artifact.to_json(),
        "confirmed_by": variant.confirmed_by,
        "confirmed_at": time_view(variant.confirmed_at),
        "warnings": list(facts.warnings),
        "defaults": {"reason": brings.reason, "slices": list(brings.slices), "in_force": facts.confirmed}
        | {"margins": {name: asdict(margin) for name, margin in brings.margins.items()}},
    }


def stream_view(stream: Stream, names: Mapping[int, str], *, is_aa: bool) -> dict[str, Any]:
    """Return a stream with its evidence."""
    return {
        "id": stream.id,
        "candidate": names.get(stream.candidate_id, str(stream.candidate_id)),
        "a_a": is_aa,
        "signal": stream.signal,
        "slice": stream.slice,
        "verdict": stream.verdict.value,
        "reason": stream.reason,
        "updated_at": time_view(stream.updated_at),
        **stream.evidence.to_json(),
    }


def whole_view(whole: Whole, names: Mapping[int, str]) -> dict[str, Any]:
    """Return a candidate as a whole: its evidence beside its own alarm threshold, and its degraded slices."""
    culprit = whole.culprit
    return {
        "candidate": names.get(whole.candidate_id, str(whole.candidate_id)),
        "streams": whole.streams,
        "log_ratio": whole.log_ratio,
        "culprit": None if culprit is None else {"signal": culprit[0], "slice": culprit[1], "part": whole.part},
        "degraded": [asdict(one) for one in whole.degraded],
        "note": WHAT_IT_IS,
    }


def bound_view(bound: StreamBound) -> dict[str, Any]:
    """Return how many streams a route may have, and what that leaves out."""
    return {
        "max_streams": bound.most,
        "streams_per_slice": bound.per_slice,
        "possible": bound.possible,
        "seats": dict(bound.seats),
        "left_out": list(bound.left_out),
        "reason": bound.reason,
    }


def incident_view(incident: Incident, route: str, names: Mapping[int, str]) -> dict[str, Any]:
    """Return an incident."""
    return {
        "id": incident.id,
        "route": route,
        "candidate": names.get(incident.candidate_id, str(incident.candidate_id)),
        "signal": incident.signal,
        "slice": incident.slice,
        "headline": incident.headline,
        "opened_at": time_view(incident.opened_at),
        "onset_at": time_view(incident.onset_at),
        "last_alarm_at": time_view(incident.last_alarm_at),
        "alarms": incident.alarms,
        "evidence": dict(incident.evidence),
        "effect": None if incident.effect is None else dict(incident.effect),
        "decided": incident.decided,
        "advice": incident.advice,
        "severity": incident.severity.value,
        "at_least": None if incident.at_least is None else dict(incident.at_least),
        "closed_at": time_view(incident.closed_at),
        "closed_by": incident.closed_by,
    }


def decision_view(audit: Audit, route: str) -> dict[str, Any]:
    """Return an audit row."""
    return {
        "id": audit.id,
        "route": route,
        "at": time_view(audit.at),
        "actor": audit.actor,
        "action": audit.action,
        "from_phase": audit.from_phase.value,
        "to_phase": audit.to_phase.value,
        "reason": audit.reason,
        "epoch": audit.epoch,
        "incident_id": audit.incident_id,
        "policy": None if audit.policy_name is None else f"{audit.policy_name}@{audit.policy_version}",
        "evidence": audit.evidence,
        "before": audit.before,
        "after": audit.after,
        "code_version": audit.code_version,
    }


def finding_view(finding: Finding) -> dict[str, Any]:
    """Return a finding."""
    return {
        "id": finding.id,
        "kind": finding.kind.value,
        "subject": finding.subject,
        "detail": finding.detail,
        "opened_at": time_view(finding.opened_at),
        "closed_at": time_view(finding.closed_at),
        "closed_by": finding.closed_by,
        "closed_reason": finding.closed_reason,
    }


def rule_view(rule: Rule, position: int) -> dict[str, Any]:
    """Return an attribution rule."""
    return {
        "name": rule.name,
        "position": position,
        "match": rule.match_json(),
        "outcome": rule.outcome_json(),
        "actor": rule.actor,
        "created_at": time_view(rule.created_at),
    }


def policy_view(policy: StoredPolicy) -> dict[str, Any]:
    """Return a policy version."""
    return {
        "name": policy.name,
        "version": policy.version,
        "document": dict(policy.document),
        "actor": policy.actor,
        "created_at": time_view(policy.created_at),
    }
