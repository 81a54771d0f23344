"""What holds a rollback and what never does: freezes, the breaker, windows of the week, GitOps owners."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.models.route import MEASURED, Goal, Phase, Writer
from monitor.storage.freezes import FreezeStore
from tests.support.world import FLIPPED, POLICY, START_WEIGHTS, World, a_world, unreachable


@pytest.fixture
def world(factory) -> World:
    return a_world(factory)


def freeze(world: World, *, hours: float | None = 2, everything: bool = False) -> int:
    now = world.clock.now()
    with world.factory.database.transaction() as session:
        ends = None if hours is None else now + timedelta(hours=hours)
        route_id = None if everything else world.route.id
        return FreezeStore(session).add(route_id, "ana", "migration", now, ends).id


def lift(world: World, freeze_id: int) -> None:
    with world.factory.database.transaction() as session:
        assert FreezeStore(session).lift(freeze_id, world.clock.now(), "ana", "done") is not None


@pytest.mark.parametrize("everything", [False, True])
def test_a_freeze_holds_a_rollback_pages_once_and_lets_go_when_lifted(world, everything):
    held = freeze(world, everything=everything)
    world.healthy_mix()
    world.alarm()
    for _ in range(5):
        assert world.run() is Phase.BLOCKED
        world.wait(1)
    assert world.queued == ["blocked"]
    assert world.alerts[0]["severity"] == "page"
    assert "frozen by ana until 2026-03-02 14:00 UTC: migration" in world.audits[-1].reason
    assert world.alerts[0]["next_step"] == 'fullback flip chat --to baseline --reason "why"'
    lift(world, held)
    assert world.run() is Phase.VERIFYING_TRAFFIC


def test_a_freeze_that_outlasts_the_evidence_pages_once_and_forgets_nothing(world):
    held = freeze(world)
    world.healthy_mix()
    incident = world.alarm()
    for _ in range(40):
        assert world.run() is Phase.BLOCKED
        world.wait(60)
        if world.phase in MEASURED:
            assert world.alarm() == incident
    assert world.queued == ["blocked"]
    assert world.actions == ["roll_back", "block"]
    lift(world, held)
    world.healthy_mix()
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert world.queued == ["blocked", "rollback_started"]
    assert dict(world.target.inner.read().weights) == FLIPPED


def test_a_freeze_that_outlasts_the_evidence_ends_without_a_rollback_where_the_candidate_went_quiet(world):
    held = freeze(world)
    world.healthy_mix()
    world.alarm()
    assert world.run() is Phase.BLOCKED
    world.wait(40 * 60)
    assert world.run() is Phase.ARMED
    lift(world, held)
    world.healthy_mix()
    assert world.run() is Phase.ARMED
    assert "apply" not in world.target.calls


def test_a_freeze_that_begins_after_the_decision_still_holds(world):
    world.healthy_mix()
    world.alarm()
    while world.phase is not Phase.PREFLIGHT:
        world.factory.reconciler.step(world.route)
    freeze(world)
    assert world.run() is Phase.BLOCKED
    assert "apply" not in world.target.calls


def test_a_freeze_ends_by_itself(world):
    freeze(world, hours=0.1)
    world.healthy_mix()
    world.alarm()
    assert world.run() is Phase.BLOCKED
    world.wait(361)
    world.healthy_mix()
    assert world.run() is Phase.VERIFYING_TRAFFIC


def test_a_person_flips_past_a_freeze(world, factory):
    freeze(world, everything=True)
    world.healthy_mix()
    world.alarm()
    assert world.run() is Phase.BLOCKED
    factory.operator.flip(world.route, Goal.BASELINE, "ana", "I have looked")
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert dict(world.target.inner.read().weights) == FLIPPED


def test_a_freeze_does_not_hold_a_persons_flip_that_is_tried_again(world, factory):
    world.healthy_mix()
    factory.operator.flip(world.route, Goal.BASELINE, "ana", "I have looked")
    world.target.writes = unreachable
    world.run()
    world.wait(31)
    assert world.run() is Phase.STUCK
    freeze(world, everything=True)
    world.target.writes = world.target.inner.apply
    world.wait(31)
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert dict(world.target.inner.read().weights) == FLIPPED


def test_a_window_of_the_week_holds(factory):
    window = {"days": ["mon"], "start": "11:00", "end": "13:00", "reason": "lunch"}
    world = a_world(factory, policy={**POLICY, "freeze": [window]})
    world.healthy_mix()
    world.alarm()
    assert world.run() is Phase.BLOCKED, "it is Monday noon"
    assert "freeze window until 13:00 UTC: lunch" in world.audits[-1].reason


def test_the_breaker_holds_when_many_routes_alarm_at_once_and_a_person_resets_it(factory):
    worlds = [a_world(factory, name=f"route-{n}") for n in range(6)]
    for world in worlds:
        world.healthy_mix()
    for world in worlds[:3]:
        world.alarm()
    worlds[0].run()
    assert [world.phase for world in worlds[:3]] == [Phase.VERIFYING_TRAFFIC] * 3, "three are no reason for doubt"
    worlds[0].wait(60)
    for world in worlds[3:5]:
        world.healthy_mix()
        world.alarm()
    worlds[0].run()
    assert [world.phase for world in worlds[3:5]] == [Phase.BLOCKED] * 2
    assert "apply" not in worlds[3].target.calls + worlds[4].target.calls
    told = [audit.reason for world in worlds[3:5] for audit in world.audits]
    assert any("the breaker holds all automatic moves" in reason for reason in told)
    with factory.database.reading() as session:
        standing = FreezeStore(session).standing(worlds[0].clock.now())
    assert {one.actor for one in standing} == {"breaker"}
    assert "routes alarmed within 600 s (limit 3)" in standing[0].reason

    worlds[5].alarm()
    worlds[5].run()
    assert worlds[5].phase is Phase.BLOCKED, "it stands until a person lifts it"
    for one in standing:
        lift(worlds[0], one.id)
    worlds[0].wait(700)
    for world in worlds[3:]:
        world.healthy_mix()
    worlds[0].run()
    assert [world.phase for world in worlds[3:]] == [Phase.VERIFYING_TRAFFIC] * 3


def test_flips_far_apart_do_not_trip_the_breaker(factory):
    for n in range(5):
        world = a_world(factory, name=f"route-{n}")
        world.healthy_mix()
        world.alarm()
        world.run()
        assert world.phase is Phase.VERIFYING_TRAFFIC
        world.wait(601)


def owned(world: World, **changes):
    return lambda: replace(world.target.inner.read(), **changes)


def test_a_gitops_owner_without_ignore_rules_blocks(world):
    world.target.reads = owned(world, owners=("Argo CD",))
    world.healthy_mix()
    world.alarm()
    assert world.run() is Phase.BLOCKED
    assert "a GitOps manager would write over it (Argo CD at memory)" in world.audits[-1].reason
    assert dict(world.target.inner.read().weights) == START_WEIGHTS


def gitops_applies(world: World) -> None:
    """A repository's manager puts the old routing back, and the router tells who it was."""
    inner = world.target.inner.read
    world.target.reads = lambda: replace(
        inner(), weights=START_WEIGHTS, mirror="base", epoch=None, writer=Writer.GITOPS, writer_name="argocd-controller"
    )

    def write(desired):
        world.target.reads = inner
        world.target.inner.apply(desired)

    world.target.writes = write


