"""Stored states that cannot be gone on from: such a stream starts afresh and says so, and the others go on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite
from typing import Any, Final

import structlog
from sqlalchemy.orm import Session

from detectors.registry import SIGNALS
from detectors.stats import latency
from detectors.types import Design, SignalKind
from monitor.models.decision import Audit
from monitor.models.evidence import Stream
from monitor.models.route import RouteControl
from monitor.services.watch import Remembered
from monitor.storage.decisions import DecisionStore

__all__ = ["Recalled", "restored", "sound", "tell_restarts"]

_SHOWN: Final = 20
_WHOLE: Final = {SignalKind.BIT, SignalKind.PRINT}
_log = structlog.get_logger("fullback.evaluate")


@dataclass(frozen=True, slots=True)
class Recalled:
    """A route's streams before a tick."""

    streams: list[Stream]
    memories: Mapping[int, Remembered]
    """Of every stream that goes on."""
    damaged: tuple[Stream, ...] = ()
    """Those that start afresh."""


def sound(streams: Sequence[Stream], memories: Mapping[int, Remembered], tick: int) -> Recalled:
    """Return the streams with the memories of all that can go on; those that cannot lose their fingerprint.

    Without its fingerprint a stream is one whose settings have changed: ``watch`` starts it at its initial state, under
    its old id. Nothing of a damaged state is used, so that it can neither alarm nor certify.
    """
    found, known, damaged = [], dict(memories), []
    for one in streams:
        memory = known.get(one.id) or restored(one, tick)
        if memory is None:
            damaged.append(one)
            found.append(replace(one, fingerprint=""))
        else:
            known[one.id] = memory
            found.append(one)
    return Recalled(found, known, tuple(damaged))


def restored(stream: Stream, tick: int) -> Remembered | None:
    """Return what a stream remembers by its stored state; None where that is damaged.

    Damaged is what has another form, holds a number that no float holds (JSON has no NaN, but it has ``1e999``), an
    inflation below 1 or a count below 0, is of another design or number of levels, or has seen ``tick`` already.
    """
    try:
        if not all(map(isfinite, _numbers(stream.state))):
            return None
        memory = Remembered.from_json(stream.state)
        return memory if _plausible(memory, stream, tick) else None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):  # whatever another form lacks
        return None


def tell_restarts(session: Session, control: RouteControl, damaged: Sequence[Stream], at: datetime) -> None:
    """Log the streams that start afresh, and write them into the route's audit."""
    if not damaged:
        return
    names = [f"{one.signal} / {one.slice}" for one in damaged]
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    reason = f"the stored state of {len(names)} streams was damaged: they start afresh, without evidence: {shown}"
    _log.warning("stored states damaged", route=control.route_id, streams=len(names), names=names[:_SHOWN])
    DecisionStore(session).add(
        Audit(
            control.route_id, at, "fullback", "streams_restarted", control.phase, control.phase, reason, control.epoch
        )
    )


def _numbers(document: Any) -> Iterable[float]:
    """Return every number of a JSON document."""
    if isinstance(document, Mapping):
        for value in document.values():
            yield from _numbers(value)
    elif isinstance(document, list | tuple):
        for value in document:
            yield from _numbers(value)
    elif isinstance(document, int | float):
        yield document


def _plausible(memory: Remembered, stream: Stream, tick: int) -> bool:
    state, signal = memory.state.plain(), SIGNALS.get(stream.signal)
    if signal is not None:
        levels = 1 if signal.kind in _WHOLE else len(latency.LEVELS)
        if state.levels != levels or (state.design is Design.PAIRED) is not signal.paired:
            return False
    counts = [*state.totals, *state.onset.counts]
    return (
        (state.last_tick is None or state.last_tick < tick)
        and state.sibling_phi >= 1.0
        and all(part.phi >= 1.0 and part.age >= 0 for part in state.inflation)
        and all(cell >= 0 for one in counts for cell in one.cells)
        and 0.0 <= memory.pairing.one_sided <= memory.pairing.requests
        and memory.idle >= 0
    )
