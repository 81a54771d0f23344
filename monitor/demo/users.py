"""The demo's users: they hold conversations, read the answers, and react to what they read, whoever wrote it."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from monitor.demo.names import ROUTE
from monitor.demo.scenarios import KINDS, SCENARIOS, Scenario, first_prompt, follow_up, number_in, request_parts
from monitor.demo.sentences import REFUSALS

__all__ = ["Conversation", "Impression", "TrafficPlan", "impression_of"]

_REACTS = 0.75
"""Share of the answers that miss the point which a user does something about."""
_MISREADS = 0.006
"""Share of good answers that a user takes for bad ones."""
_MOST_REACTIONS = 2
"""In one conversation."""


class Impression(StrEnum):
    """What a user thinks of an answer."""

    FINE = "fine"
    WRONG = "wrong"
    """It is about another number."""
    NOTHING = "nothing"
    """It has nothing of what was asked."""


class _Act(StrEnum):
    """What a user does next."""

    GO_ON = "go_on"
    CORRECT = "correct"
    ASK_AGAIN = "ask_again"
    COMMAND_AGAIN = "command_again"
    SEND_AGAIN = "send_again"
    """By a button: the same request once more."""
    HAND_BACK = "hand_back"
    """The tool's result, no user's turn."""


_ANSWERS_TO: Mapping[Impression, tuple[_Act, ...]] = {
    Impression.WRONG: (_Act.CORRECT,),
    Impression.NOTHING: (*[_Act.ASK_AGAIN] * 4, _Act.SEND_AGAIN, _Act.COMMAND_AGAIN),
}
_CORRECTIONS = (
    "No, I meant number {number}.",
    "That's not what I asked. I meant number {number}.",
    "That is wrong: I asked about number {number}.",
)
_COMMANDS = ("Try again, please.", "No, try again.", "Please regenerate the answer.")


def impression_of(asked: str, answer: str) -> Impression:
    """Return what a user who asked about a number thinks of an answer. A refusal is an answer, of sorts.

    >>> impression_of("Where is order 12345?", "About number 12345: it is here.").value
    'fine'
    >>> impression_of("Where is order 12345?", "About number 54321: it is here.").value
    'wrong'
    """
    wanted, got = number_in(asked), number_in(answer)
    if wanted is None or wanted == got or answer in REFUSALS:
        return Impression.FINE
    return Impression.NOTHING if got is None else Impression.WRONG


@dataclass(frozen=True, slots=True)
class TrafficPlan:
    """What traffic to send."""

    rps: float = 55.0
    seed: int = 1
    kinds: tuple[str, ...] = tuple(KINDS)
    turns: int = 5
    """Most requests of a conversation, those of reactions left out."""
    max_tokens: int | None = None
    logprobs: bool = True
    """Requests that do not stream ask for log-probabilities."""
    concurrency: int = 150
    """Arrivals above this many open requests are dropped, and counted."""


class Conversation:
    """One user's session: what was said so far and what comes next.

    Args:
        plan: what traffic to send.
        rng: decides scenario, length and words.
        scenario: name of the scenario; None: one of the plan's kinds by their shares.
    """

    def __init__(self, plan: TrafficPlan, rng: random.Random, scenario: str | None = None) -> None:
        self.session_id = _uuid(rng)
        self._rng = rng
        self._plan = plan
        offered = [name for name, each in SCENARIOS.items() if each.kind in plan.kinds]
        drawn = rng.choices(offered, [SCENARIOS[name].share for name in offered])[0]
        self._scenario: Scenario = SCENARIOS[scenario or drawn]
        self._left = rng.randint(1, plan.turns)
        self._reactions = 0
        self._asked = ""
        self._next = _Act.GO_ON
        self._messages: list[dict[str, Any]] = []

    def next_request(self) -> tuple[str, dict[str, Any]]:
        """Return the id and the body of the next request."""
        self._left -= 1
        self._take_turn()
        body: dict[str, Any] = {"model": ROUTE, "messages": self._messages, "temperature": 0}
        body |= request_parts(self._scenario)
        if self._next is _Act.HAND_BACK:
            body["tool_choice"] = "auto"
        if self._rng.choice((True, False)):
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        elif self._plan.logprobs:
            body["logprobs"] = True
        if self._plan.max_tokens is not None:
            body["max_tokens"] = self._plan.max_tokens
        return _uuid(self._rng), body

    def hear(self, message: Mapping[str, Any]) -> bool:
        """Take the answer into the history and decide what to do about it; tell whether the user goes on."""
        self._messages.append({key: value for key, value in message.items() if value is not None})
        calls = message.get("tool_calls") or ()
        for call in calls:
            self._messages.append({"role": "tool", "tool_call_id": call["id"], "content": '{"found":true}'})
        self._next = _Act.HAND_BACK if calls else self._reaction(str(message.get("content") or ""))
        if self._next in {_Act.GO_ON, _Act.HAND_BACK}:
            return self._left > 0
        self._reactions += 1
        return True

    def _reaction(self, answer: str) -> _Act:
        """Return what the user does about an answer in prose; programs read the others and say nothing."""
        if self._scenario.schema or self._scenario.tools or self._reactions >= _MOST_REACTIONS:
            return _Act.GO_ON
        seen = impression_of(self._asked, answer)
        if self._rng.random() >= (_MISREADS if seen is Impression.FINE else _REACTS):
            return _Act.GO_ON
        if seen is Impression.FINE:
            seen = self._rng.choice((Impression.WRONG, Impression.NOTHING))
        return self._rng.choice(_ANSWERS_TO[seen])

    def _take_turn(self) -> None:
        match self._next:
            case _Act.HAND_BACK:
                return
            case _Act.SEND_AGAIN:
                self._messages = self._messages[:-1]
            case _Act.CORRECT:
                wording = _CORRECTIONS[self._reactions % len(_CORRECTIONS)]
                self._say(wording.format(number=number_in(self._asked)))
            case _Act.COMMAND_AGAIN:
                self._say(self._rng.choice(_COMMANDS))
            case _Act.ASK_AGAIN:
                self._say(self._asked)
            case _Act.GO_ON:
                asks: Callable[[Scenario, random.Random], str] = follow_up if self._messages else first_prompt
                self._asked = asks(self._scenario, self._rng)
                self._say(self._asked)

    def _say(self, text: str) -> None:
        self._messages.append({"role": "user", "content": text})


def _uuid(rng: random.Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))