def test_a_repositorys_manager_is_written_over_once_and_then_given_way(world):
    world.to_hold()
    gitops_applies(world)
    world.wait(6)
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert world.actions[-3:] == ["reassert", "applied", "read_back"]
    assert "argocd-controller" in world.audits[-3].reason
    assert dict(world.target.inner.read().weights) == FLIPPED
    gitops_applies(world)
    world.wait(6)
    assert world.run(3) is Phase.REVERTED
    assert world.queued[-1] == "reverted"


def test_a_person_who_changes_the_router_is_not_written_over(world):
    world.to_hold()
    inner = world.target.inner.read
    world.target.reads = lambda: replace(
        inner(), weights=START_WEIGHTS, writer=Writer.OTHER, writer_name="kubectl-edit"
    )
    writes = world.target.calls.count("apply")
    world.wait(6)
    assert world.run(3) is Phase.REVERTED
    assert "kubectl-edit" in world.audits[-1].reason
    assert world.target.calls.count("apply") == writes


def test_a_pinned_hold_is_not_written_again_but_paged(world, factory):
    world.to_hold()
    factory.operator.pin(world.route, "ana", 2, "hands off")
    gitops_applies(world)
    writes = world.target.calls.count("apply")
    world.wait(6)
    assert world.run() is Phase.REVERTED
    assert world.target.calls.count("apply") == writes
    assert world.queued[-1] == "reverted"


def test_a_routing_that_is_put_back_is_proven_anew(world):
    world.to_hold()
    inner = world.target.inner.read
    world.target.reads = lambda: replace(
        inner(), weights=START_WEIGHTS, writer=Writer.OTHER, writer_name="kubectl-edit"
    )
    world.wait(6)
    assert world.run() is Phase.REVERTED
    world.target.reads = inner
    world.wait(6)
    assert world.run() is Phase.VERIFYING_TRAFFIC
    world.baseline_serves_all(60)
    assert world.run() is Phase.HOLD
    assert "put_back" in world.actions
