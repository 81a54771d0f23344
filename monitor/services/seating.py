"""Seats of a tick: the values it shows are seated and stored, and its pairs and sessions get all their slices."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from monitor.models.columns import PairColumns
from monitor.models.conversation import SessionRecord
from monitor.models.evidence import Stream
from monitor.models.policy import Policy
from monitor.models.route import Route
from monitor.models.slices import FAMILIES, OTHER
from monitor.services.slicing import Tested, members_of, resliced, seated, to_test
from monitor.services.stream_bound import StreamBound
from monitor.storage.slice_seats import SliceSeatStore
from monitor.storage.streams import StreamStore

__all__ = ["seat_and_slice"]


def seat_and_slice(
    session: Session,
    route: Route,
    policy: Policy,
    bound: StreamBound,
    pairs: PairColumns,
    matured: Sequence[SessionRecord],
    at: datetime,
    stored: Sequence[Stream],
) -> tuple[PairColumns, Sequence[SessionRecord], Sequence[Tested]]:
    """Seat the values that a tick's pairs show; return pairs and sessions with all their slices, and those to test."""
    if not members_of(policy):
        return (
            replace(pairs, sets=resliced(policy, (), pairs.sets)),
            resliced(policy, (), matured),
            [one for one in to_test(policy) if bound.watches(one.entry)],
        )
    seating = seated(policy, SliceSeatStore(session).of_route(route.id), pairs.seen(), at, bound.seats)
    SliceSeatStore(session).keep(route.id, seating.changed, seating.departed)
    StreamStore(session).drop(route.id, [seat.slice for seat in seating.departed if seat.slice not in policy.slices])
    pairs = replace(pairs, sets=resliced(policy, seating.seats, pairs.sets))
    known = {one.slice for one in stored}.union(pairs.seen())
    tested = [_bounded(one, bound) for one in to_test(policy, seating.seats, at, known) if bound.watches(one.entry)]
    return pairs, resliced(policy, seating.seats, matured), tested


def _bounded(one: Tested, bound: StreamBound) -> Tested:
    """Return a slice; ``family:other`` of fewer seats stands for more values, and says so: its streams begin anew."""
    family, _, value = one.name.partition(":")
    seats = bound.seats.get(family)
    if value != OTHER or seats is None or seats >= FAMILIES[family]:
        return one
    return replace(one, meaning=f"{one.meaning} of {seats} seats")
