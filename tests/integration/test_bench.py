"""Every benchmark runs on real parts and accounts for every event; its figures are not judged here."""

import asyncio
import json
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta

import psutil
import psycopg
import pytest

from detectors.types import Exchange
from monitor.bench import evaluate, group_commit, ingest, paced, soak, stored
from monitor.bench.events import Generator
from monitor.bench.group_commit import Rivals
from monitor.bench.load import Target, bodies_of, post_all
from monitor.bench.options import BenchError, BenchOptions
from monitor.bench.paced import Pace
from monitor.bench.server import WriterPool
from monitor.bench.sides import Ledger, first_day, side
from monitor.bench.soak import Soak
from monitor.bench.stack import Postgres, Service, arena, postgres, serving
from monitor.bench.stored import Stored
from monitor.clock import FakeClock
from monitor.models.event import Attribution, Event, Leg, Record, Recorder
from monitor.models.text import TextMode
from monitor.services.attribution import event_key
from monitor.services.writer import Batch, GroupWriter
from monitor.storage.measures import Filling, fill
from tests.conftest import START

SMALL = BenchOptions(batch=20, connections=2, rounds=1, events=60, warm_up=100)


@pytest.fixture
def configured(monkeypatch, database_url):
    """The tests' server is measured; whatever was made on it is gone at the end."""
    monkeypatch.setenv("FULLBACK_DATABASE_URL", database_url)
    yield database_url
    assert not rows(database_url, "SELECT datname FROM pg_database WHERE datname LIKE 'fullback_bench_%'")


@pytest.fixture
def said():
    return []


def rows(url, statement):
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(statement).fetchall()


@pytest.mark.parametrize(
    "options",
    [
        BenchOptions(batch=50, connections=2, rounds=2, events=200, warm_up=100),
        BenchOptions(batch=1, connections=4, encoding="none", format="json", rounds=1, events=20, group_commit=False),
        BenchOptions(batch=20, connections=2, encoding="zstd", signals="timing", redact=True, rounds=1, events=60),
    ],
    ids=["gzip", "one by one", "zstd"],
)
def test_every_event_of_a_run_is_accounted_for(configured, said, options):
    document = ingest.run(options, said.append)
    assert [each["ratio"] > 0 for each in document["rounds"]] == [True] * options.rounds
    assert len(ingest.render(document)) == options.rounds + 4
    assert [line[:5] for line in said] == ["warmi", *["round"] * options.rounds]


def test_copy_is_compared_only_where_texts_are_kept(configured, said):
    with pytest.raises(ValueError, match="text must be 'all'"):
        ingest.run(BenchOptions(text=TextMode.NONE), said.append)


def test_an_event_or_a_text_that_is_missing_ends_the_run(configured, database_url):
    options = BenchOptions(batch=20, connections=2, text=TextMode.NONE)
    with arena(Postgres(database_url, None), options) as place:
        now = place.factory.clock.now()
        bodies = list(bodies_of(Generator(1, now).events(40), options.load))
        ledger = Ledger(place.measures, first_day(now), TextMode.NONE)
        with side(place, Service(), options.load, ledger) as ours:
            assert ours.post(bodies[:1]).requests == 1
            with pytest.raises(BenchError, match="20 duplicates"):
                ours.post(bodies[:1])
        ledger = Ledger(place.measures, first_day(now), TextMode.ALL)
        with side(place, Service(), options.load, ledger) as ours, pytest.raises(BenchError, match="0 with text"):
            ours.post(bodies[1:])


def test_connections_are_spread_over_the_processes(configured, database_url):
    options = BenchOptions(batch=5, connections=2)
    with arena(Postgres(database_url, None), options) as place, serving(place.url, Service(processes=2)) as servers:
        bodies = list(bodies_of(Generator(1, place.factory.clock.now()).events(200), options.load))
        post_all(Target(servers.ports, place.keys), bodies, options.load)
        taken = servers.metric("fullback_ingest_requests_total")
        assert sum(taken) == 40
        assert min(taken) > 0
        alone = servers.processes[0].memory_info().rss / 2**20
        assert servers.rss_mb > 1.5 * alone


