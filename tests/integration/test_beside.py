"""What stands beside the streams, over a real PostgreSQL: broken variants, one client, how bad, complete pairs."""

import pytest

from detectors.registry import SIGNALS
from monitor.services.comparability_watch import Standing
from monitor.storage.breakages import BreakageStore
from monitor.storage.streams import StreamStore
from tests.support.events import BAD, GOOD, POLICY, Behaviour, World, reply

SCHEMA, ERRORS = "schema_validity", "request_error"
ONLY_BITS = {
    **POLICY,
    "signals": {
        **{name: {"weight": 0} for name in SIGNALS},
        SCHEMA: {"margin_absolute": 0.005},
        ERRORS: {"margin_absolute": 0.005},
    },
}


class Clients(World):
    """Traffic of which each request says whose it is; a bad candidate breaks the answers of ``bad_for``, or all."""

    def __init__(self, *args, clients=20, bad_for=None, **kwargs):
        super().__init__(*args, policy=kwargs.pop("policy", ONLY_BITS), **kwargs)
        self.clients, self.bad_for = clients, bad_for

    def _served(self, request_id, at, backend, host):
        found = super()._served(request_id, at, backend, host)
        if found is None:
            return None
        n = int(request_id.rsplit("-", 1)[1])
        client = n % self.clients
        if self.bad_for is not None and backend == "cand":
            text_ = BAD if client in self.bad_for and self.random.random() < self.candidate.bad else GOOD
            found["response"] = reply(text_, f"chatcmpl-{request_id}")
        return {**found, "session_id": f"session-{client}"}


@pytest.fixture
def make(client, factory, clock):
    def made(**kwargs):
        world = Clients(client, factory, clock, **kwargs)
        world.warm_up()
        return world

    return made


def stored_breakage(world):
    with world.factory.database.reading() as session:
        (one,) = BreakageStore(session).of_route(world.route.id).values()
        return one


def beside(world, signal=SCHEMA):
    with world.factory.database.reading() as session:
        candidate = next(v.id for v in world.factory.routes.variants(world.route) if v.role.value == "candidate")
        (one,) = [
            s
            for s in StreamStore(session).of_route(world.route.id)
            if (s.candidate_id, s.signal, s.slice) == (candidate, signal, "all")
        ]
        return one.state["beside"]


def test_a_broken_variant_is_a_critical_incident_within_a_tick(make):
    world = make(requests=60)
    world.run(5)
    world.candidate = Behaviour(bad=0.95, failed=0.0)
    ticks = 0
    while not world.incidents():
        world.run(1)
        ticks += 1
    horizon_ticks = 3
    assert ticks <= 1 + horizon_ticks, "the tick of the fault, and its wait for late events"
    (incident,) = world.incidents()
    assert incident["severity"] == "critical"
    assert incident["headline"].startswith("Broken: ")
    assert "baseline alone, for at least 5 clients within" in incident["headline"]
    assert (incident["signal"], incident["slice"], incident["advice"]) == (SCHEMA, "all", None)
    assert incident["evidence"]["log_statistic"] >= incident["evidence"]["log_threshold"]
    world.run(1)
    assert world.stream(SCHEMA)["verdict"] == "harm"
    assert "the variant is broken" in world.client.get(f"/routes/{world.name}").text


def test_what_few_clients_break_is_not_broken(make):
    """Everything of four clients fails, half of the traffic: the rule for broken variants waits for a fifth."""
    world = make(clients=8, bad_for={0, 1, 2, 3}, requests=60)
    world.candidate = Behaviour(bad=1.0)
    world.run(20)
    assert [one["severity"] for one in world.incidents()] == ["harm"], "the stream has seen it all the same"
    assert len(stored_breakage(world).state["clients"]) <= 4


def test_the_state_of_the_rule_moves_once_a_tick(make):
    world = make()
    world.candidate = Behaviour(bad=0.3)
    world.run(6)
    before = stored_breakage(world)
    world.factory.evaluate.run()
    assert stored_breakage(world) == before
    world.run(1)
    after = stored_breakage(world)
    assert after.fingerprint == before.fingerprint
    assert after.state["last_tick"] > before.state["last_tick"]


