"""Ingest: a request's bytes become attributed records with their signal readings, stored or accounted for."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from detectors.registry import SIGNALS
from detectors.types import Exchange, Failure
from monitor.clock import Clock
from monitor.intake.decode import decompress, split
from monitor.intake.doors import Door
from monitor.intake.limits import Limits
from monitor.models.event import Event, Record, Rejection
from monitor.models.key import ApiKey
from monitor.services.attribution import Catalog, attribute, event_key
from monitor.services.catalog import CatalogCache
from monitor.services.writer import Batch, BatchResult, GroupWriter
from monitor.storage.tables import UNATTRIBUTED_ROUTE_ID

__all__ = ["Accepted", "IngestService", "readings_of"]

_DECODE_ELSEWHERE_OVER = 256 * 1024
_ERRORS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Accepted:
    """The reply to a shipper: received = stored + duplicates + rejected, always."""

    received: int
    stored: int
    duplicates: int
    rejected: int
    rejected_by_code: Mapping[str, int]
    errors: tuple[Rejection, ...]
    unknown_fields: tuple[str, ...]


class IngestService:
    """Accepts request bodies from every door."""

    def __init__(self, writer: GroupWriter, catalog: CatalogCache, clock: Clock, limits: Limits) -> None:
        self._writer = writer
        self._catalog = catalog
        self._clock = clock
        self._limits = limits

    async def accept(self, door: Door, key: ApiKey, body: bytes, content_encoding: str | None) -> Accepted:
        """Decode, attribute, read the signals, store. What takes long, or asks Postgres, leaves the event loop free.

        Raises:
            UndecodableError: nothing in the body can be decoded.
            PayloadTooLargeError: it is over a limit.
            DatabaseUnavailableError: nothing was stored; send again.
        """
        now = self._clock.now()
        if len(body) > _DECODE_ELSEWHERE_OVER or content_encoding or not self._catalog.fresh():
            batch, unknown = await asyncio.to_thread(self._prepare, door, key, body, content_encoding, now)
        else:
            batch, unknown = self._prepare(door, key, body, content_encoding, now)
        return _accepted(await self._writer.submit(batch), unknown)

    def _prepare(
        self, door: Door, key: ApiKey, body: bytes, content_encoding: str | None, now: datetime
    ) -> tuple[Batch, tuple[str, ...]]:
        catalog = self._catalog.get()
        records: list[Record] = []
        rejections: list[Rejection] = []
        unknown: dict[str, None] = {}
        for index, raw in enumerate(split(decompress(body, content_encoding, self._limits), self._limits)):
            if isinstance(raw, Rejection):
                rejections.append(replace(raw, index=index))
                continue
            parsed = door.parse(raw, index, now, self._limits)
            unknown.update(dict.fromkeys(parsed.unknown_fields))
            found = parsed.result
            outcome = _record(found, index, key, catalog, now) if isinstance(found, Event) else found
            if isinstance(outcome, Rejection):
                rejections.append(outcome)
            else:
                records.append(outcome)
        return Batch(key.source, door.name, tuple(records), tuple(rejections)), tuple(unknown)[:_ERRORS_SHOWN]


def _record(event: Event, index: int, key: ApiKey, catalog: Catalog, now: datetime) -> Record | Rejection:
    attribution = attribute(event, catalog)
    if key.routes is not None and attribution.route_id != UNATTRIBUTED_ROUTE_ID:
        name = next(name for name, route in catalog.routes.items() if route.id == attribution.route_id)
        if not key.bound_to(name):
            return Rejection(
                index, "route_not_allowed", "the key is not bound to the event's route; use that route's key"
            )
    return Record(
        event=event,
        attribution=attribution,
        source=key.source,
        key=event_key(key.source, event, attribution.leg),
        readings=readings_of(event.exchange),
        received_at=now,
    )


def readings_of(exchange: Exchange) -> dict[str, float]:
    """Read every signal off an exchange.

    A record without the request (a gateway's) tells ``request_error``, and of a failed attempt what each signal
    makes of a failure; whether a signal applied to that request at all is told by the other leg.
    """
    readings: dict[str, float] = {}
    for name, signal in SIGNALS.items():
        reading = signal.read(exchange)
        if reading is None and exchange.request is None and _failed(exchange):
            reading = signal.read_failure(exchange.outcome)
        if reading is not None:
            readings[name] = reading.value
    return readings


def _accepted(result: BatchResult, unknown: tuple[str, ...]) -> Accepted:
    return Accepted(
        received=result.received,
        stored=result.stored,
        duplicates=result.duplicates,
        rejected=len(result.rejections),
        rejected_by_code=dict(Counter(rejection.code for rejection in result.rejections)),
        errors=result.rejections[:_ERRORS_SHOWN],
        unknown_fields=unknown,
    )


def _failed(exchange: Exchange) -> bool:
    return exchange.outcome.failure not in {None, Failure.CANCELLED}
