"""How long a source may be quiet: by its own gaps, or by its hours while too few were seen."""

from datetime import timedelta

import pytest

from monitor.services.silence import Gaps, limit_by_hours
from tests.conftest import START

HOURS = [START - timedelta(hours=n) for n in range(5, -1, -1)]


def with_gaps(*seconds: float) -> Gaps:
    gaps, at = Gaps(START), START
    for gap in seconds:
        at += timedelta(seconds=gap)
        gaps.observe(at)
    return gaps


@pytest.mark.parametrize(
    ("seconds", "limit_s"),
    [
        ([1] * 10, 60),
        ([12] * 10, 60),
        ([60] * 5, 300),
        ([300] * 20, 1500),
        ([10] * 62 + [7200], 60),
        ([600, 10, 600, 10, 600, 10], 3000),
    ],
)
def test_the_limit_is_five_usual_gaps_and_at_least_a_minute(seconds, limit_s):
    assert with_gaps(*seconds).limit(HOURS).total_seconds() == limit_s


def test_few_gaps_say_nothing():
    assert with_gaps(*[1] * 4).usual() is None
    assert with_gaps(*[1] * 4).limit(HOURS) == timedelta(hours=1)


def test_old_gaps_are_forgotten():
    assert with_gaps(*[3600] * 64, *[1] * 64).limit(HOURS) == timedelta(seconds=60)


def test_the_same_or_an_older_record_is_no_delivery():
    gaps = with_gaps(*[60] * 5)
    gaps.observe(START)
    gaps.observe(gaps.last_at)
    assert gaps.usual() == timedelta(seconds=60)


@pytest.mark.parametrize(
    ("hours", "limit"),
    [([], 1), (HOURS[:1], 1), (HOURS, 1), (HOURS[::2], 10)],
)
def test_by_hours(hours, limit):
    assert limit_by_hours(hours) == timedelta(hours=limit)
