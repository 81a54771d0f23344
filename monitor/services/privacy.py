"""Privacy: which texts of an event are kept, and in what form; under which name its subject is remembered. Pure."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Final, assert_never

import msgspec

from detectors.registry import SIGNALS
from detectors.types import Answer, Failure, Indicts, SignalKind
from monitor.intake.parsed import Body
from monitor.models.event import Event, Recorder
from monitor.models.text import TextMode, TextPolicy
from monitor.services.redaction import redactor

__all__ = ["FAULTS", "LARGEST_TEXT", "kept_text", "selected", "subject_digests"]

LARGEST_TEXT: Final = 256 * 1024
"""Bytes kept of one event."""
_CUTS: Final = (65_536, 16_384, 4_096, 1_024, 256)
"""Longest strings are cut to, tried in turn until the event fits."""
FAULTS: Final = frozenset(
    name
    for name, signal in SIGNALS.items()
    if signal.kind is SignalKind.BIT and signal.is_fault and signal.indicts is Indicts.THIS
)
"""Signals of which a bad reading says that this answer failed."""
_NO_KEY: Final = b"fullback:subject:without-a-key"
_SUBJECT_BYTES: Final = 16


def kept_text(
    event: Event,
    request_body: Body | None,
    response_body: Body | None,
    policy: TextPolicy,
    readings: Mapping[str, float],
) -> bytes | None:
    """Return what the policy keeps of an event's texts, as JSON, or None.

    Of a streamed response the answer put together is kept, never the stream: a name that arrived in pieces
    could not be found in it.
    """
    if not selected(event, policy, readings):
        return None
    response: Any = response_body
    if response is None and event.exchange.answer is not None:
        response = _assembled(event.exchange.answer)
    if request_body is None and response is None:
        return None
    document = {"request": request_body, "response": response}
    if not policy.redact:
        encoded = msgspec.json.encode(document)
        if len(encoded) <= LARGEST_TEXT:
            return encoded
    return _fitted(redactor(policy.redact).clean({name: _decoded(body) for name, body in document.items()}))


def selected(event: Event, policy: TextPolicy, readings: Mapping[str, float]) -> bool:
    """Tell whether the policy keeps the event's texts. A gateway's record has none."""
    if event.recorder is Recorder.GATEWAY:
        return False
    match policy.mode:
        case TextMode.NONE:
            return False
        case TextMode.FAILURES:
            return _went_wrong(event, readings)
        case TextMode.SAMPLE:
            return _share(event.request_id) < policy.sample_percent / 100
        case TextMode.ALL:
            return True
        case _:
            assert_never(policy.mode)


def subject_digests(keys: Sequence[bytes], subject: str) -> list[str]:
    """Return the names a subject may be stored under, the one in use first.

    Without a key the digest can be found by trying names, as it could if the key lay in the database beside it;
    with one, whoever has only the database cannot. It comes last, so that what was stored before the first key
    was set is found too.
    """
    return [_digest(key, subject) for key in (*keys, _NO_KEY)]


def _digest(key: bytes, subject: str) -> str:
    return hmac.new(key, subject.encode("utf-8", "replace"), hashlib.sha256).digest()[:_SUBJECT_BYTES].hex()


def _went_wrong(event: Event, readings: Mapping[str, float]) -> bool:
    outcome = event.exchange.outcome
    if outcome.failed and outcome.failure is not Failure.CANCELLED:
        return True
    return any(value > 0 and name in FAULTS for name, value in readings.items())


def _share(request_id: str) -> float:
    """Return a number in [0, 1) that is the same for both legs of a request."""
    digest = hashlib.blake2b(request_id.encode("utf-8", "replace"), digest_size=8, person=b"text-sample").digest()
    return int.from_bytes(digest) / 2**64


def _assembled(answer: Answer) -> dict[str, Any]:
    parts = {
        "streamed": True,
        "content": answer.text,
        "refusal": answer.refusal,
        "tool_calls": [{"name": call.name, "arguments": call.arguments} for call in answer.tool_calls] or None,
        "finish_reason": answer.finish_reason,
    }
    return {name: value for name, value in parts.items() if value is not None}


def _decoded(body: Any) -> Any:
    return msgspec.json.decode(body) if isinstance(body, msgspec.Raw) else body


def _fitted(document: Any) -> bytes:
    """Encode within the limit: the longest strings are cut, each with a marker."""
    encoded = msgspec.json.encode(document)
    for longest in _CUTS:
        if len(encoded) <= LARGEST_TEXT:
            return encoded
        encoded = msgspec.json.encode(_cut(document, longest))
    if len(encoded) <= LARGEST_TEXT:
        return encoded
    return msgspec.json.encode(dict.fromkeys(document, f"[cut: over {LARGEST_TEXT} bytes]"))


def _cut(value: Any, longest: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= longest else f"{value[:longest]}[cut: {len(value) - longest} more characters]"
    if isinstance(value, dict):
        return {_cut(key, longest): _cut(item, longest) for key, item in value.items()}
    if isinstance(value, list):
        return [_cut(item, longest) for item in value]
    return value
