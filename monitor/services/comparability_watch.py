"""Watches, tick by tick, whether arms can be compared: findings opened and ended, what they mean to streams."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from alerts.types import Fact
from detectors.registry import SIGNALS
from detectors.stats import guard
from monitor.models.columns import PairColumns
from monitor.models.conversation import TurnRecord
from monitor.models.finding import Finding, FindingKind
from monitor.models.policy import Policy
from monitor.models.route import Phase, Route, RouteControl
from monitor.models.variant import Role, Variant
from monitor.services.comparability import (
    MixWatch,
    RatioWatch,
    observe_sampling,
    openings,
    sampled_pairs,
    watch_mix,
    watch_ratio,
)
from monitor.services.findings import About, FindingService
from monitor.services.verdicts import share_text
from monitor.storage.comparability import ComparabilityStore
from monitor.storage.findings import FindingStore

__all__ = ["COMPARABLE", "ComparabilityWatch", "Standing"]

_FORMAT: Final = 1
_MONTH_S: Final = 30 * 86_400.0
_FALSE_PER_MONTH: Final = 0.1
"""Expected findings per month, kind and candidate where nothing is wrong."""
_DAY: Final = timedelta(days=1)
_FEWEST_QUIET: Final = 200
"""Sessions (of the baseline, for the mix) without evidence that end a finding, over a day at least."""
_DISMISSED: Final = timedelta(days=7)
"""So long a person's closing holds."""
_KINDS: Final = (FindingKind.TRAFFIC_UNLIKE, FindingKind.HOLDBACK_SHARE, FindingKind.SAMPLING_UNLIKE)
_MOVED_BY_SAMPLING: Final = frozenset({"agreement", "output_length", "output_length_fall", "logprob_shift"})
"""Signals of pairs that another temperature moves by itself."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What open findings mean to the streams of one candidate; each is the finding's sentence, or None."""

    traffic: str | None = None
    holdback: str | None = None
    sampling: str | None = None

    def advice(self, signal: str) -> str | None:
        """Return why an alarm of a signal only advises."""
        if not SIGNALS[signal].paired and self.traffic is not None:
            return f"The arms' traffic is not alike: {self.traffic}. Nothing is moved"
        if signal in _MOVED_BY_SAMPLING and self.sampling is not None:
            return f"The legs were not asked alike: {self.sampling}. Nothing is moved"
        return None

    def inconclusive(self, signal: str) -> str | None:
        """Return why a signal is not judged."""
        if SIGNALS[signal].paired or self.holdback is None:
            return None
        return f"the holdback is not as declared: {self.holdback}"


COMPARABLE: Final = Standing()


class ComparabilityWatch:
    """Folds what a tick shows of the arms, in the tick's own transaction, so that it counts once."""

    def __init__(self, findings: FindingService) -> None:
        self._findings = findings

    def close(
        self,
        session: Session,
        route: Route,
        policy: Policy,
        variants: Sequence[Variant],
        control: RouteControl,
        tick: int,
        turns: Sequence[TurnRecord],
        pairs: PairColumns,
        now: datetime,
    ) -> Mapping[int, Standing]:
        """Take a tick's first turns and pairs; return, by candidate, what stands against comparing it.

        While the route is not armed the arms are not what they were: nothing is folded, and what was found stands.
        """
        baseline = next((one for one in variants if one.role is Role.BASELINE), None)
        if baseline is None:
            return {}
        subjects = {f"{route.name}/{one.name}": one for one in variants}
        found = FindingStore(session).open_among(_KINDS)
        found = {key: one for key, one in found.items() if one.route == route.name}
        closing = _Closing(session, self._findings, route, policy, baseline, tick, now, found)
        if control.phase is Phase.ARMED:
            stored = ComparabilityStore(session).of_route(route.id)
            first = openings(turns)
            states = {}
            for one in variants:
                of = stored.get(one.id, {})
                sign = [_FORMAT, control.epoch, baseline.id, policy.tick_s, policy.reactions.holdback]
                states[one.id] = {"of": sign, **closing.variant(one, of if of.get("of") == sign else {}, first, pairs)}
            ComparabilityStore(session).keep(route.id, tick, {key: one for key, one in states.items() if _tells(one)})
        for (kind, subject), opened in [*found.items()]:
            if subject not in subjects:
                closing.end(kind, subject, opened, "there is no such variant to compare any more")
        return {one.id: _standing(found, route, one, baseline) for one in variants}


def _tells(state: Mapping[str, Any]) -> bool:
    """Tell whether a state holds anything: a route without sessions and temperatures costs no write."""
    return any(state["sampling"]) or any(state.get(part) is not None for part in ("mix", "ratio"))


def _standing(
    found: Mapping[tuple[FindingKind, str], Finding], route: Route, candidate: Variant, baseline: Variant
) -> Standing:
    def told(kind: FindingKind, variant: Variant) -> str | None:
        one = found.get((kind, f"{route.name}/{variant.name}"))
        return None if one is None else one.detail

    return Standing(
        traffic=told(FindingKind.TRAFFIC_UNLIKE, candidate),
        holdback=told(FindingKind.HOLDBACK_SHARE, baseline),
        sampling=told(FindingKind.SAMPLING_UNLIKE, candidate),
    )


