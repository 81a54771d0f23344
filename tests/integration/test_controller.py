"""The controller over a real database: every step from an alarm to a proven flip, and every way it goes wrong."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from detectors.types import Verdict
from monitor.controller.moves import Move
from monitor.controller.situation import CONTROLLER
from monitor.errors import ConflictError, RoutingError, ValidationError
from monitor.models.event import Recorder
from monitor.models.evidence import Evidence, Stream
from monitor.models.route import DesiredRoute, Goal, Mode, Phase, RouteSnapshot
from monitor.services.routes import RouteChange
from monitor.storage.controls import ControlStore
from monitor.storage.streams import StreamStore
from tests.support.world import FLIPPED, POLICY, START_WEIGHTS, World, a_world, race, unreachable

WHOLE_WAY = ["roll_back", "clear", "flip", "applied", "read_back", "verified_by_traffic", "hold"]


@pytest.fixture
def world(factory) -> World:
    return a_world(factory)


def weights(world: World) -> dict[str, int]:
    return dict(world.target.inner.read().weights)


def to_phase(world: World, phase: Phase) -> None:
    while world.phase is not phase:
        assert world.factory.reconciler.step(world.route)


def a_a_stream(world: World, pairs: int, alarmed_at: datetime | None = None) -> None:
    """Store what evaluation knows of the baseline against its own mirror."""
    alarm = None if alarmed_at is None else {"at": alarmed_at.isoformat(), "evidence": {}}
    stream = Stream(
        id=0,
        route_id=world.route.id,
        candidate_id=world.baseline.id,
        signal="schema_validity",
        slice="all",
        fingerprint="f",
        threshold=100.0,
        state={"alarm": alarm},
        last_tick=1,
        verdict=Verdict.UNDECIDED,
        reason="",
        evidence=Evidence(pairs=pairs),
        updated_at=world.clock.now(),
    )
    with world.factory.database.transaction() as session:
        StreamStore(session).add([stream])


def change_mode(world: World, mode: Mode) -> None:
    world.route = world.factory.routes.change(world.route.name, RouteChange(mode=mode), "test")


# The whole way


def test_the_whole_way_from_an_alarm_to_hold(world):
    world.healthy_mix()
    world.alarm()
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert weights(world) == FLIPPED
    assert world.target.inner.read().mirror == "cand"
    world.baseline_serves_all(40)
    assert world.run() is Phase.HOLD
    world.run(20)

    assert world.actions == WHOLE_WAY
    assert [(audit.from_phase, audit.to_phase) for audit in world.audits] == [
        (Phase.ARMED, Phase.TRIGGERED),
        (Phase.TRIGGERED, Phase.PREFLIGHT),
        (Phase.PREFLIGHT, Phase.APPLYING),
        (Phase.APPLYING, Phase.VERIFYING_CONTROL),
        (Phase.VERIFYING_CONTROL, Phase.VERIFYING_TRAFFIC),
        (Phase.VERIFYING_TRAFFIC, Phase.ROLLED_BACK),
        (Phase.ROLLED_BACK, Phase.HOLD),
    ]
    assert {audit.actor for audit in world.audits} == {CONTROLLER}
    assert [audit.epoch for audit in world.audits] == [0, 0, 1, 1, 1, 1, 1]
    assert {audit.policy_name for audit in world.audits} == {"policy-chat"}
    assert world.audits[2].before["memory"]["weights"] == START_WEIGHTS
    assert world.audits[2].after["memory"]["weights"] == FLIPPED
    assert world.audits[5].evidence["primary_baseline"] == 40
    assert world.audits[5].evidence["primary_candidate"] == 0
    assert world.queued == ["rollback_started", "rolled_back"]

    world.factory.notify.run()
    assert [alert.kind for alert in world.notifier.sent] == ["rollback_started", "rolled_back"]
    assert world.notifier.sent[1].headline == world.audits[5].reason


def test_a_silent_route_is_left_alone(world):
    world.serve(world.baseline, 10)
    world.wait(3600)
    assert world.run(5) is Phase.ARMED
    assert world.target.calls == []
    assert world.actions == world.queued == []


def test_the_desired_state_is_committed_before_the_router_is_called(world):
    seen = []

    def write(desired):
        seen.append((world.phase, world.desired, world.queued))
        world.target.inner.apply(desired)

    world.target.writes = write
    world.healthy_mix()
    world.alarm()
    world.run()
    assert seen == [(Phase.APPLYING, DesiredRoute(1, FLIPPED, "cand"), ["rollback_started"])]


def test_a_new_controller_resumes_every_phase_it_finds(world, factory):
    world.healthy_mix()
    world.alarm()
    world.wait(1)
    phases = []
    for _ in range(5):
        factory.look._watched_at.clear()
        factory.reconciler.step(world.route)
        phases.append(world.phase)
    assert phases == [
        Phase.TRIGGERED,
        Phase.PREFLIGHT,
        Phase.APPLYING,
        Phase.VERIFYING_CONTROL,
        Phase.VERIFYING_TRAFFIC,
    ]
    world.baseline_serves_all()
    assert world.run() is Phase.HOLD
    assert world.actions == WHOLE_WAY


def test_applying_again_after_a_crash_before_the_note_is_harmless(world, factory):
    world.healthy_mix()
    world.alarm()
    to_phase(world, Phase.APPLYING)
    world.target.inner.apply(world.desired)  # written, and then the process died
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert world.actions == WHOLE_WAY[:5]


# Proof


def test_a_swallowed_write_ends_in_stuck_and_a_page(world):
    world.target.writes = lambda _: None
    world.healthy_mix()
    world.alarm()
    assert world.run() is Phase.VERIFYING_CONTROL
    for _ in range(6):
        world.wait(9)
        world.serve(world.baseline, 60)
        assert world.run() is Phase.VERIFYING_CONTROL
    world.wait(4)
    assert world.run(5) is Phase.STUCK
    again = ["reassert", "applied"]
    assert world.actions == ["roll_back", "clear", "flip", "applied", *again, *again, *again, "stuck"]
    assert world.queued == ["rollback_started", "stuck"]
    assert world.alerts[-1]["severity"] == "page"
    assert "weights {'base': 5, 'cand': 95}" in world.audits[-1].reason
    world.wait(3600)
    world.serve(world.baseline, 60)
    assert world.run(5) is Phase.STUCK
    assert world.queued == ["rollback_started", "stuck"]


def test_a_lying_read_back_is_cut_once_and_ends_in_stuck(world):
    """The router claims the new routing, yet the candidate goes on answering users."""

    def claim(desired):
        world.target.reads = lambda: RouteSnapshot(desired.weights, desired.mirror, desired.epoch)

    world.target.writes = claim
    world.healthy_mix()
    world.alarm()
    assert world.run() is Phase.VERIFYING_TRAFFIC
    for cut in (False, True):
        for _ in range(12):
            world.wait(10)
            world.serve(world.baseline, 50, since=1)
            world.serve(world.candidate, 1, since=1)
            assert world.run() is Phase.VERIFYING_TRAFFIC
            assert world.desired.cut is cut
        world.wait(3)
        world.run()
    assert world.phase is Phase.STUCK
    assert world.queued == ["rollback_started", "stuck"]
    assert world.actions[4:] == ["read_back", "hard_cut", "applied", "read_back", "stuck"]
    assert "control plane only" in world.audits[-1].reason
    assert "a candidate still answered 12 of 612" in world.audits[-1].reason


def test_a_leak_is_paged_at_once_where_the_policy_forbids_the_stronger_verb(factory):
    world = a_world(factory, policy={**POLICY, "verify": {**POLICY["verify"], "hard_cut": False}})
    world.healthy_mix()
    world.alarm()
    world.run()
    world.wait(124)
    world.serve(world.baseline, 50, since=1)
    world.serve(world.candidate, 1, since=1)
    assert world.run() is Phase.STUCK


def test_the_stronger_verb_ends_a_leak(world):
    world.healthy_mix()
    world.alarm()
    world.run()
    world.wait(124)
    world.serve(world.baseline, 50, since=1)
    world.serve(world.candidate, 1, since=1)
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert weights(world) == {"base": 100}, "the candidate is taken out"
    world.baseline_serves_all(60)
    assert world.run() is Phase.HOLD


def test_one_leaked_answer_never_proves(world):
    world.healthy_mix()
    world.alarm()
    world.run()
    world.baseline_serves_all(500)
    world.serve(world.candidate, 1, since=1)
    assert world.run(3) is Phase.VERIFYING_TRAFFIC


def test_leg_evidence_is_required(world):
    """Records of the server alone, with no marker, do not tell a user's answer from a copy's."""
    world.healthy_mix()
    world.alarm()
    world.run()
    world.wait(10)
    world.serve(world.baseline, 500, since=1, recorder=Recorder.SERVER)
    assert world.run(3) is Phase.VERIFYING_TRAFFIC
    world.serve(world.baseline, 40, since=1)
    assert world.run() is Phase.HOLD


def test_no_traffic_proves_nothing(world):
    world.healthy_mix()
    world.alarm()
    assert world.run() is Phase.VERIFYING_TRAFFIC
    world.wait(119)
    assert world.run() is Phase.VERIFYING_TRAFFIC
    world.wait(3)
    assert world.run() is Phase.STUCK
    assert "control plane only: no request at all since the flip, 125" in world.audits[-1].reason
    assert world.queued == ["rollback_started", "stuck"]


def test_requests_that_began_before_the_flip_prove_nothing(world):
    world.healthy_mix()
    world.alarm()
    world.run()
    world.wait(10)
    world.serve(world.baseline, 500, since=9)  # within the skew allowance
    world.serve(world.baseline, 500, since=20)
    assert world.run() is Phase.VERIFYING_TRAFFIC


def test_a_baseline_share_that_did_not_rise_proves_nothing(world):
    """The users may have gone elsewhere: the baseline answers no more than before."""
    world.serve(world.baseline, 60, since=5)
    world.serve(world.candidate, 60, since=5)
    world.alarm()
    world.run()
    world.baseline_serves_all(60)
    assert world.run() is Phase.VERIFYING_TRAFFIC
    world.serve(world.baseline, 20, since=1)
    assert world.run() is Phase.HOLD


# Preflight


def test_an_unwell_baseline_blocks_and_pages_then_recovers(world):
    world.serve(world.baseline, 30, since=60, failed=3)
    world.alarm()
    assert world.run(5) is Phase.BLOCKED
    assert world.actions == ["roll_back", "clear", "block"]
    assert world.queued == ["blocked"]
    assert "fails 10.0 % of 30 requests" in world.audits[-1].reason
    assert "apply" not in world.target.calls
    world.wait(121)
    world.healthy_mix()
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert world.queued == ["blocked", "rollback_started"]


def test_a_silent_baseline_blocks(world):
    world.serve(world.candidate, 500, since=30)
    world.alarm()
    assert world.run() is Phase.BLOCKED
    assert "answered 0 requests" in world.audits[-1].reason


def test_an_unreadable_router_blocks_and_pages(world):
    world.target.reads = unreachable
    world.healthy_mix()
    world.alarm()
    assert world.run(5) is Phase.BLOCKED
    assert world.queued == ["blocked"]
    assert "connection refused" in world.audits[-1].reason
    world.target.reads = world.target.inner.read
    assert world.run() is Phase.VERIFYING_TRAFFIC


def test_a_block_ends_when_its_evidence_is_too_old(world):
    world.alarm()
    assert world.run() is Phase.BLOCKED
    world.wait(1801)
    world.healthy_mix()
    assert world.run() is Phase.ARMED
    assert world.actions == ["roll_back", "clear", "block", "unblock", "expire"]
    assert weights(world) == START_WEIGHTS


def test_every_incident_that_is_blocked_pages(world):
    """A second incident at the same epoch is another state change: its page is not taken for the first one's."""
    world.alarm()
    assert world.run() is Phase.BLOCKED
    world.wait(1801)
    assert world.run() is Phase.ARMED
    world.alarm()
    assert world.run() is Phase.BLOCKED
    assert world.queued == ["blocked", "blocked"]


