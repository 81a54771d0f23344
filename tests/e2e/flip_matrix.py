"""The fault matrix of a flip: every fault at every step of the controller, each cell's end state and its invariants.

``python -m tests.e2e.flip_matrix --json [--target T] [--fault F] [--step S] [--length L]``

In process, over a real PostgreSQL and a clock that stands still. Users are served by what the router really does.
``--real`` runs service processes with a real Envoy instead: SIGKILL, SIGSTOP, PostgreSQL killed (test_flip_kill.py).
Each cell's outcome, then what was counted, on stdout; how far it is, on stderr.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pytest

from monitor.clock import SystemClock
from tests.support.flip_faults import FAULTS
from tests.support.flip_real import real_matrix
from tests.support.flip_run import Key, Outcome, cells, run_cell
from tests.support.flip_site import Site, site_of
from tests.support.flip_steps import STEPS
from tests.support.flip_summary import markdown, summary
from tests.support.flip_targets import TARGETS
from tests.support.service import Postgres

__all__ = ["run_matrix"]

_TOLD_EVERY: Final = 20


def run_matrix(server_url: str, target: str, keys: Sequence[Key], told: Callable[[Outcome], None]) -> list[Outcome]:
    """Run cells against one kind of router."""
    outcomes = []
    clock = SystemClock()
    began = clock.now()
    with TARGETS[target]() as adapter, ExitStack() as stack:
        site: Site | None = None
        for number, key in enumerate(keys):
            if number % 60 == 0:  # a route stays in its database: a fresh one keeps the look at all routes cheap
                stack.close()
                site = stack.enter_context(site_of(server_url, f"flip_{target.replace('-', '_')}_{number}"))
            assert site is not None
            outcomes.append(run_cell(site, adapter, key))
            told(outcomes[-1])
            if len(outcomes) % _TOLD_EVERY == 0 or len(outcomes) == len(keys):
                seconds = (clock.now() - began).total_seconds()
                print(f"{target}: {len(outcomes)}/{len(keys)} cells, {seconds:.0f} s", file=sys.stderr, flush=True)
    return outcomes


def _tell(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(outcome)), flush=True)
    elif outcome.wrong:
        print(
            f"{outcome.target} {outcome.fault} {outcome.length} {outcome.point} at {outcome.step}: "
            f"{'; '.join(outcome.wrong)}\n    {' '.join(outcome.told)}",
            flush=True,
        )


def _run(targets: Sequence[str], keys: Sequence[Key], *, as_json: bool) -> tuple[int, int]:
    """Run cells against each kind of router; return how many found something wrong, and how many kinds cannot run."""
    folder = Path(tempfile.mkdtemp(prefix="fullback-flip-", dir="/tmp"))
    postgres = Postgres(folder, "-c fsync=off")
    postgres.start()
    found: list[tuple[str, dict[str, Any]]] = []
    try:
        for target in targets:
            try:
                outcomes = run_matrix(postgres.admin_url, target, keys, lambda one: _tell(one, as_json=as_json))
            except pytest.skip.Exception as reason:
                print(f"{target}: skipped: {reason}", file=sys.stderr, flush=True)
                continue
            found.append((target, summary(outcomes)))
            if as_json:
                print(json.dumps({"target": target, **found[-1][1]}), flush=True)
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)
    if not as_json:
        print(markdown(found), flush=True)
    return sum(counted["wrong"] for _, counted in found), len(targets) - len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--target", choices=sorted(TARGETS), action="append")
    parser.add_argument("--fault", choices=sorted(FAULTS))
    parser.add_argument("--step", choices=[step.name for step in STEPS])
    parser.add_argument("--length")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--real", action="store_true", help="service processes, a real Envoy, signals")
    parser.add_argument("--seed", type=int, default=1, help="of the real form")
    parser.add_argument("--runs", type=int, default=1, help="of each cell of the real form")
    asked = parser.parse_args()
    if asked.real:
        sys.exit(real_matrix(asked.seed, asked.runs, as_json=asked.json))
    keys = cells(asked.fault, asked.step, asked.length)
    wrong, skipped = _run(asked.target or list(TARGETS), keys, as_json=asked.json)
    sys.exit(1 if wrong or (asked.target and skipped) else 0)  # what was asked for by name has to have run


if __name__ == "__main__":
    main()
