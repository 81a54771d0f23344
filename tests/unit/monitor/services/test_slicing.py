"""Who of a family has a stream of its own, and what a policy adds to a pair's slices."""

from datetime import timedelta

import pytest

from monitor.models.slices import FAMILIES, Seat
from monitor.models.variant import Role, Tier, Variant
from monitor.services.policies import parse_policy
from monitor.services.slicing import by_slice, resliced, to_test
from monitor.services.watch import watch
from tests.conftest import START
from tests.support.record_by_record import Pair, take_seats

TICK = timedelta(seconds=10)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1) + HOUR
"""A day, and what a stored sighting may be stale by."""
SEATS = FAMILIES["tag"]


def policy(*slices):
    return parse_policy("p", 1, {"slices": ["all", *slices], "signals": {"refusal": {"weight": 0}}})


def pair(*slices):
    return Pair(1, 2, {}, {}, frozenset(), frozenset({"all", *slices}))


def tags(*numbers):
    return [pair(f"tag:{n}") for n in numbers]


def seated(chosen, pairs, seats=(), at=START):
    return take_seats(chosen, seats, pairs, at)


def names(seats):
    return sorted(seat.slice for seat in seats)


def test_a_value_is_seated_by_the_tick_that_first_shows_it():
    found = seated(policy("tag:*"), [pair("tag:a", "lang:de", "first_turn"), pair("tag:a"), pair("tag:b")])
    assert names(found.seats) == names(found.changed) == ["tag:a", "tag:b"]
    assert found.departed == ()
    assert {(seat.turn, seat.since, seat.seen_at) for seat in found.seats} == {(0, START, START)}


def test_only_families_that_the_policy_names_are_seated():
    assert seated(policy("tag:a", "first_turn"), [pair("tag:a", "lang:de")]).seats == ()
    assert names(seated(policy("lang:*"), [pair("tag:a", "lang:de")]).seats) == ["lang:de"]


def test_what_is_named_by_itself_needs_no_seat_and_is_not_among_the_others():
    chosen = policy("tag:*", "tag:a")
    found = seated(chosen, [pair("tag:a", "tag:b"), pair("tag:other")])
    assert names(found.seats) == ["tag:b"]
    assert resliced(chosen, found.seats, [pair("tag:a", "tag:b")])[0].slices == {"all", "tag:a", "tag:b"}
    assert [one.name for one in to_test(chosen, found.seats, START)] == ["all", "tag:b", "tag:a"]


def test_the_commonest_newcomers_get_the_seats_and_the_rest_is_other():
    crowd = tags(*range(SEATS + 3), *range(3, SEATS + 3))
    chosen = policy("tag:*")
    found = seated(chosen, crowd)
    assert names(found.seats) == sorted(f"tag:{n}" for n in range(3, SEATS + 3))
    assert found == seated(chosen, crowd[::-1])
    shown = resliced(chosen, found.seats, [pair("tag:0", "lang:de"), pair("tag:5"), pair("tag:1", "tag:5"), pair()])
    assert [sorted(one.slices) for one in shown] == [
        ["all", "lang:de", "tag:0", "tag:other"],
        ["all", "tag:5"],
        ["all", "tag:1", "tag:5", "tag:other"],
        ["all"],
    ]


def test_a_full_family_keeps_its_values_for_a_day_after_they_were_seen():
    chosen = policy("tag:*")
    seats = seated(chosen, tags(*range(SEATS))).seats
    later = seated(chosen, [*tags("new"), *tags(*range(1, SEATS))], seats, START + DAY)
    assert "tag:new" not in names(later.seats)
    assert later.departed == ()
    assert "tag:0" in names(later.seats)
    after = seated(chosen, tags("new", "newer"), later.seats, START + DAY + TICK)
    assert names(after.departed) == ["tag:0"]
    assert [(seat.slice, seat.turn) for seat in after.changed] == [("tag:new", 1)]
    assert len(after.seats) == SEATS


def test_a_sighting_is_stored_once_an_hour():
    chosen = policy("tag:*")
    seats = seated(chosen, tags("a")).seats
    assert seated(chosen, tags("a"), seats, START + HOUR - TICK).changed == ()
    assert seated(chosen, tags("a"), seats, START + HOUR).changed[0].seen_at == START + HOUR