@pytest.mark.parametrize("phase", [Phase.TRIGGERED, Phase.PREFLIGHT, Phase.BLOCKED])
@pytest.mark.parametrize("word", ["pin", "observe", "close"])
def test_a_persons_word_before_the_flip_wins(world, factory, phase, word):
    """A pin, a change of mode or a closed incident counts until the desired state is committed."""
    incident = world.alarm()
    to_phase(world, phase)
    match word:
        case "pin":
            factory.operator.pin(world.route, "ana", 1, "hands off")
        case "observe":
            change_mode(world, Mode.OBSERVE)
        case _:
            factory.operator.close_incident(world.route, incident, "ana", "known")
    world.healthy_mix()
    assert world.run(3) is Phase.ARMED
    assert "apply" not in world.target.calls
    assert weights(world) == START_WEIGHTS


def test_a_preflight_interrupted_for_hours_is_not_resumed(world, factory):
    world.alarm()
    to_phase(world, Phase.PREFLIGHT)
    world.wait(7200)
    world.healthy_mix()
    assert world.run() is Phase.ARMED
    assert weights(world) == START_WEIGHTS


# The router


def test_a_router_that_cannot_be_written_ends_in_stuck(world):
    world.target.writes = unreachable
    world.healthy_mix()
    world.alarm()
    assert world.run() is Phase.APPLYING
    world.wait(29)
    assert world.run() is Phase.APPLYING
    world.wait(2)
    assert world.run() is Phase.STUCK
    assert world.queued == ["rollback_started", "stuck"]
    assert "memory: connection refused" in world.audits[-1].reason


