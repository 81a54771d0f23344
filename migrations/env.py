"""How migrations run: one at a time, with short lock waits, against the configured database."""

import re
from typing import Any

from alembic import context
from sqlalchemy import Connection, text

import monitor.storage.breakages
import monitor.storage.comparability
import monitor.storage.late_events
import monitor.storage.rolled_counts
import monitor.storage.slice_seats  # noqa: F401 - tables that have modules of their own
from monitor.config import Settings
from monitor.storage import event_tables  # noqa: F401 - it adds its tables
from monitor.storage.session import Database, resolve_url
from monitor.storage.tables import Base

_ADVISORY_LOCK = 0x46_42_4D_49  # "FBMI"
_PARTITION = re.compile(r"^(events|event_texts)_\d{8}$")


def include_name(name: str | None, type_: str, parent_names: Any) -> bool:  # noqa: ARG001 - Alembic's signature
    """Leave the daily partitions out of comparisons: the service makes and drops them."""
    return not (type_ == "table" and name is not None and _PARTITION.match(name))


def migrate(connection: Connection) -> None:
    """Run under an advisory lock so that replicas starting together queue up."""
    connection.execute(text("SET statement_timeout = '10min'"))
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _ADVISORY_LOCK})
    connection.execute(text("SET lock_timeout = '10s'"))
    connection.commit()
    try:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_name=include_name,
            transaction_per_migration=True,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _ADVISORY_LOCK})
        connection.commit()


def main() -> None:
    """Use the connection handed over by the caller, or open one as configured."""
    handed = context.config.attributes.get("connection")
    if handed is not None:
        migrate(handed)
        return
    database = Database(resolve_url(Settings()), pool_size=1)
    with database.engine.connect() as connection:
        migrate(connection)
    database.close()


main()
