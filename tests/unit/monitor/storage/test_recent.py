from datetime import date

import pytest

from monitor.storage.recent import RecentIdentities

DAY = date(2026, 3, 2)


def test_the_last_ones_are_known_and_old_ones_are_forgotten():
    recent = RecentIdentities(generation=10)
    for n in range(100):
        recent.add([(1, DAY, n)])
    known = [n for n in range(100) if (1, DAY, n) in recent]
    assert known == list(range(known[0], 100))
    assert 10 <= len(known) <= 20


def test_route_day_and_key_all_count():
    recent = RecentIdentities()
    recent.add([(1, DAY, 5)])
    assert (1, DAY, 5) in recent
    assert not any(each in recent for each in [(2, DAY, 5), (1, date(2026, 3, 3), 5), (1, DAY, 6)])
    recent.clear()
    assert (1, DAY, 5) not in recent


def test_a_generation_holds_something():
    with pytest.raises(ValueError, match="generation must be >= 1, got 0"):
        RecentIdentities(0)
