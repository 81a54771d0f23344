"""Variants: what a name suggests, what is said of one, and a person's confirmation."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from monitor.api.deps import Admin, Parts, Reading, route_for
from monitor.api.views import variant_view
from monitor.errors import ValidationError
from monitor.models.variant import Tier
from monitor.services.artifact_document import artifact_schema, parse_artifact
from monitor.services.artifact_names import suggest
from monitor.services.variants import VariantChange

__all__ = ["router"]

router = APIRouter(tags=["variants"])
_MOST_METADATA = 16_384


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class VariantChangeBody(_Body):
    """Fields to change; what is absent stays. ``artifact`` replaces all facts."""

    format: str | None = Field(None, min_length=1, max_length=64)
    tier: Tier | None = None
    base_model: str | None = Field(None, max_length=256)
    digest: str | None = Field(None, max_length=256)
    artifact: dict[str, Any] | None = None


class ConfirmBody(_Body):
    """What was seen and is confirmed; absent: what is shown now. Another tier meanwhile is a conflict."""

    artifact: dict[str, Any] | None = None
    tier: Tier | None = None


@router.get("/v1/schemas/artifact", summary="JSON Schema of a variant's facts")
def schema() -> dict[str, Any]:
    """Return the schema that facts are checked by."""
    return artifact_schema()


@router.get("/v1/variants/suggest", summary="What a name suggests that an artifact is")
def suggestion(
    key: Reading,
    name: Annotated[str, Query(min_length=1)],
    metadata: Annotated[str, Query(description="JSON object", max_length=_MOST_METADATA)] = "{}",
) -> dict[str, Any]:
    """Return each fact with the piece it was read from and how sure that is; nothing is stored."""
    del key
    return suggest(name, _object(metadata)).to_json()


@router.patch("/v1/routes/{name}/variants/{variant}", summary="Change what is said of a variant")
def change(name: str, variant: str, body: VariantChangeBody, parts: Parts, key: Admin) -> dict[str, Any]:
    """Change the fields that are given; tier and facts then have to be confirmed anew."""
    stated = None if body.artifact is None else parse_artifact(variant, body.artifact)
    wanted = VariantChange(**body.model_dump(exclude={"artifact"}), artifact=stated)
    return variant_view(parts.variants.change(route_for(parts, key, name), variant, wanted, key.source))


@router.post("/v1/routes/{name}/variants/{variant}/confirm", summary="Confirm what a variant is")
def confirm(name: str, variant: str, body: ConfirmBody, parts: Parts, key: Admin) -> dict[str, Any]:
    """Confirm tier and facts: from now on they set the margins that the policy does not name."""
    stated = None if body.artifact is None else parse_artifact(variant, body.artifact)
    return variant_view(parts.variants.confirm(route_for(parts, key, name), variant, stated, body.tier, key.source))


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValidationError("metadata must be a JSON object, such as a model's config.json; leave it out otherwise")
    return found