def test_a_router_that_comes_back_in_time_is_written(world):
    world.target.writes = unreachable
    world.healthy_mix()
    world.alarm()
    world.run()
    world.wait(20)
    world.target.writes = world.target.inner.apply
    assert world.run() is Phase.VERIFYING_TRAFFIC


def test_a_read_back_that_fails_ends_in_stuck(world):
    world.healthy_mix()
    world.alarm()
    world.target.writes = lambda _: setattr(world.target, "reads", unreachable)
    assert world.run() is Phase.VERIFYING_CONTROL
    world.wait(31)
    assert world.run() is Phase.STUCK
    assert "cannot be read: connection refused" in world.audits[-1].reason


def test_epoch_check_a_newer_writer_is_not_overwritten(world, factory):
    """Between our commit and our call another controller wrote a newer epoch: we give way, and page."""
    world.healthy_mix()
    world.alarm()
    to_phase(world, Phase.APPLYING)
    theirs = DesiredRoute(99, {"base": 50, "cand": 50}, "base")
    world.target.inner.apply(theirs)
    assert world.run() is Phase.STUCK
    assert "another writer was elected" in world.audits[-1].reason
    assert world.target.inner.read().shows(theirs)
    assert world.queued == ["rollback_started", "stuck"]


def test_epoch_check_a_flip_takes_an_epoch_above_the_routers(world):
    world.target.inner.apply(DesiredRoute(41, START_WEIGHTS, "base"))
    world.healthy_mix()
    world.alarm()
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert world.control.epoch == world.target.inner.read().epoch == 42


