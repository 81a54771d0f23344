import json

import pytest

from detectors.types import Answer, Message, Request, ToolCall
from monitor.intake.completions import read_answer, read_reply, read_request, read_stream, read_stream_reply

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def sse(*chunks, done=True):
    text = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
    return text + "data: [DONE]\n\n" if done else text


def delta(finish=None, **fields):
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def test_a_chat_request():
    body = {
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "a"},
                    {"type": "image_url"},
                    {"type": "text", "text": "b"},
                ],
            },
            {"role": "assistant", "content": None, "tool_calls": [{}]},
            {"role": "tool", "content": "4"},
            {"role": "user"},
        ],
        "response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}},
        "tools": [
            {"type": "function", "function": {"name": "add", "parameters": SCHEMA}},
            {"function": {"name": "now"}},
        ],
        "functions": [{"name": "old", "parameters": {}}],
        "max_tokens": 5,
        "max_completion_tokens": 7,
        "stream": True,
    }
    assert read_request(body) == Request(
        messages=(
            Message("developer", "Be brief."),
            Message("user", "a\nb"),
            Message("assistant", ""),
            Message("tool", "4"),
            Message("user", None),
        ),
        response_schema=SCHEMA,
        tools={"add": SCHEMA, "now": None, "old": {}},
        max_tokens=7,
        stream=True,
    )


@pytest.mark.parametrize(
    ("fields", "schema", "json_object"),
    [
        ({"response_format": {"type": "json_object"}}, None, True),
        ({"response_format": {"type": "json_object", "schema": SCHEMA}}, SCHEMA, False),
        ({"response_format": {"type": "text"}}, None, False),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": True}}}, True, False),
        ({"response_format": {"type": "json_schema"}}, None, False),
        ({"structured_outputs": {"json": SCHEMA}}, SCHEMA, False),
        ({"structured_outputs": {"json": json.dumps(SCHEMA)}}, SCHEMA, False),
        ({"structured_outputs": {"json": "{" * 5000}}, None, False),
        ({"structured_outputs": {"json_object": True}}, None, True),
        ({"guided_json": SCHEMA}, None, False),
    ],
)
def test_schemas_that_count(fields, schema, json_object):
    request = read_request({"messages": [], **fields})
    assert (request.response_schema, request.json_object) == (schema, json_object)


@pytest.mark.parametrize(("prompt", "text"), [("Say", "Say"), (["Say", "Sing"], "Say"), ([1, 2], None), (None, None)])
def test_a_legacy_request(prompt, text):
    assert read_request({"prompt": prompt, "max_tokens": 3}).messages == (Message("user", text),)


def test_a_responses_request():
    body = {
        "instructions": "Be brief.",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
            {"type": "function_call", "name": "add", "arguments": "{}"},
            {"type": "function_call_output", "output": "4"},
        ],
        "text": {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}},
        "tools": [{"type": "function", "name": "add", "parameters": SCHEMA}, {"type": "web_search"}],
        "max_output_tokens": 9,
    }
    assert read_request(body) == Request(
        (Message("system", "Be brief."), Message("user", "Hi"), Message("tool", "4")),
        SCHEMA,
        False,
        {"add": SCHEMA},
        9,
    )
    assert read_request({"input": "Hi"}).messages == (Message("user", "Hi"),)


def test_an_anthropic_request():
    body = {
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "user", "content": [{"type": "tool_result", "content": "4"}]},
        ],
        "tools": [{"name": "add", "input_schema": SCHEMA}],
        "output_format": {"type": "json_schema", "schema": SCHEMA},
        "max_tokens": 9,
    }
    request = read_request(body)
    assert request.messages[:2] == (Message("system", "Be brief."), Message("user", "Hi"))
    assert request.messages[2].role == "tool"
    assert (request.tools, request.response_schema, request.max_tokens) == ({"add": SCHEMA}, SCHEMA, 9)


