"""What a confirmed tier and its facts change of a policy: margins and slices that its document does not name. Pure.

The numbers are choices of this project, ordered by what was published about benchmarks (``docs/variants.md``); nobody
published rates of these signals.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from detectors.registry import SIGNALS
from detectors.types import Margin, SignalKind
from monitor.models.artifact import Artifact
from monitor.models.policy import Policy
from monitor.models.tick import ALWAYS_APPLICABLE
from monitor.models.variant import Role, Tier, Variant

__all__ = ["SENSITIVE_SLICES", "Defaults", "defaults_for", "effective_bits", "is_quality", "policy_for", "reference_of"]

SENSITIVE_SLICES: Final = ("prompt:over32k", "kind:reasoning", "kind:code", "kind:structured")
"""Watched below 8 bits beside the policy's own: what is long, reasoned, program text or structured loses first."""

_EIGHT: Final = 7.5
"""From here on a width counts as 8 bits."""
_FACTORS: Final = ((16.0, 0.4), (_EIGHT, 0.6), (4.5, 0.8), (3.5, 1.0), (0.0, 2.0))
"""Bits per weight from which on, and what a quality signal's own margin is multiplied by."""
_SERVING: Final = 0.4
_SENSITIVE: Final = 0.5
_SMALL_B: Final = 8.0
"""Models with fewer parameters, in billions, count as small."""
_CACHE_BITS: Final = (("16", 16.0), ("8", 8.0), ("5", 5.0), ("4", 4.0))


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a variant brings where the policy is silent, and why."""

    margins: Mapping[str, Margin]
    slices: tuple[str, ...]
    """Watched beside the policy's."""
    reason: str


def defaults_for(tier: Tier, artifact: Artifact) -> Defaults:
    """Return the margins and slices of a tier and its facts.

    A quality signal's own margin is multiplied by 0.4 for ``serving``; for ``quantized`` by 0.4 at 16 bits, 0.6 at 8,
    0.8 at 5 to 7, 1 at 4 and 2 below, halved for a mixture of experts, a small or a distilled model. ``derived`` keeps
    the signals' own margins, and so do latencies and failures of any tier. Unknown bits count as 4.
    """
    bits = effective_bits(artifact)
    factor, reason = _factor(tier, artifact, bits)
    margins = {
        name: Margin(absolute=factor * signal.default_margin.absolute, relative=factor * signal.default_margin.relative)
        if is_quality(name)
        else signal.default_margin
        for name, signal in SIGNALS.items()
    }
    fewer = tier is not Tier.SERVING and bits is not None and bits < _EIGHT
    return Defaults(margins, SENSITIVE_SLICES if fewer else (), reason)


def effective_bits(artifact: Artifact) -> float | None:
    """Return the fewest bits of weights, activations and cache; None when no width is known."""
    cache = artifact.kv_cache or ""
    widths = [
        artifact.bits,
        artifact.activation_bits,
        next((bits for mark, bits in _CACHE_BITS if mark in cache), None),
    ]
    return min((width for width in widths if width is not None), default=None)


def is_quality(signal: str) -> bool:
    """Tell whether a signal reads what a model answers, not whether and how fast it does."""
    return SIGNALS[signal].kind is not SignalKind.LATENCY and signal != ALWAYS_APPLICABLE


def policy_for(policy: Policy, variant: Variant, variants: Sequence[Variant]) -> Policy:
    """Return the policy as it holds for one variant of a route.

    A margin or the slices that the document names stand. The baseline is watched against itself at the strictest
    margin and on every slice that one of the candidates is: else it could not vouch for the comparison.
    """
    watched = [variant] if variant.role is Role.CANDIDATE else [one for one in variants if one.role is Role.CANDIDATE]
    found = [defaults_for(one.tier, one.artifact) for one in watched if one.confirmed]
    if not found:
        return policy
    bound = [] if len(found) == len(watched) else [{name: chosen.margin for name, chosen in policy.signals.items()}]
    margins = [*(one.margins for one in found), *bound]
    signals = {
        name: chosen if chosen.states_margin else replace(chosen, margin=_strictest(one[name] for one in margins))
        for name, chosen in policy.signals.items()
    }
    extra = () if policy.states_slices else tuple(slice_ for one in found for slice_ in one.slices)
    return replace(policy, signals=signals, slices=tuple(dict.fromkeys((*policy.slices, *extra))))


def reference_of(signal: str, variant: Variant, variants: Iterable[Variant], baseline: Variant) -> Variant:
    """Return what a stream compares a variant with: a derived one's quality with its own reference, if it has one."""
    if variant.tier is Tier.DERIVED and variant.confirmed and variant.artifact.reference and is_quality(signal):
        wanted = variant.artifact.reference
        return next((one for one in variants if one.name == wanted and one.id != variant.id), baseline)
    return baseline


def _factor(tier: Tier, artifact: Artifact, bits: float | None) -> tuple[float, str]:
    match tier:
        case Tier.SERVING:
            return _SERVING, "serving: identical behaviour is expected"
        case Tier.DERIVED:
            return 1.0, "derived: another model, the signals' own margins"
        case Tier.QUANTIZED:
            width = 4.0 if bits is None else bits
            factor = next(factor for least, factor in _FACTORS if width >= least)
            told = "bits unknown, taken as 4" if bits is None else f"{bits:g} bits"
            why = _sensitive(artifact)
            if why:
                return _SENSITIVE * factor, f"quantized: {told}; halved: {' and '.join(why)}"
            return factor, f"quantized: {told}"


def _sensitive(artifact: Artifact) -> list[str]:
    """Return why quantization costs this model more than others."""
    size = artifact.parameters_b
    return [
        word
        for word, holds in (
            ("mixture of experts", artifact.mixture_of_experts is True),
            (f"below {_SMALL_B:g} billion parameters", size is not None and size < _SMALL_B),
            ("distilled", artifact.distilled is True),
        )
        if holds
    ]


def _strictest(margins: Iterable[Margin]) -> Margin:
    found = list(margins)
    return Margin(min(one.absolute for one in found), min(one.relative for one in found))
