import pytest

from detectors.types import ArmCounts, Failure, Margin, Outcome, PairCounts


@pytest.mark.parametrize("bad", [{"absolute": 1.0}, {"absolute": -0.1}, {"relative": -1}, {"relative": float("inf")}])
def test_margins_are_checked(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        Margin(**bad)


def test_counts_are_checked():
    with pytest.raises(ValueError, match="n01"):
        PairCounts(n01=-1)


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ({"candidate_n": -1}, "candidate_n"),
        ({"candidate_bad": 1}, "candidate_bad"),
        ({"baseline_n": 2, "baseline_bad": -1}, "baseline_bad"),
        ({"baseline_n": 2, "baseline_bad": 3}, r"baseline_bad must be in \[0, 2\] \(baseline_n\), got 3"),
    ],
)
def test_arms_are_checked(bad, named):
    with pytest.raises(ValueError, match=named):
        ArmCounts(**bad)


@pytest.mark.parametrize(
    ("counts", "sizes"),
    [(PairCounts(1, 2, 3, 4), (10, 10, 3, 10, 4)), (ArmCounts(7, 2, 5, 1), (12, 7, 2, 5, 1))],
    ids=str,
)
def test_both_designs_are_read_alike(counts, sizes):
    assert (counts.n, counts.candidate_n, counts.candidate_bad, counts.baseline_n, counts.baseline_bad) == sizes
    assert type(counts)(*counts.cells) == counts
    assert counts + type(counts)() == counts


def test_counts_of_two_designs_do_not_add():
    with pytest.raises(TypeError):
        PairCounts() + ArmCounts()


@pytest.mark.parametrize(
    ("outcome", "failed"),
    [
        (Outcome(), False),
        (Outcome(status=200), False),
        (Outcome(status=429), True),
        (Outcome(status=503), True),
        (Outcome(failure=Failure.TIMEOUT), True),
        (Outcome(status=200, failure=Failure.ABORT), True),
    ],
)
def test_outcome_knows_failure(outcome, failed):
    assert outcome.failed is failed