CALL = {"function": {"name": "add", "arguments": '{"a":'}}
ANSWERS = [
    ({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}, Answer("Hi", (), "stop")),
    ({"choices": [{"message": {"content": None}}]}, Answer("")),
    ({"choices": [{"message": {}}]}, Answer(None)),
    (
        {"choices": [{"index": 1, "message": {"content": "b"}}, {"index": 0, "message": {"content": "a"}}]},
        Answer("a"),
    ),
    ({"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"text": "b"}]}}]}, Answer("ab")),
    ({"choices": [{"message": {"refusal": "No."}}]}, Answer("", refusal="No.")),
    (
        {"choices": [{"message": {"tool_calls": [CALL]}, "finish_reason": "tool_call"}]},
        Answer("", (ToolCall("add", '{"a":'),), "tool_calls"),
    ),
    (
        {"choices": [{"message": {"tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}}]},
        Answer("", (ToolCall("f", '{"a":1}'),)),
    ),
    (
        {
            "choices": [
                {
                    "message": {"content": None, "function_call": {"name": "f", "arguments": "{}"}},
                    "finish_reason": "function_call",
                }
            ]
        },
        Answer("", (ToolCall("f", "{}"),), "tool_calls"),
    ),
    (
        {
            "choices": [{"text": "Hi", "finish_reason": "length"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 4},
        },
        Answer("Hi", (), "length", None, 4, 3),
    ),
    (
        {
            "output": [
                {"type": "reasoning"},
                {
                    "type": "message",
                    "content": [{"type": "output_text", "text": "a"}, {"type": "output_text", "text": "b"}],
                },
            ],
            "status": "completed",
            "usage": {"input_tokens": 3, "output_tokens": 4},
        },
        Answer("ab", (), "stop", None, 4, 3),
    ),
    (
        {"output": [{"type": "function_call", "name": "f", "arguments": "{}"}], "status": "completed"},
        Answer("", (ToolCall("f", "{}"),), "tool_calls"),
    ),
    (
        {"output": [{"content": [{"type": "refusal", "refusal": "No."}]}], "status": "completed"},
        Answer("", (), "stop", "No."),
    ),
    (
        {"output": [], "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
        Answer("", (), "length"),
    ),
    ({"output": [], "status": "failed", "error": {"code": "x"}}, Answer("", (), "error")),
    ({"output": [], "status": "cancelled"}, Answer("", (), "abort")),
    (
        {
            "content": [
                {"type": "text", "text": "a"},
                {"type": "tool_use", "name": "f", "input": {"a": "ü"}},
            ],
            "stop_reason": "tool_use",
            "usage": {"input_tokens": 3, "cache_read_input_tokens": 2, "output_tokens": 4},
        },
        Answer("a", (ToolCall("f", '{"a":"ü"}'),), "tool_calls", None, 4, 5),
    ),
    (
        {"content": [{"type": "text", "text": "No."}], "stop_reason": "refusal"},
        Answer("No.", (), "content_filter", "No."),
    ),
    ({"content": [], "stop_reason": "end_turn"}, Answer("", (), "stop")),
    ({"content": [], "stop_reason": "refusal"}, Answer("", (), "content_filter", "refusal")),
    ({"error": {"message": "overloaded"}}, None),
    ({"type": "error", "error": {"type": "overloaded_error"}}, None),
    ({}, None),
    ({"choices": []}, None),
]


@pytest.mark.parametrize(("body", "answer"), ANSWERS)
def test_answers(body, answer):
    assert read_answer(body) == answer


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter", "error", "abort", "repetition", "weird"])
def test_reasons_that_are_kept(reason):
    assert read_answer({"choices": [{"finish_reason": reason}]}).finish_reason == reason


@pytest.mark.parametrize(
    ("reason", "name"), [("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length")]
)
def test_reasons_that_are_renamed(reason, name):
    assert read_answer({"content": [], "stop_reason": reason}).finish_reason == name


@pytest.mark.parametrize("reason", [5, "", "x" * 300, "a\nb", None, []])
def test_reasons_that_are_none(reason):
    assert read_answer({"choices": [{"finish_reason": reason}]}).finish_reason is None


@pytest.mark.parametrize("wrong", [None, 5, "text", [], {}, [5], [None], [[]], {"a": 1}, True, 10**30])
@pytest.mark.parametrize(
    "name",
    [
        "messages",
        "prompt",
        "input",
        "tools",
        "functions",
        "response_format",
        "max_tokens",
        "stream",
        "text",
        "system",
    ],
)
def test_wrong_types_in_a_request_are_passed_over(name, wrong):
    for other in ({}, {"messages": [{"role": "user", "content": "Hi"}]}, {"input": "Hi"}):
        assert isinstance(read_request({**other, name: wrong}), Request)


@pytest.mark.parametrize("wrong", [None, 5, "text", [], {}, [5], [None], [[]], {"a": 1}, True, 10**30])
def test_wrong_types_in_a_response_are_passed_over(wrong):
    for body in (
        {"choices": wrong},
        {"choices": [wrong]},
        {"choices": [{"index": wrong, "message": wrong, "finish_reason": wrong}]},
        {"choices": [{"message": {"content": wrong, "tool_calls": wrong, "refusal": wrong}}], "usage": wrong},
        {"choices": [{"message": {"tool_calls": [{"function": {"name": "f", "arguments": wrong}}]}}]},
        {"output": wrong, "status": wrong, "incomplete_details": wrong},
        {"output": [{"type": wrong, "content": wrong, "name": wrong}], "status": "incomplete"},
        {"content": wrong, "stop_reason": wrong, "usage": {"input_tokens": wrong}},
        {"content": [{"type": "tool_use", "name": "f", "input": wrong}]},
    ):
        read_answer(body)
        read_stream(sse(body, delta(content="x"), body))
        read_stream(sse(delta(content=wrong, tool_calls=wrong, function_call=wrong), {"usage": wrong, **delta()}))
        read_stream(sse({"type": "message_start", "message": wrong}, {"type": "message_delta", "delta": wrong}))
        read_stream(
            sse(
                {"type": "response.created", "response": wrong},
                {"type": wrong, "delta": wrong, "item": wrong},
            )
        )


CHAT_STREAM = (
    {"model": "m", "system_fingerprint": "fp", **delta(role="assistant", content="")},
    delta(content="Hé"),
    delta(content="llo"),
    delta("stop"),
    {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
)


def test_a_chat_stream():
    reply = read_stream_reply(sse(*CHAT_STREAM))
    assert reply.answer == Answer("Héllo", (), "stop", None, 2, 3)
    assert (reply.model, reply.system_fingerprint, reply.failed) == ("m", "fp", False)


@pytest.mark.parametrize("text", [sse(*CHAT_STREAM).replace("\n", "\r\n"), sse(*CHAT_STREAM).replace("\n\n", "\n")])
def test_line_ends_of_a_stream(text):
    assert read_stream(text).text == "Héllo"


def test_a_stream_that_was_cut_off():
    text = sse(*CHAT_STREAM)
    cut = text[: text.index("llo") + 1]
    assert read_stream(cut) == Answer("Hé")
    for end in range(len(text)):
        read_stream(text[:end])


def test_a_stream_with_tool_calls_and_a_refusal():
    answer = read_stream(
        sse(
            delta(tool_calls=[{"index": 0, "function": {"name": "f", "arguments": ""}}]),
            delta(tool_calls=[{"index": 1, "function": {"name": "g", "arguments": "{}"}}]),
            delta(tool_calls=[{"index": 0, "function": {"arguments": '{"a"'}}]),
            delta(tool_calls=[{"index": 0, "function": {"arguments": ":1}"}}]),
            delta("tool_calls", refusal="No."),
            {"choices": [{"index": 1, "delta": {"content": "other choice"}}]},
        )
    )
    assert answer == Answer("", (ToolCall("f", '{"a":1}'), ToolCall("g", "{}")), "tool_calls", "No.")


def test_an_error_inside_a_stream():
    reply = read_stream_reply(sse(delta(content="Hal"), {"error": {"message": "engine died"}}))
    assert reply.answer == Answer("Hal", (), "error")
    assert reply.failed


def test_a_legacy_stream():
    assert read_stream(
        sse({"choices": [{"text": "a"}]}, {"choices": [{"text": "b", "finish_reason": "length"}]})
    ) == Answer("ab", (), "length")


ANTHROPIC_STREAM = (
    {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 3, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
    {
        "type": "content_block_start",
        "index": 1,
        "content_block": {"type": "tool_use", "name": "f", "input": {}},
    },
    {
        "type": "content_block_delta",
        "index": 1,
        "delta": {"type": "input_json_delta", "partial_json": '{"a":'},
    },
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "1}"}},
    {
        "type": "content_block_start",
        "index": 2,
        "content_block": {"type": "tool_use", "name": "g", "input": {}},
    },
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}},
    {"type": "message_stop"},
)


def test_an_anthropic_stream():
    reply = read_stream_reply(sse(*ANTHROPIC_STREAM, done=False))
    assert reply.answer == Answer("Hi", (ToolCall("f", '{"a":1}'), ToolCall("g", "{}")), "tool_calls", None, 9, 3)
    assert reply.model == "m"


def test_an_anthropic_stream_that_was_cut_off_or_failed():
    assert read_stream(sse(*ANTHROPIC_STREAM[:4], done=False)) == Answer("Hi", (), None, None, 1, 3)
    failed = read_stream_reply(sse(*ANTHROPIC_STREAM[:4], {"type": "error", "error": {}}, done=False))
    assert failed.failed
    assert failed.answer.finish_reason == "error"


RESPONSES_STREAM = (
    {"type": "response.created", "response": {"model": "m", "status": "in_progress", "output": []}},
    {"type": "response.output_item.added", "output_index": 0, "item": {"type": "function_call", "name": "f"}},
    {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "{}"},
    {"type": "response.output_text.delta", "output_index": 1, "delta": "Hi"},
    {"type": "response.refusal.delta", "output_index": 1, "delta": "No."},
)


def test_a_responses_stream():
    body = {
        "model": "m",
        "status": "completed",
        "output": [{"content": [{"type": "output_text", "text": "Hi"}]}],
    }
    whole = sse(*RESPONSES_STREAM, {"type": "response.completed", "response": body})
    assert read_stream(whole) == Answer("Hi", (), "stop")
    cut = read_stream_reply(sse(*RESPONSES_STREAM, done=False))
    assert cut.answer == Answer("Hi", (ToolCall("f", "{}"),), None, "No.")
    assert cut.model == "m"


@pytest.mark.parametrize(
    "text", ["", "rubbish", ": comment\n\n", "data: [DONE]\n\n", 'data: {"x":1}\n\n', "data: {\n\n", "{"]
)
def test_streams_without_an_answer(text):
    assert read_stream(text) is None


def test_a_plain_body_in_place_of_a_stream():
    assert read_stream('{"choices":[{"message":{"content":"Hi"}}]}').text == "Hi"
    assert read_stream_reply('data: {"error":{"message":"no"}}\n\n').failed


def test_who_answered():
    reply = read_reply({"choices": [{"message": {}}], "model": "m", "system_fingerprint": "fp"})
    assert (reply.model, reply.system_fingerprint) == ("m", "fp")
    assert read_reply({"choices": [{"message": {}}], "model": "m\0"}).model is None
