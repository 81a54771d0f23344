"""Users' reactions: from events of sessions to the verdict on the variant whose answers they were about."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import text

from detectors.registry import SIGNALS
from monitor.controller.situation import CONTROLLER
from monitor.models.route import Mode
from monitor.routing.registry import build as build_target
from monitor.services import arms
from monitor.services.evaluate import EvaluateService
from monitor.storage.streams import StreamStore
from tests.support.events import POLICY, World, body, event, reply

MATURES_S = 10
WATCHED = ("correction", "retry_loop", "regenerate")
REACTIONS = {
    **POLICY,
    "reactions": {"matures_after_s": MATURES_S},
    "signals": {name: {"weight": 0} for name in SIGNALS if name not in {"request_error", *WATCHED}},
}
QUESTION = "Which of the trains to Porto tomorrow morning takes bicycles?"
ANSWER = "The train at 7:40 from platform two takes bicycles."
SAYS = {
    "correction": "No, I meant the trains to Lisbon.",
    "retry_loop": "Which of the trains to Porto tomorrow morning takes bicycles??",
    "regenerate": "Try again, please.",
}


class Sessions(World):
    """A world of sessions: a question, an answer, and what the user does about it.

    ``bad`` is the share of sessions in which the user reacts, by the backend that answered.
    """

    def __init__(self, *args, **route):
        super().__init__(*args, policy=REACTIONS, requests=4, **route)
        self.sessions, self.bad, self.kind = 40, {"cand": 0.02, "base": 0.02}, "correction"
        self.split = 0.25
        self.identified = {"session_id": True, "subject": False}
        self._said = []

    def tick(self):
        now = self.clock.now()
        events = [one for at, one in self._said if at <= now]
        self._said = [(at, one) for at, one in self._said if at > now]
        for number in range(self.sessions):
            events += self._session(now + timedelta(milliseconds=40 * number))
        self.post(events)
        super().tick()

    def _session(self, at):
        self._n += 1
        name = f"s{self._n}"
        backend = "base" if self.random.random() < self.split else "cand"
        ids = {key: name for key, wanted in self.identified.items() if wanted}
        ask = {**body(structured=False), "messages": [{"role": "user", "content": QUESTION}]}
        first = event(f"{name}-1", at, backend=backend, host="llm.example", request=ask, response=reply(ANSWER), **ids)
        if self.random.random() < self.bad[backend]:
            said = [*ask["messages"], {"role": "assistant", "content": ANSWER}]
            said.append({"role": "user", "content": SAYS[self.kind]})
            again = at + timedelta(seconds=3)
            second = event(
                f"{name}-2",
                again,
                backend=backend,
                host="llm.example",
                request={**ask, "messages": said},
                response=reply("The train at 8:10 takes them."),
                **ids,
            )
            self._said.append((again, second))
        return [first]

    def alarmed(self):
        return {(one["signal"], one["slice"]) for one in self.incidents()}


@pytest.fixture
def world(client, factory, clock):
    made = Sessions(client, factory, clock)
    made.warm_up()
    return made


@pytest.mark.parametrize("kind", WATCHED)
def test_users_who_react_to_the_candidates_answers_raise_the_alarm(world, kind):
    world.kind = kind
    world.run(15)
    assert world.incidents() == []
    world.bad["cand"] = 0.3
    assert world.run(60, until=lambda: bool(world.incidents()))
    assert world.alarmed() == {(kind, "all")}
    shown = world.stream(kind)
    assert shown["verdict"] == "harm"
    assert "of sessions" in shown["reason"]
    assert "baseline sessions" in shown["reason"]


def test_users_who_react_to_both_arms_alike_raise_none(world):
    world.bad = {"cand": 0.25, "base": 0.25}
    world.run(50)
    assert world.incidents() == []
    shown = world.stream("correction")
    assert shown["verdict"] == "undecided", shown["reason"]
    assert shown["candidate_rate"] == pytest.approx(0.25, abs=0.06)
    assert shown["baseline_rate"] == pytest.approx(0.25, abs=0.1)


@pytest.mark.parametrize("restarted", [False, True], ids=["one service", "a new one each tick"])
def test_every_session_counts_once_when_its_time_is_over(world, restarted):
    world.sessions = 0
    world.run(15)
    before = counted(world, "correction")
    world.sessions, world.split, world.bad["cand"] = 40, 0.0, 1.0
    go_on(world, 3, restarted=restarted)
    world.sessions = 0
    assert counted(world, "correction") == before, "nobody's time is over"
    go_on(world, 15, restarted=restarted)
    assert counted(world, "correction") - before == Counter({"candidate": 120, "bad": 120})


def go_on(world, ticks, *, restarted):
    for _ in range(ticks):
        world.tick()
        service = world.factory.evaluate
        if restarted:
            service = EvaluateService(world.factory.database, world.factory.policies, world.clock)
        service.run()


def counted(world, signal):
    stored = ticks_of(world, signal)
    return Counter(candidate=sum(counts[0] for counts in stored), bad=sum(counts[1] for counts in stored))


def ticks_of(world, signal):

    with world.factory.database.reading() as session:
        streams = StreamStore(session)
        one = next(s for s in streams.of_route(world.route.id) if s.signal == signal)
        return [row["complete"][0] for row in streams.ticks(one, 0, 2**60)]


def test_a_subject_stands_in_for_a_session(client, factory, clock):
    world = Sessions(client, factory, clock)
    world.identified = {"session_id": False, "subject": True}
    world.warm_up()
    world.bad["cand"] = 0.3
    assert world.run(60, until=lambda: bool(world.incidents()))


def test_without_sessions_nothing_is_read(client, factory, clock):
    world = Sessions(client, factory, clock)
    world.identified = {"session_id": False, "subject": False}
    world.warm_up()
    world.bad["cand"] = 1.0
    world.run(20)
    assert world.stream("correction")["verdict"] == "inconclusive"
    assert world.stream("correction")["pairs"] == 0


def test_without_a_holdback_the_page_says_so_and_nothing_is_decided(world):
    world.split = 0.0
    world.bad["cand"] = 0.5
    world.run(30)
    assert world.incidents() == []
    assert "harm" not in {world.stream(name)["verdict"] for name in WATCHED}


def test_a_baseline_that_goes_away_leaves_alarms_that_only_advise(client, factory, clock, monkeypatch):
    """The candidate's users react more than the baseline's did before: told to people, in mode auto, too."""
    monkeypatch.setattr(arms, "AWAY_TICKS", 6)
    monkeypatch.setattr(arms, "FEWEST_REFERENCE", 60)
    world = Sessions(client, factory, clock, mode=Mode.AUTO, target="reference-away")
    world.warm_up()
    world.run(20)
    routed = build_target(world.route.targets[0]).read()
    world.split, world.bad["cand"] = 0.0, 0.6
    assert world.run(60, until=lambda: bool(world.incidents()))
    (incident,) = world.incidents()
    assert (incident["signal"], incident["advice"]) == ("correction", arms.REFERENCE_ADVICE)
    for _ in range(5):
        factory.reconciler.run()
    assert build_target(world.route.targets[0]).read() == routed
    assert world.shown()["phase"] == "armed"
    with factory.database.reading() as session:
        decided = session.execute(
            text("SELECT action, reason FROM decisions WHERE actor = :one"), {"one": CONTROLLER}
        ).all()
    assert [action for action, _ in decided] == ["advise"]
    assert decided[0].reason.endswith(arms.REFERENCE_ADVICE)
