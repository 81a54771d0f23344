"""Laws of the seats of a slice family, over any traffic."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.models.slices import FAMILIES
from monitor.services.policies import parse_policy
from monitor.services.slicing import resliced, to_test
from tests.conftest import START
from tests.support.record_by_record import Pair, take_seats

POLICY = parse_policy("p", 1, {"slices": ["all", "endpoint:*", "lang:*", "endpoint:v0"]})
SEATS = FAMILIES["endpoint"]
NAMES = st.integers(0, 2 * SEATS).map(lambda n: f"endpoint:v{n}") | st.sampled_from(["endpoint:other", "lang:de"])
TICKS = st.lists(
    st.tuples(st.integers(0, 2 * 24 * 60), st.lists(st.frozensets(NAMES, max_size=4), max_size=12)), max_size=12
)


def pairs_of(sets):
    return [Pair(1, 2, None, {}, frozenset(), frozenset({"all", *names})) for names in sets]


@settings(deadline=None)
@given(TICKS, st.randoms())
def test_seats_over_any_traffic(ticks, random):
    at, seats, seen = START, (), {}
    in_other, meant = set(), None
    for minutes, sets in ticks:
        at += timedelta(minutes=minutes)
        pairs = pairs_of(sets)
        found = take_seats(POLICY, seats, pairs, at)
        shuffled = random.sample(pairs, len(pairs))
        again = take_seats(POLICY, random.sample(list(seats), len(seats)), shuffled, at)
        assert {*again.seats} == {*found.seats}  # by the pairs and the seats, whatever their order
        names = [seat.slice for seat in found.seats]
        assert len(names) == len({*names})
        assert sum(name.startswith("endpoint:") for name in names) <= SEATS
        assert not {"endpoint:other", "endpoint:v0"} & {*names}
        for gone in found.departed:
            assert at - seen[gone.slice] > timedelta(days=1)
        seen |= {name: at for pair in pairs for name in pair.slices}
        seats = found.seats
        shown = resliced(POLICY, seats, pairs)
        for before, after in zip(pairs, shown, strict=True):
            others = {name for name in before.slices if name.startswith("endpoint:")} - {*names, "endpoint:v0"}
            assert ("endpoint:other" in after.slices) == bool(others)
            assert before.slices <= after.slices
        tested = {one.name: one for one in to_test(POLICY, seats, at, {"endpoint:other"})}
        for pair in shown:
            assert pair.slices <= {*tested, *(n for n in pair.slices if n.startswith("endpoint:") and n not in names)}
        if tested["endpoint:other"].meaning != meant:
            in_other, meant = set(), tested["endpoint:other"].meaning
        in_other |= {n for pair in pairs for n in pair.slices if n.startswith("endpoint:")} - {*names, "endpoint:v0"}
        assert not in_other & {*names}  # who was among the others stays there as long as its streams run on