def test_epoch_check_the_read_back_must_show_our_epoch(world):
    """Another writer's equal weights are not our flip, and a newer epoch is never fought."""
    world.target.writes = lambda desired: world.target.inner.apply(replace(desired, epoch=7))
    world.healthy_mix()
    world.alarm()
    assert world.run() is Phase.REVERTED
    assert "a newer epoch" in world.audits[-1].reason
    assert world.queued == ["rollback_started", "reverted"]


@pytest.mark.parametrize("trouble", [RuntimeError("a bug"), RoutingError("gone")])
def test_one_routes_trouble_does_not_hold_up_anothers(factory, trouble):
    first, second = a_world(factory, name="a"), a_world(factory, name="b")
    for world in (first, second):
        world.healthy_mix()
        world.alarm()

    def fail(*_):
        raise trouble

    first.target.reads = fail
    assert second.run() is Phase.VERIFYING_TRAFFIC
    assert first.phase in {Phase.PREFLIGHT, Phase.BLOCKED}


# Modes, pins, age


@pytest.mark.parametrize(
    ("mode", "kind", "severity"), [(Mode.OBSERVE, "would_roll_back", "warn"), (Mode.ADVISE, "advise", "page")]
)
def test_observe_and_advise_tell_once_and_never_touch_the_router(factory, mode, kind, severity):
    world = a_world(factory, mode=mode)
    world.healthy_mix()
    for _ in range(10):
        world.alarm()
        world.wait(10)
        assert world.run(3) is Phase.ARMED
    assert world.target.calls == []
    assert world.actions == world.queued == [kind]
    assert world.alerts[0]["severity"] == severity
    assert world.incidents[0].alarms == 10


