"""Stored sketches keep their bytes: a changed bin, edge or layout would spoil every sketch already written."""

import pytest

from detectors.stats.sketch import Sketch

TICKS = [
    [120.0, 118.0, 240.0, 80.5, 121.0],
    [95.0, 1_900.0, 0.0, 133.7],
    [float("inf"), 60_000.0, 99.9, 100.0],
]
STORED = [
    "46424c010005bb04011301010101012201",
    "46424c0100040001c304011201860101",
    "46424c010003c60402c30201b10701",
]
MERGED = "46424c01000c0001bb04010801030208010101010105011d016901ae0101b10701"
COLLAPSED = "46424c01d00406000805011d016901ae0101b10701"
JSON = {"format": 1, "gamma": 1.02, "floor": -350, "bins": [[-350, 1], [229, 1], [247, 1], [381, 1]]}


@pytest.mark.parametrize(("values", "stored"), list(zip(TICKS, STORED, strict=True)))
def test_a_tick_has_the_bytes_it_always_had(values, stored):
    assert Sketch.of(values).to_bytes().hex() == stored
    assert Sketch.from_bytes(bytes.fromhex(stored)) == Sketch.of(values)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_merged_from_storage_in_any_order(order):
    first, *others = (Sketch.from_bytes(bytes.fromhex(STORED[i])) for i in order)
    assert first.merged(*others).to_bytes().hex() == MERGED


def test_a_collapsed_merge():
    merged = Sketch.from_bytes(bytes.fromhex(MERGED))
    assert merged.collapsed(6).to_bytes().hex() == COLLAPSED
    assert merged.collapsed(6).merged(Sketch.of(TICKS[0])).n == 18


def test_the_json_form():
    assert Sketch.of(TICKS[1]).to_json() == JSON
    assert Sketch.from_json(JSON) == Sketch.of(TICKS[1])
