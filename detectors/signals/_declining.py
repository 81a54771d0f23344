"""Whether a text declines, wholly or in part, by which kind of words and where."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Final

from detectors.signals._folding import composed, folded, place, straight, without_quotations
from detectors.signals._lecturing import lecture_signs, lectures
from detectors.signals._literals import Gated, Words, covering, searchable
from detectors.signals._refusal_rules import LANGUAGES, LanguageRules, expressions

__all__ = ["OPENING_CHARS", "READ_CHARS", "Declining", "Kind", "declining"]

OPENING_CHARS: Final = 300
"""A refusal stands in the opening; what declines later declines a part."""
READ_CHARS: Final = 1 << 15
"""What comes after so many characters is not read."""
_RAW_CHARS: Final = 4 * OPENING_CHARS // 3
"""The opening before mark-up and quotations are taken out."""
_SENTENCE_CHARS: Final = 240
_PARAGRAPH_CHARS: Final = 600
_SENTENCES: Final = 6
"""At most so many sentences after the opening are looked at: the first ones and the last two."""
_OFFER_REACH: Final = 400
"""An offer stands within so many characters of what declines."""
_SUBSTANCE_BYTES: Final = 160
"""Shorter than this, what follows an offer is not yet an answer; in bytes, for some scripts say more by the letter."""
_LIST_REACH: Final = 2_000
_ITEMS: Final = 3
_ITEM = re.compile(r"\n *(?:[-*•]|\d{1,2}[.)、]) *\w")
_THOUGHT_CHARS: Final = 1 << 18
_OPENING_LOOK: Final = 64
"""White space that may stand before a block of thought."""
_THOUGHTS: Final = (("<think>", "</think>"), ("<thinking>", "</thinking>"))
_SENTENCE_ENDS: Final = (".", "!", "?", "\n", "。", "！", "？", "।", "؟")
_END = re.compile(r"[.!?؟](?: |$)|[。।]")
_AGREES = re.compile(
    r"(?:sure|certainly|of course|absolutely|here(?:'s| is| are)|subject:|dear |gerne|natürlich|hier ist|betreff:"
    r"|sehr geehrte|bien sûr|voici|objet :|claro|por supuesto|aquí|asunto:|certo|ecco|oggetto:|aqui|assunto:"
    r"|natuurlijk|onderwerp:|oczywiście|oto|temat:|конечно|вот|тема:|当然|當然|好的|以下|もちろん|물론|بالتأكيد|ज़रूर|जरूर)"
)
"""An answer or a letter that begins like this does what it was asked, whatever the letter then says."""


class Kind(StrEnum):
    """How a text declines."""

    INABILITY = "inability"
    """As in: I cannot help with that."""
    UNWILLING = "unwilling"
    """As in: I must decline."""
    POLICY = "policy"
    """As in: that goes against my guidelines."""
    MORAL = "moral"
    """As in: it is not appropriate to ..."""


@dataclass(frozen=True, slots=True)
class Declining:
    """What was found.

    Attributes:
        kind: by which kind of words.
        span: the passage, as characters of the text.
        wholly: whether what was asked for is declined as a whole.
        partly: whether a part is declined and something is given. Both are true of an answer that declines and
            goes on to something else of substance, for the text alone does not tell whether that was asked for.
    """

    kind: Kind
    span: tuple[int, int]
    wholly: bool
    partly: bool


class _Last:
    """The last text that was read and what was found: several signals ask about the same answer in turn."""

    __slots__ = ("answer",)

    def __init__(self) -> None:
        self.answer: tuple[str, Declining | None] = ("", None)


_FIRM: Final = (Kind.UNWILLING, Kind.POLICY, Kind.MORAL)
_UNKNOWING: Final = "unknowing"
_CAVEAT: Final = "caveat"
_OFFER: Final = "offer"
_EXCUSES: Final = (_UNKNOWING, _CAVEAT, _OFFER)
_DECLINES: Final = (*_FIRM, Kind.INABILITY)


def _compiled(languages: Iterable[LanguageRules], kinds: Iterable[str]) -> dict[re.Pattern[str], str]:
    """Return every expression of the languages with its kind; those of a kind stand together."""
    known = tuple(languages)
    return {
        rule: kind
        for kind in kinds
        for language in known
        for rule in expressions(getattr(language, kind), language.fragments)
    }


class _Signs:
    """The words without which nothing declines: in an opening, in one that is no lecture, later on."""

    def __init__(self) -> None:
        rules = covering(_compiled(LANGUAGES, _DECLINES))
        self.opening = Words(rules | lecture_signs())
        self.rules = Words(rules)
        self.later = Words(phrase for language in LANGUAGES for phrase in language.later.split("\n") if phrase)


_LAST = _Last()
_KINDS = _compiled(LANGUAGES, (*_DECLINES, *_EXCUSES))
_KIND_OF = {id(rule): kind for rule, kind in _KINDS.items()}  # an expression's hash would read all of it
_RULES = Gated(_KINDS)
_OFFERS = Gated(rule for rule, kind in _KINDS.items() if kind == _OFFER)
_SIGNS = _Signs()


def declining(text: str) -> Declining | None:
    """Return how ``text`` declines, or None if it does not, in time that is bounded for any text.

    >>> declining("I'm sorry, but I can't help with that.").kind
    <Kind.INABILITY: 'inability'>
    >>> declining("I can't wait to help you plan the trip!") is None
    True
    """
    last, found = _LAST.answer
    if last is not text:
        start = _after_thought(text) if "<" in text[:_OPENING_LOOK] else 0
        found = _read(text[start : start + READ_CHARS], start)
        _LAST.answer = text, found
    return found


def _after_thought(text: str) -> int:
    """Return where the answer begins after a leading block of thought; a block without an end hides all."""
    head = text[:_OPENING_LOOK].lstrip()
    for begin, end in _THOUGHTS:
        if head.startswith(begin):
            found = text.find(end, 0, _THOUGHT_CHARS)
            return found + len(end) if found >= 0 else len(text)
    return 0


def _read(text: str, offset: int) -> Declining | None:
    """Return how an answer without its block of thought declines; it stands at ``offset`` in the whole."""
    head = text[:_RAW_CHARS]
    if text.isascii():
        raw = searchable(text)
        first, rest = raw[:_RAW_CHARS], raw[OPENING_CHARS:]
    else:
        first, rest = searchable(composed(head).casefold()), searchable(text[OPENING_CHARS:])
    first = first.replace(b"*", b"")
    if _SIGNS.opening.found_in(first) and (_SIGNS.rules.found_in(first) or lectures(first)):
        found = _opening(head)
        if found is not None:
            kind, passage = found
            begin, end = place(head, passage) or (0, min(len(text), OPENING_CHARS))
            offers, lists = _answers_after(text, end)
            return Declining(kind, (offset + begin, offset + end), wholly=not offers, partly=offers or lists)
    starts = _SIGNS.later.places(rest)
    return _later(text[OPENING_CHARS:], _in_characters(rest, starts), offset + OPENING_CHARS) if starts else None


def _opening(head: str) -> tuple[Kind, str] | None:
    """Return the kind and the folded passage by which the opening of a text declines."""
    opening = folded(head)[:OPENING_CHARS]
    if _AGREES.match(opening):
        return None
    rules = _Admitted(opening)
    unable = rules.first(opening, Kind.INABILITY)
    if unable and not _excused(rules, opening, unable[1].end()):
        return Kind.INABILITY, unable[1].group()
    if firm := rules.first(opening, *_FIRM):
        return Kind(firm[0]), firm[1].group()
    lecture = None if unable else lectures(opening.encode("utf-8", "surrogatepass"))
    return (Kind.MORAL, lecture) if lecture else None


def _excused(rules: "_Admitted", opening: str, end: int) -> bool:
    """Tell whether what declines, up to ``end``, is no refusal: it does not know, or what it is not, it says.

    Not knowing is looked for up to the end of the next sentence: later on it is of something else.
    """
    ends = [found.end() for found in islice(_END.finditer(opening, end), 2)]
    near = opening[: ends[-1]] if len(ends) == 2 else opening  # noqa: PLR2004 - this sentence and the next
    return bool(rules.first(near, _UNKNOWING) or (rules.first(opening, _CAVEAT) and rules.first(opening, _OFFER)))


class _Admitted:
    """The rules that a folded text has the words for."""

    def __init__(self, text: str) -> None:
        self._gates = [(gate, _KIND_OF[id(gate.rule)]) for gate in _RULES.admitted(text)]

    def first(self, text: str, *kinds: str) -> tuple[str, re.Match[str]] | None:
        """Return the kind and the match of the first rule of some kinds that matches the text or a part of it."""
        for gate, kind in self._gates:
            if kind in kinds and (found := gate.match(text)):
                return kind, found
        return None


def _answers_after(text: str, end: int) -> tuple[bool, bool]:
    """Tell whether an answer follows what declines: an offer and something of substance; a list."""
    rest = text[end : end + _LIST_REACH]
    if _size(rest) < _SUBSTANCE_BYTES:
        return False, False
    lists = "\n" in rest and len(_ITEM.findall(rest)) >= _ITEMS
    offer = folded(rest[:_OFFER_REACH])
    found = next((found for gate in _OFFERS.admitted(offer) if (found := gate.match(offer))), None)
    return found is not None and _size(rest[found.end() :]) >= _SUBSTANCE_BYTES, lists


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _later(body: str, starts: list[int], offset: int) -> Declining | None:
    """Return the first sentence after the opening by which an answer declines a part of what was asked."""
    done = 0
    for at in starts if len(starts) <= _SENTENCES else starts[: _SENTENCES - 2] + starts[-2:]:
        if at < done or body.count("```", 0, at) % 2:
            continue
        begin, done = _sentence(body, at)
        sentence = _own_words(body, begin, done)
        rules = _Admitted(sentence)
        declined = rules.first(sentence, Kind.UNWILLING, Kind.INABILITY)
        if declined and not rules.first(sentence, _UNKNOWING, _CAVEAT):
            return Declining(Kind(declined[0]), (offset + begin, offset + done), wholly=False, partly=True)
    return None


def _in_characters(raw: bytes, starts: list[int]) -> list[int]:
    """Return places in bytes as places in characters; each byte is looked at once."""
    if raw.isascii():
        return starts
    places, last, count = [], 0, 0
    for start in starts:
        count += len(raw[last:start].decode("utf-8", "surrogatepass"))
        last = start
        places.append(count)
    return places


def _sentence(body: str, at: int) -> tuple[int, int]:
    """Return where the sentence around a place begins and ends, within bounds."""
    first, last = max(0, at - _SENTENCE_CHARS), min(len(body), at + _SENTENCE_CHARS)
    begin = max(first, *(body.rfind(mark, first, at) + 1 for mark in _SENTENCE_ENDS))
    ends = [found for mark in _SENTENCE_ENDS if (found := body.find(mark, at, last)) >= 0]
    return begin, min(ends, default=last)


def _own_words(body: str, begin: int, end: int) -> str:
    """Return a sentence, folded, less what its paragraph quotes: a quotation may hold several sentences."""
    first = max(0, begin - _PARAGRAPH_CHARS)
    first = max(first, body.rfind("\n", first, begin) + 1)
    return folded(without_quotations(straight(body[first : end + _SENTENCE_CHARS]))[begin - first : end - first])
