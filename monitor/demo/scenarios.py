"""What the demo's users ask: prompts, schemas and tools of the conversations."""

import random
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["KINDS", "SCHEMAS", "TOOLS", "first_prompt", "follow_up", "request_parts"]

KINDS: Mapping[str, float] = {"structured": 0.5, "chat": 0.3, "tools": 0.2}
"""Kinds of conversation and their shares."""


def _object(**properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_TEXT = {"type": "string"}
_LINES = {
    "type": "array",
    "minItems": 1,
    "maxItems": 3,
    "items": _object(
        item=_TEXT,
        quantity={"type": "integer", "minimum": 1, "maximum": 40},
        price={"type": "number", "minimum": 0},
    ),
}

SCHEMAS: Mapping[str, dict[str, Any]] = {
    "ticket": _object(
        category={"type": "string", "enum": ["billing", "delivery", "login", "defect", "other"]},
        priority={"type": "integer", "minimum": 1, "maximum": 5},
        summary=_TEXT,
        needs_human={"type": "boolean"},
        tags={"type": "array", "minItems": 1, "maxItems": 4, "items": _TEXT},
    ),
    "invoice": _object(
        number=_TEXT,
        date={"type": "string", "format": "date"},
        currency={"type": "string", "enum": ["EUR", "USD", "GBP"]},
        total={"type": "number", "minimum": 0},
        lines=_LINES,
    ),
    "review": _object(
        sentiment={"type": "string", "enum": ["positive", "neutral", "negative"]},
        score={"type": "number", "minimum": 0, "maximum": 1},
        aspects={
            "type": "array",
            "minItems": 1,
            "maxItems": 3,
            "items": _object(aspect=_TEXT, liked={"type": "boolean"}),
        },
    ),
    "meeting": _object(
        title=_TEXT,
        date={"type": "string", "format": "date"},
        minutes={"type": "integer", "minimum": 15, "maximum": 180},
        attendees={"type": "array", "minItems": 1, "maxItems": 5, "items": _TEXT},
        online={"type": "boolean"},
    ),
}
"""JSON Schemas that structured conversations ask for, by name."""


def _tool(name: str, description: str, **properties: Mapping[str, Any]) -> dict[str, Any]:
    function = {"name": name, "description": description, "parameters": _object(**properties)}
    return {"type": "function", "function": function}


TOOLS: tuple[dict[str, Any], ...] = (
    _tool("order_status", "Look up where an order is.", order=_TEXT, include_history={"type": "boolean"}),
    _tool(
        "search_trains",
        "Find trains between two cities.",
        origin=_TEXT,
        destination=_TEXT,
        date={"type": "string", "format": "date"},
        passengers={"type": "integer", "minimum": 1, "maximum": 6},
    ),
    _tool(
        "create_reminder",
        "Remind the user of something.",
        title=_TEXT,
        date={"type": "string", "format": "date"},
        repeat={"type": "string", "enum": ["never", "daily", "weekly"]},
    ),
)
"""Tools that tool conversations offer."""

_STRUCTURED: Mapping[str, str] = {
    "ticket": "Classify message {n}: the parcel to {place} arrived {state} and the {thing} does not work.",
    "invoice": "Extract invoice {n} from {place}: a {thing}, delivered {state}, payable within thirty days.",
    "review": "Judge review {n} from {place}: the {thing} is {state}, and the service was quick.",
    "meeting": "Read mail {n}: shall we meet in {place} about the {thing}? It is {state} and needs an hour.",
}
_CHAT: tuple[str, ...] = (
    "How do I look after a {state} {thing}? I bought it in {place}, receipt {n}.",
    "Explain to a colleague in {place} why our {thing} is {state}; the case number is {n}.",
    "Write a short note for customer {n} in {place} about the {state} {thing}.",
)
_TOOL: tuple[str, ...] = (
    "Where is order {n} with the {thing} that goes to {place}?",
    "I need a train to {place} for {n} reasons, one of them a {state} {thing}.",
    "Remind me about the {state} {thing} in {place}, reference {n}.",
)
_FOLLOW_UPS: tuple[str, ...] = (
    "Thanks. And now the same for number {n}, the {state} {thing}.",
    "Good. What changes if it is the {thing} from {place}, number {n}?",
    "Next one: {n}, {place}, a {state} {thing}.",
)
_PLACES = ("Lyon", "Porto", "Graz", "Turku", "Leeds", "Ghent", "Bergen", "Kraków", "Basel", "Bilbao")
_THINGS = ("kettle", "bicycle", "headset", "router", "lamp", "camera", "blender", "printer", "drill", "tent")
_STATES = ("scratched", "unopened", "late", "repaired", "brand-new", "wet", "incomplete", "reliable")


def _fill(template: str, rng: random.Random) -> str:
    return template.format(
        n=rng.randrange(10_000, 99_999),
        place=rng.choice(_PLACES),
        thing=rng.choice(_THINGS),
        state=rng.choice(_STATES),
    )


def request_parts(kind: str, rng: random.Random) -> tuple[str, dict[str, Any]]:
    """Choose a topic of that kind and what a request about it carries beside its messages."""
    return _PARTS[kind](rng)


def _structured_parts(rng: random.Random) -> tuple[str, dict[str, Any]]:
    name = rng.choice(list(SCHEMAS))
    json_schema = {"name": name, "strict": True, "schema": SCHEMAS[name]}
    return name, {"response_format": {"type": "json_schema", "json_schema": json_schema}}


def _tool_parts(rng: random.Random) -> tuple[str, dict[str, Any]]:
    return rng.choice(_TOOL), {"tools": list(TOOLS), "tool_choice": "required"}


def _chat_parts(rng: random.Random) -> tuple[str, dict[str, Any]]:
    return rng.choice(_CHAT), {}


_PARTS: Mapping[str, Callable[[random.Random], tuple[str, dict[str, Any]]]] = {
    "structured": _structured_parts,
    "chat": _chat_parts,
    "tools": _tool_parts,
}


def first_prompt(topic: str, rng: random.Random) -> str:
    """Return the first thing a user says about a topic."""
    return _fill(_STRUCTURED.get(topic, topic), rng)


def follow_up(rng: random.Random) -> str:
    """Return what a user says in a later turn."""
    return _fill(rng.choice(_FOLLOW_UPS), rng)
