"""A route with a drift, an incident and a rollback, written through the stores as the service writes them."""

from dataclasses import replace
from datetime import datetime, timedelta
from math import log
from typing import Any

from detectors.types import PairCounts, Verdict
from monitor.factory import Factory
from monitor.models.decision import Audit
from monitor.models.evidence import Evidence, Stream
from monitor.models.finding import FindingKind
from monitor.models.incident import Alarm
from monitor.models.route import DesiredRoute, Goal, Mode, Phase, Route, RouteSnapshot, Stage, TargetRef
from monitor.models.tick import RouteClock, ScoredTick, tick_of, tick_start
from monitor.models.variant import Role, Tier, Variant
from monitor.services.effects import effect_of
from monitor.services.routes import RouteSpec
from monitor.storage.clocks import ClockStore
from monitor.storage.controls import ControlStore
from monitor.storage.decisions import DecisionStore
from monitor.storage.event_tables import FaultCountRow
from monitor.storage.findings import FindingStore
from monitor.storage.freezes import FreezeStore
from monitor.storage.incidents import IncidentStore
from monitor.storage.rehearsals import RehearsalStore, StoredRehearsal
from monitor.storage.routes import VariantSpec
from monitor.storage.streams import StreamStore

TICK_S = 10.0
THRESHOLD = 1.6e8
SIGNALS = ("schema_validity", "refusal", "latency_ttft", "request_error")


def add_route(factory: Factory, name: str, mode: Mode = Mode.AUTO, candidate: str = "chat-int4") -> Route:
    """Create a route with a baseline and a candidate."""
    variants = [
        VariantSpec("chat-bf16", Role.BASELINE, "bf16-cluster", "bf16", Tier.SERVING),
        VariantSpec(candidate, Role.CANDIDATE, "int4-cluster", "gguf q4_k_m", Tier.QUANTIZED),
    ]
    return factory.routes.add(RouteSpec(name, (TargetRef("memory", {"name": name}),), variants, mode=mode), "ops")


def add_stream(factory: Factory, route: Route, variant: Variant, signal: str, slice_: str, **changes: Any) -> Stream:
    """Store a stream, undecided unless said otherwise."""
    evidence = Evidence(
        pairs=4210,
        candidate_rate=0.0119,
        baseline_rate=0.0117,
        log_statistic=2.31,
        log_threshold=log(THRESHOLD),
        phi=1.12,
        one_sided_share=0.0021,
        smallest_detectable=0.0213,
    )
    stream = Stream(
        id=0,
        route_id=route.id,
        candidate_id=variant.id,
        signal=signal,
        slice=slice_,
        fingerprint="f" * 32,
        threshold=THRESHOLD,
        state={},
        last_tick=0,
        verdict=Verdict.UNDECIDED,
        reason=f"{signal}: no harm found in 4210 pairs; 2.1 % or more would have been seen",
        evidence=evidence,
        updated_at=factory.clock.now(),
    )
    with factory.database.transaction() as session:
        return StreamStore(session).add([replace(stream, **changes)])[0]


def add_ticks(factory: Factory, stream: Stream, minutes: float, bad_after: datetime | None = None) -> list[PairCounts]:
    """Store ticks up to now: 24 pairs each, with 8 % bad candidate answers after an instant."""
    last = tick_of(factory.clock.now(), TICK_S) - 1
    counts = []
    with factory.database.transaction() as session:
        for tick in range(last - int(minutes * 60 / TICK_S) + 1, last + 1):
            started = tick_start(tick, TICK_S)
            worse = bad_after is not None and started >= bad_after
            bad = 3 + tick % 4 if worse else int(tick % 5 == 0)
            table = PairCounts(n11=0, n10=bad, n01=int(tick % 7 == 0), n00=60 + tick % 13)
            counts.append(table)
            scored = ScoredTick(
                harm=(table,), safe=(table,), complete=(table,), paired=table.n, missing_baseline=int(tick % 11 == 0)
            )
            StreamStore(session).add_ticks(tick, started, [(stream, scored)])
    return counts


def warm(factory: Factory, route: Route) -> None:
    """Start the route's clock, warm and up to date."""
    now = factory.clock.now()
    clock = RouteClock(route.id, TICK_S, tick_of(now, TICK_S) - 2, 6.5, now, now - timedelta(hours=3))
    with factory.database.transaction() as session:
        ClockStore(session).start(clock)


