"""From hold back to the candidate: on evidence, through the gate, in steps, and back again at the first harm."""

from dataclasses import replace

import pytest

from detectors.types import Verdict
from monitor.controller.readings import Room
from monitor.errors import ConflictError
from monitor.models.evidence import Evidence, Stream
from monitor.models.route import Goal, Mode, Phase
from monitor.services.routes import RouteChange
from monitor.storage.promotions import PromotionStore
from monitor.storage.session import Database
from monitor.storage.streams import StreamStore
from tests.support.world import POLICY, START_WEIGHTS, World, a_world

RAMP = {"steps": [5, 50, 100], "look_s": 60, "requests": 20, "cooldown_s": 3600, "per_hour": 1}


@pytest.fixture
def world(factory) -> World:
    found = a_world(factory, policy={**POLICY, "ramp": RAMP, "signals": only("schema_validity")})
    found.to_hold()
    return found


def only(kept: str) -> dict[str, dict[str, float]]:
    from detectors.registry import SIGNALS as ALL

    return {name: {"weight": 1 if name == kept else 0} for name in ALL}


def judged(world: World, verdict: Verdict) -> None:
    """Store what evaluation would: the candidate's verdict behind the turned mirror."""
    now = world.clock.now()
    with world.factory.database.transaction() as session:
        store = StreamStore(session)
        store.drop(world.route.id, ["all"])
        store.add(
            [
                Stream(
                    id=0,
                    route_id=world.route.id,
                    candidate_id=world.candidate.id,
                    signal="schema_validity",
                    slice="all",
                    fingerprint="f",
                    threshold=100.0,
                    state={},
                    last_tick=1,
                    verdict=verdict,
                    reason=f"schema_validity is {verdict.value}",
                    evidence=Evidence(pairs=10_000),
                    updated_at=now,
                )
            ]
        )


def weights(world: World) -> dict[str, int]:
    return dict(world.target.inner.read().weights)


def step(world: World) -> None:
    """Let a step of the way back be looked at, with traffic on both."""
    world.wait(62)
    world.serve(world.candidate, 15, since=30)
    world.serve(world.baseline, 15, since=30)
    world.run()


def gates(database: Database):
    with database.reading() as session:
        return PromotionStore(session).gates()


def test_the_whole_way_back(world, factory):
    judged(world, Verdict.SAFE)
    world.wait(3601)
    assert world.run() is Phase.HOLD
    assert world.queued[-1] == "may_recover"
    factory.operator.recover(world.route, "ana", "new kernel")
    world.wait(6)
    assert world.run() is Phase.RAMPING
    assert weights(world) == {"base": 96, "cand": 4}
    assert world.target.inner.read().mirror == {"base": "cand", "cand": "base"}
    assert gates(factory.database).opened == 1
    step(world)
    assert weights(world) == {"base": 53, "cand": 47}
    step(world)
    assert weights(world) == START_WEIGHTS
    assert world.target.inner.read().mirror == "base", "as it was before the rollback"
    assert world.phase is Phase.RAMPING
    step(world)
    assert world.phase is Phase.ARMED
    assert world.queued[-1] == "restored"
    assert world.actions[world.actions.index("ramp") :] == [
        *("ramp", "applied", "ramp_step"),
        *("next_step", "applied", "ramp_step"),
        *("next_step", "applied", "ramp_step"),
        *("ramped", "expire"),
    ]
    assert world.control.condemned == {}


def test_without_evidence_nothing_comes_back(world, factory):
    judged(world, Verdict.UNDECIDED)
    world.wait(3601)
    factory.operator.recover(world.route, "ana", "please")
    world.wait(6)
    assert world.run(5) is Phase.RECOVERING
    assert weights(world)["cand"] == 0


def test_harm_behind_the_mirror_ends_the_wish(world, factory):
    judged(world, Verdict.HARM)
    world.wait(3601)
    factory.operator.recover(world.route, "ana", "please")
    world.wait(6)
    assert world.run() is Phase.HOLD
    assert world.queued[-1] == "still_harmful"


def test_the_cooldown_and_the_number_of_ways_back_hold_it(world, factory):
    judged(world, Verdict.SAFE)
    world.wait(60)
    factory.operator.recover(world.route, "ana", "please")
    world.wait(6)
    assert world.run(3) is Phase.RECOVERING
    assert "the last rollback is too recent" in world.audits[-1].reason
    assert [audit.action for audit in world.audits].count("wait") == 1
    world.wait(3600)
    assert world.run() is Phase.RAMPING


