"""Invented dialogues of three turns: a question, its answer, and what the user then says.

They are in ``dialogue_sets/``. Unlike the templates of :mod:`tests.agreement.follow_ups` the turns belong together, so
that what a turn shares with the question and the answer can be read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["SETS", "Dialogue", "dialogues"]

SETS = ("first", "aimed", "last")
"""Follow-ups that correct nothing, in the order they were written; ``repairs`` holds corrections."""
_FOLDER = Path(__file__).parent / "dialogue_sets"
_FOLLOW_UPS = re.compile(r"(?P<kind>[a-z]+): (?P<turns>.+)")


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What the user asked, the assistant said and the user then said."""

    lang: str
    kind: str
    asked: str
    said: str
    turn: str


def dialogues(name: str) -> list[Dialogue]:
    """Return the dialogues of a set, in order."""
    return list(_parsed((_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()))


def _parsed(lines: list[str]) -> Iterator[Dialogue]:
    lang = asked = said = ""
    for line in lines:
        if line.startswith("#"):
            continue
        if line.startswith("@"):
            lang = line[1:]
        elif found := _FOLLOW_UPS.fullmatch(line):
            for turn in found["turns"].split(" | "):
                yield Dialogue(lang, found["kind"], asked, said, turn)
        else:
            asked, said = line.split(" > ", 1)
