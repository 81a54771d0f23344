"""While others send, a source may fill its share of the queue and no more."""

from contextlib import ExitStack
from datetime import timedelta

import pytest

from monitor.clock import FakeClock
from monitor.errors import OverloadedError, SourceQuotaError
from monitor.services.quota import SourceQuota
from monitor.telemetry import SOURCE_REFUSALS
from tests.conftest import START

MINUTE, MOMENT = timedelta(minutes=1), timedelta(microseconds=1)


@pytest.fixture
def clock():
    return FakeClock(START)


def test_a_flood_is_refused_and_others_go_on(clock):
    quota = SourceQuota(100, 0.5, clock)
    before = SOURCE_REFUSALS.labels("flood")._value.get()
    quota.check("other")
    with quota.admit("flood", 30), quota.admit("flood", 20):
        with pytest.raises(SourceQuotaError), quota.admit("flood", 1):
            pass
        with pytest.raises(SourceQuotaError):
            quota.check("flood")
        quota.check("other")
        with quota.admit("other", 50):
            assert quota.held("other") == 50
    assert SOURCE_REFUSALS.labels("flood")._value.get() == before + 2
    assert quota.held("flood") == quota.held("other") == 0
    quota.check("flood")


def test_a_source_alone_may_fill_the_queue(clock):
    quota = SourceQuota(100, 0.5, clock)
    with ExitStack() as stack:
        for _ in range(10):
            quota.check("lone")
            stack.enter_context(quota.admit("lone", 10))
        assert quota.held("lone") == 100
        quota.check("lone")


def test_the_share_binds_for_a_minute_after_another_source_sent(clock):
    quota = SourceQuota(100, 0.5, clock)
    quota.check("other")
    quota.check("flood")
    with quota.admit("flood", 50):
        clock.advance(MINUTE - MOMENT)
        with pytest.raises(SourceQuotaError):
            quota.check("flood")
        clock.advance(MOMENT)
        quota.check("flood")
        with quota.admit("flood", 50):
            quota.check("other")
            with pytest.raises(SourceQuotaError):
                quota.check("flood")


def test_the_share_binds_while_records_of_another_source_wait(clock):
    quota = SourceQuota(100, 0.5, clock)
    with quota.admit("other", 1), quota.admit("flood", 50):
        clock.advance(10 * MINUTE)
        with pytest.raises(SourceQuotaError), quota.admit("flood", 1):
            pass
    with quota.admit("flood", 50), quota.admit("flood", 1):
        quota.check("flood")


@pytest.mark.parametrize("order", ["abab", "aab", "abb", "acb", "bca", "abcab"])
def test_who_sends_is_told_whatever_the_order(clock, order):
    quota = SourceQuota(10, 0.5, clock)
    for name in order:
        quota.check(name)
    for name in set(order):
        with quota.admit(name, 5), pytest.raises(SourceQuotaError), quota.admit(name, 1):
            pass


def test_one_request_alone_always_fits(clock):
    quota = SourceQuota(10, 0.1, clock)
    quota.check("other")
    with quota.admit("big", 1000), pytest.raises(SourceQuotaError):
        quota.check("big")


def test_what_fails_is_given_back(clock):
    quota = SourceQuota(10, 1, clock)
    with pytest.raises(ZeroDivisionError), quota.admit("s", 5):
        raise ZeroDivisionError
    assert quota.held("s") == 0


def test_empty_requests_may_end_in_any_order(clock):
    quota = SourceQuota(10, 1, clock)
    first, second, third = quota.admit("s", 0), quota.admit("s", 3), quota.admit("s", 0)
    for one in (first, second, third):
        one.__enter__()
    for one in (first, second, third):
        one.__exit__(None, None, None)
    assert quota.held("s") == 0


def test_many_sources_are_not_remembered(clock):
    quota = SourceQuota(10, 1, clock)
    for n in range(1000):
        quota.check(f"source-{n}")
        with quota.admit(f"source-{n}", 1):
            pass
    assert not quota._held


def test_a_refusal_means_send_again():
    assert issubclass(SourceQuotaError, OverloadedError)
    assert SourceQuotaError.status == 503
    assert int(SourceQuotaError.headers["Retry-After"]) >= 1
