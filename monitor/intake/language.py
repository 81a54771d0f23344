"""Which language a text is in: by its script, and for Latin letters by the commonest words. Cheap, and often unsure."""

from bisect import bisect_right
from collections import Counter
from typing import Final

__all__ = ["LANGUAGES", "language_of"]

LOOKED_AT: Final = 128
"""Characters of the text that are looked at: every event pays for them."""
SAMPLED: Final = 40
"""Characters whose script is looked up when a text is not in western European letters."""
FEWEST: Final = 2
"""Distinct common words that one language must have, more than any other, to be named."""

_WORDS: Final = {
    "en": "the and of to is are was with for that this what how you your from have please which it not",
    "de": "der die das und ist nicht ein eine einen mit für von wie was ich du sie auf zu den dem bitte im",
    "fr": "le la les des et est une un dans pour que qui avec sur pas vous nous je ce cette comment du au",
    "es": "el la los las y es una un de que en para con por del qué cómo se no su más este al",
    "it": "il lo la gli di e è una un che per con non del della sono come questo mi alla nel dei",
    "pt": "o os as de e é uma um que para com não do da em por como você são no na dos mais",
    "nl": "de het een en is van niet met voor dat wat hoe ik je zijn op te aan ook maar deze naar",
    "pl": "i w na z nie się jest to że do jak co czy dla po przez od jestem są ten który",
    "sv": "och att det är en ett som på för med inte av jag du hur vad den till kan om",
    "tr": "ve bir bu için ile ne nasıl mı mi değil var çok daha olan gibi ben sen da de en",
    "ro": "și în este nu un o care pentru cu de la pe ce cum din mai sunt să se al",
    "cs": "a je se na v že to s z do jak co jsem není pro který ale jako si by",
    "id": "yang dan di ini itu dengan untuk tidak dari apa bagaimana saya anda pada adalah ke akan",
    "vi": "và là của có không cho một những được trong này với các như thế nào tôi bạn",
}
"""A few of the commonest words of each language; a word that several share speaks for each of them."""
_CODES: Final = tuple(_WORDS)
_VOTE: Final = {
    word: sum(256**place for place, code in enumerate(_CODES) if word in _WORDS[code].split())
    for words in _WORDS.values()
    for word in words.split()
}
"""What each word adds: one for each of its languages, each in a byte of its own, so that one sum counts for all."""
_KNOWN: Final = frozenset(_VOTE)
_vote = _VOTE.__getitem__

_BLOCKS: Final = (
    (0x0000, ""), (0x0041, "latin"), (0x0250, ""), (0x0370, "el"), (0x0400, "cyrillic"), (0x0530, "hy"),
    (0x0590, "he"), (0x0600, "arabic"), (0x0700, ""), (0x0750, "arabic"), (0x0780, ""), (0x0900, "hi"),
    (0x0980, "bn"), (0x0A00, "pa"), (0x0A80, "gu"), (0x0B00, ""), (0x0B80, "ta"), (0x0C00, "te"), (0x0C80, "kn"),
    (0x0D00, "ml"), (0x0D80, "si"), (0x0E00, "th"), (0x0E80, "lo"), (0x0F00, ""), (0x1000, "my"), (0x10A0, "ka"),
    (0x1100, "ko"), (0x1200, "am"), (0x1380, ""), (0x1780, "km"), (0x1800, ""), (0x1E00, "latin"), (0x2000, ""),
    (0x3040, "ja"), (0x3100, ""), (0x3130, "ko"), (0x3190, ""), (0x31F0, "ja"), (0x3200, ""), (0x3400, "han"),
    (0x4DC0, ""), (0x4E00, "han"), (0xA000, ""), (0xAC00, "ko"), (0xD7B0, ""), (0xF900, "han"), (0xFB00, ""),
    (0x20000, "han"), (0x323B0, ""),
)  # fmt: skip
"""First code point of each Unicode block that tells a script, or a language that has a script to itself."""
_STARTS: Final = [start for start, _ in _BLOCKS]
_SCRIPTS: Final = [script for _, script in _BLOCKS]
_UKRAINIAN: Final = frozenset("іїєґІЇЄҐ")
_PERSIAN: Final = frozenset("پچژگ")
_SHARED_SCRIPTS: Final = {"", "latin", "cyrillic", "arabic", "han"}

LANGUAGES: Final = frozenset({*_WORDS, *_SCRIPTS, "ru", "uk", "ar", "fa", "zh"} - _SHARED_SCRIPTS)
"""Every code that ``language_of`` can return."""


def language_of(text: str) -> str | None:
    """Return the ISO 639-1 code of a text's language; None when its first characters do not tell.

    It is a way to slice traffic, no linguist: ``ru`` stands for every Cyrillic text without Ukrainian letters, ``ar``
    for every Arabic one without Persian letters, ``hi`` for Devanagari, and names or code in Latin letters for nothing.
    """
    head = text[:LOOKED_AT]
    if head.isascii():
        return _by_words(head)
    try:
        head.encode("latin-1")
    except UnicodeEncodeError:
        return _by_script(head)
    return _by_words(head)


def _by_words(head: str) -> str | None:
    found = _KNOWN.intersection(head.lower().split())
    if len(found) < FEWEST:
        return None
    votes = sum(map(_vote, found)).to_bytes(len(_CODES), "little")
    most = max(votes)
    return _CODES[votes.index(most)] if most >= FEWEST and votes.count(most) == 1 else None


def _by_script(head: str) -> str | None:
    sample = head[:: -(-len(head) // SAMPLED)]
    counts = Counter([_SCRIPTS[bisect_right(_STARTS, ord(sign)) - 1] for sign in sample if sign.isalpha()])
    counts.pop("", None)
    if not counts:
        return None
    kana = counts.get("ja", 0)
    if kana:  # Japanese writes Chinese characters, too
        counts["ja"] += counts.pop("han", 0)
    script = min(counts, key=lambda name: (-counts[name], name))
    if script == "latin":
        return _by_words(head)
    if script == "cyrillic":
        return "ru" if _UKRAINIAN.isdisjoint(head) else "uk"
    if script == "arabic":
        return "ar" if _PERSIAN.isdisjoint(head) else "fa"
    return "zh" if script == "han" else script
