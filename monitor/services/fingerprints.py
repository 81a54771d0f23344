"""Fingerprints: a variant whose ``system_fingerprint`` changes unannounced is a finding, and its streams start anew."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from alerts.types import Fact
from monitor.clock import Clock
from monitor.models.finding import FindingKind
from monitor.models.route import Route
from monitor.models.variant import Role, Variant
from monitor.services.findings import About, FindingService
from monitor.storage.findings import FindingStore
from monitor.storage.fingerprints import Fingerprint, FingerprintStore
from monitor.storage.routes import RouteStore
from monitor.storage.session import Database

__all__ = ["FingerprintService", "builds_of"]

_LOOK_BACK: Final = timedelta(minutes=10)
_OVERLAP: Final = timedelta(minutes=2)
"""How late an event may be shipped and still be looked at."""
_SETTLED: Final = timedelta(hours=1)
"""So long the newest one must have been alone; so long an old one must have been away to count as new again."""
_MOST_A_DAY: Final = 8
_SHOWN: Final = 80


class FingerprintService:
    """Looks at the answers of the last minutes. A variant's first fingerprint is only remembered."""

    def __init__(self, database: Database, findings: FindingService, clock: Clock) -> None:
        self._database = database
        self._findings = findings
        self._clock = clock
        self._looked_at: datetime | None = None

    def run(self) -> None:
        """Store what was seen since the last run, open findings for changes, close those that settled."""
        now = self._clock.now()
        since = now - _LOOK_BACK
        if self._looked_at is not None:
            since = max(since, min(self._looked_at, now) - _OVERLAP)
        with self._database.transaction() as session:
            store = FingerprintStore(session)
            seen: dict[int, list[Fingerprint]] = {}
            for one in store.seen(since, now + _OVERLAP):
                seen.setdefault(one.variant_id, []).append(one)
            routes = {route.id: route for route in RouteStore(session).all()}
            variants = {variant.id: variant for variant in RouteStore(session).variants()}
            for variant_id in sorted(seen.keys() & variants.keys()):
                variant = variants[variant_id]
                self._take(session, routes[variant.route_id], variant, variants.values(), seen[variant_id], now)
            self._close_settled(session, routes, variants, now)
        self._looked_at = now

    def _take(
        self,
        session: Session,
        route: Route,
        variant: Variant,
        variants: Iterable[Variant],
        seen: Sequence[Fingerprint],
        now: datetime,
    ) -> None:
        store = FingerprintStore(session)
        before = store.of_variant(variant.id)
        store.keep(seen, _SETTLED, before[-1].text if before else None)
        store.prune(variant.id)
        after = store.of_variant(variant.id)
        newest = after[-1]
        if len(after) == 1 or (before and before[-1].text == newest.text) or newest.text == variant.digest:
            return
        baseline = next((v.name for v in variants if v.route_id == route.id and v.role is Role.BASELINE), "")
        older, newer = after[-2].text[:_SHOWN], newest.text[:_SHOWN]
        effect = "its streams start anew"
        if _unstable(after):
            effect = "it changes too often for its streams to start anew each time"
        self._findings.open(
            session,
            FindingKind.FINGERPRINT_CHANGED,
            _subject(route, variant),
            f"{variant.name} answers with system_fingerprint {newer!r} instead of {older!r}: {effect}",
            About(variant.name, route.name, baseline, (Fact("Before", older), Fact("Now", newer))),
            now,
        )

    @staticmethod
    def _close_settled(
        session: Session, routes: Mapping[int, Route], variants: Mapping[int, Variant], now: datetime
    ) -> None:
        found = FindingStore(session).open_of(FindingKind.FINGERPRINT_CHANGED)
        if not found:
            return
        for variant in variants.values():
            finding = found.get(_subject(routes[variant.route_id], variant))
            if finding is not None and _settled(FingerprintStore(session).of_variant(variant.id), now):
                FindingStore(session).close(finding.id, now)


def builds_of(fingerprints: Iterable[Fingerprint]) -> dict[int, str]:
    """Return, per variant, what stands for its present build in its streams' fingerprints.

    A variant that ever had one fingerprint only has none: learning it is no change. One that changes its fingerprint
    all the time (a pool of unlike servers) has a constant: else its streams would never learn anything.
    """
    grouped: dict[int, list[Fingerprint]] = {}
    for one in fingerprints:
        grouped.setdefault(one.variant_id, []).append(one)
    return {
        variant: "unstable" if _unstable(found) else found[-1].text
        for variant, found in grouped.items()
        if len(found) > 1
    }


def _unstable(fingerprints: Sequence[Fingerprint]) -> bool:
    """Tell whether more new fingerprints than a person would deploy were first seen within a day of the newest."""
    since = fingerprints[-1].first_seen_at - timedelta(days=1)
    return sum(one.first_seen_at > since for one in fingerprints) > _MOST_A_DAY


def _settled(fingerprints: Sequence[Fingerprint], now: datetime) -> bool:
    """Tell whether the newest has been the only one for a while."""
    *others, newest = fingerprints
    long_ago = now - _SETTLED
    return newest.first_seen_at <= long_ago and all(one.last_seen_at <= long_ago for one in others)


def _subject(route: Route, variant: Variant) -> str:
    return f"{route.name}/{variant.name}"
