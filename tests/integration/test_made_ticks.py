"""The benchmark's traffic, as it is stored: pairs over the whole tick, every tenth of the baseline with itself."""

from datetime import timedelta

from sqlalchemy import text

from monitor.storage.made_ticks import MadeTick, make_ticks
from monitor.storage.routes import RouteStore
from tests.support.events import BASE, add_route

PAIRS = 40
LENGTH = timedelta(seconds=10)


def made(factory, clock, database_url):
    route, start = add_route(factory), clock.now()
    with factory.database.reading() as session:
        ids = {one.name: one.id for one in RouteStore(session).variants(route.id)}
    base, candidate = ids.pop(BASE), ids.popitem()[1]
    make_ticks(database_url, [MadeTick(route.id, base, candidate, start, start + LENGTH, PAIRS)])
    with factory.database.reading() as session:
        rows = session.execute(text("SELECT request_id, leg, variant_id, started_at FROM events")).all()
    return (base, candidate, start), rows


def test_pairs_are_made_over_the_tick_and_every_tenth_is_the_baseline_with_itself(factory, clock, database_url):
    (base, candidate, start), rows = made(factory, clock, database_url)
    assert len(rows) == 2 * PAIRS
    primary = {row.request_id: row for row in rows if row.leg == "primary"}
    shadow = {row.request_id: row for row in rows if row.leg == "shadow"}
    assert primary.keys() == shadow.keys()
    assert {row.variant_id for row in shadow.values()} == {base}
    by_start = sorted(primary.values(), key=lambda row: row.started_at)
    assert [row.variant_id for row in by_start] == ([base] + 9 * [candidate]) * (PAIRS // 10)
    assert [row.started_at for row in by_start] == [start + LENGTH * n / PAIRS for n in range(PAIRS)]
