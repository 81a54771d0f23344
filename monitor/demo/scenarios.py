"""What the demo's users ask: prompts, schemas and tools of the conversations, as data."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monitor.demo.sentences import SENTENCES

__all__ = [
    "BULLETS",
    "DELICATE",
    "KINDS",
    "LONG_CHARS",
    "SCENARIOS",
    "SCHEMAS",
    "TOOLS",
    "Scenario",
    "first_prompt",
    "follow_up",
    "number_in",
    "request_parts",
]

LONG_CHARS = 9_000
"""Characters of material before the question of a long prompt: beyond the slice ``prompt:8k``."""
BULLETS = "as a bulleted list"
"""How users ask for a list."""
DELICATE = "threatening letter"
"""What the models decline to write."""
_NUMBER = re.compile(r"\b\d{5}\b")


def _object(**properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_TEXT = {"type": "string"}
_DATE = {"type": "string", "format": "date"}
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
_ASPECTS = {
    "type": "array",
    "minItems": 1,
    "maxItems": 3,
    "items": _object(aspect=_TEXT, liked={"type": "boolean"}),
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
        date=_DATE,
        currency={"type": "string", "enum": ["EUR", "USD", "GBP"]},
        total={"type": "number", "minimum": 0},
        lines=_LINES,
    ),
    "review": _object(
        sentiment={"type": "string", "enum": ["positive", "neutral", "negative"]},
        score={"type": "number", "minimum": 0, "maximum": 1},
        aspects=_ASPECTS,
    ),
    "meeting": _object(
        title=_TEXT,
        date=_DATE,
        minutes={"type": "integer", "minimum": 15, "maximum": 180},
        attendees={"type": "array", "minItems": 1, "maxItems": 5, "items": _TEXT},
        online={"type": "boolean"},
    ),
    "recall": _object(
        product=_TEXT,
        batch={"type": "integer", "minimum": 1, "maximum": 99999},
        hazard={"type": "string", "enum": ["fire", "shock", "injury", "none"]},
        sold_until=_DATE,
    ),
}
"""JSON Schemas that structured conversations ask for, by name."""


def _tool(name: str, description: str, **properties: Mapping[str, Any]) -> dict[str, Any]:
    function = {"name": name, "description": description, "parameters": _object(**properties)}
    return {"type": "function", "function": function}


TOOLS: tuple[dict[str, Any], ...] = (
    _tool("find_order", "Look up where an order is.", order=_TEXT, include_history={"type": "boolean"}),
    _tool(
        "search_trains",
        "Find trains between two cities.",
        origin=_TEXT,
        destination=_TEXT,
        date=_DATE,
        passengers={"type": "integer", "minimum": 1, "maximum": 6},
    ),
    _tool(
        "create_reminder",
        "Remind the user of something.",
        title=_TEXT,
        date=_DATE,
        repeat={"type": "string", "enum": ["never", "daily", "weekly"]},
    ),
)
"""Tools that tool conversations offer."""

_FOLLOW_UPS: tuple[str, ...] = (
    "Thanks. And now the same for number {n}, the {state} {thing}.",
    "Good. What changes if it is the {thing} from {place}, number {n}?",
    "And what is the advice for number {n}, a {state} {thing} from {place}?",
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One sort of conversation."""

    kind: str
    share: float
    """Of all conversations."""
    first: tuple[str, ...]
    """What a user may say first."""
    later: tuple[str, ...] = _FOLLOW_UPS
    schema: str | None = None
    """Name of the JSON Schema asked for."""
    tools: bool = False
    background: int = 0
    """Characters of material that the first prompt carries."""


