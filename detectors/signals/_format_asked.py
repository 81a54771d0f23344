"""Which form of answer an instruction asks for in plain words, and whether a text has it."""

import re
from enum import StrEnum
from typing import Final

__all__ = ["Format", "asked_format", "has_format"]


class Format(StrEnum):
    """A form that can be told from the text alone."""

    TABLE = "table"
    BULLETS = "bullets"
    NUMBERED = "numbered"
    PLAIN = "plain"
    CODE = "code"
    JSON = "json"


_PROTOCOL: Final = ("action:", "thought:", "observation:", "<tool_call>")
"""Words of an agent's protocol, whose steps have forms of their own."""
_SENTENCE: Final = 160
"""Characters before and after the words that ask, of the same sentence, that may take them back."""

_GIVE: Final = (
    r"(?:answer|respond|reply|return|output|format\w*|write|give|give me|provide|present|produce|list|show|use)"
)
_RULES: Final = {
    Format.TABLE: rf"\b(?:as|into) an? (?:\w+ ){{0,2}}table\b|\bin (?:a |an )?(?:\w+ )?table format\b"
    rf"|\b(?:in|as) (?:a )?tabular (?:form|format)\b|\b{_GIVE} (?:a |the )?(?:\w+ )?markdown table\b"
    r"|\bin an? markdown table\b",
    Format.BULLETS: rf"\b(?:in|as|with|{_GIVE}) (?:a |an |the )?(?:\w+ ){{0,3}}bullet(?:ed)?[ -](?:points?|lists?)\b"
    r"|\bbullet points only\b",
    Format.NUMBERED: rf"\b(?:in|as|with|{_GIVE}) (?:a |an )?(?:\w+ )?numbered list\b",
    Format.PLAIN: rf"\b(?:in|as|only|{_GIVE}) (?:only )?plain text\b|\bplain text only\b"
    r"|\b(?:no|without|avoid|(?:don't|don’t|do not|never) use) (?:any )?markdown\b",
    Format.CODE: r"\b(?:in|as|inside|within) an? (?:single |fenced |markdown |\w+ )?code (?:block|fence)\b",
    Format.JSON: rf"\b{_GIVE} (?:your answer |the answer |the result |it |only |strictly ){{0,2}}"
    r"(?:with |in |as |using )?"
    r"(?:only )?(?:a |an )?(?:valid |single )?json(?: only| object| array| format)?\b",
}
_ASKS: Final = {form: re.compile(rule) for form, rule in _RULES.items()}
_TAKEN_BACK: Final = re.compile(
    r"\b(?:if|unless|when|whenever|where|or"
    r"|either|may|might|can|could|should you|optional\w*|instead of|rather than|not"
    r"|no|never|avoid|without|don't|don’t|example|e\.g\.|schema|previous|parse|reads?|difference|how|what|why|which"
    r"|function|code|program|script|endpoint|api)\b"
)

_TABLE_ROW: Final = re.compile(r"(?m)^[ \t>]{0,8}\|?[ \t]{0,8}:?-{2,80}:?[ \t]{0,8}\|[-|: \t]{0,400}$")
_BULLET: Final = re.compile(r"(?m)^[ \t>]{0,12}(?:[-*+•‣▪◦–]|&bull;|<li>)[ \t]{0,8}\S")
_NUMBER: Final = re.compile(r"(?m)^[ \t>]{0,12}\*{0,2}\d{1,3}[.)]\*{0,2}[ \t]")
_MARKUP: Final = re.compile(r"(?m)^#{1,6} \S|\*\*[^*\n]{1,200}\*\*|^```|^[ \t]{0,8}\|[ \t:-]{3,200}\|")
_MOST: Final = 1 << 16
"""Characters of an answer that are looked at."""
_ITEMS: Final = 2


def asked_format(instruction: str) -> Format | None:
    """Return the one form that an instruction asks for, or None if there is none, several, or it is a condition.

    >>> asked_format("Compare the three plans as a table.")
    <Format.TABLE: 'table'>
    >>> asked_format("Use a table or bullet points if that helps.") is None
    True
    """
    text = instruction.lower()
    if any(word in text for word in _PROTOCOL):
        return None
    found = [form for form, rule in _ASKS.items() if rule.search(text)]
    return found[0] if len(found) == 1 and _asks(text, _ASKS[found[0]]) else None


def _asks(text: str, rule: re.Pattern[str]) -> bool:
    return any(" or " not in match[0] and not _TAKEN_BACK.search(_around(text, match)) for match in rule.finditer(text))


def _around(text: str, match: re.Match[str]) -> str:
    """Return the rest of the sentence of a match; a prohibition of Markdown is negative itself."""
    before = re.split(r"[.!?\n;]\s", text[max(0, match.start() - _SENTENCE) : match.start()])[-1]
    after = re.split(r"[.!?\n;](?:\s|$)", text[match.end() : match.end() + _SENTENCE], maxsplit=1)[0]
    return f"{before}|{after}"


def has_format(text: str, form: Format) -> bool:
    r"""Return whether a text has the form somewhere, or, for plain text, nowhere has another.

    >>> has_format("- one\n- two", Format.BULLETS), has_format("**one**", Format.PLAIN)
    (True, False)
    """
    text = text[:_MOST]
    match form:
        case Format.TABLE:
            return _TABLE_ROW.search(text) is not None or "<table" in text
        case Format.BULLETS:
            return _at_least(_BULLET, text)
        case Format.NUMBERED:
            return _at_least(_NUMBER, text)
        case Format.PLAIN:
            return _MARKUP.search(text) is None
        case Format.CODE:
            return "```" in text or "~~~" in text
        case Format.JSON:
            return _is_bracketed(text)


def _at_least(line: re.Pattern[str], text: str) -> bool:
    return sum(1 for _, _ in zip(line.finditer(text), range(_ITEMS), strict=False)) == _ITEMS


def _is_bracketed(text: str) -> bool:
    """Return whether a text begins and ends like JSON, in a fence or not; whether it parses is another question."""
    bare = text.strip()
    if bare.startswith("```"):
        bare = bare.partition("\n")[2].rstrip("`").strip()
    return bare[:1] + bare[-1:] in {"{}", "[]"}
