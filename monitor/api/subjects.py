"""Subjects: erasing what is known of one person."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from monitor.api.deps import Admin, Parts
from monitor.errors import ForbiddenError

__all__ = ["router"]

router = APIRouter(prefix="/v1/subjects", tags=["subjects"])


class ErasureBody(BaseModel):
    """Whom to erase, exactly as the events named them, and why. It stands in the body: addresses are logged."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    subject: Annotated[str, Field(min_length=1, max_length=256)]
    reason: Annotated[str, Field(min_length=1, max_length=500)]


@router.delete("", summary="Erase a subject")
def erase(body: ErasureBody, parts: Parts, key: Admin) -> dict[str, int]:
    """Erase a subject's texts and the ids of their events on every route; return the counts."""
    if key.routes is not None:
        raise ForbiddenError("an erasure covers every route; use a key that is not bound to routes")
    return asdict(parts.erasure.erase(body.subject, body.reason, key.source))
