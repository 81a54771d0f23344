"""The short form of the kill matrix: one run of each kind."""

import pytest

from tests.e2e.kill_matrix import KINDS, matrix


@pytest.mark.e2e
def test_kills_under_load_lose_double_and_miscount_nothing():
    outcomes = matrix(len(KINDS), 5_000, seed=11, size=50, kills=1)
    assert [outcome.kind for outcome in outcomes] == list(KINDS)
    for outcome in outcomes:
        assert not outcome.wrong, outcome
        assert outcome.kills == 1
        assert outcome.resent > 0, "nothing was under way when it was killed"
