"""An event: one finished attempt of a request, as one recorder saw it."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from detectors.types import Exchange
from monitor.models.fault import Fault

__all__ = ["STATED_LEGS", "Attribution", "Event", "Leg", "Record", "Recorder", "Rejection"]


class Leg(StrEnum):
    """Whose answer the user got, told by evidence that does not come from us."""

    PRIMARY = "primary"
    SHADOW = "shadow"
    UNKNOWN = "unknown"
    PROBE = "probe"
    """Of a synthetic request of ours that the router sent there as if a user had asked: proves where requests go, is in
    no test, and is nobody's answer. Only the writer gives it, to ids that were sent."""


STATED_LEGS: Final = (Leg.PRIMARY, Leg.SHADOW, Leg.UNKNOWN)
"""What a shipper or a rule may say."""


class Recorder(StrEnum):
    """Who wrote the record."""

    SERVER = "server"
    """The model server or its log: it saw the answer."""
    GATEWAY = "gateway"
    """The router's access log: it saw where the request went and how it ended."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """One record as decoded at a door, before it is attributed and stored."""

    recorder: Recorder
    request_id: str
    started_at: datetime
    exchange: Exchange
    event_id: str | None = None
    attempt: int = 1
    duration_ms: float | None = None
    backend: str = ""
    """The router's name of what served it: an Envoy cluster, an address."""
    host: str | None = None
    """The Host header the server saw; some routers mark mirrored copies there."""
    mirrored: bool | None = None
    """An explicit mirror marker, where the recorder has one."""
    leg: Leg | None = None
    """Stated by the shipper's configuration; otherwise worked out."""
    route: str | None = None
    variant: str | None = None
    requested_model: str | None = None
    response_model: str | None = None
    system_fingerprint: str | None = None
    session_id: str | None = None
    slices: tuple[str, ...] = ()
    service: str | None = None
    """What the shipper calls the workload that served it, for attribution rules."""
    namespace: str | None = None
    subject: str | None = None
    """Whom the request is about, as the shipper names them; once attributed, the keyed hash that erasure goes by."""


class Attribution(msgspec.Struct, frozen=True, gc=False):
    """Which route, variant and leg an event belongs to, and by which rule."""

    route_id: int
    variant_id: int | None
    leg: Leg
    rule: str


class Rejection(msgspec.Struct, frozen=True, gc=False):
    """A record that was not stored as an event: a code, what was wrong, and where in the body it stood."""

    index: int
    code: str
    detail: str
    pointer: str = ""
    size: int = 0
    skeleton: str | None = None
    """The record's shape with every string replaced by its length: no user text."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """An attributed event with its signal readings, ready to be stored."""

    event: Event
    attribution: Attribution
    source: str
    key: bytes
    """16 bytes: the digest of the deduplication identity (source, recorder, backend, leg, attempt, event_id)."""
    readings: Mapping[str, float]
    received_at: datetime
    text: bytes | None = None
    """The request and response to keep, selected and redacted by the route's text policy; JSON."""
    turn: bytes | None = None
    """What is kept of its turn (``models.turn``), by which later requests of the session are matched."""
    faults: tuple[Fault, ...] = ()
    """Why its readings are bad, for people."""
