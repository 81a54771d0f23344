"""The database of many cells of the flip matrix, and the power to take it away."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from monitor.models.event import Record
from monitor.storage.events import add_events
from monitor.storage.schema import upgrade
from monitor.storage.session import Database

__all__ = ["Site", "site_of"]


class Site:
    """A database of many cells, and the power to take it away."""

    def __init__(self, url: str, admin_url: str) -> None:
        self.url = url
        self.away = False
        self._admin_url, self._name = admin_url, url.partition("?")[0].rpartition("/")[2]
        self._runner = asyncio.Runner()
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self.database = Database(url, pool_size=3)

    def cut(self) -> None:
        """PostgreSQL ends every connection and takes no new one."""
        self.away = True
        self._administer(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS false")
        self._administer(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}'")
        if self._connection is not None:
            self._runner.run(self._connection.close())
            self._connection = None

    def heal(self) -> None:
        self._administer(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS true")
        self.away = False

    def store(self, records: list[Record]) -> None:
        """Store events by the writer's own statement."""
        self._runner.run(self._store(records))

    def close(self) -> None:
        if self._connection is not None:
            self._runner.run(self._connection.close())
        self._runner.close()
        self.database.close()

    async def _store(self, records: list[Record]) -> None:
        if self._connection is None:
            self._connection = await psycopg.AsyncConnection.connect(self.url)
        await add_events(self._connection, records)
        await self._connection.commit()

    def _administer(self, statement: str) -> None:
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def site_of(server_url: str, name: str) -> Iterator[Site]:
    """A fresh migrated database on a server."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    before, _, query = server_url.partition("?")
    url = f"{before.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")
    database = Database(url, pool_size=1)
    upgrade(database)
    database.close()
    site = Site(url, server_url)
    try:
        yield site
    finally:
        site.close()
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
