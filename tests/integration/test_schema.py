"""Migrations on a real PostgreSQL: up, down, up again, checked, and one at a time."""

import os
import subprocess
import sys

import psycopg
import pytest
from alembic import command
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy.exc import DBAPIError

from monitor.errors import SchemaOutdatedError
from monitor.models.decision import Audit
from monitor.models.route import Phase
from monitor.storage.decisions import DecisionStore
from monitor.storage.schema import _config, check_schema, current_revision, head_revision, upgrade
from monitor.storage.session import Database
from tests.conftest import START, url_for
from tests.support.envoy import wait_until


@pytest.fixture
def empty(server_url):
    name = "fullback_test_empty"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    database = Database(url_for(server_url, name), pool_size=2)
    yield database
    database.close()
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def run(database, what, *arguments):
    config = _config()
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        what(config, *arguments)


def tables(database):
    with psycopg.connect(database.url) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {name for (name,) in found} - {"alembic_version"}


def test_the_models_are_what_the_migrations_make(database):
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE events_20260302 PARTITION OF events FOR VALUES FROM ('2026-03-02') TO ('2026-03-03')"
        )
    run(database, command.check)


def test_down_and_up_again(empty):
    assert upgrade(empty) == head_revision() == current_revision(empty)
    before = tables(empty)
    run(empty, command.downgrade, "base")
    assert tables(empty) == set()
    upgrade(empty)
    assert tables(empty) == before


def test_stored_readings_survive_their_new_form_and_the_way_back(empty):
    run(empty, command.upgrade, "541a7edc8685")
    kept = [{"refusal": 1.0, "latency_e2e": "inf"}, {"request_error": 0.0}, {}]
    with psycopg.connect(empty.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE day PARTITION OF events FOR VALUES FROM ('2026-03-02') TO ('2026-03-03')")
        for readings in kept:
            connection.execute(
                "INSERT INTO events (route_id, start_day, event_key, source, recorder, leg, rule, attempt, request_id, "
                "backend, started_at, received_at, slices, readings) VALUES (0, '2026-03-02', gen_random_uuid(), 's', "
                "'server', 'primary', 'r', 1, %s, 'b', now(), now(), '{}', %s)",
                [str(len(readings)), Jsonb(readings)],
            )
        upgrade(empty)
        rows = connection.execute(
            "SELECT names, readings FROM events JOIN reading_layouts ON id = layout_id ORDER BY request_id DESC"
        ).fetchall()
        told = [{name: value for name, value in zip(*row, strict=True) if value is not None} for row in rows]
        assert told == [{"refusal": 1.0, "latency_e2e": float("inf")}, {"request_error": 0.0}, {}]
        run(empty, command.downgrade, "541a7edc8685")
        back = connection.execute("SELECT readings FROM events ORDER BY request_id DESC").fetchall()
    assert [row[0] for row in back] == kept


def test_days_that_hold_events_are_indexed_one_by_one(empty):
    """The indexes on the whole table take over those of the days; what broke off goes on where it was."""
    run(empty, command.upgrade, "541a7edc8685")
    days = ("events_20260301", "events_20260302")
    with psycopg.connect(empty.url, autocommit=True) as connection:
        for n, day in enumerate(days, 1):
            connection.execute(
                f"CREATE TABLE {day} PARTITION OF events FOR VALUES FROM ('2026-03-0{n}') TO ('2026-03-0{n + 1}')"
            )
        connection.execute(
            "CREATE INDEX events_20260301_subject_idx ON events_20260301 (subject) WHERE subject IS NOT NULL"
        )
    upgrade(empty)
    with psycopg.connect(empty.url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE events_20260303 PARTITION OF events FOR VALUES FROM ('2026-03-03') TO ('2026-03-04')"
        )
        found = connection.execute(
            "SELECT parent.relname, count(*) FROM pg_inherits JOIN pg_class parent ON parent.oid = inhparent "
            "WHERE parent.relkind = 'I' AND parent.relname LIKE 'ix_events_%' GROUP BY 1 ORDER BY 1"
        ).fetchall()
        assert found == [("ix_events_received_at", 3), ("ix_events_started_at", 3), ("ix_events_subject", 3)]
        valid = "SELECT bool_and(indisvalid) FROM pg_index WHERE indexrelid = 'ix_events_subject'::regclass"
        assert connection.execute(valid).fetchall() == [(True,)]
        for day in days:
            indexes = connection.execute("SELECT indexdef FROM pg_indexes WHERE tablename = %s", [day]).fetchall()
            assert len([one for (one,) in indexes if "(subject)" in one]) == 1, "none is built twice"
    run(empty, command.check)


ROWS = """INSERT INTO events (route_id, start_day, event_key, source, recorder, leg, rule, attempt, request_id, backend,
started_at, received_at, slices, layout_id, readings, subject)
SELECT 1, '2026-03-02', gen_random_uuid(), 's', 'server', 'primary', 'r', 1, 'id', 'b', at, at, '{}', 1, '{}',
CASE WHEN extract(minute FROM at) = 7 THEN 'digest' END
FROM generate_series('2026-03-02 00:00+00'::timestamptz, '2026-03-02 23:59+00', '3 s') AS at"""


@pytest.mark.parametrize(
    ("where", "index"),
    [
        ("subject = ANY('{digest,other}')", "events_20260302_subject_idx"),
        ("received_at BETWEEN '2026-03-02 03:00+00' AND '2026-03-02 03:02+00'", "events_20260302_received_at_idx"),
    ],
)
def test_erasure_and_the_looks_by_receive_time_have_an_index(database, where, index):
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE events_20260302 PARTITION OF events FOR VALUES FROM ('2026-03-02') TO ('2026-03-03')"
        )
        connection.execute(ROWS)
        connection.execute("VACUUM ANALYZE events_20260302")
        plan = connection.execute(f"EXPLAIN SELECT request_id FROM events WHERE start_day > '2026-03-01' AND {where}")
        assert index in str(plan.fetchall())


