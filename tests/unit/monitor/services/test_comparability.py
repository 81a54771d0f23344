"""Whether arms meet on equal terms: features of first turns, the share, the temperatures of legs."""

import json
from math import exp, inf

import numpy as np
import pytest

from detectors.stats import guard, mix
from detectors.turns import TurnPrint
from monitor.models.columns import NOBODY, PairColumns, SliceSet
from monitor.models.conversation import TurnRecord
from monitor.models.turn import Turn
from monitor.services import comparability
from monitor.services.comparability import MixWatch, RatioWatch, SampledPairs

CANDIDATE, BASELINE, OTHER = 1, 2, 3
THRESHOLD = 1e5


def turn(variant, *slices):
    asked = TurnPrint(b"e" * 8, 1, b"w" * 8, b"h" * 8, None)
    return TurnRecord("s", "t", variant, 0.0, 1.0, False, Turn(asked, None), frozenset(), ("first_turn", *slices))


def several(variant, n, *slices):
    return [turn(variant, *slices)] * n


def watched(ticks, *, of=None, state=None):
    state = state or MixWatch()
    for turns in ticks:
        state = comparability.watch_mix(state, turns, CANDIDATE, BASELINE, THRESHOLD)
        if state.alarm is not None:
            return state
    return state


DE, EN = ("lang:de", "kind:chat"), ("lang:en", "kind:chat")


def test_features_are_what_a_request_asks_for():
    slices = [
        "first_turn",
        "prompt:1k",
        "kind:chat",
        "kind:code",
        "tag:b",
        "tag:a",
        "temperature:0.7",
        "schema:12345678",
    ]
    assert comparability.features_of(slices) == {
        "prompt": "1k",
        "lang": "none",
        "endpoint": "none",
        "kind": "chat+code",
        "tag": "a+b",
        "temperature": "0.7",
    }


def test_only_first_turns_count():
    later = TurnRecord("s", "t", 1, 0.0, 1.0, False, turn(1).turn, frozenset(), ("lang:de",))
    assert comparability.openings([later, turn(1)]) == [turn(1)]


def test_an_arm_with_another_language_is_told():
    tick = [
        *several(CANDIDATE, 20, *EN),
        *several(CANDIDATE, 5, *DE),
        *several(BASELINE, 1, *EN),
        *several(BASELINE, 4, *DE),
    ]
    found = watched([tick] * 200)
    assert found.alarm.startswith("language de in 80.0% of the baseline's and 20.0% of the candidate's sessions")
    assert (found.quiet_ticks, found.quiet_sessions) == (0, 0)
    assert {mix.log_statistic(one.evidence) for one in found.features.values()} == {-inf}


def test_what_both_arms_get_alike_is_not_told_and_counts_as_quiet():
    ticks = [[*several(CANDIDATE, 8, *slices), *several(BASELINE, 2, *slices)] for slices in (DE, EN) * 100]
    state = watched(ticks)
    assert state.alarm is None
    assert (state.quiet_ticks, state.quiet_sessions) == (200, 400)


def test_other_variants_of_the_route_do_not_matter():
    tick = [*several(CANDIDATE, 8, *EN), *several(BASELINE, 2, *EN), *several(OTHER, 9, *DE)]
    state = watched([tick] * 50)
    assert state.alarm is None
    assert state.quiet_sessions == 100


def test_values_beyond_the_twelfth_count_together():
    tick = [turn(CANDIDATE, f"tag:{n}") for n in range(40)]
    state = watched([tick])
    assert len(state.features["tag"].values) == 12
    assert state.features["tag"].evidence.candidate[0][0] == 29.0


def test_what_is_known_of_the_mix_is_read_back():
    tick = [*several(CANDIDATE, 8, *EN), *several(BASELINE, 2, *DE)]
    state = watched([tick] * 3)
    assert MixWatch.from_json(json.loads(json.dumps(state.to_json()))) == state


def test_an_empty_tick_raises_no_alarm():
    state = MixWatch()
    for _ in range(50):
        state = comparability.watch_mix(state, [], CANDIDATE, BASELINE, 2.0)
        assert state.alarm is None


@pytest.mark.parametrize("of_baseline", [0, 9])
def test_another_share_than_declared_is_told(of_baseline):
    state = RatioWatch(0.25)
    for _ in range(200):
        turns = [*several(CANDIDATE, 10 - of_baseline), *several(BASELINE, of_baseline)]
        state = comparability.watch_ratio(state, turns, BASELINE, THRESHOLD)
        if state.alarm:
            break
    assert state.alarm.startswith(f"25.0% of the sessions are declared, {of_baseline * 10:.1f}% of some ")
    assert (state.quiet_ticks, state.quiet_sessions, set(state.log_r)) == (0, 0, {None})


def test_the_declared_share_is_quiet_and_read_back():
    state = RatioWatch(0.2)
    for _ in range(300):
        state = comparability.watch_ratio(state, [*several(CANDIDATE, 8), *several(BASELINE, 2)], BASELINE, THRESHOLD)
        assert state.alarm is None
    assert state.quiet_sessions == 3_000
    assert RatioWatch.from_json(json.loads(json.dumps(state.to_json()))) == state


def test_empty_ticks_say_nothing_of_the_share():
    state = RatioWatch(0.2)
    for _ in range(50):
        state = comparability.watch_ratio(state, [], BASELINE, 2.0)
        assert state.alarm is None


def pairs(*sets, primary, shadow):
    n, none = len(primary), np.empty((0, len(primary)))
    tokens = np.zeros(n, dtype=np.int64)
    return PairColumns(
        primary_variant=np.array(primary),
        shadow_variant=np.array(shadow),
        signals=(),
        primary=none,
        shadow=none,
        applicable=none.astype(bool),
        slice_set=np.arange(n),
        sets=[SliceSet(frozenset(one)) for one in sets],
        primary_tokens=tokens,
        shadow_tokens=tokens,
        client=np.full(n, NOBODY),
    )


def test_legs_are_compared_by_what_both_state():
    tick = pairs(
        {"all", "temperature:0.7"},
        {"all", "temperature:0.7", "temperature:greedy"},
        {"all"},
        {"all", "temperature:0.2", "temperature:0.7"},
        primary=[CANDIDATE, BASELINE, CANDIDATE, CANDIDATE],
        shadow=[BASELINE, CANDIDATE, BASELINE, OTHER],
    )
    found = comparability.sampled_pairs(tick, CANDIDATE, BASELINE)
    assert found == SampledPairs(1, {"0.7 and greedy": 1})
    assert comparability.observe_sampling(guard.GuardState(), found) == guard.GuardState(2.0, 1.0)


def test_the_features_share_the_budget():
    """The alarm comes with the first tick at which the mean of the six statistics reaches the threshold."""
    tick = [*several(CANDIDATE, 20, *EN), *several(CANDIDATE, 5, *DE), *several(BASELINE, 2, *EN), turn(BASELINE, *DE)]
    state, language = MixWatch(), mix.MixState()
    for number in range(1, 2_000):
        state = comparability.watch_mix(state, tick, CANDIDATE, BASELINE, THRESHOLD)
        language = mix.fold(language, [0, 20, 5], [0, 2, 1])
        mean = (exp(mix.log_statistic(language)) + 5 * number) / 6
        assert (state.alarm is not None) == (mean >= THRESHOLD)
        if state.alarm is not None:
            return
    raise AssertionError("nothing was found")
