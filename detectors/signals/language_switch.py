"""Answers in another language than the question."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from typing_extensions import override

from detectors.base import Signal
from detectors.signals._instruction import MACHINE, NOT_USER, instruction_of
from detectors.signals._language import (
    common_words,
    has_words,
    is_latin,
    latin_languages,
    letters,
    likely,
    script_counts,
    script_language,
)
from detectors.signals._language_asked import speaks_of_language
from detectors.signals._of_answers import no_answer
from detectors.types import CANCELLED, Answer, Exchange, Margin, Outcome, Reading, Request, SignalKind

__all__ = ["LanguageSwitch"]

MIN_QUESTION: Final = 12
"""Characters of a user turn in Latin script; of others a third: what is shorter has no language of its own."""
MIN_ANSWER_LETTERS: Final = 60
"""Weighted letters of an answer: a name or a number is in no language."""
FOREIGN_SHARE: Final = 0.25
"""Share of an answer's letters in another script."""
OWN_SHARE: Final = 0.3
"""Share of a question's letters in a script other than Latin that makes it the question's: names are often Latin."""
KEPT_SHARE: Final = 0.1
"""Share of the question's script that an answer full of foreign names, code or quotations still has."""
FEW: Final = 5
FEW_LATIN: Final = 40
"""Letters of a script in the conversation that show it is nothing new there; Latin ones may be names."""
CLEARLY_HAN: Final = 10
"""Han characters without kana that are Chinese; fewer may be Japanese."""
MIN_QUESTION_WORDS: Final = 2
MIN_ANSWER_WORDS: Final = 6
"""Common words that tell the language."""
MIN_ENGLISH_WORDS: Final = 3
MIN_QUICK_WORDS: Final = 4
"""Different words of the commonest that spare an answer a closer look."""
MIXED: Final = 0.5
"""An answer with this many of the question's common words per one of another language is in both."""
EARLIER: Final = 12
"""Messages before the last turn that are looked at."""
_EXCERPT: Final = 800
_HALF: Final = 2_000
_BRACKETS: Final = frozenset("{[")
_SCRIPTS: Final = {"chinese": ("han",), "japanese": ("kana", "han")}
_WORDLIKE: Final = re.compile(r"[^\W\d_]{2}")
_FENCED: Final = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_CODE: Final = re.compile(r"`[^`\n]{1,200}`|https?://\S{1,300}")

_SAME = Reading(0.0, "same")
_STRUCTURED = Reading(0.0, "structured")
_TOO_SHORT = Reading(0.0, "too_short")
_EARLIER = Reading(0.0, "in_conversation")
_SWITCHED = Reading(1.0, "script")
_OTHER_LANGUAGE = Reading(1.0, "language")


@dataclass(frozen=True, slots=True)
class LanguageSwitch(Signal):
    """1 when the answer is in another language than the user's last turn, in whole or by a quarter of its letters.

    Sees a change of script (Latin, Cyrillic, Greek, Arabic, Hebrew, Han, kana, Hangul, Devanagari, Thai and
    others), Japanese against Chinese, and a change among 17 languages of Latin script by their commonest
    words. Misses languages that share a script other than those (Russian and Ukrainian), close relatives
    (Danish and Norwegian), single foreign words, and short answers. Code, JSON and tool calls are not read. A
    language that stands anywhere in the conversation is no switch.

    Applies when the last user turn has words enough to be in a language (12 characters, or 4 beyond ASCII) and
    neither it nor a system message speaks of languages or translation, or names one. A failed attempt has
    switched nothing. Reads 4,000 characters at most.
    """

    name: ClassVar[str] = "language_switch"
    version: ClassVar[int] = 1
    kind: ClassVar[SignalKind] = SignalKind.BIT
    title: ClassVar[str] = "Answers in another language"
    unit: ClassVar[str] = "share of requests"
    default_margin: ClassVar[Margin] = Margin(absolute=0.005)
    default_weight: ClassVar[float] = 0.5

    @override
    def read(self, exchange: Exchange) -> Reading | None:
        """Return 1 for another language, 0 otherwise, or None when not applicable or not logged."""
        request, answer, outcome = exchange.request, exchange.answer, exchange.outcome
        if request is None or outcome.failure is CANCELLED:
            return None
        question = _question(request)
        if question is None:
            return None
        if outcome.failed:
            return self.read_failure(outcome)
        return None if answer is None else _read(question, answer, request)

    @override
    def read_failure(self, outcome: Outcome) -> Reading:
        """Return 0: an answer that never came is in no language."""
        return no_answer(outcome)


