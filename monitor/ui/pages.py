"""From the domain to what the templates show. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp
from typing import assert_never

from detectors.registry import SIGNALS
from detectors.types import SignalKind, Verdict
from monitor.models.decision import Audit
from monitor.models.evidence import Stream
from monitor.models.finding import Finding
from monitor.models.incident import Incident
from monitor.models.route import Route, RouteControl
from monitor.models.slices import ALL
from monitor.models.tick import RouteClock, tick_start
from monitor.models.variant import Role
from monitor.storage.streams import Standing
from monitor.ui.chart import percent
from monitor.ui.reads import Fleet
from monitor.ui.wording import FINDINGS, PHASES, VERDICTS, Badge, Moment, duration, moment

__all__ = [
    "AuditLine",
    "FindingLine",
    "IncidentBox",
    "RouteLine",
    "StreamLine",
    "VariantLine",
    "audit_line",
    "behind",
    "finding_line",
    "fold",
    "in_order",
    "incident_box",
    "pin_text",
    "route_line",
    "stream_line",
    "unit_of",
]

_FOLD = (Verdict.HARM, Verdict.INCONCLUSIVE, Verdict.UNDECIDED, Verdict.SAFE)
_BEHIND_AFTER = timedelta(seconds=60)
_BEHIND_TICKS = 5
_METER_WIDTH = 100
_UNSAID = "not evaluated since the last restart"
_LARGEST_EXPONENT = 13.0


@dataclass(frozen=True, slots=True)
class VariantLine:
    """A candidate with one verdict over its streams."""

    name: str
    format: str
    verdict: Badge
    where: str
    reason: str
    share: str


@dataclass(frozen=True, slots=True)
class RouteLine:
    """A route on the first page."""

    name: str
    mode: str
    phase: Badge
    since: Moment
    variants: list[VariantLine]
    data: Moment | None
    pin: str | None
    frozen: bool
    epoch: int
    incidents: int
    behind: str | None


@dataclass(frozen=True, slots=True)
class StreamLine:
    """A stream with its evidence."""

    id: int
    signal: str
    title: str
    slice: str
    candidate: str
    verdict: Badge
    reason: str
    counted: str
    """What its rates are shares of: pairs, or sessions."""
    pairs: str
    candidate_rate: str
    baseline_rate: str
    evidence: str
    e_value: str
    meter: float
    """Width of the bar, of 100: the logarithm's share of the threshold's."""
    phi: str
    one_sided: str
    detectable: str
    harmful: bool

    @property
    def leads(self) -> bool:
        """Whether it is shown at once: harm always, else what is about all traffic."""
        return self.harmful or self.slice == ALL


@dataclass(frozen=True, slots=True)
class IncidentBox:
    """An incident with its effect."""

    id: int
    open: bool
    headline: str
    candidate: str
    where: str
    onset: Moment
    alarm: Moment
    last_alarm: Moment
    alarms: int
    effect: str | None
    window: str | None
    critical: bool
    advice: str | None
    at_least: str | None
    closed: Moment | None
    closed_by: str | None


@dataclass(frozen=True, slots=True)
class AuditLine:
    """An audit row."""

    id: int
    route: str
    at: Moment
    actor: str
    action: str
    from_phase: str
    to_phase: str
    reason: str
    epoch: int
    incident: int | None
    policy: str | None
    details: Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class FindingLine:
    """A finding."""

    id: int
    kind: Badge
    subject: str
    route: str | None
    detail: str
    opened: Moment
    closed: Moment | None
    closed_by: str | None
    closed_reason: str | None
    command: str | None
    """How a person closes it, None for a closed one."""


def behind(clock: RouteClock | None, now: datetime) -> timedelta | None:
    """Return how late evaluation is, None when it keeps up or has not begun."""
    if clock is None or clock.warm_at is None:
        return None
    closes = tick_start(clock.last_tick + 2, clock.tick_s) + timedelta(seconds=clock.horizon_s)
    late = now - closes
    allowed = max(_BEHIND_AFTER, timedelta(seconds=_BEHIND_TICKS * clock.tick_s))
    return late if late > allowed else None


def fold(standings: Sequence[Standing], late: timedelta | None, *, warm: bool) -> tuple[Verdict, str, str, str]:
    """Return one verdict over a candidate's streams: the stream that decides, its reason, and how many agree.

    Green means measured and fine now: while evaluation is late a ``safe`` is not shown as one.
    """
    if not standings:
        reason = "no stream is evaluated yet" if warm else "warming up: the first horizon is not fixed yet"
        return Verdict.INCONCLUSIVE, "", reason, ""
    worst = min((one.verdict for one in standings), key=_FOLD.index)
    if late is not None and worst is not Verdict.HARM:
        return Verdict.INCONCLUSIVE, "", _stale(worst, late), ""
    deciding = [one for one in standings if one.verdict is worst]
    first = min(deciding, key=_rank)
    share = f"{len(deciding)} of {len(standings)} streams"
    return worst, f"{first.signal} / {first.slice}", first.reason or _UNSAID, share


def _stale(verdict: Verdict, late: timedelta) -> str:
    return f"evaluation is {duration(late)} late; the last verdict was {verdict.value}"


def _rank(one: Standing) -> tuple[bool, int, str]:
    """Order streams: the whole traffic first, then signals as they are registered."""
    place, rest, slice_ = _place(one)
    return rest, place, slice_


def _place(one: Standing | Stream) -> tuple[int, bool, str]:
    names = list(SIGNALS)
    return names.index(one.signal) if one.signal in names else len(names), one.slice != "all", one.slice


def route_line(route: Route, fleet: Fleet, now: datetime) -> RouteLine:
    """Return a route's line."""
    control, clock = fleet.controls[route.id], fleet.clocks.get(route.id)
    late = behind(clock, now)
    warm = clock is not None and clock.warm_at is not None
    data = fleet.newest_data.get(route.id)
    lines = []
    for variant in fleet.variants:
        if variant.route_id == route.id and variant.role is Role.CANDIDATE:
            own = [one for one in fleet.standings if one.route_id == route.id and one.candidate_id == variant.id]
            verdict, where, reason, share = fold(own, late, warm=warm)
            lines.append(VariantLine(variant.name, variant.format, VERDICTS[verdict], where, reason, share))
    return RouteLine(
        name=route.name,
        mode=route.mode.value,
        phase=PHASES[control.phase],
        since=moment(control.phase_since, now),
        variants=lines,
        data=None if data is None else moment(data, now),
        pin=pin_text(control, now),
        frozen=any(one.route_id in {None, route.id} for one in fleet.freezes),
        epoch=control.epoch,
        incidents=sum(incident.route_id == route.id for incident in fleet.incidents),
        behind=None if late is None else duration(late),
    )


