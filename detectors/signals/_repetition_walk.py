"""Following a period of words through a text, copy after copy, in spite of noise."""

from collections import Counter
from collections.abc import Sequence
from itertools import product
from math import sqrt
from operator import eq
from typing import Final

__all__ = ["follow"]

FAULT_COST: Final = 5.0
"""Words that have to match to make up for one that does not: a loop may not be worse than one fault in six words."""
GIVE_UP: Final = 60.0
FAULT_RATE: Final = 0.08
"""Faults of a noisy loop per word: 5 % noise, and some of it in the first copy."""
MORE_THAN_CHANCE: Final = 1.5
"""Coincidences of faults beyond 2.5 times the expected ones that noise does not make."""
MOSTLY_CLEAN: Final = 0.75
"""Faults per round below which some rounds have none: the fields of a listing differ in every one."""
AHEAD: Final = 4
"""Words that are looked at to find out where text and period meet again."""
ADOPTED: Final = 0.15
"""Most changes of a unit of words per word of it: what has few distinct words (a grid) fits any unit in the end."""
MAX_SKIP: Final = 3
REALIGNMENTS: Final = ((1, 1), (1, 0), (0, 1), (2, 1), (1, 2), (2, 2), (2, 0), (0, 2), (3, 3), (3, 2), (2, 3))
"""Words skipped in the text and in the period after a fault, likely ones first."""
_ONE_EACH: Final = (1, 1)
WEAK: Final = 1
"""So few of the next words matching is no sign."""
FAR: Final = 6
SURE: Final = 6
"""Most words skipped after several faults at once, and how many are then looked at: all but one have to match."""
_FAR_REALIGNMENTS: Final = tuple(sorted(product(range(FAR + 1), repeat=2), key=lambda each: (max(each), sum(each))))[1:]


def follow(words: Sequence[str], second: int, period: int) -> tuple[int, int, int] | None:
    """Return where the part that repeats begins and ends, and its faults; None if what varies is no noise."""
    first = second - period
    ahead = _Walk(words[second:], list(words[first:second]), list(range(period)), set())
    ahead.run()
    known = {(label, skip, there[::-1]) for label, skip, there in ahead.seen}
    back = _Walk(words[first - 1 :: -1] if first else (), ahead.unit[::-1], ahead.labels[::-1], known)
    back.run()
    followed = ahead.best_end + back.best_end
    if not followed:
        return None
    faults = ahead.faults[: ahead.best_faults] + back.faults[: back.best_faults]
    expected = FAULT_RATE * followed
    if len(faults) > expected + 2.2 * sqrt(expected) or ahead.best_adopted + back.best_adopted > 2 + ADOPTED * period:
        return None
    if _is_listing(faults, period, followed / period):
        return None
    return first - back.best_end, second + ahead.best_end, len(faults)


