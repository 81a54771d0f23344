import json
from dataclasses import replace
from math import inf, log

import numpy as np
import pytest

from detectors.stats import inflation, unpaired
from detectors.stats.fleet_states import fleet_of
from detectors.stats.stream import StreamConfig, StreamState, fold, initial
from detectors.types import ArmCounts, Design, Margin, PairCounts

CONFIG = StreamConfig(Margin(absolute=0.005), levels=1, threshold=1e6, safe_ticks=20, tick_s=4_320.0)
GOOD = [PairCounts(n11=1, n01=1, n00=98)]
CLEAN = [PairCounts(n00=400)]
BAD = [PairCounts(n11=1, n10=9, n01=0, n00=90)]


ARMS = StreamConfig(
    Margin(absolute=0.005), levels=1, threshold=1e6, safe_ticks=20, tick_s=4_320.0, design=Design.UNPAIRED
)
ARMS_GOOD = [ArmCounts(candidate_n=500, candidate_bad=5, baseline_n=100, baseline_bad=1)]
ARMS_CLEAN = [ArmCounts(candidate_n=4_000, baseline_n=4_000)]
ARMS_BAD = [ArmCounts(candidate_n=500, candidate_bad=50, baseline_n=100, baseline_bad=1)]


def run(ticks, *, config=CONFIG, state=None, start=0, **options):
    state = state or initial(config)
    alarms = []
    for tick, counts in enumerate(ticks, start):
        state, alarm = fold(state, config, tick, counts, counts, **options)
        alarms += [alarm] if alarm else []
    return state, alarms


@pytest.mark.parametrize(("config", "empty"), [(CONFIG, PairCounts()), (ARMS, ArmCounts())], ids=["paired", "unpaired"])
def test_empty_ticks_alone_never_alarm(config, empty):
    state = replace(initial(config), log_r=(log(2e6),) * len(initial(config).log_r))
    state, alarm = fold(state, config, 0, [empty], [empty])
    assert alarm is None
    assert state.log_statistic > log(1e6)


def test_unpaired_arms_stay_quiet_or_alarm_like_pairs():
    state, alarms = run([ARMS_GOOD] * 300, config=ARMS)
    assert alarms == []
    assert state.total == ArmCounts(150_000, 1_500, 30_000, 300)
    state, alarms = run([ARMS_BAD] * 20, config=ARMS, state=state, start=300)
    first = alarms[0]
    assert 304 <= first.tick <= 310
    assert first.onset_tick == 300
    ticks = first.tick - 299
    assert first.since_onset == ArmCounts(500 * ticks, 50 * ticks, 100 * ticks, ticks)


def test_an_unpaired_alarm_resets_the_statistic_and_the_certificate_but_not_the_rest():
    state, _ = run([ARMS_CLEAN] * 20, config=ARMS)
    assert state.safe_until_tick == 19 + 20
    rates = state.rates
    state, alarms = run([ARMS_BAD] * 5, config=ARMS, state=state, start=20)
    assert len(alarms) == 1
    assert state.log_statistic == -inf
    assert state.safe_until_tick is None
    assert state.onset_now.tick == 20
    assert state.rates[0].n > 0.9 * rates[0].n


def test_one_unpaired_tick_cannot_alarm():
    assert run([[ArmCounts(10_000, 10_000, 10_000, 0)], ARMS_GOOD], config=ARMS)[1] == []


def test_an_arm_without_answers_only_counts():
    state, alarms = run([[ArmCounts(candidate_n=500, candidate_bad=500)]] * 7, config=ARMS)
    assert alarms == []
    assert state.log_statistic == pytest.approx(log(7))
    assert state.onset_now is None


def test_the_baselines_rate_is_expected_from_earlier_ticks_only():
    state = run([ARMS_GOOD] * 50, config=ARMS)[0]
    tick = [ArmCounts(500, 50, 100, 90)]
    now = fold(state, ARMS, 50, tick, tick)[0]
    expected = unpaired.log_increments(tick[0].cells, ARMS.margin, state.rates[0].expected)
    before = np.logaddexp(0, state.log_r)
    assert now.log_r == pytest.approx(before + np.minimum(expected, ARMS.cap))
    assert now.rates[0].bad > 90


def test_the_baselines_rate_is_learned_from_the_harm_scored_counts():
    harm, safe = [ArmCounts(100, 1, 100, 9)], [ArmCounts(100, 1, 100, 2)]
    assert fold(initial(ARMS), ARMS, 0, harm, safe)[0].rates[0].bad == 9


def test_a_high_phi_drops_the_coarse_alternatives():
    state, _ = run([ARMS_BAD] * 3, config=ARMS, sibling_phi=1.6)
    assert state.log_r[4:] == (-inf, -inf)
    assert min(state.log_r[:4]) > 0
    assert run([ARMS_BAD] * 3, config=ARMS, sibling_phi=1.5)[0].log_r[5] > 0


