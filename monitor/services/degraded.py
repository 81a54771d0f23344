"""A candidate as a whole: its streams as one statistic with the culprit, and the list of degraded slices. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf, log
from typing import Any, Final

import numpy as np

from detectors.stats.multiplicity import e_bh, mixture, period_log_e
from monitor.models.evidence import Stream

__all__ = ["FALSE_DISCOVERY_RATE", "WHAT_IT_IS", "Degraded", "Whole", "wholes"]

FALSE_DISCOVERY_RATE: Final = 0.1
WHAT_IT_IS: Final = (
    "Where to look first: of the streams listed, at most 10 % are expected to be there by chance, read once. The list "
    "moves no traffic; alarms do, by a budget of their own."
)
_MONTH_S: Final = 30 * 86400.0


@dataclass(frozen=True, slots=True)
class Degraded:
    """A stream on the list."""

    signal: str
    slice: str
    log_e: float
    """Log e-value against "never worse than its margin allows"."""


@dataclass(frozen=True, slots=True)
class Whole:
    """One candidate, over all its streams."""

    candidate_id: int
    log_ratio: float | None
    """Log of the streams' evidence, each as a part of its own threshold, added up; from 0 on the candidate as a whole
    is beyond its budget. None while there is none."""
    culprit: tuple[str, str] | None
    """Signal and slice with the largest part; a guess, with no error rate of its own."""
    part: float | None
    streams: int
    degraded: tuple[Degraded, ...]
    """The strongest first."""


def wholes(streams: Iterable[Stream], baseline_id: int, now: datetime, ttl: timedelta, tick_s: float) -> list[Whole]:
    """Return every candidate of a route as a whole.

    Formula: with M_i a stream's statistic and what an alarm younger than ``ttl`` took off it, ``log sum M_i / A_i``
    (``multiplicity.mixture``), and e-BH at 10 % over ``e_i = M_i / T`` with T the ticks since the stream began, a month
    at least.

    Guarantee: of the list ``multiplicity.e_bh``: the statistic and all that alarms took off it grow by at most 1 a tick
    in expectation, so that ``E[e_i] <= 1`` for a stream within its margin, at phi = 1.

    Args:
        streams: The route's.
        baseline_id: Its streams compare it with itself and are left out.
        now: When the list is read.
        ttl: How long an alarm speaks for the present.
        tick_s: Length of a tick.
    """
    of_candidate: dict[int, list[Stream]] = {}
    for one in streams:
        if one.candidate_id != baseline_id:
            of_candidate.setdefault(one.candidate_id, []).append(one)
    return [_whole(candidate, mine, now, ttl, tick_s) for candidate, mine in sorted(of_candidate.items())]


def _whole(candidate: int, streams: list[Stream], now: datetime, ttl: timedelta, tick_s: float) -> Whole:
    names = [(one.signal, one.slice) for one in streams]
    evidence = {
        name: float(np.logaddexp(_log_statistic(one), _log_alarmed(one, now, ttl)))
        for name, one in zip(names, streams, strict=True)
    }
    shares = {name: 1.0 / one.threshold / len(streams) for name, one in zip(names, streams, strict=True)}
    found = mixture(shares, evidence)
    any_evidence = found.log_statistic > -inf
    month = _MONTH_S / tick_s
    log_e = {
        name: period_log_e(evidence[name], max(month, _age(one))) for name, one in zip(names, streams, strict=True)
    }
    listed = e_bh(log_e, FALSE_DISCOVERY_RATE)
    return Whole(
        candidate_id=candidate,
        log_ratio=found.log_statistic + log(len(streams)) if any_evidence else None,
        culprit=found.culprit if any_evidence else None,
        part=found.part if any_evidence else None,
        streams=len(streams),
        degraded=tuple(Degraded(*name, log_e=log_e[name]) for name in listed),
    )


def _log_statistic(one: Stream) -> float:
    """Return the statistic as it stands: in the tick of an alarm the evidence shows what the alarm took off."""
    alarm = _alarm(one)
    value = one.evidence.log_statistic
    if value is None or (alarm is not None and datetime.fromisoformat(alarm["at"]) == one.updated_at):
        return -inf
    return value


def _log_alarmed(one: Stream, now: datetime, ttl: timedelta) -> float:
    alarm = _alarm(one)
    if alarm is None or now - datetime.fromisoformat(alarm["at"]) > ttl:
        return -inf
    if alarm.get("advice") is not None:
        return -inf  # not always the detector's own statistic: complete pairs, or a reference
    value = alarm["evidence"].get("log_statistic")
    return -inf if value is None else float(value)


def _alarm(one: Stream) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = one.state.get("alarm")
    return found


def _age(one: Stream) -> float:
    since = one.state.get("beside", {}).get("since")
    return 1.0 if since is None else max(1.0, one.last_tick - since + 1.0)
