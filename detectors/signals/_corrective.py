"""Corrective language: whether a user's turn rejects or repairs the answer before it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from detectors.signals._corrective_asian import ASIAN
from detectors.signals._corrective_contrast import CONTRAST_WORDS, contrasts
from detectors.signals._corrective_english import ENGLISH
from detectors.signals._corrective_germanic import GERMANIC
from detectors.signals._corrective_iberian import IBERIAN
from detectors.signals._corrective_romance import ROMANCE
from detectors.signals._corrective_slavic import SLAVIC
from detectors.signals._literals import Gated
from detectors.signals._turns import fold, without_quotations

__all__ = ["OPENING_CHARS", "corrects"]

OPENING_CHARS = 400
"""Only the opening is read: a correction stands there, and what follows in a long turn is material."""
_RAW_CHARS = 4 * OPENING_CHARS
_ASKING_CHARS = 300
_QUESTION_MARKS = ("?", "？", "؟")
_FIRST_NON_LATIN = "\u0370"

# Words are separated by everything but letters, digits and apostrophes.
_SPACED = str.maketrans({chr(sign): " " for sign in range(128) if not chr(sign).isalnum() and chr(sign) != "'"})
# A text that is given to be worked on is not the user's own voice.
_TASK = re.compile(
    fold(
        r"^(?:please |pls |now |ok,? |can you |could you |bitte |kannst du |peux-tu |puedes |puoi |podes |kun je |"
        r"пожалуйста,? |请|請)*(?:"
        r"(?:translate|proofread|paraphrase|rephrase|rewrite|reword|summari[sz]e|classify|analy[sz]e the sentence|"
        r"analy[sz]e the phrase|draft|reply to|what does|how (?:do|would|can) (?:you|i) say|is it correct to say|"
        r"is the (?:sentence|phrase)|make a sentence|write (?:a|an|me|the|some|two|three|\d|that|about|it)|"
        r"(?:add|mention|say|state|note|include)(?= (?:that|how|it|this)\b|:)|"
        r"(?:end|start|begin|finish) (?:it )?with)\b|"
        r"(?:übersetz\w*|formulier\w*|schreib\w*|fass\w*|korrigiere|erwähn\w*|sag,? dass|füg\w*) |wie sagt man|"
        r"(?:traduis|traduisez|traduire|réécris|résume|écris|rédige)|"
        r"(?:ajoute\w*|dis|dites|mentionne\w*) qu|comment dit-on|"
        r"(?:traduce|traducir|resume|escribe|redacta)|(?:añade|agrega|di|menciona) que|cómo se dice|"
        r"(?:traduci|riscrivi|riassumi|scrivi)|(?:aggiungi|di'|menziona) che|come si dice|"
        r"(?:traduz\w*|escrev\w+|resum\w+|reescrev\w+)|(?:acrescent\w+|adicion\w+|diga|mencion\w+) que|como se diz|"
        r"(?:vertaal|schrijf|herschrijf|vat|vermeld|zet erbij)\b|zeg dat|hoe zeg je|"
        r"(?:przetłumacz|napisz|streść|dodaj|wspomnij)|"
        r"jak powiedzieć|(?:добавь|скажи|упомяни)(?:те)?,? что|"
        r"(?:переведи|напиши|перефразируй|как сказать)|翻译|翻譯|把[^.!?]{1,30}翻|写一|寫一|"
        r"(?:ترجم|اكتب|لخص)|(?:أضف|قل|اذكر) (?:أن|إن)|अनुवाद)"
    )
)
# "That is exactly what I asked for": praise in the words of a correction.
_CONTENT = re.compile(
    fold(
        r"^(?:[\w' ]{1,20}[,.!] ?)?(?:yes,? )?(?:that's|that is|thats|it's) (?:all |just |exactly |precisely )?what i "
        r"(?:meant|asked|wanted|was|needed)"
        r"|^oh,? no\b(?![^.]{0,40}\bi )"
        r"|^(?:oh |ach |och |ay |ai |ой,? |अरे |ओह |no )(?:no|nein|nee|non|não|nie|нет|नहीं|नही)"
        r"(?:[!. ]*$|[,!.] ?(?:how |what a|wie |so ein|quelle?s? |que |che |wat |jak|как|какая|कितन))"
        r"|\bi (?:\w+ )?(?:get|got|had|have|do|did) (?:that|it|this) (?:\w+ )?wrong\b"
        r"|^no (?:está|es|suena) (?:nada )?mal\b"
        r"|\bbut (?:still )?(?:fine|ok|okay|good|great|nice|interesting|funny|doable|worth it)\b[^?]{0,20}$"
        r"|\b(?:exactly|precisely|just) what i|genau (?:das|so) (?:meinte|wollte|habe)"
        r"|c'est (?:exactement|bien|tout à fait) ce|(?:justo|exactamente|precisamente) lo que"
        r"|(?:proprio|esattamente) (?:quello|ciò)|(?:era|é) (?:isso|exatamente isso)|exatamente o que|precies wat"
        r"|(?:właśnie|dokładnie) o to|(?:именно|как раз) (?:это|то)|正是我|就是我想要的|まさに|바로 그"
        r"|بالضبط (?:ما|هذا)|هذا بالضبط|यही चाहिए"
    )
)


class _Rules:
    """The rules of one kind in one language."""

    def __init__(self, text: str, fragments: Mapping[str, str]) -> None:
        rules = [rule.replace("\n", "") for rule in text.strip().split("\n\n") if rule.strip()]
        # Rules for the start of a turn share what may stand before them: together they are one expression, tried once.
        # Those with a gap look far ahead, and are tried only if the text has the words they need.
        together = [rule for rule in rules if rule.startswith(_AFTER_INTRO) and ".{" not in rule]
        starts = "|".join(f"(?:{rule.removeprefix(_AFTER_INTRO)})" for rule in together)
        self._start = re.compile(_filled(f"{_AFTER_INTRO}(?:{starts})", fragments)) if together else None
        self._gated = Gated([re.compile(_filled(rule, fragments)) for rule in rules if rule not in together])

    def search(self, opening: str) -> bool:
        """Tell whether any rule matches."""
        return (self._start is not None and self._start.match(opening) is not None) or self._gated.search(opening)


@dataclass(frozen=True, slots=True)
class _Language:
    """The rules of one language, ready for use."""

    explicit: _Rules
    """Reject the answer wherever the assistant left off."""
    denial: _Rules
    """Reject it, mostly at the start of the turn, unless the assistant had asked something."""
    soft: _Rules
    """Restate a question; counted as denial is, if no word of ``continues`` says that the user goes on from there."""
    continues: frozenset[str]


def corrects(turn: str, said: Callable[[], str | None], asked: Callable[[], str | None] = lambda: None) -> bool:
    """Tell whether ``turn`` corrects the assistant, whose last words ``said`` returns, None if they are not known.

    ``asked`` returns the user's turn that the assistant answered, None if it is not known.

    Only the opening of the turn is read, without quotations, and the last 300 characters of the assistant's words.

    >>> corrects("No, I meant the river.", lambda: "The Amazon is a company.")
    True
    >>> corrects("No, the small one.", lambda: "Do you want the large one?")
    False
    """
    written = fold(without_quotations(turn[:_RAW_CHARS])).split()
    silent = turn.isascii() and _MARKED_CUES.isdisjoint(written) and not _opens(written)
    if silent and _MARKED_CONTRASTS.isdisjoint(written) and not _DIGIT.search(turn):
        return False  # most turns end here
    opening = " ".join(written)[:OPENING_CHARS]
    spoken = _Spoken.NEITHER if silent else _spoken(opening)
    if spoken is _Spoken.EXPLICIT:
        return not _harmless(opening)
    if spoken is _Spoken.NEITHER and not contrasts(opening, asked, said):
        return False
    return not _harmless(opening) and not _asks(said())


def _opens(written: Sequence[str]) -> bool:
    """Tell whether a turn of these words begins as denials in other spellings and short repairs do."""
    return bool(written) and (written[0] in _LEADS or written[0].startswith(_DENIALS))


class _Spoken(Enum):
    """What a turn's words alone say about the answer."""

    EXPLICIT = auto()
    """It is rejected wherever the assistant left off."""
    DENIAL = auto()
    """It is rejected, unless the assistant had asked something."""
    NEITHER = auto()


