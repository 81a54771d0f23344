"""What must hold over every cell of the flip matrix, wherever it ends."""

import itertools
from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from monitor.controller.phases import PAGING
from monitor.models.route import Writer
from tests.support.flip_cell import ROUND_S, Cell
from tests.support.flip_router import Written

__all__ = ["broken"]

_WATCH_S: Final = 5
_MOST_MOVES: Final = 60
_WRITING: Final = frozenset({"flip", "next_step", "reassert", "retry", "hard_cut", "restore", "ramp", "back_off"})
"""Actions that commit a write."""
_FAILURE_PAGES: Final = frozenset({"stuck", "reverted", "blocked", "advise", "control_plane_only"})
_BEFORE_OUR_WRITE: Final = frozenset({"armed", "triggered", "preflight", "blocked"})
"""Steps in which a person's change comes before anything is committed: it is what the flip starts from. Between the
commit of a write and its call (``applying``) the write goes out once; only what repeats it would be a fight."""


def broken(cell: Cell, fault: str, step: str, *, since_audit: int, since_write: int) -> list[str]:
    """Return the invariants that a cell broke, in words."""
    found = [
        *_stale(cell),
        *_unpaged(cell),
        *_unaudited(cell),
        *_claimed(cell),
        *_fought(cell, step, since_write),
        *_repeated(cell),
    ]
    moves = len(cell.audits) - since_audit
    if moves > _MOST_MOVES:
        found.append(f"{moves} moves (limit {_MOST_MOVES}): a silent loop")
    if cell.most_steps >= 12:
        found.append("a round was cut off: it went on without end")
    committed = Counter(audit.epoch for audit in cell.audits if audit.action in _WRITING)
    found += [f"epoch {epoch} was committed {times} times" for epoch, times in committed.items() if times > 1]
    epochs = [audit.epoch for audit in cell.audits]
    if epochs != sorted(epochs):
        found.append(f"the epoch fell: {epochs}")
    return found


def _ours(cell: Cell) -> list[Written]:
    return [one for one in cell.router.log if one.by.startswith("process")]


def _stale(cell: Cell) -> list[str]:
    """With a fence none is taken; without, each is written over within the watch interval and a round, and audited."""
    stale = [one for one in _ours(cell) if one.stale]
    if not stale:
        return []
    if cell.router.adapter.capabilities.fencing:
        return [f"{len(stale)} stale writes reached the router"]
    within = timedelta(seconds=_WATCH_S + ROUND_S)
    reasserted = {audit.epoch for audit in cell.audits if audit.action in _WRITING}
    return [
        f"a stale write of epoch {one.epoch} was not written over within {within.total_seconds():g} s"
        for one in stale
        if not any(
            later.at <= one.at + within and (later.epoch or 0) > one.held and later.epoch in reasserted
            for later in _ours(cell)
        )
    ]


def _unpaged(cell: Cell) -> list[str]:
    """A harmful candidate that still serves users is never left without a page."""
    if cell.phase in PAGING and not any(alert["kind"] == cell.phase.value for alert in cell.alerts):
        return [f"{cell.phase.value} without its page"]
    if not (cell.harmful and cell.candidate_serves):
        return []
    # Whoever put it there by hand needs no page for it; all else is paged after it, not once before.
    back = [one.at for one in cell.router.log if one.weights.get("cand") and one.by != Writer.OTHER]
    pages = {
        alert["kind"]
        for alert in cell.alerts
        if alert["severity"] == "page" and all(datetime.fromisoformat(alert["occurred_at"]) >= at for at in back)
    }
    return [] if pages & _FAILURE_PAGES else [f"the candidate serves in {cell.phase.value} and nobody was paged"]


def _unaudited(cell: Cell) -> list[str]:
    audited = {audit.epoch for audit in cell.audits if audit.action in _WRITING}
    return [f"epoch {one.epoch} was written and not audited" for one in _ours(cell) if one.epoch not in audited]


def _claimed(cell: Cell) -> list[str]:
    """What is said to be written was, or was later said not to be."""
    written = {one.epoch for one in _ours(cell)}
    corrected = {"reassert", "stuck", "reverted", "hard_cut", "retry"}
    audits = cell.audits
    return [
        f"epoch {audit.epoch} is said to be written and the router never saw it"
        for place, audit in enumerate(audits)
        if audit.action == "applied"
        and audit.epoch not in written
        and not any(later.action in corrected for later in audits[place + 1 :])
    ]


def _fought(cell: Cell, step: str, since_write: int) -> list[str]:
    """A person's change stays; a repository's is written over once at most, where the router tells whose it is.

    Where it does not, and what the repository wrote still has our stamp, it has to be taken for a person's.
    """
    log = cell.router.log
    found = []
    fights = {audit.epoch for audit in cell.audits if audit.action in {"reassert", "retry", "hard_cut"}}
    people = next((place for place, one in enumerate(log) if one.by == Writer.OTHER and place >= since_write), len(log))
    after = [one for one in log[people:] if one.by.startswith("process")]
    committed = step in _BEFORE_OUR_WRITE or step.endswith("applying")
    if any(one.epoch in fights or not committed for one in after):
        found.append("a person's change was written over")
    others = cell.router.adapter.traces
    if others.tells_gitops or others.keeps_epoch:
        reasserted = {audit.epoch for audit in cell.audits if audit.action == "reassert"}
        pairs = itertools.pairwise(log[since_write:])
        over = sum(first.by == Writer.GITOPS and second.epoch in reasserted for first, second in pairs)
        if over > others.tells_gitops:
            found.append(f"a repository's manager was written over {over} times")
    return found


def _repeated(cell: Cell) -> list[str]:
    """One page for one entry into a state that pages."""
    entered = Counter(
        audit.to_phase.value for audit in cell.audits if audit.to_phase in PAGING and audit.to_phase != audit.from_phase
    )
    told = Counter(alert["kind"] for alert in cell.alerts)
    waits = sum(audit.action == "wait" for audit in cell.audits)
    changed = sum(audit.action == "changed" for audit in cell.audits)
    more = {"blocked": waits, "stuck": changed}
    return [
        f"{told[phase.value]} pages for {entered[phase.value]} entries into {phase.value}"
        for phase in PAGING
        if told[phase.value] > entered[phase.value] + more.get(phase.value, 0)
    ]
