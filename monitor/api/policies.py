"""Policies: stored by version, checked before they are."""

from typing import Any

from fastapi import APIRouter, status
from pydantic import BaseModel, ConfigDict, Field

from monitor.api.deps import Admin, Parts, Reading
from monitor.api.views import policy_view
from monitor.services.policies import policy_schema
from monitor.services.trials import LONGEST_DAYS

__all__ = ["router"]

router = APIRouter(tags=["policies"])


class PolicyBody(BaseModel):
    """A policy document under a name; the next version is made of it."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    document: dict[str, Any]


class TrialBody(PolicyBody):
    """A policy document to try on what was counted; without ``route`` on the routes that use the policy."""

    route: str | None = Field(None, max_length=100)
    days: float = Field(30.0, gt=0, le=LONGEST_DAYS)
    within_s: float = Field(20.0, ge=1, le=120)


@router.get("/v1/schemas/policy", summary="JSON Schema of a policy document")
def schema() -> dict[str, Any]:
    """Return the schema that policies are checked by."""
    return policy_schema()


@router.get("/v1/policies", summary="All policies")
def index(parts: Parts, key: Reading) -> dict[str, Any]:
    """Return every version, newest first."""
    del key
    return {"items": [policy_view(policy) for policy in parts.policies.all()]}


@router.post("/v1/policies", status_code=status.HTTP_201_CREATED, summary="Store a policy version")
def add(body: PolicyBody, parts: Parts, key: Admin) -> dict[str, Any]:
    """Check a document and store it as the policy's next version."""
    return policy_view(parts.policies.add(body.name, body.document, key.source))


@router.post("/v1/policies/try", summary="What would this policy have done?")
def try_(body: TrialBody, parts: Parts, key: Reading) -> dict[str, Any]:
    """Fold the stored counts under a document and under the present policies; nothing is stored."""
    return parts.trials.run(
        body.name,
        body.document,
        route=body.route,
        days=body.days,
        within_s=body.within_s,
        allowed=key.bound_to,
    )
