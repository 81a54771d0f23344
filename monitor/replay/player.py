"""The player: posts what is due, moves the virtual clock, lets evaluation and the controller run, again and again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from time import monotonic

from detectors.registry import SIGNALS
from detectors.types import Verdict
from monitor.errors import PayloadTooLargeError, UndecodableError
from monitor.intake.doors import DOORS
from monitor.models.evidence import Stream
from monitor.models.policy import Policy
from monitor.models.route import Goal, Phase
from monitor.models.tick import tick_of
from monitor.replay.source import Line, Source
from monitor.replay.stage import POLICY, Stage
from monitor.storage.clocks import ClockStore
from monitor.storage.controls import ControlStore
from monitor.storage.streams import StreamStore

__all__ = ["Change", "Played", "play", "step_of"]

_MOST_RECORDS = 2_000
_MOST_BYTES = 8 * 1024 * 1024
_LONGEST_STEP_S = 5.0
_QUIET_TICKS = 32
"""Empty ticks after which a stream says "no data"; more of them change nothing, and are passed over."""
_CONTROLLER_STEP_S = 30.0
_FINDINGS_EVERY_S = 60.0
_A_DAY = timedelta(days=1)
_TELL_EVERY_S = 2.0
_MOST_CHANGES = 10_000
_TOLD = {Verdict.HARM, Verdict.SAFE}
_StreamKey = tuple[int, int, str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """A stream's verdict became, or ceased to be, one that people act on."""

    at: datetime
    route_id: int
    candidate_id: int
    signal: str
    slice: str
    before: Verdict | None
    after: Verdict
    reason: str


@dataclass(slots=True)
class Played:
    """What happened to the records and to time."""

    received: int = 0
    stored: int = 0
    duplicates: int = 0
    rejected: int = 0
    ticks_closed: int = 0
    ticks_passed_over: int = 0
    unknown_fields: dict[str, None] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    changes_left_off: int = 0
    streams: list[Stream] = field(default_factory=list)
    """As they stood when the last tick with requests was closed; sessions when they were mature."""


def step_of(policy: Policy) -> float:
    """Return how far the virtual clock moves at once, seconds: half a tick, at most 5 s."""
    return min(policy.tick_s / 2, _LONGEST_STEP_S)


async def play(stage: Stage, source: Source, say: Callable[[str], None]) -> Played:
    """Play a source to its end, and on until its last tick is closed."""
    player = _Player(stage, source, say)
    stage.factory.writer.start()
    try:
        await player.run()
    finally:
        await stage.factory.writer.stop()
    return player.played


