"""What a policy would have done, asked over HTTP: from stored counts, without writing anything."""

import json
from datetime import datetime, timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from detectors.registry import SIGNALS
from detectors.types import PairCounts, Verdict
from monitor.cli import main
from monitor.models.evidence import Evidence, Stream
from monitor.models.key import Scope
from monitor.models.tick import RouteClock, ScoredTick, tick_of, tick_start
from monitor.storage.clocks import ClockStore
from monitor.storage.streams import StreamStore
from tests.support.events import CANDIDATE, add_route, bearer, key

TICK_S = 10.0
ONLY = {"signals": {name: {"weight": 0} for name in SIGNALS if name != "schema_validity"}, "slices": ["all"]}
GOOD, BAD = PairCounts(0, 1, 1, 98), PairCounts(0, 12, 1, 87)


@pytest.fixture
def route(factory, clock):
    """Two days of counts of a candidate that was bad for ten minutes, twenty-six hours ago."""
    made = add_route(factory, policy=ONLY)
    candidate = next(v for v in factory.routes.variants(made) if v.name == CANDIDATE)
    now = tick_of(clock.now(), TICK_S)
    with factory.database.transaction() as session:
        store = StreamStore(session)
        new = Stream(
            0, made.id, candidate.id, "schema_validity", "all", "f", 1e6, {}, now, Verdict.UNDECIDED, "",
            Evidence(), clock.now()
        )  # fmt: skip
        (stream,) = store.add([new])
        for tick in range(now - 17_280, now, 10):
            ago_h = (now - tick) * TICK_S / 3600
            tables = (BAD if 25.5 < ago_h < 26.5 else GOOD,)
            scored = ScoredTick(tables, tables, tables, paired=100)
            store.add_ticks(tick, tick_start(tick, TICK_S), [(stream, scored)])
    return made


@pytest.fixture
def reader(factory):
    return bearer(key(factory, Scope.READ, source="reader"))


@pytest.fixture
def ask(client, reader):
    def post(document=ONLY, name="chat-policy", headers=None, **fields):
        body = {"name": name, "document": document, **fields}
        return client.post("/v1/policies/try", json=body, headers=headers or reader)

    return post


def contents(factory):
    with factory.database.reading() as session:
        tables = ("policies", "streams", "tick_counts", "incidents", "decisions", "outbox")
        return [session.execute(text(f"SELECT count(*) FROM {table}")).scalar() for table in tables]


def test_the_same_policy_tells_the_same_and_nothing_is_written(factory, route, ask):
    before = contents(factory)
    answer = ask()
    assert answer.status_code == 200, answer.text
    told = answer.json()
    [shown] = told["routes"]
    assert shown["trial"] == shown["present"]
    assert (told["rollbacks"], told["present_rollbacks"], shown["happened"]) == (1, 1, 0)
    [decision] = shown["trial"]["rollback_decisions"]
    assert (decision["candidate"], decision["signal"], decision["slice"]) == (CANDIDATE, "schema_validity", "all")
    assert decision["candidate_rate"] == pytest.approx(0.12)
    assert contents(factory) == before


def test_a_wider_margin_would_have_moved_nothing(route, ask):
    wide = {**ONLY, "signals": {**ONLY["signals"], "schema_validity": {"margin_absolute": 0.2}}}
    told = ask(wide).json()
    assert (told["rollbacks"], told["present_rollbacks"]) == (0, 1)


def test_only_the_days_asked_for_are_looked_at(route, ask):
    assert ask(days=1).json()["rollbacks"] == 0
    assert ask(days=2).json()["rollbacks"] == 1


def test_when_the_time_is_over_the_newest_part_counts(route, ask, monkeypatch):
    monkeypatch.setattr("monitor.services.trials.monotonic", lambda: 0.0)
    whole = ask().json()["routes"][0]
    ticking = iter(range(10_000))
    monkeypatch.setattr("monitor.services.trials.monotonic", lambda: 1e6 * next(ticking))
    part = ask().json()["routes"][0]
    assert part["from"] > whole["from"]
    assert part["to"] == whole["to"]
    assert "earlier" in [gap["what"] for gap in part["cannot_know"]]


