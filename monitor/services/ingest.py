"""Ingest: a request's bytes become attributed records with their signal readings, stored or accounted for."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from msgspec.structs import replace

from detectors.base import Signal
from detectors.registry import SIGNALS
from detectors.signals.request_error import RequestError
from detectors.types import Exchange, Failure, Indicts, SignalKind
from monitor.clock import Clock
from monitor.intake.decode import decompress, split
from monitor.intake.doors import Door
from monitor.intake.limits import Limits
from monitor.intake.parsed import Parsed
from monitor.models.event import Event, Leg, Record, Rejection
from monitor.models.fault import Fault
from monitor.models.key import ApiKey
from monitor.models.text import TextMode, TextPolicy
from monitor.services.answer_schema import with_answer_schema
from monitor.services.attribution import Catalog, attribute, event_key
from monitor.services.catalog import CatalogCache
from monitor.services.privacy import FAULTS, kept_text, subject_digests
from monitor.services.quota import SourceQuota
from monitor.services.turns import turn_key, turn_of
from monitor.services.weight import light
from monitor.services.writer import Batch, BatchResult, GroupWriter
from monitor.storage.tables import UNATTRIBUTED_ROUTE_ID
from monitor.telemetry import TEXTS_WITHHELD

__all__ = ["SIGNAL_SETS", "Accepted", "IngestService", "read_signals", "readings_of"]

_DECOMPRESS_ELSEWHERE_OVER = 16 * 1024
_READ_ELSEWHERE_OVER = 2 * 1024 * 1024
"""Larger bodies are read on a thread, for the sake of everyone else; the others at once. The libraries that search
texts let go of the interpreter at every call, and a thread that reads then takes turns with the event loop some
thirty times an event: measured, 160 µs an event instead of 147, and 237 with two such threads."""
_READERS = 1
_INFLATERS = 2
"""Threads that only decompress, so that nobody's small body waits for another's large one to be read."""
_ERRORS_SHOWN = 20
_log = structlog.get_logger("fullback.ingest")

SIGNAL_SETS: Mapping[str, Mapping[str, Signal]] = {
    "all": SIGNALS,
    "timing": {
        name: signal
        for name, signal in SIGNALS.items()
        if signal.kind is SignalKind.LATENCY or name == RequestError.name
    },
}
"""What ``FULLBACK_SIGNALS`` may say: every signal, or those that read no text."""


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

    def __init__(
        self,
        writer: GroupWriter,
        catalog: CatalogCache,
        clock: Clock,
        limits: Limits,
        subject_keys: Sequence[bytes] = (),
        signals: Mapping[str, Signal] = SIGNALS,
        quota: SourceQuota | None = None,
    ) -> None:
        self._writer = writer
        self._catalog = catalog
        self._clock = clock
        self._limits = limits
        self._subject_keys = tuple(subject_keys)
        self._turn_key = turn_key(self._subject_keys)
        self._signals = signals
        self._unheard = {name: signal for name, signal in signals.items() if signal.indicts is Indicts.THIS}
        """What is read of an answer that no user got: nobody reacts to a shadow."""
        self._follows = any(signal.indicts is Indicts.PREVIOUS for signal in signals.values())
        self._reading = ThreadPoolExecutor(_READERS, "fullback-read")
        self._inflating = ThreadPoolExecutor(_INFLATERS, "fullback-inflate")
        self._quota = quota

    async def accept(self, door: Door, key: ApiKey, body: bytes, content_encoding: str | None) -> Accepted:
        """Decode, attribute, read the signals, store. What takes long, or asks Postgres, leaves the event loop free.

        Raises:
            UndecodableError: nothing in the body can be decoded.
            PayloadTooLargeError: it is over a limit.
            DatabaseUnavailableError: nothing was stored; send again.
            SourceQuotaError: the source's share of the queue is full; send again.
        """
        if self._quota is not None:
            self._quota.check(key.source)
        now = self._clock.now()
        loop = asyncio.get_running_loop()
        if content_encoding or len(body) > _DECOMPRESS_ELSEWHERE_OVER:
            plain = await loop.run_in_executor(self._inflating, decompress, body, content_encoding, self._limits)
        else:
            plain = decompress(body, content_encoding, self._limits)
        if len(plain) > _READ_ELSEWHERE_OVER or not self._catalog.fresh():
            batch, unknown = await loop.run_in_executor(self._reading, self._prepare, door, key, plain, now)
        else:
            batch, unknown = self._prepare(door, key, plain, now)
        size = len(batch.records) + len(batch.rejections)
        with nullcontext() if self._quota is None else self._quota.admit(key.source, size):
            return _accepted(await self._writer.submit(batch), unknown)

    def _prepare(self, door: Door, key: ApiKey, plain: bytes, now: datetime) -> tuple[Batch, tuple[str, ...]]:
        catalog = self._catalog.get()
        records: list[Record] = []
        rejections: list[Rejection] = []
        unknown: dict[str, None] = {}
        for index, raw in enumerate(split(plain, self._limits)):
            if isinstance(raw, Rejection):
                rejections.append(replace(raw, index=index))
                continue
            parsed = door.parse(raw, index, now, self._limits)
            unknown.update(dict.fromkeys(parsed.unknown_fields))
            found = parsed.result
            outcome = self._record(found, parsed, index, key, catalog, now) if isinstance(found, Event) else found
            if isinstance(outcome, Rejection):
                rejections.append(outcome)
            else:
                records.append(outcome)
        return Batch(key.source, door.name, tuple(records), tuple(rejections)), tuple(unknown)[:_ERRORS_SHOWN]

    def _record(
        self, event: Event, parsed: Parsed, index: int, key: ApiKey, catalog: Catalog, now: datetime
    ) -> Record | Rejection:
        attribution = attribute(event, catalog, key.source)
        route = None
        if attribution.route_id != UNATTRIBUTED_ROUTE_ID:
            route = next(route for route in catalog.routes.values() if route.id == attribution.route_id)
            if not key.bound_to(route.name):
                return Rejection(
                    index, "route_not_allowed", "the key is not bound to the event's route; use that route's key"
                )
        exchange = event.exchange if route is None else with_answer_schema(event.exchange, route.answer_schema)
        readings, faults = read_signals(exchange, self._unheard if attribution.leg is Leg.SHADOW else self._signals)
        subject = None if event.subject is None else subject_digests(self._subject_keys, event.subject)[0]
        return Record(
            event=replace(event, subject=subject, exchange=light(event.exchange)),
            attribution=attribution,
            source=key.source,
            key=event_key(key.source, event, attribution.leg),
            readings=readings,
            received_at=now,
            text=None if route is None else _text(event, parsed, route.text_storage, readings, now),
            turn=turn_of(event, exchange, attribution.leg, self._turn_key) if self._follows else None,
            faults=faults,
        )


def _text(
    event: Event, parsed: Parsed, policy: TextPolicy, readings: Mapping[str, float], now: datetime
) -> bytes | None:
    """Return what is kept of the texts. Whatever goes wrong there costs the text, never the event."""
    if policy.mode is TextMode.NONE or event.started_at < now - timedelta(days=policy.retention_days):
        return None
    try:
        return kept_text(event, parsed.request_body, parsed.response_body, policy, readings)
    except Exception as error:  # noqa: BLE001 - a text that cannot be redacted is not kept
        TEXTS_WITHHELD.inc()
        _log.warning("text withheld", error=type(error).__name__)
        return None


def readings_of(exchange: Exchange, signals: Mapping[str, Signal] = SIGNALS) -> dict[str, float]:
    """Read signals off an exchange."""
    return read_signals(exchange, signals)[0]


def read_signals(
    exchange: Exchange, signals: Mapping[str, Signal] = SIGNALS
) -> tuple[dict[str, float], tuple[Fault, ...]]:
    """Return the readings of signals, and the faults they tell.

    A record without the request (a gateway's) tells ``request_error``, and of a failed attempt what each signal
    makes of a failure; whether a signal applied to that request at all is told by the other leg.
    """
    readings: dict[str, float] = {}
    faults: list[Fault] = []
    gateway_failure = exchange.request is None and _failed(exchange)
    for name, signal in signals.items():
        reading = signal.read(exchange)
        if reading is None and gateway_failure and signal.indicts is Indicts.THIS:
            reading = signal.read_failure(exchange.outcome)
        if reading is None:
            continue
        readings[name] = reading.value
        if reading.value and name in FAULTS:
            faults.append(Fault(name, reading.reason, reading.detail or ""))
    return readings, tuple(faults)


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
