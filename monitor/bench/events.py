"""Invented events for the benchmark: 1 to 4 KB of English-like text, structured answers, tool calls."""

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, Final
from uuid import UUID

__all__ = ["ROUTE", "VARIANTS", "Generator", "Ring"]

ROUTE = "bench"
VARIANTS = 12
_PLACE = "00000000-0000-0000-0000-000000000000"
_COMMON: Final = (
    "the of and to in parcel order customer delivery address morning please could you tell me when where arrives "
    "invoice number street late again because driver found nobody home neighbour signed return label printed "
    "refund within days contact support team window between noon and evening tracking shows scanned depot "
    "weather delay route changed box damaged replacement sent today confirm phone email account payment card "
    "thank kindly regarding request information available service option standard express insured value "
    "Lisbon Porto Hamburg Vienna Turin Lyon Gdansk Malmo Bergen Cork"
).split(" ")
_SYLLABLES: Final = (
    "ab ber ca con de dor el en fa fer ga gra ho im in ja ka lan le mar men no or pa per ra re sa ta ter ul ver"
).split(" ")
_VOCABULARY = 3_000
"""Words; as in real text a few are frequent and most are rare."""
_SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "parcels": {"type": "integer"},
        "priority": {"enum": ["low", "normal", "high"]},
        "notes": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["city", "parcels"],
    "additionalProperties": False,
}
_TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "track_parcel",
            "description": "Look up where a parcel is.",
            "parameters": {
                "type": "object",
                "properties": {"parcel": {"type": "string"}, "detail": {"type": "boolean"}},
                "required": ["parcel"],
            },
        },
    }
]


Template = tuple[bytes, ...]


class Generator:
    """Makes events from a seed; no two are alike."""

    def __init__(self, seed: int, now: datetime) -> None:
        self._random = random.Random(seed)
        self._now = now
        rare = ("".join(self._random.choices(_SYLLABLES, k=self._random.randint(1, 4))) for _ in range(_VOCABULARY))
        self._words = [*_COMMON, *rare]
        self._weights = list(accumulate(1.0 / (rank + 10) for rank in range(len(self._words))))

    def events(self, n: int) -> Iterator[bytes]:
        """Yield n events as JSON."""
        for _ in range(n):
            yield self.fresh(self.template())

    def template(self) -> Template:
        """Return an event as JSON, cut where its id stands."""
        return tuple(json.dumps(self._shape()).encode().split(_PLACE.encode()))

    def fresh(self, template: Template) -> bytes:
        """Return the event of a template with a new id."""
        return str(UUID(int=self._random.getrandbits(128), version=4)).encode().join(template)

    def _text(self, mean: int) -> str:
        size = max(8, round(self._random.lognormvariate(0.0, 0.45) * mean))
        return " ".join(self._random.choices(self._words, cum_weights=self._weights, k=size)).capitalize() + "."

    def _shape(self) -> dict[str, Any]:
        kind = self._random.random()
        request: dict[str, Any] = {
            "model": ROUTE,
            "messages": [
                {"role": "system", "content": self._text(35)},
                {"role": "user", "content": self._text(35 if kind < 0.6 else 60)},  # noqa: PLR2004
            ],
            "temperature": 0.2,
            "stream": self._random.random() < 0.5,  # noqa: PLR2004
        }
        message: dict[str, Any] = {"role": "assistant", "content": self._text(70)}
        reason = "stop"
        if kind < 0.3:  # noqa: PLR2004
            request["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "parcels", "strict": True, "schema": _SCHEMA},
            }
            notes = [self._text(9) for _ in range(4)]
            message["content"] = json.dumps({"city": "Porto", "parcels": 3, "priority": "low", "notes": notes})
        elif kind < 0.6:  # noqa: PLR2004
            request["tools"] = _TOOLS
            call = {"name": "track_parcel", "arguments": json.dumps({"parcel": self._text(30), "detail": True})}
            message = {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "call_1", "type": "function", "function": call}],
            }
            reason = "tool_calls"
        started = self._now - timedelta(milliseconds=self._random.randrange(60_000))
        duration = self._random.lognormvariate(6.0, 0.4)
        return {
            "request_id": _PLACE,
            "event_id": f"chatcmpl-{_PLACE}",
            "started_at": started.isoformat().replace("+00:00", "Z"),
            "backend": f"backend-{self._random.randrange(VARIANTS)}",
            "host": "llm.example",
            "route": ROUTE,
            "status": 200,
            "duration_ms": round(duration, 3),
            "ttft_ms": round(duration * 0.2, 3),
            "request": request,
            "response": {
                "id": f"chatcmpl-{_PLACE}",
                "object": "chat.completion",
                "model": "bench-int4",
                "system_fingerprint": "fp_44709d6fcb",
                "choices": [{"index": 0, "message": message, "finish_reason": reason}],
                "usage": {
                    "prompt_tokens": 150,
                    "completion_tokens": self._random.randrange(20, 400),
                    "total_tokens": 400,
                },
            },
        }


class Ring:
    """Events for a long run: ids are always new, texts come from a ring that is renewed all the time.

    Inventing a text costs as much as storing it; taking it from the ring costs a tenth, so that the source of the
    events never limits the run.
    """

    def __init__(self, generator: Generator, size: int = 2_000, renewed_every: int = 20) -> None:
        self._generator = generator
        self._templates = [generator.template() for _ in range(size)]
        self._renewed_every = renewed_every

    def events(self, n: int) -> Iterator[bytes]:
        """Yield n events as JSON; every so many, a new text replaces the oldest of the ring."""
        size = len(self._templates)
        for index in range(n):
            if index % self._renewed_every == 0:
                self._templates[index // self._renewed_every % size] = self._generator.template()
            yield self._generator.fresh(self._templates[index % size])
