"""What answers show of a variant, held against what it is declared to be: findings about agreement and about names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from alerts.types import Fact
from monitor.clock import Clock
from monitor.models.finding import Finding, FindingKind
from monitor.models.route import Route
from monitor.models.variant import Role, Variant
from monitor.services.agreement_band import MOST_TOKENS
from monitor.services.agreement_check import AgreementCheck, Standing, check_agreement
from monitor.services.agreement_tally import AgreementTallies
from monitor.services.agreement_words import declared_band, finding_detail, told_share
from monitor.services.findings import About, FindingService
from monitor.services.fingerprints import builds_of
from monitor.services.precision_claims import precision_doubts
from monitor.services.tier_defaults import reference_of
from monitor.storage.clocks import ClockStore
from monitor.storage.findings import FindingStore
from monitor.storage.fingerprints import Fingerprint, FingerprintStore
from monitor.storage.greedy_pairs import GreedyPairs, GreedyPairStore
from monitor.storage.routes import RouteStore
from monitor.storage.session import Database

__all__ = ["AgreementService"]

_BACK: Final = timedelta(hours=1)
"""How far a first look goes back, and how much of a pause is made up for."""
_STEP: Final = timedelta(minutes=2)
"""How much one statement reads."""
_SETTLE: Final = timedelta(minutes=1)
"""How old pairs are at least when they are read; older where a route's horizon is longer."""
_DISMISSED: Final = timedelta(days=7)
"""So long a person's closing holds, unless the variant is confirmed anew meanwhile."""
_NAMED: Final = timedelta(hours=1)
"""So long the name that an answer gave its model counts."""
_MOST_NAMES: Final = 20
"""Names remembered of one variant."""
_STANDINGS: Final = {
    FindingKind.AGREEMENT_BELOW: Standing.BELOW,
    FindingKind.AGREEMENT_ABOVE: Standing.ABOVE,
}


@dataclass(frozen=True, slots=True)
class _Case:
    """One variant of a route with what it is compared with."""

    route: Route
    variant: Variant
    reference: Variant
    baseline: Variant

    @property
    def subject(self) -> str:
        return f"{self.route.name}/{self.variant.name}"

    def about(self, *facts: Fact) -> About:
        return About(self.variant.name, self.route.name, self.baseline.name, facts)


