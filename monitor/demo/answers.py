"""What the demo's model servers answer: text, JSON that fits a schema, tool calls; and the same broken."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

__all__ = ["Answer", "break_structure", "compose", "kind_of", "refuse", "value_for"]

_CHARS_PER_TOKEN = 4

_SENTENCES = (
    "Start with the simplest check and write down what you see before you change anything.",
    "Most cases are settled within two working days once the receipt is attached.",
    "A soft cloth and lukewarm water are enough; strong cleaners damage the surface.",
    "If the light stays green for a minute, the connection is stable and you can go on.",
    "Keep the original box, because it makes a return faster and cheaper for both sides.",
    "The colleague on site can compare the serial number with the one on the invoice.",
    "It helps to turn the device off, wait half a minute, and turn it on again.",
    "The workshop opens at nine and takes small repairs without an appointment.",
    "After the update the menu moves to the left and the old shortcut keeps working.",
    "Please check the seal first; a worn one explains both the noise and the leak.",
    "Two of the three parts are in stock and the last one follows at the end of the week.",
    "You can split the payment, and the second half is due when the parcel has arrived.",
    "Charge the battery fully once a month, even when it is not in use.",
    "The warranty runs for two years from the date printed on the delivery note.",
)
_REFUSALS = (
    "I'm sorry, but I can't help with that request.",
    "I'm sorry, but I cannot assist with that.",
    "I'm unable to help with this request, as it goes against my guidelines.",
    "As an AI language model, I cannot provide an answer to that.",
)
_WORDS = (
    "kettle",
    "invoice",
    "delivery",
    "repair",
    "green label",
    "north gate",
    "second shift",
    "spare part",
    "weekly check",
    "return box",
    "Ines",
    "Pavel",
    "Marta",
    "Jonas",
)
_WRONG: Mapping[str, Any] = {
    "string": 17,
    "integer": "about seven",
    "number": "unknown",
    "boolean": "yes",
    "array": "none",
    "object": [],
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An assistant message, why it ended and how many tokens it took."""

    message: dict[str, Any]
    finish_reason: str
    tokens: int

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


def compose(request: Mapping[str, Any], rng: random.Random) -> Answer:
    """Return a good answer to a request; equal generators give equal answers."""
    kind = kind_of(request)
    if kind == "structured":
        schema = request["response_format"]["json_schema"]["schema"]
        return _said(_json(value_for(schema, rng)))
    if kind == "tools":
        return _tool_call(rng.choice(request["tools"])["function"], rng)
    return _said(" ".join(rng.sample(_SENTENCES, rng.randint(2, 7))))


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


def break_structure(answer: Answer, schema: Mapping[str, Any], rng: random.Random) -> Answer:
    """Return the answer cut short, with one value of a wrong type, or with prose around it."""
    text = answer.text
    match rng.choice(("truncated", "wrong type", "prose")):
        case "truncated":
            return _said(text[: int(len(text) * rng.uniform(0.4, 0.9))], "length")
        case "wrong type":
            value = msgspec.json.decode(text)
            name = rng.choice(schema["required"])
            value[name] = _WRONG[schema["properties"][name]["type"]]
            return _said(_json(value))
        case _:
            return _said(f"Sure! Here is the JSON you asked for:\n\n{text}\n\nShall I go on?")


def refuse(rng: random.Random) -> Answer:
    """Return a refusal."""
    return _said(rng.choice(_REFUSALS))


def _said(text: str, finish_reason: str = "stop") -> Answer:
    message = {"role": "assistant", "content": text}
    return Answer(message, finish_reason, max(1, len(text) // _CHARS_PER_TOKEN))


def _tool_call(function: Mapping[str, Any], rng: random.Random) -> Answer:
    arguments = _json(value_for(function["parameters"], rng))
    call = {
        "id": f"call_{rng.getrandbits(64):016x}",
        "type": "function",
        "function": {"name": function["name"], "arguments": arguments},
    }
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return Answer(message, "tool_calls", 12 + len(arguments) // _CHARS_PER_TOKEN)


def _string(schema: Mapping[str, Any], rng: random.Random) -> str:
    if schema.get("format") == "date":
        return f"2026-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    return " ".join(rng.sample(_WORDS, rng.randint(1, 3)))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
