"""What a flip leaves behind."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.controller.plan import AT_ONCE, desired_at, toward_baseline, toward_snapshot
from monitor.models.route import DesiredRoute, RouteSnapshot, Stage
from monitor.models.variant import Role, Tier, Variant
from monitor.routing.base import Capabilities

AT = datetime(2026, 3, 2, tzinfo=UTC)
ABLE = Capabilities(
    weights=True, atomic_mirror=True, fencing=True, propagation_s=1.0, hard_cut=True, mirror_per_backend=True
)


def variants(candidates: int) -> list[Variant]:
    def one(number: int, role: Role, backend: str) -> Variant:
        return Variant(number, 1, backend, role, backend, "bf16", Tier.SERVING, None, None, AT)

    return [
        *(one(2 + index, Role.CANDIDATE, f"cand-{index}") for index in range(candidates)),
        one(1, Role.BASELINE, "base"),
    ]


def test_the_mirror_turns_round_in_the_same_write():
    assert toward_baseline(variants(1), "cand-0", 7) == DesiredRoute(7, {"base": 100, "cand-0": 0}, "cand-0")


@given(st.integers(1, 5), st.data())
def test_all_weight_goes_to_the_baseline_and_the_copies_to_the_harmful_candidate(candidates, draws):
    harmful = f"cand-{draws.draw(st.integers(0, candidates - 1))}"
    desired = toward_baseline(variants(candidates), harmful, 1)
    assert {name for name, weight in desired.weights.items() if weight} == {"base"}
    assert set(desired.weights) == {variant.backend for variant in variants(candidates)}
    assert desired.mirror == harmful


@pytest.mark.parametrize("harmful", [None, "someone-else", "base"])
def test_the_mirror_never_points_at_the_baseline(harmful):
    assert toward_baseline(variants(2), harmful, 1).mirror == "cand-0"


def test_without_a_candidate_there_is_no_mirror():
    assert toward_baseline(variants(0), None, 1) == DesiredRoute(1, {"base": 100}, None)


@given(
    st.dictionaries(st.sampled_from(["base", "cand", "third"]), st.integers(0, 1000), min_size=1).filter(
        lambda weights: any(weights.values())
    ),
    st.sampled_from([None, "base", "cand"]),
    st.integers(0, 9),
)
def test_undo_is_exact_but_for_the_epoch(weights, mirror, epoch):
    before = RouteSnapshot(weights, mirror, epoch, {"a.key": "1"})
    desired = toward_snapshot(before, epoch + 2)
    assert desired == DesiredRoute(epoch + 2, weights, mirror)
    assert RouteSnapshot(weights, mirror, epoch + 2).shows(desired)


@pytest.mark.parametrize("weights", [{}, {"base": 0}, {"base": 0, "cand": 0}])
def test_nobody_serving_is_never_desired(weights):
    with pytest.raises(ValueError, match="must not all be zero"):
        toward_snapshot(RouteSnapshot(weights, None, 1), 2)


@pytest.mark.parametrize(
    "other",
    [
        RouteSnapshot({"base": 99, "cand": 1}, "cand", 1),
        RouteSnapshot({"base": 100}, "base", 1),
        RouteSnapshot({"base": 100}, None, 1),
        RouteSnapshot({"base": 100}, "cand", 2),
        RouteSnapshot({"base": 100}, "cand", None),
        RouteSnapshot({}, "cand", 1),
    ],
)
def test_a_router_that_differs_in_weights_mirror_or_epoch_does_not_show_it(other):
    desired = DesiredRoute(1, {"base": 100, "cand": 0}, "cand")
    assert RouteSnapshot({"base": 100}, "cand", 1).shows(desired)
    assert not other.shows(desired)


@pytest.mark.parametrize(
    ("found", "mirror"),
    [
        (RouteSnapshot({"base": 5, "cand-0": 95}, "base", 1), "cand-0"),
        (RouteSnapshot({"base": 100, "cand-0": 0}, None, 1), "cand-0"),
        (RouteSnapshot({"base": 100}, "cand-0", 1), "cand-0"),
        (RouteSnapshot({"base": 100}, None, 1), None),
        (RouteSnapshot({"cand-1": 100}, None, 1), None),
        (RouteSnapshot({}, None, None), "cand-0"),
        (None, "cand-0"),
    ],
    ids=["serves", "listed", "copied-to", "absent", "another", "tells-nothing", "unread"],
)
def test_a_flip_goes_without_copies_to_a_backend_that_the_router_lacks(found, mirror):
    end = toward_baseline(variants(2), "cand-0", 7)
    desired = desired_at(found, end, AT_ONCE[0], 7, ABLE)
    assert (desired.mirror, desired.weights) == (mirror, {"base": 100, "cand-0": 0, "cand-1": 0})


BOTH_WAYS = {"base": "cand-0", "cand-0": "base", "cand-1": "base"}


@pytest.mark.parametrize(
    ("before", "on_the_way", "at_its_end"),
    [
        (RouteSnapshot({"base": 5, "cand-0": 95}, "base", 1), {"base": "cand-0", "cand-0": "base"}, "base"),
        (RouteSnapshot({"base": 5, "cand-0": 95, "cand-1": 0}, "base", 1), BOTH_WAYS, "base"),
        (RouteSnapshot({"cand-0": 100}, "recorder", 1), {"base": "cand-0", "cand-0": "base"}, "recorder"),
        (RouteSnapshot({"base": 100}, None, 1), None, None),
    ],
    ids=["one-lacking", "all-there", "a-recorder", "canary-elsewhere"],
)
def test_on_the_way_back_nobody_copies_for_a_backend_that_the_router_lacks(before, on_the_way, at_its_end):
    baseline = toward_baseline(variants(2), "cand-0", 7)
    start, end = RouteSnapshot(baseline.weights, baseline.mirror, None), toward_snapshot(before, 7)
    half = desired_at(start, end, Stage(50), 7, ABLE, mirror=BOTH_WAYS)
    assert half.mirror == on_the_way
    assert desired_at(start, end, Stage(100), 7, ABLE, mirror=BOTH_WAYS).mirror == at_its_end
