import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.reactions import MAX_LOOK_BACK, Attempt, Reaction, judge
from detectors.turns import MAX_CHARS, TurnPrint, answer_digest, near_duplicate, turn_fingerprint
from detectors.types import Message, ToolCall

KEY = b"an invented key."
ASKED = "How long does the ferry to the northern island take on a Sunday?"
LONG = (
    "Write an email to my landlord in which I ask for a repair of the kitchen window, mention that rain comes in, "
    "propose two dates in the coming week and stay polite but firm, because we waited for months already."
)
ANSWER = "Forty minutes."


def chat(*texts):
    """Messages in turn: user, assistant, user ..."""
    return [Message("assistant" if place % 2 else "user", text) for place, text in enumerate(texts)]


def printed(*texts, key=KEY):
    return turn_fingerprint(chat(*texts), key)


def test_a_print_needs_a_logged_user_turn_and_a_key():
    assert turn_fingerprint([], KEY) is None
    assert turn_fingerprint([Message("assistant", "x")], KEY) is None
    assert turn_fingerprint([Message("user", None)], KEY) is None
    for key in (b"", b"short", bytes(65)):
        with pytest.raises(ValueError, match="key must have"):
            turn_fingerprint(chat("x"), key)


def test_a_print_has_no_text_and_changes_with_the_key():
    one, other = printed(ASKED, ANSWER, LONG), printed(ASKED, ANSWER, LONG, key=bytes(32))
    assert {one.exact, one.history, one.previous}.isdisjoint({other.exact, other.history, other.previous})
    assert one.sketch != other.sketch
    assert 0 <= one.sketch < 2**64
    assert all(len(part) == 8 for part in (one.exact, one.history, one.previous))


def test_a_print_tells_turn_history_and_answer_apart():
    base = printed(ASKED, ANSWER, LONG)
    assert base == printed(ASKED, ANSWER, LONG)
    assert base.previous == answer_digest(f"<think>hm</think>\n{ANSWER} ", KEY)
    other = printed(ASKED, "An hour.", LONG)
    assert (other.exact, other.sketch) == (base.exact, base.sketch)
    assert other.history != base.history
    assert other.previous != base.previous
    assert printed(ASKED).previous is None
    two, one = [Message("user", "a"), Message("user", "b")], [Message("user", "auserb")]
    histories = [turn_fingerprint([*before, Message("user", LONG)], KEY).history for before in (two, one)]
    assert histories[0] != histories[1]
    called = [Message("assistant", "", (ToolCall("f", "{}"),)), Message("user", LONG)]
    assert turn_fingerprint(called, KEY).history != turn_fingerprint([Message("assistant", ""), called[1]], KEY).history


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        (ASKED, ASKED.upper() + " please", True),
        (ASKED, ASKED + " Tell me again.", True),
        (ASKED, ASKED.replace("ferry", "train"), False),
        (ASKED, "Something else about gardens and roses", False),
        (LONG, LONG + " Keep it brief.", True),
        (LONG, LONG.replace("months", "weeks"), True),
        (LONG, LONG[: len(LONG) // 2], False),
        ("capital of France", "capital of France, population, history and climate", False),
        ("yes", "yes", False),
        ("next question please", "next question please", False),
    ],
)
def test_near_duplicates(one, other, near):
    assert near_duplicate(printed(one), printed(other)) is near


def test_another_word_in_a_short_turn_nearly_always_shows():
    words = [f"{first}{second}ar" for first in "bdfgklmnprst" for second in "aeiou"]
    base = printed(f"train connections between mountain villages {words[0]}")
    found = [near_duplicate(base, printed(f"train connections between mountain villages {word}")) for word in words[1:]]
    assert sum(found) <= 0.1 * len(found)


prints = st.builds(
    TurnPrint,
    exact=st.sampled_from([b"1", b"2"]),
    sketch=st.integers(0, 2**64 - 1),
    words=st.integers(0, 40),
    history=st.sampled_from([b"1", b"2"]),
    previous=st.none() | st.sampled_from([b"a", b"b"]),
)


@given(prints, prints)
def test_near_duplicate_is_symmetric(one, other):
    assert near_duplicate(one, other) == near_duplicate(other, one)
    assert near_duplicate(one, one) == (one.words >= 2)


@given(st.text(max_size=400), st.text(max_size=100))
def test_any_text_has_a_print(turn, before):
    found = printed(turn, before, turn)
    assert found == printed(turn, before, turn)
    assert found.exact == printed(f" {turn.upper().lower()} ".strip() if turn.isascii() else turn).exact


