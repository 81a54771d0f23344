"""What a closed tick does beside a stream's detector, and to its alarm. Pure."""

from dataclasses import dataclass, replace
from typing import Final

from detectors.registry import SIGNALS
from detectors.stats import stream as detector
from detectors.stats.fleet_states import Member
from detectors.types import Counts
from monitor.models.slices import ALL
from monitor.models.tick import ScoredTick
from monitor.services.beside import Beside, Run
from monitor.services.folding import Due
from monitor.services.ladder import climb
from monitor.services.leaving_out import advice_on, stands
from monitor.services.verdicts import share_text
from monitor.services.watch import Watched

__all__ = ["PATIENCE_TICKS", "Raised", "beside_after"]

PATIENCE_TICKS: Final = 6
"""How long an alarm on complete pairs alone waits for the stream's own: nobody is told twice within a minute."""


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm as an incident takes it."""

    onset_tick: int
    since: Counts
    log_statistic: float
    advice: str | None
    """Why it only advises."""


def beside_after(
    due: Due,
    one: Watched,
    state: Member,
    tick: int,
    scored: ScoredTick,
    raised: Raised | None,
    run: Run | None,
    *,
    frozen: bool,
) -> tuple[Raised | None, Beside]:
    """Return the alarm as it may be raised, and what is remembered.

    Args:
        due: What its detector was folded with.
        one: The stream as it stood before the tick.
        state: Its detector after it.
        tick: Number of the tick.
        scored: What the tick adds to it.
        raised: Its alarm, if any.
        run: Whose its pairs are after the tick (``leaving_out.runs_after``), if anybody can be left out.
        frozen: Whether its detector was.
    """
    before = one.memory.beside
    now = replace(
        before,
        since=tick if before.since is None else before.since,
        ladder=climb(before.ladder, one, tick, due.harm, due.safe, sibling_phi=due.floor, frozen=frozen),
    )
    if frozen:
        return raised, replace(now, waits=None)
    phi = max(one.memory.state.own_phi, due.floor)
    raised, run = _without_one_client(one, raised, run, phi)
    complete, waits, page = _on_complete_pairs(one, state, tick, scored, due.floor)
    if raised is None and page is not None:
        raised = page
    settled = raised is not None and raised.advice is None
    return raised, replace(now, run=run, complete=complete, waits=None if settled else waits)


def _without_one_client(
    one: Watched, raised: Raised | None, run: Run | None, phi: float
) -> tuple[Raised | None, Run | None]:
    """Hold an alarm back that hangs on one client, and raise it once it does not; after a full one a new run begins."""
    if run is None or (raised is None and not run.hangs):
        return raised, run
    found = stands(run, one, phi)
    if found is not None:
        return raised or Raised(run.since, run.table.total, found.log_e_without, None), None
    if raised is None:
        return None, run
    return replace(raised, advice=advice_on(run, one, phi)), replace(run, hangs=True)


def _on_complete_pairs(
    one: Watched, state: Member, tick: int, scored: ScoredTick, sibling_phi: float
) -> tuple[detector.StreamState | None, int | None, Raised | None]:
    """Fold the tick's complete pairs once a leg was lost; until then both ways of counting are the same stream."""
    before, waits = one.memory.beside.complete, one.memory.beside.waits
    if one.is_aa or one.stream.slice != ALL or not SIGNALS[one.stream.signal].paired:
        return None, None, None
    if before is None and scored.harm == scored.complete:
        return None, None, None
    now, alarm = detector.fold(
        one.memory.state.plain() if before is None else before,
        one.config,
        tick,
        scored.complete,
        scored.complete,
        sibling_phi=sibling_phi,
    )
    waits = tick if alarm is not None and waits is None else waits
    began = now.onset_now
    if waits is None or began is None:
        return now, None, None
    if tick - waits < PATIENCE_TICKS:
        return now, waits, None
    lost = 1.0 - now.total.n / state.total.n if state.total.n else 0.0
    advice = (
        f"It rests on complete pairs alone: {share_text(lost)} of the requests lack a leg, taken as lost by chance. "
        "Nothing is moved"
    )
    statistic = max(now.log_statistic, alarm.log_statistic if alarm else now.log_statistic)
    return now, None, Raised(began.tick, began.counts, statistic, advice)
