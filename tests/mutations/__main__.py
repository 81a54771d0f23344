"""``python -m tests.mutations``: breaks the code in many small ways and sees that the named tests notice each."""

import argparse
import sys
import time
from pathlib import Path

from tests.mutations.mutation import Mutation, Outcome, mutations, problem_with
from tests.mutations.runner import Scratch

ROOT = Path(__file__).parents[2]


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; 1 if a mutation survived, 2 if the list no longer fits the code."""
    asked = _asked(arguments)
    known = mutations()
    chosen = [one for one in known if any(part in f"{one.group} {one.name}" for part in asked.only or [""])]
    stale = [(one, told) for one in chosen if (told := problem_with(one, ROOT)) is not None]
    for one, told in stale:
        print(f"{one.group:<11} {one.name}: {told}")
    if asked.check or stale:
        print(f"{len(chosen)} mutations, {len(stale)} do not fit the code")
        return 2 if stale else 0
    if not chosen:
        print(f"no mutation is named so; there are {len(known)}")
        return 2
    return _run(chosen, asked.timeout, trust=asked.trust)


def _asked(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("only", nargs="*", help="parts of groups or names, for example: statistics 'cap forgotten'")
    parser.add_argument("--check", action="store_true", help="only look whether every text is still in its file")
    parser.add_argument("--trust", action="store_true", help="do not run the tests without a mutation first")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for one mutation's tests")
    return parser.parse_args(arguments)


def _run(chosen: list[Mutation], timeout_s: float, *, trust: bool) -> int:
    found = []
    with Scratch(ROOT, timeout_s) as scratch:
        if not trust and (told := _ill(scratch, chosen, timeout_s)):
            print("the named tests do not pass without a mutation:", told, sep="\n")
            return 2
        for one in chosen:
            began = time.monotonic()
            outcome, by = scratch.outcome_of(one)
            found.append(outcome)
            spent = f"{time.monotonic() - began:.1f} s"
            print(f"{outcome.value:<8} {spent:>7}  {one.group}: {one.name}{by and f' -> {by}'}", flush=True)
    survived = sum(outcome is not Outcome.CAUGHT for outcome in found)
    print(f"{len(found)} mutations, {len(found) - survived} caught, {survived} not")
    return 1 if survived else 0


def _ill(scratch: Scratch, chosen: list[Mutation], timeout_s: float) -> str:
    """What the named tests say of the tree as it is, if they do not pass."""
    done = scratch.run(sorted({test for one in chosen for test in one.tests}), timeout_s * len(chosen))
    return done.stdout[-3000:] if done.returncode else ""


sys.exit(main())