def test_two_processes_are_compared_with_one_copy(configured, said):
    options = BenchOptions(batch=20, connections=2, processes=2, rounds=1, events=60, warm_up=100)
    document = ingest.run(options, said.append)
    assert document["options"]["processes"] == 2
    assert document["rounds"][0]["ingest"]["server_rss_mb"] > 250, "two processes have the memory of two"


def test_the_open_loop_sends_a_share_of_the_maximum_rate(configured, said):
    document = paced.run(SMALL, Pace(0.25, seconds=1.0, arrivals="even"), said.append)
    seen = document["paced"]
    assert seen["asked_events_per_s"] == pytest.approx(0.25 * document["median"]["events_per_s"], rel=0.01)
    assert seen["requests"] * SMALL.batch == pytest.approx(seen["asked_events_per_s"], rel=0.1, abs=SMALL.batch)
    assert seen["sent_events_per_s"] <= seen["asked_events_per_s"] * 1.001
    assert 0 < seen["ack_p50_ms"] <= seen["ack_p95_ms"] <= seen["ack_p99_ms"] <= seen["ack_max_ms"]
    assert paced.render(document)[-1].startswith("| 0.25 | ")


def test_group_commit_is_compared_with_one_transaction_a_request(configured, said):
    options = BenchOptions(batch=1, connections=16, encoding="none", rounds=2, events=64, warm_up=100)
    document = group_commit.run(options, Rivals(4), said.append)
    for each in document["rounds"]:
        group, one, several = each["sides"].values()
        assert group["commits"] < 64
        assert one["commits"] == several["commits"] == 64
        assert each["ratio_to_one"] == group["cost"]["events_per_s"] / one["cost"]["events_per_s"]
        assert each["ratio_to_several"] == group["cost"]["events_per_s"] / several["cost"]["events_per_s"]
    assert len(group_commit.render(document)) == 3 + 1 + 2 * 3 + 1
    first = [line.split(": ")[0] for line in said if line.startswith("round")]
    assert first[0] == "round 1 of 2, group commit"
    assert first[3] == "round 2 of 2, one connection", "each round begins with another side"


def batch_of(n):
    event = Event(
        recorder=Recorder.SERVER, request_id=f"r{n}", started_at=START, exchange=Exchange(), event_id=f"e{n}", attempt=1
    )
    key = event_key("test", event, Leg.PRIMARY)
    return Batch(
        "test", "native", (Record(event, Attribution(0, None, Leg.PRIMARY, "test"), "test", key, {}, START),), ()
    )


