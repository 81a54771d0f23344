"""Which requests turn reasoning on, in every spelling, by both ways of reading a body."""

import msgspec
import pytest

from monitor.intake.completions import read_request
from monitor.intake.plain_chat import plain_request
from monitor.intake.reasoning import asks_reasoning

ON = [
    {"reasoning_effort": "low"},
    {"reasoning_effort": "minimal"},
    {"reasoning": {"effort": "high", "summary": "auto"}},
    {"reasoning": {"enabled": True}},
    {"reasoning": {"max_tokens": 2000}},
    {"reasoning": True},
    {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    {"thinking": {"type": "adaptive"}},
    {"enable_thinking": True},
    {"think": True},
    {"think": "high"},
    {"chat_template_kwargs": {"enable_thinking": True}},
    {"chat_template_kwargs": {"thinking": True, "lang": "de"}},
    {"chat_template_kwargs": {"reasoning_effort": "high"}},
]
OFF = [
    {},
    {"reasoning_effort": "none"},
    {"reasoning_effort": None},
    {"reasoning_effort": ""},
    {"reasoning": {"effort": "none"}},
    {"reasoning": {"enabled": False, "effort": "high"}},
    {"reasoning": {"effort": 3}},
    {"reasoning": {}},
    {"reasoning": []},
    {"thinking": {"type": "disabled"}},
    {"enable_thinking": False},
    {"think": 1},
    {"chat_template_kwargs": {"enable_thinking": False}},
    {"chat_template_kwargs": {"enable_thinking": {"enabled": True}}},
    {"chat_template_kwargs": "x"},
    {"chat_template_kwargs": {}},
]


@pytest.mark.parametrize(("fields", "asks"), [*((one, True) for one in ON), *((one, False) for one in OFF)])
def test_reasoning_is_told_by_the_request(fields, asks):
    assert asks_reasoning(fields) is asks
    said = [{"role": "user", "content": "a"}]
    chat = {"messages": said, **fields}
    for body in (chat, {"input": said, **fields}, {"system": "b", "messages": said, **fields}):
        assert read_request(body).reasoning is asks
    read = plain_request(msgspec.Raw(msgspec.json.encode(chat)))
    assert read is not None
    assert read[0].reasoning is asks