def test_a_value_is_tested_until_a_day_after_it_was_seen():
    seats = [Seat("tag", "a", 0, START, START), Seat("tag", "b", 0, START, START + DAY)]
    assert [one.name for one in to_test(policy("tag:*"), seats, START + DAY)] == ["all", "tag:a", "tag:b"]
    assert [one.name for one in to_test(policy("tag:*"), seats, START + DAY + TICK)] == ["all", "tag:b"]


def test_other_is_tested_once_it_is_known_and_restarts_when_a_seat_changes_hands():
    chosen = policy("tag:*")
    seats = list(seated(chosen, tags(*range(SEATS))).seats)
    assert "tag:other" not in [one.name for one in to_test(chosen, seats, START)]

    def meaning(chosen, seats):
        return next(one.meaning for one in to_test(chosen, seats, START, {"tag:other"}) if one.name == "tag:other")

    moved = [*seats[1:], Seat("tag", "new", 1, START, START)]
    assert meaning(chosen, seats) == meaning(chosen, seats[:3]) != meaning(chosen, moved)
    assert meaning(chosen, seats) != meaning(policy("tag:*", "tag:x"), seats)
    assert {one.meaning for one in to_test(chosen, moved, START)} == {""}


def test_a_defined_slice_holds_who_meets_its_condition():
    chosen = policy({"name": "long_de", "when": "prompt:32k and lang:de and not kind:tools"}, "tag:*")
    assert chosen.slices == ("all", "long_de", "tag:*")
    german = ("prompt:32k", "lang:de")
    shown = resliced(chosen, (), [pair(*german), pair(*german, "kind:tools"), pair("lang:de", "tag:x")])
    assert ["long_de" in one.slices for one in shown] == [True, False, False]
    assert "tag:other" in shown[2].slices


def test_pairs_are_left_alone_by_a_policy_of_single_slices():
    pairs = tags(1, 2)
    assert resliced(policy("tag:1"), (), pairs) is pairs


def test_each_slice_has_its_pairs_in_their_order():
    one, two = pair("tag:a", "lang:de"), pair("tag:a")
    found = by_slice([one, two])
    assert {name: [*pairs] for name, pairs in found.items()} == {
        "all": [one, two],
        "tag:a": [one, two],
        "lang:de": [one],
    }


VARIANTS = [
    Variant(id_, 1, name, role, name, "bf16", Tier.SERVING, None, None, START)
    for id_, name, role in ((11, "base", Role.BASELINE), (12, "int4", Role.CANDIDATE))
]


def streams(chosen, seats=(), known=()):
    tested = to_test(chosen, seats, START, known)
    watched = watch(chosen, VARIANTS, [], epoch=0, fleet=1, slices=tested)
    return {(w.stream.candidate_id, w.stream.signal, w.stream.slice): w.stream for w in watched}


def test_a_new_value_changes_no_other_stream():
    chosen = policy("tag:*", "lang:*", "first_turn")
    before, seats = streams(chosen), []
    for n in range(SEATS):
        seats.append(Seat("tag", str(n), 0, START, START))
        after = streams(chosen, seats)
        assert {key: after[key] for key in before} == before
        assert len(after) > len(before)
        before = after
    after = streams(chosen, seats, {"tag:other"})
    assert {key: after[key] for key in before} == before


@pytest.mark.parametrize(("candidate", "alarms"), [(12, 0.1 * 39 / 40), (11, 2.0)])
def test_the_streams_of_a_full_policy_keep_within_the_budget(candidate, alarms):
    """Of a candidate's budget a fortieth is for the rule on broken variants."""
    chosen = policy(*(f"{family}:*" for family in FAMILIES), "first_turn", {"name": "mine", "when": "all"})
    seats = [Seat(family, f"v{n}", 0, START, START) for family, most in FAMILIES.items() for n in range(most)]
    full = streams(chosen, seats, {f"{family}:other" for family in FAMILIES})
    ticks = 30 * 86400 / chosen.tick_s
    expected = sum(ticks / one.threshold for key, one in full.items() if key[0] == candidate)
    assert expected == pytest.approx(alarms)


def test_a_condition_that_means_something_else_restarts_its_stream_and_another_spelling_does_not():
    def fingerprint(when):
        found = streams(policy({"name": "mine", "when": when}))
        return found[12, "schema_validity", "mine"].fingerprint

    assert fingerprint("lang:de and tag:x") == fingerprint(' (lang:de) and "tag:x"') != fingerprint("lang:de or tag:x")
