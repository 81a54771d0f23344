"""Where a text goes round in circles: the same words again and again, give or take some noise.

Every step is cheaper than the next and lets fewer texts through: a few windows looked for again nearby; the
windows around a find; words aligned with the period's earlier copies. Each works on a bounded part of the text.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Final

from detectors.signals._repetition_walk import follow

__all__ = ["Loop", "find_loop"]

WINDOW: Final = 12
"""Characters of a window: about two words, so that noise leaves most windows whole."""
DENSE_WINDOW: Final = 4
"""The same where a character is a word or a syllable."""
DENSE: Final = "\u2e80"
"""First of the characters of which there are few to a word."""
REACH: Final = 2_600
"""Characters in which a window is looked for: periods of 200 words and more."""
SHORT: Final = 700
LONG: Final = 2_000
"""Characters of texts in which other and more windows are tried."""
FEW_CHARS: Final = 100
"""Characters in which the windows of the end may not all fit."""
MAX_DISTANCES: Final = 3
"""Earlier places of a window that are tried."""
NEIGHBOURS: Final = (-7, -6, -5, -4, -3, -2, -1, 2, 4, 6)
"""Windows around a find, in eighths of the distance: in a loop all of them come again at it, around a phrase none."""
ENOUGH_NEIGHBOURS: Final = 4
MAX_PART: Final = 14_000
"""Characters that are read word by word."""
MIN_PART: Final = 1_200
MAX_PARTS: Final = 2
"""Parts of a text that are read word by word."""

GRAM: Final = 4
"""Words that have to come again to tell the period."""
MAX_LAGS: Final = 12
MAX_PERIODS: Final = 2
"""Periods that are tried, of so many distances between equal words."""
MIN_AGAIN: Final = 10
"""Least times that groups of words have to come again at about one distance, and at least as often as it is long."""

FEW_WORDS: Final = 3
RARE: Final = 0.1
FEW_FAULTS: Final = 0.025
"""Where there are so few different words, noise is one that has at most this share, unless faults are few."""
REPEATS: Final = 3.2
"""Least repeats of a long period: four, of which noise may hide an edge."""
SHORT_PERIOD: Final = 32.0
"""Short periods have to come more often, 32 / period^2 times more: three equal words in a row are no loop."""
ENOUGH_REPEATS: Final = 34.0
"""More is asked of no loop: of a single word, forty of which noise hides an edge are one."""
REPEATS_OF_MOST: Final = 2.5
"""Least repeats of a loop without noise that is most of the text: noisy ones could be three similar records."""
MOST: Final = 0.6
MIN_WORDS: Final = 20
MIN_DENSE_WORDS: Final = 28
MIN_CHARS: Final = 40
MIN_SIGNS: Final = 400
"""Characters of a loop without letters: grids of numbers and rules of tables are shorter."""

FLOOD: Final = 200
BLANK_FLOOD: Final = 400
"""Characters of a flood of one symbol, and of white space; 40 when it is most of the text."""
BLOCK: Final = 50
PURE: Final = 0.85
"""Share of the symbol in each block of a flood."""

_WORD: Final = re.compile(r"([\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w{1,16})|([^\w\s])\2*")
"""A word, a character where words are not spaced, or a run of one sign."""
_MARKER: Final = re.compile(r"(?m)^[ \t]{0,8}\d{1,4}[.)][ \t]")
"""The number of a list item: a loop may count its rounds."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A part of a text that repeats itself."""

    start: int
    end: int
    period: int
    """Words, or characters of a flood (1)."""


