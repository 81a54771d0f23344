"""Health and metrics. Liveness asks nobody; readiness asks Postgres."""

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from detectors.signals.schema_validity import UNREAD
from monitor.api.deps import Parts
from monitor.errors import DrainingError
from monitor.storage.schema import check_schema
from monitor.telemetry import SCHEMAS_UNREAD

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", summary="Is the process alive?")
def healthz() -> PlainTextResponse:
    """Answer as long as the process can."""
    return PlainTextResponse("ok\n")


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", summary="Can it take traffic?")
def readyz(parts: Parts) -> PlainTextResponse:
    """Answer 200 when Postgres can be reached and its schema is new enough, else 503; 503 too before a stop."""
    if parts.drain.begun:
        raise DrainingError("this process is about to stop: send to another one, what comes here is still taken")
    with parts.database.reading():
        check_schema(parts.database)
    return PlainTextResponse("ready\n")


@router.get("/metrics", summary="Prometheus metrics")
def metrics() -> Response:
    """Return the metrics of this process."""
    for reason, n in tuple(UNREAD.items()):
        SCHEMAS_UNREAD.labels(reason).set(n)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
