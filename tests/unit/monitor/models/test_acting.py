"""Freeze windows and the breaker's limit."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.models.acting import BreakerPolicy, FreezeWindow

BERLIN = "Europe/Berlin"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "when", "inside"),
    [
        # 2026-03-06 is a Friday
        (FreezeWindow(("fri",), "16:00", "24:00"), "2026-03-06T15:59:59", False),
        (FreezeWindow(("fri",), "16:00", "24:00"), "2026-03-06T16:00:00", True),
        (FreezeWindow(("fri",), "16:00", "24:00"), "2026-03-06T23:59:59", True),
        (FreezeWindow(("fri",), "16:00", "24:00"), "2026-03-07T00:00:00", False),
        # over midnight it belongs to the day on which it begins
        (FreezeWindow(("fri",), "22:00", "06:00"), "2026-03-06T05:00:00", False),
        (FreezeWindow(("fri",), "22:00", "06:00"), "2026-03-06T22:00:00", True),
        (FreezeWindow(("fri",), "22:00", "06:00"), "2026-03-07T05:59:00", True),
        (FreezeWindow(("fri",), "22:00", "06:00"), "2026-03-07T06:00:00", False),
        (FreezeWindow(("sun",), "22:00", "06:00"), "2026-03-09T01:00:00", True),
        # a day that begins in Berlin before it does in UTC
        (FreezeWindow(("sat",), "00:00", "24:00", BERLIN), "2026-03-06T22:59:00", False),
        (FreezeWindow(("sat",), "00:00", "24:00", BERLIN), "2026-03-06T23:00:00", True),
        # the clock goes forward on 2026-03-29: 02:00 is 03:00, and the wall's clock counts
        (FreezeWindow(("sun",), "01:30", "03:30", BERLIN), "2026-03-29T00:29:00", False),
        (FreezeWindow(("sun",), "01:30", "03:30", BERLIN), "2026-03-29T00:30:00", True),
        (FreezeWindow(("sun",), "01:30", "03:30", BERLIN), "2026-03-29T01:29:00", True),
        (FreezeWindow(("sun",), "01:30", "03:30", BERLIN), "2026-03-29T01:30:00", False),
        # and back on 2026-10-25: 02:30 comes twice, and both are inside
        (FreezeWindow(("sun",), "02:00", "03:00", BERLIN), "2026-10-25T00:30:00", True),
        (FreezeWindow(("sun",), "02:00", "03:00", BERLIN), "2026-10-25T01:30:00", True),
        (FreezeWindow(("sun",), "02:00", "03:00", BERLIN), "2026-10-25T02:00:00", False),
    ],
)
def test_the_wall_clock_of_its_zone_counts(window, when, inside):
    assert window.covers(at(when)) is inside


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda one: one.replace(tzinfo=UTC)))  # noqa: DTZ001
def test_a_whole_day_is_a_day_and_every_day_is_always(when):
    assert FreezeWindow().covers(when)
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    assert [day for day in days if FreezeWindow((day,)).covers(when)] == [days[when.weekday()]]


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda one: one.replace(tzinfo=UTC)),  # noqa: DTZ001
    st.integers(0, 23),
    st.integers(0, 23),
)
def test_a_window_and_the_one_from_its_end_to_its_start_share_no_moment(when, start, end):
    if start != end:
        one, other = f"{start:02}:00", f"{end:02}:00"
        assert FreezeWindow(start=one, end=other).covers(when) != FreezeWindow(start=other, end=one).covers(when)


@pytest.mark.parametrize(("routes", "limit"), [(0, 3.0), (1, 3.0), (15, 3.0), (16, 3.2), (100, 20.0)])
def test_the_breaker_takes_the_larger_of_number_and_share(routes, limit):
    assert BreakerPolicy().limit(routes) == pytest.approx(limit)


@given(st.integers(0, 10_000))
def test_more_routes_never_lower_the_limit(routes):
    assert BreakerPolicy().limit(routes + 1) >= BreakerPolicy().limit(routes)
    assert BreakerPolicy(window_s=timedelta(minutes=1).total_seconds()).limit(routes) == BreakerPolicy().limit(routes)
