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
