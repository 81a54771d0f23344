"""The route's clock: warm-up, horizon, and which tick is due."""

import math
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from monitor.models.policy import Policy
from monitor.models.route import Route
from monitor.models.tick import RouteClock, tick_of, tick_start
from monitor.storage.clocks import ClockStore
from monitor.storage.events import EventStore

__all__ = ["horizon_from", "keep_clock"]

_LAG_QUANTILE = 0.999
_LAG_FACTOR = 1.5
_LAG_SLACK_S = 1.0
_FEWEST_LAGS = 100


def horizon_from(lag_s: float | None, policy: Policy) -> float:
    """Return the horizon: 1.5 times the 99.9 % lag plus a second, between the policy's floor and ceiling.

    The lag is pooled over both arms, so that neither arm's slowness decides when its own ticks close.
    """
    wanted = policy.horizon_ceiling_s if lag_s is None else _LAG_FACTOR * lag_s + _LAG_SLACK_S
    return min(max(wanted, policy.horizon_floor_s), policy.horizon_ceiling_s)


def keep_clock(session: Session, route: Route, policy: Policy, now: datetime) -> RouteClock:
    """Return the route's clock, started, warmed up and with the horizon of this hour.

    The horizon is fixed once an hour from the hour before, by the receive clock; the first one from the warm-up.
    """
    store = ClockStore(session)
    store.lock(route.id)
    clock = store.get(route.id)
    hour = now.replace(minute=0, second=0, microsecond=0)
    if clock is None or clock.tick_s != policy.tick_s:
        last = tick_of(_never_closed(clock, now), policy.tick_s)
        clock = RouteClock(route.id, policy.tick_s, last, policy.horizon_ceiling_s, hour, None)
        store.start(clock)
    if clock.warm_at is None:
        return _warm_up(session, clock, policy, now)
    if hour > clock.horizon_hour:
        lags = EventStore(session).lags(route.id, hour - timedelta(hours=1), hour, _LAG_QUANTILE)
        horizon = horizon_from(lags.quantile_s, policy) if lags.n >= _FEWEST_LAGS else clock.horizon_s
        store.set_horizon(route.id, horizon, hour, clock.warm_at)
        return RouteClock(route.id, clock.tick_s, clock.last_tick, horizon, hour, clock.warm_at)
    return clock


def _never_closed(clock: RouteClock | None, now: datetime) -> datetime:
    """Return an instant from which on no tick was closed: now, unless the system's clock went back meanwhile."""
    return now if clock is None else max(now, tick_start(clock.last_tick + 1, clock.tick_s))


def _warm_up(session: Session, clock: RouteClock, policy: Policy, now: datetime) -> RouteClock:
    """Fix the first horizon when enough traffic has been watched for long enough."""
    events = EventStore(session)
    earliest = now - timedelta(seconds=policy.warmup_s) - timedelta(hours=1)
    first = events.first_event_at(clock.route_id, earliest)
    if first is None or now - first < timedelta(seconds=policy.warmup_s):
        return clock
    lags = events.lags(clock.route_id, earliest, now, _LAG_QUANTILE)
    if lags.n < _FEWEST_LAGS:
        return clock
    horizon = horizon_from(lags.quantile_s, policy)
    last_closed = tick_of(now, clock.tick_s) - math.ceil(horizon / clock.tick_s) - 1
    warm = RouteClock(
        clock.route_id,
        clock.tick_s,
        max(clock.last_tick, last_closed),
        horizon,
        now.replace(minute=0, second=0, microsecond=0),
        now,
    )
    ClockStore(session).start(warm)
    return warm
