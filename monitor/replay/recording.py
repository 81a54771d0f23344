"""Recorded events of one file: indexed once, some 50 bytes a record, then read in the order of their receipt."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from math import isnan
from typing import Any

import msgspec
import numpy as np

from monitor.intake.fields import FieldError, instant
from monitor.replay.source import Line, Part, Problems, ReplayError, RouteCast
from monitor.replay.spool import seekable, told_name

__all__ = ["Recording"]

NATIVE, ACCESS = "native", "access-logs"
_DOORS = (NATIVE, ACCESS)
_MOST_LINE = 64 * 1024 * 1024
_SUFFIX = "-shadow"
"""What Envoy and others add to the host of a mirrored copy."""
_UNTOLD = float("nan")
_LAG_QUANTILE = 0.999
_UNNAMED = "replayed"


class _Body(msgspec.Struct):
    model: Any = None


class _Peek(msgspec.Struct):
    """What the order and the cast need to know of a record of either door; ingest reads it with care."""

    started_at: Any = None
    start_time: Any = None
    duration_ms: Any = None
    duration: Any = None
    route: Any = None
    route_name: Any = None
    requested_model: Any = None
    request: _Body | None = None
    variant: Any = None
    backend: Any = None
    upstream_cluster: Any = None
    host: Any = None
    leg: Any = None
    mirrored: Any = None
    session_id: Any = None
    subject: Any = None


_PEEK = msgspec.json.Decoder(_Peek)
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


class Recording:
    """A file of events as they were posted to ``/v1/events``, access-log lines among them or alone.

    One JSON object a line, or an array of them on one line; ``.gz`` too, and ``-`` is standard input. A record counts
    as received when its attempt ended, plus ``lag_s``.

    Raises:
        ReplayError: the file cannot be read, or holds no record with a time.
    """

    follows = False

    def __init__(self, path: str, lag_s: float) -> None:
        self.problems = Problems()
        self.flipped: set[str] = set()
        self._name = told_name(path)
        self._lag_s = lag_s
        self._received, self._started = array("d"), array("d")
        self._offsets, self._lengths = array("q"), array("l")
        self._numbers, self._doors = array("l"), array("b")
        self._cast = _Cast()
        self._file = seekable(path)
        try:
            self._index()
        except (OSError, EOFError) as error:
            self._file.close()
            raise ReplayError(f"{self._name} cannot be read to its end ({type(error).__name__})") from None
        received = np.frombuffer(self._received) if self._received else np.empty(0)
        if not np.isfinite(received).any():
            self._file.close()
            told = self.problems.shown[0] if self.problems.shown else None
            why = "it is empty" if told is None else f"line {told.line}: {told.detail}"
            raise ReplayError(
                f"{self._name} holds no event with a time ({why}); give one JSON object a line, as posted to /v1/events"
            )
        self._order = np.argsort(_carried(received), kind="stable")

    @property
    def casts(self) -> Sequence[RouteCast]:
        """Who was seen on which route."""
        return self._cast.routes()

    @property
    def records(self) -> int:
        """Lines there are."""
        return len(self._received)

    @property
    def span(self) -> tuple[float, float]:
        """When the first and the last would have been received."""
        received = np.frombuffer(self._received)
        return float(np.nanmin(received)), float(np.nanmax(received))

    @property
    def first_start(self) -> float:
        """When the first attempt started."""
        return float(np.nanmin(np.frombuffer(self._started)))

    @property
    def lag_s(self) -> float:
        """The time from a start to its receipt that 99.9 % keep."""
        return float(np.nanquantile(np.frombuffer(self._received) - np.frombuffer(self._started), _LAG_QUANTILE))

    @property
    def has_sessions(self) -> bool:
        """Whether some event names a session or a subject."""
        return self._cast.sessions > 0

    def lines(self) -> Iterator[Line]:
        """Give out the lines in the order of their receipt."""
        carried = _carried(np.frombuffer(self._received))
        for place in map(int, self._order):
            self._file.seek(self._offsets[place])
            raw = self._file.read(self._lengths[place])
            alone = isnan(self._started[place])
            yield Line(float(carried[place]), _DOORS[self._doors[place]], self._name, self._numbers[place], raw, alone)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _index(self) -> None:
        offset = number = 0
        while line := self._file.readline(_MOST_LINE):
            number += 1
            here, offset = offset, offset + len(line)
            if len(line) == _MOST_LINE and not line.endswith(b"\n"):
                while rest := self._file.readline(_MOST_LINE):
                    offset += len(rest)
                    if rest.endswith(b"\n"):
                        break
                self.problems.add(
                    self._name, number, "record_too_large", f"the line is over {_MOST_LINE} bytes: split it"
                )
                continue
            raw = line.strip()
            start = here + line.find(raw) if raw else here
            if raw.startswith(b"["):
                self._add_array(raw, start, number)
            elif raw:
                self._add(raw, start, number)

    def _add_array(self, raw: bytes, start: int, number: int) -> None:
        try:
            values = _ARRAY.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.problems.add(
                self._name, number, "malformed_json", "the line is not JSON: write one object, or a whole array, a line"
            )
            return
        at = 0
        for value in values:
            record = bytes(value)
            at = raw.find(record, at)
            self._add(record, start + at, number)
            at += len(record)

    def _add(self, raw: bytes, offset: int, number: int) -> None:
        try:
            seen = _PEEK.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            seen = _Peek()  # ingest says what is wrong with it
        access = seen.start_time is not None and seen.started_at is None
        started = _unix(seen.start_time if access else seen.started_at)
        duration_ms = seen.duration if access else seen.duration_ms
        took_s = duration_ms / 1000 if isinstance(duration_ms, int | float) and 0 <= duration_ms < 8.64e7 else 0.0  # noqa: PLR2004
        self._started.append(started)
        self._received.append(started + took_s + self._lag_s)
        self._offsets.append(offset)
        self._lengths.append(len(raw))
        self._numbers.append(number)
        self._doors.append(int(access))
        self._cast.see(seen, access=access)


class _Cast:
    """Who is named on which route, counted as records go by."""

    def __init__(self) -> None:
        self.sessions = 0
        self._legs: defaultdict[str, defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        self._backends: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._hosts: set[str] = set()
        self._gateways: Counter[str] = Counter()

    def see(self, seen: _Peek, *, access: bool) -> None:
        self.sessions += bool(seen.session_id or seen.subject)
        if access:
            if cluster := _name(seen.upstream_cluster):
                self._gateways[cluster] += 1
            return
        model = None if seen.request is None else seen.request.model
        route = _name(seen.route) or _name(seen.requested_model) or _name(model) or _UNNAMED
        backend = _name(seen.backend)
        variant = _name(seen.variant) or backend
        if variant is None:
            return
        self._legs[route][variant][self._leg(seen, route)] += 1
        self._backends[route, variant][backend or variant] += 1

    def _leg(self, seen: _Peek, route: str) -> str:
        if seen.leg in {"primary", "shadow"}:
            return str(seen.leg)
        if isinstance(seen.mirrored, bool):
            return "shadow" if seen.mirrored else "primary"
        host = _name(seen.host)
        if host is None:
            return "unknown"
        bare = host.rsplit(":", 1)[0]
        if bare.endswith(_SUFFIX):
            self._hosts.add(route)
            return "shadow"
        return "primary"

    def routes(self) -> list[RouteCast]:
        if not self._legs and self._gateways:
            parts = tuple(Part(name, name, primary=n) for name, n in sorted(self._gateways.items()))
            return [RouteCast(_UNNAMED, parts)]
        return [
            RouteCast(route, self._parts(route, variants), _SUFFIX if route in self._hosts else None)
            for route, variants in sorted(self._legs.items())
        ]

    def _parts(self, route: str, variants: dict[str, Counter[str]]) -> tuple[Part, ...]:
        taken: set[str] = set()
        parts = []
        for name, legs in sorted(variants.items()):
            backend = min(self._backends[route, name].items(), key=lambda item: (-item[1], item[0]))[0]
            backend = name if backend in taken else backend
            taken.add(backend)
            parts.append(Part(name, backend, legs["primary"], legs["shadow"], legs["unknown"]))
        return tuple(parts)


def _carried(received: "np.ndarray[Any, np.dtype[np.float64]]") -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Give a record without a time that of the one before it in the file."""
    known = np.isfinite(received)
    last = np.maximum.accumulate(np.where(known, np.arange(len(received)), -1))
    first = received[known][0] if known.any() else 0.0
    return np.where(last >= 0, received[np.maximum(last, 0)], first)


def _unix(value: Any) -> float:
    if isinstance(value, str) and value.replace(".", "", 1).isdigit():
        value = float(value)
    with suppress(FieldError):
        return instant({"at": value}, "at").timestamp()
    return _UNTOLD


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) and value and value != "-" else None
