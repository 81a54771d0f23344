"""What a route's page tells of its variants: tier and facts, suggested or confirmed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.models.artifact import Artifact
from monitor.models.route import Route
from monitor.models.variant import Tier, Variant
from monitor.services.tier_defaults import defaults_for
from monitor.services.variant_facts import facts_of
from monitor.ui.wording import moment

__all__ = ["VariantBox", "variant_box"]


@dataclass(frozen=True, slots=True)
class VariantBox:
    """What a variant is, as far as it is known."""

    name: str
    role: str
    format: str
    tier: str
    backend: str
    facts: str
    state: str
    confirmed: bool
    meaning: str
    margins: str
    warnings: tuple[str, ...]
    command: str | None
    """How a person confirms it, None for a confirmed one."""


def variant_box(variant: Variant, route: Route, now: datetime) -> VariantBox:
    """Return what is known of a variant, and whether a person said that it is so."""
    facts = facts_of(variant)
    at = None if variant.confirmed_at is None else moment(variant.confirmed_at, now)
    brings = defaults_for(variant.tier, facts.artifact)
    return VariantBox(
        name=variant.name,
        role=variant.role.value,
        format=variant.format,
        tier=variant.tier.value,
        backend=variant.backend,
        facts=_facts(variant, facts.artifact),
        state="suggested, not confirmed" if at is None else f"confirmed by {variant.confirmed_by}, {at.utc}",
        confirmed=facts.confirmed,
        meaning=_meaning(variant),
        margins=f"Sets margins and slices that policy {route.policy} does not name ({brings.reason})."
        if facts.confirmed
        else "Sets no margin until it is confirmed.",
        warnings=facts.warnings,
        command=None if facts.confirmed else f"fullback variants confirm {route.name} {variant.name}",
    )


def _meaning(variant: Variant) -> str:
    match variant.tier:
        case Tier.SERVING:
            return "The same weights, run differently: identical behaviour is expected."
        case Tier.QUANTIZED:
            return "The same weights in fewer bits."
        case Tier.DERIVED:
            wanted = variant.artifact.reference
            against = (
                "the route's baseline, for want of a reference of its own"
                if wanted is None or not variant.confirmed
                else f"its reference {wanted}"
            )
            return (
                "A different model: the benchmark of its base model does not apply. "
                f"Its quality signals compare with {against}."
            )


def _facts(variant: Variant, artifact: Artifact) -> str:
    shown = {"base model": variant.base_model, **artifact.to_json(), "digest": variant.digest}
    words = []
    for name, value in shown.items():
        if isinstance(value, bool):
            words.append(f"{'' if value else 'not '}{name.replace('_', ' ')}")
        elif value is not None:
            words.append(f"{name.replace('_', ' ')} {_told(value)}")
    return ", ".join(words) or "nothing known"


def _told(value: Any) -> str:
    if isinstance(value, list):
        return " < ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
