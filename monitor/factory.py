"""The composition root: the only place that constructs stores' database, services, targets and notifiers."""

from datetime import timedelta
from functools import cached_property

from alerts.base import Notifier
from alerts.registry import build as build_notifier
from monitor.clock import Clock, SystemClock
from monitor.config import Settings
from monitor.controller.announce import Announcer
from monitor.controller.look import Look
from monitor.controller.operate import Operator
from monitor.controller.reconcile import Reconciler
from monitor.controller.transitions import Transitions
from monitor.intake.limits import Limits
from monitor.models.count_history import Resolution
from monitor.models.route import Goal
from monitor.routing.registry import build as build_target
from monitor.services.agreement_watch import AgreementService
from monitor.services.catalog import CatalogCache
from monitor.services.comparability_watch import ComparabilityWatch
from monitor.services.count_history import Kept
from monitor.services.drain import Drain
from monitor.services.erasure import ErasureService
from monitor.services.evaluate import EvaluateService
from monitor.services.findings import FindingService
from monitor.services.fingerprints import FingerprintService
from monitor.services.freezes import FreezeService
from monitor.services.gauges import GaugeService
from monitor.services.ingest import SIGNAL_SETS, IngestService
from monitor.services.keys import KeyService
from monitor.services.notify import NotifyService
from monitor.services.policies import PolicyService
from monitor.services.quota import SourceQuota
from monitor.services.rehearsal import RehearsalService
from monitor.services.retention import RetentionService
from monitor.services.roll_up import RollUpService
from monitor.services.routes import RouteService
from monitor.services.rules import RuleService
from monitor.services.silence import SilenceService
from monitor.services.trials import TrialService
from monitor.services.variants import VariantService
from monitor.services.writer import GroupWriter
from monitor.storage.session import Database, resolve_url

__all__ = ["Factory"]

_MIB = 1024 * 1024


