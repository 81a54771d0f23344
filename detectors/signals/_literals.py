"""Words without which a regular expression cannot match: looking for them first is far cheaper than the expression."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["Gated", "needed_literals"]

try:
    from re import _constants as _op  # type: ignore[attr-defined]
    from re import _parser  # type: ignore[attr-defined]
except ImportError:  # the interpreter keeps its parser elsewhere: every expression is then tried in full
    _parser = None
    _op = None

_TELLING_CHARS = 4


class Gated:
    """Expressions over one kind of text, each tried only if the text has the words it needs."""

    def __init__(self, rules: Iterable[re.Pattern[str]]) -> None:
        self._always: list[re.Pattern[str]] = []
        self._by_word: dict[str, list[_Gate]] = {}
        for rule in rules:
            needs = needed_literals(rule.pattern)
            if not needs:
                self._always.append(rule)
                continue
            gate = _Gate(rule, needs[1:])
            for word in needs[0]:
                self._by_word.setdefault(word, []).append(gate)

    def search(self, text: str) -> bool:
        """Tell whether any expression matches somewhere in the text; the same as trying them all."""
        if any(rule.search(text) for rule in self._always):
            return True
        present = [gates for word, gates in self._by_word.items() if word in text]
        return any(gate.matches(text) for gate in {id(gate): gate for gates in present for gate in gates}.values())


@dataclass(frozen=True, slots=True)
class _Gate:
    """An expression and what else a text needs to match it."""

    rule: re.Pattern[str]
    needs: tuple[frozenset[str], ...]

    def matches(self, text: str) -> bool:
        for words in self.needs:
            for word in words:
                if word in text:
                    break
            else:
                return False
        return self.rule.search(text) is not None


def needed_literals(pattern: str) -> tuple[frozenset[str], ...]:
    r"""Return sets of words; every match contains at least one word of each set. The most telling set comes first.

    >>> [sorted(words) for words in needed_literals(r"\bI (?:cannot|won't) (?:\w+ )?help")]
    [['help'], ['cannot', "won't"], ['I '], [' ']]
    """
    return () if _parser is None else tuple(sorted(_sets(_parser.parse(pattern)), key=_worth, reverse=True))


def _worth(words: frozenset[str]) -> tuple[int, int, int]:
    """Long words are rare ones; then few of them; then the longest."""
    shortest = min(map(len, words))
    return min(_TELLING_CHARS, shortest), -len(words), shortest


def _sets(items: Iterable[Any]) -> set[frozenset[str]]:
    """Return what the items of a sequence need, all of them together."""
    found: set[frozenset[str]] = set()
    run = ""
    for kind, value in items:
        if kind is _op.LITERAL:
            run += chr(value)
            continue
        if run:
            found.add(frozenset({run}))
            run = ""
        found |= _needed(kind, value)
    if run:
        found.add(frozenset({run}))
    return found


def _needed(kind: Any, value: Any) -> set[frozenset[str]]:
    if kind is _op.SUBPATTERN:
        return _sets(value[3])
    if kind in {_op.MAX_REPEAT, _op.MIN_REPEAT, _op.POSSESSIVE_REPEAT}:
        least, _, inner = value
        return _sets(inner) if least > 0 else set()
    if kind is _op.ATOMIC_GROUP:
        return _sets(value)
    if kind is _op.BRANCH:
        best = [max(_sets(branch), key=_worth, default=None) for branch in value[1]]
        return set() if None in best else {frozenset(word for words in best if words is not None for word in words)}
    return set()
