"""The state table, checked by every case that reads differently: what no input may ever make the controller do."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from monitor.controller import announce
from monitor.controller.foreign import Standing, standing_of
from monitor.controller.next_move import RULES, next_move
from monitor.controller.phases import ALLOWED, DECIDED, PAGING, may_follow
from monitor.controller.situation import CONTROLLER
from monitor.models.route import DesiredRoute, Goal, Mode, Phase, RouteSnapshot, Writer
from tests.support import controller_model as model
from tests.support.controller_model import BASE, CAND, NAMES, NOW, PERSON, Case, build, cases, combinations, domain
from tests.support.controller_page import PAGE, PERSONS, page

pytestmark = pytest.mark.timeout(900)  # a minute on a core of its own


def writes(move):
    """Whether a move commits something that is then written to the routers."""
    return move.to is Phase.APPLYING


def commits_a_rollback(seen, move):
    return writes(move) and seen.control.phase in DECIDED and move.changes["goal"] is Goal.BASELINE


def share(one: DesiredRoute | RouteSnapshot, backend: str) -> float:
    return one.weights.get(backend, 0) / sum(one.weights.values())


def the_table_allows_it(seen, readings, move):
    assert move.to is None or may_follow(seen.control.phase, move.to)


def every_change_is_audited(seen, readings, move):
    assert move.action
    assert move.reason
    assert move.actor in {CONTROLLER, seen.control.actor}


def lifts(seen, readings, move):
    """A router that is seen only now may hold an epoch above the one committed: it is committed anew, unwritten."""
    epochs = {one.epoch for one in move.changes.get("desired", {}).values()}
    late = [
        one.snapshot for label, one in readings.routers.items() if one.snapshot and label not in seen.control.before
    ]
    above = max((one.epoch or 0 for one in late), default=0)
    return (
        seen.control.phase is Phase.APPLYING
        and move.to is None
        and not readings.writes
        and "before" in move.changes
        and epochs == {move.changes.get("epoch")}
        and model.EPOCH <= above < move.changes["epoch"]
    )


def one_owner_the_epoch_never_falls(seen, readings, move):
    epoch = move.changes.get("epoch", model.EPOCH)
    assert epoch >= model.EPOCH
    assert writes(move) or lifts(seen, readings, move) or "desired" not in move.changes or not move.changes["desired"]
    if writes(move):
        assert epoch > model.EPOCH
        assert move.changes["desired"], "nothing to write"
        assert {one.epoch for one in move.changes["desired"].values()} == {epoch}
        assert move.changes["applied_at"] is None
        if seen.control.phase in DECIDED:
            assert all(epoch > (one.snapshot.epoch or 0) for one in readings.routers.values() if one.snapshot)


def somebody_always_answers(seen, readings, move):
    if writes(move):
        assert all(any(one.weights.values()) for one in move.changes["desired"].values())


def only_onto_a_healthy_baseline(seen, readings, move):
    if commits_a_rollback(seen, move):
        health = readings.health
        assert health is not None
        assert health.answers >= seen.policy.preflight.min_events
        assert health.failed <= seen.policy.preflight.max_error_rate * health.answers


def the_baseline_never_loses_on_the_way_to_it(seen, readings, move):
    if not writes(move) or move.changes.get("goal", seen.control.goal) is not Goal.BASELINE:
        return
    for label, desired in move.changes["desired"].items():
        was = readings.routers[label].snapshot if seen.control.phase in DECIDED else seen.control.desired[label]
        assert was is None or share(desired, BASE) >= share(was, BASE)


def a_persons_pin_wins(seen, readings, move):
    """Under a pin only what a person asked for is written again: the same weights, never a step further."""
    if (writes(move) or move.to is Phase.TRIGGERED) and seen.control.pinned(NOW):
        assert seen.control.actor == PERSON
        assert writes(move)
        for label, desired in move.changes["desired"].items():
            assert desired.cut or share(desired, CAND) <= share(seen.control.desired[label], CAND)


def only_armed_auto_decides(seen, readings, move):
    decides = move.to is Phase.TRIGGERED or commits_a_rollback(seen, move)
    if decides or move.action == "back_off":
        incident = move.incident or seen.incident
        assert seen.route.mode is Mode.AUTO
        assert readings.not_armed is None
        assert incident is not None
        assert incident.last_alarm_at == NOW, "old evidence moves nothing"
        assert incident.advice is None


def missing_data_moves_nothing(seen, readings, move):
    """Toward the candidate only what routers show in force and evidence carries; to the baseline what is decided."""
    if not writes(move):
        return
    control = seen.control
    goal = move.changes.get("goal", control.goal)
    if control.phase in DECIDED:
        assert any(one.snapshot is not None for one in readings.routers.values())
        return
    if goal is Goal.BASELINE:
        assert control.goal is Goal.BASELINE
        assert control.desired
    rises = any(
        share(desired, CAND) > share(control.desired[label], CAND) for label, desired in move.changes["desired"].items()
    )
    if rises:
        assert goal is Goal.RAMP
        assert all(standing is Standing.IN_FORCE for standing in standings(seen, readings))
        if control.phase is Phase.RECOVERING:
            assert readings.evidence.safe
            assert not readings.evidence.unproven
        else:
            assert control.phase is Phase.RAMPING
            assert sum(part.after.of(2) for part in readings.traffic.values()) > 0


def standings(seen, readings):
    return [
        standing_of(label, one, seen.control.desired[label], seen.control.before.get(label), settled=True).standing
        for label, one in readings.routers.items()
    ]


def a_freeze_or_the_breaker_holds_it_and_pages(seen, readings, move):
    if seen.control.phase in {Phase.TRIGGERED, Phase.PREFLIGHT} and move.action != "withdraw" and readings.held:
        assert move.to is Phase.BLOCKED
    if seen.control.phase is Phase.TRIGGERED and move.action == "clear":
        assert readings.triggered <= 3
    if seen.control.phase in {Phase.BLOCKED, Phase.RECOVERING, Phase.RAMPING} and writes(move):
        assert move.action == "reassert" or readings.held is None
    if seen.control.phase is Phase.STUCK and writes(move) and seen.automatic:
        assert readings.held is None


def every_failure_pages(seen, readings, move):
    if move.to in PAGING and not (move.to is Phase.STUCK and seen.control.told == "stuck"):  # paged before the retry
        assert announce._SEVERITY[move.alert] is announce.Severity.PAGE


def fight_a_repository_once_and_a_person_never(seen, readings, move):
    if move.action != "reassert":
        return
    for one in readings.routers.values():
        writer = None if one.snapshot is None else one.snapshot.writer
        assert writer is not Writer.OTHER
        assert one.snapshot is None or (one.snapshot.epoch or 0) <= model.EPOCH
        assert writer is not Writer.GITOPS or seen.control.reasserted == 0


def only_traffic_proves(seen, readings, move):
    if not (move.to is Phase.ROLLED_BACK or (move.to is Phase.ARMED and seen.control.phase not in ORDINARY)):
        return
    parts = readings.traffic.values()
    assert parts
    if move.to is Phase.ROLLED_BACK or not any(one.weights.get(CAND) for one in seen.control.desired.values()):
        assert all(part.after.of(2) == 0 and not part.risen for part in parts)
        assert all(part.after.of(1) >= seen.policy.verify.requests for part in parts)
        assert all(part.after.of(1) > part.before.of(1) for part in parts)
    else:
        assert all(part.after.of(2) for part in parts)


def traffic_is_asked_of_a_whole_move_alone(seen, readings, move):
    """Half of a drain that is in force again is no flip: a candidate that serves would prove it."""
    assert move.to is not Phase.VERIFYING_TRAFFIC or seen.control.last_step


ORDINARY = {Phase.TRIGGERED, Phase.PREFLIGHT, Phase.BLOCKED, Phase.APPLYING}
"""Phases from which ``armed`` means that nothing was moved."""


def nothing_is_withdrawn_that_may_be_written(seen, readings, move):
    """Back to armed from a committed step only if every router still does what it did before."""
    if move.to is Phase.ARMED and seen.control.phase is Phase.APPLYING:
        assert seen.control.goal is Goal.BASELINE
        assert seen.control.stage == 0
        assert seen.control.reasserted == 0
        assert not any(one.cut for one in seen.control.desired.values())
        assert all(one.snapshot is not None for one in readings.routers.values())


def a_part_of_the_traffic_on_the_candidate_stays_watched(seen, readings, move):
    """Half-way back is no armed route and no hold: both would let the next alarm pass."""
    if seen.control.goal is Goal.RAMP and seen.control.desired and seen.control.phase in DECIDED:
        assert move.to not in {Phase.ARMED, Phase.HOLD}


def what_is_told_is_told_once(seen, readings, move):
    if move.to is None:
        assert move.close or move.mark or {"told", "before"} & move.changes.keys()
        again = next_move(replace(seen, control=replace(seen.control, **move.changes)), readings)
        assert move.close or move.mark or again is None or again.action != move.action


INVARIANTS = (
    the_table_allows_it,
    every_change_is_audited,
    one_owner_the_epoch_never_falls,
    somebody_always_answers,
    only_onto_a_healthy_baseline,
    the_baseline_never_loses_on_the_way_to_it,
    a_persons_pin_wins,
    only_armed_auto_decides,
    missing_data_moves_nothing,
    a_freeze_or_the_breaker_holds_it_and_pages,
    every_failure_pages,
    fight_a_repository_once_and_a_person_never,
    only_traffic_proves,
    traffic_is_asked_of_a_whole_move_alone,
    nothing_is_withdrawn_that_may_be_written,
    a_part_of_the_traffic_on_the_candidate_stays_watched,
    what_is_told_is_told_once,
)


@dataclass
class Walk:
    """What a phase did, over all its cases."""

    phase: Phase
    ran: int = 0
    stood_for: int = 0
    moves: Counter = field(default_factory=Counter)
    ruled: set[str] = field(default_factory=set)
    broken: dict[str, str] = field(default_factory=dict)
    sample: list[Case] = field(default_factory=list)


def walk(phase: Phase) -> Walk:
    """Run a phase's cases, until one breaks an invariant."""
    done = Walk(phase)

    def check(seen, readings, move):
        for invariant in INVARIANTS:
            try:
                invariant(seen, readings, move)
            except AssertionError as error:
                done.broken.setdefault(invariant.__name__, f"{move.action}: {move.reason}: {error}")

    for case in cases(phase, check):
        done.ran += 1
        done.stood_for += case.stands_for
        done.ruled |= case.ruled
        done.moves[None if case.move is None else (case.move.action, case.move.to)] += 1
        if done.ran % 101 == 1:
            done.sample.append(case)
        if done.broken:
            what = {axis: value for axis, value in case.point.items() if value != domain(phase, axis)[0]}
            done.broken = {name: f"{told}, with {what}" for name, told in done.broken.items()}
            break
    return done


