"""A short-lived copy of routes, variants and attribution rules for the ingest path."""

import threading
from datetime import datetime, timedelta

from monitor.clock import Clock
from monitor.errors import DatabaseUnavailableError
from monitor.services.attribution import Catalog
from monitor.services.rule_set import ready
from monitor.storage.routes import RouteStore
from monitor.storage.rules import RuleStore
from monitor.storage.session import Database

__all__ = ["CatalogCache"]

_FRESH_FOR = timedelta(seconds=2)


class CatalogCache:
    """Reads the catalogue at most every two seconds, and keeps the last one while Postgres is away."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._catalog: Catalog | None = None
        self._fresh_until: datetime | None = None

    def get(self) -> Catalog:
        """Return the catalogue.

        Raises:
            DatabaseUnavailableError: it cannot be read and was never read before.
        """
        with self._lock:
            now = self._clock.now()
            if self._catalog is not None and self._fresh_until is not None and now < self._fresh_until:
                return self._catalog
            try:
                self._catalog = self._read()
            except DatabaseUnavailableError:
                if self._catalog is None:
                    raise
            self._fresh_until = now + _FRESH_FOR
            return self._catalog

    def fresh(self) -> bool:
        """Tell whether ``get`` would answer without asking Postgres."""
        until = self._fresh_until
        return self._catalog is not None and until is not None and self._clock.now() < until

    def forget(self) -> None:
        """Read anew at the next use: a route, variant or rule was just changed here."""
        with self._lock:
            self._fresh_until = None

    def _read(self) -> Catalog:
        with self._database.reading() as session:
            store = RouteStore(session)
            routes = {route.name: route for route in store.all()}
            variants = store.variants()
            rules = RuleStore(session).all()
        by_route = {route.id: [v for v in variants if v.route_id == route.id] for route in routes.values()}
        return Catalog(routes, by_route, ready(rules, routes, by_route))