def test_one_client_rolls_nothing_back_until_others_are_hurt(make):
    world = make(clients=10, bad_for={3})
    world.candidate = Behaviour(bad=1.0)
    assert world.run(60, until=lambda: bool(world.incidents()))
    (incident,) = world.incidents()
    assert incident["severity"] == "advice"
    assert incident["advice"].startswith("It hangs on one client: ")
    assert "session" not in incident["advice"]
    world.run(10)
    assert world.incidents()[0]["severity"] == "advice"
    assert world.stream(SCHEMA)["verdict"] == "inconclusive"
    assert beside(world)["run"]["hangs"]
    world.bad_for = {1, 2, 3, 4}
    assert world.run(60, until=lambda: world.incidents()[0]["severity"] == "harm")
    assert world.stream(SCHEMA)["verdict"] == "harm"


def test_a_doubt_about_the_arms_holds_for_an_alarm_that_was_held_back(make, monkeypatch):
    world = make(clients=10, bad_for={3})
    world.candidate = Behaviour(bad=1.0)
    assert world.run(60, until=lambda: bool(world.incidents()))
    monkeypatch.setattr(
        Standing, "advice", lambda _, signal: "The legs were not asked alike" if signal == SCHEMA else None
    )
    world.bad_for = {1, 2, 3, 4}
    assert not world.run(60, until=lambda: world.incidents()[0]["severity"] == "harm")
    assert world.stream(SCHEMA)["verdict"] == "inconclusive"


def test_harm_that_all_clients_share_is_an_alarm_at_once(make):
    world = make(clients=20)
    world.candidate = Behaviour(bad=0.1)
    assert world.run(60, until=lambda: bool(world.incidents()))
    assert [one["severity"] for one in world.incidents()] == ["harm"]


def test_where_nobody_says_whose_a_request_is_nobody_is_left_out(client, factory, clock):
    world = World(client, factory, clock, policy=ONLY_BITS)
    world.warm_up()
    world.candidate = Behaviour(bad=0.1)
    assert world.run(60, until=lambda: bool(world.incidents()))
    assert [one["severity"] for one in world.incidents()] == ["harm"]
    assert "run" not in beside(world)


def test_an_incident_says_how_bad_the_harm_is_at_least(make):
    world = make()
    world.candidate = Behaviour(bad=0.2)
    assert world.run(90, until=lambda: bool(world.incidents()) and world.incidents()[0]["at_least"] is not None)
    first = world.incidents()[0]["at_least"]
    assert first["factor"] in {2, 4}
    assert world.run(60, until=lambda: world.incidents()[0]["at_least"]["factor"] == 4)
    bound = world.incidents()[0]["at_least"]
    assert bound["margin_absolute"] == pytest.approx(0.02)
    assert bound["text"] == "at least 1.5 points worse than the margin allows: beyond 4 times the margin"
    page = world.client.get(f"/routes/{world.name}").text
    assert bound["text"] in page


def test_harm_that_lost_legs_hide_is_worth_a_look(make):
    world = make(requests=60)
    world.baseline = Behaviour(bad=0.0)
    lost = {"n": 0}

    def keep(record):
        if record.get("backend") == "base" and record.get("host", "").endswith("-shadow"):
            lost["n"] += 1
            return lost["n"] % 67 != 0
        return True

    world.keep = keep
    world.candidate = Behaviour(bad=0.022)
    assert world.run(400, until=lambda: bool(world.incidents()))
    (incident,) = world.incidents()
    assert incident["severity"] == "advice"
    assert incident["advice"].startswith("It rests on complete pairs alone: 1.")
    assert world.stream(SCHEMA)["verdict"] == "inconclusive"


def test_streams_that_lost_no_leg_are_folded_once(make):
    world = make()
    world.run(5)
    assert "complete" not in beside(world)


def test_the_degraded_slices_are_listed_and_the_culprit_named(make):
    world = make(policy={**ONLY_BITS, "slices": ["all", "first_turn", "kind:structured", "lang:de"]})
    world.candidate = Behaviour(bad=0.15)
    assert world.run(60, until=lambda: bool(world.incidents()))
    (whole,) = world.shown()["candidates"]
    listed = {(one["signal"], one["slice"]) for one in whole["degraded"]}
    assert (SCHEMA, "all") in listed
    assert not {one for one in listed if one[0] == ERRORS or one[1] == "lang:de"}
    assert "moves no traffic" in whole["note"]
    assert whole["culprit"]["signal"] == SCHEMA
    page = world.client.get(f"/routes/{world.name}").text
    assert "Degraded slices of chat-int4" in page


def test_a_healthy_candidate_has_no_degraded_slices(make):
    world = make()
    world.candidate = Behaviour(bad=0.0)
    world.run(20)
    (whole,) = world.shown()["candidates"]
    assert whole["degraded"] == []
    assert whole["streams"] == 2
