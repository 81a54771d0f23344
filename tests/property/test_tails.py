"""Laws of tails by strata: the arms are treated alike, the strata part the pairs, windows are sums."""

from collections import Counter
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from detectors.stats import latency
from detectors.types import PairCounts
from monitor.services.histories import _WINDOWS_S, History, _Window
from monitor.services.load import Footing
from monitor.services.strata import ancestors
from tests.support.record_by_record import Pair, score_tails

E2E = "latency_e2e"
MS = st.floats(1.0, 20_000.0)
READINGS = st.one_of(MS, MS.map(lambda ms: -ms), st.just(inf), st.just(0.0), st.none())
TOKENS = st.one_of(st.none(), st.integers(0, 3_000))
PAIRS = st.lists(
    st.builds(
        lambda x, y, slices, primary, shadow: Pair(
            2,
            1,
            None if x is None else {E2E: x},
            None if y is None else {E2E: y},
            frozenset({E2E}),
            frozenset({"all", *slices}),
            primary,
            shadow,
        ),
        READINGS,
        READINGS,
        st.sampled_from([(), ("prompt:1k",), ("prompt:8k", "first_turn")]),
        TOKENS,
        TOKENS,
    ),
    max_size=25,
)
EDGES = st.tuples(*[st.one_of(st.none(), st.integers(100, 500))] * 3)


def swapped(pair):
    return Pair(2, 1, pair.shadow, pair.primary, pair.applicable, pair.slices, pair.shadow_tokens, pair.primary_tokens)


def transposed(counts):
    return PairCounts(n11=counts.n11, n10=counts.n01, n01=counts.n10, n00=counts.n00)


def score(pairs, edges, margin=0.0, **how):
    """Every stratum has a threshold of its own, told by its name alone."""

    def thresholds(stratum):
        return tuple(None if edge is None else edge + sum(map(len, stratum)) % 40 for edge in edges)

    return score_tails(
        pairs, 2, 1, E2E, "all", relative_margin=margin, thresholds=thresholds, footing=Footing("load:1"), **how
    )


@given(PAIRS, EDGES)
def test_swapping_equal_arms_transposes_the_tables_and_moves_no_threshold(pairs, edges):
    here, there = score(pairs, edges), score([swapped(pair) for pair in pairs], edges)
    assert there.harm == tuple(map(transposed, here.safe)), "harm of one is safety of the other"
    assert there.complete == tuple(map(transposed, here.complete))
    assert there.histogram == here.histogram
    assert (there.paired, there.unlike) == (here.paired, here.unlike)


@given(PAIRS, EDGES, st.floats(0.0, 0.5))
def test_strata_part_the_pairs_and_the_tables_are_their_sums(pairs, edges, margin):
    whole = score(pairs, edges, margin)
    parts = [score([pair], edges, margin) for pair in pairs]
    for name in ("harm", "safe", "complete"):
        for level in range(3):
            assert getattr(whole, name)[level] == sum((getattr(one, name)[level] for one in parts), PairCounts())
    for name in ("paired", "unlike", "missing_candidate", "missing_baseline"):
        assert getattr(whole, name) == sum(getattr(one, name) for one in parts)
    assert latency.merge(*whole.histogram.values()) == latency.merge(*(h for p in parts for h in p.histogram.values()))
    assert sum(table.n for table in whole.harm[:1]) <= whole.scored - whole.unlike


@given(PAIRS, EDGES, st.floats(0.0, 0.5))
def test_what_is_not_known_only_ever_speaks_against_the_claim(pairs, edges, margin):
    found = score(pairs, edges, margin)
    for harm, safe in zip(found.harm, found.safe, strict=True):
        assert harm.n == safe.n
        assert harm.n10 - harm.n01 <= safe.n10 - safe.n01