def attempt(name, start, turn, *, answer=ANSWER, length=10.0, **given):
    digest = None if given.get("failed") else answer_digest(answer, KEY)
    return Attempt(name, start, start + length, turn=turn, answer=digest, **given)


def reactions(attempts, matures_after_s=600.0):
    return {each.id: {str(found) for found in each.reactions} for each in judge(attempts, matures_after_s)}


FIRST, AGAIN = printed(ASKED), printed(ASKED)
EDITED = printed(ASKED + " please")
NEXT = printed(ASKED, ANSWER, "No, the southern island.")


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (attempt("b", 20, AGAIN), {"regenerate"}),
        (attempt("b", 20, EDITED), {"retry_loop"}),
        (attempt("b", 20, NEXT, said=frozenset({Reaction.CORRECTION})), {"correction"}),
        (attempt("b", 20, NEXT, said=frozenset({Reaction.CORRECTION, Reaction.RETRY})), {"correction", "retry_loop"}),
        (attempt("b", 20, NEXT), set()),
        (attempt("b", 20, None), set()),
        (attempt("b", 20, printed("Recommend a film about gardens.")), set()),
        (attempt("b", 5, AGAIN), set()),
        (attempt("b", 609, AGAIN), {"regenerate"}),
        (attempt("b", 610, AGAIN), set()),
    ],
)
def test_a_later_request_speaks_about_an_answer(second, expected):
    assert reactions([attempt("a", 0, FIRST), second]) == {"a": expected, "b": set()}


def test_a_failed_attempt_that_is_sent_again_is_no_judgement():
    failed = attempt("a", 0, FIRST, failed=True)
    assert reactions([failed, attempt("b", 20, AGAIN)]) == {"a": {"api_retry"}, "b": set()}
    assert reactions([failed, attempt("b", 20, EDITED)]) == {"a": {"api_retry"}, "b": set()}


def test_a_reaction_belongs_to_the_answer_in_the_history():
    corrects = frozenset({Reaction.CORRECTION})
    first = attempt("a", 0, FIRST)
    regenerated = attempt("b", 20, AGAIN, answer="An hour.")
    on_first = attempt("c", 40, NEXT, said=corrects)
    assert reactions([first, regenerated, on_first])["a"] == {"regenerate", "correction"}
    assert reactions([first, regenerated, on_first])["b"] == set()
    edited = attempt("c", 40, printed(ASKED, "Edited by the client.", "No."), said=corrects)
    assert reactions([first, edited])["a"] == set()


def test_a_correction_that_is_sent_again_is_read_once():
    corrects = frozenset({Reaction.CORRECTION})
    sent = [attempt("a", 0, FIRST), attempt("b", 20, NEXT, said=corrects, answer="An hour.")]
    again = attempt("c", 40, NEXT, said=corrects)
    assert reactions([*sent, again]) == {"a": {"correction"}, "b": {"regenerate"}, "c": set()}


def test_an_answer_matures_a_fixed_time_after_it_ended():
    (judged,) = judge([attempt("a", 5, FIRST)], 60.0)
    assert judged.matures_s == 75.0
    for wrong in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="matures_after_s"):
            judge([], wrong)


def test_attempts_are_checked():
    with pytest.raises(ValueError, match="ended_s must be >="):
        Attempt("a", 2.0, 1.0)
    with pytest.raises(ValueError, match="finite"):
        Attempt("a", float("nan"), 1.0)


sessions = st.lists(
    st.builds(
        Attempt,
        id=st.text("abc", min_size=1, max_size=3),
        started_s=st.integers(0, 100).map(float),
        ended_s=st.integers(100, 120).map(float),
        failed=st.booleans(),
        turn=st.none() | prints,
        answer=st.none() | st.sampled_from([b"a", b"b"]),
        said=st.sets(st.sampled_from(Reaction)).map(frozenset),
    ).map(lambda each: replace(each, ended_s=each.started_s + each.ended_s - 100)),
    max_size=12,
    unique_by=lambda each: each.id,
)


@given(sessions, st.randoms(use_true_random=False))
def test_the_order_given_does_not_matter(attempts, source):
    shuffled = attempts[:]
    source.shuffle(shuffled)
    assert reactions(shuffled) == reactions(attempts)