def _is_listing(faults: Sequence[tuple[int, int, int] | None], period: int, rounds: float) -> bool:
    """Tell fields that differ every time (rows, records, configurations) from noise, which is anywhere.

    Two faults at one place are a coincidence; of noise one expects about faults^2 / (2 period) of them.
    """
    counts = [count for fault, count in Counter(faults).items() if fault]
    if max(counts, default=0) <= (rounds + 1.0) / 2.0 and sum(counts) <= MOSTLY_CLEAN * (rounds + 1.0):
        return False
    coincidences = sum(count * (count - 1) // 2 for count in counts)
    events = len(faults) - faults.count(None)
    expected = events * events / (2 * period) * max(0.0, 1.0 - 1.0 / rounds)
    return coincidences >= MORE_THAN_CHANCE + 2.5 * expected


class _Walk:
    """Goes through copy after copy of a unit of words, starting where one begins."""

    def __init__(
        self, words: Sequence[str], unit: list[str], labels: list[int], seen: set[tuple[int, int, tuple[str, ...]]]
    ) -> None:
        self.words = words
        self.unit = unit
        self.labels = labels
        """A name for each place of the unit, which may grow and shrink."""
        self.at = 0
        self.place = 0
        self.seen = seen
        self.faults: list[tuple[int, int, int] | None] = []
        """By place and kind; one of several words counts as often as words differ in it."""
        self.adopted = 0
        self.best_end = 0
        self.best_faults = 0
        self.best_adopted = 0
        self.kept: tuple[list[str], list[int]] | None = None
        """The unit as it was at the best end, if words beyond it have changed it since."""

    def run(self) -> None:
        """Walk until the words have nothing to do with the unit any more."""
        score = best = 0.0
        while self.at < len(self.words):
            if self.words[self.at] == self.unit[self.place]:
                score += 1.0
                self.step(1, 1)
            else:
                known = len(self.faults)
                self.fault()
                score -= FAULT_COST * (len(self.faults) - known)
            if score > best:
                best, self.best_end, self.best_faults = score, self.at, len(self.faults)
                self.best_adopted, self.kept = self.adopted, None
            if score < best - GIVE_UP:
                break
        if self.kept is not None:
            self.unit, self.labels = self.kept

    def fault(self) -> None:
        """Count a difference; one that comes again is the unit's own, which then follows the copies."""
        ahead, skip = self.realignment()
        place = self.place
        fault = (self.labels[place], skip, tuple(self.words[self.at : self.at + ahead]))
        if fault in self.seen and place + skip <= len(self.unit) > skip:
            self.seen.discard(fault)
            if self.kept is None:
                self.kept = (list(self.unit), list(self.labels))
            self.adopted += 1
            self.unit[place : place + skip] = fault[2]
            self.labels[place : place + skip] = [fault[0]] * ahead
            self.step(ahead, ahead)
            return
        self.seen.add(fault)
        self.faults += [(fault[0], ahead, skip), *[None] * (_edits(fault[2], self.next_of_unit(skip)) - 1)]
        self.step(ahead, skip)

    def realignment(self) -> tuple[int, int]:
        """Return how many words to skip in the text and in the unit so that most of the next ones match again."""
        reach = AHEAD + MAX_SKIP
        words = self.words[self.at : self.at + reach]
        unit = self.next_of_unit(reach)
        best, found = 1, _ONE_EACH
        for ahead, skip in REALIGNMENTS:
            matches = sum(map(eq, words[ahead : ahead + AHEAD], unit[skip : skip + AHEAD]))
            if matches > best:
                best, found = matches, (ahead, skip)
            if matches == AHEAD:
                break
        return self.far_realignment() if best <= WEAK else found

    def far_realignment(self) -> tuple[int, int]:
        """Return the least to skip so that the next words match nearly all, looking further: faults come in bunches."""
        words = self.words[self.at : self.at + FAR + SURE]
        unit = self.next_of_unit(FAR + SURE)
        for ahead, skip in _FAR_REALIGNMENTS:
            if sum(map(eq, words[ahead : ahead + SURE], unit[skip : skip + SURE])) >= SURE - 1:
                return ahead, skip
        return _ONE_EACH

    def next_of_unit(self, n: int) -> list[str]:
        """Return so many words of the unit from where the walk is, round and round."""
        found = self.unit[self.place : self.place + n]
        while len(found) < n:
            found += self.unit[: n - len(found)]
        return found

    def step(self, ahead: int, skip: int) -> None:
        self.at += ahead
        self.place = (self.place + skip) % len(self.unit)


def _edits(words: Sequence[str], others: Sequence[str]) -> int:
    """Return how many words are to be changed, added or left out to make one of the other (Levenshtein's distance).

    A change, a word that stayed and an addition are two faults, although three words were skipped.
    """
    row = list(range(len(others) + 1))
    for word in words:
        before, row = row, [row[0] + 1]
        for at, other in enumerate(others):
            row.append(min(before[at] + (word != other), before[at + 1] + 1, row[at] + 1))
    return row[-1]
