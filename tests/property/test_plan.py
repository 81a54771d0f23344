"""The steps of a move, over arbitrary routings: nobody is dropped half-way, nobody goes the wrong way."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from monitor.controller.plan import AT_ONCE, desired_at, stages_of
from monitor.models.route import DesiredRoute, RouteSnapshot, Stage
from monitor.routing.base import Capabilities

ABLE = Capabilities(weights=True, atomic_mirror=True, fencing=True, propagation_s=0.0)
WHOLE = Capabilities(weights=False, atomic_mirror=True, fencing=True, propagation_s=0.0)
DUMB = Capabilities(weights=True, atomic_mirror=True, fencing=True, propagation_s=0.0, mirror=False)
NAMES = ("base", "cand", "third", "fourth")
routings = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 1000), min_size=1).filter(lambda w: any(w.values()))
known = routings.map(lambda weights: {**dict.fromkeys(NAMES, 0), **weights})
"""A router that has every backend, and says so."""
ends = st.sampled_from(NAMES).map(lambda one: {**dict.fromkeys(NAMES, 0), one: 100})
shares = st.integers(1, 99)


def at(start: dict[str, int], end: dict[str, int], share: int, capabilities: Capabilities = ABLE) -> DesiredRoute:
    return desired_at(RouteSnapshot(start, "base", 3), DesiredRoute(4, end, "cand"), Stage(share), 4, capabilities)


def percent(weights: dict[str, int], name: str) -> float:
    return 100.0 * weights.get(name, 0) / sum(weights.values())


@given(routings, routings, shares)
def test_a_step_sums_to_a_hundred_and_serves_whoever_is_on_the_way(start, end, share):
    weights = at(start, end, share).weights
    assert sum(weights.values()) == 100
    for name in {*start, *end}:
        assert (weights[name] > 0) == (start.get(name, 0) > 0 or end.get(name, 0) > 0)


@given(routings, routings, shares)
def test_a_step_is_where_the_formula_says_to_within_rounding(start, end, share):
    weights, names = at(start, end, share).weights, {*start, *end}
    for name in names:
        exact = percent(start, name) + (percent(end, name) - percent(start, name)) * share / 100
        assert abs(weights[name] - exact) < len(names)


@given(routings, ends, st.lists(shares, min_size=2, max_size=5, unique=True).map(sorted))
def test_toward_one_backend_every_step_gives_it_more_and_no_other_more(start, end, steps):
    to = next(name for name, weight in end.items() if weight)
    for before, after in pairwise([at(start, end, share).weights for share in steps]):
        assert after[to] >= before[to]
        assert all(after[name] <= before[name] for name in before if name != to)


@given(routings, ends, st.lists(shares, min_size=2, max_size=5, unique=True).map(sorted))
def test_the_way_back_is_as_steady(end, start, steps):
    source = next(name for name, weight in start.items() if weight)
    for before, after in pairwise([at(start, end, share).weights for share in steps]):
        assert after[source] <= before[source]
        assert all(after[name] >= before[name] for name in before if name != source)


@given(known, routings, st.sampled_from([ABLE, WHOLE, DUMB]))
def test_the_last_step_is_exact(start, end, capabilities):
    last = at(start, end, 100, capabilities)
    assert (last.weights, last.epoch) == (end, 4)
    assert last.mirror == ("cand" if capabilities.mirror else None)


@given(routings, shares)
def test_without_shares_or_without_a_beginning_there_is_one_step(end, share):
    there = DesiredRoute(4, end, "cand")
    assert at({"base": 1}, end, share, WHOLE).weights == end
    assert desired_at(None, there, Stage(share), 4, ABLE).weights == end


@given(known, known, shares)
def test_on_the_way_there_are_no_copies_unless_asked_for_and_possible(start, end, share):
    assert at(start, end, share).mirror is None
    there, whence = DesiredRoute(4, end, "cand"), RouteSnapshot(start, None, 3)
    for capabilities, mirror, sent in (
        (ABLE, "base", "base"),
        (DUMB, "base", None),
        (ABLE, {"base": "cand"}, None),
        (Capabilities(True, True, True, 0.0, mirror_per_backend=True), {"base": "cand"}, {"base": "cand"}),
    ):
        assert desired_at(whence, there, Stage(share), 4, capabilities, mirror=mirror).mirror == sent


@given(st.lists(st.integers(1, 100), min_size=1), st.lists(st.booleans(), min_size=1))
def test_one_router_without_shares_makes_it_one_step_for_all(steps, able):
    stages = stages_of(steps, [ABLE if one else WHOLE for one in able])
    assert stages == (tuple(Stage(share) for share in steps) if all(able) else AT_ONCE)


@given(routings, ends)
def test_a_share_of_nothing_leaves_the_weights_as_they_were(start, end):
    assert at(start, end, 0).weights == start