def test_unpaired_bursts_raise_phi():
    config = replace(ARMS, margin=Margin(absolute=0.1))
    bursts = [[ArmCounts(100, 30 if tick % 64 < 8 else 1, 100, 1)] for tick in range(640)]
    calm = [[ArmCounts(100, 1 + tick % 3, 100, 1 + tick % 2)] for tick in range(640)]
    assert inflation.estimate(fleet_of([run(bursts, config=config)[0]]).inflations) > 5
    assert inflation.estimate(fleet_of([run(calm, config=config)[0]]).inflations) < 1.5


def test_unpaired_levels_have_their_own_rates():
    config = replace(ARMS, levels=2)
    state, _ = run([[ArmCounts(100, 1, 100, 1), ArmCounts(100, 20, 100, 20)]] * 400, config=config)
    assert [rate.expected for rate in state.rates] == pytest.approx([0.01, 0.2], rel=0.02)
    tail = [ArmCounts(100, 1, 100, 1), ArmCounts(100, 60, 100, 20)]
    _, alarms = run([tail] * 10, config=config, state=state, start=400)
    assert alarms[0].level == 1
    assert alarms[0].since_onset.candidate_bad == 60 * (alarms[0].tick - 399)


def test_a_state_stored_before_designs_existed_is_a_paired_one():
    state, _ = run([GOOD] * 5)
    stored = state.to_json()
    del stored["design"], stored["rates"]
    assert StreamState.from_json(stored) == state


def test_counts_of_another_design_are_refused():
    with pytest.raises(ValueError, match=r"harm must hold PairCounts, got \['ArmCounts'\]"):
        fold(initial(CONFIG), CONFIG, 0, ARMS_GOOD, ARMS_GOOD)
    with pytest.raises(ValueError, match="safe must hold ArmCounts"):
        fold(initial(ARMS), ARMS, 0, ARMS_GOOD, GOOD)
    with pytest.raises(ValueError, match="state must be unpaired, got paired"):
        fold(initial(CONFIG), ARMS, 0, ARMS_GOOD, ARMS_GOOD)


def test_a_healthy_stream_stays_quiet():
    state, alarms = run([GOOD] * 500)
    assert alarms == []
    assert (state.pairs, state.candidate_bad, state.baseline_bad) == (50_000, 500, 1_000)


def test_harm_alarms_soon_with_its_onset():
    _, alarms = run([GOOD] * 100 + [BAD] * 20)
    first = alarms[0]
    assert 104 <= first.tick <= 108
    assert first.onset_tick == 100
    assert first.log_statistic >= first.log_threshold == pytest.approx(log(1e6))
    assert first.since_onset.n == 100 * (first.tick - 99)


def test_an_alarm_resets_the_statistic_and_the_certificate_but_not_the_onset():
    state, _ = run([CLEAN] * 20)
    assert state.safe_at(25)
    state, alarms = run([BAD] * 5, state=state, start=20)
    assert [alarm.tick for alarm in alarms] == [24]
    assert state.log_statistic == -inf
    assert state.safe_until_tick is None
    assert state.onset_now.tick == 20
    assert state.pairs_since_onset == 500


def test_one_bad_tick_cannot_alarm():
    _, alarms = run([[PairCounts(n10=100_000)], GOOD])
    assert alarms == []


def test_the_cap_fixes_the_fewest_ticks():
    _, alarms = run([[PairCounts(n10=100)]] * 10)
    assert alarms[0].tick + 1 >= log(1e6) / CONFIG.cap


@pytest.mark.parametrize("tick", [4, 3, 0, -1])
def test_no_tick_counts_twice(tick):
    state, _ = run([GOOD] * 5)
    with pytest.raises(ValueError, match="tick must be > 4"):
        fold(state, CONFIG, tick, GOOD, GOOD)


def test_ticks_may_be_skipped():
    state, _ = run([GOOD] * 5)
    assert fold(state, CONFIG, 90, GOOD, GOOD)[0].last_tick == 90


def test_empty_ticks_only_count():
    state, _ = run([[PairCounts()]] * 7)
    assert state.log_statistic == pytest.approx(log(7))
    assert state.onset_now is None


def test_frozen_only_advances_the_tick():
    state, _ = run([BAD] * 3)
    frozen, alarm = fold(state, CONFIG, 3, BAD, BAD, frozen=True)
    assert alarm is None
    assert frozen.last_tick == 3
    assert frozen.to_json() | {"last_tick": 2} == state.to_json()


def test_safe_reads_its_own_counts():
    worst = [PairCounts(n10=40, n00=360)]
    state = initial(CONFIG)
    for tick in range(40):
        state, _ = fold(state, CONFIG, tick, CLEAN, worst)
    assert state.safe_until_tick is None


def test_certificate_lasts_a_day():
    state, _ = run([CLEAN] * 20)
    assert state.safe_until_tick == 19 + 20  # a tick is a twentieth of a day
    assert not state.safe_at(40)


def test_sibling_phi_tempers_and_is_shown():
    fast, slow = run([BAD] * 30)[1], run([BAD] * 60, sibling_phi=4.0)[1]
    assert slow[0].tick > 3 * fast[0].tick
    assert run([GOOD], sibling_phi=4.0)[0].phi == 4.0
    assert run([GOOD], sibling_phi=4.0)[0].own_phi == 1.0


