"""Notification: drains the outbox, one claimed alert at a time, outside any transaction."""

from collections.abc import Mapping
from datetime import timedelta

import structlog

from alerts.base import Notifier
from alerts.codec import from_json
from alerts.errors import NotifyError
from alerts.pipeline import Deliver, GiveUp, RetryAt, next_step
from monitor.clock import Clock
from monitor.storage.outbox import OutboxEntry, OutboxStore
from monitor.storage.session import Database
from monitor.telemetry import NOTIFICATIONS

__all__ = ["NotifyService"]

_CLAIM_FOR = timedelta(minutes=2)
_MOST_A_RUN = 50
_log = structlog.get_logger("fullback.notify")


class NotifyService:
    """Sends what the outbox holds; never blocks or undoes a decision."""

    def __init__(self, database: Database, notifiers: Mapping[str, Notifier], clock: Clock) -> None:
        self._database = database
        self._notifiers = notifiers
        self._clock = clock

    def run(self) -> int:
        """Send every due alert once and return how many were delivered."""
        delivered = 0
        for _ in range(_MOST_A_RUN):
            with self._database.transaction() as session:
                entry = OutboxStore(session).claim(self._clock.now(), _CLAIM_FOR)
            if entry is None:
                break
            delivered += self._send(entry)
        return delivered

    def _send(self, entry: OutboxEntry) -> bool:
        error: NotifyError | None = None
        try:
            self._notifier(entry.notifier).notify(from_json(entry.alert))
        except NotifyError as failed:
            error = failed
        except Exception as failed:  # noqa: BLE001 - a broken notifier must not hold up the others
            # Its type alone is told: the message or the trace may hold a webhook's address.
            error = NotifyError(f"{entry.notifier} failed unexpectedly ({type(failed).__name__})", retryable=True)
        now = self._clock.now()
        if error is None:
            self._finish(entry, "sent")
            return True
        step = next_step(entry.attempts, error, now=now, last_attempt_at=now)
        match step:
            case RetryAt(at=at, reason=reason):
                _log.warning("notification postponed", notifier=entry.notifier, reason=reason)
                NOTIFICATIONS.labels(entry.notifier, "retried").inc()
                with self._database.transaction() as session:
                    OutboxStore(session).postpone(entry.id, at, reason)
            case GiveUp(reason=reason):
                _log.error("notification given up", notifier=entry.notifier, reason=reason)
                self._finish(entry, f"given up: {reason}")
            case Deliver(reason=reason):
                with self._database.transaction() as session:
                    OutboxStore(session).postpone(entry.id, now, reason)
        return False

    def _notifier(self, name: str) -> Notifier:
        try:
            return self._notifiers[name]
        except KeyError:
            raise NotifyError(f"notifier {name!r} is no longer configured", retryable=True) from None

    def _finish(self, entry: OutboxEntry, result: str) -> None:
        NOTIFICATIONS.labels(entry.notifier, "sent" if result == "sent" else "given_up").inc()
        with self._database.transaction() as session:
            OutboxStore(session).finish(entry.id, self._clock.now(), result)
