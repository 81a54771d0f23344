"""A route on several clusters: each is moved and verified, and one that fails is named."""

from dataclasses import replace

import pytest

from monitor.errors import ConflictError
from monitor.models.route import DesiredRoute, Goal, Phase
from monitor.services.routes import RouteChange
from tests.support.world import FLIPPED, START_WEIGHTS, a_world, unreachable

BOTH = ("east", "west")


def shown(world, cluster):
    return dict(world.clusters[cluster].inner.read().weights)


@pytest.fixture
def world(factory):
    return a_world(factory, clusters=BOTH)


def test_both_are_moved_and_one_proof_by_all_traffic_ends_it(world):
    world.to_hold()
    assert {cluster: shown(world, cluster) for cluster in BOTH} == dict.fromkeys(BOTH, FLIPPED)
    applied = next(audit for audit in world.audits if audit.action == "applied")
    assert applied.evidence == {"targets": {"east": "written", "west": "written"}}
    assert set(world.control.before) == set(BOTH)


def test_one_that_cannot_be_written_does_not_hold_up_the_other_and_is_named(world):
    world.clusters["west"].writes = unreachable
    world.healthy_mix()
    world.alarm()
    assert world.run() is Phase.APPLYING
    assert shown(world, "east") == FLIPPED
    world.wait(31)
    assert world.run() is Phase.STUCK
    assert world.audits[-1].reason == "after 30 s: west: connection refused"
    assert world.alerts[-1]["severity"] == "page"
    assert world.audits[-1].evidence == {"targets": {"east": "written", "west": "connection refused"}}


def test_one_that_comes_back_after_the_page_is_written_and_the_flip_is_proven(world):
    world.clusters["west"].writes = unreachable
    world.healthy_mix()
    world.alarm()
    world.run()
    world.wait(31)
    assert world.run() is Phase.STUCK
    world.clusters["west"].writes = world.clusters["west"].inner.apply
    world.wait(31)
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert shown(world, "west") == FLIPPED
    world.baseline_serves_all(60)
    assert world.run() is Phase.HOLD
    assert "retry" in world.actions


def test_one_that_comes_back_at_once_is_not_tried_again_within_half_a_minute(world):
    world.clusters["west"].writes = unreachable
    world.healthy_mix()
    world.alarm()
    world.run()
    world.wait(31)
    assert world.run() is Phase.STUCK
    world.clusters["west"].writes = world.clusters["west"].inner.apply
    world.wait(29)
    assert world.run(3) is Phase.STUCK
    assert "retry" not in world.actions
    world.wait(6)
    assert world.run() is Phase.VERIFYING_TRAFFIC


def test_one_that_comes_back_after_the_evidence_is_too_old_is_left_to_people(world):
    west = world.clusters["west"]
    west.writes = unreachable
    world.healthy_mix()
    world.alarm()
    world.run()
    world.wait(31)
    west.reads = unreachable
    assert world.run() is Phase.STUCK
    world.wait(1801)
    west.reads, west.writes = west.inner.read, west.inner.apply
    assert world.run(3) is Phase.STUCK
    assert shown(world, "west") == START_WEIGHTS


def test_one_that_stays_away_is_tried_again_and_paged_once(world):
    world.clusters["west"].writes = unreachable
    world.healthy_mix()
    world.alarm()
    for _ in range(40):
        world.run(3)
        world.wait(16)
    soon = world.actions.count("retry")
    assert soon == 8
    for _ in range(40):
        world.run(3)
        world.wait(16)
    assert 1 <= world.actions.count("retry") - soon <= 3, "now and then, while the evidence is fresh"
    assert world.phase in {Phase.STUCK, Phase.APPLYING}
    assert world.queued.count("stuck") == 1


def test_one_that_cannot_be_read_beforehand_is_written_all_the_same(world):
    world.clusters["west"].reads = unreachable
    world.healthy_mix()
    world.alarm()
    assert world.run() is Phase.VERIFYING_CONTROL
    assert {cluster: shown(world, cluster) for cluster in BOTH} == dict.fromkeys(BOTH, FLIPPED)
    assert "cannot be read, written all the same: west" in world.audits[2].reason
    assert set(world.control.before) == {"east"}
    world.clusters["west"].reads = world.clusters["west"].inner.read
    assert world.run() is Phase.VERIFYING_TRAFFIC


def test_a_foreign_change_at_one_is_reverted_for_the_route(world):
    world.to_hold()
    world.clusters["west"].inner.apply(DesiredRoute(9, START_WEIGHTS, "base"))
    world.wait(6)
    assert world.run() is Phase.REVERTED
    assert "west shows weights" in world.audits[-1].reason
    assert "east" not in world.audits[-1].reason
    assert shown(world, "east") == FLIPPED


def test_where_shippers_are_named_each_cluster_is_proven_by_its_own_traffic(factory):
    world = a_world(factory, clusters=BOTH, sources=True)
    world.healthy_mix()
    world.alarm()
    assert world.run() is Phase.VERIFYING_TRAFFIC
    world.wait(10)
    world.serve(world.baseline, 100, since=1, source="shipper-east")
    assert world.run() is Phase.VERIFYING_TRAFFIC, "nothing is known of west"
    world.serve(world.baseline, 40, since=1, source="shipper-west")
    world.serve(world.candidate, 1, since=1, source="shipper-west")
    world.wait(120)
    assert world.run() is Phase.VERIFYING_TRAFFIC
    cut = next(audit for audit in world.audits if audit.action == "hard_cut")
    assert "west: a candidate still answered 1 of 41" in cut.reason
    assert "east" not in cut.reason
    world.wait(10)
    for cluster in BOTH:
        world.serve(world.baseline, 140, since=1, source=f"shipper-{cluster}")
    assert world.run() is Phase.HOLD


def test_a_cluster_cannot_be_added_while_a_flip_stands_and_a_wrong_address_can_be_mended(world, factory):
    world.to_hold()
    more = (*world.route.targets, replace(world.route.targets[0], name="north"))
    with pytest.raises(ConflictError, match="only while it is armed"):
        factory.routes.change("chat", RouteChange(targets=more), "ana")
    mended = tuple(replace(ref, settings={**ref.settings, "mirror": None}) for ref in world.route.targets)
    assert factory.routes.change("chat", RouteChange(targets=mended), "ana").targets == mended


def test_an_undo_restores_each_as_it_was(world, factory):
    world.clusters["west"].inner.apply(DesiredRoute(0, {"base": 50, "cand": 50}, "base"))
    world.to_hold()
    factory.operator.flip(world.route, Goal.RESTORE, "ana", "a false alarm")
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert (shown(world, "east"), shown(world, "west")) == (START_WEIGHTS, {"base": 50, "cand": 50})