def test_the_limit_counts_ways_back_and_not_routes(factory):
    ramp = {**RAMP, "cooldown_s": 0, "per_hour": 2}
    world = a_world(factory, policy={**POLICY, "ramp": ramp, "signals": only("schema_validity")})
    world.to_hold()
    for phase in (Phase.RAMPING, Phase.RAMPING, Phase.RECOVERING):
        judged(world, Verdict.SAFE)
        factory.operator.recover(world.route, "ana", "please")
        world.wait(6)
        assert world.run(3) is phase
        if phase is Phase.RAMPING:
            world.wait(1)
            world.healthy_mix()
            world.alarm("worse again")
            world.wait(6)
            assert world.run() is Phase.VERIFYING_TRAFFIC
            world.baseline_serves_all()
            assert world.run() is Phase.HOLD
    assert world.audits[-1].reason == "2 ways back began within the hour (limit 2)"
    assert gates(factory.database).asked == 2, "what is held costs no question"


def test_no_more_ways_back_begin_within_the_hour_than_the_policy_allows(factory):
    ramp = {**RAMP, "cooldown_s": 0}
    world = a_world(factory, policy={**POLICY, "ramp": ramp, "signals": only("schema_validity")})
    world.to_hold()
    ramping(world, factory)
    world.wait(1)
    world.healthy_mix()
    world.alarm("worse again")
    world.wait(6)
    assert world.run() is Phase.VERIFYING_TRAFFIC
    world.baseline_serves_all()
    assert world.run() is Phase.HOLD
    judged(world, Verdict.SAFE)
    factory.operator.recover(world.route, "ana", "please")
    world.wait(6)
    assert world.run(3) is Phase.RECOVERING
    assert world.audits[-1].reason == "1 ways back began within the hour (limit 1)"
    world.wait(3600)
    assert world.run() is Phase.RAMPING


def test_the_gate_is_asked_once_and_grows_strict_after_many_questions(world, factory):
    judged(world, Verdict.SAFE)
    world.wait(3601)
    from monitor.models.promotion import Promotion

    with factory.database.transaction() as session:
        for _ in range(50):
            PromotionStore(session).add(
                world.route.id, Promotion(world.candidate.id, 0.0, 9.0, opened=False), world.clock.now()
            )
    factory.operator.recover(world.route, "ana", "please")
    world.wait(6)
    assert world.run(3) is Phase.HOLD
    assert "not enough at this gate" in world.audits[-1].reason
    assert gates(factory.database).asked == 51
    world.wait(60)
    world.run(3)
    assert gates(factory.database).asked == 51


def ramping(world: World, factory) -> None:
    factory.operator.recover(world.route, "ana", "I know", at_once=True)
    assert world.run() is Phase.RAMPING


def test_a_persons_word_stands_in_for_evidence(world, factory):
    ramping(world, factory)
    assert weights(world) == {"base": 96, "cand": 4}
    assert gates(factory.database).asked == 0


def test_harm_goes_one_step_back_and_the_second_time_all_the_way(world, factory):
    ramping(world, factory)
    step(world)
    assert weights(world)["cand"] == 47
    world.wait(1)
    world.alarm("worse again")
    world.wait(6)
    world.run()
    assert weights(world) == {"base": 96, "cand": 4}
    assert world.phase is Phase.RAMPING
    assert world.queued[-1] == "backed_off"
    world.healthy_mix()
    world.wait(30)
    world.healthy_mix()
    world.alarm("and again")
    world.wait(6)
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert weights(world) == {"base": 100, "cand": 0}
    assert world.control.goal is Goal.BASELINE
    assert dict(world.control.before["memory"].weights) == START_WEIGHTS, "an undo still knows the first routing"


def test_the_second_harm_goes_all_the_way_whatever_step_it_finds(world, factory):
    ramping(world, factory)
    step(world)
    step(world)
    assert weights(world) == START_WEIGHTS
    for cand, phase in ((47, Phase.RAMPING), (0, Phase.VERIFYING_TRAFFIC)):
        world.wait(1)
        world.healthy_mix()
        world.alarm("worse again")
        world.wait(6)
        assert world.run() is phase
        assert weights(world)["cand"] == cand


