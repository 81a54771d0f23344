import pytest

from detectors.types import Failure, Margin, Outcome, PairCounts


@pytest.mark.parametrize("bad", [{"absolute": 1.0}, {"absolute": -0.1}, {"relative": -1}, {"relative": float("inf")}])
def test_margins_are_checked(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        Margin(**bad)


def test_counts_are_checked():
    with pytest.raises(ValueError, match="n01"):
        PairCounts(n01=-1)


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
