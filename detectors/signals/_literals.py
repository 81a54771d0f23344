"""Words without which a regular expression cannot match: looking for them first is far cheaper than the expression."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final

from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

__all__ = ["Gate", "Gated", "Search", "Words", "covering", "needed_literals", "plain_first", "searchable"]

try:
    from re import _constants as _op  # type: ignore[attr-defined]
    from re import _parser  # type: ignore[attr-defined]
except ImportError:  # the interpreter keeps its parser elsewhere: every expression is then tried in full
    _parser = None
    _op = None

_TELLING_BYTES: Final = 5
_COMMON: Final = frozenset(
    re.split(
        ", ",
        "able, against, answer, completed, content, create, do not, don't, encourage, es ist, feel, going, "
        "important to, impossible, never, nicht, policies, policy, possible, principles, provide, purpose, "
        "question, request, rules, scope, share, should, should n, should never, should not, support, terms, "
        "there, there is, there are, there was, think, topic, training, values, violat, wrong",
    )
)
"""Words that ordinary texts are full of: they tell little."""
_SHORT: Final = 5
_FEW: Final = 24


class Words:
    """A set of words looked for in one pass, in time linear in the text.

    Capitals of ASCII letters do not matter, and a line break is a space. A text beyond ASCII is searched as
    UTF-8, in which no character's bytes are part of another's, lone surrogates included.
    """

    def __init__(self, words: Iterable[str]) -> None:
        known = sorted({spelling for word in words for spelling in _spellings(_trimmed(word.lower()))})
        least = [word for word in known if not any(other in word for other in known if other != word)]
        search = Search(plain_first(least), MatchKind.LeftmostFirst)
        self._plain = search.plain.find_matches_as_indexes
        self._every = search.every.find_matches_as_indexes
        self._none = not least

    def found_in(self, raw: bytes) -> bool:
        """Tell whether one of the words is in the :func:`searchable` bytes of a text; true if there are no words."""
        return bool((self._plain if raw.isascii() else self._every)(raw)) or self._none

    def places(self, raw: bytes) -> list[int]:
        """Return where words begin in the :func:`searchable` bytes of a text; of words that overlap, one."""
        found = (self._plain if raw.isascii() else self._every)(raw)
        return [start for _, start, _ in found] if found else []


def searchable(text: str) -> bytes:
    """Return what ``Words`` are looked for in: a byte for a character, if all of them are ASCII."""
    return text.encode("utf-8", "surrogatepass").lower().replace(b"\n", b" ")


class Search:
    """Words looked for in bytes; the places of plain words among ``words`` are the same in both automata."""

    def __init__(self, words: Sequence[str], matchkind: MatchKind) -> None:
        """Take words, those in ASCII first."""
        encoded = [word.encode("utf-8", "surrogatepass") for word in words]
        plain = [word for word in encoded if word.isascii()]
        # A table of every step is three times as quick and a megabyte; with the words beyond ASCII it would be ten.
        self.plain = BytesAhoCorasick(plain, matchkind=matchkind, implementation=Implementation.DFA)
        self.every = BytesAhoCorasick(encoded, matchkind=matchkind)

    def __call__(self, raw: bytes, *, overlapping: bool = False) -> list[tuple[int, int, int]]:
        """Return the matches: which word, where it begins and where it ends."""
        words = self.plain if raw.isascii() else self.every
        found: list[tuple[int, int, int]] = words.find_matches_as_indexes(raw, overlapping=overlapping)
        return found


def plain_first(words: Iterable[str]) -> list[str]:
    """Return words in the order that ``Search`` takes."""
    return sorted(words, key=lambda word: (not word.isascii(), word))


def _trimmed(word: str) -> str:
    """Return a phrase without outer blanks, where a text may have a sign; a short word keeps them to stand alone."""
    bare = word.strip()
    return bare if len(bare) > _SHORT else word


def _spellings(word: str) -> set[str]:
    """Return a word as texts spell it: small and capital letters beyond ASCII, ss as ß, a bent apostrophe."""
    found = {word, word.replace("ss", "ß"), word.replace("'", "’")}
    return found | {each.capitalize() for each in found if not each.isascii()}


class Gated:
    """Expressions over one kind of text, each tried only if the text has the words it needs."""

    def __init__(self, rules: Iterable[re.Pattern[str]]) -> None:
        self._gates = tuple(Gate.of(rule) for rule in rules)
        by_word: dict[str, list[int]] = {}
        for at, gate in enumerate(self._gates):
            for word in gate.needs[0] if gate.needs else ():
                by_word.setdefault(word, []).append(at)
        self._always = [at for at, gate in enumerate(self._gates) if not gate.needs]
        words = plain_first(by_word)
        self._gated = [by_word[word] for word in words]
        self._which = Search(words, MatchKind.Standard)

    @property
    def rules(self) -> tuple[re.Pattern[str], ...]:
        """Return every expression, in the order given."""
        return tuple(gate.rule for gate in self._gates)

    def search(self, text: str) -> bool:
        """Tell whether any expression matches somewhere in the text; the same as trying them all."""
        return any(gate.match(text) for gate in self.admitted(text))

    def admitted(self, text: str) -> list["Gate"]:
        """Return the expressions that may match, in the order given."""
        hits = self._which(text.encode("utf-8", "surrogatepass"), overlapping=True)
        if not hits:
            return [self._gates[at] for at in self._always]
        found = {at for word in {word for word, _, _ in hits} for at in self._gated[word]}
        return [self._gates[at] for at in sorted(found.union(self._always))]


@dataclass(frozen=True, slots=True)
class Gate:
    """An expression and what a text needs to match it."""

    rule: re.Pattern[str]
    needs: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, rule: re.Pattern[str]) -> "Gate":
        """Return the gate of an expression, less the long lists: looking for each of many words is no gain."""
        known = () if rule.flags & re.IGNORECASE else needed_literals(rule.pattern)
        first, *others = known or (frozenset[str](),)
        return cls(rule, (first, *(words for words in others if len(words) <= _FEW)) if first else ())

    def match(self, text: str) -> re.Match[str] | None:
        """Return the first match, as the expression alone would."""
        for words in self.needs:
            for word in words:
                if word in text:
                    break
            else:
                return None
        return self.rule.search(text)


def covering(rules: Iterable[re.Pattern[str]]) -> frozenset[str]:
    """Return few words of which one is in every text that any of the rules matches; none if a rule needs no word."""
    chosen: set[str] = set()
    needs = [needed_literals(rule.pattern) for rule in rules]
    if not all(needs):
        return frozenset()
    for sets in sorted(needs, key=lambda sets: len(sets[0])):
        telling = [words for words in sets if _worth(words)[0] >= _TELLING_BYTES] or [sets[0]]
        new = [{word for word in words if not any(other in word for other in chosen)} for words in telling]
        chosen |= min(new, key=len)
    return frozenset(chosen)


def needed_literals(pattern: str) -> tuple[frozenset[str], ...]:
    r"""Return sets of words; every match contains at least one word of each set. The most telling set comes first.

    >>> [sorted(words) for words in needed_literals(r"\bI (?:cannot|won't) (?:\w+ )?help")]
    [['I cannot', "I won't"], ['cannot', "won't"], ['help'], ['I '], [' ']]
    """
    return () if _parser is None else tuple(sorted(_sets(_parser.parse(pattern)), key=_order))


def _order(words: frozenset[str]) -> tuple[int, int, int, list[str]]:
    telling, few, shortest = _worth(words)
    return -telling, -few, -shortest, sorted(words)


def _worth(words: frozenset[str]) -> tuple[int, int, int]:
    """Long words are rare ones (in bytes: some scripts say more by the letter); then few of them; then the longest."""
    shortest = min(
        1 if word.strip() in _COMMON else len(word.strip().encode("utf-8", "surrogatepass")) for word in words
    )
    return min(_TELLING_BYTES, shortest), -len(words), shortest


def _sets(items: Iterable[Any]) -> set[frozenset[str]]:
    """Return what the items of a sequence need, all of them together."""
    found: set[frozenset[str]] = set()
    run = ""
    for kind, value in _flat(items):
        if kind is _op.LITERAL:
            run += chr(value)
            continue
        if run:
            found.add(frozenset({run}))
            if kind is _op.BRANCH:  # "un(?:able|kind)" is how the parser keeps "unable|unkind"
                found.add(frozenset(run + _lead(branch) for branch in value[1]))
            run = ""
        found |= _needed(kind, value)
    if run:
        found.add(frozenset({run}))
    return found


def _flat(items: Iterable[Any]) -> Iterator[Any]:
    """Yield the items of a sequence with those of its groups in their place."""
    for kind, value in items:
        if kind is _op.SUBPATTERN and not value[1] and not value[2]:  # flags of its own may let capitals match
            yield from _flat(value[3])
        elif kind is _op.ATOMIC_GROUP:
            yield from _flat(value)
        else:
            yield kind, value


def _lead(items: Iterable[Any]) -> str:
    """Return the literal that a sequence begins with."""
    literals = takewhile(lambda item: item[0] is _op.LITERAL, _flat(items))
    return "".join(chr(value) for _, value in literals)


def _needed(kind: Any, value: Any) -> set[frozenset[str]]:
    if kind in {_op.MAX_REPEAT, _op.MIN_REPEAT, _op.POSSESSIVE_REPEAT}:
        least, _, inner = value
        return _sets(inner) if least > 0 else set()
    if kind is _op.BRANCH:
        best = [max(_sets(branch), key=_worth, default=None) for branch in value[1]]
        return set() if None in best else {frozenset(word for words in best if words is not None for word in words)}
    return set()