def _spoken(opening: str) -> _Spoken:
    words = opening.translate(_SPACED).split()
    languages = _languages(opening, words)
    if not languages:
        return _Spoken.NEITHER
    if any(language.explicit.search(opening) for language in languages):
        return _Spoken.EXPLICIT
    return _Spoken.DENIAL if any(_denies(language, opening, words) for language in languages) else _Spoken.NEITHER


def _harmless(opening: str) -> bool:
    return _TASK.match(opening) is not None or _CONTENT.search(opening) is not None


def _denies(language: _Language, opening: str, words: Sequence[str]) -> bool:
    if language.denial.search(opening):
        return True
    return bool(language.continues) and language.continues.isdisjoint(words) and language.soft.search(opening)


def _languages(opening: str, words: Sequence[str]) -> list[_Language]:
    """Return the languages that have a telling word in the text."""
    found = [] if _CUES.isdisjoint(words) else [rules for cues, rules in _WESTERN if not cues.isdisjoint(words)]
    if not opening.isascii() and max(opening) >= _FIRST_NON_LATIN:
        found += [rules for cues, rules in _EASTERN if cues.search(opening)]
    return found


def _asks(said: str | None) -> bool:
    """Tell whether the assistant ended on a question; what was not logged may have been one."""
    if said is None:
        return True
    tail = said[-_ASKING_CHARS:]
    return any(mark in tail for mark in _QUESTION_MARKS)


