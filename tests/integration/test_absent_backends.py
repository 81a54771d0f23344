"""A candidate that a router does not have: a rollback, a way back and an undo go on without it."""

from dataclasses import replace

import pytest

from monitor.models.route import Goal, Phase, Writer
from monitor.models.variant import Role, Tier
from monitor.routing.memory import MemoryTarget
from monitor.services.routes import RouteService
from monitor.storage.routes import VariantSpec
from tests.support.world import START_WEIGHTS, World, a_world

NEW = VariantSpec("int8", Role.CANDIDATE, "cand8", "int8", Tier.QUANTIZED)


def registered(routes: RouteService) -> None:
    """What an owner may do at any time, before anything is deployed."""
    routes.add_variant("chat", NEW, "ana")


def shown(world: World, cluster: str = "memory") -> tuple[dict[str, int], object]:
    found = world.clusters[cluster].inner.read()
    return dict(found.weights), found.mirror


@pytest.fixture
def world(factory) -> World:
    return a_world(factory)


def test_a_rollback_goes_on_without_it(world, factory):
    registered(factory.routes)
    world.to_hold()
    assert shown(world) == ({"base": 100, "cand": 0}, "cand")


def test_a_persons_flip_goes_on_without_it(world, factory):
    registered(factory.routes)
    factory.operator.flip(world.route, Goal.BASELINE, "ana", "users complain")
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert shown(world) == ({"base": 100, "cand": 0}, "cand")


def test_what_is_lost_in_hold_is_written_again_without_it(world, factory):
    late = replace(world.target.inner.read(), writer=Writer.FULLBACK)
    world.to_hold()
    registered(factory.routes)

    def write(desired):
        world.target.reads = world.target.inner.read
        world.target.inner.apply(desired)

    world.target.reads, world.target.writes = lambda: late, write
    world.wait(10)
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert [audit.action for audit in world.audits[-3:]] == ["reassert", "applied", "read_back"]
    assert shown(world) == ({"base": 100, "cand": 0}, "cand")


@pytest.fixture
def in_east_alone(factory) -> World:
    """Two clusters; west never had the canary."""
    world = a_world(factory, clusters=("east", "west"))
    west = MemoryTarget(f"{world.route.targets[1].settings['name']}-west", {"base": 100})
    world.clusters["west"].inner = west
    world.clusters["west"].reads, world.clusters["west"].writes = west.read, west.apply
    return world


def test_where_the_canary_lives_in_one_cluster_the_other_gets_no_copies(in_east_alone):
    in_east_alone.to_hold()
    assert shown(in_east_alone, "east") == ({"base": 100, "cand": 0}, "cand")
    assert shown(in_east_alone, "west") == ({"base": 100}, None)
    assert "stuck" not in in_east_alone.actions


def test_a_persons_flip_where_the_canary_lives_in_one_cluster(in_east_alone, factory):
    factory.operator.flip(in_east_alone.route, Goal.BASELINE, "ana", "users complain")
    assert in_east_alone.run() is Phase.VERIFYING_TRAFFIC
    assert shown(in_east_alone, "west") == ({"base": 100}, None)


def test_the_way_back_of_a_canary_in_one_cluster_is_written(in_east_alone, factory):
    registered(factory.routes)
    in_east_alone.to_hold()
    factory.operator.recover(in_east_alone.route, "ana", "mended", at_once=True)
    assert in_east_alone.run() is Phase.RAMPING
    weights, mirror = shown(in_east_alone, "east")
    assert weights["cand"] > 0
    assert mirror == {"base": "cand", "cand": "base"}
    assert shown(in_east_alone, "west") == ({"base": 100}, None)


def test_an_undo_is_written(in_east_alone, factory):
    registered(factory.routes)
    in_east_alone.to_hold()
    factory.operator.flip(in_east_alone.route, Goal.RESTORE, "ana", "a false alarm")
    assert in_east_alone.run() is Phase.VERIFYING_TRAFFIC
    assert shown(in_east_alone, "east") == (START_WEIGHTS, "base")
    assert shown(in_east_alone, "west") == ({"base": 100}, None)


def test_a_rehearsal_tells_what_each_router_lacks(in_east_alone, factory):
    registered(factory.routes)
    in_east_alone.healthy_mix()
    found = factory.operator.rehearse(in_east_alone.route, Goal.BASELINE)
    told = {one.target: one for one in found.targets}
    lacks = "backend {} is not there: it gets neither traffic nor copies here"
    assert not found.problems
    assert lacks.format("cand8") in told["east"].changes
    assert {lacks.format("cand"), lacks.format("cand8")} <= set(told["west"].changes)
