"""The controller's rule over arbitrary situations: an answer to each, the same each time, its input as it was."""

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monitor.controller.moves import Move
from monitor.controller.next_move import next_move
from monitor.controller.phases import may_follow
from monitor.models.acting import DrainPolicy, PreflightPolicy, RampPolicy, VerifyPolicy
from monitor.models.policy import Policy
from monitor.models.route import Phase, RouteSnapshot, Stage
from monitor.routing.base import Capabilities
from tests.support.controller_model import ALL_WAYS, AXES, NO_WAY, OWN, build


def values(axis: str) -> list[object]:
    own = [value for phase in OWN.values() for value in phase.get(axis, ())]
    return list(dict.fromkeys([*AXES[axis], *own]))


points = st.fixed_dictionaries(
    {
        "way": st.sampled_from([NO_WAY, *ALL_WAYS]),
        **{axis: st.sampled_from(values(axis)) for axis in AXES if axis not in {"elapsed", "reasserted"}},
        "elapsed": st.floats(0.0, 1e6),
        "reasserted": st.integers(0, 9),
    }
)
weights = st.dictionaries(st.sampled_from(["base", "cand", "gone", "new"]), st.integers(0, 1000))
snapshots = st.builds(
    RouteSnapshot,
    weights,
    st.sampled_from([None, "base", "cand", {"base": "cand"}]),
    st.none() | st.integers(0, 20),
    pending=st.sampled_from([(), ("replica 2",)]),
    owners=st.sampled_from([(), ("flux",)]),
)
policies = st.builds(
    Policy,
    st.just("any"),
    st.just(1),
    evidence_ttl_s=st.floats(0.0, 1e5),
    verify=st.builds(VerifyPolicy, st.integers(0, 1000), hard_cut=st.booleans()),
    preflight=st.builds(
        PreflightPolicy,
        min_events=st.integers(1, 300),
        capacity_rps=st.none() | st.floats(0.1, 1e3),
        drain=st.none()
        | st.builds(DrainPolicy, st.just((10, 100)), without_meters=st.sampled_from(["at_once", "block"])),
        scale=st.sampled_from([None, {"replicas": 2}]),
    ),
    ramp=st.builds(RampPolicy, st.lists(st.integers(1, 99), max_size=4).map(lambda steps: (*sorted(steps), 100))),
)
capabilities = st.builds(
    Capabilities,
    weights=st.booleans(),
    atomic_mirror=st.booleans(),
    fencing=st.booleans(),
    propagation_s=st.floats(0.0, 1e3),
    hard_cut=st.booleans(),
    mirror=st.booleans(),
    mirror_per_backend=st.booleans(),
)


@st.composite
def situations(draw):
    phase = draw(st.sampled_from(Phase))
    point = draw(points)
    if phase not in {Phase.ARMED, Phase.TRIGGERED, Phase.PREFLIGHT, Phase.BLOCKED} and point["way"] is NO_WAY:
        point["way"] = ALL_WAYS[0]
    seen, readings = build(phase, point)
    routers = {
        label: replace(one, capabilities=draw(capabilities), snapshot=draw(st.none() | snapshots))
        for label, one in readings.routers.items()
        if draw(st.integers(0, 9))
    }
    traffic: Mapping[str, object] = readings.traffic if draw(st.booleans()) else {}
    return replace(seen, policy=draw(policies)), replace(readings, routers=routers, traffic=traffic)


@given(situations())
def test_the_rule_answers_everything_the_same_each_time_and_changes_nothing(given):
    seen, readings = given
    before = repr(given)
    move = next_move(seen, readings)
    assert move is None or isinstance(move, Move)
    assert next_move(seen, readings) == move
    assert repr(given) == before
    if move is not None:
        assert move.to is None or may_follow(seen.control.phase, move.to)
        assert move.reason
        new = replace(seen.control, **move.changes)
        assert all(any(one.weights.values()) for one in new.desired.values())
        assert new.epoch >= seen.control.epoch
        assert not new.stages or isinstance(new.step, Stage)
