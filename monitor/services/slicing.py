"""Which slices of a route are tested: families given seats, values without one put together, conditions applied. Pure.

A value takes a seat of its family when a tick first shows it, before the tick is scored, so both legs of a request and
every process decide alike: by the pair and by the stored seats. When all seats are taken, a newcomer gets that of the
value not seen for longest, if that was over a day ago; otherwise it counts in ``family:other``. Seats depend on
requests alone, never on answers.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from monitor.models.columns import SliceSet
from monitor.models.conversation import SessionRecord
from monitor.models.policy import Policy
from monitor.models.slice_expressions import holds
from monitor.models.slices import ALL, FAMILIES, OTHER, Seat, family_of, value_of

__all__ = ["Seating", "Tested", "by_slice", "members_of", "resliced", "seated", "to_test"]

_Member = TypeVar("_Member", SessionRecord, SliceSet)
"""What is in slices."""
_SEEN_EVERY: Final = timedelta(hours=1)
"""How stale ``seen_at`` may be: it saves a write a tick."""
_KEPT: Final = timedelta(days=1) + _SEEN_EVERY
"""A value is tested, and cannot lose its seat, for a day after it was last seen, which is this after ``seen_at``."""


@dataclass(frozen=True, slots=True)
class Seating:
    """Who has a seat after a tick's values came, and what is to be stored of it."""

    seats: tuple[Seat, ...]
    changed: tuple[Seat, ...] = ()
    departed: tuple[Seat, ...] = ()


@dataclass(frozen=True, slots=True)
class Tested:
    """One slice that has streams."""

    name: str
    entry: str
    """The policy's entry that it is watched by."""
    meaning: str = ""
    """What, beside its name, tells who is in it: a change restarts its streams."""


def members_of(policy: Policy) -> dict[str, int]:
    """Return how many slices each family of a policy stands for at most: its seats and ``other``."""
    return {f"{family}:*": FAMILIES[family] + 1 for family in _listed(policy)}


def seated(
    policy: Policy,
    seats: Iterable[Seat],
    seen: Mapping[str, int],
    at: datetime,
    most: Mapping[str, int] = FAMILIES,
) -> Seating:
    """Return the seats after a tick that started ``at``; the commonest newcomers are seated first.

    ``seen`` says how many of the tick's pairs each slice has; ``most`` how many seats each family has. Where it has
    fewer than are taken, those not seen for longest are given up.
    """
    before = {(seat.family, seat.value): seat for seat in seats}
    held = _fitting(before, most)
    listed = _listed(policy)
    commonest = sorted(seen, key=lambda name: (-seen[name], name)) if listed else []
    for family, named in listed.items():
        values = [value_of(name, family) for name in commonest if name not in named]
        wanted = [value for value in values if value and value != OTHER]
        for value in wanted:
            seat = held.get((family, value))
            if seat is not None and at - seat.seen_at >= _SEEN_EVERY:
                held[family, value] = replace(seat, seen_at=at)
        for value in wanted:
            if (family, value) not in held:
                _seat(held, family, value, at, min(most[family], FAMILIES[family]))
    return Seating(
        tuple(held.values()),
        tuple(seat for key, seat in held.items() if before.get(key) != seat),
        tuple(seat for key, seat in before.items() if key not in held),
    )


def resliced(policy: Policy, seats: Iterable[Seat], members: Sequence[_Member]) -> Sequence[_Member]:
    """Return pairs or sessions with what a policy adds to their slices: ``family:other`` and the slices it defines."""
    listed = _listed(policy)
    if not listed and not policy.conditions:
        return members
    seated = {seat.slice for seat in seats}
    known: dict[frozenset[str], frozenset[str]] = {}  # few combinations, many members
    found = []
    for member in members:
        added = known.get(member.slices)
        if added is None:
            added = known[member.slices] = _added(policy, listed, seated, member.slices)
        found.append(replace(member, slices=member.slices | added) if added else member)
    return found


def by_slice(members: Iterable[_Member]) -> Mapping[str, Sequence[_Member]]:
    """Return the pairs or sessions of each slice, so that a stream looks at its own alone."""
    found: defaultdict[str, list[_Member]] = defaultdict(list)
    for member in members:
        for name in member.slices:
            found[name].append(member)
    return found


def to_test(
    policy: Policy, seats: Sequence[Seat] = (), at: datetime | None = None, known: Collection[str] = ()
) -> list[Tested]:
    """Return every slice to test; of families the values seen within a day, and ``other`` where it is ``known``.

    ``known`` are the names that the tick's pairs or the stored streams have.
    """
    listed = _listed(policy)
    found: dict[str, Tested] = {}
    for entry in (ALL, *policy.slices):
        family = family_of(entry)
        if family is None:
            found.setdefault(entry, Tested(entry, entry, str(policy.conditions.get(entry, ""))))
            continue
        mine = sorted((seat for seat in seats if seat.family == family), key=lambda seat: seat.value)
        fresh = [
            seat for seat in mine if seat.slice not in listed[family] and (at is None or at - seat.seen_at <= _KEPT)
        ]
        found.update({seat.slice: Tested(seat.slice, entry) for seat in fresh})
        other = f"{family}:{OTHER}"
        if other in known:
            handed_on = sum(seat.turn for seat in mine)
            found[other] = Tested(other, entry, " ".join([str(handed_on), *sorted(listed[family])]))
    return list(found.values())


def _listed(policy: Policy) -> Mapping[str, frozenset[str]]:
    """Return, per family that is watched as a whole, its slices that the policy names one by one."""
    families = {family for entry in policy.slices if (family := family_of(entry))}
    return {
        family: frozenset(name for name in policy.slices if value_of(name, family) is not None and not family_of(name))
        for family in sorted(families)
    }


def _fitting(held: Mapping[tuple[str, str], Seat], most: Mapping[str, int]) -> dict[tuple[str, str], Seat]:
    """Return the seats that a family has room for, the freshest."""
    kept = dict(held)
    for family in {seat.family for seat in held.values()}:
        mine = sorted(
            (seat for seat in held.values() if seat.family == family), key=lambda seat: (seat.seen_at, seat.value)
        )
        for seat in mine[: max(0, len(mine) - most.get(family, FAMILIES[family]))]:
            del kept[family, seat.value]
    return kept


def _seat(held: dict[tuple[str, str], Seat], family: str, value: str, at: datetime, most: int) -> None:
    """Give a value a free seat, or that of the value that has been away for longest; or none."""
    mine = [seat for seat in held.values() if seat.family == family]
    turn = 0
    if len(mine) >= most:
        if not mine:
            return
        away = min(mine, key=lambda seat: (seat.seen_at, seat.value))
        if at - away.seen_at <= _KEPT:
            return
        del held[family, away.value]
        turn = away.turn + 1
    held[family, value] = Seat(family, value, turn, at, at)


def _added(
    policy: Policy, listed: Mapping[str, frozenset[str]], seated: Collection[str], slices: frozenset[str]
) -> frozenset[str]:
    added = {name for name, condition in policy.conditions.items() if holds(condition, slices)}
    for name in slices:
        family = name.partition(":")[0]
        if family in listed and name not in listed[family] and name not in seated:
            added.add(f"{family}:{OTHER}")
    return frozenset(added)
