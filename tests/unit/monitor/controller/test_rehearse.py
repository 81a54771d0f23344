"""A rehearsal says what the controller's own rule says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.controller.moves import Move
from monitor.controller.readings import BaselineHealth, Readings, RouterReading
from monitor.controller.rehearse import rehearsal_of
from monitor.controller.situation import Situation
from monitor.controller.triggering import commit_rollback
from monitor.models.acting import DrainPolicy, PreflightPolicy
from monitor.models.policy import Policy
from monitor.models.route import DesiredRoute, Goal, Mode, Phase, Route, RouteControl, RouteSnapshot, Stage, TargetRef
from monitor.models.variant import Role, Tier, Variant
from monitor.routing.base import Rehearsal
from monitor.routing.memory import MemoryTarget

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TARGETS = (TargetRef("memory", {"name": "a"}, "east"), TargetRef("memory", {"name": "b"}, "west"))
ROUTE = Route(1, "chat", Mode.AUTO, "default", TARGETS, None, 100.0, None, NOW)
SNAPSHOT = RouteSnapshot({"base": 5, "cand": 95}, "base", 4)
END = DesiredRoute(5, {"base": 100, "cand": 0}, "cand")
MOVE = Move("flip", "why", Phase.APPLYING, changes={"goal": Goal.BASELINE, "epoch": 5, "stages": (Stage(100),)})
HEALTHY = BaselineHealth(answers=100, failed=0, copied=100, primaries=100)


def variant(id_, name, role, backend):
    return Variant(id_, 1, name, role, backend, "bf16", Tier.SERVING, None, None, NOW)


def situation(mode=Mode.AUTO, policy=None, **control):
    row = RouteControl(1, Phase.ARMED, NOW, Goal.BASELINE, "controller", 4, **control)
    variants = [variant(1, "bf16", Role.BASELINE, "base"), variant(2, "int4", Role.CANDIDATE, "cand")]
    return Situation(replace(ROUTE, mode=mode), row, variants, [], policy or Policy("p", 1))


def readings(health=HEALTHY, snapshot=SNAPSHOT, problem=None, **fields):
    reading = RouterReading(MemoryTarget.capabilities, snapshot, problem)
    return Readings(NOW, health=health, routers={"east": reading, "west": reading}, **fields)


def rehearse(seen, read, **said):
    answers = {"east": Rehearsal(changes=("weight of cand: 95 -> 0",)), "west": Rehearsal(), **said}
    return rehearsal_of(seen, read, MOVE, answers)


def test_a_healthy_route_has_no_problem_and_every_target_is_named():
    found = rehearse(situation(), readings())
    assert (found.problems, found.refused, found.stages) == ((), None, (Stage(100),))
    assert [one.target for one in found.targets] == ["east", "west"]
    assert all(check.ok for check in found.checks)


def test_one_target_of_several_is_enough_to_fail():
    found = rehearse(situation(), readings(), west=Rehearsal(problems=("no backend 'cand'",)))
    assert found.problems == ("west: no backend 'cand'",)


@pytest.mark.parametrize(
    ("seen", "read", "name"),
    [
        (situation(Mode.OBSERVE), readings(), "mode"),
        (situation(Mode.ADVISE), readings(), "mode"),
        (situation(), readings(not_armed="observed for 1 of 7 days"), "armed"),
        (situation(pinned_by="ana"), readings(), "pin"),
        (situation(), readings(held="all routes are frozen"), "freeze"),
    ],
)
def test_what_a_person_decided_holds_and_is_no_problem(seen, read, name):
    found = rehearse(seen, read)
    assert [check.name for check in found.checks if not check.ok] == [name]
    assert found.problems == ()
    assert found.stages, "the preflight is asked all the same"


@pytest.mark.parametrize(("left_s", "ok"), [(1, False), (0, True), (-1, True)])
def test_a_pin_holds_until_it_is_over(left_s, ok):
    found = rehearse(situation(pinned_by="ana", pinned_until=NOW + timedelta(seconds=left_s)), readings())
    assert [check.ok for check in found.checks if check.name == "pin"] == [ok]


def test_a_router_that_cannot_be_read_is_told_once():
    away = "connection refused"
    found = rehearse(situation(), readings(snapshot=None, problem=away), west=Rehearsal(problems=(away,)))
    assert [one.problems for one in found.targets] == [(away,), (away,)]


def test_only_a_router_with_a_dry_run_of_its_own_has_judged():
    able = replace(MemoryTarget.capabilities, dry_run=True)
    routers = {"east": RouterReading(able, SNAPSHOT), "west": RouterReading(replace(able, dry_run=False), SNAPSHOT)}
    found = rehearse(situation(), replace(readings(), routers=routers))
    assert {one.target: one.judged_by_router for one in found.targets} == {"east": True, "west": False}


def test_owners_are_told_once_at_their_target():
    found = rehearse(situation(), readings(snapshot=replace(SNAPSHOT, owners=("flux",))))
    assert [problem.partition(":")[0] for problem in found.problems] == ["east", "west"]
    assert found.refused is None


@given(
    answers=st.integers(0, 200),
    failed=st.integers(0, 200),
    primaries=st.integers(0, 20_000),
    capacity=st.none() | st.floats(0.1, 100),
    drain=st.none() | st.sampled_from([DrainPolicy(), DrainPolicy(without_meters="block")]),
    held=st.none() | st.just("frozen"),
)
def test_the_verdict_is_that_of_the_preflight_itself(answers, failed, primaries, capacity, drain, held):
    policy = Policy("p", 1, preflight=PreflightPolicy(capacity_rps=capacity, drain=drain))
    health = BaselineHealth(answers, min(failed, answers), copied=0, primaries=primaries)
    seen, read = situation(policy=policy), readings(health)
    move = commit_rollback(seen, read)
    found = rehearse(seen, replace(read, held=held))
    begins = move.to is Phase.APPLYING
    assert (found.refused is None) is begins
    assert found.stages == (move.changes["stages"] if begins else ())
    assert bool(found.problems) is not begins
