"""Envoy's JSON access log: where a request went and how it ended, without its bodies.

Envoy writes one line for each request from downstream, so every line is of the primary leg: mirrored copies
leave no line.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from detectors.types import Exchange, Failure, Outcome, Timing
from monitor.intake.codes import Code
from monitor.intake.content import label
from monitor.intake.fields import FieldError, instant, integer, load, number, text, within
from monitor.intake.limits import Limits
from monitor.intake.parsed import Parsed, rejected
from monitor.models.event import Event, Leg, Recorder

__all__ = ["parse"]

SPELLINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "start_time": ("start_time",),
    "request_id": ("request_id", "x-request-id", "req_id"),
    "upstream_cluster": ("upstream_cluster", "cluster"),
    "response_code": ("response_code", "status"),
    "duration": ("duration", "duration_ms"),
    "response_flags": ("response_flags",),
    "response_code_details": ("response_code_details",),
    "attempt": ("attempt", "attempt_count", "upstream_request_attempt_count"),
    "route_name": ("route_name",),
    "authority": ("authority", ":authority"),
    "session_id": ("session_id", "x-session-id"),
    "service": ("service",),
    "namespace": ("namespace",),
}
KNOWN: Final = frozenset(name for names in SPELLINGS.values() for name in names)
ABSENT: Final = ("-", "", None)
NUMBERS: Final = ("response_code", "duration", "attempt", "start_time")
NUMBER: Final = re.compile(r"\d{1,20}(?:\.\d{1,9})?", re.ASCII)

MAX_ATTEMPT: Final = 100
MAX_STATUS: Final = 999
SERVER_ERROR: Final = 500
MAX_DURATION_MS: Final = 86_400_000
MAX_UNKNOWN: Final = 16

TIMEOUTS: Final = frozenset(
    (
        *("UT", "SI", "UMSDR", "DT"),
        *(
            "UpstreamRequestTimeout",
            "StreamIdleTimeout",
            "UpstreamMaxStreamDurationReached",
            "DurationTimeout",
        ),
    )
)
UNREACHED: Final = frozenset(
    (
        *("UF", "UH", "URX", "LR", "NC", "NFCF", "DF"),
        *("UpstreamConnectionFailure", "NoHealthyUpstream", "UpstreamRetryLimitExceeded", "LocalReset"),
        *("NoClusterFound", "NoFilterConfigFound", "DnsResolutionFailed"),
    )
)
BROKEN_OFF: Final = frozenset(
    ("UC", "UR", "UPE", "UpstreamConnectionTermination", "UpstreamRemoteReset", "UpstreamProtocolError")
)
"""No answer when the connection broke before its head, half an answer when after."""
CLIENT_GONE: Final = frozenset(("DC", "DR", "DownstreamConnectionTermination", "DownstreamRemoteReset"))


def parse(raw: bytes, index: int, now: datetime, limits: Limits) -> Parsed:
    """Read one line of an access log. Numbers may be strings and ``-`` stands for absent."""
    try:
        doc = load(raw, limits)
        unknown = sorted(name for name in doc.keys() - KNOWN if label(name))[:MAX_UNKNOWN]
        return Parsed(_event({name: _value(doc, name) for name in SPELLINGS}, now, limits), tuple(unknown))
    except FieldError as error:
        return rejected(raw, index, error)


def _event(line: Mapping[str, Any], now: datetime, limits: Limits) -> Event:
    request_id = text(line, "request_id")
    if request_id is None:
        raise FieldError(
            Code.MISSING_FIELD, "request_id is missing: log %REQ(X-REQUEST-ID)% as request_id.", "/request_id"
        )
    status = integer(line, "response_code", 0, MAX_STATUS)
    duration_ms = number(line, "duration", 0, MAX_DURATION_MS)
    attempt = max(1, integer(line, "attempt", 0, MAX_ATTEMPT) or 1)
    failure = _failure(status, text(line, "response_flags") or "", text(line, "response_code_details") or "")
    return Event(
        recorder=Recorder.GATEWAY,
        request_id=request_id,
        started_at=within(instant(line, "start_time"), "start_time", now, limits),
        exchange=Exchange(outcome=Outcome(status, failure), timing=Timing(None, duration_ms)),
        event_id=f"{request_id}#{attempt}",
        attempt=attempt,
        duration_ms=duration_ms,
        backend=text(line, "upstream_cluster") or "",
        host=text(line, "authority"),
        leg=Leg.PRIMARY,
        route=text(line, "route_name"),
        session_id=text(line, "session_id"),
        service=text(line, "service"),
        namespace=text(line, "namespace"),
    )


def _value(doc: Mapping[str, Any], name: str) -> Any:
    """Return a field by the first of its spellings that holds something."""
    value = next((doc[key] for key in SPELLINGS[name] if doc.get(key) not in ABSENT), None)
    if name in NUMBERS and isinstance(value, str) and NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return value


def _failure(status: int | None, flags: str, details: str) -> Failure | None:
    """Return how the attempt failed, by the response flags and, without a telling one, by the status.

    A retry limit that was reached on answers of the upstream itself is a failure by status.
    """
    found = set(re.split(r"[,\s]+", flags))
    code = status or 0
    if found & TIMEOUTS:
        return Failure.TIMEOUT
    if found & (BROKEN_OFF | UNREACHED) and not (code >= SERVER_ERROR and details == "via_upstream"):
        return Failure.ABORT if found & BROKEN_OFF and 0 < code < SERVER_ERROR else Failure.CONNECT
    if code >= SERVER_ERROR:
        return Failure.STATUS
    return Failure.CANCELLED if found & CLIENT_GONE else None
