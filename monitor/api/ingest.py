"""The doors: raw bodies in, one summary out. 503 is the only answer that means "try again"."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from time import perf_counter
from typing import Any, cast

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from monitor.api.bodies import Bodies
from monitor.api.deps import Parts, Reading, key_text
from monitor.api.lookups import LookUps
from monitor.errors import FullbackError
from monitor.factory import Factory
from monitor.intake.doors import DOORS, Door
from monitor.intake.schema import event_schema
from monitor.models.key import Scope
from monitor.services.ingest import Accepted
from monitor.storage.events import EventStore
from monitor.telemetry import COMMIT_QUEUE, COMMIT_QUEUE_BYTES, INGEST_RECORDS, INGEST_REQUESTS, INGEST_SECONDS

__all__ = ["router"]

router = APIRouter(tags=["ingest"])


def _handler(door: Door) -> Callable[[Request, Factory], Awaitable[JSONResponse]]:
    async def post(request: Request, parts: Parts) -> JSONResponse:
        code = 500
        try:
            answer = await _accept(door, request, parts)
        except FullbackError as error:
            code = error.status
            raise
        else:
            code = answer.status_code
            return answer
        finally:
            INGEST_REQUESTS.labels(door.name, str(code)).inc()
            COMMIT_QUEUE.set(parts.writer.queued)
            COMMIT_QUEUE_BYTES.set(parts.writer.queued_bytes)

    return post


async def _accept(door: Door, request: Request, parts: Factory) -> JSONResponse:
    look_ups = cast("LookUps", request.app.state.look_ups)
    text = key_text(request)
    key = await look_ups.run(lambda: parts.keys.check(text, Scope.INGEST))
    async with cast("Bodies", request.app.state.bodies).body(request) as body:
        began = perf_counter()
        if not parts.catalog.fresh():
            await look_ups.run(parts.catalog.get)
        accepted = await parts.ingest.accept(door, key, body, request.headers.get("content-encoding"))
        INGEST_SECONDS.labels(door.name).observe(perf_counter() - began)
    for outcome in ("stored", "duplicates", "rejected"):
        INGEST_RECORDS.labels(key.source, outcome).inc(getattr(accepted, outcome))
    return JSONResponse(_summary(accepted))


def _summary(accepted: Accepted) -> dict[str, Any]:
    summary = asdict(accepted)
    summary["errors"] = [
        {"index": e.index, "code": e.code, "pointer": e.pointer, "detail": e.detail} for e in accepted.errors
    ]
    return summary


for _door in DOORS.values():
    for _path in (_door.path, f"{_door.path}/"):
        router.add_api_route(
            _path,
            _handler(_door),
            methods=["POST"],
            name=f"ingest_{_door.name}",
            summary=f"Post records: {_door.name}",
            include_in_schema=_path == _door.path,
        )


@router.get("/v1/schemas/event", summary="JSON Schema of the native event")
def schema() -> dict[str, Any]:
    """Return the schema that native events are checked by."""
    return event_schema()


@router.get("/v1/ingest/accounts", summary="What became of every record")
def accounts(parts: Parts, key: Reading) -> dict[str, Any]:
    """Return received = stored + duplicates + rejected, over all sources and per source."""
    del key
    with parts.database.reading() as session:
        rows = EventStore(session).accounts()
    sources = {row.source for row in rows}
    return {
        **_account(rows),
        "sources": {name: _account([r for r in rows if r.source == name]) for name in sorted(sources)},
    }


def _account(rows: list[Any]) -> dict[str, Any]:
    rejected: dict[str, int] = {}
    for row in rows:
        if row.outcome == "rejected":
            rejected[row.reason] = rejected.get(row.reason, 0) + row.n
    stored = sum(row.n for row in rows if row.outcome == "stored")
    duplicates = sum(row.n for row in rows if row.outcome == "duplicate")
    return {
        "received": stored + duplicates + sum(rejected.values()),
        "stored": stored,
        "duplicates": duplicates,
        "rejected": rejected,
    }
