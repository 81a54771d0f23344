from time import thread_time

import pytest

from monitor.models.text import BUILT_IN_RULES, RedactionRule, TextMode, TextPolicy
from monitor.services.redaction import MAX_DEPTH, PatternError, check_pattern, redactor

ALL = redactor(BUILT_IN_RULES)


def own(pattern, replace=""):
    return redactor((RedactionRule("own", pattern, replace),))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("write to bob@example.com, please", "write to [email], please"),
        ('"bob the first"@example.com', "[email]"),
        ("bøb@exämple.org and bob%40example.org", "[email] and [email]"),
        ("key sk-abcdefghijklmnop1234 ends", "key [key] ends"),
        ("AKIAABCDEFGHIJKLMNOP", "[key]"),
        ("Authorization: Bearer abcdefghijklmnopqrst", "Authorization: [key]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nowIB\n-----END RSA PRIVATE KEY-----", "[key]"),
        ("4111 1111 1111 1111", "[card]"),
        ("378282246310005", "[card]"),
        ("order 1234 5678 4111 1111 1111 1111", "order 1234 5678 [card]"),
        ("order 4111111111111112", "order 4111111111111112"),
        ("from 10.0.0.1, fe80::1 or ::1", "from [ip], [ip] or [ip]"),
        ("at 12:30:45 std::abc", "at 12:30:45 std::abc"),
        ("call +49 30 1234567 or (415) 555-2671", "call [phone] or [phone]"),
        ("on 2026-11-21 at 07:30, 12 of 300", "on 2026-11-21 at 07:30, 12 of 300"),
        ("nothing to see", "nothing to see"),
    ],
)
def test_what_the_built_in_rules_find(text, kept):
    assert ALL.text(text) == kept


def test_only_the_chosen_rules_are_applied():
    assert redactor(("ip",)).text("bob@example.com at 10.0.0.1") == "bob@example.com at [ip]"
    assert redactor(()).text("bob@example.com") == "bob@example.com"


def test_strings_keys_and_large_integers_are_cleaned_at_every_depth():
    document = {
        "a": [{"b": "x@y.org", "card": 4111111111111111, "n": 3, "ok": True, "f": 0.5}],
        "u@v.org": "one",
        "w@v.org": "two",
    }
    assert ALL.clean(document) == {
        "a": [{"b": "[email]", "card": "[card]", "n": 3, "ok": True, "f": 0.5}],
        "[email]": "one",
        "[email] 2": "two",
    }


def test_a_document_without_a_find_is_returned_as_it_is():
    document = {"a": ["b", {"c": 1}]}
    assert ALL.clean(document) is document


def test_nothing_hides_behind_nul():
    assert ALL.clean({"a": "bo\0b@exa\0mple.com"}) == {"a": "[email]"}
    assert redactor(()).clean({"a\0b": "c\0d"}) == {"ab": "cd"}


def test_a_document_that_is_too_deep_is_withheld_below():
    document = "bob@example.com"
    for _ in range(MAX_DEPTH + 10):
        document = [document]
    assert "bob" not in repr(ALL.clean(document))


def test_rules_of_the_route_come_after_the_built_in_ones():
    rules = redactor((RedactionRule("order", r"ORD-\d+", "<order>"), "email"))
    assert rules.text("ORD-17 of ORD-1@shop.org") == "<order> of [email]"
    assert own("x+").text("axxb") == "a[own]b"
    assert own("a", r"\0\1$1").text("bab") == r"b\0\1$1b"


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("(?=a)b", "look-around"),
        (r"(a)\1", "back-references"),
        ("[", "missing ]"),
        ("a*", "empty text"),
        (r"\b", "empty text"),
        ("a{990}b{990}c{990}", "steps"),
    ],
)
def test_a_bad_pattern_is_refused_and_its_rule_named(pattern, told):
    with pytest.raises(PatternError, match="'mine'") as error:
        check_pattern(RedactionRule("mine", pattern))
    assert told in str(error.value)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+b", r"(.*)*x|[^x]", r".*[^A-Z]|[A-Z]", "[ab]*a[ab]{60}c"])
@pytest.mark.parametrize("text", ["a" * 300_000, "A" * 300_000, "ab" * 150_000, "a\n" * 150_000])
def test_a_hostile_pattern_on_a_hostile_text_ends_soon(pattern, text):
    try:
        rules = own(pattern)
    except PatternError:
        return
    began = thread_time()
    rules.text(text)
    assert thread_time() - began < 2


@pytest.mark.parametrize(
    "unit", ["a@", "1 ", ":", "1234 ", "+1", "0-", "a@b.cc-", "sk-", "eyJaaaaaaaa.", "::1 ", "1.1.1.1 "]
)
def test_a_hostile_text_ends_soon(unit):
    began = thread_time()
    ALL.text(unit * (1_000_000 // len(unit)))
    assert thread_time() - began < 2


def test_what_is_too_much_to_redact_is_withheld():
    assert ALL.text("1.1.1.1 " * 30_000) == "[withheld: too much to redact]"
    assert "AAAA" not in own(r".*[^A-Z]|[A-Z]").text("A" * 300_000)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"sample_percent": 101}, "sample_percent"),
        ({"sample_percent": float("nan")}, "sample_percent"),
        ({"retention_days": 0}, "retention_days"),
        ({"redact": ("fax",)}, "built in: email"),
        ({"redact": ("ip", "ip")}, "once"),
        ({"redact": tuple(RedactionRule(f"r{n}", "x") for n in range(17))}, "at most 16"),
    ],
)
def test_a_policy_names_the_field_that_is_wrong(fields, told):
    with pytest.raises(ValueError, match=told):
        TextPolicy(**fields)


@pytest.mark.parametrize(("name", "pattern"), [("email", "x"), ("A b", "x"), ("x", ""), ("x", "a" * 513), ("x", "a\0")])
def test_a_rule_is_checked(name, pattern):
    with pytest.raises(ValueError, match="redact"):
        RedactionRule(name, pattern)


def test_a_policy_survives_its_json():
    policy = TextPolicy(TextMode.SAMPLE, 5.0, 3, ("ip", RedactionRule("order", "ORD", "<o>")))
    assert TextPolicy.from_json(policy.to_json()) == policy
    assert TextPolicy.from_json({}) == TextPolicy()
    assert str(policy) == "sample 5 %, 3 days, redacting ip, order"
