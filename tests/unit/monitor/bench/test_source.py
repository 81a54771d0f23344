"""The source of the events of a long run."""

import json
import multiprocessing
from datetime import UTC, datetime

import pytest

from monitor.bench.events import Generator, Ring
from monitor.bench.load import Load, LoadError
from monitor.bench.source import Source, source_bodies

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def test_ids_are_new_while_texts_return_and_are_renewed():
    events = [json.loads(raw) for raw in Ring(Generator(1, NOW), size=10, renewed_every=4).events(100)]
    assert len({event["event_id"] for event in events}) == 100
    assert len({event["request_id"] for event in events}) == 100
    assert all(event["event_id"] == f"chatcmpl-{event['request_id']}" for event in events)
    texts = [json.dumps(event["request"]) for event in events]
    assert 10 + 20 < len(set(texts)) <= 10 + 25, "ten to begin with, and a new one every four"


def test_another_process_makes_every_event_once():
    with source_bodies(Source(25, Load(10, 1, "none", "json"), 1, NOW)) as bodies:
        batches = [json.loads(body) for body in bodies]
        assert [len(batch) for batch in batches] == [10, 10, 5]
        assert len({event["event_id"] for batch in batches for event in batch}) == 25
    assert not multiprocessing.active_children()


def test_a_source_that_ends_early_is_no_short_run():
    with source_bodies(Source(1_000_000, Load(100, 1), 1, NOW)) as bodies:
        next(bodies)
        (child,) = multiprocessing.active_children()
        child.kill()
        with pytest.raises(LoadError, match="of 10000 requests"):
            list(bodies)


def test_a_source_whose_bodies_nobody_wants_any_more_is_stopped():
    with source_bodies(Source(1_000_000, Load(100, 1), 1, NOW)) as bodies:
        next(bodies)
    assert not multiprocessing.active_children()
