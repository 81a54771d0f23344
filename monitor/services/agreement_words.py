"""What a finding about agreement says: whose answers, how often, which band, and what may explain it. Pure."""

from monitor.models.variant import Role, Tier, Variant
from monitor.services.agreement_band import AgreementBand, agreement_band
from monitor.services.agreement_check import LEVEL, AgreementCheck, Standing
from monitor.services.tier_defaults import effective_bits

__all__ = ["declared_band", "finding_detail", "told_share"]


def declared_band(variant: Variant, reference: Variant) -> AgreementBand:
    """Return the band per token of a variant against its reference.

    Facts count as they are stated, confirmed or not: a finding moves nothing. A derived variant is held to its bits
    against a reference of its own, which is the same model; against the baseline it is another one.
    """
    if variant.id == reference.id:
        return agreement_band(Tier.SERVING, variant.artifact)
    own = variant.tier is Tier.DERIVED and reference.role is not Role.BASELINE
    return agreement_band(Tier.QUANTIZED if own else variant.tier, variant.artifact)


def finding_detail(variant: Variant, reference: Variant, found: AgreementCheck) -> str:
    """Return the sentence of a finding: the share with its interval, the band, and what may explain it."""
    if found.band is None:
        raise ValueError(f"a finding needs a band; {found.pairs} pairs are too few for one")
    itself = variant.id == reference.id
    who = f"{variant.name} and its own mirror" if itself else f"{variant.name} and {reference.name}"
    limit = f"at least {found.band.low:.1%}" if found.standing is Standing.BELOW else f"at most {found.band.high:.1%}"
    return (
        f"{who} gave the same greedy answer {told_share(found)}; {_declared(variant, itself=itself)} allows {limit}: "
        f"{_why(variant, reference, found)}"
    )


def told_share(found: AgreementCheck) -> str:
    """Return the share of equal answers with its interval."""
    return f"in {found.share:.1%} of {found.pairs} pairs ({LEVEL:.1%} interval {found.low:.1%} to {found.high:.1%})"


def _declared(variant: Variant, *, itself: bool) -> str:
    if itself:
        return "one server in full precision"
    bits = effective_bits(variant.artifact)
    if variant.tier is Tier.DERIVED:
        return "a derived model"
    if variant.tier is Tier.SERVING:
        return "the declared tier serving (equal weights)"
    told = "bits not stated" if bits is None else f"{bits:g} bits"
    return f"the declared tier quantized ({told})"


def _why(variant: Variant, reference: Variant, found: AgreementCheck) -> str:
    if found.standing is Standing.ABOVE:
        if variant.tier is Tier.DERIVED:
            return f"perhaps {reference.name}'s own weights answer, or the questions leave no choice"
        return f"finer than declared; perhaps {reference.name} itself answers, or the questions leave no choice"
    if variant.id == reference.id:
        return "more than one build, a coarser one, or sampling despite temperature 0 answers under its name"
    if variant.tier is Tier.SERVING:
        return (
            f"one of the two is not what it is declared to be; traffic cannot tell whether {variant.name} or "
            f"{reference.name}"
        )
    return (
        "coarser than declared, another model, or run otherwise (chat template, sampling); or "
        f"{reference.name} is not the full precision it is declared"
    )
