"""A tally of greedy answers held against the band of what was declared: inside, outside, or not to be told. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from scipy.special import betaincinv

from monitor.services.agreement_band import AgreementBand
from monitor.services.agreement_tally import AgreementTally

__all__ = ["FEWEST", "LEVEL", "AgreementCheck", "Standing", "check_agreement"]

FEWEST: Final = 200
"""Pairs below which nothing is said."""
LEVEL: Final = 0.999
"""Confidence of the interval. It is looked at every minute over the last day, hence the high level."""


class Standing(StrEnum):
    """Where a share of equal answers stands to its band."""

    BELOW = "below"
    """The whole interval is below the band."""
    ABOVE = "above"
    """The whole interval is above it."""
    INSIDE = "inside"
    """The share itself is inside."""
    UNSURE = "unsure"
    """The share is outside and its interval is not: what was found stays, nothing new is found."""
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True)
class AgreementCheck:
    """The share of equal greedy answers with its exact interval, the band it is held against, and where it stands."""

    standing: Standing
    pairs: int
    share: float = 0.0
    low: float = 0.0
    high: float = 1.0
    band: AgreementBand | None = None


def check_agreement(tally: AgreementTally, band: AgreementBand) -> AgreementCheck:
    """Hold a tally against the band per token, which is turned into one of answers by their lengths.

    The interval is Clopper and Pearson's (exact for independent pairs; pairs of one conversation are not quite).
    It is outside only as a whole, and inside again only when the share is: in between nothing changes.
    """
    pairs = tally.pairs
    if pairs < FEWEST:
        return AgreementCheck(Standing.TOO_FEW, pairs)
    equal = pairs - tally.differing
    allowed = band.of_lengths(tally.lengths)
    low, high = _interval(equal, pairs)
    share = equal / pairs
    if high < allowed.low:
        standing = Standing.BELOW
    elif low > allowed.high:
        standing = Standing.ABOVE
    else:
        standing = Standing.INSIDE if allowed.holds(share) else Standing.UNSURE
    return AgreementCheck(standing, pairs, share, low, high, allowed)


def _interval(equal: int, pairs: int) -> tuple[float, float]:
    """Return Clopper and Pearson's interval (1934, Biometrika 26:404) of the stated level."""
    tail = (1.0 - LEVEL) / 2.0
    low = 0.0 if equal == 0 else float(betaincinv(equal, pairs - equal + 1, tail))
    high = 1.0 if equal == pairs else float(betaincinv(equal + 1, pairs - equal, 1.0 - tail))
    return low, high