def _question(request: Request) -> str | None:
    """Return the last user turn if it has a language that the answer should have, too."""
    instruction = instruction_of(request)
    text = instruction.question
    if text is None or instruction.mentions.language:
        return None
    if len(text) < (MIN_QUESTION if text.isascii() else MIN_QUESTION // 3):
        return None
    return text if text[:2].isalpha() or _WORDLIKE.search(text, 0, _EXCERPT) else None


def _read(question: str, answer: Answer, request: Request) -> Reading | None:
    if answer.tool_calls:
        return _STRUCTURED
    text = answer.text
    if text is None:
        return None
    if _is_structured(text, request):
        return _STRUCTURED
    if is_latin(text) and is_latin(question):
        return _read_latin(question, text, request)
    return _read_scripts(question, _prose(text), request)


def _read_latin(question: str, text: str, request: Request) -> Reading:
    if has_words(question, "en", MIN_QUESTION_WORDS) and has_words(text, "en", MIN_ENGLISH_WORDS):
        return _SAME
    own = latin_languages(question, MIN_QUESTION_WORDS)
    if not own or has_words(text, own[0], MIN_QUICK_WORDS):
        return _SAME
    return _read_words(own, _prose(text), request)


def _is_structured(text: str, request: Request) -> bool:
    if request.response_schema is not None or request.json_object:
        return True
    first = text[:1]
    return (text.lstrip()[:1] if first.isspace() else first) in _BRACKETS


def _read_scripts(question: str, text: str, request: Request) -> Reading:
    counts = script_counts(text)
    if letters(counts) < MIN_ANSWER_LETTERS:
        return _TOO_SHORT
    asked = script_counts(question)
    own, said = script_language(asked, OWN_SHARE), script_language(counts, FOREIGN_SHARE)
    if own is None or said is None or own == said:
        return _SAME
    if said == "latin" and _written(counts, own) >= KEPT_SHARE * letters(counts):
        return _SAME
    return _EARLIER if _familiar(own, said, asked, request) else _SWITCHED


def _prose(text: str) -> str:
    """Return the text without code and addresses, of a long one the beginning and the end."""
    if len(text) > 2 * _HALF:
        text = text[:_HALF] + "\n" + text[-_HALF:]
    return _CODE.sub(" ", _FENCED.sub(" ", text)) if "`" in text or "://" in text else text


def _written(counts: Mapping[str, int], language: str) -> int:
    """Return how many letters are of a language's scripts."""
    scripts = _SCRIPTS.get(language, (language,))
    return letters({name: count for name, count in counts.items() if name in scripts})


def _familiar(own: str, said: str, asked: Mapping[str, int], request: Request) -> bool:
    """Tell whether the conversation has the answer's script, or spoke of languages before."""
    if own in _SCRIPTS and said in _SCRIPTS:  # both have Han
        if own == "chinese" and asked["han"] < CLEARLY_HAN:
            return True
    elif _has(asked, said):
        return True
    for role, text in _earlier(request):
        counts = script_counts(text[:_EXCERPT])
        found = script_language(counts, FOREIGN_SHARE) == said if said in _SCRIPTS else _has(counts, said)
        # a system message in English says nothing about the answer, one in Chinese does
        if found and not (said == "latin" and role in MACHINE):
            return True
        if role not in NOT_USER and speaks_of_language(text):
            return True
    return False


def _has(counts: Mapping[str, int], language: str) -> bool:
    return _written(counts, language) >= (FEW_LATIN if language == "latin" else FEW)


def _read_words(own: tuple[str, ...], text: str, request: Request) -> Reading:
    words = common_words(text)
    said = likely(words, MIN_ANSWER_WORDS)
    if len(said) != 1 or said[0] in own:
        return _SAME
    if max(words.get(name, 0) for name in own) > MIXED * words[said[0]]:
        return _SAME
    for role, earlier in _earlier(request):
        if role not in MACHINE and latin_languages(earlier[:_EXCERPT], MIN_QUESTION_WORDS) == said:
            return _EARLIER
        if role not in NOT_USER and speaks_of_language(earlier):
            return _EARLIER
    return _OTHER_LANGUAGE


def _earlier(request: Request) -> Iterator[tuple[str, str]]:
    """Yield role and text of the messages before the last user turn."""
    last = max(at for at, each in enumerate(request.messages) if each.role not in NOT_USER)
    for each in request.messages[max(0, last - EARLIER) : last]:
        if each.text:
            yield each.role, each.text
