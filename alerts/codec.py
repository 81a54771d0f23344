"""An alert as JSON, for the outbox: what is read back equals what was written."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from alerts.types import Alert, AlertKind, Effect, EffectScale, Fact, Severity

__all__ = ["from_json", "to_json"]

VERSION = 1


def to_json(alert: Alert) -> dict[str, Any]:
    """A JSON object. Times are ISO 8601 in UTC; numbers that JSON lacks (NaN, infinity) are strings."""
    if alert.occurred_at.tzinfo is None:
        raise ValueError("occurred_at must be an aware datetime, got one without a time zone")
    return {
        "version": VERSION,
        "dedup_key": alert.dedup_key,
        "incident_id": alert.incident_id,
        "kind": alert.kind.value,
        "severity": alert.severity.value,
        "route": alert.route,
        "candidate": alert.candidate,
        "baseline": alert.baseline,
        "headline": alert.headline,
        "occurred_at": alert.occurred_at.astimezone(UTC).isoformat(),
        "effect": None if alert.effect is None else _effect_to_json(alert.effect),
        "facts": [{"label": fact.label, "value": fact.value} for fact in alert.facts],
        "evidence_url": alert.evidence_url,
        "next_step": alert.next_step,
    }


def from_json(document: Mapping[str, Any]) -> Alert:
    """The alert that ``to_json`` wrote; unknown keys are ignored.

    Raises:
        ValueError: the version is not supported, or a field is missing or wrong.
    """
    version = document.get("version")
    if version != VERSION:
        raise ValueError(f"alert version must be {VERSION}, got {version!r}")
    try:
        return _alert(document)
    except KeyError as error:
        raise ValueError(f"alert field {error.args[0]!r} is missing") from None
    except TypeError as error:
        raise ValueError(f"alert has a field of the wrong type: {error}") from None


def _alert(document: Mapping[str, Any]) -> Alert:
    occurred_at = datetime.fromisoformat(document["occurred_at"])
    if occurred_at.tzinfo is None:
        raise ValueError("alert field 'occurred_at' has no time zone")
    effect = document["effect"]
    return Alert(
        dedup_key=document["dedup_key"],
        incident_id=document["incident_id"],
        kind=AlertKind(document["kind"]),
        severity=Severity(document["severity"]),
        route=document["route"],
        candidate=document["candidate"],
        baseline=document["baseline"],
        headline=document["headline"],
        occurred_at=occurred_at.astimezone(UTC),
        effect=None if effect is None else _effect(effect),
        facts=tuple(Fact(fact["label"], fact["value"]) for fact in document["facts"]),
        evidence_url=document["evidence_url"],
        next_step=document["next_step"],
    )


def _effect_to_json(effect: Effect) -> dict[str, Any]:
    numbers = ("candidate", "baseline", "difference", "low", "high", "level")
    return {
        "signal": effect.signal,
        **{name: _number(getattr(effect, name)) for name in numbers},
        "pairs": effect.pairs,
        "window": effect.window,
        "scale": effect.scale.value,
        "unit": effect.unit,
    }


def _effect(document: Mapping[str, Any]) -> Effect:
    return Effect(
        signal=document["signal"],
        candidate=float(document["candidate"]),
        baseline=float(document["baseline"]),
        difference=float(document["difference"]),
        low=float(document["low"]),
        high=float(document["high"]),
        level=float(document["level"]),
        pairs=document["pairs"],
        window=document["window"],
        scale=EffectScale(document["scale"]),
        unit=document.get("unit", "pairs"),
    )


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)
