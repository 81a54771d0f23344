"""Arrays as PostgreSQL sends them in binary, decoded all at once."""

import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.storage.leg_columns import decoded_readings

LAYOUTS = {1: ("a", "b", "c"), 2: ("c", "a", "d", "b")}
SIGNALS = ("a", "b", "c", "d")
VALUES = st.one_of(st.none(), st.floats(width=32, allow_nan=False))
ROWS = st.lists(
    st.sampled_from([1, 2]).flatmap(
        lambda number: st.tuples(st.just(number), st.lists(VALUES, max_size=len(LAYOUTS[number])))
    ),
    max_size=12,
)


def sent(values):
    """One array as ``array_send`` gives it."""
    if not values:
        return struct.pack(">iii", 0, 0, 700)
    items = b"".join(struct.pack(">i", -1) if value is None else struct.pack(">if", 4, value) for value in values)
    return struct.pack(">iiiii", 1, None in values, 700, len(values), 1) + items


@given(ROWS)
def test_every_reading_comes_to_its_signal_whatever_is_missing(rows):
    parts = [sent(values) for _, values in rows]
    found = decoded_readings(
        b"".join(parts),
        np.array([len(part) for part in parts], dtype=np.int64),
        np.array([number for number, _ in rows], dtype=np.int64),
        LAYOUTS,
        SIGNALS,
    )
    expected = np.full((len(SIGNALS), len(rows)), np.nan)
    for column, (number, values) in enumerate(rows):
        for name, value in zip(LAYOUTS[number], values, strict=False):
            expected[SIGNALS.index(name), column] = np.nan if value is None else value
    assert np.array_equal(found, expected, equal_nan=True)
