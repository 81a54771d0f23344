"""How often greedy decoding should choose the baseline's token, by what a variant is declared to be. Pure.

Agreement is a share of tokens. Of pairs of answers at temperature 0 it is estimated by
``common / (common + diverged)``: tokens in the common prefixes, and pairs that part before either ends; after the first
difference the two continue different texts, and their tokens say nothing. This is what llama.cpp calls "same top p",
measured on Wikitext-2; ordinary answers are easier to foresee, so agreement in production is rather higher.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from monitor.models.artifact import Artifact
from monitor.models.variant import Tier
from monitor.services.tier_defaults import effective_bits

__all__ = ["MOST_TOKENS", "AgreementBand", "agreement_band"]

MOST_TOKENS: Final = 1000
"""Longer answers count as this long: their band reaches down to 0 anyway."""
_LLAMA_CPP: Final = "llama.cpp, tools/perplexity/README.md, same top p, Llama 2 7B and Llama 3 8B"


@dataclass(frozen=True, slots=True)
class AgreementBand:
    """The shares of equal greedy tokens that a declaration allows, both ends included, and where they come from.

    Raises:
        ValueError: not 0 <= low < high <= 1.
    """

    low: float
    """Below it the artifact is coarser than declared, or another model."""
    high: float
    """Above it the artifact is finer than declared: perhaps the baseline itself answers."""
    source: str

    def __post_init__(self) -> None:
        if not 0.0 <= self.low < self.high <= 1.0:
            raise ValueError(f"a band needs 0 <= low < high <= 1, got {self.low!r} and {self.high!r}")

    def of_answers(self, tokens: int) -> "AgreementBand":
        """Return the band of whole answers that so many tokens decide: an option or a number has one to three.

        Answers agree when each of these tokens does, taken as independent: shares are raised to that power.

        Raises:
            ValueError: tokens is not in 1 to 1000.
        """
        if not 1 <= tokens <= MOST_TOKENS:
            raise ValueError(f"tokens must be in 1 to {MOST_TOKENS}, got {tokens!r}")
        return AgreementBand(self.low**tokens, self.high**tokens, f"{self.source}; to the power of {tokens}")

    def of_lengths(self, lengths: Mapping[int, int]) -> "AgreementBand":
        """Return the band of a share of whole answers, of so many pairs by the tokens of the reference's answer.

        Every token of an answer may decide it, and one does at least: the lower end is the mean of the lower ends of
        ``of_answers(tokens)`` over the pairs, the upper end that of one token. So a share outside is outside however
        many tokens really decided, and what a schema or an easy question leaves no choice in widens the band.

        Raises:
            ValueError: there is no pair, or tokens are not in 1 to 1000.
        """
        pairs = sum(lengths.values())
        if pairs < 1:
            raise ValueError(f"a band of answers needs at least one pair, got {pairs}")
        low = sum(n * self.of_answers(tokens).low for tokens, n in lengths.items()) / pairs
        return AgreementBand(low, self.high, f"{self.source}; lower end to the power of each answer's tokens")

    def holds(self, agreement: float) -> bool:
        """Tell whether an agreement is inside."""
        return self.low <= agreement <= self.high


_SAME: Final = AgreementBand(0.985, 1.0, f"{_LLAMA_CPP}: BF16 against FP16 99.74 %")
_BY_BITS: Final = (
    (16.0, _SAME),
    (7.5, AgreementBand(0.96, 1.0, f"{_LLAMA_CPP}: q8_0 97.7 to 98.8 %")),
    (5.5, AgreementBand(0.94, 1.0, f"{_LLAMA_CPP}: q6_K 96.0 to 97.5 %")),
    (3.5, AgreementBand(0.88, 0.999, f"{_LLAMA_CPP}: q4_K_M 91.9 to 94.7 %")),
    (0.0, AgreementBand(0.65, 0.99, f"{_LLAMA_CPP}: q2_K 71.1 to 85.6 %")),
)
_UNKNOWN: Final = AgreementBand(0.65, 1.0, "bits unknown: the bands of all widths together")
_OTHER: Final = AgreementBand(0.0, 0.985, "a choice: another model that agrees as often as a copy is a copy")


def agreement_band(tier: Tier, artifact: Artifact) -> AgreementBand:
    """Return the band of a tier and its facts.

    ``serving`` is the band of equal weights run differently; hold a baseline to it, too, against another copy of it
    that is known to be in full precision. ``quantized`` goes by the fewest bits of weights, activations and cache.
    ``derived`` has no lower end.
    """
    match tier:
        case Tier.SERVING:
            return _SAME
        case Tier.DERIVED:
            return _OTHER
        case Tier.QUANTIZED:
            bits = effective_bits(artifact)
            return _UNKNOWN if bits is None else next(band for least, band in _BY_BITS if bits >= least)