@given(sessions, st.integers(0, 120), st.integers(1, 50))
def test_a_bit_never_changes_once_it_is_mature(attempts, now, horizon):
    """What is judged from the attempts started by ``now`` is final for the answers mature by then."""
    known = [each for each in attempts if each.started_s < now]
    final = {each.id: each for each in judge(attempts, float(horizon))}
    for judged in judge(known, float(horizon)):
        if judged.matures_s <= now:
            assert judged == final[judged.id]


@given(sessions)
def test_the_last_attempt_of_a_session_has_no_reaction(attempts):
    if attempts:
        last = max(attempts, key=lambda each: (each.started_s, each.id))
        assert reactions(attempts)[last.id] == set()


def test_a_long_session_is_looked_back_on_only_so_far():
    others = [
        attempt(f"x{n:03}", 20 + n / 100, printed(f"question number {n} about rivers"), length=0)
        for n in range(MAX_LOOK_BACK)
    ]
    assert reactions([attempt("a", 0, FIRST), *others[:-1], attempt("z", 30, AGAIN)])["a"] == {"regenerate"}
    assert reactions([attempt("a", 0, FIRST), *others, attempt("z", 30, AGAIN)])["a"] == set()


def test_the_documented_example_is_true():
    page = (Path(__file__).parents[3] / "docs/signals/loops.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    exec(compile(example, "loops.md", "exec"), {})  # noqa: S102  # our own text


def test_an_agents_step_is_neither_the_same_request_again_nor_a_near_duplicate():
    asked = [Message("user", "Book the train to Porto for tomorrow morning.")]
    step = [*asked, Message("assistant", None, (ToolCall("search", "{}"),)), Message("tool", "[1, 2]")]
    one, other = turn_fingerprint(asked, KEY), turn_fingerprint(step, KEY)
    assert one.exact != other.exact
    assert not near_duplicate(one, other)
    assert turn_fingerprint(step, KEY) == other


def test_a_thought_that_never_ends_is_no_answer():
    assert answer_digest("<think>hm, the ferry", KEY) == answer_digest("", KEY)


def test_of_a_long_turn_the_length_counts():
    assert printed("a" * MAX_CHARS).exact != printed("a" * (MAX_CHARS + 1)).exact
    assert printed("a" * (MAX_CHARS + 1)).exact != printed("a" * (MAX_CHARS + 2)).exact


def test_the_answer_before_a_turn_is_the_latest():
    assert printed(ASKED, ANSWER, "And back?", "An hour.", "Why?").previous == answer_digest("An hour.", KEY)


def test_long_turns_of_as_many_other_words_are_no_near_duplicates():
    other = (
        "Explain to our neighbours how the shared garden behind both houses should look after summer, which trees need "
        "cutting, where children can play and whether somebody buys bulbs."
    )
    assert abs(printed(LONG).words - printed(other).words) <= 4
    assert not near_duplicate(printed(LONG), printed(other))


def test_a_step_is_never_asked_again():
    step = printed("Tell me another joke")
    assert step.words == 0
    assert not near_duplicate(step, step)


def test_what_is_sent_again_is_about_the_latest_answer_to_it():
    sent = [attempt(name, start, FIRST) for name, start in (("a", 0), ("b", 20), ("c", 40))]
    assert reactions(sent) == {"a": {"regenerate"}, "b": {"regenerate"}, "c": set()}


def test_the_same_words_after_another_answer_are_another_request():
    one, other = printed(ASKED, ANSWER, LONG), printed(ASKED, "An hour.", LONG)
    assert reactions([attempt("a", 0, one), attempt("b", 20, other)])["a"] == set()


def test_the_first_turn_may_follow_other_instructions():
    told = turn_fingerprint([Message("system", "Be brief."), Message("user", ASKED + " please")], KEY)
    assert reactions([attempt("a", 0, FIRST), attempt("b", 20, told)])["a"] == {"retry_loop"}


def test_a_failed_attempt_is_nothing_that_a_user_speaks_about():
    """Its answer is unknown because there is none."""
    failed = attempt("b", 20, printed("Recommend a film about gardens."), failed=True)
    corrects = attempt("c", 40, printed(ASKED, "Edited by the client.", "No."), said=frozenset({Reaction.CORRECTION}))
    assert reactions([attempt("a", 0, FIRST), failed, corrects])["b"] == set()


def test_no_request_says_of_itself_that_its_client_tries_again():
    assert (
        reactions([attempt("a", 0, FIRST), attempt("b", 20, NEXT, said=frozenset({Reaction.API_RETRY}))])["a"] == set()
    )