def test_what_was_not_counted_is_said(route, ask):
    gaps = ask({"slices": ["all", "lang:de"]}).json()["routes"][0]["cannot_know"]
    [missing] = [gap for gap in gaps if gap["what"] == "not_counted"]
    assert {"refusal (all)", "schema_validity (lang:de)"} <= set(missing["about"])
    assert "schema_validity (all)" not in missing["about"]


@pytest.mark.parametrize(
    ("fields", "status", "told"),
    [
        ({"name": "other"}, 422, "no route uses policy 'other'"),
        ({"route": "nowhere"}, 404, "known: chat"),
        ({"document": {"tick_s": 0}}, 422, "/tick_s"),
        ({"days": 91}, 422, ""),
        ({"within_s": 0}, 422, ""),
    ],
)
def test_a_wrong_question_says_what_is_wrong(route, ask, fields, status, told):
    answer = ask(**fields)
    assert answer.status_code == status
    assert told in answer.text


def test_keys_see_their_own_routes_only(factory, route, ask):
    bound = bearer(key(factory, Scope.READ, source="bound", routes=frozenset({"elsewhere"})))
    assert ask(headers=bound, route="chat").status_code == 404
    assert ask(headers=bearer(key(factory, Scope.INGEST, source="shipper"))).status_code == 403


def test_one_trial_runs_at_a_time(factory, route, ask):
    with factory.trials._busy:
        assert ask().status_code == 409
    assert ask().status_code == 200


def test_a_route_without_counts_says_so(factory, clock, ask):
    add_route(factory, policy=ONLY)
    clock.advance(timedelta(hours=1))
    [shown] = ask().json()["routes"]
    assert shown["trial"]["rollbacks"] == 0
    assert {"not_counted", "earlier"} <= {gap["what"] for gap in shown["cannot_know"]}


def test_the_command_line_tells_it(route, ask, tmp_path, monkeypatch):
    calls = []

    def call(method, path, *, json, timeout):
        calls.append((method, path, timeout))
        return ask(**json).json()

    monkeypatch.setattr("monitor.cli_trial.call_api", call)
    path = tmp_path / "policy.yaml"
    path.write_text(json.dumps(ONLY))
    done = CliRunner().invoke(main, ["policies", "try", "chat-policy", str(path), "--days", "2"])
    assert done.exit_code == 0, done.output
    assert "1 rollbacks" in done.output
    assert f"{CANDIDATE} schema_validity: 12 % against" in done.output
    assert calls == [("POST", "/v1/policies/try", 110.0)]


def test_what_is_rolled_up_tells_the_same_when_the_ticks_are_gone(factory, clock, route, ask):
    before = ask().json()["routes"][0]
    last = tick_of(clock.now(), TICK_S)
    with factory.database.transaction() as session:
        ClockStore(session).start(RouteClock(route.id, TICK_S, last, 5.0, clock.now(), clock.now()))
    while factory.roll_up.run():
        pass
    assert ask().json()["routes"][0] == before, "ticks are read for as long as they are kept"
    with factory.database.transaction() as session:
        session.execute(text("DELETE FROM tick_counts"))
    after = ask().json()["routes"][0]
    assert after["trial"]["resolution_s"] == 60
    assert after["trial"]["rollbacks"] == before["trial"]["rollbacks"] == 1
    [then], [now] = (one["trial"]["rollback_decisions"] for one in (before, after))
    assert abs(datetime.fromisoformat(now["at"]) - datetime.fromisoformat(then["at"])) <= timedelta(minutes=3)
    with factory.database.transaction() as session:
        session.execute(text("DELETE FROM rolled_counts WHERE width_s = 60"))
    assert ask().json()["routes"][0]["trial"]["resolution_s"] == 3600
