"""A PostgreSQL of its own in a temporary directory, for work whose data nobody keeps."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from monitor.storage.schema import upgrade
from monitor.storage.session import Database, embedded_url, stop_embedded

__all__ = ["throwaway_database"]


@contextmanager
def throwaway_database() -> Iterator[Database]:
    """Start an embedded PostgreSQL, give out its migrated database, and remove everything at the end.

    It does not wait for the disk: a crash loses what the next run makes again.
    """
    folder = Path(tempfile.mkdtemp(prefix="fullback-replay-"))
    try:
        url = embedded_url(folder)
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                for setting in ("fsync", "full_page_writes"):
                    connection.execute(f"ALTER SYSTEM SET {setting} TO off")
                connection.execute("SELECT pg_reload_conf()")
            database = Database(url)
            try:
                upgrade(database)
                yield database
            finally:
                database.close()
        finally:
            stop_embedded(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
