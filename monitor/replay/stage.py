"""The stage of a replay: a factory over a database and a virtual clock, with a route for each that was seen."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from monitor.api.routes import RouteBody
from monitor.clock import FakeClock
from monitor.config import Settings
from monitor.factory import Factory
from monitor.models.key import ApiKey, Scope
from monitor.models.route import Mode, Route, TargetRef
from monitor.models.tick import RouteClock, tick_of
from monitor.models.variant import Role, Tier
from monitor.replay.source import Part, ReplayError, RouteCast, Source
from monitor.services.artifact_names import suggest
from monitor.services.routes import RouteSpec
from monitor.services.ticks import horizon_from
from monitor.storage.clocks import ClockStore
from monitor.storage.routes import VariantSpec
from monitor.storage.session import Database

__all__ = ["Stage", "StageOptions", "baseline_of", "set_stage"]

POLICY = "replayed"
_SOURCE = "replay"
_FULL_BITS = 16
_SAMPLED_BELOW = 0.95
"""With fewer copies than this share of the primaries the mirror is taken for sampled."""
_MOST_VARIANTS = 32
_RETENTION_DAYS = 8
_ASKING: Final = {"verify": {"probe", "counters"}, "preflight": {"probe", "drain", "scale"}}
"""Parts of a policy that name addresses."""


@dataclass(frozen=True, slots=True)
class StageOptions:
    """How a replay is set up.

    Args:
        policy: The policy's document.
        mode: How far the controller may go.
        baseline: Name of the reference; told by names and legs when absent.
        routes: Route documents as ``fullback routes add`` takes them; made from the events when empty.
        mirror_percent: Share of requests that the mirror copies; told by the events when absent.
        warm_up: Live through the policy's warm-up as a new route would, instead of testing from the first tick on.
    """

    policy: Mapping[str, Any]
    mode: Mode = Mode.OBSERVE
    baseline: str | None = None
    routes: tuple[Mapping[str, Any], ...] = ()
    mirror_percent: float | None = None
    warm_up: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything set up, before the first event."""

    factory: Factory
    clock: FakeClock
    key: ApiKey
    routes: tuple[Route, ...]
    notes: tuple[str, ...]
    """What was taken for granted."""


def set_stage(database: Database, source: Source, options: StageOptions, step_s: float) -> Stage:
    """Create policy, routes and clocks for a source, as of just before its first event.

    Raises:
        ReplayError: the baseline cannot be told.
        ValidationError: the policy or a route is wrong.
    """
    first = datetime.fromtimestamp(source.span[0], UTC)
    clock = FakeClock(first - timedelta(seconds=step_s))
    settings = Settings(
        database_url=None,
        slack_webhook_url=None,
        subject_key=None,
        signals="all",
        commit_timeout_s=60,
        retention_days=_RETENTION_DAYS,
        max_event_age_days=_RETENTION_DAYS - 1,
        source_queue_share=1,
    )
    factory = Factory(settings, clock=clock, database=database)
    factory.policies.add(POLICY, _reaching_nothing(options.policy), _SOURCE)
    notes: list[str] = []
    specs = (
        [_given(document, options) for document in options.routes]
        if options.routes
        else [_seen(cast, options, notes) for cast in source.casts]
    )
    if not specs:
        raise ReplayError(
            "no event names a variant or a backend: name the route's file with --route, as for `fullback routes add`"
        )
    routes = tuple(factory.routes.add(spec, _SOURCE) for spec in specs)
    if not options.warm_up:
        _warm(factory, routes, source, step_s)
    key, _ = factory.keys.create(_SOURCE, frozenset({Scope.INGEST}), None)
    return Stage(factory, clock, key, routes, tuple(notes))


def baseline_of(parts: Sequence[Part], wanted: str | None) -> tuple[Part, str]:
    """Return the baseline among a route's variants, and how it was told.

    Raises:
        ReplayError: nothing tells it.
    """
    if wanted is not None:
        named = next((part for part in parts if part.name == wanted), None)
        if named is not None:
            return named, "named"
    bits = {part.name: _bits(part.name) for part in parts}
    full = [part for part in parts if bits[part.name] >= _FULL_BITS]
    if len(full) == 1:
        return full[0], "its name says full precision"
    mirrored = sorted(parts, key=lambda part: part.shadow - part.primary, reverse=True)
    if mirrored[0].shadow > mirrored[0].primary and (len(parts) == 1 or mirrored[1].shadow <= mirrored[1].primary):
        return mirrored[0], "it serves the mirror"
    known = ", ".join(part.name for part in parts)
    asked = "" if wanted is None else f"there is no variant {wanted!r}; "
    raise ReplayError(f"{asked}which variant is the baseline? say --baseline NAME; seen: {known}")


def _bits(name: str) -> float:
    found = suggest(name).value("bits")
    return float(found) if isinstance(found, int | float) else 0.0