class AgreementService:
    """Counts greedy pairs as they become complete, each once, and judges every variant by its last day.

    The counts live in memory: after a start they begin an hour back, and what was found stays open meanwhile.
    """

    def __init__(self, database: Database, findings: FindingService, clock: Clock) -> None:
        self._database = database
        self._findings = findings
        self._clock = clock
        self._mark: datetime | None = None
        self._tallies = AgreementTallies()
        self._builds: dict[int, tuple[str | None, str | None]] = {}
        self._names: dict[int, dict[str | None, datetime]] = {}

    def run(self) -> None:
        """Read what became complete since the last look; open findings, and close those whose cause has ended."""
        now = self._clock.now()
        with self._database.reading() as session:
            waits = [timedelta(seconds=one.horizon_s + one.tick_s) for one in ClockStore(session).all()]
            routes = RouteStore(session).all()
            cases = _cases(routes, RouteStore(session).variants())
            prints = [one for route in routes for one in FingerprintStore(session).of_route(route.id)]
        self._forget_changed(cases.values(), prints)
        self._read(cases, now - max([_SETTLE, *waits]))
        self._tallies.prune(now)
        with self._database.transaction() as session:
            self._judge(session, cases, prints, now)

    def _forget_changed(self, cases: Iterable[_Case], prints: Iterable[Fingerprint]) -> None:
        """Drop what was counted of a variant that is another artifact now."""
        builds = builds_of(prints)
        known = {case.variant.id: (case.variant.digest, builds.get(case.variant.id)) for case in cases}
        for variant_id, before in self._builds.items():
            if known.get(variant_id) != before:
                self._tallies.forget(variant_id)
                self._names.pop(variant_id, None)
        self._builds = known

    def _read(self, cases: Mapping[int, _Case], until: datetime) -> None:
        """Read what started up to an instant, in steps."""
        mark = until - _BACK if self._mark is None else max(self._mark, until - _BACK)
        while mark < until:
            end = min(until, mark + _STEP)
            with self._database.reading() as session:
                pairs, named = GreedyPairStore(session).started(mark, end), GreedyPairStore(session).named(mark, end)
            for found in pairs:
                self._count(found, cases, mark)
            for one in named:
                names = self._names.setdefault(one.variant_id, {})
                if one.name in names or len(names) < _MOST_NAMES:
                    names[one.name] = one.last_at
            self._mark = mark = end
        for names in self._names.values():
            for name in [name for name, at in names.items() if at < until - _NAMED]:
                del names[name]

    def _count(self, found: GreedyPairs, cases: Mapping[int, _Case], at: datetime) -> None:
        """Count pairs of a variant with its reference, whichever of the two served; others are nobody's."""
        primary, shadow = (found.primary_id, found.primary_tokens), (found.shadow_id, found.shadow_tokens)
        for (variant, own), (other, its) in ((primary, shadow), (shadow, primary)):
            if variant in cases and cases[variant].reference.id == other:
                tokens = next((n for n in (its, own) if n is not None), MOST_TOKENS)
                self._tallies.add(at, variant, other, tokens, found.pairs, found.differing)
                return

    def _judge(
        self, session: Session, cases: Mapping[int, _Case], prints: Iterable[Fingerprint], now: datetime
    ) -> None:
        checks = {
            variant_id: check_agreement(
                self._tallies.of(variant_id, case.reference.id), declared_band(case.variant, case.reference)
            )
            for variant_id, case in cases.items()
        }
        for kind in _STANDINGS:
            found = FindingStore(session).open_of(kind)
            for case in cases.values():
                self._settle(session, case, kind, checks, found.pop(case.subject, None), now)
            self._end_gone(session, found.values(), now)
        found = FindingStore(session).open_of(FindingKind.BASELINE_DOUBTED)
        recent = [one for one in prints if one.last_seen_at > now - _NAMED]
        for case in cases.values():
            if case.variant is case.baseline:
                texts = [one.text for one in recent if one.variant_id == case.variant.id]
                self._doubt(session, case, texts, found.pop(case.subject, None), now)
        self._end_gone(session, found.values(), now)

    def _settle(
        self,
        session: Session,
        case: _Case,
        kind: FindingKind,
        checks: Mapping[int, AgreementCheck],
        opened: Finding | None,
        now: datetime,
    ) -> None:
        """Open, renew or end one variant's finding; where its interval straddles the band nothing changes.

        A baseline that does not agree with itself cannot vouch against a candidate: then the baseline's is the finding.
        """
        check = checks[case.variant.id]
        if check.standing is _STANDINGS[kind]:
            shaky = case.reference is case.baseline and checks[case.baseline.id].standing is Standing.BELOW
            if opened is not None or not (shaky and case.variant is not case.baseline):
                detail = finding_detail(case.variant, case.reference, check)
                self._open(session, case, kind, detail, (Fact("Same greedy answer", told_share(check)),), now)
        elif opened is not None and check.standing not in {Standing.UNSURE, Standing.TOO_FEW}:
            self._findings.end(
                session, opened, f"the same greedy answer {told_share(check)}: {check.standing.value} the band", now
            )

    def _doubt(
        self, session: Session, case: _Case, fingerprints: Iterable[str], opened: Finding | None, now: datetime
    ) -> None:
        """Open, renew or end the finding that a baseline's names speak against its full precision."""
        named = self._names.get(case.variant.id, {})
        doubts = precision_doubts(case.variant, [*filter(None, named), *fingerprints])
        if doubts:
            detail = f"{case.variant.name} is declared full precision, but {'; '.join(doubts)}"
            self._open(session, case, FindingKind.BASELINE_DOUBTED, detail, (), now)
        elif opened is not None and named:
            self._findings.end(session, opened, "nothing names it as coarser any more", now)

    def _open(
        self,
        session: Session,
        case: _Case,
        kind: FindingKind,
        detail: str,
        facts: tuple[Fact, ...],
        now: datetime,
    ) -> None:
        since = max(now - _DISMISSED, case.variant.confirmed_at or now - _DISMISSED)
        if not self._findings.dismissed(session, kind, case.subject, since):
            self._findings.open(session, kind, case.subject, detail, case.about(*facts), now)

    def _end_gone(self, session: Session, left: Iterable[Finding], now: datetime) -> None:
        for finding in left:
            self._findings.end(session, finding, "there is no such variant to compare any more", now)


def _cases(routes: Iterable[Route], variants: Iterable[Variant]) -> dict[int, _Case]:
    """Return every variant of a route that has a baseline, with what its quality is compared with."""
    found = {}
    known = list(variants)
    for route in routes:
        mine = [one for one in known if one.route_id == route.id]
        baseline = next((one for one in mine if one.role is Role.BASELINE), None)
        if baseline is None:
            continue
        for variant in mine:
            reference = baseline if variant is baseline else reference_of("agreement", variant, mine, baseline)
            found[variant.id] = _Case(route, variant, reference, baseline)
    return found
