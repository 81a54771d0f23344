"""The short form of the flip matrix: a seeded cell for every fault and length in memory, a few over real routers."""

import itertools
import random
from dataclasses import replace

import pytest
from sqlalchemy import text, update

from monitor.controller.announce import Announcer
from monitor.controller.look import Look
from monitor.errors import DatabaseUnavailableError
from monitor.storage.controls import ControlStore, _values
from monitor.storage.session import Database
from monitor.storage.tables import RouteControlRow
from tests.support.flip_expected import CANNOT_EXIST
from tests.support.flip_faults import FAULTS
from tests.support.flip_run import Outcome, cells, run_cell
from tests.support.flip_site import Site
from tests.support.flip_steps import STEPS
from tests.support.flip_summary import markdown, summary
from tests.support.flip_targets import TARGETS
from tests.support.world import a_world

SEED = 6
MEMORY = ("memory", "memory-naming-writers", "memory-without-fencing")
REAL = {"webhook": 4, "webhook-without-fencing": 4, "httproute": 3, "litellm": 2}
"""Faults for each kind of real router: what takes a minute with its start."""


@pytest.fixture
def site(database_url, server_url):
    found = Site(database_url, server_url)
    yield found
    found.close()


def run(site: Site, target: str, key) -> Outcome:
    with TARGETS[target]() as adapter:
        return run_cell(site, adapter, key)


def cell(fault: str, step: str, length: str = "long", point: str | None = None):
    return next(key for key in cells(fault, step, length) if point in {None, key[2]})


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_ends_as_the_table_says_and_breaks_nothing(site, fault):
    chance = random.Random(f"{SEED}-{fault}")  # noqa: S311 - which cells, not secrets
    targets = itertools.cycle(chance.sample(MEMORY, len(MEMORY)))
    for length in FAULTS[fault].lengths:
        can_be = [key for key in cells(fault, length=length) if CANNOT_EXIST.reason(fault, key[2], key[3]) is None]
        outcome = run(site, next(targets), chance.choice(can_be))
        assert not outcome.wrong, outcome


@pytest.mark.timeout(1200)  # the first build of a real part may take minutes
@pytest.mark.parametrize("target", REAL)
def test_a_real_router_ends_as_the_table_says_and_breaks_nothing(site, target):
    chance = random.Random(f"{SEED}-{target}")  # noqa: S311 - which cells, not secrets
    with TARGETS[target]() as adapter:
        for fault in chance.sample(sorted(FAULTS), REAL[target]):
            can_be = [key for key in cells(fault) if CANNOT_EXIST.reason(fault, key[2], key[3]) is None]
            outcome = run_cell(site, adapter, chance.choice(can_be))
            assert not outcome.wrong, outcome


def test_what_cannot_exist_is_said_and_is_so(site):
    for key in (cell("kill", "armed", "short", "before call"), cell("kill", "hold", "short", "before commit")):
        outcome = run(site, "memory", key)
        assert not outcome.exists
        assert not outcome.wrong, outcome
        assert outcome.end


def test_what_was_found_is_counted_for_each_fault():
    found = summary(
        [
            Outcome("memory", "kill", "short", "", "armed", exists=False, end="the router is not called in this step"),
            Outcome("memory", "kill", "long", "", "hold", end="hold", pages=2, moves=3, writes=1),
            Outcome("memory", "409", "long", "", "hold", end="stuck", stale=1, refused=2, moves=5, wrong=["elsewhere"]),
        ]
    )
    assert (found["cells"], found["cannot_exist"], found["wrong"]) == (2, 1, 1)
    assert markdown([("memory", found)]).splitlines()[2:] == [
        "| memory | kill | 1 | 1 | 0 | 0 | 2 | 3 | 0 |",
        "| memory | 409 | 1 | 0 | 1 | 2 | 0 | 5 | 1 |",
    ]


def test_every_step_of_the_issue_is_a_column():
    names = {step.name for step in STEPS}
    assert {
        "armed",
        "triggered",
        "preflight",
        "applying",
        "verifying-control",
        "verifying-traffic",
        "rolled-back",
    } < names
    assert {"hold", "recovering", "ramping", "reverted", "blocked"} < names
    assert len(names) == len(STEPS)
    assert len(cells()) == sum(len(one.lengths) * len(one.points) * len(STEPS) for one in FAULTS.values())


def test_a_leader_that_stands_still_in_its_transaction_lets_go_of_the_route(factory, database_url):
    """Its successor waits for the row no longer than the time-out, and its own commit fails when it wakes."""
    world, other = a_world(factory), Database(database_url)
    now = world.control
    with other.transaction() as session:
        assert session.execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one() == "30s"

    def sleeps() -> None:
        with other.transaction() as session:
            assert ControlStore(session).replace(now, replace(now, epoch=7))
            session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))
            factory.operator.pin(world.route, "ana", 1, "meanwhile")  # waits for the row
            session.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailableError):
        sleeps()
    other.close()
    assert (world.control.epoch, world.control.pinned_by) == (0, "ana")


# The matrix can fail


def test_it_sees_a_page_that_is_not_sent(site, monkeypatch):
    monkeypatch.setattr(Announcer, "announce", lambda *_: None)
    outcome = run(site, "memory", cell("stale replica", "verifying-traffic", "ever"))
    assert "stuck without its page" in outcome.wrong


def test_it_sees_a_stale_write_that_nobody_writes_over(site, monkeypatch):
    """Neither a fence nor a second look: the late write of a former leader stays."""
    monkeypatch.setattr(Look, "_due", lambda *_: False)
    outcome = run(site, "memory-without-fencing", cell("pause", "verifying-control", "long", "before call"))
    assert not outcome.wrong, "nothing was written late here"
    outcome = run(site, "memory-without-fencing", cell("pause", "drain-applying", "long", "before call"))
    assert any("was not written over within" in one for one in outcome.wrong), outcome


def test_it_sees_two_winners(site, monkeypatch):
    """Without the condition on what was seen, both leaders commit the same step."""

    def blind(store, _seen, new):
        row = update(RouteControlRow).where(RouteControlRow.route_id == new.route_id)
        store._session.execute(row.values(**_values(new)))
        return True

    monkeypatch.setattr(ControlStore, "replace", blind)
    outcomes = [run(site, "memory", cell("two leaders", step)) for step in ("armed", "blocked", "verifying-control")]
    assert any(outcome.wrong for outcome in outcomes), outcomes
