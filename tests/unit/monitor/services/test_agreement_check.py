"""A tally of greedy answers against a band: where it stands, its exact interval, and what a finding says of it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from monitor.models.artifact import Artifact
from monitor.models.variant import Role, Tier, Variant
from monitor.services.agreement_band import AgreementBand, agreement_band
from monitor.services.agreement_check import FEWEST, LEVEL, AgreementCheck, Standing, check_agreement
from monitor.services.agreement_tally import AgreementTallies, AgreementTally
from monitor.services.agreement_words import declared_band, finding_detail
from tests.conftest import START

HOUR = timedelta(hours=1)
FOUR = agreement_band(Tier.QUANTIZED, Artifact(bits=4))
LENGTHS = st.dictionaries(st.integers(1, 1000), st.integers(1, 500), min_size=1, max_size=5)


def standing(pairs, differing, band=FOUR, tokens=1):
    return check_agreement(AgreementTally(differing, {tokens: pairs}), band).standing


@pytest.mark.parametrize(
    ("pairs", "differing", "expected"),
    [
        (FEWEST - 1, FEWEST - 1, Standing.TOO_FEW),
        (FEWEST, FEWEST, Standing.BELOW),
        (1000, 120, Standing.INSIDE),
        (1000, 121, Standing.UNSURE),
        (1000, 200, Standing.BELOW),
        (1000, 0, Standing.UNSURE),
        (7000, 0, Standing.UNSURE),
        (8000, 0, Standing.ABOVE),
        (8000, 8, Standing.INSIDE),
    ],
)
def test_outside_takes_the_whole_interval_and_inside_the_share_itself(pairs, differing, expected):
    assert standing(pairs, differing) is expected


@given(st.integers(FEWEST, 5000), st.floats(0, 1))
def test_the_interval_is_the_exact_one(pairs, share):
    differing = round(pairs * share)
    found = check_agreement(AgreementTally(differing, {3: pairs}), FOUR)
    exact = binomtest(pairs - differing, pairs).proportion_ci(LEVEL, "exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=1e-9)
    assert found.low <= found.share <= found.high


@given(LENGTHS)
def test_a_band_of_lengths_lies_between_those_of_the_shortest_and_the_longest(lengths):
    found = FOUR.of_lengths(lengths)
    assert FOUR.of_answers(max(lengths)).low <= found.low + 1e-12
    assert found.low <= FOUR.of_answers(min(lengths)).low + 1e-12
    assert found.high == FOUR.high


def test_a_band_of_lengths_is_their_mean_and_needs_a_pair():
    assert FOUR.of_lengths({1: 30, 2: 10}).low == pytest.approx((3 * 0.88 + 0.88**2) / 4)
    with pytest.raises(ValueError, match="at least one pair, got 0"):
        FOUR.of_lengths({})


@given(LENGTHS, st.data())
def test_more_differences_never_raise_a_standing(lengths, data):
    pairs = sum(lengths.values())
    fewer, more = sorted(data.draw(st.tuples(st.integers(0, pairs), st.integers(0, pairs))))
    rank = [Standing.ABOVE, Standing.INSIDE, Standing.BELOW]
    found = [check_agreement(AgreementTally(n, lengths), FOUR).standing for n in (fewer, more)]
    if all(one in rank for one in found):
        assert rank.index(found[0]) <= rank.index(found[1])


def test_no_share_is_above_a_band_that_reaches_to_one():
    for tier, facts in ((Tier.SERVING, Artifact()), (Tier.QUANTIZED, Artifact(bits=8)), (Tier.QUANTIZED, Artifact())):
        assert standing(100_000, 0, agreement_band(tier, facts)) is Standing.INSIDE


# Tallies

COUNTS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 3), st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
    max_size=20,
)


@given(COUNTS, st.randoms())
def test_a_tally_does_not_depend_on_the_order_and_old_hours_go(counts, chance):
    one, other = AgreementTallies(), AgreementTallies()
    shuffled = list(counts)
    chance.shuffle(shuffled)
    for tallies, given_counts in ((one, counts), (other, shuffled)):
        for hours, variant, reference, tokens, pairs in given_counts:
            tallies.add(START + hours * HOUR, variant, reference, tokens, pairs, pairs // 2)
        tallies.prune(START + 30 * HOUR)
    kept = [c for c in counts if c[0] >= 6]
    for variant in (1, 2, 3):
        for reference in (1, 2, 3):
            mine = [c for c in kept if c[1:3] == (variant, reference)]
            found = one.of(variant, reference)
            assert found == other.of(variant, reference)
            assert found.pairs == sum(c[4] for c in mine)
            assert found.differing == sum(c[4] // 2 for c in mine)


def test_what_is_forgotten_is_gone_on_either_side():
    tallies = AgreementTallies()
    for variant, reference in ((2, 1), (3, 1), (1, 1)):
        tallies.add(START, variant, reference, 2, 10, 3)
    tallies.forget(2)
    assert (tallies.of(2, 1).pairs, tallies.of(3, 1).pairs, tallies.of(1, 1).pairs) == (0, 10, 10)
    tallies.forget(1)
    assert (tallies.of(3, 1), tallies.of(1, 1)) == (AgreementTally(0, {}), AgreementTally(0, {}))


# What is declared, and what a finding says


def variant(id_, name, role=Role.CANDIDATE, tier=Tier.QUANTIZED, **facts):
    return Variant(id_, 1, name, role, name, "x", tier, None, None, START, Artifact(**facts))


BASE = variant(1, "bf16", Role.BASELINE, Tier.SERVING)
TUNED = variant(2, "tuned", tier=Tier.DERIVED)


@pytest.mark.parametrize(
    ("one", "reference", "band"),
    [
        (BASE, BASE, agreement_band(Tier.SERVING, Artifact())),
        (
            replace(BASE, tier=Tier.QUANTIZED),
            replace(BASE, tier=Tier.QUANTIZED),
            agreement_band(Tier.SERVING, Artifact()),
        ),
        (variant(3, "int4", bits=4), BASE, FOUR),
        (TUNED, BASE, agreement_band(Tier.DERIVED, Artifact())),
        (variant(3, "tuned-int4", tier=Tier.DERIVED, bits=4), TUNED, FOUR),
    ],
)
def test_the_band_is_that_of_the_declaration_and_of_what_it_compares_with(one, reference, band):
    assert declared_band(one, reference) == band


def checked(standing_):
    return AgreementCheck(standing_, 400, 0.5, 0.42, 0.58, AgreementBand(0.7, 0.99, "x"))


@pytest.mark.parametrize(
    ("one", "standing_", "says"),
    [
        (variant(3, "int4", bits=4), Standing.BELOW, "quantized (4 bits) allows at least 70.0%: coarser than declared"),
        (variant(3, "int4"), Standing.ABOVE, "quantized (bits not stated) allows at most 99.0%: finer than declared"),
        (TUNED, Standing.ABOVE, "a derived model allows at most 99.0%: perhaps bf16's own weights answer"),
        (variant(3, "fp16", tier=Tier.SERVING), Standing.BELOW, "traffic cannot tell whether fp16 or bf16"),
        (BASE, Standing.BELOW, "bf16 and its own mirror gave the same greedy answer in 50.0% of 400 pairs"),
    ],
)
def test_a_finding_says_what_was_found_and_what_may_explain_it(one, standing_, says):
    assert says in finding_detail(one, BASE, checked(standing_))


def test_too_few_pairs_make_no_finding():
    with pytest.raises(ValueError, match="12 pairs are too few"):
        finding_detail(BASE, BASE, AgreementCheck(Standing.TOO_FEW, 12))
