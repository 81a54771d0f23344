import pytest

from detectors.signals.tool_loop import ToolLoop
from detectors.types import Answer, Exchange, Failure, Indicts, Message, Outcome, Request, ToolCall

SIGNAL = ToolLoop()
FIND = ToolCall("find_parcel", '{"id": 7, "detail": true}')
OTHER = ToolCall("find_parcel", '{"id": 8, "detail": true}')
WEATHER = ToolCall("weather", '{"town": "Ulm"}')
TESTS = ToolCall("run_tests", "{}")
EDIT = ToolCall("edit_file", '{"line": 3}')
NEXT = ToolCall("click_next", "{}")


def run(*steps, before=()):
    """A user's turn, then calls with their results."""
    messages = [*before, Message("user", "go")]
    for call, result in steps:
        messages += [Message("assistant", "", (call,)), Message("tool", result)]
    return Request(messages=tuple(messages))


def read(request, *calls, outcome=None):
    return SIGNAL.read(Exchange(request, Answer("", tuple(calls)), outcome or Outcome(status=200)))


@pytest.mark.parametrize(
    ("request_", "call", "value", "reason"),
    [
        (run((FIND, "a")), FIND, 1.0, "same_call"),
        (run((FIND, "a")), ToolCall("find_parcel", '{"detail":true,  "id":7}'), 1.0, "same_call"),
        (run((FIND, "a"), (WEATHER, "b")), FIND, 1.0, "same_call"),
        (run((FIND, "a")), OTHER, 0.0, "new_call"),
        (run((FIND, "a")), ToolCall("find_parcel", '{"id": 7, "detail": 1}'), 0.0, "new_call"),
        (run((FIND, "a")), ToolCall("other_tool", FIND.arguments), 0.0, "new_call"),
        (run((TESTS, "2 failed"), (EDIT, "ok")), TESTS, 0.0, "may_differ"),
        (run((TESTS, "2 failed"), (EDIT, "ok"), (TESTS, "1 failed"), (EDIT, "ok")), TESTS, 0.0, "may_differ"),
        (run((TESTS, "2 failed"), (EDIT, "ok"), (TESTS, "2 failed"), (EDIT, "ok")), TESTS, 1.0, "no_progress"),
        (run((NEXT, "page 2")), NEXT, 0.0, "may_differ"),
        (run((NEXT, "page 9"), (NEXT, "page 9")), NEXT, 1.0, "no_progress"),
        (run((NEXT, None), (NEXT, None)), NEXT, 0.0, "may_differ"),
        (run((ToolCall("find_parcel", "{"), "a")), ToolCall("find_parcel", "{"), 1.0, "same_call"),
    ],
)
def test_repeated_calls_are_read(request_, call, value, reason):
    found = read(request_, call)
    assert (found.value, found.reason) == (value, reason)


def test_one_repeated_call_among_several_counts():
    assert read(run((FIND, "a")), WEATHER, FIND).value == 1.0
    assert read(run((FIND, "a")), WEATHER, OTHER).value == 0.0


def test_results_belong_to_the_calls_of_their_step_in_order():
    step = Message("assistant", "", (WEATHER, NEXT))
    steps = [
        step,
        Message("tool", "sun"),
        Message("tool", "page 1"),
        step,
        Message("tool", "sun"),
        Message("tool", "page 2"),
    ]
    request = Request(messages=(Message("user", "go"), *steps))
    assert read(request, NEXT).reason == "may_differ"
    assert read(request, WEATHER).reason == "no_progress", "a click lies between, but the weather stayed the same"


def test_a_new_user_turn_starts_a_new_run():
    before = run((FIND, "a")).messages
    assert read(run((WEATHER, "b"), before=before), FIND).reason == "new_call"
    assert read(run(before=before), FIND) is None


def test_applies_once_a_tool_was_called():
    assert read(Request(), FIND) is None
    assert read(run(), FIND) is None
    assert SIGNAL.read(Exchange()) is None
    request = run((FIND, "a"))
    assert read(request).reason == "no_call"
    assert SIGNAL.read(Exchange(request, None, Outcome(status=200))) is None, "not logged"
    assert read(request, FIND, outcome=Outcome(failure=Failure.TIMEOUT)).value == 0.0
    assert read(request, FIND, outcome=Outcome(failure=Failure.CANCELLED)) is None
    assert SIGNAL.indicts is Indicts.THIS


@pytest.mark.parametrize("arguments", ["[" * 100_000, "\ud800", "x" * 1_000_000, "", '{"a":' * 20_000, "9" * 5_000])
def test_any_arguments_can_be_compared(arguments):
    call = ToolCall("find_parcel", arguments)
    assert read(run((call, "a")), call).value == 1.0
    assert read(run((FIND, "a")), call).value == 0.0


def test_a_long_run_is_looked_back_on_only_so_far():
    request = run((FIND, "a"), *[(ToolCall("weather", f'{{"n": {n}}}'), "b") for n in range(200)])
    assert read(request, FIND).reason == "new_call"
