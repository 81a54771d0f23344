"""Whether an opening lectures instead of answering: many kinds of the words that lectures are made of, together."""

from collections.abc import Iterable
from typing import Final

from ahocorasick_rs import MatchKind

from detectors.signals._literals import Search, plain_first
from detectors.signals._refusal_rules import LANGUAGES, LanguageRules

__all__ = ["lecture_signs", "lectures"]

_KINDS_OF_WORDS: Final = 7
_DENYING: Final = frozenset({0, 1})
"""What is wrong, what must not be."""
_ADDRESSING: Final = frozenset({1, 2, 5})
"""What must not be, what is important, what to do instead: a definition has none of them."""
_LEAST: Final = 3
"""An answer that warns has two kinds in its opening at the most; a lecture has more."""


class _Lexicon:
    """The words of every language, each with the languages and kinds that it or a beginning of it stands for."""

    def __init__(self, languages: Iterable[LanguageRules]) -> None:
        meanings: dict[str, set[tuple[int, int]]] = {}
        for at, language in enumerate(languages):
            for kind, words in enumerate(lexicon(language)):
                for word in words:
                    meanings.setdefault(word, set()).add((at, kind))
        self.meanings = tuple(
            frozenset(meaning for other, found in meanings.items() if word.startswith(other) for meaning in found)
            for word in plain_first(meanings)
        )
        self.search = Search(plain_first(meanings), MatchKind.LeftmostLongest)


def lexicon(language: LanguageRules) -> list[list[str]]:
    """Return the words of each kind of a language.

    Raises:
        ValueError: a language has words, but not of seven kinds.
    """
    kinds = [" ".join(paragraph.split()).split(", ") for paragraph in language.lecture.strip().split("\n\n")]
    if len(kinds) != _KINDS_OF_WORDS:
        raise ValueError(f"lecture must have {_KINDS_OF_WORDS} paragraphs, one a kind of words, got {len(kinds)}")
    return kinds


_LEXICON: Final = _Lexicon(LANGUAGES)


def lecture_signs() -> frozenset[str]:
    """Return words of which every lecture has one."""
    return frozenset(word for language in LANGUAGES for kind in lexicon(language)[: max(_DENYING) + 1] for word in kind)


def lectures(opening: bytes) -> str | None:
    """Return the passage that makes an opening in small letters a lecture, from its first word to its last, or None.

    Three of the seven kinds of words in one language, of which one says what is wrong or what must not be.

    >>> lectures(b"you should not mock people; everyone deserves respect.")
    'should not mock people; everyone deserves respect'
    >>> lectures(b"stealing is illegal in most countries.") is None
    True
    """
    words = _LEXICON.search(opening)
    if len(words) < _LEAST or not _is_lecture(words):  # nearly all openings: the look at letters before words is slow
        return None
    words = [word for word in words if not _inside(opening, word[1])]
    return opening[words[0][1] : words[-1][2]].decode("utf-8", "surrogatepass") if _is_lecture(words) else None


def _is_lecture(words: list[tuple[int, int, int]]) -> bool:
    kinds: dict[int, set[int]] = {}
    for word, _, _ in words:
        for language, kind in _LEXICON.meanings[word]:
            kinds.setdefault(language, set()).add(kind)
    return any(len(found) >= _LEAST and found & _DENYING and found & _ADDRESSING for found in kinds.values())


def _inside(raw: bytes, start: int) -> bool:
    """Tell whether a place stands inside a word of Latin letters."""
    return start > 0 and raw[start - 1 : start + 1].isalpha()