def pin_text(control: RouteControl, now: datetime) -> str | None:
    """Return who pinned a route and for how long, None when no pin holds."""
    if not control.pinned(now):
        return None
    until = "" if control.pinned_until is None else f", {duration(control.pinned_until - now)} left"
    return f"by {control.pinned_by}{until}"


def in_order(streams: Iterable[Stream]) -> list[Stream]:
    """Return streams as people read them: harm first, then as their signals are registered, whole traffic first."""
    return sorted(streams, key=lambda one: (one.verdict is not Verdict.HARM, one.candidate_id, *_place(one)))


def stream_line(stream: Stream, names: Mapping[int, str], late: timedelta | None = None) -> StreamLine:
    """Return a stream's line; while evaluation is late a ``safe`` is not shown as one."""
    verdict, reason = stream.verdict, stream.reason or _UNSAID
    if late is not None and verdict is Verdict.SAFE:
        verdict, reason = Verdict.INCONCLUSIVE, _stale(verdict, late)
    evidence, signal = stream.evidence, SIGNALS.get(stream.signal)
    logarithm = evidence.log_statistic
    share = 0.0 if logarithm is None or evidence.log_threshold <= 0 else logarithm / evidence.log_threshold
    return StreamLine(
        id=stream.id,
        signal=stream.signal,
        title=stream.signal if signal is None else signal.title,
        slice=stream.slice,
        candidate=names.get(stream.candidate_id, f"variant {stream.candidate_id}"),
        verdict=VERDICTS[verdict],
        reason=reason,
        counted="pairs" if evidence.baseline_n is None else "sessions",
        pairs=str(evidence.pairs) if evidence.baseline_n is None else f"{evidence.pairs} + {evidence.baseline_n}",
        candidate_rate=percent(evidence.candidate_rate),
        baseline_rate=percent(evidence.baseline_rate),
        evidence=f"log {'–' if logarithm is None else f'{logarithm:.1f}'} of {evidence.log_threshold:.1f}",
        e_value="–" if logarithm is None else _e_value(logarithm),
        meter=_METER_WIDTH * min(max(share, 0.0), 1.0),
        phi=f"{evidence.phi:.2f}",
        one_sided=percent(evidence.one_sided_share),
        detectable=percent(evidence.smallest_detectable),
        harmful=verdict is Verdict.HARM,
    )


