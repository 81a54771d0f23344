"""Chat completions in their ordinary form, decoded straight into what signals read.

The decoder itself checks the types. Whatever is unusual in a body (another API, content in parts, an answer without
choices, a value of another type) makes it "not plain": ``openai_chat`` then reads it value by value, with the same
result for every body that both read. Of what nobody reads the decoder checks the grammar alone: a number beyond a
double is no fault there.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, TypeVar

import msgspec

from detectors.types import Answer, Message, Request, ToolCall
from monitor.intake.content import amount, count, finish, label, mean, objects, tools_of
from monitor.intake.openai_chat import format_of
from monitor.intake.reasoning import REASONING_FIELDS, asks_reasoning
from monitor.intake.reply import Reply

__all__ = ["plain_reply", "plain_request"]

ROLES: Final = frozenset({"system", "developer", "user", "assistant", "tool"})
_CACHED = 128
_MOST_CACHED_BYTES = 16_384
"""Tools and schemas come with request after request: those up to this size are decoded once."""
_Unset = msgspec.UnsetType
_UNSET = msgspec.UNSET


class _Function(msgspec.Struct, gc=False):
    name: str
    arguments: str | None = None


class _Call(msgspec.Struct, gc=False):
    function: _Function
    custom: msgspec.Raw | _Unset = _UNSET


class _Message(msgspec.Struct, gc=False):
    role: str
    content: str | None = None
    tool_calls: list[_Call] | None = None
    function_call: msgspec.Raw | _Unset = _UNSET


class _Request(msgspec.Struct, gc=False):
    messages: list[_Message]
    model: str | None = None
    response_format: msgspec.Raw | _Unset = _UNSET
    tools: msgspec.Raw | _Unset = _UNSET
    max_completion_tokens: int | float | None = None
    max_tokens: int | float | None = None
    temperature: int | float | None = None
    stream: bool | None = None
    functions: msgspec.Raw | _Unset = _UNSET
    structured_outputs: msgspec.Raw | _Unset = _UNSET
    reasoning_effort: msgspec.Raw | _Unset = _UNSET
    reasoning: msgspec.Raw | _Unset = _UNSET
    thinking: msgspec.Raw | _Unset = _UNSET
    enable_thinking: msgspec.Raw | _Unset = _UNSET
    think: msgspec.Raw | _Unset = _UNSET
    chat_template_kwargs: msgspec.Raw | _Unset = _UNSET
    # what only another API's requests have
    system: msgspec.Raw | _Unset = _UNSET
    anthropic_version: msgspec.Raw | _Unset = _UNSET
    output_format: msgspec.Raw | _Unset = _UNSET
    output_config: msgspec.Raw | _Unset = _UNSET


class _Said(msgspec.Struct, gc=False):
    content: str | _Unset | None = _UNSET
    refusal: str | None = None
    tool_calls: list[_Call] | None = None
    function_call: msgspec.Raw | _Unset = _UNSET


class _Token(msgspec.Struct, gc=False):
    logprob: float


class _Logprobs(msgspec.Struct, gc=False):
    content: list[_Token] | None = None
    token_logprobs: msgspec.Raw | _Unset = _UNSET


class _Choice(msgspec.Struct, gc=False):
    message: _Said
    index: int | None = None
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None
    text: msgspec.Raw | _Unset = _UNSET


class _Usage(msgspec.Struct, gc=False):
    prompt_tokens: int | float | None = None
    completion_tokens: int | float | None = None


class _Reply(msgspec.Struct, gc=False):
    choices: list[_Choice]
    model: str | None = None
    system_fingerprint: str | None = None
    usage: _Usage | None = None


REQUEST: Final = msgspec.json.Decoder(_Request)
REPLY: Final = msgspec.json.Decoder(_Reply)
_NO_USAGE: Final = _Usage()
_NO_LOGPROBS: Final = _Logprobs()
_RARE: Final = (
    "functions",
    "structured_outputs",
    "system",
    "anthropic_version",
    "output_format",
    "output_config",
)
_rare_fields: Final = attrgetter(*_RARE, *REASONING_FIELDS)
_NONE_OF_THEM: Final = (_UNSET,) * (len(_RARE) + len(REASONING_FIELDS))
_T = TypeVar("_T")


def plain_request(raw: msgspec.Raw) -> tuple[Request, str | None] | None:
    """Return a request and the model it asks for; None if the body is not plain."""
    try:
        body = REQUEST.decode(raw)
        tools = {} if body.tools is _UNSET else _once(_tools, body.tools)
        schema, json_object = (None, False) if body.response_format is _UNSET else _once(_format, body.response_format)
        rare = _rare_fields(body)
        reasoning = False if rare == _NONE_OF_THEM else _reasoning(rare)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    if tools is None or reasoning is None:
        return None
    messages = _messages(body.messages)
    if messages is None:
        return None
    most = count(body.max_completion_tokens)
    return (
        Request(
            messages,
            schema,
            json_object,
            tools,
            count(body.max_tokens) if most is None else most,
            body.stream is True,
            amount(body.temperature),
            reasoning,
        ),
        label(body.model),
    )


def plain_reply(raw: msgspec.Raw) -> Reply | None:
    """Return what a response says; None if the body is not plain."""
    try:
        body = REPLY.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    choice = body.choices[0] if body.choices else None
    if choice is None or choice.index not in {0, None} or choice.text is not _UNSET:
        return None
    logged = choice.logprobs or _NO_LOGPROBS
    said, usage = choice.message, body.usage or _NO_USAGE
    calls = _calls(said.tool_calls)
    if calls is None or said.function_call is not _UNSET or logged.token_logprobs is not _UNSET:
        return None
    text = said.content
    if text is _UNSET:
        text = "" if said.tool_calls or said.refusal else None
    elif text is None:
        text = ""
    reason = finish(choice.finish_reason)
    answer = Answer(
        text,
        calls,
        reason,
        said.refusal,
        count(usage.completion_tokens),
        count(usage.prompt_tokens),
        None if logged.content is None else mean([token.logprob for token in logged.content]),
    )
    return Reply(answer, label(body.model), label(body.system_fingerprint), reason == "error")


def _messages(found: list[_Message]) -> tuple[Message, ...] | None:
    messages = []
    for each in found:
        calls = _calls(each.tool_calls)
        if calls is None or each.role not in ROLES or each.function_call is not _UNSET:
            return None
        text = "" if each.content is None and each.tool_calls else each.content
        messages.append(Message(each.role, text, calls))
    return tuple(messages)


def _calls(found: list[_Call] | None) -> tuple[ToolCall, ...] | None:
    """Return the calls; None if one is of a custom tool."""
    if not found:
        return ()
    if any(call.custom is not _UNSET for call in found):
        return None
    return tuple([ToolCall(call.function.name, call.function.arguments or "") for call in found if call.function.name])


def _reasoning(rare: tuple[msgspec.Raw | _Unset, ...]) -> bool | None:
    """Tell whether reasoning is asked for; None if a field is there that is not plain."""
    others, told = rare[: len(_RARE)], rare[len(_RARE) :]
    if others != _NONE_OF_THEM[: len(_RARE)]:
        return None
    given = zip(REASONING_FIELDS, told, strict=True)
    return asks_reasoning({name: msgspec.json.decode(raw) for name, raw in given if raw is not _UNSET})


def _once(read: Callable[[bytes], _T], raw: msgspec.Raw) -> _T:
    """Read tools or a format, which come with request after request: small ones are remembered."""
    given = bytes(raw)
    return read(given) if len(given) <= _MOST_CACHED_BYTES else read.__wrapped__(given)  # type: ignore[attr-defined]


@lru_cache(maxsize=_CACHED)
def _tools(raw: bytes) -> Mapping[str, Mapping[str, Any] | None] | None:
    """Return the tools offered; None if they are not OpenAI's."""
    given = list(objects(msgspec.json.decode(raw)))
    return None if any("input_schema" in tool for tool in given) else tools_of(given)


@lru_cache(maxsize=_CACHED)
def _format(raw: bytes) -> tuple[Mapping[str, Any] | bool | None, bool]:
    return format_of({"response_format": msgspec.json.decode(raw)})