def test_auto_without_waiver_only_advises_until_it_has_observed_long_enough(factory):
    world = a_world(factory, waiver=None)
    world.healthy_mix()
    world.alarm()
    assert world.run(3) is Phase.ARMED
    assert world.queued == ["advise"]
    assert "observed for 0 of 7 days" in world.audits[-1].reason
    world.wait(7 * 86400)
    world.run()
    world.healthy_mix()
    world.alarm()
    assert world.run() is Phase.ARMED
    assert "0 of 1000 pairs of the baseline with its own mirror" in world.audits[-1].reason
    a_a_stream(world, pairs=1000)
    assert world.run() is Phase.VERIFYING_TRAFFIC


@pytest.mark.parametrize(("days_ago", "armed"), [(1, False), (8, True)])
def test_a_baseline_that_lately_differed_from_itself_does_not_arm(factory, days_ago, armed):
    world = a_world(factory, waiver=None)
    world.wait(20 * 86400)
    a_a_stream(world, pairs=5000, alarmed_at=world.clock.now() - timedelta(days=days_ago))
    world.healthy_mix()
    world.alarm()
    assert (world.run() is Phase.VERIFYING_TRAFFIC) is armed
    assert ("differs from its own mirror" in world.audits[-1].reason) is not armed


def test_a_pinned_route_never_flips(world, factory):
    factory.operator.pin(world.route, "ana", 24, "load test")
    world.healthy_mix()
    world.alarm()
    assert world.run(5) is Phase.ARMED
    assert world.actions == ["pin", "advise"]
    assert world.target.calls == []
    assert "ana pinned the route" in world.audits[-1].reason


def test_a_pin_that_ended_no_longer_holds(world, factory):
    factory.operator.pin(world.route, "ana", 1, "load test")
    world.wait(3601)
    world.healthy_mix()
    world.alarm()
    assert world.run() is Phase.VERIFYING_TRAFFIC


def test_unpinning_lets_fresh_evidence_act(world, factory):
    factory.operator.pin(world.route, "ana", 24, "load test")
    world.healthy_mix()
    world.alarm()
    world.run()
    factory.operator.unpin(world.route, "ana", "done")
    assert world.run() is Phase.VERIFYING_TRAFFIC


def test_a_pin_at_the_instant_of_a_decision_is_not_lost(world, factory):
    """The controller looked before the pin was set and writes after it: it loses."""
    world.alarm()
    seen = factory.transitions.situation(world.route, factory.policies.get(world.route.policy))
    factory.operator.pin(world.route, "ana", 24, "hands off")
    assert not factory.transitions.carry_out(seen, Move("roll_back", "late", Phase.TRIGGERED))
    assert world.control.pinned_by == "ana"
    assert world.phase is Phase.ARMED


