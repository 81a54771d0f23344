"""Tool loops: an agent makes the same call again though nothing could have changed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import msgspec
from typing_extensions import override

from detectors.base import Signal
from detectors.types import CANCELLED, Exchange, Margin, Message, Outcome, Reading, SignalKind, ToolCall

__all__ = ["MAX_ARGUMENTS_CHARS", "MAX_STEPS", "ToolLoop"]

MAX_STEPS = 64
"""Messages of the run that are looked back on."""
MAX_ARGUMENTS_CHARS = 1 << 16
"""Longer arguments are the same only if every character is."""
_REPEATED = Reading(1.0, "same_call")
_NO_PROGRESS = Reading(1.0, "no_progress")
_ANSWERED = Reading(0.0, "no_call")
_NEW = Reading(0.0, "new_call")
_MAY_DIFFER = Reading(0.0, "may_differ")

_NAME_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
# Words in the names of tools whose second call may give something else by itself: steps, waiting, chance, time.
_STEPPING_WORDS = """
back check click continue forward key next now observe page poll press previous progress random redo roll
screenshot scroll shuffle sleep snapshot status step swipe tap tick time type undo wait
"""
# Words in the names of tools after which another tool may give something else: they change the world.
_ACTING_WORDS = """
add append apply bash book browse build buy cancel change checkout close code command commit compile copy
create delete deploy disable download drag edit enable eval exec execute fill goto insert install login modify
move navigate open order patch pay post put python remove rename replace restart run save schedule select send
set shell start stop str submit terminal toggle update upload write
"""
_STEPPING = frozenset(_STEPPING_WORDS.split())
_ACTING = _STEPPING | frozenset(_ACTING_WORDS.split())


@dataclass(frozen=True, slots=True)
class ToolLoop(Signal):
    """1 when the answer makes a tool call again that was made since the user's last turn, with the same arguments.

    Sees a call that is repeated although nothing between could have changed what it gives, and one made for the third
    time after the same result twice. Arguments are compared as JSON. Misses loops with small changes in the
    arguments. A call that may well give something else (scrolling, waiting, a status; a test run after an edit, told
    by the words in the tools' names) is no loop until its result stays the same.

    Applies when the assistant called a tool since the user's last turn.
    """

    name: ClassVar[str] = "tool_loop"
    version: ClassVar[int] = 1
    kind: ClassVar[SignalKind] = SignalKind.BIT
    title: ClassVar[str] = "Repeated tool calls"
    unit: ClassVar[str] = "share of requests"
    default_margin: ClassVar[Margin] = Margin(absolute=0.005)
    default_weight: ClassVar[float] = 0.5

    @override
    def read(self, exchange: Exchange) -> Reading | None:
        """Return 1 for a repeated call, 0 otherwise, or None when not applicable or not logged."""
        request, answer, outcome = exchange.request, exchange.answer, exchange.outcome
        if request is None or len(request.messages) < 2:  # noqa: PLR2004 - a call and its result
            return None
        run = _run(request.messages)
        if not run or outcome.failure is CANCELLED:
            return None
        if outcome.failed:
            return self.read_failure(outcome)
        return None if answer is None else _read(answer.tool_calls, run)

    @override
    def read_failure(self, outcome: Outcome) -> Reading:
        """Return 0: an answer that never came repeats nothing."""
        return Reading(0.0, "cancelled" if outcome.failure is CANCELLED else "no_answer")


@dataclass(frozen=True, slots=True)
class _Made:
    """A call that was made, with what came back if that was logged."""

    call: ToolCall
    result: str | None


def _run(messages: Sequence[Message]) -> Sequence[Message]:
    """Return the messages since the user's last turn if a tool was called among them, else nothing."""
    called = False
    place = len(messages)
    while place and messages[place - 1].role != "user":
        place -= 1
        called = called or bool(messages[place].tool_calls)
    return messages[place:][-MAX_STEPS:] if called else ()


def _read(calls: Sequence[ToolCall], run: Sequence[Message]) -> Reading:
    if not calls:
        return _ANSWERED
    made = _made(run)
    readings = [_again(call, made) for call in calls[:MAX_STEPS]]
    return max(readings, key=lambda reading: (reading.value, reading is _MAY_DIFFER))


def _made(run: Sequence[Message]) -> list[_Made]:
    """Return the calls in order; the results after a step belong to its calls in their order."""
    made: list[_Made] = []
    for place, message in enumerate(run):
        results = []
        for later in run[place + 1 :]:
            if later.role != "tool":
                break
            results.append(later.text)
        made += [_Made(call, results[at] if at < len(results) else None) for at, call in enumerate(message.tool_calls)]
    return made[-MAX_STEPS:]


def _again(call: ToolCall, made: Sequence[_Made]) -> Reading:
    """Return the reading of one call, given those before it."""
    spelling = _spelling(call)
    places = [place for place, before in enumerate(made) if _same(before.call, call, spelling)]
    if not places:
        return _NEW
    between = [each.call.name for each in made[places[-1] + 1 :]]
    if not _words(call.name) & _STEPPING and not any(_words(name) & _ACTING for name in between):
        return _REPEATED
    results = [made[place].result for place in places[-2:]]
    unchanged = len(results) > 1 and results[0] is not None and results[0] == results[1]
    return _NO_PROGRESS if unchanged else _MAY_DIFFER


def _same(call: ToolCall, other: ToolCall, spelling: bytes | None) -> bool:
    if call.name != other.name:
        return False
    return call.arguments == other.arguments or (spelling is not None and _spelling(call) == spelling)


def _spelling(call: ToolCall) -> bytes | None:
    """Return one spelling of the arguments, whatever the order of keys and the spaces; None if they are not JSON."""
    if len(call.arguments) > MAX_ARGUMENTS_CHARS:
        return None
    try:
        return msgspec.json.encode(msgspec.json.decode(call.arguments), order="deterministic")
    except (RecursionError, ValueError):
        return None


def _words(name: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _NAME_PARTS.findall(name[:200]))