def _e_value(logarithm: float) -> str:
    """Return the e-value itself, in powers of ten once it is large."""
    return f"{exp(logarithm):,.3g}" if logarithm < _LARGEST_EXPONENT else f"10^{logarithm / 2.302585:.1f}"


def unit_of(signal: str) -> str:
    """Return what a stream's rates are shares of."""
    known = SIGNALS.get(signal)
    match None if known is None else known.kind:
        case SignalKind.LATENCY:
            return "requests slower than the threshold of the pooled slowest 10 %"
        case SignalKind.AMOUNT:
            return "requests over the threshold of the pooled highest 10 %"
        case SignalKind.PRINT:
            return "requests that the two variants answered differently"
        case SignalKind.BIT | None:
            return "requests"
        case never:
            assert_never(never)


def incident_box(incident: Incident, names: Mapping[int, str], now: datetime) -> IncidentBox:
    """Return an incident's box."""
    effect, window = _effect(incident)
    return IncidentBox(
        id=incident.id,
        open=incident.closed_at is None,
        headline=incident.headline,
        candidate=names.get(incident.candidate_id, f"variant {incident.candidate_id}"),
        where=f"{incident.signal} / {incident.slice}",
        onset=moment(incident.onset_at, now),
        alarm=moment(incident.opened_at, now),
        last_alarm=moment(incident.last_alarm_at, now),
        alarms=incident.alarms,
        effect=effect,
        window=window,
        critical=incident.critical,
        advice=incident.advice,
        at_least=None if incident.at_least is None else incident.at_least["text"],
        closed=None if incident.closed_at is None else moment(incident.closed_at, now),
        closed_by=incident.closed_by,
    )


def _effect(incident: Incident) -> tuple[str | None, str | None]:
    effect = incident.effect
    if effect is None:
        return None, None
    text = (
        f"candidate {percent(effect['candidate'])}, baseline {percent(effect['baseline'])}: "
        f"{_points(effect['difference'])} percentage points ({100 * effect['level']:g} % interval "
        f"{_points(effect['low'])} to {_points(effect['high'])}; {effect['pairs']} {effect.get('unit', 'pairs')})"
    )
    windows = {
        "confirmation": "confirmation window: fresh ones after the alarm, so not selected by it",
        "since onset": "since onset: selected by the alarm, so biased upward, until enough fresh ones have come",
    }
    return text, windows.get(effect["window"], str(effect["window"]))


def _points(difference: float) -> str:
    return f"{100 * difference:+.2f}".replace("-", "−")


def audit_line(audit: Audit, route: str, now: datetime) -> AuditLine:
    """Return an audit row's line."""
    details = {"evidence": audit.evidence, "before": audit.before, "after": audit.after}
    return AuditLine(
        id=audit.id,
        route=route,
        at=moment(audit.at, now),
        actor=audit.actor,
        action=audit.action,
        from_phase=audit.from_phase.value,
        to_phase=audit.to_phase.value,
        reason=audit.reason,
        epoch=audit.epoch,
        incident=audit.incident_id,
        policy=None if audit.policy_name is None else f"{audit.policy_name}@{audit.policy_version}",
        details={name: dict(value) for name, value in details.items() if value},
    )


def finding_line(finding: Finding, now: datetime) -> FindingLine:
    """Return a finding's line."""
    closed = finding.closed_at
    return FindingLine(
        id=finding.id,
        kind=FINDINGS[finding.kind],
        subject=finding.subject,
        route=finding.route,
        detail=finding.detail,
        opened=moment(finding.opened_at, now),
        closed=None if closed is None else moment(closed, now),
        closed_by=finding.closed_by,
        closed_reason=finding.closed_reason,
        command=f"fullback findings close {finding.id} --reason 'why'" if closed is None else None,
    )