@pytest.fixture(scope="module")
def walked() -> Mapping[Phase, Walk]:
    return {phase: walk(phase) for phase in Phase}


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda one: one.__name__)
def test_no_case_breaks(walked, invariant):
    broken = {phase.value: done.broken.get(invariant.__name__) for phase, done in walked.items()}
    assert not {phase: told for phase, told in broken.items() if told}


def test_the_cases_stand_for_every_combination(walked, capsys):
    transitions = {(phase, to) for phase, done in walked.items() for _, to in filter(None, done.moves) if to}
    with capsys.disabled():
        print(
            f"\n{sum(done.ran for done in walked.values())} cases in {len(walked)} states stand for "
            f"{sum(combinations(phase) for phase in Phase):.3g} combinations of {len(NAMES)} axes; "
            f"{len(transitions)} transitions seen, {len(PERSONS)} more are a person's; "
            f"{sum(len(done.moves) for done in walked.values())} kinds of moves"
        )
    for phase, done in walked.items():
        assert done.stood_for == combinations(phase), phase


def test_the_table_is_as_wide_as_what_happens(walked):
    caused = {(phase, to) for phase, done in walked.items() for _, to in filter(None, done.moves) if to is not None}
    allowed = {(before, after) for before, row in ALLOWED.items() for after in row}
    assert caused <= allowed
    assert allowed - caused == PERSONS


