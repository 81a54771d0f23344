"""How many streams a route may have, and what that leaves out."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.registry import SIGNALS
from monitor.models.slices import FAMILIES
from monitor.models.variant import Role, Tier, Variant
from monitor.services.policies import parse_policy
from monitor.services.slicing import seated, to_test
from monitor.services.stream_bound import bound_of
from monitor.services.watch import watch

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
ONE_SLICE = sum(2 if signal.paired else 1 for signal in SIGNALS.values() if signal.default_weight)
EVERY = [f"{family}:*" for family in FAMILIES]


def variants(candidates=1):
    names = ["base", *(f"cand{n}" for n in range(candidates))]
    return [
        Variant(n, 1, name, Role.CANDIDATE if n else Role.BASELINE, name, "bf16", Tier.SERVING, None, None, AT)
        for n, name in enumerate(names)
    ]


def policy(*slices, **fields):
    return parse_policy("p", 1, {"slices": ["all", *slices], **fields})


def streams_of(chosen, bound, some):
    """The streams with every seat taken and every other slice known."""
    seen = {f"{family}:v{n}": 100 - n for family in FAMILIES for n in range(20)}
    seats = seated(chosen, (), seen, AT, bound.seats).seats
    known = {f"{family}:other" for family in FAMILIES}
    tested = [one for one in to_test(chosen, seats, AT, known) if bound.watches(one.entry)]
    return watch(chosen, some, (), epoch=0, fleet=1, slices=tested)


def test_what_fits_is_left_alone_and_nothing_is_said():
    bound = bound_of(policy("first_turn", "lang:*"), variants())
    assert (bound.most, bound.per_slice) == (2_000, ONE_SLICE)
    assert bound.seats == {"lang": 12}
    assert (bound.left_out, bound.reason) == ((), None)


def test_every_family_beside_three_candidates_gets_seats_in_turn():
    bound = bound_of(policy(*EVERY), variants(3))
    assert bound.possible <= bound.most
    assert bound.left_out == ()
    assert all(0 < bound.seats[family] <= most for family, most in FAMILIES.items())
    assert max(bound.seats.values()) - min(bound.seats.values()) <= 1, "none fuller than another by more than a seat"
    assert "lang:* has seats for" in bound.reason
    assert "the others count in lang:other" in bound.reason
    assert "max_streams of the policy is 2,000" in bound.reason


def test_slices_named_one_by_one_come_first_and_the_last_are_left_out():
    tags = [f"tag:t{n}" for n in range(8)]
    bound = bound_of(policy(*tags, "lang:*", max_streams=5 * ONE_SLICE), variants())
    assert bound.left_out == ("tag:t4", "tag:t5", "tag:t6", "tag:t7", "lang:*")
    assert not bound.watches("lang:*")
    assert bound.watches("all")
    assert "not tested: tag:t4, tag:t5, tag:t6, tag:t7, lang:*" in bound.reason
    assert "lang:* has seats" not in bound.reason


def test_the_slice_of_all_is_always_tested():
    bound = bound_of(policy("first_turn", max_streams=50), variants(5))
    assert bound.left_out == ("first_turn",)
    assert {one.stream.slice for one in streams_of(policy("first_turn", max_streams=50), bound, variants(5))} == {"all"}


@settings(deadline=None, max_examples=30)
@given(st.integers(50, 4_000), st.lists(st.sampled_from(EVERY), unique=True), st.integers(1, 4), st.integers(0, 5))
def test_there_are_never_more_streams_than_the_bound_says(most, families, candidates, named):
    chosen = policy(*families, *(f"endpoint:e{n}" for n in range(named)), max_streams=most)
    some = variants(candidates)
    bound = bound_of(chosen, some)
    watched = streams_of(chosen, bound, some)
    assert len(watched) <= max(bound.most, bound.per_slice)
    assert len(watched) == bound.possible, "and as many as it says"


@pytest.mark.parametrize("seats", [0, 2])
def test_a_narrower_bound_gives_up_the_seats_not_seen_for_longest(seats):
    chosen = policy("tag:*")
    first = seated(chosen, (), {"tag:a": 3, "tag:b": 2, "tag:c": 1}, AT).seats
    later = seated(chosen, first, {}, AT, {"tag": seats})
    assert len(later.seats) == seats
    assert {one.value for one in later.departed} == ({"a", "b", "c"} if not seats else {"a"})
    assert seated(chosen, later.seats, {"tag:d": 9}, AT, {"tag": seats}).seats == later.seats, "none is free"
