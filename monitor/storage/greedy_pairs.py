"""Greedy answers by pairs: how often both legs of a request at temperature 0 ended in the same answer, grouped."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

__all__ = ["GreedyPairStore", "GreedyPairs", "NamedAnswers"]

_SKEW: Final = timedelta(seconds=5)
"""How far the clocks of the two legs' recorders may differ."""
_MOST_NAMES: Final = 1000

_TOKENS: Final = (
    "least(1000, CASE WHEN {leg}_tokens <= 64 THEN greatest({leg}_tokens, 1) "
    "ELSE ceil({leg}_tokens / 64.0) * 64 END)::int"
)
_PAIRS: Final = (
    "WITH places AS (SELECT id, array_position(names, 'agreement') AS place FROM reading_layouts), "  # noqa: S608
    "legs AS (SELECT route_id, request_id, leg, variant_id, started_at, readings[place]::int AS print, "
    "completion_tokens AS tokens FROM events JOIN places ON places.id = layout_id "
    "WHERE start_day BETWEEN :first_day AND :last_day AND started_at >= :since_skewed AND started_at < :until_skewed "
    "AND recorder = 'server' AND attempt = 1 AND leg IN ('primary', 'shadow') AND variant_id IS NOT NULL "
    "AND readings[place] > 0), "
    "requests AS (SELECT route_id, "
    "max(variant_id) FILTER (WHERE leg = 'primary') AS primary_id, max(variant_id) FILTER (WHERE leg = 'shadow') AS "
    "shadow_id, max(tokens) FILTER (WHERE leg = 'primary') AS p_tokens, max(tokens) FILTER (WHERE leg = 'shadow') AS "
    "s_tokens, max(print) FILTER (WHERE leg = 'primary') AS p, max(print) FILTER (WHERE leg = 'shadow') AS s "
    "FROM legs GROUP BY route_id, request_id "
    "HAVING count(*) FILTER (WHERE leg = 'primary') = 1 AND count(*) FILTER (WHERE leg = 'shadow') = 1 "
    "AND max(started_at) FILTER (WHERE leg = 'primary') >= :since "
    "AND max(started_at) FILTER (WHERE leg = 'primary') < :until) "
    f"SELECT route_id, primary_id, shadow_id, {_TOKENS.format(leg='p')}, {_TOKENS.format(leg='s')}, "
    "count(*) AS n, count(*) FILTER (WHERE p <> s) AS differing "
    "FROM requests WHERE NOT (p % 2 = 1 AND s % 2 = 1) GROUP BY 1, 2, 3, 4, 5"
)
"""A print is 0 where there is no answer, and odd where it is of open prose: two of those are not compared. Grouped, not
joined: a join of as yet unanalysed rows may be planned as a loop in a loop."""
_NAMES: Final = (
    "SELECT variant_id, CASE WHEN response_model IS DISTINCT FROM requested_model THEN response_model END AS name, "
    "max(started_at) AS last FROM events "
    "WHERE start_day BETWEEN :first_day AND :last_day AND started_at >= :since AND started_at < :until "
    "AND recorder = 'server' AND variant_id IS NOT NULL AND failure IS NULL AND coalesce(status, 200) < 400 "
    "GROUP BY 1, 2 ORDER BY 3 DESC LIMIT :most"
)
"""A response that repeats the request's name for the model tells nothing of the server."""


@dataclass(frozen=True, slots=True)
class GreedyPairs:
    """Pairs of one route, two variants and two lengths (tokens, rounded up from 64 on; None if not told)."""

    route_id: int
    primary_id: int
    shadow_id: int
    primary_tokens: int | None
    shadow_tokens: int | None
    pairs: int
    differing: int


@dataclass(frozen=True, slots=True)
class NamedAnswers:
    """Answers of a variant whose server named its model so; None stands for those that told nothing by it."""

    variant_id: int
    name: str | None
    last_at: datetime


class GreedyPairStore:
    """Two reads of ``events``, grouped over all routes: each event is looked at once, whatever the number of routes."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def started(self, since: datetime, until: datetime) -> list[GreedyPairs]:
        """Return the pairs whose primary leg started in [since, until) and whose answers can be compared."""
        span = {"since_skewed": since - _SKEW, "until_skewed": until + _SKEW, **_days(since - _SKEW, until + _SKEW)}
        rows = self._session.execute(text(_PAIRS), {"since": since, "until": until, **span})
        return [GreedyPairs(*row) for row in rows]

    def named(self, since: datetime, until: datetime) -> list[NamedAnswers]:
        """Return what the servers of answers that started in [since, until) named their models, per variant."""
        span = {"since": since, "until": until, "most": _MOST_NAMES, **_days(since, until)}
        return [NamedAnswers(*row) for row in self._session.execute(text(_NAMES), span)]


def _days(since: datetime, until: datetime) -> dict[str, Any]:
    return {"first_day": since.astimezone(UTC).date(), "last_day": until.astimezone(UTC).date()}
