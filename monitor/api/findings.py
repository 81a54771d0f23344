"""Findings: silent shippers, changed fingerprints, variants unlike their declaration; newest first, by cursor."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from monitor.api.deps import Operating, Parts, Reading
from monitor.api.views import finding_view
from monitor.errors import ForbiddenError

__all__ = ["router"]

router = APIRouter(prefix="/v1/findings", tags=["findings"])


class ClosingBody(BaseModel):
    """Why a person closes it."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)


@router.get("", summary="Findings")
def findings(
    parts: Parts,
    key: Reading,
    state: Annotated[str, Query(pattern="^(open|all)$")] = "open",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: int | None = None,
) -> dict[str, Any]:
    """Return the open findings, or all, that the key may see."""
    found = parts.findings.newest(limit, cursor, only_open=state == "open")
    items = [finding_view(one) for one in found if one.shown_to(key)]
    return {"items": items, "next_cursor": found[-1].id if len(found) == limit else None}


@router.post("/{finding_id}/close", summary="Close a finding")
def close(finding_id: int, body: ClosingBody, parts: Parts, key: Operating) -> dict[str, Any]:
    """Close an open finding by hand; who did and why is kept with it."""
    if not parts.findings.get(finding_id).shown_to(key):
        raise ForbiddenError(f"the key is not bound to what finding {finding_id} is about")
    return finding_view(parts.findings.close(finding_id, key.source, body.reason))
