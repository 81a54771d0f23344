"""What a person, or another leader, does while a step looks wins over what the step then wants to write."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import event

from detectors.types import Verdict
from monitor.controller.look import Look
from monitor.controller.moves import Move
from monitor.controller.reconcile import Reconciler
from monitor.errors import ConflictError
from monitor.models.route import DesiredRoute, Goal, Mode, Phase, RouteSnapshot, Writer
from monitor.models.variant import Role, Tier
from monitor.routing.registry import build
from monitor.services.routes import RouteChange, RouteSpec
from monitor.storage.controls import ControlStore
from monitor.storage.freezes import FreezeStore
from monitor.storage.routes import VariantSpec
from tests.integration.test_way_back import RAMP, judged, only
from tests.integration.test_way_back import step as look_at_step
from tests.support.litellm_proxy import LiteLLM, running_litellm
from tests.support.world import FLIPPED, POLICY, World, WrappedTarget, a_world, unreachable

BOTH = ("east", "west")
THEIRS = {"base": 40, "cand": 60}


@pytest.fixture
def world(factory) -> World:
    return a_world(factory)


def to_phase(world: World, phase: Phase) -> None:
    while world.phase is not phase:
        assert world.factory.reconciler.step(world.route)


def while_looking(world: World, act: Callable[[], object]) -> None:
    """Do something once, after the next step has looked and before it writes."""
    look, at = world.factory.look, world.factory.look.at

    def looked(seen):
        readings = at(seen)
        look.at = at
        act()
        return readings

    look.at = looked


def set_mode(world: World, mode: Mode) -> None:
    world.factory.routes.change(world.route.name, RouteChange(mode=mode), "ana")


def freeze(world: World, route_id: int | None) -> None:
    with world.factory.database.transaction() as session:
        FreezeStore(session).add(route_id, "ana", "migration", world.clock.now(), None)


def close(world: World) -> None:
    world.factory.operator.close_incident(world.route, world.incidents[-1].id, "ana", "false alarm")


def close_apart(world: World) -> None:
    """Close the incident past the control row, as a repair by hand does."""
    with psycopg.connect(world.factory.database.url) as connection:
        connection.execute("UPDATE incidents SET closed_at = now(), closed_by = 'ana'")


ACTS = {
    "observe": (lambda world: set_mode(world, Mode.OBSERVE), Phase.ARMED),
    "advise": (lambda world: set_mode(world, Mode.ADVISE), Phase.ARMED),
    "closed": (close, Phase.ARMED),
    "closed apart": (close_apart, Phase.ARMED),
    "frozen": (lambda world: freeze(world, world.route.id), Phase.BLOCKED),
    "all frozen": (lambda world: freeze(world, None), Phase.BLOCKED),
}


@pytest.mark.parametrize("phase", [Phase.ARMED, Phase.TRIGGERED, Phase.PREFLIGHT])
@pytest.mark.parametrize("act", ACTS)
def test_what_a_person_does_while_a_step_toward_a_rollback_looks_wins(world, phase, act):
    does, end = ACTS[act]
    world.healthy_mix()
    world.alarm()
    to_phase(world, phase)
    before = world.actions
    while_looking(world, lambda: does(world))
    stepped = world.factory.reconciler.step(world.route)
    if phase is Phase.ARMED and end is Phase.BLOCKED:
        assert stepped, "a freeze holds what follows, not the decision"
    else:
        assert not stepped
        assert world.phase is phase
        assert [action for action in world.actions if action not in {"change", "close"}] == before
    assert world.run(3) is end
    assert "apply" not in world.target.calls
    assert "flip" not in world.actions
    assert "rollback_started" not in world.queued


def test_a_freeze_while_a_blocked_route_looks_again_is_known_to_its_commit(world):
    """Unhealthy, so blocked; healthy again, and frozen in that moment."""
    world.serve(world.baseline, 25, since=60, failed=25)
    world.alarm()
    assert world.run() is Phase.BLOCKED
    world.wait(200)
    world.healthy_mix()
    while_looking(world, lambda: freeze(world, world.route.id))
    assert not world.factory.reconciler.step(world.route)
    assert world.run(3) is Phase.BLOCKED
    assert "apply" not in world.target.calls


def test_a_round_sees_a_mode_that_was_set_since_it_began(world):
    world.healthy_mix()
    world.alarm()
    to_phase(world, Phase.TRIGGERED)
    as_the_round_began = world.route
    set_mode(world, Mode.OBSERVE)
    while world.factory.reconciler.step(as_the_round_began):
        pass
    assert world.phase is Phase.ARMED
    assert world.audits[-1].reason.endswith("Mode observe: nothing is moved")


def test_a_round_sees_another_policy_that_was_set_since_it_began(world, factory):
    factory.policies.add("strict", {**POLICY, "preflight": {"window_s": 120, "min_events": 10_000}}, "ana")
    world.healthy_mix()
    world.alarm()
    to_phase(world, Phase.PREFLIGHT)
    as_the_round_began = world.route
    factory.routes.change(world.route.name, RouteChange(policy="strict"), "ana")
    assert factory.reconciler.step(as_the_round_began)
    assert world.phase is Phase.BLOCKED
    assert world.audits[-1].policy_name == "strict"


def test_a_person_flips_though_the_route_changes_while_the_routers_are_read(world, factory):
    """The check holds what the controller begins, no person."""
    freeze(world, None)
    world.alarm()
    seen = factory.operator.see(world.route)
    move = factory.operator._planned(seen, Goal.BASELINE, "ana", "now")
    set_mode(world, Mode.OBSERVE)
    assert factory.transitions.carry_out(seen, move)
    assert world.run() is Phase.VERIFYING_TRAFFIC


def test_what_is_committed_is_finished_under_a_freeze_that_begins_while_it_is_written(world):
    world.healthy_mix()
    world.alarm()
    to_phase(world, Phase.APPLYING)
    while_looking(world, lambda: freeze(world, None))
    assert world.factory.reconciler.step(world.route)
    assert world.run() is Phase.VERIFYING_TRAFFIC


@pytest.fixture
def back(factory) -> World:
    found = a_world(factory, policy={**POLICY, "ramp": RAMP, "signals": only("schema_validity")})
    found.to_hold()
    judged(found, Verdict.SAFE)
    found.wait(3601)
    factory.operator.recover(found.route, "ana", "new kernel")
    found.wait(6)
    return found


def test_a_freeze_while_the_evidence_is_read_holds_the_way_back(back):
    while_looking(back, lambda: freeze(back, None))
    assert not back.factory.reconciler.step(back.route)
    back.wait(6)
    assert back.run() is Phase.RECOVERING
    assert dict(back.target.inner.read().weights) == FLIPPED
    assert "ramp" not in back.actions


def test_a_freeze_while_a_step_of_the_way_back_is_looked_at_holds_the_next(back):
    assert back.run() is Phase.RAMPING
    while_looking(back, lambda: freeze(back, back.route.id))
    look_at_step(back)
    assert "next_step" not in back.actions
    look_at_step(back)
    assert back.audits[-1].action == "wait"
    assert dict(back.target.inner.read().weights) == {"base": 96, "cand": 4}


# Right before the write


def test_a_pin_set_after_the_situation_was_read_comes_before_the_write(world, factory):
    world.healthy_mix()
    world.alarm()
    to_phase(world, Phase.APPLYING)
    still = factory.look._still

    def pinned(seen):
        factory.look._still = still
        factory.operator.pin(world.route, "ana", 4, "stop")
        return still(seen)

    factory.look._still = pinned
    assert world.run(2) is Phase.ARMED
    assert "apply" not in world.target.calls
    assert world.actions[-3:] == ["pin", "withdraw", "advise"]


@pytest.mark.parametrize("stamped", [True, False])
@pytest.mark.parametrize("writer", [Writer.OTHER, Writer.GITOPS, None])
def test_a_target_that_took_the_write_is_left_alone_while_another_fails(factory, writer, stamped):
    world = a_world(factory, clusters=BOTH)
    east, west = (world.clusters[name] for name in BOTH)
    east.capabilities = replace(east.capabilities, atomic_mirror=stamped)
    west.writes = unreachable
    world.healthy_mix()
    world.alarm()
    assert world.run() is Phase.APPLYING
    assert east.calls.count("apply") == 1
    theirs = RouteSnapshot(THEIRS, "base", world.control.epoch if stamped else None, writer=writer)
    east.reads = lambda: theirs
    for _ in range(10):
        world.wait(2)
        assert world.run() is Phase.APPLYING
    assert east.calls.count("apply") == 1, "never repeated against a person"
    assert west.calls.count("apply") == 11
    west.writes = west.inner.apply
    to_phase(world, Phase.VERIFYING_CONTROL)
    applied = world.audits[-1]
    assert applied.evidence == {"targets": {"east": "written", "west": "written"}}
    assert east.calls.count("apply") == 1


def test_the_next_write_is_called_everywhere_again(factory):
    world = a_world(factory, clusters=BOTH)
    world.clusters["west"].writes = unreachable
    world.healthy_mix()
    world.alarm()
    world.run()
    world.wait(31)
    assert world.run() is Phase.STUCK
    world.clusters["west"].writes = world.clusters["west"].inner.apply
    world.wait(31)
    assert world.run() is Phase.VERIFYING_TRAFFIC
    shown = [one.inner.read() for one in world.clusters.values()]
    assert [one.epoch for one in shown] == [world.control.epoch] * 2


def test_another_process_asks_the_router_whether_it_was_taken(factory):
    """What this process remembers ends with it."""
    world = a_world(factory, clusters=BOTH)
    east, west = (world.clusters[name] for name in BOTH)
    west.writes = unreachable
    world.healthy_mix()
    world.alarm()
    assert world.run() is Phase.APPLYING
    theirs = RouteSnapshot(THEIRS, "base", world.control.epoch, writer=Writer.OTHER)
    east.reads = lambda: theirs
    west.writes = west.inner.apply
    world.wait(2)
    look = Look(factory.database, factory.look._target_of, factory.clock)
    Reconciler(factory.database, factory.policies.get, factory.transitions, look).step(world.route)
    assert world.phase is Phase.VERIFYING_CONTROL
    assert east.calls.count("apply") == 1


# LiteLLM: several writes a route


@pytest.fixture(scope="module")
def proxy(tmp_path_factory) -> Iterator[LiteLLM]:
    with running_litellm(tmp_path_factory.mktemp("litellm")) as litellm:
        yield litellm


@pytest.fixture
def litellm(proxy, factory) -> tuple[LiteLLM, World]:
    """A rollback at a LiteLLM group that is committed, its process gone before it told of the write."""
    proxy.reset()
    factory.__dict__["notifiers"] = {}
    factory.policies.add("lite", {**POLICY, "verify": {**POLICY["verify"], "hard_cut": False}}, "test")
    variants = (
        VariantSpec("bf16", Role.BASELINE, "base", "bf16", Tier.SERVING),
        VariantSpec("int4", Role.CANDIDATE, "cand", "int4", Tier.QUANTIZED),
    )
    spec = RouteSpec("lite", (proxy.ref(),), variants, "lite", mode=Mode.AUTO, waiver="a test")
    route = factory.routes.add(spec, "test")
    target = WrappedTarget(build(proxy.ref()))
    look = Look(factory.database, lambda _: target, factory.clock)
    factory.__dict__["look"] = look
    factory.__dict__["reconciler"] = Reconciler(factory.database, factory.policies.get, factory.transitions, look)
    found = {one.role: one for one in factory.routes.variants(route)}
    world = World(factory, route, target, None, found[Role.BASELINE], found[Role.CANDIDATE])
    world.healthy_mix()
    world.alarm()
    to_phase(world, Phase.APPLYING)
    world.wait(2)
    return proxy, world


def wanted(world: World) -> DesiredRoute:
    return next(iter(world.control.desired.values()))


def test_litellm_a_persons_change_between_a_lost_answer_and_the_next_try_stays(litellm):
    proxy, world = litellm
    world.target.inner.apply(wanted(world))
    proxy.patch("cand", {"litellm_params": {"weight": 60}})
    proxy.followed()
    to_phase(world, Phase.VERIFYING_CONTROL)
    assert "apply" not in world.target.calls
    assert world.run() is Phase.REVERTED
    assert proxy.row("cand")["litellm_params"]["weight"] == 60


def test_litellm_an_override_by_a_person_stays_too(litellm):
    """All weights 0 is an override of what the weights say, and a person's all the same."""
    proxy, world = litellm
    world.target.inner.apply(wanted(world))
    proxy.patch("base", {"litellm_params": {"weight": 0}})
    proxy.followed()
    assert world.target.inner.read().overrides
    to_phase(world, Phase.VERIFYING_CONTROL)
    assert "apply" not in world.target.calls


