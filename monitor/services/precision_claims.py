"""What names a baseline that is declared full precision as something coarser. Pure.

A name can only cast doubt: an endpoint that serves fewer bits and names itself as if it did not is not seen here.
"""

from collections.abc import Iterable
from typing import Final

from monitor.models.variant import Tier, Variant
from monitor.services.artifact_names import suggest
from monitor.services.artifact_rules import Certainty
from monitor.services.variant_facts import facts_of

__all__ = ["precision_doubts"]

_FULL: Final = 16.0
_SURE: Final = frozenset({Certainty.STATED, Certainty.CLEAR})


def precision_doubts(baseline: Variant, names: Iterable[str]) -> tuple[str, ...]:
    """Return what speaks against a baseline's full precision: pieces of the names its server gives, and its own.

    Only a ``serving`` baseline claims full precision, and one whose bits a person confirmed claims those. Of a name the
    piece that tells is shown, never the whole.
    """
    if baseline.tier is not Tier.SERVING:
        return ()
    confirmed = baseline.artifact.bits if baseline.confirmed else None
    claimed = _FULL if confirmed is None else min(confirmed, _FULL)
    found = []
    for name in names:
        reading = suggest(name).readings.get("bits")
        if reading is not None and reading.certainty in _SURE and float(reading.value) < claimed:
            found.append(f"its answers name a model of {float(reading.value):g} bits ({reading.piece!r})")
    bits = facts_of(baseline).artifact.bits
    if not baseline.confirmed and bits is not None and bits < _FULL:
        found.append(f"its name, format or facts say {bits:g} bits, which nobody confirmed")
    return tuple(dict.fromkeys(found))
