"""Whether the baseline can take the traffic: its health, the room it has, and more replicas of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from monitor.controller.probing import Prober
from monitor.controller.readings import BaselineHealth, Room, Scaling
from monitor.controller.situation import Situation
from monitor.errors import RoutingError
from monitor.models.acting import DrainPolicy
from monitor.models.probe import ProbeWay
from monitor.models.route import Phase
from monitor.routing.meters import Load, LoadLimits, MeterSettings, judge_load, read_load
from monitor.routing.scaler import judge_scale, raise_to
from monitor.routing.scalers import build_scaler
from monitor.storage.probes import ProbeStore
from monitor.storage.proof import ProofStore
from monitor.storage.session import Database

__all__ = ["BaselineLook", "room_in"]

_WITHIN_S: Final = 1.5
_SCALE_WITHIN_S: Final = 2.0
_PATIENCE: Final = timedelta(seconds=30)
"""A preflight waits this long for its probes; after that it says that it could not tell, and looks again."""
_NOT_THE_SCALERS: Final = frozenset({"replicas", "timeout_s"})


class BaselineLook:
    """Reads the baseline."""

    def __init__(self, database: Database, prober: Prober) -> None:
        self._database = database
        self._prober = prober

    def health(self, seen: Situation, now: datetime, *, probing: bool = True) -> BaselineHealth | None:
        """Return how the baseline answered lately; where that is too little, with probes straight to it.

        ``probing``: send more of them where they are too few; the leader alone does.
        """
        baseline, policy = seen.baseline, seen.policy.preflight
        if baseline is None:
            return None
        since = now - timedelta(seconds=policy.window_s)
        with self._database.reading() as session:
            store = ProofStore(session)
            health = BaselineHealth(*store.health(seen.route.id, baseline.id, since, now))
            if policy.capacity_rps is not None:
                copied = store.answered(seen.route.id, baseline.id, since, now)
                primaries = sum(store.primaries(seen.route.id, since, now).by_variant.values())
                health = replace(health, copied=copied, primaries=primaries)
        return health if health.answers >= policy.min_events else self._with_probes(seen, now, since, health, probing)

    def _with_probes(
        self, seen: Situation, now: datetime, since: datetime, health: BaselineHealth, probing: bool
    ) -> BaselineHealth:
        """Add what probes were answered, and send more of them while that is too little.

        The look-back is the wait for real traffic: it is over, so the first ones go at once.
        """
        policy = seen.policy.preflight
        if policy.probe is None:
            return health
        with self._database.reading() as session:
            answers = ProbeStore(session).answers(seen.route.id, ProbeWay.BASELINE, since)
        lacking = policy.min_events - health.answers - answers.answered
        sent = self._prober.send(seen, policy.probe, ProbeWay.BASELINE, lacking, since=since) if probing else 0
        under_way = sent > 0 or self._prober.flying(seen.route.id)
        patient = seen.control.phase is Phase.PREFLIGHT and now - seen.control.phase_since < _PATIENCE
        return replace(
            health,
            answers=health.answers + answers.answered,
            failed=health.failed + answers.failed,
            probes=answers.answered,
            probing=lacking > 0 and under_way and patient,
        )

    def room(self, seen: Situation, now: datetime) -> Room | None:
        """Return whether the baseline has room for the next step, read off its metrics pages when it is asked for."""
        drain, applied = seen.policy.preflight.drain, seen.control.applied_at
        if drain is None or drain.meters is None:
            return None
        waits = seen.control.phase is Phase.VERIFYING_CONTROL and applied is not None
        if waits and applied is not None and now - applied < timedelta(seconds=drain.pause_s):
            return None  # no step follows yet, whatever it shows
        try:
            settings = MeterSettings(**{"within_s": _WITHIN_S, **drain.meters, "urls": tuple(drain.meters["urls"])})
        except (ValueError, TypeError) as error:
            return Room(ok=False, reason=f"preflight.drain.meters is wrong: {error}", readable=False)
        return room_in(read_load(settings), drain)

    def scaling(self, seen: Situation, replicas: int, *, ask: bool) -> Scaling:
        """Return how the baseline's replicas stand; ``ask`` for so many first, if fewer were asked for."""
        policy: Mapping[str, Any] = seen.policy.preflight.scale or {}
        settings = {name: value for name, value in policy.items() if name not in _NOT_THE_SCALERS}
        if not settings:
            return Scaling(replicas, 0, problem="preflight.scale does not say where to ask for replicas")
        try:
            scaler = build_scaler(settings, _SCALE_WITHIN_S)
            scale = raise_to(scaler, replicas) if ask else scaler.get_scale()
        except RoutingError as error:
            return Scaling(replicas, 0, problem=error.detail)
        except (ValueError, TypeError) as error:
            return Scaling(replicas, 0, problem=f"preflight.scale is wrong: {error}")
        undone = not ask and scale.wanted < replicas
        return Scaling(replicas, scale.ready, judge_scale(scale, replicas).reason if undone else None)


def room_in(load: Load, drain: DrainPolicy) -> Room:
    """Judge a reading of the meters. An engine that shows no cache is judged by its queue alone, and says so. Pure."""
    readable = not load.unread and load.replicas > 0 and load.waiting is not None
    shown = load.cache_used is not None
    limits = LoadLimits(waiting=drain.max_waiting, cache_used=drain.max_cache_used if shown else None)
    ok, reason = judge_load(load, limits)
    return Room(ok=ok, reason=reason if shown or not readable else f"{reason}; no cache is shown", readable=readable)
