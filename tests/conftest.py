"""Fixtures: a real PostgreSQL, one fresh migrated database per test, cloned from a template."""

import getpass
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient
from psycopg import sql

from monitor.clock import FakeClock
from monitor.config import Settings
from monitor.factory import Factory
from monitor.main import ServiceRole, create_app
from monitor.storage.schema import upgrade
from monitor.storage.session import Database, embedded_url

_TEMPLATE = f"fullback_template_{os.getpid()}"
"""Of this process: several may test at once on one server."""
_numbers = count(1)

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The PostgreSQL server of the test session: the one configured, else an embedded one of its own."""
    configured = os.environ.get("FULLBACK_TEST_DATABASE_URL")
    if configured:
        yield configured
        return
    folder = Path(tempfile.mkdtemp(prefix=f"fullback-tests-{getpass.getuser()}-", dir="/tmp"))
    folder.chmod(0o711)
    url = embedded_url(folder)
    with psycopg.connect(url, autocommit=True) as connection:
        # A database per test: dropping one waits for the disk, unless the server is told that nothing must last.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    yield url
    shutil.rmtree(folder, ignore_errors=True)


def _administer(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def url_for(server_url: str, name: str) -> str:
    """The URL of another database on the same server."""
    before, _, query = server_url.partition("?")
    return f"{before.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """A migrated database that every test's own is cloned from."""
    drop = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(_TEMPLATE))
    _administer(server_url, drop)
    _administer(server_url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
    database = Database(url_for(server_url, _TEMPLATE), pool_size=1)
    upgrade(database)
    database.close()
    yield _TEMPLATE
    _administer(server_url, drop)


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """The URL of a fresh migrated database."""
    name = f"fullback_test_{os.getpid()}_{next(_numbers)}"
    _administer(
        server_url,
        sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)),
    )
    yield url_for(server_url, name)
    _administer(server_url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh migrated database."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock(START)


@pytest.fixture
def settings() -> Settings:
    """Settings of a service under test."""
    return Settings(ui_auth="off", commit_timeout_s=5)


@pytest.fixture
def factory(database: Database, clock: FakeClock, settings: Settings) -> Factory:
    """A factory over the test's database and clock."""
    return Factory(settings, clock=clock, database=database)


@pytest.fixture
def client(factory: Factory) -> Iterator[TestClient]:
    """The HTTP interface over the factory, without a worker: tests take its steps themselves."""
    with TestClient(create_app(factory, ServiceRole.API)) as opened:
        yield opened


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their place: what is compressed holds the time, and all processes must collect the same names."""
    return argname if isinstance(val, bytes) else None
