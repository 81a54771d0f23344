import random
import re

import pytest

from detectors.signals import refusal
from detectors.signals._literals import Gated, needed_literals
from tests.unit.detectors.signals.test_refusal import REFUSALS


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"(?:one|two)+ words?", "two word"),
        (r"(?:maybe )?yes", "yes"),
        (r"a[bc]d", "acd"),
        (r"(?!never)now", "now"),
        (r"(?:|x)y?", ""),
        (r"\bno\b[^.]{0,9}?(?:help|aid)", "no more aid"),
    ],
)
def test_a_match_has_a_word_of_every_set(pattern, text):
    assert re.search(pattern, text)
    assert all(any(word in text for word in words) for words in needed_literals(pattern))
    assert Gated([re.compile(pattern)]).search(text)


def test_an_optional_part_is_not_needed():
    assert needed_literals(r"(?:maybe )?yes") == (frozenset({"yes"}),)
    assert needed_literals(r"[ab]c?") == ()


def every_rule():
    gates = [*refusal._LATIN._by_word.values(), *refusal._BEYOND_ASCII._by_word.values()]
    return {gate.rule for found in gates for gate in found} | {*refusal._LATIN._always, *refusal._BEYOND_ASCII._always}


def test_refusals_are_found_as_by_every_rule_in_full():
    """Halves of refusals stuck together at random: near misses and hits, judged with and without the gates."""
    source = random.Random(7)  # noqa: S311 - a seeded test
    rules = every_rule()
    assert len(rules) > 50
    hits = 0
    for _ in range(1_500):
        parts = [source.choice(REFUSALS) for _ in range(3)]
        text = " ".join(part[source.randrange(len(part)) :] for part in parts)
        opening = refusal._opening(text)
        gated = refusal._LATIN.search(opening) or refusal._BEYOND_ASCII.search(opening)
        assert gated == any(rule.search(opening) for rule in rules), text
        hits += gated
    assert 100 < hits < 1_490
