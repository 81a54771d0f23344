"""OpenAI chat completions and legacy completions, as OpenAI, vLLM and their likes write them."""

from collections.abc import Iterable, Mapping
from typing import Any

from detectors.types import Answer, Message, Request, ToolCall
from monitor.intake.content import (
    amount,
    arguments,
    calls_of,
    count,
    finish,
    label,
    mean,
    messages,
    objects,
    record,
    schema_of,
    text_of,
    tools_of,
)
from monitor.intake.depth import decode_shallow
from monitor.intake.reasoning import asks_reasoning
from monitor.intake.reply import Reply

__all__ = ["format_of", "read_body", "read_chunks", "read_request"]


def read_request(body: Mapping[str, Any]) -> Request:
    """Read the body of a request. vLLM's ``guided_*`` fields are no schema: servers ignore them silently."""
    schema, json_object = format_of(body)
    return Request(
        messages=messages(body.get("messages")) if "messages" in body else _prompt(body.get("prompt")),
        response_schema=schema,
        json_object=json_object,
        tools=tools_of([*objects(body.get("functions")), *objects(body.get("tools"))]),
        max_tokens=next(
            (n for n in map(count, (body.get("max_completion_tokens"), body.get("max_tokens"))) if n is not None),
            None,
        ),
        stream=body.get("stream") is True,
        temperature=amount(body.get("temperature")),
        reasoning=asks_reasoning(body),
    )


def read_body(body: Mapping[str, Any]) -> Reply:
    """Read the body of a response: its first choice."""
    choice = _first(body.get("choices"))
    message = record(choice.get("message"))
    usage = record(body.get("usage"))
    text = choice.get("text") if "text" in choice else _content(message)
    refusal = message.get("refusal")
    reason = finish(choice.get("finish_reason"))
    answer = Answer(
        text=text if isinstance(text, str) else None,
        tool_calls=calls_of(message),
        finish_reason=reason,
        refusal=refusal if isinstance(refusal, str) else None,
        completion_tokens=count(usage.get("completion_tokens")),
        prompt_tokens=count(usage.get("prompt_tokens")),
        mean_logprob=mean(_logprobs(choice)),
    )
    return Reply(answer, label(body.get("model")), label(body.get("system_fingerprint")), reason == "error")


def read_chunks(chunks: Iterable[Mapping[str, Any]]) -> Reply:
    """Read the chunks of a stream; one that was cut off has no finish reason."""
    stream = _Stream()
    for chunk in chunks:
        stream.take(chunk)
    return stream.reply()


class _Stream:
    """The first choice of a stream as it builds up."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.refusal: list[str] = []
        self.names: dict[int, str] = {}
        self.arguments: dict[int, list[str]] = {}
        self.reason: str | None = None
        self.logprobs: list[Any] = []
        self.usage: Mapping[str, Any] = {}
        self.model: str | None = None
        self.fingerprint: str | None = None

    def take(self, chunk: Mapping[str, Any]) -> None:
        self.model = self.model or label(chunk.get("model"))
        self.fingerprint = self.fingerprint or label(chunk.get("system_fingerprint"))
        self.usage = record(chunk.get("usage")) or self.usage
        if chunk.get("error"):
            self.reason = "error"
        choice = _first(chunk.get("choices"))
        delta = record(choice.get("delta"))
        text = choice.get("text") if "text" in choice else text_of(delta.get("content"), "")
        if isinstance(text, str):
            self.text.append(text)
        if isinstance(refusal := delta.get("refusal"), str):
            self.refusal.append(refusal)
        if isinstance(delta.get("function_call"), dict):
            self._call(0, delta["function_call"])
        for place, call in enumerate(objects(delta.get("tool_calls"))):
            index = count(call.get("index"))
            self._call(place if index is None else index, record(call.get("function")))
        self.reason = finish(choice.get("finish_reason")) or self.reason
        self.logprobs.extend(_logprobs(choice))

    def _call(self, index: int, function: Mapping[str, Any]) -> None:
        name, given = function.get("name"), function.get("arguments")
        if isinstance(name, str) and name:
            self.names.setdefault(index, name)
        if given is not None:
            self.arguments.setdefault(index, []).append(arguments(given))

    def reply(self) -> Reply:
        calls = tuple(
            ToolCall(name, "".join(self.arguments.get(index, ()))) for index, name in sorted(self.names.items())
        )
        answer = Answer(
            text="".join(self.text),
            tool_calls=calls,
            finish_reason=self.reason,
            refusal="".join(self.refusal) or None,
            completion_tokens=count(self.usage.get("completion_tokens")),
            prompt_tokens=count(self.usage.get("prompt_tokens")),
            mean_logprob=mean(self.logprobs),
        )
        return Reply(answer, self.model, self.fingerprint, self.reason == "error")


def format_of(body: Mapping[str, Any]) -> tuple[Mapping[str, Any] | bool | None, bool]:
    """Return the schema asked for, and whether any JSON object was."""
    asked = record(body.get("response_format"))
    structured = record(body.get("structured_outputs"))
    if asked.get("type") == "json_schema":
        return schema_of(record(asked.get("json_schema")).get("schema")), False
    if asked.get("type") == "json_object":
        schema = asked.get("schema")
        return (schema, False) if isinstance(schema, dict) and schema else (None, True)
    if "json" in structured:
        return _structured_schema(structured["json"]), False
    return None, structured.get("json_object") is True


def _structured_schema(given: Any) -> Mapping[str, Any] | bool | None:
    """Return vLLM's ``structured_outputs.json``, which may be the schema or its text."""
    return schema_of(decode_shallow(given) if isinstance(given, str) else given)


def _prompt(prompt: Any) -> tuple[Message, ...]:
    """Return a legacy prompt as one user message; of a batch of prompts, the first; token ids are no text."""
    if isinstance(prompt, list):
        prompt = prompt[0] if prompt and isinstance(prompt[0], str) else None
    return (Message("user", prompt if isinstance(prompt, str) else None),)


def _first(choices: Any) -> Mapping[str, Any]:
    """Return the choice with index 0; without indices, the first."""
    return next((choice for choice in objects(choices) if choice.get("index") in (0, None)), {})


def _content(message: Mapping[str, Any]) -> str | None:
    """Return the text of an answer: null is an empty one, a field left out was not logged."""
    if "content" not in message:
        return "" if message.get("tool_calls") or message.get("refusal") else None
    return "" if message["content"] is None else text_of(message["content"], "")


def _logprobs(choice: Mapping[str, Any]) -> list[Any]:
    """Return what was logged of the tokens' log probabilities, in the spelling of chats or of completions."""
    logged = record(choice.get("logprobs"))
    if isinstance(logged.get("token_logprobs"), list):
        return list(logged["token_logprobs"])
    return [token.get("logprob") for token in objects(logged.get("content"))]
