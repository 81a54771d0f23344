"""Numbers on metrics pages, of which anything may be wrong."""

from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.routing.exposition import PageError, series

PAGE = b"""# HELP queue Requests that wait.
# TYPE queue gauge
queue{engine="0",model="chat"} 3.0
queue{engine="1",model="chat"} 4 1772452800000
queue{engine="0",model="other, \\"one\\" {x} 9"} 5e0
queue_peak{model="chat"} 99
# TYPE requests counter
requests_total{cluster="cand"} 12
bare 7
broken{ 1
"""


@pytest.mark.parametrize(
    ("metric", "labels", "values"),
    [
        ("queue", {}, [3, 4, 5]),
        ("queue", {"model": "chat"}, [3, 4]),
        ("queue", {"model": "chat", "engine": "1"}, [4]),
        ("queue", {"model": "nobody"}, []),
        ("queue", {"model": 'other, "one" {x} 9'}, [5]),
        ("requests_total", {"cluster": "cand"}, [12]),
        ("requests", {}, []),
        ("bare", {}, [7]),
        ("nothing", {}, []),
    ],
)
def test_series_are_found_by_name_and_labels(metric, labels, values):
    assert series(PAGE, metric, labels) == values


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (b"\xff\xfe", "the page is no text"),
        (b"queue NaN\n", "queue is nan"),
        (b"queue +Inf\n", "queue is inf"),
        (b"queue -1\n", "queue is -1"),
        (b"queue 1e999\n", "queue is inf"),
        (b"queue many\n", "queue cannot be parsed"),
        (b"queue\t\n", "queue cannot be parsed"),
        (b"queue{ 1\n", "queue cannot be parsed"),
        (b'queue{a="1} 1\n', "queue cannot be parsed"),
        (b"queue 1\nqueue 1\n", "queue is there twice"),
        (b'queue{a="1",b="2"} 1\n# TYPE queue gauge\nqueue{b="2",a="1"} 9\n', "queue is there twice"),
        (b'queue{a="%s"} 1\n' % (b"x" * 20_000), "or a line over 16384 characters"),
        (b"".join(b'queue{a="%d"} 1\n' % n for n in range(5000)), "over 4096 series"),
    ],
)
def test_what_cannot_be_relied_on_is_refused(page, message):
    with pytest.raises(PageError, match=message):
        series(page, "queue", {})


def test_a_value_of_another_series_does_not_matter():
    assert series(b'queue{m="a"} 1\nqueue{m="b"} NaN\n', "queue", {"m": "a"}) == [1]


@given(page=st.binary(max_size=300), tail=st.text(max_size=100))
def test_any_page_is_read_or_refused(page, tail):
    for text in (
        page,
        b"queue" + page,
        f"queue{{{tail}".encode("utf-8", "replace"),
        f"queue {tail}".encode("utf-8", "replace"),
    ):
        try:
            assert all(0 <= value < float("inf") for value in series(text, "queue", {}))
        except PageError as error:
            assert len(str(error)) < 200  # noqa: PT017 - both are right


@pytest.mark.parametrize("line", [b'a="b",' * 2700, b'"' * 16000, b"{" * 16000, b'a="\\' * 4000])
def test_a_hostile_page_costs_no_time(line):
    page = (b"queue{" + line[:16000] + b"} 1\n") * 64
    began = monotonic()
    with pytest.raises(PageError):
        series(page, "queue", {})
    assert monotonic() - began < 5
