import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.signals._format_asked import Format, asked_format, has_format
from detectors.signals.format_drift import MIN_CHARS, FormatDrift
from detectors.types import Answer, Exchange, Failure, Message, Outcome, Request, ToolCall

SIGNAL = FormatDrift()
OK = Outcome(status=200)
LONG = "The first kettle is light and cheap, the second one is quiet, and the third keeps the water hot for hours. " * 2
ASKED = {
    Format.TABLE: [
        "Compare the kettles as a table.",
        "Give the prices in a markdown table.",
        "Answer in table format.",
    ],
    Format.BULLETS: ["List the kettles as bullet points.", "Answer with a short bulleted list.", "Use bullet points."],
    Format.NUMBERED: ["Give me a numbered list of steps.", "Explain it as a numbered list."],
    Format.PLAIN: ["Answer in plain text only.", "Do not use markdown.", "Write it without any Markdown, please."],
    Format.CODE: ["Put the recipe in a code block.", "Reply inside a fenced code block."],
    Format.JSON: ["Respond only with JSON.", "Return a valid JSON object.", "Answer in JSON format."],
}
KEPT = {
    Format.TABLE: ["| a | b |\n|---|---|\n| 1 | 2 |", "a | b\n--- | ---\n1 | 2", "<table><tr><td>1</td></tr></table>"],
    Format.BULLETS: ["- one\n- two", "* one\n\n* two", "• one\n• two"],
    Format.NUMBERED: ["1. one\n2. two", "1) one\n2) two", "**1.** one\n**2.** two"],
    Format.PLAIN: [LONG, "2 * 3 = 6 and a_b"],
    Format.CODE: ["```\nx\n```", "So:\n```py\nx = 1\n```"],
    Format.JSON: ['{"a": 1}', "[1, 2]", '```json\n{"a": 1}\n```'],
}
LOST = {
    **{form: [LONG] for form in Format if form is not Format.PLAIN},
    Format.PLAIN: ["## Kettles\n" + LONG, "**Note** " + LONG, "```\nx\n```"],
    Format.JSON: ["Sure! Here it is: {", "", LONG],
}


def read(instruction, text, outcome=OK, role="user", **answer):
    last = () if role == "user" else (Message("user", "Which kettle?"),)
    request = Request((Message(role, instruction), *last))
    return SIGNAL.read(Exchange(request, Answer(text=text, **answer), outcome))


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("role", ["user", "system", "developer"])
def test_a_form_that_was_asked_for_is_looked_for(form, role):
    for instruction in ASKED[form]:
        for text in KEPT[form]:
            assert read(instruction, text, role=role).reason == "kept"
        for text in LOST[form]:
            found = read(instruction, text, role=role)
            assert (found.value, found.reason) == (1.0, f"no_{form.value}")


@pytest.mark.parametrize(
    "instruction",
    [
        "Which kettle is the best?",
        "Create a table in the database for kettles.",
        "The kettle is on the table in the kitchen.",
        "Use a table or bullet points.",
        "If it helps, answer as a table.",
        "Do not answer in JSON.",
        "Write a function that returns JSON.",
        "Answer as a table. Also give the steps as a numbered list.",
        "Why is plain text smaller than markdown?",
        "What does this code block do?",
        "Thought: think first.\nAction: respond only with JSON.",
        "You may use bullet points when useful.",
        "",
    ],
)
def test_other_requests_do_not_apply(instruction):
    assert asked_format(instruction) is None
    assert read(instruction, LONG) is None
    assert read(instruction, "- a\n- b", role="system") is None


def test_only_the_last_turn_and_the_system_ask():
    request = Request(
        (Message("user", "Answer as a table."), Message("assistant", "|a|"), Message("user", "Thank you!"))
    )
    assert SIGNAL.read(Exchange(request, Answer(text=LONG), OK)) is None


def test_the_middle_of_a_long_instruction_is_not_read():
    assert read("Respond only with JSON. " + "kettle " * 2_000, LONG).value == 1.0
    assert read("kettle " * 2_000 + " Respond only with JSON.", LONG).value == 1.0
    assert read("kettle " * 2_000 + " Respond only with JSON. " + "kettle " * 2_000, LONG) is None


def test_short_answers_need_no_list_and_calls_no_form():
    assert read("Use bullet points.", "x" * (MIN_CHARS - 1)).reason == "too_short"
    assert read("Use bullet points.", "x" * MIN_CHARS).value == 1.0
    assert read("Respond only with JSON.", "x").value == 1.0
    assert read("Respond only with JSON.", "", tool_calls=(ToolCall("find", "{}"),)).reason == "tool_call"
    assert read("Respond only with JSON.", "", refusal="No").reason == "refused"


def test_failures_and_what_was_not_logged():
    assert read("Respond only with JSON.", "x", Outcome(status=500)).reason == "no_answer"
    assert read("Respond only with JSON.", "x", Outcome(failure=Failure.CANCELLED)) is None
    assert read("Respond only with JSON.", None) is None
    assert SIGNAL.read(Exchange(Request((Message("user", "Respond only with JSON."),)), None, OK)) is None
    assert SIGNAL.read(Exchange(None, Answer(text="x"), OK)) is None


@given(
    st.sampled_from(["as a table ", "bullet points ", "json ", "markdown ", "code "]), st.text(max_size=100), st.text()
)
def test_applicability_is_the_requests_alone(words, before, text):
    assert (read(before + words, text) is None) == (asked_format(f"\n{before}{words}") is None)


@pytest.mark.parametrize(
    "text",
    [
        "as a " * 200_000 + "table",
        "-" * 1_000_000,
        "**" * 500_000,
        "| " * 500_000,
        "\ud800" * 500_000,
        "in json or " * 90_000,
    ],
)
def test_a_megabyte_takes_bounded_time(text):
    began = time.perf_counter()
    read(text, text)
    for form in Format:
        assert has_format(text, form) in {True, False}
        read(ASKED[form][0], text)
    assert time.perf_counter() - began < 2.0
