"""Whether the baseline may take the traffic."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.controller.plan import AT_ONCE
from monitor.controller.preflight import choose_way, judge_baseline
from monitor.controller.readings import BaselineHealth, Room
from monitor.models.acting import DrainPolicy, PreflightPolicy
from monitor.models.route import Stage
from monitor.routing.base import Capabilities

POLICY = PreflightPolicy(window_s=120, min_events=50, max_error_rate=0.02)


@pytest.mark.parametrize(
    ("answers", "failed", "healthy"),
    [
        (0, 0, False),
        (49, 0, False),
        (50, 0, True),
        (50, 1, True),
        (50, 2, False),
        (100, 2, True),
        (100, 3, False),
        (100, 100, False),
    ],
)
def test_the_limits(answers, failed, healthy):
    assert judge_baseline(answers, failed, POLICY).healthy is healthy


def test_the_reasons_name_value_and_limit():
    assert judge_baseline(12, 0, POLICY).reason == (
        "the baseline answered 12 requests in 120 s, 50 are needed to call it healthy"
    )
    assert judge_baseline(200, 9, POLICY).reason == "the baseline itself fails 4.5 % of 200 requests (limit 2 %)"
    assert judge_baseline(200, 1, POLICY).reason == "the baseline is healthy: 1 of 200 answers failed"


@given(st.integers(0, 10000), st.data())
def test_more_failures_never_make_it_healthy(answers, draws):
    failed = draws.draw(st.integers(0, answers))
    if not judge_baseline(answers, failed, POLICY).healthy:
        assert not judge_baseline(answers, draws.draw(st.integers(failed, answers)), POLICY).healthy


@given(st.integers(0, 49))
def test_no_data_is_never_healthy(answers):
    assert not judge_baseline(answers, 0, POLICY).healthy


ABLE = Capabilities(weights=True, atomic_mirror=True, fencing=True, propagation_s=0.0)
DRAINED = (Stage(25), Stage(50), Stage(75), Stage(100))
SCALED = (Stage(0), Stage(0, replicas=4))
"""Copies are dropped, then replicas are asked for."""
ROOM, NONE, DEAF = Room(ok=True, reason=""), None, Room(ok=False, reason="connection refused", readable=False)
CARRIED = BaselineHealth(200, 0, copied=0, primaries=120)
MEASURED = BaselineHealth(200, 0, copied=9_000, primaries=10_000)
SHORT = BaselineHealth(200, 0, copied=8_999, primaries=10_000)


def way(health, room=ROOM, *, drain=None, scale=False, critical=False, weights=True):
    policy = PreflightPolicy(
        capacity_rps=10.0,
        drain=None if drain is None else DrainPolicy(without_meters=drain),
        scale={"replicas": 4} if scale else None,
    )
    return choose_way(health, policy, [ABLE, replace(ABLE, weights=weights)], room, critical=critical)


@pytest.mark.parametrize("health", [CARRIED, MEASURED])
def test_a_baseline_that_can_carry_it_is_moved_to_at_once_or_by_the_steps(health):
    assert way(health).stages == AT_ONCE
    assert way(health, drain="block").stages == DRAINED
    assert way(health, drain="block", weights=False).stages == AT_ONCE
    for room in (NONE, DEAF):
        assert way(health, room, drain="block").stages == AT_ONCE
    assert way(health, scale=True).stages == AT_ONCE


@pytest.mark.parametrize(
    ("room", "drain", "scale", "stages"),
    [
        (ROOM, None, False, AT_ONCE),
        (ROOM, "at_once", False, DRAINED),
        (ROOM, "block", True, (*SCALED, *DRAINED)),
        (NONE, "at_once", False, AT_ONCE),
        (DEAF, "block", False, ()),
        (NONE, "block", False, ()),
        (DEAF, "block", True, (*SCALED, *AT_ONCE)),
        (NONE, None, True, (*SCALED, *AT_ONCE)),
    ],
)
def test_one_that_cannot_is_scaled_up_and_gone_to_in_steps_as_the_policy_says(room, drain, scale, stages):
    found = way(SHORT, room, drain=drain, scale=scale)
    assert found.stages == stages
    assert "10 requests/s" in found.reason
    if not stages:
        assert "no meters are configured" in found.reason or "connection refused" in found.reason


@pytest.mark.parametrize("room", [ROOM, NONE, DEAF])
@pytest.mark.parametrize("drain", [None, "at_once", "block"])
def test_a_broken_variant_is_left_at_once_whatever_the_baseline_can_carry(room, drain):
    assert way(SHORT, room, drain=drain, scale=True, critical=True).stages == AT_ONCE


def test_the_capacity_needs_its_headroom():
    load = PreflightPolicy().window_s * 10.0 / PreflightPolicy().headroom
    assert way(BaselineHealth(200, 0, 0, int(load)), scale=True).stages == AT_ONCE
    assert way(BaselineHealth(200, 0, 0, int(load) + 1), scale=True).stages == (*SCALED, *AT_ONCE)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from([ROOM, NONE, DEAF]), st.booleans())
def test_every_way_ends_whole(copied, primaries, room, scale):
    stages = way(BaselineHealth(200, 0, copied, primaries), room, drain="at_once", scale=scale).stages
    assert stages[-1] == Stage(100)
    assert [one.share for one in stages] == sorted(one.share for one in stages)
