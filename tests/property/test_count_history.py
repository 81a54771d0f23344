"""Laws of putting counts together: sums, whatever the order and the steps; and which resolution suffices."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.models.count_history import WIDTHS, Bucket, Resolution, begin_of, resolution_for, together

MINUTE, HOUR = WIDTHS[Resolution.MINUTE], WIDTHS[Resolution.HOUR]
START = datetime(2026, 3, 2, 11, 58, tzinfo=UTC)
CELLS = st.tuples(*[st.integers(0, 50)] * 4)
BUCKETS = st.lists(
    st.builds(
        Bucket,
        stream_id=st.integers(1, 3),
        started_at=st.integers(0, 8_000).map(lambda s: START + timedelta(seconds=s)),
        ticks=st.integers(1, 3),
        complete=st.lists(CELLS, min_size=1, max_size=3).map(tuple),
        missing=st.tuples(st.integers(0, 9), st.integers(0, 9)),
        histogram=st.dictionaries(st.integers(-350, 1500), st.integers(1, 9), max_size=4),
    ),
    max_size=20,
)
KEPT = {Resolution.TICK: timedelta(days=7), Resolution.MINUTE: timedelta(days=35), Resolution.HOUR: timedelta(days=400)}


@settings(deadline=None)
@given(BUCKETS, st.randoms())
def test_hours_of_minutes_are_hours_of_ticks_in_any_order(buckets, random):
    shuffled = random.sample(buckets, len(buckets))
    assert together(together(shuffled, MINUTE), HOUR) == together(buckets, HOUR)


@settings(deadline=None)
@given(BUCKETS)
def test_nothing_is_lost_and_nothing_is_moved_to_another_stream(buckets):
    found = together(buckets, HOUR)
    assert len({(one.stream_id, one.started_at) for one in found}) == len(found)
    for stream in (1, 2, 3):
        mine, theirs = ([one for one in some if one.stream_id == stream] for some in (buckets, found))
        assert sum(one.ticks for one in mine) == sum(one.ticks for one in theirs)
        assert sum(sum(map(sum, one.complete)) for one in mine) == sum(sum(map(sum, one.complete)) for one in theirs)
        assert sum(map(sum, (one.missing for one in mine))) == sum(map(sum, (one.missing for one in theirs)))
        assert sum(sum(one.histogram.values()) for one in mine) == sum(sum(one.histogram.values()) for one in theirs)


@settings(deadline=None)
@given(st.integers(0, 10**9), st.sampled_from([MINUTE, HOUR, timedelta(seconds=7)]))
def test_a_stretch_of_time_holds_its_instants(seconds, width):
    at = START + timedelta(seconds=seconds)
    assert begin_of(at, width) <= at < begin_of(at, width) + width
    assert begin_of(begin_of(at, width), width) == begin_of(at, width)


@settings(deadline=None)
@given(st.floats(0.01, 390), st.floats(0, 390))
def test_a_resolution_suffices_for_a_chart_and_is_still_kept(span_days, ended_days_ago):
    span = timedelta(days=span_days)
    age = min(span + timedelta(days=ended_days_ago), timedelta(days=399))
    found = resolution_for(span, age, KEPT)
    assert age <= KEPT[found]
    finer = list(Resolution)[: list(Resolution).index(found)]
    enough = found is Resolution.TICK or span >= 120 * WIDTHS[found]
    assert enough or all(age > KEPT[one] for one in finer), "coarser than a chart needs only where the finer is gone"
    assert span / WIDTHS.get(found, timedelta(seconds=1)) <= 14_400, "and few rows whatever the age"