def test_litellm_a_write_whose_answer_was_lost_is_taken_for_done(litellm):
    proxy, world = litellm
    world.target.inner.apply(wanted(world))
    proxy.followed()
    world.target.writes = unreachable
    to_phase(world, Phase.VERIFYING_TRAFFIC)


def test_litellm_half_a_write_is_completed(litellm):
    proxy, world = litellm
    proxy.fail("cand")
    assert not world.factory.reconciler.step(world.route)
    proxy.mend("cand")
    world.wait(2)
    to_phase(world, Phase.VERIFYING_CONTROL)
    assert world.target.calls.count("apply") == 2
    assert proxy.row("cand")["litellm_params"]["weight"] == 0


# Two writers of one row


def situation(world: World):
    return world.factory.transitions.situation(world.route, world.factory.policies.get(world.route.policy))


def test_of_two_moves_that_keep_the_phase_one_wins(world, factory):
    world.alarm()
    seen = situation(world)
    told = Move("wait", "the drain waits", changes={"told": "drain"})
    assert [factory.transitions.carry_out(seen, told) for _ in range(2)] == [True, False]
    assert world.actions == ["wait"]
    assert world.control.version == seen.control.version + 1


def test_a_pin_does_not_write_over_what_was_seen_late_nor_that_over_the_pin(world, factory):
    world.healthy_mix()
    world.alarm()
    to_phase(world, Phase.APPLYING)
    seen = situation(world)
    kept = Move("seen", "kept", changes={"before": {"memory": RouteSnapshot(THEIRS, "base", 0)}})
    until = world.clock.now() + timedelta(hours=1)
    pin = Move("pin", "hands off", actor="ana", changes={"pinned_by": "ana", "pinned_until": until})
    assert factory.transitions.carry_out(seen, kept)
    assert not factory.transitions.carry_out(seen, pin)
    assert dict(world.control.before["memory"].weights) == THEIRS
    factory.operator.pin(world.route, "ana", 1, "hands off")
    assert dict(world.control.before["memory"].weights) == THEIRS
    assert not factory.transitions.carry_out(seen, kept)
    assert world.control.pinned_by == "ana"


