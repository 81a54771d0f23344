"""Whether the baseline may take the traffic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.controller.preflight import judge_baseline
from monitor.models.policy import PreflightPolicy

POLICY = PreflightPolicy(window_s=120, min_events=50, max_error_rate=0.02)


@pytest.mark.parametrize(
    ("answers", "failed", "healthy"),
    [
        (0, 0, False),
        (49, 0, False),
        (50, 0, True),
        (50, 1, True),
        (50, 2, False),
        (100, 2, True),
        (100, 3, False),
        (100, 100, False),
    ],
)
def test_the_limits(answers, failed, healthy):
    assert judge_baseline(answers, failed, POLICY).healthy is healthy


def test_the_reasons_name_value_and_limit():
    assert judge_baseline(12, 0, POLICY).reason == (
        "the baseline answered 12 requests in 120 s, 50 are needed to call it healthy"
    )
    assert judge_baseline(200, 9, POLICY).reason == "the baseline itself fails 4.5 % of 200 requests (limit 2 %)"
    assert judge_baseline(200, 1, POLICY).reason == "the baseline is healthy: 1 of 200 answers failed"


@given(st.integers(0, 10000), st.data())
def test_more_failures_never_make_it_healthy(answers, draws):
    failed = draws.draw(st.integers(0, answers))
    if not judge_baseline(answers, failed, POLICY).healthy:
        assert not judge_baseline(answers, draws.draw(st.integers(failed, answers)), POLICY).healthy


@given(st.integers(0, 49))
def test_no_data_is_never_healthy(answers):
    assert not judge_baseline(answers, 0, POLICY).healthy
