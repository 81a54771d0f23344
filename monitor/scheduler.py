"""Timers only: each job is one line, the truth is in Postgres; all but evaluation are the leader's alone."""

import os
import secrets
import socket
from collections.abc import Callable
from datetime import timedelta

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from monitor.errors import FullbackError
from monitor.factory import Factory
from monitor.storage.locks import LeaseStore
from monitor.telemetry import JOB_FAILURES, JOB_SECONDS, LEADER, TICKS_CLOSED

__all__ = ["Worker"]

_LEASE = "worker"
_GAUGES_EVERY_S = 5.0
_FINDINGS_EVERY_S = 10.0
_AGREEMENT_EVERY_S = 60.0
_REHEARSE_LOOK_S = 30.0
"""How often it is looked which routes are due."""
_ROLL_UP_EVERY_S = 20.0
_RETENTION_EVERY_S = 3600.0
_EVERYWHERE = frozenset({"evaluate"})
"""Jobs of every worker: the routes are split between them."""
_log = structlog.get_logger("fullback.worker")


class Worker:
    """Runs evaluation with the other workers, and the controller and notification while it holds the lease."""

    def __init__(self, factory: Factory) -> None:
        self._factory = factory
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self._scheduler = BackgroundScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )

    def start(self) -> None:
        """Start the timers."""
        settings = self._factory.settings
        for name, seconds, job in (
            ("evaluate", settings.evaluate_every_s, self._evaluate),
            ("reconcile", settings.reconcile_every_s, self._factory.reconciler.run),
            ("notify", settings.notify_every_s, self._factory.notify.run),
            ("gauges", _GAUGES_EVERY_S, self._factory.gauges.run),
            ("fingerprints", _FINDINGS_EVERY_S, self._factory.fingerprints.run),
            ("silence", _FINDINGS_EVERY_S, self._factory.silence.run),
            ("agreement", _AGREEMENT_EVERY_S, self._factory.agreement.run),
            ("rehearse", _REHEARSE_LOOK_S, self._factory.rehearsals.run),
            ("roll_up", _ROLL_UP_EVERY_S, self._factory.roll_up.run),
            ("retention", _RETENTION_EVERY_S, self._factory.retention.run),
        ):
            every = name in _EVERYWHERE
            self._scheduler.add_job(self._guarded(name, job, every=every), "interval", seconds=seconds, id=name)
        self._scheduler.start()

    def stop(self) -> None:
        """Let running jobs end, then give the lease up."""
        self._scheduler.shutdown(wait=True)
        with self._factory.database.transaction() as session:
            LeaseStore(session).release(_LEASE, self._holder, self._factory.clock.now())

    def _evaluate(self) -> None:
        """Close due ticks; the controller then looks at once, for an alarm should not wait for a timer."""
        closed = self._factory.evaluate.run()
        TICKS_CLOSED.inc(closed)
        if closed:
            self._scheduler.modify_job("reconcile", next_run_time=self._factory.clock.now())

    def leads(self) -> bool:
        """Take or renew the lease; True while this process leads."""
        lease = timedelta(seconds=self._factory.settings.lease_s)
        with self._factory.database.transaction() as session:
            held = LeaseStore(session).hold(_LEASE, self._holder, self._factory.clock.now(), lease)
        LEADER.set(held)
        return held

    def _guarded(self, name: str, job: Callable[[], object], *, every: bool = False) -> Callable[[], None]:
        """Run a job as the leader, or in every worker; a failure is logged and counted, the next run tries again."""

        def run() -> None:
            try:
                if every or self.leads():
                    with JOB_SECONDS.labels(name).time():
                        job()
            except FullbackError as error:
                JOB_FAILURES.labels(name).inc()
                _log.warning("job failed", job=name, code=error.code, detail=error.detail)
            except Exception as error:  # noqa: BLE001 - a job must never end the timer; the trace is logged
                JOB_FAILURES.labels(name).inc()
                _log.exception("job failed unexpectedly", job=name, error=type(error).__name__)

        return run
