r"""Conditions on slices, by which a policy defines its own: ``prompt:32k and lang:de and not kind:tools``. Pure.

Grammar, loosest first; ``and`` and ``or`` take any number of terms::

    condition = conjunction { "or" conjunction }
    conjunction = factor { "and" factor }
    factor = "not" factor | "(" condition ")" | slice | quoted slice

A slice is a name; a trailing ``*`` stands for any rest (``lang:*``, ``tag:team-*``). In double quotes (``\"`` and
``\\`` escaped) a name may hold anything, and ``*`` is an ordinary sign.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, NoReturn

from typing_extensions import override

from monitor.models.slices import FAMILIES, OTHER, SINGLE, VALUES

__all__ = ["MAX_DEPTH", "MAX_LENGTH", "AllOf", "AnyOf", "Condition", "ConditionError", "Named", "Not", "holds", "parse"]

MAX_LENGTH: Final = 256
"""Characters of a condition."""
MAX_DEPTH: Final = 8
"""Parentheses and ``not``s inside one another."""
_TOKEN: Final = re.compile(r'\s*(?:(?P<sign>[()])|"(?P<quoted>(?:[^"\\]|\\["\\])*)"|(?P<word>[^\s()"]+))')
_KEYWORDS: Final = frozenset({"and", "or", "not"})
_ESCAPED: Final = re.compile(r'\\(["\\])')
_NAMES: Final = ", ".join([*SINGLE, *(f"{family}:…" for family in FAMILIES)])


class ConditionError(ValueError):
    """A condition cannot be read. The message says what is wrong, at which character, and what is allowed there."""

    def __init__(self, at: int, problem: str) -> None:
        super().__init__(f"character {at + 1}: {problem}")
        self.at = at
        """Place in the text, from 0."""


@dataclass(frozen=True, slots=True)
class Named:
    """A pair is in a slice; with ``prefix``, in any whose name begins so."""

    name: str
    prefix: bool = False

    @override
    def __str__(self) -> str:
        if self.prefix:
            return f'"{_quoted(self.name)}"*'
        return f'"{_quoted(self.name)}"'


@dataclass(frozen=True, slots=True)
class Not:
    """The term does not hold."""

    term: "Condition"

    @override
    def __str__(self) -> str:
        return f"not {self.term}"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every term holds."""

    terms: tuple["Condition", ...]

    @override
    def __str__(self) -> str:
        return f"({' and '.join(map(str, self.terms))})"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of the terms holds."""

    terms: tuple["Condition", ...]

    @override
    def __str__(self) -> str:
        return f"({' or '.join(map(str, self.terms))})"


Condition = Named | Not | AllOf | AnyOf
"""``str`` spells it in one way, however it was written."""


@dataclass(frozen=True, slots=True)
class _Token:
    at: int
    text: str
    quoted: bool = False

    def keyword(self, *words: str) -> bool:
        return not self.quoted and self.text in words


def parse(text: str) -> Condition:
    """Return the condition that a text spells.

    Raises:
        ConditionError: it is empty, longer than ``MAX_LENGTH``, nested deeper than ``MAX_DEPTH``, breaks the grammar or
        names a slice that cannot be.
    """
    if len(text) > MAX_LENGTH:
        raise ConditionError(MAX_LENGTH, f"the condition has {len(text)} characters; at most {MAX_LENGTH} are allowed")
    reader = _Reader(_tokens(text), len(text))
    found = reader.condition(0)
    reader.end()
    return found


def holds(condition: Condition, slices: Collection[str]) -> bool:
    """Tell whether a condition holds for something that is in these slices."""
    match condition:
        case Named(name, False):
            return name in slices
        case Named(name, _):
            return any(slice_.startswith(name) for slice_ in slices)
        case Not(term):
            return not holds(term, slices)
        case AllOf(terms):
            return all(holds(term, slices) for term in terms)
        case AnyOf(terms):
            return any(holds(term, slices) for term in terms)


class _Reader:
    """Reads tokens from left to right, one function a rule of the grammar."""

    def __init__(self, tokens: list[_Token], length: int) -> None:
        self._tokens = tokens
        self._end = _Token(length, "")
        self._at = 0

    def condition(self, depth: int) -> Condition:
        terms = [self._conjunction(depth)]
        while self._take("or"):
            terms.append(self._conjunction(depth))
        return terms[0] if len(terms) == 1 else AnyOf(tuple(terms))

    def end(self) -> None:
        if self._next is not self._end:
            self._fail("expected 'and', 'or' or the end")

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else self._end

    def _take(self, word: str) -> bool:
        taken = self._next.keyword(word)
        self._at += taken
        return taken

    def _conjunction(self, depth: int) -> Condition:
        terms = [self._factor(depth)]
        while self._take("and"):
            terms.append(self._factor(depth))
        return terms[0] if len(terms) == 1 else AllOf(tuple(terms))

    def _factor(self, depth: int) -> Condition:
        if depth > MAX_DEPTH:
            raise ConditionError(self._next.at, f"nested deeper than {MAX_DEPTH} levels; take some parentheses away")
        if self._take("not"):
            return Not(self._factor(depth + 1))
        if self._take("("):
            inner = self.condition(depth + 1)
            if not self._take(")"):
                self._fail("expected 'and', 'or' or ')'")
            return inner
        token = self._next
        if token is self._end or token.keyword(")", *_KEYWORDS):
            self._fail("expected a slice, 'not' or '('")
        self._at += 1
        return _named(token)

    def _fail(self, expected: str) -> NoReturn:
        token = self._next
        raise ConditionError(token.at, f"{expected}, got {repr(token.text) if token is not self._end else 'the end'}")


def _tokens(text: str) -> list[_Token]:
    tokens, at, end = [], 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:  # all other signs are a word's
            raise ConditionError(
                text.index('"', at), "a quoted name does not end, or has a backslash before another sign"
            )
        kind = found.lastgroup or "word"
        given = found[kind]
        quoted = kind == "quoted"
        tokens.append(_Token(found.start(kind) - quoted, _ESCAPED.sub(r"\1", given) if quoted else given, quoted))
        at = found.end()
    return tokens


def _named(token: _Token) -> Named:
    name = token.text
    prefix = name.endswith("*") and not token.quoted
    if prefix:
        name = name[:-1]
    family, colon, value = name.partition(":")
    if name in SINGLE and not prefix:
        return Named(name)
    if not colon or family not in FAMILIES or not (value or prefix):
        raise ConditionError(token.at, f"there is no slice {token.text!r}; slices are {_NAMES}")
    if "*" in value and not token.quoted:
        raise ConditionError(token.at, f"{token.text!r} has '*' before its end; only the end of a name is left open")
    if value == OTHER and not prefix:
        raise ConditionError(
            token.at, f"{name!r} is no value but those without a stream of their own; name values, or {family}:*"
        )
    known = VALUES.get(family, (value,))
    if value not in known and not prefix:
        raise ConditionError(token.at, f"{name!r} holds for nothing; {family} is one of {', '.join(known)}")
    return Named(name, prefix)


def _quoted(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')