def test_evidence_older_than_its_ttl_is_closed_not_acted_on(world):
    world.healthy_mix()
    world.alarm(at=world.clock.now() - timedelta(seconds=1801))
    assert world.run(3) is Phase.ARMED
    assert world.actions == ["expire"]
    assert world.queued == []
    assert world.incidents[0].closed_by == "controller: expire"
    assert world.target.calls == []


def test_evidence_as_old_as_its_ttl_still_acts(world):
    world.healthy_mix()
    world.alarm(at=world.clock.now() - timedelta(seconds=1800))
    assert world.run() is Phase.VERIFYING_TRAFFIC


# Holding


def test_a_foreign_change_while_holding_pages_and_is_not_fought(world):
    world.to_hold()
    theirs = DesiredRoute(5, {"base": 0, "cand": 100}, "base")
    world.target.inner.apply(theirs)
    world.wait(6)
    assert world.run() is Phase.REVERTED
    writes = world.target.calls.count("apply")
    world.wait(3600)
    world.alarm()
    assert world.run(10) is Phase.REVERTED
    assert world.target.calls.count("apply") == writes == 1
    assert world.target.inner.read().shows(theirs)
    assert world.queued == ["rollback_started", "rolled_back", "reverted"]
    assert world.alerts[-1]["severity"] == "page"


def test_an_unreadable_router_while_holding_is_not_taken_for_a_change(world):
    world.to_hold()
    world.target.reads = unreachable
    world.wait(6)
    assert world.run(3) is Phase.HOLD


def test_an_admin_override_while_holding_is_a_foreign_change(world):
    world.to_hold()
    shown = replace(world.target.inner.read(), weights=START_WEIGHTS, overrides={"routing.cand": "95"})
    world.target.reads = lambda: shown
    world.wait(6)
    assert world.run() is Phase.REVERTED
    assert "routing.cand" in world.audits[-1].reason


# People


def test_a_person_flips_and_undoes(world, factory):
    world.healthy_mix()
    factory.operator.flip(world.route, Goal.BASELINE, "ana", "odd answers")
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert weights(world) == FLIPPED
    world.baseline_serves_all()
    assert world.run() is Phase.HOLD
    assert world.audits[0].actor == "ana"
    assert world.queued == ["manual_flip", "rolled_back"]

    factory.operator.flip(world.route, Goal.RESTORE, "ana", "they were fine")
    assert world.run() is Phase.VERIFYING_TRAFFIC
    restored = world.target.inner.read()
    assert (dict(restored.weights), restored.mirror, restored.epoch) == (START_WEIGHTS, "base", 2)
    world.wait(10)
    world.serve(world.baseline, 200, since=1)
    assert world.run() is Phase.VERIFYING_TRAFFIC
    world.serve(world.candidate, 1, since=1)
    assert world.run() is Phase.ARMED
    assert world.queued == ["manual_flip", "rolled_back", "manual_flip", "restored"]


def test_undo_closes_the_incident_pins_and_cannot_flip_again_on_the_same_evidence(world, factory):
    world.to_hold()
    factory.operator.flip(world.route, Goal.RESTORE, "ana", "a false alarm")
    assert world.incidents[0].closed_by == "ana: false_alarm"
    assert world.control.pinned_by == "ana"
    assert world.control.pinned_until == world.clock.now() + timedelta(hours=24)
    world.run()
    world.wait(10)
    world.serve(world.candidate, 50, since=1)
    assert world.run() is Phase.ARMED
    assert weights(world) == START_WEIGHTS
    world.healthy_mix()
    world.alarm()
    assert world.run(3) is Phase.ARMED
    assert world.queued[-1] == "advise"
    assert weights(world) == START_WEIGHTS


