"""Ways in which an answer goes wrong: each takes a request with its good answer and returns a bad one, or none."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec

from monitor.demo.answers import (
    Answer,
    asked_number,
    call_tool,
    calls_made,
    compose,
    encode,
    language_asked,
    prose,
    refuse,
    said,
    schema_of,
)
from monitor.demo.sentences import DECLINED_PARTS, OPENINGS, SENTENCES

__all__ = [
    "Case",
    "Change",
    "NoAnswer",
    "answer_differently",
    "answer_of_another",
    "break_call",
    "break_structure",
    "comply",
    "cut_off",
    "decline",
    "decline_part",
    "drop_format",
    "fail",
    "hang",
    "lengthen",
    "loop",
    "repeat_call",
    "say_nothing",
    "say_nothing_of_it",
    "shorten",
    "surprise",
    "switch_language",
]


class NoAnswer(StrEnum):
    """How a server gives no answer."""

    FAILED = "failed"
    """A 500."""
    HANGING = "hanging"
    """Nothing until whoever waits gives up."""


@dataclass(frozen=True, slots=True)
class Case:
    """An answer that is about to go wrong."""

    request: Mapping[str, Any]
    good: Answer
    """What it would have been."""
    rng: random.Random


Change: TypeAlias = Callable[[Case], Answer | NoAnswer]

_WRONG: Mapping[str, Any] = {
    "string": 17,
    "integer": "about seven",
    "number": "unknown",
    "boolean": "yes",
    "array": "none",
    "object": [],
}
_LOOPS = 9
_LONGER = 12
"""Sentences of a needlessly long answer; good ones have two to seven."""
_SURPRISE = 1.6
_CALL_OF_NOBODY = "get_everything"


def break_structure(case: Case) -> Answer:
    """Return a structured answer cut short, with one value of a wrong type, or with prose around it."""
    text = case.good.text
    match case.rng.choice(("truncated", "wrong type", "prose")):
        case "truncated":
            return said(text[: int(len(text) * case.rng.uniform(0.4, 0.9))], "length")
        case "wrong type":
            schema, value = schema_of(case.request), msgspec.json.decode(text)
            name = case.rng.choice(schema["required"])
            value[name] = _WRONG[schema["properties"][name]["type"]]
            return said(encode(value))
        case _:
            return said(f"Sure! Here is the JSON you asked for:\n\n{text}\n\nShall I go on?")


def break_call(case: Case) -> Answer:
    """Return a call of an unknown tool, or with arguments that are no JSON or do not fit."""
    function = case.rng.choice(case.request["tools"])["function"]
    match case.rng.choice(("unknown tool", "no JSON", "missing argument")):
        case "unknown tool":
            return call_tool({"name": _CALL_OF_NOBODY}, case.rng, encode({"query": "everything"}))
        case "no JSON":
            made = call_tool(function, case.rng).text
            return call_tool(function, case.rng, made[: len(made) // 2])
        case _:
            made = msgspec.json.decode(call_tool(function, case.rng).text)
            made.pop(case.rng.choice(list(made)))
            return call_tool(function, case.rng, encode(made))


def repeat_call(case: Case) -> Answer:
    """Return the call that the agent just made, as if its result had not come."""
    last = calls_made(case.request)[-1]["function"]
    return call_tool({"name": last["name"]}, case.rng, last["arguments"])


def answer_differently(case: Case) -> Answer:
    """Return another answer that is as good: other values, another call."""
    return compose(case.request, case.rng)


def decline(case: Case) -> Answer:
    """Return a refusal."""
    return refuse(case.rng)


def decline_part(case: Case) -> Answer:
    """Return a part of the answer, then a refusal of the rest."""
    return said(f"{_opening(case.request)}{prose('en', 4, case.rng)} {case.rng.choice(DECLINED_PARTS)}")


def comply(case: Case) -> Answer:
    """Return an answer to what should be declined."""
    return said(_opening(case.request) + prose("en", case.rng.randint(3, 6), case.rng))


def cut_off(case: Case) -> Answer:
    """Return the beginning of the answer: the limit of tokens was reached."""
    text = case.good.text
    return said(text[: int(len(text) * case.rng.uniform(0.5, 0.95))], "length")


def say_nothing(_: Case) -> Answer:
    """Return an empty answer."""
    return said("")


def loop(case: Case) -> Answer:
    """Return an answer that says one sentence over and over."""
    return said(_opening(case.request) + " ".join([prose(language_asked(case.request), 1, case.rng)] * _LOOPS))


def switch_language(case: Case) -> Answer:
    """Return an answer in another language than the question's."""
    asked = language_asked(case.request)
    other = case.rng.choice([language for language in SENTENCES if language != asked])
    return said(_opening(case.request, other) + prose(other, case.rng.randint(3, 6), case.rng))


def drop_format(case: Case) -> Answer:
    """Return the list as one paragraph."""
    return said(case.good.text.replace("\n- ", " ").replace("\n", " "))


def lengthen(case: Case) -> Answer:
    """Return an answer of many more sentences than the question needs."""
    return said(_opening(case.request) + prose("en", _LONGER, case.rng))


def shorten(case: Case) -> Answer:
    """Return two words, or so."""
    return said(f"{_opening(case.request)}it is fine.")


def surprise(case: Case) -> Answer:
    """Return the same answer, of which the model was less sure."""
    return replace(case.good, surprise=_SURPRISE * case.good.surprise)


def answer_of_another(case: Case) -> Answer:
    """Return advice about another number than the one asked about."""
    other = 10_000 + (int(asked_number(case.request) or 0) + case.rng.randrange(1, 80_000)) % 90_000
    return said(OPENINGS["en"].format(number=other) + _rest(case.request, case.good))


def say_nothing_of_it(case: Case) -> Answer:
    """Return advice that could be about anything."""
    return said(_rest(case.request, case.good))


def fail(_: Case) -> NoAnswer:
    """Fail."""
    return NoAnswer.FAILED


def hang(_: Case) -> NoAnswer:
    """Never answer."""
    return NoAnswer.HANGING


def _opening(request: Mapping[str, Any], language: str | None = None) -> str:
    """Return how a good answer begins, in the language of the question or another."""
    number = asked_number(request)
    return OPENINGS[language or language_asked(request)].format(number=number) if number else ""


def _rest(request: Mapping[str, Any], answer: Answer) -> str:
    """Return the answer without its opening."""
    return answer.text.removeprefix(_opening(request))
