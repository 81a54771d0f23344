"""The schema's version: upgrading it, and refusing to run on another."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from monitor.errors import SchemaOutdatedError
from monitor.storage.session import Database

__all__ = ["check_schema", "current_revision", "head_revision", "upgrade"]


def _config() -> Config:
    import migrations

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return config


def head_revision() -> str | None:
    """Return the revision that this code needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def current_revision(database: Database) -> str | None:
    """Return the revision the database is at, None for an empty one."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def check_schema(database: Database) -> None:
    """Refuse a database whose schema is older than ours.

    A newer one (a revision we do not know) is accepted: migrations only expand until the release after, so that a
    rolling update or its rollback keeps the older processes serving.

    Raises:
        SchemaOutdatedError: it is older; the message names the command to run.
    """
    current, head = current_revision(database), head_revision()
    if current != head and (current is None or _known(current)):
        raise SchemaOutdatedError(
            f"the database schema is at {current or 'nothing'}, this version needs {head}: run `fullback migrate`"
        )


def _known(revision: str) -> bool:
    script = ScriptDirectory.from_config(_config())
    return revision in {known.revision for known in script.walk_revisions()}


def upgrade(database: Database) -> str | None:
    """Bring the schema to the newest revision and return it."""
    config = _config()
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return head_revision()