def add_incident(
    factory: Factory, route: Route, stream: Stream, onset: datetime, alarm: datetime, headline: str
) -> int:
    """Open an incident with a confirmed effect."""
    with factory.database.transaction() as session:
        incident = IncidentStore(session).record(
            Alarm(
                route_id=route.id,
                candidate_id=stream.candidate_id,
                stream_id=stream.id,
                signal=stream.signal,
                slice=stream.slice,
                tick=tick_of(alarm, TICK_S),
                at=alarm,
                onset_at=onset,
                headline=headline,
                evidence=stream.evidence.to_json(),
                effect=effect_of(stream.signal, PairCounts(1, 31, 2, 380), "since onset"),
            )
        )
        effect = effect_of(stream.signal, PairCounts(1, 42, 3, 480), "confirmation")
        IncidentStore(session).set_effect(incident, effect)
    return incident


def roll_back(factory: Factory, route: Route, incident: int, alarm: datetime, actor: str = "controller") -> None:
    """Write the rows of a finished rollback: desired state, before, and its audit."""
    before = RouteSnapshot({"bf16-cluster": 5, "int4-cluster": 95}, "bf16-cluster", 0)
    desired = DesiredRoute(1, {"bf16-cluster": 100, "int4-cluster": 0}, "int4-cluster")
    steps = [
        (0.4, "roll_back", Phase.ARMED, Phase.TRIGGERED, "Schema failures: candidate 7.8 %, baseline 0.5 %"),
        (0.5, "clear", Phase.TRIGGERED, Phase.PREFLIGHT, "nothing holds it"),
        (0.7, "flip", Phase.PREFLIGHT, Phase.APPLYING, "baseline healthy: 2 of 2904 answers failed (0.1 %, limit 2 %)"),
        (1.2, "applied", Phase.APPLYING, Phase.VERIFYING_CONTROL, "epoch 1 written to the router"),
        (
            1.8,
            "read_back",
            Phase.VERIFYING_CONTROL,
            Phase.VERIFYING_TRAFFIC,
            "the router shows epoch 1; waiting for traffic",
        ),
        (
            14.0,
            "verified_by_traffic",
            Phase.VERIFYING_TRAFFIC,
            Phase.ROLLED_BACK,
            "0 of 612 new requests reached the candidate",
        ),
        (
            14.6,
            "hold",
            Phase.ROLLED_BACK,
            Phase.HOLD,
            "the baseline serves until a person, or evidence, says otherwise",
        ),
    ]
    with factory.database.transaction() as session:
        for seconds, action, from_phase, to_phase, reason in steps:
            DecisionStore(session).add(
                Audit(
                    route_id=route.id,
                    at=alarm + timedelta(seconds=seconds),
                    actor=actor,
                    action=action,
                    from_phase=from_phase,
                    to_phase=to_phase,
                    reason=reason,
                    epoch=1,
                    incident_id=incident,
                    policy_name="default",
                    policy_version=1,
                    before={"memory": before.to_json()},
                    after={"memory": desired.to_json()},
                )
            )
        store = ControlStore(session)
        seen = store.get(route.id)
        assert store.replace(
            seen,
            replace(
                seen,
                phase=Phase.HOLD,
                phase_since=alarm + timedelta(seconds=14.6),
                epoch=1,
                desired={"memory": desired},
                before={"memory": before},
                stages=(Stage(100),),
                applied_at=alarm + timedelta(seconds=1.2),
                incident_id=incident,
            ),
        )


def seed_ramp(factory: Factory, name: str = "code-30b") -> Route:
    """Write a route of two clusters whose candidate is on its way back, frozen, and whose last rehearsal failed."""
    variants = [
        VariantSpec("code-bf16", Role.BASELINE, "bf16-cluster", "bf16", Tier.SERVING),
        VariantSpec("code-int4", Role.CANDIDATE, "int4-cluster", "awq", Tier.QUANTIZED),
    ]
    targets = tuple(TargetRef("memory", {"name": f"{name}-{label}"}, label) for label in ("east", "west"))
    route = factory.routes.add(RouteSpec(name, targets, variants, mode=Mode.AUTO), "ops")
    now = factory.clock.now()
    warm(factory, route)
    before = RouteSnapshot({"bf16-cluster": 5, "int4-cluster": 95}, "bf16-cluster", 0)
    desired = DesiredRoute(3, {"bf16-cluster": 76, "int4-cluster": 24}, "bf16-cluster")
    other = DesiredRoute(3, {"bf16-cluster": 100, "int4-cluster": 0}, None)
    with factory.database.transaction() as session:
        store = ControlStore(session)
        seen = store.get(route.id)
        ramping = replace(
            seen,
            phase=Phase.RAMPING,
            phase_since=now - timedelta(minutes=4),
            goal=Goal.RAMP,
            actor="ana",
            epoch=3,
            desired={"east": desired, "west": other},
            before={"east": before, "west": before},
            applied_at=now - timedelta(minutes=4),
            stages=tuple(Stage(share) for share in (1, 5, 25, 50, 100)),
            stage=2,
        )
        assert store.replace(seen, ramping)
        FreezeStore(session).add(None, "breaker", "4 of 9 routes alarmed within 600 s (limit 3)", now, None)
        FreezeStore(session).add(route.id, "ana", "release week", now, now + timedelta(hours=8))
        problem = "HTTPRoute llm/code-30b cannot be patched: 403, the service account may not patch httproutes"
        rows = [StoredRehearsal(label, now - timedelta(hours=3), (), ()) for label in ("", "east")]
        RehearsalStore(session).put(
            route.id, [*rows, StoredRehearsal("west", now - timedelta(hours=3), (problem,), (), ("argocd",))]
        )
    return route


