"""The judgement of a load, and the settings; pages over real connections are an integration test."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.routing.meters import ENGINES, Load, LoadLimits, MeterSettings, judge_load

URLS = ("http://a/metrics", "http://b/metrics")
shares = st.floats(0, 1.5) | st.just(math.nan) | st.just(math.inf)
counts = st.floats(0, 1e6) | st.just(math.nan) | st.just(math.inf)
loads = st.builds(
    Load, st.none() | counts, st.none() | shares, st.integers(0, 9), st.lists(st.text(), max_size=2).map(tuple)
)
limits = st.builds(LoadLimits, st.floats(0, 1e6), st.floats(0.01, 1)) | st.builds(
    LoadLimits, st.none(), st.floats(0.01, 1)
)


@pytest.mark.parametrize(
    ("load", "limit", "ok", "reason"),
    [
        (
            Load(0, 0.5, 2),
            LoadLimits(),
            True,
            "0 requests wait at 2 replicas of the baseline, the fullest cache is 50% full",
        ),
        (Load(3, None, 1), LoadLimits(3, None), True, "3 requests wait at 1 replica of the baseline"),
        (Load(4, None, 1), LoadLimits(3, None), False, "4 requests wait at the baseline (limit 3)"),
        (Load(0, 0.91, 2), LoadLimits(), False, "the baseline's cache is 91% full (limit 90%)"),
        (Load(9, 0.9, 2), LoadLimits(None, 0.9), True, "9 requests wait at 2 replicas of the baseline"),
        (Load(0, None, 2), LoadLimits(), False, "not every replica shows how full its cache is"),
        (Load(None, None, 0), LoadLimits(), False, "no replica shows its load"),
        (Load(0, 0.1, 1, ("http://b/metrics: answered 500",)), LoadLimits(), False, "b/metrics: answered 500 is not"),
        (Load(0, 0.1, 1, ("one", "two", "three")), LoadLimits(), False, "the load of one (and 2 more) is not known"),
        (Load(math.nan, 0.1, 1), LoadLimits(), False, "nan requests wait"),
        (Load(0, math.nan, 1), LoadLimits(), False, "nan% full"),
        (Load(math.inf, 0.1, 1), LoadLimits(), False, "inf requests wait"),
    ],
)
def test_room(load, limit, ok, reason):
    verdict = judge_load(load, limit)
    assert verdict[0] is ok
    assert reason in verdict[1]


@given(load=loads, limit=limits, more=st.floats(0, 1e6), fuller=st.floats(0, 1))
def test_more_load_never_makes_room_and_what_is_unknown_is_none(load, limit, more, fuller):
    ok, reason = judge_load(load, limit)
    assert reason
    if ok:
        assert load.replicas
        assert not load.unread
        assert load.waiting is not None
        assert limit.cache_used is None or (load.cache_used is not None and load.cache_used <= limit.cache_used)
        assert not judge_load(replace(load, unread=("one",)), limit)[0]
        return
    heavier = replace(
        load,
        waiting=None if load.waiting is None else load.waiting + more,
        cache_used=None if load.cache_used is None else load.cache_used + fuller,
    )
    assert not judge_load(heavier, limit)[0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"urls": ()}, "urls must be 1 to 256 addresses"),
        ({"urls": "http://a"}, "urls must be 1 to 256 addresses"),
        ({"urls": ("ftp://a",)}, "urls must be http"),
        ({"urls": ("http://user:hunter2@a",)}, "urls must not carry credentials"),
        ({"urls": (5,)}, "urls must be an address"),
        ({"urls": ("http://a", "http://a")}, "urls must differ"),
        ({"waiting": ""}, "waiting must be the name of a metric, got ''"),
        ({"waiting": "a{b}"}, "waiting must be the name of a metric"),
        ({"waiting": "a", "cache_used": 5}, "cache_used must be the name of a metric, got 5"),
        ({"cache_used": "a"}, "cache_used is given without waiting"),
        ({"labels": ["a"]}, "labels must map"),
        ({"labels": {"a": 1}}, "labels must map"),
        ({"within_s": 0}, "within_s must be over 0 and up to 30, got 0"),
        ({"within_s": 31}, "within_s must be over 0"),
        ({"within_s": math.nan}, "within_s must be over 0"),
        ({"within_s": True}, "within_s must be seconds"),
        ({"within_s": "2"}, "within_s must be seconds"),
    ],
)
def test_a_wrong_setting_is_told(wrong, message):
    with pytest.raises(ValueError, match=message) as caught:
        MeterSettings(**{"urls": URLS, **wrong})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("waiting", "cache_used"),
    [(None, None), (-1, None), (math.nan, None), (math.inf, None), (0, 0), (0, 1.1), (0, math.nan)],
)
def test_limits_that_would_let_everything_pass_are_refused(waiting, cache_used):
    with pytest.raises(ValueError, match="must be"):
        LoadLimits(waiting, cache_used)


def test_the_engines_are_told_apart_by_their_gauges():
    pairs = [(engine.waiting, engine.cache_used) for engine in ENGINES.values()]
    assert len(set(pairs)) == len(pairs)
    for n, (waiting, cache) in enumerate(pairs):
        assert all(waiting != other or later is not None for other, later in pairs[:n] if cache is None), (
            "the fuller first"
        )