def test_an_undo_that_loses_a_race_closes_nothing(world, factory, monkeypatch):
    world.to_hold()
    audited = world.actions
    replaced = ControlStore.replace

    def loses_the_flip(store, seen, new):
        return new.phase is not Phase.APPLYING and replaced(store, seen, new)

    monkeypatch.setattr(ControlStore, "replace", loses_the_flip)
    with pytest.raises(ConflictError, match="someone else changed the route"):
        factory.operator.flip(world.route, Goal.RESTORE, "ana", "a false alarm")
    assert world.incidents[0].closed_at is None
    assert world.actions == audited


def test_undo_needs_a_flip_that_stands(world, factory):
    with pytest.raises(ConflictError, match="no earlier routing"):
        factory.operator.flip(world.route, Goal.RESTORE, "ana", "nothing was flipped")
    world.to_hold()
    factory.operator.flip(world.route, Goal.RESTORE, "ana", "a false alarm")
    world.run()
    world.wait(10)
    world.serve(world.candidate, 50, since=1)
    assert world.run() is Phase.ARMED
    world.target.inner.apply(DesiredRoute(2, {"base": 50, "cand": 50}, "base"))
    open_incident = world.alarm()
    with pytest.raises(ConflictError, match="no flip stands"):
        factory.operator.flip(world.route, Goal.RESTORE, "ana", "pressed twice")
    assert world.incidents[-1].id == open_incident
    assert world.incidents[-1].closed_at is None
    assert weights(world) == {"base": 50, "cand": 50}


def test_a_person_cannot_start_a_second_flip_while_one_is_applied(world, factory):
    world.target.writes = unreachable
    factory.operator.flip(world.route, Goal.BASELINE, "ana", "odd answers")
    world.run()
    with pytest.raises(ConflictError, match="being applied now"):
        factory.operator.flip(world.route, Goal.BASELINE, "bo", "me too")


@pytest.mark.parametrize("trouble", ["stuck", "reverted"])
def test_a_person_flips_out_of_trouble_and_the_first_routing_is_kept_for_undo(world, factory, trouble):
    if trouble == "stuck":
        world.target.writes = unreachable
        world.healthy_mix()
        world.alarm()
        world.run()
        world.wait(31)
        assert world.run() is Phase.STUCK
    else:
        world.to_hold()
        world.target.inner.apply(DesiredRoute(5, {"base": 1, "cand": 1}, None))
        world.wait(6)
        assert world.run() is Phase.REVERTED
    world.target.writes = world.target.inner.apply
    factory.operator.flip(world.route, Goal.BASELINE, "ana", "again")
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert weights(world) == FLIPPED
    assert dict(world.control.before["memory"].weights) == START_WEIGHTS


def test_a_person_flips_even_when_the_router_cannot_be_read(world, factory):
    reads = world.target.reads
    world.target.reads = unreachable
    factory.operator.flip(world.route, Goal.BASELINE, "ana", "odd answers")
    assert world.run() is Phase.VERIFYING_CONTROL
    assert world.control.before == {}
    world.target.reads = reads
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert weights(world) == FLIPPED


def test_what_only_the_controller_can_read_is_kept_before_it_is_written(world, factory):
    """The process that takes a person's word may not reach the router; an undo knows its routing all the same."""
    world.target.inner.apply(DesiredRoute(40, START_WEIGHTS, "base"))
    reads = world.target.reads
    world.target.reads = unreachable
    factory.operator.flip(world.route, Goal.BASELINE, "ana", "odd answers")
    world.target.reads = reads
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert dict(world.control.before["memory"].weights) == START_WEIGHTS
    assert world.actions == ["flip", "seen", "applied", "read_back"]
    assert world.target.inner.read().epoch == 41


def test_an_undo_needs_no_read_of_the_router(world, factory):
    world.to_hold()
    reads = world.target.reads
    world.target.reads = unreachable
    factory.operator.flip(world.route, Goal.RESTORE, "ana", "false alarm")
    assert world.run() is Phase.VERIFYING_CONTROL
    world.target.reads = reads
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert weights(world) == START_WEIGHTS


