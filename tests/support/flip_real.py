"""The real form of the flip matrix: signals, PostgreSQL killed, Envoy's admin interface cut off, at each step."""

import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Final

from monitor.routing.registry import build
from tests.support.envoy import wait_until
from tests.support.flip_real_run import CLOCK, PATIENCE_S, Run
from tests.support.flip_real_site import RealSite, real_site

__all__ = ["RealOutcome", "real_matrix", "run_one"]


@dataclass
class RealOutcome:
    """What one run found; ``wrong`` is empty when all held."""

    fault: str
    step: str
    seed: int
    phase: str = ""
    epoch: int = 0
    router_epoch: int | None = None
    actions: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    leaked: int = 0
    """Users that the candidate answered after the end."""
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


@contextmanager
def _at(run: Run, step: str) -> Iterator[None]:
    """Bring the flip to a step and keep it there while the block runs."""
    gate, lock = run.site.gate, None
    try:
        match step:
            case "preflight":
                gate.mode = "waits"
                run.alarm()
                wait_until(lambda: run.phase() == "preflight" and gate.waiting.is_set(), step, PATIENCE_S)
            case "applying":
                lock = os.open(f"{run.site.envoy.file}.lock", os.O_RDONLY | os.O_CREAT, 0o644)
                fcntl.flock(lock, fcntl.LOCK_EX)
                run.alarm()
                wait_until(lambda: run.phase() == "applying", step, PATIENCE_S)
            case "verifying-traffic":
                run.quiet.set()
                CLOCK.wait(0.5)
                run.alarm()
                wait_until(lambda: run.phase() == "verifying-traffic", step, PATIENCE_S)
            case "hold":
                run.alarm()
                wait_until(lambda: run.phase() == "hold", step, PATIENCE_S)
            case _:
                run.alarm()
        yield
    finally:
        gate.mode = "open"
        run.quiet.clear()
        if lock is not None:
            os.close(lock)


def _kill(run: Run, _release: Callable[[], None]) -> None:
    leader = run.leader()
    leader.kill()


def _stop(run: Run, release: Callable[[], None]) -> None:
    """The leader sleeps for longer than its lease, another takes over and goes on, then the first one wakes."""
    leader = run.leader()
    leader.stop()
    release()
    try:
        wait_until(lambda: run.leader() is not leader, "another leader", PATIENCE_S)
        wait_until(lambda: run.phase() == "hold", "the other leader's flip", PATIENCE_S)
    finally:
        leader.wake()
    CLOCK.wait(2)


def _postgres(run: Run, _release: Callable[[], None]) -> None:
    run.site.postgres.kill()
    CLOCK.wait(run.chance.uniform(0.2, 2))
    run.site.postgres.start()


def _admin(run: Run, release: Callable[[], None]) -> None:
    release()
    run.site.gate.mode = "refuses"
    CLOCK.wait(run.chance.uniform(1, 4))
    run.site.gate.mode = "open"


FAULTS: Final[dict[str, Callable[[Run, Callable[[], None]], None]]] = {
    "SIGKILL of the leader": _kill,
    "SIGSTOP of the leader": _stop,
    "SIGKILL of PostgreSQL": _postgres,
    "admin interface cut off": _admin,
}
STEPS: Final = ("deciding", "preflight", "applying", "verifying-traffic", "hold")


def run_one(site: RealSite, fault: str, step: str, seed: int) -> RealOutcome:
    """Flip, break, heal, and look at what stands."""
    outcome, began = RealOutcome(fault, step, seed), CLOCK.now()
    run = Run(site, seed)
    try:
        run.start()
        if step == "deciding":
            CLOCK.wait(run.chance.uniform(0, 0.2))
        holding = _at(run, step)
        holding.__enter__()
        released = threading.Event()

        def release() -> None:
            if not released.is_set():
                released.set()
                holding.__exit__(None, None, None)

        try:
            FAULTS[fault](run, release)
        finally:
            release()
        wait_until(lambda: run.phase() == "hold", "the flip to be proven", PATIENCE_S)
        _judge(run, outcome)
    except AssertionError as error:
        outcome.wrong.append(f"{error}; {run.phase()}")
    finally:
        run.close()
        outcome.seconds = round((CLOCK.now() - began).total_seconds(), 1)
    return outcome


def _judge(run: Run, outcome: RealOutcome) -> None:
    control = run.rows("SELECT phase, epoch FROM route_controls")[0]
    decisions = run.rows("SELECT action, epoch FROM decisions ORDER BY id")[1:]
    outcome.phase, outcome.epoch = str(control[0]), control[1]
    outcome.actions = [str(row[0]) for row in decisions]
    outcome.told = [str(row[0]) for row in run.rows("SELECT alert ->> 'kind' FROM outbox ORDER BY id")]
    shown = build(run.site.envoy.ref()).read()
    outcome.router_epoch = shown.epoch
    outcome.leaked = run.site.envoy.send(100)["cand"]
    committed = [row[1] for row in decisions if row[0] in {"flip", "reassert", "retry", "hard_cut"}]
    applied = [row[1] for row in decisions if row[0] == "applied"]
    for right, what in (
        (outcome.router_epoch == outcome.epoch, "the router has another epoch than the database: a stale write"),
        (outcome.leaked == 0, "the candidate still answers users"),
        (outcome.actions.count("flip") == 1, "not one flip"),
        (len(committed) == len(set(committed)), "an epoch was committed twice"),
        (len(applied) == len(set(applied)), "a write was noted twice"),
        (len(outcome.told) == len(set(outcome.told)), "an alert was told twice"),
        ("rolled_back" in outcome.told, "the proof was not told"),
    ):
        if not right:
            outcome.wrong.append(what)


def real_matrix(seed: int, runs: int, *, as_json: bool) -> int:
    """Run every fault at every step; return how many found something wrong."""
    wrong = 0
    with real_site() as site:
        for number in range(runs):
            for fault in FAULTS:
                for step in STEPS:
                    outcome = run_one(site, fault, step, seed + number)
                    wrong += bool(outcome.wrong)
                    told = json.dumps(asdict(outcome)) if as_json else f"{fault} at {step}: {outcome.wrong or 'ok'}"
                    print(told, flush=True)
    return wrong