def test_a_person_who_meets_another_write_is_told_so(world, factory):
    seen = situation(world)
    see, factory.operator.see = factory.operator.see, lambda _: seen
    factory.operator.pin(world.route, "ana", 1, "first")
    with pytest.raises(ConflictError, match="someone else changed the route at the same time"):
        factory.operator.pin(world.route, "bo", 2, "second")
    factory.operator.see = see
    assert world.control.pinned_by == "ana"


def test_the_version_costs_no_further_statement(world, factory):
    sent = []
    seen = situation(world).control
    listener = lambda *arguments: sent.append(arguments[2])  # noqa: E731 - needed again to take it off
    with factory.database.transaction() as session:
        session.connection()
        event.listen(factory.database.engine, "before_cursor_execute", listener)
        try:
            assert ControlStore(session).replace(seen, replace(seen, told="drain"))
        finally:
            event.remove(factory.database.engine, "before_cursor_execute", listener)
    assert len(sent) == 1
    assert sent[0].startswith("UPDATE route_controls SET")


# A route that cannot be stepped


def failures(name: str) -> float:
    return REGISTRY.get_sample_value("fullback_step_failures_total", {"route": name}) or 0.0


def test_a_step_that_raises_is_counted_for_its_route_alone(world, factory):
    healthy = a_world(factory, name="beside")
    healthy.healthy_mix()
    healthy.alarm()
    with psycopg.connect(factory.database.url) as connection:
        connection.execute(
            "UPDATE route_controls SET phase = 'of-a-newer-release' WHERE route_id = %s", [world.route.id]
        )
    before = failures("chat"), failures("beside")
    for _ in range(3):
        healthy.run()
    assert (failures("chat") - before[0], failures("beside") - before[1]) == (3, 0)
    assert healthy.phase is Phase.VERIFYING_TRAFFIC


def test_an_error_that_is_understood_counts_too(world, factory):
    before = failures("chat")
    factory.look.at = lambda _: (_ for _ in ()).throw(ConflictError("chat: the state table does not allow it"))
    world.run()
    assert failures("chat") == before + 1
