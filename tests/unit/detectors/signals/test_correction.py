import gzip
import json
import time

import pytest

from detectors.signals._corrective import OPENING_CHARS, corrects
from detectors.signals.correction import Correction
from detectors.types import Answer, Exchange, Failure, Indicts, Message, Outcome, Request, ToolCall
from tests.agreement.correction_eval import evaluate
from tests.agreement.dialogues import SETS, dialogues
from tests.agreement.follow_ups import follow_ups
from tests.agreement.repairs import REPAIRS

STATED = "The Amazon has about 1.5 million employees."


def said(text):
    return lambda: text


def after(dialogue):
    return corrects(dialogue.turn, said(dialogue.said), said(dialogue.asked))


@pytest.mark.parametrize("lang", REPAIRS)
def test_corrections_are_seen_in_each_language(lang):
    seen = [corrects(turn, said(STATED)) for turn in REPAIRS[lang]]
    assert sum(seen) >= 0.9 * len(seen)


@pytest.mark.parametrize("lang", sorted({each.lang for each in dialogues("repairs")}))
def test_corrections_of_an_answer_are_seen_in_each_language(lang):
    seen = [after(each) for each in dialogues("repairs") if each.lang == lang]
    assert sum(seen) >= 0.85 * len(seen)


@pytest.mark.parametrize("name", SETS)
def test_ordinary_follow_ups_of_an_answer_are_left_alone(name):
    wrong = [each for each in dialogues(name) if after(each)]
    assert len(wrong) <= 0.03 * len(dialogues(name)), wrong


def test_the_dialogues_are_many_and_in_many_languages():
    every = [each for name in SETS for each in dialogues(name)]
    assert len({(each.asked, each.turn) for each in every}) >= 900
    assert len({each.lang for each in every}) >= 14


def test_ordinary_follow_ups_are_left_alone():
    kinds = follow_ups()
    assert len(kinds) >= 400
    assert len({each.lang for each in kinds}) >= 6
    wrong = [each for each in kinds if corrects(each.turn, said(each.said))]
    assert len(wrong) <= 0.03 * len(kinds), wrong


@pytest.mark.parametrize(
    "turn", ["No.", "no, the small one", "Nein, das Kleine.", "いいえ、小さい方。", "不，小的。", "Non, le petit."]
)
def test_no_answers_a_question_and_rejects_a_statement(turn):
    assert not corrects(turn, said("Do you want the large one?"))
    assert not corrects(turn, said("大きい方ですか？"))
    assert not corrects(turn, said(None)), "not logged: it may have asked"
    assert corrects(turn, said(STATED))


def test_an_explicit_correction_counts_after_a_question_too():
    assert corrects("No, I meant the river.", said("Amazon is a company. Do you want to know more?"))