class _Player:
    """One run. Everything between two events depends on the virtual clock alone."""

    def __init__(self, stage: Stage, source: Source, say: Callable[[str], None]) -> None:
        self.played = Played()
        self._stage, self._source, self._say = stage, source, say
        self._policy = stage.factory.policies.get(POLICY)
        self._step = timedelta(seconds=step_of(self._policy))
        self._verdicts: dict[_StreamKey, Verdict] = {}
        self._findings_at = self._swept_at = stage.clock.now()
        self._told_at = monotonic()

    async def run(self) -> None:
        lines = self._source.lines()
        waiting = next(lines, None)
        while waiting is not None:
            due = datetime.fromtimestamp(waiting.received, UTC)
            if due - self._now > self._quiet() + 2 * self._step:
                self._pause(due)
            self._stage.clock.advance(self._step)
            batch, waiting = _take(lines, waiting, self._now.timestamp())
            while batch:
                await self._post(batch)
                batch, waiting = _take(lines, waiting, self._now.timestamp())
            self._work()
        self._run_on(self._until_closed())
        self.played.streams = self._streams()
        if self._source.has_sessions:  # they mature when requests have long ended: "no data" by then
            self._run_on(timedelta(seconds=self._policy.reactions.matures_after_s))
            matured = {stream.id: stream for stream in self._streams() if not SIGNALS[stream.signal].paired}
            self.played.streams = [matured.get(stream.id, stream) for stream in self.played.streams]

    @property
    def _now(self) -> datetime:
        return self._stage.clock.now()

    def _streams(self) -> list[Stream]:
        with self._stage.factory.database.reading() as session:
            store = StreamStore(session)
            return [stream for route in self._stage.routes for stream in store.of_route(route.id)]

    def _until_closed(self) -> timedelta:
        """Return how long after the last event its tick is closed."""
        with self._stage.factory.database.reading() as session:
            clocks = ClockStore(session).all()
        horizon_s = max((clock.horizon_s for clock in clocks), default=self._policy.horizon_ceiling_s)
        return timedelta(seconds=horizon_s + 1.5 * self._policy.tick_s)

    def _quiet(self) -> timedelta:
        """Return how long after the last event something can still change: ticks, sessions, proofs."""
        policy = self._policy
        waits_s = [_QUIET_TICKS * policy.tick_s]
        if self._source.has_sessions:
            waits_s.append(policy.reactions.matures_after_s)
        if any(phase is not Phase.ARMED for phase in self._phases()):
            waits_s.append(policy.verify.skew_s + policy.verify.traffic_timeout_s)
        return self._until_closed() + timedelta(seconds=max(waits_s))

    def _phases(self) -> list[Phase]:
        with self._stage.factory.database.reading() as session:
            store = ControlStore(session)
            return [store.get(route.id).phase for route in self._stage.routes]

    def _run_on(self, length: timedelta) -> None:
        until = self._now + length
        while self._now < until:
            self._stage.clock.advance(self._step)
            self._work()

    def _pause(self, due: datetime) -> None:
        """Pass over time without events: after a while empty ticks say nothing, and evidence only grows old."""
        self._run_on(self._quiet())
        until = due - self._step
        old = min(until, self._now + timedelta(seconds=self._policy.evidence_ttl_s + _CONTROLLER_STEP_S))
        while self._now < old:
            self._stage.clock.advance(min(timedelta(seconds=_CONTROLLER_STEP_S), old - self._now))
            self._stage.factory.reconciler.run()
        if until > self._now:
            self._stage.clock.advance(until - self._now)
        with self._stage.factory.database.transaction() as session:
            store = ClockStore(session)
            for clock in store.all():
                closed = tick_of(self._now - timedelta(seconds=clock.horizon_s), clock.tick_s) - 1
                if clock.warm_at is not None and closed > clock.last_tick:
                    store.start(replace(clock, last_tick=closed))
                    self.played.ticks_passed_over += closed - clock.last_tick

    async def _post(self, batch: Sequence[Line]) -> None:
        """Post records as a shipper would; a record that spoils its body's neighbours is posted alone."""
        for (door, alone), group in groupby(batch, key=lambda line: (line.door, line.alone)):
            lines = list(group)
            for body in [[line] for line in lines] if alone else [lines]:
                await self._post_body(door, body)

    async def _post_body(self, door: str, lines: Sequence[Line]) -> None:
        try:
            accepted = await self._stage.factory.ingest.accept(
                DOORS[door], self._stage.key, b"\n".join(line.raw for line in lines), None
            )
        except (UndecodableError, PayloadTooLargeError) as error:
            self.played.received += len(lines)
            self.played.rejected += len(lines)
            for line in lines:
                self._source.problems.add(line.file, line.number, error.code, error.detail)
            return
        self.played.received += accepted.received
        self.played.stored += accepted.stored
        self.played.duplicates += accepted.duplicates
        self.played.rejected += accepted.rejected
        self.played.unknown_fields.update(dict.fromkeys(accepted.unknown_fields))
        for rejection in accepted.errors:
            line = lines[min(rejection.index, len(lines) - 1)]
            self._source.problems.add(line.file, line.number, rejection.code, rejection.detail)
        self._source.problems.by_code.update(
            {
                code: n - sum(rejection.code == code for rejection in accepted.errors)
                for code, n in accepted.rejected_by_code.items()
            }
        )

    def _work(self) -> None:
        """Do what the worker's timers do."""
        factory = self._stage.factory
        closed = factory.evaluate.run()
        self.played.ticks_closed += closed
        if closed:
            self._note_verdicts()
        factory.reconciler.run()
        if self._source.follows:
            self._follow()
        if self._now - self._findings_at >= timedelta(seconds=_FINDINGS_EVERY_S):
            self._findings_at = self._now
            factory.fingerprints.run()
            factory.agreement.run()
        if self._now - self._swept_at >= _A_DAY:
            self._swept_at = self._now
            factory.retention.run()
        if monotonic() - self._told_at > _TELL_EVERY_S:
            self._told_at = monotonic()
            self._tell()

    def _note_verdicts(self) -> None:
        with self._stage.factory.database.reading() as session:
            standings = StreamStore(session).standings()
        for one in standings:
            key = (one.route_id, one.candidate_id, one.signal, one.slice)
            before = self._verdicts.get(key)
            self._verdicts[key] = one.verdict
            if before is one.verdict or not {before, one.verdict} & _TOLD:
                continue
            if len(self.played.changes) >= _MOST_CHANGES:
                self.played.changes_left_off += 1
                continue
            self.played.changes.append(
                Change(
                    self._now, one.route_id, one.candidate_id, one.signal, one.slice, before, one.verdict, one.reason
                )
            )

    def _follow(self) -> None:
        """Tell the source which routes were moved: from the router's write on, its requests go to the baseline."""
        with self._stage.factory.database.reading() as session:
            store = ControlStore(session)
            for route in self._stage.routes:
                control = store.get(route.id)
                if control.applied_at is not None and control.goal is Goal.BASELINE:
                    self._source.flipped.add(route.name)

    def _tell(self) -> None:
        first, last = self._source.span
        share = min(1.0, (self._now.timestamp() - first) / max(last - first, 1e-9))
        self._say(
            f"{100 * max(0.0, share):3.0f} %  {self._now:%Y-%m-%d %H:%M:%S}  {self.played.stored:,} events stored, "
            f"{self.played.ticks_closed:,} ticks closed"
        )


def _take(lines: Iterator[Line], waiting: Line | None, until: float) -> tuple[list[Line], Line | None]:
    """Take the lines received by an instant, as many as one body holds; return them and the next one."""
    batch: list[Line] = []
    size = 0
    while waiting is not None and waiting.received <= until and len(batch) < _MOST_RECORDS and size < _MOST_BYTES:
        batch.append(waiting)
        size += len(waiting.raw)
        waiting = next(lines, None)
    return batch, waiting