def _seen(cast: RouteCast, options: StageOptions, notes: list[str]) -> RouteSpec:
    if len(cast.parts) > _MOST_VARIANTS:
        raise ReplayError(
            f"route {cast.name!r} has {len(cast.parts)} backends without a variant's name (at most {_MOST_VARIANTS}): "
            "name its variants with --route FILE, as for `fullback routes add`"
        )
    baseline, why = baseline_of(cast.parts, options.baseline)
    candidates = [part for part in cast.parts if part is not baseline]
    primaries = sum(part.primary for part in cast.parts)
    copies = sum(part.shadow for part in cast.parts)
    share = 100.0 * min(1.0, copies / primaries) if copies and primaries else 100.0
    percent = options.mirror_percent or (share if share < 100.0 * _SAMPLED_BELOW else 100.0)
    names = ", ".join(part.name for part in candidates) or "none"
    notes.append(f"{cast.name}: baseline {baseline.name} ({why}), candidates: {names}")
    if options.mirror_percent is None and percent < 100.0:  # noqa: PLR2004 - per cent
        notes.append(
            f"{cast.name}: {percent:.0f} % of the primaries have a copy; taken for a sampling mirror, "
            "say --mirror 100 if the others were lost"
        )
    untold = sum(part.untold for part in cast.parts)
    if untold:
        notes.append(
            f"{cast.name}: {untold:,} records tell no leg (by leg, mirrored or host): they are counted and not compared"
        )
    return RouteSpec(
        name=cast.name,
        targets=(_target([part.backend for part in candidates], baseline.backend),),
        variants=[_variant(part, Role.BASELINE if part is baseline else Role.CANDIDATE) for part in cast.parts],
        policy=POLICY,
        mode=options.mode,
        mirror_host_suffix=cast.suffix,
        mirror_percent=percent,
        waiver=_SOURCE,
    )


def _reaching_nothing(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return the policy without what asks real servers: a replay probes, measures and scales none."""
    kept = dict(policy)
    for section, names in _ASKING.items():
        part = kept.get(section)
        if isinstance(part, Mapping):
            kept[section] = {name: value for name, value in part.items() if name not in names}
    return kept


def _given(document: Mapping[str, Any], options: StageOptions) -> RouteSpec:
    from pydantic import ValidationError as Malformed

    try:
        body = RouteBody.model_validate(document)
    except Malformed as error:
        place = "/".join(str(part) for part in error.errors()[0]["loc"])
        raise ReplayError(f"the route's file: /{place}: {error.errors()[0]['msg']}") from None
    variants = [variant.spec() for variant in body.variants]
    baseline = next((one.backend for one in variants if one.role is Role.BASELINE), "")
    others = [one.backend for one in variants if one.role is Role.CANDIDATE]
    return RouteSpec(
        name=body.name,
        targets=(_target(others, baseline),),
        variants=variants,
        policy=POLICY,
        mode=options.mode,
        mirror_host_suffix=body.mirror_host_suffix,
        mirror_percent=body.mirror_percent if options.mirror_percent is None else options.mirror_percent,
        waiver=_SOURCE,
        answer_schema=body.answer_schema,
    )


def _target(candidates: Sequence[str], baseline: str) -> TargetRef:
    """Return an in-memory router of its own: nothing outside is touched."""
    weights = {baseline: 0 if candidates else 1, **dict.fromkeys(candidates, 1)}
    return TargetRef("memory", {"name": f"replay-{secrets.token_hex(8)}", "weights": weights, "mirror": baseline})


def _variant(part: Part, role: Role) -> VariantSpec:
    told = suggest(part.name)
    tier = told.value("tier")
    known = Tier(tier) if isinstance(tier, str) and tier in set(Tier) else Tier.QUANTIZED
    format_ = told.value("format")
    return VariantSpec(
        name=part.name,
        role=role,
        backend=part.backend,
        format=format_ if isinstance(format_, str) else "unknown",
        tier=Tier.SERVING if role is Role.BASELINE else known,
    )


def _warm(factory: Factory, routes: Sequence[Route], source: Source, step_s: float) -> None:
    """Start each clock with the first event's tick, and with the horizon that the recording's own lags ask for."""
    policy, now = factory.policies.get(POLICY), factory.clock.now()
    horizon_s = horizon_from(source.lag_s + step_s, policy)
    first = max(source.first_start, source.span[0] - horizon_s)  # what started earlier would have come too late
    clock = RouteClock(
        route_id=0,
        tick_s=policy.tick_s,
        last_tick=tick_of(datetime.fromtimestamp(first, UTC), policy.tick_s) - 1,
        horizon_s=horizon_s,
        horizon_hour=now.replace(minute=0, second=0, microsecond=0),
        warm_at=now,
    )
    with factory.database.transaction() as session:
        for route in routes:
            ClockStore(session).start(replace(clock, route_id=route.id))
