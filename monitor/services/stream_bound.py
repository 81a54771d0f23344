"""The bound on a route's streams: which slices it leaves out and how many seats the families get. Pure.

Every stream costs time in every tick. A route tests at most ``max_streams`` of its policy, and says what it leaves out:
slices named one by one come first, in the policy's order; then every family gets ``other``, and the rest of the room is
given out seat by seat, to each family in turn. A value without a seat counts in ``family:other``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from detectors.registry import SIGNALS
from monitor.models.policy import Policy
from monitor.models.slices import ALL, FAMILIES, OTHER, family_of
from monitor.models.variant import Role, Variant
from monitor.services.slicing import to_test
from monitor.services.tier_defaults import policy_for

__all__ = ["StreamBound", "bound_of"]


@dataclass(frozen=True, slots=True)
class StreamBound:
    """What the bound leaves of a policy's slices on one route."""

    most: int
    per_slice: int
    """Streams of one slice: of every candidate, and of the baseline against itself."""
    possible: int
    """Streams that there may be with every seat taken: at most ``most``, unless the slice ``all`` alone has more."""
    seats: Mapping[str, int]
    """Per family of the policy; at most ``FAMILIES`` says."""
    left_out: tuple[str, ...]
    """Entries of the policy that are not tested."""

    @property
    def reason(self) -> str | None:
        """What is not tested and why, in one sentence; None where nothing is left out."""
        told = []
        if self.left_out:
            told.append(f"not tested: {', '.join(self.left_out)}")
        fewer = [
            f"{family}:* has seats for {n} of {FAMILIES[family]} values, the others count in {family}:{OTHER}"
            for family, n in self.seats.items()
            if n < FAMILIES[family]
        ]
        told += [one for one in fewer if f"{one.partition(' ')[0]}" not in self.left_out]
        if not told:
            return None
        return (
            f"max_streams of the policy is {self.most:,}, and a slice has {self.per_slice} streams on this route: "
            f"{'; '.join(told)}"
        )

    def watches(self, entry: str) -> bool:
        """Tell whether an entry of the policy is tested."""
        return entry not in self.left_out


def bound_of(policy: Policy, variants: Sequence[Variant]) -> StreamBound:
    """Return what a route's bound leaves of its policy, by the policy and the variants alone: nothing that moves."""
    candidates = [one for one in variants if one.role is Role.CANDIDATE]
    own = [policy_for(policy, one, variants) for one in candidates]
    paired = sum(SIGNALS[name].paired for name in policy.signals)
    per_slice = max(1, sum(len(one.signals) for one in own) + paired)
    brought = sum(len(one.signals) * _brought(policy, one) for one in own)
    room = max(1, (policy.max_streams - brought) // per_slice)
    single = [ALL, *(entry for entry in policy.slices if entry != ALL and family_of(entry) is None)]
    families = [family for entry in policy.slices if (family := family_of(entry)) is not None]
    kept = single[:room]
    left = room - len(kept)
    with_other = families[:left]
    seats = _shared_out(with_other, left - len(with_other))
    return StreamBound(
        most=policy.max_streams,
        per_slice=per_slice,
        possible=brought + per_slice * (len(kept) + len(with_other) + sum(seats.values())),
        seats=seats | {family: 0 for family in families if family not in seats},
        left_out=(*single[room:], *(f"{family}:*" for family in families[left:])),
    )


def _brought(policy: Policy, own: Policy) -> int:
    """Return how many slices a confirmed variant adds to its policy's."""
    return sum(one.entry not in policy.slices for one in to_test(own))


def _shared_out(families: Sequence[str], room: int) -> dict[str, int]:
    """Return the seats of families: one each in turn, until the room or the seats are used up."""
    seats = dict.fromkeys(families, 0)
    open_ = [family for family in families if FAMILIES[family]]
    while open_ and room:
        for family in open_[:room]:
            seats[family] += 1
        room -= len(open_[:room])
        open_ = [family for family in open_ if seats[family] < FAMILIES[family]]
    return seats
