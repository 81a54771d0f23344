"""Contrast with the answer: a turn that puts another value in the place of one that the assistant had chosen."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from itertools import pairwise

from detectors.signals._restating import content_words
from detectors.signals._turns import fold

__all__ = ["CONTRAST_WORDS", "contrasts"]

_MOST_CHARS = 160
"""A repair is short: in a longer turn a year or a number belongs to what is told."""
_READ_CHARS = 600
_FEW_WORDS = 8
_RANKS_BY_LINE = """
first 1st erste ersten erster erstes premier première primer primera primero prima primo eerste pierwszy pierwsza
second 2nd zweite zweiten zweiter zweites deuxième segunda segundo seconda secondo tweede drugi druga drugie
third 3rd dritte dritten dritter drittes troisième tercer tercera tercero terza terzo terceira terceiro derde trzeci
fourth 4th vierte vierten vierter viertes quatrième cuarta cuarto quarta quarto vierde czwarty czwarta
fifth 5th fünfte fünften cinquième quinta quinto vijfde piąty piąta
sixth 6th
seventh 7th
eighth 8th
ninth 9th
tenth 10th
"""
_RANKS: Mapping[str, int] = {
    fold(word): rank for rank, words in enumerate(_RANKS_BY_LINE.strip().splitlines(), 1) for word in words.split()
}
_ONES = frozenset({"one", "ones"})
_YEAR = re.compile(r"(?<![\d.,])(?:1[7-9]|20)\d\d(?![\d%]|[.,]\d)")
_RELATIVE_YEAR = re.compile(
    r"\b(?:previous|earlier|later) years?\b|\b(?:year|season) (?:before|after|prior)\b|\bprevious season\b"
    r"|(?<!\d)\d?\d?[1-9]0s\b"
)
_WORD = re.compile(r"[^\W_]+")
_DIGIT = re.compile(r"\d")
# What a name can stand for: alternatives of one kind, of which the assistant has to take one if the user names none.
_READINGS_BY_LINE = """
film films movie movies|book books novel novels comic|series sitcom tv|song|album|musical|game
men mens men's male|women womens women's woman female
father|mother
brother|sister
son|daughter
husband|wife
king|queen
adult|young younger teenage teenager baby child|old older elderly
original|remake reboot revival cover sequel
paperback|hardcover|audiobook
american|british|canadian|australian|english|french|german|japanese|spanish|italian|dutch|indian|chinese
gold|silver|bronze
singing|speaking
lead|backing background
offensive|defensive
regular|playoff playoffs postseason
domestic|international worldwide
north northern|south southern|east eastern|west western
upper|lower
junior|senior
primary|secondary
summer|winter
population|area
miles mile|kilometers kilometres kilometer kilometre km
inches inch|centimeters centimetres cm
celsius|fahrenheit|kelvin
"""
_READINGS: Mapping[str, tuple[int, int]] = {
    word: (kind, reading)
    for kind, readings in enumerate(_READINGS_BY_LINE.strip().splitlines())
    for reading, words in enumerate(readings.split("|"))
    for word in words.split()
}
_READING_WORD = re.compile(r"[a-z]+(?:'s)?")
_IN_PLACE = re.compile(
    r"^(?:what|how) about (?:for )?(?:in|on) (?:the )?(?P<place>[^\W\d_]+(?: [^\W\d_]+){0,3}) ?[?.! ]*$"
)
_PLACED = re.compile(r"\bin (?:the )?(?P<place>[^\W\d_]{2,})")
# Before a number these name nothing: "about 40", "in 10", "the 2".
_UNNAMED_BY_LINE = """
a an the of to in on at for by with from and or is was are were be it had has have about around over under than only
just not no der die das in um mit von und le la les el los las il lo de en y e o i w z na в на с и
"""
_UNNAMED = frozenset(_UNNAMED_BY_LINE.split())
# Going on: another value beside the one given.
_BESIDE = re.compile(
    fold(
        r"^(?:ok(?:ay)?,? |great,? |thanks?,? |so )*(?:and|plus|now|then|und|et|y|e|ed|en|a|i|oraz|и|а|और|そして"
        r"|그리고|那|那么)\b|^و"
        r"|\b(?:also|too|as well|aussi|auch|también|anche|também|ook|też|тоже|также)\b"
        r"|\b(?:since then|by then|compared? (?:to|with)|compare|expect|forecast|predict|versus|vs|between)\b"
    )
)
_NEGATIONS = frozenset({"not", "nicht", "pas", "no", "non", "nao", "niet", "nie", "не"})
_NO = f"(?:{'|'.join(sorted(_NEGATIONS))})"
_AFTER_NO = re.compile(
    rf"^(?:[\w' ]{{1,12}}[,.!] )?(?:{_NO}(?<!no)|no(?= (?:el|la|los|las|il|lo|gli|un|una|en|the|\d))) "
    r"(?P<y>[^.!?,;]{1,50})(?:[,;.]| -+) ?(?P<x>[^!?]{2,90}?)[.!? ]*$"
)
_BEFORE_NO = re.compile(
    rf"^(?P<x>[^!?]{{2,110}}?)(?:(?:[,;:]| -+| but| and)+ ?{_NO}|"
    r"(?<!\bis)(?<!'s)(?<!\bwas)(?<!\bare)(?<!\bwere)(?<!\bdo)"
    r"(?<!does)(?<!did)(?<!\bcan)(?<!could)(?<!would)(?<!should)(?<!will)(?<!must)(?<!\bor)(?<!\bif)(?<!why)(?<!'m)"
    r"(?<!\bam)(?<!have)(?<!has) not) (?P<y>[^.!?,;]{1,60}?)(?:,? please)?[.!? ]*$"
)
CONTRAST_WORDS = frozenset({*_READINGS, *_RANKS, *_NEGATIONS, "about", "year", "years", "season"})
"""Without one of these words and without a digit nothing is contrasted."""
# How something is to be written, a conclusion, or a question whether it is so.
_NO_REPAIR = re.compile(
    fold(
        r"^(?:(?:and|ok(?:ay)?|please|then|bitte|por favor|s'il te plait),? )*(?:so|use|write|say|add|keep|put|call"
        r"|spell|include|is|are|was|were|do|does|did|why|nimm|schreib\w*|utilise|mets|écris|usa|pon|escrib\w*|scriv\w*|coloca"
        r"|escrev\w*|gebruik|schrijf|napisz|użyj|напиши|используй|pourquoi|warum|por que|perché|waarom|dlaczego|почему"
        r"|ist|est|es)\b"
    )
)


def contrasts(opening: str, asked: Callable[[], str | None], said: Callable[[], str | None]) -> bool:
    """Tell whether the folded turn replaces what the assistant chose without being asked for it.

    These count: "X, not Y" where the answer has Y and not X; and, if the user's question before, which ``asked``
    returns, had left it open, another year than those of the answer, another number of the same thing ("season 2"
    after "season 1"), another place or another reading (the book, not the film). Where the user had named the value,
    another one is another question.

    >>> contrasts("who won in 2016?", lambda: "Who won the cup?", lambda: "Ajax won the cup in 2017.")
    True
    >>> contrasts("who won in 2016?", lambda: "Who won the cup in 2017?", lambda: "Ajax won the cup in 2017.")
    False
    """
    if len(opening) > _MOST_CHARS:
        return False
    words = _WORD.findall(opening)
    telling = CONTRAST_WORDS.intersection(words)
    if not telling and _DIGIT.search(opening) is None:
        return False
    negated = None if telling.isdisjoint(_NEGATIONS) else _AFTER_NO.match(opening) or _BEFORE_NO.match(opening)
    years = set(_YEAR.findall(opening))
    numbers = _numbered(words)
    readings = _readings(opening) if telling else {}
    place = _IN_PLACE.match(opening) if "about" in telling else None
    another = years or numbers or readings or place or _RELATIVE_YEAR.search(opening)
    if not negated and (not another or _BESIDE.search(opening)):
        return False
    answer, question = said(), asked()
    if not answer or question is None:
        return False
    answer, question = fold(answer[:_READ_CHARS]), fold(question[:_READ_CHARS])
    if negated and _denies(negated, opening, set(content_words(answer))):
        return True
    if _BESIDE.search(opening) or (negated and _NO_REPAIR.match(opening)):
        return False
    if len(words) > _FEW_WORDS and set(content_words(opening)).isdisjoint(content_words(question)):
        return False
    return (
        _another_year(opening, years, question, answer)
        or _another_number(numbers, question, answer)
        or _another_reading(readings, question, answer)
        or (place is not None and _another_place(place["place"], question, answer))
    )


def _denies(negated: re.Match[str], opening: str, answer: set[str]) -> bool:
    """Tell whether what is denied is in the answer and what is wanted is not."""
    wanted, denied = content_words(negated["x"]), content_words(negated["y"])
    return not answer.isdisjoint(denied) and not answer.issuperset(wanted) and not _NO_REPAIR.match(opening)


def _another_year(opening: str, years: set[str], question: str, answer: str) -> bool:
    chosen = set(_YEAR.findall(answer))
    if not chosen or _YEAR.search(question):
        return False
    return not years <= chosen or _RELATIVE_YEAR.search(opening) is not None


def _another_number(numbers: Mapping[str, set[int]], question: str, answer: str) -> bool:
    if not numbers:
        return False
    chosen, given = _numbered(_WORD.findall(answer)), _numbered(_WORD.findall(question))
    for name, wanted in numbers.items():
        same = chosen if name in _ONES else {name: chosen.get(name, set())}
        if any(found and found.isdisjoint(wanted) and other not in given for other, found in same.items()):
            return True
    return False


def _readings(text: str) -> dict[int, set[int]]:
    """Return the readings named in the text, by kind."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    for word in _READING_WORD.findall(text):
        if (known := _READINGS.get(word)) is not None:
            found[known[0]].add(known[1])
    return dict(found)


def _another_reading(readings: Mapping[int, set[int]], question: str, answer: str) -> bool:
    if not readings:
        return False
    chosen, given = _readings(answer), _readings(question)
    return any(
        chosen.get(kind) and chosen[kind].isdisjoint(wanted) and kind not in given for kind, wanted in readings.items()
    )


def _another_place(place: str, question: str, answer: str) -> bool:
    """Tell whether the answer took a place where the question had none, and not this one."""
    chosen = {found["place"] for found in _PLACED.finditer(answer)}
    return any(each not in question for each in chosen) and place not in answer and _PLACED.search(question) is None


def _numbered(words: list[str]) -> dict[str, set[int]]:
    """Return the numbers of things by name: "the first season" and "season 1" are both 1 of season."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for before, word in pairwise(words):
        if before in _RANKS:
            found[word].add(_RANKS[before])
        elif word.isdecimal() and len(word) <= 3 and before not in _UNNAMED and not before.isdecimal():  # noqa: PLR2004
            found[before].add(int(word))
    return dict(found)
