"""Every fault of the demo, one after the other: what alarmed, in which slice, and how long each step took.

``python -m tests.e2e.demo_faults`` runs them all, which takes long; ``--fault NAME`` (any number of times) some.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Any

from monitor.demo.faults import FAULTS

__all__ = ["Run", "row_of", "run_demo", "table"]

STARTS_AND_ENDS_S = 700
"""What a run may take beside the fault's own time: to start, warm up, learn what is usual, flip and tell."""
BUSY = 3
"""How many times its limit a fault may take on a busy machine, as the demo itself has it."""
HEADINGS = ("fault", "result", "signal", "slice", "alarm", "applied", "verified", "total", "also alarmed")


@dataclass(frozen=True)
class Run:
    """What one run ended in; the seconds count from the fault, the total from the start."""

    fault: str
    good: bool
    signal: str | None
    slice: str | None
    alarm_s: float | None
    applied_s: float | None
    verified_s: float | None
    total_s: float | None
    also: tuple[str, ...]
    error: str | None = None


def run_demo(fault: str, seed: int = 1, *options: str) -> tuple[int, dict[str, Any], str]:
    """Run ``fullback demo`` in a process of its own; return its code, its result and its progress."""
    command = [sys.executable, "-m", "monitor", "demo", "--headless", "--json", "--fault", fault, "--seed", str(seed)]
    command += [*options, *(("--engines", "llamacpp") if FAULTS[fault].replaces else ())]
    limit_s = BUSY * FAULTS[fault].limit_s + STARTS_AND_ENDS_S
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False)
    lines = done.stdout.strip().splitlines()
    if not lines:
        raise RuntimeError(f"the demo printed no result: {done.stderr[-2000:]}")
    return done.returncode, json.loads(lines[-1]), done.stderr


def row_of(code: int, result: dict[str, Any]) -> Run:
    """Return a row of the table for a run's code and result."""
    alarm, seconds = result.get("alarm") or {}, result.get("seconds") or {}
    alarms = [f"{each['signal']} ({each['slice']})" for each in result.get("alarms") or () if each != alarm]
    return Run(
        fault=result["fault"],
        good=code == 0,
        signal=alarm.get("signal"),
        slice=alarm.get("slice"),
        alarm_s=seconds.get("fault_to_alarm"),
        applied_s=seconds.get("fault_to_flip_applied"),
        verified_s=seconds.get("fault_to_verified"),
        total_s=seconds.get("total"),
        also=tuple(alarms),
        error=result.get("error"),
    )


def table(runs: list[Run]) -> list[str]:
    """Return the runs as the lines of a Markdown table."""
    lines = [f"| {' | '.join(HEADINGS)} |", f"|{'---|' * len(HEADINGS)}"]
    for run in runs:
        times = [_seconds(each) for each in (run.alarm_s, run.applied_s, run.verified_s, run.total_s)]
        cells = [
            f"`{run.fault}`",
            _result(run),
            run.signal or "–",
            run.slice or "–",
            *times,
            ", ".join(run.also) or "–",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _result(run: Run) -> str:
    if run.good:
        return "as expected"
    if run.error:
        return "failed"
    return "WRONG" if run.signal else "MISSED"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--fault", action="append", choices=list(FAULTS), help="any number of times; all when absent")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object a run instead of the table")
    asked = parser.parse_args()
    runs = []
    for name in asked.fault or FAULTS:
        code, result, progress = run_demo(name, asked.seed)
        runs.append(row_of(code, result))
        if asked.json:
            print(json.dumps(asdict(runs[-1])), flush=True)
        else:
            print(f"{name}: {_result(runs[-1])} after {_seconds(runs[-1].total_s)}", file=sys.stderr, flush=True)
        if not runs[-1].good:
            print("\n".join(progress.splitlines()[-12:]), file=sys.stderr, flush=True)
    if not asked.json:
        print("\n".join(table(runs)))
    missed = [run.fault for run in runs if not run.good]
    print(f"{len(runs) - len(missed)} of {len(runs)} as expected; not: {', '.join(missed) or 'none'}", file=sys.stderr)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
