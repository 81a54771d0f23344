"""The demo's plans as the events that Fullback would be sent."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from detectors.types import Exchange, Failure, Outcome
from monitor.demo.behaviour import Plan
from monitor.demo.completions import completion_of
from monitor.demo.damage import NoAnswer
from monitor.demo.event_log import rfc3339
from monitor.intake.limits import Limits
from monitor.intake.native import parse
from monitor.models.event import Event

__all__ = ["event_of", "exchange_of"]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIMITS = Limits()


def event_of(request: Mapping[str, Any], plan: Plan) -> Event | None:
    """Return the event that the demo's server logs for a plan, as the intake reads it; None if it hangs."""
    if plan.answer is NoAnswer.HANGING:
        return None
    answered = not isinstance(plan.answer, NoAnswer)
    record = {
        "request_id": "r",
        "backend": "int4",
        "started_at": rfc3339(NOW),
        "status": 200 if answered else 500,
        "queue_ms": 1000 * plan.queue_s,
        "ttft_ms": 1000 * plan.ttft_s if answered else None,
        "duration_ms": 1000 * (plan.ttft_s + plan.token_s * (plan.answer.tokens if answered else 0)),
        "request": request,
        "response": completion_of(request, plan.answer, "fp", NOW) if answered else {"error": {}},
    }
    event = parse(msgspec.json.encode(record), 0, NOW, LIMITS).result
    assert isinstance(event, Event), event
    return event


def exchange_of(request: Mapping[str, Any], plan: Plan) -> Exchange:
    """Return what the signals read: of a request that hangs, the gateway's record."""
    event = event_of(request, plan)
    return Exchange(outcome=Outcome(504, Failure.TIMEOUT)) if event is None else event.exchange
