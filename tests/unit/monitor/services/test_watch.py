"""What a stream remembers survives its row, as this release and the one before it stored it."""

from dataclasses import asdict
from datetime import UTC, datetime

import msgspec
import pytest

from detectors.stats.fleet import start
from detectors.stats.fleet_states import Member, stored_of
from detectors.stats.guard import GuardState
from detectors.stats.stream import StreamConfig
from detectors.types import ArmCounts, Design, Margin, PairCounts
from monitor.models.evidence import Evidence
from monitor.services.arms import Arms
from monitor.services.folding import Due, fold_together
from monitor.services.watch import OwnAlarm, Remembered

BITS = StreamConfig(Margin(absolute=0.01), levels=1, threshold=1e4)
ALARM = OwnAlarm(datetime(2026, 3, 2, tzinfo=UTC), Evidence(pairs=7), "why")


def remembered(arms):
    state = Member(start([BITS]), 0)
    for tick in range(3):
        [(state, _)] = fold_together([Due(state, BITS, *[(PairCounts(1, 9, 0, 90),)] * 2)], tick)
    return Remembered(state, GuardState(50.0, 1.0), 4, ALARM, arms)


@pytest.mark.parametrize("arms", [Arms(), Arms(waiting=ArmCounts(3, 1, 2, 0), baseline_away=7)], ids=["pairs", "arms"])
def test_a_memory_survives_its_row(arms):
    memory = remembered(arms)
    row = msgspec.json.decode(msgspec.json.encode(memory.to_json()))
    again = Remembered.from_json(row)
    assert again.state.plain() == memory.state.plain()
    assert (again.pairing, again.idle, again.alarm, again.arms) == (memory.pairing, 4, ALARM, arms)
    assert msgspec.json.decode(msgspec.json.encode(again.to_json())) == row


def test_a_row_of_the_release_before_is_read():
    memory = remembered(Arms())
    row = {
        "detector": memory.state.plain().to_json(),
        "guard": [50.0, 1.0],
        "idle": 4,
        "alarm": asdict(ALARM) | {"at": ALARM.at.isoformat()},
        "arms": Arms().to_json(),
    }
    again = Remembered.from_json(msgspec.json.decode(msgspec.json.encode(row)))
    assert again.state.plain() == memory.state.plain()
    assert again.arms == Arms()


@pytest.mark.parametrize("without", ["certify", "count"])
def test_a_fleet_that_leaves_something_out_is_not_stored(without):
    config = StreamConfig(Margin(), levels=3, threshold=1e4, design=Design.UNPAIRED)
    with pytest.raises(ValueError, match="must keep certificates and counts to be stored"):
        stored_of(start([config], **{without: False}))