def seed_faults(factory: Factory, main: Stream, baseline_id: int) -> None:
    """Write where the answers of both variants failed today."""
    counted = [
        (main.candidate_id, "missing_required", "required:/properties/parcels", 1210),
        (main.candidate_id, "truncated", "", 88),
        (baseline_id, "truncated", "", 9),
    ]
    with factory.database.transaction() as session:
        for variant_id, reason, detail, n in counted:
            session.add(
                FaultCountRow(
                    route_id=main.route_id,
                    variant_id=variant_id,
                    start_day=factory.clock.now().date(),
                    signal=main.signal,
                    reason=reason,
                    detail=detail,
                    n=n,
                )
            )


def seed_findings(factory: Factory, route: str) -> list[int]:
    """Write a silent shipper, a changed fingerprint, and one that a person closed; the newest last."""
    now = factory.clock.now()
    changed = FindingKind.FINGERPRINT_CHANGED
    detail = "chat-int4 answers with system_fingerprint 'fp_0fc1' instead of 'fp_77ad': its streams start anew"
    with factory.database.transaction() as session:
        store = FindingStore(session)
        closed = store.open(changed, f"{route}/chat-int4", detail, now - timedelta(hours=3))
        assert closed is not None
        store.close(closed.id, now - timedelta(hours=2), "ana", "the new build is ours")
        silent = store.open(
            FindingKind.SHIPPER_SILENT, "fluent-bit-a", "source 'fluent-bit-a' sent its last record", now
        )
        opened = store.open(changed, f"{route}/chat-int4", detail, now - timedelta(minutes=20))
        assert silent is not None
        assert opened is not None
    return [closed.id, silent.id, opened.id]


def seed_drift(factory: Factory, name: str = "chat-70b") -> dict[str, Any]:
    """Write a route whose candidate drifted 20 minutes ago and was rolled back."""
    route = add_route(factory, name)
    baseline, candidate = factory.routes.variants(route)
    now = factory.clock.now()
    onset, alarm = now - timedelta(minutes=21), now - timedelta(minutes=12)
    warm(factory, route)
    headline = "Schema failures: candidate 7.8 %, baseline 0.5 % of requests (414 pairs since onset)"
    streams = [
        add_stream(factory, route, variant, signal, slice_)
        for variant in (candidate, baseline)
        for signal in SIGNALS
        for slice_ in ("all", "first_turn")
    ]
    main = next(s for s in streams if (s.candidate_id, s.signal, s.slice) == (candidate.id, "schema_validity", "all"))
    thin = next(s for s in streams if (s.candidate_id, s.signal, s.slice) == (candidate.id, "refusal", "first_turn"))
    safe = next(s for s in streams if (s.candidate_id, s.signal, s.slice) == (candidate.id, "request_error", "all"))
    with factory.database.transaction() as session:
        evidence = replace(main.evidence, candidate_rate=0.078, baseline_rate=0.005, log_statistic=18.95, pairs=414)
        StreamStore(session).save([replace(main, verdict=Verdict.HARM, reason=headline, evidence=evidence)])
        nothing = Evidence(pairs=31, log_threshold=log(THRESHOLD))
        reason = "thin data: 31 pairs, 100 are needed to say anything"
        StreamStore(session).save([replace(thin, verdict=Verdict.INCONCLUSIVE, reason=reason, evidence=nothing)])
        reason = "Failed requests: within the margin over at least the last 24 h (90210 pairs)"
        StreamStore(session).save([replace(safe, verdict=Verdict.SAFE, reason=reason)])
    counts = add_ticks(factory, main, 55, onset)
    seed_faults(factory, main, baseline.id)
    incident = add_incident(factory, route, main, onset, alarm, headline)
    roll_back(factory, route, incident, alarm)
    return {
        "route": route,
        "stream": main,
        "streams": streams,
        "counts": counts,
        "incident": incident,
        "baseline": baseline,
        "candidate": candidate,
    }
