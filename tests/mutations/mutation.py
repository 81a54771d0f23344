"""The list of mutations: one change of one text each, and the tests that must fail with it."""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

FOLDER = Path(__file__).parent


class Outcome(StrEnum):
    CAUGHT = "caught"
    """A named test failed."""
    SURVIVED = "SURVIVED"
    """They all passed."""
    BROKEN = "BROKEN"
    """They could not run, so that nothing was shown."""


@dataclass(frozen=True)
class Mutation:
    group: str
    name: str
    file: str
    text: str
    becomes: str
    tests: tuple[str, ...]


def mutations() -> list[Mutation]:
    """All of ``*.toml`` beside this file; a group is a file."""
    return [
        Mutation(path.stem, one["name"], one["file"], one["text"], one["becomes"], tuple(one["tests"]))
        for path in sorted(FOLDER.glob("*.toml"))
        for one in tomllib.loads(path.read_text("utf-8"))["mutation"]
    ]


def problem_with(one: Mutation, root: Path) -> str | None:
    """Why a mutation does not fit the code; None if it does."""
    path = root / one.file
    times = path.read_text("utf-8").count(one.text) if path.is_file() else 0
    if times != 1:
        return f"its text is {times} times in {one.file}; it must be there once: mend the text, or drop the mutation"
    for test in one.tests:
        file, _, name = test.partition("::")
        if not (root / file).is_file() or (name and f"def {name}(" not in (root / file).read_text("utf-8")):
            return f"there is no test {test}"
    return None
