from dataclasses import replace
from math import inf

import pytest

from detectors.stats import latency
from detectors.types import PairCounts
from monitor.services.load import Footing
from tests.support.record_by_record import Pair, score_tails

BASELINE, CANDIDATE = 1, 2
E2E, TTFT = "latency_e2e", "latency_ttft"
EDGE = latency.bin_of(1_000.0)
C, OVER = latency.edge(EDGE), latency.edge(EDGE + latency.margin_bins(0.15))
BUSY = Footing("load:2")


def pair(candidate, baseline, *, signal=E2E, slices=("prompt:1k",), tokens=(100, 100)):
    def leg(ms):
        return None if ms is None else {signal: ms}

    return Pair(
        CANDIDATE,
        BASELINE,
        leg(candidate),
        leg(baseline),
        frozenset({signal}),
        frozenset({"all", *slices}),
        *tokens,
    )


def scored(*pairs, signal=E2E, thresholds=None, footing=BUSY, **limits):
    known = (lambda _: (EDGE, None, None)) if thresholds is None else thresholds
    return score_tails(
        pairs,
        CANDIDATE,
        BASELINE,
        signal,
        "all",
        relative_margin=0.15,
        thresholds=known,
        footing=footing,
        **limits,
    )


def test_the_candidate_is_allowed_the_margin():
    found = scored(pair(OVER, C), pair(OVER * 0.999, C * 0.999), pair(C, C), pair(OVER, 1.0))
    assert found.harm == (PairCounts(n11=1, n00=1, n01=1, n10=1), PairCounts(), PairCounts())
    assert found.harm == found.safe == found.complete


def test_each_pair_is_held_against_its_own_strata_threshold():
    short, long = pair(OVER, 1.0), pair(OVER, 1.0, slices=("prompt:over32k",))
    asked = []

    def thresholds(stratum):
        asked.append(stratum)
        return (EDGE if stratum[0] == "prompt:1k" else EDGE + 50, None, None)

    assert scored(short, long, long, thresholds=thresholds).harm[0] == PairCounts(n10=1, n00=2)
    assert asked == [("prompt:1k", "output:256", "load:2"), ("prompt:over32k", "output:256", "load:2")]


def test_the_answers_length_matters_for_the_time_to_its_end_alone():
    asked = []
    for signal in (E2E, TTFT, "latency_tpot", "latency_queue", "output_length"):
        scored(pair(1.0, 1.0, signal=signal), signal=signal, thresholds=lambda s: (asked.append(s), (None,) * 3)[1])
    assert asked == [("prompt:1k", "output:256", "load:2"), *[("prompt:1k", "load:2")] * 3, ()]


@pytest.mark.parametrize("tokens", [(100, 126), (126, 100), (9, 18), (0, 9)])
def test_answers_of_unlike_length_are_left_out(tokens):
    found = scored(pair(OVER, 1.0, tokens=tokens))
    assert found.harm == (PairCounts(),) * 3
    assert (found.paired, found.unlike, found.histogram) == (1, 1, {})
    assert scored(pair(OVER, 1.0, signal=TTFT, tokens=tokens), signal=TTFT).harm[0] == PairCounts(n10=1)


@pytest.mark.parametrize("tokens", [(100, 125), (125, 100), (9, 17), (0, 8), (0, 0)])
def test_answers_of_like_length_are_compared(tokens):
    assert scored(pair(OVER, 1.0, tokens=tokens)).harm[0] == PairCounts(n10=1)


@pytest.mark.parametrize("tokens", [(None, 40), (40, None), (None, None)])
def test_one_arms_length_alone_never_chooses_the_stratum(tokens):
    found = scored(pair(10.0, 10.0, tokens=tokens))
    assert list(found.histogram) == [("prompt:1k", "output:unknown", "load:2")]


def test_the_longer_answer_names_the_stratum_whichever_it_is():
    assert scored(pair(1.0, 1.0, tokens=(60, 70))).histogram == scored(pair(1.0, 1.0, tokens=(70, 60))).histogram
    assert next(iter(scored(pair(1.0, 1.0, tokens=(4_000, 4_000))).histogram))[1] == "output:over1k"


def test_what_is_not_known_has_a_stratum_of_its_own():
    found = scored(pair(1.0, 1.0, slices=()), footing=Footing())
    assert list(found.histogram) == [("prompt:unknown", "output:256", "load:unknown")]


def test_a_time_out_exceeds():
    assert scored(pair(inf, 10.0, tokens=(None, 100))).harm[0] == PairCounts(n10=1)


def test_a_client_that_left_past_the_threshold_had_waited_too_long():
    found = scored(pair(-OVER, 10.0), pair(10.0, -C))
    assert found.harm[0] == found.safe[0] == found.complete[0] == PairCounts(n10=1, n01=1)


def test_a_client_that_left_before_counts_against_the_claim():
    found = scored(pair(-OVER * 0.99, 10.0), pair(10.0, -C * 0.99), pair(-1.0, C))
    assert found.harm[0] == PairCounts(n00=1, n01=2)
    assert found.safe[0] == PairCounts(n10=1, n00=1, n11=1)
    assert found.complete[0] == PairCounts()
    assert (found.paired, found.one_sided) == (3, 0), "nothing was lost: the guard has no reason to trip"


def test_a_censored_pair_is_in_no_histogram_with_neither_leg():
    found = scored(pair(-5_000.0, 10.0), pair(10.0, -5_000.0), pair(20.0, 20.0))
    assert sum(sum(counts.values()) for counts in found.histogram.values()) == 2


def test_a_missing_leg_counts_against_the_claim():
    found = scored(pair(None, C), pair(OVER, None))
    assert found.harm[0] == PairCounts(n01=1, n11=1)
    assert found.safe[0] == PairCounts(n11=1, n10=1)
    assert (found.missing_candidate, found.missing_baseline) == (1, 1)


def test_a_threshold_past_the_limit_is_not_tested():
    assert scored(pair(inf, 10.0), limit_ms=OVER).harm == (PairCounts(),) * 3
    assert scored(pair(inf, 10.0), limit_ms=OVER * 1.01).harm[0] == PairCounts(n10=1)


def test_arms_under_unlike_load_are_not_compared():
    found = scored(pair(OVER, 1.0), pair(OVER, None), footing=replace(BUSY, unlike=True))
    assert found.harm == (PairCounts(),) * 3
    assert (found.paired, found.unlike, found.missing_baseline, found.histogram) == (1, 1, 1, {})


def test_amounts_are_compared_whatever_the_load():
    found = scored(pair(OVER, 1.0, signal="output_length"), signal="output_length", footing=Footing("load:1", True))
    assert found.harm[0] == PairCounts(n10=1)
    assert list(found.histogram) == [()]
