"""What is known of a variant: what a person confirmed, else what was stated, filled up from its names. Pure."""

from dataclasses import dataclass
from typing import Final

from monitor.models.artifact import Artifact
from monitor.models.variant import Tier, Variant
from monitor.services.artifact_names import suggest

__all__ = ["VariantFacts", "facts_of"]

_OF_THE_BASE: Final = frozenset(
    {"parameters_b", "active_parameters_b", "mixture_of_experts", "distilled", "pruned", "instruct"}
)
"""Facts that a base model's name tells of a variant, too; its precision is not the variant's."""


@dataclass(frozen=True, slots=True)
class VariantFacts:
    """A variant's facts as they are shown, whether a person confirmed them, and what to look at before doing so."""

    artifact: Artifact
    confirmed: bool
    warnings: tuple[str, ...] = ()


def facts_of(variant: Variant) -> VariantFacts:
    """Return a variant's facts; what was stated outranks what its format, name and base model suggest."""
    if variant.confirmed:
        return VariantFacts(variant.artifact, confirmed=True)
    own = suggest(f"{variant.format} {variant.name}".replace("/", " "))
    base = suggest(variant.base_model or "").artifact.to_json()
    inherited = {name: value for name, value in base.items() if name in _OF_THE_BASE}
    artifact = Artifact.from_json({**inherited, **own.artifact.to_json(), **variant.artifact.to_json()})
    return VariantFacts(artifact, confirmed=False, warnings=_doubts(variant, artifact, own.tier, own.warnings))


def _doubts(variant: Variant, artifact: Artifact, suggested: Tier, warnings: tuple[str, ...]) -> tuple[str, ...]:
    """Return the name's warnings that the stated facts do not answer, and a tier that contradicts them."""
    if variant.artifact.bits is not None:
        warnings = tuple(warning for warning in warnings if not warning.endswith("confirm precision"))
    fewer = artifact.bits is not None and artifact.bits < 16  # noqa: PLR2004 - full precision
    if variant.tier is Tier.SERVING and fewer:
        warnings = (*warnings, f"declared serving, but {artifact.bits:g} bits are fewer than full precision has")
    elif variant.tier is not Tier.DERIVED and suggested is Tier.DERIVED:
        warnings = (*warnings, f"declared {variant.tier.value}, but the name is that of another model: derived?")
    return warnings