def _filled(rule: str, fragments: Mapping[str, str]) -> str:
    for name, fragment in fragments.items():
        rule = rule.replace(name, fragment.replace("\n", ""))
    return fold(rule)


def _language(source: Mapping[str, str]) -> _Language:
    fragments = {
        "INTRO": source["intro"],
        "START": _START,
        "NOASK": _NO_QUESTION,
        "BENIGN": "|".join(each["benign"].strip() for each in _SOURCES if _shares_no(each, source)),
        "DENIAL": source["no"],
    }
    return _Language(
        _Rules(source["explicit"], fragments),
        _Rules(f"{source['denial'].strip()}\n\n{_DENIAL}", fragments),
        _Rules(source.get("soft", ""), fragments),
        frozenset(fold(source.get("continues", "")).split()),
    )


def _shares_no(source: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Tell whether two languages have a word for no in common: what is harmless after it in one is so in both."""
    return not set(fold(source["no"]).split("|")).isdisjoint(fold(other["no"]).split("|"))


_AFTER_INTRO = "^INTRO"
_START = r"(?:^|[.!?;:,)] ?|- ?)"
_NO_QUESTION = r"(?![^.!?]{0,60}\?)"
_DENIAL = r"^INTRO(?:DENIAL)(?:[,.!;:…-]++ ?+|\.\.++ ?+)(?:(?:DENIAL|sorry)[,.!;: …-]{1,4}+)*+(?!BENIGN)(?=[^ ])"
_SOURCES = (ENGLISH, *GERMANIC, *ROMANCE, *IBERIAN, *SLAVIC, *ASIAN)
_WESTERN: list[tuple[frozenset[str], _Language]] = []
_EASTERN: list[tuple[re.Pattern[str], _Language]] = []
for _source in _SOURCES:
    _cues = fold(f"{_source['cues']} {_source.get('leads', '').replace('?', '').replace(',', '')}").split()
    if max("".join(_cues)) < _FIRST_NON_LATIN:
        _WESTERN.append((frozenset(_cues), _language(_source)))
    else:  # inflected or without spaces: a cue is a part of a word
        _EASTERN.append((re.compile("|".join(map(re.escape, _cues))), _language(_source)))
_CUES = frozenset[str]().union(*(cues for cues, _ in _WESTERN))
_LEADS = frozenset(fold(" ".join(source.get("leads", "") for source in _SOURCES)).split())
# As they are written, words end in a sign at most.
_MARKS = ("", ",", ".", "!", "?", "...", ";", ":", "!!", "??", "-", "'s")
_MARKED_CUES = frozenset(cue + mark for cue in _CUES - {lead.strip("?,") for lead in _LEADS} for mark in _MARKS)
_MARKED_CONTRASTS = frozenset(word + mark for word in CONTRAST_WORDS for mark in _MARKS)
_DIGIT = re.compile(r"[0-9]")
_DENIALS = ("no", "ne", "nah")