@dataclass(frozen=True, slots=True)
class _Closing:
    """One tick of one route."""

    session: Session
    findings: FindingService
    route: Route
    policy: Policy
    baseline: Variant
    tick: int
    now: datetime
    found: dict[tuple[FindingKind, str], Finding]
    """Open ones; kept up to date."""

    def variant(
        self, one: Variant, stored: Mapping[str, Any], first: Sequence[TurnRecord], pairs: PairColumns
    ) -> dict[str, Any]:
        """Fold one variant and return its new state."""
        state: dict[str, Any] = {"sampling": self._sampling(one, stored.get("sampling", (0.0, 0.0)), pairs)}
        if one is not self.baseline:
            state["mix"] = self._mix(one, stored.get("mix"), first)
        else:
            state["ratio"] = self._ratio(one, stored.get("ratio"), first)
        return state

    @property
    def _threshold(self) -> float:
        return _MONTH_S / self.policy.tick_s / _FALSE_PER_MONTH

    def _mix(
        self, one: Variant, stored: Mapping[str, Any] | None, first: Sequence[TurnRecord]
    ) -> dict[str, Any] | None:
        if stored is None and not any(turn.variant_id in {one.id, self.baseline.id} for turn in first):
            return None
        before = MixWatch() if stored is None else MixWatch.from_json(stored)
        after = watch_mix(before, first, one.id, self.baseline.id, self._threshold)
        kind = FindingKind.TRAFFIC_UNLIKE
        if after.alarm is not None:
            self._open(
                kind, one, f"{self.baseline.name} sees other traffic than {one.name}: {after.alarm}", after.alarm
            )
        else:
            self._end_if_quiet(kind, one, after.quiet_ticks, after.quiet_sessions)
        return after.to_json()

    def _ratio(
        self, one: Variant, stored: Mapping[str, Any] | None, first: Sequence[TurnRecord]
    ) -> dict[str, Any] | None:
        share, kind = self.policy.reactions.holdback, FindingKind.HOLDBACK_SHARE
        if share is None:
            self._end(kind, one, "the policy declares no share of the sessions")
            return None
        before = RatioWatch(share) if stored is None else RatioWatch.from_json(stored)
        after = watch_ratio(before, first, one.id, self._threshold)
        if after.alarm is not None:
            self._open(kind, one, f"{one.name} answers another share of the sessions: {after.alarm}", after.alarm)
        else:
            self._end_if_quiet(kind, one, after.quiet_ticks, after.quiet_sessions)
        return after.to_json()

    def _sampling(self, one: Variant, stored: Sequence[float], pairs: PairColumns) -> list[float]:
        seen = sampled_pairs(pairs, one.id, self.baseline.id)
        state = observe_sampling(guard.GuardState(*stored), seen)
        kind, known = FindingKind.SAMPLING_UNLIKE, (FindingKind.SAMPLING_UNLIKE, self._subject(one))
        if guard.trips(state) and seen.unlike and known not in self.found:
            asked = max(seen.unlike, key=lambda name: (seen.unlike[name], name))
            share = share_text(state.share)
            told = f"temperatures differ in {share} of the pairs of {one.name} and {self.baseline.name}, lately {asked}"
            self._open(kind, one, told, f"{share}, lately {asked}")
        elif known in self.found and seen.like and not guard.trips(state):
            self._end(kind, one, f"temperatures differ in {share_text(state.share)} of recent pairs")
        return [state.requests, state.one_sided]

    def _subject(self, one: Variant) -> str:
        return f"{self.route.name}/{one.name}"

    def _open(self, kind: FindingKind, one: Variant, detail: str, fact: str) -> None:
        subject = self._subject(one)
        if self.findings.dismissed(self.session, kind, subject, self.now - _DISMISSED):
            return
        about = About(one.name, self.route.name, self.baseline.name, (Fact("Seen", fact),))
        opened = self.findings.open(self.session, kind, subject, detail, about, self.now)
        still = FindingStore(self.session).last_of(kind, subject) if opened is None else opened
        if still is not None:
            self.found[kind, subject] = still

    def _end_if_quiet(self, kind: FindingKind, one: Variant, ticks: int, sessions: int) -> None:
        if ticks * self.policy.tick_s >= _DAY.total_seconds() and sessions >= _FEWEST_QUIET:
            self._end(kind, one, f"a day with {sessions} sessions showed no more of it")

    def _end(self, kind: FindingKind, one: Variant, reason: str) -> None:
        subject = self._subject(one)
        opened = self.found.get((kind, subject))
        if opened is not None:
            self.end(kind, subject, opened, reason)

    def end(self, kind: FindingKind, subject: str, opened: Finding, reason: str) -> None:
        """Close a finding whose cause has ended."""
        self.findings.end(self.session, opened, reason, self.now)
        del self.found[kind, subject]