def test_two_people_flip_at_the_same_instant_and_one_wins(world, factory):
    results = race(
        *(lambda who=who: factory.operator.flip(world.route, Goal.BASELINE, who, "now") for who in ("ana", "bo"))
    )
    lost = [result for result in results if isinstance(result, ConflictError)]
    assert len(lost) == 1
    assert world.actions == ["flip"]
    assert world.control.epoch == 1


# Races


def test_two_controllers_race_and_one_transition_wins(world, factory):
    """Both look before either writes: the barrier stands between the read and the write of every step."""
    world.healthy_mix()
    world.alarm()
    situation = factory.transitions.situation
    for expected in (
        Phase.TRIGGERED,
        Phase.PREFLIGHT,
        Phase.APPLYING,
        Phase.VERIFYING_CONTROL,
        Phase.VERIFYING_TRAFFIC,
    ):
        looked = threading.Barrier(2)

        def both_look(*arguments, looked=looked):
            seen = situation(*arguments)
            looked.wait(20)
            return seen

        factory.transitions.situation = both_look
        results = race(*(lambda: factory.reconciler.step(world.route) for _ in range(2)))
        assert sorted(results) == [False, True]
        assert world.phase is expected
    assert world.actions == WHOLE_WAY[:5]
    assert world.queued == ["rollback_started"]


def test_two_controllers_race_to_advise_and_it_is_audited_once(factory):
    world = a_world(factory, mode=Mode.ADVISE)
    world.alarm()
    situation = factory.transitions.situation
    looked = threading.Barrier(2)

    def both_look(*arguments):
        seen = situation(*arguments)
        looked.wait(20)
        return seen

    factory.transitions.situation = both_look
    results = race(*(lambda: factory.reconciler.step(world.route) for _ in range(2)))
    assert sorted(results) == [False, True]
    assert world.actions == world.queued == ["advise"]


def test_a_loser_writes_neither_audit_nor_alert(world, factory):
    seen = factory.transitions.situation(world.route, factory.policies.get(world.route.policy))
    world.alarm()
    world.run()
    before = (world.actions, world.queued, world.control)
    assert not factory.transitions.carry_out(seen, Move("roll_back", "late", Phase.TRIGGERED))
    assert (world.actions, world.queued, world.control) == before


# One incident per cause


def test_later_alarms_attach_and_each_state_change_is_told_once(world):
    world.healthy_mix()
    ids = {world.alarm()}
    for _ in range(5):
        world.run(3)
        world.wait(5)
        ids.add(world.alarm("another slice"))
    world.serve(world.baseline, 40, since=1)
    for _ in range(20):
        world.run(3)
        world.wait(5)
        ids.add(world.alarm("another slice"))
    assert len(ids) == 1
    (incident,) = world.incidents
    assert incident.alarms == 26
    assert incident.headline == "int4 breaks its schema"
    assert world.phase is Phase.HOLD
    assert world.queued == ["rollback_started", "rolled_back"]
    assert world.actions == WHOLE_WAY


def test_closing_an_incident_is_audited_once(world, factory):
    incident = world.alarm()
    results = race(
        *(lambda who=who: factory.operator.close_incident(world.route, incident, who, "known") for who in ("ana", "bo"))
    )
    assert sum(result is None for result in results) == 1
    assert world.actions == ["close"]


def test_settings_that_no_longer_build_a_target_end_in_stuck(world, factory):
    """An upgrade dropped a setting while a flip was under way: the page must still come."""
    world.healthy_mix()
    world.alarm()
    to_phase(world, Phase.APPLYING)

    def refuse(_):
        raise ValidationError("unknown 'old_setting'")

    factory.look._target_of = refuse
    assert world.run() is Phase.APPLYING
    world.wait(31)
    assert world.run() is Phase.STUCK
    assert "old_setting" in world.audits[-1].reason
