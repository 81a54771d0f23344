"""The bound on a route's streams over a real PostgreSQL: kept in every tick, and told wherever one would look."""

import json

from click.testing import CliRunner
from sqlalchemy import text

from monitor.cli import main
from tests.support.events import POLICY, World

TIGHT = {**POLICY, "slices": ["all", "first_turn", "tag:*", "endpoint:*"], "max_streams": 50}
"""Six streams a slice, three signals of the candidate and of the baseline against itself: room for eight slices."""


def tagged(world, tags):
    """Let every request carry one of some tags, in turn."""
    served = World._served

    def with_tag(request_id, at, backend, host):
        found = served(world, request_id, at, backend, host)
        number = int(request_id.rpartition("-")[2])
        return None if found is None else {**found, "tags": [f"t{number % tags}"]}

    world._served = with_tag


def slices(world, family):
    return {s["slice"] for s in world.shown()["streams"] if s["slice"].startswith(family) and not s["a_a"]}


def test_a_route_tests_no_more_streams_than_its_bound_and_says_what_it_leaves_out(client, factory, clock):
    world = World(client, factory, clock, policy=TIGHT)
    tagged(world, 12)
    world.warm_up()
    world.run(4)
    shown = world.shown()
    bound = shown["stream_bound"]
    assert len(shown["streams"]) <= bound["possible"] <= 50
    assert len(slices(world, "tag:")) == bound["seats"]["tag"] + 1 < 12
    assert "tag:other" in slices(world, "tag:"), "what has no seat is counted there"
    assert f"tag:* has seats for {bound['seats']['tag']} of 16 values" in bound["reason"]
    assert bound["reason"] in client.get(f"/routes/{world.name}").text


def test_a_narrower_bound_takes_seats_away_and_a_wider_one_gives_them_back(client, factory, clock):
    world = World(client, factory, clock, policy={**TIGHT, "max_streams": 2000})
    tagged(world, 12)
    world.warm_up()
    world.run(3)
    assert world.shown()["stream_bound"]["reason"] is None
    assert len(slices(world, "tag:")) == 12
    factory.policies.add(world.route.policy, TIGHT, "test")
    world.run(2)
    seats = world.shown()["stream_bound"]["seats"]["tag"]
    assert len(slices(world, "tag:")) == seats + 1
    factory.policies.add(world.route.policy, {**TIGHT, "max_streams": 2000}, "test")
    world.run(2)
    assert len(slices(world, "tag:")) >= 12


def test_check_tells_what_is_left_out_and_is_content(database_url, factory, client, clock):
    World(client, factory, clock, policy=TIGHT)
    found = CliRunner().invoke(main, ["check", "--json"], env={"FULLBACK_DATABASE_URL": database_url})
    told = {one["check"]: one for one in json.loads(found.output)}["streams of chat"]
    assert told["ok"]
    assert "max_streams of the policy is 50" in told["detail"]
    assert found.exit_code == 0
    with factory.database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM streams")).scalar() == 0
