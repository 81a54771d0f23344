"""The state table."""

from itertools import product

import pytest

from monitor.controller.phases import ALLOWED, DECIDED, IN_FLIGHT, PAGING, may_follow
from monitor.models.route import Phase


def test_every_phase_has_its_row():
    assert set(ALLOWED) == set(Phase)


def test_every_phase_can_be_reached_from_armed_and_left_again():
    reached, frontier = {Phase.ARMED}, [Phase.ARMED]
    while frontier:
        for after in ALLOWED[frontier.pop()] - reached:
            reached.add(after)
            frontier.append(after)
    assert reached == set(Phase)
    assert all(ALLOWED[phase] for phase in Phase)


def test_a_person_can_start_a_flip_from_every_phase_but_applying():
    assert {phase for phase in Phase if may_follow(phase, Phase.APPLYING)} == set(Phase) - {Phase.APPLYING}


def before(phase: Phase) -> set[Phase]:
    return {one for one in Phase if may_follow(one, phase)}


def test_rolled_back_follows_the_proof_by_traffic_alone():
    assert before(Phase.ROLLED_BACK) == {Phase.VERIFYING_TRAFFIC, Phase.STUCK}
    assert before(Phase.VERIFYING_TRAFFIC) == {Phase.VERIFYING_CONTROL, Phase.REVERTED}
    assert before(Phase.VERIFYING_CONTROL) == {Phase.APPLYING}
    assert before(Phase.HOLD) == {Phase.ROLLED_BACK, Phase.RECOVERING}


def test_what_is_looked_at_half_way_is_never_called_a_hold():
    assert before(Phase.RAMPING) == {Phase.VERIFYING_CONTROL, *DECIDED}


@pytest.mark.parametrize(("before", "after"), sorted(product(Phase, Phase)))
def test_may_follow_is_the_table(before, after):
    assert may_follow(before, after) == (after in ALLOWED[before])
    if before is after:
        assert not may_follow(before, after)


def test_out_of_trouble_leads_a_write_or_the_proof():
    assert ALLOWED[Phase.STUCK] == {Phase.APPLYING, Phase.ROLLED_BACK, Phase.TRIGGERED, Phase.REVERTED}
    assert ALLOWED[Phase.REVERTED] == {Phase.APPLYING, Phase.VERIFYING_TRAFFIC}


def test_the_groups_are_disjoint():
    assert not IN_FLIGHT & PAGING
    assert {Phase.STUCK, Phase.REVERTED, Phase.BLOCKED} == PAGING
    assert {Phase.BLOCKED} == DECIDED - IN_FLIGHT
