"""Whatever surrounds it: what a built-in rule is for does not survive."""

import ipaddress
import json

import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.types import Exchange
from monitor.models.event import Event, Recorder
from monitor.models.text import BUILT_IN_RULES, TextMode, TextPolicy
from monitor.services.privacy import LARGEST_TEXT, kept_text
from monitor.services.redaction import _PATTERNS, _Allowance, redactor
from tests.conftest import START

ALL = redactor(BUILT_IN_RULES)
EMAIL = re2.compile(_PATTERNS["email"])
EVENT = Event(Recorder.SERVER, "r", START, Exchange())
GAPS = st.text(" \n\t,;()<>\"'", min_size=1, max_size=4)
NOISE = st.text(max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def luhn(digits):
    total = sum(d if index % 2 else sum(divmod(2 * d, 10)) for index, d in enumerate(reversed(digits)))
    return [*digits, -total % 10]


@given(st.emails(), NOISE, NOISE, GAPS)
def test_no_email_survives(email, before, after, gap):
    kept = ALL.text(f"{before}{gap}{email}{gap}{after}")
    assert email not in kept
    assert EMAIL.search(kept) is None


@given(st.emails(), JSON, st.integers(0, 3))
def test_no_email_survives_anywhere_in_a_document(email, document, place):
    held = [{"a": email}, {email: document}, [document, [f"<{email}>"]], {"a": {"b": [f"x {email}\0 y"]}}][place]
    kept = kept_text(EVENT, {"x": document, "y": held}, {"z": held}, TextPolicy(TextMode.ALL), {})
    assert json.dumps(email)[1:-1] not in kept.decode()
    assert email not in json.dumps(json.loads(kept), ensure_ascii=False)


@given(st.ip_addresses(), NOISE, GAPS)
def test_no_address_survives(address, noise, gap):
    kept = ALL.text(f"{noise}{gap}{address}{gap}{noise}")
    if address.version == 4 or any(c.isdigit() for c in str(address)):
        assert str(address) not in kept.split(gap.strip() or None)
        assert not any(_is_address(word) for word in kept.replace(noise, " ").split())


def _is_address(word):
    try:
        return bool(ipaddress.ip_address(word)) and any(c.isdigit() for c in word)
    except ValueError:
        return False


@given(st.lists(st.integers(0, 9), min_size=15, max_size=15), st.sampled_from(["", " ", "-"]), GAPS)
def test_no_card_number_survives(digits, separator, gap):
    number = "".join(map(str, luhn([4, *digits[1:]])))
    written = separator.join(number[at : at + 4] for at in range(0, 16, 4))
    kept = ALL.text(f"card{gap}{written}{gap}end")
    assert written not in kept
    assert number not in kept


@given(st.text(max_size=400))
def test_redaction_is_stable(text):
    once = ALL.text(text)
    assert ALL.text(once) == once


@given(JSON)
def test_the_quick_look_agrees_with_the_full_one(document):
    assert ALL.clean(document) == ALL._cleaned(document, _Allowance(), 0)


@settings(deadline=None, max_examples=40)
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=5), st.sampled_from([1, 50, 2000]))
def test_what_is_kept_is_json_of_bounded_size(document, times):
    kept = kept_text(EVENT, {"all": [document] * times}, None, TextPolicy(TextMode.ALL), {})
    assert len(kept) <= LARGEST_TEXT
    assert set(json.loads(kept)) == {"request", "response"}
    assert b"\\u0000" not in kept
