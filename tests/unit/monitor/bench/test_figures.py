"""What the benchmarks make of their samples, and which options they refuse."""

import json
from datetime import UTC, date, datetime
from itertools import pairwise
from statistics import fmean

import pytest
from click.testing import CliRunner

from monitor.bench import fold
from monitor.bench.command import bench
from monitor.bench.group_commit import Rivals
from monitor.bench.options import BenchOptions
from monitor.bench.paced import Pace
from monitor.bench.sides import first_day
from monitor.bench.soak import Sample, Soak, summary_of
from monitor.bench.stack import Service
from monitor.bench.stored import Stored
from monitor.bench.tables import medians, quantile
from monitor.storage.measures import Filling

DAY = date(2026, 3, 2)


def samples(*rss_mb):
    """One sample each tenth of a million events."""
    return [Sample(float(n), n * 100_000, rss, queued=n) for n, rss in enumerate(rss_mb)]


def test_memory_that_settles_is_flat():
    summary = summary_of(samples(100, 150, 180, 190, 195, 200, 200, 201, 202, 203, 204))
    assert (summary["rss_mb_at_10"], summary["rss_mb_at_50"], summary["rss_mb_at_100"]) == (150, 200, 204)
    assert summary["last_half_growth"] == 0.02
    assert summary["flat"]
    assert summary["mb_per_million_events_last_half"] == pytest.approx(8.57, abs=0.01)
    assert summary["most_queued"] == 10


def test_memory_that_grows_with_the_events_is_not_flat():
    summary = summary_of(samples(*(100 + 10 * n for n in range(11))))
    assert summary["mb_per_million_events"] == summary["mb_per_million_events_last_half"] == 100
    assert summary["last_half_growth"] == pytest.approx(50 / 150, abs=1e-4)
    assert not summary["flat"]


def test_five_percent_is_not_flat():
    assert not summary_of(samples(*[100.0] * 6, 101, 102, 103, 104, 105.0))["flat"]
    assert summary_of(samples(*[100.0] * 6, 101, 102, 103, 104, 104.9))["flat"]


def test_two_samples_of_nothing_have_no_slope():
    assert summary_of([Sample(0.0, 0, 100.0, 0)] * 2)["mb_per_million_events"] == 0


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.5, 50), (0.95, 95), (0.99, 99), (0.991, 100), (1.0, 100)])
def test_a_quantile_is_the_least_value_that_the_share_does_not_exceed(share, expected):
    assert quantile(list(range(100, 0, -1)), share) == expected


def test_medians_are_taken_column_by_column():
    assert medians({"a": [3, 1, 2], "b": [1.0, 2.0]}) == {"a": 2, "b": 1.5}


def test_even_arrivals_are_the_same_distance_apart():
    assert list(Pace(0.5, arrivals="even").due_s(4, 0.25, seed=1)) == [0.0, 0.25, 0.5, 0.75]


def test_poisson_arrivals_vary_around_the_distance_and_are_the_same_for_a_seed():
    due_s = list(Pace(0.5).due_s(2_000, 0.25, seed=1))
    steps = [later - earlier for earlier, later in pairwise(due_s)]
    assert due_s[0] == 0
    assert fmean(steps) == pytest.approx(0.25, rel=0.1)
    assert fmean(step > 0.25 for step in steps) == pytest.approx(0.37, abs=0.05), "e^-1 of the gaps exceed the mean"
    assert due_s == list(Pace(0.5).due_s(2_000, 0.25, seed=1))
    assert due_s != list(Pace(0.5).due_s(2_000, 0.25, seed=2))


def test_stored_rows_end_today():
    assert Stored(10, 3).days(DAY) == (date(2026, 2, 28), date(2026, 3, 1), DAY)


def test_the_first_days_get_the_rows_that_are_over():
    days = Stored(8, 3).days(DAY)
    assert [n for _, n in Filling(8, days, 1, (1,), "bench").shares()] == [3, 3, 2]