@pytest.mark.parametrize(
    "turn",
    [
        'He wrote "no, that is wrong". What now?',
        "Explain: ```return 'wrong answer'```",
        "> that's not what I asked\nsummarise this thread",
        "Translate to French: that's not what I asked",
        "That's exactly what I asked for!",
        "That's what I meant, thanks.",
        "word " * (OPENING_CHARS // 5 + 1) + "you forgot the title.",
    ],
)
def test_quoted_pasted_and_praising_turns_are_left_alone(turn):
    assert not corrects(turn, said(STATED))


def test_a_restated_wish_rejects_unless_it_goes_on_from_the_answer():
    assert corrects("I'm interested in the river.", said(STATED))
    assert not corrects("I'm interested in its history.", said(STATED))
    assert not corrects("I'm interested in the river.", said("What do you want to know?"))


@pytest.mark.parametrize(
    "turn",
    [
        "I should have said the lake.",
        "Let me rephrase: how long is the river?",
        "Make that the river, please.",
        "Correction: the river.",
        "Who founded it though?",
        "Can you tell me the length of the river instead?",
        "No find out how long the river is",
        "But how many people live on its banks?",
        "My question was about the river.",
        "Are you sure it isn't the river?",
        "Not which company -- which river?",
        "No idea what you're talking about",
        "What do you mean?",
        "that doesn`t make any sense",
    ],
)
def test_repairs_of_the_users_own_words_count_after_a_statement_only(turn):
    assert corrects(turn, said(STATED))


@pytest.mark.parametrize(
    "turn",
    [
        "Oh no, how sad!",
        "Ach nein, wie schade.",
        "No está mal.",
        "I always get that wrong.",
        "Not the cheapest, but fine.",
        "Write that they didn't answer my question.",
        "Mention that it is wrong.",
        "Is that wrong?",
        "I was thinking of calling her tomorrow.",
        "I'm looking for a good recipe.",
        "I also wanted to know whether there is a lake.",
        "So it is a company, not a river?",
    ],
)
def test_turns_in_the_words_of_corrections_are_left_alone(turn):
    assert not corrects(turn, said(STATED))


@pytest.mark.parametrize(
    "turn",
    [
        "NO, I MEANT THE RIVER",
        "no\u200b, i me\u00adant the river",
        "Ｎｏ， Ｉ ｍｅａｎｔ ｔｈｅ ｒｉｖｅｒ",
        "No… I meant the river",
    ],
)
def test_spelling_does_not_matter(turn):
    assert corrects(turn, said(STATED))


def read(*messages, outcome=None):
    return Correction().read(Exchange(Request(messages=messages), Answer("x"), outcome or Outcome(status=200)))


def test_applies_when_the_user_speaks_after_an_answer():
    first, answer, no = Message("user", "Amazon?"), Message("assistant", STATED), Message("user", "No, the river.")
    assert Correction.indicts is Indicts.PREVIOUS
    assert read(first, answer, no).value == 1.0
    assert read(first, answer, no, outcome=Outcome(failure=Failure.TIMEOUT)).value == 1.0
    assert read(first, answer, Message("user", "Thanks!")).value == 0.0
    assert read(no) is None
    assert read(first, answer) is None
    assert read(first, answer, Message("user", None)) is None
    assert Correction().read(Exchange()) is None


def test_what_the_user_saw_is_the_assistants_last_text():
    call = Message("assistant", "", (ToolCall("find", "{}"),))
    no = Message("user", "No.")
    asked, stated = Message("assistant", "The large one?"), Message("assistant", STATED)
    assert read(asked, call, no).value == 0.0
    assert read(asked, stated, call, no).value == 1.0
    assert read(Message("assistant", None), no).value == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "no, " * 300_000,
        "sorry, but no, " * 80_000,
        "i mean " * 150_000,
        "not the " * 150_000,
        '"' * 1_000_000,
        "'a" * 500_000,
        "```" * 300_000,
        "不是" * 500_000,
        "いや" * 500_000,
        "لا " * 300_000,
        "नहीं " * 200_000,
        "아니 " * 300_000,
        "\ud800" * 1_000_000,
        "\u0301\u0327" * 500_000,
        "that is " * 100_000 + "wrong",
        "you have the " * 100_000,
        "> " * 500_000,
        "я не " * 200_000,
        "ich habe nicht " * 80_000,
    ],
)
def test_reading_takes_bounded_time(text):
    started = time.perf_counter()
    corrects(text, said(text))
    assert time.perf_counter() - started < 0.5


def test_the_evaluation_counts_and_prints_no_text(tmp_path):
    said_before = [{"role": "user", "text": "Amazon?"}, {"role": "assistant", "text": STATED}]
    rows = [
        {"dialogue": [*said_before, {"role": "user", "text": turn}], "turn": 2, "label": "correction"}
        | {"meta": {"source_id": 1}, "label_raw": {"user_reaction": ["UR3", "UR3", "UR4"]}}
        for turn in ("No, I meant the river.", "Lovely weather.")
    ]
    for name in ("repair_qa_train", "feedback_ukplab_selffeeding"):
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt", encoding="utf-8") as lines:
            lines.writelines(json.dumps(row) + "\n" for row in rows)
    tables = evaluate(tmp_path)
    repairs, feedback = list(tables.values())[:2]
    assert (repairs[-1]["n"], repairs[-1]["any"], repairs[-1]["correction"]) == (2, "0.500", "0.500")
    assert feedback[0]["group"] == "correction/UR3"
    assert "river" not in json.dumps(tables)