def test_no_rate_limit_is_even_looked_at_on_the_way_to_the_baseline(walked):
    assert {phase for phase, done in walked.items() if "limits" in done.ruled} == {Phase.RECOVERING}


@pytest.mark.parametrize("phase", Phase)
def test_what_a_phase_does_not_read_changes_nothing(walked, phase):
    """The search leaves alone what was not read: here it is changed all at once, at random."""
    draws = random.Random(20261121)  # noqa: S311 - a sample
    for case in walked[phase].sample:
        for _ in range(3):
            free = [axis for axis in NAMES if axis not in case.ruled and axis != "targets"]
            other = {axis: draws.choice(domain(phase, axis)) for axis in free}
            if case.point["targets"] == 1:
                other["known before"] = True
            assert told(next_move(*build(phase, {**case.point, **other}))) == told(case.move), other


def told(move):
    """A move without what it only carries."""
    return None if move is None else replace(move, incident=None)


@pytest.mark.parametrize("phase", Phase)
def test_a_rule_is_a_function_and_leaves_its_input_alone(walked, phase):
    for case in walked[phase].sample:
        before = repr((case.seen, case.readings))
        assert next_move(case.seen, case.readings) == case.move
        assert repr((case.seen, case.readings)) == before


@pytest.mark.parametrize("phase", Phase)
def test_a_pin_that_is_over_holds_nothing(walked, phase):
    for case in walked[phase].sample:
        seen, readings = build(phase, {**case.point, "pin": "none"})
        over = replace(seen, control=replace(seen.control, pinned_by=PERSON, pinned_until=NOW))
        assert told(next_move(over, readings)) == told(next_move(seen, readings))


def test_every_phase_has_its_rule():
    assert set(RULES) == set(Phase)


def test_the_page_is_the_table():
    told = PAGE.read_text("utf-8")
    assert page(told) == told, "run: python -m tests.support.controller_page"