def test_a_high_phi_drops_the_largest_bet():
    state, _ = run([BAD] * 3, sibling_phi=1.6)
    assert state.log_r[7] == -inf
    assert state.log_r[6] > 0
    assert run([BAD] * 3, sibling_phi=1.5)[0].log_r[7] > 0


def test_phi_in_force_depends_on_earlier_ticks_only():
    calm = inflation.InflationState(phi=5.0)
    state = initial(CONFIG)
    state = StreamState(state.log_r, state.onset, state.safe, (calm,), state.totals)
    tempered, _ = fold(state, CONFIG, 0, BAD, BAD)
    plain, _ = fold(initial(CONFIG), CONFIG, 0, BAD, BAD)
    assert tempered.log_r[3] == pytest.approx(plain.log_r[3] / 5.0)


def test_phi_is_held_while_evidence_is_high():
    def after(log_r):
        state = initial(CONFIG)
        due = inflation.InflationState(pending=((1, 7.0),))
        high = StreamState((log_r,) * 8, state.onset, state.safe, (due,), state.totals)
        return fold(high, CONFIG, 0, [PairCounts()], [PairCounts()])[0].own_phi

    assert after(0.6 * log(1e6)) == 1.0
    assert after(0.4 * log(1e6)) == 7.0


def test_certificates_are_tempered_too():
    assert run([CLEAN] * 20, sibling_phi=1.0)[0].safe_until_tick is not None
    assert run([CLEAN] * 20, sibling_phi=10.0)[0].safe_until_tick is None


def test_weights_of_all_levels_sum_to_one():
    config = StreamConfig(Margin(), levels=3, threshold=1e6)
    assert run([[PairCounts()] * 3], config=config)[0].log_statistic == pytest.approx(0.0)


def test_latency_levels_share_one_statistic():
    config = StreamConfig(Margin(), levels=3, threshold=1e6, initial_phi=3.0)
    assert initial(config).phi == 3.0
    tail = [PairCounts(n00=100), PairCounts(n00=100), PairCounts(n10=20, n00=80)]
    state, alarms = run([tail] * 40, config=config)
    assert alarms[0].level == 2
    assert alarms[0].since_onset.candidate_bad == 20 * (alarms[0].tick + 1)
    assert state.totals[0].candidate_bad == 0


def test_state_survives_json_exactly():
    state, _ = run([GOOD] * 1_500 + [BAD] * 3)
    arms, _ = run([ARMS_GOOD] * 1_500 + [ARMS_BAD] * 3, config=ARMS)
    for each in (initial(CONFIG), state, run([BAD] * 3, sibling_phi=2.0)[0], initial(ARMS), arms):
        text = json.dumps(each.to_json(), allow_nan=False)
        assert StreamState.from_json(json.loads(text)) == each
    again = StreamState.from_json(json.loads(json.dumps(state.to_json())))
    assert fold(again, CONFIG, 9_999, BAD, BAD) == fold(state, CONFIG, 9_999, BAD, BAD)


@pytest.mark.parametrize(
    "damage",
    [
        {"format": 0},
        {"log_r": [0.0]},
        {"totals": []},
        {"last_tick": "yesterday"},
        {"safe": {"log_e": [0.0]}},
        {"inflation": []},
        {"design": "unpaired"},
        {"design": "other"},
        {"rates": [{"bad": 1.0, "n": 2.0}]},
        {"totals": [{"n11": -1}]},
    ],
)
def test_damaged_states_are_refused(damage):
    with pytest.raises(ValueError, match=r".+"):
        StreamState.from_json(initial(CONFIG).to_json() | damage)


def test_size_does_not_grow():
    assert len(json.dumps(run([GOOD] * 3_000)[0].to_json())) < 6_000


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"levels": 0}, "levels"),
        ({"threshold": 1.0}, "threshold"),
        ({"threshold": inf}, "threshold"),
        ({"cap": 0.0}, "cap"),
        ({"safe_ticks": 0}, "safe_ticks"),
        ({"tick_s": 0.0}, "tick_s"),
        ({"initial_phi": 0.5}, "initial_phi"),
    ],
)
def test_config_is_checked(change, named):
    with pytest.raises(ValueError, match=named):
        StreamConfig(**({"margin": Margin(), "levels": 1, "threshold": 10.0} | change))


def test_fold_checks_its_tables():
    with pytest.raises(ValueError, match="harm must hold 1"):
        fold(initial(CONFIG), CONFIG, 0, GOOD * 3, GOOD)
    with pytest.raises(ValueError, match="safe must hold 1"):
        fold(initial(CONFIG), CONFIG, 0, GOOD, [])
    with pytest.raises(ValueError, match="sibling_phi"):
        fold(initial(CONFIG), CONFIG, 0, GOOD, GOOD, sibling_phi=0.1)
    with pytest.raises(ValueError, match="levels"):
        fold(initial(CONFIG), StreamConfig(Margin(), 3, 10.0), 0, GOOD * 3, GOOD * 3)
