"""Alarms that a way back has answered move nothing again; those that come after it do."""

import pytest

from monitor.models.route import Phase
from tests.support.world import POLICY, START_WEIGHTS, World, a_world

RAMP = {"steps": [50, 100], "look_s": 60, "requests": 10}


@pytest.fixture
def world(factory) -> World:
    return a_world(factory, policy={**POLICY, "ramp": RAMP})


def on_a_step(world: World, factory) -> None:
    """Roll back, let the candidate go on alarming behind the mirror, and bring it back by a person's word."""
    world.to_hold()
    world.wait(60)
    world.alarm()
    world.wait(1)
    factory.operator.recover(world.route, "ana", "mended", at_once=True)
    world.run()
    world.wait(6)
    assert world.run() is Phase.RAMPING


def look_at_a_step(world: World) -> Phase:
    world.wait(61)
    world.serve(world.baseline, 20, since=30)
    world.serve(world.candidate, 20, since=30)
    return world.run()


def test_an_alarm_from_before_the_way_back_moves_nothing_once_it_has_ended(world, factory):
    on_a_step(world, factory)
    assert look_at_a_step(world) is not Phase.ARMED, "it is the first of two steps"
    world.wait(6)
    assert world.run() is Phase.RAMPING
    assert look_at_a_step(world) is Phase.ARMED
    assert world.run(3) is Phase.ARMED, "its incident is open and its alarm less than half an hour old"
    assert world.incidents[-1].closed_at is None
    assert dict(world.target.inner.read().weights) == START_WEIGHTS
    world.healthy_mix()
    world.wait(1)
    world.alarm()
    assert world.run() is Phase.VERIFYING_TRAFFIC


def test_an_alarm_on_the_way_back_rolls_back_though_the_same_incident_was_answered(world, factory):
    on_a_step(world, factory)
    assert world.run(2) is Phase.RAMPING
    world.wait(6)
    world.alarm()
    world.healthy_mix()
    assert world.run() is Phase.VERIFYING_TRAFFIC
