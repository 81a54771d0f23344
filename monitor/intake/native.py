"""The native event, as ``POST /v1/events`` takes it; ``event.schema.json`` states the same rules."""

from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any, Final

import msgspec
from msgspec.structs import replace

from detectors.types import Exchange, Failure, Outcome, Request, Timing
from monitor.intake.codes import Code
from monitor.intake.completions import endpoint_of, read_reply, read_request, read_stream_reply
from monitor.intake.content import label
from monitor.intake.depth import MAX_DEPTH
from monitor.intake.fields import (
    CONTROL,
    MAX_TAG,
    MAX_TEXT,
    FieldError,
    boolean,
    instant,
    integer,
    load,
    number,
    plain_instant,
    text,
    texts,
    within,
)
from monitor.intake.limits import Limits
from monitor.intake.parsed import Parsed, rejected
from monitor.intake.plain_chat import plain_reply, plain_request
from monitor.intake.reply import Reply
from monitor.intake.slices import slices_of
from monitor.models.event import STATED_LEGS, Event, Leg, Recorder

__all__ = ["NativeEvent", "parse"]

MAX_ATTEMPT: Final = 100
MAX_STATUS: Final = 999
SERVER_ERROR: Final = 500
CLIENT_ERROR: Final = 400
MAX_DURATION_MS: Final = 86_400_000
MAX_UNKNOWN: Final = 16
"""Names of unknown fields that are reported for one record."""


class NativeEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The fields of a native event. Senders written in Python can encode it with ``msgspec.json.encode``."""

    request_id: str
    started_at: datetime
    event_id: str | None = None
    attempt: int = 1
    backend: str = ""
    host: str | None = None
    mirrored: bool | None = None
    leg: Leg | None = None
    route: str | None = None
    variant: str | None = None
    requested_model: str | None = None
    session_id: str | None = None
    subject: str | None = None
    service: str | None = None
    namespace: str | None = None
    status: int | None = None
    error: Failure | None = None
    duration_ms: float | None = None
    ttft_ms: float | None = None
    queue_ms: float | None = None
    request: dict[str, Any] | None = None
    response: dict[str, Any] | None = None
    response_sse: str | None = None
    stream: bool | None = None
    endpoint: str | None = None
    tags: tuple[str, ...] | None = None


FIELDS: Final = frozenset(NativeEvent.__struct_fields__)
_Name = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
_Tag = Annotated[str, msgspec.Meta(max_length=MAX_TAG)]
_Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=MAX_DURATION_MS)]


class _Plain(NativeEvent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An event in which the decoder itself finds nothing unusual; whatever it refuses is looked at field by field."""

    request_id: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT)]
    started_at: str  # type: ignore[assignment]
    request: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET  # type: ignore[assignment]
    response: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET  # type: ignore[assignment]
    event_id: _Name | None = None
    attempt: Annotated[int, msgspec.Meta(ge=1, le=MAX_ATTEMPT)] = 1
    backend: _Name = ""
    host: _Name | None = None
    route: _Name | None = None
    variant: _Name | None = None
    requested_model: _Name | None = None
    session_id: _Name | None = None
    subject: _Name | None = None
    service: _Name | None = None
    namespace: _Name | None = None
    status: Annotated[int, msgspec.Meta(ge=0, le=MAX_STATUS)] | None = None
    duration_ms: _Milliseconds | None = None
    ttft_ms: _Milliseconds | None = None
    queue_ms: _Milliseconds | None = None
    endpoint: _Tag | None = None
    tags: tuple[_Tag, ...] | None = None


NAMES: Final = (
    "event_id",
    "host",
    "route",
    "variant",
    "requested_model",
    "session_id",
    "subject",
    "service",
    "namespace",
    "endpoint",
)
"""Fields in which an empty text means that there is none."""
PLAIN: Final = msgspec.json.Decoder(_Plain)
_names: Final = attrgetter(*NAMES)


def parse(raw: bytes, index: int, now: datetime, limits: Limits) -> Parsed:
    """Read one native event.

    Fields that are unknown are passed over and named in the result. The bodies are whatever a client and
    a model wrote: what is well-formed in them is taken and nothing in them rejects the event.
    """
    try:
        plain = _plain(raw, now, limits)
        if plain is not None:
            return plain
        doc = load(raw, limits)
        native = _check(doc, now, limits)
        body = native.request
        request = None if body is None else read_request(body)
        model = label(body.get("model")) if body else None
        endpoint = endpoint_of(body) if body else None
        reply = Reply() if native.response is None else read_reply(native.response)
        event = _event(native, request, model, endpoint, _reply(reply, native.response_sse))
        return Parsed(event, _unknown(doc), body, native.response)
    except FieldError as error:
        return rejected(raw, index, error)


def _plain(raw: bytes, now: datetime, limits: Limits) -> Parsed | None:
    """Return an ordinary event with ordinary bodies in one step; None if it has to be read with care.

    Raises:
        FieldError: it started too long ago or in the future.
    """
    if len(raw) > limits.max_record_bytes or raw.count(b"{") + raw.count(b"[") > MAX_DEPTH:
        return None
    try:
        if not raw.isascii():
            raw.decode()  # the decoder passes over what nobody reads
        event = PLAIN.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    started_at = plain_instant(event.started_at)
    if started_at is None or event.leg is Leg.PROBE or not _tidy(event):
        return None
    asked_raw, said_raw = event.request or None, event.response or None
    asked = (None, None) if asked_raw is None else plain_request(asked_raw)
    reply = Reply() if said_raw is None else plain_reply(said_raw)
    if asked is None or reply is None:
        return None
    msgspec.structs.force_setattr(event, "started_at", within(started_at, "started_at", now, limits))
    request, model = asked
    endpoint = None if request is None else "chat"
    return Parsed(_event(event, request, model, endpoint, _reply(reply, event.response_sse)), (), asked_raw, said_raw)


