"""What the demo's model servers answer when they are well: text, JSON that fits a schema, tool calls, refusals."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from monitor.demo.scenarios import BULLETS, DELICATE, number_in
from monitor.demo.sentences import OPENINGS, REFUSALS, SENTENCES, WORDS
from monitor.intake.language import language_of

__all__ = [
    "Answer",
    "asked_number",
    "asks_bullets",
    "call_tool",
    "calls_made",
    "compose",
    "encode",
    "is_delicate",
    "kind_of",
    "language_asked",
    "prose",
    "refuse",
    "said",
    "schema_of",
    "value_for",
]

_CHARS_PER_TOKEN = 4
_MOST_CALLS = 2
_CALL_AGAIN = 0.2
_SURE = (0.30, 0.04)
"""Nats per token: mean over answers, and how much answers differ."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An assistant message, why it ended, how many tokens it took and how much they surprised the model."""

    message: dict[str, Any]
    finish_reason: str
    tokens: int
    surprise: float = _SURE[0]
    """Nats per token."""

    @property
    def text(self) -> str:
        """What is streamed: the content, or the arguments of the tool call."""
        calls = self.message.get("tool_calls")
        return str(calls[0]["function"]["arguments"] if calls else self.message["content"])


def kind_of(request: Mapping[str, Any]) -> str:
    """Tell what a request asks for: ``structured``, ``tools`` or ``chat``."""
    response_format = request.get("response_format")
    if isinstance(response_format, dict) and response_format.get("type") == "json_schema":
        return "structured"
    return "tools" if request.get("tools") else "chat"


def schema_of(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema that a structured request asks for."""
    schema: Mapping[str, Any] = request["response_format"]["json_schema"]["schema"]
    return schema


def calls_made(request: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the tool calls since the user's last turn: an agent's steps so far."""
    made: list[Mapping[str, Any]] = []
    for message in request["messages"]:
        made = [] if message["role"] == "user" else [*made, *(message.get("tool_calls") or ())]
    return made


def asked_number(request: Mapping[str, Any]) -> str | None:
    """Return the number that the request is about: the one the user named last."""
    return next((number for text in _turns(request) if (number := number_in(text))), None)


def asks_bullets(request: Mapping[str, Any]) -> bool:
    """Tell whether the user's last turn asks for a list."""
    return BULLETS in _last_turn(request)


def is_delicate(request: Mapping[str, Any]) -> bool:
    """Tell whether the user's last turn asks for what the models decline."""
    return DELICATE in _last_turn(request)


def language_asked(request: Mapping[str, Any]) -> str:
    """Return the language of the user's last turn, as far as the models speak it."""
    found = language_of(_last_turn(request))
    return found if found is not None and found in SENTENCES else "en"


def compose(request: Mapping[str, Any], rng: random.Random) -> Answer:
    """Return a good answer to a request; equal generators give equal answers."""
    surprise = abs(rng.gauss(*_SURE))
    return replace(_compose(request, rng), surprise=surprise)


def _compose(request: Mapping[str, Any], rng: random.Random) -> Answer:
    kind = kind_of(request)
    if kind == "structured":
        return said(encode(value_for(schema_of(request), rng)))
    if kind == "tools":
        return _step(request, rng)
    if is_delicate(request):
        return refuse(rng)
    return said(_advice(request, rng))


def _step(request: Mapping[str, Any], rng: random.Random) -> Answer:
    """Call a tool for the user; with its result say what was found, or call once more for something else."""
    made = len(calls_made(request))
    if not made or (made < _MOST_CALLS and rng.random() < _CALL_AGAIN):
        return call_tool(rng.choice(request["tools"])["function"], rng)
    return said(f"Here is what I found: {prose('en', rng.randint(1, 3), rng)}")


def _advice(request: Mapping[str, Any], rng: random.Random) -> str:
    language, number = language_asked(request), asked_number(request)
    opening = OPENINGS[language].format(number=number) if number else ""
    if asks_bullets(request):
        return opening + "\n" + "\n".join(f"- {each}" for each in rng.sample(SENTENCES["en"], rng.randint(3, 6)))
    return opening + prose(language, rng.randint(2, 7), rng)


def prose(language: str, sentences: int, rng: random.Random) -> str:
    """Return so many different sentences."""
    return " ".join(rng.sample(SENTENCES[language], sentences))


def value_for(schema: Mapping[str, Any], rng: random.Random) -> Any:
    """Return a random value that satisfies a schema of the simple sort that the demo uses."""
    if "enum" in schema:
        return rng.choice(schema["enum"])
    return _typed(schema, rng)


def _typed(schema: Mapping[str, Any], rng: random.Random) -> Any:
    match schema.get("type"):
        case "object":
            return {name: value_for(part, rng) for name, part in schema.get("properties", {}).items()}
        case "array":
            count = rng.randint(schema.get("minItems", 0), schema.get("maxItems", 3))
            return [value_for(schema.get("items", {}), rng) for _ in range(count)]
        case "integer":
            return rng.randint(schema.get("minimum", 0), schema.get("maximum", 100))
        case "number":
            return round(rng.uniform(schema.get("minimum", 0), schema.get("maximum", 500)), 2)
        case "boolean":
            return rng.choice((True, False))
        case _:
            return _string(schema, rng)


def refuse(rng: random.Random) -> Answer:
    """Return a refusal."""
    return said(rng.choice(REFUSALS))


def said(text: str, finish_reason: str = "stop") -> Answer:
    """Return an answer of text."""
    message = {"role": "assistant", "content": text}
    return Answer(message, finish_reason, max(1, len(text) // _CHARS_PER_TOKEN))


def call_tool(function: Mapping[str, Any], rng: random.Random, arguments: str | None = None) -> Answer:
    """Return a call of a tool, with good arguments unless others are given."""
    if arguments is None:
        arguments = encode(value_for(function["parameters"], rng))
    call = {
        "id": f"call_{rng.getrandbits(64):016x}",
        "type": "function",
        "function": {"name": function["name"], "arguments": arguments},
    }
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return Answer(message, "tool_calls", 12 + len(arguments) // _CHARS_PER_TOKEN)


def encode(value: Any) -> str:
    """Return a value as JSON."""
    return msgspec.json.encode(value).decode()


def _string(schema: Mapping[str, Any], rng: random.Random) -> str:
    if schema.get("format") == "date":
        return f"2026-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    return " ".join(rng.sample(WORDS, rng.randint(1, 3)))


def _last_turn(request: Mapping[str, Any]) -> str:
    return next(_turns(request), "")


def _turns(request: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the user said, the latest first."""
    for message in reversed(request["messages"]):
        if message["role"] == "user":
            yield str(message.get("content") or "")