class Factory:
    """Constructs each part once, when it is first asked for."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None, database: Database | None = None) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self._database = database

    @cached_property
    def database(self) -> Database:
        """The database: the configured one, else the embedded one, which is started now."""
        return self._database or Database(resolve_url(self.settings))

    @cached_property
    def limits(self) -> Limits:
        """What a request body may be."""
        settings = self.settings
        return Limits(
            max_body_bytes=int(settings.max_body_mib * _MIB),
            max_decoded_bytes=int(settings.max_decoded_mib * _MIB),
            max_record_bytes=int(settings.max_record_kib * 1024),
            max_batch_records=settings.max_batch_records,
            max_age=timedelta(days=settings.max_event_age_days),
            max_lead=timedelta(seconds=settings.max_event_lead_s),
        )

    @cached_property
    def keys(self) -> KeyService:
        """API keys."""
        return KeyService(self.database, self.clock)

    @cached_property
    def catalog(self) -> CatalogCache:
        """Routes and variants for the ingest path."""
        return CatalogCache(self.database, self.clock)

    @cached_property
    def policies(self) -> PolicyService:
        """Policies."""
        return PolicyService(self.database, self.clock)

    @cached_property
    def trials(self) -> TrialService:
        """Trials of policies."""
        return TrialService(self.database, self.policies, self.clock)

    @cached_property
    def routes(self) -> RouteService:
        """Routes and variants."""
        return RouteService(
            self.database, self.policies, self.catalog, self.clock, retention_days=self.settings.retention_days
        )

    @cached_property
    def variants(self) -> VariantService:
        """What is said of variants."""
        return VariantService(self.database, self.catalog, self.clock)

    @cached_property
    def writer(self) -> GroupWriter:
        """The group-commit writer; start it in the event loop."""
        return GroupWriter(
            self.database.url,
            self.clock,
            queue_records=self.settings.queue_records,
            queue_bytes=self.settings.queue_bytes,
            commit_timeout_s=self.settings.commit_timeout_s,
        )

    @cached_property
    def ingest(self) -> IngestService:
        """Ingest."""
        settings = self.settings
        return IngestService(
            self.writer,
            self.catalog,
            self.clock,
            self.limits,
            self.subject_keys,
            SIGNAL_SETS[settings.signals],
            SourceQuota(settings.queue_records, settings.source_queue_share, self.clock),
        )

    @cached_property
    def drain(self) -> Drain:
        """Whether this process is about to stop."""
        return Drain()

    @cached_property
    def rules(self) -> RuleService:
        """Attribution rules."""
        return RuleService(self.database, self.catalog, self.clock, self.limits)

    @cached_property
    def findings(self) -> FindingService:
        """Findings."""
        return FindingService(self.database, self.clock, self.settings.public_url, tuple(self.notifiers))

    @cached_property
    def fingerprints(self) -> FingerprintService:
        """The watch for changed fingerprints."""
        return FingerprintService(
            self.database,
            self.findings,
            self.clock,
            commit_timeout=timedelta(seconds=self.settings.commit_timeout_s),
            oldest=self.limits.max_age,
        )

    @cached_property
    def silence(self) -> SilenceService:
        """The watch for silent shippers."""
        return SilenceService(self.database, self.findings, self.clock)

    @cached_property
    def agreement(self) -> AgreementService:
        """The watch for variants that do not answer like what they are declared to be."""
        return AgreementService(self.database, self.findings, self.clock)

    @cached_property
    def subject_keys(self) -> tuple[bytes, ...]:
        """The keys of the subjects' hashes, the one in use first."""
        secret = self.settings.subject_key
        parts = [] if secret is None else secret.get_secret_value().split(",")
        return tuple(part.strip().encode() for part in parts if part.strip())

    @cached_property
    def erasure(self) -> ErasureService:
        """Erasure of a subject's texts and ids."""
        return ErasureService(self.database, self.clock, self.subject_keys)

    @cached_property
    def evaluate(self) -> EvaluateService:
        """Evaluation."""
        return EvaluateService(self.database, self.policies, self.clock, ComparabilityWatch(self.findings))

    @cached_property
    def gauges(self) -> GaugeService:
        """The gauges of ``/metrics``."""
        return GaugeService(self.database, self.policies.get, self.clock)

    @cached_property
    def retention(self) -> RetentionService:
        """Retention."""
        return RetentionService(self.database, self.clock, self.settings.retention_days, self.kept)

    @cached_property
    def kept(self) -> Kept:
        """For how long counts are kept at each resolution."""
        settings = self.settings
        return {
            Resolution.TICK: timedelta(days=settings.tick_retention_days),
            Resolution.MINUTE: timedelta(days=settings.minute_retention_days),
            Resolution.HOUR: timedelta(days=settings.hour_retention_days),
        }

    @cached_property
    def roll_up(self) -> RollUpService:
        """The roll-up of counts."""
        return RollUpService(self.database)

    @cached_property
    def notifiers(self) -> dict[str, Notifier]:
        """The configured notifiers, by name."""
        configured: dict[str, Notifier] = {}
        if self.settings.slack_webhook_url is not None:
            url = self.settings.slack_webhook_url.get_secret_value()
            configured["slack"] = build_notifier("slack", {"webhook_url": url})
        return configured

    @cached_property
    def notify(self) -> NotifyService:
        """Notification."""
        return NotifyService(self.database, self.notifiers, self.clock)

    @cached_property
    def transitions(self) -> Transitions:
        """The controller's transitions."""
        announcer = Announcer(self.settings.public_url, tuple(self.notifiers))
        return Transitions(self.database, self.clock, announcer)

    @cached_property
    def reconciler(self) -> Reconciler:
        """The controller's loop body."""
        return Reconciler(self.database, self.policies.get, self.transitions, self.look)

    @cached_property
    def look(self) -> Look:
        """What the controller's steps read."""
        return Look(self.database, build_target, self.clock)

    @cached_property
    def freezes(self) -> FreezeService:
        """Freezes."""
        return FreezeService(self.database, self.clock)

    @cached_property
    def rehearsals(self) -> RehearsalService:
        """The rehearsals of every route's rollback."""
        every = timedelta(seconds=self.settings.rehearse_every_s)
        operator = self.operator
        return RehearsalService(
            self.database, lambda route: operator.rehearse(route, Goal.BASELINE), self.findings, self.clock, every
        )

    @cached_property
    def operator(self) -> Operator:
        """Manual operations."""
        return Operator(self.policies.get, self.transitions, self.look, self.clock)