def find_loop(text: str) -> Loop | None:
    """Return the first loop found, or None; bounded time for any text.

    >>> find_loop("It is late. " * 30)
    Loop(start=0, end=359, period=4)
    >>> find_loop("It is late. The shop is closed, come again tomorrow morning.") is None
    True
    """
    size = len(text)
    if size < MIN_CHARS:
        return None
    spaced = text.isascii() or (max(text[:: size // 16 + 1]) < DENSE and max(text[-MIN_CHARS:]) < DENSE)
    reach = min(size * 2 // 5 + MIN_CHARS, REACH) if spaced else REACH
    places = _places(size, spaced)
    if spaced:  # nearly always no window stands a second time
        places = tuple(
            [at for at in places if text[at : at + WINDOW] in text[at - reach if at > reach else 0 : at + WINDOW - 1]]
        )
    parts = 0
    for at in places:
        width = WINDOW if spaced or text[at] < DENSE else DENSE_WINDOW
        low = at - reach if at > reach else 0
        if text[at : at + width] not in text[low : at + width - 1]:
            continue
        flood = _flood(text, at)
        if flood is not None:
            return flood
        for distance in _distances(text, at, width, low):
            if _is_suspect(text, at, distance, width):
                found = _read_part(text, at, distance)
                parts += 1
                if found is not None or parts == MAX_PARTS:
                    return found
                break
    return None


def _places(size: int, spaced: bool) -> tuple[int, ...]:
    """Return where windows are looked for again: more of them at the end, where an answer that loops stays."""
    end, middle = size - 14, size * 9 // 20
    found: tuple[int, ...]
    if not spaced:
        found = (end, end - 16, end - 36, end - 76, *range(size - 1 - size // 13, 0, -(size // 13)))
    elif size <= SHORT:
        found = (end, end - 16, end - 36, size * 4 // 5, size * 13 // 20, size // 2, size * 2 // 5, size * 3 // 10)
    else:
        found = (end, end - 36, end - 90, size * 4 // 5, size * 7 // 10, size * 3 // 5, size // 2, middle)
        if size > LONG:
            found += (size * 9 // 10, size * 11 // 20, size * 2 // 5, size * 3 // 10)
    return found if size > FEW_CHARS else tuple(at for at in found if at > 0)


def _distances(text: str, at: int, width: int, low: int) -> Iterator[int]:
    """Yield how far before a place its window stands, the nearest first: a phrase may come again within a period."""
    before = at + width - 1
    for _ in range(MAX_DISTANCES):
        before = text.rfind(text[at : at + width], low, before)
        if before < 0:
            return
        yield at - before
        before += width - 1


def _is_suspect(text: str, at: int, distance: int, width: int) -> bool:
    """Tell whether a find is worth reading word by word: more stands at the same distance before.

    JSON that comes to its closing bracket has to have three copies without noise: its records look alike.
    """
    if text[0] in "[{" and text[-1] in "]}":
        begin = at - 3 * distance
        return begin >= 0 and text[begin : at - distance] == text[begin + distance : at]
    return _neighbours(text, at, distance, width) >= ENOUGH_NEIGHBOURS


def _neighbours(text: str, at: int, distance: int, width: int) -> int:
    """Return how many windows around a place stand at about the same distance before."""
    slack = 8 + distance // 8
    stride = max(distance // 8, width // 2)
    count = 0
    for step in NEIGHBOURS:
        here = at + step * stride
        if here >= 0 and here + width <= len(text):
            before = here - distance
            window = text[here : here + width]
            count += text.find(window, max(0, before - slack), min(before + slack + width, here + width - 1)) >= 0
    return count


def _flood(text: str, at: int) -> Loop | None:
    """Return the flood of one symbol, white space included, around a place."""
    if text[at : at + WINDOW].isspace():
        return _blank_flood(text, at)
    symbol = text[at]
    if text.count(symbol, at, at + WINDOW) < WINDOW - 2:
        return None
    low, high = at, min(len(text), at + WINDOW)
    while low > 0 and high - low < FLOOD and text.count(symbol, max(0, low - BLOCK), low) >= PURE * min(low, BLOCK):
        low = max(0, low - BLOCK)
    while high < len(text) and high - low < FLOOD:
        block = min(BLOCK, len(text) - high)
        if text.count(symbol, high, high + block) < PURE * block:
            break
        high += block
    return _if_large(text, low, high, FLOOD)


def _blank_flood(text: str, at: int) -> Loop | None:
    begin = max(0, at - BLANK_FLOOD)
    after = text[at : at + BLANK_FLOOD]
    low = begin + len(text[begin:at].rstrip())
    return _if_large(text, low, at + len(after) - len(after.lstrip()), BLANK_FLOOD)


def _if_large(text: str, low: int, high: int, enough: int) -> Loop | None:
    size = high - low
    if size >= enough or (size >= MIN_CHARS and size >= MOST * len(text)):
        return Loop(low, high, 1)
    return None


def _read_part(text: str, at: int, distance: int) -> Loop | None:
    """Look for a loop word by word in the part of the text around a find."""
    reach = min(MAX_PART // 2, max(MIN_PART // 2, 5 * distance))
    low = max(0, at - reach)
    part = text[low : at + reach]
    if _MARKER.search(part):
        part = _MARKER.sub(lambda found: " " * len(found[0]), part)
    words = [sign or word for word, sign in _WORD.findall(part)]
    for period, near in _periods(words):
        found = follow(words, near, period)
        if found is None:
            continue
        first, last, faults = found
        start, end = _span(part, first, last)
        most = not faults and end - start >= MOST * len(text)
        telling = faults <= FEW_FAULTS * (last - first) or _tells(words[first:last])
        if telling and _is_loop(words[first:last], period, end - start, most):
            return Loop(low + start, low + end, period)
    return None


def _tells(words: Sequence[str]) -> bool:
    """Tell whether noise is another, rare word: anything fits a grid of two or three words in the end."""
    counts = Counter(words)
    return len(counts) > FEW_WORDS or min(counts.values()) <= RARE * len(words)


def _span(part: str, first: int, last: int) -> tuple[int, int]:
    """Return where the words of these places begin and end."""
    spans = list(islice(_WORD.finditer(part), last))
    return spans[first].start(), spans[-1].end()


def _is_loop(words: Sequence[str], period: int, chars: int, most: bool) -> bool:
    """Tell whether what repeats is long enough to be no figure of speech and no table."""
    if len(words) < MIN_WORDS or (len(words) < MIN_DENSE_WORDS and chars < MIN_CHARS):
        return False
    if chars < MIN_SIGNS and not any(word[0].isalpha() for word in words[:period]):
        return False
    repeats = len(words) / period
    enough = min(ENOUGH_REPEATS, REPEATS + SHORT_PERIOD / (period * period))
    return repeats >= enough or (most and repeats >= REPEATS_OF_MOST)


def _periods(words: Sequence[str]) -> list[tuple[int, int]]:
    """Return likely periods, in words, each with where its second copy begins."""
    last: dict[tuple[str, ...], int] = {}
    lags = []
    for at, gram in enumerate(zip(*(words[n:] for n in range(GRAM)), strict=False)):
        lags.append(at - last.get(gram, at))
        last[gram] = at
    counts = Counter(lags)
    del counts[0]
    found: list[tuple[int, int]] = []
    for lag, _ in counts.most_common(MAX_LAGS):
        near = _near(lag)
        again = sum(counts[each] for each in near)
        if again >= max(MIN_AGAIN, lag) and not any(lag in _near(known) for known, _ in found):
            second = _best_start([each in near for each in lags], lag)
            found.append((lags[second], second))
        if len(found) == MAX_PERIODS:
            break
    return found


def _near(lag: int) -> range:
    """Return the lags that words added to or missing from a copy make of one."""
    return range(max(1, lag - 1 - lag // 12), lag + 2 + lag // 12)


def _best_start(hits: Sequence[bool], period: int) -> int:
    """Return the first hit of the period that has the most of them."""
    sums = [0, *accumulate(hits)]
    sums += [sums[-1]] * period
    within = [later - earlier for earlier, later in zip(sums, sums[period:], strict=False)]
    return hits.index(True, within.index(max(within)))
