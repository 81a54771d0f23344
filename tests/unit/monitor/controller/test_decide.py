"""The decision over everything it looks at."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.controller.decide import decide, reconsider
from monitor.models.decision import Action
from monitor.models.incident import Incident
from monitor.models.policy import Policy
from monitor.models.route import Goal, Mode, Phase, Route, RouteControl, TargetRef
from tests.support import situations

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
POLICY = Policy("default", 1)
TTL = timedelta(seconds=POLICY.evidence_ttl_s)
NOT_YET = "observed for 3 of 7 days"
INSTANT = timedelta(microseconds=1)


def a_route(mode: Mode = Mode.AUTO) -> Route:
    return Route(1, "chat", mode, "default", (TargetRef("memory"),), None, 100.0, None, NOW)


def a_control(phase: Phase = Phase.ARMED, pinned_by: str | None = None, until: datetime | None = None) -> RouteControl:
    return RouteControl(1, phase, NOW, Goal.BASELINE, "test", 0, pinned_by=pinned_by, pinned_until=until)


def an_incident(
    age: timedelta = timedelta(), decided: str | None = None, number: int = 1, advice: str | None = None
) -> Incident:
    return situations.an_incident(number, NOW - age, decided=decided, advice=advice)


def expected(mode: Mode, phase: Phase, pinned: bool, fresh: bool, decided: str | None, not_armed: str | None) -> Action:
    """The decision as DESIGN §6 words it."""
    if phase is not Phase.ARMED:
        return Action.NOTHING
    if not fresh:
        return Action.EXPIRE
    if mode is Mode.OBSERVE:
        action = Action.WOULD_ROLL_BACK
    elif pinned or mode is Mode.ADVISE:
        action = Action.ADVISE
    else:
        action = Action.ROLL_BACK if not_armed is None else Action.ADVISE
    return Action.NOTHING if decided == action.value else action


EVERYTHING = list(
    product(
        Mode,
        Phase,
        (False, True),
        (timedelta(), TTL, TTL + INSTANT, timedelta(days=1)),
        (None, *(action.value for action in Action)),
        (None, NOT_YET),
    )
)


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("mode", Mode)
def test_every_combination_decides_as_designed(mode, phase):
    for combination in EVERYTHING:
        if combination[:2] != (mode, phase):
            continue
        _, _, pinned, age, decided, not_armed = combination
        decision, incident = decide(
            a_route(mode),
            a_control(phase, "ana" if pinned else None),
            [an_incident(age, decided)],
            POLICY,
            NOW,
            not_armed,
        )
        wanted = expected(mode, phase, pinned, age <= TTL, decided, not_armed)
        assert decision.action is wanted, combination
        assert (incident is None) == (wanted is Action.NOTHING), combination
        assert decision.reason


routes = st.builds(a_route, st.sampled_from(Mode))
arming = st.sampled_from([None, NOT_YET])
controls = st.builds(
    a_control,
    st.sampled_from(Phase),
    st.sampled_from([None, "ana"]),
    st.none() | st.timedeltas(timedelta(hours=-2), timedelta(hours=2)).map(lambda left: NOW + left),
)
incidents = st.lists(
    st.builds(
        an_incident,
        st.timedeltas(timedelta(), 3 * TTL),
        st.sampled_from([None, *(action.value for action in Action)]),
        st.integers(1, 9),
        st.sampled_from([None, None, "Compare them under equal load"]),
    ),
    max_size=4,
)


@given(routes, controls, incidents, arming)
def test_only_armed_auto_with_fresh_evidence_and_no_pin_rolls_back(route, control, incidents, not_armed):
    decision, incident = decide(route, control, incidents, POLICY, NOW, not_armed)
    if decision.action is Action.ROLL_BACK:
        assert incident is not None
        assert control.phase is Phase.ARMED
        assert route.mode is Mode.AUTO
        assert NOW - incident.last_alarm_at <= TTL
        assert incident.advice is None
        assert not control.pinned(NOW)
        assert not_armed is None


@given(routes, controls, incidents)
def test_an_incident_that_only_advises_is_told_and_never_acted_on(route, control, incidents):
    advising = [replace(incident, advice="Compare them under equal load") for incident in incidents]
    decision, incident = decide(route, control, advising, POLICY, NOW)
    assert decision.action in {Action.NOTHING, Action.EXPIRE, Action.ADVISE}
    if decision.action is Action.ADVISE:
        assert decision.reason == f"{incident.headline}. Compare them under equal load"
    for one in advising:
        assert reconsider(route, control, one, POLICY, NOW).action in {Action.NOTHING, Action.ADVISE}


@pytest.mark.parametrize("mode", Mode)
def test_advice_that_was_told_is_no_reason_to_stay_silent_once_it_may_act(mode):
    told = an_incident(decided="advise", advice="Compare them under equal load")
    assert decide(a_route(mode), a_control(), [told], POLICY, NOW)[0].action is Action.NOTHING
    lifted = replace(told, decided=None, advice=None)
    assert decide(a_route(mode), a_control(), [lifted], POLICY, NOW)[0].action is not Action.NOTHING


@given(routes, controls)
def test_no_incident_is_never_a_reason_to_act(route, control):
    decision, incident = decide(route, control, [], POLICY, NOW)
    assert (decision.action, incident) == (Action.NOTHING, None)


@given(routes, controls, incidents.map(lambda found: found[:1]))
def test_what_was_decided_is_not_decided_again(route, control, incidents):
    decision, incident = decide(route, control, incidents, POLICY, NOW)
    if incident is not None and decision.action is not Action.EXPIRE:
        told = replace(incident, decided=decision.action.value)
        assert decide(route, control, [told], POLICY, NOW)[0].action is Action.NOTHING


@pytest.mark.parametrize(("left", "action"), [(INSTANT, Action.ADVISE), (timedelta(), Action.ROLL_BACK)])
def test_a_pin_holds_until_it_ends(left, action):
    decision, _ = decide(a_route(), a_control(pinned_by="ana", until=NOW + left), [an_incident()], POLICY, NOW)
    assert decision.action is action


def test_the_reason_is_what_people_read():
    def reason(route, control, incident, not_armed=None):
        return decide(route, control, [incident], POLICY, NOW, not_armed)[0].reason

    assert reason(a_route(), a_control(), an_incident()) == "int4 breaks its schema"
    assert reason(a_route(), a_control(pinned_by="ana"), an_incident()).endswith(
        "ana pinned the route: nothing is moved"
    )
    assert reason(a_route(), a_control(), an_incident(), NOT_YET).endswith(f"auto is not armed yet: {NOT_YET}")
    assert "in the last 30 min" in reason(a_route(), a_control(), an_incident(TTL + INSTANT))
    assert reason(a_route(), a_control(Phase.HOLD), an_incident()) == "the route is hold"


def test_an_old_incident_is_closed_before_a_fresh_one_acts():
    old, fresh = an_incident(TTL + INSTANT, number=1), an_incident(number=2)
    decision, incident = decide(a_route(), a_control(), [fresh, old], POLICY, NOW)
    assert (decision.action, incident) == (Action.EXPIRE, old)


def test_a_second_incident_is_not_hidden_by_a_decided_one():
    told, new = an_incident(decided="advise", number=1), an_incident(number=2)
    decision, incident = decide(a_route(Mode.ADVISE), a_control(), [told, new], POLICY, NOW)
    assert (decision.action, incident) == (Action.ADVISE, new)


@given(routes, controls, incidents, arming)
def test_what_would_not_be_decided_afresh_is_withdrawn(route, control, incidents, not_armed):
    incident = replace(incidents[0], decided=None) if incidents else None
    again = reconsider(route, control, incident, POLICY, NOW, not_armed)
    armed = replace(control, phase=Phase.ARMED)
    afresh, _ = decide(route, armed, [incident] if incident else [], POLICY, NOW, not_armed)
    assert (again.action is Action.ROLL_BACK) == (afresh.action is Action.ROLL_BACK)


def test_a_closed_incident_is_withdrawn():
    closed = replace(an_incident(), closed_at=NOW, closed_by="ana")
    assert reconsider(a_route(), a_control(), closed, POLICY, NOW).action is Action.NOTHING
