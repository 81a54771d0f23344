"""Turns of a conversation: whose word it is, and texts in one spelling."""

import re
import unicodedata
from collections.abc import Sequence

from detectors.types import Message

__all__ = ["fold", "last_turn", "without_quotations"]

_ASSISTANT = "assistant"
_USER = "user"
_INSTRUCTIONS = frozenset({"system", "developer"})

# Accents, Arabic vowel signs, and what does not show: joiners, direction marks, variation selectors, soft hyphens.
_MARKS = re.compile(
    "[\u0300-\u036f\u0640\u064b-\u0652\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]"
)
_SIGNS = str.maketrans(
    {
        "’": "'",
        "‘": "'",
        "ʼ": "'",
        "´": "'",
        "`": "'",
        "“": '"',
        "”": '"',
        "„": '"',
        "–": "-",
        "—": "-",
        "،": ",",
        "、": ",",
        "؛": ";",
        "؟": "?",
        "。": ".",
        "।": ".",
        "¡": " ",
        "¿": " ",
    }
)
# An opening mark without its closing one within reach quotes nothing; a fence runs on to the end.
_QUOTED = re.compile(
    r"```.*?(?:```|\Z)"
    r"|`[^`\n]{1,200}`"
    r'|"[^"]{0,300}"'
    r"|“[^”]{0,300}”|„[^“”]{0,300}[“”]|«[^»]{0,300}»|「[^」]{0,300}」|『[^』]{0,300}』"
    r"|(?<![\w'])'[^'\n]{2,200}'(?!\w)|(?<!\w)‘[^’\n]{2,200}’(?!\w)"
    r"|^[ \t]{0,3}>[^\n]*",
    re.DOTALL | re.MULTILINE,
)
_QUOTE_SIGNS = "“„«「『‘"


def last_turn(messages: Sequence[Message]) -> tuple[int, int] | None:
    """Return the places of the last user turn and of the assistant's turn before it.

    None when the user did not have the last word (instructions after it aside) or nobody answered before.
    """
    place = len(messages) - 1
    while place > 0 and messages[place].role in _INSTRUCTIONS:
        place -= 1
    if place < 1 or messages[place].role != _USER:
        return None
    for before in range(place - 1, -1, -1):
        if messages[before].role == _ASSISTANT:
            return place, before
    return None


def fold(text: str) -> str:
    """Return the text in one spelling: small letters, no accents, plain signs, nothing invisible.

    >>> fold("Où ÇA\u200b ?")
    'ou ca ?'
    """
    if not text.isascii():
        plain = _MARKS.sub("", unicodedata.normalize("NFKD", text.translate(_SIGNS)))
        text = unicodedata.normalize("NFC", plain)
    elif "`" in text:
        text = text.replace("`", "'")
    return text.casefold()


def without_quotations(text: str) -> str:
    """Return the text without code, quotations and quoted lines: what the user says in their own voice."""
    # An apostrophe inside a word quotes nothing: most texts end here.
    if '"' in text or "`" in text or ">" in text or " '" in text or text[:1] == "'" or "\n'" in text:
        return _QUOTED.sub(" ", text)
    if not text.isascii() and any(sign in text for sign in _QUOTE_SIGNS):
        return _QUOTED.sub(" ", text)
    return text
