"""Generated traffic for the benchmark of evaluation: pairs of events of one tick, made inside PostgreSQL."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from psycopg import sql

from detectors.registry import SIGNALS, all_names
from detectors.types import SignalKind
from monitor.storage.days import ensure_days
from monitor.storage.layouts import ensure_layout

__all__ = ["MADE_SLICES", "MadeTick", "make_ticks"]

_VALUES: Final = {
    "prompt": ("1k", "8k", "32k", "over32k"),
    "kind": ("chat", "structured", "tools", "code"),
    "lang": ("en", "de", "fr", "es", "it", "pt", "nl", "pl"),
    "endpoint": ("a", "b", "c", "d", "e", "f"),
    "tag": ("blue", "green", "red", "white", "black", "grey", "pink", "brown"),
}
MADE_SLICES: Final = ("all", "first_turn", *(f"{family}:{value}" for family, some in _VALUES.items() for value in some))
"""Slices that the events are in, the first ones the most general."""
_PARTLY: Final = {"schema_validity": 0.3, "tool_loop": 0.3, "format_drift": 0.3, "logprob_shift": 0.5, "agreement": 0.2}
"""Shares of the requests that a signal applies to; all where nothing is said."""
_INSERT: Final = """
INSERT INTO events (
    route_id, start_day, event_key, variant_id, source, recorder, leg, rule, attempt, request_id, backend, mirrored,
    started_at, received_at, status, duration_ms, completion_tokens, slices, layout_id, readings
)
SELECT %(route)s, %(day)s, gen_random_uuid(), CASE WHEN leg = 1 OR i %% 10 = 0 THEN %(baseline)s ELSE %(candidate)s END,
    'bench', 'server', CASE leg WHEN 0 THEN 'primary' ELSE 'shadow' END, 'explicit', 1, key::text,
    'backend-' || i %% 4, NULL, at, at + interval '1 s', 200, 250, (200 + 20 * random())::integer, slices, %(layout)s,
    {readings}::real[]
FROM (SELECT i, gen_random_uuid() AS key, random() AS u, {slices} AS slices,
             %(start)s + i * %(length)s / %(pairs)s AS at
      FROM generate_series(0, %(pairs)s - 1) AS i) AS request, generate_series(0, 1) AS leg
"""


@dataclass(frozen=True, slots=True)
class MadeTick:
    """One tick of a route: every tenth pair is the baseline against itself."""

    route_id: int
    baseline_id: int
    candidate_id: int
    start: datetime
    end: datetime
    pairs: int


def make_ticks(url: str, ticks: list[MadeTick]) -> None:
    """Store the events of some ticks, then tidy up."""
    asyncio.run(_make(url, ticks))


async def _make(url: str, ticks: list[MadeTick]) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, options="-c timezone=UTC") as connection:
        layout = await ensure_layout(connection, all_names())
        statement = sql.SQL(_INSERT).format(readings=sql.SQL(_readings()), slices=sql.SQL(_slices()))
        for tick in ticks:
            day = tick.start.astimezone(UTC).date()
            await ensure_days(connection, {day})
            values: dict[str, Any] = {
                "route": tick.route_id,
                "day": day,
                "baseline": tick.baseline_id,
                "candidate": tick.candidate_id,
                "start": tick.start,
                "length": tick.end - tick.start,
                "pairs": tick.pairs,
                "layout": layout.id,
            }
            await connection.execute(statement, values)
        await connection.execute("VACUUM (ANALYZE) events")


def _readings() -> str:
    """Return what makes an event's readings in the order of the layout; half of the signals at a rate of 1 %."""
    return "ARRAY[" + ", ".join(map(_reading, all_names())) + "]"


def _reading(name: str) -> str:
    signal = SIGNALS[name]
    if not signal.paired:
        return "NULL"
    amount = "exp(5.5 + 1.2 * (random() + random() + random() - 1.5))"
    made = {
        SignalKind.BIT: "(random() < 0.01)::integer",
        SignalKind.LATENCY: amount,
        SignalKind.AMOUNT: amount,
        SignalKind.PRINT: "1 + floor(4 * random())",
    }[signal.kind]
    share = _PARTLY.get(name)
    return made if share is None else f"CASE WHEN u < {share} THEN {made} END"


def _slices() -> str:
    """Return what makes a request's slices: the commonest value of each family on half of the requests."""
    picked = [
        f"'{family}:' || (ARRAY{list(values)})[1 + floor({len(values)} * pow(random(), 2))::integer]"
        for family, values in _VALUES.items()
    ]
    first = "CASE WHEN random() < 0.4 THEN ARRAY['first_turn'] ELSE ARRAY[]::text[] END"
    return f"{first} || ARRAY[{', '.join(picked)}]"
