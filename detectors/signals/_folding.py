"""Text as rules read it: small letters, straight quotes, no quotations, mark-up, line breaks or hidden characters."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

__all__ = ["composed", "folded", "place", "straight", "without_quotations"]

_STRAIGHT: Final = tuple(zip("’‘ʼ´`“”„‟", "'''''\"\"\"\"", strict=True))
_HIDDEN: Final = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff"
_PLAIN: Final = tuple(zip("，！？：；（）\u00a0…", ",!?:;() .", strict=True))
"""Signs that alone would have most of the texts in some scripts normalised, which is slow."""
_QUOTED: Final = (
    ('"', re.compile(r'"[^"]{0,200}"')),
    ("«", re.compile(r"«[^»]{0,200}»")),
    ("»", re.compile(r"»[^«]{0,200}«")),
    ("「", re.compile(r"「[^」]{0,200}」")),
    ("『", re.compile(r"『[^』]{0,200}』")),
    ("《", re.compile(r"《[^》]{0,200}》")),
    (" '", re.compile(r" '\b[^'\n]{1,200}(?:'\b[^'\n]{1,100}){0,4}'\B")),
    ("\n'", re.compile(r"\n'\b[^'\n]{1,200}(?:'\b[^'\n]{1,100}){0,4}'\B")),
    ("\n>", re.compile(r"\n>[^\n]{0,400}")),
)
"""Marks that open a quotation, and what they open: an expression that begins with a fixed sign is quick."""
_MARKUP: Final = "*_#>~|"
_TRIES: Final = 4
"""So many places of a word are looked at before the letters are traced one by one, which is slow."""
_ENDS: Final = 8
"""So many letters of a passage's first and last word are looked for."""
_LETTERS_KEPT: Final = 4096


def folded(text: str) -> str:
    r"""Return a short text folded.

    >>> folded("**No** “never”,\n\tthanks")
    'no , thanks'
    """
    text = straight(text if text.isascii() else composed(text)).casefold()
    return " ".join(_unmarked(without_quotations(text)).split())


def _unmarked(text: str) -> str:
    for sign in _MARKUP:
        if sign in text:
            text = text.replace(sign, "")
    return text


def straight(text: str) -> str:
    """Return text with straight quotes; every character stays in its place."""
    if text.isascii():
        return text.replace("`", "'")
    for mark, plain in _STRAIGHT:
        if mark in text:
            text = text.replace(mark, plain)
    return text


def composed(text: str) -> str:
    """Return text beyond ASCII as its composed, visible characters."""
    for char in _HIDDEN:
        if char in text:
            text = text.replace(char, "")
    for sign, plain in _PLAIN:
        if sign in text:
            text = text.replace(sign, plain)
    return text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)


def without_quotations(text: str) -> str:
    """Return text with blanks for what straight or pointed marks quote; all else stays in its place."""
    for mark, quotation in _QUOTED:
        if mark in text:
            text = quotation.sub(_blank, text)
    if text[:1] in {"'", ">"}:
        return without_quotations("\n" + text)[1:]
    return text


def _blank(found: re.Match[str]) -> str:
    return " " * len(found.group())


def place(text: str, passage: str) -> tuple[int, int] | None:
    """Return where a folded passage stands in a short text, or None if it was folded out of recognition."""
    plain = _plain(text)
    at = plain.find(passage) if len(plain) == len(text) else -1
    if at >= 0:
        return at, at + len(passage)
    found = _between_ends(plain, passage) if len(plain) == len(text) else None
    if found or not passage:
        return found
    letters, origins = _traced(text)
    at = letters.find(passage)
    return (origins[at], origins[at + len(passage) - 1] + 1) if at >= 0 else None


def _plain(text: str) -> str:
    """Return text folded as far as every character can keep its place; a few letters lengthen all the same."""
    plain = straight(text.lower())
    if not text.isascii():
        for sign, own in _PLAIN:
            if sign in plain:
                plain = plain.replace(sign, own)
    return plain


def _between_ends(plain: str, passage: str) -> tuple[int, int] | None:
    """Return where a passage stands among line breaks, mark-up and quotations, by its ends, or None."""
    first, last = passage.split(" ", 1)[0][:_ENDS], passage.rsplit(" ", 1)[-1][-_ENDS:]
    for begin in _places(plain, first, 0) if passage else ():
        for at in _places(plain, last, begin + len(passage) - len(last)):
            end = at + len(last)
            if " ".join(_unmarked(without_quotations(plain[begin:end])).split()) == passage:
                return begin, end
    return None


def _places(text: str, word: str, start: int) -> Iterator[int]:
    """Yield the first few places of a word."""
    for _ in range(_TRIES):
        start = text.find(word, start)
        if start < 0:
            return
        yield start
        start += 1


def _traced(text: str) -> tuple[str, list[int]]:
    """Return text folded, quotations kept, with the place that each character comes from."""
    letters: list[str] = []
    origins: list[int] = []
    for at, char in enumerate(text):
        for letter in _letters(char):
            blank = letter.isspace()
            if not blank or (letters and letters[-1] != " "):
                letters.append(" " if blank else letter)
                origins.append(at)
    return "".join(letters), origins


@lru_cache(maxsize=_LETTERS_KEPT)
def _letters(char: str) -> str:
    return _unmarked(straight(composed(char)).casefold())
