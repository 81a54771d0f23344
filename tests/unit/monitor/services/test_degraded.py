"""A candidate as a whole: the list of degraded slices and the culprit, from stored streams."""

from dataclasses import replace
from datetime import timedelta
from math import exp, inf, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.stats.multiplicity import e_bh
from detectors.types import Verdict
from monitor.models.evidence import Evidence, Stream
from monitor.services.degraded import FALSE_DISCOVERY_RATE, wholes
from tests.conftest import START

BASE, CAND = 1, 2
TTL = timedelta(minutes=30)
MONTH = 259_200


def stream(slice_="all", log_statistic=None, *, candidate=CAND, threshold=1e8, alarm=None, since=0, last_tick=99):
    return Stream(
        id=1,
        route_id=1,
        candidate_id=candidate,
        signal="schema_validity",
        slice=slice_,
        fingerprint="f",
        threshold=threshold,
        state={"beside": {"since": since}, "alarm": alarm},
        last_tick=last_tick,
        verdict=Verdict.UNDECIDED,
        reason="",
        evidence=Evidence(log_statistic=log_statistic, log_threshold=log(threshold)),
        updated_at=START,
    )


def whole(*streams, now=START):
    (one,) = wholes(streams, BASE, now, TTL, 10.0)
    return one


def alarm(log_statistic, *, ago=timedelta(minutes=1), advice=None):
    evidence = Evidence(log_statistic=log_statistic).to_json()
    return {"at": (START - ago).isoformat(), "evidence": evidence, "advice": advice}


def listed(one):
    return [each.slice for each in one.degraded]


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(-5.0, 25.0)), min_size=1, max_size=8))
def test_the_list_is_that_of_e_bh_over_every_stream_watched(values):
    found = whole(*(stream(f"tag:{n}", value) for n, value in enumerate(values)))
    log_e = {f"tag:{n}": (-inf if value is None else value) - log(MONTH) for n, value in enumerate(values)}
    assert listed(found) == list(e_bh(log_e, FALSE_DISCOVERY_RATE))
    assert found.streams == len(values)
    assert (found.log_ratio is None) == all(value is None for value in values)


def test_evidence_is_told_in_units_of_each_streams_threshold():
    found = whole(stream("all", log(1e8)), stream("lang:de", log(1e6), threshold=1e9))
    assert exp(found.log_ratio) == pytest.approx(1.0 + 1e-3)
    assert found.culprit == ("schema_validity", "all")
    assert found.part == pytest.approx(1 / 1.001)


def test_the_baseline_against_itself_is_no_candidate():
    assert wholes([stream(candidate=BASE, log_statistic=30.0)], BASE, START, TTL, 10.0) == []


def test_what_an_alarm_took_off_counts_while_it_speaks_for_the_present():
    alarmed = stream("all", None, alarm=alarm(19.0))
    assert listed(whole(alarmed, stream("lang:de"))) == ["all"]
    assert listed(whole(alarmed, stream("lang:de"), now=START + TTL)) == []
    assert listed(whole(stream("all", None, alarm=alarm(19.0, advice="why")))) == [], "not the stream's own evidence"


def test_in_the_tick_of_an_alarm_its_evidence_is_not_counted_twice():
    now = stream("all", 19.0, alarm=alarm(19.0, ago=timedelta()))
    assert whole(now).degraded[0].log_e == pytest.approx(19.0 - log(MONTH))


def test_an_old_stream_pays_for_its_age():
    young, old = stream("all", 15.0), stream("all", 15.0, last_tick=10 * MONTH - 1)
    assert whole(young).degraded[0].log_e == pytest.approx(15.0 - log(MONTH))
    assert listed(whole(old)) == []
    assert listed(whole(replace(young, state={}))) == ["all"], "a stream that an earlier release stored"
