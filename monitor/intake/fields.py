"""Checks of single fields, shared by the dialects. A failed check names the field and its limit, no value."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from monitor.intake.codes import Code
from monitor.intake.depth import MAX_DEPTH, is_deep
from monitor.intake.limits import Limits

__all__ = [
    "CONTROL",
    "MAX_TAG",
    "MAX_TEXT",
    "FieldError",
    "boolean",
    "instant",
    "integer",
    "load",
    "number",
    "plain_instant",
    "text",
    "texts",
    "within",
]

MAX_TEXT: Final = 256
"""Characters of an id or a name."""
MAX_TAG: Final = 64
"""Characters of a tag or of an endpoint's name."""
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
RFC3339: Final = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
SURROGATE: Final = re.compile(
    rb"\\\\|(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
PLAIN_LENGTHS: Final = (20, 24, 27)
PLAIN_MARKS: Final = ["-", "-", "T", ":", ":", "Z"]
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_UNITS: Final = ((1e11, 1_000_000), (1e14, 1_000), (1e17, 1))
"""Numbers below the bound are seconds, milliseconds, microseconds; with the microseconds in one unit."""


class FieldError(Exception):
    """A record or one of its fields breaks a rule."""

    def __init__(self, code: Code, detail: str, pointer: str = "") -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.pointer = pointer


def load(raw: bytes, limits: Limits) -> dict[str, Any]:
    """Decode a record to an object.

    Raises:
        FieldError: it is too large, too deep, not JSON or not an object.
    """
    if len(raw) > limits.max_record_bytes:
        raise FieldError(
            Code.RECORD_TOO_LARGE,
            f"The record is over the limit of {limits.max_record_bytes} bytes: shorten its bodies.",
        )
    try:
        doc = _decode(raw)
    except RecursionError:
        raise _too_deep() from None
    if not isinstance(doc, dict):
        raise FieldError(Code.NOT_AN_OBJECT, "The record is not a JSON object: send one object per event.")
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and is_deep(doc):
        raise _too_deep()
    return doc


def text(doc: Mapping[str, Any], name: str, limit: int = MAX_TEXT) -> str | None:
    """Return a string field; None if it is absent, null or empty.

    Raises:
        FieldError: it is not a string, too long or has a control character.
    """
    value = doc.get(name)
    return None if value is None or value == "" else _checked(value, name, limit)


def texts(doc: Mapping[str, Any], name: str, limit: int) -> tuple[str, ...] | None:
    """Return a field that is a list of strings, some of which may be empty; None if it is absent or null.

    Raises:
        FieldError: it is not a list, or one of it is not a string, too long or has a control character.
    """
    value = doc.get(name)
    if value is None:
        return None
    if not isinstance(value, list):
        raise _wrong_type(name, "a list of strings")
    return tuple([_checked(item, f"{name}/{place}", limit) for place, item in enumerate(value)])


def integer(doc: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    """Return an integer field; None if it is absent or null.

    Raises:
        FieldError: it is not an integer or out of range.
    """
    value = number(doc, name, low, high, "an integer")
    if value is None:
        return None
    if value != int(value):
        raise _wrong_type(name, "an integer")
    return int(value)


def number(doc: Mapping[str, Any], name: str, low: float, high: float, kind: str = "a number") -> float | int | None:
    """Return a number field; None if it is absent or null.

    Raises:
        FieldError: it is not a number or out of range.
    """
    value = doc.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong_type(name, kind)
    if not low <= value <= high:
        raise FieldError(Code.OUT_OF_RANGE, f"{name} is not in {low} to {high}: check its unit.", _pointer(name))
    return value


def boolean(doc: Mapping[str, Any], name: str) -> bool | None:
    """Return a boolean field; None if it is absent or null.

    Raises:
        FieldError: it is not a boolean.
    """
    value = doc.get(name)
    if value is not None and not isinstance(value, bool):
        raise _wrong_type(name, "true or false")
    return value


def instant(doc: Mapping[str, Any], name: str) -> datetime:
    """Return a time field as aware UTC: RFC 3339 with an offset, or the time since 1970 in s, ms, µs or ns.

    Raises:
        FieldError: it is absent, of another type or not a time.
    """
    value = doc.get(name)
    if value is None:
        raise FieldError(Code.MISSING_FIELD, f"{name} is missing: it is required.", _pointer(name))
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise _wrong_type(name, "an RFC 3339 string or a number")
    try:
        return _rfc3339(value) if isinstance(value, str) else _epoch(value)
    except (ValueError, OverflowError):
        raise FieldError(
            Code.TIMESTAMP_UNPARSEABLE,
            f"{name} is not a time: send RFC 3339 with an offset, or the time since 1970 as a number.",
            _pointer(name),
        ) from None


def plain_instant(value: str) -> datetime | None:
    """Return a time written as most recorders do, ``2026-03-02T12:00:00.123456Z``; None for any other spelling."""
    if len(value) not in PLAIN_LENGTHS or [value[at] for at in (4, 7, 10, 13, 16, -1)] != PLAIN_MARKS:
        return None
    if len(value) > min(PLAIN_LENGTHS) and value[19] != ".":
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def within(started_at: datetime, name: str, now: datetime, limits: Limits) -> datetime:
    """Return the start of an event, if it is neither too old nor too far ahead of ``now``.

    Raises:
        FieldError: it is.
    """
    if started_at > now + limits.max_lead:
        raise FieldError(
            Code.STARTED_IN_FUTURE,
            f"{name} is more than {limits.max_lead.total_seconds():g} s ahead: set the sender's clock.",
            _pointer(name),
        )
    if started_at < now - limits.max_age:
        raise FieldError(
            Code.STARTED_TOO_LONG_AGO,
            f"{name} is more than {limits.max_age.total_seconds() / 86_400:g} days ago: send fresh events.",
            _pointer(name),
        )
    return started_at


def _checked(value: Any, name: str, limit: int) -> str:
    if not isinstance(value, str):
        raise _wrong_type(name, "a string")
    if len(value) > limit:
        raise FieldError(Code.TOO_LONG, f"{name} is longer than {limit} characters: shorten it.", _pointer(name))
    if CONTROL.search(value):
        raise FieldError(Code.CONTROL_CHARACTER, f"{name} holds a control character: send it without.", _pointer(name))
    return value


def _decode(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        return msgspec.json.decode(SURROGATE.sub(_mend, raw))
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise FieldError(
            Code.MALFORMED_JSON,
            "The record is not JSON in UTF-8 (NaN and Infinity are not JSON): send strict JSON.",
        ) from None


def _mend(found: re.Match[bytes]) -> bytes:
    """Replace half of a surrogate pair, which is left where a text was cut, by the replacement character."""
    return found[0] if found[1] or found[0] == b"\\\\" else b"\\ufffd"


def _rfc3339(value: str) -> datetime:
    found = RFC3339.fullmatch(value)
    if not found:
        raise ValueError("not RFC 3339")
    day, clock, fraction, offset = found.groups()
    micros = (fraction or "0")[:6].ljust(6, "0")
    return datetime.fromisoformat(f"{day}T{clock}.{micros}{offset.upper()}").astimezone(UTC)


def _epoch(value: float) -> datetime:
    for bound, micros in EPOCH_UNITS:
        if abs(value) < bound:
            return EPOCH + timedelta(microseconds=round(value * micros))
    return EPOCH + timedelta(microseconds=int(value) // 1_000)


def _wrong_type(name: str, kind: str) -> FieldError:
    return FieldError(Code.WRONG_TYPE, f"{name} is not {kind}: send {kind}.", _pointer(name))


def _too_deep() -> FieldError:
    return FieldError(Code.TOO_DEEP, f"The record is nested deeper than {MAX_DEPTH} levels: flatten it.")


def _pointer(name: str) -> str:
    return f"/{name}"
