from math import inf, nan, nextafter

import pytest

from detectors.stats import latency


@pytest.mark.parametrize("index", [-300, -1, 0, 1, 217, 350, 1_000, 1_498])
def test_edges_belong_to_their_bin(index):
    assert latency.bin_of(latency.edge(index)) == index
    assert latency.bin_of(latency.edge(index) * (1 - 1e-12)) == index - 1


def test_the_float_below_an_edge_is_in_the_bin_below():
    for index in range(latency.LOWEST_BIN + 2, latency.OVERFLOW_BIN):
        assert latency.bin_of(latency.edge(index)) == index
        assert latency.bin_of(nextafter(latency.edge(index), 0.0)) == index - 1


@pytest.mark.parametrize("ms", [0.0, -0.0, -5.0, -inf, 1e-300])
def test_nothing_is_below_the_lowest_bin(ms):
    assert latency.bin_of(ms) == latency.LOWEST_BIN


def test_time_outs_overflow_and_exceed_everything():
    assert latency.bin_of(inf) == latency.OVERFLOW_BIN
    assert latency.bin_of(1e300) < latency.OVERFLOW_BIN
    assert latency.exceedance(latency.place(inf), latency.OVERFLOW_BIN + 8)
    assert not latency.exceedance(latency.place(1e300), latency.OVERFLOW_BIN)


@pytest.mark.parametrize("ms", [0.5, 100.0, latency.edge(217), 1e6])
def test_what_is_censored_exceeds_what_it_had_passed_and_of_the_rest_nothing_is_known(ms):
    passed = latency.bin_of(ms)
    assert latency.exceedance(latency.place(-ms), passed) is True
    assert latency.exceedance(latency.place(-ms), passed + 1) is None
    assert latency.exceedance(latency.place(ms), passed) is True
    assert latency.exceedance(latency.place(ms), passed + 1) is False
    assert latency.exceedance(latency.place(inf), passed + 1) is True


def test_not_a_number_is_refused():
    with pytest.raises(ValueError, match="ms"):
        latency.bin_of(nan)


def test_margin_is_rounded_up_by_less_than_a_bin():
    for relative in (0.0, 0.02, 0.05, 0.15, 1.02**2 - 1, 0.5, 3.0):
        k = latency.margin_bins(relative)
        assert 1 + relative <= latency.GAMMA**k * (1 + 1e-9) < (1 + relative) * latency.GAMMA * (1 + 2e-9)


@pytest.mark.parametrize("relative", [-0.1, nan, inf])
def test_margin_is_checked(relative):
    with pytest.raises(ValueError, match="relative"):
        latency.margin_bins(relative)


def test_threshold_is_the_first_edge_at_or_above_the_quantile():
    counts = latency.histogram(map(latency.place, [100.0] * 900 + [200.0] * 100))
    at_90, at_95 = latency.tail_thresholds(counts, (0.90, 0.95), minimum=1)
    assert latency.edge(at_90 - 1) <= 100.0 < latency.edge(at_90)
    assert latency.edge(at_95 - 1) <= 200.0 < latency.edge(at_95)


def test_thin_data_gives_no_threshold():
    assert latency.tail_thresholds({5: 1_999}) == (None, None, None)
    assert latency.tail_thresholds({5: 2_000}) == (6, 6, 6)
    assert latency.tail_thresholds({}, minimum=0) == (None, None, None)


def test_levels_are_checked():
    with pytest.raises(ValueError, match="levels"):
        latency.tail_thresholds({5: 3}, (1.0,), minimum=1)


def test_a_quantile_that_is_a_time_out_compares_time_outs():
    counts = latency.histogram(map(latency.place, [100.0] * 50 + [inf] * 50))
    (threshold,) = latency.tail_thresholds(counts, (0.99,), minimum=1)
    assert threshold == latency.OVERFLOW_BIN
    assert latency.exceedance(latency.place(inf), threshold + latency.margin_bins(0.15))
    assert not latency.exceedance(latency.place(1e6), threshold)


def test_pooling_shifts_the_candidate_down_and_keeps_time_outs():
    candidate = {latency.LOWEST_BIN: 1, 10: 2, latency.OVERFLOW_BIN: 3}
    assert latency.pool(candidate, {10: 5}, 8) == {
        latency.LOWEST_BIN: 1,
        2: 2,
        10: 5,
        latency.OVERFLOW_BIN: 3,
    }


def test_arms_at_the_margin_exceed_alike():
    baseline = [latency.edge(index) * 1.001 for index in range(200, 400)]
    shift = latency.margin_bins(0.15)
    candidate = [ms * latency.GAMMA**shift for ms in baseline]
    pooled = latency.pool(
        latency.histogram(map(latency.place, candidate)), latency.histogram(map(latency.place, baseline)), shift
    )
    for threshold in latency.tail_thresholds(pooled, minimum=1):
        slow = sum(latency.exceedance(latency.place(ms), threshold + shift) for ms in candidate)
        assert slow == sum(latency.exceedance(latency.place(ms), threshold) for ms in baseline) > 0
