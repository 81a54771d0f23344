import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.signals._repetition import find_loop
from detectors.signals.repetition import Repetition
from detectors.types import Answer, Exchange, Failure, Message, Outcome, Request, ToolCall
from tests.agreement.repetition_eval import Texts, count, loops, main, ordinary

SIGNAL = Repetition()
CHAT = Request((Message("user", "Tell me of the river."),))
OK = Outcome(status=200)
PROSE = (
    "The river rises in the hills above the old mill, and for the first few miles it is no wider than a lane. Below "
    "the bridge two streams join it. From there on barges used to carry slate and wool down to the harbour; today "
    "anglers sit where the horses once walked, and a path follows the water all the way to the sea.\n\n"
)


def read(text, request=CHAT, outcome=OK, **answer):
    return SIGNAL.read(Exchange(request, Answer(text=text, **answer), outcome))


@pytest.mark.parametrize(
    "text",
    [
        PROSE + "and then the boat went on " * 12,
        PROSE + "very " * 60,
        PROSE + "!" * 300,
        PROSE + PROSE.upper() + "\n" * 450,
        '{"town": "Ulm",' + " \n" * 300,
        "no no no no no no no no no no no no no no no no no no no no no no no no",
        "\n".join(f"{n}. Check the lock and turn the key." for n in range(1, 20)),
        "今天的天气很好我们去公园散步" * 8,
        PROSE * 4,
        (PROSE + "A second one, about the lake behind the wood, follows at once and ends there. ") * 5,
        "#" * 60,
        '{"notes": "' + "by the river and " * 40 + '"}',
        PROSE + "the mill " * 34 + PROSE,  # what follows fits no unit
        PROSE + PROSE + "河岸的小船慢慢" * 6,  # a script of its own at the end
        "go on and on , " * 9 + "Anglers sit where the horses once walked, and a path follows the water.",
        "".join(PROSE.replace("two", word) for word in ("two", "two", "some", "two", "more", "two", "two", "few")),
        (SAID := "we row past the mill and the old bridge to the far side of the lake ") * 4
        + SAID.replace("mill and the old", "red mill by and oh the now old")
        + SAID * 2,  # a bunch of words added
    ],
)
def test_loops_are_bad(text):
    found = read(text)
    assert found.value == 1.0
    assert found.reason == "loop"
    start, end = found.span
    assert 0 <= start < end <= len(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ulm",
        "No, no, no!",
        '[{"id": 1, "kind": "parcel", "state": "open"}, {"id": 1, "kind": "parcel", "state": "open"}]',
        "ha ha ha ha ha",
        PROSE,
        PROSE * 2,
        PROSE + "to and fro " + "up and " * 10,
        PROSE + "\n" * 300 + PROSE.upper(),
        PROSE + "-" * 80 + "\n" + PROSE.upper(),
        "| town | open |\n|---|---|\n"
        + "\n".join(f"| {town} | yes |" for town in ("Ulm", "Bern", "Graz", "Linz", "Wels")),
        "[" + ", ".join(f'{{"id": {n}, "kind": "parcel", "state": "open", "owner": null}}' for n in range(30)) + "]",
        "\n".join("0 " * 9 for _ in range(9)),
        "no yes yes no no\n" * 3 + "no yes no no no\nyes yes no yes no\nyes no no no yes",
        "".join(f"Verse {n}: {n * 37 % 11} is the wind\nAnd we sail on, and we sail on\n" for n in range(9)),
        "dev:\n  port: 80\n  log: info\nstage:\n  port: 80\n  log: info\nprod:\n  port: 80\n  log: info\n",
        "Before: " + PROSE + "After: " + PROSE.replace("old", "new"),
    ],
)
def test_ordinary_texts_are_not(text):
    assert read(text).reason == "varied"


def test_the_engines_own_finding_counts():
    assert read("Ulm", finish_reason="repetition").reason == "finish_repetition"
    assert read(None, finish_reason="repetition").value == 1.0


def test_tool_calls_are_read_too():
    looped = ToolCall("find", '{"town": "' + "by the river and " * 40)
    assert read("", tool_calls=(ToolCall("find", "{}"), looped)).reason == "loop_in_call"
    assert read(None, tool_calls=(ToolCall("find", '{"town": "Ulm"}'),)).value == 0.0


def test_failures_and_what_was_not_logged():
    assert read("very " * 60, outcome=Outcome(status=500)).reason == "no_answer"
    assert read("very " * 60, outcome=Outcome(failure=Failure.CANCELLED)) is None
    assert read("very " * 60, request=Request()) is None
    assert read(None) is None
    assert SIGNAL.read(Exchange(CHAT, None, OK)) is None


def test_generated_loops_are_found_and_ordinary_texts_are_not_loops():
    found = count(loops(Texts(31), 6))
    assert sum(total - hits for hits, total in found.values()) <= sum(total for _, total in found.values()) // 500
    assert {kind: hits for kind, (hits, _) in count(ordinary(Texts(12), 8)).items() if hits} == {}


def test_the_evaluation_prints_counts_only(capsys):
    assert main(["--texts", "1", "--json"]) == 0
    assert main(["--texts", "1"]) == 0
    assert "| flood of a symbol | 1 | 1 |" in capsys.readouterr().out


@given(st.text(max_size=300))
def test_any_text_has_a_reading(text):
    assert read(text).value in {0.0, 1.0}
    assert read(text * 7).value in {0.0, 1.0}


@given(st.lists(st.sampled_from(PROSE.split()), min_size=5, max_size=40, unique=True), st.integers(8, 20))
def test_repeating_words_often_enough_is_a_loop(words, times):
    assert find_loop(" ".join(words * times)) is not None
    assert find_loop(" ".join(words)) is None


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "ab " * 330_000,
        "\x00\ud800" * 500_000,
        "".join(map(chr, range(0x4E00, 0x9FFF))) * 50,
        "\u200b \u200b" * 300_000,
        " ".join(str(n) for n in range(200_000)),
        ("x" * 15 + " ") * 60_000 + "end",
        "0 1 " * 3 + "1 0 0 1 " * 200_000,
    ],
)
def test_a_megabyte_takes_bounded_time(text):
    began = time.perf_counter()
    assert read(text).value in {0.0, 1.0}
    assert time.perf_counter() - began < 2.0
