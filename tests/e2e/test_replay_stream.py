"""A seeded stream through the whole application under a fake clock: from traffic to a proven rollback."""

from typing import Any

import pytest
from sqlalchemy import text
from typing_extensions import override

from monitor.config import Settings
from monitor.factory import Factory
from monitor.models.route import Mode
from monitor.routing.registry import build
from tests.support.events import POLICY, Behaviour, World

EXPECTED = ["create", "roll_back", "clear", "flip", "applied", "read_back", "verified_by_traffic", "hold"]


class Replay(World):
    """A world whose traffic goes where the router says."""

    @override
    def factory_weights(self):
        return {"base": 0, "cand": 0, **build(self.route.targets[0]).read().weights}

    @override
    def mirror(self):
        return build(self.route.targets[0]).read().mirror


@pytest.fixture
def settings():
    return Settings(ui_auth="off", commit_timeout_s=5, slack_webhook_url="http://127.0.0.1:1/services/T/B/X")


def replay(
    client, factory: Factory, clock, target: str, seed: int, fault: Behaviour, rounds: int = 60
) -> dict[str, Any]:
    """Play the stream until the route holds, or for two minutes."""
    world = Replay(client, factory, clock, seed=seed, mode=Mode.AUTO, target=target, policy=POLICY)
    world.warm_up()
    world.run(5)
    world.candidate = fault
    began = clock.now()
    phases = ["armed"]
    for _ in range(rounds):
        world.tick()
        factory.evaluate.run()
        factory.reconciler.run()
        shown = world.shown()
        if shown["phase"] != phases[-1]:
            phases.append(shown["phase"])
        if shown["phase"] == "hold":
            break
    with factory.database.reading() as session:
        decisions = [tuple(row) for row in session.execute(text("SELECT action, reason FROM decisions ORDER BY id"))]
        alerts = [row[0] for row in session.execute(text("SELECT alert->>'kind' FROM outbox ORDER BY id"))]
    return {
        "phases": phases,
        "seconds": (clock.now() - began).total_seconds(),
        "decisions": decisions,
        "alerts": alerts,
        "incidents": [(i["signal"], i["headline"], i["effect"]) for i in world.incidents()],
        "weights": dict(build(world.route.targets[0]).read().weights),
        "mirror": build(world.route.targets[0]).read().mirror,
    }


def test_a_fault_is_found_rolled_back_and_proved(client, factory, clock):
    found = replay(client, factory, clock, "replay-fault", 7, Behaviour(bad=0.1))
    assert found["phases"][0] == "armed"
    assert found["phases"][-1] == "hold"
    assert [action for action, _ in found["decisions"]] == EXPECTED
    assert found["alerts"] == ["rollback_started", "rolled_back"]
    assert (found["weights"], found["mirror"]) == ({"base": 100, "cand": 0}, "cand")
    assert len(found["incidents"]) == 1
    assert found["incidents"][0][0] == "schema_validity"
    assert "0 of " in found["decisions"][6][1]
    assert found["seconds"] < 120


def test_the_dead_are_rolled_back(client, factory, clock):
    found = replay(client, factory, clock, "replay-dead", 8, Behaviour(dead=True))
    assert found["phases"][-1] == "hold"
    assert found["incidents"][0][0] in {"request_error", "schema_validity"}


def test_the_healthy_are_left_alone(client, factory, clock):
    found = replay(client, factory, clock, "replay-none", 9, Behaviour(), rounds=30)
    assert (found["phases"], found["alerts"], found["incidents"]) == (["armed"], [], [])
    assert found["weights"] == {"base": 5, "cand": 95}


@pytest.fixture(scope="module")
def tellings():
    return []


@pytest.mark.parametrize("time", ["once", "again"])
def test_the_same_stream_tells_the_same_story(client, factory, clock, tellings, time):
    tellings.append(replay(client, factory, clock, f"replay-{time}", 11, Behaviour(bad=0.1)))
    assert tellings[0]["phases"][-1] == "hold"
    assert tellings[-1] == tellings[0]
