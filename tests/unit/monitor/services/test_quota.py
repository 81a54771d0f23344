"""A source may fill its share of the queue and no more."""

import pytest

from monitor.errors import OverloadedError, SourceQuotaError
from monitor.services.quota import SourceQuota
from monitor.telemetry import SOURCE_REFUSALS


def test_a_flood_is_refused_and_others_go_on():
    quota = SourceQuota(100, 0.5)
    before = SOURCE_REFUSALS.labels("flood")._value.get()
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


def test_one_request_alone_always_fits():
    quota = SourceQuota(10, 0.1)
    with quota.admit("big", 1000), pytest.raises(SourceQuotaError):
        quota.check("big")


def test_what_fails_is_given_back():
    quota = SourceQuota(10, 1)
    with pytest.raises(ZeroDivisionError), quota.admit("s", 5):
        raise ZeroDivisionError
    assert quota.held("s") == 0


def test_a_refusal_means_send_again():
    assert issubclass(SourceQuotaError, OverloadedError)
    assert SourceQuotaError.status == 503
    assert int(SourceQuotaError.headers["Retry-After"]) >= 1
