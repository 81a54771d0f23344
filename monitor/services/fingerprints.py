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
from monitor.storage.watermarks import WatermarkStore

__all__ = ["FingerprintService", "builds_of"]

_WATERMARK: Final = "fingerprints"
_FIRST_LOOK: Final = timedelta(minutes=10)
_STEP: Final = timedelta(minutes=10)
_MOST_STEPS: Final = 36
"""After a pause a look catches up in such steps and no further: what it costs does not grow with the pause."""
_SKEW: Final = timedelta(seconds=10)
"""How far the receive clocks of the processes may lie apart."""
_SETTLED: Final = timedelta(hours=1)
"""So long the newest one must have been alone; so long an old one must have been away to count as new again."""
_MOST_A_DAY: Final = 8
_SHOWN: Final = 80


class FingerprintService:
    """Looks at the answers that were received since the last look. A variant's first fingerprint is only remembered.

    An event is visible at most two commit timeouts after it was received, so each look begins that much before the end
    of the last one: an event may be seen twice, which changes nothing, and none is missed however late it is shipped.
    """

    def __init__(
        self,
        database: Database,
        findings: FindingService,
        clock: Clock,
        *,
        commit_timeout: timedelta,
        oldest: timedelta,
    ) -> None:
        self._database = database
        self._findings = findings
        self._clock = clock
        self._overlap = 2 * commit_timeout + _SKEW
        self._oldest = oldest

    def run(self) -> None:
        """Store what was received since the last look, open findings for changes, close those that settled."""
        now = self._clock.now()
        for _ in range(_MOST_STEPS):
            if self._step(now):
                return

    def _step(self, now: datetime) -> bool:
        """Take one step, and return whether it reached the present.

        What was seen, its findings and the watermark are one transaction: a change is told of exactly once.
        """
        with self._database.transaction() as session:
            marks = WatermarkStore(session)
            mark = max(min(marks.get(_WATERMARK) or now - _FIRST_LOOK, now), now - self._oldest)
            until = min(now, mark + _STEP)
            seen: dict[int, list[Fingerprint]] = {}
            for one in FingerprintStore(session).received(mark - self._overlap, until + _SKEW, self._oldest):
                seen.setdefault(one.variant_id, []).append(one)
            routes = {route.id: route for route in RouteStore(session).all()}
            variants = {variant.id: variant for variant in RouteStore(session).variants()}
            for variant_id in sorted(seen.keys() & variants.keys()):
                variant = variants[variant_id]
                self._take(session, routes[variant.route_id], variant, variants.values(), seen[variant_id], now)
            self._close_settled(session, routes, variants, now)
            marks.set(_WATERMARK, until)
        return until == now

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
        if len(after) == 1 or newest.text == variant.digest or not _changed(before, after):
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

    def _close_settled(
        self, session: Session, routes: Mapping[int, Route], variants: Mapping[int, Variant], now: datetime
    ) -> None:
        found = FindingStore(session).open_of(FindingKind.FINGERPRINT_CHANGED)
        if not found:
            return
        for variant in variants.values():
            finding = found.get(_subject(routes[variant.route_id], variant))
            if finding is None or finding.opened_at > now - _SETTLED:
                continue
            if _settled(FingerprintStore(session).of_variant(variant.id), now):
                self._findings.end(session, finding, "the newer fingerprint has been alone for an hour", now)


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


def _changed(before: Iterable[Fingerprint], after: Iterable[Fingerprint]) -> bool:
    """Tell whether a fingerprint is new, or is back after a long absence: late ones may not be the newest."""
    known = {(one.text, one.first_seen_at) for one in before}
    return any((one.text, one.first_seen_at) not in known for one in after)


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