@given(PAIRS, EDGES, st.floats(0.1, 0.99))
def test_leaving_earlier_never_makes_a_candidate_look_slower(pairs, edges, share):
    def sooner(pair):
        if pair.primary is None or pair.primary[E2E] >= 0.0:
            return pair
        return Pair(
            2,
            1,
            {E2E: pair.primary[E2E] * share},
            pair.shadow,
            pair.applicable,
            pair.slices,
            pair.primary_tokens,
            pair.shadow_tokens,
        )

    before, after = score(pairs, edges), score([sooner(pair) for pair in pairs], edges)
    for earlier, later in zip(after.harm, before.harm, strict=True):
        assert earlier.n10 <= later.n10


STRATA = st.sampled_from([(), ("a",), ("a", "x"), ("a", "y"), ("b", "x"), ("b", "x", "1")])
TICKS = st.lists(
    st.dictionaries(STRATA, st.dictionaries(st.integers(-5, 5), st.integers(1, 4), max_size=3), max_size=3),
    max_size=30,
)


@given(TICKS, st.integers(1, 12), st.integers(1, 12))
def test_a_window_is_the_sum_of_its_ticks_for_every_stratum_and_all_that_hold_it(ticks, short, long):
    history = History("f", 0, (_Window(short), _Window(long)))
    for number, histograms in enumerate(ticks, 1):
        history.before(number)
        history.add(number, histograms)
    now = len(ticks) + 1
    history.before(now)
    for window in history.windows:
        expected = {}
        for number, histograms in enumerate(ticks, 1):
            if number >= now - window.length:
                for stratum, counts in histograms.items():
                    for holder in ancestors(stratum):
                        expected.setdefault(holder, Counter()).update(counts)
        assert {stratum: bins_of(counts) for stratum, counts in window.sums.items()} == {
            stratum: dict(counts) for stratum, counts in expected.items() if counts
        }


def bins_of(counts):
    return {int(place) + latency.LOWEST_BIN: int(counts[place]) for place in counts.nonzero()[0]}


def a_history(*ticks):
    history = History("f", 0, tuple(_Window(length / 10.0) for length in _WINDOWS_S))
    for number, histograms in ticks:
        history.before(number)
        history.add(number, histograms)
    return history


def test_a_thin_stratum_borrows_from_the_narrowest_that_holds_it_and_has_enough():
    history = a_history((1, {("a", "x"): {10: 1_999}, ("a", "y"): {20: 3_000}, ("b", "x"): {90: 2_000}}))
    assert history.thresholds(("a", "y")) == (21, 21, 21)
    assert history.thresholds(("a", "x")) == (21, 21, 21), "those of a: 1,999 and 3,000 values"
    assert history.thresholds(("b", "new")) == (91, 91, 91)
    assert history.thresholds(("c", "x")) == history.thresholds(()) == (91, 91, 91)
    assert a_history((1, {("a", "x"): {10: 1_999}})).thresholds(("a", "x")) == (None, None, None)


def test_five_minutes_count_where_they_hold_enough_and_an_hour_otherwise():
    old, new = (1, {("a",): {10: 5_000}}), (200, {("a",): {50: 2_000}})
    assert a_history(old, new).before(201).thresholds(("a",)) == (51, 51, 51)
    assert a_history(old, (200, {("a",): {50: 400}})).before(201).thresholds(("a",)) == (11, 51, 51)
    assert a_history(old).before(362).thresholds(("a",)) == (None, None, None)


@given(st.lists(st.dictionaries(st.integers(-350, 1_500), st.integers(1, 900), min_size=1, max_size=6), max_size=8))
def test_a_window_finds_the_thresholds_of_its_sum(ticks):
    window = _Window(3.0)
    history = History("f", 0, (window,))
    for tick, counts in enumerate(ticks):
        history.add(tick, {("prompt:1k",): counts})
    history.before(len(ticks))
    kept = latency.merge(*ticks[-3:])
    expected = latency.tail_thresholds(kept)
    for stratum in ((), ("prompt:1k",)):
        assert (window.thresholds(stratum) or (None,) * 3) == expected
