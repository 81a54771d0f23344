"""The benchmark runs and accounts for every event; its figures are not judged here."""

import pytest

from monitor.bench.ingest import BenchOptions, render, run_bench


@pytest.fixture(autouse=True)
def configured(monkeypatch, database_url):
    monkeypatch.setenv("FULLBACK_DATABASE_URL", database_url)


@pytest.mark.parametrize(
    "options",
    [
        BenchOptions(batch=50, connections=2, rounds=2, events=200),
        BenchOptions(batch=1, connections=4, encoding="none", format="json", rounds=1, events=20, group_commit=False),
        BenchOptions(batch=20, connections=2, encoding="zstd", signals="timing", redact=True, rounds=1, events=60),
    ],
    ids=["gzip", "one by one", "zstd"],
)
def test_every_event_of_a_run_is_accounted_for(options):
    document = run_bench(options)
    assert len(document["rounds"]) == options.rounds
    assert all(each["ratio"] > 0 for each in document["rounds"])
    assert len(render(document)) == options.rounds + 4


def test_numbers_below_one_are_refused():
    with pytest.raises(ValueError, match="batch must be >= 1, got 0"):
        BenchOptions(batch=0)