SCENARIOS: Mapping[str, Scenario] = {
    "ticket": Scenario(
        "structured",
        0.115,
        ("Classify message {n}: the parcel to {place} arrived {state} and the {thing} does not work.",),
        schema="ticket",
    ),
    "invoice": Scenario(
        "structured",
        0.115,
        ("Extract invoice {n} from {place}: a {thing}, delivered {state}, payable within thirty days.",),
        schema="invoice",
    ),
    "review": Scenario(
        "structured",
        0.115,
        ("Judge review {n} from {place}: the {thing} is {state}, and the service was quick.",),
        schema="review",
    ),
    "meeting": Scenario(
        "structured",
        0.115,
        ("Read mail {n}: shall we meet in {place} about the {thing}? It is {state} and needs an hour.",),
        schema="meeting",
    ),
    "recall": Scenario(
        "structured", 0.02, ("Read notice {n}: the {thing} sold in {place} is called back.",), schema="recall"
    ),
    "chat": Scenario(
        "chat",
        0.19,
        (
            "How do I look after a {state} {thing}? I bought it in {place}, and the receipt is {n}.",
            "Explain to a colleague in {place} why our {thing} is {state}; the case number is {n}.",
            "Write a short note for customer {n} in {place} about the {state} {thing}.",
        ),
    ),
    "list": Scenario(
        "chat",
        0.06,
        (f"Give me the checks for the {{state}} {{thing}} of order {{n}} {BULLETS}.",),
        (
            f"And now the checks for number {{n}}, the {{thing}} from {{place}}, {BULLETS}.",
            f"Write the steps for the {{state}} {{thing}} with number {{n}} {BULLETS}.",
        ),
    ),
    "delicate": Scenario(
        "chat",
        0.05,
        (f"Write a {DELICATE} to customer {{n}} in {{place}} about the {{state}} {{thing}}.",),
        (f"And now a {DELICATE} to number {{n}} in {{place}}, who has the {{thing}}.",),
    ),
    "german": Scenario(
        "chat",
        0.02,
        ("Was mache ich mit dem Gerät ({thing}) aus {place}? Die Nummer ist {n} und es ist nicht in Ordnung.",),
        ("Danke. Und was gilt für die Nummer {n}, wenn sie aus {place} ist?",),
    ),
    "french": Scenario(
        "chat",
        0.01,
        ("Que faire avec le produit ({thing}) de {place} ? Le numéro est {n} et il ne marche pas.",),
        ("Merci. Et que faire pour le numéro {n}, qui est de {place} ?",),
    ),
    "spanish": Scenario(
        "chat",
        0.01,
        ("¿Qué hago con el aparato ({thing}) de {place}? El número es {n} y no funciona.",),
        ("Gracias. ¿Y qué hago con el número {n}, que es de {place}?",),
    ),
    "long": Scenario(
        "long", 0.02, ("What do these notes say about the {thing} of order {n} from {place}?",), background=LONG_CHARS
    ),
    "agent": Scenario(
        "tools",
        0.16,
        (
            "Where is order {n} with the {thing} that goes to {place}?",
            "I need a train to {place} for {n} reasons, one of them is a {state} {thing}.",
            "Remind me about the {state} {thing} in {place}, the reference is {n}.",
        ),
        tools=True,
    ),
}
"""Sorts of conversations by name. The rare ones are there to be broken alone: too rare to show in the whole."""

KINDS: Mapping[str, float] = {
    kind: sum(each.share for each in SCENARIOS.values() if each.kind == kind)
    for kind in dict.fromkeys(each.kind for each in SCENARIOS.values())
}
"""Kinds of conversation and their shares."""

_PLACES = ("Lyon", "Porto", "Graz", "Turku", "Leeds", "Ghent", "Bergen", "Kraków", "Basel", "Bilbao")
_THINGS = ("kettle", "bicycle", "headset", "router", "lamp", "camera", "blender", "printer", "drill", "tent")
_STATES = ("scratched", "unopened", "late", "repaired", "brand-new", "wet", "incomplete", "reliable")


def number_in(text: str) -> str | None:
    """Return the last five-digit number that a text names.

    >>> number_in("Write to customer 12345 about it."), number_in("And now?")
    ('12345', None)
    """
    found = _NUMBER.findall(text)
    return found[-1] if found else None


def request_parts(scenario: Scenario) -> dict[str, Any]:
    """Return what a request of a scenario carries beside its messages."""
    parts: dict[str, Any] = {}
    if scenario.schema is not None:
        json_schema = {"name": scenario.schema, "strict": True, "schema": SCHEMAS[scenario.schema]}
        parts["response_format"] = {"type": "json_schema", "json_schema": json_schema}
    if scenario.tools:
        parts |= {"tools": list(TOOLS), "tool_choice": "required"}
    return parts


def first_prompt(scenario: Scenario, rng: random.Random) -> str:
    """Return the first thing a user says."""
    question = _fill(rng.choice(scenario.first), rng)
    return f"{question}\n{_notes(scenario.background, rng)}" if scenario.background else question


def follow_up(scenario: Scenario, rng: random.Random) -> str:
    """Return what a user says in a later turn."""
    return _fill(rng.choice(scenario.later), rng)


def _notes(chars: int, rng: random.Random) -> str:
    lines: list[str] = []
    while sum(map(len, lines)) < chars:
        lines.append(f"Note {len(lines) + 1}: {rng.choice(SENTENCES['en'])}")
    return "\n".join(lines)


def _fill(template: str, rng: random.Random) -> str:
    return template.format(
        n=rng.randrange(10_000, 99_999),
        place=rng.choice(_PLACES),
        thing=rng.choice(_THINGS),
        state=rng.choice(_STATES),
    )