def _tidy(event: _Plain) -> bool:
    """Turn empty names into none; tell whether names and ids are free of control characters."""
    names = _names(event)
    if "" in names:
        for name, value in zip(NAMES, names, strict=True):
            if value == "":
                msgspec.structs.force_setattr(event, name, None)
    every = "".join([event.request_id, event.backend, *filter(None, names), *(event.tags or ())])
    return every.isprintable() or not CONTROL.search(every)


def _check(doc: Mapping[str, Any], now: datetime, limits: Limits) -> NativeEvent:
    """Check the fields of a document.

    Raises:
        FieldError: a field is missing or breaks its rule.
    """
    request_id = text(doc, "request_id")
    if request_id is None:
        raise FieldError(Code.MISSING_FIELD, "request_id is missing or empty: it is required.", "/request_id")
    return NativeEvent(
        request_id=request_id,
        started_at=within(instant(doc, "started_at"), "started_at", now, limits),
        event_id=text(doc, "event_id"),
        attempt=_or(integer(doc, "attempt", 1, MAX_ATTEMPT), 1),
        backend=text(doc, "backend") or "",
        host=text(doc, "host"),
        mirrored=boolean(doc, "mirrored"),
        leg=_leg(doc),
        route=text(doc, "route"),
        variant=text(doc, "variant"),
        requested_model=text(doc, "requested_model"),
        session_id=text(doc, "session_id"),
        subject=text(doc, "subject"),
        service=text(doc, "service"),
        namespace=text(doc, "namespace"),
        status=integer(doc, "status", 0, MAX_STATUS),
        error=_error(doc),
        duration_ms=number(doc, "duration_ms", 0, MAX_DURATION_MS),
        ttft_ms=number(doc, "ttft_ms", 0, MAX_DURATION_MS),
        queue_ms=number(doc, "queue_ms", 0, MAX_DURATION_MS),
        request=_body(doc, "request"),
        response=_body(doc, "response"),
        response_sse=_stream_text(doc),
        stream=boolean(doc, "stream"),
        endpoint=text(doc, "endpoint", MAX_TAG),
        tags=texts(doc, "tags", MAX_TAG),
    )


def _event(
    native: NativeEvent, request: Request | None, model: str | None, endpoint: str | None, reply: Reply
) -> Event:
    """Put an event together: its fields, its request, the model and the endpoint told by that, and its reply."""
    if native.stream is not None and request is not None and request.stream != native.stream:
        request = replace(request, stream=native.stream)
    return Event(
        recorder=Recorder.SERVER,
        request_id=native.request_id,
        started_at=native.started_at,
        exchange=Exchange(
            request=request,
            answer=reply.answer,
            outcome=Outcome(native.status, _failure(native, reply)),
            timing=Timing(native.ttft_ms, native.duration_ms, native.queue_ms),
        ),
        event_id=native.event_id,
        attempt=native.attempt,
        duration_ms=native.duration_ms,
        backend=native.backend,
        host=native.host,
        mirrored=native.mirrored,
        leg=native.leg,
        route=native.route,
        variant=native.variant,
        requested_model=native.requested_model or model,
        response_model=reply.model,
        system_fingerprint=reply.system_fingerprint,
        session_id=native.session_id,
        subject=native.subject,
        service=native.service,
        namespace=native.namespace,
        slices=slices_of(request, native.endpoint or endpoint, native.tags or ()),
    )


def _reply(body: Reply, stream: str | None) -> Reply:
    """Return the reply; where both forms were sent, the body's, unless that holds no answer."""
    if body.answer is None and stream:
        streamed = read_stream_reply(stream)
        return streamed if streamed.answer is not None or streamed.failed else body
    return body


def _failure(native: NativeEvent, reply: Reply) -> Failure | None:
    """Return how the attempt failed: by the recorder's word, the status, or an error inside the answer."""
    if native.error is not None:
        return native.error
    if native.status is not None and native.status >= SERVER_ERROR:
        return Failure.STATUS
    answered = native.status is not None and native.status < CLIENT_ERROR
    if reply.failed and (answered or reply.answer is not None):
        return Failure.ENGINE
    return None


def _leg(doc: Mapping[str, Any]) -> Leg | None:
    value = _choice(doc, "leg", STATED_LEGS)
    return None if value is None else Leg(value)


def _error(doc: Mapping[str, Any]) -> Failure | None:
    value = _choice(doc, "error", tuple(Failure))
    return None if value is None else Failure(value)


def _choice(doc: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> str | None:
    value = doc.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise FieldError(Code.WRONG_TYPE, f"{name} is not a string: send a string.", f"/{name}")
    if value not in allowed:
        raise FieldError(Code.OUT_OF_RANGE, f"{name} is not one of {', '.join(allowed)}.", f"/{name}")
    return value


def _body(doc: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    value = doc.get(name)
    if value is not None and not isinstance(value, dict):
        raise FieldError(Code.WRONG_TYPE, f"{name} is not an object: send the body as JSON, not as text.", f"/{name}")
    return value


def _stream_text(doc: Mapping[str, Any]) -> str | None:
    value = doc.get("response_sse")
    if value is not None and not isinstance(value, str):
        raise FieldError(Code.WRONG_TYPE, "response_sse is not a string: send the raw event stream.", "/response_sse")
    return value


def _unknown(doc: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of unknown fields, those that are fit to be shown."""
    strange = doc.keys() - FIELDS
    return tuple(sorted(name for name in strange if label(name))[:MAX_UNKNOWN])


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
