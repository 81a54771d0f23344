"""Which answers of a session were retried, regenerated or corrected, and which failed attempts were sent again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

from detectors.turns import TurnPrint, near_duplicate

__all__ = ["MAX_LOOK_BACK", "Attempt", "Judged", "Reaction", "judge"]

MAX_LOOK_BACK = 64
"""Attempts that one request is compared with: the cost of a session grows with its length only."""


class Reaction(StrEnum):
    """What a later request says about an answer; the values of the first three are the signals' names."""

    RETRY = "retry_loop"
    REGENERATE = "regenerate"
    CORRECTION = "correction"
    API_RETRY = "api_retry"
    """A failed attempt was sent again by the client: no user's judgement of an answer."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One primary attempt of a session. Never a shadow leg: nobody reacts to a shadow answer.

    Raises:
        ValueError: a time is not finite, or it ended before it started.
    """

    id: str
    started_s: float
    ended_s: float
    failed: bool = False
    """It gave an error or timed out instead of an answer."""
    turn: TurnPrint | None = None
    answer: bytes | None = None
    """:func:`detectors.turns.answer_digest` of its answer."""
    said: frozenset[Reaction] = frozenset()
    """The signals that read 1 on its request: what its user turn says about the answer before."""

    def __post_init__(self) -> None:
        if not (isfinite(self.started_s) and isfinite(self.ended_s)):
            raise ValueError("started_s and ended_s must be finite")
        if self.ended_s < self.started_s:
            raise ValueError(f"ended_s must be >= started_s, got {self.ended_s!r} < {self.started_s!r}")


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one attempt's answer; final from ``matures_s`` on."""

    id: str
    matures_s: float
    reactions: frozenset[Reaction]


def judge(attempts: Sequence[Attempt], matures_after_s: float) -> tuple[Judged, ...]:
    """Return what became of each attempt, in the order in which they were given.

    A request speaks about an attempt that ended before it started and is not mature yet, so a bit never changes once it
    counts and every answer is watched for the same time. It is taken as

    * ``REGENERATE`` of the latest answer to the same history and turn, ``API_RETRY`` if that attempt failed;
    * ``RETRY`` of the latest answer to a near-duplicate turn after the same history (or with no assistant before
      either), ``API_RETRY`` if that attempt failed;
    * what ``said`` holds about the answer that its own history ends on, recognised by its digest; where the latest
      answer's text was not logged, about that one. An answer that is not in the session (another model's, edited by the
      client) is nobody's.

    Requests that overlap in time are no reaction to each other: parallel samples and hedged calls stay out. Time is
    at most 64 comparisons an attempt. The result does not depend on the order given.

    Args:
        attempts: a session's attempts.
        matures_after_s: seconds after its end at which an answer's bit is final, above 0. A larger value sees later
            reactions and decides later.

    Raises:
        ValueError: ``matures_after_s`` is not above 0 and finite.
    """
    if not (matures_after_s > 0.0 and isfinite(matures_after_s)):
        raise ValueError(f"matures_after_s must be above 0 and finite, got {matures_after_s!r}")
    ordered = sorted(range(len(attempts)), key=lambda place: (attempts[place].started_s, attempts[place].id))
    found: list[set[Reaction]] = [set() for _ in attempts]
    for rank, place in enumerate(ordered):
        request = attempts[place]
        earlier = [
            before
            for before in ordered[max(0, rank - MAX_LOOK_BACK) : rank]
            if attempts[before].ended_s <= request.started_s < attempts[before].ended_s + matures_after_s
        ]
        earlier.sort(key=lambda before: (attempts[before].ended_s, attempts[before].id), reverse=True)
        for before, reaction in _speaks_about(request, [(each, attempts[each]) for each in earlier]):
            found[before].add(reaction)
    return tuple(
        Judged(attempt.id, attempt.ended_s + matures_after_s, frozenset(reactions))
        for attempt, reactions in zip(attempts, found, strict=True)
    )


def _speaks_about(request: Attempt, earlier: Sequence[tuple[int, Attempt]]) -> Iterator[tuple[int, Reaction]]:
    turn = request.turn
    if turn is None:
        return
    for same, reaction in ((_same, Reaction.REGENERATE), (_edited, Reaction.RETRY)):
        place = next((at for at, before in earlier if before.turn is not None and same(turn, before.turn)), None)
        if place is not None:
            failed = next(before.failed for at, before in earlier if at == place)
            yield place, Reaction.API_RETRY if failed else reaction
            return  # sent again as a whole: its user turn was read the first time
    if turn.previous is not None and request.said:
        answers = [(at, before) for at, before in earlier if not before.failed]
        answered = next((at for at, before in answers if before.answer == turn.previous), None)
        if answered is None and answers and answers[0][1].answer is None:
            answered = answers[0][0]
        if answered is not None:
            for reaction in sorted(request.said - {Reaction.API_RETRY}):
                yield answered, reaction


def _same(turn: TurnPrint, before: TurnPrint) -> bool:
    return turn.exact == before.exact and turn.history == before.history


def _edited(turn: TurnPrint, before: TurnPrint) -> bool:
    beginnings = turn.previous is None and before.previous is None
    return (turn.history == before.history or beginnings) and near_duplicate(turn, before)