@pytest.mark.parametrize("writers", [1, 3])
def test_each_writer_of_a_pool_has_a_connection(database_url, writers):
    before = len(rows(database_url, "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"))

    async def run():
        pool = WriterPool(
            [GroupWriter(database_url, FakeClock(START), queue_records=100, commit_timeout_s=5) for _ in range(writers)]
        )
        pool.start()
        results = await asyncio.gather(*(pool.submit(batch_of(n)) for n in range(9)))
        connected = rows(database_url, "SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        assert pool.queued == 0
        await pool.stop()
        return results, len(connected)

    results, connected = asyncio.run(run())
    assert [result.stored for result in results] == [1] * 9
    assert connected - before == writers


def test_a_full_database_is_compared_with_an_empty_one(configured, said):
    document = stored.run(SMALL, Stored(103, 4), said.append)
    assert (document["filled"]["rows"], document["filled"]["partitions"]) == (103, 4)
    (each,) = document["rounds"]
    full, empty = (each["sides"][name]["cost"]["events_per_s"] for name in ("full", "empty"))
    assert each["ratio"] == full / empty
    assert "103 rows in 4 partitions" in stored.render(document)[1]
    assert "filled 103 of 103 rows, 4 of 4 partitions" in said


def test_filled_rows_are_spread_evenly_over_their_days(database_url):
    days = tuple(date(2026, 3, 1) + timedelta(days=n) for n in range(3))
    told = []
    fill(database_url, Filling(8, days, 7, (11, 12), "bench"), lambda *n: told.append(n))
    assert told[-1] == (8, 3)
    found = rows(
        database_url,
        "SELECT start_day, count(*), count(text_blob), min(started_at), max(started_at), count(DISTINCT variant_id) "
        "FROM events WHERE route_id = 7 GROUP BY start_day ORDER BY start_day",
    )
    assert [(day, n, texts, variants) for day, n, texts, _, _, variants in found] == [
        (days[0], 3, 0, 2),
        (days[1], 3, 0, 2),
        (days[2], 2, 0, 2),
    ]
    for day, _, _, first, last, _ in found:
        assert first == datetime.combine(day, time(), UTC)
        assert last.astimezone(UTC).date() == day
    visible = (
        "SELECT sum(relallvisible) = sum(relpages) FROM pg_class WHERE relname LIKE 'events\\_2026%' AND relkind = 'r'"
    )
    assert rows(database_url, visible) == [(True,)], "autovacuum would work while something is measured"
    assert rows(database_url, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'event_texts'::regclass") == [(3,)]


def test_a_soak_watches_the_memory_of_the_server_until_the_last_event(configured, said):
    options = BenchOptions(batch=20, connections=2, text=TextMode.NONE)
    document = soak.run(options, Soak(900, sample_s=0.05), said.append)
    samples = document["samples"]
    assert (samples[0]["events"], samples[-1]["events"]) == (0, 900)
    assert len(samples) > 3
    assert all(sample["rss_mb"] > 50 for sample in samples)
    assert document["summary"]["rss_mb_at_100"] == round(samples[-1]["rss_mb"], 1)
    assert 0 <= document["source_wait_share"] <= 1
    assert said[-1].startswith("100 %: 900 events")
    assert "last_half_growth" in soak.render(document)[-1]


def test_an_embedded_server_is_stopped_and_its_disk_is_given_back(monkeypatch):
    monkeypatch.delenv("FULLBACK_DATABASE_URL", raising=False)
    with postgres() as server:
        postmaster = psutil.Process(int((server.folder / "postgres" / "postmaster.pid").read_text().split()[0]))
        with pytest.raises(BenchError, match=r"needs about .* GB on the disk of .* are free"):
            server.require_free(1e18)
        server.require_free(1.0)
    assert not postmaster.is_running() or postmaster.status() == psutil.STATUS_ZOMBIE
    assert not server.folder.exists()


@pytest.mark.parametrize(
    "run",
    [lambda say: soak.run(SMALL, Soak(10**15), say), lambda say: stored.run(SMALL, Stored(10**15), say)],
    ids=["soak", "stored"],
)
def test_what_would_fill_the_disk_does_not_begin(monkeypatch, said, run):
    monkeypatch.delenv("FULLBACK_DATABASE_URL", raising=False)
    with pytest.raises(BenchError, match="ask for less"):
        run(said.append)
    assert not said


def test_the_command_prints_json_on_stdout_and_progress_on_stderr(configured):
    command = "monitor bench ingest --soak 300 --batch 50 --connections 2 --text none --sample-seconds 0.2 --json"
    done = subprocess.run(
        [sys.executable, "-m", *command.split()], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["intake"]["requests"] == 6
    assert "s] sending 300 events" in done.stderr


def test_closing_ticks_is_measured_and_every_pair_counted(configured, said):
    options = evaluate.EvaluateOptions(events=400, streams=80, rounds=2, stored=60, partitions=3)
    document = evaluate.run(options, said.append)
    assert len(document["rounds"]) == 2
    assert document["streams"] >= 80 - 43 // 2
    for each in document["rounds"]:
        assert set(each["stages"]) == set(evaluate.STAGES)
        assert sum(each["stages"].values()) <= each["seconds"]
    lines = evaluate.render(document)
    assert lines[1].startswith("| round | s | read s | pair s | count s | fold s | store s |")
    assert lines[-1].startswith("median: seconds ")


@pytest.mark.parametrize(
    "wrong", [{"events": 1}, {"streams": 0}, {"rounds": 0}, {"partitions": 0}, {"stored": 10, "partitions": 11}]
)
def test_evaluation_is_not_measured_on_nothing(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        evaluate.EvaluateOptions(**wrong)