def test_events_of_the_last_minute_may_be_of_yesterday():
    assert first_day(datetime(2026, 3, 2, 0, 0, 59, tzinfo=UTC)) == date(2026, 3, 1)
    assert first_day(datetime(2026, 3, 2, 0, 1, tzinfo=UTC)) == DAY


def test_only_the_variations_need_the_server_of_the_benchmark():
    assert Service().command == ["-m", "monitor", "serve", "--role", "api"]
    assert Service(group_commit=False, writers=3).command == [
        "-m",
        "monitor.bench.server",
        "--group-commit=off",
        "--writers=3",
    ]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BenchOptions(batch=0), "batch must be >= 1, got 0"),
        (lambda: BenchOptions(warm_up=0), "warm_up must be >= 1, got 0"),
        (lambda: BenchOptions(connections=2, processes=3), r"processes must be <= connections \(2\), got 3"),
        (lambda: Service(writers=0), "writers must be >= 1, got 0"),
        (lambda: Rivals(1), "writers must be >= 2, got 1"),
        (lambda: Pace(0.0), "must be > 0, got 0.0"),
        (lambda: Pace(float("nan")), "must be > 0, got nan"),
        (lambda: Pace(0.5, seconds=-1), "must be > 0, got 0.5 and -1"),
        (lambda: Pace(0.5, arrivals="late"), "arrivals must be 'poisson' or 'even', got 'late'"),
        (lambda: Stored(3, 4), "rows must be >= 4, got 3"),
        (lambda: Stored(3, 0), "partitions must be >= 1, got 0"),
        (lambda: Soak(0), "events must be >= 1, got 0"),
        (lambda: Soak(1, 0.0), "sample seconds must be > 0, got 0.0"),
        (lambda: Filling(1, (), 1, (1,), "bench"), "rows must be >= the number of days"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--soak 5 --stored 4", "choose one of --stored, --soak"),
        ("--rate-share 0.5 --compare-group-commit", "choose one of --rate-share, --compare-group-commit"),
        ("--seconds 4", "--seconds has no meaning without --rate-share"),
        ("--text none", "--text has no meaning without --compare-group-commit or --soak or --stored"),
        ("--soak 5 --rounds 2", "--rounds has no meaning with --soak"),
        ("--stored 500 --processes 2", "--processes has no meaning with --stored"),
        ("--compare-group-commit --group-commit off", "--group-commit has no meaning with --compare-group-commit"),
        ("--rate-share 0", "rate share and seconds must be > 0"),
        ("--soak 0", "events must be >= 1, got 0"),
        ("--stored 0", "rows must be >= 365, got 0"),
        ("--events 0", "events must be >= 1, got 0"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_anything_starts(arguments, message):
    done = CliRunner().invoke(bench, ["ingest", *arguments.split()])
    assert done.exit_code == 2
    assert message in done.output


def test_folding_is_measured_in_every_design_with_its_profile():
    done = CliRunner().invoke(bench, ["fold", "--streams", "6", "--ticks", "8", "--rounds", "2", "--json"])
    document = json.loads(done.stdout)
    assert [case["name"] for case in document["cases"]] == [
        "paired",
        "paired, of unlike ages",
        "paired, three levels",
        "unpaired",
    ]
    for case in document["cases"]:
        assert len(case["rounds"]) == 2
        assert sum(case["profile"].values()) == pytest.approx(1.0, abs=0.02)
        assert min(case["profile"][part] for part in ("evidence", "detector", "onset", "certificates", "phi")) > 0
    lines = "\n".join(fold.render(document))
    assert "| paired, three levels |" in lines
    assert "unpaired: " in lines


@pytest.mark.parametrize("wrong", ["--streams 0", "--ticks 0", "--rounds 0", "--seed -1"])
def test_folding_is_not_measured_on_nothing(wrong):
    done = CliRunner().invoke(bench, ["fold", *wrong.split()])
    assert done.exit_code == 2
    assert "must be >=" in done.stderr
