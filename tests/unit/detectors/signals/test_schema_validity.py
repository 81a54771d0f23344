import socket

import pytest

from detectors.signals import schema_validity
from detectors.signals.schema_validity import SchemaValidity
from detectors.types import Answer, Exchange, Failure, Message, Outcome, Request, ToolCall

SIGNAL = SchemaValidity()
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string", "pattern": "^[A-Z]"}, "people": {"type": "integer"}},
    "required": ["city"],
}
TOOLS = {"lookup": CITY, "ping": None}


def read(text=None, *, schema=CITY, outcome=None, request=None, **answer):
    request = request or Request(messages=(Message("user", "where?"),), response_schema=schema)
    return SIGNAL.read(Exchange(request, Answer(text=text, **answer), outcome or Outcome(status=200)))


def call(arguments, name="lookup", **answer):
    return read(request=Request(tools=TOOLS), tool_calls=(ToolCall(name, arguments),), **answer)


@pytest.mark.parametrize(
    ("text", "value", "reason"),
    [
        ('{"city": "Bonn", "people": 3}', 0.0, "valid"),
        (' {"city": "Bonn", "people": 3.0}\n', 0.0, "valid"),
        ('{"city": "bonn"}', 1.0, "schema_mismatch"),
        ('{"people": 3}', 1.0, "schema_mismatch"),
        ('{"city": 1, "city": "Bonn"}', 0.0, "valid"),
        ('{"city": "Bonn", "people": 123456789012345678901234567890}', 0.0, "valid"),
        ("[]", 1.0, "schema_mismatch"),
        ("", 1.0, "empty"),
        (" \n", 1.0, "empty"),
        ("Here you are: {}", 1.0, "not_json"),
        ('```json\n{"city": "Bonn"}\n```', 1.0, "not_json"),
        ('{"city": "Bonn", "people": NaN}', 1.0, "not_json"),
        ('{"city": "\\ud800"}', 1.0, "not_json"),
        ('{"city": "Bo\ud800nn"}', 1.0, "not_json"),
        ('{"city": "Bo\x00nn"}', 1.0, "not_json"),
        ("[" * 100_000 + "]" * 100_000, 1.0, "too_deep"),
        ("x" * (schema_validity.MAX_ANSWER_CHARS + 1), 1.0, "oversize"),
    ],
)
def test_text_is_read(text, value, reason):
    found = read(text)
    assert (found.value, found.reason) == (value, reason)


def test_deep_values_are_judged_or_called_too_deep():
    tree = {"$ref": "#/$defs/t", "$defs": {"t": {"type": "array", "items": {"$ref": "#/$defs/t"}}}}
    for depth in (10, 200, 500, 900):
        assert read("[" * depth + "]" * depth, schema=tree).reason in {"valid", "too_deep"}
    assert read("[" * 10 + "]" * 10, schema=tree).reason == "valid"


@pytest.mark.parametrize("text", ['{"city": "Bo', "", "{"])
def test_cut_off_answers_are_truncated(text):
    assert read(text, finish_reason="length").reason == "truncated"


def test_a_complete_answer_at_the_limit_is_valid():
    assert read('{"city": "Bonn"}', finish_reason="length").reason == "valid"
    assert read('{"city": 4}', finish_reason="length").reason == "schema_mismatch"


def test_json_object_mode_wants_an_object():
    request = Request(json_object=True)
    assert read("{}", request=request).reason == "valid"
    assert read("[]", request=request).reason == "schema_mismatch"
    assert read("{", request=request).value == 1.0


def test_boolean_schemas():
    assert read("[1]", schema=True).reason == "valid"
    assert read("[1]", schema=False).reason == "schema_mismatch"


def test_the_models_own_refusal_is_another_signals():
    assert read(None, refusal="no").reason == "refused"
    assert read("", refusal="no").value == 0.0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ('{"city": "Bonn"}', "valid"),
        ('{"city": "bonn"}', "tool_arguments_invalid"),
        ("[]", "tool_arguments_invalid"),
        ("", "tool_arguments_not_json"),
        ('{"city"', "tool_arguments_not_json"),
        ('{"a":' * 50_000, "too_deep"),
    ],
)
def test_tool_arguments_are_read(arguments, reason):
    found = call(arguments)
    assert found.reason == reason
    assert found.value == float(reason != "valid")


def test_tools_by_name():
    assert call("{}", name="rm").reason == "unknown_tool"
    assert call("{}", name="ping").reason == "valid"
    assert call('{"city', finish_reason="length").reason == "truncated"


def test_one_bad_call_among_several_is_bad():
    calls = (ToolCall("ping", "{}"), ToolCall("lookup", "{}"))
    assert read(request=Request(tools=TOOLS), tool_calls=calls).reason == "tool_arguments_invalid"


def test_tools_offered_and_not_used_is_not_bad():
    assert read("It is sunny.", request=Request(tools=TOOLS)).reason == "no_call"


def test_not_applicable_or_not_logged():
    assert read("x", request=Request(messages=(Message("user", "hi"),))) is None
    assert read(None) is None
    assert SIGNAL.read(Exchange()) is None
    assert SIGNAL.read(Exchange(Request(json_object=True))) is None
    assert read("{}", outcome=Outcome(failure=Failure.CANCELLED)) is None


def test_no_answer_is_a_failure():
    exchange = Exchange(Request(json_object=True), None, Outcome(status=503))
    assert SIGNAL.read(exchange).reason == "no_answer"
    assert read("", outcome=Outcome(status=200, failure=Failure.ABORT)).value == 1.0


@pytest.mark.parametrize(
    "schema",
    [
        {"type": 5},
        {"pattern": "(?=a)b"},
        {"$ref": "#/nowhere"},
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$ref": "file:///etc/hostname"},
        {"$schema": "https://example.test/own", "type": "object"},
        {"description": "x" * schema_validity.MAX_SCHEMA_BYTES},
        {"description": "\ud800"},
        {"enum": [object()]},
    ],
)
def test_a_schema_that_cannot_be_compiled_gives_no_reading(schema):
    assert read("{}", schema=schema) is None
    assert read("no json", schema=schema) is None
    assert read("x", request=Request(tools={"t": schema})) is None


def test_deep_schemas_do_not_crash():
    schema = {}
    for _ in range(50_000):
        schema = {"properties": {"a": schema}}
    assert read("{}", schema=schema) is None
    while schema:  # take it apart iteratively: freeing it recursively is the interpreter's business
        schema = schema["properties"]["a"]


def test_references_never_touch_the_network(monkeypatch):
    def forbidden(*_):
        raise AssertionError("network")

    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = server.getsockname()[1]
        assert read("{}", schema={"$ref": f"http://127.0.0.1:{port}/s.json"}) is None
        with pytest.raises(BlockingIOError):
            server.accept()


def test_patterns_take_linear_time():
    assert read('"' + "a" * 200_000 + '!"', schema={"pattern": "^(a+)+$"}).reason == "schema_mismatch"


def test_equal_schemas_compile_once():
    schema_validity._compile.cache_clear()
    for key in ("a", "b"):
        read("{}", schema={"type": "object", "required": []} | ({} if key == "a" else {"required": []}))
    read("{}", schema={"required": [], "type": "object"})
    assert schema_validity._compile.cache_info().misses == 1
    assert schema_validity._compile.cache_info().maxsize is not None
