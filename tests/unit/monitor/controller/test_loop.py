"""The rule in a closed loop: where every order of events ends, and that it ends."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from monitor.controller.phases import PAGING
from monitor.models.route import Goal, Mode, Phase, Writer
from tests.support.controller_loop import State, Surroundings, acted, reachable, start, step
from tests.support.controller_model import BEFORE

pytestmark = pytest.mark.timeout(900)  # a minute on a core of its own
FAIR = Surroundings(seconds=40.0)
"""Routers obey, traffic flows, nobody interferes."""
FAULTS = (
    Surroundings("refuses", seconds=40.0),
    Surroundings("swallows", seconds=40.0),
    Surroundings("loses the answer", seconds=40.0),
    Surroundings("cannot be read", seconds=40.0),
    Surroundings("holds a newer epoch", seconds=40.0),
    Surroundings(flows=False, seconds=40.0),
    Surroundings(act="repository", seconds=40.0),
    Surroundings(act="hand", seconds=40.0),
    Surroundings(act="baseline fails", seconds=40.0),
    Surroundings(act="freezes", seconds=40.0),
    Surroundings(act="alarm", seconds=40.0),
)
ACTS = (
    "flips undoes recovers pins unpins repository hand freezes thaws alarm observe auto".split()  # noqa: SIM905
)
CHOICES = (
    *(Surroundings(seconds=seconds) for seconds in (1.0, 31.0, 130.0, 700.0)),
    Surroundings(flows=False, seconds=130.0),
    Surroundings("swallows", seconds=6.0),
    *(Surroundings(one.router, seconds=31.0) for one in FAULTS[:5] if one.router != "swallows"),
    *(Surroundings(act=act) for act in (*ACTS, "baseline fails", "baseline heals")),
)
MOST = 2_000
"""States per beginning; the nearest."""
MOST_MOVES = 60
RETRIES = 12
"""So many have gone over to every five minutes."""
QUIET = 50
"""So many steps without a move, 2,000 s: longer than every wait."""
FAILED = {phase: phase.value for phase in PAGING}


def settled(state: State, around: Surroundings) -> tuple[State, int]:
    """Go on until nothing moves any more, or only a write that cannot succeed is tried again now and then."""
    moves = idle = retries = 0
    while idle < QUIET and retries < RETRIES:
        state, move = step(state, around)
        idle = 0 if move is not None else idle + 1
        moves += move is not None
        retries += move is not None and move.action == "retry"
        assert moves <= MOST_MOVES, f"no end of it: {state.trail[-8:]}"
    return state, moves


def left_alone(state: State) -> State:
    """The same, without pins, freezes and illness."""
    control = replace(state.control, pinned_by=None, pinned_until=None)
    return replace(state, control=control, held=None, healthy=True, mode=Mode.AUTO)


def unheard(state: State) -> State:
    """The same, before anybody was told of anything, and with a fresh alarm."""
    return replace(acted(state, Surroundings(act="alarm")), sent=frozenset(), paged=frozenset())


def ramping() -> State:
    held, _ = settled(start(), FAIR)
    state = acted(held, Surroundings(act="recovers"))
    while state.control.phase is not Phase.RAMPING:
        state, _ = step(state, FAIR)
    return replace(state, sent=frozenset(), paged=frozenset())


@pytest.fixture(scope="module")
def states() -> list[State]:
    beginnings = (start(), settled(start(), FAIR)[0], ramping())
    return [state for first in beginnings for state in reachable(first, CHOICES, MOST)]


def touched(state: State) -> bool:
    """Whether somebody wrote since the beginning."""
    others = [one for one in state.routers.values() if one.writer in {Writer.GITOPS, Writer.OTHER}]
    return any(one.writer_name != BEFORE.writer_name for one in others)


def test_the_search_sees_every_phase(states, capsys):
    found = Counter(state.control.phase for state in states)
    with capsys.disabled():
        print(f"\n{len(states)} states of a closed loop, " + ", ".join(f"{n} {phase}" for phase, n in found.items()))
    assert set(found) == set(Phase)


def test_left_alone_every_route_comes_to_an_end(states):
    """HOLD after a flip, ARMED after a way back; where someone else wrote or it was stuck, with a person told."""
    longest = 0
    for state in states[::7]:
        end, moves = settled(left_alone(state), FAIR)
        longest = max(longest, moves)
        failed = touched(state) or state.control.phase in {Phase.STUCK, Phase.REVERTED}
        assert end.control.phase in {Phase.HOLD, Phase.ARMED} or (failed and end.control.phase in PAGING), end.trail[
            -6:
        ]
        if end.control.phase is Phase.HOLD:
            assert not end.candidate_serves
    assert longest <= 20


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.act or ("no traffic" if not one.flows else one.router))
def test_whatever_lasts_ends_in_a_few_moves_and_with_a_page(states, fault):
    for state in states[::29]:
        end, _ = settled(unheard(left_alone(state)), fault)
        phase, control = end.control.phase, end.control
        told = phase is Phase.STUCK and state.control.told == "stuck"  # paged before the beginning, and tried again
        if phase in PAGING and state.control.phase is not phase and not told:
            assert any(key.endswith(phase.value) for key in end.paged), end.trail[-6:]
        # On the way back, which a person asked for, only what alarmed since the last step is new.
        since = control.applied_at if phase is Phase.RAMPING else None
        fresh = end.incident is not None and (since is None or end.incident.last_alarm_at >= since)
        acts = end.mode is Mode.AUTO and not control.pinned(end.now) and fresh
        if end.candidate_serves and acts and not told and state.control.phase is not phase and phase is not Phase.ARMED:
            assert end.paged, end.trail[-6:]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.act or ("no traffic" if not one.flows else one.router))
def test_no_harmful_candidate_is_left_serving_in_silence(fault):
    """From a fresh alarm, armed, in mode auto, without a pin: it ends at the baseline, or somebody is called."""
    for first in (start(), start(2), unheard(ramping())):
        for only in (None, "b"):
            end, _ = settled(first, replace(fault, only=only) if only in first.routers else fault)
            assert not end.candidate_serves or end.paged, end.trail


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.act or ("no traffic" if not one.flows else one.router))
def test_what_failed_for_a_while_is_whole_again_or_a_person_knows(fault):
    for targets in (1, 2):
        state = start(targets)
        for _ in range(6):
            state, _ = step(state, replace(fault, seconds=10.0))
        end, _ = settled(left_alone(state), FAIR)
        done = end.control.phase is Phase.HOLD and not end.candidate_serves
        assert done or (end.control.phase in PAGING and end.paged), end.trail


def test_every_failure_is_told_though_it_comes_again():
    state, _ = settled(start(), FAIR)
    state, _ = step(state, Surroundings(act="hand"))
    assert state.control.phase is Phase.REVERTED
    told = len(state.paged)
    flipped = {
        label: replace(one, weights={"base": 100, "cand": 0}, mirror="cand") for label, one in state.routers.items()
    }
    state, _ = step(replace(state, routers=flipped), FAIR)
    assert state.control.phase is Phase.VERIFYING_TRAFFIC, "whoever changed it put it back"
    state, _ = step(state, Surroundings(act="hand"))
    assert state.control.phase is Phase.REVERTED
    assert len(state.paged) == told + 1


def test_a_repository_is_fought_once_a_person_never():
    held, _ = settled(start(), FAIR)
    for act, most in (("repository", 1), ("hand", 0)):
        state = held
        for _ in range(40):
            state, _ = step(state, Surroundings(act=act, seconds=10.0))
        trail = state.trail[len(held.trail) :]
        assert sum("reassert" in one for one in trail) == most
        assert state.control.phase is Phase.REVERTED


def test_a_write_lost_again_and_again_is_told_of():
    state, _ = settled(start(), FAIR)
    before = len(state.paged)
    for _ in range(60):
        lost = {label: replace(one, weights={"base": 5, "cand": 95}) for label, one in state.routers.items()}
        if state.control.phase in {Phase.HOLD, Phase.VERIFYING_TRAFFIC}:
            state = replace(state, routers=lost)
        state, _ = step(state, FAIR)
    assert state.control.phase is Phase.REVERTED
    assert state.control.reasserted == 3
    assert len(state.paged) > before


@pytest.mark.parametrize("targets", [1, 2])
def test_in_any_order_of_events_epochs_only_rise_and_nothing_goes_on_for_ever(targets):
    draws = random.Random(6)  # noqa: S311 - an order of events
    for _ in range(60):
        state = start(targets)
        for _ in range(40):
            around = draws.choice(CHOICES)
            if targets > 1 and draws.random() < 0.5:
                around = replace(around, only=draws.choice(("a", "b")))
            new, move = step(state, around)
            assert new.control.epoch >= state.control.epoch
            if move is not None and move.to is Phase.APPLYING:
                assert new.control.epoch > state.control.epoch
                assert {one.epoch for one in new.control.desired.values()} == {new.control.epoch}
            assert all((one.epoch or 0) <= new.control.epoch for one in new.routers.values())
            state = new
        end, _ = settled(left_alone(state), FAIR)
        assert end.control.phase in {Phase.HOLD, Phase.ARMED, *PAGING}


def test_a_restore_and_a_way_back_end_where_they_began():
    held, _ = settled(start(), FAIR)
    for act in ("undoes", "recovers"):
        end, _ = settled(acted(held, Surroundings(act=act)), FAIR)
        assert (end.control.phase, end.control.goal) == (Phase.ARMED, Goal.RESTORE)
        assert end.routers["a"].weights == start().routers["a"].weights
