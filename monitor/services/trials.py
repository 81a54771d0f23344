"""Trials of a policy on what was counted: reads a window, newest first, within a time, and compares two policies."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from time import monotonic
from typing import Any

from sqlalchemy.orm import Session

from detectors.registry import SIGNALS
from monitor.clock import Clock
from monitor.errors import ConflictError, NotFoundError, ValidationError
from monitor.models.count_history import ROLLED, WIDTHS, Resolution, begin_of
from monitor.models.evidence import Stream
from monitor.models.policy import Policy
from monitor.models.route import Route
from monitor.models.tick import tick_of, tick_start
from monitor.models.variant import Role, Variant
from monitor.services.policies import PolicyService, parse_policy
from monitor.services.policy_trial import Basis, Past, Trial, TrialAlarm, try_policy
from monitor.storage.clocks import ClockStore
from monitor.storage.incidents import IncidentStore
from monitor.storage.routes import RouteStore
from monitor.storage.session import Database
from monitor.storage.slice_seats import SliceSeatStore
from monitor.storage.streams import StreamStore
from monitor.storage.tick_history import Extent, History, TickHistory, joined

__all__ = ["LONGEST_DAYS", "TrialService"]

LONGEST_DAYS = 90.0
_DAY_S = 86_400.0
_MOST_ENTRIES = 400_000
"""Entries of all streams held in memory at once, some 130 bytes each."""
_MOMENT = timedelta(microseconds=1)
_ROUNDING = 1e-9
_MOST_TIMES = 600
"""Widths that are tried until ticks fit in: a tick of 300 s fits in 5 minutes."""
_SHOWN = 100
_MOST_INCIDENTS = 1_000


@dataclass(frozen=True, slots=True)
class _Window:
    """What was read of a route."""

    since: datetime
    until: datetime
    asked_since: datetime
    histories: Mapping[int, History]
    group: int
    tick_s: float


class TrialService:
    """Answers what a policy would have done. One trial at a time: it takes processor time that ingest wants."""

    def __init__(self, database: Database, policies: PolicyService, clock: Clock) -> None:
        self._database = database
        self._policies = policies
        self._clock = clock
        self._busy = threading.Lock()

    def run(
        self,
        name: str,
        document: Mapping[str, Any],
        *,
        route: str | None = None,
        days: float = 30.0,
        within_s: float = 20.0,
        allowed: Callable[[str], bool] = lambda _: True,
    ) -> dict[str, Any]:
        """Fold what was counted under a document, and under each route's present policy; write nothing.

        Args:
            name: Of the policy: its routes are looked at unless ``route`` names one.
            document: The policy to try.
            route: The only route to look at.
            days: How far to look back, in (0, 90].
            within_s: Time for reading, seconds: when it is over, what was read counts, the newest part.
            allowed: Which routes may be looked at.

        Raises:
            ValidationError: the document or a number is wrong, or no route uses the policy.
            NotFoundError: there is no such route.
            ConflictError: another trial is running.
        """
        policy = parse_policy(name, 0, document)
        if not 0.0 < days <= LONGEST_DAYS:
            raise ValidationError(f"days is {days!r}; it must be above 0 and at most {LONGEST_DAYS:g}")
        if not self._busy.acquire(blocking=False):
            raise ConflictError("another trial of a policy is running in this process; try again when it has ended")
        try:
            return self._run(policy, route, days, monotonic() + within_s, allowed)
        finally:
            self._busy.release()

    def _run(
        self, policy: Policy, wanted: str | None, days: float, deadline: float, allowed: Callable[[str], bool]
    ) -> dict[str, Any]:
        with self._database.reading() as session:
            every = RouteStore(session).all()
        chosen = [one for one in every if one.name == wanted or (wanted is None and one.policy == policy.name)]
        chosen = [one for one in chosen if allowed(one.name)]
        if not chosen and wanted is not None:
            known = ", ".join(one.name for one in every if allowed(one.name)) or "none yet"
            raise NotFoundError(f"there is no route {wanted!r}; known: {known}")
        if not chosen:
            raise ValidationError(f"no route uses policy {policy.name!r}; name the route to try it on (--route)")
        told = [self._route(one, policy, days, deadline, len(every)) for one in chosen]
        return {
            "policy": policy.name,
            "days": days,
            "alarms": sum(one["trial"]["alarms"] for one in told),
            "rollbacks": sum(one["trial"]["rollbacks"] for one in told),
            "present_rollbacks": sum(one["present"]["rollbacks"] for one in told),
            "routes": told,
        }

    def _route(self, route: Route, policy: Policy, days: float, deadline: float, fleet: int) -> dict[str, Any]:
        present = self._policies.get(route.policy)
        with self._database.reading() as session:
            variants = RouteStore(session).variants(route.id)
            streams = StreamStore(session).of_route(route.id)
            seats = SliceSeatStore(session).of_route(route.id)
            incidents = IncidentStore(session).newest(route.id, _MOST_INCIDENTS)
            window = self._read(session, route, streams, present, days, deadline)
        past = Past(
            policy=present,
            variants=variants,
            seats=seats,
            histories={
                (one.candidate_id, one.signal, one.slice): window.histories[one.id]
                for one in streams
                if one.id in window.histories
            },
            tick_s=window.tick_s,
            group=window.group,
            fleet=fleet,
        )
        new, old = try_policy(policy, past), try_policy(present, past)
        names = {variant.id: variant.name for variant in variants}
        return {
            "route": route.name,
            "from": window.since.isoformat(),
            "to": window.until.isoformat(),
            "present_policy": f"{present.name}@{present.version}",
            "happened": sum(one.opened_at >= window.since for one in incidents),
            "trial": _trial(new, names),
            "present": _trial(old, names),
            "cannot_know": _cannot_know(new, policy, past, window, variants),
        }

    def _read(
        self, session: Session, route: Route, streams: Sequence[Stream], present: Policy, days: float, deadline: float
    ) -> _Window:
        """Read the window day by day, newest first, until it is whole or the time is over; as coarse as suffices."""
        now = self._clock.now()
        clock = ClockStore(session).get(route.id)
        tick_s = present.tick_s if clock is None else clock.tick_s
        asked = tick_start(tick_of(now - timedelta(days=days), tick_s), tick_s)
        ids, end = [one.id for one in streams], now + timedelta(seconds=tick_s)
        store = TickHistory(session)
        extent = store.extent(route.id, ids, asked, end, tick_s)
        if extent.oldest is None:
            return _Window(now, now, asked, {}, 1, tick_s)
        first = extent.oldest
        resolution, group = _resolution(extent, first, tick_s)
        length = timedelta(seconds=max(1, int(_DAY_S / (tick_s * group))) * tick_s * group)
        parts: list[Mapping[int, History]] = []
        upper = end
        while upper > first and (not parts or monotonic() < deadline):
            lower = max(first, begin_of(upper - _MOMENT, length))
            parts.append(store.read(route.id, ids, lower, upper, tick_s, group, resolution))
            upper = lower
        return _Window(max(upper, asked), now, asked, joined(parts), group, tick_s)


def _resolution(extent: Extent, first: datetime, tick_s: float) -> tuple[Resolution, int]:
    """Return the coarsest resolution that suffices, and how many ticks are put together.

    As many ticks as keep the entries few enough; and a resolution that is still kept for the begin of the window.
    """
    group = max(1, -(-extent.ticks // _MOST_ENTRIES))
    for resolution in reversed(ROLLED):
        width_s = WIDTHS[resolution].total_seconds()
        finer = list(Resolution)[: list(Resolution).index(resolution)]
        begins = [extent.oldest_by[one] for one in finer]
        gone = all(begin is None or begin > first + WIDTHS[Resolution.HOUR] for begin in begins)
        if group * tick_s < width_s and not gone:
            continue
        whole = _whole_group(group, tick_s, width_s)
        if whole is not None:
            return resolution, whole
    return Resolution.TICK, group


def _whole_group(group: int, tick_s: float, width_s: float) -> int | None:
    """Return the fewest ticks, at least ``group``, that last a whole number of widths; None where none do."""
    fewest = max(1, ceil(group * tick_s / width_s - _ROUNDING))
    for times in range(fewest, fewest + _MOST_TIMES):
        ticks = times * width_s / tick_s
        if abs(ticks - round(ticks)) < _ROUNDING:
            return round(ticks)
    return None


def _trial(trial: Trial, names: Mapping[int, str]) -> dict[str, Any]:
    return {
        "alarms": len(trial.alarms),
        "withheld": sum(alarm.withheld is not None for alarm in trial.alarms),
        "rollbacks": len(trial.rollbacks),
        "rollback_decisions": [_alarm(alarm, names) for alarm in trial.rollbacks[:_SHOWN]],
        "alarms_at_counted_margin": dict(sorted(trial.at_other_margin.items())),
        "resolution_s": trial.group_s,
        "streams": len(trial.streams),
        "streams_counted": sum(one.basis is Basis.COUNTED for one in trial.streams),
    }


def _alarm(alarm: TrialAlarm, names: Mapping[int, str]) -> dict[str, Any]:
    counts = alarm.counts
    return {
        "at": alarm.at.isoformat(),
        "onset": alarm.onset.isoformat(),
        "candidate": names[alarm.candidate_id],
        "signal": alarm.signal,
        "title": SIGNALS[alarm.signal].title,
        "slice": alarm.slice,
        "candidate_rate": counts.candidate_bad / counts.candidate_n if counts.candidate_n else None,
        "baseline_rate": counts.baseline_bad / counts.baseline_n if counts.baseline_n else None,
        "n": counts.n,
    }


def _cannot_know(
    trial: Trial, policy: Policy, past: Past, window: _Window, variants: Sequence[Variant]
) -> list[dict[str, Any]]:
    """Return what the counts cannot tell, each with what it is about."""
    told: list[dict[str, Any]] = []

    def tell(what: str, why: str, about: Sequence[str] = ()) -> None:
        told.append({"what": what, "why": why, "about": sorted(set(about))})

    of = {basis: [one for one in trial.streams if one.basis is basis] for basis in Basis}
    names = [f"{one.signal} ({one.slice})" for one in of[Basis.NOT_COUNTED]]
    if names:
        tell("not_counted", "no pair was counted for these signals and slices in that time", names)
    if of[Basis.OTHER_MEANING]:
        tell(
            "other_condition",
            "slices of these names were counted under another condition",
            [one.slice for one in of[Basis.OTHER_MEANING]],
        )
    if of[Basis.OTHER_MARGIN]:
        tell(
            "counted_at_another_margin",
            "tails were counted over the thresholds of the present margin: at a wider one there would be at most, at a "
            "narrower one at least the alarms told here, and they are left out of the sums",
            [one.signal for one in of[Basis.OTHER_MARGIN]],
        )
    ratio = policy.tick_s / window.tick_s
    if ratio < 1.0 or abs(ratio - round(ratio)) > 1e-9:  # noqa: PLR2004 - rounding
        tell("tick", f"counted in ticks of {window.tick_s:g} s, which {policy.tick_s:g} s is no multiple of: folded so")
    if window.since > window.asked_since + timedelta(seconds=_DAY_S):
        tell("earlier", f"nothing before {window.since.isoformat()} was counted, kept, or read in the time given")
    if policy.reactions != past.policy.reactions:
        tell("reactions", "sessions were counted when they were mature by the present policy")
    if not any(variant.role is Role.CANDIDATE for variant in variants):
        tell("no_candidate", "the route has no candidate")
    return told
