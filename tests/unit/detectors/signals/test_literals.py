import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.signals import _declining
from detectors.signals._folding import composed, folded
from detectors.signals._literals import Gated, Words, covering, needed_literals, searchable
from tests.unit.detectors.signals.test_refusal_languages import ANSWERS, REFUSALS

PATTERNS = [
    r"(?:one|two)+ words?",
    r"(?:maybe )?yes",
    r"a[bc]d",
    r"(?!never)now",
    r"(?:|x)y?",
    r"\bno\b[^.]{0,9}?(?:help|aid)",
    r"(?:unable|unkind|under)stand",
]


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"(?:one|two)+ words?", "two word"),
        (r"(?:maybe )?yes", "yes"),
        (r"a[bc]d", "acd"),
        (r"(?!never)now", "now"),
        (r"(?:|x)y?", ""),
        (r"\bno\b[^.]{0,9}?(?:help|aid)", "no more aid"),
        (r"x(?:unable|unkind)", "xunkind"),
    ],
)
def test_a_match_has_a_word_of_every_set(pattern, text):
    assert re.search(pattern, text)
    assert all(any(word in text for word in words) for words in needed_literals(pattern))
    assert Gated([re.compile(pattern)]).search(text)


def test_an_optional_part_is_not_needed():
    assert needed_literals(r"(?:maybe )?yes") == (frozenset({"yes"}),)
    assert needed_literals(r"[ab]c?") == ()


def test_alternatives_are_needed_with_what_they_share():
    assert frozenset({"unable", "unkind"}) in needed_literals(r"\b(?:unable|unkind)\b")


@given(
    st.lists(st.sampled_from(["one", "two", " word", "yes", "ac", "d", "no ", "help", "un", "able", "kind", "stand"]))
)
def test_gates_change_nothing(parts):
    text = "".join(parts)
    rules = [re.compile(pattern) for pattern in PATTERNS]
    gated = Gated(rules)
    assert gated.rules == tuple(rules)
    assert gated.search(text) == any(rule.search(text) for rule in rules)


LETTERS = "abä'ßи你 "


@given(st.text(LETTERS + "\ud800A"), st.lists(st.text(LETTERS, min_size=1, max_size=4), min_size=1, max_size=200))
def test_words_are_found_where_they_are(text, words):
    found = Words(words).found_in(searchable(text))
    assert found or not any(word in text for word in words)


def test_places_are_those_of_the_words():
    words = Words(["i cannot", "nicht"])
    assert words.places(b"well, i cannot; no, i cannot") == [6, 20]
    assert words.places(searchable("Well,\nI\ncannot")) == [6]
    assert words.places(searchable("nothing here")) == []


def test_a_text_is_searched_whatever_its_spelling():
    words = Words(["i can't", "gutheissen", "извините", "über mich"])
    for text in ("I CAN'T", "I can’t", "gutheißen", "Извините", "Über mich", "über\nmich"):
        assert words.found_in(searchable(text)), text
    assert not words.found_in(searchable("I can do that \ud800"))


def test_a_rule_without_a_word_rules_nothing_out():
    assert covering([re.compile("[ab]c?"), re.compile("word")]) == frozenset()
    assert Words(()).found_in(b"anything")


@pytest.mark.parametrize("rule", [re.compile("loud", re.IGNORECASE), re.compile("(?i)loud"), re.compile("(?i:loud)er")])
def test_a_rule_that_ignores_capitals_is_tried_on_any_text(rule):
    assert Gated([rule]).search("LOUDer")


def texts_between():
    """Halves of examples stuck together at random: near misses and hits."""
    source = random.Random(7)  # noqa: S311 - a seeded test
    examples = [text for group in (REFUSALS, ANSWERS) for texts in group.values() for text in texts]
    for _ in range(1_500):
        parts = [source.choice(examples) for _ in range(3)]
        yield " ".join(part[source.randrange(len(part)) :] for part in parts)


def test_refusals_are_found_as_by_every_rule_in_full():
    rules = {rule: kind for rule, kind in _declining._KINDS.items() if kind not in _declining._EXCUSES}
    assert len(rules) > 100
    hits = 0
    for text in texts_between():
        opening = folded(text)
        plain = {kind for rule, kind in rules.items() if rule.search(opening)}
        admitted = _declining._Admitted(opening)
        assert plain == {kind for kind in _declining.Kind if admitted.first(opening, kind)}
        assert not plain or _declining._SIGNS.rules.found_in(searchable(composed(text)))
        hits += bool(plain)
    assert 200 < hits < 1_400