def test_an_empty_schema_is_refused_with_the_command_to_run(empty):
    with pytest.raises(SchemaOutdatedError, match=r"at nothing.*`fullback migrate`"):
        check_schema(empty)


def test_an_older_schema_is_refused_and_a_newer_one_accepted(database, monkeypatch):
    check_schema(database)
    current = current_revision(database)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'fffffffffffe'")
    check_schema(database)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", [current])
    monkeypatch.setattr("monitor.storage.schema.head_revision", lambda: "ffffffffffff")
    with pytest.raises(SchemaOutdatedError, match=f"at {current}.*`fullback migrate`"):
        check_schema(database)


def test_two_callers_migrate_one_after_the_other(empty):
    """Replicas that start together: both wait at the lock, then one migrates and the other finds it done."""
    with psycopg.connect(empty.url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [0x46_42_4D_49])
        callers = [
            subprocess.Popen(
                [sys.executable, "-m", "monitor", "migrate"], env={**os.environ, "FULLBACK_DATABASE_URL": empty.url}
            )
            for _ in range(2)
        ]
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        wait_until(lambda: connection.execute(waiting).fetchall() == [(2,)], "both callers to wait")
        assert current_revision(empty) is None
        connection.execute("SELECT pg_advisory_unlock(%s)", [0x46_42_4D_49])
        assert [caller.wait(60) for caller in callers] == [0, 0]
    check_schema(empty)


@pytest.mark.parametrize("statement", ["UPDATE decisions SET reason = 'other'", "DELETE FROM decisions"])
def test_the_audit_is_append_only(database, statement):
    with database.transaction() as session:
        DecisionStore(session).add(Audit(0, START, "test", "note", Phase.ARMED, Phase.ARMED, "why", 0))
    with pytest.raises(DBAPIError, match="append-only"), database.transaction() as session:
        session.connection().exec_driver_sql(statement)
    with database.reading() as session:
        assert [audit.reason for audit in DecisionStore(session).newest(None, 10)] == ["why"]
