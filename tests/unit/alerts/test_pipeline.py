"""When to try again and when to give up."""

from datetime import UTC, datetime, timedelta

import pytest

from alerts.errors import NotifyError
from alerts.pipeline import Deliver, GiveUp, RetryAt, backoff_s, next_step

NOW = datetime(2026, 11, 21, 7, 10, tzinfo=UTC)
BUSY = NotifyError("Slack answered 503", retryable=True)
GONE = NotifyError("Slack answered 404 no_service", retryable=False)


def test_waits_double_up_to_the_ceiling():
    assert [backoff_s(n, None) for n in range(1, 12)] == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


def test_a_huge_attempt_number_does_not_overflow():
    assert backoff_s(10**9, None) == 300


def test_the_receivers_wish_is_a_lower_bound():
    assert backoff_s(1, 30) == 30
    assert backoff_s(1, 900) == 900
    assert backoff_s(5, 1) == 32
    assert backoff_s(1, 1e9) == 3600
    assert backoff_s(1, float("nan")) == 2
    assert backoff_s(1, -5) == 2


def test_jitter_shortens_the_own_wait_and_never_the_receivers():
    assert backoff_s(3, None, jitter=1) == 4
    assert backoff_s(3, None, jitter=0.5) == 6
    assert backoff_s(3, 8, jitter=1) == 8


def test_base_and_ceiling_are_arguments():
    assert backoff_s(3, None, base=3, ceiling=20) == 20
    assert backoff_s(2, None, base=3, ceiling=20) == 9


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"attempt": 0}, "attempt"),
        ({"attempt": 1, "base": 1}, "base"),
        ({"attempt": 1, "ceiling": 0}, "ceiling"),
        ({"attempt": 1, "jitter": 1.1}, "jitter"),
        ({"attempt": 1, "jitter": float("nan")}, "jitter"),
    ],
)
def test_wrong_parameters_are_named(arguments, name):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        backoff_s(retry_after_s=None, **arguments)


def test_a_new_alert_is_delivered():
    assert next_step(0, None, now=NOW) == Deliver("first attempt")
    with pytest.raises(ValueError, match=r"^attempt must be"):
        next_step(-1, None, now=NOW)


def test_a_failed_attempt_waits_and_then_is_due():
    waiting = next_step(3, BUSY, now=NOW)
    assert waiting == RetryAt(NOW + timedelta(seconds=8), "attempt 3 of 12 failed: Slack answered 503")

    just_before = next_step(3, BUSY, now=NOW, last_attempt_at=NOW - timedelta(seconds=7.9))
    assert isinstance(just_before, RetryAt)
    due = next_step(3, BUSY, now=NOW, last_attempt_at=NOW - timedelta(seconds=8))
    assert due == Deliver("attempt 4 of 12 is due: Slack answered 503")


def test_retry_after_moves_the_time():
    limited = NotifyError("limited", retryable=True, retry_after_s=45)
    step = next_step(1, limited, now=NOW)
    assert isinstance(step, RetryAt)
    assert step.at == NOW + timedelta(seconds=45)


def test_jitter_reaches_the_time():
    step = next_step(3, BUSY, now=NOW, jitter=1)
    assert isinstance(step, RetryAt)
    assert step.at == NOW + timedelta(seconds=4)


def test_a_permanent_error_ends_it_at_once():
    assert next_step(1, GONE, now=NOW) == GiveUp("attempt 1 failed for good: Slack answered 404 no_service")


def test_the_twelfth_failure_ends_it():
    assert isinstance(next_step(11, BUSY, now=NOW), RetryAt)
    assert next_step(12, BUSY, now=NOW) == GiveUp("attempt 12 of 12 failed: Slack answered 503")
    assert isinstance(next_step(2, BUSY, now=NOW, max_attempts=2), GiveUp)


def test_an_attempt_without_a_recorded_outcome_is_made_again_but_not_forever():
    step = next_step(1, None, now=NOW, last_attempt_at=NOW - timedelta(minutes=1))
    assert step == Deliver("attempt 2 of 12 is due: its outcome is unknown")
    assert isinstance(next_step(12, None, now=NOW), GiveUp)


def test_the_default_patience_is_about_23_minutes():
    assert sum(backoff_s(n, None) for n in range(1, 12)) == 1410
