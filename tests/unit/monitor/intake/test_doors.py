import json
from datetime import UTC, datetime

import pytest

from monitor.intake.doors import DOORS
from monitor.intake.limits import Limits
from monitor.models.event import Event, Recorder, Rejection

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
EXAMPLES = {
    "native": ("/v1/events", Recorder.SERVER, {"request_id": "r", "started_at": "2026-11-21T07:59:00Z"}),
    "access-logs": (
        "/v1/access-logs",
        Recorder.GATEWAY,
        {"request_id": "r", "start_time": "2026-11-21T07:59:00Z"},
    ),
}


def test_every_door_has_an_example():
    assert set(DOORS) == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_door(name):
    path, recorder, doc = EXAMPLES[name]
    door = DOORS[name]
    assert (door.name, door.path, door.recorder) == (name, path, recorder)
    found = door.parse(json.dumps(doc).encode(), 0, NOW, Limits()).result
    assert isinstance(found, Event)
    assert found.recorder is recorder


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"\xff", b'{"request_id":NaN}', b"[" * 100_000])
def test_every_door_rejects_what_is_no_event(name, raw):
    found = DOORS[name].parse(raw, 5, NOW, Limits()).result
    assert isinstance(found, Rejection)
    assert (found.index, found.size) == (5, len(raw))