def test_no_step_from_a_ramp_gives_the_candidate_more_than_it_has(factory, monkeypatch):
    """A drain's steps are shares of the way from before the first flip, where the candidate had nearly everything."""
    preflight = {**POLICY["preflight"], "drain": {"steps": [10, 100], "pause_s": 0}}
    ramp = {**RAMP, "steps": [5, 100]}
    policy = {**POLICY, "preflight": preflight, "ramp": ramp, "signals": only("schema_validity")}
    world = a_world(factory, policy=policy)
    monkeypatch.setattr(factory.look._baseline, "room", lambda *_: Room(ok=True, reason="there is room"))
    world.to_hold()
    assert "next_step" in world.actions, "the first flip was a drain"
    ramping(world, factory)
    begun = len(world.audits)
    world.wait(1)
    world.healthy_mix()
    world.alarm("worse again")
    world.wait(6)
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert max(audit.after["memory"]["weights"]["cand"] for audit in world.audits[begun:]) <= 4
    assert weights(world) == {"base": 100, "cand": 0}


def test_a_late_write_of_a_former_leader_is_written_over_when_the_way_back_has_ended(world, factory):
    """Only where no fence turned it away; what people change on an armed route is theirs."""
    target = world.target
    target.capabilities = replace(target.capabilities, fencing=False)
    late = target.inner.read()
    factory.operator.flip(world.route, Goal.RESTORE, "ana", "a false alarm")
    world.run()
    world.wait(10)
    world.serve(world.baseline, 25, since=1)
    world.serve(world.candidate, 100, since=1)
    assert world.run() is Phase.ARMED
    target.reads = lambda: replace(late, epoch=world.control.epoch)
    world.wait(10)
    assert world.run() is Phase.ARMED, "its stamp is our last one: a person edited it"

    def write(desired):
        target.reads = target.inner.read
        target.inner.apply(desired)

    target.reads, target.writes = lambda: late, write
    world.wait(10)
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert [audit.action for audit in world.audits[-3:]] == ["reassert", "applied", "read_back"]
    assert weights(world) == START_WEIGHTS
    world.wait(10)
    world.serve(world.baseline, 25, since=1)
    world.serve(world.candidate, 100, since=1)
    assert world.run() is Phase.ARMED


def test_a_broken_variant_goes_all_the_way_at_once(world, factory):
    ramping(world, factory)
    step(world)
    world.wait(1)
    world.healthy_mix()
    world.alarm("worse", critical=True)
    world.wait(6)
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert weights(world) == {"base": 100, "cand": 0}


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.ADVISE])
def test_in_other_modes_a_person_decides_and_the_way_back_stops(world, factory, mode):
    world.route = factory.routes.change(world.route.name, RouteChange(mode=mode), "test")
    ramping(world, factory)
    world.wait(1)
    world.alarm("worse again")
    for _ in range(5):
        step(world)
    assert world.phase is Phase.RAMPING
    assert weights(world) == {"base": 96, "cand": 4}
    assert world.queued[-1] == "advise"
    assert world.queued.count("advise") == 1


def test_a_pin_stops_the_way_back_where_it_is(world, factory):
    ramping(world, factory)
    factory.operator.pin(world.route, "ana", 1, "lunch")
    for _ in range(3):
        step(world)
    assert world.phase is Phase.RAMPING
    assert weights(world) == {"base": 96, "cand": 4}


def test_too_few_answers_hold_a_step(world, factory):
    ramping(world, factory)
    world.wait(600)
    world.serve(world.baseline, 10, since=30)
    assert world.run(3) is Phase.RAMPING
    world.serve(world.candidate, 9, since=30)
    world.wait(6)
    assert world.run(3) is Phase.RAMPING
    assert weights(world) == {"base": 96, "cand": 4}
    world.serve(world.candidate, 1, since=30)
    world.wait(6)
    world.run()
    assert weights(world) == {"base": 53, "cand": 47}


def test_a_step_is_looked_at_for_its_time_however_many_answer(world, factory):
    ramping(world, factory)
    world.wait(50)
    world.serve(world.candidate, 15, since=30)
    world.serve(world.baseline, 15, since=30)
    world.run(3)
    assert weights(world) == {"base": 96, "cand": 4}
    world.wait(11)
    world.run()
    assert weights(world) == {"base": 53, "cand": 47}


def test_only_a_route_in_hold_comes_back(factory):
    world = a_world(factory)
    with pytest.raises(ConflictError, match="only a route in hold"):
        factory.operator.recover(world.route, "ana", "why not")


def test_a_new_artifact_is_told_once(world, factory):
    from sqlalchemy import text

    with factory.database.transaction() as session:
        session.execute(text("UPDATE variants SET digest = 'sha256:new' WHERE role = 'candidate'"))
    world.wait(6)
    world.run()
    for _ in range(3):
        world.wait(6)
        world.run()
    assert world.actions.count("new_artifact") == 1
    assert world.queued[-1] == "may_recover"
