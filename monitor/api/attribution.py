"""Attribution rules: read, replaced as a whole, tried out on one record."""

from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field

from monitor.api.deps import Admin, Parts, Reading
from monitor.api.views import rule_view
from monitor.services.rules import MOST_RULES

__all__ = ["router"]

router = APIRouter(prefix="/v1/attribution", tags=["attribution"])


class RuleBody(BaseModel):
    """A rule. The order of the list counts: what ``GET`` adds to a rule may be sent back and is passed over."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    match: dict[str, Any] = Field(description='field: "text", {"prefix": "text"} or {"glob": "te*t"}; all must hold')
    outcome: dict[str, Any] = Field(description="route, and variant or leg where the rule is to tell them")
    position: int | None = None
    actor: str | None = None
    created_at: str | None = None


class RulesBody(BaseModel):
    """The whole list."""

    model_config = ConfigDict(extra="forbid")

    rules: list[RuleBody] = Field(max_length=MOST_RULES)


@router.get("/rules", summary="The attribution rules")
def rules(parts: Parts, key: Reading) -> dict[str, Any]:
    """Return the rules in their order, those of routes that the key may see."""
    found = enumerate(parts.rules.all(), start=1)
    return {"rules": [rule_view(rule, position) for position, rule in found if key.bound_to(rule.route)]}


@router.put("/rules", summary="Replace the attribution rules")
def replace(body: RulesBody, parts: Parts, key: Admin) -> dict[str, Any]:
    """Check the list and put it in place of the present one; other processes use it within two seconds."""
    stored = parts.rules.replace([rule.model_dump() for rule in body.rules], key.source)
    return {"rules": [rule_view(rule, position) for position, rule in enumerate(stored, start=1)]}


@router.post("/explain", summary="Which route, variant and leg would this event get, and by which rule?")
def explain(body: Annotated[dict[str, Any], Body()], parts: Parts, key: Reading) -> dict[str, Any]:
    """Attribute one record and read its signals. Nothing is stored.

    The body is a native event, or ``{"door": "access-logs", "record": {...}, "source": "..."}``.
    """
    found = parts.rules.explain(body, key)
    return {
        "route": found.route,
        "variant": found.variant,
        "leg": found.leg.value,
        "rule": found.rule,
        "readings": {name: value if value < float("inf") else "inf" for name, value in found.readings.items()},
    }
